//! A network in shards, for a cluster: what is shown, networks of some identifiers, keys that belong together.
//!
//! In: a [`Network`] of some people; columns of who shows what; pairs of keys. Out: columns; a [`Network`] of whole lists
//! of people; for each key the smallest of its set. Law 2: people are numbered by their keys and the identifiers of a
//! person keep their order, so what is computed from complete lists is what the whole network would give.

use creditcore_kernels::components::Forest;

use super::gathering::Gathering;
use super::key::Keys;
use super::links::NO_TIME;
use super::network::Network;
use super::plan::Plan;
use super::records::Entry;
use super::settings::band;
use super::values::Met;
use crate::error::{Error, Result};
use crate::exec::Control;

/// Who shows what, one row for each person and identifier.
#[derive(Clone, Debug)]
pub struct ShownRows {
    /// The key of the person.
    pub keys: Keys,
    /// The time of the person's latest row, in seconds since 1970 (UTC); `u32::MAX` where none is known.
    pub times: Vec<u32>,
    /// Where the identifier stands among those of its person.
    pub places: Vec<u32>,
    /// The number of its type.
    pub kinds: Vec<u8>,
    /// Its keyed hash.
    pub hashes: Vec<u64>,
}

impl Network {
    /// Who shows what, in the order of keys.
    pub fn shown(&self) -> ShownRows {
        let records = &self.records;
        let mut rows = ShownRows {
            keys: records.keys.take(std::iter::empty()),
            times: Vec::with_capacity(records.len()),
            places: Vec::with_capacity(records.len()),
            kinds: records.links.types.clone(),
            hashes: records.links.hashes.clone(),
        };
        for person in 0..records.people() {
            let shown = records.range(person).len();
            for _ in 0..shown {
                rows.keys.push_from(&records.keys, person);
            }
            rows.times.extend(std::iter::repeat_n(records.times[person], shown));
            rows.places.extend(0..shown as u32);
        }
        rows
    }

    /// The network of some rows. Times of links and roles are not told, and nothing that is found without them needs
    /// them: groups as of now.
    ///
    /// # Errors
    /// Columns of several lengths, a type that the plan does not have, more rows than a network holds.
    pub fn of_shown(plan: Plan, rows: &ShownRows, threads: usize, control: &Control) -> Result<Self> {
        let types = plan.settle()?.settings.types.len();
        let lengths = [rows.keys.len(), rows.times.len(), rows.places.len(), rows.kinds.len()];
        if lengths != [rows.hashes.len(); 4] {
            return Err(Error::argument("the columns of what is shown are of several lengths"));
        }
        if let Some(kind) = rows.kinds.iter().find(|&&kind| usize::from(kind) >= types) {
            return Err(Error::argument(format!("a row is of type {kind}; the plan has {types} types")));
        }
        let mut gathering = Gathering::new(rows.keys.clone());
        for at in 0..rows.hashes.len() {
            let order = u64::from(rows.places[at]);
            let entry = Entry { kind: rows.kinds[at], order, hash: rows.hashes[at], role: 0 };
            gathering.row(rows.times[at], std::iter::once(entry));
        }
        let mut records = gathering.finish(threads, control)?;
        records.links.times.fill(NO_TIME);
        Self::of_records(plan, 0, records, Met::new(), threads, control)
    }
}

/// The strength that a type learns: -log2 of the share of people who share an identifier of it.
pub fn learned_strength(people: u64, sharing: u64) -> f64 {
    libm::log2(people as f64 / sharing as f64)
}

/// The rarities that a type learns: for each [`band`] of numbers of people up to its cap -log2 of twice the share of
/// people who share an identifier of so many, nothing where half of all do, and that of a single person where
/// nobody does. Bands that `by_band` does not have are of nobody.
pub fn learned_rarities(people: u64, by_band: &[u64], cap: u32) -> Vec<f64> {
    let sharing = |at: usize| by_band.get(at).copied().unwrap_or(0).max(1);
    (0..=band(cap)).map(|at| learned_strength(people, 2 * sharing(at)).max(0.0)).collect()
}

/// Joins the keys of each pair. Gives each key once, ascending, and the place of the smallest of its set.
///
/// # Errors
/// Columns of two lengths or types, or more pairs than numbers of 32 bits can tell apart.
pub fn smallest_of_sets(one: &Keys, other: &Keys) -> Result<(Keys, Vec<u32>)> {
    if one.len() != other.len() || !one.same_type(other) {
        return Err(Error::argument("the two columns of pairs are of two lengths or types"));
    }
    if one.len() > (u32::MAX / 2) as usize {
        return Err(Error::argument(format!("{} pairs are more than {}", one.len(), u32::MAX / 2)));
    }
    let mut all = one.clone();
    all.append(other);
    let order = all.sorted();
    let mut ranks = vec![0_u32; all.len()];
    let mut firsts: Vec<usize> = Vec::new();
    for same in order.chunk_by(|&a, &b| all.compare(a as usize, b as usize).is_eq()) {
        same.iter().for_each(|&at| ranks[at as usize] = firsts.len() as u32);
        firsts.push(same[0] as usize);
    }
    let forest = Forest::new(firsts.len() as u32);
    let (left, right) = ranks.split_at(one.len());
    left.iter().zip(right).for_each(|(&a, &b)| forest.unite(a, b));
    Ok((all.take(firsts.into_iter()), forest.roots()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sets_of_pairs_are_those_of_a_slow_search(pairs in proptest::collection::vec((-9_i64..9, -9_i64..9), 0..30)) {
            let (one, other): (Vec<i64>, Vec<i64>) = pairs.iter().copied().unzip();
            let (keys, least) = smallest_of_sets(&Keys::Signed(one), &Keys::Signed(other)).expect("one length");
            let Keys::Signed(keys) = keys else { panic!("the type stays") };
            let mut smallest: std::collections::BTreeMap<i64, i64> =
                pairs.iter().flat_map(|&(a, b)| [(a, a), (b, b)]).collect();
            for _ in 0..pairs.len() {
                for (a, b) in &pairs {
                    let low = smallest[a].min(smallest[b]);
                    smallest.insert(*a, low);
                    smallest.insert(*b, low);
                }
            }
            let found = keys.iter().zip(&least).map(|(&key, &place)| (key, keys[place as usize]));
            prop_assert_eq!(found.collect::<Vec<_>>(), smallest.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn pairs_of_two_types_are_refused() {
        let told = smallest_of_sets(&Keys::Signed(vec![1]), &Keys::Unsigned(vec![1])).expect_err("two types");
        assert!(told.to_string().contains("two lengths or types"));
        assert!((learned_strength(8, 2) - 2.0).abs() < f64::EPSILON);
    }
}
