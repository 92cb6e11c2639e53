//! Linking: from records' identifiers to a network of people.
//!
//! In: batches of keys, times and identifiers. Out: connected components, and [`Links`], the graph that
//! detection works on. Laws 2 and 7: threads, the order of rows and the names of identifiers change nothing.

mod build;
mod key;
mod links;
mod records;
mod settings;

#[cfg(test)]
mod tests;

pub use key::{Key, KeyFault, Keys, Texts};
pub use links::{DAY, Hub, Link, Links, NO_TIME};
pub use records::{Entry, Gathering, MOST_LINKS, Records};
pub use settings::{MOST_TYPES, Overrides, Settings, TypeSettings};
