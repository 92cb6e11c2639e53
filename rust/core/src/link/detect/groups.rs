//! Groups: who is clustered with whom among the people that the filter lets pass.
//!
//! In: [`Links`], [`Weights`], a score between 0 and 1 for each person, the filter's cut. Out: [`Found`] groups of
//! three or more, with the figures that tell a ring from a household. People stand in the order of their keys, so
//! the first member of a group has the smallest key, which names it (law 7); sums are of integers (law 2).

use std::collections::BTreeMap;

use super::cluster::{Edge, louvain};
use super::risks::fixed_scores;
use super::surroundings::{Partner, Surroundings, View};
use super::weights::{UNIT, Weights};
use crate::exec::Control;
use crate::link::{DAY, Links, NO_TIME};
use crate::{Error, Result};

/// A group has this many members or more.
pub const LEAST_MEMBERS: usize = 3;

/// A tie between two people that passed.
#[derive(Clone, Copy, Debug)]
pub struct Tie {
    /// The one with the smaller key.
    pub one: u32,
    /// The other.
    pub other: u32,
    /// What they share.
    pub partner: Partner,
}

/// A group and its figures.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Its members, in the order of their keys.
    pub members: Vec<u32>,
    /// The mean of the members' scores.
    pub mean_score: f64,
    /// The faded weight of ties inside, in units.
    pub inside: u64,
    /// Faded weight inside, twice, by all faded weight of the members' ties.
    pub exclusivity: f64,
    /// The same with weights that do not fade.
    pub exclusivity_static: f64,
    /// Faded weight inside, twice, by that of ties to all who passed.
    pub closure: f64,
    /// The share of the faded weight that is of ties by two types or more.
    pub several_types: f64,
    /// The entropy of the faded weight over types, in nats.
    pub diversity: f64,
    /// Days from the first member's time to the last's, where any is known.
    pub span_days: Option<u32>,
    /// How suspect the group is, between 0 and 1.
    pub score: f64,
}

/// Who passes, and how those are clustered.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// A score for each person, between 0 and 1.
    pub scores: &'a [f64],
    /// Who is at or above it passes.
    pub cut: f64,
    /// In sixteenths of that of plain modularity.
    pub resolution: u64,
    /// What the scores are.
    pub basis: Basis,
    /// Twice the weight of all edges, where the links are whole components of a larger network; see [`louvain`].
    pub total: Option<u64>,
    /// The group of each person where groups are given instead of found, [`NO_GROUP`] for none.
    pub given: Option<&'a [u32]>,
}

/// The group of who is in none.
pub const NO_GROUP: u32 = u32::MAX;

/// Those who passed, and the ties between them.
struct Passed {
    people: Vec<u32>,
    /// By the places of people.
    ties: Vec<Tie>,
    edges: Vec<Edge>,
    /// For each the weight of all its ties, faded and not.
    totals: Vec<(u64, u64)>,
    /// The scores of everybody, in units.
    fixed: Vec<u64>,
}

/// Finds the ties between those whose score is at or above the cut.
fn passed(links: &Links, weights: &Weights, scores: &[f64], cut: f64, control: &Control) -> Result<Passed> {
    let fixed = fixed_scores(links, scores)?;
    let passed: Vec<u32> =
        (0..links.people() as u32).filter(|&person| scores[person as usize] >= cut).collect();
    let mut numbers = vec![u32::MAX; links.people()];
    for (number, &person) in passed.iter().enumerate() {
        numbers[person as usize] = number as u32;
    }
    let mut surroundings = Surroundings::new(links, weights, View::Now);
    let mut ties = Vec::new();
    let mut totals = Vec::with_capacity(passed.len());
    for (number, &person) in passed.iter().enumerate() {
        if number % 4_096 == 0 {
            control.check()?;
        }
        surroundings.find(person);
        let sum = |weight: fn(&Partner) -> u64| surroundings.partners.iter().map(weight).sum::<u64>();
        totals.push((sum(|partner| partner.faded), sum(|partner| partner.weight)));
        for partner in &surroundings.partners {
            let other = numbers[partner.person as usize];
            if other != u32::MAX && other as usize > number {
                ties.push(Tie { one: number as u32, other, partner: *partner });
            }
        }
    }
    let score_of = |number: u32| fixed[passed[number as usize] as usize];
    let edges = ties.iter().map(|tie| edge(tie, score_of(tie.one), score_of(tie.other))).collect();
    Ok(Passed { people: passed, ties, edges, totals, fixed })
}

/// Twice the weight of all edges between those who pass: what the shards of a network add up to [`Filter::total`].
///
/// # Errors
/// As [`find`].
pub fn edge_total(
    links: &Links,
    weights: &Weights,
    scores: &[f64],
    cut: f64,
    control: &Control,
) -> Result<u64> {
    let edges = passed(links, weights, scores, cut, control)?.edges;
    Ok(edges.iter().map(|edge| 2 * edge.weight).sum())
}

/// Finds the groups among those whose score is at or above the cut, the smallest keys first.
///
/// # Errors
/// Scores that are not one for each person between 0 and 1; a request to stop.
pub fn find(links: &Links, weights: &Weights, filter: &Filter<'_>, control: &Control) -> Result<Vec<Found>> {
    let Passed { people: passed, ties, edges, totals, fixed } =
        passed(links, weights, filter.scores, filter.cut, control)?;
    let community = match filter.given {
        Some(given) => communities(links, given, &passed)?,
        None => louvain(passed.len(), &edges, filter.resolution, filter.total),
    };
    let mut members: Vec<Vec<u32>> =
        vec![Vec::new(); community.iter().max().map_or(0, |&last| last as usize + 1)];
    for (number, &place) in community.iter().enumerate() {
        members[place as usize].push(number as u32);
    }
    let mut sums = Sums::of(links, &ties, &community, members.len());
    let mut found = Vec::new();
    for (place, numbers) in members.iter().enumerate() {
        if numbers.len() >= LEAST_MEMBERS {
            let people: Vec<u32> = numbers.iter().map(|&number| passed[number as usize]).collect();
            let own = numbers.iter().map(|&number| totals[number as usize]);
            let all = own.fold((0, 0), |sum, (faded, weight)| (sum.0 + faded, sum.1 + weight));
            let mut group = sums.take(links, place, people, all, &fixed);
            group.score = ring_score(&group, filter.basis, weights.learned);
            found.push(group);
        }
    }
    Ok(found)
}

/// Numbers given groups by the first who passed; who is in none is alone.
///
/// # Errors
/// Groups that are not one for each person.
fn communities(links: &Links, given: &[u32], passed: &[u32]) -> Result<Vec<u32>> {
    if given.len() != links.people() {
        let told =
            format!("there are groups of {} people, not of {}; give one each", given.len(), links.people());
        return Err(Error::argument(told));
    }
    let mut numbers = BTreeMap::new();
    let mut count = 0;
    let number = |&person: &u32| {
        let fresh = count;
        let place = match given[person as usize] {
            NO_GROUP => fresh,
            group => *numbers.entry(group).or_insert(fresh),
        };
        count += u32::from(place == fresh);
        place
    };
    Ok(passed.iter().map(number).collect())
}

/// The weight of a tie for clustering: faded weight times the geometric mean of both scores.
fn edge(tie: &Tie, one: u64, other: u64) -> Edge {
    let mean = (one * other).isqrt();
    Edge { one: tie.one, other: tie.other, weight: (tie.partner.faded * mean) >> 20 }
}

/// Sums over the ties inside each community.
struct Sums {
    faded: Vec<u64>,
    fixed: Vec<u64>,
    outside: Vec<u64>,
    several: Vec<u64>,
    by_type: Vec<Vec<u64>>,
}

impl Sums {
    fn of(links: &Links, ties: &[Tie], community: &[u32], count: usize) -> Self {
        let none = || vec![0; count];
        let mut sums = Self {
            faded: none(),
            fixed: none(),
            outside: none(),
            several: none(),
            by_type: vec![Vec::new(); count],
        };
        let types = links.settings().types.len();
        for tie in ties {
            let (one, other) = (community[tie.one as usize] as usize, community[tie.other as usize] as usize);
            let Partner { faded, weight, types: shared, .. } = tie.partner;
            if one != other {
                sums.outside[one] += faded;
                sums.outside[other] += faded;
                continue;
            }
            sums.faded[one] += faded;
            sums.fixed[one] += weight;
            if shared.count_ones() > 1 {
                sums.several[one] += faded;
            }
            sums.by_type[one].resize(types, 0);
            for (kind, sum) in sums.by_type[one].iter_mut().enumerate() {
                if shared >> kind & 1 == 1 {
                    *sum += faded;
                }
            }
        }
        sums
    }

    fn take(
        &mut self,
        links: &Links,
        place: usize,
        members: Vec<u32>,
        (faded, fixed): (u64, u64),
        scores: &[u64],
    ) -> Found {
        let part = |share: u64, whole: u64| share as f64 / whole.max(1) as f64;
        let inside = self.faded[place];
        let mean = members.iter().map(|&person| scores[person as usize]).sum::<u64>() as f64
            / (members.len() as u64 * UNIT) as f64;
        Found {
            mean_score: mean,
            inside,
            exclusivity: part(2 * inside, faded),
            exclusivity_static: part(2 * self.fixed[place], fixed),
            closure: part(2 * inside, 2 * inside + self.outside[place]),
            several_types: part(self.several[place], inside),
            diversity: entropy(&std::mem::take(&mut self.by_type[place])),
            span_days: span(links, &members),
            members,
            score: 0.0,
        }
    }
}

/// Days between the first and the last of the known times.
fn span(links: &Links, members: &[u32]) -> Option<u32> {
    let days = members
        .iter()
        .map(|&person| links.time(person))
        .filter(|&time| time != NO_TIME)
        .map(|time| time / DAY);
    let (first, last) = (days.clone().min()?, days.max()?);
    Some(last - first)
}

/// -sum of p log p over the shares of a total.
fn entropy(parts: &[u64]) -> f64 {
    let total = parts.iter().sum::<u64>() as f64;
    let shares = parts.iter().filter(|&&part| part > 0).map(|&part| part as f64 / total);
    -shares.map(|share| share * libm::log(share)).sum::<f64>()
}

/// How suspect a group is: a logistic function of its figures. The coefficients were fitted once on made-up graphs
/// (`benches/rings.py`), rounded, and say only how groups differ in shape; they know no type and no time.
/// `learned` says that ties weigh by learned rarities.
pub fn ring_score(found: &Found, basis: Basis, learned: bool) -> f64 {
    let size = found.members.len() as f64;
    let strength = libm::log(2.0 * found.inside as f64 / UNIT as f64 / size + 1e-3);
    let mean = found.mean_score.clamp(1e-3, 1.0 - 1e-3);
    let part = match basis {
        Basis::LabelFree if learned => &LEARNED,
        Basis::LabelFree => &LABEL_FREE,
        Basis::Model => &MODEL,
    };
    let log_odds = part.base
        + part.size * libm::log(size)
        + part.strength * strength
        + part.mean * libm::log(mean / (1.0 - mean))
        + part.diversity * found.diversity
        + part.several_types * found.several_types
        + part.exclusivity * found.exclusivity_static;
    1.0 / (1.0 + libm::exp(-log_odds))
}

/// What people's scores are: those of a model part rings from others, and the shape of a group adds less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The label-free score.
    LabelFree,
    /// A model's probabilities.
    Model,
}

/// The coefficients of [`ring_score`].
struct Coefficients {
    base: f64,
    size: f64,
    strength: f64,
    mean: f64,
    diversity: f64,
    several_types: f64,
    exclusivity: f64,
}

const LABEL_FREE: Coefficients = Coefficients {
    base: -8.1,
    size: 0.3,
    strength: -0.4,
    mean: 0.5,
    diversity: 0.9,
    several_types: 3.3,
    exclusivity: 6.9,
};
/// Of the label-free score under learned rarities, where the strength of ties tells more.
const LEARNED: Coefficients = Coefficients {
    base: -8.8,
    size: 0.1,
    strength: 1.8,
    mean: 0.1,
    diversity: 1.4,
    several_types: 0.3,
    exclusivity: 6.3,
};
/// Of a model's probabilities, fitted on groups of graphs that the model had not seen.
const MODEL: Coefficients = Coefficients {
    base: -4.1,
    size: 0.1,
    strength: -0.5,
    mean: 0.25,
    diversity: 2.5,
    several_types: 0.5,
    exclusivity: 3.8,
};
