//! Linking: from records' identifiers to a network of people.
//!
//! In: batches of keys, times and identifiers. Out: connected components, and [`Links`], the graph that
//! detection works on. Laws 2 and 7: threads, the order of rows and the names of identifiers change nothing.

mod build;
mod bytes;
mod components;
pub mod detect;
mod gathering;
mod hash;
mod key;
mod links;
mod live;
mod network;
mod nodes;
mod normalise;
mod placeholder;
mod plan;
mod ranks;
mod read;
mod records;
mod settings;
mod shards;
mod shown;
mod update;
mod values;
mod version;

#[cfg(test)]
mod tests;

pub use components::{Components, components};
pub use gathering::Gathering;
pub use key::{Key, KeyFault, Keys, Texts};
pub use links::{DAY, Hub, Link, Links, NO_TIME};
pub use live::{Graph, Soon};
pub use network::{Kind, Network, Step};
pub use normalise::Normaliser;
pub use plan::{CONTACT, Config, Identifiers, OWN, Plan};
pub use records::{Entry, MOST_LINKS, Records};
pub use settings::{BANDS, MOST_TYPES, Overrides, Settings, TypeSettings, band};
pub use shards::{ShownRows, learned_rarities, learned_strength, smallest_of_sets};
pub use shown::shown;
pub use update::{Change, Changes};
pub use values::Met;
pub use version::{Renewals, Update, Updated, Version};
