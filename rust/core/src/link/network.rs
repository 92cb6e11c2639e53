//! A network: records, their links, and questions about them.
//!
//! In: a source and a plan. Out: a [`Network`], immutable: components, neighbours, paths, and what can be learned
//! for its types. Law 1: building learns nothing; [`Network::fit`] does, and gives a network of another plan.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow_array::ArrayRef;

use super::components::{bits, join};
use super::key::{Key, Keys};
use super::links::{Link, Links};
use super::plan::{Plan, Settled};
use super::read::read;
use super::records::Records;
use super::settings::{BANDS, band};
use super::shards::{learned_rarities, learned_strength};
use super::values::Met;
use crate::batch::Source;
use crate::error::{Error, Result};
use crate::exec::{Control, parallel};
use crate::id::HashKey;
use creditcore_kernels::components::{Dealer, Forest};

/// People of a block that one task deals.
const BLOCK: usize = if cfg!(test) { 4 } else { 1 << 14 };
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
    pub(super) records: Arc<Records>,
    pub(super) links: Links,
    pub(super) placeholders: Met,
}

/// What there is of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kind {
    /// The name of the type.
    pub name: String,
    /// People who show an identifier of it.
    pub shown: u64,
    /// People who show one that 2 to 20 people show.
    pub sharing: u64,
    /// Identifiers of more people than the cap.
    pub hubs: u64,
    /// Links of these.
    pub hub_links: u64,
    /// People who show one that so many people show, by [`band`], hubs left out.
    pub by_band: Vec<u64>,
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
        let records = Arc::new(records);
        let links = Links::build(&records, &settled.settings, threads, control)?;
        Ok(Self { plan, settled, fingerprint, records, links, placeholders })
    }

    /// The plan, its configuration complete: caps and strengths of every type.
    pub fn plan(&self) -> Plan {
        self.plan.complete(&self.settled)
    }

    /// The graph of people and shared identifiers.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// People and hashed identifiers.
    pub fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// Placeholders met while rows were read, by type, with how often.
    pub fn placeholders(&self) -> &Met {
        &self.placeholders
    }

    /// Learns the strengths of types: -log2 of the share of people who share an identifier of it of 20 people at most.
    /// A type that nobody shares keeps its strength, and has no rarities; those of others are
    /// [`learned_rarities`].
    ///
    /// # Errors
    /// Only what [`Settings::new`](super::Settings::new) refuses.
    pub fn fit(&self, threads: usize, control: &Control) -> Result<Self> {
        let links = &self.links;
        let mut plan = self.plan();
        for kind in self.kinds(threads, control)?.into_iter().filter(|kind| kind.sharing > 0) {
            let people = links.people() as u64;
            let cap = plan.config.caps.get(&kind.name).map_or(u32::MAX, |&cap| cap);
            let rarities = learned_rarities(people, &kind.by_band, cap);
            plan.config.strengths.insert(kind.name.clone(), learned_strength(people, kind.sharing));
            plan.config.rarities.insert(kind.name, rarities);
        }
        let settled = plan.settle()?;
        let mut fitted = Self { plan, ..self.clone() };
        fitted.links.settings = settled.settings.clone();
        fitted.settled = settled;
        Ok(fitted)
    }

    /// What there is of each type.
    ///
    /// # Errors
    /// Only a request to stop.
    pub fn kinds(&self, threads: usize, control: &Control) -> Result<Vec<Kind>> {
        let (links, shown) = (&self.links, &self.records.links);
        let types = links.settings.types.iter();
        let named =
            types.map(|kind| Kind { name: kind.name.clone(), by_band: vec![0; BANDS], ..Kind::default() });
        let mut kinds: Vec<Kind> = named.collect();
        let count = |(counts, last, last_of_band): &mut (Vec<Kind>, Vec<[u32; 2]>, Vec<[u32; BANDS]>),
                     task: usize| {
            control.check()?;
            for person in (task * BLOCK) as u32..((task + 1) * BLOCK).min(links.people()) as u32 {
                for &kind in &shown.types[self.records.range(person as usize)] {
                    let kind = usize::from(kind);
                    counts[kind].shown += u64::from(std::mem::replace(&mut last[kind][0], person) != person);
                }
                for &identifier in links.identifiers_of(person) {
                    let kind = links.type_of(identifier);
                    let degree = links.degree(identifier);
                    let at = band(degree);
                    let first = std::mem::replace(&mut last_of_band[kind][at], person) != person;
                    counts[kind].by_band[at] += u64::from(first);
                    let shares = degree <= COMMON;
                    if shares && std::mem::replace(&mut last[kind][1], person) != person {
                        counts[kind].sharing += 1;
                    }
                }
            }
            Ok(())
        };
        let nothing = (kinds.clone(), vec![[UNSEEN; 2]; kinds.len()], vec![[UNSEEN; BANDS]; kinds.len()]);
        let counted = parallel(threads, links.people().div_ceil(BLOCK), || Ok(nothing.clone()), count)?;
        for (counts, ..) in &counted {
            for (of_kind, more) in kinds.iter_mut().zip(counts) {
                of_kind.shown += more.shown;
                of_kind.sharing += more.sharing;
                of_kind.by_band.iter_mut().zip(&more.by_band).for_each(|(all, own)| *all += own);
            }
        }
        for hub in links.hubs() {
            kinds[usize::from(hub.kind)].hubs += 1;
            kinds[usize::from(hub.kind)].hub_links += u64::from(hub.degree);
        }
        Ok(kinds)
    }

    /// For each person, in the order of keys, the smallest person of its component. Every link counts, also
    /// those of hubs, where there is no `cap`.
    ///
    /// # Errors
    /// Only a request to stop.
    pub fn components(&self, cap: Option<u32>, threads: usize, control: &Control) -> Result<Vec<u32>> {
        let records = &self.records;
        let bits = bits(records.len() as u64);
        let mut dealers = parallel(
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
        dealers.iter_mut().for_each(Dealer::settle);
        let forest = Forest::new(records.people() as u32);
        let cap = cap.into_iter().chain(self.plan.config.most_people).min();
        join(&dealers, 0..1 << bits, &forest, (&mut Vec::new(), cap), threads, control)?;
        // A root is the smallest number of its tree, and numbers follow the order of keys.
        Ok(forest.roots())
    }

    /// For each person how many of the identifiers that it shows are in a list, which is a network of the same key
    /// and types: a list of identifiers that are known as bad.
    ///
    /// # Errors
    /// A list of another hash key; a request to stop.
    pub fn listed(&self, list: &Self, control: &Control) -> Result<Vec<u32>> {
        if list.fingerprint != self.fingerprint {
            return Err(Error::argument(
                "the network was made with another hash key, so it shows none of the listed identifiers; set \
                 `CREDITCORE_HASH_KEY` or `key_file` to the key that it was made with",
            ));
        }
        control.check()?;
        let bad: std::collections::HashSet<u64> = list.records.links.hashes.iter().copied().collect();
        let mut counts = Vec::with_capacity(self.records.people());
        for person in 0..self.records.people() {
            if person % 65_536 == 0 {
                control.check()?;
            }
            let shown = &self.records.links.hashes[self.records.range(person)];
            counts.push(shown.iter().filter(|hash| bad.contains(hash)).count() as u32);
        }
        Ok(counts)
    }

    /// The identifiers that several of some people show, hubs left out: each link of these people to one of them,
    /// in the order of people.
    pub fn shared_among(&self, people: &[u32]) -> Vec<(u32, Link)> {
        let mut among = people.to_vec();
        among.sort_unstable();
        among.dedup();
        let links = &self.links;
        let all = || {
            let of = |&person: &u32| links.of_person(person).map(move |link| (person, link));
            among.iter().flat_map(of)
        };
        let mut shown = std::collections::BTreeMap::<u32, u32>::new();
        all().for_each(|(_, link)| *shown.entry(link.target).or_default() += 1);
        all().filter(|(_, link)| shown.get(&link.target).is_some_and(|&count| count > 1)).collect()
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
    ///
    /// # Errors
    /// Only a request to stop.
    pub fn neighbours(&self, person: u32, hops: u32, control: &Control) -> Result<Vec<(u32, u32)>> {
        let mut seen = vec![false; self.links.people()];
        let mut used = vec![false; self.links.identifiers()];
        seen[person as usize] = true;
        let mut found: Vec<(u32, u32)> = Vec::new();
        let mut front = vec![person];
        for hop in 1..=hops {
            let mut next = Vec::new();
            for (at, &person) in front.iter().enumerate() {
                if at % 4_096 == 0 {
                    control.check()?;
                }
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
        Ok(found)
    }

    /// A shortest path between two people over shared, non-hub identifiers, of several the one found first from
    /// the smaller numbers; empty where there is none.
    ///
    /// # Errors
    /// Only a request to stop.
    pub fn path(&self, from: u32, to: u32, control: &Control) -> Result<Vec<Step>> {
        // Searched from the end, so that the steps come out in order.
        let mut towards: Vec<(u32, u32)> = vec![(UNSEEN, UNSEEN); self.links.people()];
        let mut used = vec![false; self.links.identifiers()];
        towards[to as usize] = (to, UNSEEN);
        let mut waiting = VecDeque::from([to]);
        let mut met = 0u32;
        while let Some(person) = waiting.pop_front() {
            met += 1;
            if met.is_multiple_of(4_096) {
                control.check()?;
            }
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
        Ok(steps)
    }
}
