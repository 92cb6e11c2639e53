//! A network: records, their links, and questions about them.
//!
//! In: a source and a plan. Out: a [`Network`], immutable: components, neighbours, paths, and what can be learned
//! for its types. Law 1: building learns nothing; [`Network::fit`] does, and gives a network of another plan.

use std::collections::VecDeque;

use arrow_array::ArrayRef;

use super::components::{bits, join, no_parts};
use super::key::{Key, Keys};
use super::links::Links;
use super::plan::{Plan, Settled};
use super::read::read;
use super::records::Records;
use super::values::Met;
use crate::batch::Source;
use crate::error::{Error, Result};
use crate::exec::{Control, parallel};
use crate::id::HashKey;
use creditcore_kernels::components::{Dealer, Forest};

/// People of a block that one task deals.
const BLOCK: usize = 1 << 14;
/// An identifier of more people counts for no type's strength: to share it is common, hub or not.
const COMMON: u32 = 20;
/// Nobody came here yet.
const UNSEEN: u32 = u32::MAX;

/// People, their identifiers, and the links between them.
#[derive(Clone, Debug)]
pub struct Network {
    pub(super) plan: Plan,
    pub(super) settled: Settled,
    /// Of the key of the hashes.
    pub(super) fingerprint: u64,
    pub(super) records: Records,
    pub(super) links: Links,
    pub(super) placeholders: Met,
}

/// One step of a path: a person, and the identifier that leads to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The person.
    pub person: u32,
    /// The identifier that it shares with the next person; none for the last.
    pub identifier: Option<u32>,
}

impl Network {
    /// Builds the network of a source.
    ///
    /// # Errors
    /// A plan that does not fit the source, a refused value, or a request to stop.
    pub fn build(
        source: &dyn Source,
        plan: Plan,
        key: &HashKey,
        threads: usize,
        control: &Control,
    ) -> Result<Self> {
        let settled = plan.settle()?;
        let (records, placeholders) = read(source, &plan, &settled, key, threads, control)?;
        Self::of_records(plan, key.fingerprint(), records, placeholders, threads, control)
    }

    /// The network of records.
    pub(super) fn of_records(
        plan: Plan,
        fingerprint: u64,
        mut records: Records,
        placeholders: Met,
        threads: usize,
        control: &Control,
    ) -> Result<Self> {
        let settled = plan.settle()?;
        if records.people() == 0 {
            // Whichever keys are gone, no people are no people.
            records.keys = Keys::Signed(Vec::new());
        }
        let links = Links::build(&records, &settled.settings, threads, control)?;
        Ok(Self { plan, settled, fingerprint, records, links, placeholders })
    }

    /// The plan, its configuration complete: caps and strengths of every type.
    pub fn plan(&self) -> Plan {
        let mut plan = self.plan.clone();
        for kind in &self.settled.settings.types {
            plan.config.caps.insert(kind.name.clone(), kind.cap);
            plan.config.strengths.insert(kind.name.clone(), kind.strength);
        }
        plan
    }

    /// The graph of people and shared identifiers.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// People and hashed identifiers.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Placeholders met while rows were read, by type, with how often.
    pub fn placeholders(&self) -> &Met {
        &self.placeholders
    }

    /// Learns the strengths of types: -log2 of the share of people who share an identifier of it of 20 people at most.
    /// A type that nobody shares keeps its strength.
    ///
    /// # Errors
    /// Only what [`Settings::new`](super::Settings::new) refuses.
    pub fn fit(&self) -> Result<Self> {
        let links = &self.links;
        let mut sharing = vec![0u64; links.settings.types.len()];
        let mut last = vec![UNSEEN; sharing.len()];
        for person in 0..links.people() as u32 {
            for &identifier in links.identifiers_of(person) {
                let kind = links.type_of(identifier);
                if links.degree(identifier) <= COMMON && std::mem::replace(&mut last[kind], person) != person
                {
                    sharing[kind] += 1;
                }
            }
        }
        let mut plan = self.plan();
        for (kind, &count) in links.settings.types.iter().zip(&sharing).filter(|&(_, &count)| count > 0) {
            let strength = libm::log2(links.people() as f64 / count as f64);
            plan.config.strengths.insert(kind.name.clone(), strength);
        }
        let settled = plan.settle()?;
        let mut fitted = Self { plan, ..self.clone() };
        fitted.links.settings = settled.settings.clone();
        fitted.settled = settled;
        Ok(fitted)
    }

    /// For each person, in the order of keys, the smallest person of its component. Every link counts, also
    /// those of hubs, where there is no `cap`.
    ///
    /// # Errors
    /// Only a request to stop.
    pub fn components(&self, cap: Option<u32>, threads: usize, control: &Control) -> Result<Vec<u32>> {
        let records = &self.records;
        let bits = bits(records.len() as u64);
        let dealers = parallel(
            threads,
            records.people().div_ceil(BLOCK),
            || Ok(Dealer::new(bits)),
            |dealer, task| {
                control.check()?;
                let mut people = Vec::new();
                let (first, last) = (task * BLOCK, ((task + 1) * BLOCK).min(records.people()));
                let links = records.starts[first] as usize..records.starts[last] as usize;
                for person in first..last {
                    people.extend(std::iter::repeat_n(person as u32, records.range(person).len()));
                }
                dealer.deal(&records.links.hashes[links], &people);
                Ok(())
            },
        )?;
        let mut parts = no_parts(bits);
        for dealer in dealers {
            dealer.finish().into_iter().zip(&mut parts).for_each(|(part, all)| all.push(part));
        }
        let forest = Forest::new(records.people() as u32);
        let cap = cap.into_iter().chain(self.plan.config.most_people).min();
        join(&mut parts, bits, &forest, cap, threads, control)?;
        // A root is the smallest number of its tree, and numbers follow the order of keys.
        Ok(forest.roots())
    }

    /// The number of a key.
    ///
    /// # Errors
    /// No person has it.
    pub fn person(&self, key: &Key) -> Result<u32> {
        self.records.keys.find(key).ok_or_else(|| {
            let shown = match key {
                Key::Integer(key) => key.to_string(),
                Key::Text(key) => key.clone(),
            };
            Error::argument(format!("no record has the key `{shown}`"))
        })
    }

    /// The keys of some people.
    pub fn keys_of(&self, people: impl ExactSizeIterator<Item = u32>) -> ArrayRef {
        self.records.keys.array_of(people)
    }

    /// The people within so many hops over shared, non-hub identifiers, the nearest first, then by key; the
    /// person itself is none of them.
    pub fn neighbours(&self, person: u32, hops: u32) -> Vec<(u32, u32)> {
        let mut seen = vec![false; self.links.people()];
        let mut used = vec![false; self.links.identifiers()];
        seen[person as usize] = true;
        let mut found: Vec<(u32, u32)> = Vec::new();
        let mut front = vec![person];
        for hop in 1..=hops {
            let mut next = Vec::new();
            for &person in &front {
                for &identifier in self.links.identifiers_of(person) {
                    if std::mem::replace(&mut used[identifier as usize], true) {
                        continue;
                    }
                    for &other in self.links.people_of(identifier) {
                        if !std::mem::replace(&mut seen[other as usize], true) {
                            next.push(other);
                        }
                    }
                }
            }
            if next.is_empty() {
                break;
            }
            next.sort_unstable();
            found.extend(next.iter().map(|&other| (other, hop)));
            front = next;
        }
        found
    }

    /// A shortest path between two people over shared, non-hub identifiers, of several the one found first from
    /// the smaller numbers; empty where there is none.
    pub fn path(&self, from: u32, to: u32) -> Vec<Step> {
        // Searched from the end, so that the steps come out in order.
        let mut towards: Vec<(u32, u32)> = vec![(UNSEEN, UNSEEN); self.links.people()];
        let mut used = vec![false; self.links.identifiers()];
        towards[to as usize] = (to, UNSEEN);
        let mut waiting = VecDeque::from([to]);
        while let Some(person) = waiting.pop_front() {
            if person == from {
                break;
            }
            for &identifier in self.links.identifiers_of(person) {
                if std::mem::replace(&mut used[identifier as usize], true) {
                    continue;
                }
                for &other in self.links.people_of(identifier) {
                    if towards[other as usize].0 == UNSEEN {
                        towards[other as usize] = (person, identifier);
                        waiting.push_back(other);
                    }
                }
            }
        }
        let mut steps = Vec::new();
        let mut person = from;
        while towards[person as usize].0 != UNSEEN {
            let (next, identifier) = towards[person as usize];
            steps.push(Step { person, identifier: (person != to).then_some(identifier) });
            if person == to {
                break;
            }
            person = next;
        }
        steps
    }
}
