//! Groups: features of people's surroundings, scores, rings and their evidence.
#![expect(clippy::needless_pass_by_value, reason = "an array crosses the boundary as a value")]

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, Int8Type, UInt32Type};
use arrow_array::{Array, ArrayRef, Float32Array, Float64Array, ListArray, StringArray, UInt32Array};
use creditcore::Error;
use creditcore::exec::threads_or_default;
use creditcore::link::Links;
use creditcore::link::detect::{self as core, Ring};
use pyo3::prelude::*;
use pyo3_arrow::PyArray;

use crate::error::to_exception;
use crate::gate;
use crate::link::{Network, features_table};
use crate::table::Table;

/// The features of a network's people, and what follows from them.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Detection {
    pub(crate) network: Arc<creditcore::link::Network>,
    pub(crate) inner: core::Detection,
}

/// The values of an array without nulls, which are refused.
pub(crate) fn numbers<T: ArrowPrimitiveType>(py: Python<'_>, array: &PyArray) -> PyResult<Vec<T::Native>> {
    if let Some(at) = array.array().logical_nulls().and_then(|nulls| nulls.iter().position(|valid| !valid)) {
        let told = format!("the array holds null at place {at}; give a number for every person");
        return Err(to_exception(py, &Error::argument(told)));
    }
    match array.array().as_primitive_opt::<T>() {
        Some(values) => Ok(values.values().to_vec()),
        None => {
            let told =
                format!("an array is of type {}; give one of {}", array.array().data_type(), T::DATA_TYPE);
            Err(to_exception(py, &Error::argument(told)))
        }
    }
}

/// A table of one column of figures.
pub(crate) fn figures(name: &str, values: Vec<f64>) -> Table {
    Table::new(vec![(name.to_owned(), Arc::new(Float64Array::from(values)) as ArrayRef)])
}

#[pymethods]
impl Detection {
    /// Computes the features as of now, or as they were known at each person's time.
    #[staticmethod]
    #[pyo3(signature = (network, tau, at, *, threads=None))]
    fn of(py: Python<'_>, network: &Network, tau: f64, at: bool, threads: Option<usize>) -> PyResult<Self> {
        let (version, threads) = (network.inner.clone(), threads_or_default(threads));
        gate::run(py, None, |control| {
            let inner = version.detection(tau, at, threads, control)?;
            Ok(Self { network: version.whole(threads, control)?, inner })
        })
    }

    /// `key` and the features, in the order of keys.
    fn features(&self, py: Python<'_>) -> PyResult<Table> {
        let names = core::names(self.network.links().settings());
        gate::run(py, None, |_| Ok(features_table(self.keys().1, &names, self.inner.egos.arrays())))
    }

    /// What the partners' scores say of each person, in the order of keys.
    #[pyo3(signature = (scores, *, threads=None))]
    fn risks(&self, py: Python<'_>, scores: PyArray, threads: Option<usize>) -> PyResult<Table> {
        let (scores, threads) = (numbers::<Float64Type>(py, &scores)?, threads_or_default(threads));
        let columns = gate::run(py, None, |control| {
            core::risks(self.network.links(), &self.inner.weights, &scores, threads, control)
        })?;
        let named = core::risk_names(self.network.links().settings()).into_iter().zip(&columns);
        Ok(Table::new(named.map(|(name, column)| (name, float32(column))).collect()))
    }

    /// The label-free score of each person.
    fn label_free(&self, py: Python<'_>) -> PyResult<Table> {
        gate::run(py, None, |control| Ok(figures("score", core::label_free(&self.inner.egos, control)?)))
    }

    /// How far known fraud reaches, from 1 for the known themselves.
    #[pyo3(signature = (known))]
    fn spread(&self, py: Python<'_>, known: PyArray) -> PyResult<Table> {
        let known = numbers::<Int8Type>(py, &known)?;
        let people = self.network.links().people();
        let seeds: Vec<u32> =
            (0..people as u32).filter(|&person| known.get(person as usize) == Some(&1)).collect();
        let spread = gate::run(py, None, |control| {
            core::spread(self.network.links(), &self.inner.weights, &seeds, control)
        })?;
        Ok(figures("spread", spread))
    }

    /// For each person, in the order of keys, how many identifiers of another network it shows.
    fn listed(&self, py: Python<'_>, list: &Network) -> PyResult<Table> {
        let list = list.inner.clone();
        let counts = gate::run(py, None, |control| self.network.listed(&*list.whole(1, control)?, control))?;
        Ok(Table::new(vec![("listed".to_owned(), Arc::new(UInt32Array::from(counts)) as ArrayRef)]))
    }

    /// `one`, `other` (numbers of people in the order of keys), `weight`: ties of this faded weight or more.
    fn ties(&self, py: Python<'_>, least: f64) -> PyResult<Table> {
        let least = (least.max(0.0) * core::UNIT as f64) as u64;
        let ties = gate::run(py, None, |control| self.inner.ties(self.network.links(), least, control))?;
        let one: UInt32Array = ties.iter().map(|tie| Some(tie.0)).collect();
        let other: UInt32Array = ties.iter().map(|tie| Some(tie.1)).collect();
        let weight: Float64Array = ties.iter().map(|tie| Some(tie.2 as f64 / core::UNIT as f64)).collect();
        Ok(Table::new(vec![
            ("one".to_owned(), Arc::new(one) as ArrayRef),
            ("other".to_owned(), Arc::new(other) as ArrayRef),
            ("weight".to_owned(), Arc::new(weight) as ArrayRef),
        ]))
    }

    /// `one`, `other` (numbers of people in the order of keys) and what is told of each tie between those who pass.
    #[pyo3(signature = (scores, cut, *, threads=None))]
    fn pairs(&self, py: Python<'_>, scores: PyArray, cut: f64, threads: Option<usize>) -> PyResult<Table> {
        let (scores, threads) = (numbers::<Float64Type>(py, &scores)?, threads_or_default(threads));
        let links = self.network.links();
        let pairs = gate::run(py, None, |control| {
            core::pairs(links, &self.inner.weights, &scores, cut, threads, control)
        })?;
        let end = |people| Arc::new(UInt32Array::from(people)) as ArrayRef;
        let ends = [("one".to_owned(), end(pairs.one)), ("other".to_owned(), end(pairs.other))];
        let named = core::pair_names(links.settings()).into_iter().zip(&pairs.columns);
        Ok(Table::new(ends.into_iter().chain(named.map(|(name, column)| (name, float32(column)))).collect()))
    }

    /// The groups among people whose score is at or above the cut: their members, and a row for each group. `given`
    /// says of each person the group, 2^32 - 1 for none; nothing is then clustered. With `loose`, a lower cut, people
    /// are clustered several times, and the best groups are chosen.
    #[pyo3(signature = (
        scores, known, cut, resolution, *, loose=None, given=None, listed=None, learned=false, threads=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of one call of the Python package")]
    fn rings(
        &self,
        py: Python<'_>,
        scores: PyArray,
        known: PyArray,
        cut: f64,
        resolution: u64,
        loose: Option<f64>,
        given: Option<PyArray>,
        listed: Option<PyArray>,
        learned: bool,
        threads: Option<usize>,
    ) -> PyResult<(Table, Table)> {
        let basis = if learned { core::Basis::Model } else { core::Basis::LabelFree };
        let (scores, known) = (numbers::<Float64Type>(py, &scores)?, numbers::<Int8Type>(py, &known)?);
        let listed = listed.map(|listed| numbers::<UInt32Type>(py, &listed)).transpose()?.unwrap_or_default();
        let given = given.map(|given| numbers::<UInt32Type>(py, &given)).transpose()?;
        let threads = threads_or_default(threads);
        let links = self.network.links();
        let rings = gate::run(py, None, |control| {
            let filter = core::Filter {
                scores: &scores,
                cut,
                loose,
                resolution,
                basis,
                totals: None,
                given: given.as_deref(),
            };
            let known = core::Known { labels: &known, listed: &listed };
            self.inner.rings(links, &filter, &known, threads, control)
        })?;
        Ok((self.members(&rings, &scores), self.summary(&rings)))
    }
}

impl Detection {
    fn keys(&self) -> (String, ArrayRef) {
        ("key".to_owned(), self.network.keys_of(0..self.network.links().people() as u32))
    }

    pub(crate) fn members(&self, rings: &[Ring], scores: &[f64]) -> Table {
        let all = || rings.iter().flat_map(|ring| ring.members.iter().map(move |member| (ring, member)));
        let people: Vec<u32> = all().map(|(_, member)| member.person).collect();
        let groups: Vec<u32> = all().map(|(ring, _)| ring.found.members[0]).collect();
        let levels: StringArray = all().map(|(_, member)| Some(member.level.name())).collect();
        let score: Float64Array = people.iter().map(|&person| Some(scores[person as usize])).collect();
        let reasons: StringArray = all().map(|(_, member)| Some(member.reason.as_str())).collect();
        Table::new(vec![
            ("key".to_owned(), self.network.keys_of(people.into_iter())),
            ("group_id".to_owned(), self.network.keys_of(groups.into_iter())),
            ("level".to_owned(), Arc::new(levels)),
            ("score".to_owned(), Arc::new(score)),
            ("reason".to_owned(), Arc::new(reasons)),
        ])
    }

    pub(crate) fn summary(&self, rings: &[Ring]) -> Table {
        let links = self.network.links();
        let count = |figure: fn(&Ring) -> u32| -> ArrayRef {
            Arc::new(rings.iter().map(|ring| Some(figure(ring))).collect::<UInt32Array>())
        };
        let real = |figure: fn(&Ring) -> f64| -> ArrayRef {
            Arc::new(rings.iter().map(|ring| Some(figure(ring))).collect::<Float64Array>())
        };
        let text = |figure: &dyn Fn(&Ring) -> String| -> ArrayRef {
            Arc::new(rings.iter().map(|ring| Some(figure(ring))).collect::<StringArray>())
        };
        let spans: UInt32Array = rings.iter().map(|ring| ring.found.span_days).collect();
        let held =
            rings.iter().map(|ring| Some(ring.evidence.dissolving.iter().map(|&id| Some(links.degree(id)))));
        let held = ListArray::from_iter_primitive::<UInt32Type, _, _>(held);
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("group_id", self.network.keys_of(rings.iter().map(|ring| ring.found.members[0]))),
            ("size", count(|ring| ring.found.members.len() as u32)),
            ("score", real(|ring| ring.found.score)),
            ("mean_score", real(|ring| ring.found.mean_score)),
            (
                "strength",
                real(|ring| {
                    2.0 * ring.found.inside as f64 / (core::UNIT * ring.found.members.len() as u64) as f64
                }),
            ),
            ("exclusivity", real(|ring| ring.found.exclusivity)),
            ("exclusivity_static", real(|ring| ring.found.exclusivity_static)),
            ("closure", real(|ring| ring.found.closure)),
            ("several_types", real(|ring| ring.found.several_types)),
            ("diversity", real(|ring| ring.found.diversity)),
            ("span_days", Arc::new(spans)),
            ("known_fraud", count(|ring| ring.known_fraud)),
            ("known_good", count(|ring| ring.known_good)),
            ("listed", count(|ring| ring.listed)),
            ("shared", text(&|ring| shared_text(links, ring))),
            ("benign", Arc::new(rings.iter().map(benign_name).collect::<StringArray>())),
            ("benign_score", real(|ring| ring.evidence.benign.score)),
            ("dissolved_by", count(|ring| ring.evidence.dissolving.len() as u32)),
            ("dissolved_types", text(&|ring| types_text(links, ring))),
            ("dissolved_degrees", Arc::new(held)),
        ];
        Table::new(columns.into_iter().map(|(name, column)| (name.to_owned(), column)).collect())
    }
}

/// The explanation that fits best, where any does.
fn benign_name(ring: &Ring) -> Option<&'static str> {
    (ring.evidence.benign.score > 0.0).then_some(ring.evidence.benign.name)
}

pub(crate) fn float32(column: &[f32]) -> ArrayRef {
    Arc::new(Float32Array::from_iter_values(column.iter().copied()))
}

/// `bank_card: 6 of 6 members on 1 (0.07 expected); ...`
fn shared_text(links: &Links, ring: &Ring) -> String {
    let size = ring.members.len();
    let told = ring.evidence.shared.iter().map(|shared| {
        let name = &links.settings().types[shared.kind].name;
        let (members, identifiers) = (shared.members, shared.identifiers);
        format!("{name}: {members} of {size} members on {identifiers} ({:.2} expected)", shared.expected)
    });
    told.collect::<Vec<_>>().join("; ")
}

/// The types of the identifiers that hold a ring: `2 device, 1 bank_card`.
fn types_text(links: &Links, ring: &Ring) -> String {
    let held = |kind: usize| ring.evidence.dissolving.iter().filter(|&&id| links.type_of(id) == kind).count();
    let types = links.settings().types.iter().enumerate();
    let told = types.map(|(number, kind)| (held(number), &kind.name)).filter(|&(count, _)| count > 0);
    told.map(|(count, name)| format!("{count} {name}")).collect::<Vec<_>>().join(", ")
}

/// A score that a share of people reaches.
#[pyfunction]
pub(crate) fn cut_of(py: Python<'_>, scores: PyArray, share: f64) -> PyResult<f64> {
    let scores = numbers::<Float64Type>(py, &scores)?;
    gate::run(py, None, |control| core::cut_of(&scores, share, control))
}

/// Scores as figures between 0 and 1 that are 1/2 at the cut.
#[pyfunction]
pub(crate) fn suspicion(py: Python<'_>, scores: PyArray, cut: f64) -> PyResult<Table> {
    let scores = numbers::<Float64Type>(py, &scores)?;
    gate::run(py, None, |control| Ok(figures("suspicion", core::suspicions(&scores, cut, control)?)))
}
