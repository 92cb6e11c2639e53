//! A condition over a whole source, in parallel.
//!
//! In: a condition and a source. Out: its truths in the order of the rows, one array for each batch, and the
//! faults of single rows; neither depends on threads or batches (law 2).

use arrow_array::BooleanArray;

use super::{Expression, NanMode, Span};
use crate::batch::{Role, Source, Wanted};
use crate::error::Result;
use crate::exec::{Control, parallel};
use crate::expr::Failure;

/// What went wrong in a row of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowFault {
    /// The row, from 0 over the whole source.
    pub row: u64,
    /// Where in the text.
    pub span: Span,
    /// What.
    pub failure: Failure,
}

/// The truths of a condition.
#[derive(Clone, Debug, Default)]
pub struct Truths {
    /// True, false, or null for unknown; arrays under each other.
    pub values: Vec<BooleanArray>,
    /// The rows in which something failed, by row and place.
    pub faults: Vec<RowFault>,
}

/// Evaluates a condition over every record of a source. Memory: a byte or less for each record, and the
/// columns of a batch for each thread.
///
/// # Errors
/// `Tactic`: a column that is not there, types that do not fit, no condition; what the source gives back.
pub fn truths(
    condition: &Expression,
    source: &dyn Source,
    nan: NanMode,
    threads: usize,
    control: &Control,
) -> Result<Truths> {
    condition.require(source.column_names())?;
    let names = condition.columns();
    let wanted: Vec<Wanted> =
        names.iter().map(|name| Wanted { name: (*name).to_owned(), role: Role::Key }).collect();
    let work = |done: &mut Vec<(usize, Truths)>, task: usize| {
        let mut truths = Truths::default();
        let mut rows = 0;
        source.read(task, &wanted, control, &mut |batch| {
            let columns: Vec<_> = names.iter().copied().zip(&batch.columns).collect();
            let (values, faults) = condition.holds(&columns, batch.rows, nan)?;
            truths.values.push(values);
            truths.faults.extend(faults.into_iter().map(|fault| RowFault {
                row: rows + fault.row as u64,
                span: fault.span,
                failure: fault.failure,
            }));
            rows += batch.rows as u64;
            Ok(())
        })?;
        done.push((task, truths));
        Ok(())
    };
    let mut done: Vec<(usize, Truths)> =
        parallel(threads, source.tasks(), || Ok(Vec::new()), work)?.into_iter().flatten().collect();
    done.sort_by_key(|(task, _)| *task);
    let mut all = Truths::default();
    // A task counts its rows from 0; a batch counts those of its file.
    let mut before = 0;
    for (_, truths) in done {
        all.faults
            .extend(truths.faults.into_iter().map(|fault| RowFault { row: before + fault.row, ..fault }));
        before += truths.values.iter().map(|values| values.len() as u64).sum::<u64>();
        all.values.extend(truths.values);
    }
    Ok(all)
}
