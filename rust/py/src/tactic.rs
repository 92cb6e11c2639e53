//! Policies: reading, checking, deciding.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use creditcore::batch::{Role, Wanted};
use creditcore::exec::threads_or_default;
use creditcore::expr::Type;
use creditcore::tactic::{self as core, Against, Finding, Language, Options, Trial};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::to_exception;
use crate::gate;
use crate::source::Source;
use crate::table::Table;

/// Level, code, subject, path, (line, column) inside the text there, text, hint.
type Told = (&'static str, &'static str, Option<String>, String, Option<(u64, u64)>, String, Option<String>);

fn told(finding: Finding) -> Told {
    let span = finding.span.map(|span| (span.line, span.column));
    let Finding { level, code, subject, path, text, hint, .. } = finding;
    (level.name(), code, subject, path, span, text, hint)
}

/// Tactics of rules.
#[pyclass(frozen, module = "creditcore._core")]
pub(crate) struct Policy {
    inner: Arc<core::Policy>,
    trials: Arc<Vec<Trial>>,
}

/// Reads a policy from JSON: the policy, where nothing is wrong with it, and what is.
#[pyfunction]
pub(crate) fn read_policy(py: Python<'_>, text: &str) -> PyResult<(Option<Policy>, Vec<Told>)> {
    let read = gate::run(py, None, move |_| core::read(text))?;
    let policy = read.policy.map(|policy| Policy { inner: Arc::new(policy), trials: Arc::new(read.trials) });
    Ok((policy, read.findings.into_iter().map(told).collect()))
}

/// The types by the names that Python gives them.
const KINDS: [(&str, Type); 6] = [
    ("boolean", Type::Boolean),
    ("integer", Type::Integer),
    ("double", Type::Double),
    ("text", Type::Text),
    ("date", Type::Date),
    ("timestamp", Type::Timestamp),
];

fn kind(name: &str) -> Type {
    KINDS.iter().find(|(known, _)| *known == name).map_or(Type::Null, |(_, kind)| *kind)
}

#[pymethods]
impl Policy {
    /// The columns that rules name, in file order.
    fn columns(&self) -> Vec<String> {
        self.inner.columns().into_iter().map(str::to_owned).collect()
    }

    /// The types that conditions ask of their columns, where they ask for one.
    fn kinds(&self) -> HashMap<String, &'static str> {
        let named = |kind: Type| KINDS.iter().find(|(_, known)| *known == kind).map_or("", |(name, _)| *name);
        self.inner.kinds().into_iter().map(|(name, kind)| (name, named(kind))).collect()
    }

    /// The columns that rules name with the roles that they are read in: `number`, `key`.
    fn roles(&self) -> Vec<(String, &'static str)> {
        let role = |column: Wanted| (column.name, if column.role == Role::Number { "number" } else { "key" });
        self.inner.roles().into_iter().map(role).collect()
    }

    /// Whether rules are in force on some days only.
    fn has_days(&self) -> bool {
        self.inner.has_days()
    }

    /// The rules, as plain records in file order.
    #[pyo3(signature = () -> "list[dict[str, object]]")]
    fn rules<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let record = |rule: &core::Rule| {
            let record = PyDict::new(py);
            record.set_item("id", &rule.id)?;
            record.set_item("tactic", &self.inner.tactics[rule.tactic].id)?;
            record.set_item("when", rule.when.text())?;
            record.set_item("action", rule.action.to_string())?;
            record.set_item("reason", &rule.reason[0])?;
            record.set_item("reason_zh", &rule.reason[1])?;
            record.set_item("on_null", rule.on_null.name())?;
            record.set_item("owner", &rule.owner)?;
            record.set_item("mode", if rule.shadow { "shadow" } else { "live" })?;
            record.set_item("columns", rule.when.columns())?;
            record.set_item("path", &rule.path)?;
            Ok(record)
        };
        self.inner.rules.iter().map(record).collect()
    }

    /// Runs the tests of the rules; those that fail.
    fn failing(&self, py: Python<'_>) -> PyResult<Vec<Told>> {
        let (policy, trials) = (self.inner.clone(), self.trials.clone());
        let found =
            gate::run(py, None, move |_| Ok(trials.iter().filter_map(|trial| trial.run(&policy)).collect()))?;
        let found: Vec<Finding> = found;
        Ok(found.into_iter().map(told).collect())
    }

    /// Checks the policy against columns (name and type), and a day.
    #[pyo3(signature = (columns=None, *, day=None))]
    fn check(
        &self,
        py: Python<'_>,
        columns: Option<Vec<(String, String)>>,
        day: Option<i32>,
    ) -> PyResult<Vec<Told>> {
        let columns =
            columns.map(|columns| columns.into_iter().map(|(name, named)| (name, kind(&named))).collect());
        let (policy, trials) = (self.inner.clone(), self.trials.clone());
        let found = gate::run(py, None, move |_| Ok(policy.check(&trials, &Against { columns, day })))?;
        Ok(found.into_iter().map(told).collect())
    }

    /// Decides the records of a source.
    #[pyo3(signature = (source, *, day=None, language="en", shadow=false, golden=false, threads=None, progress=None))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of one call of the Python package")]
    fn decide(
        &self,
        py: Python<'_>,
        source: &Source,
        day: Option<i32>,
        language: &str,
        shadow: bool,
        golden: bool,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        let language = Language::named(language).map_err(|error| to_exception(py, &error))?;
        let options = Options { day, language, shadow, golden };
        let (policy, source) = (self.inner.clone(), source.inner.clone());
        let threads = threads_or_default(threads);
        let batches: Vec<RecordBatch> =
            gate::run(py, progress, move |control| policy.decide(&*source, options, threads, control))?;
        Ok(Table { schema: core::schema(options), batches })
    }

    /// Counts decisions and hits: records, reject, review, hits of each rule, errors of each rule.
    #[pyo3(signature = (source, *, day=None, threads=None, progress=None))]
    #[expect(clippy::type_complexity, reason = "plain counts")]
    fn tally(
        &self,
        py: Python<'_>,
        source: &Source,
        day: Option<i32>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<(u64, u64, u64, Vec<u64>, Vec<u64>)> {
        let (policy, source) = (self.inner.clone(), source.inner.clone());
        let threads = threads_or_default(threads);
        let made = gate::run(py, progress, move |control| policy.tally(&*source, day, threads, control))?;
        Ok((made.records, made.reject, made.review, made.hits, made.errors))
    }

    /// What every rule says of the only record of a source: position, truth, hit, errors.
    fn trace(
        &self,
        py: Python<'_>,
        source: &Source,
    ) -> PyResult<Vec<(usize, Option<bool>, bool, Vec<String>)>> {
        let (policy, source) = (self.inner.clone(), source.inner.clone());
        let verdicts = gate::run(py, None, move |control| policy.verdicts(&*source, control))?;
        Ok(verdicts
            .into_iter()
            .enumerate()
            .map(|(rule, said)| (rule, said.truth, said.hit, said.errors))
            .collect())
    }
}
