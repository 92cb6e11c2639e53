//! Learning a calibration from outcomes.
//!
//! In: log-odds and outcomes of records. Out: a [`Calibration`]. Records of equal log-odds are counted
//! together first, so neither order nor partition of the records changes a bit (law 2).
//!
//! Platt's line is the maximum of the likelihood with Platt's targets, (bad + 1) / (bad + 2) and
//! 1 / (good + 2), found by Newton's method with backtracking (Lin, Lin and Weng, *A note on Platt's
//! probabilistic outputs*, 2007). Isotonic steps are those of the pool-adjacent-violators algorithm, blocks
//! compared as exact fractions.

use super::calibration::Calibration;
use super::counts::Entry;
use super::logodds::BOUND;
use crate::error::{Error, Result};

/// Newton's steps at most.
const MOST_STEPS: usize = 100;

fn check(entries: &[Entry]) -> Result<(f64, f64)> {
    let good: f64 = entries.iter().map(|entry| entry.good as f64).sum();
    let bad: f64 = entries.iter().map(|entry| entry.bad as f64).sum();
    if good == 0.0 || bad == 0.0 {
        let text = "a calibration needs good and bad outcomes; here is only one kind";
        return Err(Error::argument(text));
    }
    if let Some(entry) = entries.iter().find(|entry| !(-BOUND..=BOUND).contains(&entry.score)) {
        let text = format!("a score has log-odds `{}`; they are bounded to {BOUND} either way", entry.score);
        return Err(Error::argument(text));
    }
    Ok((good, bad))
}

/// Fits Platt's line to counts by log-odds, sorted.
///
/// # Errors
/// `Argument`: only one kind of outcome; scores that do not rise with the risk.
pub fn platt(entries: &[Entry]) -> Result<Calibration> {
    let (good, bad) = check(entries)?;
    let targets = ((bad + 1.0) / (bad + 2.0), 1.0 / (good + 2.0));
    let mut line = (0.0, libm::log((bad + 1.0) / (good + 1.0)));
    let mut loss = loss_of(entries, targets, line);
    for _ in 0..MOST_STEPS {
        let (gradient, [haa, hab, hbb]) = derivatives(entries, targets, line);
        let determinant = haa * hbb - hab * hab;
        let step = (
            -(hbb * gradient.0 - hab * gradient.1) / determinant,
            -(haa * gradient.1 - hab * gradient.0) / determinant,
        );
        if !(step.0.is_finite() && step.1.is_finite()) {
            break;
        }
        let mut size = 1.0;
        let better = loop {
            let next = (line.0 + size * step.0, line.1 + size * step.1);
            let next_loss = loss_of(entries, targets, next);
            if next_loss < loss {
                break Some((next, next_loss));
            }
            size /= 2.0;
            if size < 1e-10 {
                break None;
            }
        };
        match better {
            Some((next, next_loss)) => (line, loss) = (next, next_loss),
            None => break,
        }
    }
    if line.0 > 0.0 {
        return Calibration::Platt { slope: line.0, intercept: line.1 }.checked();
    }
    let text = "the scores do not rise with the share of bad outcomes (is the outcome 1 for bad?); no rising line fits";
    Err(Error::argument(text))
}

/// The negative log-likelihood of log-odds `a x + b`.
fn loss_of(entries: &[Entry], targets: (f64, f64), line: (f64, f64)) -> f64 {
    let of = |entry: &Entry| {
        let z = line.0 * entry.score + line.1;
        // ln(1 + e^z), without overflow.
        let soft = z.max(0.0) + libm::log1p(libm::exp(-z.abs()));
        let (bad, good) = (entry.bad as f64, entry.good as f64);
        bad * (soft - targets.0 * z) + good * (soft - targets.1 * z)
    };
    entries.iter().map(of).sum()
}

/// Gradient and Hessian of the loss.
fn derivatives(entries: &[Entry], targets: (f64, f64), line: (f64, f64)) -> ((f64, f64), [f64; 3]) {
    let (mut gradient, mut hessian) = ((0.0, 0.0), [0.0; 3]);
    for entry in entries {
        let (x, bad, good) = (entry.score, entry.bad as f64, entry.good as f64);
        let p = super::logodds::sigmoid(line.0 * x + line.1);
        let residual = bad * (p - targets.0) + good * (p - targets.1);
        let curvature = (bad + good) * p * (1.0 - p);
        gradient.0 += residual * x;
        gradient.1 += residual;
        hessian[0] += curvature * x * x;
        hessian[1] += curvature * x;
        hessian[2] += curvature;
    }
    (gradient, hessian)
}

/// Fits isotonic steps to counts by log-odds, sorted.
///
/// # Errors
/// `Argument`: only one kind of outcome.
pub fn isotonic(entries: &[Entry]) -> Result<Calibration> {
    check(entries)?;
    // First and last log-odds, bad and all records of a block.
    let mut blocks: Vec<(f64, f64, u128, u128)> = Vec::new();
    for entry in entries {
        let (bad, all) = (u128::from(entry.bad), u128::from(entry.bad) + u128::from(entry.good));
        let mut block = (entry.score, entry.score, bad, all);
        while let Some(&(first, _, bad, all)) = blocks.last() {
            if bad * block.3 < block.2 * all {
                break;
            }
            block = (first, block.1, bad + block.2, all + block.3);
            blocks.pop();
        }
        blocks.push(block);
    }
    let (mut log_odds, mut probability) = (Vec::new(), Vec::new());
    for (first, last, bad, all) in blocks {
        let share = bad as f64 / all as f64;
        log_odds.push(first);
        probability.push(share);
        if first < last {
            log_odds.push(last);
            probability.push(share);
        }
    }
    Calibration::Isotonic { log_odds, probability }.checked()
}
