//! The index of keys, as a file.
//!
//! In: an index. Out: a file of words (little-endian): `CCINDEX1`, the number of parts, how many keys there are; for
//! each part its buckets and keys; then the buckets, from a multiple of 64 bytes on. The file is mapped privately:
//! what changes is copied, page by page, and the file stays as it is.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use creditcore::Result;
use creditcore_kernels::index::{Index, Part};

use super::disk::{check, fault, unreadable, write_file};
use super::segment::FileSum;
use crate::map::{PrivateWords, buffer};

const MAGIC: u64 = u64::from_le_bytes(*b"CCINDEX1");
const HEAD: usize = 3;
/// Words that the buckets' beginning is a multiple of.
const LINE: usize = 8;

/// The index of a state.
pub(super) type Table = Index<PrivateWords>;

/// An index without keys.
pub(super) fn empty(expected: u64) -> Result<Table> {
    let made = Index::with_room(expected);
    let parts: Vec<Part> = made.parts().collect();
    let words: Vec<u64> = made.words().flatten().copied().collect();
    Index::over(words.into(), &parts)
        .ok_or_else(|| fault(Path::new("index"), "an empty index does not fit itself"))
}

/// Where the buckets of so many parts begin, in words.
fn head_words(parts: usize) -> usize {
    (HEAD + 2 * parts).next_multiple_of(LINE)
}

/// Writes an index.
pub(super) fn write(path: &Path, table: &Table) -> Result<FileSum> {
    let parts: Vec<Part> = table.parts().collect();
    let mut head = vec![MAGIC, parts.len() as u64, table.keys()];
    head.extend(parts.iter().flat_map(|part| [part.buckets, part.keys]));
    head.resize(head_words(parts.len()), 0);
    write_file(path, |file| {
        let mut file = std::io::BufWriter::with_capacity(1 << 20, file);
        for words in std::iter::once(head.as_slice()).chain(table.words()) {
            for word in words {
                file.write_all(&word.to_le_bytes())?;
            }
        }
        file.flush()
    })
}

/// Maps an index.
pub(super) fn open(path: &Path, sum: FileSum, verify: bool) -> Result<Table> {
    let damaged =
        || fault(path, "the index does not follow its form; run `creditcore doctor`, which makes it again");
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    check(path, &file, sum, verify)?;
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
