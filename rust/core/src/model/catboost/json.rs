//! CatBoost's JSON export.
//!
//! In: the text that `save_model("model.json", format="json")` writes. Out: an [`Ensemble`]. What the file says twice,
//! a test by its number and by its border, is compared; unknown fields are refused by name.

use std::sync::Arc;

use super::ctr::{Counts, Formula, Kind};
use super::trees::Step;
use super::{
    Base, Category, Fault, Float, Forest, MOST_COMPUTED, Model, OneHot, Statistic, Steps, objective_of,
    version_of,
};
use crate::error::{Error, Place, Result as CoreResult};
use crate::model::ensemble::Ensemble;
use crate::model::formats::{MOST_OUTPUTS, Options};
use crate::model::json::Json;
use crate::model::numbers::Flag;
use crate::model::tokens::number;

const KNOWN: [&str; 6] =
    ["ctr_data", "features_info", "model_info", "oblivious_trees", "scale_and_bias", "trees"];
const KNOWN_FEATURES: [&str; 6] = [
    "float_features",
    "categorical_features",
    "cat_features_hash",
    "ctrs",
    "text_features",
    "embedding_features",
];

/// Whether bytes begin like an object whose first field is one of this form.
pub(in crate::model) fn recognise(bytes: &[u8]) -> bool {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let name = start.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    let name = name.and_then(|rest| rest.strip_prefix(b"\""));
    name.is_some_and(|rest| {
        KNOWN
            .iter()
            .any(|known| rest.strip_prefix(known.as_bytes()).is_some_and(|rest| rest.starts_with(b"\"")))
    })
}

/// Reads a model.
///
/// # Errors
/// A file that is damaged (`Format`), or that uses what is not supported (`Model`); both name the field.
pub(in crate::model) fn read(source: &str, bytes: &[u8], options: &Options) -> CoreResult<Ensemble> {
    let broken = |text: String| Error::format(Place::file(source), text);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| broken(format!("byte {} is not UTF-8; the file is damaged", error.valid_up_to())))?;
    let json = Json::parse(text.trim_start_matches('\u{feff}')).map_err(broken)?;
    model(&json).and_then(|model| model.assemble("catboost json", options)).map_err(|fault| fault.of(source))
}

fn known(object: &Json<'_>, fields: &[&str], place: &str) -> Result<(), Fault> {
    let Json::Object(found) = object else { return Err(Fault::Broken(format!("{place} is no object"))) };
    match found.iter().find(|(name, _)| !fields.contains(&&**name)) {
        Some((name, _)) => Err(Fault::Unsupported(format!("field `{name}` of {place} is unknown"))),
        None => Ok(()),
    }
}

/// Refuses features made of texts or embeddings.
fn no_texts(features: &Json<'_>) -> Result<(), Fault> {
    for what in ["text_features", "embedding_features"] {
        if features.field(what).is_some_and(|list| list.length() != Some(0)) {
            let text = format!("the model has `{what}`, which are not supported");
            return Err(Fault::Unsupported(text));
        }
    }
    Ok(())
}

fn model(json: &Json<'_>) -> Result<Model, Fault> {
    known(json, &KNOWN, "the model")?;
    let features = json.need("features_info")?;
    known(features, &KNOWN_FEATURES, "`features_info`")?;
    no_texts(features)?;
    let list = |name: &str| match features.field(name) {
        Some(field) => field.list().map_err(|text| format!("field `{name}`: {text}")),
        None => Ok(Vec::new()),
    };
    let floats = list("float_features")?.iter().map(float).collect::<Result<Vec<_>, _>>()?;
    let (mut categories, mut one_hots) = (Vec::new(), Vec::new());
    for told in list("categorical_features")? {
        let index = whole(&told, "feature_index")?;
        categories.push(Category { index, flat: whole(&told, "flat_feature_index")?, name: name(&told)? });
        if let Some(values) = told.field("values") {
            one_hots.push(OneHot { index, values: values.all_numbers("values")? });
        }
    }
    let (scale, bias) = scale_and_bias(json)?;
    if bias.is_empty() || bias.len() > MOST_OUTPUTS {
        return Err(Fault::Broken(format!("field `scale_and_bias` holds {} numbers", bias.len())));
    }
    let computed = list("ctrs")?.iter().map(statistic).collect::<Result<Vec<_>, _>>()?;
    if computed.len() > MOST_COMPUTED {
        let text =
            format!("there are {} computed features; at most {MOST_COMPUTED} are read", computed.len());
        return Err(Fault::Broken(text));
    }
    let counts = counts(json.field("ctr_data"), &computed)?;
    let (outputs, has_computed) = (bias.len(), !computed.is_empty());
    let tests = Tests::new(&floats, &one_hots);
    let forest = match (json.field("oblivious_trees"), json.field("trees")) {
        (Some(list), None) => symmetric(list, &tests, has_computed)?,
        (None, Some(list)) => steps(list, &tests, outputs, has_computed)?,
        _ => return Err(Fault::Broken("one of `oblivious_trees` and `trees` is needed".to_owned())),
    };
    let notes = json.field("model_info");
    let params = notes.and_then(|notes| notes.field("params"));
    let version = notes.and_then(|notes| notes.field("catboost_version_info"));
    Ok(Model {
        floats,
        categories,
        one_hots,
        counts,
        computed: computed.into_iter().map(|(statistic, _)| statistic).collect(),
        outputs,
        forest,
        scale,
        bias,
        objective: params.map_or(Ok(String::new()), objective_of)?,
        version: match version {
            Some(note) => version_of(note.plain("catboost_version_info")?),
            None => String::new(),
        },
    })
}

fn whole(object: &Json<'_>, field: &str) -> Result<i32, String> {
    number(object.need(field)?.plain(field)?, field)
}

fn name(object: &Json<'_>) -> Result<String, String> {
    match object.field("feature_name").or_else(|| object.field("feature_id")) {
        Some(name) => Ok(name.plain("feature_id")?.to_owned()),
        None => Ok(String::new()),
    }
}

fn float(told: &Json<'_>) -> Result<Float, String> {
    let treatment = match told.need("nan_value_treatment")?.plain("nan_value_treatment")? {
        "AsIs" => 0,
        "AsFalse" => 1,
        "AsTrue" => 2,
        other => return Err(format!("field `nan_value_treatment` holds `{other}`")),
    };
    Ok(Float {
        index: whole(told, "feature_index")?,
        flat: whole(told, "flat_feature_index")?,
        name: name(told)?,
        borders: match told.need("borders")? {
            Json::Null => Vec::new(),
            borders => borders.all_numbers("borders")?,
        },
        has_missing: number::<Flag>(told.need("has_nans")?.plain("has_nans")?, "has_nans")?.0,
        treatment,
    })
}

/// A computed feature, and under which name its counts stand.
fn statistic(told: &Json<'_>) -> Result<(Statistic, String), String> {
    let single = |field: &str| number::<f32>(told.need(field)?.plain(field)?, field);
    let name = told.need("ctr_type")?.plain("ctr_type")?;
    let kind = Kind::number_of(name).ok_or_else(|| format!("field `ctr_type` holds `{name}`"))?;
    let mut base = Base { kind, ..Base::default() };
    for element in told.need("elements")?.list()? {
        match element.need("combination_element")?.plain("combination_element")? {
            "cat_feature_value" => base.categories.push(whole(&element, "cat_feature_index")?),
            "float_feature" => {
                let border = number(element.need("border")?.plain("border")?, "border")?;
                base.above.push((whole(&element, "float_feature_index")?, border));
            }
            "cat_feature_exact_value" => {
                base.is.push((whole(&element, "cat_feature_index")?, whole(&element, "value")?));
            }
            other => return Err(format!("field `combination_element` holds `{other}`")),
        }
    }
    let formula = Formula {
        kind: Kind::of_number(kind).ok_or_else(|| format!("field `ctr_type` holds `{name}`"))?,
        border: number(told.need("target_border_idx")?.plain("target_border_idx")?, "target_border_idx")?,
        prior: single("prior_numerator")?,
        prior_weight: single("prior_denomerator")?,
        shift: single("shift")?,
        scale: single("scale")?,
    };
    let borders = told.need("borders")?.all_numbers("borders")?;
    let identifier = told.need("identifier")?.plain("identifier")?.to_owned();
    Ok((Statistic { base, formula, borders }, identifier))
}

type AllCounts = Vec<(Base, Arc<Counts>)>;

/// The counts of the computed features, each once.
fn counts(told: Option<&Json<'_>>, computed: &[(Statistic, String)]) -> Result<AllCounts, String> {
    let mut found: AllCounts = Vec::new();
    for (statistic, identifier) in computed {
        if found.iter().any(|(base, _)| *base == statistic.base) {
            continue;
        }
        let place = |text: String| format!("field `ctr_data`, `{identifier}`: {text}");
        let table = told.and_then(|told| told.field(identifier));
        let table = table.ok_or_else(|| place("is missing".to_owned()))?;
        let own = one_table(table, statistic.formula.kind).map_err(place)?;
        found.push((statistic.base.clone(), Arc::new(own)));
    }
    Ok(found)
}

fn one_table(told: &Json<'_>, kind: Kind) -> Result<Counts, String> {
    let stride: usize = number(told.need("hash_stride")?.plain("hash_stride")?, "hash_stride")?;
    let denominator = whole(told, "counter_denominator")?;
    let map = told.need("hash_map")?.list()?;
    if stride < 2 || map.len() % stride != 0 {
        return Err(format!("field `hash_stride` holds `{stride}` for {} values", map.len()));
    }
    let (mut buckets, mut numbers) = (Vec::new(), Vec::new());
    for (place, bucket) in map.chunks_exact(stride).enumerate() {
        buckets.push((number(bucket[0].plain("hash_map")?, "hash_map")?, place));
        for (column, value) in bucket[1..].iter().enumerate() {
            let text = value.plain("hash_map")?;
            // The first number of a mean is a sum.
            let is_sum = kind == Kind::Mean && column == 0;
            let sum = if is_sum { number::<f32>(text, "hash_map")?.to_bits() as i32 } else { 0 };
            numbers.push(if is_sum { sum } else { number(text, "hash_map")? });
        }
    }
    Counts::new(buckets.into_iter(), numbers, stride - 1, denominator)
}

/// `[scale, [bias, ...]]`, or `[scale, bias]` of older versions.
fn scale_and_bias(json: &Json<'_>) -> Result<(f64, Vec<f64>), String> {
    let field = "scale_and_bias";
    let Some(told) = json.field(field) else { return Ok((1.0, vec![0.0])) };
    match told {
        Json::List(parts) if parts.len() == 2 => {
            Ok((number(parts[0].plain(field)?, field)?, parts[1].all_numbers(field)?))
        }
        _ => {
            let pair: Vec<f64> = told.numbers(2, field)?;
            Ok((pair[0], vec![pair[1]]))
        }
    }
}

/// What each test asks for, by its number.
struct Tests {
    borders: Vec<f32>,
    values: Vec<i32>,
}

impl Tests {
    fn new(floats: &[Float], one_hots: &[OneHot]) -> Self {
        Self {
            borders: floats.iter().flat_map(|float| float.borders.iter().copied()).collect(),
            values: one_hots.iter().flat_map(|one| one.values.iter().copied()).collect(),
        }
    }

    /// The number of a test, once it agrees with what stands beside it; in files with computed features the number
    /// alone counts.
    fn number(&self, split: &Json<'_>, computed: bool) -> Result<usize, String> {
        let index: usize = number(split.need("split_index")?.plain("split_index")?, "split_index")?;
        let kind = split.need("split_type")?.plain("split_type")?;
        let agrees = match kind {
            "FloatFeature" => {
                let border: f32 = number(split.need("border")?.plain("border")?, "border")?;
                self.borders.get(index) == Some(&border)
            }
            "OneHotFeature" => {
                let value = whole(split, "value")?;
                index.checked_sub(self.borders.len()).and_then(|place| self.values.get(place)) == Some(&value)
            }
            _ => computed,
        };
        if agrees {
            return Ok(index);
        }
        Err(format!("field `split_index` holds `{index}`, which is no such test (`{kind}`)"))
    }
}

fn symmetric(list: &Json<'_>, tests: &Tests, computed: bool) -> Result<Forest, String> {
    let list = list.list().map_err(|text| format!("field `oblivious_trees`: {text}"))?;
    let (mut splits, mut values, mut weights) = (Vec::new(), Vec::new(), Vec::<f64>::new());
    for (number, tree) in list.iter().enumerate() {
        let at = |text: String| format!("tree {number}: {text}");
        let own = match tree.field("splits") {
            Some(Json::Null) | None => Vec::new(),
            Some(own) => own.list().map_err(at)?,
        };
        splits.push(
            own.iter().map(|split| tests.number(split, computed)).collect::<Result<_, _>>().map_err(at)?,
        );
        let its = tree.need("leaf_values").and_then(|field| field.all_numbers::<f64>("leaf_values"));
        values.extend(its.map_err(at)?);
        if let Some(field) = tree.field("leaf_weights") {
            weights.extend(field.numbers::<f64>(1 << own.len().min(30), "leaf_weights").map_err(at)?);
        }
    }
    Ok(Forest::Symmetric { splits, values, weights })
}

fn steps(list: &Json<'_>, tests: &Tests, outputs: usize, computed: bool) -> Result<Forest, String> {
    let list = list.list().map_err(|text| format!("field `trees`: {text}"))?;
    let mut found = Vec::new();
    for (number, root) in list.iter().enumerate() {
        let tree = one_tree(root, tests, outputs, computed);
        found.push(tree.map_err(|text| format!("tree {number}: {text}"))?);
    }
    Ok(Forest::Steps(found))
}

/// A tree of objects within objects, taken apart from the root down; leaves are numbered from left to right.
fn one_tree(root: &Json<'_>, tests: &Tests, outputs: usize, computed: bool) -> Result<Steps, String> {
    let mut tree = Steps { steps: Vec::new(), values: Vec::new(), weights: Vec::new() };
    // What is open, and whose child it is: a step, and whether the right one.
    let mut open = vec![(root, None)];
    while let Some((told, parent)) = open.pop() {
        let place = tree.steps.len();
        if let Some((parent, right)) = parent {
            let step: &mut Step = &mut tree.steps[parent as usize].0;
            *(if right { &mut step.right } else { &mut step.left }) = place - parent as usize;
        }
        if let Some(split) = told.field("split") {
            tree.steps.push((Step::default(), tests.number(split, computed)?));
            open.push((told.need("right")?, Some((place as u32, true))));
            open.push((told.need("left")?, Some((place as u32, false))));
            continue;
        }
        let leaf = tree.values.len() / outputs;
        match told.need("value")? {
            value @ (Json::Row(_) | Json::List(_)) => {
                tree.values.extend(value.numbers::<f64>(outputs, "value")?);
            }
            value if outputs == 1 => tree.values.push(number(value.plain("value")?, "value")?),
            _ => return Err(format!("field `value` holds one number for {outputs} outputs")),
        }
        if let Some(weight) = told.field("weight") {
            tree.weights.push(number(weight.plain("weight")?, "weight")?);
        }
        tree.steps.push((Step { leaf, ..Step::default() }, 0));
    }
    Ok(tree)
}
