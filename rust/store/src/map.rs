//! Files as memory.
//!
//! In: a path. Out: its bytes, mapped; the only `unsafe` of this crate. A map is held only while its bytes are
//! decoded: nothing that outlives the call borrows from it.
#![allow(unsafe_code, reason = "mapping a file is a promise that the compiler cannot check")]

use std::fs::File;

use creditcore::Result;
use memmap2::Mmap;

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
