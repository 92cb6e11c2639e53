//! Policies: reading, checking, deciding.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use creditcore::batch::{Role, Wanted};
use creditcore::exec::{Control, threads_or_default};
use creditcore::expr::{Dialect, Expression, Lists, Type, ValueList};
use creditcore::id::HashKey;
use creditcore::tactic::{
    self as core, AMOUNT_UNITS, Against, Finding, History, Language, Options, Per, Trial, Words,
};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::to_exception;
use crate::gate;
use crate::source::Source;
use crate::table::Table;

/// Level, code, subject, path, (line, column) inside the text there, text, hint.
type Told = (&'static str, &'static str, Option<String>, String, Option<(u64, u64)>, String, Option<String>);

/// Position of a rule, truth of its condition, whether it hits, errors.
type Said = (usize, Option<bool>, bool, Vec<String>);

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

/// A list's name, its file, its values, and whether they are hashes already.
type ToldList = (String, Option<String>, Vec<String>, bool);

fn lists(told: Vec<ToldList>, key: HashKey, control: &Control) -> creditcore::Result<Lists> {
    let mut lists = Lists::default();
    for (name, path, values, are_hashes) in told {
        let list = match path {
            Some(path) => creditcore_store::lists::read(&path, key, are_hashes, control)?,
            None => ValueList::new(key, values.iter().map(|value| key.hash(value.as_bytes())).collect()),
        };
        lists.0.insert(name, list);
    }
    Ok(lists)
}

fn hash_key(key: &[u8]) -> creditcore::Result<HashKey> {
    let bytes = key.try_into().map_err(|_| creditcore::Error::argument("a key has sixteen bytes"))?;
    Ok(HashKey::new(bytes))
}

/// Reads a policy from JSON: the policy, where nothing is wrong with it, and what is.
#[pyfunction]
pub(crate) fn read_policy(
    py: Python<'_>,
    text: &str,
    named: Vec<ToldList>,
    key: Vec<u8>,
) -> PyResult<(Option<Policy>, Vec<Told>)> {
    let read = gate::run(py, None, move |control| {
        core::read(text, Arc::new(lists(named, hash_key(&key)?, control)?))
    })?;
    let policy = read.policy.map(|policy| Policy { inner: Arc::new(policy), trials: Arc::new(read.trials) });
    Ok((policy, read.findings.into_iter().map(told).collect()))
}

/// The keyed hashes of values, as a list file writes them.
#[pyfunction]
#[expect(clippy::needless_pass_by_value, reason = "lists cross the boundary as values")]
pub(crate) fn keyed_hashes(py: Python<'_>, values: Vec<String>, key: Vec<u8>) -> PyResult<Vec<u64>> {
    let key = hash_key(&key).map_err(|error| to_exception(py, &error))?;
    crate::gate::run(py, None, |control| {
        let mut hashes = Vec::with_capacity(values.len());
        for part in values.chunks(1 << 14) {
            control.check()?;
            hashes.extend(part.iter().map(|value| key.hash(value.as_bytes())));
        }
        Ok(hashes)
    })
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

/// Records and amounts by outcome: bad, good, not known.
fn outcomes<'py>(py: Python<'py>, of: &core::Outcomes) -> PyResult<Bound<'py, PyDict>> {
    let record = PyDict::new(py);
    record.set_item("records", of.records)?;
    record.set_item("amounts", of.amounts.map(|units| units as f64 / AMOUNT_UNITS))?;
    Ok(record)
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

    /// The first and the last day of each rule that has one, in days since 1970.
    fn days(&self) -> Vec<(Option<i32>, Option<i32>)> {
        self.inner.rules.iter().map(|rule| rule.days).filter(|days| *days != (None, None)).collect()
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

    /// The conditions that do not fit columns (name and type).
    fn unfit(&self, columns: Vec<(String, String)>) -> Vec<Told> {
        let typed: Vec<(String, Type)> =
            columns.into_iter().map(|(name, named)| (name, kind(&named))).collect();
        self.inner.unfit(&typed).into_iter().map(told).collect()
    }

    /// The zone of the clock that days and hours are read from.
    fn time_zone(&self) -> Option<String> {
        self.inner.zone.as_ref().map(|zone| zone.name().to_owned())
    }

    /// The query of every rule, by id.
    fn to_sql(
        &self,
        py: Python<'_>,
        dialect: &str,
        table: &str,
        columns: Vec<(String, String)>,
    ) -> PyResult<Vec<(String, String)>> {
        let dialect = Dialect::named(dialect).map_err(|error| to_exception(py, &error))?;
        let typed = columns.into_iter().map(|(name, told)| (name, kind(&told)));
        let typed: Vec<(String, Type)> = typed.filter(|(_, kind)| *kind != Type::Null).collect();
        Ok(self.inner.to_sql(dialect, table, &typed))
    }

    /// Decides the records of a source.
    #[pyo3(signature = (source, *, day=None, language="en", shadow=false, categories=false, golden=false, threads=None, progress=None))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of one call of the Python package")]
    fn decide(
        &self,
        py: Python<'_>,
        source: &Source,
        day: Option<i32>,
        language: &str,
        shadow: bool,
        categories: bool,
        golden: bool,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        let language = Language::named(language).map_err(|error| to_exception(py, &error))?;
        let options = Options { day, language, shadow, golden, categories };
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

    /// Runs the policy over history: plain counts, and the texts of the periods.
    #[pyo3(signature = (source, label, amount, period, mature, against, *, words=None, per=None, day=None, threads=None, progress=None) -> "dict[str, object]")]
    #[expect(clippy::too_many_arguments, reason = "the arguments of one call of the Python package")]
    fn backtest<'py>(
        &self,
        py: Python<'py>,
        source: &Source,
        label: String,
        amount: Option<String>,
        period: Option<String>,
        mature: Option<String>,
        against: Option<&Self>,
        words: Option<(String, Option<String>)>,
        per: Option<&str>,
        day: Option<i32>,
        threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let (policy, source) = (self.inner.clone(), source.inner.clone());
        let against = against.map(|against| (*against.inner).clone());
        let words = words.map(|(bad, good)| Words::new(bad, good));
        let per = per.map(Per::named).transpose().map_err(|error| to_exception(py, &error))?;
        let threads = threads_or_default(threads);
        let (made, periods) = gate::run(py, progress, move |control| {
            let mature = mature.map(|text| Expression::parse(&text)).transpose()?;
            let history = History { label, words, amount, period, per, mature, against, day };
            policy.backtest(&*source, &history, threads, control)
        })?;
        let told = PyDict::new(py);
        told.set_item("all", outcomes(py, &made.all)?)?;
        told.set_item(
            "decisions",
            made.decisions.iter().map(|of| outcomes(py, of)).collect::<PyResult<Vec<_>>>()?,
        )?;
        let swaps =
            made.swaps.iter().map(|row| row.iter().map(|of| outcomes(py, of)).collect::<PyResult<Vec<_>>>());
        told.set_item("swaps", swaps.collect::<PyResult<Vec<_>>>()?)?;
        told.set_item("periods", made.periods)?;
        told.set_item("period_texts", periods)?;
        told.set_item("overlaps", made.overlaps)?;
        let rule = |counts: &core::RuleCounts| {
            let record = PyDict::new(py);
            record.set_item("hits", outcomes(py, &counts.hits)?)?;
            record.set_item("exclusive", outcomes(py, &counts.exclusive)?)?;
            record.set_item("added", outcomes(py, &counts.added)?)?;
            record.set_item("run", counts.run)?;
            record.set_item("errors", counts.errors)?;
            record.set_item("periods", counts.periods.clone())?;
            Ok(record)
        };
        told.set_item("rules", made.rules.iter().map(rule).collect::<PyResult<Vec<_>>>()?)?;
        Ok(told)
    }

    /// What every rule says of the only record of a source: position, truth, hit, errors.
    fn trace(&self, py: Python<'_>, source: &Source) -> PyResult<Vec<Said>> {
        let (policy, source) = (self.inner.clone(), source.inner.clone());
        let verdicts = gate::run(py, None, move |control| policy.verdicts(&*source, control))?;
        Ok(verdicts
            .into_iter()
            .enumerate()
            .map(|(rule, said)| (rule, said.truth, said.hit, said.errors))
            .collect())
    }
}
