//! Models to sections.
//!
//! In: models, and what is declared of them. Out: the bytes of each section, little-endian.

use super::super::binding::Columns;
use super::super::ensemble::{Ensemble, Feature};
use super::super::fleet::Model;
use super::super::link::Link;
use super::{Listed, ListedFeature, ListedFinish, ListedModel, SECTIONS, Sections};
use crate::error::{Error, Result};

/// The sections of models; `declared` is kept beside them as it is.
///
/// # Errors
/// More trees, nodes or categories than can be numbered.
pub fn encode(models: &[Model], declared: serde_json::Value) -> Result<Sections<Vec<u8>>> {
    let mut sections: Sections<Vec<u8>> = SECTIONS.iter().map(|&name| (name, Vec::new())).collect();
    let listed = Listed { models: models.iter().map(listed).collect::<Result<_>>()?, declared };
    let text = serde_json::to_vec(&listed)
        .map_err(|error| Error::argument(format!("what is declared has no JSON form: {error}")))?;
    sections.insert("models", text);
    let mut put = |section: &'static str, bytes: &[u8]| {
        sections.entry(section).or_default().extend_from_slice(bytes);
    };
    for tree in models.iter().flat_map(|model| &model.ensemble.trees) {
        for count in [tree.nodes.len(), tree.values.len(), tree.categories.len(), tree.output as usize] {
            put("trees", &number(count)?.to_le_bytes());
        }
        for node in &tree.nodes {
            let (kind, cut) = node.coded();
            put("nodes.feature", &node.feature.to_le_bytes());
            put("nodes.kind", &[kind]);
            put("nodes.cut", &cut.to_le_bytes());
            put("nodes.left", &node.left.to_le_bytes());
            put("nodes.right", &node.right.to_le_bytes());
        }
        for (leaf, value) in tree.values.iter().enumerate() {
            put("leaves.value", &value.to_le_bytes());
            put("leaves.id", &tree.number(leaf).to_le_bytes());
        }
        tree.covers().for_each(|cover| put("covers", &cover.to_le_bytes()));
        tree.categories.iter().for_each(|category| put("categories", &category.to_le_bytes()));
    }
    Ok(sections)
}

fn number(count: usize) -> Result<u32> {
    u32::try_from(count)
        .map_err(|_| Error::argument(format!("{count} is more than a compiled fleet can number")))
}

/// Why a model cannot be written; nothing where it can.
fn refusal(ensemble: &Ensemble) -> Option<String> {
    let hashed = ensemble.features.iter().any(|feature| feature.hashes.is_some());
    let hashed = hashed || !ensemble.extra.computed.is_empty();
    let by_text = || hashed.then(|| "it knows categories by the hash of their text".to_owned());
    ensemble.extra.refusal().or_else(by_text)
}

fn listed(model: &Model) -> Result<ListedModel> {
    let ensemble = &*model.ensemble;
    if let Some(why) = refusal(ensemble) {
        let text = format!("model `{}` has no compiled form: {why}; load it from its own file", model.name);
        return Err(Error::argument(text));
    }
    let feature = |feature: &Feature| ListedFeature {
        name: feature.name.clone(),
        categorical: feature.categorical,
        categories: feature.categories.as_ref().map(|values| values.texts().to_vec()),
        codes: feature.codes.as_ref().map(|codes| codes.to_vec()),
    };
    Ok(ListedModel {
        name: model.name.clone(),
        library: ensemble.library.name().to_owned(),
        format: ensemble.format.to_owned(),
        version: ensemble.version.clone(),
        objective: ensemble.objective.clone(),
        link: ensemble.link.map(link_text),
        base: ensemble.base.iter().map(|base| format!("{base:?}")).collect(),
        averaged: ensemble.averaged,
        copies: number(ensemble.extra.copies)?,
        finish: ensemble.extra.finish.as_ref().map(|finish| ListedFinish {
            scale: format!("{:?}", finish.scale),
            bias: finish.bias.iter().map(|bias| format!("{bias:?}")).collect(),
        }),
        real_names: ensemble.real_names,
        trees: number(ensemble.trees.len())?,
        features: ensemble.features.iter().map(feature).collect(),
        loose_categories: ensemble.loose_categories.iter().map(|list| list.texts().to_vec()).collect(),
        columns: match &model.columns {
            Columns::Names(names) => Some(names.clone()),
            Columns::Positions => None,
        },
        applies_to: model.applies_to.as_ref().map(|condition| condition.text().to_owned()),
    })
}

fn link_text(link: Link) -> String {
    match link {
        Link::Identity => "identity".to_owned(),
        Link::Sigmoid { scale } => format!("sigmoid {scale:?}"),
        Link::Exp => "exp".to_owned(),
        Link::Softmax => "softmax".to_owned(),
        Link::Log1pExp => "log1p_exp".to_owned(),
        Link::SignedSquare => "signed_square".to_owned(),
        Link::SigmoidSingle => "sigmoid_f32".to_owned(),
        Link::ExpSingle => "exp_f32".to_owned(),
        Link::SoftmaxSingle => "softmax_f32".to_owned(),
        Link::Hinge => "hinge".to_owned(),
    }
}
