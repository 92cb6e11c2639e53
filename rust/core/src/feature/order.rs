//! What derived features need: an order in which each can be computed, and inputs without codes for missing.
//!
//! In: the features of a schema. Out: positions in that order, or why there is none.

use std::collections::{HashMap, HashSet};

use super::schema::Feature;
use crate::error::{Error, Place, Result};

/// A derived feature that names a column, not a feature, would take its codes for numbers.
pub(super) fn refuse_raw_codes(features: &[Feature], codes_for_all: bool, place: &str) -> Result<()> {
    let names: HashSet<&str> = features.iter().map(|feature| feature.name.as_str()).collect();
    for feature in features {
        let Some(derived) = &feature.derived else { continue };
        for column in derived.columns().into_iter().filter(|name| !names.contains(name)) {
            let coded = features.iter().find(|other| other.source == column && !other.missing.is_empty());
            if coded.is_none() && !codes_for_all {
                continue;
            }
            let named = coded.map_or_else(
                || "declare a feature for it (with `output: false`)".to_owned(),
                |other| format!("name the feature `{}`", other.name),
            );
            let text = format!(
                "feature {}: `derived` names the column `{column}` as it is, with its codes for missing; {named} instead",
                feature.name
            );
            return Err(Error::schema(Place::file(place), text));
        }
    }
    Ok(())
}

/// An order in which every feature comes after those that it is derived from.
pub(super) fn order(features: &[Feature], place: &str) -> Result<Vec<usize>> {
    let fault = |text: String| Error::schema(Place::file(place), text);
    let mut positions = HashMap::new();
    for (index, feature) in features.iter().enumerate() {
        if positions.insert(feature.name.as_str(), index).is_some() {
            return Err(fault(format!("feature `{}` is there more than once", feature.name)));
        }
    }
    let mut open: Vec<usize> = (0..features.len()).collect();
    let (mut order, mut done) = (Vec::with_capacity(open.len()), vec![false; open.len()]);
    let needs = |index: usize| -> Vec<usize> {
        let names = features[index].derived.iter().flat_map(|derived| derived.columns());
        names.filter_map(|name| positions.get(name).copied()).collect()
    };
    let needs: Vec<Vec<usize>> = (0..features.len()).map(needs).collect();
    while !open.is_empty() {
        let before = open.len();
        open.retain(|&index| {
            let ready = needs[index].iter().all(|&need| done[need]);
            if ready {
                order.push(index);
            }
            !ready
        });
        order[order.len() - (before - open.len())..].iter().for_each(|&index| done[index] = true);
        if open.len() == before {
            let cycle = cycle(open[0], &needs, &done);
            let names: Vec<String> =
                cycle.iter().map(|&index| format!("`{}`", features[index].name)).collect();
            return Err(fault(format!(
                "`derived` goes in a circle: {}; a feature of another name may be read from the source first",
                names.join(" from ")
            )));
        }
    }
    Ok(order)
}

/// Follows open needs from one feature until a feature comes again.
fn cycle(start: usize, needs: &[Vec<usize>], done: &[bool]) -> Vec<usize> {
    let mut path = vec![start];
    loop {
        let last = path[path.len() - 1];
        let Some(&next) = needs[last].iter().find(|&&need| !done[need]) else { return path };
        if let Some(first) = path.iter().position(|&index| index == next) {
            path.drain(..first);
            path.push(next);
            return path;
        }
        path.push(next);
    }
}
