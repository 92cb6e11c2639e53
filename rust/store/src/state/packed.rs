//! Columns of a segment that lie beside each other, row by row.
//!
//! In: rows in the types in which a file keeps them, and the names of columns that are read together. Out: the same rows, these
//! columns packed into one of a fixed width (`_together`), and back from a file what stands where in it. Records near a change
//! are scattered over a state: one place of memory is read for each of them then, and not one for each of its columns. It
//! is the form of bytes on a disk: a state's values, hashes and sums know nothing of it (law 1).

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, UInt16Type};
use arrow_array::{
    Array, ArrayRef, FixedSizeBinaryArray, PrimitiveArray, RecordBatch, RecordBatchOptions, StringArray,
};
use arrow_buffer::{Buffer, NullBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use creditcore::exec::in_order;
use serde::{Deserialize, Serialize};

use super::narrow::kind_of;

/// The packed column.
pub(super) const TOGETHER: &str = "_together";
/// Where the packed column says what stands where in it.
const COLUMNS: &str = "columns";
/// Rows that a thread packs at a time.
const STRETCH: usize = 1 << 14;
/// Bytes of the texts of a dictionary that may stand in a field's metadata.
const MOST_TEXT: usize = 1 << 14;
/// Bytes of a packed row at most.
const MOST_WIDTH: usize = 1 << 16;

/// What stands where in a packed row, as a file says it.
#[derive(Serialize, Deserialize)]
struct Told {
    name: String,
    /// Its place among all columns.
    place: usize,
    /// The type in the state, and the one in which it is kept; `Null` where all are null, which takes no bytes.
    kind: String,
    kept: String,
    /// The first byte, and the bit that is set where it is null.
    at: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    null: Option<usize>,
    /// The values of a dictionary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    values: Vec<String>,
}

/// How bytes become a value of the state's type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kept {
    /// All are null.
    Blank,
    /// The bytes of the type itself.
    Same,
    /// Another type of numbers.
    Number,
    /// A byte that is 0 or 1.
    Flag,
    /// The number of a text.
    Texts(Arc<Vec<String>>),
    /// The number of a decimal.
    Decimals(Arc<Vec<i128>>),
}

/// A column in a packed row.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) name: String,
    /// Its place among all columns of the segment.
    pub(super) place: usize,
    pub(super) kind: DataType,
    /// The type whose bytes are kept; of a dictionary that of its numbers.
    pub(super) bytes: DataType,
    pub(super) kept: Kept,
    pub(super) at: usize,
    pub(super) width: usize,
    pub(super) null: Option<usize>,
}

/// The packed columns of a segment.
#[derive(Clone)]
pub(super) struct Packed {
    rows: FixedSizeBinaryArray,
    slots: Vec<Slot>,
    numbers: HashMap<String, usize>,
}

impl Packed {
    /// The packed columns of rows of a file, where there are any; the text of an error says what does not fit.
    pub(super) fn of(batch: &RecordBatch) -> Result<Option<Self>, String> {
        let Ok(at) = batch.schema_ref().index_of(TOGETHER) else { return Ok(None) };
        let field = batch.schema_ref().field(at).clone();
        let wrong = || format!("column `{TOGETHER}` does not say what stands in it");
        let rows = batch.column(at).as_fixed_size_binary_opt().filter(|rows| rows.null_count() == 0);
        let rows = rows.ok_or_else(wrong)?.clone();
        let told: Vec<Told> = serde_json::from_str(field.metadata().get(COLUMNS).ok_or_else(wrong)?)
            .map_err(|error| format!("{}: {error}", wrong()))?;
        let width = rows.value_length() as usize;
        let slots = told.into_iter().map(|one| Slot::of(one, width)).collect::<Result<Vec<_>, _>>()?;
        let numbers = slots.iter().zip(0..).map(|(slot, at)| (slot.name.clone(), at)).collect();
        Ok(Some(Self { rows, slots, numbers }))
    }

    /// A column's slot.
    pub(super) fn slot(&self, name: &str) -> Option<&Slot> {
        self.numbers.get(name).map(|&at| &self.slots[at])
    }

    /// All slots.
    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The bytes of all rows, and those of each.
    pub(super) fn bytes(&self) -> (&[u8], usize) {
        (self.rows.value_data(), self.rows.value_length() as usize)
    }
}

impl Slot {
    /// A slot within rows of some bytes.
    fn of(told: Told, row: usize) -> Result<Self, String> {
        let Told { name, place, kind, kept, at, null, values } = told;
        let wrong = |what: &str| format!("column `{TOGETHER}`: {what} of `{name}`");
        let parsed =
            |text: &str| text.parse::<DataType>().map_err(|error| wrong(&format!("the type ({error})")));
        let (kind, kept) = (parsed(&kind)?, parsed(&kept)?);
        let numbers = |kept: &DataType| kept.is_integer() || kept.is_floating();
        let (bytes, kept) = match (&kind, kept) {
            (_, DataType::Null) => (DataType::Null, Kept::Blank),
            (DataType::Boolean, DataType::UInt8) => (DataType::UInt8, Kept::Flag),
            (DataType::LargeUtf8, code @ (DataType::UInt8 | DataType::UInt16)) => {
                (code, Kept::Texts(Arc::new(values)))
            }
            (DataType::Decimal128(..), DataType::UInt8) => {
                let values = values.iter().map(|text| text.parse::<i128>()).collect::<Result<_, _>>();
                (DataType::UInt8, Kept::Decimals(Arc::new(values.map_err(|_| wrong("the decimals"))?)))
            }
            (kind, kept) if *kind == kept => (kept, Kept::Same),
            (DataType::Int64 | DataType::UInt64, kept) if kept.is_integer() => (kept, Kept::Number),
            (DataType::Float64, kept) if numbers(&kept) => (kept, Kept::Number),
            _ => return Err(wrong("the type")),
        };
        let width = width_of(&bytes).ok_or_else(|| wrong("the type"))?;
        let fits = |end: Option<usize>| end.is_some_and(|end| end <= row);
        if !fits(at.checked_add(width)) || null.is_some_and(|bit| bit / 8 >= row) {
            return Err(wrong("the place"));
        }
        Ok(Self { name, place, kind, bytes, kept, at, width, null })
    }
}

/// Bytes that a value takes; none where values of the type are not packed.
pub(super) fn width_of(kind: &DataType) -> Option<usize> {
    match kind {
        DataType::Null => Some(0),
        DataType::FixedSizeBinary(width) => usize::try_from(*width).ok().filter(|&width| width > 0),
        DataType::FixedSizeList(of, width) if *of.data_type() == DataType::UInt16 => {
            usize::try_from(*width).ok().filter(|&width| width > 0).map(|width| 2 * width)
        }
        kind => kind.primitive_width(),
    }
}

/// A column that is packed: what is told of it, its bytes, one value behind the other.
struct Source {
    told: Told,
    bytes: Buffer,
    width: usize,
    nulls: Option<NullBuffer>,
}

impl Source {
    /// A column, as a file keeps it; none where it is not packed.
    fn of(batch: &RecordBatch, place: usize) -> Option<Self> {
        let (field, column) = (batch.schema_ref().field(place), batch.column(place));
        let (name, kind) = (field.name().clone(), kind_of(field));
        let told = |kept: &DataType, values| Told {
            name,
            place,
            kind: kind.to_string(),
            kept: kept.to_string(),
            at: 0,
            null: None,
            values,
        };
        let nulls = column.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        if kind == DataType::Null || kind.to_string().parse::<DataType>().ok()? != kind {
            return None;
        }
        if nulls.as_ref().is_some_and(|nulls| nulls.null_count() == column.len()) {
            return Some(Self {
                told: told(&DataType::Null, Vec::new()),
                bytes: Buffer::from(&[]),
                width: 0,
                nulls: None,
            });
        }
        let (values, numbers) = match column.data_type() {
            DataType::Boolean => (Vec::new(), cast(column, &DataType::UInt8).ok()?),
            DataType::Dictionary(..) => {
                let dictionary = column.as_any_dictionary();
                (texts_of(dictionary.values())?, dictionary.keys().slice(0, column.len()))
            }
            _ => (Vec::new(), column.clone()),
        };
        let kept = numbers.data_type().clone();
        let width = width_of(&kept)?;
        let bytes = match &kept {
            DataType::FixedSizeList(..) => {
                let lists = numbers.as_fixed_size_list();
                let items = lists.values().as_primitive::<UInt16Type>();
                let start = lists.value_offset(0) as usize;
                let items = items.slice(start, width / 2 * column.len());
                // A list that is null has no numbers; any other has all of them.
                let there = |at: usize| items.is_valid(at) || lists.is_null(at / (width / 2));
                if items.null_count() > 0 && !(0..items.len()).all(there) {
                    return None;
                }
                items.values().inner().clone()
            }
            _ => {
                let data = numbers.to_data();
                data.buffers().first()?.slice_with_length(data.offset() * width, width * column.len())
            }
        };
        Some(Self { told: told(&kept, values), bytes, width, nulls })
    }

    /// Writes rows from `start` on into packed ones.
    fn write(&self, start: usize, out: &mut [u8], stride: usize) {
        let (at, width) = (self.told.at, self.width);
        let from = &self.bytes[start * width..];
        match width {
            0 => {}
            1 => copy::<1>(from, out, stride, at),
            2 => copy::<2>(from, out, stride, at),
            4 => copy::<4>(from, out, stride, at),
            8 => copy::<8>(from, out, stride, at),
            16 => copy::<16>(from, out, stride, at),
            width => {
                let rows = out.chunks_exact_mut(stride).zip(from.chunks_exact(width));
                rows.for_each(|(row, value)| row[at..at + width].copy_from_slice(value));
            }
        }
        if let (Some(bit), Some(nulls)) = (self.told.null, &self.nulls) {
            for (row, at) in out.chunks_exact_mut(stride).zip(start..) {
                row[bit / 8] |= u8::from(nulls.is_null(at)) << (bit % 8);
            }
        }
    }
}

fn copy<const WIDTH: usize>(from: &[u8], out: &mut [u8], stride: usize, at: usize) {
    let values = from.as_chunks::<WIDTH>().0;
    for (row, value) in out.chunks_exact_mut(stride).zip(values) {
        row[at..at + WIDTH].copy_from_slice(value);
    }
}

/// The values of a dictionary as texts, where they are few; none where one is null or they are of another type.
fn texts_of(values: &ArrayRef) -> Option<Vec<String>> {
    if let Some(decimals) = values.as_primitive_opt::<Decimal128Type>() {
        let plain: &PrimitiveArray<Decimal128Type> = decimals;
        return Some(plain.values().iter().map(i128::to_string).collect());
    }
    let texts = cast(values, &DataType::Utf8).ok()?;
    let texts: &StringArray = texts.as_string();
    let few = texts.null_count() == 0 && texts.value_data().len() <= MOST_TEXT && texts.len() <= MOST_TEXT;
    few.then(|| texts.iter().flatten().map(str::to_owned).collect())
}

/// Rows of a file with some columns packed, in the order of their names.
pub(super) fn packed(
    batch: RecordBatch,
    names: &[String],
    threads: usize,
) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let named = names.iter().filter_map(|name| schema.index_of(name).ok());
    let mut sources: Vec<Source> = named.filter_map(|place| Source::of(&batch, place)).collect();
    let nullable = sources.iter().filter(|source| source.nulls.is_some()).count();
    let (mut at, mut bit) = (nullable.div_ceil(8), 0);
    for source in &mut sources {
        source.told.at = at;
        at += source.width;
        source.told.null = source.nulls.is_some().then_some(bit);
        bit += usize::from(source.nulls.is_some());
    }
    let stride = at;
    // What is alone has nothing that it could lie beside.
    if sources.len() < 2 || stride == 0 || stride > MOST_WIDTH {
        return Ok(batch);
    }
    let rows = batch.num_rows();
    let parts = in_order(threads, rows.div_ceil(STRETCH), |task| {
        let start = task * STRETCH;
        let mut out = vec![0; stride * STRETCH.min(rows - start)];
        sources.iter().for_each(|source| source.write(start, &mut out, stride));
        Ok(out)
    });
    let bytes = parts.map_err(|error| ArrowError::ComputeError(error.to_string()))?.concat();
    let told: Vec<Told> = sources.into_iter().map(|source| source.told).collect();
    let text = serde_json::to_string(&told).map_err(|error| ArrowError::JsonError(error.to_string()))?;
    let field = Field::new(TOGETHER, DataType::FixedSizeBinary(stride as i32), false);
    let column = FixedSizeBinaryArray::try_new(stride as i32, bytes.into(), None)?;
    let other = |name: &String| told.iter().all(|one| one.name != *name);
    let others = schema.fields().iter().zip(batch.columns()).filter(|(field, _)| other(field.name()));
    let (mut fields, mut columns): (Vec<Arc<Field>>, Vec<ArrayRef>) =
        others.map(|(field, column)| (field.clone(), column.clone())).unzip();
    fields.push(Arc::new(field.with_metadata([(COLUMNS.to_owned(), text)].into())));
    columns.push(Arc::new(column));
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, LargeStringArray};

    /// Rows of nine bytes of which a file says this.
    fn file(told: &str) -> Result<Option<Packed>, String> {
        let rows = FixedSizeBinaryArray::try_from_iter([[1u8; 9], [2; 9]].into_iter()).expect("of one width");
        let field = Field::new(TOGETHER, rows.data_type().clone(), false);
        let field = field.with_metadata([(COLUMNS.to_owned(), told.to_owned())].into());
        let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(rows)]);
        Packed::of(&batch.expect("a batch"))
    }

    #[test]
    fn what_a_file_says_of_packed_rows_is_not_believed() {
        let one = |kind: &str, kept: &str, rest: &str| {
            file(&format!(r#"[{{"name": "x", "place": 0, "kind": "{kind}", "kept": "{kept}", {rest}}}]"#))
        };
        assert!(one("Int64", "UInt8", r#""at": 8, "null": 71"#).is_ok());
        for (kind, kept, rest) in [
            ("Int64", "Int64", r#""at": 2"#),
            ("Int64", "Int64", r#""at": 18446744073709551615"#),
            ("Int64", "UInt8", r#""at": 0, "null": 72"#),
            ("Int64", "UInt8", r#""at": -1"#),
            ("Int64", "Float32", r#""at": 0"#),
            ("UInt64", "LargeUtf8", r#""at": 0"#),
            ("LargeUtf8", "UInt32", r#""at": 0"#),
            ("LargeUtf8", "LargeUtf8", r#""at": 0"#),
            ("Decimal128(38, 0)", "UInt8", r#""at": 0, "values": ["1e9"]"#),
            ("FixedSizeBinary(-3)", "FixedSizeBinary(-3)", r#""at": 0"#),
            ("FixedSizeBinary(2147483647)", "FixedSizeBinary(2147483647)", r#""at": 0"#),
            ("no type", "UInt8", r#""at": 0"#),
        ] {
            let text = one(kind, kept, rest).err().expect("it is refused");
            assert!(text.contains(TOGETHER), "{text}");
        }
        assert!(file("{}").is_err());
        assert!(file("").is_err());
    }

    #[test]
    fn columns_that_cannot_be_packed_stay_beside_the_others() {
        let texts = LargeStringArray::from_iter_values((0..9_000).map(|row| format!("text {row}")));
        let number = || Arc::new(Int64Array::from_iter_values(0..9_000)) as ArrayRef;
        let columns =
            [("a", number()), ("text", Arc::new(texts) as ArrayRef), ("b", number()), ("c", number())];
        let batch = RecordBatch::try_from_iter(columns).expect("a batch");
        let names = ["b", "text", "a"].map(str::to_owned);
        let made = packed(batch, &names, 2).expect("it is packed");
        let known: Vec<_> = made.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(known, ["text", "c", TOGETHER]);
        let slots = Packed::of(&made).expect("it is understood").expect("it is packed");
        let found: Vec<_> = slots.slots().iter().map(|slot| (slot.name.as_str(), slot.at)).collect();
        assert_eq!(found, [("b", 0), ("a", 8)]);
    }
}
