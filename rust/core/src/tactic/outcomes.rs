//! What became of the records of a batch of history: outcomes, amounts, periods.
//!
//! In: a batch, the names of its label, amount and period. Out: for each block masks of bad, good and unknown,
//! amounts in whole units, numbers of periods. What cannot be read as an outcome is refused with its row; a
//! word that is neither the bad one nor the good one is an outcome that nobody counts as either.

use std::sync::{Mutex, PoisonError};

use arrow_array::{Array, ArrayRef};
use creditcore_kernels::mask::{Mask, ROWS, WORDS};

use super::backtest::{AMOUNT_UNITS, Facts};
use super::history::{History, Periods, Places, taken};
use super::policy::Policy;
use crate::batch::Batch;
use crate::error::{Error, Result, nearest};
use crate::expr::{Column, Dialect, Expression, NanMode, Type, plain, quoted, type_of};

/// The words of a label.
#[derive(Debug, Default)]
pub struct Words {
    /// What is bad.
    pub bad: String,
    /// What is good; without it, the only other word that there is.
    pub good: Option<String>,
    /// The other word that was seen first, where `good` is not said.
    other: Mutex<Option<String>>,
}

impl Words {
    /// The word that is bad, and the one that is good.
    pub fn new(bad: String, good: Option<String>) -> Self {
        Self { bad, good, other: Mutex::default() }
    }

    /// Whether a word is bad; none where it is neither.
    fn is_bad(&self, word: &str) -> std::result::Result<Option<bool>, String> {
        if same(word, &self.bad) {
            return Ok(Some(true));
        }
        if let Some(good) = &self.good {
            return Ok(same(word, good).then_some(false));
        }
        let mut other = self.other.lock().unwrap_or_else(PoisonError::into_inner);
        if *other.get_or_insert_with(|| word.to_owned()) == word {
            return Ok(Some(false));
        }
        let first = other.clone().unwrap_or_default();
        Err(format!(
            "holds `{first}` and `{word}` beside `{}`; say which one is good (`good=`, `--good`): all others \
             count as not known",
            self.bad
        ))
    }
}

/// By what days and instants are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// By year.
    Year,
    /// By quarter.
    Quarter,
    /// By month.
    Month,
    /// By week, named by its Monday.
    Week,
    /// By day.
    Day,
}

const PER: [(&str, Per); 5] = [
    ("year", Per::Year),
    ("quarter", Per::Quarter),
    ("month", Per::Month),
    ("week", Per::Week),
    ("day", Per::Day),
];

impl Per {
    /// By its name.
    ///
    /// # Errors
    /// `Argument`: another name.
    pub fn named(name: &str) -> Result<Self> {
        PER.iter().find(|(known, _)| *known == name).map(|(_, per)| *per).ok_or_else(|| {
            let hint = nearest(name, PER.map(|(name, _)| name));
            let hint = hint.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            Error::argument(format!("`per` is `{name}`; it is year, quarter, month, week or day{hint}"))
        })
    }

    /// The condition language's text of the period of a column of days.
    fn text(self, column: &str) -> String {
        let year = format!("CAST(YEAR({column}) AS TEXT)");
        let two = |part: &str| format!("RIGHT('0' || CAST({part}({column}) AS TEXT), 2)");
        let month = two("MONTH");
        match self {
            Self::Year => year,
            Self::Quarter => format!("{year} || '-Q' || CAST(QUARTER({column}) AS TEXT)"),
            Self::Month => format!("{year} || '-' || {month}"),
            Self::Week => {
                let day = format!("CAST({column} AS DATE)");
                Self::Day.text(&format!("({day} - (ISODOW({day}) - 1))"))
            }
            Self::Day => format!("{year} || '-' || {month} || '-' || {}", two("DAY")),
        }
    }
}

/// A batch of history, and what is asked of it.
pub(super) struct Reading<'a> {
    pub(super) policy: &'a Policy,
    pub(super) history: &'a History,
    pub(super) places: &'a Places,
    pub(super) batch: &'a Batch,
}

impl Reading<'_> {
    /// The facts of the blocks of the batch.
    pub(super) fn facts(&self, live: &[[Mask; 2]], periods: &Periods) -> Result<Vec<Facts>> {
        let outcomes = self.outcomes()?;
        let amounts = self.places.amount.map(|place| self.amounts(place)).transpose()?;
        let texts = self.places.period.map(|place| self.period_texts(place)).transpose()?;
        let mut made = Vec::new();
        for (block, start) in (0..self.batch.rows).step_by(ROWS).enumerate() {
            let rows = start..self.batch.rows.min(start + ROWS);
            let mut outcome = [[0; WORDS]; 3];
            for (place, row) in rows.clone().enumerate() {
                outcome[outcomes[row]][place / 64] |= 1 << (place % 64);
            }
            let of_rows = |texts: &Vec<String>| periods.of_all(&texts[rows.clone()]);
            made.push(Facts {
                outcome,
                amounts: amounts.as_ref().map(|amounts| amounts[rows.clone()].to_vec()).unwrap_or_default(),
                periods: texts.as_ref().map(of_rows).transpose()?.unwrap_or_default(),
                live: self.history.against.as_ref().map(|_| live[block]),
            });
        }
        Ok(made)
    }

    /// For each row 0 for bad, 1 for good, 2 for not known.
    fn outcomes(&self) -> Result<Vec<usize>> {
        let (name, batch) = (&self.history.label, self.batch);
        let array = plain(name, &batch.columns[self.places.label])?;
        let column = Column::read(&array, NanMode::Null);
        let refused =
            |row: usize, told: &str| Error::argument(format!("{}label `{name}` {told}", batch.place(row)));
        let words = self.history.words.as_ref();
        let texts = words.map(|_| texts_of(name, &array, batch.rows)).transpose()?;
        let told = |row: usize| -> Result<Option<bool>> {
            if let (Some(words), Some(texts)) = (words, &texts) {
                return match &texts[row] {
                    Some(text) => words.is_bad(text).map_err(|told| refused(row, &told)),
                    None => Ok(None),
                };
            }
            match &column {
                Column::Null(_) => Ok(None),
                Column::Boolean(values) => Ok(values[row]),
                Column::Integer(values) if matches!(values[row], None | Some(0 | 1)) => {
                    Ok(values[row].map(|value| value == 1))
                }
                Column::Double(values) if values[row].is_none_or(|value| value == 0.0 || value == 1.0) => {
                    Ok(values[row].map(|value| value == 1.0))
                }
                Column::Text(values) => match values[row].as_deref() {
                    None => Ok(None),
                    Some(text) => truth(text).map(Some).ok_or_else(|| {
                        let told = format!(
                            "holds `{text}`, which is neither 1 or true (bad), 0 or false (good) nor null; \
                             where outcomes are words, say which one is bad (`bad=`, `--bad`)"
                        );
                        refused(row, &told)
                    }),
                },
                _ => Err(refused(row, "is neither 1 or true (bad), 0 or false (good) nor null")),
            }
        };
        let mature = self.mature()?;
        let of = |row: usize| {
            Ok(match told(row)? {
                Some(true) if mature[row] => 0,
                Some(false) if mature[row] => 1,
                _ => 2,
            })
        };
        (0..batch.rows).map(of).collect()
    }

    fn mature(&self) -> Result<Vec<bool>> {
        let Some(condition) = &self.history.mature else { return Ok(vec![true; self.batch.rows]) };
        let columns = taken(&self.batch.columns, &self.places.mature);
        let columns = self.policy.wall_times(condition.columns(), &columns)?;
        let columns: Vec<(&str, &ArrayRef)> = condition.columns().into_iter().zip(&columns).collect();
        let (holds, _) = condition.holds(&columns, self.batch.rows, NanMode::Null)?;
        Ok((0..self.batch.rows).map(|row| holds.is_valid(row) && holds.value(row)).collect())
    }

    fn amounts(&self, place: usize) -> Result<Vec<i64>> {
        let (name, batch) = (self.history.amount.as_deref().unwrap_or_default(), self.batch);
        let array = plain(name, &batch.columns[place])?;
        let column = Column::read(&array, NanMode::Null);
        let of = |row: usize| {
            let value = match &column {
                Column::Integer(values) => values[row].map(|value| value as f64),
                Column::Double(values) => values[row],
                Column::Null(_) => None,
                _ => Some(f64::NAN),
            };
            let units = value.unwrap_or(0.0) * AMOUNT_UNITS;
            if units.abs() < 9e18 {
                return Ok(units.round() as i64);
            }
            let told = "amounts are numbers below 8e12 either way";
            Err(Error::argument(format!("{}amount `{name}` is no such: {told}", batch.place(row))))
        };
        (0..batch.rows).map(of).collect()
    }

    /// Periods as texts: days and instants by month, or by what is asked for.
    fn period_texts(&self, place: usize) -> Result<Vec<String>> {
        let (name, batch) = (self.history.period.as_deref().unwrap_or_default(), self.batch);
        let array = match (self.policy.zone.is_some(), &batch.columns[place]) {
            (true, array) => self.policy.wall_times([name], std::slice::from_ref(array))?.remove(0),
            (false, array) => array.clone(),
        };
        let column = quoted(name, Dialect::Own);
        let text = match (type_of(array.data_type()), self.history.per) {
            (Some(Type::Date | Type::Timestamp), per) => per.unwrap_or(Per::Month).text(&column),
            (Some(Type::Text), None) => column,
            (Some(Type::Text), Some(per)) => per.text(&format!("CAST(LEFT({column}, 10) AS DATE)")),
            (_, None) => format!("CAST({column} AS TEXT)"),
            (_, Some(_)) => {
                let told =
                    format!("`per` counts days; column `{name}` holds neither days, times nor texts of them");
                return Err(Error::argument(told));
            }
        };
        let made = Expression::parse(&text)?.evaluate(&[(name, &array)], batch.rows, NanMode::Null)?;
        if let Some(fault) = made.faults.first() {
            let told = format!("period `{name}` is no day such as 2026-01-31");
            return Err(Error::argument(format!("{}{told}", batch.place(fault.row))));
        }
        let values = Column::read(&made.values, NanMode::Null);
        let of = |row: usize| match &values {
            Column::Text(texts) => texts[row].as_deref().unwrap_or("(none)").to_owned(),
            _ => "(none)".to_owned(),
        };
        Ok((0..batch.rows).map(of).collect())
    }
}

/// Whether two words are equal, numbers by their values: `2.0` is `2`.
fn same(one: &str, other: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    one == other || number(one).is_some_and(|value| Some(value) == number(other))
}

/// A truth as files write it: `1`, `0`, `true`, `false`, in any case.
fn truth(text: &str) -> Option<bool> {
    let text = text.trim();
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => {
            text.parse::<f64>().ok().filter(|value| *value == 0.0 || *value == 1.0).map(|value| value == 1.0)
        }
    }
}

/// Values as their texts.
fn texts_of(name: &str, array: &ArrayRef, rows: usize) -> Result<Vec<Option<String>>> {
    let text = format!("CAST({} AS TEXT)", quoted(name, Dialect::Own));
    let made = Expression::parse(&text)?.evaluate(&[(name, array)], rows, NanMode::Null)?;
    Ok(match Column::read(&made.values, NanMode::Null) {
        Column::Text(texts) => texts.into_iter().map(|text| text.map(|text| text.into_owned())).collect(),
        _ => vec![None; rows],
    })
}
