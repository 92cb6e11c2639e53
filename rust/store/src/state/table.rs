//! The index of keys, as a file.
//!
//! In: an index. Out: a file of words (little-endian): `CCINDEX1`, the number of parts, how many keys there are; for
//! each part its buckets and keys; then the buckets, from a multiple of 64 bytes on. The file is mapped privately:
//! what changes is copied, page by page, and the file stays as it is.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use creditcore::Result;
use creditcore::exec::in_order;
use creditcore_kernels::index::{Change, Index, Part, Shard};

use super::disk::{check, fault, unreadable, write_file};
use super::segment::FileSum;
use crate::map::{PrivateWords, buffer};

const MAGIC: u64 = u64::from_le_bytes(*b"CCINDEX1");
const HEAD: usize = 3;
/// Words that the buckets' beginning is a multiple of.
const LINE: usize = 8;
/// Changes from which on threads share them, and the first bits that tell their shares.
const SHARED: usize = 1 << 15;
const SHARE_BITS: u32 = 6;

/// The index of a state.
pub(super) type Table = Index<PrivateWords>;

/// An index without keys.
pub(super) fn empty(expected: u64) -> Table {
    Index::with_room(expected)
}

/// Where the buckets of so many parts begin, in words.
fn head_words(parts: usize) -> usize {
    (HEAD + 2 * parts).next_multiple_of(LINE)
}

/// Puts changes in; where there are many of them, threads share them by the first bits of their keys.
pub(super) fn put(table: &mut Table, changes: &[Change], threads: usize) -> Result<()> {
    if threads == 1 || changes.len() < SHARED {
        table.put(changes);
        return Ok(());
    }
    table.prepare(changes.len());
    let shards = table.shards(SHARE_BITS);
    let cut = shards.len().trailing_zeros();
    let mut dealt: Vec<Vec<Change>> = vec![Vec::with_capacity((changes.len() >> cut) * 9 / 8); shards.len()];
    for &change in changes {
        dealt[if cut == 0 { 0 } else { (change.0 >> (64 - cut)) as usize }].push(change);
    }
    let shares: Vec<Mutex<Shard<'_>>> = shards.into_iter().map(Mutex::new).collect();
    in_order(threads, shares.len(), |share| {
        shares[share].lock().unwrap_or_else(PoisonError::into_inner).put(&dealt[share]);
        Ok(())
    })?;
    drop(shares);
    table.settle();
    Ok(())
}

/// Writes an index.
pub(super) fn write(path: &Path, table: &mut Table) -> Result<FileSum> {
    let keys = table.keys();
    let (parts, words) = table.laid_out();
    let mut head = vec![MAGIC, parts.len() as u64, keys];
    head.extend(parts.iter().flat_map(|part| [part.buckets, part.keys]));
    head.resize(head_words(parts.len()), 0);
    write_file(path, |file| {
        let mut file = std::io::BufWriter::with_capacity(1 << 20, file);
        for words in std::iter::once(head.as_slice()).chain(words) {
            for word in words {
                file.write_all(&word.to_le_bytes())?;
            }
        }
        file.flush()
    })
}

/// Maps an index.
pub(super) fn open(path: &Path, sum: FileSum, verify: bool, threads: usize) -> Result<Table> {
    let damaged =
        || fault(path, "the index does not follow its form; run `creditcore doctor`, which makes it again");
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    check(path, &file, sum, verify.then_some(threads))?;
    let bytes = buffer(&file).map_err(|error| unreadable(path, &error))?;
    let word = |at: usize| -> Result<u64> {
        let bytes = bytes.get(at * 8..at * 8 + 8).and_then(|bytes| bytes.first_chunk::<8>());
        bytes.map(|bytes| u64::from_le_bytes(*bytes)).ok_or_else(damaged)
    };
    if word(0)? != MAGIC || cfg!(target_endian = "big") {
        return Err(damaged());
    }
    let count =
        usize::try_from(word(1)?).ok().filter(|&count| count <= bytes.len() / 16).ok_or_else(damaged)?;
    let part = |at: usize| Ok(Part { buckets: word(HEAD + 2 * at)?, keys: word(HEAD + 2 * at + 1)? });
    let parts = (0..count).map(part).collect::<Result<Vec<Part>>>()?;
    let words = PrivateWords::of(&file, head_words(count) * 8).map_err(|error| unreadable(path, &error))?;
    Index::over(words, &parts).ok_or_else(damaged)
}
