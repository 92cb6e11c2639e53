//! The state itself: opened, changed, written.
//!
//! In: a manifest (what the catalog names), deltas. Out: staged changes, files that are on the disk, and the state
//! after them (staging.rs).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use arrow_schema::{DataType, Field, Schema};
use creditcore::aggregate::{Aggregate, Plan, aggregate};
use creditcore::batch::{Frame, Source};
use creditcore::error::{Error, Place, Result};
use creditcore::exec::{Control, in_order};
use creditcore::region::Regions;
use creditcore_kernels::index::Change;

use super::changes::{Changes, DEAD, of_segment};
use super::disk::{check, fault, unreadable};
use super::layout::Layout;
use super::lookup::Known;
use super::manifest::{Checkpoint, Manifest};
use super::rows::Rows;
use super::said::Said;
use super::segment::{FileSum, Segment};
use super::staging::{Staged, after};
use super::table::{self, Table};

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
    /// What the rows that were sifted last change, until they are staged.
    pub(super) sifted: Option<Changes>,
    /// What is made of other records, until it is staged.
    pub(super) renewed: Mutex<Vec<Changes>>,
    /// Segments that a checkpoint stands for: they stay as they are.
    pub(super) fixed: usize,
}

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
        let Manifest { mut layout, plan, segments, checkpoint } = manifest;
        layout.summed = plan.columns();
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
            sifted: None,
            renewed: Mutex::default(),
            fixed: 0,
        })
    }

    /// Where records are looked up.
    pub(super) fn known(&self) -> Known<'_> {
        Known { layout: &self.layout, table: &self.table, rows: &self.rows, threads: self.threads }
    }

    /// Takes in a segment that was written after the checkpoint, delta by delta.
    fn replay(&mut self, segment: Segment) -> Result<()> {
        if segment.told.is_some() {
            let rows = segment.rows();
            let first = self.rows.push(segment)?;
            let numbers: Vec<u32> = (first..first + rows as u32).collect();
            let batch = self.said_of(&numbers)?;
            let changes = of_segment(&batch, rows, self.known())?;
            self.sums = self.sums_after([&changes])?;
            return self.put(&changes, first);
        }
        let deltas = segment.deltas(&self.layout.lean())?;
        let mut first = self.rows.push(segment)?;
        for (batch, records) in deltas {
            let changes = of_segment(&batch, records, self.known())?;
            self.sums = self.sums_after([&changes])?;
            self.put(&changes, first)?;
            first += batch.num_rows() as u32;
        }
        Ok(())
    }

    /// Rows by number, in the columns that a change needs where it is known what each says, or in all.
    fn said_of(&self, numbers: &[u32]) -> Result<RecordBatch> {
        let lean = self.rows.gather_shared(numbers, Some(&self.layout.lean()), self.threads)?;
        if Said::of(&lean).is_some() {
            Ok(lean)
        } else {
            self.rows.gather_shared(numbers, None, self.threads)
        }
    }

    /// The sums with what comes and without what goes.
    pub(super) fn sums_after<'a>(&self, changes: impl IntoIterator<Item = &'a Changes>) -> Result<Aggregate> {
        let of = |batches: &[RecordBatch]| {
            aggregate_of(&self.layout, batches, &self.plan, self.regions.as_ref(), self.threads)
        };
        let (mut come, mut gone) = (Vec::new(), Vec::new());
        for one in changes {
            come.push(one.batch.slice(0, one.records));
            gone.extend(one.old.iter().cloned());
        }
        let mut sums = self.sums.clone();
        sums.merge(&of(&come)?)?;
        sums.retract(&of(&gone)?)?;
        Ok(sums)
    }

    /// Brings index and hash to what changed; the rows are there, from number `first` on.
    pub(super) fn put(&mut self, changes: &Changes, first: u32) -> Result<()> {
        let records = changes.records;
        let new = |(at, &(key, old)): (usize, &(u64, u32))| {
            let row = first + at as u32;
            (key, old, if at < records { row } else { row | DEAD })
        };
        let moves: Vec<Change> = changes.moves.iter().enumerate().map(new).collect();
        table::put(&mut self.table, &moves, self.threads)?;
        self.records = after(self.records, changes);
        self.hash = self.hash.wrapping_add(changes.hash);
        Ok(())
    }

    /// The records of some keys, or some of their columns, as far as there are such; keys in the type of a source.
    ///
    /// # Errors
    /// `Schema`: a column that cannot hold keys.
    pub fn find(
        &self,
        keys: &dyn Source,
        columns: Option<&[String]>,
        control: &Control,
    ) -> Result<RecordBatch> {
        let rows: Vec<u32> = self.live(keys, control)?.into_iter().map(|(row, ..)| row).collect();
        self.rows.gather_shared(&rows, columns, self.threads)
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
        numbers.chunks(1 << 16).try_for_each(|rows| take(self.rows.gather_shared(rows, columns, 1)?))
    }
}

fn aggregate_of(
    layout: &Layout,
    batches: &[RecordBatch],
    plan: &Plan,
    regions: Option<&Arc<Regions>>,
    threads: usize,
) -> Result<Aggregate> {
    // Batches of one change may have more columns than another's, and in another order.
    let kept = layout.columns.iter().map(|(name, _)| name).filter(|name| layout.summed.contains(name));
    let names: Vec<String> = std::iter::once(&layout.key).chain(kept).cloned().collect();
    let filled = batches.iter().filter(|batch| batch.num_rows() > 0);
    let filled = filled.map(|batch| summed(batch, &names)).collect::<Result<Vec<_>>>()?;
    let of = |alike: &[RecordBatch]| {
        aggregate(&Frame::new(names.clone(), alike.to_vec()), plan, regions, threads, &Control::default())
    };
    // Those of one change may have other types than another's.
    let mut alike = filled.chunk_by(|one, next| one.schema() == next.schema());
    let first = of(alike.next().unwrap_or_default())?;
    alike.try_fold(first, |mut sums, alike| {
        sums.merge(&of(alike)?)?;
        Ok(sums)
    })
}

/// Some columns of a batch; those of nulls alone are texts: what has no type cannot be grouped by.
fn summed(batch: &RecordBatch, names: &[String]) -> Result<RecordBatch> {
    let column = |name: &String| match batch.column_by_name(name) {
        Some(column) if *column.data_type() != DataType::Null => column.clone(),
        _ => new_null_array(&DataType::LargeUtf8, batch.num_rows()),
    };
    let columns: Vec<ArrayRef> = names.iter().map(column).collect();
    let fields =
        names.iter().zip(&columns).map(|(name, one)| Field::new(name, one.data_type().clone(), true));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)
        .map_err(|error| Error::state(Place::default(), format!("rows cannot be summed: {error}")))
}

fn read_sums(path: &Path, sum: FileSum) -> Result<Aggregate> {
    let file = std::fs::File::open(path).map_err(|error| unreadable(path, &error))?;
    check(path, &file, sum, Some(1))?;
    let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    Aggregate::from_bytes(&bytes).map_err(|error| fault(path, error.to_string()))
}
