//! XGBoost's JSON format, boosters of trees.
//!
//! In: the text that `save_model("model.json")` writes (versions 1 to 3). Out: an [`Ensemble`]. The base score is
//! read in all its spellings (`5E-1`, `[2.2E-1]`, a vector by class) and becomes the first summand, in f32; the
//! category values that newer files store are matched by value.

mod objective;
mod tree;

use std::sync::Arc;

use super::ensemble::{Categories, Ensemble, Feature, Library};
use super::formats::{MOST_FEATURES, MOST_OUTPUTS, Options};
use super::json::Json;
use super::tokens::{count, number, numbers, shown};
use crate::error::{Error, Place, Result};
use objective::{Margin, links};

/// Whether bytes begin like an object of JSON.
pub(super) fn recognise(bytes: &[u8]) -> bool {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut solid = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    solid.next() == Some(&b'{') && matches!(solid.next(), Some(b'"' | b'}'))
}

/// Why a model was not read.
enum Fault {
    Broken(String),
    Unsupported(String),
}

impl From<String> for Fault {
    fn from(text: String) -> Self {
        Self::Broken(text)
    }
}

/// Reads a model.
///
/// # Errors
/// A file that is damaged (`Format`), or that uses what is not supported (`Model`); both name the field.
pub(super) fn read(source: &str, bytes: &[u8], options: &Options) -> Result<Ensemble> {
    let broken = |text: String| Error::format(Place::file(source), text);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| broken(format!("byte {} is not UTF-8; the file is damaged", error.valid_up_to())))?;
    let json = Json::parse(text.trim_start_matches('\u{feff}')).map_err(broken)?;
    let Some(learner) = json.field("learner") else {
        return Err(broken(
            "the JSON has no field `learner`, so it is no XGBoost model; save one with \
             `booster.save_model(\"model.json\")`"
                .to_owned(),
        ));
    };
    ensemble(&json, learner, options).map_err(|fault| match fault {
        Fault::Broken(text) => broken(text),
        Fault::Unsupported(text) => Error::model(Place::file(source), text),
    })
}

fn ensemble(json: &Json<'_>, learner: &Json<'_>, options: &Options) -> std::result::Result<Ensemble, Fault> {
    let version = version(json)?;
    let booster = learner.need("gradient_booster")?;
    let kind = booster.need("name")?.plain("name")?;
    if kind != "gbtree" {
        return Err(Fault::Unsupported(format!(
            "booster {} is not supported; train with `booster=\"gbtree\"`",
            shown(kind)
        )));
    }
    let param = learner.need("learner_model_param")?;
    let sized = |name: &str, limit: usize| match param.field(name) {
        Some(field) => count(field.plain(name)?, name, limit),
        None => Ok(0),
    };
    let outputs = sized("num_class", MOST_OUTPUTS)?.max(sized("num_target", MOST_OUTPUTS)?).max(1);
    let model = booster.need("model")?;
    let (mut features, real_names) = features(learner, sized("num_feature", MOST_FEATURES)?)?;
    categories(model, &mut features)?;
    let name = learner.need("objective")?.need("name")?.plain("name")?;
    let (link, margin) = match links(name, outputs, version) {
        Ok((link, margin)) => (Some(link), margin),
        Err(_) if options.margin_only => (None, Margin::Same),
        Err(text) => {
            let text = format!(
                "{text}; `margin_only` reads the model for its raw output alone, and takes its \
                                base score for a margin"
            );
            return Err(Fault::Unsupported(text));
        }
    };
    let base = base(param.need("base_score")?.plain("base_score")?, outputs)?;
    let base = base.into_iter().map(|base| margin.of(base).map(f64::from));
    let mut ensemble = Ensemble {
        library: Library::XgBoost,
        format: "xgboost json",
        version: format!("{}.{}", version.0, version.1),
        objective: name.to_owned(),
        real_names,
        trees: trees(model, features.len(), outputs)?,
        features,
        base: base.collect::<std::result::Result<_, _>>()?,
        averaged: false,
        link,
        loose_categories: Vec::new(),
    };
    ensemble.count_splits();
    Ok(ensemble)
}

/// Major and minor version; files of the first versions do not say.
fn version(json: &Json<'_>) -> std::result::Result<(u32, u32), String> {
    let Some(version) = json.field("version") else { return Ok((1, 0)) };
    let parts: Vec<u32> = numbers(version.row("version")?, ',', 3, "version")?;
    Ok((parts[0], parts[1]))
}

/// The inputs, and whether the file names them.
fn features(learner: &Json<'_>, wanted: usize) -> std::result::Result<(Vec<Feature>, bool), String> {
    let list = |name: &str| match learner.field(name) {
        Some(field) => field.list().map_err(|text| format!("field `{name}`: {text}")),
        None => Ok(Vec::new()),
    };
    let (names, kinds) = (list("feature_names")?, list("feature_types")?);
    for (name, found) in [("feature_names", names.len()), ("feature_types", kinds.len())] {
        if found != 0 && found != wanted {
            return Err(format!("field `{name}` holds {found} texts; `num_feature` is {wanted}"));
        }
    }
    let mut features = Vec::with_capacity(wanted);
    for index in 0..wanted {
        let name = match names.get(index) {
            Some(name) => name.plain("feature_names")?.to_owned(),
            None => format!("f{index}"),
        };
        let kind = kinds.get(index).map_or(Ok("float"), |kind| kind.plain("feature_types"))?;
        features.push(Feature { name, categorical: kind == "c", ..Feature::default() });
    }
    let mut seen = std::collections::HashSet::new();
    if let Some(twice) = features.iter().find(|feature| !seen.insert(&feature.name)) {
        return Err(format!("field `feature_names` holds {} twice", shown(&twice.name)));
    }
    let stand_in = |(index, feature): (usize, &Feature)| feature.name == format!("f{index}");
    let real_names = !features.iter().enumerate().all(stand_in);
    Ok((features, real_names))
}

/// The category values that a file may store for its categorical features.
fn categories(model: &Json<'_>, features: &mut [Feature]) -> std::result::Result<(), String> {
    let Some(stored) = model.field("cats").and_then(|cats| cats.field("enc")) else { return Ok(()) };
    let wrong = |text: String| format!("field `cats`: {text}");
    let stored = stored.list().map_err(wrong)?;
    if !stored.is_empty() && stored.len() != features.len() {
        return Err(wrong(format!("{} lists of categories for {} features", stored.len(), features.len())));
    }
    for (feature, values) in features.iter_mut().zip(&stored).filter(|(feature, _)| feature.categorical) {
        let row = values.need("values").and_then(|field| field.row("values")).map_err(wrong)?;
        let texts = match values.field("offsets") {
            Some(offsets) => texts(row, offsets.row("offsets").map_err(wrong)?).map_err(wrong)?,
            None => row
                .split(',')
                .filter(|part| !part.trim().is_empty())
                .map(|part| number::<f64>(part.trim(), "values").map(super::input::category_text))
                .collect::<std::result::Result<_, _>>()
                .map_err(wrong)?,
        };
        // Some versions cut a text after as many bytes as it has characters: what is not ASCII is not trusted.
        if !texts.is_empty() && texts.iter().all(|text| text.is_ascii()) {
            feature.codes = Some(Arc::new((0..texts.len() as u32).collect()));
            feature.categories = Some(Arc::new(Categories::new(texts).map_err(wrong)?));
        }
    }
    Ok(())
}

/// Texts that stand one after the other as bytes (signed ones), cut at the offsets.
fn texts(bytes: &str, offsets: &str) -> std::result::Result<Vec<String>, String> {
    let counted = |text: &str| text.split(',').filter(|part| !part.trim().is_empty()).count();
    let bytes: Vec<i16> = numbers(bytes, ',', counted(bytes), "values")?;
    let bytes: Vec<u8> = bytes.into_iter().map(|byte| byte as u8).collect();
    let offsets: Vec<usize> = numbers(offsets, ',', counted(offsets), "offsets")?;
    let text = |pair: &[usize]| {
        let part = bytes
            .get(pair[0]..pair[1])
            .ok_or_else(|| format!("there are no bytes {} to {}", pair[0], pair[1]))?;
        Ok(String::from_utf8_lossy(part).into_owned())
    };
    offsets.windows(2).map(text).collect()
}

/// A base score in any spelling: a number, a number in brackets, a list of one for each output.
fn base(text: &str, outputs: usize) -> std::result::Result<Vec<f32>, String> {
    let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
    let found = inner.split(',').count();
    let values: Vec<f32> = numbers(inner, ',', found, "base_score")?;
    if let Some(value) = values.iter().find(|value| !value.is_finite()) {
        return Err(format!("field `base_score` holds `{value}`"));
    }
    match values.len() {
        1 => Ok(vec![values[0]; outputs]),
        _ if values.len() == outputs => Ok(values),
        found => Err(format!("field `base_score` holds {found} numbers for {outputs} outputs")),
    }
}

fn trees(
    model: &Json<'_>,
    features: usize,
    outputs: usize,
) -> std::result::Result<Vec<super::ensemble::Tree>, Fault> {
    let list = model.need("trees")?.list().map_err(|text| format!("field `trees`: {text}"))?;
    let promised = model.need("gbtree_model_param")?.need("num_trees")?.plain("num_trees")?;
    if number::<usize>(promised, "num_trees")? != list.len() {
        return Err(Fault::Broken(format!(
            "there are {} trees, but `num_trees` is {}",
            list.len(),
            shown(promised)
        )));
    }
    let groups: Vec<u32> = numbers(model.need("tree_info")?.row("tree_info")?, ',', list.len(), "tree_info")?;
    let mut trees = Vec::with_capacity(list.len());
    for (index, (object, &group)) in list.iter().zip(&groups).enumerate() {
        if group as usize >= outputs {
            let text = format!("tree {index}: field `tree_info` holds `{group}` for {outputs} outputs");
            return Err(Fault::Broken(text));
        }
        if tree::has_vectors(object) {
            return Err(Fault::Unsupported(format!(
                "tree {index}: its leaves hold a vector each (`size_leaf_vector`); train with \
                 `multi_strategy=\"one_output_per_tree\"`"
            )));
        }
        let id = object.need("id").and_then(|id| number::<usize>(id.plain("id")?, "id"));
        if id.as_ref() != Ok(&index) {
            return Err(Fault::Broken(format!("tree {index}: field `id` does not say so")));
        }
        let tree = tree::read(object, features, group).map_err(|text| format!("tree {index}: {text}"))?;
        trees.push(tree);
    }
    Ok(trees)
}
