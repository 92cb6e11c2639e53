//! Tests of what a ranking says for sure. How often it is right is tested through the Python API, in simulated worlds.

use std::collections::BTreeMap;

use super::{Confidence, Ranking, Row};
use crate::aggregate::Estimate;
use crate::exec::Control;

fn row(code: usize, mean: f64, se: Option<f64>, parent: Option<(&str, f64)>) -> Row {
    Row {
        code: code.to_string(),
        name: code.to_string(),
        other_names: Vec::new(),
        level: "city".to_owned(),
        parent: parent.map(|(code, _)| code.to_owned()),
        estimate: Estimate {
            n: 100,
            sum_weight: 100.0,
            n_eff: Some(100.0),
            mean: Some(mean),
            mean_plain: Some(mean),
            se,
        },
        difference_to_parent: parent.map(|(_, centre)| mean - centre),
        rank: Some(code as u64 + 1),
        rank_in_parent: None,
        suppressed: None,
    }
}

fn ranking(rows: Vec<Row>) -> Ranking {
    Ranking {
        by: "city".to_owned(),
        other_names: Vec::new(),
        rows,
        records: 0,
        excluded: BTreeMap::new(),
        unresolved: Vec::new(),
        without_data: Vec::new(),
    }
}

#[test]
fn rows_far_apart_have_places_of_their_own_and_equal_ones_share_all() {
    let control = Control::default();
    let apart = ranking((0..5).map(|i| row(i, 100.0 - 10.0 * i as f64, Some(0.1), None)).collect());
    let sure = Confidence::default();
    let found = apart.inference(sure, 2, &control).expect("valid");
    assert_eq!(found.places, (1..=5).map(|place| Some((place, place))).collect::<Vec<_>>());
    assert_eq!(found.tier, (1..=5).map(Some).collect::<Vec<_>>());
    assert_eq!(found.not_distinguishable(2), Some(vec![2]));
    assert_eq!(apart.marginal_places(sure, 2, &control).expect("valid"), found.places);
    let same = ranking((0..5).map(|i| row(i, 1.0, Some(0.1), None)).collect());
    let found = same.inference(sure, 2, &control).expect("valid");
    assert_eq!(found.places, vec![Some((1, 5)); 5]);
    assert_eq!(found.tier, vec![Some(1); 5]);
}

#[test]
fn rows_without_an_error_are_never_told_apart_and_exact_ones_always() {
    let control = Control::default();
    let rows = vec![
        row(0, 9.0, Some(0.0), None),
        row(1, 8.0, None, None),
        row(2, 7.0, Some(0.0), None),
        row(3, 7.0, Some(0.0), None),
    ];
    let found = ranking(rows).inference(Confidence::default(), 1, &control).expect("valid");
    assert_eq!(found.places, vec![Some((1, 2)), Some((1, 4)), Some((2, 4)), Some((2, 4))]);
    assert_eq!(found.mean[1], None);
}

#[test]
fn threads_change_nothing() {
    let rows: Vec<Row> = (0..40).map(|i| row(i, 60.0 - 0.3 * i as f64, Some(0.5), None)).collect();
    let (ranked, control) = (ranking(rows), Control::default());
    let sure = Confidence { draws: 501, ..Confidence::default() };
    let one = ranked.inference(sure, 1, &control).expect("valid");
    assert_eq!(one, ranked.inference(sure, 3, &control).expect("valid"));
    let marginal = ranked.marginal_places(sure, 1, &control).expect("valid");
    assert_eq!(marginal, ranked.marginal_places(sure, 3, &control).expect("valid"));
    let width = |places: &[Option<(u64, u64)>]| places.iter().flatten().map(|(lo, hi)| hi - lo).sum::<u64>();
    assert!(width(&marginal) < width(&one.places), "what holds for one row alone is narrower");
}

#[test]
fn shrinking_moves_uncertain_rows_towards_their_parent() {
    let parent = Some(("1", 10.0));
    let rows = vec![
        row(0, 14.0, Some(0.1), parent),
        row(1, 13.0, Some(3.0), parent),
        row(2, 7.0, None, parent),
        row(3, 6.0, Some(0.1), parent),
    ];
    let found = ranking(rows).inference(Confidence::default(), 1, &Control::default()).expect("valid").shrunk;
    let at = |row: usize| found[row].expect("has a mean");
    assert!(at(0) > 13.9 && at(0) < 14.0);
    assert!(at(1) > 10.5 && at(1) < 12.9);
    assert_eq!(at(2), 10.0);
    // Noise alone: all go to the parent's mean.
    let rows = (0..6).map(|i| row(i, 10.0 + 0.1 * (i % 2) as f64, Some(1.0), parent)).collect();
    let found = ranking(rows).inference(Confidence::default(), 1, &Control::default()).expect("valid").shrunk;
    assert!(found.iter().all(|mean| (mean.expect("has a mean") - 10.0).abs() < 1e-12));
}

#[test]
fn what_is_no_confidence_is_refused() {
    let ranked = ranking(vec![row(0, 1.0, Some(1.0), None)]);
    for level in [0.0, 1.0, f64::NAN] {
        let sure = Confidence { level, ..Confidence::default() };
        let error = ranked.inference(sure, 1, &Control::default()).expect_err("no confidence");
        assert!(error.to_string().contains("`confidence`"), "{error}");
    }
    let sure = Confidence { draws: 3, ..Confidence::default() };
    assert!(ranked.inference(sure, 1, &Control::default()).is_err());
}

#[test]
fn other_errors_replace_those_of_shown_rows() {
    let mut rows = vec![row(0, 10.0, Some(0.1), None), row(1, 9.0, Some(0.1), None)];
    rows[1].suppressed = Some(super::publish::Reason::FewUnits);
    let ranked = ranking(rows);
    let other = ranked.with_errors(&[Some(3.0), Some(3.0)]).expect("an error for each row");
    assert_eq!(other.rows.iter().map(|row| row.estimate.se).collect::<Vec<_>>(), [Some(3.0), None]);
    assert!(ranked.with_errors(&[Some(3.0)]).is_err());
    assert!(ranked.with_errors(&[Some(-1.0), None]).is_err());
    assert!(ranked.with_errors(&[Some(f64::NAN), None]).is_err());
}
