//! The planes of a step.

use super::memory::Lines;
use super::{LINES, Line};

/// The plane without any row.
pub const ZEROS: u16 = 0;
/// The plane with every row.
pub const ONES: u16 = 1;

/// Planes by their numbers, the first two of them [`ZEROS`] and [`ONES`].
pub struct Planes {
    lines: Lines,
}

impl Planes {
    /// Planes, of which only the first two are set.
    ///
    /// # Panics
    /// If there are fewer than two, or more than 16 bits can number.
    pub fn new(count: usize) -> Self {
        assert!((2..=1 << 16).contains(&count), "{count} planes");
        let mut lines = Lines::new(count * LINES);
        lines[LINES..2 * LINES].fill(Line([u64::MAX; 8]));
        Self { lines }
    }

    /// How many planes.
    pub fn count(&self) -> usize {
        self.lines.len() / LINES
    }

    /// The words of a plane.
    ///
    /// # Panics
    /// If it is not there.
    pub(super) fn of(&mut self, plane: usize) -> &mut [Line] {
        &mut self.lines[plane * LINES..][..LINES]
    }

    /// Some planes in a row.
    pub(super) fn range(&mut self, first: usize, count: usize) -> &mut [Line] {
        &mut self.lines[first * LINES..][..count * LINES]
    }

    /// Sets 64 rows of a plane that is neither of the first two.
    pub(super) fn set_word(&mut self, plane: usize, word: usize, bits: u64) {
        debug_assert!(plane > usize::from(ONES));
        self.lines[plane * LINES + word / 8].0[word % 8] = bits;
    }

    /// The first byte of the first plane.
    pub(super) fn start(&mut self) -> *mut u8 {
        self.lines.as_mut_ptr().cast()
    }

    /// Whether a row is set.
    #[cfg(test)]
    pub(super) fn bit(&self, plane: usize, row: usize) -> bool {
        self.lines[plane * LINES + row / 512].0[row % 512 / 64] >> (row % 64) & 1 == 1
    }
}
