//! Tests of schemas at their edges: columns that the Python side cannot easily make, and the faults' limit.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, UInt64Array, cast::AsArray,
};

use proptest::prelude::*;

use super::*;
use crate::batch::Frame;
use crate::exec::Control;

fn apply(schema: &str, name: &str, column: ArrayRef) -> crate::Result<Applied> {
    let schema = Schema::from_json(schema, "schema").expect("the schema is good");
    let batch = RecordBatch::try_from_iter([(name, column)]).expect("one column is a batch");
    let frame = Frame::new(vec![name.to_owned()], vec![batch]);
    schema.apply(&frame, &[], 2, &Control::default())
}

const FLOAT: &str = r#"{"features": [{"name": "x", "type": "float64", "missing": [-999]}]}"#;

#[test]
fn a_decimal_is_the_nearest_double() {
    let money = Decimal128Array::from(vec![Some(10), Some(-99_900), None]);
    let money = money.with_precision_and_scale(18, 2).expect("a scale of 2 fits");
    let applied = apply(FLOAT, "x", Arc::new(money)).expect("a decimal is a number");
    let values = applied.batches[0].column(0).as_primitive::<arrow_array::types::Float64Type>();
    assert_eq!(values.iter().collect::<Vec<_>>(), [Some(0.1), None, None]);
}

#[test]
fn days_and_integers_beyond_64_bits_are_refused() {
    let days: ArrayRef = Arc::new(Date32Array::from(vec![1]));
    let error = apply(FLOAT, "x", days).expect_err("a day is no number").to_string();
    assert!(error.contains("column `x` is of type `Date32`"), "{error}");
    let huge: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    assert!(
        apply(FLOAT, "x", huge).expect_err("it is too large").to_string().contains("18446744073709551615")
    );
}

#[test]
fn a_thousand_faults_are_told_and_all_are_counted() {
    let schema = r#"{"features": [{"name": "y", "type": "float64", "derived": "1 / x"}]}"#;
    let zeros: ArrayRef = Arc::new(Int64Array::from(vec![0; 40_000]));
    let applied = apply(schema, "x", zeros).expect("faults are no errors");
    assert_eq!((applied.faults.len(), applied.counts[0].faults), (1_000, 40_000));
    assert!(applied.faults.iter().enumerate().all(|(row, fault)| fault.row == row as u64));
}

#[test]
fn unseen_values_are_counted_one_by_one_up_to_a_thousand() {
    let schema = r#"{"features": [{"name": "x", "type": "category", "values": ["1"]}]}"#;
    let values: ArrayRef = Arc::new(Int64Array::from_iter_values((0..3_000).map(|value| value % 1_500)));
    let counts = &apply(schema, "x", values).expect("unseen values are kept").counts[0];
    assert_eq!(counts.unseen.len(), 1_000);
    assert_eq!(counts.unseen.values().sum::<u64>() + counts.unseen_more, 2_998);
}

proptest! {
    #[test]
    fn no_mutation_of_a_schema_makes_its_reader_panic(cut in 0usize..400, with in "[\\[\\]{}\":,a-z0-9.-]{0,6}") {
        let whole = r#"{"missing": [-999, "NaN"], "nan": "sql", "features": [{"name": "a", "type": "category",
            "values": ["x", 1], "special": {"-1": "none"}, "sensitive": true}, {"name": "b", "type": "int64",
            "clip": [0, null], "source": "a"}, {"name": "c", "type": "float32", "derived": "a + b"}]}"#;
        let cut = cut.min(whole.len());
        drop(Schema::from_json(&format!("{}{with}{}", &whole[..cut], &whole[cut..]), "schema"));
        drop(Schema::from_json(&format!("{}{with}", &whole[..cut]), "schema"));
    }
}
