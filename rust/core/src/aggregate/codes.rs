//! The group codes of a batch's rows, as wide as they need to be.
//!
//! In: what a [`Grouper`](super::group::Grouper) or bands gave. Out: codes of some rows, of 16 bits where a
//! table takes them so (a column of small integers is its own codes, uncopied), else of 32.

use arrow_buffer::ScalarBuffer;

use super::group::REFUSED;

/// A code for each row of a batch.
#[derive(Clone, Debug)]
pub(super) enum Codes {
    /// Groups, or why a row belongs to none.
    Wide(Vec<u32>),
    /// Groups only.
    Short(ScalarBuffer<u16>),
}

impl Default for Codes {
    fn default() -> Self {
        Self::Wide(Vec::new())
    }
}

impl Codes {
    /// One row's code.
    pub(super) fn of(&self, row: usize) -> u32 {
        match self {
            Self::Wide(codes) => codes[row],
            Self::Short(codes) => codes[row].into(),
        }
    }

    /// The codes of some rows.
    pub(super) fn take(&self, rows: &[u32]) -> Self {
        Self::Wide(rows.iter().map(|&row| self.of(row as usize)).collect())
    }

    /// Whether each of some rows belongs to a group.
    pub(super) fn groups_only(&self, start: usize, length: usize) -> bool {
        match self {
            Self::Wide(codes) => {
                codes[start..start + length].iter().fold(0, |most, &code| most | code) < REFUSED
            }
            Self::Short(_) => true,
        }
    }

    /// Codes of rows whose groups are all below 2^16.
    pub(super) fn short<'a>(&'a self, start: usize, length: usize, room: &'a mut Vec<u16>) -> &'a [u16] {
        match self {
            Self::Short(codes) => &codes[start..start + length],
            Self::Wide(codes) => {
                room.clear();
                room.extend(codes[start..start + length].iter().map(|&code| code as u16));
                room
            }
        }
    }

    /// Codes of 32 bits.
    pub(super) fn wide<'a>(&'a self, start: usize, length: usize, room: &'a mut Vec<u32>) -> &'a [u32] {
        match self {
            Self::Wide(codes) => &codes[start..start + length],
            Self::Short(codes) => {
                room.clear();
                room.extend(codes[start..start + length].iter().map(|&code| u32::from(code)));
                room
            }
        }
    }
}
