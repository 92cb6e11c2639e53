//! Each person's identifiers, as hashes: what a network is made of, and all that it keeps of the data.
//!
//! In: rows, gathered ([`Gathering`](super::Gathering)), or a network that changes. Out: [`Records`]: people in the
//! order of their keys, each identifier of a person once. Law 1: equal people give equal records, however they came.
//!
//! Memory: 14 bytes for a link (hash 8, time 4, type 1, role 1), 12 for a person, and the keys.

use super::key::Keys;

/// Links that a network may have: their numbers are 32 bits wide.
pub const MOST_LINKS: usize = u32::MAX as usize - 1;

/// People and their identifiers.
#[derive(Clone, Debug, PartialEq)]
pub struct Records {
    /// Ascending, each once.
    pub(super) keys: Keys,
    /// For each person the time of its latest row.
    pub(super) times: Vec<u32>,
    /// Where each person's links start; one more than there are people.
    pub(super) starts: Vec<u32>,
    pub(super) links: Shown,
}

/// Columns of links.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shown {
    pub(super) types: Vec<u8>,
    pub(super) roles: Vec<u8>,
    pub(super) hashes: Vec<u64>,
    /// The first time at which a row of the person showed the identifier.
    pub(super) times: Vec<u32>,
}

/// One identifier of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The number of its type.
    pub kind: u8,
    /// What orders the identifiers of a person: a function of the value alone, not of the hash's key.
    pub order: u64,
    /// The keyed hash of type and value.
    pub hash: u64,
    /// As what it is shown.
    pub role: u8,
}

impl Records {
    /// No people.
    pub(super) fn empty(keys: Keys) -> Self {
        Self { keys, times: Vec::new(), starts: vec![0], links: Shown::default() }
    }

    /// How many people.
    pub fn people(&self) -> usize {
        self.times.len()
    }

    /// How many links.
    pub fn len(&self) -> usize {
        self.links.hashes.len()
    }

    /// Whether there are no links.
    pub fn is_empty(&self) -> bool {
        self.links.hashes.is_empty()
    }

    /// The keys, ascending.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where a person's links stand.
    pub(super) fn range(&self, person: usize) -> std::ops::Range<usize> {
        self.starts[person] as usize..self.starts[person + 1] as usize
    }
}
