//! Decisions of a batch, and their columns.
//!
//! In: what an engine found for some rows. Out: an Arrow batch. Ids and reasons are written once and pointed
//! at (string views), so a hit costs sixteen bytes in each column.

use std::sync::Arc;

use arrow_array::builder::{LargeStringBuilder, StringViewBuilder};
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StringViewArray};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::golden::{Decision, Hit, Outcome, Trouble};
use super::policy::Policy;
use super::records::Options;
use crate::error::{Error, Place, Result};

/// The language of reasons.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// The language by its name.
    ///
    /// # Errors
    /// `Argument`: a name other than `en` and `zh`.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "en" => Ok(Self::English),
            "zh" => Ok(Self::Chinese),
            other => Err(Error::argument(format!("`language` is `{other}`; it is `en` or `zh`"))),
        }
    }
}

/// For each row a list of hits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    /// Where each row's list ends.
    pub ends: Vec<u32>,
    /// The lists, one after the other.
    pub hits: Vec<Hit>,
}

impl Hits {
    /// The hits of a row.
    pub fn of(&self, row: usize) -> &[Hit] {
        let first = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.hits[first as usize..self.ends[row] as usize]
    }

    fn push(&mut self, hits: &[Hit]) {
        self.hits.extend_from_slice(hits);
        self.ends.push(self.hits.len() as u32);
    }
}

/// What became of the rows of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// For each row its decision.
    pub decisions: Vec<Decision>,
    /// The live rules that hit.
    pub hits: Hits,
    /// The shadow rules that hit.
    pub shadow: Hits,
    /// What went wrong: row, rule, what; by row and rule.
    pub errors: Vec<(u32, u32, Trouble)>,
}

impl Decided {
    /// Adds a row.
    pub fn push(&mut self, outcome: Outcome) {
        let row = self.decisions.len() as u32;
        self.decisions.push(outcome.decision);
        self.hits.push(&outcome.hits);
        self.shadow.push(&outcome.shadow);
        self.errors.extend(outcome.errors.into_iter().map(|(rule, trouble)| (row, rule, trouble)));
    }
}

/// The columns of decisions.
pub fn schema(options: Options) -> SchemaRef {
    let list = |kind| DataType::List(Arc::new(Field::new_list_field(kind, true)));
    let mut fields = vec![
        Field::new("decision", DataType::Utf8View, true),
        Field::new("rules", list(DataType::Utf8View), true),
        Field::new("reasons", list(DataType::Utf8View), true),
        Field::new("effect", DataType::Utf8View, true),
        Field::new("errors", list(DataType::LargeUtf8), true),
    ];
    if options.shadow {
        fields.push(Field::new("shadow", list(DataType::Utf8View), true));
    }
    Arc::new(Schema::new(fields))
}

/// The columns of some rows.
pub(super) fn to_batch(policy: &Policy, decided: &Decided, options: Options) -> Result<RecordBatch> {
    let names = decided.decisions.iter().map(|decision| Some(decision.name()));
    let ids: Vec<&str> = policy.rules.iter().map(|rule| rule.id.as_str()).collect();
    let language = usize::from(options.language == Language::Chinese);
    let reasons: Vec<&str> = policy.rules.iter().map(|rule| rule.reason[language].as_str()).collect();
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(names.collect::<StringViewArray>()),
        lists(&decided.hits, &ids)?,
        lists(&decided.hits, &reasons)?,
        Arc::new(effects(policy, &decided.hits)),
        errors(policy, decided)?,
    ];
    if options.shadow {
        arrays.push(lists(&decided.shadow, &ids)?);
    }
    RecordBatch::try_new(schema(options), arrays).map_err(internal)
}

fn internal(error: impl std::fmt::Display) -> Error {
    Error::schema(Place::default(), format!("the decisions have no columns: {error}"))
}

fn list_of(ends: impl Iterator<Item = u32>, values: ArrayRef) -> Result<ArrayRef> {
    let offsets: Vec<i32> = std::iter::once(0).chain(ends.map(|end| end as i32)).collect();
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let list = ListArray::try_new(field, OffsetBuffer::new(ScalarBuffer::from(offsets)), values, None);
    Ok(Arc::new(list.map_err(internal)?))
}

/// For each row the texts of the rules that hit.
fn lists(hits: &Hits, texts: &[&str]) -> Result<ArrayRef> {
    let mut once = StringViewBuilder::new();
    texts.iter().for_each(|text| once.append_value(text));
    let once = once.finish();
    let views: Vec<u128> = hits.hits.iter().map(|hit| once.views()[hit.rule()]).collect();
    let buffers: Vec<Buffer> = once.data_buffers().to_vec();
    let values = StringViewArray::try_new(ScalarBuffer::from(views), buffers, None).map_err(internal)?;
    list_of(hits.ends.iter().copied(), Arc::new(values))
}

/// For each row what its rules do to points, in file order; null where they do nothing.
fn effects(policy: &Policy, hits: &Hits) -> StringViewArray {
    let parts: Vec<Option<String>> = policy.rules.iter().map(|rule| rule.action.effect()).collect();
    let mut texts = StringViewBuilder::new();
    let mut text = String::new();
    for row in 0..hits.ends.len() {
        text.clear();
        for hit in hits.of(row) {
            if let Some(part) = &parts[hit.rule()]
                && hit.action(policy).effect().is_some()
            {
                text.push_str(if text.is_empty() { "" } else { "; " });
                text.push_str(part);
            }
        }
        texts.append_option((!text.is_empty()).then_some(&text));
    }
    texts.finish()
}

fn errors(policy: &Policy, decided: &Decided) -> Result<ArrayRef> {
    let mut texts = LargeStringBuilder::new();
    let mut ends = vec![0u32; decided.decisions.len()];
    for (row, rule, trouble) in &decided.errors {
        texts.append_value(trouble.told(&policy.rules[*rule as usize]));
        ends[*row as usize] += 1;
    }
    let mut end = 0;
    ends.iter_mut().for_each(|count| {
        end += *count;
        *count = end;
    });
    list_of(ends.into_iter(), Arc::new(texts.finish()))
}
