//! From log-odds to points: PDO scaling.
//!
//! In: log-odds of bad. Out: points as an integer count of 1/64 points, rounded half away from zero. With
//! odds = good : bad, points = base_points + pdo / ln 2 x (ln odds - ln base_odds): at odds of `base_odds` a
//! record has `base_points`, and `pdo` more points double the odds. More log-odds of bad never give more
//! points (law 5): every step is a monotone operation, correctly rounded.

use crate::error::{Error, Result};

/// Units in one point.
pub const POINT_UNITS: f64 = 64.0;

/// How points hang on odds, and between which limits a decision shows them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// Points per doubling of the log-odds' exponential: pdo / ln 2.
    factor: f64,
    /// Points at even odds.
    anchor: f64,
    low: Option<i64>,
    high: Option<i64>,
}

impl Scaling {
    /// A scaling; `low` and `high` are limits of the final points.
    ///
    /// # Errors
    /// `Argument`: a number outside of its range, limits the wrong way round.
    pub fn new(
        pdo: f64,
        base_odds: f64,
        base_points: f64,
        low: Option<f64>,
        high: Option<f64>,
    ) -> Result<Self> {
        let within = |name: &str, value: f64, least: f64, most: f64| {
            if (least..=most).contains(&value) {
                return Ok(value);
            }
            Err(Error::argument(format!("`{name}` is `{value}`; it is a number from {least} to {most}")))
        };
        within("pdo", pdo, 1e-3, 1e6)?;
        within("base_odds", base_odds, 1e-9, 1e9)?;
        within("base_points", base_points, -1e9, 1e9)?;
        let limit = |name: &str, limit: Option<f64>| {
            limit.map(|limit| within(name, limit, -1e12, 1e12).map(to_units)).transpose()
        };
        let (low, high) = (limit("min_points", low)?, limit("max_points", high)?);
        if let (Some(least), Some(most)) = (low, high)
            && least > most
        {
            return Err(Error::argument("`min_points` is above `max_points`; swap them"));
        }
        let factor = pdo / std::f64::consts::LN_2;
        Ok(Self { factor, anchor: base_points - factor * libm::log(base_odds), low, high })
    }

    /// Points for one unit of log-odds.
    pub fn factor(&self) -> f64 {
        self.factor
    }

    /// Points at even odds.
    pub fn anchor(&self) -> f64 {
        self.anchor
    }

    /// The points of log-odds of bad, in units.
    pub fn points(&self, log_odds: f64) -> i64 {
        to_units(self.anchor - self.factor * log_odds)
    }

    /// Points in units, within the limits of the final points.
    pub fn clamp(&self, points: i64) -> i64 {
        let points = self.low.map_or(points, |low| points.max(low));
        self.high.map_or(points, |high| points.min(high))
    }
}

/// Points as units, halves away from zero.
pub fn to_units(points: f64) -> i64 {
    (points * POINT_UNITS).round() as i64
}

/// Units as points: exact.
pub fn to_points(units: i64) -> f64 {
    units as f64 / POINT_UNITS
}
