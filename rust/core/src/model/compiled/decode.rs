//! Sections to models.
//!
//! In: the bytes of each section. Out: models, or which section is wrong and how. A count is compared with the length
//! of what it counts before anything is reserved by it.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::binding::Columns;
use super::super::ensemble::{
    Categories, Ensemble, Extra, Feature, Finish, Library, Missing, Node, Test, Tree,
};
use super::super::fleet::Model;
use super::super::formats::{FORMATS, MOST_FEATURES, MOST_OUTPUTS};
use super::super::link::Link;
use super::super::tree::{CATEGORY, MEMBERS_LEFT, MISSING_LEFT, MISSING_SHIFT};
use super::{Listed, ListedFeature, ListedModel, Sections};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, parallel};
use crate::expr::Expression;

/// What is wrong with a section.
type Fault = (&'static str, String);

/// The models of sections, and what was declared of them; `source` names the file in errors.
///
/// # Errors
/// `Format` with file and section, a request to stop.
pub fn decode(
    source: &str,
    sections: &Sections<&[u8]>,
    threads: usize,
    control: &Control,
) -> Result<(Vec<Model>, serde_json::Value)> {
    let broken =
        |(section, text): Fault| Error::format(Place::file(source), format!("section `{section}`: {text}"));
    let listed: Listed = serde_json::from_slice(sections["models"])
        .map_err(|error| broken(("models", format!("not what it should be: {error}"))))?;
    let columns = Parts::of(sections).map_err(broken)?;
    let spans = spans(&listed, &columns).map_err(broken)?;
    let made: Vec<Mutex<Option<Model>>> = listed.models.iter().map(|_| Mutex::new(None)).collect();
    parallel(
        threads,
        made.len(),
        || Ok(()),
        |(), task| {
            control.check()?;
            let named = |(section, text)| {
                let model = &listed.models[task].name;
                broken((section, format!("model `{model}`: {text}")))
            };
            let model = model(&listed.models[task], &columns, &spans[task]).map_err(named)?;
            *made[task].lock().unwrap_or_else(PoisonError::into_inner) = Some(model);
            Ok(())
        },
    )?;
    let models =
        made.into_iter().filter_map(|model| model.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok((models.collect(), listed.declared))
}

/// Where the trees of a model begin.
#[derive(Clone, Copy, Default)]
struct Span {
    tree: usize,
    node: usize,
    leaf: usize,
    category: usize,
}

/// The sections as lists of numbers.
struct Parts<'a> {
    trees: &'a [[u8; 16]],
    feature: &'a [[u8; 4]],
    kind: &'a [u8],
    cut: &'a [[u8; 8]],
    left: &'a [[u8; 4]],
    right: &'a [[u8; 4]],
    value: &'a [[u8; 8]],
    number: &'a [[u8; 4]],
    cover: &'a [[u8; 8]],
    categories: &'a [[u8; 4]],
}

impl<'a> Parts<'a> {
    fn of(sections: &Sections<&'a [u8]>) -> std::result::Result<Self, Fault> {
        let bytes = |name: &'static str| sections[name];
        Ok(Self {
            trees: whole(sections, "trees")?,
            feature: whole(sections, "nodes.feature")?,
            kind: bytes("nodes.kind"),
            cut: whole(sections, "nodes.cut")?,
            left: whole(sections, "nodes.left")?,
            right: whole(sections, "nodes.right")?,
            value: whole(sections, "leaves.value")?,
            number: whole(sections, "leaves.id")?,
            cover: whole(sections, "covers")?,
            categories: whole(sections, "categories")?,
        })
    }

    /// Numbers of nodes, leaves and categories of a tree, and its output.
    fn tree(&self, index: usize) -> [usize; 4] {
        let bytes = &self.trees[index];
        [0, 4, 8, 12]
            .map(|at| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]) as usize)
    }
}

/// A section as a list of numbers of `WIDTH` bytes.
fn whole<'a, const WIDTH: usize>(
    sections: &Sections<&'a [u8]>,
    name: &'static str,
) -> std::result::Result<&'a [[u8; WIDTH]], Fault> {
    let (numbers, rest) = sections[name].as_chunks();
    if rest.is_empty() { Ok(numbers) } else { Err((name, format!("{} bytes are left over", rest.len()))) }
}

/// Where each model's trees begin; every section must hold what all trees ask for, and no more.
fn spans(listed: &Listed, parts: &Parts<'_>) -> std::result::Result<Vec<Span>, Fault> {
    let mut spans = Vec::with_capacity(listed.models.len());
    let mut at = Span::default();
    for model in &listed.models {
        spans.push(at);
        let trees = model.trees as usize;
        if trees > parts.trees.len() - at.tree {
            return Err(("trees", format!("model `{}` has {trees} trees, which are not there", model.name)));
        }
        for index in at.tree..at.tree + trees {
            let [nodes, leaves, categories, _] = parts.tree(index);
            at = Span {
                tree: index + 1,
                node: at.node + nodes,
                leaf: at.leaf + leaves,
                category: at.category + categories,
            };
        }
    }
    let lengths = [
        ("trees", parts.trees.len(), at.tree),
        ("nodes.feature", parts.feature.len(), at.node),
        ("nodes.kind", parts.kind.len(), at.node),
        ("nodes.cut", parts.cut.len(), at.node),
        ("nodes.left", parts.left.len(), at.node),
        ("nodes.right", parts.right.len(), at.node),
        ("leaves.value", parts.value.len(), at.leaf),
        ("leaves.id", parts.number.len(), at.leaf),
        ("covers", parts.cover.len(), at.node + at.leaf),
        ("categories", parts.categories.len(), at.category),
    ];
    match lengths.iter().find(|(_, found, wanted)| found != wanted) {
        None => Ok(spans),
        Some((name, found, wanted)) => Err((name, format!("it holds {found} numbers; {wanted} are needed"))),
    }
}

fn model(listed: &ListedModel, parts: &Parts<'_>, span: &Span) -> std::result::Result<Model, Fault> {
    let refused = |text: String| ("models", text);
    let library = [Library::LightGbm, Library::XgBoost, Library::CatBoost]
        .into_iter()
        .find(|known| known.name() == listed.library);
    let library = library.ok_or_else(|| refused(format!("the library `{}` is unknown", listed.library)))?;
    let format = FORMATS.iter().find(|known| known.name == listed.format);
    let format = format.ok_or_else(|| refused(format!("the format `{}` is unknown", listed.format)))?.name;
    let fits = (1..=MOST_OUTPUTS).contains(&listed.base.len()) && listed.features.len() <= MOST_FEATURES;
    if !fits {
        let (outputs, features) = (listed.base.len(), listed.features.len());
        return Err(refused(format!("{outputs} outputs and {features} features make no model")));
    }
    let base =
        listed.base.iter().map(|text| text.parse().map_err(|_| refused(format!("the base is `{text}`"))));
    let mut ensemble = Ensemble {
        library,
        format,
        version: listed.version.clone(),
        objective: listed.objective.clone(),
        features: listed
            .features
            .iter()
            .map(feature)
            .collect::<std::result::Result<_, _>>()
            .map_err(refused)?,
        real_names: listed.real_names,
        trees: Vec::with_capacity(listed.trees as usize),
        base: base.collect::<std::result::Result<_, _>>()?,
        averaged: listed.averaged,
        extra: extra(listed).map_err(refused)?,
        link: listed.link.as_deref().map(link).transpose().map_err(refused)?,
        loose_categories: lists(&listed.loose_categories).map_err(refused)?,
    };
    let mut at = *span;
    for number in 0..listed.trees as usize {
        let limits = (ensemble.features.len(), ensemble.base.len());
        let in_tree = |(section, text): Fault| (section, format!("tree {number}: {text}"));
        ensemble.trees.push(tree(parts, &mut at, limits).map_err(in_tree)?);
    }
    ensemble.count_splits();
    let condition =
        |text: &String| Expression::parse(text).map_err(|error| refused(format!("`applies_to`: {error}")));
    Ok(Model {
        name: listed.name.clone(),
        ensemble: Arc::new(ensemble),
        columns: listed.columns.clone().map_or(Columns::Positions, Columns::Names),
        applies_to: listed.applies_to.as_ref().map(condition).transpose()?,
    })
}

/// What a model has beside sums of trees.
fn extra(listed: &ListedModel) -> std::result::Result<Extra, String> {
    let (copies, outputs) = (listed.copies as usize, listed.base.len());
    if copies == 0 || !(listed.trees as usize).is_multiple_of(copies) {
        return Err(format!("{} trees are no whole number of {copies}", listed.trees));
    }
    let number = |text: &String| text.parse::<f64>().map_err(|_| format!("`{text}` is no number"));
    let finish = match &listed.finish {
        None => None,
        Some(finish) if finish.bias.len() != outputs => {
            return Err(format!("{} biases for {outputs} outputs", finish.bias.len()));
        }
        Some(finish) => Some(Finish {
            scale: number(&finish.scale)?,
            bias: finish.bias.iter().map(number).collect::<std::result::Result<_, _>>()?,
        }),
    };
    Ok(Extra { copies, finish, ..Extra::default() })
}

/// The tree that begins at `at`, which goes on to the next.
fn tree(
    parts: &Parts<'_>,
    at: &mut Span,
    (features, outputs): (usize, usize),
) -> std::result::Result<Tree, Fault> {
    let [nodes, leaves, categories, output] = parts.tree(at.tree);
    if output >= outputs {
        return Err(("trees", format!("output {output} is not there")));
    }
    let sets: Vec<u32> = parts.categories[at.category..][..categories]
        .iter()
        .map(|bytes| u32::from_le_bytes(*bytes))
        .collect();
    let made = made_nodes(parts, at.node..at.node + nodes, features, &sets)?;
    let ends = at.leaf..at.leaf + leaves;
    let doubles = |bytes: &[[u8; 8]]| bytes.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let values = doubles(&parts.value[ends.clone()]);
    let covers = doubles(&parts.cover[at.node + at.leaf..][..nodes + leaves]);
    let numbers = parts.number[ends].iter().map(|bytes| i32::from_le_bytes(*bytes)).collect();
    *at = Span {
        tree: at.tree + 1,
        node: at.node + nodes,
        leaf: at.leaf + leaves,
        category: at.category + categories,
    };
    let tree = Tree::new(made, values, covers, sets, output as u32).map_err(|text| ("nodes.left", text))?;
    Ok(tree.numbered(numbers))
}

/// The nodes of a tree, out of columns that are cut to its own first: their loop then needs no checks of places.
fn made_nodes(
    parts: &Parts<'_>,
    own: Range<usize>,
    features: usize,
    sets: &[u32],
) -> std::result::Result<Vec<Node>, Fault> {
    let asked = parts.feature[own.clone()].iter().zip(&parts.kind[own.clone()]).zip(&parts.cut[own.clone()]);
    let links = parts.left[own.clone()].iter().zip(&parts.right[own.clone()]);
    let mut made = Vec::with_capacity(own.len());
    for (((feature, &kind), cut), (left, right)) in asked.zip(links) {
        let feature = u32::from_le_bytes(*feature);
        if feature as usize >= features {
            return Err(("nodes.feature", format!("feature {feature} is not there")));
        }
        let test = test(kind, u64::from_le_bytes(*cut), sets)?;
        made.push(Node::new(feature, test, i32::from_le_bytes(*left), i32::from_le_bytes(*right)));
    }
    Ok(made)
}

#[inline]
fn test(kind: u8, cut: u64, sets: &[u32]) -> std::result::Result<Test, Fault> {
    let missing_left = kind & MISSING_LEFT != 0;
    if kind & CATEGORY == 0 {
        let missing = match kind & !MISSING_LEFT {
            0 => Missing::Nothing,
            known if known == 1 << MISSING_SHIFT => Missing::Zero,
            known if known == 2 << MISSING_SHIFT => Missing::Nan,
            _ => return Err(("nodes.kind", format!("{kind} is no kind of test"))),
        };
        return Ok(Test::Number { cut: f64::from_bits(cut), missing, missing_left });
    }
    if kind & !(CATEGORY | MISSING_LEFT | MEMBERS_LEFT) != 0 {
        return Err(("nodes.kind", format!("{kind} is no kind of test")));
    }
    let (first, count) = (cut as u32, (cut >> 32) as u32);
    let members = sets.get(first as usize..).and_then(|rest| rest.get(..count as usize));
    if !members.is_some_and(|members| members.is_sorted_by(|a, b| a < b)) {
        return Err(("categories", format!("{count} categories from {first} on are no set")));
    }
    Ok(Test::Category { first, count, members_left: kind & MEMBERS_LEFT != 0, missing_left })
}

fn feature(listed: &ListedFeature) -> std::result::Result<Feature, String> {
    let values = listed.categories.clone().map(Categories::new).transpose()?;
    if !listed.codes.as_ref().is_none_or(|codes| codes.is_sorted()) {
        return Err(format!("the codes of feature `{}` do not increase", listed.name));
    }
    Ok(Feature {
        name: listed.name.clone(),
        categorical: listed.categorical,
        categories: values.map(Arc::new),
        codes: listed.codes.clone().map(Arc::new),
        hashes: None,
        splits: 0,
    })
}

fn lists(listed: &[Vec<String>]) -> std::result::Result<Vec<Arc<Categories>>, String> {
    listed.iter().map(|texts| Ok(Arc::new(Categories::new(texts.clone())?))).collect()
}

fn link(text: &str) -> std::result::Result<Link, String> {
    if let Some(scale) = text.strip_prefix("sigmoid ").and_then(|scale| scale.parse().ok()) {
        return Ok(Link::Sigmoid { scale });
    }
    Ok(match text {
        "identity" => Link::Identity,
        "exp" => Link::Exp,
        "softmax" => Link::Softmax,
        "log1p_exp" => Link::Log1pExp,
        "signed_square" => Link::SignedSquare,
        "sigmoid_f32" => Link::SigmoidSingle,
        "exp_f32" => Link::ExpSingle,
        "softmax_f32" => Link::SoftmaxSingle,
        "hinge" => Link::Hinge,
        _ => return Err(format!("the link `{text}` is unknown")),
    })
}
