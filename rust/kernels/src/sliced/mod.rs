//! Trees evaluated for many rows at a time: one bit of 512 rows is a register, a node is one instruction.
//!
//! In: columns of doubles, and programs compiled from trees. Out: sums of leaf values, in the order of the trees,
//! with the bits that adding them one by one gives. Law 3: every form (portable, AVX2, AVX-512) gives the same bits.
//!
//! A *plane* is one bit of each of [`ROWS`] rows. The work on a step of [`ROWS`] rows has five parts:
//! 1. [`Numbers`] turns a column into planes, once for all trees: a value's rank among all cuts, cut into digits of
//!    a few bits, and of each digit a thermometer: plane `i` says `digit >= i`.
//! 2. A test `value > cut`, which is `rank >= r`, is then `high[h+1] | high[h] & (middle[m+1] | middle[m] & low[l])`:
//!    a [`Segment`] makes each of its distinct tests once. Tests by sets of categories are looked up ([`sets`]).
//! 3. A tree is a network of multiplexers over the bits of a leaf's code: `test ? right : left`, one instruction
//!    for each node and bit that is not the same on both sides.
//! 4. The planes of a code are transposed into one byte for each row.
//! 5. The byte finds the leaf's value in a table held in registers, and the value is added.
//!
//! A program is checked once, when it is built: every plane that it names exists, every code finds a value. Running it
//! needs no more checks. It is built for one [`Form`], as tables are laid out for the instructions that read them.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod form;
mod memory;
mod numbers;
mod planes;
mod program;
mod run;
mod scalar;
mod search;
mod sets;
mod tables;
#[cfg(test)]
mod tests;
mod word;

pub use form::Form;
pub use numbers::{Numbers, Thermometers};
pub use planes::{ONES, Planes, ZEROS};
pub use program::{Fixed, Run, Segment, SegmentParts, Start, Sums, TreeParts};
pub use run::Workspace;
pub use search::{Keys, MISSING, MOST_KEYS};
pub use sets::{Codes, SetTests};

/// Lines of a plane.
const LINES: usize = 4;
/// Rows of a step.
pub const ROWS: usize = LINE_ROWS * LINES;
/// Rows of a line.
const LINE_ROWS: usize = 512;
/// The most bits of a leaf's code.
pub const MOST_BITS: usize = 16;
/// Trees whose codes are made before their values are added: sums then stay in registers.
const GROUP: usize = 8;

/// How many lines of each plane a step of some rows goes over: it is written for one, two and all of them.
fn lines_of(rows: usize) -> usize {
    match rows.div_ceil(LINE_ROWS) {
        lines @ 0..=2 => lines.max(1),
        _ => LINES,
    }
}

/// One bit of 512 rows.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
struct Line([u64; 8]);
