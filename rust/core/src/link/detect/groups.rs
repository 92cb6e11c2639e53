//! Groups: who is clustered with whom among the people that the filter lets pass.
//!
//! In: [`Links`], [`Weights`], a score between 0 and 1 for each person, the filter's cut. Out: [`Found`] groups of
//! three or more, with the figures that tell a ring from a household. With a second, looser cut people are clustered
//! several times, more and less finely, and the best scored of all those groups that share nobody are the groups.
//! People stand in the order of their keys, so the first member of a group has the smallest key, which names it
//! (law 7); sums are of integers, and logarithms of members are added up in that order (law 2).

use std::collections::BTreeMap;

use super::cluster::{Edge, louvain};
use super::ring_score::{Basis, ring_score};
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
    /// The mean of the log-odds of the members' scores.
    pub mean_log_odds: f64,
    /// The faded weight of ties inside, in units.
    pub inside: u64,
    /// The same with weights that do not fade.
    pub inside_static: u64,
    /// The mean over members of log(1 + pairs of strong partners inside).
    pub strong_pairs: f64,
    /// Faded weight inside, twice, by all faded weight of the members' ties.
    pub exclusivity: f64,
    /// The same with weights that do not fade.
    pub exclusivity_static: f64,
    /// Faded weight inside, twice, by that of ties to all who passed the cut that the group was found under.
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
    /// A looser cut: people are then clustered by both, and more finely too, and the best groups are chosen. Only
    /// under learned rarities: under declared strengths the scores of groups part them too badly to choose by.
    pub loose: Option<f64>,
    /// In sixteenths of that of plain modularity.
    pub resolution: u64,
    /// What the scores are.
    pub basis: Basis,
    /// Twice the weight of all edges, by the cut and by the loose one, where the links are whole components of a
    /// larger network; see [`louvain`] and [`edge_totals`].
    pub totals: Option<[u64; 2]>,
    /// The group of each person where groups are given instead of found, [`NO_GROUP`] for none.
    pub given: Option<&'a [u32]>,
}

/// With a looser cut: multiples of the resolution at which those who pass the cut are clustered.
const ABOVE_CUT: [u64; 2] = [1, 16];
/// The same of those who pass the looser one.
const ABOVE_LOOSE: [u64; 2] = [4, 64];

/// The group of who is in none.
pub const NO_GROUP: u32 = u32::MAX;

/// Those who passed, and the ties between them.
struct Passed {
    people: Vec<u32>,
    /// By the places of people.
    ties: Vec<Tie>,
    /// For each the weight of all its ties, faded and not.
    totals: Vec<(u64, u64)>,
    /// The scores of everybody, in units.
    fixed: Vec<u64>,
}

impl Passed {
    /// The score of who stands at a place, in units.
    fn score(&self, number: u32) -> u64 {
        self.fixed[self.people[number as usize] as usize]
    }

    /// The weights of ties for clustering: faded weight times the geometric mean of both scores.
    fn edges(&self, ties: &[Tie]) -> Vec<Edge> {
        let edge = |tie: &Tie| {
            let mean = (self.score(tie.one) * self.score(tie.other)).isqrt();
            Edge { one: tie.one, other: tie.other, weight: (tie.partner.faded * mean) >> 20 }
        };
        ties.iter().map(edge).collect()
    }

    /// The ties between those who pass a stricter cut.
    fn ties_above(&self, scores: &[f64], cut: f64) -> Vec<Tie> {
        let passes = |number: u32| scores[self.people[number as usize] as usize] >= cut;
        self.ties.iter().filter(|tie| passes(tie.one) && passes(tie.other)).copied().collect()
    }
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
    Ok(Passed { people: passed, ties, totals, fixed })
}

/// Twice the weight of all edges between those who pass the cut, and the loose one: what the shards of a network add
/// up to [`Filter::totals`].
///
/// # Errors
/// As [`find`].
pub fn edge_totals(
    links: &Links,
    weights: &Weights,
    scores: &[f64],
    cut: f64,
    loose: Option<f64>,
    control: &Control,
) -> Result<[u64; 2]> {
    let passed = passed(links, weights, scores, loose.unwrap_or(cut), control)?;
    let total = |ties: &[Tie]| passed.edges(ties).iter().map(|edge| 2 * edge.weight).sum();
    Ok([total(&passed.ties_above(scores, cut)), total(&passed.ties)])
}

/// Finds the groups among those whose score is at or above the cut, the smallest keys first.
///
/// # Errors
/// Scores that are not one for each person between 0 and 1; a request to stop.
pub fn find(links: &Links, weights: &Weights, filter: &Filter<'_>, control: &Control) -> Result<Vec<Found>> {
    let &Filter { scores, cut, resolution, basis, totals, given, .. } = filter;
    let loose = filter.loose.filter(|_| weights.learned);
    let passed = passed(links, weights, scores, loose.unwrap_or(cut), control)?;
    let judged = |ties: &[Tie], community: &[u32]| groups(links, weights, &passed, ties, community, basis);
    let clustered = |ties: &[Tie], resolutions: &[u64], total: Option<u64>| {
        let (edges, mut found) = (passed.edges(ties), Vec::new());
        for &resolution in resolutions {
            control.check()?;
            let community = louvain(passed.people.len(), &edges, resolution, total);
            found.extend(judged(ties, &community));
        }
        Ok(found)
    };
    let [total, loose_total] = [0, 1].map(|at| totals.map(|totals| totals[at]));
    if let Some(given) = given {
        return Ok(judged(&passed.ties, &communities(links, given, &passed.people)?));
    }
    if loose.is_none() {
        return clustered(&passed.ties, &[resolution], total);
    }
    let finer = |times: [u64; 2]| times.map(|times| times * resolution);
    let mut candidates = clustered(&passed.ties_above(scores, cut), &finer(ABOVE_CUT), total)?;
    candidates.extend(clustered(&passed.ties, &finer(ABOVE_LOOSE), loose_total)?);
    Ok(disjoint(candidates, links.people()))
}

/// Chooses groups that share nobody: from the highest score down, each that shares nobody with one before. Of equals
/// the larger comes first, then the one with the smaller keys.
fn disjoint(mut candidates: Vec<Found>, people: usize) -> Vec<Found> {
    candidates.sort_by(|one, other| {
        let sizes = other.members.len().cmp(&one.members.len());
        other.score.total_cmp(&one.score).then(sizes).then_with(|| one.members.cmp(&other.members))
    });
    let mut taken = vec![false; people];
    candidates.retain(|group| {
        let free = group.members.iter().all(|&person| !taken[person as usize]);
        if free {
            group.members.iter().for_each(|&person| taken[person as usize] = true);
        }
        free
    });
    candidates.sort_by_key(|group| group.members[0]);
    candidates
}

/// The groups of some communities with their figures, the smallest keys first.
fn groups(
    links: &Links,
    weights: &Weights,
    passed: &Passed,
    ties: &[Tie],
    community: &[u32],
    basis: Basis,
) -> Vec<Found> {
    let mut members: Vec<Vec<u32>> =
        vec![Vec::new(); community.iter().max().map_or(0, |&last| last as usize + 1)];
    for (number, &place) in community.iter().enumerate() {
        members[place as usize].push(number as u32);
    }
    let mut sums = Sums::of(links, ties, community, members.len(), weights.strong);
    let mut found = Vec::new();
    for (place, numbers) in members.iter().enumerate() {
        if numbers.len() >= LEAST_MEMBERS {
            let mut group = sums.take(links, place, passed, numbers);
            group.score = ring_score(&group, basis, weights.learned);
            found.push(group);
        }
    }
    found
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

/// Sums over the ties inside each community.
struct Sums {
    faded: Vec<u64>,
    fixed: Vec<u64>,
    outside: Vec<u64>,
    several: Vec<u64>,
    by_type: Vec<Vec<u64>>,
    /// Of each person, by place, the strong ties inside.
    strong: Vec<u32>,
}

impl Sums {
    fn of(links: &Links, ties: &[Tie], community: &[u32], count: usize, strong: u64) -> Self {
        let none = || vec![0; count];
        let mut sums = Self {
            faded: none(),
            fixed: none(),
            outside: none(),
            several: none(),
            by_type: vec![Vec::new(); count],
            strong: vec![0; community.len()],
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
            for end in [tie.one, tie.other] {
                sums.strong[end as usize] += u32::from(faded >= strong);
            }
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

    fn take(&mut self, links: &Links, place: usize, passed: &Passed, numbers: &[u32]) -> Found {
        let part = |share: u64, whole: u64| share as f64 / whole.max(1) as f64;
        let own = numbers.iter().map(|&number| passed.totals[number as usize]);
        let (faded, fixed) = own.fold((0, 0), |sum, (faded, weight)| (sum.0 + faded, sum.1 + weight));
        let (inside, inside_static) = (self.faded[place], self.fixed[place]);
        let scores = || numbers.iter().map(|&number| passed.score(number));
        let members: Vec<u32> = numbers.iter().map(|&number| passed.people[number as usize]).collect();
        let size = members.len() as f64;
        let pairs = |number: &u32| {
            let partners = f64::from(self.strong[*number as usize]);
            libm::log1p(partners * (partners - 1.0) / 2.0)
        };
        Found {
            mean_score: scores().sum::<u64>() as f64 / (members.len() as u64 * UNIT) as f64,
            mean_log_odds: scores().map(log_odds).sum::<f64>() / size,
            inside,
            inside_static,
            strong_pairs: numbers.iter().map(pairs).sum::<f64>() / size,
            exclusivity: part(2 * inside, faded),
            exclusivity_static: part(2 * inside_static, fixed),
            closure: part(2 * inside, 2 * inside + self.outside[place]),
            several_types: part(self.several[place], inside),
            diversity: entropy(&std::mem::take(&mut self.by_type[place])),
            span_days: span(links, &members),
            members,
            score: 0.0,
        }
    }
}

/// The log-odds of a score in units, none of them 0 or 1.
fn log_odds(score: u64) -> f64 {
    let kept = score.clamp(1, UNIT - 1);
    libm::log(kept as f64 / (UNIT - kept) as f64)
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
