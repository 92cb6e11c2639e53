//! Which rows differ, and between which places each of them lies.
//!
//! In: means with standard errors, independent of each other. Out: for each pair whether the one is surely above the
//! other, all such statements (or all about one row) holding together with the stated confidence, and from them an
//! interval of places for each row.
//!
//! Source: Mogstad, Romano, Shaikh, Wilhelm, *Inference for Ranks with Applications to Mobility across
//! Neighbourhoods and Academic Achievement across Countries*, Review of Economic Studies 91 (2024): the critical
//! value is a quantile of the largest studentised difference over all pairs, drawn from the normal limit; pairs
//! that were told apart are taken out and the value is drawn anew until no further one falls (step-down). A
//! row's best place is 1 + the rows surely above it, its worst the number of rows less those surely below.

use creditcore_kernels::isa::Isa;
use creditcore_kernels::pairs::largest_difference;

use super::normal;
use crate::error::{Error, Result};
use crate::exec::{Control, parallel};

/// How sure, and by how many draws.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Confidence {
    /// The probability that all statements hold, within (0, 1).
    pub level: f64,
    /// How many sets of normal values the critical value comes from.
    pub draws: usize,
    /// Which ones.
    pub seed: u64,
}

impl Default for Confidence {
    fn default() -> Self {
        Self { level: 0.95, draws: 1000, seed: 1 }
    }
}

/// Draws of one task: a matrix of pairs passes the cache once for all of them.
const DRAWS_PER_TASK: usize = 8;

/// For each ordered pair of rows whether the first is surely above the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Above {
    rows: usize,
    surely: Vec<bool>,
}

impl Above {
    /// Whether `row` is surely above `other`.
    pub fn surely(&self, row: usize, other: usize) -> bool {
        self.surely[row * self.rows + other]
    }

    /// The best and the worst place of a row.
    pub fn places(&self, row: usize) -> (u64, u64) {
        let others = 0..self.rows;
        let above = others.clone().filter(|&other| self.surely(other, row)).count();
        let below = others.filter(|&other| self.surely(row, other)).count();
        (1 + above as u64, (self.rows - below) as u64)
    }
}

/// Means to compare. A row without a standard error cannot be told from any other.
pub(super) struct Means<'a> {
    pub(super) means: &'a [f64],
    pub(super) errors: &'a [Option<f64>],
}

/// Pairs that all hold together.
///
/// # Errors
/// A request to stop.
pub(super) fn simultaneous(
    of: &Means<'_>,
    sure: Confidence,
    threads: usize,
    control: &Control,
) -> Result<Above> {
    let mut pairs = Pairs::new(of)?;
    loop {
        let largest = pairs.largest(
            of,
            sure,
            threads,
            control,
            &|pairs, values, out| {
                out[0] =
                    (0..pairs.rows).map(|row| pairs.largest_of(row, row + 1, values)).fold(0.0, f64::max);
            },
            1,
        )?;
        let critical = critical_value(largest, sure.level);
        if !pairs.tell_apart(of, |_, _| critical) {
            return Ok(pairs.above);
        }
    }
}

/// For each row pairs that hold together for it alone: narrower than what holds for all.
///
/// # Errors
/// A request to stop.
pub(super) fn marginal(
    of: &Means<'_>,
    sure: Confidence,
    threads: usize,
    control: &Control,
) -> Result<Vec<(u64, u64)>> {
    let mut pairs = Pairs::new(of)?;
    let rows = pairs.rows;
    loop {
        let largest = pairs.largest(
            of,
            sure,
            threads,
            control,
            &|pairs, values, out| {
                for (row, out) in out.iter_mut().enumerate() {
                    *out = pairs.largest_of(row, 0, values);
                }
            },
            rows,
        )?;
        let of_row = |row| largest.iter().skip(row).step_by(rows).copied().collect::<Vec<f64>>();
        let critical: Vec<f64> = (0..rows).map(|row| critical_value(of_row(row), sure.level)).collect();
        if !pairs.tell_apart(of, |row, _| critical[row]) {
            break;
        }
    }
    // Row by row: what is said of a row uses its own critical value in both directions.
    let place = |row: usize| {
        let others = (0..rows).filter(|&other| pairs.told(row, other));
        let above = others.clone().filter(|&other| of.means[other] > of.means[row]).count();
        (1 + above as u64, (rows - (others.count() - above)) as u64)
    };
    Ok((0..rows).map(place).collect())
}

/// The order statistic that a new draw exceeds with probability `1 - level` at most.
fn critical_value(mut largest: Vec<f64>, level: f64) -> f64 {
    let place = ((largest.len() + 1) as f64 * level).ceil() as usize;
    let place = place.clamp(1, largest.len()) - 1;
    *largest.select_nth_unstable_by(place, f64::total_cmp).1
}

/// Pairs of rows, those that were told apart among them.
struct Pairs {
    isa: Isa,
    rows: usize,
    /// For each ordered pair one over the standard error of the difference; zero once the pair was told
    /// apart, and where it never can be.
    scale: Vec<f64>,
    above: Above,
    decided: Vec<bool>,
}

impl Pairs {
    fn new(of: &Means<'_>) -> Result<Self> {
        let rows = of.means.len();
        let mut pairs = Self {
            isa: Isa::active().map_err(Error::argument)?,
            rows,
            scale: vec![0.0; rows * rows],
            above: Above { rows, surely: vec![false; rows * rows] },
            decided: vec![false; rows * rows],
        };
        for row in 0..rows {
            for other in 0..rows {
                let (Some(one), Some(two)) = (of.errors[row], of.errors[other]) else { continue };
                let variance = one * one + two * two;
                if variance > 0.0 {
                    pairs.scale[row * rows + other] = 1.0 / variance.sqrt();
                } else if of.means[row] != of.means[other] {
                    // Two rows without any error are told apart by their means.
                    pairs.decide(of, row, other);
                }
            }
        }
        Ok(pairs)
    }

    /// Notes that a pair was told apart.
    fn decide(&mut self, of: &Means<'_>, row: usize, other: usize) {
        let pair = row * self.rows + other;
        self.scale[pair] = 0.0;
        self.decided[pair] = true;
        self.above.surely[pair] = of.means[row] > of.means[other];
    }

    /// Whether a pair was told apart, by what is said of `row`.
    fn told(&self, row: usize, other: usize) -> bool {
        self.decided[row * self.rows + other]
    }

    /// Tells apart the pairs whose difference exceeds the critical value; whether there was any.
    fn tell_apart(&mut self, of: &Means<'_>, critical: impl Fn(usize, usize) -> f64) -> bool {
        let mut any = false;
        for row in 0..self.rows {
            for other in 0..self.rows {
                let difference = (of.means[row] - of.means[other]).abs();
                let scale = self.scale[row * self.rows + other];
                if scale > 0.0 && difference * scale > critical(row, other) {
                    self.decide(of, row, other);
                    any = true;
                }
            }
        }
        any
    }

    /// For each draw `width` largest differences, as `take` finds them in its values.
    fn largest(
        &self,
        of: &Means<'_>,
        sure: Confidence,
        threads: usize,
        control: &Control,
        take: &(impl Fn(&Self, &[f64], &mut [f64]) + Sync),
        width: usize,
    ) -> Result<Vec<f64>> {
        let tasks = sure.draws.div_ceil(DRAWS_PER_TASK);
        let work = |found: &mut Vec<(usize, Vec<f64>)>, task: usize| {
            control.check()?;
            let draws = (task * DRAWS_PER_TASK)..((task + 1) * DRAWS_PER_TASK).min(sure.draws);
            let (mut out, mut values) = (vec![0.0; draws.len() * width], vec![0.0; self.rows]);
            for (draw, out) in draws.zip(out.chunks_mut(width)) {
                normal::fill(sure.seed, draw as u64, &mut values);
                for (value, error) in values.iter_mut().zip(of.errors) {
                    *value *= error.unwrap_or(0.0);
                }
                take(self, &values, out);
            }
            found.push((task, out));
            Ok(())
        };
        let mut parts: Vec<(usize, Vec<f64>)> =
            parallel(threads, tasks, || Ok(Vec::new()), work)?.into_iter().flatten().collect();
        parts.sort_unstable_by_key(|(task, _)| *task);
        Ok(parts.into_iter().flat_map(|(_, part)| part).collect())
    }

    /// The largest studentised difference of a row to those from `first` on.
    fn largest_of(&self, row: usize, first: usize, values: &[f64]) -> f64 {
        let scales = &self.scale[row * self.rows..][first..self.rows];
        largest_difference(self.isa, values[row], &values[first..], scales)
    }
}
