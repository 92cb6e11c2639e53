//! Groups that are given, and groups chosen among several clusterings, against slow twins.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::tests::{Row, filter, links, rows, town, twin};
use super::*;
use crate::exec::Control;
use crate::link::Links;

/// Weights as after learning, whatever the number of people.
fn learned(links: &Links) -> Weights {
    let mut settings = links.settings().clone();
    settings.types.iter_mut().for_each(|kind| kind.rarities = vec![kind.strength]);
    Weights::new(&settings, 20.0).expect("few types")
}

fn found(links: &Links, filter: &Filter<'_>) -> Vec<Found> {
    find(links, &learned(links), filter, &Control::default()).expect("scores of everyone")
}

fn with_loose(scores: &[f64]) -> Filter<'_> {
    Filter { loose: Some(0.3), resolution: 8, ..filter(scores) }
}

proptest! {
    #[test]
    fn of_all_clusterings_the_best_groups_that_share_nobody_are_chosen(rows in rows(), scores in proptest::collection::vec(0.0..1.0_f64, 40)) {
        let links = links(&rows);
        let scores = &scores[..rows.len()];
        let one = |cut: f64, resolution: u64| found(&links, &Filter { cut, resolution, ..filter(scores) });
        let mut every = [one(0.5, 8), one(0.5, 128), one(0.3, 32), one(0.3, 512)].concat();
        every.sort_by_key(|group| (Reverse(group.members.len()), group.members.clone()));
        every.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut wanted: Vec<Found> = Vec::new();
        for group in every {
            let own: BTreeSet<u32> = group.members.iter().copied().collect();
            if wanted.iter().flat_map(|before| &before.members).all(|person| !own.contains(person)) {
                wanted.push(group);
            }
        }
        wanted.sort_by_key(|group| group.members[0]);
        prop_assert_eq!(found(&links, &with_loose(scores)), wanted);
    }

    #[test]
    fn components_alone_have_the_groups_of_the_whole(rows in rows(), scores in proptest::collection::vec(0.0..1.0_f64, 40)) {
        // Every other row shows identifiers that none of the others does.
        let part = |at: usize| -> Vec<Row> {
            let own = rows.iter().enumerate().filter(|(number, _)| number % 2 == at);
            let moved = own.map(|(_, (key, day, own))| (*key, *day, own.iter().map(|&(kind, value)| (kind, value + 100 * at as u64)).collect()));
            moved.collect()
        };
        let parts = [part(0), part(1)];
        let mut whole: Vec<Row> = parts.concat();
        whole.sort_by_key(|row| row.0);
        let of = |rows: &[Row]| -> Vec<f64> { rows.iter().map(|row| scores[row.0 as usize / 3]).collect() };
        let totals = parts.each_ref().map(|rows| {
            let links = links(rows);
            edge_totals(&links, &learned(&links), &of(rows), 0.5, Some(0.3), &Control::default()).expect("scores of everyone")
        });
        let totals = [0, 1].map(|at| totals[0][at] + totals[1][at]);
        let keyed = |rows: &[Row], group: Found| {
            let keys: Vec<u64> = group.members.iter().map(|&person| rows[person as usize].0).collect();
            (keys, Found { members: Vec::new(), ..group })
        };
        let all = found(&links(&whole), &with_loose(&of(&whole)));
        let mut alone = Vec::new();
        for rows in &parts {
            let own = found(&links(rows), &Filter { totals: Some(totals), ..with_loose(&of(rows)) });
            alone.extend(own.into_iter().map(|group| keyed(rows, group)));
        }
        alone.sort_by_key(|(keys, _)| keys[0]);
        prop_assert_eq!(all.into_iter().map(|group| keyed(&whole, group)).collect::<Vec<_>>(), alone);
    }

    #[test]
    fn figures_of_groups_are_those_of_their_members(rows in rows(), scores in proptest::collection::vec(0.05..0.95_f64, 40)) {
        let links = links(&rows);
        let weights = Weights::new(links.settings(), 20.0).expect("few types");
        let scores = &scores[..rows.len()];
        let pairs = twin(&rows, 6);
        for group in find(&links, &weights, &filter(scores), &Control::default()).expect("scores of everyone") {
            let within = || group.members.iter().flat_map(|&one| group.members.iter().map(move |&other| (one as usize, other as usize)));
            let fixed: u64 = within().filter_map(|pair| pairs.get(&pair)).map(|pair| pair.2).sum();
            prop_assert_eq!(2 * group.inside_static, fixed);
            let size = group.members.len() as f64;
            let odds: f64 = group.members.iter().map(|&person| (scores[person as usize] / (1.0 - scores[person as usize])).ln()).sum();
            prop_assert!((group.mean_log_odds - odds / size).abs() < 1e-4);
            // A weight at the bound itself may fall on either side of it in the twin.
            let strong = |one: u32, slack: i64| {
                let own = within().filter(|&(from, _)| from == one as usize).filter_map(|pair| pairs.get(&pair));
                own.filter(|pair| pair.3.cast_signed() >= weights.strong.cast_signed() + slack).count() as f64
            };
            let mean = |slack: i64| group.members.iter().map(|&one| (strong(one, slack) * (strong(one, slack) - 1.0) / 2.0).ln_1p()).sum::<f64>() / size;
            prop_assert!(mean(64) - 1e-9 <= group.strong_pairs && group.strong_pairs <= mean(-64) + 1e-9);
        }
    }
}

#[test]
fn who_passes_the_loose_cut_alone_can_belong_to_a_ring() {
    let links = links(&town());
    let ring = [100, 110, 120, 130, 140, 150];
    let mut scores = vec![0.0; 200];
    ring.iter().for_each(|&person| scores[person as usize] = 0.9);
    scores[150] = 0.4;
    let members = |filter: &Filter<'_>| found(&links, filter).remove(0).members;
    let strict = Filter { resolution: 8, ..filter(&scores) };
    assert_eq!(members(&strict), ring[..5]);
    // As in a network of many more: in one of a single group finer clustering parts it.
    let many = Filter { totals: Some([1 << 40; 2]), ..with_loose(&scores) };
    assert_eq!(members(&many), ring);
    // Under declared strengths groups are not chosen, and the loose cut is not used.
    let weights = Weights::new(links.settings(), 20.0).expect("few types");
    let control = Control::default();
    let declared =
        |filter: &Filter<'_>| find(&links, &weights, filter, &control).expect("scores of everyone");
    assert_eq!(declared(&with_loose(&scores)), declared(&strict));
}

#[test]
fn given_groups_get_figures_and_the_others_none() {
    let links = links(&town());
    let weights = Weights::new(links.settings(), 20.0).expect("few types");
    let scores: Vec<f64> = (0..200).map(|at| if at < 190 { 1.0 } else { 0.0 }).collect();
    let mut given = vec![NO_GROUP; 200];
    [105, 115, 125, 135].iter().for_each(|&person| given[person] = 8);
    // Two are too few, and so are three of whom one does not pass.
    [100, 110, 3, 4, 195].iter().zip([2, 2, 5, 5, 5]).for_each(|(&person, group)| given[person] = group);
    let control = Control::default();
    let filter = Filter { given: Some(&given), ..filter(&scores) };
    let found = find(&links, &weights, &filter, &control).expect("groups of everyone");
    assert_eq!(found.iter().map(|group| group.members.clone()).collect::<Vec<_>>(), [[105, 115, 125, 135]]);
    assert!(found[0].inside > 0 && found[0].exclusivity < 1.0);
    let short = Filter { given: Some(&given[1..]), ..filter };
    let told = find(&links, &weights, &short, &control).expect_err("groups of fewer").to_string();
    assert!(told.contains("there are groups of 199 people, not of 200"), "{told}");
}
