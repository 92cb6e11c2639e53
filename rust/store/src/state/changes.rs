//! What a delta changes.
//!
//! In: rows as they came, the index, all rows of the state. Out: the rows that take the place of others, those whose
//! place they take, and the difference of the sum of hashes. Nothing of the state is changed here (law 1: which rows
//! count does not depend on how they came).

use arrow_array::RecordBatch;
use creditcore::error::{Error, Place, Result};
use creditcore::refresh::{Claim, Keys, winners};
use creditcore_kernels::index::ABSENT;

use super::chosen::{Before, Chosen};
use super::hashes::Hashes;
use super::layout::{Delta, Layout, versions};
use super::lookup::{Asked, Known};
use super::said::Said;

/// The bit of a row's number that says that the row deletes.
pub(super) const DEAD: u32 = 1 << 31;

/// What became of the rows of a delta.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that were not there.
    pub inserted: u64,
    /// Records that say something else now.
    pub updated: u64,
    /// Records that are no longer there.
    pub deleted: u64,
    /// Rows that say what is known.
    pub unchanged: u64,
    /// Rows that came after, or with, one of a higher version.
    pub superseded: u64,
}

impl Counts {
    /// The counts of both.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            inserted: self.inserted + other.inserted,
            updated: self.updated + other.updated,
            deleted: self.deleted + other.deleted,
            unchanged: self.unchanged + other.unchanged,
            superseded: self.superseded + other.superseded,
        }
    }
}

/// The rows that come and go.
pub(super) struct Changes {
    /// Rows to append; those that delete last.
    pub(super) batch: RecordBatch,
    /// How many of them are records.
    pub(super) records: usize,
    /// Their spread keys, and the rows whose place they take.
    pub(super) moves: Vec<(u64, u32)>,
    /// The records that are no longer, or no longer so.
    pub(super) old: Vec<RecordBatch>,
    /// What is added to the sum of hashes.
    pub(super) hash: u128,
    pub(super) counts: Counts,
    /// The places of the appended rows in the delta, and what the hashes of what these say are made of.
    pub(super) places: Vec<u32>,
    pub(super) told: Vec<[u64; 2]>,
}

impl Changes {
    /// Nothing.
    pub(super) fn none() -> Self {
        let batch = RecordBatch::new_empty(std::sync::Arc::new(arrow_schema::Schema::empty()));
        Self {
            batch,
            records: 0,
            moves: Vec::new(),
            old: Vec::new(),
            hash: 0,
            counts: Counts::default(),
            places: Vec::new(),
            told: Vec::new(),
        }
    }
}

/// Finds what a delta changes. One without the columns that are made is held against what rows say alone.
pub(super) fn resolve(delta: &Delta, known: Known<'_>) -> Result<Changes> {
    let Known { layout, threads, .. } = known;
    let key = delta.batch.column(0);
    let asked = Asked::new(Keys::new(&layout.key, key.clone())?, threads)?;
    let Asked { keys, spread, order } = &asked;
    let hashed = Hashes::of(&delta.batch, &layout.made, threads)?;
    let told = versions(delta.batch.column_by_name(&layout.version), spread.len())?;
    let claim = |row: u32| {
        let row = row as usize;
        Claim { version: told[row], deletes: delta.deletes[row], hash: hashed.told[row] }
    };
    let same =
        |a: u32, b: u32| spread[a as usize] == spread[b as usize] && keys.same(a as usize, keys, b as usize);
    refuse_mixed(order, same, &told, delta, layout)?;
    let winners = winners(order, same, claim);
    let superseded = (spread.len() - winners.len()) as u64;
    let current = known.current_of(&winners, &asked)?;
    let met = winners.iter().zip(&current).filter(|&(_, &row)| row != ABSENT);
    let mut met: Vec<(u32, u32)> = met.map(|(&asking, &row)| (row & !DEAD, asking)).collect();
    let read = known.read_order(&mut met);
    let (numbers, asking): (Vec<u32>, Vec<u32>) = met.into_iter().unzip();
    let (stored, stored_hashes) = known.stored(&numbers, key, &asking)?;
    let stored_versions = versions(stored.column_by_name(&layout.version), numbers.len())?;

    let bare = !layout.made.iter().any(|name| delta.batch.column_by_name(name).is_some());
    let equal = |row: u32, at: usize| match bare {
        true => stored_hashes.told[at] == hashed.told[row as usize],
        false => stored_hashes.whole[at] == hashed.whole[row as usize],
    };
    let mut made = Chosen::default();
    made.counts.superseded = superseded;
    let mut at = 0;
    for (&row, &current) in winners.iter().zip(&current) {
        let mine = claim(row);
        let before = (current != ABSENT).then(|| {
            let place = read[at] as usize;
            at += 1;
            let (version, hash) = (stored_versions[place], stored_hashes.told[place]);
            let claim = Claim { version, deletes: current & DEAD != 0, hash };
            Before { at: read[at - 1], claim, equal: equal(row, place) }
        });
        if let Some(Before { claim: before, .. }) = &before
            && mine.version.is_none()
            && before.version.is_some()
        {
            let text = format!(
                "its key has version {} in the portfolio, and the row has none; give column `{}`",
                before.version.unwrap_or_default(),
                layout.version
            );
            return Err(Error::source(delta.place(row as usize), text));
        }
        made.choose(row, current, mine, before);
    }
    made.finish(delta, spread, &stored, &stored_hashes.whole, &hashed, layout)?.with_said(layout, threads)
}

/// Refuses a row without a version after one of its key that has one, as if they came in two deltas.
fn refuse_mixed(
    order: &[u32],
    same: impl Fn(u32, u32) -> bool,
    told: &[Option<i64>],
    delta: &Delta,
    layout: &Layout,
) -> Result<()> {
    for rows in order.chunk_by(|&a, &b| same(a, b)) {
        let versioned = rows.iter().position(|&row| told[row as usize].is_some()).unwrap_or(rows.len());
        if let Some(&row) = rows[versioned..].iter().find(|&&row| told[row as usize].is_none()) {
            let version = told[rows[versioned] as usize].unwrap_or_default();
            let text = format!(
                "its key has version {version} in a row before, and the row has none; give column `{}`",
                layout.version
            );
            return Err(Error::source(delta.place(row as usize), text));
        }
    }
    Ok(())
}

/// What a segment changed when it was written: its rows are those that counted.
pub(super) fn of_segment(batch: &RecordBatch, first_deleted: usize, known: Known<'_>) -> Result<Changes> {
    let Known { layout, threads, .. } = known;
    let key = batch.column_by_name(&layout.key).cloned().ok_or_else(|| {
        Error::state(
            Place::default(),
            format!("a segment has no column `{}`; restore it from a backup", layout.key),
        )
    })?;
    let asked = Asked::new(Keys::new(&layout.key, key.clone())?, threads)?;
    let current = known.current(&asked)?;
    let live = (0u32..).zip(&current).filter(|&(_, row)| row & DEAD == 0);
    let (asking, numbers): (Vec<u32>, Vec<u32>) = live.unzip();
    let (old, gone) = known.stored(&numbers, &key, &asking)?;
    let records = batch.slice(0, first_deleted);
    // As in a refresh what a row says is not hashed again where that is known.
    let come = match Said::of(&records) {
        Some(said) => Hashes::of_said(&records, &said.lanes(), &layout.made, threads)?,
        None => Hashes::of(&records, &layout.made, threads)?,
    };
    let added = come.whole.into_iter().fold(0u128, u128::wrapping_add);
    let hash = gone.whole.into_iter().fold(added, u128::wrapping_sub);
    let moves = asked.spread.into_iter().zip(current).collect();
    let batch = batch.clone();
    Ok(Changes { batch, records: first_deleted, moves, old: vec![old], hash, ..Changes::none() })
}

pub(super) fn broken(error: &arrow_schema::ArrowError) -> Error {
    Error::state(Place::default(), format!("rows cannot be chosen: {error}; open the portfolio again"))
}
