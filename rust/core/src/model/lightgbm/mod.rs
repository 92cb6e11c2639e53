//! LightGBM's text format, versions 2 to 4.
//!
//! In: the text that `save_model` writes. Out: an [`Ensemble`]. Boosted trees, dropped-out trees (their weights
//! are already in the leaves) and averaged forests have one form here. Every field is known or refused by name;
//! what the file says twice (numbers of trees, leaves, features) is compared.

mod objective;
mod tree;

use std::collections::HashMap;
use std::sync::Arc;

use super::ensemble::{Categories, Ensemble, Extra, Feature, Library};
use super::fault::Fault;
use super::formats::{MOST_FEATURES, MOST_OUTPUTS, Options};
use super::json::Json;
use super::link::Link;
use super::tokens::{count, shown};
use crate::error::{Error, Place, Result};

const VERSIONS: [&str; 3] = ["v2", "v3", "v4"];
const KNOWN: [&str; 11] = [
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "average_output",
    "feature_names",
    "feature_infos",
    "monotone_constraints",
    "tree_sizes",
];
/// What stands behind the last tree; older files have no line of their own for it.
const ENDS: [&str; 3] = ["end of trees", "feature importances:", "feature_importances:"];

/// Whether bytes begin like this format.
pub(super) fn recognise(bytes: &[u8]) -> bool {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    start.starts_with(b"tree\n") || start.starts_with(b"tree\r\n")
}

/// Reads a model.
///
/// # Errors
/// A file that is damaged (`Format`), or that uses what is not supported (`Model`); both name the field.
pub(super) fn read(source: &str, bytes: &[u8], options: &Options) -> Result<Ensemble> {
    let broken = |text: String| Error::format(Place::file(source), text);
    let text = std::str::from_utf8(bytes)
        .map_err(|error| broken(format!("byte {} is not UTF-8; the file is damaged", error.valid_up_to())))?;
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(|line| line.trim_end_matches('\r'));
    let (header, mut next) = Header::read(&mut lines).map_err(broken)?;
    header.check().map_err(broken)?;
    if !VERSIONS.contains(&header.get("version").map_err(broken)?) {
        let version = shown(header.get("version").map_err(broken)?);
        return Err(unsupported(
            source,
            format!("version {version} is unknown; known are {}", VERSIONS.join(", ")),
        ));
    }
    let outputs = header.outputs().map_err(broken)?;
    let mut features = header.features().map_err(broken)?;
    let (mut trees, mut functions) = (Vec::new(), Vec::new());
    while let Some(line) = next.filter(|line| line.starts_with("Tree=")) {
        let number = trees.len();
        let at = |fault| match fault {
            Fault::Broken(text) => broken(format!("tree {number}: {text}")),
            Fault::Unsupported(text) => unsupported(source, format!("tree {number}: {text}")),
        };
        if line["Tree=".len()..].parse() != Ok(number) {
            return Err(broken(format!("{} stands where tree {number} should", shown(line))));
        }
        let block = tree::Block::take(&mut lines).map_err(at)?;
        let (tree, its) = tree::read(&block, features.len(), (number % outputs) as u32).map_err(at)?;
        if let Some(its) = its {
            // Trees before the first linear one have none.
            functions.resize(number, Vec::new());
            functions.push(its);
        }
        trees.push(tree);
        next = lines.find(|line| !line.is_empty());
    }
    header.check_end(next, trees.len(), outputs).map_err(broken)?;
    let loose = pandas_categories(&mut lines, &mut features).map_err(broken)?;
    let objective = header.0.get("objective").copied().unwrap_or("");
    let link = match objective::link(if objective.is_empty() { "custom" } else { objective }, outputs) {
        Ok(link) => Some(link),
        Err(_) if options.margin_only => None,
        Err(text) => {
            let text = format!("{text}; `margin_only` reads the model for its raw output alone");
            return Err(unsupported(source, text));
        }
    };
    let mut ensemble = assemble(&header, objective, features, trees, link, loose);
    ensemble.extra.lines = functions;
    ensemble.count_splits();
    Ok(ensemble)
}

fn unsupported(source: &str, text: String) -> Error {
    Error::model(Place::file(source), text)
}

fn assemble(
    header: &Header<'_>,
    objective: &str,
    features: Vec<Feature>,
    trees: Vec<super::ensemble::Tree>,
    link: Option<Link>,
    loose_categories: Vec<Arc<Categories>>,
) -> Ensemble {
    let outputs = trees.iter().map(|tree| tree.output as usize + 1).max().unwrap_or(1);
    let stand_in = |(index, feature): (usize, &Feature)| feature.name == format!("Column_{index}");
    let real_names = !features.iter().enumerate().all(stand_in);
    Ensemble {
        library: Library::LightGbm,
        format: "lightgbm text",
        version: header.0.get("version").copied().unwrap_or("").to_owned(),
        objective: objective.to_owned(),
        real_names,
        features,
        base: vec![0.0; outputs],
        averaged: header.0.contains_key("average_output"),
        trees,
        link,
        loose_categories,
        extra: Extra::default(),
    }
}

/// The lines before the first tree.
struct Header<'a>(HashMap<&'a str, &'a str>);

impl<'a> Header<'a> {
    /// The header, and the line behind it.
    fn read(
        lines: &mut impl Iterator<Item = &'a str>,
    ) -> std::result::Result<(Self, Option<&'a str>), String> {
        let mut fields = HashMap::new();
        for line in lines.skip(1).filter(|line| !line.is_empty()) {
            if line.starts_with("Tree=") || ENDS.contains(&line) {
                return Ok((Self(fields), Some(line)));
            }
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            if !KNOWN.contains(&key) {
                return Err(format!("field {} of the header is unknown", shown(key)));
            }
            if fields.insert(key, value).is_some() {
                return Err(format!("field `{key}` is there twice"));
            }
        }
        Ok((Self(fields), None))
    }

    fn get(&self, key: &str) -> std::result::Result<&'a str, String> {
        self.0.get(key).copied().ok_or_else(|| format!("field `{key}` is missing from the header"))
    }

    fn check(&self) -> std::result::Result<(), String> {
        self.get("label_index")?;
        let classes = count(self.get("num_class")?, "num_class", MOST_OUTPUTS)?;
        if self.outputs()? != classes.max(1) {
            return Err(format!(
                "`num_class` is {classes} and `num_tree_per_iteration` {}; they must agree",
                self.outputs()?
            ));
        }
        Ok(())
    }

    fn outputs(&self) -> std::result::Result<usize, String> {
        let key = "num_tree_per_iteration";
        let text = match self.0.get(key) {
            Some(text) => text,
            None => self.get("num_class")?,
        };
        Ok(count(text, key, MOST_OUTPUTS)?.max(1))
    }

    fn features(&self) -> std::result::Result<Vec<Feature>, String> {
        let wanted = count(self.get("max_feature_idx")?, "max_feature_idx", MOST_FEATURES - 1)? + 1;
        let names: Vec<&str> = words(self.get("feature_names")?, wanted, "feature_names")?;
        let ranges: Vec<&str> = words(self.get("feature_infos")?, wanted, "feature_infos")?;
        let mut seen = std::collections::HashSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(**name)) {
            return Err(format!("field `feature_names` holds {} twice", shown(twice)));
        }
        let feature = |(name, range): (&&str, &&str)| Feature {
            name: (*name).to_owned(),
            categorical: !range.starts_with('[') && *range != "none",
            codes: codes(range).map(Arc::new),
            ..Feature::default()
        };
        Ok(names.iter().zip(&ranges).map(feature).collect())
    }

    /// Compares what was read with what the header promised.
    fn check_end(&self, next: Option<&str>, trees: usize, outputs: usize) -> std::result::Result<(), String> {
        match next {
            Some(line) if ENDS.contains(&line) => {}
            Some(line) => {
                return Err(format!("{} stands behind tree {trees}, where `Tree=` should", shown(line)));
            }
            None => {
                return Err(format!(
                    "the file ends behind {trees} trees without saying so; it was cut short"
                ));
            }
        }
        let promised = self.0.get("tree_sizes").map(|sizes| sizes.split_ascii_whitespace().count());
        if promised.is_some_and(|promised| promised != trees) {
            let promised = promised.unwrap_or(0);
            return Err(format!("there are {trees} trees, but `tree_sizes` speaks of {promised}"));
        }
        if trees == 0 || !trees.is_multiple_of(outputs) {
            return Err(format!("there are {trees} trees for {outputs} outputs; each output needs as many"));
        }
        Ok(())
    }
}

fn words<'a>(text: &'a str, wanted: usize, key: &str) -> std::result::Result<Vec<&'a str>, String> {
    let words = || text.split(' ').filter(|word| !word.is_empty());
    let found: Vec<&str> = words().take(wanted + 1).collect();
    if found.len() == wanted {
        return Ok(found);
    }
    Err(format!("field `{key}` holds {} words; `max_feature_idx` asks for {wanted}", words().count()))
}

/// The categories of a range such as `-1:3:8`; -1 stands for missing.
fn codes(range: &str) -> Option<Vec<u32>> {
    if range.starts_with('[') || range == "none" {
        return None;
    }
    let mut codes: Vec<u32> = range.split(':').filter_map(|code| code.parse().ok()).collect();
    codes.sort_unstable();
    Some(codes)
}

/// Gives the lists of pandas' categories, near the end of the file, to the categorical features in their order.
/// Where their numbers differ the file does not say which list belongs to which feature.
fn pandas_categories<'a>(
    lines: &mut impl Iterator<Item = &'a str>,
    features: &mut [Feature],
) -> std::result::Result<Vec<Arc<Categories>>, String> {
    let Some(text) = lines.find_map(|line| line.strip_prefix("pandas_categorical:")) else {
        return Ok(Vec::new());
    };
    let wrong = |text: String| format!("field `pandas_categorical`: {text}");
    let lists = match Json::parse(text.trim()).map_err(wrong)? {
        Json::Null => return Ok(Vec::new()),
        lists => lists.list().map_err(wrong)?,
    };
    let mut found = Vec::with_capacity(lists.len());
    for list in &lists {
        let texts =
            list.list().map_err(wrong)?.iter().map(Json::category).collect::<std::result::Result<_, _>>();
        found.push(Arc::new(Categories::new(texts.map_err(wrong)?).map_err(wrong)?));
    }
    if features.iter().filter(|feature| feature.categorical).count() != found.len() {
        return Ok(found);
    }
    for (feature, list) in features.iter_mut().filter(|feature| feature.categorical).zip(found) {
        feature.categories = Some(list);
    }
    Ok(Vec::new())
}
