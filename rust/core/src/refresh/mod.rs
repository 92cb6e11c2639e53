//! Refresh: what a delta means.
//!
//! In: rows of a delta and what is known of the records that they name. Out: which row of a key counts, a hash of each
//! record that is the same on every machine, and fingerprints of what a decision went by. Keeps law 1: the state is a
//! function of the records, not of the way to it. Where records lie is the business of the store.

mod claim;
mod halves;
mod hash;
mod keys;
mod prints;

pub use claim::{Claim, winners};
pub use halves::{Half, Halves};
pub use hash::{RecordHashes, TextHash};
pub use keys::{KeyKind, Keys};
pub use prints::fingerprints;

#[cfg(test)]
mod tests;
