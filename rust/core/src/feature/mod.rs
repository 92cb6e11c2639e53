//! Features: from the columns of a source to the inputs of models.
//!
//! In: a schema (names, sources, types, codes, derived columns) and records. Out: columns that models match by
//! name, with counts of what was missing, special, clipped, unseen or failed. Nothing is guessed: a column
//! that is not there, a type or a value that does not fit is an error with its place.

mod apply;
mod order;
mod read;
mod schema;

#[cfg(test)]
mod tests;

pub use apply::{Applied, FeatureFault};
pub use read::Counts;
pub use schema::{Codes, Feature, Kind, Schema};
