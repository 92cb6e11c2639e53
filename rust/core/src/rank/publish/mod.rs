//! What may be published: which cells of a ranking are hidden, and why.
//!
//! In: exact sums by group, the levels and families that are published together, and [`Rules`]. Out: [`Hidden`].
//! A cell is hidden where it has too few units or one unit outweighs it, and as many more as it takes that
//! nothing hidden follows from what is shown (complementary suppression). What the reasons themselves tell is
//! taken for known. Law kept: what is hidden depends on the sums alone, not on order, threads or partitions.

mod audit;
mod cells;
mod choose;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::aggregate::Aggregate;
use crate::error::{Error, Result};
use crate::region::Regions;

/// When a cell may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Units from which a cell is shown.
    pub min_shown: u64,
    /// Units from which it is ranked.
    pub min_ranked: u64,
    /// The share of a cell's weight, in millionths, that one unit may have; none for no such rule.
    pub dominance: Option<u32>,
    /// The least width of the interval in which the units of a hidden cell must stay to whoever sees the rest.
    pub protection: u64,
    /// Counts are rounded to multiples of this.
    pub round_counts: Option<u64>,
}

impl Rules {
    /// Checks the numbers.
    ///
    /// # Errors
    /// Thresholds that fit no cell, or a width that no cell could have.
    pub fn check(&self) -> Result<()> {
        let refuse = |text: String| Err(Error::argument(text));
        if self.min_shown == 0 || self.min_ranked < self.min_shown {
            return refuse(format!(
                "`min_shown` is {} and `min_ranked` {}; 1 <= min_shown <= min_ranked is needed",
                self.min_shown, self.min_ranked
            ));
        }
        if self.protection + 2 > self.min_shown && self.min_shown > 1 {
            let most = self.min_shown.saturating_sub(2);
            return refuse(format!(
                "`protection` is {}; a cell below {} units is known that well by its reason, so at most {most} is possible",
                self.protection, self.min_shown
            ));
        }
        if self.dominance.is_some_and(|share| share == 0 || share > 1_000_000) {
            return refuse("`dominance` must be above 0 and at most 1, for example 0.1".to_owned());
        }
        if self.round_counts == Some(0) {
            return refuse("`round_counts` is 0; give the multiple that counts are rounded to".to_owned());
        }
        Ok(())
    }
}

/// Why a cell is hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Too few units.
    FewUnits,
    /// One unit has too large a part of the weight.
    Dominance,
    /// It would give away another cell.
    Complementary,
}

impl Reason {
    /// The reason's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::FewUnits => "few_units",
            Self::Dominance => "dominance",
            Self::Complementary => "complementary",
        }
    }
}

/// Which cells are hidden, by level and code.
#[derive(Clone, Debug, PartialEq)]
pub struct Hidden {
    /// The rules.
    pub rules: Rules,
    reasons: BTreeMap<String, BTreeMap<String, Reason>>,
}

impl Hidden {
    /// Why a cell is hidden; none where it is shown.
    pub fn reason(&self, level: &str, code: &str) -> Option<Reason> {
        self.reasons.get(level)?.get(code).copied()
    }
}

/// Finds the cells to hide of one grouping.
///
/// `levels` are the levels and families of `regions` that are published together; the levels that their rows
/// are compared with belong to them too, as a difference tells the other mean. They are not looked at where
/// the grouping is no grouping by region.
///
/// # Errors
/// Rules that are none, a level that the table has not, or sums without the largest weights that a rule asks for.
pub fn suppress(
    aggregate: &Aggregate,
    grouping: usize,
    levels: &[String],
    regions: Option<&Regions>,
    rules: &Rules,
) -> Result<Hidden> {
    rules.check()?;
    let (table, names) = cells::Table::of(aggregate, grouping, levels, regions, rules)?;
    let state = choose::protect(&table, rules);
    let mut reasons: BTreeMap<String, BTreeMap<String, Reason>> = BTreeMap::new();
    for (level, code, cell) in names {
        let of_level = reasons.entry(level).or_default();
        if let Some(reason) = state[cell] {
            of_level.insert(code, reason);
        }
    }
    Ok(Hidden { rules: rules.clone(), reasons })
}
