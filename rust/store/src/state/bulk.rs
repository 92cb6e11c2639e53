//! Work on all records at once: taking in, checkpoints, compaction.
//!
//! In: sources of any size. Out: files on the disk, a part of the records in memory at a time.

use arrow_array::RecordBatch;
use creditcore::batch::Source;
use creditcore::error::Result;
use creditcore::exec::Control;
use creditcore::refresh::Keys;
use creditcore_kernels::index::ABSENT;

use super::changes::{Counts, resolve};
use super::disk::write_file;
use super::layout::{Delta, Layout};
use super::lookup::Known;
use super::manifest::{Checkpoint, Named};
use super::portfolio::State;
use super::rows::Rows;
use super::said;
use super::segment::Segment;
use super::staging::Staged;
use super::table;

/// Rows of a segment that is written by `ingest` or `compact`.
const PART_ROWS: usize = 1 << 22;
/// Bytes in memory of a segment that `compact` writes, and rows of its first one, which tells how wide they are.
const PART_BYTES: usize = 1 << 28;
const FIRST_ROWS: usize = 1 << 16;

impl State {
    /// Takes in a source of any size, part by part, and gives the segments that were written. After an error the state
    /// in memory is of no use and must be opened again; the files are those of nobody.
    ///
    /// # Errors
    /// As [`stage`](Self::stage) and [`write`](Self::write).
    pub fn ingest(
        &mut self,
        source: &dyn Source,
        first_number: u64,
        control: &Control,
    ) -> Result<(Vec<Named>, Counts)> {
        if let (0, Some(rows)) = (self.rows.len(), source.rows()) {
            self.table = table::empty(rows);
        }
        let layout = self.layout.clone();
        let known = std::cell::RefCell::new(self.rows.schema().cloned());
        let (mut written, mut counts) = (Vec::new(), Counts::default());
        let take = |delta: Delta, layout: &Layout| {
            control.check()?;
            if delta.batch.num_rows() == 0 {
                return Ok(());
            }
            let changes = resolve(&delta, Known { layout, ..self.known() })?;
            self.refuse_kinds([&changes])?;
            let sums = self.sums_after([&changes])?;
            counts = counts.with(changes.counts);
            self.staged = Some(Staged::of(changes, sums));
            let name = segment_name(first_number + written.len() as u64);
            written.extend(self.write(&name, "")?);
            self.apply()?;
            *known.borrow_mut() = self.rows.schema().cloned();
            Ok(())
        };
        layout.read(source, PART_ROWS, control, take, || known.borrow().clone())?;
        Ok((written, counts))
    }

    /// Writes what is in memory, so that opening need not make it again.
    ///
    /// # Errors
    /// `State`: a file cannot be written.
    pub fn checkpoint(&mut self, number: u64) -> Result<Checkpoint> {
        let name = |what: &str| format!("{what}-{number:010}.bin");
        let (index, sums) = (name("index"), name("sums"));
        let index_sum = table::write(&self.folder.join(&index), &mut self.table)?;
        let bytes = self.sums.to_bytes();
        let sums_sum = write_file(&self.folder.join(&sums), |file| std::io::Write::write_all(file, &bytes))?;
        self.fixed = self.rows.segments();
        Ok(Checkpoint {
            index: Named::new(&index, self.table.keys(), index_sum),
            sums: Named::new(&sums, self.records, sums_sum),
            segments: self.rows.segments(),
            records: self.records,
            hash: format!("{:032x}", self.hash),
        })
    }

    /// Has the index ready to be written everywhere, and what records near a change are read for mapped: the first large
    /// change would wait for both.
    ///
    /// # Errors
    /// None but those of threads.
    pub fn make_ready(&mut self) -> Result<()> {
        self.table.prepare(usize::MAX);
        self.rows.make_ready(self.threads)
    }

    /// Writes the records alone, without what they took the place of and without the memory of deletions; gives the
    /// segments and their checkpoint, which the state is to be opened with.
    ///
    /// # Errors
    /// `State`: a file cannot be written.
    pub fn compact(&self, first_number: u64, control: &Control) -> Result<(Vec<Named>, Checkpoint)> {
        let live = self.led_to();
        let mut fresh = Self {
            table: table::empty(self.records),
            sums: self.sums.clone(),
            hash: self.hash,
            records: self.records,
            ..Self::bare(
                &self.folder,
                self.layout.clone(),
                self.plan.clone(),
                self.regions.clone(),
                self.threads,
                Rows::default(),
            )?
        };
        let mut written = Vec::new();
        let numbers =
            (0..self.rows.len() as u32).filter(|row| live[*row as usize / 64] >> (row % 64) & 1 == 1);
        let mut part: Vec<u32> = Vec::new();
        let mut numbers = numbers.peekable();
        let mut rows = FIRST_ROWS;
        while numbers.peek().is_some() {
            control.check()?;
            part.clear();
            part.extend(numbers.by_ref().take(rows));
            let batch = said::completed(self.rows.gather(&part, None)?, &self.layout, self.threads)?;
            let name = segment_name(first_number + written.len() as u64);
            written.push(fresh.append(&name, &batch)?);
            let width = batch.get_array_memory_size().div_ceil(part.len());
            rows = (PART_BYTES / width.max(1)).clamp(FIRST_ROWS, PART_ROWS);
        }
        let checkpoint = fresh.checkpoint(first_number)?;
        Ok((written, checkpoint))
    }

    /// Appends rows of keys that are not there yet.
    fn append(&mut self, name: &str, batch: &RecordBatch) -> Result<Named> {
        let path = self.folder.join(name);
        let sum = Segment::write(&path, batch, &self.layout.together(), self.threads)?;
        let named = Named::new(name, batch.num_rows() as u64, sum);
        let first = self.rows.push(Segment::open(&self.folder, &named, false)?)?;
        let column = batch.column_by_name(&self.layout.key).cloned();
        let keys = column.map(|column| Keys::new(&self.layout.key, column)).transpose()?;
        let spread = keys.map_or_else(Vec::new, |keys| keys.spread());
        let moves: Vec<(u64, u32, u32)> =
            spread.into_iter().zip(first..).map(|(key, row)| (key, ABSENT, row)).collect();
        table::put(&mut self.table, &moves, self.threads)?;
        Ok(named)
    }
}

fn segment_name(number: u64) -> String {
    format!("segment-{number:010}.arrow")
}
