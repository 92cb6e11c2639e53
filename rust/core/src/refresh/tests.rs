//! Claims in any order, hashes over any cut.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int32Array, Int64Array, LargeStringArray};

use super::{Claim, Keys, RecordHashes, winners};

fn hashes(columns: &[(&str, ArrayRef)]) -> Vec<u128> {
    let mut made = RecordHashes::new(columns[0].1.len());
    for (name, array) in columns {
        made.add(name, array).expect("the type is known");
    }
    made.finish()
}

#[test]
fn any_order_of_rows_with_versions_leaves_the_same_row() {
    let claim = |version, deletes, hash| Claim { version: Some(version), deletes, hash };
    let rows =
        [claim(1, false, 9), claim(3, false, 4), claim(3, false, 5), claim(2, true, 0), claim(3, true, 0)];
    for first in 0..rows.len() {
        for step in 1..rows.len() {
            let mut order: Vec<usize> = (0..rows.len()).map(|at| (first + at * step) % rows.len()).collect();
            order.extend(0..rows.len());
            let winner = winners(
                &(0..order.len() as u32).collect::<Vec<_>>(),
                |_, _| true,
                |row| rows[order[row as usize]],
            );
            assert_eq!(rows[order[winner[0] as usize]], claim(3, true, 0));
        }
    }
}

#[test]
fn without_versions_the_later_row_counts_and_never_against_a_version() {
    let plain = |hash| Claim { version: None, deletes: false, hash };
    let explicit = Claim { version: Some(-5), deletes: false, hash: 0 };
    assert!(plain(1).replaces(&plain(2)));
    assert!(!plain(1).replaces(&explicit));
    assert!(explicit.replaces(&plain(1)));
}

#[test]
fn a_null_is_a_column_that_is_not_there() {
    let key: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let some: ArrayRef = Arc::new(Float64Array::from(vec![None, Some(0.5)]));
    let (with, without) =
        (hashes(&[("key", key.clone()), ("x", some.clone())]), hashes(&[("key", key.clone())]));
    assert_eq!(with[0], without[0]);
    assert_ne!(with[1], without[1]);
    assert_eq!(with, hashes(&[("x", some), ("key", key)]));
}

#[test]
fn the_width_of_an_integer_changes_nothing_and_its_column_does() {
    let (wide, narrow): (ArrayRef, ArrayRef) =
        (Arc::new(Int64Array::from(vec![-3])), Arc::new(Int32Array::from(vec![-3])));
    assert_eq!(hashes(&[("a", wide.clone())]), hashes(&[("a", narrow)]));
    assert_ne!(hashes(&[("a", wide.clone())]), hashes(&[("b", wide)]));
}

#[test]
fn hashes_of_many_records_differ_in_either_half() {
    let many: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
    let other: ArrayRef = Arc::new(Int64Array::from_iter_values((0..100_000).map(|n| n % 317)));
    let texts: ArrayRef =
        Arc::new(LargeStringArray::from_iter_values((0..100_000).map(|n| format!("r{}", n % 1000))));
    for columns in [vec![("a", many.clone()), ("b", other)], vec![("a", many), ("t", texts)]] {
        let made = hashes(&columns);
        for half in [0, 64] {
            let mut halves: Vec<u64> = made.iter().map(|hash| (hash >> half) as u64).collect();
            halves.sort_unstable();
            halves.dedup();
            assert_eq!(halves.len(), 100_000);
        }
    }
}

#[test]
fn texts_of_one_key_stand_together() {
    let keys =
        Keys::new("k", Arc::new(LargeStringArray::from(vec!["a", "b", "a", ""]))).expect("texts are keys");
    let spread = keys.spread();
    assert_eq!(spread[0], spread[2]);
    assert_ne!(spread[0], spread[1]);
    assert!(keys.same(0, &keys, 2) && !keys.same(0, &keys, 1));
    assert!(Keys::new("k", Arc::new(Float64Array::from(vec![1.0]))).is_err());
}

#[test]
fn a_hash_goes_on_from_what_it_has_taken_in() {
    let a: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None, Some(-3)]));
    let b: ArrayRef = Arc::new(LargeStringArray::from(vec![Some("x"), Some(""), None]));
    let mut first = RecordHashes::new(3);
    first.add("a", &a).expect("the type is known");
    let mut then = RecordHashes::of_lanes(first.lanes().to_vec());
    then.add("b", &b).expect("the type is known");
    assert_eq!(then.finish(), hashes(&[("b", b), ("a", a)]));
}
