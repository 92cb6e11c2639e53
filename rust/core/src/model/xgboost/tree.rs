//! One tree of an XGBoost JSON file.
//!
//! In: the object of a tree. Out: a [`Tree`] of the nodes that can be reached from the root (pruned ones stay in
//! the file), numbered by the library for [`Node::id`] and [`Leaf::id`]. A threshold `x < t` becomes `x <= cut`.

use crate::model::ensemble::{Leaf, Missing, Node, Test, Tree, XGBOOST_CODES};
use crate::model::json::Json;
use crate::model::tokens::{count, numbers};

/// Nodes that one tree may have.
const MOST_NODES: usize = 1 << 23;
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
struct Columns {
    left: Vec<i32>,
    right: Vec<i32>,
    feature: Vec<u64>,
    condition: Vec<f32>,
    default_left: Vec<bool>,
    cover: Vec<f32>,
    categorical: Vec<bool>,
    sets: Vec<(usize, u32, u32)>,
    categories: Vec<u32>,
}

/// Whether the leaves of a tree hold several values each.
pub(super) fn has_vectors(tree: &Json<'_>) -> bool {
    let size = tree.field("tree_param").and_then(|param| param.field("size_leaf_vector"));
    size.and_then(|size| size.plain("size_leaf_vector").ok()).is_some_and(|size| size != "0" && size != "1")
}

/// Reads a tree of a model with `features` inputs; it adds to `output`.
pub(super) fn read(tree: &Json<'_>, features: usize, output: u32) -> Result<Tree, String> {
    if let Json::Object(fields) = tree
        && let Some((name, _)) =
            fields.iter().find(|(name, _)| *name != "tree_param" && !KNOWN.contains(&&**name))
    {
        return Err(format!("field `{name}` is unknown"));
    }
    let size = tree.need("tree_param")?.need("num_nodes")?.plain("num_nodes")?;
    let size = count(size, "num_nodes", MOST_NODES)?;
    let columns = Columns::read(tree, size)?;
    let reached = columns.reached()?;
    // A node's place among the inner nodes, or among the leaves, by its number.
    let mut places = vec![0i32; reached.len()];
    let (mut inner, mut ends) = (0, 0);
    for (place, &number) in reached.iter().enumerate() {
        let leaf = columns.left[number] < 0;
        places[place] = if leaf { !ends } else { inner };
        *(if leaf { &mut ends } else { &mut inner }) += 1;
    }
    let place_of = |number: i32| match reached.binary_search(&(number as usize)) {
        Ok(place) => places[place],
        Err(_) => i32::MAX,
    };
    let (mut nodes, mut leaves) = (Vec::with_capacity(inner as usize), Vec::with_capacity(ends as usize));
    for &number in &reached {
        let (id, cover) = (number as i32, f64::from(columns.cover[number]));
        if columns.left[number] < 0 {
            leaves.push(Leaf { value: f64::from(columns.condition[number]), id, cover });
            continue;
        }
        let feature = columns.feature[number];
        if feature >= features as u64 {
            return Err(format!(
                "field `split_indices` holds `{feature}` at node {number}; the model has {features} features"
            ));
        }
        nodes.push(Node {
            feature: feature as u32,
            test: columns.test(number)?,
            left: place_of(columns.left[number]),
            right: place_of(columns.right[number]),
            id,
            cover,
        });
    }
    Tree::new(nodes, leaves, columns.categories, output)
}

impl Columns {
    fn read(tree: &Json<'_>, size: usize) -> Result<Self, String> {
        if size == 0 {
            return Err("field `num_nodes` holds `0`; a tree has a node at least".to_owned());
        }
        let text = |name: &str| tree.need(name).and_then(|field| field.row(name));
        let floats = |name: &str| numbers::<f32>(text(name)?, ',', size, name);
        let categorical = match tree.field("split_type") {
            Some(kinds) => flags(kinds.row("split_type")?, size, "split_type")?,
            None => vec![false; size],
        };
        let (sets, categories) = sets(tree, size)?;
        Ok(Self {
            left: numbers(text("left_children")?, ',', size, "left_children")?,
            right: numbers(text("right_children")?, ',', size, "right_children")?,
            feature: numbers(text("split_indices")?, ',', size, "split_indices")?,
            condition: floats("split_conditions")?,
            default_left: flags(text("default_left")?, size, "default_left")?,
            cover: match tree.field("sum_hessian") {
                Some(_) => floats("sum_hessian")?,
                None => vec![f32::NAN; size],
            },
            categorical,
            sets,
            categories,
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
        if self.categorical[number] {
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

/// Numbers 0 and 1, or true and false.
fn flags(text: &str, wanted: usize, name: &str) -> Result<Vec<bool>, String> {
    let words: Vec<String> = numbers(text, ',', wanted, name)?;
    let flag = |word: String| match &*word {
        "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        _ => Err(format!("field `{name}` holds `{word}`; allowed are 0 and 1")),
    };
    words.into_iter().map(flag).collect()
}

type Sets = (Vec<(usize, u32, u32)>, Vec<u32>);

/// The sets of categories: node, first entry, how many; and the entries, sorted within each set.
fn sets(tree: &Json<'_>, size: usize) -> Result<Sets, String> {
    let Some(nodes) = tree.field("categories_nodes") else { return Ok((Vec::new(), Vec::new())) };
    let nodes = nodes.row("categories_nodes")?;
    let wanted = nodes.split(',').filter(|part| !part.trim().is_empty()).count();
    let nodes: Vec<usize> = numbers(nodes, ',', wanted, "categories_nodes")?;
    let list = |name: &str| {
        tree.need(name).and_then(|field| field.row(name)).and_then(|text| numbers(text, ',', wanted, name))
    };
    let (starts, lengths): (Vec<usize>, Vec<usize>) =
        (list("categories_segments")?, list("categories_sizes")?);
    let text = tree.need("categories")?.row("categories")?;
    let total = lengths.iter().try_fold(0usize, |sum, &length| sum.checked_add(length)).unwrap_or(usize::MAX);
    let all: Vec<u32> = numbers(text, ',', total, "categories")?;
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
