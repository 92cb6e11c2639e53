//! Reading history for a backtest.
//!
//! In: a source, the names of its label, amount and period, a condition of maturity, a live policy. Out: a
//! [`Backtest`]. A record whose label is null, or that is not mature, has no known outcome: it is counted apart
//! and never as good.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use arrow_array::{Array, ArrayRef};
use creditcore_kernels::mask::{Mask, ROWS, WORDS};

use super::backtest::{AMOUNT_UNITS, Backtest, Counter, Facts};
use super::engine::{Engine, Sink};
use super::golden::Trouble;
use super::policy::Policy;
use super::records::Programs;
use crate::batch::{Batch, Role, Source, Wanted, find_column};
use crate::error::{Error, Result};
use crate::exec::{Control, parallel};
use crate::expr::{Column, Dialect, Expression, NanMode, plain};

/// The most periods.
const MOST_PERIODS: usize = 1_000;

/// What a backtest reads beside the policy's columns.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The column of outcomes: 1 or true is bad, 0 or false good, null not known.
    pub label: String,
    /// A column of amounts.
    pub amount: Option<String>,
    /// A column of periods: text, whole numbers, or days, which count by month.
    pub period: Option<String>,
    /// Where outcomes count; elsewhere they are not known yet.
    pub mature: Option<Expression>,
    /// The live policy.
    pub against: Option<Policy>,
    /// The day of the decisions.
    pub day: Option<i32>,
}

/// The periods by their texts.
#[derive(Default)]
struct Periods(Mutex<HashMap<String, u32>>);

impl Periods {
    fn of(&self, text: String) -> Result<u32> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = known.len() as u32;
        if known.len() >= MOST_PERIODS && !known.contains_key(&text) {
            return Err(Error::argument(format!(
                "there are more than {MOST_PERIODS} periods; take a coarser one"
            )));
        }
        Ok(*known.entry(text).or_insert(next))
    }
}

/// Collects the decisions of the live policy.
#[derive(Default)]
struct Live(Vec<[Mask; 2]>);

impl Sink for Live {
    fn hit(&mut self, _: usize, _: bool, _: bool, _: &Mask) {}

    fn trouble(&mut self, _: usize, _: usize, _: Trouble) {}

    fn decided(&mut self, rejected: &Mask, reviewed: &Mask, _: usize) {
        self.0.push([*reviewed, *rejected]);
    }
}

/// Where in a batch the columns of a backtest stand.
struct Places {
    wanted: Vec<Wanted>,
    policy: Vec<usize>,
    live: Vec<usize>,
    label: usize,
    amount: Option<usize>,
    period: Option<usize>,
    mature: Vec<usize>,
}

impl Places {
    fn new(policy: &Policy, history: &History, names: &[String]) -> Result<Self> {
        let mut wanted: Vec<Wanted> = Vec::new();
        let mut place = |name: &str, role: Role| {
            wanted.iter().position(|known| known.name == name).unwrap_or_else(|| {
                wanted.push(Wanted { name: name.to_owned(), role });
                wanted.len() - 1
            })
        };
        let of = |asked: Vec<Wanted>, place: &mut dyn FnMut(&str, Role) -> usize| {
            asked.iter().map(|column| place(&column.name, column.role)).collect::<Vec<usize>>()
        };
        let own = of(policy.wanted(names)?, &mut place);
        let live = match &history.against {
            Some(live) => of(live.wanted(names)?, &mut place),
            None => Vec::new(),
        };
        let mut named = |name: &String, role: Role| find_column(names, name).map(|_| place(name, role));
        let label = named(&history.label, Role::Number)?;
        let amount = history.amount.as_ref().map(|name| named(name, Role::Number)).transpose()?;
        let period = history.period.as_ref().map(|name| named(name, Role::Key)).transpose()?;
        let mut mature = Vec::new();
        if let Some(condition) = &history.mature {
            condition.require(names)?;
            mature = condition.columns().into_iter().map(|name| place(name, Role::Key)).collect();
        }
        Ok(Self { wanted, policy: own, live, label, amount, period, mature })
    }
}

fn taken(columns: &[ArrayRef], places: &[usize]) -> Vec<ArrayRef> {
    places.iter().map(|place| columns[*place].clone()).collect()
}

impl Policy {
    /// Runs the policy over history.
    ///
    /// Memory: the counts, and the masks of a batch for each thread.
    ///
    /// # Errors
    /// As [`Self::decide`]; `Argument`: a label other than 0 and 1, an amount that is not finite, too many
    /// periods, with the row.
    pub fn backtest(
        &self,
        source: &dyn Source,
        history: &History,
        threads: usize,
        control: &Control,
    ) -> Result<(Backtest, Vec<String>)> {
        self.check_day(history.day)?;
        let places = Places::new(self, history, source.column_names())?;
        let (names, periods) = (self.columns(), Periods::default());
        let empty =
            Policy { tactics: Vec::new(), rules: Vec::new(), name: None, version: None, nan: self.nan };
        let live = history.against.as_ref().unwrap_or(&empty);
        live.check_day(history.day)?;
        let live_names = live.columns();
        let (programs, live_programs) = (Programs::default(), Programs::default());
        let make = || {
            let engine = Engine::new(self, &names, history.day)?;
            Ok((engine, Engine::new(live, &live_names, history.day)?, Counter::new(self)))
        };
        let work = |(engine, other, counter): &mut (Engine<'_>, Engine<'_>, Counter<'_>), task: usize| {
            source.read(task, &places.wanted, control, &mut |batch| {
                let mut decisions = Live::default();
                if history.against.is_some() {
                    let columns = taken(&batch.columns, &places.live);
                    let program = live_programs.of(live, &live_names, &columns)?;
                    other.run(&program, &columns, batch.rows, &mut decisions)?;
                }
                counter.start(facts(history, &places, batch, &decisions.0, &periods)?);
                let columns = taken(&batch.columns, &places.policy);
                let program = programs.of(self, &names, &columns)?;
                engine.run(&program, &columns, batch.rows, counter)
            })
        };
        let mut all = Counter::new(self).made;
        for (_, _, counter) in parallel(threads, source.tasks(), make, work)? {
            all.merge(counter.made);
        }
        let known = periods.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut texts = vec![String::new(); known.len()];
        known.into_iter().for_each(|(text, place)| texts[place as usize] = text);
        Ok((all, texts))
    }
}

/// The facts of the blocks of a batch.
fn facts(
    history: &History,
    places: &Places,
    batch: &Batch,
    live: &[[Mask; 2]],
    periods: &Periods,
) -> Result<Vec<Facts>> {
    let outcomes = outcomes(history, places, batch)?;
    let amounts = places.amount.map(|place| amounts(history, batch, place)).transpose()?;
    let texts = places.period.map(|place| period_texts(history, batch, place)).transpose()?;
    let mut made = Vec::new();
    for (block, start) in (0..batch.rows).step_by(ROWS).enumerate() {
        let rows = start..batch.rows.min(start + ROWS);
        let mut outcome = [[0; WORDS]; 3];
        for (place, row) in rows.clone().enumerate() {
            outcome[outcomes[row]][place / 64] |= 1 << (place % 64);
        }
        let of_rows = |texts: &Vec<String>| {
            texts[rows.clone()].iter().map(|text| periods.of(text.clone())).collect::<Result<Vec<u32>>>()
        };
        made.push(Facts {
            outcome,
            amounts: amounts.as_ref().map(|amounts| amounts[rows.clone()].to_vec()).unwrap_or_default(),
            periods: texts.as_ref().map(of_rows).transpose()?.unwrap_or_default(),
            live: history.against.as_ref().map(|_| live[block]),
        });
    }
    Ok(made)
}

fn read(name: &str, array: &ArrayRef) -> Result<ArrayRef> {
    plain(name, array)
}

/// For each row 0 for bad, 1 for good, 2 for not known.
fn outcomes(history: &History, places: &Places, batch: &Batch) -> Result<Vec<usize>> {
    let name = &history.label;
    let array = read(name, &batch.columns[places.label])?;
    let column = Column::read(&array, NanMode::Null);
    let told = |row: usize| match &column {
        Column::Null(_) => Ok(None),
        Column::Boolean(values) => Ok(values[row]),
        Column::Integer(values) if matches!(values[row], None | Some(0 | 1)) => {
            Ok(values[row].map(|value| value == 1))
        }
        Column::Double(values) if values[row].is_none_or(|value| value == 0.0 || value == 1.0) => {
            Ok(values[row].map(|value| value == 1.0))
        }
        _ => {
            let told = "is neither 1 (bad), 0 (good) nor null";
            Err(Error::argument(format!("{}label `{name}` {told}", batch.place(row))))
        }
    };
    let mature = match &history.mature {
        Some(condition) => {
            let columns = taken(&batch.columns, &places.mature);
            let columns: Vec<(&str, &ArrayRef)> = condition.columns().into_iter().zip(&columns).collect();
            let (holds, _) = condition.holds(&columns, batch.rows, NanMode::Null)?;
            (0..batch.rows).map(|row| holds.is_valid(row) && holds.value(row)).collect()
        }
        None => vec![true; batch.rows],
    };
    let of = |row: usize| {
        Ok(match told(row)? {
            Some(true) if mature[row] => 0,
            Some(false) if mature[row] => 1,
            _ => 2,
        })
    };
    (0..batch.rows).map(of).collect()
}

fn amounts(history: &History, batch: &Batch, place: usize) -> Result<Vec<i64>> {
    let name = history.amount.as_deref().unwrap_or_default();
    let array = read(name, &batch.columns[place])?;
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

/// Periods as texts: days and instants by month.
fn period_texts(history: &History, batch: &Batch, place: usize) -> Result<Vec<String>> {
    let name = history.period.as_deref().unwrap_or_default();
    let array = read(name, &batch.columns[place])?;
    let is_day = matches!(
        crate::expr::type_of(array.data_type()),
        Some(crate::expr::Type::Date | crate::expr::Type::Timestamp)
    );
    let column = crate::expr::quoted(name, Dialect::Own);
    let text = if is_day {
        format!("CAST(YEAR({column}) AS TEXT) || '-' || RIGHT('0' || CAST(MONTH({column}) AS TEXT), 2)")
    } else if matches!(crate::expr::type_of(array.data_type()), Some(crate::expr::Type::Text)) {
        column
    } else {
        format!("CAST({column} AS TEXT)")
    };
    let outcome = Expression::parse(&text)?.evaluate(&[(name, &array)], batch.rows, NanMode::Null)?;
    let values = Column::read(&outcome.values, NanMode::Null);
    let of = |row: usize| match &values {
        Column::Text(texts) => texts[row].as_deref().unwrap_or("(none)").to_owned(),
        _ => "(none)".to_owned(),
    };
    Ok((0..batch.rows).map(of).collect())
}
