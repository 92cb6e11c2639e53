//! From a leaf's code to its value: tables in the layout that a form's instructions read.

use super::form::Form;
use super::program::{Run, Sums, TreeParts};
use super::{Line, MOST_BITS};
use crate::room::fitted;

/// How the value of a code is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A table by code in memory.
    Plain,
    /// A table of 32 entries by code, byte by byte: for each byte of a value those of the first 16 entries, and those of
    /// the other 16.
    Bytes,
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

/// The lines where the tables of a tree begin.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct At {
    /// From codes to leaves, where that is a table of its own.
    pub(super) leaves: u32,
    /// Values of exact sums.
    pub(super) values: u32,
    /// Integers, in lines of their own.
    pub(super) fixed: u32,
}

/// The tables of a segment: leaves and values of exact sums in one list of lines, integers in another, so that what
/// is not read does not fill the caches.
#[derive(Debug, Default)]
pub(super) struct Tables {
    exact: Vec<Line>,
    fixed: Vec<Line>,
}

impl Tables {
    /// Adds a tree's tables; tells how a value is found, and where.
    pub(super) fn add(&mut self, form: Form, run: &Run, tree: &TreeParts) -> (Kind, At) {
        let bits = tree.code.len();
        assert!(bits <= MOST_BITS && tree.leaf_of_code.len() == 1 << bits, "a code of {bits} bits");
        let leaves = tree.values.len();
        assert!(tree.leaf_of_code.iter().all(|&leaf| usize::from(leaf) < leaves), "a code without a leaf");
        assert!(run.fixed.is_none() || tree.fixed.len() == leaves, "a leaf without an integer");
        let kind = kind(form, bits, leaves);
        let mut at = At { leaves: self.exact.len() as u32, ..At::default() };
        match kind {
            Kind::Deep => put(&mut self.exact, tree.leaf_of_code.iter().map(|leaf| leaf.to_ne_bytes())),
            Kind::Lanes { leaves: 1.., .. } => {
                put(&mut self.exact, tree.leaf_of_code.iter().map(|&leaf| [leaf as u8]));
            }
            _ => {}
        }
        at.values = self.exact.len() as u32;
        let bits = |leaf: usize| tree.values[leaf].to_bits();
        match (run.sums, kind) {
            (Sums::F32, _) => {
                table(&mut self.exact, kind, tree, |leaf| (tree.values[leaf] as f32).to_ne_bytes());
            }
            (Sums::F64, Kind::Lanes { .. }) => {
                table(&mut self.exact, kind, tree, |leaf| (bits(leaf) as u32).to_ne_bytes());
                table(&mut self.exact, kind, tree, |leaf| ((bits(leaf) >> 32) as u32).to_ne_bytes());
            }
            (Sums::F64, _) => table(&mut self.exact, kind, tree, |leaf| tree.values[leaf].to_ne_bytes()),
        }
        at.fixed = self.fixed.len() as u32;
        if run.fixed.is_some() {
            table(&mut self.fixed, kind, tree, |leaf| tree.fixed[leaf].to_ne_bytes());
        }
        (kind, at)
    }

    /// The tables without room for more.
    pub(super) fn fitted(self) -> Self {
        Self { exact: fitted(self.exact), fixed: fitted(self.fixed) }
    }

    /// Bytes of all tables.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.exact[..]) + size_of_val(&self.fixed[..])
    }

    /// The first byte of the leaves and of the values of exact sums, and that of the integers.
    pub(super) fn starts(&self) -> [*const u8; 2] {
        [self.exact.as_ptr().cast(), self.fixed.as_ptr().cast()]
    }
}

/// Appends the entries of a table. A table of more entries than there are is filled up with some that there are.
fn table<const N: usize>(
    lines: &mut Vec<Line>,
    kind: Kind,
    tree: &TreeParts,
    bytes: impl Fn(usize) -> [u8; N],
) {
    let (count, by_code) = match kind {
        Kind::Plain => (tree.leaf_of_code.len(), true),
        Kind::Bytes => (32, true),
        Kind::Lanes { entries, leaves } => (1 << entries, leaves == 0),
        Kind::Deep => (tree.values.len(), false),
    };
    let entry = |entry: usize| match by_code {
        true => bytes(tree.leaf_of_code[entry % tree.leaf_of_code.len()].into()),
        false => bytes(entry.min(tree.values.len() - 1)),
    };
    if kind == Kind::Bytes {
        // The lowest byte of every entry, then the next one of every entry.
        put(lines, (0..N * count).map(|at| [entry(at % count)[at / count]]));
    } else {
        put(lines, (0..count).map(entry));
    }
}

/// Appends bytes from a new line on.
fn put<const N: usize>(lines: &mut Vec<Line>, values: impl Iterator<Item = [u8; N]>) {
    let bytes: Vec<u8> = values.flatten().collect();
    for part in bytes.chunks(64) {
        let mut whole = [0; 64];
        whole[..part.len()].copy_from_slice(part);
        let word = |at: usize| std::array::from_fn(|byte| whole[at * 8 + byte]);
        lines.push(Line(std::array::from_fn(|at| u64::from_ne_bytes(word(at)))));
    }
}

/// How a form finds the value of a code.
fn kind(form: Form, bits: usize, leaves: usize) -> Kind {
    match (form, bits) {
        (Form::Avx2, 0..=5) => Kind::Bytes,
        (Form::Portable | Form::Avx2, 0..=8) => Kind::Plain,
        (Form::Avx512 | Form::Vbmi, 0..=5) => Kind::Lanes { entries: 5, leaves: 0 },
        (Form::Vbmi, 6 | 7) if leaves <= 32 => Kind::Lanes { entries: 5, leaves: bits as u8 },
        (Form::Vbmi, 7) if leaves <= 64 => Kind::Lanes { entries: 6, leaves: 7 },
        (Form::Avx512 | Form::Vbmi, 6 | 7) => Kind::Lanes { entries: bits as u8, leaves: 0 },
        _ => Kind::Deep,
    }
}
