//! Changing a live network by a delta.
//!
//! In: [`Records`] that replace those of their keys, keys that are deleted, a time before which records expire. Out:
//! [`Applied`]: what became of which record, what undoes it, and the people whose surroundings may have changed.
//! Law 7: what was added and is taken away leaves no trace.

use super::{Graph, Live, NONE, Own, check_room, expires};
use crate::error::Result;
use crate::exec::in_order;
use crate::link::key::Keys;
use crate::link::records::Records;
use crate::link::update::{Change, Changes};

/// How many links ahead memory is asked for.
const AHEAD: usize = 16;
/// Look-ups that one task does.
const BLOCK: usize = if cfg!(test) { 4 } else { 1 << 14 };

/// What takes a delta back: records to be given, keys to be deleted.
#[derive(Clone, Debug)]
pub(in crate::link) struct Undo {
    pub(in crate::link) records: Records,
    pub(in crate::link) deleted: Keys,
}

/// What a delta did.
#[derive(Debug)]
pub(in crate::link) struct Applied {
    pub(in crate::link) changes: Changes,
    pub(in crate::link) undo: Undo,
    /// People whose surroundings may be others than before, some more than once, some gone.
    pub(in crate::link) dirty: Vec<u32>,
    /// People who are gone.
    pub(in crate::link) gone: Vec<u32>,
}

/// What is noted while a delta is applied.
struct Noted {
    keys: Keys,
    changes: Vec<Change>,
    undo: Undo,
    /// Identifiers, and how many people showed each before it was touched; the first note of each counts.
    touched: Vec<(u32, u32)>,
    dirty: Vec<u32>,
    gone: Vec<u32>,
}

impl Live {
    /// Applies a delta, whose keys and deleted keys have nothing in common.
    ///
    /// # Errors
    /// More links than find room; nothing is changed then.
    pub(in crate::link) fn apply(
        &mut self,
        given: &Records,
        deleted: &Keys,
        expire_before: Option<u32>,
        threads: usize,
    ) -> Result<Applied> {
        check_room(self.people.shown() + given.len())?;
        if given.people() > 0 {
            self.people.take_type(&given.keys);
        }
        let none = || self.people.keys.none();
        let undo = Undo { records: Records::empty(none()), deleted: none() };
        let (touched, dirty, gone) = (Vec::new(), Vec::new(), Vec::new());
        let mut noted = Noted { keys: none(), changes: Vec::new(), undo, touched, dirty, gone };
        for at in 0..deleted.len() {
            if let Some(person) = self.people.find(deleted, at) {
                self.take_out(person, Change::Deleted, &mut noted);
            }
        }
        let people = looked_up(threads, given.people(), |at| {
            if at + AHEAD < given.people() {
                self.people.prefetch(&given.keys, at + AHEAD);
            }
            self.people.find(&given.keys, at)
        })?;
        let hashes = &given.links.hashes;
        let identifiers = looked_up(threads, hashes.len(), |at| {
            hashes.get(at + AHEAD).iter().for_each(|&&next| self.shared.prefetch(next));
            self.shared.find(hashes[at])
        })?;
        for at in 0..given.people() {
            self.expect_links(given, at, &identifiers);
            let known = &identifiers[given.range(at)];
            let expired = expires(given.times[at], expire_before);
            match people[at] {
                Some(person) if expired => self.take_out(person, Change::Expired, &mut noted),
                Some(person) => self.change(person, given, at, known, &mut noted),
                None if expired => {}
                None => self.bring_in(given, at, known, &mut noted),
            }
        }
        if let Some(limit) = expire_before {
            let due = self.people.expired(limit);
            for (at, &person) in due.iter().enumerate() {
                let soon = |turns: usize| due.get(at + turns).copied();
                self.expect_all(soon);
                soon(AHEAD).into_iter().for_each(|person| self.people.keys.expect(person));
                soon(AHEAD / 2).into_iter().for_each(|person| self.people.expect_removal(person));
                self.take_out(person, Change::Expired, &mut noted);
            }
        }
        self.settle(&mut noted);
        let order = noted.keys.sorted();
        let keys = noted.keys.take(order.iter().map(|&at| at as usize));
        let changes = Changes { keys, changes: order.iter().map(|&at| noted.changes[at as usize]).collect() };
        Ok(Applied { changes, undo: noted.undo, dirty: noted.dirty, gone: noted.gone })
    }

    /// Asks for the memory of those of a delta whose turn comes soon.
    fn expect_links(&self, given: &Records, at: usize, identifiers: &[u32]) {
        if at + 4 < given.people() {
            self.people.prefetch(&given.keys, at + 4);
            for link in given.range(at + 4) {
                match identifiers[link] {
                    NONE => self.shared.prefetch(given.links.hashes[link]),
                    known => self.shared.expect(known),
                }
            }
        }
        if at + 2 < given.people() {
            let known = identifiers[given.range(at + 2)].iter().filter(|&&known| known != NONE);
            known.for_each(|&known| self.shared.expect_people(known));
        }
    }

    fn bring_in(&mut self, given: &Records, at: usize, known: &[u32], noted: &mut Noted) {
        let person = self.people.add(&given.keys, at, given.times[at]);
        let own = self.own_of(given, at, known);
        for own in &own {
            noted.touched.push((own.identifier, self.shared.kind_and_degree(own.identifier).1));
            self.shared.join(own.identifier, person);
        }
        self.people.set_links(person, &own);
        noted.undo.deleted.push_from(&given.keys, at);
        noted.note(&given.keys, at, Change::Inserted);
        noted.dirty.push(person);
    }

    fn change(&mut self, person: u32, given: &Records, at: usize, known: &[u32], noted: &mut Noted) {
        if self.is_same(person, given, at) {
            return;
        }
        self.push_to(&mut noted.undo.records, person);
        let moved = self.people.time(person) != given.times[at];
        self.people.set_time(person, given.times[at]);
        let new = self.own_of(given, at, known);
        let old = self.people.take_links(person);
        let numbers = |own: &[Own]| {
            let mut numbers: Vec<u32> = own.iter().map(|own| own.identifier).collect();
            numbers.sort_unstable();
            numbers
        };
        let (before, after) = (numbers(&old), numbers(&new));
        let touched = |live: &Self, noted: &mut Noted, identifier: u32| {
            noted.touched.push((identifier, live.shared.kind_and_degree(identifier).1));
        };
        for &identifier in &before {
            let stays = after.binary_search(&identifier).is_ok();
            if moved || !stays {
                touched(self, noted, identifier);
            }
            if !stays {
                self.shared.leave(identifier, person);
            }
        }
        for &identifier in after.iter().filter(|identifier| before.binary_search(identifier).is_err()) {
            touched(self, noted, identifier);
            self.shared.join(identifier, person);
        }
        self.people.set_links(person, &new);
        noted.note(&given.keys, at, Change::Changed);
        noted.dirty.push(person);
    }

    fn take_out(&mut self, person: u32, change: Change, noted: &mut Noted) {
        self.push_to(&mut noted.undo.records, person);
        for own in self.people.take_links(person) {
            noted.touched.push((own.identifier, self.shared.kind_and_degree(own.identifier).1));
            self.shared.leave(own.identifier, person);
        }
        self.people.keys.push_to(&mut noted.keys, person);
        noted.changes.push(change);
        self.people.remove(person);
        noted.gone.push(person);
    }

    /// The links of a person of records; identifiers that nobody showed get a number.
    pub(super) fn own_of(&mut self, records: &Records, person: usize, known: &[u32]) -> Vec<Own> {
        let range = records.range(person);
        let mut own = Vec::with_capacity(range.len());
        for (at, link) in range.enumerate() {
            let identifier = match known.get(at) {
                Some(&identifier) if identifier != NONE => identifier,
                _ => self.shared.find_or_add(records.links.hashes[link], records.links.types[link]),
            };
            own.push(Own { identifier, time: records.links.times[link], role: records.links.roles[link] });
        }
        own
    }

    /// Whether a person equals one of records in everything but the key.
    fn is_same(&self, person: u32, records: &Records, other: usize) -> bool {
        let (own, range) = (self.people.links(person), records.range(other));
        self.people.time(person) == records.times[other]
            && own.len() == range.len()
            && own.iter().zip(range).all(|(own, link)| {
                let shown = &records.links;
                (own.time, own.role) == (shown.times[link], shown.roles[link])
                    && self.shared.kind_and_hash(own.identifier) == (shown.types[link], shown.hashes[link])
            })
    }

    /// Finds who may have other surroundings, and frees what nobody shows.
    fn settle(&mut self, noted: &mut Noted) {
        // A stable sort leaves the first note of each in front.
        noted.touched.sort_by_key(|&(identifier, _)| identifier);
        noted.touched.dedup_by_key(|&mut (identifier, _)| identifier);
        for (at, &(identifier, before)) in noted.touched.iter().enumerate() {
            let soon = |turns: usize| noted.touched.get(at + turns).map(|&(identifier, _)| identifier);
            soon(AHEAD).iter().for_each(|&identifier| self.shared.expect(identifier));
            soon(AHEAD / 2).iter().for_each(|&identifier| self.shared.expect_last_of(identifier));
            let (kind, after) = self.shared.kind_and_degree(identifier);
            let links = 2..=self.caps[usize::from(kind)];
            // An identifier that was a hub and is one, or links nobody, says nothing of anyone.
            if links.contains(&before) || links.contains(&after) {
                noted.dirty.extend_from_slice(self.shared.people(identifier));
            }
            self.shared.drop_if_alone(identifier);
        }
        self.people.release(&noted.gone);
    }
}

/// What is found for each of some places, block by block.
fn looked_up<T: Send>(threads: usize, count: usize, find: impl Fn(usize) -> T + Sync) -> Result<Vec<T>> {
    let block = |block: usize| {
        let places = block * BLOCK..((block + 1) * BLOCK).min(count);
        Ok(places.map(&find).collect::<Vec<T>>())
    };
    Ok(in_order(threads, count.div_ceil(BLOCK), block)?.into_iter().flatten().collect())
}

impl Noted {
    fn note(&mut self, keys: &Keys, at: usize, change: Change) {
        self.keys.push_from(keys, at);
        self.changes.push(change);
    }
}

/// Sorts numbers below `numbers` and leaves each once.
pub(in crate::link) fn unique(list: &mut Vec<u32>, numbers: usize) {
    if list.len() < numbers / 32 {
        list.sort_unstable();
        list.dedup();
        return;
    }
    let mut marks = vec![0u64; numbers.div_ceil(64)];
    list.iter().for_each(|&number| marks[number as usize / 64] |= 1 << (number % 64));
    list.clear();
    for (word, &bits) in marks.iter().enumerate() {
        let mut bits = bits;
        while bits != 0 {
            list.push(word as u32 * 64 + bits.trailing_zeros());
            bits &= bits - 1;
        }
    }
}
