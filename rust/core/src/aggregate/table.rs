//! One thread's sums by group, from chunks of rows.
//!
//! In: group codes with values and weights, on grids of small integers or one by one. Out: [`Sums`] by
//! group. Three levels: a block table (kernels), 128-bit moments by group in units of the current grids,
//! and [`Sums`], which any value fits. Which way a row takes changes no bit (law 2).

use std::ops::Range;

use creditcore_kernels::exact::Exact;
use creditcore_kernels::grid::round_to_26;
use creditcore_kernels::isa::Isa;
use creditcore_kernels::moments::{self, MOST_ROWS, Moments};
use creditcore_kernels::table::{MOST_GROUPS, PairTable, ShortTable};
use creditcore_kernels::wide::WideTable;

use super::column::Value;
use super::largest::Magnitude;
use super::roles::Row;
use super::sums::{Grids, Sums};

/// Rows of a chunk: small enough that its temporary arrays stay in the first-level cache.
pub(super) const CHUNK: usize = 1024;
/// Rows whose groups are looked at together to find runs of one group.
const RUN: usize = 256;
/// Rows of a group after which its moments move to its sums: each is below 2^104, so 2^22 fit an i128.
const MOMENT_ROWS: u64 = 1 << 22;

/// A chunk's values and weights on their grids.
#[derive(Clone, Copy, Debug)]
pub(super) struct OnGrid<'a> {
    pub(super) x: &'a [i32],
    pub(super) w: &'a [i32],
    pub(super) grids: Grids,
    /// Whether values, weights and products are as small as a short table asks for.
    pub(super) short: bool,
    /// Whether no value is negative.
    pub(super) unsigned: bool,
    /// A bound on the products of values and weights.
    pub(super) most: u64,
}

#[derive(Clone, Debug, Default)]
struct Group {
    n: u64,
    moments: Moments,
    sums: Sums,
}

/// Sums by group.
pub(super) struct GroupTable {
    isa: Isa,
    groups: Vec<Group>,
    /// The largest weight of each group, where it is asked for.
    largest: Option<Vec<Magnitude>>,
    /// Sums of rows of doubles that fit no grid; without groups until there is such a row.
    wide: WideTable,
    grids: Grids,
    short: ShortTable,
    pairs: PairTable,
}

impl GroupTable {
    pub(super) fn new(isa: Isa, largest: bool) -> Self {
        Self {
            isa,
            groups: Vec::new(),
            largest: largest.then(Vec::new),
            wide: WideTable::default(),
            grids: Grids::default(),
            short: ShortTable::default(),
            pairs: PairTable::default(),
        }
    }

    /// Makes room for groups `0..groups`.
    pub(super) fn grow(&mut self, groups: usize) {
        if groups > self.groups.len() {
            self.groups.resize(groups, Group::default());
            if let Some(largest) = &mut self.largest {
                largest.resize(groups, Magnitude::default());
            }
            if groups <= MOST_GROUPS {
                self.short.grow(groups);
                self.pairs.grow(groups);
            }
        }
    }

    /// Whether chunks can be added by short codes: not with more groups than a table pays for.
    pub(super) fn takes_columns(&self) -> bool {
        self.groups.len() <= MOST_GROUPS
    }

    /// Adds a chunk on grids to more groups than a table pays for; every code is a group.
    pub(super) fn add_widely(&mut self, codes: &[u32], chunk: OnGrid<'_>) {
        self.note_weights(codes.iter().copied(), chunk);
        self.use_grids(chunk.grids);
        self.flush_tables();
        for ((&code, &x), &w) in codes.iter().zip(chunk.x).zip(chunk.w) {
            self.groups[code as usize].add(1, Moments::of(x.into(), w.into()), self.grids);
        }
    }

    /// Adds a chunk on grids; every code is a group.
    pub(super) fn add(&mut self, codes: &[u16], chunk: OnGrid<'_>) {
        self.note_weights(codes.iter().map(|&code| code.into()), chunk);
        self.use_grids(chunk.grids);
        let tabled = chunk.short || (chunk.unsigned && PairTable::available(self.isa));
        if !self.has_room(codes.len(), chunk.most) {
            self.flush_tables();
        }
        for (run, range) in stretches(self.isa, codes) {
            let (codes, x, w) = (&codes[range.clone()], &chunk.x[range.clone()], &chunk.w[range]);
            if run {
                let moments = moments::pairs(self.isa, x, w);
                self.groups[usize::from(codes[0])].add(codes.len() as u64, moments, self.grids);
            } else if chunk.short {
                self.short.add_grid(self.isa, codes, x, w);
            } else if tabled {
                self.pairs.add(self.isa, codes, x, w, chunk.most);
            } else {
                for ((&code, &x), &w) in codes.iter().zip(x).zip(w) {
                    let moments = Moments::of(x.into(), w.into());
                    self.groups[usize::from(code)].add(1, moments, self.grids);
                }
            }
        }
    }

    /// Adds a chunk of columns that are narrow already; every code is a group.
    pub(super) fn add_columns(&mut self, codes: &[u16], x: &[u16], w: &[u8]) {
        let weights = w.iter().map(|&w| Magnitude::new(w.into(), 0));
        self.note_largest(codes.iter().map(|&code| code.into()), weights);
        self.use_grids(Grids::default());
        if !self.has_room(codes.len(), 0) {
            self.flush_tables();
        }
        for (run, range) in stretches(self.isa, codes) {
            let (codes, x, w) = (&codes[range.clone()], &x[range.clone()], &w[range]);
            if run {
                let moments = moments::narrow(self.isa, x, w);
                self.groups[usize::from(codes[0])].add(codes.len() as u64, moments, self.grids);
            } else {
                self.short.add_narrow(self.isa, codes, x, w);
            }
        }
    }

    fn has_room(&self, rows: usize, most: u64) -> bool {
        self.short.has_room(rows) && self.pairs.has_room(rows, most)
    }

    /// Makes these the grids of what comes.
    fn use_grids(&mut self, grids: Grids) {
        if grids != self.grids {
            self.settle();
            self.grids = grids;
        }
    }

    fn note_weights(&mut self, codes: impl Iterator<Item = u32>, chunk: OnGrid<'_>) {
        let weights = chunk.w.iter().map(|&w| Magnitude::new(w.unsigned_abs().into(), -chunk.grids.w));
        self.note_largest(codes, weights);
    }

    /// Adds one row of any finite values.
    pub(super) fn add_row(&mut self, code: u32, row: &Row) {
        let weight = std::iter::once_with(|| Magnitude::of_product(row.weight, row.denominator));
        self.note_largest(std::iter::once(code), weight);
        match row.denominator {
            None => self.add_value(code, row.value, row.weight),
            Some(denominator) => self.add_ratio(code, row.value, denominator, row.weight),
        }
    }

    fn add_value(&mut self, code: u32, x: Value, w: Value) {
        let (Some(x), Some(w)) = (Factor::of(x), Factor::of(w)) else { return };
        let (rx, rw) = (x.rounded(), w.rounded());
        let (p, ww) = (rw.times(rx), rw.times(rw));
        let terms = [w, x, w.times(x), p.times(rx), ww, ww.times(rx), p.times(p)];
        let sums = &mut self.groups[code as usize].sums;
        sums.n += 1;
        sums.d.add_scaled(1, 0);
        for (field, term) in sums.wide_fields().into_iter().zip(terms) {
            term.add_to(field);
        }
    }

    fn add_ratio(&mut self, code: u32, numerator: Value, denominator: Value, w: Value) {
        let factors = (Factor::of(numerator), Factor::of(denominator), Factor::of(w));
        let (Some(a), Some(d), Some(w)) = factors else { return };
        let sums = &mut self.groups[code as usize].sums;
        sums.n += 1;
        a.add_to(&mut sums.x);
        d.add_to(&mut sums.d);
        w.times(a).add_to(&mut sums.wx);
        w.times(d).add_to(&mut sums.w);
        let (wa, wd) = (w.rounded().times(a.rounded()), w.rounded().times(d.rounded()));
        wa.times(wa).add_to(&mut sums.wwxx);
        wa.times(wd).add_to(&mut sums.wwx);
        wd.times(wd).add_to(&mut sums.ww);
    }

    fn flush_tables(&mut self) {
        let (groups, grids) = (&mut self.groups, self.grids);
        self.short.empty(|group, n, moments| groups[group].add(n, moments, grids));
        self.pairs.empty(|group, n, moments| groups[group].add(n, moments, grids));
    }

    /// Moves everything into the sums, so that the grids may change.
    fn settle(&mut self) {
        self.flush_tables();
        let grids = self.grids;
        self.groups.iter_mut().for_each(|group| group.settle(grids));
    }

    /// Adds a chunk of doubles; every code is a group, and every row is plain.
    pub(super) fn add_doubles(&mut self, codes: &[u32], x: &[f64], w: &[f64]) {
        self.note_largest(codes.iter().copied(), w.iter().map(|&w| Magnitude::of_double(w)));
        self.wide.grow(self.groups.len());
        if !self.wide.has_room(codes.len()) {
            self.flush_wide();
        }
        self.wide.add(self.isa, codes, x, w);
    }

    fn flush_wide(&mut self) {
        let groups = &mut self.groups;
        self.wide.empty(|group, n, sums| groups[group].sums.add_wide(n, &sums));
    }

    /// Looks at rows' weights, where the largest of each group is asked for.
    #[inline]
    fn note_largest(&mut self, codes: impl Iterator<Item = u32>, weights: impl Iterator<Item = Magnitude>) {
        let Some(largest) = &mut self.largest else { return };
        for (code, weight) in codes.zip(weights) {
            let mine = &mut largest[code as usize];
            *mine = weight.max(*mine);
        }
    }

    /// The sums of all groups, in the order of their codes, and their largest weights if they are asked for.
    pub(super) fn finish(mut self) -> (Vec<Sums>, Vec<Magnitude>) {
        self.settle();
        self.flush_wide();
        let sums = self.groups.into_iter().map(|group| group.sums).collect();
        (sums, self.largest.unwrap_or_default())
    }
}

/// Cuts rows into runs of one group, at most [`RUN`] rows long, and what lies between them.
fn stretches(isa: Isa, codes: &[u16]) -> impl Iterator<Item = (bool, Range<usize>)> {
    const { assert!(RUN <= MOST_ROWS) };
    let run_at = move |start: usize| {
        let codes = &codes[start..codes.len().min(start + RUN)];
        // The ends are compared first, which settles most cases.
        codes.first() == codes.last() && moments::is_run(isa, codes)
    };
    let mut start = 0;
    std::iter::from_fn(move || {
        let from = start;
        if from >= codes.len() {
            return None;
        }
        let run = run_at(from);
        start += RUN;
        while !run && start < codes.len() && !run_at(start) {
            start += RUN;
        }
        Some((run, from..start.min(codes.len())))
    })
}

impl Group {
    #[inline]
    fn add(&mut self, n: u64, moments: Moments, grids: Grids) {
        if self.n + n > MOMENT_ROWS {
            self.settle(grids);
        }
        self.n += n;
        self.moments += moments;
    }

    fn settle(&mut self, grids: Grids) {
        if self.n > 0 {
            self.sums.add_moments(self.n, &std::mem::take(&mut self.moments), grids);
            self.n = 0;
        }
    }
}

/// A factor or a product: its magnitude is `mantissa * 2^exponent`.
#[derive(Clone, Copy)]
struct Factor {
    negative: bool,
    mantissa: u128,
    exponent: i32,
}

impl Factor {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Finite { negative, mantissa, exponent } => {
                Some(Self { negative, mantissa: mantissa.into(), exponent })
            }
            _ => None,
        }
    }

    /// The product; the mantissas together may have 128 bits.
    fn times(self, other: Self) -> Self {
        Self {
            negative: self.negative != other.negative,
            mantissa: self.mantissa * other.mantissa,
            exponent: self.exponent + other.exponent,
        }
    }

    /// A single value rounded to 26 significant bits, as the sums behind a standard error may take it.
    fn rounded(self) -> Self {
        let (mantissa, exponent) = round_to_26(self.mantissa as u64, self.exponent);
        Self { mantissa: mantissa.into(), exponent, ..self }
    }

    fn add_to(self, sum: &mut Exact) {
        sum.add_product(self.negative, self.mantissa, self.exponent);
    }
}
