//! One tree of a LightGBM text file.
//!
//! In: the `key=value` lines of a `Tree=` block. Out: a [`Tree`], or which field is wrong. Bit sets of categories
//! become sorted lists, so a wide set costs what it holds.

use std::collections::HashMap;

use crate::model::ensemble::{Line, Missing, Node, Test, Tree};
use crate::model::fault::Fault;
use crate::model::tokens::{count, numbers, shown};

const KNOWN: [&str; 22] = [
    "num_leaves",
    "num_cat",
    "split_feature",
    "split_gain",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "leaf_value",
    "leaf_weight",
    "leaf_count",
    "internal_value",
    "internal_weight",
    "internal_count",
    "cat_boundaries",
    "cat_threshold",
    "is_linear",
    "leaf_const",
    "num_features",
    "leaf_features",
    "leaf_coeff",
    "shrinkage",
];
/// Leaves that one tree may have.
const MOST_LEAVES: usize = 1 << 22;
const CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;

/// The lines of a block by their keys.
pub(super) struct Block<'a>(HashMap<&'a str, &'a str>);

impl<'a> Block<'a> {
    /// Takes the lines up to the first empty one.
    pub(super) fn take(lines: &mut impl Iterator<Item = &'a str>) -> Result<Self, Fault> {
        let mut fields = HashMap::new();
        for line in lines.take_while(|line| !line.is_empty()) {
            let (key, value) =
                line.split_once('=').ok_or_else(|| format!("the line {} is no `key=value`", shown(line)))?;
            if !KNOWN.contains(&key) {
                return Err(Fault::Unsupported(format!("field {} is unknown", shown(key))));
            }
            if fields.insert(key, value).is_some() {
                return Err(Fault::Broken(format!("field `{key}` is there twice")));
            }
        }
        Ok(Self(fields))
    }

    fn get(&self, key: &str) -> Result<&'a str, String> {
        self.0.get(key).copied().ok_or_else(|| format!("field `{key}` is missing"))
    }

    fn list<T: std::str::FromStr>(&self, key: &str, wanted: usize) -> Result<Vec<T>, String> {
        numbers(self.get(key)?, ' ', wanted, key)
    }

    /// A list that files may leave out.
    fn list_or(&self, key: &str, wanted: usize, default: f64) -> Result<Vec<f64>, String> {
        match self.0.get(key) {
            Some(text) if !text.is_empty() => numbers(text, ' ', wanted, key),
            _ => Ok(vec![default; wanted]),
        }
    }
}

/// Reads a tree of a model with `features` inputs; it adds to `output`. Of a linear tree also the functions in its
/// leaves.
pub(super) fn read(
    block: &Block<'_>,
    features: usize,
    output: u32,
) -> Result<(Tree, Option<Vec<Line>>), Fault> {
    let leaves = count(block.get("num_leaves")?, "num_leaves", MOST_LEAVES)?;
    if leaves == 0 {
        return Err(Fault::Broken("field `num_leaves` holds `0`; a tree has a leaf at least".to_owned()));
    }
    let lines = match block.0.get("is_linear") {
        Some(text) if count(text.trim(), "is_linear", 1)? == 1 => Some(lines(block, leaves, features)?),
        _ => None,
    };
    let values: Vec<f64> = block.list("leaf_value", leaves)?;
    let counts = block.list_or("leaf_count", leaves, f64::NAN)?;
    let sets = Sets::read(block)?;
    let (nodes, mut covers) = match leaves {
        1 => (Vec::new(), Vec::new()),
        _ => (nodes(block, leaves, features, &sets)?, block.list_or("internal_count", leaves - 1, f64::NAN)?),
    };
    covers.extend(counts);
    Ok((Tree::new(nodes, values, covers, sets.codes, output)?, lines))
}

/// The linear functions in the leaves: constants, and for each leaf some features with their coefficients.
fn lines(block: &Block<'_>, leaves: usize, features: usize) -> Result<Vec<Line>, String> {
    let constants: Vec<f64> = block.list("leaf_const", leaves)?;
    let counts: Vec<usize> = block.list("num_features", leaves)?;
    let total = counts.iter().try_fold(0usize, |sum, &count| sum.checked_add(count)).unwrap_or(usize::MAX);
    let tested: Vec<u32> = block.list("leaf_features", total)?;
    let coefficients: Vec<f64> = block.list("leaf_coeff", total)?;
    if let Some(feature) = tested.iter().find(|&&feature| feature as usize >= features) {
        return Err(format!("field `leaf_features` holds `{feature}`; the model has {features} features"));
    }
    let mut terms = tested.into_iter().zip(coefficients);
    let line = |(constant, count)| Line { constant, terms: terms.by_ref().take(count).collect() };
    Ok(constants.into_iter().zip(counts).map(line).collect())
}

/// The sets of categories of a tree.
struct Sets {
    codes: Vec<u32>,
    /// For each set its first entry and their number.
    places: Vec<(u32, u32)>,
}

impl Sets {
    fn read(block: &Block<'_>) -> Result<Self, String> {
        let sets = count(block.get("num_cat")?, "num_cat", MOST_LEAVES)?;
        if sets == 0 {
            return Ok(Self { codes: Vec::new(), places: Vec::new() });
        }
        let bounds: Vec<usize> = block.list("cat_boundaries", sets + 1)?;
        let last = bounds.last().copied().unwrap_or(0);
        let words: Vec<u32> = block.list("cat_threshold", last)?;
        let (mut codes, mut places) = (Vec::new(), Vec::with_capacity(sets));
        for pair in bounds.windows(2) {
            let words = words.get(pair[0]..pair[1]).ok_or_else(|| {
                format!("field `cat_boundaries` falls from {} to {}; it must rise", pair[0], pair[1])
            })?;
            let first = codes.len();
            for (place, word) in words.iter().enumerate().filter(|(_, word)| **word != 0) {
                let members = (0..32).filter(|bit| word >> bit & 1 == 1);
                codes.extend(members.map(|bit| place as u32 * 32 + bit));
            }
            places.push((first as u32, (codes.len() - first) as u32));
        }
        Ok(Self { codes, places })
    }
}

fn nodes(block: &Block<'_>, leaves: usize, features: usize, sets: &Sets) -> Result<Vec<Node>, String> {
    let wanted = leaves - 1;
    let split: Vec<u32> = block.list("split_feature", wanted)?;
    let cuts: Vec<f64> = block.list("threshold", wanted)?;
    let left: Vec<i32> = block.list("left_child", wanted)?;
    let right: Vec<i32> = block.list("right_child", wanted)?;
    let kinds: Vec<u8> = match block.0.get("decision_type") {
        Some(text) => numbers(text, ' ', wanted, "decision_type")?,
        None => vec![0; wanted],
    };
    let mut nodes = Vec::with_capacity(wanted);
    for index in 0..wanted {
        let feature = split[index];
        if feature as usize >= features {
            return Err(format!(
                "field `split_feature` holds `{feature}` at node {index}; the model has {features} features"
            ));
        }
        let test = test(kinds[index], cuts[index], sets).map_err(|text| format!("{text} at node {index}"))?;
        nodes.push(Node::new(feature, test, left[index], right[index]));
    }
    Ok(nodes)
}

fn test(kind: u8, cut: f64, sets: &Sets) -> Result<Test, String> {
    let missing_left = kind & DEFAULT_LEFT != 0;
    // Without a set in the tree the library takes every test for one of numbers.
    if kind & CATEGORICAL != 0 && !sets.places.is_empty() {
        let place = if cut >= 0.0 { sets.places.get(cut as usize) } else { None };
        let &(first, count) = place.ok_or_else(|| {
            format!(
                "field `threshold` holds `{cut}` and the tree has {} sets of categories",
                sets.places.len()
            )
        })?;
        // Whatever the default direction says: the library sends missing categories to the right.
        return Ok(Test::Category { first, count, members_left: true, missing_left: false });
    }
    let missing = match kind >> 2 {
        0 => Missing::Nothing,
        1 => Missing::Zero,
        2 => Missing::Nan,
        _ => return Err(format!("field `decision_type` holds the unknown `{kind}`")),
    };
    if cut.is_nan() {
        return Err("field `threshold` holds `nan`".to_owned());
    }
    Ok(Test::Number { cut, missing, missing_left })
}
