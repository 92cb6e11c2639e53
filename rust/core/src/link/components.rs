//! Connected components of a source's people, without building lists.
//!
//! In: a source and a plan. Out: [`Components`]: each key once, in the order of its first row, with the smallest
//! key of its set. Laws 2 and 7: threads and the order of rows change no set, and neither do the names of
//! identifiers; a link that is added never splits a set.
//!
//! Rows of a key are one node; identifiers are dealt to parts by their hash and joined part by part
//! ([`creditcore_kernels::components`]). With a cap, the people of an identifier are counted first, so a part
//! is sorted instead.
//!
//! Columns of integers are read in two rounds, one for each half of the parts, so that half of their links wait at
//! a time: mixing an integer once more costs less than fresh memory. Other columns are read once.
//!
//! Memory beyond the source: 6 bytes a link of integers and 12 of text while links wait (16 for a part that is
//! being sorted, with a cap), 8 a row (its key), 4 a row where a key has several or keys do not ascend, 24 a
//! node, and a table of one part for each thread.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow_array::ArrayRef;
use creditcore_kernels::components::{Dealer, Forest, Part, Table};

use super::key::Keys;
use super::nodes::{Nodes, nodes};
use super::plan::{ColumnPlan, Plan, Settled};
use super::values::Met;
use crate::batch::{Batch, Role, Source, Wanted, find_column};
use crate::error::Result;
use crate::exec::{Control, parallel};
use crate::id::HashKey;

/// Pairs that a part should have: a table of them stays in the processor's second cache.
const PART_PAIRS: u64 = 1 << 15;
/// The most bits by which pairs are dealt.
const MOST_BITS: u32 = 12;
/// Values up to which all columns are read once.
const ONE_ROUND: usize = 1 << 22;

/// Keys and the smallest key of each one's set.
#[derive(Clone, Debug)]
pub struct Components {
    /// Each key once, in the order of its first row.
    pub keys: ArrayRef,
    /// The smallest key of its set.
    pub components: ArrayRef,
    /// How many different identifiers link.
    pub identifiers: u64,
    /// Placeholders met, by type.
    pub placeholders: Met,
}

/// The connected components of a source: every link counts that `cap` allows.
///
/// # Errors
/// A plan that does not fit the source, a null key, or a request to stop.
pub fn components(
    source: &dyn Source,
    plan: &Plan,
    key: &HashKey,
    cap: Option<u32>,
    threads: usize,
    control: &Control,
) -> Result<Components> {
    let settled = plan.settle()?;
    for wanted in plan.wanted() {
        find_column(source.column_names(), &wanted.name)?;
    }
    let nodes = nodes(source, &plan.key, key, threads, control)?;
    let rows = nodes.of_row.as_ref().map_or(nodes.keys.len(), Vec::len);
    let columns = settled.columns.len();
    let bits = bits(rows as u64 * columns as u64);
    let rounds = if rows * columns > ONE_ROUND { 2 } else { 1 };
    let tasks = nodes.starts.len() * columns;
    let whole = (0..tasks).map(|_| AtomicBool::new(rounds == 1)).collect();
    let read = Reading { source, plan, settled: &settled, key, nodes: &nodes, whole };
    let forest = Forest::new(nodes.keys.len() as u32);
    let cap = cap.into_iter().chain(plan.config.most_people).min();
    let mut placeholders = Met::new();
    let (mut parts, mut identifiers) = (no_parts(bits), 0);
    for round in 0..rounds {
        let make = || Ok(Dealing { dealer: Dealer::new(bits), met: Met::new() });
        let states = parallel(threads, tasks, make, |state, task| read.column(state, round, task, control))?;
        for state in states {
            add_met(&mut placeholders, state.met);
            state.dealer.finish().into_iter().zip(&mut parts).for_each(|(part, all)| all.push(part));
        }
        let half = parts.len() / rounds as usize;
        let ready = &mut parts[round as usize * half..(round as usize + 1) * half];
        identifiers += join(ready, bits, &forest, cap, threads, control)?;
    }
    drop(parts);
    let roots = forest.roots();
    // Where keys ascend, the smallest number of a set has its smallest key.
    let least = if nodes.of_row.is_none() { roots } else { least_of_sets(&nodes.keys, &roots) };
    let all = 0..nodes.keys.len() as u32;
    Ok(Components {
        keys: nodes.keys.array_of(all),
        components: nodes.keys.array_of(least.into_iter()),
        identifiers,
        placeholders,
    })
}

/// No pairs in any of the parts.
pub(super) fn no_parts(bits: u32) -> Vec<Vec<Part>> {
    (0..1 << bits).map(|_| Vec::new()).collect()
}

/// Adds counts of placeholders.
pub(super) fn add_met(all: &mut Met, more: Met) {
    for (kind, counts) in more {
        let known = all.entry(kind).or_default();
        counts.into_iter().for_each(|(value, count)| *known.entry(value).or_default() += count);
    }
}

/// Bits by which so many pairs are dealt.
pub(super) fn bits(pairs: u64) -> u32 {
    (pairs / PART_PAIRS).max(2).next_power_of_two().trailing_zeros().clamp(1, MOST_BITS)
}

/// For each node the one of its set with the smallest key.
fn least_of_sets(keys: &Keys, roots: &[u32]) -> Vec<u32> {
    let mut least: Vec<u32> = (0..roots.len() as u32).collect();
    for (node, &root) in roots.iter().enumerate() {
        let known = &mut least[root as usize];
        if keys.compare(node, *known as usize).is_lt() {
            *known = node as u32;
        }
    }
    roots.iter().map(|&root| least[root as usize]).collect()
}

/// Joins the people of dealt pairs, which are used up, and gives the number of different identifiers.
pub(super) fn join(
    parts: &mut [Vec<Part>],
    bits: u32,
    forest: &Forest,
    cap: Option<u32>,
    threads: usize,
    control: &Control,
) -> Result<u64> {
    let parts: Vec<Mutex<Vec<Part>>> =
        parts.iter_mut().map(|part| Mutex::new(std::mem::take(part))).collect();
    let states = parallel(
        threads,
        parts.len(),
        || Ok((Table::default(), 0u64)),
        |(table, different), task| {
            control.check()?;
            let part = std::mem::take(&mut *parts[task].lock().unwrap_or_else(PoisonError::into_inner));
            *different += match cap {
                None => table.unite(bits, &part, forest) as u64,
                Some(cap) => unite_capped(&part, forest, cap),
            };
            Ok(())
        },
    )?;
    Ok(states.into_iter().map(|(_, different)| different).sum())
}

/// Joins the people of identifiers that link no more than `cap`.
fn unite_capped(part: &[Part], forest: &Forest, cap: u32) -> u64 {
    let pages = part.iter().flat_map(Part::pages);
    let mut pairs: Vec<(u64, u32)> =
        pages.flat_map(|(hashes, people)| hashes.iter().copied().zip(people.iter().copied())).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut different = 0;
    for same in pairs.chunk_by(|a, b| a.0 == b.0) {
        different += 1;
        if same.len() <= cap as usize {
            same[1..].iter().for_each(|&(_, person)| forest.unite(same[0].1, person));
        }
    }
    different
}

/// What a thread has dealt.
struct Dealing {
    dealer: Dealer,
    met: Met,
}

/// What reading a column needs.
struct Reading<'a> {
    source: &'a dyn Source,
    plan: &'a Plan,
    settled: &'a Settled,
    key: &'a HashKey,
    nodes: &'a Nodes,
    /// For each task, a column of a part of the source, whether all of its links are dealt in the first round.
    whole: Vec<AtomicBool>,
}

impl Reading<'_> {
    /// Reads one column of one of the source's tasks.
    fn column(&self, state: &mut Dealing, round: u64, task: usize, control: &Control) -> Result<()> {
        if round > 0 && self.whole[task].load(Ordering::Relaxed) {
            return Ok(());
        }
        let (part, column) = (task / self.settled.columns.len(), task % self.settled.columns.len());
        let ColumnPlan { column, kind, .. } = &self.settled.columns[column];
        let mut reader = self.settled.reader(usize::from(*kind), self.plan, self.key, false);
        let wanted = [Wanted { name: column.clone(), role: Role::Key }];
        let mut row = self.nodes.starts[part] as usize;
        let (mut hashes, mut people): (Vec<u64>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut decided = None;
        self.source.read(part, &wanted, control, &mut |batch: &Batch| {
            let mut pairs = 0;
            // The first batch decides, so that both rounds are of one mind.
            let all = *decided.get_or_insert_with(|| {
                let all =
                    self.whole[task].load(Ordering::Relaxed) || !batch.columns[0].data_type().is_integer();
                self.whole[task].store(all, Ordering::Relaxed);
                all
            });
            let of_row = self.nodes.of_row.as_ref().map(|nodes| &nodes[row..row + batch.rows]);
            reader.values(column, &batch.columns[0], batch, &mut |at, linking| {
                if pairs == hashes.len() {
                    hashes.resize(2 * pairs + batch.rows, 0);
                    people.resize(hashes.len(), 0);
                }
                // Written in any case and kept or not: which half a hash is of cannot be foreseen.
                hashes[pairs] = linking.hash;
                people[pairs] = of_row.map_or(row as u32 + at, |nodes| nodes[at as usize]);
                pairs += usize::from(all | (linking.hash >> 63 == round));
            })?;
            state.dealer.deal(&hashes[..pairs], &people[..pairs]);
            row += batch.rows;
            Ok(())
        })?;
        if round == 0 {
            let (name, counts) = reader.finish();
            add_met(&mut state.met, BTreeMap::from([(name, counts)]));
        }
        Ok(())
    }
}
