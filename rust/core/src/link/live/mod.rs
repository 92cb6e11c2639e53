//! A network that changes in place: what an update touches is what it costs.
//!
//! In: [`Records`](super::Records), then deltas. Out: [`Live`], which gives the records back in the order of keys,
//! equal to the last byte to those of a build (law 1), and says which people an update touched. People and
//! identifiers have numbers that stay; nothing that is given out depends on them (laws 2 and 7).
//!
//! Memory: 9 bytes a link and 8 more for one of an identifier that two people show (40 where 65 or more do), 26
//! to 30 an identifier, 12 and the key a person, 10 to 14 in the index of keys, 8 in the calendar where
//! people expire, rounded up by an eighth. Blocks that became free are used again for blocks of their size.

mod blocks;
mod calendar;
mod change;
mod index;
mod people;
mod shared;
mod taken_up;
mod then;

pub(super) use blocks::{Block, Blocks};
pub(super) use change::{Applied, Undo, unique};

use super::key::Keys;
use super::links::{Links, NO_TIME};
use super::records::{MOST_LINKS, Records};
use crate::error::{Error, Result};
use creditcore_kernels::prefetch;
use people::People;
use shared::Shared;

/// The number of nobody and of nothing.
const NONE: u32 = u32::MAX;
/// Links beyond this find no room: blocks are rounded up and their places are 32 bits wide.
const MOST_LIVE_LINKS: usize = MOST_LINKS / 4 * 3;

/// One identifier of a person; packed, as there are more of them than of anything else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(Rust, packed)]
pub(super) struct Own {
    identifier: u32,
    time: u32,
    role: u8,
}

/// People and identifiers under numbers that stay.
#[derive(Clone, Debug)]
pub(in crate::link) struct Live {
    people: People,
    shared: Shared,
    caps: Vec<u32>,
}

/// How near the turn of a person is whose partners will be found: each step needs what the one before brought.
#[derive(Clone, Copy, Debug)]
pub enum Soon {
    /// The person itself is wanted.
    Person,
    /// Its links.
    Links,
    /// Its identifiers.
    Identifiers,
    /// Those who show them.
    People,
}

/// Who is linked with whom, whatever holds it.
pub trait Graph: Sync {
    /// How many types there are.
    fn types(&self) -> usize;
    /// The time of a person's latest row, or [`NO_TIME`].
    fn time(&self, person: u32) -> u32;
    /// Hands over each identifier that links a person with others now: its number, its type, who shows it.
    fn each(&self, person: u32, take: impl FnMut(u32, usize, &[u32]));
    /// Asks for memory that will be needed when a person's turn comes.
    fn expect(&self, person: u32, soon: Soon);
    /// Asks for the memory of a person's time.
    fn expect_time(&self, person: u32);
    /// Asks for the memory of those whose turn comes soon: `next` tells who comes so many turns later.
    #[inline(always)]
    fn expect_all(&self, next: impl Fn(usize) -> Option<u32>) {
        for (turns, soon) in
            [(16, Soon::Person), (12, Soon::Links), (8, Soon::Identifiers), (4, Soon::People)]
        {
            next(turns).into_iter().for_each(|person| self.expect(person, soon));
        }
    }
}

impl Graph for Links {
    fn types(&self) -> usize {
        self.settings.types.len()
    }

    fn time(&self, person: u32) -> u32 {
        self.records.times[person as usize]
    }

    #[inline]
    fn each(&self, person: u32, mut take: impl FnMut(u32, usize, &[u32])) {
        for &identifier in self.identifiers_of(person) {
            take(identifier, self.type_of(identifier), self.people_of(identifier));
        }
    }

    fn expect(&self, person: u32, soon: Soon) {
        match soon {
            Soon::Person => prefetch(&self.kept.people.starts, person as usize),
            Soon::Links => {
                let start = self.kept.people.starts[person as usize];
                prefetch(&self.kept.people.targets, start as usize);
            }
            Soon::Identifiers => {
                for &identifier in self.identifiers_of(person) {
                    prefetch(&self.kept.identifiers.starts, identifier as usize);
                    prefetch(&self.kept.types, identifier as usize);
                }
            }
            Soon::People => {
                for &identifier in self.identifiers_of(person) {
                    let start = self.kept.identifiers.starts[identifier as usize];
                    prefetch(&self.kept.identifiers.targets, start as usize);
                }
            }
        }
    }

    #[inline]
    fn expect_time(&self, person: u32) {
        prefetch(&self.records.times, person as usize);
    }
}

impl Graph for Live {
    fn types(&self) -> usize {
        self.caps.len()
    }

    fn time(&self, person: u32) -> u32 {
        self.people.time(person)
    }

    #[inline]
    fn each(&self, person: u32, mut take: impl FnMut(u32, usize, &[u32])) {
        for own in self.people.links(person) {
            let (kind, degree) = self.shared.kind_and_degree(own.identifier);
            if degree > 1 && degree <= self.caps[usize::from(kind)] {
                take(own.identifier, usize::from(kind), self.shared.people(own.identifier));
            }
        }
    }

    fn expect(&self, person: u32, soon: Soon) {
        let identifiers = |person| self.people.links(person).iter().map(|own| own.identifier);
        match soon {
            Soon::Person => self.people.expect(person),
            Soon::Links => self.people.expect_links(person),
            Soon::Identifiers => {
                identifiers(person).for_each(|identifier| self.shared.expect(identifier));
            }
            Soon::People => identifiers(person).for_each(|identifier| self.shared.expect_people(identifier)),
        }
    }

    #[inline]
    fn expect_time(&self, person: u32) {
        self.people.expect(person);
    }
}

impl Live {
    /// The records, in the order of keys.
    pub(super) fn records(&self, threads: usize) -> Result<Records> {
        let order = self.people.sorted(threads)?;
        let mut records = Records::empty(self.people.keys.none());
        for &person in &order {
            self.push_to(&mut records, person);
        }
        Ok(records)
    }

    /// Appends a person to records.
    fn push_to(&self, records: &mut Records, person: u32) {
        self.push_some(records, person, |_| true);
    }

    /// Appends a person with some of the identifiers to records.
    fn push_some(&self, records: &mut Records, person: u32, wanted: impl Fn(u32) -> bool) {
        self.people.keys.push_to(&mut records.keys, person);
        records.times.push(self.people.time(person));
        for own in self.people.links(person).iter().filter(|own| wanted(own.identifier)) {
            let (kind, hash) = self.shared.kind_and_hash(own.identifier);
            records.links.types.push(kind);
            records.links.roles.push(own.role);
            records.links.hashes.push(hash);
            records.links.times.push(own.time);
        }
        records.starts.push(records.links.hashes.len() as u32);
    }

    /// The people, in the order of their keys.
    pub(super) fn sorted(&self, threads: usize) -> Result<Vec<u32>> {
        self.people.sorted(threads)
    }

    /// Whether a number is a person's.
    pub(super) fn has(&self, person: u32) -> bool {
        self.people.has(person)
    }

    /// How many people and how many links there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.people.count(), self.people.shown())
    }

    /// Whether nobody is there.
    pub(super) fn is_empty(&self) -> bool {
        self.people.count() == 0
    }

    /// One more than the greatest number that a person ever had.
    pub(super) fn numbers(&self) -> usize {
        self.people.numbers()
    }

    /// No keys, of the type that people have.
    pub(super) fn no_keys(&self) -> Keys {
        self.people.keys.none()
    }

    /// Puts people in the order of their keys, and gives these.
    pub(super) fn sort(&self, people: &mut [u32], threads: usize) -> Result<Keys> {
        self.people.sort(people, threads)
    }
}

fn check_room(links: usize) -> Result<()> {
    if links > MOST_LIVE_LINKS {
        let told = format!("{links} links are more than a network that changes holds");
        return Err(Error::argument(format!("{told}; allowed are {MOST_LIVE_LINKS}")));
    }
    Ok(())
}

/// Whether a time lies before a limit; an unknown one does not.
fn expires(time: u32, limit: Option<u32>) -> bool {
    time != NO_TIME && limit.is_some_and(|limit| time < limit)
}
