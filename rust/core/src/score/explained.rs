//! Reasons of many records, as tables.
//!
//! In: for each credit model of a blend a source of contributions (a column for each feature, the base
//! last), the scores, the effects of decisions. Out: the parts of every score, and its adverse reasons, under
//! each other in the order of the rows. Memory: all contributions at once, so give the records that are to be
//! explained, not a portfolio.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt64Array};

use super::blend::{Blend, Part};
use super::counts::numbers;
use super::effect::Effect;
use super::reasons::{Explained, Line, Shares, explain};
use super::records::effects;
use super::scaling::{Scaling, to_points};
use crate::batch::{Role, Source, Wanted, find_column};
use crate::error::{Error, Place, Result};
use crate::exec::Control;

/// One model's contributions: names, and for each batch of rows one array for each name and the base.
struct Contributions {
    features: Vec<String>,
    columns: Vec<Vec<Option<f64>>>,
    rows: usize,
}

/// Explains every record that has points: parts (`row`, `kind`, `feature`, `points`) and reasons (`row`,
/// `place`, `feature`, `points`), rows counted from 0.
///
/// # Errors
/// `Argument`: no credit blend, another number of models or rows than the scores have, contributions that do
/// not add up to the points (with the row); `Schema`: a column that is missing or no number.
pub fn explain_records(
    models: &[Arc<dyn Source>],
    scores: &dyn Source,
    decisions: Option<&dyn Source>,
    blend: &Blend,
    scaling: &Scaling,
    most: usize,
    control: &Control,
) -> Result<(RecordBatch, RecordBatch)> {
    let Some(part) = &blend.credit else {
        return Err(Error::argument("the blend has no credit models; reasons belong to credit points"));
    };
    let models: Vec<Contributions> =
        models.iter().map(|source| contributions(&**source, control)).collect::<Result<_>>()?;
    let points = column(scores, "points_model", control)?;
    let effects = decisions.map(|decisions| effects(decisions, control)).transpose()?;
    check_rows(part, &models, &points, effects.as_deref())?;
    let (mut parts, mut reasons) = (Rows::default(), Rows::default());
    for (row, points) in points.iter().enumerate() {
        control.check()?;
        let Some(points) = points.filter(|points| !points.is_nan()) else { continue };
        let shares: Vec<Option<Shares<'_>>> = models.iter().map(|model| model.shares(row)).collect();
        let effect = effects.as_ref().map_or(Effect::default(), |effects| effects[row]);
        let explained: Explained =
            explain(part, blend.on_null, &shares, scaling, points, &effect).map_err(|error| {
                Error::argument(format!("{}{error}", Place::row("contributions", row as u64 + 1)))
            })?;
        explained.lines.iter().for_each(|line| parts.push(row, line, line.kind.name().to_owned()));
        for (place, line) in explained.adverse(most).into_iter().enumerate() {
            reasons.push(row, line, (place + 1).to_string());
        }
    }
    Ok((parts.table("kind")?, reasons.table("place")?))
}

fn check_rows(
    part: &Part,
    models: &[Contributions],
    points: &[Option<f64>],
    effects: Option<&[Effect]>,
) -> Result<()> {
    let fault = |what: &str, rows: usize| {
        let text = format!("{what} has {rows} rows, the scores {}; they go row by row", points.len());
        Err(Error::argument(text))
    };
    if models.len() != part.models.len() {
        let text = format!("{} models have contributions, the blend has {}", models.len(), part.models.len());
        return Err(Error::argument(text));
    }
    for (model, (name, _)) in models.iter().zip(&part.models) {
        if model.rows != points.len() {
            return fault(&format!("model `{name}`"), model.rows);
        }
    }
    match effects {
        Some(effects) if effects.len() != points.len() => fault("`decisions`", effects.len()),
        _ => Ok(()),
    }
}

impl Contributions {
    /// The contributions of a row; none where the base is null or NaN.
    fn shares(&self, row: usize) -> Option<Shares<'_>> {
        let base = self.columns.last()?[row].filter(|base| !base.is_nan());
        base?;
        let values = self.columns.iter().map(|column| column[row].unwrap_or(0.0)).collect();
        Some(Shares { features: &self.features, values })
    }
}

fn contributions(source: &dyn Source, control: &Control) -> Result<Contributions> {
    let names = source.column_names();
    let Some((_, features)) = names.split_last() else {
        return Err(Error::argument(
            "contributions have a column for each feature and the base; here is none",
        ));
    };
    let columns = columns(source, names, control)?;
    let rows = columns.last().map_or(0, Vec::len);
    Ok(Contributions { features: features.to_vec(), columns, rows })
}

fn column(source: &dyn Source, name: &str, control: &Control) -> Result<Vec<Option<f64>>> {
    find_column(source.column_names(), name)?;
    let mut columns = columns(source, &[name.to_owned()], control)?;
    Ok(columns.pop().unwrap_or_default())
}

fn columns(source: &dyn Source, names: &[String], control: &Control) -> Result<Vec<Vec<Option<f64>>>> {
    let wanted: Vec<Wanted> =
        names.iter().map(|name| Wanted { name: name.clone(), role: Role::Number }).collect();
    let mut columns = vec![Vec::new(); names.len()];
    for task in 0..source.tasks() {
        source.read(task, &wanted, control, &mut |batch| {
            for ((name, array), column) in names.iter().zip(&batch.columns).zip(&mut columns) {
                column.extend(numbers(name, array)?.iter());
            }
            Ok(())
        })?;
    }
    Ok(columns)
}

/// Lines of a table, column by column.
#[derive(Default)]
struct Rows {
    row: Vec<u64>,
    label: Vec<String>,
    feature: Vec<Option<String>>,
    points: Vec<f64>,
}

impl Rows {
    fn push(&mut self, row: usize, line: &Line, label: String) {
        self.row.push(row as u64);
        self.label.push(label);
        self.feature.push(line.feature.clone());
        self.points.push(to_points(line.units));
    }

    fn table(self, label: &str) -> Result<RecordBatch> {
        let places = self.label.iter().map(|label| label.parse::<u64>().ok());
        let labels: ArrayRef = if label == "place" {
            Arc::new(places.collect::<UInt64Array>())
        } else {
            Arc::new(StringArray::from(self.label))
        };
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("row", Arc::new(UInt64Array::from(self.row)), false),
            (label, labels, true),
            ("feature", Arc::new(StringArray::from(self.feature)), true),
            ("points", Arc::new(Float64Array::from(self.points)), false),
        ];
        RecordBatch::try_from_iter_with_nullable(columns)
            .map_err(|error| Error::schema(Place::default(), error.to_string()))
    }
}
