//! From a leaf's code to its value: tables in the layout that a form's instructions read.

use super::form::Form;
use super::program::{Sums, TreeParts};
use super::{Line, MOST_BITS};

/// How the value of a code is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A table by code in memory.
    Plain,
    /// A table in 2, 4 or 8 registers of 16 words of 32 bits (`1 << .0` entries; doubles are two such tables, that
    /// of the low halves first), by code or, where there is a table of leaves, by leaf.
    Lanes {
        /// The binary logarithm of the entries: 5, 6 or 7.
        entries: u8,
        /// The bits of a code that is first turned into a leaf; 0 where the code itself is looked up.
        leaves: u8,
    },
    /// A code of up to 16 bits, a table of leaves in memory, and a table of values by leaf.
    Deep,
}

/// The tables of a segment.
#[derive(Debug, Default)]
pub(super) struct Tables {
    lines: Vec<Line>,
}

impl Tables {
    /// Adds a tree's tables: how a value is found, and where the tables of leaves and of values begin.
    pub(super) fn add(&mut self, form: Form, sums: Sums, tree: &TreeParts) -> (Kind, u32, u32) {
        let bits = tree.code.len();
        assert!(bits <= MOST_BITS && tree.leaf_of_code.len() == 1 << bits, "a code of {bits} bits");
        let leaves = tree.values.len();
        assert!(tree.leaf_of_code.iter().all(|&leaf| usize::from(leaf) < leaves), "a code without a leaf");
        let by_code = || tree.leaf_of_code.iter().map(|&leaf| tree.values[usize::from(leaf)]);
        match kind(form, bits, leaves) {
            Kind::Plain => (Kind::Plain, 0, self.plain(sums, by_code())),
            Kind::Lanes { entries, leaves: 0 } => {
                let filled = by_code().cycle().take(1 << entries);
                (Kind::Lanes { entries, leaves: 0 }, 0, self.lanes(sums, filled))
            }
            kind @ Kind::Lanes { entries, .. } => {
                let leaves = self.put(tree.leaf_of_code.iter().map(|&leaf| [leaf as u8]));
                let filled = tree.values.iter().copied().chain(std::iter::repeat(0.0)).take(1 << entries);
                (kind, leaves, self.lanes(sums, filled))
            }
            Kind::Deep => {
                let leaves = self.put(tree.leaf_of_code.iter().map(|leaf| leaf.to_ne_bytes()));
                (Kind::Deep, leaves, self.plain(sums, tree.values.iter().copied()))
            }
        }
    }

    /// Values one after the other; returns the line where they begin.
    fn plain(&mut self, sums: Sums, values: impl Iterator<Item = f64>) -> u32 {
        match sums {
            Sums::F64 => self.put(values.map(f64::to_ne_bytes)),
            _ => self.put(values.map(|value| word(sums, value).to_ne_bytes())),
        }
    }

    /// Values in halves of doubles, or one word each.
    fn lanes(&mut self, sums: Sums, values: impl Iterator<Item = f64> + Clone) -> u32 {
        if sums != Sums::F64 {
            return self.put(values.map(|value| word(sums, value).to_ne_bytes()));
        }
        let low = self.put(values.clone().map(|value| (value.to_bits() as u32).to_ne_bytes()));
        self.put(values.map(|value| ((value.to_bits() >> 32) as u32).to_ne_bytes()));
        low
    }

    /// Appends bytes from a new line on.
    fn put<const N: usize>(&mut self, values: impl Iterator<Item = [u8; N]>) -> u32 {
        let start = self.lines.len();
        let bytes: Vec<u8> = values.flatten().collect();
        for part in bytes.chunks(64) {
            let mut whole = [0; 64];
            whole[..part.len()].copy_from_slice(part);
            let word = |at: usize| std::array::from_fn(|byte| whole[at * 8 + byte]);
            self.lines.push(Line(std::array::from_fn(|at| u64::from_ne_bytes(word(at)))));
        }
        start as u32
    }

    /// Gives back what was reserved in vain.
    pub(super) fn shrink(&mut self) {
        self.lines.shrink_to_fit();
    }

    /// Bytes of all tables.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.lines[..])
    }

    /// The first byte of all tables.
    pub(super) fn start(&self) -> *const u8 {
        self.lines.as_ptr().cast()
    }
}

/// A value as a word of 32 bits.
fn word(sums: Sums, value: f64) -> u32 {
    match sums {
        Sums::Fixed { .. } => value as i32 as u32,
        _ => (value as f32).to_bits(),
    }
}

/// How a form finds the value of a code.
fn kind(form: Form, bits: usize, leaves: usize) -> Kind {
    match (form, bits) {
        (Form::Portable | Form::Avx2, 0..=8) => Kind::Plain,
        (Form::Avx512 | Form::Vbmi, 0..=5) => Kind::Lanes { entries: 5, leaves: 0 },
        (Form::Vbmi, 6 | 7) if leaves <= 32 => Kind::Lanes { entries: 5, leaves: bits as u8 },
        (Form::Vbmi, 7) if leaves <= 64 => Kind::Lanes { entries: 6, leaves: 7 },
        (Form::Avx512 | Form::Vbmi, 6 | 7) => Kind::Lanes { entries: bits as u8, leaves: 0 },
        _ => Kind::Deep,
    }
}
