//! AUC, Gini, KS and PSI from counts by score.
//!
//! In: [`ScoreCounts`]. Out: figures, each the nearest doubles' quotient of two exact integers; only the
//! logarithms of PSI are rounded on the way.
//!
//! AUC is the share of pairs of a bad and a good in which the bad has the greater score, ties counted half
//! (Mann and Whitney); Gini is 2 AUC - 1; KS the greatest distance of the two distribution functions, taken
//! after all records of a score; PSI is the sum over bins of (a - e) ln (a / e).

use super::counts::{Entry, ScoreCounts};
use crate::error::{Error, Result};

/// The share of an empty bin of PSI.
pub const EMPTY_SHARE: f64 = 1e-4;
/// The most bins.
const MOST_BINS: usize = 10_000;

impl ScoreCounts {
    fn both(&self) -> Result<(u128, u128)> {
        match self.totals() {
            (0, _) | (_, 0) => {
                let text = format!(
                    "good and bad outcomes are needed, here are {} records of one kind or of no weight",
                    self.used
                );
                Err(Error::argument(text))
            }
            totals => Ok(totals),
        }
    }

    /// Twice the pairs that are in order, ties counted half.
    fn pairs(&self) -> u128 {
        let mut below = 0u128;
        let mut pairs = 0u128;
        for entry in &self.entries {
            pairs += u128::from(entry.bad) * (2 * below + u128::from(entry.good));
            below += u128::from(entry.good);
        }
        pairs
    }

    /// The area under the ROC curve, bad being what the score is to find.
    ///
    /// # Errors
    /// `Argument`: only one kind of outcome.
    pub fn auc(&self) -> Result<f64> {
        let (good, bad) = self.both()?;
        Ok(self.pairs() as f64 / (2 * good * bad) as f64)
    }

    /// 2 AUC - 1.
    ///
    /// # Errors
    /// As [`Self::auc`].
    pub fn gini(&self) -> Result<f64> {
        let (good, bad) = self.both()?;
        let all = good * bad;
        // 2 AUC - 1 as one exact fraction.
        Ok((self.pairs() as i128 - all as i128) as f64 / all as f64)
    }

    /// The greatest distance of the distribution functions of goods and bads.
    ///
    /// # Errors
    /// As [`Self::auc`].
    pub fn ks(&self) -> Result<f64> {
        let (good, bad) = self.both()?;
        let (mut goods, mut bads, mut greatest) = (0u128, 0u128, 0u128);
        for entry in &self.entries {
            goods += u128::from(entry.good);
            bads += u128::from(entry.bad);
            greatest = greatest.max((goods * bad).abs_diff(bads * good));
        }
        Ok(greatest as f64 / (good * bad) as f64)
    }

    /// Upper edges of bins that hold equal shares of these records, as far as ties allow.
    ///
    /// # Errors
    /// `Argument`: no bins, too many, or no records.
    pub fn quantiles(&self, bins: usize) -> Result<Vec<f64>> {
        if !(1..=MOST_BINS).contains(&bins) {
            return Err(Error::argument(format!("`bins` is `{bins}`; it is from 1 to {MOST_BINS}")));
        }
        let (good, bad) = self.totals();
        let all = good + bad;
        if all == 0 {
            return Err(Error::argument("there are no scores to compare with; all are null or of no weight"));
        }
        let (mut edges, mut sum) = (Vec::new(), 0u128);
        for entry in &self.entries {
            let before = sum * bins as u128 / all;
            sum += weight(entry);
            if sum * bins as u128 / all > before && sum < all {
                edges.push(entry.score);
            }
        }
        Ok(edges)
    }

    /// The share of the records in each bin `(edge, next edge]`.
    fn shares(&self, edges: &[f64]) -> Result<Vec<f64>> {
        let mut sums = vec![0u128; edges.len() + 1];
        for entry in &self.entries {
            sums[edges.partition_point(|&edge| edge < entry.score)] += weight(entry);
        }
        let all: u128 = sums.iter().sum();
        if all == 0 {
            return Err(Error::argument("there are no scores to compare; all are null or of no weight"));
        }
        Ok(sums.into_iter().map(|sum| sum as f64 / all as f64).collect())
    }
}

fn weight(entry: &Entry) -> u128 {
    u128::from(entry.good) + u128::from(entry.bad)
}

/// The population stability index of two distributions over bins with the given upper edges.
///
/// # Errors
/// `Argument`: edges that are not rising, no records.
pub fn psi(expected: &ScoreCounts, actual: &ScoreCounts, edges: &[f64]) -> Result<f64> {
    if edges.iter().any(|edge| edge.is_nan()) || edges.windows(2).any(|pair| pair[0] >= pair[1]) {
        return Err(Error::argument("`bins` has edges that are not rising"));
    }
    let (expected, actual) = (expected.shares(edges)?, actual.shares(edges)?);
    let part = |(e, a): (&f64, &f64)| {
        let (e, a) = (if *e == 0.0 { EMPTY_SHARE } else { *e }, if *a == 0.0 { EMPTY_SHARE } else { *a });
        (a - e) * libm::log(a / e)
    };
    Ok(expected.iter().zip(&actual).map(part).sum())
}
