//! The evidence for a group: what its members share beyond expectation, what would explain it, what holds it.
//!
//! In: [`Links`], [`Weights`], a group's members. Out: [`Evidence`]. Nothing here changes a group.

use super::inside::Inside;
use crate::link::Links;

/// What a type of identifier says of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedType {
    /// The number of the type.
    pub kind: usize,
    /// Identifiers that two members or more show.
    pub identifiers: u32,
    /// Members that show one of them.
    pub members: u32,
    /// Members that would, were they people like others: size times the share of people who share the type.
    pub expected: f64,
}

/// Why a group may be none: between 0 and 1, 1 where everything fits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Benign {
    /// `household`, `dormitory` or `shop`.
    pub name: &'static str,
    /// How well it fits.
    pub score: f64,
}

/// The evidence for a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// By type, those that two members share, the most telling type first.
    pub shared: Vec<SharedType>,
    /// The benign explanation that fits best.
    pub benign: Benign,
    /// Identifiers without which no half of the members hangs together, taken greedily: of those left the one
    /// that most members show. The true smallest set may be smaller.
    pub dissolving: Vec<u32>,
}

/// A household has this many members at most, where it fits well.
const HOUSEHOLD: f64 = 6.0;
/// The names of types, by what they are.
const PLACES: [&str; 2] = ["address", "home"];
const NETWORKS: [&str; 2] = ["ip", "wifi"];
const DEVICES: [&str; 2] = ["device", "tablet"];

/// Gathers the evidence for a group.
pub fn evidence(links: &Links, inside: &Inside<'_>) -> Evidence {
    Evidence { shared: shared(links, inside), benign: benign(links, inside), dissolving: dissolving(inside) }
}

fn shared(links: &Links, inside: &Inside<'_>) -> Vec<SharedType> {
    let size = inside.members.len();
    let mut found = Vec::new();
    for (kind, settings) in links.settings().types.iter().enumerate() {
        let own = inside.shared.iter().filter(|shared| links.type_of(shared.identifier) == kind);
        let mut members: Vec<u32> = own.clone().flat_map(|shared| shared.members.iter().copied()).collect();
        members.sort_unstable();
        members.dedup();
        if !members.is_empty() {
            found.push(SharedType {
                kind,
                identifiers: own.count() as u32,
                members: members.len() as u32,
                expected: size as f64 * libm::exp2(-settings.strength),
            });
        }
    }
    let excess = |shared: &SharedType| f64::from(shared.members) / shared.expected.max(1e-9);
    found.sort_by(|a, b| excess(b).total_cmp(&excess(a)).then(a.kind.cmp(&b.kind)));
    found
}

/// The greatest share of members that show one identifier of a type with one of the names.
fn top(links: &Links, inside: &Inside<'_>, names: &[&str]) -> f64 {
    let named = |identifier: u32| {
        let name = links.settings().types[links.type_of(identifier)].name.to_lowercase();
        names.iter().any(|known| name.contains(known))
    };
    let own = inside.shared.iter().filter(|shared| named(shared.identifier));
    own.map(|shared| shared.members.len()).max().unwrap_or(0) as f64 / inside.members.len() as f64
}

fn benign(links: &Links, inside: &Inside<'_>) -> Benign {
    let size = inside.members.len() as f64;
    let small = (HOUSEHOLD / size).min(1.0);
    let (place, network, device) =
        (top(links, inside, &PLACES), top(links, inside, &NETWORKS), top(links, inside, &DEVICES));
    let several = inside.several_types();
    let household = Benign { name: "household", score: place * small };
    // Many under one roof who share little else.
    let dormitory = Benign { name: "dormitory", score: place * (1.0 - small) * (1.0 - device) };
    // One device or network, and nothing beside it.
    let shop = Benign { name: "shop", score: device.max(network) * (1.0 - several) * (1.0 - place) };
    [dormitory, shop]
        .into_iter()
        .fold(household, |best, next| if next.score > best.score { next } else { best })
}

fn dissolving(inside: &Inside<'_>) -> Vec<u32> {
    let mut left: Vec<usize> = (0..inside.shared.len()).collect();
    left.sort_by_key(|&at| {
        (std::cmp::Reverse(inside.shared[at].members.len()), inside.shared[at].identifier)
    });
    let mut taken = 0;
    // Whether the largest component without the first few has half of the members: it falls as more are taken.
    let holds = |taken: usize| 2 * inside.largest_component(&left[taken..]) >= inside.members.len();
    let (mut low, mut high) = (0, left.len());
    while low < high {
        let middle = low.midpoint(high);
        if holds(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
        taken = low;
    }
    left[..taken].iter().map(|&at| inside.shared[at].identifier).collect()
}
