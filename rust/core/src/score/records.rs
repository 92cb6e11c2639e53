//! Scoring records: blends, probabilities, points.
//!
//! In: a source with a column for each model, a [`Blend`], a [`Scaling`], effects of decisions. Out: the four
//! columns of a score, in the order of the rows. A row is scored alone (law 4), and neither threads nor
//! batches change a bit (law 2).

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::blend::{Blend, Part};
use super::calibration::Calibration;
use super::counts::numbers;
use super::effect::Effect;
use super::logodds::{LogOddsSum, UNITS, fixed, logit, sigmoid};
use super::scaling::{Scaling, to_points, to_units};
use super::sums::asked;
use crate::batch::{Batch, Role, Source, Wanted, find_column};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, parallel};
use crate::expr::{Column, NanMode, plain};

/// What the columns of the models hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Probabilities from 0 to 1.
    Probability,
    /// Log-odds.
    Raw,
}

impl Output {
    /// The output by its name.
    ///
    /// # Errors
    /// `Argument`: a name other than `probability` and `raw`.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "probability" => Ok(Self::Probability),
            "raw" => Ok(Self::Raw),
            other => Err(Error::argument(format!("`output` is `{other}`; it is `probability` or `raw`"))),
        }
    }
}

/// The columns of a score.
pub fn columns() -> SchemaRef {
    let names = ["fraud_p", "pd", "points_model", "points_final"];
    Arc::new(Schema::new(names.map(|name| Field::new(name, DataType::Float64, true)).to_vec()))
}

/// Scores every record of a source.
///
/// With `still` the source has the columns [`STILL`](super::STILL) of the models that it has no column for, as [`still`](super::still)
/// gave them: the sums are integers, so the score is that of all models, to the bit.
///
/// Memory: the four columns, one effect for each record where there are decisions, a batch for each thread.
///
/// # Errors
/// `Argument`: an output that is no probability, or NaN, with row and model; a null where the blend refuses
/// them; an effect that cannot be read; decisions of another number of rows. `Schema`: a model without column.
pub fn score(
    source: &dyn Source,
    blend: &Blend,
    scaling: &Scaling,
    decisions: Option<&dyn Source>,
    (output, still): (Output, bool),
    threads: usize,
    control: &Control,
) -> Result<Vec<RecordBatch>> {
    let effects = decisions.map(|decisions| effects(decisions, control)).transpose()?;
    let (wanted, read) = asked(source, blend, output, still)?;
    let work = |done: &mut Vec<(usize, Vec<Scored>)>, task: usize| {
        let mut batches = Vec::new();
        source.read(task, &wanted, control, &mut |batch| {
            let [fraud, credit] = read.sums(batch)?;
            let fraud = blended(blend.fraud.as_ref(), fraud);
            let credit = blended(blend.credit.as_ref(), credit);
            batches.push(Scored {
                fraud: fraud.iter().map(|scored| scored.map(|(probability, _)| probability)).collect(),
                pd: credit.iter().map(|scored| scored.map(|(probability, _)| probability)).collect(),
                points: credit
                    .iter()
                    .map(|scored| scored.map(|(_, log_odds)| scaling.points(log_odds)))
                    .collect(),
            });
            Ok(())
        })?;
        done.push((task, batches));
        Ok(())
    };
    let mut done: Vec<(usize, Vec<Scored>)> =
        parallel(threads, source.tasks(), || Ok(Vec::new()), work)?.into_iter().flatten().collect();
    done.sort_by_key(|(task, _)| *task);
    let batches: Vec<Scored> = done.into_iter().flat_map(|(_, batches)| batches).collect();
    finished(batches, effects.as_deref(), scaling)
}

/// What models and scaling make of a batch.
struct Scored {
    fraud: Float64Array,
    pd: Float64Array,
    points: Vec<Option<i64>>,
}

/// The columns of the result: effects go by the row in the whole source, which only all batches in their
/// order tell.
fn finished(batches: Vec<Scored>, effects: Option<&[Effect]>, scaling: &Scaling) -> Result<Vec<RecordBatch>> {
    let rows: usize = batches.iter().map(|batch| batch.points.len()).sum();
    if let Some(effects) = effects
        && effects.len() != rows
    {
        let text =
            format!("the decisions have {} rows, the predictions {rows}; they go row by row", effects.len());
        return Err(Error::argument(text));
    }
    let schema = columns();
    let mut before = 0;
    let finish = |batch: Scored| {
        let effect = |row: usize| effects.map_or(Effect::default(), |effects| effects[before + row]);
        let last =
            batch.points.iter().enumerate().map(|(row, points)| {
                points.map(|points| to_points(effect(row).apply(points, scaling).points))
            });
        let last: Float64Array = last.collect();
        let points: Float64Array = batch.points.iter().map(|points| points.map(to_points)).collect();
        before += batch.points.len();
        let arrays = [batch.fraud, batch.pd, points, last].map(|array| Arc::new(array) as ArrayRef);
        RecordBatch::try_new(schema.clone(), arrays.to_vec())
            .map_err(|error| Error::schema(Place::default(), error.to_string()))
    };
    batches.into_iter().map(finish).collect()
}

/// Probability and log-odds of every row by one blend; null where there is none.
fn blended(part: Option<&Part>, sums: Vec<LogOddsSum>) -> Vec<Option<(f64, f64)>> {
    let Some(part) = part else { return vec![None; sums.len()] };
    let scored = |sum: LogOddsSum| {
        let log_odds = sum.mean()?;
        Some(match &part.calibration {
            Some(calibration) => calibration.apply(log_odds),
            None => (sigmoid(log_odds), log_odds),
        })
    };
    sums.into_iter().map(scored).collect()
}

/// Applies a calibration to the column `score`, batch by batch; null stays null.
///
/// # Errors
/// `Argument`: a score that is no probability, or NaN, with its row; `Schema`: no column `score`.
pub fn calibrate(
    calibration: &Calibration,
    source: &dyn Source,
    output: Output,
    control: &Control,
) -> Result<Vec<Float64Array>> {
    find_column(source.column_names(), "score")?;
    let wanted = [Wanted { name: "score".to_owned(), role: Role::Number }];
    let mut parts = Vec::new();
    for task in 0..source.tasks() {
        source.read(task, &wanted, control, &mut |batch| {
            let values = numbers("score", &batch.columns[0])?;
            let of = |row: usize| -> Result<Option<f64>> {
                if values.is_null(row) {
                    return Ok(None);
                }
                let units = log_odds(values.value(row), output, "score", row, batch)?;
                Ok(Some(calibration.apply(units as f64 / UNITS).0))
            };
            parts.push((0..batch.rows).map(of).collect::<Result<Float64Array>>()?);
            Ok(())
        })?;
    }
    Ok(parts)
}

pub(super) fn null_output(name: &str, row: usize, batch: &Batch) -> Error {
    let place = batch.place(row);
    Error::argument(format!(
        "{place}model `{name}` has no output and the blend refuses nulls; say `on_null=\"renormalise\"` or `\"fallback\"`"
    ))
}

/// An output as log-odds, in units.
pub(super) fn log_odds(value: f64, output: Output, name: &str, row: usize, batch: &Batch) -> Result<i64> {
    let told = match output {
        _ if value.is_nan() => "a missing output is null, not NaN; fill it with null",
        Output::Raw => return Ok(fixed(value)),
        Output::Probability if (0.0..=1.0).contains(&value) => return Ok(fixed(logit(value))),
        Output::Probability => "probabilities are from 0 to 1; pass `output=\"raw\"` for log-odds",
    };
    let place = batch.place(row);
    Err(Error::argument(format!("{place}model `{name}` gives `{value}`: {told}")))
}

/// The effects of decisions, one for each row: from text, or from numbers that are added.
pub(super) fn effects(decisions: &dyn Source, control: &Control) -> Result<Vec<Effect>> {
    find_column(decisions.column_names(), "effect")?;
    let wanted = [Wanted { name: "effect".to_owned(), role: Role::Key }];
    let mut effects = Vec::new();
    for task in 0..decisions.tasks() {
        decisions.read(task, &wanted, control, &mut |batch| {
            let array = plain("effect", &batch.columns[0])?;
            let column = Column::read(&array, NanMode::Null);
            for row in 0..batch.rows {
                effects.push(effect(&column, row, batch)?);
            }
            Ok(())
        })?;
    }
    Ok(effects)
}

fn effect(column: &Column<'_>, row: usize, batch: &Batch) -> Result<Effect> {
    let added = |points: f64| {
        let told = format!("{}`effect` is `{points}`; points are from -1e9 to 1e9", batch.place(row));
        if points.abs() <= 1e9 {
            Ok(Effect { score: to_units(points), cap: None })
        } else {
            Err(Error::argument(told))
        }
    };
    match column {
        Column::Text(values) => match &values[row] {
            Some(text) => {
                Effect::parse(text).map_err(|error| Error::argument(format!("{}{error}", batch.place(row))))
            }
            None => Ok(Effect::default()),
        },
        Column::Integer(values) => values[row].map_or(Ok(Effect::default()), |points| added(points as f64)),
        Column::Double(values) => values[row].map_or(Ok(Effect::default()), added),
        Column::Null(_) => Ok(Effect::default()),
        _ => Err(Error::schema(Place::default(), "column `effect` is neither text nor numbers")),
    }
}
