//! A person's partners: whom they share identifiers with, and how strongly.
//!
//! In: a [`Graph`], [`Weights`], a [`View`]. Out: partners, one person at a time; the projection of people on people
//! is never kept.

use super::history::History;
use super::weights::{Weights, days_apart};
use crate::link::{Graph, Links};

/// Whose ties count.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// All that is known now.
    Now,
    /// What was known at each person's own time.
    At(&'a History),
}

/// One who shares identifiers with a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Who.
    pub person: u32,
    /// How many identifiers are shared.
    pub shared: u32,
    /// The types of what is shared, as bits.
    pub types: u64,
    /// The weight, days apart not counted.
    pub weight: u64,
    /// The weight, faded by the days apart.
    pub faded: u64,
}

/// One shared identifier.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tie {
    person: u32,
    /// The number of its type.
    pub kind: u32,
    /// What it weighs, days apart not counted.
    pub weight: u64,
}

/// Finds the partners of people, one at a time.
pub struct Surroundings<'a, G = Links> {
    graph: &'a G,
    weights: &'a Weights,
    view: View<'a>,
    ties: Vec<Tie>,
    /// The partners of the person asked for last, ascending.
    pub partners: Vec<Partner>,
    /// Their faded weight by type.
    pub by_type: Vec<u64>,
    /// The sum of the degrees of the person's identifiers, by type.
    pub degrees: Vec<u64>,
    /// How many partners share each type.
    pub partners_by_type: Vec<u32>,
}

impl<'a, G: Graph> Surroundings<'a, G> {
    /// Nothing found yet.
    pub fn new(graph: &'a G, weights: &'a Weights, view: View<'a>) -> Self {
        let types = graph.types();
        Self {
            graph,
            weights,
            view,
            ties: Vec::new(),
            partners: Vec::new(),
            by_type: vec![0; types],
            degrees: vec![0; types],
            partners_by_type: vec![0; types],
        }
    }

    /// Asks for the memory of those whose turn comes soon: `next` tells who comes so many turns later.
    pub fn expect(&self, next: impl Fn(usize) -> Option<u32>) {
        self.graph.expect_all(next);
    }

    /// Finds the partners of a person.
    pub fn find(&mut self, person: u32) {
        self.ties.clear();
        self.partners.clear();
        self.degrees.fill(0);
        self.by_type.fill(0);
        self.partners_by_type.fill(0);
        let Self { graph, weights, view, ties, degrees, .. } = self;
        let now = graph.time(person);
        graph.each(person, |identifier, kind, people| {
            let known = match view {
                View::Now => Some(people),
                View::At(history) => history.known(identifier, kind, now),
            };
            let Some(members) = known.filter(|members| members.len() > 1) else { return };
            degrees[kind] += members.len() as u64;
            let weight = weights.of(kind, members.len() as u32);
            let others = members.iter().filter(|&&member| member != person);
            ties.extend(others.map(|&member| {
                graph.expect_time(member);
                Tie { person: member, kind: kind as u32, weight }
            }));
        });
        self.ties.sort_unstable_by_key(|tie| tie.person);
        for run in self.ties.chunk_by(|a, b| a.person == b.person) {
            let days = days_apart(self.graph, person, run[0].person);
            let mut partner = Partner { person: run[0].person, shared: 0, types: 0, weight: 0, faded: 0 };
            for tie in run {
                let faded = self.weights.faded(tie.weight, days);
                self.by_type[tie.kind as usize] += faded;
                if partner.types >> tie.kind & 1 == 0 {
                    self.partners_by_type[tie.kind as usize] += 1;
                }
                partner.types |= 1 << tie.kind;
                partner.shared += 1;
                partner.weight += tie.weight;
                partner.faded += faded;
            }
            self.partners.push(partner);
        }
    }

    /// The partners with what is shared with each, one identifier after the other.
    pub(super) fn shared(&self) -> impl Iterator<Item = (&Partner, &[Tie])> {
        self.partners.iter().zip(self.ties.chunk_by(|a, b| a.person == b.person))
    }
}
