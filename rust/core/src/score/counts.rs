//! Goods and bads by score: the mergeable counts behind calibration, AUC, KS and PSI.
//!
//! In: scores, outcomes and weights of records. Out: for every distinct score the number of goods and bads,
//! sorted. Nothing is binned, so figures are exact, ties too; counts are integers (weights in units of 2^-20),
//! so they merge in any order to the same bits (law 2). What is left out is counted by cause.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, Float64Array};
use arrow_cast::cast;
use arrow_schema::DataType;

use super::logodds::{fixed, logit};
use crate::batch::{Batch, Role, Source, Wanted};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, parallel};
use crate::expr::{Column, NanMode, plain};

/// Units in a weight of one.
const WEIGHT_UNITS: f64 = (1u64 << 20) as f64;
/// The greatest sum of goods, and of bads, in units.
const MOST: u64 = 1 << 62;

/// Entries that are not worth joining.
const FEW: usize = 1 << 16;

/// The records of one score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Entry {
    /// The score; finite or infinite, never NaN.
    pub score: f64,
    /// How many are good; in units of a weight where there are weights.
    pub good: u64,
    /// How many are bad.
    pub bad: u64,
}

/// What a score is before it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scores {
    /// Any number, as it is.
    AsGiven,
    /// A probability, counted by its log-odds.
    Probability,
    /// Log-odds, within their bounds.
    LogOdds,
}

/// Goods and bads by score.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreCounts {
    /// By score, rising; each score once.
    pub entries: Vec<Entry>,
    /// Records that are counted.
    pub used: u64,
    /// Records that are not, by cause.
    pub excluded: BTreeMap<String, u64>,
}

/// What became of a record.
#[derive(Clone, Copy)]
enum Outcome {
    Good,
    Bad,
    /// Not known yet, or on no side.
    Open,
    Refused,
}

impl ScoreCounts {
    /// Counts the records of a source with the columns `score`, `outcome` (absent: all count as good) and
    /// `weight` (absent: each counts one).
    ///
    /// # Errors
    /// `Source` with the row: an outcome or a weight that is none; `Schema`: a column that is no number.
    pub fn of(source: &dyn Source, scores: Scores, threads: usize, control: &Control) -> Result<Self> {
        let names: Vec<&str> =
            ["score", "outcome", "weight"].into_iter().filter(|name| has(source, name)).collect();
        let wanted: Vec<Wanted> =
            names.iter().map(|name| Wanted { name: (*name).to_owned(), role: Role::Number }).collect();
        let parts = parallel(
            threads,
            source.tasks(),
            || Ok((Self::default(), FEW)),
            |(counts, compressed): &mut (Self, usize), task| {
                source.read(task, &wanted, control, &mut |batch| {
                    counts.add_batch(&names, batch, scores)?;
                    // Joined whenever there are twice as many as after the last time.
                    if counts.entries.len() > 2 * *compressed {
                        counts.compress();
                        *compressed = counts.entries.len().max(FEW);
                    }
                    Ok(())
                })
            },
        )?;
        let mut all = Self::default();
        for (part, _) in parts {
            all.merge(part);
        }
        all.checked()
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: Self) {
        self.entries.extend(other.entries);
        self.compress();
        self.used += other.used;
        for (cause, count) in other.excluded {
            *self.excluded.entry(cause).or_insert(0) += count;
        }
    }

    /// Checks that no sum can overflow.
    ///
    /// # Errors
    /// `Argument`: weights whose sum is beyond 2^42.
    pub fn checked(self) -> Result<Self> {
        let (good, bad) = self.totals();
        if good <= u128::from(MOST) && bad <= u128::from(MOST) {
            return Ok(self);
        }
        Err(Error::argument("the weights sum to more than 2^42; divide them all by one number"))
    }

    /// Goods and bads in all.
    pub fn totals(&self) -> (u128, u128) {
        let add = |sums: (u128, u128), entry: &Entry| {
            (sums.0 + u128::from(entry.good), sums.1 + u128::from(entry.bad))
        };
        self.entries.iter().fold((0, 0), add)
    }

    /// Sorts by score and joins equal ones.
    fn compress(&mut self) {
        self.entries.sort_by(|a, b| a.score.total_cmp(&b.score));
        self.entries.dedup_by(|next, kept| {
            let same = next.score == kept.score;
            if same {
                kept.good = kept.good.saturating_add(next.good);
                kept.bad = kept.bad.saturating_add(next.bad);
            }
            same
        });
    }

    fn add_batch(&mut self, names: &[&str], batch: &Batch, scores: Scores) -> Result<()> {
        let find = |name: &str| names.iter().position(|known| *known == name).map(|at| &batch.columns[at]);
        let Some(score) = find("score") else { return Err(missing("score")) };
        let score = numbers("score", score)?;
        let outcomes = find("outcome").map(|array| plain("outcome", array)).transpose()?;
        let outcomes = outcomes.as_ref().map(|array| Column::read(array, NanMode::Null));
        let weight = find("weight").map(|array| numbers("weight", array)).transpose()?;
        for row in 0..batch.rows {
            let outcome = outcomes.as_ref().map_or(Outcome::Good, |column| outcome(column, row));
            let units = match &weight {
                None => Some(1),
                Some(weight) => weight_units(weight, row, batch)?,
            };
            let value = (!score.is_null(row)).then(|| score.value(row)).filter(|value| !value.is_nan());
            let cause = match (value, outcome, units) {
                (_, Outcome::Refused, _) => return Err(refused_outcome(outcomes.as_ref(), row, batch)),
                (None, ..) => "null_score",
                (_, Outcome::Open, _) => "open_outcome",
                (_, _, None) => "null_weight",
                (Some(value), outcome, Some(units)) => {
                    let score = turned(value, scores, row, batch)?;
                    let (good, bad) = if matches!(outcome, Outcome::Good) { (units, 0) } else { (0, units) };
                    self.entries.push(Entry { score, good, bad });
                    self.used += 1;
                    continue;
                }
            };
            *self.excluded.entry(cause.to_owned()).or_insert(0) += 1;
        }
        Ok(())
    }
}

fn has(source: &dyn Source, name: &str) -> bool {
    source.column_names().iter().any(|known| known == name)
}

fn missing(name: &str) -> Error {
    Error::schema(Place::default(), format!("no column `{name}`"))
}

/// A column of numbers as doubles.
pub(super) fn numbers(name: &str, array: &ArrayRef) -> Result<Float64Array> {
    let kind = array.data_type();
    if !(kind.is_numeric() || matches!(kind, DataType::Boolean | DataType::Null)) {
        let text = format!("column `{name}` is of type `{kind}`, not a number");
        return Err(Error::schema(Place::default(), text));
    }
    let doubles = cast(array, &DataType::Float64)
        .map_err(|error| Error::schema(Place::default(), format!("column `{name}`: {error}")))?;
    Ok(doubles.as_primitive::<Float64Type>().clone())
}

fn weight_units(weight: &Float64Array, row: usize, batch: &Batch) -> Result<Option<u64>> {
    if weight.is_null(row) || weight.value(row).is_nan() {
        return Ok(None);
    }
    let value = weight.value(row);
    if (0.0..=(1u64 << 40) as f64).contains(&value) {
        return Ok(Some((value * WEIGHT_UNITS).round() as u64));
    }
    let text = format!("the weight is `{value}`; weights are from 0 to 2^40, in units of 2^-20");
    Err(Error::source(batch.place(row), text))
}

fn turned(value: f64, scores: Scores, row: usize, batch: &Batch) -> Result<f64> {
    let log_odds = match scores {
        // One zero, so that -0.0 and 0.0 are one score.
        Scores::AsGiven => return Ok(value + 0.0),
        Scores::LogOdds => value,
        Scores::Probability if (0.0..=1.0).contains(&value) => logit(value),
        Scores::Probability => {
            let text = format!("`{value}` is no probability; pass `output=\"raw\"` for log-odds");
            return Err(Error::argument(format!("{}{text}", batch.place(row))));
        }
    };
    Ok(fixed(log_odds) as f64 / super::logodds::UNITS + 0.0)
}

fn outcome(column: &Column<'_>, row: usize) -> Outcome {
    let of = |bad: bool| if bad { Outcome::Bad } else { Outcome::Good };
    match column {
        _ if column.is_null(row) => Outcome::Open,
        Column::Boolean(values) => values[row].map_or(Outcome::Open, of),
        Column::Integer(values) => match values[row] {
            Some(0) => Outcome::Good,
            Some(1) => Outcome::Bad,
            _ => Outcome::Refused,
        },
        Column::Double(values) => match values[row] {
            Some(0.0) => Outcome::Good,
            Some(1.0) => Outcome::Bad,
            _ => Outcome::Refused,
        },
        Column::Text(values) => match values[row].as_deref() {
            Some("good") => Outcome::Good,
            Some("bad") => Outcome::Bad,
            Some("indeterminate" | "immature") => Outcome::Open,
            _ => Outcome::Refused,
        },
        _ => Outcome::Refused,
    }
}

fn refused_outcome(column: Option<&Column<'_>>, row: usize, batch: &Batch) -> Error {
    let value = match column {
        Some(Column::Integer(values)) => values[row].map(|value| value.to_string()),
        Some(Column::Double(values)) => values[row].map(|value| value.to_string()),
        Some(Column::Text(values)) => values[row].as_deref().map(str::to_owned),
        _ => None,
    };
    let text = format!(
        "`{}` is no outcome; it is 1 or true for bad, 0 or false for good, null where it is not known yet, or `good`, `bad`, `indeterminate`, `immature` (the outcome comes before the score)",
        value.unwrap_or_default()
    );
    Error::source(batch.place(row), text)
}
