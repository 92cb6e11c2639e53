//! Detection in one object: a network's features, scores and groups under one set of weights.
//!
//! In: a [`Network`], a decay, a view. Out: [`Detection`], and the judged groups of scores: [`Ring`]s with their
//! evidence and members, each person in at most one.

use super::ego::{self, Egos};
use super::evidence::{Evidence, evidence};
use super::groups::{Filter, Found, find};
use super::history::History;
use super::inside::{Inside, Member};
use super::surroundings::{Surroundings, View};
use super::weights::Weights;
use crate::Result;
use crate::exec::{Control, parallel};
use crate::link::{Links, Network};

/// What is known of people beside what they share, person by person; nothing where a slice ends.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Known as fraud (1), as good (0) or not (-1).
    pub labels: &'a [i8],
    /// How many listed identifiers each shows.
    pub listed: &'a [u32],
}

/// A group with its evidence.
#[derive(Clone, Debug)]
pub struct Ring {
    /// Its figures.
    pub found: Found,
    /// The evidence.
    pub evidence: Evidence,
    /// Its members with their levels, in the order of their keys.
    pub members: Vec<Member>,
    /// Members known as fraud.
    pub known_fraud: u32,
    /// Members known as good.
    pub known_good: u32,
    /// Members that show a listed identifier.
    pub listed: u32,
}

/// The features of a network under some weights.
#[derive(Debug)]
pub struct Detection {
    /// What ties weigh.
    pub weights: Weights,
    /// The features.
    pub egos: Egos,
}

impl Detection {
    /// Computes the features as of now, or, with `at`, as they were known at each person's time.
    ///
    /// # Errors
    /// A decay that is not above 0, too many types, a request to stop.
    pub fn new(network: &Network, tau: f64, at: bool, threads: usize, control: &Control) -> Result<Self> {
        let weights = Weights::new(network.links().settings(), tau)?;
        let egos = if at {
            let mut settings = network.links().settings().clone();
            let caps =
                settings.types.iter_mut().map(|kind| std::mem::replace(&mut kind.cap, u32::MAX)).collect();
            let links = Links::build(network.records(), &settings, threads, control)?;
            let history = History::new(&links, caps);
            ego::egos(&links, &weights, View::At(&history), threads, control)?
        } else {
            ego::egos(network.links(), &weights, View::Now, threads, control)?
        };
        Ok(Self { weights, egos })
    }

    /// Ties whose faded weight is `least` or more: both people, the smaller key first, and the weight in units.
    /// For comparison with other methods: detection itself never keeps them all.
    ///
    /// # Errors
    /// Only a request to stop.
    pub fn ties(&self, links: &Links, least: u64, control: &Control) -> Result<Vec<(u32, u32, u64)>> {
        let mut surroundings = Surroundings::new(links, &self.weights, View::Now);
        let mut ties = Vec::new();
        for person in 0..links.people() as u32 {
            if person % 4_096 == 0 {
                control.check()?;
            }
            surroundings.find(person);
            let strong = surroundings.partners.iter();
            let later = strong.filter(|partner| partner.person > person && partner.faded >= least);
            ties.extend(later.map(|partner| (person, partner.person, partner.faded)));
        }
        Ok(ties)
    }

    /// Finds groups with their evidence, the smallest keys first.
    ///
    /// # Errors
    /// Scores that are not one for each person between 0 and 1; a request to stop.
    pub fn rings(
        &self,
        links: &Links,
        filter: &Filter<'_>,
        known: &Known<'_>,
        threads: usize,
        control: &Control,
    ) -> Result<Vec<Ring>> {
        let found = find(links, &self.weights, filter, control)?;
        let label = |person: u32| match known.labels.get(person as usize) {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        };
        let judged = parallel(
            threads,
            found.len(),
            || Ok(Vec::new()),
            |done, task| {
                control.check()?;
                let group = found[task].clone();
                let inside = Inside::new(links, &self.weights, &group.members);
                let count = |wanted| {
                    group.members.iter().filter(|&&person| label(person) == Some(wanted)).count() as u32
                };
                let (known_fraud, known_good) = (count(true), count(false));
                let shown = |person: u32| known.listed.get(person as usize).copied().unwrap_or(0);
                let listed = group.members.iter().filter(|&&person| shown(person) > 0).count() as u32;
                let (evidence, mut members) = (evidence(links, &inside), inside.judged(label));
                for member in members.iter_mut().filter(|member| shown(member.person) > 0) {
                    let told = match shown(member.person) {
                        1 => "a listed identifier".to_owned(),
                        count => format!("{count} listed identifiers"),
                    };
                    member.reason = format!("shows {told}; {}", member.reason);
                }
                let found = group.clone();
                done.push((task, Ring { found, evidence, members, known_fraud, known_good, listed }));
                Ok(())
            },
        )?;
        let mut rings: Vec<(usize, Ring)> = judged.into_iter().flatten().collect();
        rings.sort_by_key(|&(task, _)| task);
        Ok(rings.into_iter().map(|(_, ring)| ring).collect())
    }
}
