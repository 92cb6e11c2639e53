//! What to aggregate: which columns mean what.
//!
//! A plan is plain data. It says the same for a batch of rows, for a delta and for a partition on another
//! machine, so sums made by equal plans may be merged.

use serde::{Deserialize, Serialize};

use super::roles::Roles;
use crate::error::{Error, Result};

/// What is averaged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The weighted mean of a column.
    Mean {
        /// The column.
        score: String,
    },
    /// The weighted share of units whose column is above a cut-off.
    ShareAbove {
        /// The column.
        score: String,
        /// The cut-off; a value equal to it is not above it.
        cut: f64,
    },
    /// The weighted sum of one column over the weighted sum of another.
    Ratio {
        /// The numerator's column.
        numerator: String,
        /// The denominator's column.
        denominator: String,
    },
}

/// Which of a unit's records counts, or how they become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// The record with the latest time.
    Latest,
    /// The record with the earliest time.
    First,
    /// The mean of the records' values (weights, numerators, denominators likewise), rounded once to a
    /// double; region and kind of the latest record.
    Mean,
    /// The sum of the records' values likewise.
    Sum,
}

/// Counting by unit where a unit may have several records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// The column that tells units apart.
    pub key: String,
    /// How several records become one.
    pub pick: Pick,
    /// The column of times.
    pub time: String,
    /// A column of explicit versions, which decide between records of one time.
    pub version: Option<String>,
}

/// By what records are grouped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The regions of the region table, by the plan's region column.
    Region,
    /// The distinct values of a column.
    Column {
        /// The column.
        name: String,
    },
    /// Bands of a numeric column: below the first edge, from each edge up to below the next, from the last.
    Bands {
        /// The column.
        name: String,
        /// The edges, ascending.
        edges: Vec<f64>,
    },
}

/// What to aggregate, over which columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What is averaged.
    pub measure: Measure,
    /// The column of weights; every unit weighs 1 without one.
    pub weight: Option<String>,
    /// The column of region codes or names.
    pub region: Option<String>,
    /// Counting by unit.
    pub units: Option<Units>,
    /// The column of kinds (person, enterprise) in the source, if it has one.
    pub kind_column: Option<String>,
    /// The kind to keep; `all` keeps every kind.
    pub kind: Option<String>,
    /// By what to group, each a separate result of the same pass.
    pub by: Vec<By>,
    /// What can be ranked by, as the user named it: the name, its level, and the place of its grouping.
    #[serde(default)]
    pub names: Vec<(String, String, usize)>,
    /// Whether the largest weight of each group is kept beside its sums.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub largest: bool,
}

impl By {
    /// Whether it is by the regions of a table.
    pub fn is_region(&self) -> bool {
        matches!(self, Self::Region)
    }

    /// The name of the column, or of nothing where it is by region.
    pub fn name(&self) -> &str {
        match self {
            Self::Region => "",
            Self::Column { name } | Self::Bands { name, .. } => name,
        }
    }
}

impl Plan {
    /// Whether every unit weighs 1, so that a sum of weights is a count.
    pub fn weighs_all_the_same(&self) -> bool {
        self.weight.is_none() && !matches!(self.measure, Measure::Ratio { .. })
    }

    /// The columns that it reads.
    pub fn columns(&self) -> Vec<String> {
        Roles::new(self).wanted().iter().map(|wanted| wanted.name.clone()).collect()
    }

    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// Nothing to group by, a region grouping without a region column, edges that are not finite and
    /// ascending, a cut-off that is not finite.
    pub fn check(&self) -> Result<()> {
        if self.by.is_empty() {
            return Err(Error::argument("`by` is empty; name at least one column or region level"));
        }
        if let Measure::ShareAbove { cut, .. } = self.measure
            && !cut.is_finite()
        {
            return Err(Error::argument(format!("`share_above` is {cut}; a finite number is needed")));
        }
        if let Some((name, ..)) = self.names.iter().find(|(.., grouping)| *grouping >= self.by.len()) {
            return Err(Error::argument(format!("`{name}` is ranked by a grouping that there is not")));
        }
        for by in &self.by {
            match by {
                By::Region if self.region.is_none() => {
                    return Err(Error::argument(
                        "a region level needs a column of region codes; give `region`",
                    ));
                }
                By::Bands { name, edges } => {
                    let ascending = edges.windows(2).all(|pair| pair[0] < pair[1]);
                    if edges.is_empty() || !ascending || edges.iter().any(|edge| !edge.is_finite()) {
                        return Err(Error::argument(format!(
                            "the bands of `{name}` are {edges:?}; finite edges in ascending order are needed"
                        )));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}
