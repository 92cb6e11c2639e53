//! Compiled fleet files.
//!
//! In: models and a path. Out: one file of sections with checksums, or the models of one. The file is there whole or
//! not at all; a byte that was changed, or a cut, is an error that names file and section; a file runs no code.
//! docs/formats/fleet.md says what stands where.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use creditcore::error::{Error, Place, Result};
use creditcore::exec::{Control, parallel};
use creditcore::model::Model;
use creditcore::model::compiled::{SECTIONS, Sections, decode, encode};
use flate2::Crc;

use crate::map::with_bytes;

/// How a file begins.
pub const MAGIC: [u8; 8] = *b"CCFLEET\n";
const VERSION: u32 = 2;
/// Bytes of an entry: a name of 16 bytes filled up with zeros, place, length, checksum.
const ENTRY: usize = 36;
const HEAD: usize = MAGIC.len() + 8 + SECTIONS.len() * ENTRY + 4;
/// Bytes that one task checks.
const CHECKED: usize = 1 << 20;

/// Writes models, and what is declared of them, to a file.
///
/// # Errors
/// A file that cannot be written.
pub fn save(path: &str, models: &[Model], declared: serde_json::Value) -> Result<()> {
    let sections = encode(models, declared)?;
    let mut head = MAGIC.to_vec();
    head.extend(VERSION.to_le_bytes());
    head.extend((SECTIONS.len() as u32).to_le_bytes());
    let mut place = HEAD as u64;
    for name in SECTIONS {
        let bytes = &sections[name];
        let mut padded = [0; 16];
        padded[..name.len()].copy_from_slice(name.as_bytes());
        head.extend(padded);
        head.extend(place.to_le_bytes());
        head.extend((bytes.len() as u64).to_le_bytes());
        head.extend(checksum(bytes).to_le_bytes());
        place += bytes.len() as u64;
    }
    head.extend(checksum(&head).to_le_bytes());
    let parts = std::iter::once(&head).chain(SECTIONS.iter().map(|name| &sections[name]));
    write_whole(Path::new(path), parts)
        .map_err(|error| Error::source(Place::file(path), format!("the file cannot be written: {error}")))
}

/// Writes a file beside its place, and moves it there once it is on the disk.
fn write_whole<'a>(path: &Path, parts: impl Iterator<Item = &'a Vec<u8>>) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // Two threads of one process may write the same file.
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let write = WRITES.fetch_add(1, Ordering::Relaxed);
    let partial = Partial(path.with_file_name(format!(".{name}.{}.{write}.partial", std::process::id())));
    let mut file = File::create(&partial.0)?;
    parts.into_iter().try_for_each(|part| file.write_all(part))?;
    file.sync_all()?;
    fs::rename(&partial.0, path)
}

/// A file that goes unless it was moved away.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // After the move there is nothing to remove, which is no fault.
        let _ = fs::remove_file(&self.0);
    }
}

/// Reads models, and what was declared of them, from a file.
///
/// # Errors
/// `Source`: a file that cannot be read. `Format`: one that is no compiled fleet, of another version, or damaged.
pub fn load(path: &str, threads: usize, control: &Control) -> Result<(Vec<Model>, serde_json::Value)> {
    with_bytes(path, |bytes| {
        let sections = sections(bytes, threads, control).map_err(|fault| match fault {
            Fault::Damaged(text) => Error::format(Place::file(path), text),
            Fault::Stopped(error) => error,
        })?;
        decode(path, &sections, threads, control)
    })
}

enum Fault {
    Damaged(String),
    Stopped(Error),
}

fn damaged<T>(text: impl Into<String>) -> std::result::Result<T, Fault> {
    Err(Fault::Damaged(text.into()))
}

/// The sections of a file, their checksums compared.
fn sections<'a>(
    bytes: &'a [u8],
    threads: usize,
    control: &Control,
) -> std::result::Result<Sections<&'a [u8]>, Fault> {
    if !bytes.starts_with(&MAGIC) {
        return damaged(
            "section `header`: this is no compiled fleet; `creditcore models compile` writes one",
        );
    }
    let Some(head) = bytes.get(..HEAD) else { return damaged("section `header`: the file was cut short") };
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    // The version first: another one may have another header.
    if number(MAGIC.len()) != VERSION {
        let text = format!(
            "section `header`: the version is {}; {VERSION} is read: compile the models again",
            number(MAGIC.len())
        );
        return damaged(text);
    }
    if number(HEAD - 4) != checksum(&head[..HEAD - 4]) {
        return damaged(
            "section `header`: its checksum differs; the file is damaged: compile the models again",
        );
    }
    let mut found = Sections::new();
    let mut sums = Vec::new();
    let mut place = HEAD as u64;
    for (index, name) in SECTIONS.iter().enumerate() {
        let entry = &head[MAGIC.len() + 8 + index * ENTRY..][..ENTRY];
        let wide =
            |at: usize| entry[at..at + 8].iter().rev().fold(0u64, |sum, &byte| sum << 8 | u64::from(byte));
        let named = entry[..16].iter().position(|&byte| byte == 0).map(|end| &entry[..end]);
        if named != Some(name.as_bytes()) || wide(16) != place {
            return damaged(format!("section `{name}`: it does not stand where it should"));
        }
        let length = wide(24);
        let section = usize::try_from(place).ok().zip(usize::try_from(length).ok());
        let Some(section) = section.and_then(|(place, length)| bytes.get(place..place.checked_add(length)?))
        else {
            return damaged(format!("section `{name}`: the file ends within it; it was cut short"));
        };
        sums.push(number(MAGIC.len() + 8 + index * ENTRY + 32));
        found.insert(name, section);
        place += length;
    }
    if place != bytes.len() as u64 {
        return damaged(format!("section `{}`: there are bytes behind it", SECTIONS[SECTIONS.len() - 1]));
    }
    compare(&found, &sums, threads, control)?;
    Ok(found)
}

/// Compares the checksum of every section, parts of them on several threads.
fn compare(
    sections: &Sections<&[u8]>,
    sums: &[u32],
    threads: usize,
    control: &Control,
) -> std::result::Result<(), Fault> {
    let parts: Vec<&[u8]> = SECTIONS.iter().flat_map(|name| sections[name].chunks(CHECKED)).collect();
    let made: Vec<Mutex<Crc>> = parts.iter().map(|_| Mutex::new(Crc::new())).collect();
    let check = |(): &mut (), task: usize| {
        control.check()?;
        if let Ok(mut sum) = made[task].lock() {
            sum.update(parts[task]);
        }
        Ok(())
    };
    parallel(threads, parts.len(), || Ok(()), check).map_err(Fault::Stopped)?;
    let mut made = made.into_iter().filter_map(|sum| sum.into_inner().ok());
    for (name, &wanted) in SECTIONS.iter().zip(sums) {
        let mut sum = Crc::new();
        made.by_ref().take(sections[name].len().div_ceil(CHECKED)).for_each(|part| sum.combine(&part));
        if sum.sum() != wanted {
            return damaged(format!(
                "section `{name}`: its checksum differs; the file is damaged: compile the models again"
            ));
        }
    }
    Ok(())
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}
