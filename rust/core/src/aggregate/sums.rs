//! The sums behind one group's figures: exact, mergeable, retractable, with one byte form.
//!
//! In: moments of blocks of rows, or other sums. Out: the same bytes whatever the order, the threads and
//! the partitions were, and as if what was retracted had never been there (law 2).

use creditcore_kernels::exact::Exact;
use creditcore_kernels::moments::Moments;
use creditcore_kernels::wide::SUMS;

/// Exact sums over the units of one group, of weight w and value x.
///
/// For a ratio of numerator a to denominator d the weight of a unit is w d and its value a / d, so `w`
/// holds the sum of w d and `wx` that of w a; the sums of squares follow, and `wxx` stays zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Units.
    pub n: u64,
    /// Sum of w.
    pub w: Exact,
    /// Sum of w x.
    pub wx: Exact,
    /// Sum of w x x.
    pub wxx: Exact,
    /// Sum of w w.
    pub ww: Exact,
    /// Sum of w w x.
    pub wwx: Exact,
    /// Sum of w w x x.
    pub wwxx: Exact,
    /// Sum of x without weights (of a ratio's numerator).
    pub x: Exact,
    /// Sum of what the plain mean divides by: 1 for each unit, or a ratio's denominator.
    pub d: Exact,
}

/// Exponents of the units in which some moments are counted: a value is `x * 2^-x_grid`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Grids {
    pub(super) x: i32,
    pub(super) w: i32,
}

impl Sums {
    /// Adds `n` rows' moments, counted in units of the grids.
    pub(super) fn add_moments(&mut self, n: u64, m: &Moments, grids: Grids) {
        let Grids { x, w } = grids;
        self.n += n;
        self.w.add_scaled(m.w, -w);
        self.x.add_scaled(m.x, -x);
        self.wx.add_scaled(m.wx, -(w + x));
        self.wxx.add_scaled(m.wxx, -(w + 2 * x));
        self.ww.add_scaled(m.ww, -2 * w);
        self.wwx.add_scaled(m.wwx, -(2 * w + x));
        self.wwxx.add_scaled(m.wwxx, -2 * (w + x));
        self.d.add_scaled(i128::from(n), 0);
    }

    /// Adds `n` rows' sums in the order of the wide kernel.
    pub(super) fn add_wide(&mut self, n: u64, sums: &[Exact; SUMS]) {
        self.n += n;
        self.d.add_scaled(n.into(), 0);
        for (field, sum) in self.wide_fields().into_iter().zip(sums) {
            field.add(sum);
        }
    }

    /// The sums in the order of the wide kernel: w, x, wx, wxx, ww, wwx, wwxx.
    pub(super) fn wide_fields(&mut self) -> [&mut Exact; SUMS] {
        let Self { w, x, wx, wxx, ww, wwx, wwxx, .. } = self;
        [w, x, wx, wxx, ww, wwx, wwxx]
    }

    /// Adds another group's sums.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        for (mine, theirs) in self.fields_mut().into_iter().zip(other.fields()) {
            mine.add(theirs);
        }
    }

    /// Takes another group's sums away. `None`, with nothing changed, where that leaves fewer than no units.
    pub fn retract(&mut self, other: &Self) -> Option<()> {
        self.n = self.n.checked_sub(other.n)?;
        for (mine, theirs) in self.fields_mut().into_iter().zip(other.fields()) {
            mine.subtract(theirs);
        }
        Some(())
    }

    /// Whether the sums are those of no unit at all.
    pub fn is_empty(&self) -> bool {
        self.n == 0 && self.fields().into_iter().all(Exact::is_zero)
    }

    fn fields(&self) -> [&Exact; 8] {
        [&self.w, &self.wx, &self.wxx, &self.ww, &self.wwx, &self.wwxx, &self.x, &self.d]
    }

    fn fields_mut(&mut self) -> [&mut Exact; 8] {
        [
            &mut self.w,
            &mut self.wx,
            &mut self.wxx,
            &mut self.ww,
            &mut self.wwx,
            &mut self.wwxx,
            &mut self.x,
            &mut self.d,
        ]
    }

    /// Appends n (u64, little-endian) and the eight sums in the order of the fields, each as
    /// [`Exact::write_to`] writes it.
    pub fn write_to(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.n.to_le_bytes());
        self.fields().into_iter().for_each(|field| field.write_to(bytes));
    }

    /// Reads what [`write_to`](Self::write_to) wrote, and moves `bytes` behind it; `None` for other bytes.
    pub fn read_from(bytes: &mut &[u8]) -> Option<Self> {
        let (n, rest) = bytes.split_first_chunk::<8>()?;
        let mut sums = Self { n: u64::from_le_bytes(*n), ..Self::default() };
        let mut rest = rest;
        for field in sums.fields_mut() {
            *field = Exact::read_from(&mut rest)?;
        }
        *bytes = rest;
        Some(sums)
    }
}
