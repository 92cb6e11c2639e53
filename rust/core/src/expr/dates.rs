//! Functions of days and instants.
//!
//! In: columns of days or instants (in UTC). Out: parts of them as integers, days and instants beside them.
//! Differences count the borders of a part that lie between, as DuckDB does: from 31 January to 1 February
//! is one month.

use super::calendar::{civil, days, days_of_month};
use super::column::{Column, midnight};
use super::evaluate::{Failure, Faults};
use super::node::{Function, Kind, Literal, Node};

/// The microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// A part of an instant, for differences and truncation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Year,
    Quarter,
    Month,
    Day,
    Hour,
}

impl Unit {
    /// Names of the parts.
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("year", Self::Year),
        ("quarter", Self::Quarter),
        ("month", Self::Month),
        ("day", Self::Day),
        ("hour", Self::Hour),
    ];

    /// The part that a literal names.
    pub(crate) fn of(node: &Node) -> Option<Self> {
        let Kind::Literal(Literal::Text(name)) = &node.kind else { return None };
        Self::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, unit)| *unit)
    }

    /// The number of the part that an instant lies in.
    fn number(self, instant: i64) -> i64 {
        let (year, month, _) = civil(day_of(instant));
        match self {
            Self::Year => year,
            Self::Quarter => year * 4 + (month - 1) / 3,
            Self::Month => year * 12 + month - 1,
            Self::Day => i64::from(day_of(instant)),
            Self::Hour => instant.div_euclid(HOUR),
        }
    }

    /// The first instant of the part that an instant lies in.
    fn start(self, instant: i64) -> i64 {
        let (year, month, _) = civil(day_of(instant));
        let first = |month: i64| midnight(days(year, month, 1) as i32);
        match self {
            Self::Year => first(1),
            Self::Quarter => first((month - 1) / 3 * 3 + 1),
            Self::Month => first(month),
            Self::Day => midnight(day_of(instant)),
            Self::Hour => instant.div_euclid(HOUR) * HOUR,
        }
    }
}

fn day_of(instant: i64) -> i32 {
    instant.div_euclid(midnight(1)) as i32
}

/// The instant of a row, a day's first one.
fn instant(column: &Column<'_>, row: usize) -> Option<i64> {
    match column {
        Column::Date(values) => values[row].map(midnight),
        Column::Timestamp(values) => values[row],
        _ => None,
    }
}

/// YEAR, QUARTER, MONTH, DAY, HOUR, MINUTE, ISODOW.
pub(crate) fn part<'a>(function: Function, value: &Column<'_>) -> Column<'a> {
    let of = |instant: i64| {
        let (year, month, day) = civil(day_of(instant));
        match function {
            Function::Year => year,
            Function::Quarter => (month - 1) / 3 + 1,
            Function::Month => month,
            Function::Day => day,
            Function::Hour => instant.rem_euclid(midnight(1)) / HOUR,
            Function::Minute => instant.rem_euclid(HOUR) / (HOUR / 60),
            // 1 January 1970 was a Thursday.
            _ => (i64::from(day_of(instant)) + 3).rem_euclid(7) + 1,
        }
    };
    Column::Integer((0..value.len()).map(|row| instant(value, row).map(of)).collect())
}

/// DATE_DIFF: how many borders of a part lie between two instants.
pub(crate) fn difference<'a>(unit: Unit, from: &Column<'_>, to: &Column<'_>) -> Column<'a> {
    let of = |row| Some(unit.number(instant(to, row)?) - unit.number(instant(from, row)?));
    Column::Integer((0..from.len()).map(of).collect())
}

/// DATE_TRUNC: the first day, or instant, of a part.
pub(crate) fn truncated<'a>(unit: Unit, value: &Column<'_>) -> Column<'a> {
    match value {
        Column::Date(values) => {
            let first = |day: &Option<i32>| day.map(|day| day_of(unit.start(midnight(day))));
            Column::Date(values.iter().map(first).collect())
        }
        _ => Column::Timestamp(
            (0..value.len()).map(|row| instant(value, row).map(|at| unit.start(at))).collect(),
        ),
    }
}

/// ADD_MONTHS: the same day so many months later, or the last one of its month where there is no such.
pub(crate) fn months_later<'a>(
    value: &Column<'_>,
    months: &Column<'_>,
    faults: &mut Faults<'_>,
) -> Column<'a> {
    let (Column::Date(values), Column::Integer(months)) = (value, months) else {
        return Column::Date(vec![None; value.len()]);
    };
    let moved = |day: i32, months: i64| {
        let (year, month, day) = civil(day);
        let total = (year * 12 + month - 1).checked_add(months).filter(|total| total.abs() < 1 << 40)?;
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
        i32::try_from(days(year, month, day.min(days_of_month(year, month)))).ok()
    };
    let of = |(row, (day, months)): (usize, (&Option<i32>, &Option<i64>))| {
        faults.keep(row, moved((*day)?, (*months)?).map(Some), Failure::Overflow)?
    };
    Column::Date(values.iter().zip(months).enumerate().map(of).collect())
}

/// LAST_DAY of the month.
pub(crate) fn last_day<'a>(value: &Column<'_>) -> Column<'a> {
    let of = |row| {
        let (year, month, _) = civil(day_of(instant(value, row)?));
        Some(days(year, month, days_of_month(year, month)) as i32)
    };
    Column::Date((0..value.len()).map(of).collect())
}
