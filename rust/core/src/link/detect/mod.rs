//! Finding hidden groups among people who share identifiers.
//!
//! In: [`Links`](super::Links), and, where there are any, scores of people as a column. Out: features of each
//! person's surroundings, groups with a score each, and the evidence for them. The method: people are filtered
//! first, by a score of their own, and clustered after; connected components of the whole are one component.
//! Laws 2 and 7: threads, the order of rows and the names of identifiers change no bit; a group is named by its
//! smallest key.

mod cluster;
mod detection;
mod ego;
mod evidence;
mod groups;
mod history;
mod inside;
mod pairs;
mod renewed;
mod ring_score;
mod risks;
mod rows;
mod score;
mod spread;
mod surroundings;
mod weights;

#[cfg(test)]
mod choice_tests;
#[cfg(test)]
mod tests;

pub use cluster::{Edge, louvain};
pub use detection::{Detection, Known, Ring};
pub use ego::{COMMON_FEATURES, Egos, StrongTies, TYPE_FEATURES, egos, names, strong_ties};
pub(super) use ego::{array, width};
pub use evidence::{Benign, Evidence, SharedType, evidence};
pub use groups::{Filter, Found, LEAST_MEMBERS, NO_GROUP, Tie, edge_totals, find};
pub use history::History;
pub use inside::{Inside, Level, Member, SharedIdentifier};
pub use pairs::{PAIR_FEATURES, Pairs, pair_names, pairs};
pub(super) use renewed::Renewed;
pub use ring_score::{Basis, ring_score};
pub use risks::{RISK_FEATURES, TYPE_RISK_FEATURES, risk_names, risks};
pub use score::{cut_of, label_free, plain_score, suspicion, suspicions};
pub use spread::spread;
pub use surroundings::{Partner, Surroundings, View};
pub use weights::{MOST_DETECTED_TYPES, UNIT, Weights, days_apart};
