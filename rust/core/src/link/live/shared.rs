//! Identifiers under numbers that stay, and who shows each.
//!
//! In: hashes with types, people who come and go. Out: for each identifier how many people show it, and who. One
//! of a single person keeps it in place of a list; a list of more than [`LONG`] knows where each person stands, so
//! that taking one out costs the same however many show the identifier.

use std::collections::HashMap;

use super::NONE;
use super::blocks::{Block, Blocks};
use super::index::Index;
use crate::error::Result;
use crate::exec::Control;

/// People up to whom a list is searched one by one.
const LONG: usize = 64;
/// How many identifiers ahead memory is asked for.
const AHEAD: usize = 16;

/// What is known of an identifier, four in a line of memory; nobody shows one that is free.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Identifier {
    hash: u64,
    /// The only person, where a list starts, or the number of a long list.
    at: u32,
    kind: u8,
    /// How many people show it; one more than [`LONG`] says that the long list knows.
    few: u8,
}

impl Identifier {
    /// One that a single person shows.
    pub(super) fn of_one(hash: u64, kind: u8, person: u32) -> Self {
        Self { hash, at: person, kind, few: 1 }
    }

    /// Where the list of two people or more stands that is not long.
    #[inline(always)]
    fn block(&self) -> Block {
        Block { start: self.at, length: u32::from(self.few) }
    }
}

/// A list of many people.
#[derive(Clone, Debug, Default)]
struct Long {
    people: Vec<u32>,
    places: HashMap<u32, u32>,
}

/// Who shows identifiers that several show.
#[derive(Debug)]
pub(super) struct Lists {
    identifiers: Vec<u32>,
    people: Vec<u32>,
    ends: Vec<u32>,
    /// Those of more than [`LONG`] people, in their order.
    long: Vec<Long>,
}

impl Long {
    fn of(people: Vec<u32>) -> Self {
        let places = people.iter().enumerate().map(|(at, &person)| (person, at as u32)).collect();
        Self { people, places }
    }
}

impl Lists {
    /// Lists of people that end at some places.
    pub(super) fn new(identifiers: Vec<u32>, people: Vec<u32>, ends: Vec<u32>) -> Self {
        let mut lists = Self { identifiers, people, ends, long: Vec::new() };
        lists.long = (0..lists.ends.len())
            .map(|at| lists.list(at))
            .filter(|list| list.len() > LONG)
            .map(|list| Long::of(list.to_vec()))
            .collect();
        lists
    }

    fn list(&self, at: usize) -> &[u32] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.people[start as usize..self.ends[at] as usize]
    }
}

/// Identifiers and who shows them.
#[derive(Clone, Debug, Default)]
pub(super) struct Shared {
    identifiers: Vec<Identifier>,
    free: Vec<u32>,
    index: Index,
    lists: Blocks<u32, 2>,
    long: Vec<Long>,
    free_long: Vec<u32>,
}

impl Shared {
    /// Identifiers of one person each, some of which several show; lists have room for those of so many links and as many
    /// more, in memory that is not written yet.
    ///
    /// # Errors
    /// Only a request to stop.
    pub(super) fn of(
        identifiers: Vec<Identifier>,
        known: Vec<Lists>,
        links: usize,
        threads: usize,
        control: &Control,
    ) -> Result<Self> {
        let hash_of = |number: u32| identifiers[number as usize].hash;
        let index = Index::of(identifiers.len(), hash_of, threads, control)?;
        let mut shared = Self { identifiers, index, ..Self::default() };
        shared.lists.reserve(2 * links);
        for mut lists in known {
            control.check()?;
            let mut long = std::mem::take(&mut lists.long).into_iter();
            for (at, &identifier) in lists.identifiers.iter().enumerate() {
                lists.identifiers.get(at + AHEAD).iter().for_each(|&&soon| shared.expect(soon));
                let people = lists.list(at);
                let (at, few) = match (people.len() > LONG).then(|| long.next()).flatten() {
                    Some(long) => {
                        shared.long.push(long);
                        (shared.long.len() - 1, LONG + 1)
                    }
                    None => (shared.lists.add(people).start as usize, people.len()),
                };
                let known = &mut shared.identifiers[identifier as usize];
                (known.at, known.few) = (at as u32, few as u8);
            }
        }
        Ok(shared)
    }

    #[inline(always)]
    pub(super) fn kind_and_degree(&self, identifier: u32) -> (u8, u32) {
        let known = &self.identifiers[identifier as usize];
        match known.few as usize {
            0..=LONG => (known.kind, u32::from(known.few)),
            _ => (known.kind, self.long[known.at as usize].people.len() as u32),
        }
    }

    pub(super) fn kind_and_hash(&self, identifier: u32) -> (u8, u64) {
        let known = &self.identifiers[identifier as usize];
        (known.kind, known.hash)
    }

    /// The people who show an identifier, in no particular order.
    #[inline(always)]
    pub(super) fn people(&self, identifier: u32) -> &[u32] {
        let known = &self.identifiers[identifier as usize];
        match known.few as usize {
            0 => &[],
            1 => std::slice::from_ref(&known.at),
            2..=LONG => self.lists.get(known.block()),
            _ => &self.long[known.at as usize].people,
        }
    }

    /// Asks for the memory that finding a hash needs.
    pub(super) fn prefetch(&self, hash: u64) {
        self.index.prefetch(hash);
    }

    /// Asks for the memory of an identifier.
    pub(super) fn expect(&self, identifier: u32) {
        creditcore_kernels::prefetch(&self.identifiers, identifier as usize);
    }

    /// Asks for the memory of who shows an identifier.
    pub(super) fn expect_people(&self, identifier: u32) {
        let known = &self.identifiers[identifier as usize];
        if (2..=LONG).contains(&usize::from(known.few)) {
            self.lists.expect(known.block());
        }
    }

    /// Asks for the memory that [`drop_if_alone`](Self::drop_if_alone) needs, or else of who shows an identifier.
    pub(super) fn expect_last_of(&self, identifier: u32) {
        let known = &self.identifiers[identifier as usize];
        match known.few {
            0 => self.index.prefetch(known.hash),
            _ => self.expect_people(identifier),
        }
    }

    /// The number of a hash, or [`NONE`].
    pub(super) fn find(&self, hash: u64) -> u32 {
        self.index.find(hash, |number| self.identifiers[number as usize].hash == hash).unwrap_or(NONE)
    }

    /// The number of a hash, which is added where nobody showed it.
    pub(super) fn find_or_add(&mut self, hash: u64, kind: u8) -> u32 {
        let known = self.find(hash);
        if known != NONE {
            return known;
        }
        let new = Identifier { hash, at: NONE, kind, few: 0 };
        let number = match self.free.pop() {
            Some(number) => {
                self.identifiers[number as usize] = new;
                number
            }
            None => {
                self.identifiers.push(new);
                self.identifiers.len() as u32 - 1
            }
        };
        self.index.add(hash, number);
        number
    }

    /// A person shows an identifier.
    pub(super) fn join(&mut self, identifier: u32, person: u32) {
        let known = &mut self.identifiers[identifier as usize];
        let block = known.block();
        match block.length as usize {
            0 => known.at = person,
            1 => known.at = self.lists.add(&[known.at, person]).start,
            2..LONG => known.at = self.lists.push(block, person).start,
            LONG => {
                let mut people = self.lists.get(block).to_vec();
                people.push(person);
                self.lists.remove(block);
                let long = Long::of(people);
                known.at = match self.free_long.pop() {
                    Some(at) => {
                        self.long[at as usize] = long;
                        at
                    }
                    None => {
                        self.long.push(long);
                        self.long.len() as u32 - 1
                    }
                };
            }
            _ => {
                let long = &mut self.long[known.at as usize];
                long.places.insert(person, long.people.len() as u32);
                long.people.push(person);
                return;
            }
        }
        known.few += 1;
    }

    /// A person who showed an identifier shows it no longer.
    pub(super) fn leave(&mut self, identifier: u32, person: u32) {
        let known = &mut self.identifiers[identifier as usize];
        let block = known.block();
        match block.length as usize {
            1 => known.at = NONE,
            2 => {
                let two = self.lists.get(block);
                let other = if two[0] == person { two[1] } else { two[0] };
                self.lists.remove(block);
                known.at = other;
            }
            3..=LONG => {
                let at = self.lists.get(block).iter().position(|&other| other == person);
                known.at = at.map_or(block, |at| self.lists.swap_remove(block, at)).start;
            }
            _ => {
                let long = &mut self.long[known.at as usize];
                if let Some(at) = long.places.remove(&person) {
                    long.people.swap_remove(at as usize);
                    if let Some(&moved) = long.people.get(at as usize) {
                        long.places.insert(moved, at);
                    }
                }
                if long.people.len() > LONG {
                    return;
                }
                let long = std::mem::take(long);
                self.free_long.push(known.at);
                known.at = self.lists.add(&long.people).start;
            }
        }
        known.few -= 1;
    }

    /// Frees an identifier that nobody shows.
    pub(super) fn drop_if_alone(&mut self, identifier: u32) {
        let known = self.identifiers[identifier as usize];
        if known.few == 0 {
            self.index.remove(known.hash, identifier);
            self.free.push(identifier);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn people_come_and_go_across_every_form_of_a_list() {
        let mut shared = Shared::default();
        let (one, other) = (shared.find_or_add(7, 1), shared.find_or_add(9, 0));
        let mut twin = BTreeSet::new();
        let mut state = 1u64;
        for step in 0..6_000_u32 {
            state = crate::id::mixed(state + u64::from(step));
            // Grows to 150 people, falls to none, and again.
            let person = (state >> 8) as u32 % 150;
            let grows = (step / 1_500) % 2 == 0;
            if grows && twin.insert(person) {
                shared.join(one, person);
            } else if !grows && twin.remove(&person) {
                shared.leave(one, person);
            }
            assert_eq!(shared.kind_and_degree(one), (1, twin.len() as u32));
            assert_eq!(shared.people(one).iter().copied().collect::<BTreeSet<_>>(), twin);
        }
        twin.into_iter().for_each(|person| shared.leave(one, person));
        assert_eq!(shared.people(one), [0; 0]);
        shared.drop_if_alone(one);
        assert_eq!((shared.find(7), shared.find(9)), (NONE, other));
        assert_eq!(shared.find_or_add(11, 2), one);
    }
}
