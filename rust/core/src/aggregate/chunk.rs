//! One chunk of rows: the quickest way into the sums, where every way gives the same bits (law 2).
//!
//! In: the measured columns and the group codes of some rows. Out: nothing but the thread's sums and counts.
//! The ways: narrow columns as they are, integers on a grid, doubles, and one row after the other.

use arrow_array::UInt32Array;

use super::group::REFUSED;
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
        codes: &[Vec<u32>],
        start: usize,
        length: usize,
    ) -> Result<()> {
        if let Some((x, w)) = measured.narrow(&self.plan.measure, start, length) {
            let mut all = true;
            for (table, codes) in self.tables.iter_mut().zip(codes) {
                let codes = &codes[start..start + length];
                all &= groups_only(codes) && table.takes_columns();
            }
            if all {
                for (table, codes) in self.tables.iter_mut().zip(codes) {
                    table.add_columns(&codes[start..start + length], x, w);
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
                self.add_grid(by, &codes[start..start + length]);
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
                self.add_doubles(by, &codes[start..start + length]);
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
        codes: &[Vec<u32>],
    ) -> Result<()> {
        left.iter().try_for_each(|&row| self.row(batch, measured, codes, row as usize))?;
        if kept.is_empty() {
            return Ok(());
        }
        let codes: Vec<Vec<u32>> =
            codes.iter().map(|codes| kept.iter().map(|&row| codes[row as usize]).collect()).collect();
        let some = measured.take(&UInt32Array::from(kept.to_vec()))?;
        self.chunk(&batch.only(kept, Vec::new()), &some, &codes, 0, kept.len())
    }

    /// Adds one row, or counts why it is left out.
    fn row(&mut self, batch: &Batch, measured: &Measured, codes: &[Vec<u32>], row: usize) -> Result<()> {
        match measured.row(row, &self.plan.measure, batch)? {
            Ok(values) => {
                for (by, codes) in codes.iter().enumerate() {
                    if self.part.admit(by, codes[row], self.groupers[by].as_mut()) {
                        self.tables[by].add_row(codes[row], &values);
                    }
                }
            }
            Err(fault) => count(&mut self.part.excluded, fault, 1),
        }
        Ok(())
    }

    /// Which rows belong to a group; counts why the others do not.
    fn admitted(&mut self, by: usize, codes: &[u32]) -> (Vec<bool>, Vec<u32>) {
        let admitted: Vec<bool> =
            codes.iter().map(|&code| self.part.admit(by, code, self.groupers[by].as_mut())).collect();
        let kept = codes.iter().zip(&admitted).filter(|(_, keep)| **keep).map(|(code, _)| *code).collect();
        (admitted, kept)
    }

    /// Adds the gridder's doubles to one grouping.
    fn add_doubles(&mut self, by: usize, codes: &[u32]) {
        if groups_only(codes) {
            let (x, w) = self.gridder.plain();
            self.tables[by].add_doubles(codes, x, w);
            return;
        }
        let (admitted, codes) = self.admitted(by, codes);
        let (x, w) = keep(self.gridder.plain(), &admitted);
        self.tables[by].add_doubles(&codes, &x, &w);
    }

    /// Adds the gridder's rows to one grouping.
    fn add_grid(&mut self, by: usize, codes: &[u32]) {
        if groups_only(codes) {
            self.tables[by].add(codes, self.gridder.chunk());
            return;
        }
        let (admitted, codes) = self.admitted(by, codes);
        let chunk = self.gridder.chunk();
        let (x, w) = keep((chunk.x, chunk.w), &admitted);
        self.tables[by].add(&codes, OnGrid { x: &x, w: &w, ..chunk });
    }
}

/// Whether every code is a group.
fn groups_only(codes: &[u32]) -> bool {
    codes.iter().fold(0, |most, &code| most | code) < REFUSED
}

/// The values and weights where `keep` says so.
fn keep<T: Copy>((x, w): (&[T], &[T]), keep: &[bool]) -> (Vec<T>, Vec<T>) {
    let rows = x.iter().zip(w).zip(keep).filter(|(_, keep)| **keep);
    rows.map(|((&x, &w), _)| (x, w)).unzip()
}
