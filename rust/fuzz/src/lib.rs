//! What is done with the bytes of a fuzz target.
//!
//! In: any bytes. Out: nothing; a panic, a hang or an unequal answer is a finding. What is read is also used: a model
//! that a reader lets pass must give the same bits on every engine (law 3), sums and networks must write what they
//! were read from.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use creditcore::aggregate::Aggregate;
use creditcore::exec::Control;
use creditcore::expr::{Expression, NanMode};
use creditcore::id::HashKey;
use creditcore::link::Network;
use creditcore::model::compiled::{SECTIONS, Sections, decode, encode};
use creditcore::model::{
    Binned, Columns, Ensemble, FORMATS, Fleet, Model, Options, Output, Precision, Rows, probes,
};

/// Nodes of a model that is evaluated, and rows that it is evaluated on.
const MOST_NODES: usize = 4096;
const MOST_ROWS: usize = 256;

/// A model file of one format.
pub fn model(format: &str, bytes: &[u8]) {
    let format = FORMATS.iter().find(|known| known.name == format).expect("a format of the list");
    for margin_only in [false, true] {
        let options = Options { margin_only, ..Options::default() };
        if let Ok(ensemble) = (format.read)("fuzz", bytes, &options) {
            same_on_every_engine(ensemble);
        }
    }
}

fn same_on_every_engine(ensemble: Ensemble) {
    let nodes: usize = ensemble.trees.iter().map(|tree| tree.nodes.len() + 1).sum();
    if nodes > MOST_NODES || ensemble.features.len() > MOST_ROWS {
        return;
    }
    let Some(rows) = rows(&ensemble) else { return };
    let model = Model {
        name: "m".to_owned(),
        ensemble: Arc::new(ensemble),
        columns: Columns::Names(rows.names.clone()),
        applies_to: None,
    };
    let outputs = |fleet: &Fleet, rows: &Rows| {
        let found = fleet.predict(rows, Output::Raw, Precision::Exact, 1, &Control::default()).ok()?;
        Some(found.into_iter().map(|column| bits(&column.values)).collect::<Vec<_>>())
    };
    let fleet = |engine: &str| Fleet::new(vec![model.clone()], Some(engine)).ok();
    let Some(golden) = fleet("golden").and_then(|fleet| outputs(&fleet, &rows)) else { return };
    for engine in ["golden", "packed", "sliced"] {
        let Some(fleet) = fleet(engine) else { continue };
        assert_eq!(Some(&golden), outputs(&fleet, &rows).as_ref(), "engine `{engine}` differs");
        if let Some(binned) = binned(&fleet, &rows) {
            assert_eq!(Some(&golden), outputs(&fleet, &binned).as_ref(), "bins differ, engine `{engine}`");
        }
    }
}

/// The same rows with bins in the place of all columns that have some.
fn binned(fleet: &Fleet, rows: &Rows) -> Option<Rows> {
    let bins = fleet.bins(&[])?;
    let lists = bins.of(rows, 1, &Control::default()).expect("bins of doubles");
    let [batch] = &rows.batches[..] else { return None };
    let kept =
        rows.names.iter().zip(batch.columns()).filter(|(name, _)| !bins.columns().contains(&name.as_str()));
    let kept: Vec<(String, ArrayRef)> = kept.map(|(name, column)| (name.clone(), column.clone())).collect();
    let position = kept.len();
    let all = kept.into_iter().chain([("bins".to_owned(), Arc::new(lists) as ArrayRef)]);
    let batch = RecordBatch::try_from_iter(all.clone()).expect("columns of one length");
    let names = all.map(|(name, _)| name).collect();
    Some(Rows { names, batches: vec![batch], binned: Some(Binned { bins: Arc::new(bins), position }) })
}

fn bits(values: &[f64]) -> Vec<u64> {
    // Which NaN it is says nothing.
    values.iter().map(|value| if value.is_nan() { u64::MAX } else { value.to_bits() }).collect()
}

/// Rows with the values that try a model's decisions.
fn rows(ensemble: &Ensemble) -> Option<Rows> {
    let mut values = probes(ensemble);
    if values.is_empty() {
        return None;
    }
    let count = values.iter().map(Vec::len).max().unwrap_or(0).clamp(1, MOST_ROWS);
    for (feature, values) in values.iter_mut().enumerate() {
        let given = std::mem::take(values);
        let value = |row: usize| match given.len() {
            0 => f64::NAN,
            length => given[(row * (feature + 1) + feature) % length],
        };
        *values = (0..count).map(value).collect();
    }
    let names: Vec<String> = (0..values.len()).map(|feature| format!("f{feature}")).collect();
    let fields: Vec<Field> = names.iter().map(|name| Field::new(name, DataType::Float64, true)).collect();
    let columns = values.into_iter().map(|values| Arc::new(Float64Array::from(values)) as ArrayRef).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).ok()?;
    Some(Rows { names, batches: vec![batch], binned: None })
}

/// A small fleet, as sections.
static FLEET: LazyLock<Sections<Vec<u8>>> = LazyLock::new(|| {
    let read = |bytes: &[u8]| {
        let ensemble = creditcore::model::read("seed", bytes, &Options::default()).expect("a model");
        Model {
            name: String::new(),
            ensemble: Arc::new(ensemble),
            columns: Columns::Positions,
            applies_to: None,
        }
    };
    let mut models = vec![
        read(include_bytes!("../../../tests/model/data/small_lightgbm.txt")),
        read(include_bytes!("../../../tests/model/data/small_xgboost.json")),
    ];
    models.iter_mut().enumerate().for_each(|(number, model)| model.name = format!("m{number}"));
    encode(&models, serde_json::Value::Null).expect("sections")
});

/// Sections of a compiled fleet with changes: which section, where, and what stands there instead.
pub fn compiled_fleet(bytes: &[u8]) {
    let mut sections = FLEET.clone();
    let mut rest = bytes;
    while let [section, low, high, length, more @ ..] = rest {
        let name = SECTIONS[usize::from(*section) % SECTIONS.len()];
        let length = usize::from(*length).min(more.len());
        let (fresh, others) = more.split_at(length);
        rest = others;
        let Some(there) = sections.get_mut(name) else { continue };
        let place = usize::from(u16::from_le_bytes([*low, *high])) % (there.len() + 1);
        if section & 0x80 != 0 {
            there.truncate(place);
            there.extend_from_slice(fresh);
        } else {
            let end = (place + length).min(there.len());
            there.splice(place..end, fresh.iter().copied());
        }
    }
    let borrowed: BTreeMap<&'static str, &[u8]> =
        sections.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    if let Ok((models, _)) = decode("fuzz", &borrowed, 1, &Control::default()) {
        for model in models {
            same_on_every_engine(Arc::unwrap_or_clone(model.ensemble));
        }
    }
}

/// A condition: parsed, checked, and evaluated on a few odd rows.
pub fn condition(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(expression) = Expression::parse(text) else { return };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("a", Arc::new(Float64Array::from(vec![Some(0.0), Some(f64::NAN), None, Some(1e308)]))),
        ("b", Arc::new(Int64Array::from(vec![Some(i64::MIN), Some(-1), None, Some(i64::MAX)]))),
        ("c", Arc::new(StringArray::from(vec![Some(""), Some("a%_\u{e9}"), None, Some("2024-02-29")]))),
        ("d", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(true)]))),
    ];
    let columns: Vec<(&str, &ArrayRef)> = columns.iter().map(|(name, array)| (*name, array)).collect();
    for nan in [NanMode::Null, NanMode::Sql] {
        let _ = expression.evaluate(&columns, 4, nan);
    }
}

/// A policy, as the JSON that its file becomes.
pub fn policy(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = creditcore::tactic::read(text, Arc::default());
}

/// The byte form of a network behind its name, without its checksum.
pub fn network(bytes: &[u8]) {
    let mut whole = [b"CCNET001", bytes].concat();
    whole.extend(HashKey::new([0; 16]).hash(&whole).to_le_bytes());
    let control = Control::default();
    if let Ok(network) = Network::from_bytes(&whole, 1, &control) {
        let written = network.to_bytes(&control).expect("not stopped");
        let again = Network::from_bytes(&written, 1, &control).expect("what was written is read");
        assert_eq!(again.to_bytes(&control).expect("not stopped"), written);
    }
}

/// The byte form of exact sums behind its name, without its checksum.
pub fn sums(bytes: &[u8]) {
    let mut whole = [b"CCAGG001".as_slice(), bytes].concat();
    whole.extend(fnv1a(&whole).to_le_bytes());
    if let Ok(sums) = Aggregate::from_bytes(&whole) {
        let written = sums.to_bytes();
        let again = Aggregate::from_bytes(&written).expect("what was written is read");
        assert_eq!(again.to_bytes(), written);
    }
}

/// The hash of Fowler, Noll and Vo that ends the byte form of sums.
fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, &byte: &u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}
