//! The nodes of a source's rows: the rows of a key are one.
//!
//! In: a source's column of keys. Out: for each row its node, nodes numbered in the order of their first rows. Law 2:
//! which thread meets a key first changes nothing.

use std::sync::{Mutex, PoisonError};

use creditcore_kernels::components::{Dealer, Table};

use super::components::bits;
use super::key::{KeyFault, Keys};
use crate::batch::{Batch, Role, Source, Wanted};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, parallel};
use crate::id::{HashKey, mixed, siphash};

/// The node of each row.
pub(super) struct Nodes {
    /// For each row its node; none where every row is a node of its own.
    pub(super) of_row: Option<Vec<u32>>,
    /// The key of each node, in the order of first rows.
    pub(super) keys: Keys,
    /// The first row of each of the source's tasks.
    pub(super) starts: Vec<u32>,
}

/// Reads the keys of one of a source's tasks.
fn read_keys(source: &dyn Source, task: usize, name: &str, control: &Control) -> Result<Option<Keys>> {
    let wanted = [Wanted { name: name.to_owned(), role: Role::Key }];
    let mut keys: Option<Keys> = None;
    source.read(task, &wanted, control, &mut |batch: &Batch| {
        let array = &batch.columns[0];
        if keys.is_none() {
            keys = Some(Keys::of_type(array.data_type(), name, Place::file(&*batch.source))?);
        }
        let Some(keys) = &mut keys else { return Ok(()) };
        keys.extend(array).map_err(|fault| key_error(name, fault, batch))
    })?;
    Ok(keys)
}

/// A refused key as an error.
pub(super) fn key_error(name: &str, fault: KeyFault, batch: &Batch) -> Error {
    match fault {
        KeyFault::Null(row) => {
            Error::source(batch.place(row), format!("key column `{name}` is null; every record needs a key"))
        }
        KeyFault::Type => Error::schema(
            Place::file(&*batch.source),
            format!("key column `{name}` changes its type between the parts of the source; cast it to one"),
        ),
    }
}

/// Joins the keys of a source's tasks.
fn joined(parts: Vec<Option<Keys>>) -> Result<(Keys, Vec<usize>)> {
    let lengths: Vec<usize> = parts.iter().map(|part| part.as_ref().map_or(0, Keys::len)).collect();
    let mut parts = parts.into_iter().flatten();
    let mut all = parts.next().unwrap_or(Keys::Signed(Vec::new()));
    all.reserve(lengths.iter().sum::<usize>().saturating_sub(all.len()));
    for part in parts {
        if !all.same_type(&part) {
            return Err(Error::schema(
                Place::default(),
                "the key column is of two types in two parts of the source; cast it to one",
            ));
        }
        all.append(&part);
    }
    Ok((all, lengths))
}

/// The nodes of a source's rows.
pub(super) fn nodes(
    source: &dyn Source,
    name: &str,
    hash_key: &HashKey,
    threads: usize,
    control: &Control,
) -> Result<Nodes> {
    let parts: Vec<Mutex<Option<Keys>>> = (0..source.tasks()).map(|_| Mutex::new(None)).collect();
    parallel(
        threads,
        parts.len(),
        || Ok(()),
        |(), task| {
            let keys = read_keys(source, task, name, control)?;
            *parts[task].lock().unwrap_or_else(PoisonError::into_inner) = keys;
            Ok(())
        },
    )?;
    let parts = parts.into_iter().map(|part| part.into_inner().unwrap_or_else(PoisonError::into_inner));
    let (keys, lengths) = joined(parts.collect())?;
    if keys.len() >= u32::MAX as usize {
        return Err(Error::argument(format!("{} rows are more than {}", keys.len(), u32::MAX - 1)));
    }
    let starts = lengths
        .iter()
        .scan(0, |start, &length| Some(std::mem::replace(start, *start + length as u32)))
        .collect();
    if keys.ascend() {
        return Ok(Nodes { of_row: None, keys, starts });
    }
    let mut of_row = first_rows(&keys, hash_key, threads, control)?;
    let mut firsts = Vec::new();
    for row in 0..of_row.len() {
        if of_row[row] as usize == row {
            of_row[row] = firsts.len() as u32;
            firsts.push(row as u32);
        } else {
            of_row[row] = of_row[of_row[row] as usize];
        }
    }
    let keys =
        if firsts.len() == keys.len() { keys } else { keys.take(firsts.iter().map(|&row| row as usize)) };
    Ok(Nodes { of_row: Some(of_row), keys, starts })
}

/// For each row the first with the same key.
fn first_rows(keys: &Keys, hash_key: &HashKey, threads: usize, control: &Control) -> Result<Vec<u32>> {
    const BLOCK: usize = 1 << 14;
    let bits = bits(keys.len() as u64);
    let seed = hash_key.fingerprint();
    let mut dealers = parallel(
        threads,
        keys.len().div_ceil(BLOCK),
        || Ok(Dealer::new(bits)),
        |dealer, task| {
            control.check()?;
            let rows = task * BLOCK..((task + 1) * BLOCK).min(keys.len());
            let hashes: Vec<u64> = match keys {
                Keys::Signed(keys) => {
                    keys[rows.clone()].iter().map(|&key| mixed(key as u64 ^ seed)).collect()
                }
                Keys::Unsigned(keys) => keys[rows.clone()].iter().map(|&key| mixed(key ^ seed)).collect(),
                Keys::Text(keys) => rows.clone().map(|row| siphash([seed, !seed], keys.get(row))).collect(),
            };
            let numbers: Vec<u32> = rows.map(|row| row as u32).collect();
            dealer.deal(&hashes, &numbers);
            Ok(())
        },
    )?;
    dealers.iter_mut().for_each(Dealer::settle);
    let found = parallel(
        threads,
        1 << bits,
        || Ok((Table::default(), Vec::new())),
        |(table, found), task| {
            control.check()?;
            let same = |a: u32, b: u32| keys.compare(a as usize, b as usize).is_eq();
            table.firsts(&dealers, task, same, |row, first| found.push((row, first)));
            Ok(())
        },
    )?;
    // Which row of a key came first to its table depends on threads; the smallest row does not.
    let mut firsts: Vec<u32> = (0..keys.len() as u32).collect();
    let mut least: Vec<u32> = firsts.clone();
    let pairs = || found.iter().flat_map(|(_, pairs)| pairs);
    pairs().for_each(|&(row, first)| least[first as usize] = least[first as usize].min(row));
    for &(row, first) in pairs() {
        firsts[row as usize] = least[first as usize];
        firsts[first as usize] = least[first as usize];
    }
    Ok(firsts)
}
