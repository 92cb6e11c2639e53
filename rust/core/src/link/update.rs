//! Changing a network by a delta.
//!
//! In: a [`Network`] and a delta: rows that replace the record of their key or delete it, and a time before which
//! records expire. Out: the network after it, and which records changed. Law 1: it equals the network built of
//! the records that are left, to the last byte; nothing is learned. Law 7: adding a record and taking it away
//! leaves the network as it was.
//!
//! Records are merged in the order of keys and the links are made again, so a delta costs as much as making the
//! links of the whole network, but no reading and no hashing of records that did not change.

use super::key::Keys;
use super::links::NO_TIME;
use super::network::Network;
use super::read::{Operation, gather, operations};
use super::records::{Gathering, Records};
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

impl Network {
    /// The network after a delta.
    ///
    /// # Errors
    /// Another hash key than the network's, a delta that does not fit the plan, or a request to stop.
    pub fn update(
        &self,
        delta: Option<&dyn Source>,
        expire_before: Option<u32>,
        key: &HashKey,
        threads: usize,
        control: &Control,
    ) -> Result<(Self, Changes)> {
        if delta.is_some() && key.fingerprint() != self.fingerprint {
            return Err(Error::argument(
                "the network was made with another hash key, so the delta's identifiers would meet none of its own; \
                 set `CREDITCORE_HASH_KEY` or `key_file` to the key that it was made with",
            ));
        }
        let empty = Keys::take(&self.records.keys, std::iter::empty());
        let (given, deleted, met) = match delta {
            Some(delta) => self.read_delta(delta, key, threads, control)?,
            None => (Records::empty(empty.clone()), empty, Met::new()),
        };
        let (records, changes) = merge(&self.records, &given, &deleted, expire_before)?;
        let after = Self::of_records(self.plan.clone(), self.fingerprint, records, met, threads, control)?;
        Ok((after, changes))
    }

    /// The records that a delta gives and the keys that it deletes, each ascending.
    fn read_delta(
        &self,
        delta: &dyn Source,
        key: &HashKey,
        threads: usize,
        control: &Control,
    ) -> Result<(Records, Keys, Met)> {
        let empty = Keys::take(&self.records.keys, std::iter::empty());
        let (rows, met) = gather(delta, &self.plan, &self.settled, key, threads, control)?;
        let Some(rows) = rows else { return Ok((Records::empty(empty.clone()), empty, met)) };
        if !rows.keys().same_type(&self.records.keys) && self.records.people() > 0 {
            return Err(Error::schema(
                Place::file("delta"),
                format!("key column `{}` is of another type than the network's keys; cast it", self.plan.key),
            ));
        }
        let operations = operations(delta, control)?;
        let mut given = Gathering::new(rows.keys().take(std::iter::empty()));
        let mut deleted = rows.keys().take(std::iter::empty());
        let order = rows.keys().sorted();
        for same in order.chunk_by(|&a, &b| rows.keys().compare(a as usize, b as usize).is_eq()) {
            let newest = same.iter().map(|&row| operations[row as usize].1).max();
            let counting: Vec<usize> = same
                .iter()
                .map(|&row| row as usize)
                .filter(|&row| Some(operations[row].1) == newest)
                .collect();
            // Rows before a delete are undone by it.
            let undone = counting.iter().rposition(|&row| operations[row].0 == Operation::Delete);
            let left = &counting[undone.map_or(0, |at| at + 1)..];
            if left.is_empty() {
                deleted.push_from(rows.keys(), counting[0]);
            }
            left.iter().for_each(|&row| given.push_row(&rows, row));
        }
        Ok((given.finish()?, deleted, met))
    }
}

/// Merges records with what a delta gives and deletes, all in the order of keys.
fn merge(
    before: &Records,
    given: &Records,
    deleted: &Keys,
    expire_before: Option<u32>,
) -> Result<(Records, Changes)> {
    let like = if before.people() == 0 { &given.keys } else { &before.keys };
    let mut after = Records::empty(like.take(std::iter::empty()));
    let mut changes = Changes { keys: like.take(std::iter::empty()), changes: Vec::new() };
    let expires = |time: u32| time != NO_TIME && expire_before.is_some_and(|limit| time < limit);
    let (mut old, mut new, mut gone) = (0, 0, 0);
    while old < before.people() || new < given.people() {
        let first = order_of(before, old, given, new);
        let (had, has) = (first.is_le(), first.is_ge());
        let (records, person) = if has { (given, new) } else { (before, old) };
        while gone < deleted.len() && deleted.compare_with(gone, &records.keys, person).is_lt() {
            gone += 1;
        }
        let is_deleted =
            !has && gone < deleted.len() && deleted.compare_with(gone, &records.keys, person).is_eq();
        let expired = !is_deleted && expires(records.times[person]);
        if !is_deleted && !expired {
            after.push_person(records, person)?;
        }
        let change = match (had, has) {
            (true, _) if is_deleted => Some(Change::Deleted),
            (true, _) if expired => Some(Change::Expired),
            (false, _) if expired => None,
            (true, true) => (!before.same_person(old, given, new)).then_some(Change::Changed),
            (false, true) => Some(Change::Inserted),
            (_, false) => None,
        };
        if let Some(change) = change {
            changes.keys.push_from(&records.keys, person);
            changes.changes.push(change);
        }
        old += usize::from(had);
        new += usize::from(has);
    }
    Ok((after, changes))
}

/// Which of the next two people comes first; one that is not there comes last.
fn order_of(before: &Records, old: usize, given: &Records, new: usize) -> std::cmp::Ordering {
    match (old < before.people(), new < given.people()) {
        (true, true) => before.keys.compare_with(old, &given.keys, new),
        (true, false) => std::cmp::Ordering::Less,
        _ => std::cmp::Ordering::Greater,
    }
}
