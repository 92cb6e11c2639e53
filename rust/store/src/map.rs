//! Files as memory.
//!
//! In: a path. Out: its bytes, mapped; the only `unsafe` of this crate. A map for decoding is held only while its
//! bytes are decoded; those of a portfolio's state are held as long as what borrows from them.
#![allow(unsafe_code, reason = "mapping a file is a promise that the compiler cannot check")]

use std::fs::File;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_buffer::Buffer;
use creditcore::Result;
#[cfg(target_os = "linux")]
use creditcore::exec::{in_order, threads_or_default};
use creditcore_kernels::index::Memory;
#[cfg(target_os = "linux")]
use memmap2::{Advice, UncheckedAdvice};
use memmap2::{Mmap, MmapMut, MmapOptions};

use crate::unreadable;

/// Gives the bytes of a file to `read`.
///
/// # Errors
/// A file that the system does not give, and those of `read`.
pub(crate) fn with_bytes<T>(path: &str, read: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let length = file.metadata().map_err(|error| unreadable(path, &error))?.len();
    if length == 0 {
        return read(&[]);
    }
    // SAFETY: the map is read-only and private to this call. Writers of this crate replace files as a whole and
    // never write into one that is there; whoever else cuts a file short while it is mapped gets the system's bus
    // error, as with any map.
    let map = unsafe { Mmap::map(&file) }.map_err(|error| unreadable(path, &error))?;
    read(&map)
}

/// The bytes of a file of a state as a buffer that arrays may borrow from; such files are written once.
pub(crate) fn buffer(file: &File) -> std::io::Result<Buffer> {
    if file.metadata()?.len() == 0 {
        return Ok(Buffer::from(&[]));
    }
    // SAFETY: as in `with_bytes`: no file of a state is written after it was named in the catalog.
    let map = Arc::new(unsafe { Mmap::map(file) }?);
    let Some(start) = NonNull::new(map.as_ptr().cast_mut()) else { return Ok(Buffer::from(&[])) };
    let length = map.len();
    // SAFETY: the bytes belong to `map`, which the buffer owns a share of, and nobody writes to them.
    Ok(unsafe { Buffer::from_custom_allocation(start, length, map) })
}

/// The whole pages that bytes of a map reach into: where they begin, and how long they are.
#[cfg(target_os = "linux")]
fn pages(bytes: &[u8]) -> (*mut libc::c_void, usize) {
    let start = bytes.as_ptr() as usize;
    let first = start / PAGE * PAGE;
    (
        bytes.as_ptr().wrapping_sub(start - first).cast_mut().cast(),
        (start + bytes.len()).next_multiple_of(PAGE) - first,
    )
}

/// Whether the system has some bytes of a map in memory; true where it does not tell.
#[cfg(target_os = "linux")]
fn in_memory(bytes: &[u8]) -> bool {
    let (first, length) = pages(bytes);
    // A page of another size has no more answers than these.
    let mut told = vec![1u8; length / (1 << 12)];
    // SAFETY: the pages are mapped, as bytes that are borrowed lie in each of them; `told` has a byte
    // for every one, of whatever size they are.
    let rc = unsafe { libc::mincore(first, length, told.as_mut_ptr()) };
    rc != 0 || told.iter().all(|page| page & 1 == 1)
}

/// Asks the system for the pages of some bytes of a map, and does not wait: it reads what it is asked for at the same time,
/// and no more than that, where whoever looks at one row after the other would wait for each, with all that lies around it.
#[cfg(target_os = "linux")]
fn ask_for(bytes: &[u8]) {
    let (first, length) = pages(bytes);
    // SAFETY: the pages are mapped, as above; the advice changes no byte. One that is not taken is a cost, and no fault.
    let _ = unsafe { libc::madvise(first, length, libc::MADV_WILLNEED) };
}

/// Bytes of a map whose pages are mapped at a time.
#[cfg(target_os = "linux")]
const STEP: usize = 1 << 21;

/// Maps the pages of a file, which whoever first looks at them would wait for: all of them, or those alone that the system
/// has in memory.
#[cfg(target_os = "linux")]
pub(crate) fn map_pages(bytes: &[u8], all: bool) {
    for step in bytes.chunks(STEP).filter(|step| all || in_memory(step)) {
        let (first, length) = pages(step);
        // SAFETY: as above. A system that does not know this advice maps pages as they are looked at.
        let _ = unsafe { libc::madvise(first, length, libc::MADV_POPULATE_READ) };
    }
}

/// Bytes of memory that the system can still give, files that it may forget among them; none where it does not tell.
#[cfg(target_os = "linux")]
pub(crate) fn memory_left() -> u64 {
    let told = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kilobytes =
        line.and_then(|line| line.split_whitespace().next()).and_then(|number| number.parse().ok());
    kilobytes.map_or(0, |kilobytes: u64| kilobytes.saturating_mul(1024))
}

/// A system that maps pages as they are looked at.
#[cfg(not(target_os = "linux"))]
pub(crate) fn map_pages(_: &[u8], _: bool) {}

/// A system that does not tell.
#[cfg(not(target_os = "linux"))]
pub(crate) fn memory_left() -> u64 {
    0
}

/// A system that cannot be asked.
#[cfg(not(target_os = "linux"))]
fn in_memory(_: &[u8]) -> bool {
    true
}

/// A system that cannot be asked reads what is looked at.
#[cfg(not(target_os = "linux"))]
fn ask_for(_: &[u8]) {}

/// Parts of maps that are looked at to tell whether the system has them in memory, and the share of them that is not, one in so
/// many, from which on all are asked for: to ask costs more than to read the few that lie around them.
const SAMPLE: usize = 64;
const ABSENT: usize = 16;

/// Asks the system for parts of maps that are read soon, where it does not have them in memory and they are scattered: what
/// lies behind each other it reads ahead by itself.
pub(crate) fn ask_for_all<'a>(parts: impl Iterator<Item = &'a [u8]> + Clone) {
    let parts = parts.filter(|part| !part.is_empty());
    let mut before = 0;
    let (mut count, mut apart) = (0, 0);
    for page in parts.clone().map(|part| part.as_ptr() as usize / PAGE) {
        count += 1;
        apart += usize::from(page.abs_diff(before) > 1);
        before = page;
    }
    if apart <= count / 4 {
        return;
    }
    let sample = parts.clone().step_by((count / SAMPLE).max(1));
    let (seen, absent) =
        sample.fold((0, 0), |(seen, absent), part| (seen + 1, absent + usize::from(!in_memory(part))));
    if absent > seen / ABSENT {
        parts.for_each(ask_for);
    }
}

/// Words of a file that may be changed in memory; the file stays as it is.
pub(crate) struct PrivateWords {
    /// A map, or the words themselves where there is no file.
    memory: Words,
}

enum Words {
    Map { map: MmapMut, start: usize, words: usize, ready: bool },
    Own(Vec<u64>),
}

impl PrivateWords {
    /// The words of a file from byte `start` on, which is a multiple of 8.
    pub(crate) fn of(file: &File, start: usize) -> std::io::Result<Self> {
        let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
        if length < start || !(length - start).is_multiple_of(8) || !start.is_multiple_of(8) {
            return Err(std::io::Error::other("the file does not end with a whole word"));
        }
        if length == start {
            return Ok(Vec::new().into());
        }
        // SAFETY: the map is private to this process (copy on write), and no file of a state is written after it was
        // named in the catalog.
        let map = unsafe { MmapOptions::new().map_copy(file) }?;
        Ok(Self { memory: Words::Map { map, start, words: (length - start) / 8, ready: false } })
    }
}

/// Bytes whose pages are made ready at a time.
#[cfg(target_os = "linux")]
const PIECE: usize = 1 << 26;
/// Writing to a smaller part of the pages than one in so many copies fewer of them than there are.
const FEW: usize = 2;
/// A multiple of the size of every page that a processor of this kind has.
const PAGE: usize = if cfg!(target_arch = "x86_64") { 1 << 12 } else { 1 << 16 };

impl Memory for PrivateWords {
    fn give_back(&mut self, words: Range<usize>) {
        let Words::Map { map, start, .. } = &mut self.memory else { return };
        // Whole pages alone: the others have words of somebody else in them.
        let first = (*start + words.start * 8).next_multiple_of(PAGE);
        let end = (*start + words.end * 8) / PAGE * PAGE;
        #[cfg(target_os = "linux")]
        if first < end {
            // SAFETY: the pages lie within the map, nobody has borrowed from them (the map is borrowed mutably), and
            // they show the file again afterwards: words like any others.
            let told = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, first, end - first) };
            // Memory that is not given back is a cost, and no fault.
            drop(told);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (map, first, end);
    }

    fn prepare(&mut self, places: usize) {
        let Words::Map { map, ready, .. } = &mut self.memory else { return };
        if *ready || places < map.len() / PAGE / FEW {
            return;
        }
        *ready = true;
        // One page after the other would be copied when it is first written: half a second for each million keys.
        #[cfg(target_os = "linux")]
        {
            let copy = |piece: usize| {
                let start = piece * PIECE;
                // A system that cannot do it copies pages as they are written.
                let _ = map.advise_range(Advice::PopulateWrite, start, PIECE.min(map.len() - start));
                Ok(())
            };
            let _ = in_order(threads_or_default(None), map.len().div_ceil(PIECE), copy);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = map;
    }
}

impl Default for PrivateWords {
    fn default() -> Self {
        Vec::new().into()
    }
}

impl From<Vec<u64>> for PrivateWords {
    fn from(words: Vec<u64>) -> Self {
        Self { memory: Words::Own(words) }
    }
}

impl AsRef<[u64]> for PrivateWords {
    fn as_ref(&self) -> &[u64] {
        match &self.memory {
            Words::Own(words) => words,
            // SAFETY: a map begins at a page, `start` is a multiple of 8, and the words were counted when it was made.
            Words::Map { map, start, words, .. } => unsafe {
                std::slice::from_raw_parts(map.as_ptr().add(*start).cast::<u64>(), *words)
            },
        }
    }
}

impl AsMut<[u64]> for PrivateWords {
    fn as_mut(&mut self) -> &mut [u64] {
        match &mut self.memory {
            Words::Own(words) => words,
            // SAFETY: as above; the map is borrowed for as long as the slice.
            Words::Map { map, start, words, .. } => unsafe {
                std::slice::from_raw_parts_mut(map.as_mut_ptr().add(*start).cast::<u64>(), *words)
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_for_pages_reads_the_same_bytes() {
        let path = std::env::temp_dir().join(format!("creditcore-map-{}", std::process::id()));
        let bytes: Vec<u8> = (0..1u32 << 20).flat_map(u32::to_le_bytes).collect();
        std::fs::write(&path, &bytes).expect("it is written");
        let file = File::open(&path).expect("it is opened");
        std::fs::remove_file(&path).expect("it has a name no longer");
        let map = buffer(&file).expect("it is mapped");
        let parts = || (0..64).map(|at| &map[at * 65_521..][..300]);
        ask_for_all(parts());
        map_pages(&map, false);
        map_pages(&map, true);
        assert!(cfg!(not(target_os = "linux")) || memory_left() > 0);
        ask_for_all(std::iter::once(&map[..0]));
        assert!(parts().zip(0..).all(|(part, at)| *part == bytes[at * 65_521..][..300]));
        assert!(parts().all(in_memory));
    }
}
