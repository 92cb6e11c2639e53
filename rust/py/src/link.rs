//! Networks of shared identifiers.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, StringArray, UInt32Array};
use creditcore::Error;
use creditcore::exec::Control;
use creditcore::exec::threads_or_default;
use creditcore::id::HashKey;
use creditcore::link::{self as core, Key, Met, Plan, Update, Version};
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

/// For each column of identifiers of a plan, in its order, the hashes that a source's rows show.
#[pyfunction]
pub(crate) fn identifier_hashes(
    py: Python<'_>,
    source: &Source,
    plan: &str,
    hash_key: &[u8],
) -> PyResult<Vec<Table>> {
    let plan = plan_of(plan).map_err(|error| to_exception(py, &error))?;
    let key = key_of(hash_key).map_err(|error| to_exception(py, &error))?;
    let source = source.inner.clone();
    let found = gate::run(py, None, move |control| core::shown(&*source, &plan, &key, control))?;
    Ok(found.into_iter().map(|column| Table::new(vec![column])).collect())
}

/// People, the identifiers that they share, and the links between them.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Network {
    pub(crate) inner: Arc<Version>,
}

/// A key as Python has it.
fn key_from(py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<Key> {
    match key.extract::<String>() {
        Ok(text) => Ok(Key::Text(text)),
        Err(_) => key.extract::<i128>().map(Key::Integer).map_err(|_| {
            to_exception(py, &Error::argument(format!("`{key}` is no key; keys are integers or text")))
        }),
    }
}

impl Network {
    pub(crate) fn wrap(inner: core::Network) -> Self {
        Self { inner: Version::new(inner) }
    }

    /// Asks the network as a whole, which may have to be made first.
    pub(crate) fn ask<T: Send>(
        &self,
        py: Python<'_>,
        threads: Option<usize>,
        question: impl FnOnce(&core::Network, &Control) -> creditcore::Result<T> + Send,
    ) -> PyResult<T> {
        let threads = threads_or_default(threads);
        gate::run(py, None, |control| question(&*self.inner.whole(threads, control)?, control))
    }
}

#[pymethods]
impl Network {
    /// Builds the network of a source by a plan (JSON); one that is `changing` is made for updates at once.
    #[staticmethod]
    #[pyo3(signature = (source, plan, hash_key, *, changing=false, threads=None, progress=None))]
    fn build(
        py: Python<'_>,
        source: &Source,
        plan: &str,
        hash_key: &[u8],
        changing: bool,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let plan = plan_of(plan).map_err(|error| to_exception(py, &error))?;
        let key = key_of(hash_key).map_err(|error| to_exception(py, &error))?;
        let (source, threads) = (source.inner.clone(), threads_or_default(threads));
        let inner = gate::run(py, progress, move |control| match changing {
            true => Version::changing(&*source, plan, &key, threads, control),
            false => core::Network::build(&*source, plan, &key, threads, control).map(Version::new),
        })?;
        Ok(Self { inner })
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
        let bytes = self.ask(py, None, core::Network::to_bytes)?;
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
        let threads = threads_or_default(None);
        self.ask(py, None, |network, control| network.fit(threads, control)).map(Self::wrap)
    }

    /// How many people, links of all identifiers, kept identifiers, kept links, and bytes of the kept links.
    fn sizes(&self, py: Python<'_>) -> PyResult<(usize, usize, usize, usize, usize)> {
        self.ask(py, None, |network, _| {
            let (links, records) = (network.links(), network.records());
            Ok((links.people(), records.len(), links.identifiers(), links.links(), links.bytes()))
        })
    }

    /// How many people and links there are; nothing where telling would take long.
    fn counts(&self) -> Option<(usize, usize)> {
        self.inner.counts()
    }

    /// `key`, `type`, `identifier` (its hash), `role`, `time` (seconds since 1970): identifiers that several of some
    /// people show.
    #[expect(clippy::needless_pass_by_value, reason = "a list crosses the boundary as a value")]
    fn shared_among(&self, py: Python<'_>, keys: Vec<Bound<'_, PyAny>>) -> PyResult<Table> {
        let keys = keys.iter().map(|key| key_from(py, key)).collect::<PyResult<Vec<Key>>>()?;
        self.ask(py, None, |network, _| {
            let people = keys.iter().map(|key| network.person(key)).collect::<Result<Vec<u32>, _>>()?;
            let (found, links) = (network.shared_among(&people), network.links());
            let settings = links.settings();
            let of = |at: u32| settings.types[links.type_of(at)].name.as_str();
            let types: StringArray = found.iter().map(|(_, link)| Some(of(link.target))).collect();
            let hash = |at: u32| format!("{:016x}", links.hash_of(at));
            let hashes: StringArray = found.iter().map(|(_, link)| Some(hash(link.target))).collect();
            let role = |link: &core::Link| settings.roles[usize::from(link.role)].as_str();
            let roles: StringArray = found.iter().map(|(_, link)| Some(role(link))).collect();
            let time = |link: &core::Link| (link.time != core::NO_TIME).then_some(link.time);
            let times: UInt32Array = found.iter().map(|(_, link)| time(link)).collect();
            Ok(Table::new(vec![
                ("key".to_owned(), network.keys_of(found.iter().map(|&(person, _)| person))),
                ("type".to_owned(), Arc::new(types) as ArrayRef),
                ("identifier".to_owned(), Arc::new(hashes) as ArrayRef),
                ("role".to_owned(), Arc::new(roles) as ArrayRef),
                ("time".to_owned(), Arc::new(times) as ArrayRef),
            ]))
        })
    }

    /// For each type its name, people who show it, people who share it, hubs and links of hubs.
    #[expect(clippy::type_complexity, reason = "a row of Python for each type")]
    fn types(&self, py: Python<'_>) -> PyResult<Vec<(String, u64, u64, u64, u64)>> {
        self.ask(py, None, |network, control| {
            let found = network.kinds(threads_or_default(None), control)?;
            let each = found
                .into_iter()
                .map(|kind| (kind.name, kind.shown, kind.sharing, kind.hubs, kind.hub_links));
            Ok(each.collect())
        })
    }

    /// Placeholders met while rows were read, by type, with how often.
    fn placeholders(&self) -> Met {
        self.inner.placeholders().clone()
    }

    /// `key`, `component`, in the order of keys.
    #[pyo3(signature = (*, cap=None, threads=None))]
    fn components(&self, py: Python<'_>, cap: Option<u32>, threads: Option<usize>) -> PyResult<Table> {
        let (keys, components) = self.ask(py, threads, |network, control| {
            let roots = network.components(cap, threads_or_default(threads), control)?;
            let people = 0..network.links().people() as u32;
            Ok((network.keys_of(people), network.keys_of(roots.into_iter())))
        })?;
        Ok(Table::new(vec![("key".to_owned(), keys), ("component".to_owned(), components)]))
    }

    /// `key`, `hops`: the people near one, the nearest first.
    fn neighbours(&self, py: Python<'_>, key: &Bound<'_, PyAny>, hops: u32) -> PyResult<Table> {
        let key = key_from(py, key)?;
        let (keys, hops) = self.ask(py, None, |network, control| {
            let found = network.neighbours(network.person(&key)?, hops, control)?;
            let hops: UInt32Array = found.iter().map(|&(_, hops)| Some(hops)).collect();
            Ok((network.keys_of(found.iter().map(|&(person, _)| person)), hops))
        })?;
        Ok(Table::new(vec![("key".to_owned(), keys), ("hops".to_owned(), Arc::new(hops) as ArrayRef)]))
    }

    /// `key`, `type`, `identifier` (its hash), `people`: the steps of a shortest path.
    fn path(&self, py: Python<'_>, first: &Bound<'_, PyAny>, last: &Bound<'_, PyAny>) -> PyResult<Table> {
        let (first, last) = (key_from(py, first)?, key_from(py, last)?);
        self.ask(py, None, |network, control| {
            let steps = network.path(network.person(&first)?, network.person(&last)?, control)?;
            let links = network.links();
            let of = |step: &core::Step| step.identifier;
            let kind = |identifier| links.settings().types[links.type_of(identifier)].name.as_str();
            let types: StringArray = steps.iter().map(|step| of(step).map(kind)).collect();
            let hash = |identifier| format!("{:016x}", links.hash_of(identifier));
            let hashes: StringArray = steps.iter().map(|step| of(step).map(hash)).collect();
            let people: UInt32Array =
                steps.iter().map(|step| of(step).map(|identifier| links.degree(identifier))).collect();
            let keys = network.keys_of(steps.iter().map(|step| step.person));
            Ok(Table::new(vec![
                ("key".to_owned(), keys),
                ("type".to_owned(), Arc::new(types) as ArrayRef),
                ("identifier".to_owned(), Arc::new(hashes) as ArrayRef),
                ("people".to_owned(), Arc::new(people) as ArrayRef),
            ]))
        })
    }

    /// `type`, `identifier` (its hash), `people`: identifiers beyond their type's cap, the largest first.
    fn hubs(&self, py: Python<'_>) -> PyResult<Table> {
        self.ask(py, None, |network, _| {
            let links = network.links();
            let of = |hub: &core::Hub| links.settings().types[usize::from(hub.kind)].name.clone();
            let types: StringArray = links.hubs().iter().map(|hub| Some(of(hub))).collect();
            let hashes: StringArray =
                links.hubs().iter().map(|hub| Some(format!("{:016x}", hub.hash))).collect();
            let people: UInt32Array = links.hubs().iter().map(|hub| Some(hub.degree)).collect();
            Ok(Table::new(vec![
                ("type".to_owned(), Arc::new(types) as ArrayRef),
                ("identifier".to_owned(), Arc::new(hashes) as ArrayRef),
                ("people".to_owned(), Arc::new(people) as ArrayRef),
            ]))
        })
    }

    /// The network after a delta, what changed (`key`, `change`), and, where a decay is given, the features as of now
    /// that changed (all, or `only` some by name), and those as known at the records' own times that may have.
    #[pyo3(signature = (
        delta, hash_key, *, expire_before=None, features=None, only=None, then=None, threads=None, progress=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of one call of the Python package")]
    fn update(
        &self,
        py: Python<'_>,
        delta: Option<&Source>,
        hash_key: &[u8],
        expire_before: Option<u32>,
        features: Option<f64>,
        only: Option<Vec<String>>,
        then: Option<f64>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(Self, Table, Option<Table>, Option<Table>)> {
        let key = key_of(hash_key).map_err(|error| to_exception(py, &error))?;
        let (delta, threads) = (delta.map(|delta| delta.inner.clone()), threads_or_default(threads));
        let names = core::detect::names(self.inner.settings());
        let only = only.map(|only| places_of(&only, &names)).transpose();
        let only = only.map_err(|error| to_exception(py, &error))?;
        let asked = Update { expire_before, features, only: only.as_deref(), then };
        let (inner, updated) = gate::run(py, progress, |control| {
            self.inner.update(delta.as_deref(), asked, &key, threads, control)
        })?;
        let changes = updated.changes;
        let kinds: StringArray = changes.changes.iter().map(|change| Some(change.name())).collect();
        let keys = changes.keys.array_of(0..kinds.len() as u32);
        let table =
            Table::new(vec![("key".to_owned(), keys), ("change".to_owned(), Arc::new(kinds) as ArrayRef)]);
        let kept = match &only {
            Some(only) => only.iter().map(|&at| names[at].clone()).collect(),
            None => names.clone(),
        };
        let told = |renewed: Option<core::Renewals>, names: &[String]| {
            renewed.map(|(keys, columns)| features_table(keys, names, columns))
        };
        let (features, then) = (told(updated.renewals, &kept), told(updated.then, &names));
        Ok((Self { inner }, table, features, then))
    }
}

/// Where among all features some stand.
fn places_of(some: &[String], all: &[String]) -> Result<Vec<usize>, Error> {
    let place = |name: &String| {
        let unknown = || Error::argument(format!("the network has no feature `{name}`"));
        all.iter().position(|known| known == name).ok_or_else(unknown)
    };
    some.iter().map(place).collect()
}

/// `key` and features.
pub(crate) fn features_table(
    keys: ArrayRef,
    names: &[String],
    columns: impl IntoIterator<Item = ArrayRef>,
) -> Table {
    let columns = names.iter().cloned().zip(columns);
    Table::new(std::iter::once(("key".to_owned(), keys)).chain(columns).collect())
}
