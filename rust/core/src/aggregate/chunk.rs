//! One chunk of rows: the quickest way into the sums, where every way gives the same bits (law 2).
//!
//! In: the measured columns and the group codes of some rows. Out: nothing but the thread's sums and counts.
//! The ways: narrow columns as they are, integers on a grid, doubles, and one row after the other.

use arrow_array::UInt32Array;

use super::codes::Codes;
use super::pass::State;
use super::result::count;
use super::roles::Measured;
use super::table::{GroupTable, OnGrid};
use crate::batch::Batch;
use crate::error::Result;

impl State<'_> {
    /// Adds some rows: on their grids where all of them fit, else as doubles, or one by one what is neither.
    pub(super) fn chunk(
        &mut self,
        batch: &Batch,
        measured: &Measured,
        codes: &[Codes],
        start: usize,
        length: usize,
    ) -> Result<()> {
        if let Some((x, w)) = measured.narrow(&self.plan.measure, start, length) {
            let mut all = self.tables.iter().zip(codes);
            if all.all(|(table, codes)| table.takes_columns() && codes.groups_only(start, length)) {
                for (table, codes) in self.tables.iter_mut().zip(codes) {
                    table.add_columns(codes.short(start, length, &mut self.room.0), x, w);
                }
                return Ok(());
            }
        }
        if measured.has_nulls() {
            let (kept, left): (Vec<u32>, Vec<u32>) =
                (start as u32..(start + length) as u32).partition(|&row| measured.is_valid(row as usize));
            return self.without(&left, &kept, batch, measured, codes);
        }
        if self.gridder.fits(measured, &self.plan.measure, start, length) {
            for (by, codes) in codes.iter().enumerate() {
                self.add_grid(by, codes, start, length);
            }
            return Ok(());
        }
        let doubles = self.gridder.doubles(measured, &self.plan.measure, start, length);
        if doubles && !self.gridder.all_plain() {
            let (kept, left): (Vec<u32>, Vec<u32>) = (start as u32..(start + length) as u32)
                .partition(|&row| self.gridder.is_plain(row as usize - start));
            return self.without(&left, &kept, batch, measured, codes);
        }
        if doubles && self.tables.iter().all(GroupTable::takes_columns) {
            for (by, codes) in codes.iter().enumerate() {
                self.add_doubles(by, codes, start, length);
            }
            return Ok(());
        }
        (start..start + length).try_for_each(|row| self.row(batch, measured, codes, row))
    }

    /// Adds some rows one by one, or counts why they are left out; the others may then fit their grids.
    fn without(
        &mut self,
        left: &[u32],
        kept: &[u32],
        batch: &Batch,
        measured: &Measured,
        codes: &[Codes],
    ) -> Result<()> {
        left.iter().try_for_each(|&row| self.row(batch, measured, codes, row as usize))?;
        if kept.is_empty() {
            return Ok(());
        }
        let codes: Vec<Codes> = codes.iter().map(|codes| codes.take(kept)).collect();
        let some = measured.take(&UInt32Array::from(kept.to_vec()))?;
        self.chunk(&batch.only(kept, Vec::new()), &some, &codes, 0, kept.len())
    }

    /// Adds one row, or counts why it is left out.
    fn row(&mut self, batch: &Batch, measured: &Measured, codes: &[Codes], row: usize) -> Result<()> {
        match measured.row(row, &self.plan.measure, batch)? {
            Ok(values) => {
                for (by, codes) in codes.iter().enumerate() {
                    let code = codes.of(row);
                    if self.part.admit(by, code, self.groupers[by].as_mut()) {
                        self.tables[by].add_row(code, &values);
                    }
                }
            }
            Err(fault) => count(&mut self.part.excluded, fault, 1),
        }
        Ok(())
    }

    /// Which of some rows belong to a group, and their codes; counts why the others do not.
    fn admitted(&mut self, by: usize, codes: &Codes, start: usize, length: usize) -> (Vec<bool>, Codes) {
        let codes: Vec<u32> = (start..start + length).map(|row| codes.of(row)).collect();
        let admitted: Vec<bool> =
            codes.iter().map(|&code| self.part.admit(by, code, self.groupers[by].as_mut())).collect();
        let kept = codes.iter().zip(&admitted).filter(|(_, keep)| **keep).map(|(code, _)| *code).collect();
        (admitted, Codes::Wide(kept))
    }

    /// Adds the gridder's doubles to one grouping.
    fn add_doubles(&mut self, by: usize, codes: &Codes, start: usize, length: usize) {
        if codes.groups_only(start, length) {
            let (x, w) = self.gridder.plain();
            self.tables[by].add_doubles(codes.wide(start, length, &mut self.room.1), x, w);
            return;
        }
        let (admitted, codes) = self.admitted(by, codes, start, length);
        let (x, w) = keep(self.gridder.plain(), &admitted);
        self.tables[by].add_doubles(codes.wide(0, x.len(), &mut self.room.1), &x, &w);
    }

    /// Adds the gridder's rows to one grouping.
    fn add_grid(&mut self, by: usize, codes: &Codes, start: usize, length: usize) {
        if codes.groups_only(start, length) {
            add_chunk(&mut self.tables[by], codes, start, self.gridder.chunk(), &mut self.room);
            return;
        }
        let (admitted, codes) = self.admitted(by, codes, start, length);
        let chunk = self.gridder.chunk();
        let (x, w) = keep((chunk.x, chunk.w), &admitted);
        let chunk = OnGrid { x: &x, w: &w, ..chunk };
        add_chunk(&mut self.tables[by], &codes, 0, chunk, &mut self.room);
    }
}

/// Adds a chunk whose rows all belong to groups.
fn add_chunk(
    table: &mut GroupTable,
    codes: &Codes,
    start: usize,
    chunk: OnGrid<'_>,
    room: &mut (Vec<u16>, Vec<u32>),
) {
    if table.takes_columns() {
        table.add(codes.short(start, chunk.x.len(), &mut room.0), chunk);
    } else {
        table.add_widely(codes.wide(start, chunk.x.len(), &mut room.1), chunk);
    }
}

/// The values and weights where `keep` says so.
fn keep<T: Copy>((x, w): (&[T], &[T]), keep: &[bool]) -> (Vec<T>, Vec<T>) {
    let rows = x.iter().zip(w).zip(keep).filter(|(_, keep)| **keep);
    rows.map(|((&x, &w), _)| (x, w)).unzip()
}
