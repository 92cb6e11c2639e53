//! What a delta changes.
//!
//! In: rows as they came, the index, all rows of the state. Out: the rows that take the place of others, those whose
//! place they take, and the difference of the sum of hashes. Nothing of the state is changed here (law 1: which rows
//! count does not depend on how they came).

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use arrow_select::take::{take, take_record_batch};
use creditcore::error::{Error, Place, Result};
use creditcore::refresh::{Claim, Keys, winners};
use creditcore_kernels::index::ABSENT;

use super::hashes::{Hashes, hashes};
use super::layout::{Delta, Layout, versions};
use super::rows::Rows;
use super::segment::DELETED;
use super::table::Table;

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
    pub(super) old: RecordBatch,
    /// What is added to the sum of hashes.
    pub(super) hash: u128,
    pub(super) counts: Counts,
    /// The places of the appended rows in the delta.
    pub(super) places: Vec<u32>,
}

/// The places of rows in the order of their spread keys; those of one key beside each other and ascending.
fn sorted(keys: &Keys, spread: &[u64]) -> Vec<u32> {
    let mut pairs: Vec<(u64, u32)> = spread.iter().copied().zip(0..).collect();
    pairs.sort_unstable();
    let mut order: Vec<u32> = pairs.into_iter().map(|(_, row)| row).collect();
    if keys.ambiguous() {
        for rows in order.chunk_by_mut(|&a, &b| spread[a as usize] == spread[b as usize]) {
            rows.sort_by(|&a, &b| keys.order(a as usize, b as usize).then(a.cmp(&b)));
        }
    }
    order
}

/// The row that each key leads to now, its mark of deletion included; `order` is that of the spread keys.
fn current(
    keys: &Keys,
    spread: &[u64],
    order: &[u32],
    table: &Table,
    rows: &Rows,
    layout: &Layout,
) -> Result<Vec<u32>> {
    let sorted: Vec<u64> = order.iter().map(|&row| spread[row as usize]).collect();
    let mut found = vec![ABSENT; sorted.len()];
    table.find(&sorted, &mut found);
    let mut current = vec![ABSENT; spread.len()];
    order.iter().zip(&found).for_each(|(&row, &found)| current[row as usize] = found);
    if keys.ambiguous() {
        compare_texts(keys, spread, table, rows, layout, &mut current)?;
    }
    Ok(current)
}

/// Of texts the index knows hashes only: compares them, and looks further where they differ.
fn compare_texts(
    keys: &Keys,
    spread: &[u64],
    table: &Table,
    rows: &Rows,
    layout: &Layout,
    current: &mut [u32],
) -> Result<()> {
    let hits: Vec<usize> = (0..current.len()).filter(|&row| current[row] != ABSENT).collect();
    let numbers: Vec<u32> = hits.iter().map(|&row| current[row] & !DEAD).collect();
    let Some(stored) = rows.column_of(&layout.key, &numbers)? else { return Ok(()) };
    let stored = Keys::new(&layout.key, stored)?;
    for (at, &row) in hits.iter().enumerate() {
        if keys.same(row, &stored, at) {
            continue;
        }
        let mut fault = None;
        let same = |number: u32| match rows.column_of(&layout.key, &[number & !DEAD]) {
            Ok(Some(column)) => Keys::new(&layout.key, column).is_ok_and(|other| keys.same(row, &other, 0)),
            Ok(None) => false,
            Err(error) => {
                fault = Some(error);
                false
            }
        };
        current[row] = table.find_where(spread[row], same).unwrap_or(ABSENT);
        if let Some(error) = fault {
            return Err(error);
        }
    }
    Ok(())
}

/// The records that the keys of a delta lead to.
pub(super) fn live(delta: &Delta, layout: &Layout, table: &Table, rows: &Rows) -> Result<RecordBatch> {
    let keys = Keys::new(&layout.key, delta.batch.column(0).clone())?;
    let spread = keys.spread();
    let found = current(&keys, &spread, &sorted(&keys, &spread), table, rows, layout)?;
    rows.gather(&found.into_iter().filter(|row| row & DEAD == 0).collect::<Vec<_>>())
}

/// Finds what a delta changes. One without the columns that are made is held against what rows say alone.
pub(super) fn resolve(delta: &Delta, layout: &Layout, table: &Table, rows: &Rows) -> Result<Changes> {
    let keys = Keys::new(&layout.key, delta.batch.column(0).clone())?;
    let spread = keys.spread();
    let hashed = Hashes::of(&delta.batch, &layout.made)?;
    let told = versions(delta.batch.column_by_name(&layout.version), spread.len())?;
    let claim = |row: u32| {
        let row = row as usize;
        Claim { version: told[row], deletes: delta.deletes[row], hash: hashed.told[row] }
    };
    let order = sorted(&keys, &spread);
    let same =
        |a: u32, b: u32| spread[a as usize] == spread[b as usize] && keys.same(a as usize, &keys, b as usize);
    refuse_mixed(&order, same, &told, delta, layout)?;
    let winners = winners(&order, same, claim);
    let superseded = (spread.len() - winners.len()) as u64;
    let current = current_of(&winners, &order, &keys, &spread, table, rows, layout)?;
    let known: Vec<u32> = current.iter().copied().filter(|&row| row != ABSENT).collect();
    let stored = rows.gather(&known.iter().map(|&row| row & !DEAD).collect::<Vec<_>>())?;
    let stored_hashes = Hashes::of(&stored, &layout.made)?;
    let stored_versions = versions(stored.column_by_name(&layout.version), known.len())?;

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
            at += 1;
            let (version, hash) = (stored_versions[at - 1], stored_hashes.told[at - 1]);
            let claim = Claim { version, deletes: current & DEAD != 0, hash };
            Before { at: at as u32 - 1, claim, equal: equal(row, at - 1) }
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
    made.finish(delta, &spread, &stored, &stored_hashes.whole, &hashed.whole, layout)
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

fn current_of(
    winners: &[u32],
    order: &[u32],
    keys: &Keys,
    spread: &[u64],
    table: &Table,
    rows: &Rows,
    layout: &Layout,
) -> Result<Vec<u32>> {
    if winners.len() == spread.len() {
        return current(keys, spread, order, table, rows, layout);
    }
    let some: Vec<u64> = winners.iter().map(|&row| spread[row as usize]).collect();
    let keys = keys.take(winners)?;
    let order = sorted(&keys, &some);
    current(&keys, &some, &order, table, rows, layout)
}

/// The row that a key led to before.
struct Before {
    /// Its place among the rows that were gathered.
    at: u32,
    claim: Claim,
    /// Whether the new row equals it, in what was made of it too.
    equal: bool,
}

/// Rows that were chosen: of the delta, and of those stored.
#[derive(Default)]
struct Chosen {
    records: Vec<(u32, u32)>,
    deletions: Vec<(u32, u32)>,
    gone: Vec<u32>,
    counts: Counts,
}

impl Chosen {
    fn choose(&mut self, row: u32, current: u32, mine: Claim, before: Option<Before>) {
        let live = before.as_ref().filter(|before| !before.claim.deletes).map(|before| before.at);
        if let Some(Before { claim: before, equal, .. }) = before {
            let alive = !mine.deletes && !before.deletes;
            let nothing = mine.deletes && before.deletes && mine.version == before.version;
            if (alive && equal) || nothing {
                self.counts.unchanged += 1;
                return;
            }
            let renewed = alive && mine.version == before.version && mine.hash == before.hash;
            if !renewed && !mine.replaces(&before) {
                self.counts.superseded += 1;
                return;
            }
        } else if mine.deletes && mine.version.is_none() {
            // Nothing to delete, and nothing that a later row would have to be told.
            self.counts.unchanged += 1;
            return;
        }
        let kept = if mine.deletes { &mut self.deletions } else { &mut self.records };
        kept.push((row, current));
        self.gone.extend(live);
        match (mine.deletes, live.is_some()) {
            (true, true) => self.counts.deleted += 1,
            (true, false) => self.counts.unchanged += 1,
            (false, true) => self.counts.updated += 1,
            (false, false) => self.counts.inserted += 1,
        }
    }

    fn finish(
        self,
        delta: &Delta,
        spread: &[u64],
        stored: &RecordBatch,
        stored_hashes: &[u128],
        hashed: &[u128],
        layout: &Layout,
    ) -> Result<Changes> {
        let mut hash = 0u128;
        for (row, _) in &self.records {
            hash = hash.wrapping_add(hashed[*row as usize]);
        }
        for &at in &self.gone {
            hash = hash.wrapping_sub(stored_hashes[at as usize]);
        }
        let chosen = self.records.iter().chain(&self.deletions);
        let moves = chosen.clone().map(|&(row, current)| (spread[row as usize], current)).collect();
        let places = chosen.map(|&(row, _)| row).collect();
        let rows = |chosen: &[(u32, u32)]| UInt32Array::from_iter_values(chosen.iter().map(|(row, _)| *row));
        let batch = if self.deletions.is_empty() && self.records.len() == delta.batch.num_rows() {
            delta.batch.clone()
        } else {
            let records =
                take_record_batch(&delta.batch, &rows(&self.records)).map_err(|error| broken(&error))?;
            with_deletions(records, &delta.batch, &rows(&self.deletions), layout)?
        };
        // Before the first segment there are no columns to take from.
        let old = if self.gone.is_empty() {
            stored.slice(0, 0)
        } else {
            take_record_batch(stored, &UInt32Array::from(self.gone)).map_err(|error| broken(&error))?
        };
        Ok(Changes { batch, records: self.records.len(), moves, old, hash, counts: self.counts, places })
    }
}

/// Records, and after them rows that delete: key and version, and nothing of what else they said.
fn with_deletions(
    records: RecordBatch,
    delta: &RecordBatch,
    rows: &UInt32Array,
    layout: &Layout,
) -> Result<RecordBatch> {
    if rows.is_empty() {
        return Ok(records);
    }
    let blank = |(field, column): (&Arc<Field>, &ArrayRef)| {
        if *field.name() == layout.key || *field.name() == layout.version {
            take(column, rows, None)
        } else {
            Ok(arrow_array::new_null_array(field.data_type(), rows.len()))
        }
    };
    let schema = delta.schema();
    let columns: std::result::Result<Vec<ArrayRef>, _> =
        schema.fields().iter().zip(delta.columns()).map(blank).collect();
    let deletions = RecordBatch::try_new(schema.clone(), columns.map_err(|error| broken(&error))?)
        .map_err(|error| broken(&error))?;
    let whole = concat_batches(&schema, [&records, &deletions]).map_err(|error| broken(&error))?;
    let marks = (0..whole.num_rows()).map(|row| Some(row >= records.num_rows()));
    let mut fields: Vec<Arc<Field>> = schema.fields().to_vec();
    fields.push(Arc::new(Field::new(DELETED, DataType::Boolean, false)));
    let mut columns = whole.columns().to_vec();
    columns.push(Arc::new(marks.collect::<BooleanArray>()));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|error| broken(&error))
}

/// What a segment changed when it was written: its rows are those that counted.
pub(super) fn of_segment(
    batch: &RecordBatch,
    first_deleted: usize,
    layout: &Layout,
    table: &Table,
    rows: &Rows,
) -> Result<Changes> {
    let key = batch.column_by_name(&layout.key).cloned().ok_or_else(|| {
        Error::state(
            Place::default(),
            format!("a segment has no column `{}`; restore it from a backup", layout.key),
        )
    })?;
    let keys = Keys::new(&layout.key, key)?;
    let spread = keys.spread();
    let current = current(&keys, &spread, &sorted(&keys, &spread), table, rows, layout)?;
    let live: Vec<u32> = current.iter().copied().filter(|&row| row != ABSENT && row & DEAD == 0).collect();
    let old = rows.gather(&live)?;
    let records = batch.slice(0, first_deleted);
    let added = hashes(&records)?.into_iter().fold(0u128, u128::wrapping_add);
    let hash = hashes(&old)?.into_iter().fold(added, u128::wrapping_sub);
    let moves = spread.into_iter().zip(current).collect();
    let (counts, places) = (Counts::default(), Vec::new());
    Ok(Changes { batch: batch.clone(), records: first_deleted, moves, old, hash, counts, places })
}

fn broken(error: &arrow_schema::ArrowError) -> Error {
    Error::state(Place::default(), format!("rows cannot be chosen: {error}; open the portfolio again"))
}
