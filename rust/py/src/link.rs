//! Networks of shared identifiers.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StringArray, UInt32Array};
use creditcore::Error;
use creditcore::exec::threads_or_default;
use creditcore::id::HashKey;
use creditcore::link::{self as core, Key, Met, Plan};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::error::to_exception;
use crate::gate;
use crate::source::Source;
use crate::table::Table;

pub(crate) fn plan_of(plan: &str) -> creditcore::Result<Plan> {
    serde_json::from_str(plan).map_err(|error| Error::argument(format!("the plan is not valid: {error}")))
}

fn key_of(secret: &[u8]) -> creditcore::Result<HashKey> {
    HashKey::of_secret(secret)
        .ok_or_else(|| Error::argument(format!("the hash key has {} bytes; give 16 or more", secret.len())))
}

/// The connected components of a source's people: `key`, `component`, and the placeholders met by type.
#[pyfunction]
#[pyo3(signature = (source, plan, hash_key, *, cap=None, threads=None, progress=None))]
pub(crate) fn components(
    py: Python<'_>,
    source: &Source,
    plan: &str,
    hash_key: &[u8],
    cap: Option<u32>,
    threads: Option<usize>,
    progress: Option<&Bound<'_, PyAny>>,
) -> PyResult<(Table, Met)> {
    let plan = plan_of(plan).map_err(|error| to_exception(py, &error))?;
    let key = key_of(hash_key).map_err(|error| to_exception(py, &error))?;
    let (source, threads) = (source.inner.clone(), threads_or_default(threads));
    let found = gate::run(py, progress, move |control| {
        core::components(&*source, &plan, &key, cap, threads, control)
    })?;
    let columns = vec![("key".to_owned(), found.keys), ("component".to_owned(), found.components)];
    Ok((Table::new(columns), found.placeholders))
}

/// People, the identifiers that they share, and the links between them.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Network {
    pub(crate) inner: Arc<core::Network>,
}

impl Network {
    pub(crate) fn wrap(inner: core::Network) -> Self {
        Self { inner: Arc::new(inner) }
    }

    fn person(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<u32> {
        let key = match key.extract::<String>() {
            Ok(text) => Key::Text(text),
            Err(_) => Key::Integer(key.extract::<i128>().map_err(|_| {
                to_exception(py, &Error::argument(format!("`{key}` is no key; keys are integers or text")))
            })?),
        };
        self.inner.person(&key).map_err(|error| to_exception(py, &error))
    }
}

#[pymethods]
impl Network {
    /// Builds the network of a source by a plan (JSON).
    #[staticmethod]
    #[pyo3(signature = (source, plan, hash_key, *, threads=None, progress=None))]
    fn build(
        py: Python<'_>,
        source: &Source,
        plan: &str,
        hash_key: &[u8],
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let plan = plan_of(plan).map_err(|error| to_exception(py, &error))?;
        let key = key_of(hash_key).map_err(|error| to_exception(py, &error))?;
        let (source, threads) = (source.inner.clone(), threads_or_default(threads));
        gate::run(py, progress, move |control| core::Network::build(&*source, plan, &key, threads, control))
            .map(Self::wrap)
    }

    /// Reads the byte form.
    #[staticmethod]
    #[pyo3(signature = (data, *, threads=None))]
    fn from_bytes(py: Python<'_>, data: &[u8], threads: Option<usize>) -> PyResult<Self> {
        let threads = threads_or_default(threads);
        gate::run(py, None, |control| core::Network::from_bytes(data, threads, control)).map(Self::wrap)
    }

    /// The byte form: equal networks have equal bytes.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = gate::run(py, None, |_| Ok(self.inner.to_bytes()))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The plan, its configuration complete, as JSON.
    fn plan(&self, py: Python<'_>) -> PyResult<String> {
        serde_json::to_string(&self.inner.plan()).map_err(|error| {
            to_exception(py, &Error::argument(format!("the plan has no JSON form: {error}")))
        })
    }

    /// The network with the strengths that its data teaches.
    fn fit(&self, py: Python<'_>) -> PyResult<Self> {
        gate::run(py, None, |_| self.inner.fit()).map(Self::wrap)
    }

    /// How many people, links of all identifiers, kept identifiers, kept links, and bytes of the kept links.
    fn sizes(&self) -> (usize, usize, usize, usize, usize) {
        let links = self.inner.links();
        (links.people(), self.inner.records().len(), links.identifiers(), links.links(), links.bytes())
    }

    /// Placeholders met while rows were read, by type, with how often.
    fn placeholders(&self) -> Met {
        self.inner.placeholders().clone()
    }

    /// `key`, `component`, in the order of keys.
    #[pyo3(signature = (*, cap=None, threads=None))]
    fn components(&self, py: Python<'_>, cap: Option<u32>, threads: Option<usize>) -> PyResult<Table> {
        let threads = threads_or_default(threads);
        let (keys, components) = gate::run(py, None, |control| {
            let roots = self.inner.components(cap, threads, control)?;
            let people = 0..self.inner.links().people() as u32;
            Ok((self.inner.keys_of(people), self.inner.keys_of(roots.into_iter())))
        })?;
        Ok(Table::new(vec![("key".to_owned(), keys), ("component".to_owned(), components)]))
    }

    /// `key`, `hops`: the people near one, the nearest first.
    fn neighbours(&self, py: Python<'_>, key: &Bound<'_, PyAny>, hops: u32) -> PyResult<Table> {
        let person = self.person(py, key)?;
        let found = gate::run(py, None, |_| Ok(self.inner.neighbours(person, hops)))?;
        let keys = self.inner.keys_of(found.iter().map(|&(person, _)| person));
        let hops: UInt32Array = found.iter().map(|&(_, hops)| Some(hops)).collect();
        Ok(Table::new(vec![("key".to_owned(), keys), ("hops".to_owned(), Arc::new(hops) as ArrayRef)]))
    }

    /// `key`, `type`, `identifier` (its hash), `people`: the steps of a shortest path.
    fn path(&self, py: Python<'_>, first: &Bound<'_, PyAny>, last: &Bound<'_, PyAny>) -> PyResult<Table> {
        let (first, last) = (self.person(py, first)?, self.person(py, last)?);
        let steps = gate::run(py, None, |_| Ok(self.inner.path(first, last)))?;
        let links = self.inner.links();
        let of = |step: &core::Step| step.identifier;
        let kind = |identifier| links.settings().types[links.type_of(identifier)].name.as_str();
        let types: StringArray = steps.iter().map(|step| of(step).map(kind)).collect();
        let hash = |identifier| format!("{:016x}", links.hash_of(identifier));
        let hashes: StringArray = steps.iter().map(|step| of(step).map(hash)).collect();
        let people: UInt32Array =
            steps.iter().map(|step| of(step).map(|identifier| links.degree(identifier))).collect();
        let keys = self.inner.keys_of(steps.iter().map(|step| step.person));
        Ok(Table::new(vec![
            ("key".to_owned(), keys),
            ("type".to_owned(), Arc::new(types) as ArrayRef),
            ("identifier".to_owned(), Arc::new(hashes) as ArrayRef),
            ("people".to_owned(), Arc::new(people) as ArrayRef),
        ]))
    }

    /// `type`, `identifier` (its hash), `people`: identifiers beyond their type's cap, the largest first.
    fn hubs(&self) -> Table {
        let links = self.inner.links();
        let of = |hub: &core::Hub| links.settings().types[usize::from(hub.kind)].name.clone();
        let types: StringArray = links.hubs().iter().map(|hub| Some(of(hub))).collect();
        let hashes: StringArray = links.hubs().iter().map(|hub| Some(format!("{:016x}", hub.hash))).collect();
        let people: UInt32Array = links.hubs().iter().map(|hub| Some(hub.degree)).collect();
        Table::new(vec![
            ("type".to_owned(), Arc::new(types) as ArrayRef),
            ("identifier".to_owned(), Arc::new(hashes) as ArrayRef),
            ("people".to_owned(), Arc::new(people) as ArrayRef),
        ])
    }

    /// The network after a delta, and what changed: `key`, `change`.
    #[pyo3(signature = (delta, hash_key, *, expire_before=None, threads=None, progress=None))]
    fn update(
        &self,
        py: Python<'_>,
        delta: Option<&Source>,
        hash_key: &[u8],
        expire_before: Option<u32>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Self, Table)> {
        let key = key_of(hash_key).map_err(|error| to_exception(py, &error))?;
        let (delta, threads) = (delta.map(|delta| delta.inner.clone()), threads_or_default(threads));
        let (after, changes) = gate::run(py, progress, |control| {
            self.inner.update(delta.as_deref(), expire_before, &key, threads, control)
        })?;
        let names: StringArray = changes.changes.iter().map(|change| Some(change.name())).collect();
        let keys = changes.keys.array_of(0..names.len() as u32);
        let table =
            Table::new(vec![("key".to_owned(), keys), ("change".to_owned(), Arc::new(names) as ArrayRef)]);
        Ok((Self::wrap(after), table))
    }
}
