//! Lists of values in text files.
//!
//! In: a file with one value a line (gzip too), a key. Out: a [`ValueList`]: keyed hashes, the values themselves
//! are not kept. A list of hashes (sixteen hexadecimal digits a line) is one whose values are never seen here.

use std::io::{BufRead, BufReader};

use creditcore::error::Place;
use creditcore::exec::Control;
use creditcore::expr::ValueList;
use creditcore::id::HashKey;
use creditcore::{Error, Result};
use encoding_rs::UTF_8;

use crate::text;

/// The longest value, in bytes.
const LONGEST_VALUE: usize = 4_096;
/// Lines between two looks at the control.
const LINES: u64 = 65_536;

/// Reads a list. Blanks around a value are not part of it; empty lines are left out.
///
/// # Errors
/// `Source`: a file that cannot be read, a line that is too long or no UTF-8, or, among hashes, no hash; with
/// its row. A request to stop.
pub fn read(path: &str, key: HashKey, are_hashes: bool, control: &Control) -> Result<ValueList> {
    let mut lines = BufReader::with_capacity(1 << 20, text::open(path, UTF_8)?);
    let mut hashes: Vec<u64> = Vec::new();
    let mut line = Vec::new();
    for row in 1u64.. {
        if row % LINES == 0 {
            control.check()?;
            control.advance(LINES);
        }
        let refused = |told: &str| Error::source(Place::row(path, row), told);
        line.clear();
        let mut limited = std::io::Read::take(&mut lines, LONGEST_VALUE as u64 + 2);
        let read = limited.read_until(b'\n', &mut line).map_err(|error| crate::unreadable(path, &error))?;
        if read == 0 {
            break;
        }
        if line.len() > LONGEST_VALUE {
            return Err(refused("the value is longer than 4096 bytes; write one value a line"));
        }
        let value = std::str::from_utf8(&line).map_err(|_| refused("the value is no UTF-8 text"))?.trim();
        if value.is_empty() {
            continue;
        }
        hashes.push(if are_hashes {
            let digits = Some(value).filter(|value| value.len() == 16);
            digits
                .and_then(|value| u64::from_str_radix(value, 16).ok())
                .ok_or_else(|| refused("the value is no hash; a hash has sixteen hexadecimal digits"))?
        } else {
            key.hash(value.as_bytes())
        });
        if hashes.len() > ValueList::MOST_VALUES {
            return Err(refused("the list has more than 4294967295 values"));
        }
    }
    Ok(ValueList::new(key, hashes))
}
