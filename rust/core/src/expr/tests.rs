//! Tests of the language: values, faults, types, limits. DuckDB's answers stand in tests/expr.

use std::sync::Arc;

use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int64Array,
    LargeStringArray, StringArray, UInt64Array, cast::AsArray,
};
use proptest::prelude::*;

use super::*;
use crate::Error;

fn frame() -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("x", Arc::new(Float64Array::from(vec![Some(1.0), Some(0.0), Some(f64::NAN), None])) as ArrayRef),
        ("i", Arc::new(Int64Array::from(vec![Some(7), Some(i64::MAX), Some(-7), None]))),
        ("s", Arc::new(StringArray::from(vec![Some("a_b"), Some(" Ab "), Some("12"), None]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]))),
        ("day", Arc::new(Date32Array::from(vec![Some(0), Some(31), Some(-1), None]))),
        ("money", Arc::new(money(&[Some(10), Some(35), None, Some(-1)]))),
        ("f", Arc::new(Float32Array::from(vec![Some(0.1), Some(0.5), None, Some(-0.0)]))),
    ]
}

fn money(values: &[Option<i128>]) -> Decimal128Array {
    Decimal128Array::from(values.to_vec()).with_precision_and_scale(18, 2).expect("a scale of 2 fits")
}

fn run(text: &str, nan: NanMode) -> Outcome {
    let frame = frame();
    let columns: Vec<(&str, &ArrayRef)> = frame.iter().map(|(name, array)| (*name, array)).collect();
    let expression = Expression::parse(text).unwrap_or_else(|error| panic!("`{text}`: {error}"));
    expression.evaluate(&columns, 4, nan).unwrap_or_else(|error| panic!("`{text}`: {error}"))
}

fn refusal(text: &str) -> String {
    let frame = frame();
    let columns: Vec<(&str, &ArrayRef)> = frame.iter().map(|(name, array)| (*name, array)).collect();
    let outcome = Expression::parse(text).and_then(|parsed| parsed.holds(&columns, 4, NanMode::Null));
    outcome.expect_err("the text is refused").to_string()
}

fn truths(text: &str) -> Vec<Option<bool>> {
    run(text, NanMode::Null).values.as_boolean().iter().collect()
}

fn integers(text: &str) -> Vec<Option<i64>> {
    run(text, NanMode::Null).values.as_primitive::<Int64Type>().iter().collect()
}

fn doubles(text: &str) -> Vec<Option<f64>> {
    run(text, NanMode::Null).values.as_primitive::<Float64Type>().iter().collect()
}

fn texts(text: &str) -> Vec<Option<String>> {
    let outcome = run(text, NanMode::Null);
    outcome.values.as_string::<i64>().iter().map(|value| value.map(str::to_owned)).collect()
}

#[test]
fn a_nan_is_null_or_the_greatest_number() {
    assert_eq!(truths("x > 0.5"), [Some(true), Some(false), None, None]);
    let sql = run("x > 0.5", NanMode::Sql).values;
    assert_eq!(sql.as_boolean().iter().collect::<Vec<_>>(), [Some(true), Some(false), Some(true), None]);
    assert_eq!(truths("x IS NULL"), [Some(false), Some(false), Some(true), Some(true)]);
}

#[test]
fn a_division_by_zero_is_null_and_recorded_with_its_row() {
    let outcome = run("1 / x", NanMode::Null);
    assert!(outcome.values.is_null(1));
    let place = Span { line: 1, column: 1 };
    assert_eq!(outcome.faults, [Fault { row: 1, span: place, failure: Failure::DivisionByZero }]);
    assert_eq!(run("i % 0", NanMode::Null).faults.len(), 3);
    assert!(run("NULL / 0", NanMode::Null).faults.is_empty());
}

#[test]
fn what_is_not_needed_is_not_evaluated() {
    for text in [
        "x <> 0 AND 1 / x > 0",
        "x = 0 OR 1 / x > 0",
        "CASE WHEN x = 0 THEN 0.0 ELSE 1 / x END > 0",
        "CASE x WHEN 0 THEN 0.0 ELSE 1 / x END > 0",
        "COALESCE(x, 1 / 0) > 0",
    ] {
        let faults = run(text, NanMode::Null).faults;
        let rows: Vec<usize> = faults.iter().map(|fault| fault.row).filter(|row| *row < 2).collect();
        assert!(rows.is_empty(), "`{text}`: {faults:?}");
    }
    assert_eq!(run("1 / x > 0 AND x <> 0", NanMode::Null).faults.len(), 1);
}

#[test]
fn integers_are_exact_or_a_fault() {
    assert_eq!(integers("i + 1"), [Some(8), None, Some(-6), None]);
    assert_eq!(run("i + 1", NanMode::Null).faults[0].failure, Failure::Overflow);
    assert_eq!(integers("i % 4"), [Some(3), Some(3), Some(-3), None]);
    assert_eq!(truths("i = 9223372036854775807.0"), [Some(false), Some(false), Some(false), None]);
    assert_eq!(doubles("i / 2")[0], Some(3.5));
    assert_eq!(integers("-9223372036854775808 % -1")[0], Some(0));
    assert!(refusal("i > 9223372036854775808").contains("write `9223372036854775808.0` for a double"));
}

#[test]
fn halves_are_rounded_away_from_zero() {
    for (text, value) in [
        ("ROUND(2.5)", 3.0),
        ("ROUND(-2.5)", -3.0),
        ("ROUND(0.125, 2)", 0.13),
        ("ROUND(1250.0, -2)", 1300.0),
        ("ROUND(0.49999999999999994)", 0.0),
        ("ROUND(1e300, 15)", 1e300),
    ] {
        assert_eq!(doubles(text)[0], Some(value), "{text}");
    }
    assert_eq!(integers("ROUND(-1250, -2)")[0], Some(-1300));
    assert_eq!(integers("CAST(-2.5 AS INTEGER)")[0], Some(-3));
}

#[test]
fn functions_follow_sql() {
    assert_eq!(texts("UPPER(TRIM(s))"), [Some("A_B".into()), Some("AB".into()), Some("12".into()), None]);
    assert_eq!(texts("SUBSTRING(s FROM 2 FOR 1)")[0], Some("_".into()));
    assert_eq!(texts("SUBSTRING(s, 0, 2)")[0], Some("a".into()));
    assert_eq!(texts("s || '!'")[3], None);
    assert_eq!(integers("LENGTH('\u{4fe1}\u{7528}')")[0], Some(2));
    assert_eq!(integers("GREATEST(i, 3, NULL)"), [Some(7), Some(i64::MAX), Some(3), Some(3)]);
    assert_eq!(doubles("LEAST(i, 1.5)")[0], Some(1.5));
    assert_eq!(texts("COALESCE(ABS(NULL), ROUND(NULL), -NULL, 'a')")[0], Some("a".into()));
    assert_eq!(integers("NULLIF(i, 7)"), [None, Some(i64::MAX), Some(-7), None]);
    assert_eq!(integers("CAST(s AS BIGINT)"), [None, None, Some(12), None]);
    assert_eq!(run("SQRT(-1)", NanMode::Null).faults.len(), 4);
    assert_eq!(doubles("POWER(2, 10)")[0], Some(1024.0));
    assert_eq!(integers("CASE WHEN b THEN 1 WHEN NOT b THEN 2 END"), [Some(1), Some(2), None, Some(1)]);
}

#[test]
fn patterns_match_as_in_sql() {
    assert_eq!(truths("s LIKE 'a%'"), [Some(true), Some(false), Some(false), None]);
    assert_eq!(truths(r"s LIKE 'a\_b' ESCAPE '\'"), [Some(true), Some(false), Some(false), None]);
    assert_eq!(truths("s NOT LIKE '_2'"), [Some(true), Some(true), Some(false), None]);
    assert_eq!(truths("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaab' LIKE '%a%a%a%a%a%a%a%c'")[0], Some(false));
}

#[test]
fn days_are_compared_and_counted() {
    assert_eq!(truths("day >= DATE '1970-02-01'"), [Some(false), Some(true), Some(false), None]);
    assert_eq!(integers("day - DATE '1970-01-01'"), [Some(0), Some(31), Some(-1), None]);
    assert_eq!(
        truths("day + 1 > TIMESTAMP '1970-01-01 12:00:00'"),
        [Some(true), Some(true), Some(false), None]
    );
    assert!(refusal("day > '1970-01-01'").contains("DATE '2026-01-31'"));
}

#[test]
fn decimals_and_narrow_floats_are_the_numbers_that_they_are() {
    assert_eq!(truths("money = 0.1"), [Some(true), Some(false), None, Some(false)]);
    assert_eq!(truths("f > 0.1"), [Some(true), Some(true), None, Some(false)]);
    assert_eq!(truths("f = CAST(0.1 AS REAL)"), [Some(true), Some(false), None, Some(false)]);
}

#[test]
fn lists_follow_three_valued_logic() {
    assert_eq!(truths("i IN (7, -7)"), [Some(true), Some(false), Some(true), None]);
    assert_eq!(truths("i IN (7, NULL)"), [Some(true), None, None, None]);
    assert_eq!(truths("i NOT IN (x, 7.0)"), [Some(false), Some(true), None, None]);
    let long = (0..20_000).map(|value| (-value).to_string()).collect::<Vec<_>>().join(", ");
    assert_eq!(truths(&format!("i IN ({long})")), [Some(false), Some(false), Some(true), None]);
}

#[test]
fn refusals_name_place_and_way_out() {
    for (text, told) in [
        ("scroe > 1", "line 1, column 1: unknown column `scroe`; the columns are"),
        ("x > 0 AND\n  dayy = x", "line 2, column 3: unknown column `dayy`; did you mean `day`?"),
        ("COALESC(x) > 1", "no function `COALESC`; did you mean `COALESCE`?"),
        ("median(x) > 1", "no function `median`; the functions are ABS"),
        ("s > 1", "`TEXT` and `BIGINT` cannot be compared; text is written in single quotes"),
        ("i AND b", "AND takes `BOOLEAN`, here is `BIGINT`; compare it: `... <> 0`"),
        ("current_date > day", "unknown column `current_date`"),
        ("x + 1", "the text gives `DOUBLE`, not a truth"),
        ("x >", "the text ends too early"),
        ("x > 1 y", "`y` stands after the end"),
        ("x > 1; x", "write one expression"),
        ("", "the text is empty"),
        ("s = 'a", "close the quote"),
        ("x IN (SELECT 1)", "a query inside an expression"),
        ("t.x > 1", "there are no tables"),
        ("ROUND(x, i) > 1", "ROUND takes a whole number of places"),
        ("SUM(x) OVER () > 1", "no function `SUM`"),
        ("ABS(x) OVER () > 1", "this form of `ABS`"),
        ("ABS(x, x) > 1", "`ABS` takes 1 arguments, here are 2"),
        ("CAST(x AS BLOB) IS NULL", "the types are BOOLEAN"),
        ("x < 1 < 2", "a Boolean stands for itself"),
    ] {
        let error = refusal(text);
        assert!(error.contains(told), "`{text}`: {error}");
    }
}

#[test]
fn texts_beyond_the_limits_are_refused_at_once() {
    let nested = |open: &str, close: &str| format!("{}b{}", open.repeat(200), close.repeat(200));
    for text in [
        nested("(", ")"),
        nested("NOT ", ""),
        nested("CASE WHEN b THEN ", " END"),
        nested("ABS(", ")"),
        format!("x = 1{}", " + 1".repeat(2_000)),
        format!("x = 1{}", " + 1".repeat(200)),
        format!("x = (1{})", "-1".repeat(2_000)),
        format!("b{}", " AND b".repeat(2_000)),
        "(".repeat(100_000),
        format!("s = '{}'", "a".repeat(LONGEST_TEXT)),
        format!("CAST(x AS {}", "ARRAY<".repeat(5_000)),
    ] {
        let error = Expression::parse(&text).expect_err("the text is refused");
        assert!(matches!(error, Error::Tactic { .. }), "{error}");
    }
    assert_eq!(truths(&format!("b{}", " AND b".repeat(MOST_OPERATORS - 1)))[0], Some(true));
    assert_eq!(truths(&format!("i > 0{}", " + 1".repeat(LONGEST_CHAIN)))[0], Some(false));
}

#[test]
fn other_columns_are_not_read() {
    let huge: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let names: ArrayRef = Arc::new(LargeStringArray::from(vec!["a"]));
    let columns = [("huge", &huge), ("s", &names)];
    let holds = |text: &str| Expression::parse(text).expect("it parses").holds(&columns, 1, NanMode::Null);
    assert!(holds("s = 'a'").is_ok());
    assert!(holds("huge > 1").expect_err("it is too large").to_string().contains("18446744073709551615"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "[a-z0-9 ()<>=+*/%',.\"-]{0,60}") {
        drop(Expression::parse(&text));
    }

    #[test]
    fn no_words_of_sql_make_the_parser_panic(words in proptest::collection::vec(
        prop::sample::select(vec!["CASE", "WHEN", "x", "(", ")", "NOT", "AND", "IN", "1", "'a'", "LIKE", "CAST",
            "AS", "BETWEEN", "END", "-", "NULL", "IS", ",", "INTERVAL", "TRIM", "DATE", "EXTRACT", "[", "{", "::"]),
        0..25,
    )) {
        drop(Expression::parse(&words.join(" ")));
    }
}
