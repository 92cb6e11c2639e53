//! Ties between people who pass a filter, one row each: what trees that tell a ring's ties from others go by.
//!
//! In: [`Links`], [`Weights`], a score between 0 and 1 for each person, a cut. Out: [`Pairs`], in the order of both
//! keys, with a column for each of [`pair_names`]. Sums are of integers, each row is computed by one thread (law 2).

use super::ego::{blocks, in_units};
use super::risks::fixed_scores;
use super::surroundings::{Partner, Surroundings, View};
use super::weights::{UNIT, Weights, days_apart};
use crate::Result;
use crate::exec::Control;
use crate::link::{DAY, Links, NO_TIME, Settings};

/// What is told of each tie, whatever its types: `common` counts those tied to both, `common_score` adds up their
/// scores, `common_strength` the geometric means of their faded ties to both.
pub const PAIR_FEATURES: [&str; 8] =
    ["faded", "shared", "days", "one_day", "other_day", "common", "common_score", "common_strength"];

/// The names of the columns, for a network's types: of each type how many identifiers are shared, and how few people
/// show them, 1 / (people - 1) summed.
pub fn pair_names(settings: &Settings) -> Vec<String> {
    let types = settings.types.iter();
    let typed = types.flat_map(|kind| ["few", "shared"].map(|feature| format!("{}_{feature}", kind.name)));
    PAIR_FEATURES.iter().map(|&name| name.to_owned()).chain(typed).collect()
}

/// Ties between people who pass.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    /// The ends with the smaller keys, as numbers of people.
    pub one: Vec<u32>,
    /// The other ends.
    pub other: Vec<u32>,
    /// Columns in the order of [`pair_names`]; a day is NaN where none is known.
    pub columns: Vec<Vec<f32>>,
}

/// A person who passed, and its partners who passed, by ascending number.
struct Passing {
    person: u32,
    partners: Vec<Partner>,
}

/// Finds the ties between those whose score is at or above the cut.
///
/// # Errors
/// Scores that are not one for each person between 0 and 1; a request to stop.
pub fn pairs(
    links: &Links,
    weights: &Weights,
    scores: &[f64],
    cut: f64,
    threads: usize,
    control: &Control,
) -> Result<Pairs> {
    let fixed = fixed_scores(links, scores)?;
    let passed: Vec<u32> =
        (0..links.people() as u32).filter(|&person| scores[person as usize] >= cut).collect();
    let passes = |person: u32| scores[person as usize] >= cut;
    let types = links.settings().types.len();
    let start = || Surroundings::new(links, weights, View::Now);
    let found = blocks(passed.len(), threads, control, start, |surroundings, range| {
        let people = range.map(|at| passed[at as usize]);
        let of = |person| {
            surroundings.find(person);
            let partners = surroundings.partners.iter().filter(|partner| passes(partner.person));
            Passing { person, partners: partners.copied().collect() }
        };
        people.map(of).collect::<Vec<_>>()
    })?;
    let found: Vec<Passing> = found.into_iter().flatten().collect();
    let place = |person: u32| passed.binary_search(&person).expect("a partner who passed");
    let width = PAIR_FEATURES.len() + 2 * types;
    let rows = blocks(
        passed.len(),
        threads,
        control,
        || (),
        |(), range| {
            let (mut ends, mut rows) = (Vec::new(), Vec::new());
            for own in range.map(|at| &found[at as usize]) {
                for partner in own.partners.iter().filter(|partner| partner.person > own.person) {
                    ends.push((own.person, partner.person));
                    let days = days_apart(links, own.person, partner.person);
                    let common = common(own, &found[place(partner.person)], &fixed);
                    rows.extend([in_units(partner.faded), partner.shared as f32, days as f32]);
                    rows.extend([own.person, partner.person].map(|person| day(links, person)));
                    rows.extend([common.0 as f32, in_units(common.1), in_units(common.2)]);
                    let typed = typed(links, own.person, partner.person, types);
                    rows.extend(typed.iter().flat_map(|&(few, shared)| [in_units(few), shared as f32]));
                }
            }
            (ends, rows)
        },
    )?;
    let mut made = Pairs { columns: vec![Vec::new(); width], ..Pairs::default() };
    for (ends, rows) in &rows {
        made.one.extend(ends.iter().map(|&(one, _)| one));
        made.other.extend(ends.iter().map(|&(_, other)| other));
        for row in rows.chunks_exact(width) {
            made.columns.iter_mut().zip(row).for_each(|(column, &value)| column.push(value));
        }
    }
    Ok(made)
}

/// By type, of the identifiers that two people share: 1 / (people - 1) in units, summed, and how many.
fn typed(links: &Links, one: u32, other: u32, types: usize) -> Vec<(u64, u32)> {
    let mut sums = vec![(0, 0); types];
    let others = links.identifiers_of(other);
    for &identifier in links.identifiers_of(one).iter().filter(|own| others.binary_search(own).is_ok()) {
        let sum = &mut sums[links.type_of(identifier)];
        *sum = (sum.0 + UNIT / u64::from(links.degree(identifier).max(2) - 1), sum.1 + 1);
    }
    sums
}

/// Of those tied to both: how many, the sum of their scores, and of the geometric means of their faded ties.
fn common(one: &Passing, other: &Passing, scores: &[u64]) -> (u32, u64, u64) {
    let mut sums = (0, 0, 0);
    let mut rest = other.partners.as_slice();
    for partner in &one.partners {
        rest = &rest[rest.partition_point(|next| next.person < partner.person)..];
        if let Some(both) = rest.first().filter(|next| next.person == partner.person) {
            sums.0 += 1;
            sums.1 += scores[partner.person as usize];
            sums.2 += u64::try_from((u128::from(partner.faded) * u128::from(both.faded)).isqrt())
                .unwrap_or(u64::MAX);
        }
    }
    sums
}

/// The day of a person's time since 1970, NaN where none is known.
fn day(links: &Links, person: u32) -> f32 {
    match links.time(person) {
        NO_TIME => f32::NAN,
        time => (time / DAY) as f32,
    }
}
