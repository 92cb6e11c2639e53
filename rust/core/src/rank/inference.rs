//! What a ranking can say for sure: intervals of means and places, tiers, means shrunk towards the parent's.
//!
//! In: a [`Ranking`] and how sure to be. Out: an [`Inference`], a figure for each row. The rows are taken for
//! independent, their means for normal. Law 2: nothing depends on threads.

use std::collections::BTreeSet;

use super::sets::{self, Above, Confidence, Means};
use super::{Ranking, normal};
use crate::error::{Error, Result};
use crate::exec::Control;

/// Rows whose places are compared: a matrix of all pairs stands behind it.
pub const MOST_COMPARED: usize = 2_000;

/// What can be said of the rows of a ranking, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Inference {
    /// How sure.
    pub confidence: Confidence,
    /// The interval of each mean, by the normal distribution; none without a standard error.
    pub mean: Vec<Option<(f64, f64)>>,
    /// The best and worst place of each ranked row, all of them holding together; none where there are more
    /// than [`MOST_COMPARED`] ranked rows.
    pub places: Vec<Option<(u64, u64)>>,
    /// The tier of each ranked row, from 1: the first row leads a tier, and the next one that is surely below
    /// a tier's leader leads the next.
    pub tier: Vec<Option<u64>>,
    /// Empirical-Bayes means.
    pub shrunk: Vec<Option<f64>>,
    /// The numbers of the ranked rows, and which are surely above which.
    compared: Option<(Vec<usize>, Above)>,
}

impl Ranking {
    /// Intervals, tiers and shrunken means.
    ///
    /// # Errors
    /// A confidence or a number of draws that is none, a request to stop.
    pub fn inference(&self, sure: Confidence, threads: usize, control: &Control) -> Result<Inference> {
        check(sure)?;
        let z = normal::quantile(0.5 + 0.5 * sure.level);
        let interval = |row: &super::Row| {
            let (mean, se) = row.estimate.mean.zip(row.estimate.se)?;
            Some((mean - z * se, mean + z * se))
        };
        let (mut places, mut tier) = (vec![None; self.rows.len()], vec![None; self.rows.len()]);
        let ranked = self.ranked();
        let compared = if ranked.len() <= MOST_COMPARED {
            let (means, errors) = self.figures(&ranked);
            let of = Means { means: &means, errors: &errors };
            let above = sets::simultaneous(&of, sure, threads, control)?;
            let (mut leader, mut number) = (0, 1);
            for (place, &row) in ranked.iter().enumerate() {
                places[row] = Some(above.places(place));
                if above.surely(leader, place) {
                    (leader, number) = (place, number + 1);
                }
                tier[row] = Some(number);
            }
            Some((ranked, above))
        } else {
            None
        };
        Ok(Inference {
            confidence: sure,
            mean: self.rows.iter().map(interval).collect(),
            places,
            tier,
            shrunk: self.shrunk(),
            compared,
        })
    }

    /// The same rows with other standard errors, in their order; a hidden row keeps none.
    ///
    /// # Errors
    /// Not one for each row, or one that is no number from zero.
    pub fn with_errors(&self, errors: &[Option<f64>]) -> Result<Self> {
        if errors.len() != self.rows.len() {
            let text = format!("{} errors are given for {} rows", errors.len(), self.rows.len());
            return Err(Error::argument(text));
        }
        let mut other = self.clone();
        for (row, &se) in other.rows.iter_mut().zip(errors) {
            if let Some(se) = se.filter(|se| !(se.is_finite() && *se >= 0.0)) {
                return Err(Error::argument(format!("the error of `{}` is {se}", row.code)));
            }
            row.estimate.se = se.filter(|_| row.suppressed.is_none());
        }
        Ok(other)
    }

    /// The best and worst place of each ranked row, each holding for that row alone; none for other rows.
    ///
    /// # Errors
    /// As [`Ranking::inference`]; more than [`MOST_COMPARED`] ranked rows.
    pub fn marginal_places(
        &self,
        sure: Confidence,
        threads: usize,
        control: &Control,
    ) -> Result<Vec<Option<(u64, u64)>>> {
        check(sure)?;
        let ranked = self.ranked();
        if ranked.len() > MOST_COMPARED {
            let text =
                format!("{} rows are ranked; places of at most {MOST_COMPARED} are compared", ranked.len());
            return Err(Error::argument(text));
        }
        let (means, errors) = self.figures(&ranked);
        let found = sets::marginal(&Means { means: &means, errors: &errors }, sure, threads, control)?;
        let mut places = vec![None; self.rows.len()];
        for (row, place) in ranked.into_iter().zip(found) {
            places[row] = Some(place);
        }
        Ok(places)
    }

    /// The numbers of the rows that have a rank.
    fn ranked(&self) -> Vec<usize> {
        (0..self.rows.len()).filter(|&row| self.rows[row].rank.is_some()).collect()
    }

    /// Means and standard errors of ranked rows.
    fn figures(&self, rows: &[usize]) -> (Vec<f64>, Vec<Option<f64>>) {
        let figures = rows.iter().map(|&row| &self.rows[row].estimate);
        figures.map(|estimate| (estimate.mean.unwrap_or(f64::NAN), estimate.se)).unzip()
    }

    /// Means shrunk towards the parent's (without parents, towards the mean of the rows, weighted by their
    /// precision): m + (1 - s) (x - m) with s = se^2 / (se^2 + t). The variance t between siblings is that of
    /// Paule and Mandel (1982). A row without a standard error goes to m.
    ///
    /// Source: Morris, *Parametric Empirical Bayes Inference*, JASA 78 (1983).
    fn shrunk(&self) -> Vec<Option<f64>> {
        let centre = self.centre();
        let target = |row: &super::Row| {
            let mean = row.estimate.mean?;
            Some(row.difference_to_parent.map_or(centre, |difference| mean - difference))
        };
        let deviation = |row: &super::Row| {
            let (mean, se) = row.estimate.mean.zip(row.estimate.se)?;
            Some((mean - target(row)?, se * se))
        };
        let deviations: Vec<(f64, f64)> = self.rows.iter().filter_map(deviation).collect();
        let parents: BTreeSet<Option<&str>> = self.rows.iter().map(|row| row.parent.as_deref()).collect();
        let between = between_variance(&deviations, deviations.len().saturating_sub(parents.len()));
        let shrink = |row: &super::Row| {
            let target = target(row)?;
            let Some((deviation, variance)) = deviation(row) else { return Some(target) };
            let total = variance + between;
            let kept = if total > 0.0 { between / total } else { 1.0 };
            Some(target + kept * deviation)
        };
        self.rows.iter().map(shrink).collect()
    }

    /// The mean of the rows, weighted by their precision; plain where no row has a standard error.
    fn centre(&self) -> f64 {
        let (mut sum, mut weight, mut plain, mut count) = (0.0, 0.0, 0.0, 0.0);
        for estimate in self.rows.iter().map(|row| &row.estimate) {
            let Some(mean) = estimate.mean else { continue };
            plain += mean;
            count += 1.0;
            if let Some(se) = estimate.se.filter(|&se| se > 0.0) {
                sum += mean / (se * se);
                weight += 1.0 / (se * se);
            }
        }
        if weight > 0.0 { sum / weight } else { plain / f64::max(count, 1.0) }
    }
}

impl Inference {
    /// The rows that cannot be told from a row, itself among them; none where places were not compared, or
    /// the row has no rank.
    pub fn not_distinguishable(&self, row: usize) -> Option<Vec<usize>> {
        let (ranked, above) = self.compared.as_ref()?;
        let place = ranked.iter().position(|&ranked| ranked == row)?;
        let same = |other: &usize| !above.surely(place, *other) && !above.surely(*other, place);
        Some((0..ranked.len()).filter(same).map(|other| ranked[other]).collect())
    }
}

fn check(sure: Confidence) -> Result<()> {
    if !(sure.level > 0.0 && sure.level < 1.0) {
        let text = format!("`confidence` is {}; it lies between 0 and 1, for example 0.95", sure.level);
        return Err(Error::argument(text));
    }
    if !(100..=1_000_000).contains(&sure.draws) {
        return Err(Error::argument(format!("`draws` is {}; allowed are 100 to 1000000", sure.draws)));
    }
    Ok(())
}

/// The variance t between rows at which the squares of the deviations, each over its own variance plus t, add
/// up to the degrees of freedom; zero where they are no more than that without it.
fn between_variance(deviations: &[(f64, f64)], degrees: usize) -> f64 {
    let known = || deviations.iter().filter(|(_, variance)| *variance > 0.0);
    let squares = |between: f64| known().map(|(x, variance)| x * x / (variance + between)).sum::<f64>();
    if degrees == 0 || squares(0.0) <= degrees as f64 {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, known().map(|(x, _)| x * x).sum::<f64>());
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if squares(middle) > degrees as f64 {
            low = middle;
        } else {
            high = middle;
        }
    }
    0.5 * (low + high)
}
