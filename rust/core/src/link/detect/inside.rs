//! A group from the inside: its ties, the identifiers that members share, the dense core, each member's level.
//!
//! In: [`Links`], [`Weights`], members, what is known of them. Out: [`Inside`] and [`Member`]s with a reason in
//! words that names types and counts, never a person (what a customer is told names no other).

use std::collections::{BTreeMap, BTreeSet};

use super::surroundings::{Partner, Surroundings, View};
use super::weights::{Weights, days_apart};
use crate::link::Links;

/// An identifier that two members or more show.
#[derive(Clone, Debug)]
pub struct SharedIdentifier {
    /// Its number.
    pub identifier: u32,
    /// The places among the members of those who show it.
    pub members: Vec<u32>,
}

/// A group's ties.
#[derive(Debug)]
pub struct Inside<'a> {
    links: &'a Links,
    /// The members, in the order of their keys.
    pub members: &'a [u32],
    /// Identifiers that two members or more show, by number.
    pub shared: Vec<SharedIdentifier>,
    /// For each member its partners among the members, by their place.
    ties: Vec<Vec<(u32, Partner)>>,
    /// For each member the faded weight of all its ties, those to others too.
    totals: Vec<u64>,
}

/// How deep a member is in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Known as fraud.
    Seed,
    /// In the part where the ties are densest.
    Core,
    /// Tied to it.
    Edge,
    /// Known as good, or tied more to others than to the group.
    Bystander,
}

impl Level {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Core => "core",
            Self::Edge => "edge",
            Self::Bystander => "bystander",
        }
    }
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: u32,
    /// How deep.
    pub level: Level,
    /// Why, in words.
    pub reason: String,
}

impl<'a> Inside<'a> {
    /// Looks at the ties between the members, who stand in the order of their keys.
    pub fn new(links: &'a Links, weights: &Weights, members: &'a [u32]) -> Self {
        let mut surroundings = Surroundings::new(links, weights, View::Now);
        let place = |person: u32| members.binary_search(&person).ok().map(|place| place as u32);
        let mut shown: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let (mut ties, mut totals) = (Vec::new(), Vec::new());
        for (number, &person) in members.iter().enumerate() {
            surroundings.find(person);
            totals.push(surroundings.partners.iter().map(|partner| partner.faded).sum());
            let own = surroundings.partners.iter();
            ties.push(own.filter_map(|partner| Some((place(partner.person)?, *partner))).collect());
            for &identifier in links.identifiers_of(person) {
                shown.entry(identifier).or_default().push(number as u32);
            }
        }
        let several = shown.into_iter().filter(|(_, members)| members.len() > 1);
        let shared = several.map(|(identifier, members)| SharedIdentifier { identifier, members }).collect();
        Self { links, members, shared, ties, totals }
    }

    /// The share of the faded weight inside that is of ties by two types or more.
    pub fn several_types(&self) -> f64 {
        let ties = || self.ties.iter().flatten().map(|(_, partner)| partner);
        let several: u64 =
            ties().filter(|partner| partner.types.count_ones() > 1).map(|partner| partner.faded).sum();
        several as f64 / ties().map(|partner| partner.faded).sum::<u64>().max(1) as f64
    }

    /// The size of the largest component over some of the shared identifiers.
    pub fn largest_component(&self, some: &[usize]) -> usize {
        let mut root: Vec<u32> = (0..self.members.len() as u32).collect();
        fn find(root: &mut [u32], mut place: u32) -> u32 {
            while root[place as usize] != place {
                root[place as usize] = root[root[place as usize] as usize];
                place = root[place as usize];
            }
            place
        }
        for &at in some {
            let members = &self.shared[at].members;
            for &other in &members[1..] {
                let (one, other) = (find(&mut root, members[0]), find(&mut root, other));
                root[one.max(other) as usize] = one.min(other);
            }
        }
        let mut sizes = vec![0; root.len()];
        for place in 0..root.len() as u32 {
            sizes[find(&mut root, place) as usize] += 1;
        }
        sizes.into_iter().max().unwrap_or(0)
    }

    /// The members of the core: those left where the mean weight of ties is greatest, as the most loosely tied
    /// are taken away one by one (Charikar, *Greedy approximation algorithms for finding dense components*, 2000).
    fn core(&self) -> Vec<bool> {
        let mut weight: Vec<u64> =
            self.ties.iter().map(|ties| ties.iter().map(|(_, partner)| partner.faded).sum()).collect();
        let mut queue: BTreeSet<(u64, u32)> =
            weight.iter().enumerate().map(|(place, &weight)| (weight, place as u32)).collect();
        let mut inside = weight.iter().sum::<u64>();
        let mut gone: Vec<u32> = Vec::new();
        let mut best = (inside as f64 / self.members.len() as f64, 0);
        let mut there = vec![true; self.members.len()];
        while let Some((own, place)) = queue.pop_first() {
            there[place as usize] = false;
            gone.push(place);
            inside -= 2 * own;
            for &(other, partner) in &self.ties[place as usize] {
                if there[other as usize] {
                    let old = weight[other as usize];
                    queue.remove(&(old, other));
                    weight[other as usize] = old.saturating_sub(partner.faded);
                    queue.insert((weight[other as usize], other));
                }
            }
            let density = inside as f64 / queue.len().max(1) as f64;
            if density > best.0 {
                best = (density, gone.len());
            }
        }
        let mut core = vec![true; self.members.len()];
        gone[..best.1].iter().for_each(|&place| core[place as usize] = false);
        core
    }

    /// The members with their levels. `known` says of a person whether it is known as fraud.
    pub fn judged(&self, known: impl Fn(u32) -> Option<bool>) -> Vec<Member> {
        let core = self.core();
        let member = |(place, &person): (usize, &u32)| {
            let inside: u64 = self.ties[place].iter().map(|(_, partner)| partner.faded).sum();
            let level = match known(person) {
                Some(true) => Level::Seed,
                Some(false) => Level::Bystander,
                None if core[place] => Level::Core,
                None if 2 * inside < self.totals[place] => Level::Bystander,
                None => Level::Edge,
            };
            Member { person, level, reason: self.reason(place, known(person)) }
        };
        self.members.iter().enumerate().map(member).collect()
    }

    fn reason(&self, place: usize, known: Option<bool>) -> String {
        let types = &self.links.settings().types;
        let mut with: Vec<(usize, usize)> = Vec::new();
        for kind in 0..types.len() {
            let count = self.ties[place].iter().filter(|(_, partner)| partner.types >> kind & 1 == 1).count();
            if count > 0 {
                with.push((kind, count));
            }
        }
        with.sort_by(|a, b| types[b.0].strength.total_cmp(&types[a.0].strength).then(a.0.cmp(&b.0)));
        let shares: Vec<String> =
            with.iter().map(|&(kind, count)| format!("`{}` with {count}", types[kind].name)).collect();
        let known = match known {
            Some(true) => "known fraud; ",
            Some(false) => "known good; ",
            None => "",
        };
        let person = self.members[place];
        let days = self.ties[place].iter().map(|(_, partner)| days_apart(self.links, person, partner.person));
        let near = match days.min() {
            Some(days) if self.links.time(person) != crate::link::NO_TIME => {
                format!(", the nearest {days} days apart")
            }
            _ => String::new(),
        };
        format!("{known}shares {} of {} members{near}", shares.join(", "), self.members.len())
    }
}
