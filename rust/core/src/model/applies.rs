//! The rows that models apply to.
//!
//! In: models with their conditions, and the rows of a frame. Out: for each model with a condition the rows in
//! which it holds; where it is false or unknown the model has no output, which is null and never 0.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use arrow_array::{Array, BooleanArray};
use arrow_buffer::{BooleanBufferBuilder, NullBuffer};

use super::binding::Rows;
use super::fleet::Model;
use crate::error::{Error, Place, Result};
use crate::exec::{Control, parallel};
use crate::expr::{Expression, NanMode};

/// Rows whose truths are found together.
const BLOCK_ROWS: usize = 1 << 16;

/// For each model the rows that it applies to; none for one that applies to all.
///
/// # Errors
/// A condition that does not fit the columns, with the model's name; a request to stop.
pub(super) fn applies(
    models: &[Model],
    rows: &Rows,
    threads: usize,
    control: &Control,
) -> Result<Vec<Option<NullBuffer>>> {
    let mut known: HashMap<&str, NullBuffer> = HashMap::new();
    for model in models {
        let Some(condition) = &model.applies_to else { continue };
        if !known.contains_key(condition.text()) {
            let holds = holds(condition, rows, threads, control).map_err(|error| match error {
                Error::Cancelled => error,
                error => {
                    let text = format!("model `{}`, `applies_to`: {error}", model.name);
                    Error::model(Place::default(), text)
                }
            })?;
            known.insert(condition.text(), holds);
        }
    }
    let of = |model: &Model| known.get(model.applies_to.as_ref()?.text()).cloned();
    Ok(models.iter().map(of).collect())
}

fn holds(condition: &Expression, rows: &Rows, threads: usize, control: &Control) -> Result<NullBuffer> {
    condition.require(&rows.names)?;
    let cuts = rows.cuts(BLOCK_ROWS);
    let truths: Vec<Mutex<BooleanArray>> =
        cuts.iter().map(|_| Mutex::new(BooleanArray::new_null(0))).collect();
    parallel(
        threads,
        cuts.len(),
        || Ok(()),
        |(), task| {
            control.check()?;
            let (batch, start, length) = cuts[task];
            let part = rows.batches[batch].slice(start, length);
            let columns: Vec<_> = rows.names.iter().map(String::as_str).zip(part.columns()).collect();
            let (values, _) = condition.holds(&columns, length, NanMode::Null)?;
            *truths[task].lock().unwrap_or_else(PoisonError::into_inner) = values;
            Ok(())
        },
    )?;
    let mut all = BooleanBufferBuilder::new(cuts.iter().map(|cut| cut.2).sum());
    for truths in truths {
        let truths = truths.into_inner().unwrap_or_else(PoisonError::into_inner);
        match truths.nulls() {
            Some(known) => all.append_buffer(&(truths.values() & known.inner())),
            None => all.append_buffer(truths.values()),
        }
    }
    Ok(NullBuffer::new(all.finish()))
}
