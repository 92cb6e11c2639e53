//! A change of a state, step by step: staged, written, applied.
//!
//! In: a delta, records that were renewed. Out: the files of what changes, on the disk before the catalog is told, and the
//! state in memory after it. `stage` and `write` change nothing of the state; `apply` cannot fail on data (law 8).

use std::sync::OnceLock;
use std::time::Instant;

use arrow_array::RecordBatch;
use creditcore::aggregate::Aggregate;
use creditcore::batch::Source;
use creditcore::error::Result;
use creditcore::exec::{Control, in_order};

use super::changes::{Changes, Counts, resolve};
use super::layout::{Delta, Layout};
use super::manifest::Named;
use super::merge;
use super::portfolio::State;
use super::renewed::joined;
use super::segment::Segment;
use super::sift;

/// Changes that wait for the catalog.
pub(super) struct Staged {
    pub(super) changes: Changes,
    /// The sums after them.
    pub(super) sums: Aggregate,
    /// What is made anew of many records.
    pub(super) apart: Vec<Changes>,
    /// The file of the changes, and that of what is made anew, once they are written.
    written: OnceLock<[Option<Written>; 2]>,
}

impl Staged {
    /// Changes after which the sums are these.
    pub(super) fn of(changes: Changes, sums: Aggregate) -> Self {
        Self { changes, sums, apart: Vec::new(), written: OnceLock::new() }
    }

    fn all(&self) -> impl Iterator<Item = &Changes> {
        std::iter::once(&self.changes).chain(&self.apart)
    }
}

/// A file that was written.
pub(super) struct Written {
    pub(super) named: Named,
    pub(super) segment: Segment,
    /// How many of the newest segments it takes in.
    pub(super) taken: usize,
}

/// What a stage took, in seconds, by name.
pub type Stages = Vec<(&'static str, f64)>;

impl State {
    /// Finds out what a delta changes, if there is one, and what was [renewed](Self::renew) beside it; the two have no
    /// key in common. Nothing of the state changes yet.
    ///
    /// # Errors
    /// Whatever reading gives; `Source`, `Schema`: rows that are refused.
    pub fn stage(&mut self, source: Option<&dyn Source>, control: &Control) -> Result<(Counts, Stages)> {
        self.staged = None;
        let renewed = std::mem::take(&mut *self.noted());
        let sifted = self.sifted.take();
        let start = Instant::now();
        let mut deltas: Vec<Delta> = Vec::new();
        let schema = self.rows.schema().cloned();
        let take = |delta, _: &Layout| {
            deltas.push(delta);
            Ok(())
        };
        if let Some(source) = source {
            self.layout.read(source, usize::MAX, control, take, || schema.clone())?;
        }
        let read = start.elapsed().as_secs_f64();
        let start = Instant::now();
        let own = deltas.pop().map(|delta| self.resolved(sifted, &delta)).transpose()?;
        let told = own.as_ref().map_or_else(Counts::default, |own| own.counts);
        let many = renewed.iter().map(|one| one.records).sum::<usize>() >= self.layout.apart_from;
        let (renewed, apart) = if many {
            (Vec::new(), renewed)
        } else {
            (renewed.into_iter().map(|one| self.whole(one)).collect::<Result<_>>()?, Vec::new())
        };
        let Some(changes) = joined(own, renewed, self.threads)?.or_else(|| many.then(Changes::none)) else {
            return Ok((told, Vec::new()));
        };
        self.refuse_kinds(std::iter::once(&changes).chain(&apart))?;
        let resolved = start.elapsed().as_secs_f64();
        control.check()?;
        let start = Instant::now();
        let sums = self.sums_after(std::iter::once(&changes).chain(&apart))?;
        let summed = start.elapsed().as_secs_f64();
        self.staged = Some(Staged { apart, ..Staged::of(changes, sums) });
        Ok((told, vec![("read", read), ("find", resolved), ("aggregate", summed)]))
    }

    /// What a delta changes; known already where its rows were sifted.
    fn resolved(&self, sifted: Option<Changes>, delta: &Delta) -> Result<Changes> {
        let again = sifted.map(|sifted| sift::resolved(sifted, delta, self.known())).transpose()?;
        again.flatten().map_or_else(|| resolve(delta, self.known()), Ok)
    }

    /// The sum of hashes, the sums and the number of records after what is staged.
    pub fn after(&self) -> (u128, &Aggregate, u64) {
        match &self.staged {
            None => (self.hash, &self.sums, self.records),
            Some(staged) => {
                let hash = staged.all().fold(self.hash, |hash, one| hash.wrapping_add(one.hash));
                let records = staged.all().fold(self.records, after);
                (hash, &staged.sums, records)
            }
        }
    }

    /// Writes what is staged to files, which are on the disk then; none where nothing changes. Small segments before it
    /// are written again into the first file, which names them; what is made anew of many records stands in the second.
    /// Both are written at the same time; others may read meanwhile.
    ///
    /// # Errors
    /// `State`: a file cannot be written; neither is there then.
    pub fn write(&self, file: &str, second: &str) -> Result<Vec<Named>> {
        let Some(staged) = &self.staged else { return Ok(Vec::new()) };
        let both = in_order(self.threads.min(2), 2, |which| match which {
            0 => self.write_own(staged, file),
            _ => self.write_apart(staged, second),
        });
        let mut both = both.inspect_err(|_| {
            // Nobody will name them; where they cannot be removed the next writer does it.
            [file, second].iter().for_each(|name| drop(std::fs::remove_file(self.folder.join(name))));
        })?;
        let (apart, own) = (both.pop().flatten(), both.pop().flatten());
        let written = staged.written.get_or_init(|| [own, apart]);
        Ok(written.iter().flatten().map(|written| written.named.clone()).collect())
    }

    fn write_own(&self, staged: &Staged, file: &str) -> Result<Option<Written>> {
        let rows = staged.changes.batch.num_rows();
        if rows == 0 {
            return Ok(None);
        }
        self.rows.room(rows)?;
        let path = self.folder.join(file);
        let taken = merge::taken_in(&self.rows, self.fixed, rows);
        let together = self.layout.together();
        let write = |batch: &RecordBatch| {
            let sum = Segment::write(&path, batch, &together, self.threads)?;
            Ok(Named::new(file, batch.num_rows() as u64, sum))
        };
        let named = if taken == 0 {
            write(&staged.changes.batch)?
        } else {
            let mut named = write(&merge::merged(&self.rows, taken, &staged.changes.batch)?)?;
            let mut older: Vec<&Segment> = self.rows.newest().take(taken).collect();
            older.reverse();
            named.parts = older.iter().flat_map(|segment| segment.parts.iter().copied()).collect();
            named.parts.push(rows as u64);
            named.replaces = older.into_iter().map(|segment| segment.file.clone()).collect();
            named
        };
        let segment = Segment::open(&self.folder, &named, false)?;
        Ok(Some(Written { named, segment, taken }))
    }

    /// Puts what was staged and written into memory.
    ///
    /// # Errors
    /// `State`: more rows than a state can have, which `write` has refused already.
    pub fn apply(&mut self) -> Result<()> {
        self.sifted = None;
        let Some(staged) = self.staged.take() else { return Ok(()) };
        let Staged { changes, sums, apart, written } = staged;
        let [own, second] = written.into_inner().unwrap_or_default();
        let written = own.is_some() || second.is_some();
        if let Some(Written { segment, taken, .. }) = own {
            let first = self.rows.len() as u32;
            self.rows.replace(taken, segment)?;
            self.put(&changes, first)?;
        }
        if let Some(Written { segment, .. }) = second {
            let mut first = self.rows.push(segment)?;
            for one in &apart {
                self.put(one, first)?;
                first += one.records as u32;
            }
        }
        if written {
            self.sums = sums;
        }
        Ok(())
    }

    /// Forgets what was staged, and what was renewed.
    pub fn discard(&mut self) {
        (self.staged, self.sifted) = (None, None);
        self.noted().clear();
    }
}

/// How many records there are after changes.
pub(super) fn after(records: u64, changes: &Changes) -> u64 {
    let gone: usize = changes.old.iter().map(RecordBatch::num_rows).sum();
    records + changes.records as u64 - gone as u64
}
