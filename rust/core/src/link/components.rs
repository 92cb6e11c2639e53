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
//! Types meet nobody of another type, so they take turns: the links of some columns wait at a time, in pages that
//! the next turn writes again, because fresh memory costs more than joining. A type of many columns of integers
//! has rounds, each for a range of hashes: mixing an integer once more costs less than fresh memory too. Other
//! columns are read once.
//!
//! Memory beyond the source: 12 bytes for each link that waits, which are about a fifth of all (16 for a part that is
//! being sorted, with a cap), 8 a row (its key), 4 a row where a key has several or keys do not ascend, 16 a
//! node, and a table of one part for each thread.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow_array::ArrayRef;
use creditcore_kernels::components::{Dealer, Forest, Table};

use super::key::Keys;
use super::nodes::{Nodes, nodes};
use super::plan::{ColumnPlan, Plan, Settled};
use super::values::Met;
use crate::batch::{Batch, Role, Source, Wanted, find_column};
use crate::error::Result;
use crate::exec::{Control, parallel};
use crate::id::HashKey;

/// Pairs that a part should have: a table of them stays in the processor's second cache.
const PART_PAIRS: u64 = 1 << 14;
/// The most bits by which pairs are dealt.
const MOST_BITS: u32 = 12;
/// Links up to which all columns have one turn, of one round.
const ONE_TURN: usize = 1 << 22;
/// Turns of even length that the links of more should take.
const TURNS: usize = 5;
/// The most rounds of a turn.
const MOST_ROUNDS: usize = 4;

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
    let turns = turns(&settled, rows);
    let bits = bits(turns.iter().map(|turn| turn.columns.len() * rows).max().unwrap_or(0) as u64);
    let whole = (0..nodes.starts.len() * settled.columns.len()).map(|_| AtomicBool::new(false)).collect();
    let read = Reading { source, settled: &settled, key, nodes: &nodes, whole };
    let forest = Forest::new(nodes.keys.len() as u32);
    let cap = cap.into_iter().chain(plan.config.most_people).min();
    let mut met = Met::new();
    let (mut dealers, mut identifiers) = (Vec::new(), 0);
    let mut tables = Vec::new();
    for turn in &turns {
        for round in 0..turn.rounds {
            (dealers, met) = read.deal(turn, round, bits, (dealers, met), threads, control)?;
            let of_round = |round| (round << bits) / turn.rounds;
            let parts = of_round(round)..of_round(round + 1);
            identifiers += join(&dealers, parts.clone(), &forest, (&mut tables, cap), threads, control)?;
            dealers.iter_mut().for_each(|dealer| dealer.forget(parts.clone()));
        }
    }
    drop((dealers, tables));
    let roots = forest.roots();
    // Where keys ascend, the smallest number of a set has its smallest key.
    let least = if nodes.of_row.is_none() { roots } else { least_of_sets(&nodes.keys, &roots) };
    let components = nodes.keys.array_of(least.into_iter());
    Ok(Components { keys: nodes.keys.into_array(), components, identifiers, placeholders: met })
}

/// Columns whose links wait together: all columns of some types.
struct Turn {
    columns: Vec<usize>,
    /// How often they are read, each time for as many hashes; a power of two.
    rounds: usize,
}

/// The turns that the columns of so many rows take.
fn turns(settled: &Settled, rows: usize) -> Vec<Turn> {
    let links = rows * settled.columns.len();
    let most = if links <= ONE_TURN { links } else { (links / TURNS).max(ONE_TURN / TURNS) };
    let mut turns: Vec<Turn> = Vec::new();
    for kind in 0..settled.settings.types.len() {
        let of_kind = |&column: &usize| usize::from(settled.columns[column].kind) == kind;
        let columns: Vec<usize> = (0..settled.columns.len()).filter(of_kind).collect();
        match turns.last_mut() {
            Some(turn) if (turn.columns.len() + columns.len()) * rows <= most => turn.columns.extend(columns),
            _ => {
                let rounds = (columns.len() * rows).div_ceil(most.max(1)).next_power_of_two();
                turns.push(Turn { columns, rounds: rounds.clamp(1, MOST_ROUNDS) });
            }
        }
    }
    turns
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

/// Joins the people of some parts of dealt pairs, and gives the number of different identifiers. Tables are used
/// again by who joins next; with a cap there are none.
pub(super) fn join(
    dealers: &[Dealer],
    parts: Range<usize>,
    forest: &Forest,
    (tables, cap): (&mut Vec<Table>, Option<u32>),
    threads: usize,
    control: &Control,
) -> Result<u64> {
    let used = Mutex::new(std::mem::take(tables));
    let states = parallel(
        threads,
        parts.len(),
        || Ok((used.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default(), 0u64)),
        |(table, different), task| {
            control.check()?;
            let part = parts.start + task;
            *different += match cap {
                None => table.unite(dealers, part, forest) as u64,
                Some(cap) => unite_capped(dealers, part, forest, cap),
            };
            Ok(())
        },
    )?;
    let different = states.iter().map(|(_, different)| different).sum();
    tables.extend(states.into_iter().map(|(table, _)| table));
    Ok(different)
}

/// Joins the people of identifiers that link no more than `cap`.
fn unite_capped(dealers: &[Dealer], part: usize, forest: &Forest, cap: u32) -> u64 {
    let pages = dealers.iter().flat_map(|dealer| dealer.pages(part));
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
    settled: &'a Settled,
    key: &'a HashKey,
    nodes: &'a Nodes,
    /// For each part of the source and each column whether all of its links are dealt in the first round.
    whole: Vec<AtomicBool>,
}

impl Reading<'_> {
    /// Deals the links of one round of a turn to the dealers, and adds the placeholders met to those known.
    fn deal(
        &self,
        turn: &Turn,
        round: usize,
        bits: u32,
        (dealers, mut met): (Vec<Dealer>, Met),
        threads: usize,
        control: &Control,
    ) -> Result<(Vec<Dealer>, Met)> {
        let used = Mutex::new(dealers);
        let make = || {
            let dealer = used.lock().unwrap_or_else(PoisonError::into_inner).pop();
            Ok(Dealing { dealer: dealer.unwrap_or_else(|| Dealer::new(bits)), met: Met::new() })
        };
        let columns = turn.columns.len();
        let states = parallel(threads, self.nodes.starts.len() * columns, make, |state, task| {
            self.column(state, (turn.rounds, round), task / columns, turn.columns[task % columns], control)
        })?;
        let mut dealers = used.into_inner().unwrap_or_else(PoisonError::into_inner);
        for mut state in states {
            state.dealer.settle();
            dealers.push(state.dealer);
            add_met(&mut met, state.met);
        }
        Ok((dealers, met))
    }

    /// Reads one column of a part of the source.
    fn column(
        &self,
        state: &mut Dealing,
        (rounds, round): (usize, usize),
        part: usize,
        column: usize,
        control: &Control,
    ) -> Result<()> {
        let whole = &self.whole[part * self.settled.columns.len() + column];
        if round > 0 && whole.load(Ordering::Relaxed) {
            return Ok(());
        }
        let ColumnPlan { column, kind, .. } = &self.settled.columns[column];
        let mut reader = self.settled.reader(usize::from(*kind), self.key, false);
        let wanted = [Wanted { name: column.clone(), role: Role::Key }];
        let mut row = self.nodes.starts[part] as usize;
        let mut decided = None;
        self.source.read(part, &wanted, control, &mut |batch: &Batch| {
            // The first batch decides, so that all rounds are of one mind.
            let all = *decided.get_or_insert_with(|| {
                let all = rounds == 1
                    || whole.load(Ordering::Relaxed)
                    || !batch.columns[0].data_type().is_integer();
                whole.store(all, Ordering::Relaxed);
                all
            });
            let of_row = self.nodes.of_row.as_ref().map(|nodes| &nodes[row..row + batch.rows]);
            let dealer = &mut state.dealer;
            reader.values(column, &batch.columns[0], batch, &mut |at, linking| {
                let person = of_row.map_or(row as u32 + at, |nodes| nodes[at as usize]);
                let in_round = linking.hash >> 1 >> (63 - rounds.trailing_zeros()) == round as u64;
                dealer.push(linking.hash, person, all | in_round);
            })?;
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
