//! The state of a portfolio on a disk.
//!
//! In: records and deltas as sources, a folder, and the list of files that the catalog names. Out: changes of the
//! state, written and on the disk before the catalog is told of them. A state is a sequence of segments (Arrow files,
//! written once), each of which holds rows that took the place of older ones; what is in memory (the index of keys,
//! the sums, the sum of hashes) is a function of the segments and can be made of them again. Keeps laws 1 and 8;
//! docs/formats/state.md says what stands where.

mod bulk;
mod changes;
mod chosen;
mod disk;
mod gather;
mod hashes;
mod kinds;
mod layout;
mod log;
mod lookup;
mod manifest;
mod merge;
mod narrow;
mod packed;
mod portfolio;
mod renewed;
mod replaced;
mod rows;
mod said;
mod segment;
mod sift;
mod staging;
mod table;
mod unpacked;
#[cfg(test)]
mod unpacked_tests;

pub use changes::Counts;
pub use disk::{Lock, check_files};
pub use layout::Layout;
pub use log::write_log;
pub use manifest::{Checkpoint, Manifest, Named};
pub use portfolio::State;
pub use renewed::{Found, Part};
pub use replaced::Replaced;
pub use segment::{FileSum, SegmentFile};
pub use staging::Stages;
