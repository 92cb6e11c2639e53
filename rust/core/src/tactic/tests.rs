//! Tests of policies: reading, deciding, and what is refused.

use super::*;

fn policy(rules: &str) -> Read {
    read(&format!(r#"{{"tactics": [{{"id": "t", "rules": {rules}}}]}}"#), Arc::default()).expect("it is JSON")
}

#[test]
fn everything_wrong_is_told_at_once() {
    let found = policy(
        r#"[{"id": "a", "when": "x >", "action": "rejct", "on_null": "hit"}, {"id": "a", "when": "x > 1", "action": "flag"}]"#,
    );
    assert!(found.policy.is_none());
    let codes: Vec<_> = found.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["syntax", "action", "duplicate_id", "on_null"]);
    assert_eq!(found.findings[1].hint.as_deref(), Some("did you mean `reject`?"));
}

use std::sync::Arc;

use arrow_array::types::Int8Type;
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float32Array, Float64Array,
    Int16Array, Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray,
};
use proptest::prelude::*;

use crate::batch::Frame;
use crate::exec::Control;

const NAMES: [&str; 12] = ["x", "f", "i", "n", "s", "t", "d", "v", "b", "day", "at", "m"];

/// Columns of every type that conditions meet, odd values in each, so many rows.
fn frame(rows: usize, seed: usize) -> Frame {
    fn pick<T: Clone>(rows: usize, salt: usize, values: &[T]) -> Vec<T> {
        let of = |row: usize| (row.wrapping_mul(2_654_435_761) >> 7).wrapping_add(row * salt) % values.len();
        (0..rows).map(|row| values[of(row.wrapping_add(salt * 977))].clone()).collect()
    }
    let words = ["", "a", "A", "b ", "ab", "\u{4fe1}\u{7528}", "z\u{0}"];
    let texts: Vec<Option<&str>> = words.iter().map(|word| Some(*word)).chain([None]).collect();
    let codes: DictionaryArray<Int8Type> = pick(rows, seed + 5, &texts).into_iter().collect();
    let doubles = [
        None,
        Some(0.0),
        Some(-0.0),
        Some(1.5),
        Some(f64::NAN),
        Some(f64::INFINITY),
        Some(-1e300),
        Some(600.0),
        Some(0.1),
    ];
    let singles =
        [None, Some(0.1f32), Some(f32::NAN), Some(-0.0), Some(1.5), Some(f32::INFINITY), Some(1e-40)];
    let whole = [None, Some(0), Some(-1), Some(i64::MAX), Some(i64::MIN), Some(7), Some(600)];
    let cents = Decimal128Array::from(pick(rows, seed + 6, &[None, Some(150i128), Some(60_000), Some(-1)]));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Float64Array::from(pick(rows, seed, &doubles))),
        Arc::new(Float32Array::from(pick(rows, seed + 1, &singles))),
        Arc::new(Int64Array::from(pick(rows, seed + 2, &whole))),
        Arc::new(Int16Array::from(pick(
            rows,
            seed + 3,
            &[None, Some(0), Some(-7), Some(i16::MAX), Some(600)],
        ))),
        Arc::new(StringArray::from(pick(rows, seed + 4, &texts))),
        Arc::new(LargeStringArray::from(pick(rows, seed + 9, &texts))),
        Arc::new(codes),
        Arc::new(pick(rows, seed + 8, &texts).into_iter().collect::<StringViewArray>()),
        Arc::new(BooleanArray::from(pick(rows, seed + 7, &[None, Some(true), Some(false)]))),
        Arc::new(Date32Array::from(pick(rows, seed + 10, &[None, Some(0), Some(-1), Some(20_000)]))),
        Arc::new(TimestampMicrosecondArray::from(pick(rows, seed + 11, &[None, Some(0), Some(-1), Some(1)]))),
        Arc::new(cents.with_precision_and_scale(18, 2).expect("a scale of 2 fits")),
    ];
    let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    let batch = RecordBatch::try_from_iter_with_nullable(
        NAMES.iter().zip(columns).map(|(name, column)| (*name, column, true)),
    );
    Frame::new(names, vec![batch.expect("columns of one length")])
}

fn leaf() -> impl Strategy<Value = String> {
    let numbers = prop::sample::select(vec!["x", "f", "i", "n", "m"]);
    let texts = prop::sample::select(vec!["s", "t", "d", "v"]);
    let signs = prop::sample::select(vec!["=", "<>", "<", "<=", ">", ">="]);
    let values =
        prop::sample::select(vec!["0", "1.5", "600", "-7", "0.1", "1e300", "9223372036854775807", "-0.5"]);
    let words = prop::sample::select(vec!["''", "'a'", "'b '", "'\u{4fe1}\u{7528}'", "'ab'", "'aa'"]);
    prop_oneof![
        6 => (numbers.clone(), signs.clone(), values.clone()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        2 => (values.clone(), signs.clone(), numbers.clone()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        2 => (numbers.clone(), values.clone(), values.clone()).prop_map(|(a, b, c)| format!("{a} NOT BETWEEN {b} AND {c}")),
        2 => (numbers.clone(), values.clone(), values.clone()).prop_map(|(a, b, c)| format!("{a} IN ({b}, {c}, 7)")),
        3 => (texts.clone(), signs, words.clone()).prop_map(|(a, o, b)| format!("{a} {o} {b}")),
        2 => (texts.clone(), words.clone(), words).prop_map(|(a, b, c)| format!("{a} NOT IN ({b}, {c})")),
        1 => texts.prop_map(|a| format!("{a} LIKE '%a%'")),
        2 => prop::sample::select(NAMES.to_vec()).prop_map(|a| format!("{a} IS NULL")),
        1 => Just("b".to_owned()),
        1 => Just("day >= DATE '1970-01-01'".to_owned()),
        1 => Just("at < DATE '1970-01-01'".to_owned()),
        1 => Just("day < TIMESTAMP '1970-01-01 12:00:00'".to_owned()),
        2 => (numbers.clone(), numbers).prop_map(|(a, b)| format!("{a} / {b} > 1")),
        1 => Just("i + 1 > n".to_owned()),
        1 => Just("CAST(s AS DOUBLE) > 1".to_owned()),
        1 => Just("x IN (1.5, NULL)".to_owned()),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    leaf().prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" AND "))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            inner.prop_map(|part| format!("(NOT {part})")),
        ]
    })
}

fn rule() -> impl Strategy<Value = String> {
    let actions = vec!["reject", "review", "flag", "flag", "flag", "pass", "score(-20)", "cap(550.5)"];
    let nulls = vec!["no_hit", "hit", "review", "error"];
    (condition(), prop::sample::select(actions), prop::sample::select(nulls), 0..6).prop_map(
        |(when, action, on_null, mode)| {
            let mode = if mode == 0 { "shadow" } else { "live" };
            format!(r#""when": "{when}", "action": "{action}", "on_null": "{on_null}", "mode": "{mode}""#)
        },
    )
}

fn decided(policy: &Policy, frame: &Frame, golden: bool) -> Vec<RecordBatch> {
    let options = Options { shadow: true, golden, ..Options::default() };
    policy.decide(frame, options, 1, &Control::default()).expect("it decides")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_mask_engine_equals_the_golden_one(
        rules in prop::collection::vec(rule(), 1..14),
        table in 0..4usize,
        sql in any::<bool>(),
        seed in 0..1000usize,
    ) {
        let half = rules.len().div_ceil(2);
        let tactic = |name: &str, rules: &[String]| {
            let named = rules.iter().enumerate();
            let rules: Vec<String> = named.map(|(at, rule)| format!(r#"{{"id": "{name}{at}", {rule}}}"#)).collect();
            format!(r#"{{"id": "{name}", "rules": [{}]}}"#, rules.join(", "))
        };
        let mut tactics = vec![tactic("a", &rules[..half])];
        if half < rules.len() {
            tactics.push(tactic("b", &rules[half..]));
        }
        let nan = if sql { "sql" } else { "null" };
        let text = format!(r#"{{"nan": "{nan}", "time_zone": "UTC", "tactics": [{}]}}"#, tactics.join(", "));
        let found = read(&text, Arc::default()).expect("it is JSON");
        let mut policy = found.policy.unwrap_or_else(|| panic!("{:?}", found.findings));
        policy.tactics[0].table =
            [None, Some(HitPolicy::First), Some(HitPolicy::Unique), Some(HitPolicy::Collect)][table];
        let frame = frame(131, seed);
        prop_assert_eq!(decided(&policy, &frame, false), decided(&policy, &frame, true), "{}", text);
    }
}

#[test]
fn blocks_and_threads_change_nothing() {
    let rules = ["x > 1", "i / n > 1 OR b", "s = 'a' AND NOT d = 'a'", "f < 0.2 AND day IS NULL"];
    let rules: Vec<String> = (rules.iter().enumerate())
        .map(|(at, when)| {
            format!(r#"{{"id": "r{at}", "when": "{when}", "action": "flag", "on_null": "hit"}}"#)
        })
        .collect();
    let policy = policy(&format!("[{}]", rules.join(","))).policy.expect("it is a policy");
    for rows in [0, 1, 63, 64, 65, 2047, 2048, 2049, 5000] {
        let frame = frame(rows, 3);
        assert_eq!(decided(&policy, &frame, false), decided(&policy, &frame, true), "{rows}");
    }
}

fn codes(rules: &[(&str, &str)]) -> Vec<(String, &'static str)> {
    let rules: Vec<String> = (rules.iter().enumerate())
        .map(|(at, (when, action))| {
            format!(r#"{{"id": "r{at}", "when": "{when}", "action": "{action}", "on_null": "no_hit"}}"#)
        })
        .collect();
    let policy = policy(&format!("[{}]", rules.join(","))).policy.expect("it is a policy");
    let found = policy.check(&[], &Against::default());
    found.into_iter().map(|one| (one.subject.unwrap_or_default(), one.code)).collect()
}

#[test]
fn rules_without_sense_are_found() {
    let told = |rule: &str, code| vec![(format!("rule `{rule}`"), code)];
    assert_eq!(codes(&[("x > 5 AND x < 3", "flag")]), told("r0", "always_false"));
    assert_eq!(codes(&[("x > 5 OR x <= 5.0", "flag")]), told("r0", "always_true"));
    assert_eq!(codes(&[("s = 'a' AND s = 'b'", "flag")]), told("r0", "always_false"));
    assert_eq!(codes(&[("i > 5 AND i < 6", "flag")]), told("r0", "always_false"));
    assert_eq!(codes(&[("i > 5 AND i < 6.5", "flag")]), []);
    assert_eq!(codes(&[("x IS NULL AND x > 1", "flag")]), told("r0", "always_false"));
    assert_eq!(codes(&[("x > 5", "reject"), ("x > 6 AND y < 2", "flag")]), told("r1", "unreachable"));
    assert_eq!(codes(&[("x > 5 AND y < 2", "reject"), ("x > 6", "flag")]), []);
    assert_eq!(codes(&[("x > 5", "review"), ("x > 6 AND y < 2", "flag")]), []);
    assert_eq!(codes(&[("x > 5", "flag"), ("(x)  >  5", "flag")]), told("r1", "duplicate"));
    assert_eq!(codes(&[("x > 5", "flag"), ("x BETWEEN 6 AND 9", "flag")]), told("r1", "contained"));
    assert_eq!(codes(&[("x > 5", "flag"), ("x BETWEEN 4 AND 9", "flag")]), []);
}
