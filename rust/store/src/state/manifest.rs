//! What the catalog says of a state.
//!
//! In and out: plain data, as JSON: columns, sums, files with their lengths and checksums.

use creditcore::aggregate::Plan;
use serde::{Deserialize, Serialize};

use super::layout::Layout;
use super::segment::FileSum;

/// A file of rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Named {
    /// Its name in the folder.
    pub file: String,
    /// Its rows.
    pub rows: u64,
    /// Of a segment that was merged the rows of each delta in it, in their order; none means one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<u64>,
    /// The segments right before it that it takes the place of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaces: Vec<String>,
    /// Its length and checksum.
    #[serde(flatten)]
    pub sum: FileSum,
}

impl Named {
    /// A file that stands for itself alone.
    pub(super) fn new(file: &str, rows: u64, sum: FileSum) -> Self {
        Self { file: file.to_owned(), rows, parts: Vec::new(), replaces: Vec::new(), sum }
    }

    /// The rows of each delta in it.
    pub(super) fn deltas(&self) -> Vec<u64> {
        if self.parts.is_empty() { vec![self.rows] } else { self.parts.clone() }
    }
}

/// What was in memory after some segments, as files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The index of keys.
    pub index: Named,
    /// The sums.
    pub sums: Named,
    /// Segments that it is made of.
    pub segments: usize,
    /// Records.
    pub records: u64,
    /// The sum of their hashes, hexadecimal.
    pub hash: String,
}

/// What a state is made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// Its columns.
    pub layout: Layout,
    /// Its sums.
    pub plan: Plan,
    /// Its segments, in the order in which they were written.
    pub segments: Vec<Named>,
    /// What need not be made again.
    pub checkpoint: Option<Checkpoint>,
}
