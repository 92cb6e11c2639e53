//! What a cluster asks of one machine: columns of shown identifiers, networks of some of them, pairs of keys.
#![expect(clippy::needless_pass_by_value, reason = "an array crosses the boundary as a value")]

use std::sync::Arc;

use arrow_array::types::{Float32Type, Float64Type, Int8Type, Int64Type, UInt8Type, UInt32Type};
use arrow_array::{ArrayRef, Int64Array, UInt8Array, UInt32Array};
use creditcore::Error;
use creditcore::error::Place;
use creditcore::link::detect as detection;
use creditcore::link::{self as core, Key, Keys, ShownRows};
use pyo3::prelude::*;
use pyo3_arrow::PyArray;

use crate::error::to_exception;
use crate::gate;
use crate::groups::{Detection, figures, float32, numbers};
use crate::link::{Network, plan_of};
use crate::table::Table;

/// The keys of an array.
fn keys_of(py: Python<'_>, array: &PyArray) -> PyResult<Keys> {
    let kind = array.array().data_type();
    let mut keys = Keys::of_type(kind, "key", Place::default()).map_err(|error| to_exception(py, &error))?;
    keys.extend(array.array())
        .map_err(|_| to_exception(py, &Error::argument("a key is null; every record needs a key")))?;
    Ok(keys)
}

fn every(keys: &Keys) -> ArrayRef {
    keys.array_of(0..keys.len() as u32)
}

/// The types of a network, in the order of their numbers: name, and people up to which an identifier links.
#[pyfunction]
pub(crate) fn types_of(network: &Network) -> Vec<(String, u32)> {
    let settings = network.inner.settings();
    let most = settings.most_people.unwrap_or(u32::MAX);
    settings.types.iter().map(|kind| (kind.name.clone(), kind.cap.min(most))).collect()
}

/// `key`, `time`, `place`, `kind`, `hash`: who shows what, in the order of keys.
#[pyfunction]
pub(crate) fn shown(py: Python<'_>, network: &Network) -> PyResult<Table> {
    let rows = network.ask(py, None, |network, _| Ok(network.shown()))?;
    let hashes = rows.hashes.iter().map(|hash| hash.cast_signed());
    Ok(Table::new(vec![
        ("key".to_owned(), every(&rows.keys)),
        ("time".to_owned(), Arc::new(UInt32Array::from(rows.times)) as ArrayRef),
        ("place".to_owned(), Arc::new(UInt32Array::from(rows.places))),
        ("kind".to_owned(), Arc::new(UInt8Array::from(rows.kinds))),
        ("hash".to_owned(), Arc::new(Int64Array::from_iter_values(hashes))),
    ]))
}

/// The network of columns as `shown` gives them, by a plan (JSON).
#[pyfunction]
#[pyo3(signature = (plan, keys, times, places, kinds, hashes, *, threads=None))]
#[expect(clippy::too_many_arguments, reason = "the columns of one table")]
pub(crate) fn network_of_shown(
    py: Python<'_>,
    plan: &str,
    keys: PyArray,
    times: PyArray,
    places: PyArray,
    kinds: PyArray,
    hashes: PyArray,
    threads: Option<usize>,
) -> PyResult<Network> {
    let plan = plan_of(plan).map_err(|error| to_exception(py, &error))?;
    let hashes = numbers::<Int64Type>(py, &hashes)?;
    let rows = ShownRows {
        keys: keys_of(py, &keys)?,
        times: numbers::<UInt32Type>(py, &times)?,
        places: numbers::<UInt32Type>(py, &places)?,
        kinds: numbers::<UInt8Type>(py, &kinds)?,
        hashes: hashes.into_iter().map(i64::cast_unsigned).collect(),
    };
    let threads = creditcore::exec::threads_or_default(threads);
    gate::run(py, None, |control| core::Network::of_shown(plan, &rows, threads, control)).map(Network::wrap)
}

/// The strong ties of some people: `key`, `strength`, `end`, and a column of partners, each one's ascending up to `end`.
#[pyfunction]
pub(crate) fn strong_ties(
    py: Python<'_>,
    network: &Network,
    tau: f64,
    people: PyArray,
) -> PyResult<(Table, Table)> {
    let wanted = keys_of(py, &people)?;
    let (people, partners) = network.ask(py, None, |network, control| {
        let weights = detection::Weights::new(network.links().settings(), tau)?;
        let number = |at: usize| network.person(&key_at(&wanted, at));
        let numbers = (0..wanted.len()).map(number).collect::<creditcore::Result<Vec<u32>>>()?;
        let ties = detection::strong_ties(network.links(), &weights, &numbers, control)?;
        let people = Table::new(vec![
            ("key".to_owned(), network.keys_of(numbers.into_iter())),
            ("strength".to_owned(), float32(&ties.strengths)),
            ("end".to_owned(), Arc::new(UInt32Array::from(ties.ends)) as ArrayRef),
        ]);
        Ok((people, network.keys_of(ties.partners.into_iter())))
    })?;
    Ok((people, Table::new(vec![("partner".to_owned(), partners)])))
}

fn key_at(keys: &Keys, at: usize) -> Key {
    match keys {
        Keys::Signed(keys) => Key::Integer(i128::from(keys[at])),
        Keys::Unsigned(keys) => Key::Integer(i128::from(keys[at])),
        Keys::Text(_) => Key::Text(keys.text(at)),
    }
}

/// The label-free scores of strengths and triangles.
#[pyfunction]
pub(crate) fn label_free_of(py: Python<'_>, strengths: PyArray, triangles: PyArray) -> PyResult<Table> {
    let (strengths, triangles) =
        (numbers::<Float32Type>(py, &strengths)?, numbers::<UInt32Type>(py, &triangles)?);
    let both = strengths.iter().zip(&triangles);
    Ok(figures("score", both.map(|(&strength, &count)| detection::plain_score(strength, count)).collect()))
}

/// The strength that a type learns of how many people share an identifier of it.
#[pyfunction]
pub(crate) fn learned_strength(people: u64, sharing: u64) -> f64 {
    core::learned_strength(people, sharing)
}

/// The rarities that a type learns, by band, of how many people share an identifier of each band.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
pub(crate) fn learned_rarities(people: u64, by_band: Vec<u64>, cap: u32) -> Vec<f64> {
    core::learned_rarities(people, &by_band, cap)
}

/// Twice the weight of all edges between those at or above the cut, and between those at or above the loose one.
#[pyfunction]
pub(crate) fn edge_totals(
    py: Python<'_>,
    network: &Network,
    tau: f64,
    scores: PyArray,
    cut: f64,
    loose: Option<f64>,
) -> PyResult<[u64; 2]> {
    let scores = numbers::<Float64Type>(py, &scores)?;
    network.ask(py, None, |network, control| {
        let weights = detection::Weights::new(network.links().settings(), tau)?;
        detection::edge_totals(network.links(), &weights, &scores, cut, loose, control)
    })
}

/// The groups of whole components of a network whose edges have these totals: their members, and a row for each.
#[pyfunction]
#[pyo3(signature = (network, tau, scores, known, cut, resolution, totals, *, loose=None, threads=None))]
#[expect(clippy::too_many_arguments, reason = "the arguments of one call of the Python package")]
pub(crate) fn rings_of(
    py: Python<'_>,
    network: &Network,
    tau: f64,
    scores: PyArray,
    known: PyArray,
    cut: f64,
    resolution: u64,
    totals: [u64; 2],
    loose: Option<f64>,
    threads: Option<usize>,
) -> PyResult<(Table, Table)> {
    let (scores, known) = (numbers::<Float64Type>(py, &scores)?, numbers::<Int8Type>(py, &known)?);
    let threads = creditcore::exec::threads_or_default(threads);
    let version = network.inner.clone();
    let (found, rings) = gate::run(py, None, |control| {
        let network = version.whole(threads, control)?;
        let links = network.links();
        let weights = detection::Weights::new(links.settings(), tau)?;
        let inner = detection::Detection { weights, egos: detection::Egos::default() };
        let basis = detection::Basis::LabelFree;
        let totals = Some(totals);
        let filter =
            detection::Filter { scores: &scores, cut, loose, resolution, basis, totals, given: None };
        let known = detection::Known { labels: &known, listed: &[] };
        let rings = inner.rings(links, &filter, &known, threads, control)?;
        Ok((Detection { network: network.clone(), inner }, rings))
    })?;
    Ok((found.members(&rings, &scores), found.summary(&rings)))
}

/// `key`, `component`: each key of some pairs once, ascending, with the smallest key of its set.
#[pyfunction]
pub(crate) fn joined_keys(py: Python<'_>, one: PyArray, other: PyArray) -> PyResult<Table> {
    let (one, other) = (keys_of(py, &one)?, keys_of(py, &other)?);
    let (keys, least) = gate::run(py, None, |_| core::smallest_of_sets(&one, &other))?;
    let components = keys.array_of(least.into_iter());
    Ok(Table::new(vec![("key".to_owned(), every(&keys)), ("component".to_owned(), components)]))
}
