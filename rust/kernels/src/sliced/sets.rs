//! Tests by sets of categories: 64 tests of 64 rows are a table look-up and a transposition.
//!
//! In: a column of categories, once for all programs turned into positions in a list of codes ([`Codes`]). Out: a plane
//! for each test ([`SetTests`]), however large its set.

use super::planes::Planes;
use super::{LINE_ROWS, ROWS, scalar};

/// The codes of a categorical column that tests know, in increasing order. A row's position is [`UNKNOWN`],
/// [`MISSING`], or that of its code.
#[derive(Debug)]
pub struct Codes {
    codes: Vec<u32>,
}

/// The position of a category that no set holds.
const UNKNOWN: u32 = 0;
/// The position of what is missing.
const MISSING: u32 = 1;
/// The position of the first code.
const FIRST: u32 = 2;

impl Codes {
    /// Codes in increasing order.
    pub fn new(codes: Vec<u32>) -> Self {
        debug_assert!(codes.is_sorted_by(|a, b| a < b));
        Self { codes }
    }

    /// The positions that a table of tests needs.
    pub fn positions(&self) -> usize {
        self.codes.len() + FIRST as usize
    }

    /// The position of a code.
    pub fn position(&self, code: u32) -> Option<usize> {
        self.codes.binary_search(&code).ok().map(|at| at + FIRST as usize)
    }

    /// The position of a category that no set holds, and that of what is missing.
    pub fn others() -> (usize, usize) {
        (UNKNOWN as usize, MISSING as usize)
    }

    /// Writes the position of each value. `code` gives a value's code, where it has one.
    pub fn find(&self, column: &[f64], code: impl Fn(f64) -> Option<u32>, positions: &mut [u32; ROWS]) {
        for (position, &value) in positions.iter_mut().zip(column) {
            *position = if value.is_nan() {
                MISSING
            } else {
                let known = code(value).and_then(|code| self.codes.binary_search(&code).ok());
                known.map_or(UNKNOWN, |at| at as u32 + FIRST)
            };
        }
    }
}

/// Up to 64 tests of one categorical column.
#[derive(Clone, Debug)]
pub struct SetTests {
    /// The number of the column among those whose positions are found.
    pub column: u32,
    /// How many tests.
    pub count: u32,
    /// For each position a bit for each test: whether the row goes to the right.
    pub right: Vec<u64>,
}

impl SetTests {
    /// Makes the first lines of the planes of the tests, from `first` on.
    pub(super) fn run(&self, columns: &[[u32; ROWS]], planes: &mut Planes, first: usize, lines: usize) {
        let positions = &columns[self.column as usize];
        for (word, rows) in positions[..lines * LINE_ROWS].chunks_exact(64).enumerate() {
            let mut bits: [u64; 64] =
                std::array::from_fn(|row| self.right.get(rows[row] as usize).copied().unwrap_or_default());
            scalar::transpose_64(&mut bits);
            for (test, &bits) in bits[..self.count as usize].iter().enumerate() {
                planes.set_word(first + test, word, bits);
            }
        }
    }
}
