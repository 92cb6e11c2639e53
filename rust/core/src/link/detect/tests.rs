//! Detection against slow twins, and the laws it keeps.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::exec::Control;
use crate::link::{DAY, Entry, Gathering, Keys, Links, NO_TIME, Overrides, Settings};

/// Key, day (none where unknown), identifiers as (type, value).
pub(super) type Row = (u64, Option<u32>, Vec<(u8, u64)>);

const TYPES: [(&str, f64); 3] = [("device", 4.0), ("address", 0.5), ("bank_card", 6.4)];

fn links_capped(rows: &[Row], cap: u32) -> Links {
    let types = TYPES.map(|(name, strength)| (name.to_owned(), cap, strength));
    let settings = Settings::new(&types, vec!["own".into()], &Overrides::default()).expect("valid");
    let mut gathering = Gathering::new(Keys::Unsigned(rows.iter().map(|row| row.0).collect()));
    for (_, day, identifiers) in rows {
        let entries = identifiers.iter().map(|&(kind, value)| Entry {
            kind,
            order: value,
            hash: (value * 8 + u64::from(kind) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15),
            role: 0,
        });
        gathering.row(day.map_or(NO_TIME, |day| day * DAY), entries);
    }
    let records = gathering.finish(2, &Control::default()).expect("small");
    Links::build(&Arc::new(records), &settings, 2, &Control::default()).expect("not stopped")
}

pub(super) fn links(rows: &[Row]) -> Links {
    links_capped(rows, 6)
}

fn features(links: &Links, view: View<'_>, threads: usize) -> Egos {
    let weights = Weights::new(links.settings(), 20.0).expect("few types");
    egos(links, &weights, view, threads, &Control::default()).expect("not stopped")
}

/// Rows of distinct keys.
pub(super) fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row =
        (proptest::option::weighted(0.9, 0..60_u32), proptest::collection::vec((0..3_u8, 0..9_u64), 0..6));
    proptest::collection::vec(row, 1..40).prop_map(|rows| {
        rows.into_iter().enumerate().map(|(at, (day, own))| (at as u64 * 3, day, own)).collect()
    })
}

/// The pairs of people with what they share: types, identifiers, weight, faded weight.
/// Types, identifiers, weight and faded weight of what two people share.
pub(super) type Shared = (BTreeSet<u8>, u32, u64, u64);

pub(super) fn twin(rows: &[Row], cap: usize) -> BTreeMap<(usize, usize), Shared> {
    let mut shown: BTreeMap<(u8, u64), BTreeSet<usize>> = BTreeMap::new();
    for (person, (_, _, own)) in rows.iter().enumerate() {
        for &identifier in own {
            shown.entry(identifier).or_default().insert(person);
        }
    }
    let mut pairs = BTreeMap::new();
    for ((kind, _), people) in shown.iter().filter(|(_, people)| (2..=cap).contains(&people.len())) {
        let weight = (TYPES[usize::from(*kind)].1 * UNIT as f64) as u64 / (people.len() as u64 - 1);
        for &one in people {
            for &other in people.iter().filter(|&&other| other != one) {
                let days = match (rows[one].1, rows[other].1) {
                    (Some(a), Some(b)) => a.abs_diff(b),
                    _ => 0,
                };
                let decay = ((-f64::from(days) / 20.0).exp() * f64::from(1 << 24)).round() as u64;
                let pair = pairs.entry((one, other)).or_insert((BTreeSet::new(), 0, 0, 0));
                pair.0.insert(*kind);
                pair.1 += 1;
                pair.2 += weight;
                pair.3 += (weight * decay) >> 24;
            }
        }
    }
    pairs
}

proptest! {
    #[test]
    fn partners_are_those_of_the_projection(rows in rows()) {
        let links = links(&rows);
        let weights = Weights::new(links.settings(), 20.0).expect("few types");
        let mut surroundings = Surroundings::new(&links, &weights, View::Now);
        let pairs = twin(&rows, 6);
        for person in 0..rows.len() {
            surroundings.find(person as u32);
            let wanted: Vec<_> = pairs.range((person, 0)..(person + 1, 0)).collect();
            prop_assert_eq!(surroundings.partners.len(), wanted.len());
            for (partner, ((_, other), (types, shared, weight, faded))) in surroundings.partners.iter().zip(wanted) {
                prop_assert_eq!(partner.person as usize, *other);
                prop_assert_eq!(partner.types.count_ones() as usize, types.len());
                prop_assert_eq!(partner.shared, *shared);
                prop_assert_eq!(partner.weight, *weight);
                // The twin's exponential may round another way in its last bit.
                prop_assert!(partner.faded.abs_diff(*faded) <= u64::from(*shared) * 2);
            }
        }
    }

    #[test]
    fn pairs_are_the_ties_of_those_who_pass(rows in rows(), passing in proptest::collection::vec(0.0..1.0_f64, 40)) {
        let links = links(&rows);
        let weights = Weights::new(links.settings(), 20.0).expect("few types");
        let scores = &passing[..rows.len()];
        let found = pairs(&links, &weights, scores, 0.3, 2, &Control::default()).expect("scores of everyone");
        let mut ties = twin(&rows, 6);
        ties.retain(|&(one, other), _| scores[one] >= 0.3 && scores[other] >= 0.3);
        let wanted: Vec<_> = ties.keys().filter(|(one, other)| one < other).collect();
        let ends: Vec<_> = found.one.iter().zip(&found.other).map(|(&a, &b)| (a as usize, b as usize)).collect();
        prop_assert_eq!(ends.iter().collect::<Vec<_>>(), wanted);
        let shown: Vec<BTreeSet<(u8, u64)>> = rows.iter().map(|row| row.2.iter().copied().collect()).collect();
        let names = pair_names(links.settings());
        let column = |name: &str| &found.columns[names.iter().position(|own| own == name).expect("a column")];
        for (at, &(one, other)) in ends.iter().enumerate() {
            let (types, shared, ..) = &ties[&(one, other)];
            prop_assert_eq!(column("shared")[at], *shared as f32);
            let both = (0..rows.len()).filter(|&next| [one, other].iter().all(|&end| ties.contains_key(&(end, next))));
            prop_assert_eq!(column("common")[at], both.clone().count() as f32);
            let sum: f64 = both.map(|next| (scores[next] * UNIT as f64).round()).sum();
            prop_assert_eq!(column("common_score")[at], (sum / UNIT as f64) as f32);
            let typed = |what: &str| TYPES.map(|(name, _)| column(&format!("{name}_{what}"))[at]);
            let mut few = [0; 3];
            for identifier in shown[one].intersection(&shown[other]) {
                let people = shown.iter().filter(|own| own.contains(identifier)).count() as u64;
                few[usize::from(identifier.0)] += if people > 6 { 0 } else { UNIT / (people - 1) };
            }
            prop_assert_eq!(typed("few"), few.map(|sum| (sum as f64 / UNIT as f64) as f32));
            for (kind, shared) in typed("shared").iter().enumerate() {
                prop_assert_eq!(*shared > 0.0, types.contains(&(kind as u8)));
            }
            let day = |person: usize| rows[person].1.map(f64::from).unwrap_or(f64::NAN);
            for (name, person) in [("one_day", one), ("other_day", other)] {
                prop_assert!(f64::from(column(name)[at]).total_cmp(&day(person)).is_eq());
            }
        }
    }

    #[test]
    fn triangles_and_hops_are_those_of_strong_ties(rows in rows()) {
        let links = links(&rows);
        let egos = features(&links, View::Now, 2);
        let weights = Weights::new(links.settings(), 20.0).expect("few types");
        let mut surroundings = Surroundings::new(&links, &weights, View::Now);
        let mut strong: Vec<BTreeSet<u32>> = Vec::new();
        for person in 0..rows.len() as u32 {
            surroundings.find(person);
            let partners = surroundings.partners.iter().filter(|partner| partner.faded >= weights.strong);
            strong.push(partners.map(|partner| partner.person).collect());
        }
        for person in 0..rows.len() {
            let mut closed = 0;
            for &one in &strong[person] {
                let others = strong[person].range(one + 1..);
                closed += others.filter(|&&other| strong[one as usize].contains(&other)).count();
            }
            prop_assert_eq!(egos.triangles[person] as usize, closed);
            let sum: u64 = strong[person].iter().map(|&other| egos.strength[other as usize]).sum();
            let mean = sum / (strong[person].len().max(1) as u64);
            prop_assert_eq!(egos.columns[5][person], (mean as f64 / UNIT as f64) as f32);
        }
    }

    #[test]
    fn threads_and_the_order_of_rows_change_no_bit(rows in rows(), threads in 1..4_usize) {
        let one = features(&links(&rows), View::Now, 1);
        let mut turned = rows;
        turned.reverse();
        let other = features(&links(&turned), View::Now, threads);
        prop_assert_eq!(one.columns, other.columns);
    }

    #[test]
    fn new_names_of_identifiers_change_no_bit(rows in rows()) {
        let mut renamed = rows.clone();
        renamed.iter_mut().for_each(|row| row.2.iter_mut().for_each(|(_, value)| *value = 1_000 - 7 * *value));
        let (one, other) = (links(&rows), links(&renamed));
        prop_assert_eq!(features(&one, View::Now, 1).columns, features(&other, View::Now, 1).columns);
        prop_assert_eq!(groups_of(&one, 0.5), groups_of(&other, 0.5));
    }

    #[test]
    fn later_records_change_nothing_of_the_past(rows in rows(), later in rows()) {
        let mut all = rows.clone();
        let shifted = later.into_iter().enumerate();
        // Keys between the old ones, days after them; some known identifiers become hubs.
        all.extend(shifted.map(|(at, (_, day, own))| (at as u64 * 3 + 1, Some(60 + day.unwrap_or(0)), own)));
        let known: Vec<Row> = rows.into_iter().filter(|row| row.1.is_some()).collect();
        let all: Vec<Row> = all.into_iter().filter(|row| row.1.is_some()).collect();
        let at = |rows: &[Row]| {
            let links = links_capped(rows, u32::MAX);
            let history = History::new(&links, vec![4; 3]);
            let egos = features(&links, View::At(&history), 2);
            let people = 0..links.people() as u32;
            let row = |person: u32| egos.columns.iter().map(|column| column[person as usize]).collect::<Vec<f32>>();
            people.map(|person| (links.keys().text(person as usize), row(person))).collect::<BTreeMap<_, _>>()
        };
        let (before, after) = (at(&known), at(&all));
        for (key, row) in &before {
            prop_assert_eq!(&after[key], row, "key {}", key);
        }
    }

    #[test]
    fn communities_part_a_graph_and_gain_modularity(edges in proptest::collection::vec((0..12_u32, 0..12_u32, 1..50_u64), 0..40)) {
        let edges: Vec<Edge> = edges.into_iter().filter(|(one, other, _)| one != other)
            .map(|(one, other, weight)| Edge { one, other, weight }).collect();
        let community = louvain(12, &edges, 16, None);
        let total: u64 = edges.iter().map(|edge| edge.weight).sum();
        let quality = |community: &[u32]| {
            let mut strength = [0.0; 12];
            let mut inside = 0.0;
            for edge in &edges {
                strength[community[edge.one as usize] as usize] += edge.weight as f64;
                strength[community[edge.other as usize] as usize] += edge.weight as f64;
                if community[edge.one as usize] == community[edge.other as usize] {
                    inside += edge.weight as f64;
                }
            }
            let total = total.max(1) as f64;
            inside / total - strength.iter().map(|s| (s / 2.0 / total) * (s / 2.0 / total)).sum::<f64>()
        };
        let alone: Vec<u32> = (0..12).collect();
        prop_assert!(quality(&community) >= quality(&alone) - 1e-9);
        // Numbered by their first node, and none holds two parts that no edge connects.
        let firsts: Vec<u32> = (0..12).filter(|&node| !community[..node].contains(&community[node])).map(|node| community[node]).collect();
        prop_assert_eq!(&firsts, &(0..firsts.len() as u32).collect::<Vec<_>>());
    }

    #[test]
    fn components_alone_have_the_communities_of_the_whole(edges in proptest::collection::vec((0..20_u32, 0..20_u32, 0..50_u64, 0..2_u32), 0..60)) {
        // Two graphs between each other, by even and odd numbers.
        let edges: Vec<Edge> = edges.into_iter().filter(|(one, other, ..)| one < other)
            .map(|(one, other, weight, part)| Edge { one: 2 * one + part, other: 2 * other + part, weight }).collect();
        let whole = louvain(40, &edges, 8, None);
        let total = edges.iter().map(|edge| 2 * edge.weight).sum();
        for part in 0..2 {
            let own = edges.iter().filter(|edge| edge.one % 2 == part);
            let own: Vec<Edge> = own.map(|edge| Edge { one: edge.one / 2, other: edge.other / 2, ..*edge }).collect();
            let alone = louvain(20, &own, 8, Some(total));
            for (a, b) in (0..20).flat_map(|a| (0..20).map(move |b| (a, b))) {
                let of_whole = |node: u32| whole[(2 * node + part) as usize];
                prop_assert_eq!(alone[a as usize] == alone[b as usize], of_whole(a) == of_whole(b));
            }
        }
    }
}

pub(super) fn filter(scores: &[f64]) -> Filter<'_> {
    Filter {
        scores,
        cut: 0.5,
        loose: None,
        resolution: 16,
        basis: Basis::LabelFree,
        totals: None,
        given: None,
    }
}

fn cut(scores: &[f64], share: f64) -> f64 {
    cut_of(scores, share, &Control::default()).expect("not stopped")
}

fn groups_of(links: &Links, share: f64) -> Vec<Found> {
    let weights = Weights::new(links.settings(), 20.0).expect("few types");
    let egos = egos(links, &weights, View::Now, 1, &Control::default()).expect("not stopped");
    let scores = label_free(&egos, &Control::default()).expect("not stopped");
    let at = cut(&scores, share);
    let suspicion: Vec<f64> = scores.iter().map(|&score| suspicion(score, at)).collect();
    find(links, &weights, &filter(&suspicion), &Control::default()).expect("scores of everyone")
}

/// Two rings among people who share a home at most, and one who only met a ring.
pub(super) fn town() -> Vec<Row> {
    let mut rows: Vec<Row> = (0..200).map(|at| (at, Some(at as u32 * 7 % 300), vec![(1, at / 2)])).collect();
    for at in 0..6 {
        let (one, other) = (100 + 10 * at as usize, 105 + 10 * at as usize);
        rows[one].1 = Some(50 + at);
        rows[one].2.extend([(0, 900 + u64::from(at % 2)), (2, 910)]);
        rows[other].1 = Some(200 + at);
        rows[other].2.extend([(0, 920), (2, 930)]);
    }
    rows[7].2.push((0, 900));
    rows[7].1 = Some(290);
    rows
}

#[test]
fn rings_are_found_and_named_by_their_smallest_key() {
    let links = links(&town());
    let found = groups_of(&links, 0.06);
    let members: Vec<&[u32]> = found.iter().map(|found| &*found.members).collect();
    let (one, other) = ([100, 110, 120, 130, 140, 150], [105, 115, 125, 135, 145, 155]);
    assert_eq!(members, [&one[..], &other[..]]);
    assert!(found.iter().all(|found| found.span_days == Some(5)));
    assert!(found[0].closure > 0.99, "{found:?}");
    assert!(found[0].exclusivity_static < 1.0, "the one who met the ring has a tie to it: {found:?}");
}

#[test]
fn evidence_names_what_is_shared_and_what_holds_the_group() {
    let links = links(&town());
    let weights = Weights::new(links.settings(), 20.0).expect("few types");
    let members = [100, 110, 120, 130, 140, 150];
    let inside = Inside::new(&links, &weights, &members);
    let told = evidence(&links, &inside);
    // The card of all six is the most telling; each of the two devices is shown by three.
    assert_eq!(
        told.shared
            .iter()
            .map(|shared| (shared.kind, shared.identifiers, shared.members))
            .collect::<Vec<_>>(),
        [(2, 1, 6), (0, 2, 6)]
    );
    assert!(told.shared[0].expected < 0.1);
    assert!(told.benign.score < 0.5, "{told:?}");
    // Without the card two triples are left, each half of the group; without one device too, none is.
    assert_eq!(told.dissolving.len(), 3);
    let judged = inside.judged(|person| (person == 110).then_some(true).or((person == 120).then_some(false)));
    assert_eq!(judged[1].level, Level::Seed);
    assert_eq!(judged[2].level, Level::Bystander);
    assert_eq!(judged[0].level, Level::Core);
    assert_eq!(
        judged[0].reason,
        "shares `bank_card` with 5, `device` with 2 of 6 members, the nearest 1 days apart"
    );
}

#[test]
fn a_household_and_a_shop_explain_themselves() {
    let home: Vec<Row> = (0..4).map(|at| (at, Some(at as u32 * 40), vec![(1, 5)])).collect();
    let shop: Vec<Row> = (0..6).map(|at| (at, Some(at as u32 * 40), vec![(0, 5)])).collect();
    for (rows, name) in [(home, "household"), (shop, "shop")] {
        let links = links(&rows);
        let weights = Weights::new(links.settings(), 20.0).expect("few types");
        let members: Vec<u32> = (0..rows.len() as u32).collect();
        let told = evidence(&links, &Inside::new(&links, &weights, &members));
        assert_eq!(told.benign, Benign { name, score: 1.0 });
        assert_eq!(told.dissolving.len(), 1);
    }
}

#[test]
fn influence_is_bounded_and_ends() {
    // A chain by shared cards, all on one day.
    let rows: Vec<Row> = (0..6).map(|at| (at, Some(3), vec![(2, at), (2, at + 1)])).collect();
    let links = links(&rows);
    let weights = Weights::new(links.settings(), 20.0).expect("few types");
    let near = spread(&links, &weights, &[0], &Control::default()).expect("not stopped");
    assert_eq!(near[0], 1.0);
    assert!(near[1] > 0.4 && near[1] <= 0.5, "{near:?}");
    assert!(near[2] > 0.15 && near[2] <= 0.25, "{near:?}");
    assert_eq!(near[3..], [0.0; 3]);
}

#[test]
fn the_cut_lets_a_share_pass_and_equals_together() {
    let scores = [3.0, 1.0, 2.0, 2.0, 0.0];
    let passed = |share| scores.iter().filter(|&&score| score >= cut(&scores, share)).count();
    assert_eq!([0.0, 0.2, 0.4, 0.6, 0.8, 1.0].map(passed), [1, 1, 3, 3, 4, 5]);
    // Nobody has a strong tie: nobody passes, however large the share.
    let faint = [-3.0; 4];
    assert!(faint.iter().all(|&score| score < cut(&faint, 1.0)));
    assert!(cut(&[], 0.5).is_finite());
    assert_eq!(suspicion(2.0, 2.0), 0.5);
}

#[test]
fn scores_outside_are_refused() {
    let links = links(&town());
    let weights = Weights::new(links.settings(), 20.0).expect("few types");
    let control = Control::default();
    let short = find(&links, &weights, &filter(&[0.5]), &control).expect_err("one score");
    assert_eq!(short.to_string(), "there are 1 scores for 200 people; give one each");
    let wild = risks(&links, &weights, &vec![f64::NAN; 200], 1, &control).expect_err("no score");
    assert_eq!(wild.to_string(), "a score is `NaN`; scores are from 0 to 1");
    assert!(Weights::new(links.settings(), 0.0).is_err());
}
