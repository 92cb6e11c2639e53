//! Aggregation: from records to exact sums by group.
//!
//! In: a [`Source`](crate::batch::Source) and a [`Plan`]. Out: an [`Aggregate`]: for each grouping the exact
//! [`Sums`] of its groups, mergeable, retractable and serialisable, and the count of what was left out, by
//! cause. Keeps law 2: threads, chunks, order and partitions change no bit.

mod chunk;
mod codes;
mod column;
mod estimate;
mod grids;
mod group;
mod largest;
mod pass;
mod plan;
mod result;
mod roles;
mod sums;
mod table;
mod unit;

pub use estimate::{Decimals, Estimate, compare_means};
pub use largest::{Largest, Magnitude};
pub use pass::aggregate;
pub use plan::{By, Measure, Pick, Plan, Units};
pub use result::{Aggregate, Excluded, Grouping};
pub use sums::Sums;
