//! What partners' scores say of a person.
//!
//! In: [`Links`], [`Weights`], a score between 0 and 1 for each person. Out: a column for each of [`risk_names`]: sums
//! and greatest values over partners, by type of what is shared and by days apart. With a score of 1 for everybody
//! they say how a person is tied in more detail than the features that are kept. Sums are of integers (law 2).

use super::ego::{blocks, in_units};
use super::surroundings::{Surroundings, View};
use super::weights::{UNIT, Weights, days_apart};
use crate::exec::Control;
use crate::link::{Links, Settings};
use crate::{Error, Result};

/// Days apart up to which partners are counted, each with those before.
const WINDOWS: [u32; 4] = [2, 7, 20, 60];
/// Days apart up to which partners by type are counted.
const NEAR: u32 = 10;
/// Days apart up to which partners by several types are counted.
const TOGETHER: u32 = 20;
/// What partners' scores say, whatever they share.
pub const RISK_FEATURES: [&str; 21] = [
    "risk",
    "risk_max",
    "risk_static",
    "risk_ties",
    "risk_share",
    "risk_two_hop",
    "several_types",
    "risk_several_types",
    "risk_2_days",
    "risk_7_days",
    "risk_20_days",
    "risk_60_days",
    "risk_static_2_days",
    "risk_static_7_days",
    "risk_static_20_days",
    "risk_static_60_days",
    "score_max",
    "score_max_ties",
    "score_max_several_types",
    "scores_several_types",
    "scores_several_types_near",
];
/// What they say of each type.
pub const TYPE_RISK_FEATURES: [&str; 4] = ["risk", "risk_max", "risk_static_max", "scores_near"];
/// The place among the columns of what hangs on the partners' own partners.
const TWO_HOP: usize = 5;

/// The names of the columns, for a network's types.
pub fn risk_names(settings: &Settings) -> Vec<String> {
    let typed = settings
        .types
        .iter()
        .flat_map(|kind| TYPE_RISK_FEATURES.map(|feature| format!("{}_{feature}", kind.name)));
    RISK_FEATURES.iter().map(|&name| name.to_owned()).chain(typed).collect()
}

/// What the partners' scores say of each person: columns in the order of [`risk_names`].
///
/// # Errors
/// Scores that are not one for each person between 0 and 1; a request to stop.
pub fn risks(
    links: &Links,
    weights: &Weights,
    scores: &[f64],
    threads: usize,
    control: &Control,
) -> Result<Vec<Vec<f32>>> {
    let scores = fixed_scores(links, scores)?;
    let types = links.settings().types.len();
    let width = RISK_FEATURES.len() + TYPE_RISK_FEATURES.len() * types;
    let start = || (Surroundings::new(links, weights, View::Now), Risk::new(types));
    let direct = blocks(links.people(), threads, control, start, |(surroundings, risk), range| {
        let mut faded = Vec::with_capacity(range.len());
        let mut rows = Vec::with_capacity(range.len() * width);
        for person in range {
            surroundings.find(person);
            risk.sum(surroundings, links, person, &scores, weights);
            faded.push(risk.faded);
            risk.append(&mut rows);
        }
        (faded, rows)
    })?;
    let faded: Vec<u64> = direct.iter().flat_map(|(faded, _)| faded.iter().copied()).collect();
    let start = || Surroundings::new(links, weights, View::Now);
    let hops = blocks(links.people(), threads, control, start, |surroundings, range| {
        let mut means = Vec::with_capacity(range.len());
        for person in range {
            surroundings.find(person);
            let (mut sum, mut total) = (0_u128, 0_u64);
            for partner in &surroundings.partners {
                sum += u128::from(partner.faded) * u128::from(faded[partner.person as usize]);
                total += partner.faded;
            }
            means.push((sum / u128::from(total.max(1))) as u64);
        }
        means
    })?;
    let mut columns = vec![Vec::with_capacity(links.people()); width];
    let rows = direct.iter().flat_map(|(_, rows)| rows.chunks_exact(width));
    for (row, hop) in rows.zip(hops.into_iter().flatten()) {
        columns.iter_mut().zip(row).for_each(|(column, &value)| column.push(value));
        if let Some(place) = columns[TWO_HOP].last_mut() {
            *place = in_units(hop);
        }
    }
    Ok(columns)
}

/// Scores as integers in units.
///
/// # Errors
/// Scores that are not one for each person between 0 and 1.
pub(super) fn fixed_scores(links: &Links, scores: &[f64]) -> Result<Vec<u64>> {
    if scores.len() != links.people() {
        let told = format!("there are {} scores for {} people; give one each", scores.len(), links.people());
        return Err(Error::argument(told));
    }
    if let Some(score) = scores.iter().find(|score| !(0.0..=1.0).contains(*score)) {
        return Err(Error::argument(format!("a score is `{score}`; scores are from 0 to 1")));
    }
    Ok(scores.iter().map(|score| (score * UNIT as f64).round() as u64).collect())
}

/// Sums over a person's partners; a name with `scores` or `score` counts partners, whatever their ties weigh.
#[derive(Clone, Debug, Default)]
struct Risk {
    total: u64,
    faded: u64,
    most: u64,
    fixed: u64,
    ties: u64,
    several: u64,
    risky_several: u64,
    scores_within: [u64; WINDOWS.len()],
    fixed_within: [u64; WINDOWS.len()],
    score_max: u64,
    score_max_ties: u64,
    score_max_several: u64,
    scores_several: u64,
    scores_several_near: u64,
    types: Vec<TypeRisk>,
}

/// The same for what is shared of one type.
#[derive(Clone, Copy, Debug, Default)]
struct TypeRisk {
    faded: u64,
    most: u64,
    fixed_most: u64,
    near: u64,
}

impl Risk {
    fn new(types: usize) -> Self {
        Self { types: vec![TypeRisk::default(); types], ..Self::default() }
    }

    /// Takes the sums over the partners of the person whose surroundings were found.
    fn sum(
        &mut self,
        found: &Surroundings<'_>,
        links: &Links,
        person: u32,
        scores: &[u64],
        weights: &Weights,
    ) {
        let mut types = std::mem::take(&mut self.types);
        types.fill(TypeRisk::default());
        *self = Self { types, ..Self::default() };
        for (partner, shared) in found.shared() {
            let score = scores[partner.person as usize];
            let days = days_apart(links, person, partner.person);
            let faded = (partner.faded * score) >> 20;
            let fixed = (partner.weight * score) >> 20;
            self.total += partner.faded;
            self.faded += faded;
            self.most = self.most.max(faded);
            self.fixed += fixed;
            self.score_max = self.score_max.max(score);
            if partner.faded >= weights.strong {
                self.ties += score;
                self.score_max_ties = self.score_max_ties.max(score);
            }
            if partner.types.count_ones() > 1 {
                self.several += partner.faded;
                self.risky_several += faded;
                self.score_max_several = self.score_max_several.max(score);
                self.scores_several += score;
                self.scores_several_near += if days <= TOGETHER { score } else { 0 };
            }
            for (at, _) in WINDOWS.iter().enumerate().filter(|&(_, &window)| days <= window) {
                self.scores_within[at] += score;
                self.fixed_within[at] += fixed;
            }
            for tie in shared {
                let own = &mut self.types[tie.kind as usize];
                let faded = (weights.faded(tie.weight, days) * score) >> 20;
                own.faded += faded;
                own.most = own.most.max(faded);
                own.fixed_most = own.fixed_most.max((tie.weight * score) >> 20);
            }
            if days <= NEAR {
                let kinds = self.types.iter_mut().enumerate();
                let met = kinds.filter(|&(kind, _)| partner.types >> kind & 1 == 1);
                met.for_each(|(_, own)| own.near += score);
            }
        }
    }

    /// Appends the row of columns; what hangs on partners' partners stays open.
    fn append(&self, rows: &mut Vec<f32>) {
        let units = in_units;
        rows.extend([units(self.faded), units(self.most), units(self.fixed), units(self.ties)]);
        rows.push((self.faded as f64 / self.total.max(1) as f64) as f32);
        rows.extend([0.0, units(self.several), units(self.risky_several)]);
        rows.extend(self.scores_within.map(units));
        rows.extend(self.fixed_within.map(units));
        rows.extend([self.score_max, self.score_max_ties, self.score_max_several].map(units));
        rows.extend([self.scores_several, self.scores_several_near].map(units));
        for own in &self.types {
            rows.extend([own.faded, own.most, own.fixed_most, own.near].map(units));
        }
    }
}
