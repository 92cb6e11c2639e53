//! Sums of log-odds of a record's models, some of them taken as they were.
//!
//! In: batches with a column for each model, or with the sums of those that are not there. Out: for each record and blend
//! the exact sum of weight times log-odds. Since sums are integers, those of models that stand still can be kept, and
//! the others added: the score has the bits of all models evaluated at once (law 1).

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{Array, ArrayRef, Decimal128Array, Float64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use creditcore_kernels::isa::Isa;
use creditcore_kernels::logit::{self, BLOCK};

use super::blend::{Blend, OnNull};
use super::counts::numbers;
use super::logodds::{BOUND, LogOddsSum, UNITS};
use super::records::{Output, log_odds, null_output};
use crate::batch::{Batch, Role, Source, Wanted, find_column};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, in_order};

/// The columns of sums of log-odds: of each blend the weighted sum and the sum of weights, in units.
pub const STILL: [&str; 4] = ["still_fraud", "still_fraud_weight", "still_credit", "still_credit_weight"];
/// Digits of a sum: those of 4,096 models of the greatest weights and log-odds.
const DIGITS: u8 = 38;

/// How the columns of a batch become sums.
pub(super) struct Read {
    /// Of each blend the models with a column: name and weight.
    models: [Vec<(String, i64)>; 2],
    still: bool,
    on_null: OnNull,
    output: Output,
    isa: Isa,
}

/// What to read of a source, and how it becomes sums. With `still` models without a column stand in [`STILL`].
///
/// # Errors
/// `Schema`: a model, or a sum, without a column.
pub(super) fn asked(
    source: &dyn Source,
    blend: &Blend,
    output: Output,
    still: bool,
) -> Result<(Vec<Wanted>, Read)> {
    let names = source.column_names();
    let mut wanted = Vec::new();
    let mut models = [Vec::new(), Vec::new()];
    for (part, models) in [&blend.fraud, &blend.credit].into_iter().zip(&mut models) {
        for (name, weight) in part.iter().flat_map(|part| &part.models) {
            if still && !names.contains(name) {
                continue;
            }
            find_column(names, name)?;
            wanted.push(Wanted { name: name.clone(), role: Role::Number });
            models.push((name.clone(), *weight));
        }
    }
    for name in STILL.into_iter().filter(|_| still) {
        find_column(names, name)?;
        wanted.push(Wanted { name: name.to_owned(), role: Role::Key });
    }
    let isa = Isa::active().map_err(Error::argument)?;
    Ok((wanted, Read { models, still, on_null: blend.on_null, output, isa }))
}

impl Read {
    /// The sums of each record by both blends.
    pub(super) fn sums(&self, batch: &Batch) -> Result<[Vec<LogOddsSum>; 2]> {
        let (fraud, rest) = batch.columns.split_at(self.models[0].len());
        let (credit, known) = rest.split_at(self.models[1].len());
        let start = |weighted: &str, places: &[ArrayRef]| match self.still {
            true => of_columns(weighted, places, batch),
            false => Ok(vec![LogOddsSum::default(); batch.rows]),
        };
        let (first, second) = known.split_at(known.len() / 2);
        Ok([
            self.added(start(STILL[0], first)?, &self.models[0], fraud, batch)?,
            self.added(start(STILL[2], second)?, &self.models[1], credit, batch)?,
        ])
    }

    fn added(
        &self,
        mut sums: Vec<LogOddsSum>,
        models: &[(String, i64)],
        arrays: &[ArrayRef],
        batch: &Batch,
    ) -> Result<Vec<LogOddsSum>> {
        let columns = models.iter().zip(arrays).map(|((name, weight), array)| {
            Ok(Added { name, weight: *weight, values: numbers(name, array)? })
        });
        let columns = columns.collect::<Result<Vec<Added<'_>>>>()?;
        // Block by block, so that sums stay in the cache while one model comes after the other.
        for (at, sums) in sums.chunks_mut(BLOCK).enumerate() {
            columns.iter().try_for_each(|model| self.add(sums, model, at * BLOCK, batch))?;
        }
        Ok(sums)
    }

    /// Adds a model to the sums of some rows, from row `first` of the batch on.
    fn add(&self, sums: &mut [LogOddsSum], model: &Added<'_>, first: usize, batch: &Batch) -> Result<()> {
        let values = model.values.slice(first, sums.len());
        let nulls = values.nulls().filter(|nulls| nulls.null_count() > 0);
        if let Some(row) = nulls.and_then(|nulls| (0..sums.len()).find(|&row| nulls.is_null(row)))
            && self.on_null == OnNull::Refuse
        {
            return Err(null_output(model.name, first + row, batch));
        }
        let mut units = [0; BLOCK];
        if nulls.is_none() && self.at_once(values.values(), &mut units) {
            sums.iter_mut().zip(units).for_each(|(sum, units)| sum.add(model.weight, units));
            return Ok(());
        }
        for (row, sum) in sums.iter_mut().enumerate() {
            if values.is_valid(row) && (self.on_null != OnNull::Fallback || sum.is_empty()) {
                let value = values.value(row);
                sum.add(model.weight, log_odds(value, self.output, model.name, first + row, batch)?);
            }
        }
        Ok(())
    }

    /// Writes the log-odds of values, where all of them are counted and are ordinary probabilities.
    fn at_once(&self, values: &[f64], units: &mut [i64]) -> bool {
        self.output == Output::Probability
            && self.on_null != OnNull::Fallback
            && logit::log_odds(self.isa, values, BOUND, UNITS, units)
    }
}

/// A model's outputs, and its weight.
struct Added<'a> {
    name: &'a str,
    weight: i64,
    values: Float64Array,
}

/// The sums in two columns.
fn of_columns(name: &str, columns: &[ArrayRef], batch: &Batch) -> Result<Vec<LogOddsSum>> {
    let decimals = |array: &ArrayRef| {
        let found =
            array.as_primitive_opt::<Decimal128Type>().filter(|found| found.null_count() == 0).cloned();
        found.ok_or_else(|| {
            let told = format!("column `{name}` or its weight does not hold sums of log-odds");
            Error::schema(Place::file(&*batch.source), told)
        })
    };
    let [weighted, weight] = columns else { return Ok(vec![LogOddsSum::default(); batch.rows]) };
    let (weighted, weight) = (decimals(weighted)?, decimals(weight)?);
    Ok(weighted
        .values()
        .iter()
        .zip(weight.values())
        .map(|(&sum, &by)| LogOddsSum::of_parts(sum, by))
        .collect())
}

/// The sums of log-odds of the models that a source has columns of, in the columns [`STILL`], row by row.
///
/// # Errors
/// `Argument`: an output that is no probability, or NaN, with row and model; a null where the blend refuses them.
pub fn still(
    source: &dyn Source,
    blend: &Blend,
    output: Output,
    threads: usize,
    control: &Control,
) -> Result<Vec<RecordBatch>> {
    let names = source.column_names();
    let here = |part: &super::blend::Part| super::blend::Part {
        models: part.models.iter().filter(|(name, _)| names.contains(name)).cloned().collect(),
        ..part.clone()
    };
    let some = Blend {
        fraud: blend.fraud.as_ref().map(here),
        credit: blend.credit.as_ref().map(here),
        on_null: blend.on_null,
    };
    let (wanted, read) = asked(source, &some, output, false)?;
    let parts = in_order(threads, source.tasks(), |task| {
        let mut batches = Vec::new();
        source.read(task, &wanted, control, &mut |batch| {
            batches.push(kept(read.sums(batch)?)?);
            Ok(())
        })?;
        Ok(batches)
    })?;
    Ok(parts.into_iter().flatten().collect())
}

/// Sums as the columns [`STILL`].
fn kept([fraud, credit]: [Vec<LogOddsSum>; 2]) -> Result<RecordBatch> {
    let kind = DataType::Decimal128(DIGITS, 0);
    let schema = Schema::new(STILL.map(|name| Field::new(name, kind.clone(), false)).to_vec());
    let column = |sums: &[LogOddsSum], part: fn(LogOddsSum) -> i128| {
        let values = Decimal128Array::from_iter_values(sums.iter().map(|&sum| part(sum)));
        values.with_precision_and_scale(DIGITS, 0).map(|made| Arc::new(made) as ArrayRef)
    };
    let columns = [
        column(&fraud, |sum| sum.parts().0),
        column(&fraud, |sum| sum.parts().1),
        column(&credit, |sum| sum.parts().0),
        column(&credit, |sum| sum.parts().1),
    ];
    let columns = columns.into_iter().collect::<std::result::Result<Vec<_>, _>>();
    let made = columns.and_then(|columns| RecordBatch::try_new(Arc::new(schema), columns));
    made.map_err(|error| Error::schema(Place::default(), error.to_string()))
}
