//! The rows that keys lead to.
//!
//! In: keys of a delta, the index, all rows. Out: for each key its row, and those rows. The work is cut into stretches of
//! rows that threads share; what comes out is put together in their order (law 2).

use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_select::concat::concat_batches;
use arrow_select::take::take;
use creditcore::error::{Error, Place, Result};
use creditcore::exec::in_order;
use creditcore::refresh::Keys;
use creditcore_kernels::index::ABSENT;

use super::changes::DEAD;
use super::layout::Layout;
use super::rows::Rows;
use super::table::Table;

/// Rows that a thread takes at a time.
pub(super) const STRETCH: usize = 1 << 14;

/// Columns from which on rows are read in the order in which they lie, column by column.
const MANY_COLUMNS: usize = 16;

/// Where records are looked up.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) layout: &'a Layout,
    pub(super) table: &'a Table,
    pub(super) rows: &'a Rows,
    pub(super) threads: usize,
}

/// Keys of a delta and where they are spread to.
pub(super) struct Asked {
    pub(super) keys: Keys,
    pub(super) spread: Vec<u64>,
    /// Rows in the order of their spread keys; those of one key beside each other and ascending.
    pub(super) order: Vec<u32>,
}

impl Asked {
    pub(super) fn new(keys: Keys, threads: usize) -> Result<Self> {
        let spread = keys.spread();
        let order = sorted(&keys, &spread, threads)?;
        Ok(Self { keys, spread, order })
    }

    /// Some of the rows, ascending.
    fn some(&self, rows: &[u32], threads: usize) -> Result<Self> {
        let keys = self.keys.take(rows)?;
        let spread: Vec<u64> = rows.iter().map(|&row| self.spread[row as usize]).collect();
        let order = sorted(&keys, &spread, threads)?;
        Ok(Self { keys, spread, order })
    }
}

/// The places of rows in the order of their spread keys.
fn sorted(keys: &Keys, spread: &[u64], threads: usize) -> Result<Vec<u32>> {
    // Keys are spread evenly, so their first bits deal them to parts of about the same size.
    let bits = spread.len().div_ceil(STRETCH).next_power_of_two().trailing_zeros();
    let part_of = |key: u64| if bits == 0 { 0 } else { (key >> (64 - bits)) as usize };
    let mut ends = vec![0usize; (1 << bits) + 1];
    for &key in spread {
        ends[part_of(key) + 1] += 1;
    }
    for part in 0..1 << bits {
        ends[part + 1] += ends[part];
    }
    let mut next = ends.clone();
    let mut dealt = vec![(0u64, 0u32); spread.len()];
    for (&key, row) in spread.iter().zip(0..) {
        let at = &mut next[part_of(key)];
        dealt[*at] = (key, row);
        *at += 1;
    }
    let parts = in_order(threads, 1 << bits, |part| {
        let mut pairs = dealt[ends[part]..ends[part + 1]].to_vec();
        pairs.sort_unstable();
        let mut order: Vec<u32> = pairs.into_iter().map(|(_, row)| row).collect();
        if keys.ambiguous() {
            for rows in order.chunk_by_mut(|&a, &b| spread[a as usize] == spread[b as usize]) {
                rows.sort_by(|&a, &b| keys.order(a as usize, b as usize).then(a.cmp(&b)));
            }
        }
        Ok(order)
    })?;
    Ok(parts.concat())
}

impl Known<'_> {
    /// The row that each key leads to now, its mark of deletion included.
    pub(super) fn current(&self, asked: &Asked) -> Result<Vec<u32>> {
        let found = in_order(self.threads, asked.order.len().div_ceil(STRETCH), |task| {
            let order = &asked.order[task * STRETCH..asked.order.len().min((task + 1) * STRETCH)];
            let keys: Vec<u64> = order.iter().map(|&row| asked.spread[row as usize]).collect();
            let mut found = vec![ABSENT; keys.len()];
            self.table.find(&keys, &mut found);
            Ok(found)
        })?;
        let mut current = vec![ABSENT; asked.spread.len()];
        let found = found.iter().flatten();
        asked.order.iter().zip(found).for_each(|(&row, &found)| current[row as usize] = found);
        if asked.keys.ambiguous() {
            self.compare_texts(asked, &mut current)?;
        }
        Ok(current)
    }

    /// The row that each of some rows leads to now; they are ascending.
    pub(super) fn current_of(&self, winners: &[u32], asked: &Asked) -> Result<Vec<u32>> {
        if winners.len() == asked.spread.len() {
            return self.current(asked);
        }
        self.current(&asked.some(winners, self.threads)?)
    }

    /// Of texts the index knows hashes only: compares them, and looks further where they differ.
    fn compare_texts(&self, asked: &Asked, current: &mut [u32]) -> Result<()> {
        let Asked { keys, spread, .. } = asked;
        let name = &self.layout.key;
        let hits: Vec<usize> = (0..current.len()).filter(|&row| current[row] != ABSENT).collect();
        let numbers: Vec<u32> = hits.iter().map(|&row| current[row] & !DEAD).collect();
        let Some(stored) = self.rows.column_of(name, &numbers)? else { return Ok(()) };
        let stored = Keys::new(name, stored)?;
        for (at, &row) in hits.iter().enumerate() {
            if keys.same(row, &stored, at) {
                continue;
            }
            let mut fault = None;
            let same = |number: u32| match self.rows.column_of(name, &[number & !DEAD]) {
                Ok(Some(column)) => Keys::new(name, column).is_ok_and(|other| keys.same(row, &other, 0)),
                Ok(None) => false,
                Err(error) => {
                    fault = Some(error);
                    false
                }
            };
            current[row] = self.table.find_where(spread[row], same).unwrap_or(ABSENT);
            if let Some(error) = fault {
                return Err(error);
            }
        }
        Ok(())
    }

    /// Whether there is so much of a row that it pays to read rows in the order in which they lie.
    fn wide(&self) -> bool {
        self.rows.schema().is_some_and(|schema| schema.fields().len() >= MANY_COLUMNS)
    }

    /// Puts rows, and what goes with each, into the order in which [`gather`](Self::gather) reads them; gives the place of each
    /// one there.
    pub(super) fn read_order(&self, rows: &mut [(u32, u32)]) -> Vec<u32> {
        if !self.wide() {
            return (0..rows.len() as u32).collect();
        }
        let mut order: Vec<(u32, u32)> = rows.iter().zip(0..).map(|(&(row, _), at)| (row, at)).collect();
        order.sort_unstable();
        let before = rows.to_vec();
        let mut places = vec![0; rows.len()];
        for ((row, (_, at)), place) in rows.iter_mut().zip(order).zip(0..) {
            *row = before[at as usize];
            places[at as usize] = place;
        }
        places
    }

    /// Rows by number; `asking` are the rows of `keys` that led to them, so their keys need not be read again.
    pub(super) fn gather(&self, numbers: &[u32], keys: &ArrayRef, asking: &[u32]) -> Result<RecordBatch> {
        let keys_of = |asking: &[u32]| {
            take(keys, &UInt32Array::from(asking.to_vec()), None).map_err(|error| {
                Error::state(
                    Place::default(),
                    format!("keys cannot be selected: {error}; open the portfolio again"),
                )
            })
        };
        if self.wide() {
            return self.rows.gather_known(numbers, (&self.layout.key, &keys_of(asking)?), self.threads);
        }
        let part = |task: usize| {
            let stretch = task * STRETCH..numbers.len().min((task + 1) * STRETCH);
            let keys = keys_of(&asking[stretch.clone()])?;
            self.rows.gather(&numbers[stretch], Some((&self.layout.key, &keys)))
        };
        let mut parts = in_order(self.threads, numbers.len().div_ceil(STRETCH), part)?;
        match (parts.pop(), parts.is_empty()) {
            (None, _) => self.rows.gather(&[], None),
            (Some(only), true) => Ok(only),
            (Some(last), false) => {
                parts.push(last);
                concat_batches(&parts[0].schema(), &parts).map_err(|error| {
                    Error::state(
                        Place::default(),
                        format!("rows cannot be joined: {error}; open the portfolio again"),
                    )
                })
            }
        }
    }
}
