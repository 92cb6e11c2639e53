//! The graph of people and the identifiers that they share, in compressed rows of both directions.
//!
//! In: [`Records`] (each person's identifiers, hashed) and the [`Settings`] of each type. Out: [`Links`],
//! immutable. Laws 2 and 7: people are numbered by their keys' order and identifiers by their first person, so
//! no number depends on the order of rows, on threads, on an identifier's name or on the key of the hash; the
//! smallest key of a set of people is the one with the smallest number.
//!
//! Which identifiers are there. An identifier of one person (85 % of them) links nobody and is not kept. One of
//! 2 people up to the cap of its type is *kept*: it has a number and a list of people. One beyond the cap is a
//! [`Hub`]: a count and a histogram of days, no list, and no link of any person.
//!
//! Memory: 9 bytes for a kept link in each direction (number 4, time 4, role 1), 4 for each person and each
//! kept identifier in each direction, 9 more for a kept identifier (hash, type). Times and keys of people stand in the
//! records. With a third of the links kept that is 6 bytes for each link of the records.

use std::sync::Arc;

use super::key::Keys;
use super::records::Records;
use super::settings::Settings;

/// A time that is not known; later than every other.
pub const NO_TIME: u32 = u32::MAX;
/// Seconds of a day.
pub const DAY: u32 = 86_400;

/// People and the identifiers that they share.
#[derive(Clone, Debug, PartialEq)]
pub struct Links {
    /// What the links are of: they have the keys and the times of people.
    pub(super) records: Arc<Records>,
    pub(super) settings: Settings,
    pub(super) kept: Arc<Kept>,
}

/// Both directions, and what is known of identifiers; other strengths leave it as it is.
#[derive(Debug, PartialEq)]
pub(super) struct Kept {
    pub(super) people: Rows,
    pub(super) identifiers: Rows,
    pub(super) types: Vec<u8>,
    pub(super) hashes: Vec<u64>,
    pub(super) hubs: Vec<Hub>,
}

/// One direction of the links: for each row a range of links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rows {
    /// Where each row starts; one more than there are rows.
    pub(super) starts: Vec<u32>,
    pub(super) targets: Vec<u32>,
    pub(super) times: Vec<u32>,
    pub(super) roles: Vec<u8>,
}

/// One link, seen from either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The number of the identifier, or of the person, at the other end.
    pub target: u32,
    /// The first time at which a row of the person showed it, in seconds since 1970 (UTC); [`NO_TIME`] where
    /// no row had a time.
    pub time: u32,
    /// As what the person showed it: a number among [`Settings::roles`], where 0 is the person's own.
    pub role: u8,
}

/// An identifier of more people than its type's cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hub {
    /// The number of its type.
    pub kind: u8,
    /// Its hash.
    pub hash: u64,
    /// How many people show it.
    pub degree: u32,
    /// How many of them showed it first on a day (days since 1970, UTC), ascending; those without a time are
    /// in none.
    pub days: Vec<(u32, u32)>,
}

impl Rows {
    /// Room for so many rows and links.
    pub(super) fn zeroed(rows: usize, links: usize) -> Self {
        Self {
            starts: vec![0; rows + 1],
            targets: vec![0; links],
            times: vec![0; links],
            roles: vec![0; links],
        }
    }

    fn range(&self, row: u32) -> std::ops::Range<usize> {
        self.starts[row as usize] as usize..self.starts[row as usize + 1] as usize
    }

    fn links(&self, row: u32) -> impl ExactSizeIterator<Item = Link> + '_ {
        self.range(row).map(|at| Link {
            target: self.targets[at],
            time: self.times[at],
            role: self.roles[at],
        })
    }
}

impl Links {
    /// How many people.
    pub fn people(&self) -> usize {
        self.records.people()
    }

    /// How many kept identifiers.
    pub fn identifiers(&self) -> usize {
        self.kept.types.len()
    }

    /// How many kept links.
    pub fn links(&self) -> usize {
        self.kept.people.targets.len()
    }

    /// The keys of the people; a person's number is the rank of its key.
    pub fn keys(&self) -> &Keys {
        &self.records.keys
    }

    /// Types, caps, strengths and roles.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The kept links of a person, each identifier once, in ascending numbers of identifiers.
    pub fn of_person(&self, person: u32) -> impl ExactSizeIterator<Item = Link> + '_ {
        self.kept.people.links(person)
    }

    /// The numbers of a person's kept identifiers, ascending, for loops that need no more.
    pub fn identifiers_of(&self, person: u32) -> &[u32] {
        &self.kept.people.targets[self.kept.people.range(person)]
    }

    /// The links of a kept identifier to its people, each person once, in ascending numbers of people.
    pub fn of_identifier(&self, identifier: u32) -> impl ExactSizeIterator<Item = Link> + '_ {
        self.kept.identifiers.links(identifier)
    }

    /// The numbers of a kept identifier's people, ascending.
    pub fn people_of(&self, identifier: u32) -> &[u32] {
        &self.kept.identifiers.targets[self.kept.identifiers.range(identifier)]
    }

    /// The first times at which the people of [`people_of`](Self::people_of) showed the identifier.
    pub fn times_of(&self, identifier: u32) -> &[u32] {
        &self.kept.identifiers.times[self.kept.identifiers.range(identifier)]
    }

    /// How many people show a kept identifier: 2 up to the cap of its type.
    pub fn degree(&self, identifier: u32) -> u32 {
        self.kept.identifiers.range(identifier).len() as u32
    }

    /// The number of a kept identifier's type among [`Settings::types`].
    pub fn type_of(&self, identifier: u32) -> usize {
        usize::from(self.kept.types[identifier as usize])
    }

    /// The keyed hash of a kept identifier: the same in every network made with the same key.
    pub fn hash_of(&self, identifier: u32) -> u64 {
        self.kept.hashes[identifier as usize]
    }

    /// The time of the latest row of a person, in seconds since 1970 (UTC), or [`NO_TIME`].
    pub fn time(&self, person: u32) -> u32 {
        self.records.times[person as usize]
    }

    /// How many identifiers a person shows, those that nobody shares and hubs included.
    pub fn shown(&self, person: u32) -> u32 {
        self.records.range(person as usize).len() as u32
    }

    /// Identifiers of more people than their type's cap, by type, then by falling degree.
    pub fn hubs(&self) -> &[Hub] {
        &self.kept.hubs
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        let rows = |rows: &Rows| 4 * rows.starts.len() + 9 * rows.targets.len();
        let keys = match &self.records.keys {
            Keys::Text(texts) => (0..texts.len()).map(|at| 8 + texts.get(at).len()).sum(),
            keys => 8 * keys.len(),
        };
        let hubs: usize = self.kept.hubs.iter().map(|hub| size_of::<Hub>() + 8 * hub.days.len()).sum();
        rows(&self.kept.people)
            + rows(&self.kept.identifiers)
            + keys
            + 8 * self.people()
            + 9 * self.identifiers()
            + hubs
    }
}
