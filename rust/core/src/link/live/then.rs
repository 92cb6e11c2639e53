//! Who sees what an update changed, each at the own time, and what their features then are computed of.
//!
//! In: a live network after a delta, the records that came and those that went. Out: [`Then`]: the people whose features
//! as known at their own time may be others than before, and the part of the network that these hang on. A person
//! sees those who came before; so after records that are the latest it is those records alone, and after a late one
//! those who came later, up to three hops away. The people of an identifier are cut behind the cap of its type: who
//! comes later saw a hub, and sees one still (law 1).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Live, NONE};
use crate::error::Result;
use crate::link::Settings;
use crate::link::records::Records;

/// Whose features may be others, and what they are computed of.
#[derive(Debug)]
pub(in crate::link) struct Then {
    /// Their places in the records.
    pub(in crate::link) people: Vec<u32>,
    pub(in crate::link) records: Records,
}

/// The people of identifiers, by time: looked up once each.
struct Lists<'a> {
    live: &'a Live,
    caps: Vec<u32>,
    /// How many links of each identifier an update touched.
    touched: BTreeMap<u32, (u32, u32)>,
    known: HashMap<u32, Vec<(u32, u32)>>,
}

impl Lists<'_> {
    /// Who showed an identifier first, up to one more than count, and when.
    fn of(&mut self, identifier: u32) -> &[(u32, u32)] {
        let Self { live, caps, touched, known } = self;
        known.entry(identifier).or_insert_with(|| {
            let when = |&person: &u32| {
                let shown = live.people.links(person).iter().find(|own| own.identifier == identifier);
                shown.map(|own| (own.time, person))
            };
            let kind = usize::from(live.shared.kind_and_degree(identifier).0);
            let more = touched.get(&identifier).map_or(0, |&(count, _)| count);
            let most = caps[kind].saturating_add(1).saturating_add(more) as usize;
            let mut list: Vec<(u32, u32)> = live.shared.people(identifier).iter().filter_map(when).collect();
            list.sort_unstable();
            list.truncate(most);
            list
        })
    }

    /// Those who see one of some people, or saw them.
    fn later(&mut self, people: &BTreeSet<u32>) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        for &person in people {
            for own in self.live.people.links(person) {
                let live = self.live;
                let sees = |&&(_, other): &&(u32, u32)| live.people.time(other) >= own.time;
                found.extend(self.of(own.identifier).iter().filter(sees).map(|&(_, other)| other));
            }
        }
        found
    }

    /// Those whom some people see.
    fn seen(&mut self, people: &BTreeSet<u32>) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        for &person in people {
            let now = self.live.people.time(person);
            for own in self.live.people.links(person) {
                let cap = self.caps[usize::from(self.live.shared.kind_and_degree(own.identifier).0)] as usize;
                let list = self.of(own.identifier);
                let count = list.partition_point(|&(time, _)| time <= now);
                if count <= cap {
                    found.extend(list[..count].iter().map(|&(_, other)| other));
                }
            }
        }
        found
    }
}

impl Live {
    /// Who sees records that came and records that went.
    pub(in crate::link) fn then(
        &self,
        came: &Records,
        went: &Records,
        settings: &Settings,
        threads: usize,
    ) -> Result<Then> {
        let mut touched: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        let mut first: BTreeSet<u32> = BTreeSet::new();
        for records in [came, went] {
            for at in 0..records.people() {
                first.extend(self.people.find(&records.keys, at));
                for link in records.range(at) {
                    let identifier = self.shared.find(records.links.hashes[link]);
                    if identifier != NONE {
                        let (count, time) = touched.entry(identifier).or_insert((0, u32::MAX));
                        *count += 1;
                        *time = records.links.times[link].min(*time);
                    }
                }
            }
        }
        let caps = settings.types.iter().map(|kind| kind.cap).collect();
        let mut lists = Lists { live: self, caps, touched: touched.clone(), known: HashMap::new() };
        for (identifier, (_, time)) in touched {
            let sees = |&&(_, other): &&(u32, u32)| self.people.time(other) >= time;
            first.extend(lists.of(identifier).iter().filter(sees).map(|&(_, other)| other));
        }
        let second = lists.later(&first);
        let third = lists.later(&second);
        let people: BTreeSet<u32> = first.into_iter().chain(second).chain(third).collect();
        let near = lists.seen(&people);
        let far = lists.seen(&near);
        let whole: BTreeSet<u32> = people.iter().chain(&near).chain(&far).copied().collect();
        self.part(&people, &whole, &mut lists, threads)
    }

    /// The part of the network in which some people show everything.
    fn part(
        &self,
        people: &BTreeSet<u32>,
        whole: &BTreeSet<u32>,
        lists: &mut Lists<'_>,
        threads: usize,
    ) -> Result<Then> {
        let mut shown: BTreeMap<u32, BTreeSet<u32>> =
            whole.iter().map(|&person| (person, BTreeSet::new())).collect();
        let identifiers: BTreeSet<u32> = whole
            .iter()
            .flat_map(|&person| self.people.links(person).iter().map(|own| own.identifier))
            .collect();
        for identifier in identifiers {
            for &(_, person) in lists.of(identifier) {
                shown.entry(person).or_default().insert(identifier);
            }
        }
        let mut order: Vec<u32> = shown.keys().copied().collect();
        self.sort(&mut order, threads)?;
        let mut then = Then { people: Vec::new(), records: Records::empty(self.no_keys()) };
        for (at, person) in order.into_iter().enumerate() {
            if people.contains(&person) {
                then.people.push(at as u32);
            }
            let own = &shown[&person];
            self.push_some(&mut then.records, person, |identifier| own.contains(&identifier));
        }
        Ok(then)
    }
}
