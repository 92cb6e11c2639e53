//! What comes out of a fleet: columns, matrices, and the room for them.
//!
//! In: raw outputs of models, model by model and row by row. Out: predictions, columns by name, arrays that a caller
//! gave. Each output is cut into parts that tasks take, so that no two of them write to one place.

use std::sync::Mutex;

use arrow_buffer::NullBuffer;

use super::ensemble::Ensemble;
use super::fleet::Model;
use crate::error::{Error, Result};

/// What a prediction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// The sum of the trees.
    Raw,
    /// The library's own transform of it.
    Prediction,
}

/// How an array of rows by outputs lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Row after row (C).
    Rows,
    /// Output after output (Fortran).
    Columns,
}

/// One column of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// The model's name, with `:class` behind it where there are several.
    pub name: String,
    /// A value for each row.
    pub values: Vec<f64>,
    /// The rows that the model applies to, where it does not apply to all.
    pub applies: Option<NullBuffer>,
}

/// A result with several numbers for each row: a matrix of `rows` by `shape`, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix<T> {
    /// The model's name.
    pub name: String,
    /// The lengths behind that of the rows.
    pub shape: Vec<usize>,
    /// The numbers.
    pub values: Vec<T>,
}

/// Room for rows x width numbers.
pub(super) fn room<T: Clone + Default>(rows: usize, width: usize) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let wanted = rows.checked_mul(width);
    if wanted.is_none_or(|wanted| values.try_reserve_exact(wanted).is_err()) {
        let text =
            format!("{rows} rows of {width} numbers do not fit into memory; give fewer rows at a time");
        return Err(Error::argument(text));
    }
    values.resize(rows * width, T::default());
    Ok(values)
}

pub(super) type Part<'a, T> = Mutex<Option<Vec<&'a mut [T]>>>;

/// Cuts every output at the same rows; a task takes its parts once.
pub(super) fn cut_outputs<'a, T>(
    mut rests: Vec<&'a mut [T]>,
    widths: &[usize],
    lengths: impl Iterator<Item = usize>,
) -> Vec<Part<'a, T>> {
    let mut parts = Vec::new();
    for length in lengths {
        let mut mine = Vec::with_capacity(rests.len());
        for (rest, width) in rests.iter_mut().zip(widths) {
            let (head, tail) = std::mem::take(rest).split_at_mut(length * width);
            mine.push(head);
            *rest = tail;
        }
        parts.push(Mutex::new(Some(mine)));
    }
    parts
}

/// Turns raw outputs into predictions.
pub(super) fn transform(ensemble: &Ensemble, values: &mut [f64]) {
    let divisor = ensemble.divisor();
    values.iter_mut().for_each(|value| *value /= divisor);
    match ensemble.link {
        Some(link) if link.joins() => values.chunks_mut(ensemble.outputs()).for_each(|row| link.apply(row)),
        Some(link) => link.apply(values),
        None => {}
    }
}

/// The names of a model's outputs.
pub(super) fn output_names(model: &Model) -> impl Iterator<Item = String> + '_ {
    let outputs = model.ensemble.outputs();
    let name = move |class| if outputs == 1 { model.name.clone() } else { format!("{}:{class}", model.name) };
    (0..outputs).map(name)
}

/// The columns of a model's outputs.
pub(super) fn columns(model: &Model, values: Vec<f64>, applies: Option<&NullBuffer>) -> Vec<Column> {
    let outputs = model.ensemble.outputs();
    if outputs == 1 {
        return vec![Column { name: model.name.clone(), values, applies: applies.cloned() }];
    }
    let column = |(class, name)| Column {
        name,
        values: values.iter().skip(class).step_by(outputs).copied().collect(),
        applies: applies.cloned(),
    };
    output_names(model).enumerate().map(column).collect()
}

/// Splits room for some rows into a part for each model.
pub(super) fn split<'a>(mut room: &'a mut [f64], rows: usize, widths: &[usize]) -> Vec<&'a mut [f64]> {
    let mut parts = Vec::with_capacity(widths.len());
    for width in widths {
        let (part, rest) = room.split_at_mut(rows * width);
        parts.push(part);
        room = rest;
    }
    parts
}

/// Copies the outputs of models over some rows to where they belong: one slice of rows by outputs, or one slice for
/// each output.
pub(super) fn spread(found: &[&mut [f64]], widths: &[usize], layout: Layout, out: &mut [&mut [f64]]) {
    let outputs: usize = widths.iter().sum();
    let mut first = 0;
    for (values, &width) in found.iter().zip(widths) {
        for (row, values) in values.chunks_exact(width).enumerate() {
            match layout {
                Layout::Rows => out[0][row * outputs + first..][..width].copy_from_slice(values),
                Layout::Columns => {
                    values.iter().zip(&mut out[first..]).for_each(|(&value, out)| out[row] = value);
                }
            }
        }
        first += width;
    }
}

/// Makes NaN of what models give for rows that they do not apply to.
pub(super) fn blank(
    applies: &[Option<NullBuffer>],
    widths: &[usize],
    layout: Layout,
    rows: usize,
    out: &mut [f64],
) {
    let outputs: usize = widths.iter().sum();
    let mut first = 0;
    for (applies, width) in applies.iter().zip(widths) {
        for row in (0..rows).filter(|&row| applies.as_ref().is_some_and(|applies| applies.is_null(row))) {
            for output in first..first + width {
                let place = match layout {
                    Layout::Rows => row * outputs + output,
                    Layout::Columns => output * rows + row,
                };
                out[place] = f64::NAN;
            }
        }
        first += width;
    }
}
