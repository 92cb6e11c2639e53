//! Tests of scores: exact sums, monotone points, parts that add up (laws 1 and 5).

use proptest::prelude::*;

use super::*;
use crate::Error;

fn scaling() -> Scaling {
    Scaling::new(20.0, 50.0, 600.0, None, None).expect("the default is good")
}

fn blend(models: usize, calibration: Option<Calibration>) -> Part {
    let weights = (0..models).map(|index| (index as f64 + 1.0) / 3.0);
    let weigh = |(index, weight)| (format!("m{index}"), fixed_weight("m", weight).expect("it is allowed"));
    Part { models: weights.enumerate().map(weigh).collect(), calibration }
}

fn calibrations() -> Vec<Option<Calibration>> {
    let log_odds = vec![-3.0, -1.0, -1.0 + 1e-9, 2.0];
    let steps = Calibration::Isotonic { log_odds, probability: vec![0.0, 0.1, 0.1, 0.9] };
    vec![None, Some(Calibration::Platt { slope: 0.8, intercept: -0.3 }), Some(steps)]
}

#[test]
fn base_odds_have_base_points_and_pdo_doubles_the_odds() {
    let scaling = scaling();
    assert_eq!(to_points(scaling.points(logit(1.0 / 51.0))), 600.0);
    assert_eq!(to_points(scaling.points(logit(1.0 / 101.0))), 620.0);
    assert_eq!(to_points(scaling.points(logit(1.0 / 26.0))), 580.0);
}

#[test]
fn halves_of_a_unit_are_rounded_away_from_zero() {
    assert_eq!(to_units(1.0 / 128.0), 1);
    assert_eq!(to_units(-1.0 / 128.0), -1);
    assert_eq!(to_units(0.49999999999999994 / 64.0), 0);
}

#[test]
fn certainty_has_bounded_log_odds() {
    assert_eq!((logit(0.0), logit(1.0)), (-BOUND, BOUND));
    assert_eq!(fixed(f64::INFINITY), (BOUND * UNITS) as i64);
    assert_eq!(sigmoid(-800.0), 0.0);
    assert_eq!(sigmoid(800.0), 1.0);
}

#[test]
fn no_sum_of_the_most_models_overflows() {
    let mut sum = LogOddsSum::default();
    let weight = fixed_weight("m", 1e6).expect("it is the greatest");
    (0..MOST_MODELS).for_each(|_| sum.add(weight, fixed(-BOUND)));
    assert_eq!(sum.mean(), Some(-BOUND));
}

#[test]
fn an_effect_scores_then_caps_then_clamps() {
    let scaling = Scaling::new(20.0, 50.0, 600.0, Some(300.0), Some(850.0)).expect("the limits are good");
    let effect = Effect::parse(" score -20; cap 550 ; score 5;cap 560").expect("it is an effect");
    let steps = effect.apply(to_units(600.0), &scaling);
    assert_eq!((steps.score, steps.cap, steps.clamp), (-15 * 64, -35 * 64, 0));
    let low = Effect::parse("cap 100").expect("it is an effect").apply(to_units(600.0), &scaling);
    assert_eq!((to_points(low.points), to_points(low.clamp)), (300.0, 200.0));
    for text in ["score", "cap x", "limit 5", "score NaN", "score 1e300", "scöre 5"] {
        assert!(matches!(Effect::parse(text), Err(Error::Argument { .. })), "{text}");
    }
}

#[test]
fn contributions_of_another_score_are_refused() {
    let (part, names) = (blend(1, None), vec!["a".to_owned()]);
    let shares = [Some(Shares { features: &names, values: vec![0.5, -3.0] })];
    let points = to_points(scaling().points(-2.0));
    let refused = explain(&part, OnNull::Refuse, &shares, &scaling(), points, &Effect::default());
    let error = refused.expect_err("they add up to -2.5").to_string();
    assert!(error.contains("the contributions add up to"), "{error}");
}

#[test]
fn adverse_reasons_go_by_points_and_then_by_name() {
    let names: Vec<String> = ["d", "b", "c", "a", "e", "f"].map(str::to_owned).to_vec();
    let values = vec![0.25, 0.5, 0.25, 0.25, -1.0, 0.25, -3.0];
    let points = to_points(scaling().points(values.iter().sum()));
    let shares = [Some(Shares { features: &names, values })];
    let explained = explain(&blend(1, None), OnNull::Refuse, &shares, &scaling(), points, &Effect::default())
        .expect("they add up");
    let reasons = explained.adverse(4);
    let names: Vec<&str> = reasons.iter().filter_map(|line| line.feature.as_deref()).collect();
    assert_eq!(names, ["b", "a", "c", "d"]);
}

#[test]
fn figures_are_exact_with_ties_and_merge_in_any_order() {
    let entry = |score: f64, good: u64, bad: u64| Entry { score, good, bad };
    let whole = ScoreCounts {
        entries: vec![entry(1.0, 2, 0), entry(2.0, 1, 1), entry(3.0, 0, 2)],
        ..ScoreCounts::default()
    };
    assert_eq!(whole.auc(), Ok((3.0 + 3.0 + 2.5) / 9.0));
    assert_eq!(whole.ks(), Ok(2.0 / 3.0));
    assert_eq!(whole.gini(), Ok(8.0 / 9.0));
    let part = |range: std::ops::Range<usize>| ScoreCounts {
        entries: whole.entries[range].to_vec(),
        ..ScoreCounts::default()
    };
    let (mut left, mut right) = (part(1..3), part(0..1));
    left.merge(part(0..1));
    right.merge(part(1..3));
    assert_eq!((&left.entries, &right.entries), (&whole.entries, &whole.entries));
    assert!(part(0..1).auc().is_err());
}

proptest! {
    #[test]
    fn one_model_is_replaced_exactly(
        outputs in prop::collection::vec((1e-6..1e6f64, -80.0..80.0f64), 1..40),
        at in 0usize..40,
        new in -80.0..80.0f64,
    ) {
        let at = at % outputs.len();
        let weights: Vec<i64> = outputs.iter().map(|(weight, _)| fixed_weight("m", *weight).unwrap_or(0)).collect();
        let mut replaced = LogOddsSum::default();
        let mut anew = LogOddsSum::default();
        for (index, (_, output)) in outputs.iter().enumerate() {
            replaced.add(weights[index], fixed(*output));
        }
        replaced.remove(weights[at], fixed(outputs[at].1));
        replaced.add(weights[at], fixed(new));
        for (index, (_, output)) in outputs.iter().enumerate().rev() {
            anew.add(weights[index], fixed(if index == at { new } else { *output }));
        }
        prop_assert_eq!(replaced, anew);
    }

    #[test]
    fn points_never_rise_with_the_log_odds_of_bad(a in -70.0..70.0f64, step in 0.0..1e-6f64) {
        for calibration in calibrations().into_iter().flatten() {
            let (low, high) = (calibration.apply(a), calibration.apply(a + step));
            prop_assert!(low.0 <= high.0);
            prop_assert!(scaling().points(low.1) >= scaling().points(high.1));
        }
        prop_assert!(scaling().points(a) >= scaling().points(a + step));
        prop_assert!(logit(sigmoid(a)) <= logit(sigmoid(a + step)));
    }

    #[test]
    fn the_parts_of_a_score_add_up_to_it(
        rows in prop::collection::vec(prop::collection::vec(-2.0..2.0f64, 4), 1..5),
        missing in 0usize..8,
        effect in prop::sample::select(vec!["", "score -20", "cap 550", "score 7.3; cap 610; score -1"]),
        kind in 0usize..3,
    ) {
        let part = blend(rows.len(), calibrations()[kind].clone());
        let names: Vec<String> = ["x", "y", "z"].map(str::to_owned).to_vec();
        let there = |index: usize| index != missing || rows.len() == 1;
        let models: Vec<Option<Shares<'_>>> = rows
            .iter()
            .enumerate()
            .map(|(index, values)| there(index).then(|| Shares { features: &names, values: values.clone() }))
            .collect();
        let mut sum = LogOddsSum::default();
        for (index, values) in rows.iter().enumerate().filter(|(index, _)| there(*index)) {
            sum.add(part.models[index].1, fixed(values.iter().sum()));
        }
        let log_odds = sum.mean().expect("a model is there");
        let calibrated = part.calibration.as_ref().map_or(log_odds, |calibration| calibration.apply(log_odds).1);
        let scaling = Scaling::new(20.0, 50.0, 600.0, Some(450.0), Some(700.0)).expect("the limits are good");
        let points = scaling.points(calibrated);
        let effect = Effect::parse(effect).expect("it is an effect");
        let explained =
            explain(&part, OnNull::Renormalise, &models, &scaling, to_points(points), &effect);
        let explained = explained.expect("they add up");
        prop_assert_eq!(explained.total(), effect.apply(points, &scaling).points);
        let rounding = explained.lines.iter().find(|line| line.kind == PartKind::Rounding);
        prop_assert!(rounding.is_none_or(|line| line.units.abs() <= 4));
        prop_assert!(explained.adverse(4).len() <= 4);
    }
}

#[test]
fn log_odds_of_many_are_those_of_one() {
    use creditcore_kernels::isa::Isa;
    use creditcore_kernels::logit::{BLOCK, log_odds};
    // Every exponent, and around the places where the logarithms change their ways.
    let edges = [0x3fd2_bec5u64, 0x3fe6_a09e, 0x3ca0_0000, 0x3fe0_0000, 0x0010_0000].map(|high| high << 32);
    let beside = edges.into_iter().flat_map(|bits| (0..2_000).map(move |step| bits - 1_000 + step));
    let mut state = 1u64;
    let drawn = (0..400_000u64).map(|at| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let high = if at % 2 == 0 { 1 + (state >> 33) % 0x3fe } else { 0x3f0 + (state >> 33) % 15 };
        high << 52 | (state.rotate_left(25) & ((1 << 52) - 1))
    });
    let probabilities: Vec<f64> = beside.chain(drawn).map(f64::from_bits).collect();
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        for block in probabilities.chunks(BLOCK) {
            let mut found = [0; BLOCK];
            log_odds(isa, block, BOUND, UNITS, &mut found);
            for (&probability, found) in block.iter().zip(found).filter(|(p, _)| **p >= f64::MIN_POSITIVE) {
                assert_eq!(found, fixed(logit(probability)), "{isa}: {probability:e}");
            }
        }
    }
}
