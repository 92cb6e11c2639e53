//! Chunks of rows on grids of small integers, where every value fits one exactly.
//!
//! In: the measured columns of a chunk. Out: integers, or a word that some value does not fit, in which case
//! the rows are taken as doubles, or one by one. A grid found for one chunk is tried first on the next.

use creditcore_kernels::grid::{Fit, LIMIT, coarsest};
use creditcore_kernels::isa::Isa;
use creditcore_kernels::table::{SHORT_PRODUCT, SHORT_WEIGHT};
use creditcore_kernels::wide;

use super::column::{Column, Value};
use super::plan::Measure;
use super::roles::Measured;
use super::sums::Grids;
use super::table::OnGrid;

/// Puts chunks on grids.
pub(super) struct Gridder {
    isa: Isa,
    x: Vec<i32>,
    w: Vec<i32>,
    grids: Grids,
    x_fit: Fit,
    w_fit: Fit,
    wide_x: Vec<f64>,
    wide_w: Vec<f64>,
}

const NO_FIT: Fit = Fit { exact: false, low: 0, high: 0 };

impl Gridder {
    pub(super) fn new(isa: Isa) -> Self {
        Self {
            isa,
            x: Vec::new(),
            w: Vec::new(),
            grids: Grids::default(),
            x_fit: NO_FIT,
            w_fit: NO_FIT,
            wide_x: Vec::new(),
            wide_w: Vec::new(),
        }
    }

    /// Tries to put rows `start..start + length` on grids, and says whether all of them fit.
    pub(super) fn fits(
        &mut self,
        measured: &Measured,
        measure: &Measure,
        start: usize,
        length: usize,
    ) -> bool {
        if measure.is_ratio() || measured.has_nulls() || length == 0 {
            return false;
        }
        self.x.resize(length, 0);
        self.w.resize(length, 0);
        self.x_fit = match measure {
            Measure::ShareAbove { cut, .. } => {
                self.grids.x = 0;
                flags(&measured.value, *cut, start, &mut self.x)
            }
            _ => on_grid(self.isa, &measured.value, &mut self.grids.x, start, &mut self.x),
        };
        if !self.x_fit.exact {
            return false;
        }
        self.w_fit = match &measured.weight {
            Some(weight) => on_grid(self.isa, weight, &mut self.grids.w, start, &mut self.w),
            None => {
                self.grids.w = 0;
                self.w.fill(1);
                Fit { exact: true, low: 1, high: 1 }
            }
        };
        self.w_fit.within(LIMIT)
    }

    /// The chunk that was put on grids last.
    pub(super) fn chunk(&self) -> OnGrid<'_> {
        let magnitude = i64::from(self.x_fit.high).abs().max(i64::from(self.x_fit.low).abs());
        let most = magnitude.unsigned_abs() * u64::from(self.w_fit.high.unsigned_abs());
        let unsigned = self.x_fit.low >= 0;
        OnGrid {
            x: &self.x,
            w: &self.w,
            grids: self.grids,
            short: unsigned && self.w_fit.within(SHORT_WEIGHT) && most <= SHORT_PRODUCT,
            unsigned,
            most,
        }
    }

    /// Tries to take rows `start..start + length` as doubles, and says whether that changes no value.
    pub(super) fn doubles(
        &mut self,
        measured: &Measured,
        measure: &Measure,
        start: usize,
        length: usize,
    ) -> bool {
        let Measure::Mean { .. } = measure else { return false };
        self.wide_x.resize(length, 0.0);
        self.wide_w.resize(length, 1.0);
        let fits = measured.value.to_doubles(start, &mut self.wide_x);
        match &measured.weight {
            Some(weight) => fits && weight.to_doubles(start, &mut self.wide_w),
            None => {
                self.wide_w.fill(1.0);
                fits
            }
        }
    }

    /// Whether every row that was taken as doubles can be added as such.
    pub(super) fn all_plain(&self) -> bool {
        wide::all_plain(self.isa, &self.wide_x, &self.wide_w)
    }

    /// Whether one of those rows can be added as such.
    pub(super) fn is_plain(&self, row: usize) -> bool {
        wide::row_is_plain(self.wide_x[row], self.wide_w[row])
    }

    /// Values and weights of the rows that were taken as doubles last.
    pub(super) fn plain(&self) -> (&[f64], &[f64]) {
        (&self.wide_x, &self.wide_w)
    }
}

/// Puts a column's rows on the grid that fitted last, or on the coarsest that fits them.
fn on_grid(isa: Isa, column: &Column, exponent: &mut i32, start: usize, out: &mut [i32]) -> Fit {
    if !column.is_float() {
        *exponent = 0;
        return column.to_grid(isa, 0, start, out);
    }
    let fit = column.to_grid(isa, *exponent, start, out);
    if fit.exact {
        return fit;
    }
    match coarsest(column.doubles(start, out.len())) {
        Some(finer) => {
            *exponent = finer;
            column.to_grid(isa, finer, start, out)
        }
        None => fit,
    }
}

/// 1 where a value is above the cut-off, 0 where it is not.
fn flags(column: &Column, cut: f64, start: usize, out: &mut [i32]) -> Fit {
    for (row, flag) in out.iter_mut().enumerate() {
        match column.value(start + row) {
            Ok(value @ Value::Finite { .. }) => {
                *flag = i32::from(value.compare(cut, column.decimals).is_gt());
            }
            _ => return NO_FIT,
        }
    }
    Fit { exact: true, low: 0, high: 1 }
}
