//! Values of a column of many segments, put together by their places.
//!
//! In: for each segment the column, as it is kept there, and for each row its segment and its place in that. Out: the values
//! in the type of the state. A column may have another type in each segment, or not be there.

use std::sync::Arc;

use arrow_array::builder::LargeStringBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Decimal128Type, Float32Type, Float64Type, Int64Type, UInt8Type, UInt16Type,
    UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, PrimitiveArray, UInt32Array, new_null_array,
};
use arrow_buffer::{Buffer, NullBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType};
use arrow_select::interleave::interleave;

use crate::map;

/// Asks the system for values of columns that are read soon, as far as each has a width of its own.
pub(super) fn ask_for(columns: &[Option<&ArrayRef>], places: &[(usize, usize)]) {
    let values = |column: &&ArrayRef| {
        let data = column.to_data();
        let width = data.data_type().primitive_width()?;
        Some((data.buffers().first()?.slice_with_length(data.offset() * width, width * data.len()), width))
    };
    let values: Vec<Option<(Buffer, usize)>> =
        columns.iter().map(|column| column.as_ref().and_then(values)).collect();
    map::ask_for_all(places.iter().map(|&(column, row)| {
        values[column].as_ref().map_or(&[][..], |(bytes, width)| &bytes[row * width..][..*width])
    }));
}

/// Numbers of columns of the state's own type that have no nulls, where rows of one segment stand beside each other.
pub(super) fn picked(
    columns: &[Option<&ArrayRef>],
    places: &[(usize, usize)],
    kind: &DataType,
) -> Option<ArrayRef> {
    let fits = |column: &&ArrayRef| column.data_type() == kind && column.null_count() == 0;
    let columns: Vec<&ArrayRef> =
        columns.iter().map(|column| column.filter(fits)).collect::<Option<Vec<_>>>()?;
    match kind {
        DataType::Int64 => Some(picked_of::<Int64Type>(&columns, places, kind)),
        DataType::UInt64 => Some(picked_of::<UInt64Type>(&columns, places, kind)),
        DataType::Float32 => Some(picked_of::<Float32Type>(&columns, places, kind)),
        DataType::Float64 => Some(picked_of::<Float64Type>(&columns, places, kind)),
        DataType::Decimal128(..) => Some(picked_of::<Decimal128Type>(&columns, places, kind)),
        DataType::FixedSizeBinary(width) => picked_bytes(&columns, places, *width),
        _ => None,
    }
}

fn picked_of<T: ArrowPrimitiveType>(
    columns: &[&ArrayRef],
    places: &[(usize, usize)],
    kind: &DataType,
) -> ArrayRef {
    let mut made: Vec<T::Native> = Vec::with_capacity(places.len());
    for stretch in places.chunk_by(|a, b| a.0 == b.0) {
        let values = columns[stretch[0].0].as_primitive::<T>().values();
        made.extend(stretch.iter().map(|&(_, row)| values[row]));
    }
    Arc::new(PrimitiveArray::<T>::new(made.into(), None).with_data_type(kind.clone()))
}

fn picked_bytes(columns: &[&ArrayRef], places: &[(usize, usize)], width: i32) -> Option<ArrayRef> {
    let columns: Vec<&FixedSizeBinaryArray> =
        columns.iter().map(|column| column.as_fixed_size_binary()).collect();
    let mut made = Vec::with_capacity(places.len() * width as usize);
    places.iter().for_each(|&(column, row)| made.extend_from_slice(columns[column].value(row)));
    Some(Arc::new(FixedSizeBinaryArray::try_new(width, made.into(), None).ok()?))
}

/// Lists of numbers that stand beside each other, copied as a whole, each to where `back` has its number; the columns are of
/// the state's own type, and no number is null.
pub(super) fn picked_lists(
    columns: &[Option<&ArrayRef>],
    places: &[(usize, usize)],
    back: Option<&UInt32Array>,
    kind: &DataType,
) -> Option<ArrayRef> {
    let DataType::FixedSizeList(field, width) = kind else { return None };
    let width = *width as usize;
    let lists: Vec<_> = columns.iter().map(|column| lists_of((*column)?, kind)).collect::<Option<_>>()?;
    // Where each place goes to: `back` says it the other way round.
    let mut goes: Vec<u32> = (0..places.len() as u32).collect();
    if let Some(back) = back {
        back.values().iter().zip(0..).for_each(|(&place, row)| goes[place as usize] = row);
    }
    let mut made = vec![0u16; places.len() * width];
    let mut there = vec![true; places.len()];
    for (&(column, row), &to) in places.iter().zip(&goes) {
        let ((lists, numbers), to) = (&lists[column], to as usize);
        made[to * width..][..width].copy_from_slice(&numbers[row * width..][..width]);
        there[to] = lists.is_valid(row);
    }
    let nulls = there.contains(&false).then(|| NullBuffer::from(there));
    let numbers = Arc::new(PrimitiveArray::<UInt16Type>::new(made.into(), None));
    Some(Arc::new(FixedSizeListArray::try_new(field.clone(), width as i32, numbers, nulls).ok()?))
}

/// The lists of a column of a type, and their numbers; none where some number is null.
fn lists_of<'a>(
    column: &'a ArrayRef,
    kind: &DataType,
) -> Option<(&'a FixedSizeListArray, &'a ScalarBuffer<u16>)> {
    let lists = Some(column).filter(|column| column.data_type() == kind)?.as_fixed_size_list();
    let numbers = lists.values().as_primitive_opt::<UInt16Type>()?;
    (numbers.null_count() == 0).then(|| (lists, numbers.values()))
}

/// Values of columns that are kept in different types, brought to one; a column that is not there is of nulls.
pub(super) fn gathered(
    columns: &[Option<&ArrayRef>],
    places: &[(usize, usize)],
    kind: &DataType,
) -> std::result::Result<ArrayRef, ArrowError> {
    let mut types: Vec<&DataType> = Vec::new();
    let mut type_of = Vec::with_capacity(columns.len());
    for column in columns {
        type_of.push(column.map(|column| {
            types.iter().position(|known| *known == column.data_type()).unwrap_or_else(|| {
                types.push(column.data_type());
                types.len() - 1
            })
        }));
    }
    let null = new_null_array(kind, 1);
    let of_type = |at: usize, places: &[(usize, usize)]| {
        let blank = arrow_array::new_empty_array(types[at]);
        let mine = |(column, &known): (&Option<&ArrayRef>, &Option<usize>)| {
            column.filter(|_| known == Some(at)).cloned().unwrap_or_else(|| blank.clone())
        };
        let mine: Vec<ArrayRef> = columns.iter().zip(&type_of).map(mine).collect();
        in_kind(&mine, places, kind)
    };
    if types.len() == 1 && type_of.iter().all(Option::is_some) {
        return of_type(0, places);
    }
    // Each type by itself, then all of them together; the last one stands for nulls.
    let mut parts: Vec<Vec<(usize, usize)>> = vec![Vec::new(); types.len()];
    let together: Vec<(usize, usize)> = places
        .iter()
        .map(|&(column, row)| match type_of[column] {
            None => (types.len(), 0),
            Some(at) => {
                parts[at].push((column, row));
                (at, parts[at].len() - 1)
            }
        })
        .collect();
    let made = parts.iter().enumerate().map(|(at, places)| of_type(at, places));
    let mut made = made.collect::<std::result::Result<Vec<ArrayRef>, ArrowError>>()?;
    made.push(null);
    interleave(&made.iter().map(AsRef::as_ref).collect::<Vec<_>>(), &together)
}

/// Values of columns of one type, in the type of the state.
fn in_kind(
    columns: &[ArrayRef],
    places: &[(usize, usize)],
    kind: &DataType,
) -> std::result::Result<ArrayRef, ArrowError> {
    let found = match columns[0].data_type() {
        DataType::Dictionary(_, values) if values.is_decimal() => decimals(columns, places, kind),
        DataType::Dictionary(numbers, _) if **numbers == DataType::UInt8 => {
            texts(columns, places, |column, row| {
                usize::from(column.as_dictionary::<UInt8Type>().keys().value(row))
            })
        }
        DataType::Dictionary(numbers, _) if **numbers == DataType::UInt16 => {
            texts(columns, places, |column, row| {
                usize::from(column.as_dictionary::<UInt16Type>().keys().value(row))
            })
        }
        _ => interleave(&columns.iter().map(AsRef::as_ref).collect::<Vec<_>>(), places)?,
    };
    if found.data_type() == kind { Ok(found) } else { cast(&found, kind) }
}

/// Decimals of columns with dictionaries.
fn decimals(columns: &[ArrayRef], places: &[(usize, usize)], kind: &DataType) -> ArrayRef {
    let told: Vec<_> = columns.iter().map(|column| column.as_dictionary::<UInt8Type>()).collect();
    let values: Vec<_> = told.iter().map(|told| told.values().as_primitive::<Decimal128Type>()).collect();
    let one =
        |&(column, row): &(usize, usize)| told[column].key(row).map(|number| values[column].value(number));
    let made: PrimitiveArray<Decimal128Type> = places.iter().map(one).collect();
    Arc::new(made.with_data_type(kind.clone()))
}

/// Texts of columns with dictionaries; joining the dictionaries would cost more.
fn texts(
    columns: &[ArrayRef],
    places: &[(usize, usize)],
    number: impl Fn(&ArrayRef, usize) -> usize,
) -> ArrayRef {
    let values: Vec<_> =
        columns.iter().map(|column| column.as_any_dictionary().values().as_string::<i64>()).collect();
    let mut made = LargeStringBuilder::with_capacity(places.len(), places.len() * 8);
    for &(column, row) in places {
        match columns[column].is_valid(row) {
            true => made.append_value(values[column].value(number(&columns[column], row))),
            false => made.append_null(),
        }
    }
    Arc::new(made.finish())
}
