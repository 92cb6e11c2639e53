//! What a delta says.
//!
//! In: a source of rows that replace the record of their key or delete it. Out: [`Delta`]: the records that are given
//! and the keys that are deleted, and, when it was applied, which records changed. Of the rows of a key only
//! those of its highest version count, and a delete undoes the rows before it.

use super::gathering::{Counting, Row, records_of};
use super::key::Keys;
use super::plan::{Plan, Settled};
use super::read::{Operation, gather, operations};
use super::records::Records;
use super::values::Met;
use crate::batch::Source;
use crate::error::{Error, Place, Result};
use crate::exec::Control;
use crate::id::HashKey;

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Its key is new.
    Inserted,
    /// It is another than before.
    Changed,
    /// It was deleted.
    Deleted,
    /// Its time came before the given one.
    Expired,
}

impl Change {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Changed => "changed",
            Self::Deleted => "deleted",
            Self::Expired => "expired",
        }
    }
}

/// Records that changed, in the order of their keys.
#[derive(Clone, Debug)]
pub struct Changes {
    /// Their keys.
    pub keys: Keys,
    /// What became of each.
    pub changes: Vec<Change>,
}

/// A delta: what it gives and what it deletes, which have no key in common.
#[derive(Debug)]
pub(super) struct Delta {
    pub(super) given: Records,
    pub(super) deleted: Keys,
    /// Placeholders met.
    pub(super) met: Met,
}

impl Delta {
    /// Nothing, with keys of some type.
    pub(super) fn none(keys: &Keys) -> Self {
        let none = keys.take(std::iter::empty());
        Self { given: Records::empty(none.clone()), deleted: none, met: Met::new() }
    }

    /// Reads a delta of a network that has keys of this type; `fits` says whether others may come.
    ///
    /// # Errors
    /// A delta that does not fit the plan, or a request to stop.
    pub(super) fn read(
        delta: &dyn Source,
        (plan, settled): (&Plan, &Settled),
        (keys, fits): (&Keys, bool),
        key: &HashKey,
        threads: usize,
        control: &Control,
    ) -> Result<Self> {
        let (parts, met) = gather(delta, plan, settled, key, threads, control)?;
        let Some(first) = parts.first() else { return Ok(Self { met, ..Self::none(keys) }) };
        if !first.keys().same_type(keys) && !fits {
            return Err(Error::schema(
                Place::file("delta"),
                format!("key column `{}` is of another type than the network's keys; cast it", plan.key),
            ));
        }
        let mut starts = vec![0];
        parts.iter().for_each(|part| starts.push(starts[starts.len() - 1] + part.rows()));
        let operations = operations(delta, control)?;
        let counting = operations.as_ref().map(|operations| {
            |rows: &mut Vec<Row>| {
                let of = |&(part, row): &Row| operations[starts[part as usize] + row as usize];
                let newest = rows.iter().map(|row| of(row).1).max();
                rows.retain(|row| Some(of(row).1) == newest);
                // Rows before a delete are undone by it.
                let undone = rows.iter().rposition(|row| of(row).0 == Operation::Delete);
                rows.drain(..undone.map_or(0, |at| at + 1));
            }
        });
        let counting = counting.as_ref().map(|counting| counting as Counting<'_>);
        let (given, deleted) = records_of(parts, counting, threads, control)?;
        Ok(Self { given, deleted, met })
    }
}
