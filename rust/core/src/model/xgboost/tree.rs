//! One tree of an XGBoost file.
//!
//! In: the object of a tree in JSON, or the columns that the binary form had. Out: a [`Tree`] of the nodes that can
//! be reached from the root (pruned ones stay in the file), numbered by the library for [`Node::id`] and
//! [`Leaf::id`]. A threshold `x < t` becomes `x <= cut`. Where leaves hold a vector, a tree for each output.

use crate::model::ensemble::{Missing, Node, Test, Tree, XGBOOST_CODES};
use crate::model::formats::MOST_OUTPUTS;
use crate::model::json::Json;
use crate::model::numbers::Flag;
use crate::model::tokens::count;

/// Categories of a tree, counted for each output of its vectors.
const MOST_COPIED: usize = 1 << 24;

/// Nodes that one tree may have.
pub(super) const MOST_NODES: usize = 1 << 23;
const KNOWN: [&str; 17] = [
    "base_weights",
    "categories",
    "categories_nodes",
    "categories_segments",
    "categories_sizes",
    "default_left",
    "id",
    "left_children",
    // Of the first versions.
    "leaf_child_counts",
    "leaf_weights",
    "loss_changes",
    "parents",
    "right_children",
    "split_conditions",
    "split_indices",
    "split_type",
    "sum_hessian",
];

/// The columns of a tree as the file has them.
#[derive(Default)]
pub(super) struct Columns {
    pub(super) left: Vec<i32>,
    pub(super) right: Vec<i32>,
    pub(super) feature: Vec<u64>,
    /// Thresholds of the nodes, values of the leaves.
    pub(super) condition: Vec<f32>,
    pub(super) default_left: Vec<bool>,
    pub(super) cover: Vec<f32>,
    categorical: Vec<bool>,
    sets: Vec<(usize, u32, u32)>,
    categories: Vec<u32>,
    /// Where leaves hold vectors: all of them, one after the other.
    vectors: Option<Vec<f32>>,
}

/// Values in each leaf of a tree.
pub(super) fn width(tree: &Json<'_>) -> Result<usize, String> {
    match tree.field("tree_param").and_then(|param| param.field("size_leaf_vector")) {
        Some(size) => Ok(count(size.plain("size_leaf_vector")?, "size_leaf_vector", MOST_OUTPUTS)?.max(1)),
        None => Ok(1),
    }
}

impl Columns {
    /// The columns of a tree whose leaves hold `width` values each.
    pub(super) fn of_json(tree: &Json<'_>, width: usize) -> Result<Self, String> {
        if let Json::Object(fields) = tree
            && let Some((name, _)) =
                fields.iter().find(|(name, _)| *name != "tree_param" && !KNOWN.contains(&&**name))
        {
            return Err(format!("field `{name}` is unknown"));
        }
        let size = tree.need("tree_param")?.need("num_nodes")?.plain("num_nodes")?;
        let mut columns = Self::read(tree, count(size, "num_nodes", MOST_NODES)?)?;
        if width > 1 {
            let vectors = tree.need("leaf_weights")?.all_numbers("leaf_weights")?;
            columns.vectors = Some(vectors);
        }
        Ok(columns)
    }

    /// The tree of a model with `features` inputs that adds to `output`, its leaves times `weight` where it was dropped out.
    pub(super) fn grow(
        &self,
        features: usize,
        output: u32,
        width: usize,
        weight: Option<f32>,
    ) -> Result<Tree, String> {
        let reached = self.reached()?;
        // A node's place among the inner nodes, or among the leaves, by its number.
        let mut places = vec![0i32; reached.len()];
        let (mut inner, mut ends) = (0, 0);
        for (place, &number) in reached.iter().enumerate() {
            let leaf = self.left[number] < 0;
            places[place] = if leaf { !ends } else { inner };
            *(if leaf { &mut ends } else { &mut inner }) += 1;
        }
        // Each leaf has a vector of its own, so memory follows the file.
        if let Some(vectors) = &self.vectors
            && vectors.len() / width < ends as usize
        {
            let found = vectors.len();
            return Err(format!("field `leaf_weights` holds {found} numbers for {ends} leaves of {width}"));
        }
        let place_of = |number: i32| match reached.binary_search(&(number as usize)) {
            Ok(place) => places[place],
            Err(_) => i32::MAX,
        };
        let (mut nodes, mut values) = (Vec::with_capacity(inner as usize), Vec::with_capacity(ends as usize));
        let mut numbers = Vec::with_capacity(ends as usize);
        for &number in &reached {
            if self.left[number] < 0 {
                let value = self.leaf(number, output as usize, width)?;
                // A tree with a weight is summed by itself first, from zero, which has its sign from there.
                let value = weight.map_or(value, |weight| (0.0 + value) * weight);
                values.push(f64::from(value));
                numbers.push(number as i32);
                continue;
            }
            let feature = self.feature[number];
            if feature >= features as u64 {
                return Err(format!(
                    "field `split_indices` holds `{feature}` at node {number}; the model has {features} features"
                ));
            }
            let (left, right) = (place_of(self.left[number]), place_of(self.right[number]));
            nodes.push(Node::new(feature as u32, self.test(number)?, left, right));
        }
        let (inner, ends): (Vec<usize>, Vec<usize>) =
            reached.iter().partition(|&&number| self.left[number] >= 0);
        let covers = inner.into_iter().chain(ends).map(|number| f64::from(self.cover[number])).collect();
        Ok(Tree::new(nodes, values, covers, self.categories.clone(), output)?.numbered(numbers))
    }

    /// Each output has a tree of its own, with the sets of all: their numbers are bounded by those of the leaves,
    /// so that memory follows the file.
    pub(super) fn check_copies(&self, outputs: usize) -> Result<(), String> {
        let (sets, leaves) = (self.categories.len(), self.vectors.as_ref().map_or(0, Vec::len));
        if sets.saturating_mul(outputs) > MOST_COPIED.max(leaves) {
            return Err(format!(
                "field `categories` holds {sets} numbers, for each of {outputs} outputs; at most {MOST_COPIED} are \
                 read in all"
            ));
        }
        Ok(())
    }

    /// The value of a leaf for an output; of a vector the right child says where it begins.
    fn leaf(&self, number: usize, output: usize, width: usize) -> Result<f32, String> {
        let Some(vectors) = &self.vectors else { return Ok(self.condition[number]) };
        let place = usize::try_from(self.right[number]).ok().and_then(|leaf| leaf.checked_mul(width));
        let value = place.and_then(|place| vectors.get(place.checked_add(output)?));
        value.copied().ok_or_else(|| {
            format!(
                "field `right_children` holds `{}` at leaf {number}; `leaf_weights` holds {} numbers",
                self.right[number],
                vectors.len()
            )
        })
    }

    fn read(tree: &Json<'_>, size: usize) -> Result<Self, String> {
        if size == 0 {
            return Err("field `num_nodes` holds `0`; a tree has a node at least".to_owned());
        }
        let floats = |name: &str| tree.need(name)?.numbers::<f32>(size, name);
        let children = |name: &str| tree.need(name)?.numbers::<i32>(size, name);
        let flags = |name: &str| -> Result<Vec<bool>, String> {
            let flags: Vec<Flag> = tree.need(name)?.numbers(size, name)?;
            Ok(flags.into_iter().map(|flag| flag.0).collect())
        };
        let categorical = match tree.field("split_type") {
            Some(_) => flags("split_type")?,
            None => vec![false; size],
        };
        let (sets, categories) = sets(tree, size)?;
        Ok(Self {
            left: children("left_children")?,
            right: children("right_children")?,
            feature: tree.need("split_indices")?.numbers(size, "split_indices")?,
            condition: floats("split_conditions")?,
            default_left: flags("default_left")?,
            cover: match tree.field("sum_hessian") {
                Some(_) => floats("sum_hessian")?,
                None => vec![f32::NAN; size],
            },
            categorical,
            sets,
            categories,
            vectors: None,
        })
    }

    /// The numbers of the nodes that can be reached from the root, in increasing order.
    fn reached(&self) -> Result<Vec<usize>, String> {
        let mut seen = vec![false; self.left.len()];
        let mut open = vec![0usize];
        while let Some(number) = open.pop() {
            match seen.get_mut(number) {
                None => return Err(format!("a child is node {number}, which is not there")),
                Some(true) => return Err(format!("node {number} is the child of two nodes, or of itself")),
                Some(seen) => *seen = true,
            }
            let (left, right) = (self.left[number], self.right[number]);
            match (usize::try_from(left), usize::try_from(right)) {
                (Ok(left), Ok(right)) => open.extend([left, right]),
                // A leaf: the library looks at the left child alone.
                (Err(_), _) if left == -1 => {}
                _ => return Err(format!("node {number} has the children {left} and {right}")),
            }
        }
        Ok((0..seen.len()).filter(|&number| seen[number]).collect())
    }

    fn test(&self, number: usize) -> Result<Test, String> {
        let missing_left = self.default_left[number];
        if self.categorical.get(number) == Some(&true) {
            let place = self.sets.binary_search_by_key(&number, |set| set.0);
            let (_, first, count) = self.sets[place
                .map_err(|_| format!("node {number} is categorical, and `categories_nodes` lacks it"))?];
            return Ok(Test::Category { first, count, members_left: false, missing_left });
        }
        let threshold = self.condition[number];
        // Nothing lies below minus infinity: no cut at all says so.
        let cut = if threshold == f32::NEG_INFINITY { f32::NAN } else { threshold.next_down() };
        Ok(Test::Number { cut: f64::from(cut), missing: Missing::Nan, missing_left })
    }
}

type Sets = (Vec<(usize, u32, u32)>, Vec<u32>);

/// The sets of categories: node, first entry, how many; and the entries, sorted within each set.
fn sets(tree: &Json<'_>, size: usize) -> Result<Sets, String> {
    let Some(nodes) = tree.field("categories_nodes") else { return Ok((Vec::new(), Vec::new())) };
    let nodes: Vec<usize> = nodes.all_numbers("categories_nodes")?;
    let wanted = nodes.len();
    let list = |name: &str| tree.need(name)?.numbers::<usize>(wanted, name);
    let (starts, lengths): (Vec<usize>, Vec<usize>) =
        (list("categories_segments")?, list("categories_sizes")?);
    let total = lengths.iter().try_fold(0usize, |sum, &length| sum.checked_add(length)).unwrap_or(usize::MAX);
    let all: Vec<u32> = tree.need("categories")?.numbers(total, "categories")?;
    if let Some(code) = all.iter().find(|code| f64::from(**code) >= XGBOOST_CODES) {
        return Err(format!("field `categories` holds `{code}`; codes end below {XGBOOST_CODES}"));
    }
    let (mut sets, mut entries) = (Vec::with_capacity(wanted), Vec::with_capacity(all.len()));
    for index in 0..wanted {
        let end = starts[index].saturating_add(lengths[index]);
        let members = all.get(starts[index]..end).ok_or_else(|| {
            format!(
                "field `categories_segments` holds `{}`; there are {} categories",
                starts[index],
                all.len()
            )
        })?;
        let (first, mut members) = (entries.len() as u32, members.to_vec());
        members.sort_unstable();
        members.dedup();
        sets.push((nodes[index], first, members.len() as u32));
        entries.extend(members);
    }
    let rising = sets.windows(2).all(|pair| pair[0].0 < pair[1].0);
    if !rising || sets.last().is_some_and(|set| set.0 >= size) {
        return Err("field `categories_nodes` does not rise, or names a node that is not there".to_owned());
    }
    Ok((sets, entries))
}
