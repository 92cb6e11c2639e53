//! What known fraud says of the people around it.
//!
//! In: [`Links`], [`Weights`], the people known as fraud. Out: a figure for each person, 1 for the known, at most
//! 1/2 for their partners, 1/4 for the partners of these, 0 beyond: the influence halves with each hop and fades
//! with the tie, so it is bounded however many frauds are known.

use std::collections::BTreeMap;

use super::surroundings::{Surroundings, View};
use super::weights::{UNIT, Weights};
use crate::Result;
use crate::exec::Control;
use crate::link::Links;

/// How many hops the influence goes.
const HOPS: u32 = 2;

/// Spreads the influence of `seeds`.
///
/// # Errors
/// Only a request to stop.
pub fn spread(links: &Links, weights: &Weights, seeds: &[u32], control: &Control) -> Result<Vec<f64>> {
    let mut influence: BTreeMap<u32, u64> = seeds.iter().map(|&seed| (seed, UNIT)).collect();
    let mut front = influence.clone();
    let mut surroundings = Surroundings::new(links, weights, View::Now);
    for _ in 0..HOPS {
        let mut next: BTreeMap<u32, u64> = BTreeMap::new();
        for (&person, &strength) in &front {
            control.check()?;
            surroundings.find(person);
            for partner in &surroundings.partners {
                // A tie of weight one hands on a quarter, a strong one up to a half.
                let part = UNIT * partner.faded / (partner.faded + UNIT);
                let handed = (strength * part) >> 21;
                let known = influence.get(&partner.person).copied().unwrap_or(0);
                if handed > known {
                    let best = next.entry(partner.person).or_insert(0);
                    *best = handed.max(*best);
                }
            }
        }
        for (&person, &strength) in &next {
            influence.insert(person, strength);
        }
        front = next;
    }
    let mut spread = vec![0.0; links.people()];
    for (person, strength) in influence {
        spread[person as usize] = strength as f64 / UNIT as f64;
    }
    Ok(spread)
}
