//! Decisions of a batch, and their columns.
//!
//! In: what an engine found for some rows. Out: an Arrow batch. Ids and reasons are written once and pointed
//! at: by string views, sixteen bytes a hit in each column, or as categories, four bytes for both.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::{LargeStringBuilder, StringViewBuilder};
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, ListArray, RecordBatch, StringViewArray, UInt32Array};
use arrow_buffer::{OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::take::take;

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
    let told = if options.categories {
        DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8View))
    } else {
        DataType::Utf8View
    };
    let mut fields = vec![
        Field::new("decision", DataType::Utf8View, true),
        Field::new("rules", list(told.clone()), true),
        Field::new("reasons", list(told.clone()), true),
        Field::new("effect", DataType::Utf8View, true),
        Field::new("errors", list(DataType::LargeUtf8), true),
    ];
    if options.shadow {
        fields.push(Field::new("shadow", list(told), true));
    }
    Arc::new(Schema::new(fields))
}

/// The columns of some rows.
pub(super) fn to_batch(policy: &Policy, decided: &Decided, options: Options) -> Result<RecordBatch> {
    let names: ArrayRef = Arc::new(once(Decision::ALL.map(Decision::name)));
    let decisions: Vec<u32> = decided.decisions.iter().map(|decision| *decision as u32).collect();
    let ids: ArrayRef = Arc::new(once(policy.rules.iter().map(|rule| rule.id.as_str())));
    let language = usize::from(options.language == Language::Chinese);
    let reasons: ArrayRef = Arc::new(once(policy.rules.iter().map(|rule| rule.reason[language].as_str())));
    let hits = places(&decided.hits);
    let mut arrays: Vec<ArrayRef> = vec![
        pointed(&names, &decisions.into())?,
        lists(&decided.hits, &hits, &ids, options)?,
        lists(&decided.hits, &hits, &reasons, options)?,
        effects(policy, &decided.hits)?,
        errors(policy, decided)?,
    ];
    if options.shadow {
        arrays.push(lists(&decided.shadow, &places(&decided.shadow), &ids, options)?);
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

/// Texts that are written once and pointed at.
fn once<'t>(texts: impl IntoIterator<Item = &'t str>) -> StringViewArray {
    let mut once = StringViewBuilder::new();
    texts.into_iter().for_each(|text| once.append_value(text));
    once.finish()
}

/// Of texts that are written once those at some places. (`take` copies what points at a text; to make an array of
/// it would look at every text again.)
fn pointed(once: &ArrayRef, places: &UInt32Array) -> Result<ArrayRef> {
    take(once, places, None).map_err(internal)
}

/// The positions of the rules of hits.
fn places(hits: &Hits) -> UInt32Array {
    hits.hits.iter().map(|hit| hit.rule() as u32).collect::<Vec<_>>().into()
}

/// For each row the texts of the rules that hit.
fn lists(hits: &Hits, places: &UInt32Array, texts: &ArrayRef, options: Options) -> Result<ArrayRef> {
    let told = if options.categories {
        let told = DictionaryArray::<UInt32Type>::try_new(places.clone(), texts.clone());
        Arc::new(told.map_err(internal)?) as ArrayRef
    } else {
        pointed(texts, places)?
    };
    list_of(hits.ends.iter().copied(), told)
}

/// For each row what its rules do to points, in file order; null where they do nothing. Rules meet in few
/// ways, so each is put into words once.
fn effects(policy: &Policy, hits: &Hits) -> Result<ArrayRef> {
    let parts: Vec<Option<String>> = policy.rules.iter().map(|rule| rule.action.effect()).collect();
    let mut places: HashMap<Vec<u32>, u32> = HashMap::new();
    let mut texts: Vec<String> = Vec::new();
    let mut rows: Vec<Option<u32>> = vec![None; hits.ends.len()];
    let mut met: Vec<u32> = Vec::new();
    if parts.iter().any(Option::is_some) {
        for (row, place) in rows.iter_mut().enumerate() {
            met.clear();
            let acting = hits.of(row).iter().filter(|hit| !hit.is_unknown() && parts[hit.rule()].is_some());
            met.extend(acting.map(|hit| hit.rule() as u32));
            if met.is_empty() {
                continue;
            }
            *place = places.get(met.as_slice()).copied().or_else(|| {
                let told: Vec<&str> =
                    met.iter().filter_map(|rule| parts[*rule as usize].as_deref()).collect();
                texts.push(told.join("; "));
                let number = texts.len() as u32 - 1;
                places.insert(met.clone(), number);
                Some(number)
            });
        }
    }
    let texts: ArrayRef = Arc::new(once(texts.iter().map(String::as_str)));
    pointed(&texts, &rows.into())
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
