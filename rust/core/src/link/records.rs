//! Each person's identifiers, as hashes: what a network is made of, and all that it keeps of the data.
//!
//! In: rows of a key, a time and identifiers, in any order, through [`Gathering`]. Out: [`Records`]: people in
//! the order of their keys, each identifier of a person once. Laws 1 and 2: equal rows give equal records
//! whatever their order, and a person with several rows is one person with the identifiers of all of them.
//!
//! Memory: 14 bytes for a link (hash 8, time 4, type 1, role 1), 12 for a person, and the keys.

use super::key::Keys;
use super::links::NO_TIME;
use crate::error::{Error, Place, Result};

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

/// Rows on their way to records.
#[derive(Clone, Debug)]
pub struct Gathering {
    keys: Keys,
    times: Vec<u32>,
    /// Where each row's entries end.
    ends: Vec<u64>,
    entries: Vec<Entry>,
}

impl Gathering {
    /// No rows, with keys of some type.
    pub fn new(keys: Keys) -> Self {
        Self { keys, times: Vec::new(), ends: Vec::new(), entries: Vec::new() }
    }

    /// The keys so far; whoever appends keys appends as many rows by [`row`](Self::row).
    pub(super) fn keys_mut(&mut self) -> &mut Keys {
        &mut self.keys
    }

    /// Appends the time and the identifiers of the next row.
    pub fn row(&mut self, time: u32, entries: impl Iterator<Item = Entry>) {
        self.times.push(time);
        self.entries.extend(entries);
        self.ends.push(self.entries.len() as u64);
    }

    /// The keys of the rows.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// How many rows and how many entries there are.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.times.len(), self.entries.len())
    }

    /// Makes room for so many rows and entries in all.
    pub(super) fn make_room(&mut self, (rows, entries): (usize, usize)) {
        let more = rows.saturating_sub(self.times.len());
        self.keys.reserve(more);
        self.times.reserve_exact(more);
        self.ends.reserve_exact(more);
        self.entries.reserve_exact(entries.saturating_sub(self.entries.len()));
    }

    /// Appends the rows of another part.
    ///
    /// # Errors
    /// Keys of another type.
    pub fn append(&mut self, other: &Self) -> Result<()> {
        if !self.keys.same_type(&other.keys) {
            let told = "the key column is of two types in two parts of the source; cast it to one";
            return Err(Error::schema(Place::default(), told));
        }
        let before = self.entries.len() as u64;
        self.keys.append(&other.keys);
        self.times.extend_from_slice(&other.times);
        self.ends.extend(other.ends.iter().map(|end| before + end));
        self.entries.extend_from_slice(&other.entries);
        Ok(())
    }

    /// Appends one row of another gathering with keys of the same type.
    pub(super) fn push_row(&mut self, other: &Self, row: usize) {
        self.keys.push_from(&other.keys, row);
        self.row(other.times[row], other.entries[other.range(row)].iter().copied());
    }

    /// Makes records of the rows.
    ///
    /// # Errors
    /// More people or links than numbers of 32 bits can tell apart.
    pub fn finish(mut self) -> Result<Records> {
        check_size(self.keys.len(), self.entries.len())?;
        let order = self.keys.sorted();
        let mut made = Records::empty(self.keys.take(std::iter::empty()));
        let mut person: Vec<(Entry, u32)> = Vec::new();
        for rows in order.chunk_by(|&a, &b| self.keys.compare(a as usize, b as usize).is_eq()) {
            person.clear();
            for &row in rows {
                let range = self.range(row as usize);
                person.extend(self.entries[range].iter().map(|entry| (*entry, self.times[row as usize])));
            }
            // Equal identifiers stand together, the first role and the first time in front.
            person.sort_unstable();
            made.keys.push_from(&self.keys, rows[0] as usize);
            made.times.push(latest(rows.iter().map(|&row| self.times[row as usize])));
            made.push_links(&person);
        }
        self.entries.clear();
        Ok(made)
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        start..self.ends[row] as usize
    }
}

/// The latest known time, or [`NO_TIME`].
fn latest(times: impl Iterator<Item = u32>) -> u32 {
    times.filter(|&time| time != NO_TIME).max().unwrap_or(NO_TIME)
}

fn check_size(people: usize, links: usize) -> Result<()> {
    if people > MOST_LINKS || links > MOST_LINKS {
        return Err(Error::argument(format!(
            "{people} people and {links} links are more than a network holds; allowed are {MOST_LINKS} of each"
        )));
    }
    Ok(())
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

    /// Appends the links of the last person: sorted, equal ones beside each other.
    fn push_links(&mut self, entries: &[(Entry, u32)]) {
        let alike = |a: &(Entry, u32), b: &(Entry, u32)| (a.0.kind, a.0.hash) == (b.0.kind, b.0.hash);
        for same in entries.chunk_by(alike) {
            let entry = same[0].0;
            self.links.types.push(entry.kind);
            self.links.roles.push(entry.role);
            self.links.hashes.push(entry.hash);
            self.links.times.push(same.iter().map(|&(_, time)| time).min().unwrap_or(NO_TIME));
        }
        self.starts.push(self.links.hashes.len() as u32);
    }
}
