//! Packed columns come back as they were, whatever their types, their segments and the order of rows.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt16Type;
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, FixedSizeBinaryArray, FixedSizeListArray, Float64Array,
    Int64Array, LargeStringArray, RecordBatch, TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow_schema::{Field, Schema};
use arrow_select::take::take;

use super::narrow::narrowed;
use super::packed::{Packed, TOGETHER, packed};
use super::rows::Rows;
use super::segment::Segment;

const ROWS: usize = 5_000;
const NAMES: [&str; 12] =
    ["key", "count", "share", "float", "large", "flag", "text", "many", "sum", "said", "bins", "time"];

/// Columns of all types that are packed, some with nulls; `wide` has larger numbers than fit the narrowest types.
fn columns(wide: i64) -> RecordBatch {
    let every = |step: usize, row: usize| !row.is_multiple_of(step);
    let numbers = || 0..ROWS as i64;
    let said = numbers().map(|row| (row % 9 > 0).then_some([row as u8; 32]));
    let bins = numbers().map(|row| (row % 5 > 0).then(|| vec![Some(row as u16), Some(7), Some(wide as u16)]));
    let decimals = Decimal128Array::from_iter(numbers().map(|row| Some(i128::from(row % 3 * wide))));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(numbers().map(|row| row * wide - 7))),
        Arc::new(numbers().map(|row| every(3, row as usize).then_some(row % 90)).collect::<Int64Array>()),
        Arc::new(
            numbers().map(|row| every(7, row as usize).then_some(row as f64 / 3.0)).collect::<Float64Array>(),
        ),
        Arc::new(Float64Array::from_iter_values(numbers().map(|row| row as f64 * wide as f64 / 4.0))),
        Arc::new(numbers().map(|row| Some(u64::MAX - row as u64 * wide as u64)).collect::<UInt64Array>()),
        Arc::new(
            numbers().map(|row| every(4, row as usize).then_some(row % 2 == 0)).collect::<BooleanArray>(),
        ),
        Arc::new(
            numbers()
                .map(|row| every(6, row as usize).then(|| format!("t{}", row % 11)))
                .collect::<LargeStringArray>(),
        ),
        Arc::new(LargeStringArray::from_iter_values(numbers().map(|row| format!("m{}", row % 600)))),
        Arc::new(decimals.with_precision_and_scale(38, 0).expect("a type of decimals")),
        Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(said, 32).expect("of one width")),
        Arc::new(FixedSizeListArray::from_iter_primitive::<UInt16Type, _, _>(bins, 3)),
        Arc::new(TimestampMicrosecondArray::from_iter_values(numbers().map(|row| row * wide))),
    ];
    let fields = NAMES.iter().zip(&columns);
    let fields: Vec<Field> =
        fields.map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a batch")
}

fn segment(batch: &RecordBatch, together: &[&str]) -> Segment {
    let names: Vec<String> = together.iter().map(|&name| name.to_owned()).collect();
    let batch = packed(narrowed(batch, 2).expect("it can be narrowed"), &names, 2).expect("and packed");
    let packed = Packed::of(&batch).expect("which is understood");
    assert_eq!(packed.as_ref().map_or(0, |packed| packed.slots().len()), together.len());
    Segment::of(batch, packed)
}

/// What rows are gathered from segments, and what they are taken from whole columns.
fn alike(segments: Vec<Segment>, batches: &[RecordBatch], chosen: &[u32]) {
    let mut rows = Rows::default();
    segments.into_iter().for_each(|segment| assert!(rows.push(segment).is_ok()));
    let whole = arrow_select::concat::concat_batches(&batches[0].schema(), batches).expect("one batch");
    let found = rows.gather(chosen, None).expect("rows");
    assert_eq!(found.num_columns(), NAMES.len());
    for name in NAMES {
        let column = whole.column_by_name(name).expect("a column");
        let wanted = take(column, &UInt32Array::from(chosen.to_vec()), None).expect("rows of it");
        assert_eq!(found.column_by_name(name), Some(&wanted), "{name}");
        assert_eq!(rows.column_of(name, chosen).expect("rows"), Some(wanted), "{name} alone");
    }
}

/// Some of so many rows, in no order.
fn scattered(rows: usize) -> Vec<u32> {
    (0..4_000u32).map(|row| row.wrapping_mul(2_654_435_761) % rows as u32).collect()
}

#[test]
fn packed_columns_come_back_whatever_their_types_and_the_order_of_rows() {
    let batches = [columns(1), columns(70_000), columns(3)];
    let segments = || batches.iter().map(|batch| segment(batch, &NAMES)).collect::<Vec<_>>();
    let forwards: Vec<u32> = (0..3 * ROWS as u32).collect();
    for chosen in
        [forwards.clone(), forwards[4_990..5_020].to_vec(), scattered(3 * ROWS), vec![9_999], Vec::new()]
    {
        alike(segments(), &batches, &chosen);
    }
}

#[test]
fn segments_that_pack_others_and_that_pack_none_give_the_same() {
    let batches = [columns(1), columns(70_000), columns(3)];
    let some = ["time", "bins", "text", "count"];
    let segments = vec![segment(&batches[0], &some), segment(&batches[1], &[]), segment(&batches[2], &NAMES)];
    alike(segments, &batches, &scattered(3 * ROWS));
}

#[test]
fn rows_of_one_file_come_in_any_order_also_where_all_columns_are_packed() {
    let batch = columns(3);
    let chosen: Vec<u32> = scattered(ROWS);
    for together in [&NAMES[..], &NAMES[..4]] {
        let found = segment(&batch, together).rows_of(&chosen, &|name| name != "sum").expect("rows");
        assert_eq!((found.num_rows(), found.num_columns()), (chosen.len(), NAMES.len() - 1));
        for (field, column) in found.schema().fields().iter().zip(found.columns()) {
            let whole = batch.column_by_name(field.name()).expect("a column");
            let wanted = take(whole, &UInt32Array::from(chosen.clone()), None).expect("rows of it");
            assert_eq!(column, &wanted, "{}", field.name());
        }
    }
}

#[test]
fn one_column_alone_stays_as_it_is() {
    let batch = narrowed(&columns(1), 1).expect("it can be narrowed");
    let names = ["key".to_owned(), "absent".to_owned()];
    assert_eq!(packed(batch.clone(), &names, 1).expect("the same"), batch);
}

#[test]
fn a_number_beyond_a_dictionary_is_an_error_and_no_other_text() {
    let batch = columns(1);
    let names = ["text", "count"].map(str::to_owned);
    let made = packed(narrowed(&batch, 1).expect("it can be narrowed"), &names, 1).expect("and packed");
    let at = made.schema_ref().index_of(TOGETHER).expect("a packed column");
    let field = made.schema_ref().field(at).clone();
    let told = field.metadata()["columns"].replace(r#","t10""#, "");
    assert_ne!(told, field.metadata()["columns"]);
    let field = field.with_metadata([("columns".to_owned(), told)].into());
    let rows = made.column(at).as_fixed_size_binary().clone();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(rows)]);
    let batch = batch.expect("a batch");
    let packed = Packed::of(&batch).expect("it is understood");
    let mut rows = Rows::default();
    assert!(rows.push(Segment::of(batch, packed)).is_ok());
    let text = rows.gather(&scattered(ROWS), None).expect_err("it is refused").to_string();
    assert!(text.contains("`text` holds value 10 of 10"), "{text}");
}
