//! The binary form that XGBoost wrote before JSON: fixed structures, little end first.
//!
//! In: the bytes of a `.model` file, with the mark `binf` or without any. Out: an [`Ensemble`]. Files without a mark
//! are told by the structure that they begin with: reserved fields that are zero, and the names of an objective and
//! of a booster. Every count is compared with what is left of the file before anything is reserved.

use super::Fault;
use super::learner::{Booster, Learner};
use super::tree::{Columns, MOST_NODES};
use crate::error::Result as CoreResult;
use crate::model::ensemble::{Ensemble, Feature};
use crate::model::formats::{MOST_FEATURES, MOST_OUTPUTS, Options};
use crate::model::tokens::{four, number};

const MARK: &[u8] = b"binf";
/// Bytes of the structures that a file is made of.
const LEARNER: usize = 136;
const FOREST: usize = 160;
const LINEAR: usize = 136;
const TREE: usize = 148;
const NODE: usize = 20;
const STATISTICS: usize = 16;
/// The longest name of an objective or a booster.
const LONGEST_NAME: usize = 64;

/// Whether bytes begin like this form.
pub(in crate::model) fn recognise(bytes: &[u8]) -> bool {
    if bytes.starts_with(MARK) {
        return true;
    }
    // Fields that no version wrote into are zero, and two names follow.
    let mut cursor = Cursor { bytes, place: 36 };
    let reserved = cursor.take(LEARNER - 36).is_ok_and(|zeros| zeros.iter().all(|byte| *byte == 0));
    reserved && cursor.name().is_ok() && cursor.name().is_ok()
}

/// Reads a model.
///
/// # Errors
/// A file that is damaged (`Format`), or that uses what is not supported (`Model`); both name the field.
pub(in crate::model) fn read(source: &str, bytes: &[u8], options: &Options) -> CoreResult<Ensemble> {
    let bytes = bytes.strip_prefix(MARK).unwrap_or(bytes);
    learner(&mut Cursor { bytes, place: 0 })
        .and_then(|learner| learner.assemble("xgboost binary", options))
        .map_err(|fault| fault.of(source))
}

/// The bytes, and how far they are read.
struct Cursor<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Cursor<'a> {
    fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.place)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        if length > self.left() {
            let left = self.left();
            return Err(format!("byte {}: {length} more bytes are needed, and {left} are left", self.place));
        }
        self.place += length;
        Ok(&self.bytes[self.place - length..self.place])
    }

    fn words<const COUNT: usize>(&mut self) -> Result<[[u8; 4]; COUNT], String> {
        let mut words = [[0; 4]; COUNT];
        let bytes = self.take(COUNT * 4)?;
        words.iter_mut().zip(bytes.chunks_exact(4)).for_each(|(word, bytes)| word.copy_from_slice(bytes));
        Ok(words)
    }

    /// A count of things of some bytes each, which must still be there.
    fn long_count(&mut self, width: usize, what: &str) -> Result<usize, String> {
        let [low, high] = self.words()?;
        let count = u64::from(u32::from_le_bytes(low)) | u64::from(u32::from_le_bytes(high)) << 32;
        match usize::try_from(count).ok().and_then(|count| Some((count, count.checked_mul(width)?))) {
            Some((count, bytes)) if bytes <= self.left() => Ok(count),
            _ => Err(format!("byte {}: {count} {what}, and {} bytes are left", self.place, self.left())),
        }
    }

    fn text(&mut self) -> Result<&'a str, String> {
        let length = self.long_count(1, "bytes of a text")?;
        let start = self.place;
        std::str::from_utf8(self.take(length)?)
            .map_err(|error| format!("byte {} is not UTF-8", start + error.valid_up_to()))
    }

    /// The name of an objective or of a booster.
    fn name(&mut self) -> Result<&'a str, String> {
        let name = self.text()?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b":_-".contains(&byte);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(plain) {
            return Err(format!("byte {}: no name of an objective or a booster", self.place));
        }
        Ok(name)
    }

    fn floats(&mut self) -> Result<Vec<f32>, String> {
        let count = self.long_count(4, "numbers")?;
        Ok(self.take(count * 4)?.chunks_exact(4).map(|bytes| float(four(bytes))).collect())
    }
}

fn whole(word: [u8; 4]) -> i32 {
    i32::from_le_bytes(word)
}

fn float(word: [u8; 4]) -> f32 {
    f32::from_le_bytes(word)
}

/// A count of a structure that must lie within a limit.
fn limited(word: [u8; 4], field: &str, limit: usize) -> Result<usize, String> {
    match usize::try_from(whole(word)) {
        Ok(count) if count <= limit => Ok(count),
        _ => Err(format!(
            "field `{field}` holds `{}`; a number from 0 to {limit} is needed there",
            whole(word)
        )),
    }
}

fn learner(cursor: &mut Cursor<'_>) -> Result<Learner, Fault> {
    let [base, features, classes, attributes, metrics, major, minor, targets] = cursor.words()?;
    cursor.take(LEARNER - 32)?;
    let version = (u32::from_le_bytes(major), u32::from_le_bytes(minor));
    if version.0 > 3 {
        return Err(Fault::Broken(format!("version {}.{} never wrote this form", version.0, version.1)));
    }
    let wanted = limited(features, "num_feature", MOST_FEATURES)?;
    let outputs = limited(classes, "num_class", MOST_OUTPUTS)?
        .max(limited(targets, "num_target", MOST_OUTPUTS)?)
        .max(1);
    let base = float(base);
    if !base.is_finite() {
        return Err(Fault::Broken(format!("field `base_score` holds `{base}`")));
    }
    let objective = cursor.name()?.to_owned();
    let kind = cursor.name()?;
    let booster = match kind {
        "gbtree" => forest(cursor, wanted, outputs, false)?,
        "dart" => forest(cursor, wanted, outputs, true)?,
        "gblinear" => {
            cursor.take(LINEAR)?;
            Booster::Linear(cursor.floats()?)
        }
        _ => return Err(Fault::Unsupported(format!("booster `{kind}` is unknown"))),
    };
    let best_iteration = if whole(attributes) == 0 { None } else { best_iteration(cursor)? };
    // The first versions kept a parameter of this objective behind the attributes.
    if objective == "count:poisson" && version.0 == 0 && cursor.left() > 0 {
        cursor.text()?;
    }
    if whole(metrics) != 0 {
        for _ in 0..cursor.long_count(8, "metrics")? {
            cursor.text()?;
        }
    }
    if cursor.left() > 0 {
        return Err(Fault::Broken(format!("{} bytes stand behind the model", cursor.left())));
    }
    let feature = |index| Feature { name: format!("f{index}"), ..Feature::default() };
    Ok(Learner {
        version,
        objective,
        base: vec![base; outputs],
        base_is_margin: version.0 == 0,
        best_iteration,
        outputs,
        features: (0..wanted).map(feature).collect(),
        real_names: false,
        booster,
    })
}

/// Reads over the attributes, which are pairs of texts; one of them is of use.
fn best_iteration(cursor: &mut Cursor<'_>) -> Result<Option<usize>, String> {
    let mut best = None;
    for _ in 0..cursor.long_count(16, "attributes")? {
        let (name, value) = (cursor.text()?, cursor.text()?);
        if name == "best_iteration" {
            best = Some(number(value, name)?);
        }
    }
    Ok(best)
}

fn forest(
    cursor: &mut Cursor<'_>,
    features: usize,
    outputs: usize,
    weighted: bool,
) -> Result<Booster, Fault> {
    let [trees, parallel, _, _, buffers, more_buffers, _, vector] = cursor.words()?;
    cursor.take(FOREST - 32)?;
    if whole(buffers) != 0 || whole(more_buffers) != 0 {
        let text = "the file holds a buffer of predictions (`num_pbuffer`), as versions before 0.7 wrote it";
        return Err(Fault::Unsupported(text.to_owned()));
    }
    no_vectors(vector)?;
    let wanted = limited(trees, "num_trees", cursor.left() / TREE)?;
    let mut columns = Vec::new();
    for index in 0..wanted {
        let one = tree(cursor).map_err(|fault| match fault {
            Fault::Broken(text) => Fault::Broken(format!("tree {index}: {text}")),
            Fault::Unsupported(text) => Fault::Unsupported(format!("tree {index}: {text}")),
        })?;
        columns.push(one);
    }
    let groups: Vec<i32> = cursor.take(wanted * 4)?.chunks_exact(4).map(|bytes| whole(four(bytes))).collect();
    let weights = if weighted { cursor.floats()? } else { Vec::new() };
    if weighted && weights.len() != wanted {
        return Err(Fault::Broken(format!("there are {} weights for {wanted} trees", weights.len())));
    }
    let mut trees = Vec::new();
    for (index, (columns, &group)) in columns.iter().zip(&groups).enumerate() {
        let group =
            u32::try_from(group).ok().filter(|group| (*group as usize) < outputs).ok_or_else(|| {
                format!("tree {index}: field `tree_info` holds `{group}` for {outputs} outputs")
            })?;
        let grown = columns.grow(features, group, 1, weights.get(index).copied());
        trees.push(grown.map_err(|text| format!("tree {index}: {text}"))?);
    }
    // Before version 1 this field was the number of roots, always 1.
    let layer = usize::try_from(whole(parallel)).unwrap_or(1).clamp(1, wanted.max(1)) * outputs;
    Ok(Booster::Trees { trees, copies: 1, layer })
}

fn no_vectors(size: [u8; 4]) -> Result<(), Fault> {
    match whole(size) {
        0 | 1 => Ok(()),
        size => Err(Fault::Unsupported(format!(
            "its leaves hold {size} values each (`size_leaf_vector`), which this form never kept"
        ))),
    }
}

fn tree(cursor: &mut Cursor<'_>) -> Result<Columns, Fault> {
    let [_, nodes, _, _, _, vector] = cursor.words()?;
    cursor.take(TREE - 24)?;
    no_vectors(vector)?;
    let most = (cursor.left() / (NODE + STATISTICS)).min(MOST_NODES);
    let size = limited(nodes, "num_nodes", most)?;
    if size == 0 {
        return Err(Fault::Broken("field `num_nodes` holds `0`; a tree has a node at least".to_owned()));
    }
    let mut columns = Columns::default();
    for bytes in cursor.take(size * NODE)?.chunks_exact(NODE) {
        let split = u32::from_le_bytes(four(&bytes[12..]));
        columns.left.push(whole(four(&bytes[4..])));
        columns.right.push(whole(four(&bytes[8..])));
        // The highest bit is where missing values go.
        columns.feature.push(u64::from(split & (u32::MAX >> 1)));
        columns.default_left.push(split >> 31 == 1);
        columns.condition.push(float(four(&bytes[16..])));
    }
    let statistics = cursor.take(size * STATISTICS)?.chunks_exact(STATISTICS);
    columns.cover = statistics.map(|bytes| float(four(&bytes[4..]))).collect();
    Ok(columns)
}
