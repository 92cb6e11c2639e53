//! The state itself: opened, changed, written.
//!
//! In: a manifest (what the catalog names), deltas. Out: staged changes, files that are on the disk, and the state
//! after them. A change has two steps: `stage` finds out everything and writes the segment; `apply`, once the catalog
//! has the change, puts it into memory and cannot fail on data.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use arrow_schema::{DataType, Field, Schema};
use creditcore::aggregate::{Aggregate, Plan, aggregate};
use creditcore::batch::{Frame, Source};
use creditcore::error::{Error, Place, Result};
use creditcore::exec::{Control, in_order};
use creditcore::region::Regions;
use creditcore_kernels::index::Change;

use super::changes::{Changes, Counts, DEAD, of_segment, resolve};
use super::disk::{check, fault, unreadable};
use super::layout::{Delta, Layout};
use super::lookup::Known;
use super::manifest::{Checkpoint, Manifest, Named};
use super::merge;
use super::rows::Rows;
use super::segment::{FileSum, Segment};
use super::table::{self, Table};

/// Changes that wait for the catalog.
pub(super) struct Staged {
    pub(super) changes: Changes,
    /// The sums after them.
    pub(super) sums: Aggregate,
    /// Its file, and how many of the newest segments that takes in.
    pub(super) segment: Option<(Segment, usize)>,
}

/// A state in memory.
pub struct State {
    pub(super) folder: PathBuf,
    pub(super) layout: Layout,
    pub(super) plan: Plan,
    pub(super) regions: Option<Arc<Regions>>,
    pub(super) threads: usize,
    pub(super) table: Table,
    pub(super) rows: Rows,
    pub(super) records: u64,
    pub(super) hash: u128,
    pub(super) sums: Aggregate,
    pub(super) staged: Option<Staged>,
    /// Segments that a checkpoint stands for: they stay as they are.
    pub(super) fixed: usize,
}

/// What a stage took, in seconds, by name.
pub type Stages = Vec<(&'static str, f64)>;

impl State {
    /// Opens a state: its checkpoint, and what was written after it.
    ///
    /// # Errors
    /// `State`: a file that is not there, damaged, or does not fit the others.
    pub fn open(
        folder: &Path,
        manifest: Manifest,
        regions: Option<Arc<Regions>>,
        threads: usize,
        verify: bool,
        control: &Control,
    ) -> Result<Self> {
        let Manifest { layout, plan, segments, checkpoint } = manifest;
        let mut rows = Rows::default();
        let sums = aggregate_of(&layout, &[], &plan, regions.as_ref(), threads)?;
        let known = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.segments);
        let opened = in_order(threads, segments.len(), |at| {
            control.check()?;
            Segment::open(folder, &segments[at], verify)
        })?;
        let mut opened = opened.into_iter();
        for segment in opened.by_ref().take(known) {
            rows.push(segment)?;
        }
        let expected = segments.iter().map(|segment| segment.rows).sum();
        let mut state = match &checkpoint {
            None => Self {
                table: table::empty(expected),
                records: 0,
                hash: 0,
                sums,
                ..Self::bare(folder, layout, plan, regions, threads, rows)?
            },
            Some(Checkpoint { index, sums, records, hash, .. }) => Self {
                table: table::open(&folder.join(&index.file), index.sum, verify, threads)?,
                records: *records,
                hash: u128::from_str_radix(hash, 16).map_err(|_| {
                    fault(folder, "the catalog names a hash that is none; restore it from a backup")
                })?,
                sums: read_sums(&folder.join(&sums.file), sums.sum)?,
                fixed: known,
                ..Self::bare(folder, layout, plan, regions, threads, rows)?
            },
        };
        for segment in opened {
            control.check()?;
            state.replay(segment)?;
        }
        Ok(state)
    }

    pub(super) fn bare(
        folder: &Path,
        layout: Layout,
        plan: Plan,
        regions: Option<Arc<Regions>>,
        threads: usize,
        rows: Rows,
    ) -> Result<Self> {
        let sums = aggregate_of(&layout, &[], &plan, regions.as_ref(), threads)?;
        let folder = folder.to_owned();
        let table = table::empty(0);
        Ok(Self {
            folder,
            layout,
            plan,
            regions,
            threads,
            table,
            rows,
            records: 0,
            hash: 0,
            sums,
            staged: None,
            fixed: 0,
        })
    }

    /// Where records are looked up.
    pub(super) fn known(&self) -> Known<'_> {
        Known { layout: &self.layout, table: &self.table, rows: &self.rows, threads: self.threads }
    }

    /// Takes in a segment that was written after the checkpoint, delta by delta.
    fn replay(&mut self, segment: Segment) -> Result<()> {
        let deltas = segment.deltas()?;
        let mut first = self.rows.push(segment)?;
        for (batch, records) in deltas {
            let changes = of_segment(&batch, records, self.known())?;
            let sums = self.sums_after(&changes)?;
            self.put(&changes, sums, first)?;
            first += batch.num_rows() as u32;
        }
        Ok(())
    }

    /// Finds out what a delta changes. Nothing of the state changes yet.
    ///
    /// # Errors
    /// Whatever reading gives; `Source`, `Schema`: rows that are refused.
    pub fn stage(&mut self, source: &dyn Source, control: &Control) -> Result<(Counts, Stages)> {
        self.staged = None;
        let start = Instant::now();
        let mut deltas: Vec<Delta> = Vec::new();
        let schema = self.rows.schema().cloned();
        let take = |delta, _: &Layout| {
            deltas.push(delta);
            Ok(())
        };
        self.layout.read(source, usize::MAX, control, take, || schema.clone())?;
        let read = start.elapsed().as_secs_f64();
        let Some(delta) = deltas.pop() else { return Ok((Counts::default(), Vec::new())) };
        let start = Instant::now();
        let changes = resolve(&delta, self.known())?;
        self.refuse_kinds(&changes)?;
        let resolved = start.elapsed().as_secs_f64();
        control.check()?;
        let start = Instant::now();
        let sums = self.sums_after(&changes)?;
        let summed = start.elapsed().as_secs_f64();
        let counts = changes.counts;
        self.staged = Some(Staged { changes, sums, segment: None });
        Ok((counts, vec![("read", read), ("find", resolved), ("aggregate", summed)]))
    }

    /// The sums with what comes and without what goes.
    pub(super) fn sums_after(&self, changes: &Changes) -> Result<Aggregate> {
        let of = |batch: RecordBatch| {
            aggregate_of(&self.layout, &[batch], &self.plan, self.regions.as_ref(), self.threads)
        };
        let mut sums = self.sums.clone();
        sums.merge(&of(changes.batch.slice(0, changes.records))?)?;
        sums.retract(&of(changes.old.clone())?)?;
        Ok(sums)
    }

    /// The sum of hashes, the sums and the number of records after what is staged.
    pub fn after(&self) -> (u128, &Aggregate, u64) {
        match &self.staged {
            None => (self.hash, &self.sums, self.records),
            Some(Staged { changes, sums, .. }) => {
                (self.hash.wrapping_add(changes.hash), sums, self.records_after(changes))
            }
        }
    }

    fn records_after(&self, changes: &Changes) -> u64 {
        self.records + changes.records as u64 - changes.old.num_rows() as u64
    }

    /// Writes what is staged to a file, which is on the disk then; none where nothing changes. Small segments before it
    /// are written again into that file, which names them.
    ///
    /// # Errors
    /// `State`: the file cannot be written.
    pub fn write(&mut self, file: &str) -> Result<Option<Named>> {
        let Some(staged) = self.staged.as_mut().filter(|staged| staged.changes.batch.num_rows() > 0) else {
            return Ok(None);
        };
        let rows = staged.changes.batch.num_rows();
        self.rows.room(rows)?;
        let path = self.folder.join(file);
        let taken = merge::taken_in(&self.rows, self.fixed, rows);
        let named = if taken == 0 {
            Named::new(file, rows as u64, Segment::write(&path, &staged.changes.batch)?)
        } else {
            let batch = merge::merged(&self.rows, taken, &staged.changes.batch)?;
            let mut named = Named::new(file, batch.num_rows() as u64, Segment::write(&path, &batch)?);
            let mut older: Vec<&Segment> = self.rows.newest().take(taken).collect();
            older.reverse();
            named.parts = older.iter().flat_map(|segment| segment.parts.iter().copied()).collect();
            named.parts.push(rows as u64);
            named.replaces = older.into_iter().map(|segment| segment.file.clone()).collect();
            named
        };
        let opened = Segment::open(&self.folder, &named, false);
        if opened.is_err() {
            let _ = std::fs::remove_file(&path);
        }
        staged.segment = Some((opened?, taken));
        Ok(Some(named))
    }

    /// Puts what was staged and written into memory.
    ///
    /// # Errors
    /// `State`: more rows than a state can have, which `write` has refused already.
    pub fn apply(&mut self) -> Result<()> {
        let Some(Staged { changes, sums, segment }) = self.staged.take() else { return Ok(()) };
        let Some((segment, taken)) = segment else { return Ok(()) };
        let first = self.rows.len() as u32;
        self.rows.replace(taken, segment)?;
        self.put(&changes, sums, first)
    }

    /// Brings index, sums and hash to what changed; the rows are there, from number `first` on.
    fn put(&mut self, changes: &Changes, sums: Aggregate, first: u32) -> Result<()> {
        let records = changes.records;
        let new = |(at, &(key, old)): (usize, &(u64, u32))| {
            let row = first + at as u32;
            (key, old, if at < records { row } else { row | DEAD })
        };
        let moves: Vec<Change> = changes.moves.iter().enumerate().map(new).collect();
        table::put(&mut self.table, &moves, self.threads)?;
        self.records = self.records_after(changes);
        self.sums = sums;
        self.hash = self.hash.wrapping_add(changes.hash);
        Ok(())
    }

    /// Forgets what was staged.
    pub fn discard(&mut self) {
        self.staged = None;
    }

    /// The records of some keys, as far as there are such; keys in the type of a source.
    ///
    /// # Errors
    /// `Schema`: a column that cannot hold keys.
    pub fn find(&self, keys: &dyn Source, control: &Control) -> Result<RecordBatch> {
        let layout = Layout { columns: Vec::new(), ..self.layout.clone() };
        let mut found = None;
        let schema = self.rows.schema().cloned();
        let take = |delta: Delta, _: &Layout| {
            found = Some(self.known().live(&delta)?);
            Ok(())
        };
        layout.read(keys, usize::MAX, control, take, || schema.clone())?;
        match found {
            Some(found) => Ok(found),
            None => self.rows.gather(&[], None),
        }
    }

    /// The exact sums of all records.
    pub fn sums(&self) -> &Aggregate {
        &self.sums
    }

    /// How many records there are.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How many rows there are, with those that others took the place of, and rows that delete.
    pub fn rows(&self) -> u64 {
        self.rows.len()
    }

    /// The sum of the records' hashes.
    pub fn hash(&self) -> u128 {
        self.hash
    }

    /// Bytes of the index that are not those of its file.
    pub fn own_bytes(&self) -> usize {
        self.table.own_bytes()
    }

    /// All records, segment by segment, or some of their columns.
    ///
    /// # Errors
    /// `State`: rows that cannot be gathered.
    pub fn scan(
        &self,
        columns: Option<&[String]>,
        mut take: impl FnMut(RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let mut numbers: Vec<u32> = self.table.rows().filter(|row| row & DEAD == 0).collect();
        numbers.sort_unstable();
        numbers.chunks(1 << 16).try_for_each(|rows| take(self.rows.gather_some(rows, columns)?))
    }
}

fn aggregate_of(
    layout: &Layout,
    batches: &[RecordBatch],
    plan: &Plan,
    regions: Option<&Arc<Regions>>,
    threads: usize,
) -> Result<Aggregate> {
    let filled: Vec<&RecordBatch> = batches.iter().filter(|batch| batch.num_rows() > 0).collect();
    let names: Vec<String> = match filled.first() {
        Some(batch) => batch.schema().fields().iter().map(|field| field.name().clone()).collect(),
        None => {
            std::iter::once(&layout.key).chain(layout.columns.iter().map(|(name, _)| name)).cloned().collect()
        }
    };
    let frame = Frame::new(names, filled.into_iter().map(with_types).collect::<Result<_>>()?);
    aggregate(&frame, plan, regions, threads, &Control::default())
}

/// A batch whose columns of nulls alone are texts: what has no type cannot be grouped by.
fn with_types(batch: &RecordBatch) -> Result<RecordBatch> {
    let typed = |(field, column): (&Arc<Field>, &ArrayRef)| match field.data_type() {
        DataType::Null => (
            Arc::new(Field::new(field.name(), DataType::LargeUtf8, true)),
            new_null_array(&DataType::LargeUtf8, batch.num_rows()),
        ),
        _ => (field.clone(), column.clone()),
    };
    let (fields, columns): (Vec<Arc<Field>>, Vec<ArrayRef>) =
        batch.schema().fields().iter().zip(batch.columns()).map(typed).unzip();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
        .map_err(|error| Error::state(Place::default(), format!("rows cannot be summed: {error}")))
}

fn read_sums(path: &Path, sum: FileSum) -> Result<Aggregate> {
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    check(path, &file, sum, Some(1))?;
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    Aggregate::from_bytes(&bytes).map_err(|error| fault(path, error.to_string()))
}
