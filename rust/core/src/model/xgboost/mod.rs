//! XGBoost's files: JSON, binary JSON (UBJ), and the binary form of old.
//!
//! In: the bytes that `save_model` writes (versions 1 to 3; the binary form of 0.7 to 3.0). Out: an [`Ensemble`].
//! Each form becomes one [`Learner`], from which the model is assembled. The base score is read in all its
//! spellings (`5E-1`, `[2.2E-1]`, a vector by class) and becomes the first summand, in f32; a tree that was dropped
//! out has its weight multiplied into its leaves, in f32 as the library does; the category values that newer files
//! store are matched by value.

mod binary;
mod learner;
mod objective;
mod tree;

use std::sync::Arc;

use super::ensemble::{Categories, Ensemble, Feature, Tree};
use super::fault::Fault;
use super::formats::{MOST_FEATURES, MOST_OUTPUTS, Options};
use super::json::Json;
use super::tokens::{count, number, numbers, shown};
use super::ubj;
use crate::error::{Error, Place, Result};
pub(super) use binary::{read as read_binary, recognise as recognise_binary};
use learner::{Booster, Learner};

/// Whether bytes begin like an object of JSON.
pub(super) fn recognise(bytes: &[u8]) -> bool {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut solid = start.iter().filter(|byte| !byte.is_ascii_whitespace());
    solid.next() == Some(&b'{') && matches!(solid.next(), Some(b'"' | b'}'))
}

/// Whether bytes begin like an object of binary JSON.
pub(super) fn recognise_ubj(bytes: &[u8]) -> bool {
    ubj::recognise(bytes)
}

/// Reads a model of JSON.
///
/// # Errors
/// A file that is damaged (`Format`), or that uses what is not supported (`Model`); both name the field.
pub(super) fn read(source: &str, bytes: &[u8], options: &Options) -> Result<Ensemble> {
    let broken = |text: String| Error::format(Place::file(source), text);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| broken(format!("byte {} is not UTF-8; the file is damaged", error.valid_up_to())))?;
    let json = Json::parse(text.trim_start_matches('\u{feff}')).map_err(broken)?;
    of_json(&json).and_then(|learner| learner.assemble("xgboost json", options)).map_err(|f| f.of(source))
}

/// Reads a model of binary JSON.
///
/// # Errors
/// As for [`read`].
pub(super) fn read_ubj(source: &str, bytes: &[u8], options: &Options) -> Result<Ensemble> {
    let json = ubj::parse(bytes).map_err(|text| Error::format(Place::file(source), text))?;
    of_json(&json).and_then(|learner| learner.assemble("xgboost ubj", options)).map_err(|f| f.of(source))
}

fn of_json(json: &Json<'_>) -> std::result::Result<Learner, Fault> {
    let Some(learner) = json.field("learner") else {
        return Err(Fault::Broken(
            "the JSON has no field `learner`, so it is no XGBoost model; save one with \
             `booster.save_model(\"model.json\")`"
                .to_owned(),
        ));
    };
    let param = learner.need("learner_model_param")?;
    let sized = |name: &str, limit: usize| match param.field(name) {
        Some(field) => count(field.plain(name)?, name, limit),
        None => Ok(0),
    };
    let outputs = sized("num_class", MOST_OUTPUTS)?.max(sized("num_target", MOST_OUTPUTS)?).max(1);
    let (mut features, real_names) = features(learner, sized("num_feature", MOST_FEATURES)?)?;
    let booster = learner.need("gradient_booster")?;
    let kind = booster.need("name")?.plain("name")?;
    let (model, dropped) = match kind {
        "gbtree" => (booster.need("model")?, None),
        "dart" => (booster.need("gbtree")?.need("model")?, Some(booster.need("weight_drop")?)),
        "gblinear" => {
            let weights = booster.need("model")?.need("weights")?.all_numbers("weights")?;
            return finish(json, learner, outputs, features, real_names, Booster::Linear(weights));
        }
        _ => {
            let known = "`gbtree`, `dart` and `gblinear`";
            return Err(Fault::Unsupported(format!("booster {} is unknown; known are {known}", shown(kind))));
        }
    };
    categories(model, &mut features)?;
    let forest = forest(model, dropped, features.len(), outputs)?;
    finish(json, learner, outputs, features, real_names, forest)
}

fn finish(
    json: &Json<'_>,
    learner: &Json<'_>,
    outputs: usize,
    features: Vec<Feature>,
    real_names: bool,
    booster: Booster,
) -> std::result::Result<Learner, Fault> {
    let score = learner.need("learner_model_param")?.need("base_score")?.plain("base_score")?;
    let best = learner.field("attributes").and_then(|attributes| attributes.field("best_iteration"));
    let best = match best {
        Some(best) => Some(number(best.plain("best_iteration")?, "best_iteration")?),
        None => None,
    };
    Ok(Learner {
        version: version(json)?,
        objective: learner.need("objective")?.need("name")?.plain("name")?.to_owned(),
        base: base(score, outputs)?,
        base_is_margin: false,
        best_iteration: best,
        outputs,
        features,
        real_names,
        booster,
    })
}

/// Major and minor version; files of the first versions do not say.
fn version(json: &Json<'_>) -> std::result::Result<(u32, u32), String> {
    let Some(version) = json.field("version") else { return Ok((1, 0)) };
    let parts: Vec<u32> = version.numbers(3, "version")?;
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
        let list = values.need("values").map_err(wrong)?;
        let texts = match values.field("offsets") {
            Some(offsets) => texts(list, offsets).map_err(wrong)?,
            None => {
                let codes: Vec<f64> = list.all_numbers("values").map_err(wrong)?;
                codes.into_iter().map(super::input::category_text).collect()
            }
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
fn texts(bytes: &Json<'_>, offsets: &Json<'_>) -> std::result::Result<Vec<String>, String> {
    let bytes: Vec<i16> = bytes.all_numbers("values")?;
    let bytes: Vec<u8> = bytes.into_iter().map(|byte| byte as u8).collect();
    let offsets: Vec<usize> = offsets.all_numbers("offsets")?;
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

/// The trees, in their order.
fn forest(
    model: &Json<'_>,
    dropped: Option<&Json<'_>>,
    features: usize,
    outputs: usize,
) -> std::result::Result<Booster, Fault> {
    let list = model.need("trees")?.list().map_err(|text| format!("field `trees`: {text}"))?;
    let param = model.need("gbtree_model_param")?;
    let promised = param.need("num_trees")?.plain("num_trees")?;
    if number::<usize>(promised, "num_trees")? != list.len() {
        return Err(Fault::Broken(format!(
            "there are {} trees, but `num_trees` is {}",
            list.len(),
            shown(promised)
        )));
    }
    let parallel = match param.field("num_parallel_tree") {
        Some(field) => count(field.plain("num_parallel_tree")?, "num_parallel_tree", list.len().max(1))?,
        None => 1,
    };
    let groups: Vec<u32> = model.need("tree_info")?.numbers(list.len(), "tree_info")?;
    let weights: Option<Vec<f32>> =
        dropped.map(|weights| weights.numbers(list.len(), "weight_drop")).transpose()?;
    let (mut trees, mut width) = (Vec::new(), 1);
    for (index, (object, &group)) in list.iter().zip(&groups).enumerate() {
        let at = |text: String| Fault::Broken(format!("tree {index}: {text}"));
        if group as usize >= outputs {
            return Err(at(format!("field `tree_info` holds `{group}` for {outputs} outputs")));
        }
        let id = object.need("id").and_then(|id| number::<usize>(id.plain("id")?, "id"));
        if id.as_ref() != Ok(&index) {
            return Err(at("field `id` does not say so".to_owned()));
        }
        let its = tree::width(object).map_err(at)?;
        let weight = weights.as_ref().map(|weights| weights[index]);
        width = if index == 0 { its } else { width };
        if its != width || its != 1 && its != outputs {
            return Err(at(format!("field `size_leaf_vector` holds `{its}` for {outputs} outputs")));
        }
        if width > 1 && object.field("leaf_weights").is_none() {
            return Err(Fault::Unsupported(format!(
                "tree {index}: its leaves hold a vector each (`size_leaf_vector`) without `leaf_weights`, as \
                 versions before 3.1 wrote them; load and save the model with a newer xgboost"
            )));
        }
        trees.extend(of_tree(object, features, group, width, weight).map_err(at)?);
    }
    let layer = parallel.max(1) * if width > 1 { 1 } else { outputs };
    Ok(Booster::Trees { trees, copies: width, layer })
}

/// A tree; where its leaves hold vectors, a tree for each output.
fn of_tree(
    object: &Json<'_>,
    features: usize,
    group: u32,
    width: usize,
    weight: Option<f32>,
) -> std::result::Result<Vec<Tree>, String> {
    let columns = tree::Columns::of_json(object, width)?;
    if width == 1 {
        return Ok(vec![columns.grow(features, group, width, weight)?]);
    }
    columns.check_copies(width)?;
    (0..width as u32).map(|output| columns.grow(features, output, width, weight)).collect()
}
