//! The form in memory and the golden engine against naive twins.

use std::sync::Arc;

use proptest::prelude::*;

use super::engine::{Block, Bound, Engine, Precision};
use super::ensemble::{Ensemble, Extra, Feature, Library, Missing, Node, Test, Tree};
use super::golden::{goes_left, leaf_of};
use super::json::Json;
use super::{Options, formats, golden, shap};
use crate::error::Error;
use crate::exec::Control;

const FEATURES: u32 = 4;

fn node(feature: u32, cut: f64, left: i32, right: i32) -> Node {
    let test = Test::Number { cut, missing: Missing::Nan, missing_left: false };
    Node::new(feature, test, left, right)
}

/// A tree that as much of the training came to everywhere.
fn tree(nodes: Vec<Node>, values: Vec<f64>) -> Result<Tree, String> {
    let covers = vec![1.0; nodes.len() + values.len()];
    Tree::new(nodes, values, covers, Vec::new(), 0)
}

fn ensemble(trees: Vec<Tree>, library: Library) -> Ensemble {
    let feature = |index| Feature { name: format!("f{index}"), ..Feature::default() };
    let mut made = Ensemble {
        library,
        format: "test",
        version: String::new(),
        objective: String::new(),
        features: (0..FEATURES).map(feature).collect(),
        real_names: true,
        trees,
        base: vec![0.0],
        averaged: false,
        link: None,
        loose_categories: Vec::new(),
        extra: Extra::default(),
    };
    made.count_splits();
    made
}

#[test]
fn what_is_no_tree_is_refused() {
    let broken = |nodes: Vec<Node>, leaves: usize| tree(nodes, vec![1.0; leaves]).expect_err("no tree");
    assert!(broken(vec![], 2).contains("2 leaves"));
    assert!(broken(vec![node(0, 0.0, 0, !0)], 1).contains("itself"));
    assert!(broken(vec![node(0, 0.0, !0, !0)], 1).contains("leaf 0 is the child of two"));
    assert!(broken(vec![node(0, 0.0, !0, !7)], 2).contains("leaf 7"));
    assert!(broken(vec![node(0, 0.0, !0, 9)], 2).contains("node 9"));
    assert!(broken(vec![node(0, 0.0, !0, !1)], 3).contains("leaf 2 is no node's child"));
    assert!(broken(vec![node(0, 0.0, !0, i32::MAX)], 1).contains("not there"));
    assert!(broken(vec![node(0, 0.0, i32::MIN, !0)], 1).contains("not there"));
    // Two rings that never meet the root.
    let rings = vec![node(0, 0.0, !0, !1), node(0, 0.0, 2, !2), node(0, 0.0, 1, !3)];
    assert!(broken(rings, 4).contains("node 1 is no node's child"));
}

#[test]
fn a_chain_as_long_as_a_file_can_hold_does_not_recurse() {
    let length = 1 << 20;
    let link =
        |index: i32| node(0, f64::from(index), !index, if index + 1 < length { index + 1 } else { !length });
    let tree = tree((0..length).map(link).collect(), vec![0.0; length as usize + 1]).expect("a tree");
    assert_eq!(tree.depth, length as usize);
    assert_eq!(leaf_of(Library::LightGbm, &tree, |_| 1e9), length as usize);
    let told = shap::refusal(&ensemble(vec![tree], Library::LightGbm)).expect("too deep");
    assert!(told.contains("levels deep"));
}

#[test]
fn each_kind_of_missing_goes_its_way() {
    let tree = tree(vec![node(0, 1.0, !0, !1)], vec![0.0; 2]).expect("a tree");
    let left = |missing, missing_left, value| {
        let node = Node::new(0, Test::Number { cut: 1.0, missing, missing_left }, !0, !1);
        goes_left(Library::LightGbm, &tree, &node, value)
    };
    for way in [false, true] {
        // Zero is below the cut: NaN as nothing goes left whatever the default.
        assert!(left(Missing::Nothing, way, f64::NAN));
        assert_eq!(left(Missing::Zero, way, f64::NAN), way);
        assert_eq!(left(Missing::Zero, way, -0.0), way);
        assert_eq!(left(Missing::Nan, way, f64::NAN), way);
        assert!(left(Missing::Nan, way, 0.0));
        assert!(left(Missing::Zero, way, 0.5));
        assert!(!left(Missing::Zero, way, f64::INFINITY));
    }
}

#[test]
fn codes_are_cut_as_each_library_cuts_them() {
    for (value, lightgbm, xgboost) in [
        (2.9, Some(2), Some(2)),
        (-0.5, Some(0), None),
        (-0.0, Some(0), Some(0)),
        (-1.0, None, None),
        (3e9, None, None),
        (16_777_216.0, Some(16_777_216), None),
        (f64::INFINITY, None, None),
        (f64::NAN, None, None),
    ] {
        assert_eq!(Library::LightGbm.code(value), lightgbm, "{value}");
        assert_eq!(Library::XgBoost.code(value), xgboost, "{value}");
    }
    assert_eq!(Library::LightGbm.narrow(1e-35f32.into()), 0.0);
    assert_eq!(Library::XgBoost.narrow(0.1), f64::from(0.1f32));
}

#[test]
fn xgboost_sums_in_single_precision_from_the_base() {
    let trees = [0.1f32, 1e8, -1e8].map(|value| tree(Vec::new(), vec![value.into()]).expect("a leaf"));
    let sum = |library| {
        let mut model = ensemble(trees.to_vec(), library);
        model.base = vec![0.25];
        let bound = Bound { ensemble: Arc::new(model), slots: Vec::new() };
        let mut out = [0.0];
        let engine = golden::Golden::new(vec![bound]);
        let block = Block { rows: 1, ..Block::default() };
        engine.margins(&block, Precision::Exact, &Control::default(), &mut [&mut out]).expect("runs");
        out[0]
    };
    assert_eq!(sum(Library::XgBoost), 0.0);
    assert!((sum(Library::LightGbm) - 0.35).abs() < 1e-7);
}

#[test]
fn json_is_read_or_refused_with_its_place() {
    let text = r#"{"a": [1, 2.5e3, NaN], "b": [[], {"c": "\u6df1\ud83d\ude00\n"}], "b": null}"#;
    let json = Json::parse(text).expect("JSON");
    assert_eq!(json.field("a"), Some(&Json::Row("1, 2.5e3, NaN")));
    assert_eq!(json.field("b"), Some(&Json::Null));
    let Json::Object(fields) = &json else { panic!("an object") };
    let Json::List(list) = &fields[1].1 else { panic!("a list") };
    assert_eq!(list[1].field("c").and_then(|text| text.plain("c").ok()), Some("深😀\n"));
    for (text, part) in [
        ("", "the end"),
        ("{} x", "byte 3"),
        ("{\"a\" 1}", "`:`"),
        ("[\"a\" 1]", "`,` or `]`"),
        ("[\"a\", x]", "a value"),
        ("\"a", "no end"),
        (r#""\q""#, "an escape"),
        (r#""\ud83d""#, "second half"),
        (r#""\ud83dA""#, "second half"),
        ("\"\\é\"", "an escape"),
        ("{1: 2}", "quotes"),
        ("nan", "a value"),
    ] {
        assert!(Json::parse(text).is_err_and(|told| told.contains(part)), "{text}");
    }
    let deep = "[".repeat(1_000_000);
    assert!(Json::parse(&deep).is_err_and(|told| told.contains("deeper")));
}

/// The expectation of a tree where the features of `known` are known (Shapley's game, path-dependent).
fn game(tree: &Tree, at: i32, known: u32, row: &[f64]) -> f64 {
    let Ok(number) = usize::try_from(at) else { return tree.values[!at as usize] };
    let node = &tree.nodes[number];
    if known >> node.feature & 1 == 1 {
        let left = goes_left(Library::LightGbm, tree, node, row[node.feature as usize]);
        return game(tree, if left { node.left } else { node.right }, known, row);
    }
    let part = |child| tree.cover(child) / tree.cover(at) * game(tree, child, known, row);
    part(node.left) + part(node.right)
}

/// Shapley's values by their definition: a sum over all subsets.
fn shapley(tree: &Tree, row: &[f64]) -> Vec<f64> {
    let factorial = |n: u32| (1..=n).map(f64::from).product::<f64>();
    let value = |feature: u32| -> f64 {
        let subsets = (0..1u32 << FEATURES).filter(|subset| subset >> feature & 1 == 0);
        let part = |subset: u32| {
            let size = subset.count_ones();
            let weight = factorial(size) * factorial(FEATURES - size - 1) / factorial(FEATURES);
            weight * (game(tree, 0, subset | 1 << feature, row) - game(tree, 0, subset, row))
        };
        subsets.map(part).sum()
    };
    let mut values: Vec<f64> = (0..FEATURES).map(value).collect();
    values.push(game(tree, 0, 0, row));
    values
}

/// A tree of some nodes: each is hung below a leaf that is there already.
fn grown(splits: &[(u32, i8, u8, u8)]) -> Tree {
    let (mut nodes, mut covers) = (Vec::new(), Vec::new());
    let mut leaves = vec![(0.5, 1000.0)];
    for &(feature, cut, spot, share) in splits {
        let at = usize::from(spot) % leaves.len();
        let here = !(at as i32);
        let cover = leaves[at].1;
        let left = cover * (1.0 + f64::from(share)) / 300.0;
        let number = nodes.len() as i32;
        for parent in &mut nodes {
            let parent: &mut Node = parent;
            if parent.left == here {
                parent.left = number;
            } else if parent.right == here {
                parent.right = number;
            }
        }
        leaves[at] = (f64::from(cut) / 3.0, left);
        leaves.push((f64::from(share) / 7.0 - 10.0, cover - left));
        nodes.push(node(feature % FEATURES, f64::from(cut), here, !(leaves.len() as i32 - 1)));
        covers.push(cover);
    }
    let (values, ends): (Vec<f64>, Vec<f64>) = leaves.into_iter().unzip();
    covers.extend(ends);
    Tree::new(nodes, values, covers, Vec::new(), 0).expect("a tree")
}

proptest! {
    #[test]
    fn contributions_are_shapley_s_values(
        splits in prop::collection::vec((0..FEATURES, -5i8..5, any::<u8>(), any::<u8>()), 1..12),
        row in prop::collection::vec(prop_oneof![(-6i8..6).prop_map(f64::from), Just(f64::NAN)], FEATURES as usize),
    ) {
        let tree = grown(&splits);
        let expected = shapley(&tree, &row);
        let model = ensemble(vec![tree], Library::LightGbm);
        let bound = Bound { ensemble: Arc::new(model), slots: (0..FEATURES).collect() };
        let block = Block { rows: 1, columns: row.iter().map(|&value| vec![value]).collect(), ..Block::default() };
        let mut out = vec![0.0; FEATURES as usize + 1];
        shap::contributions(&bound, &block, &Control::default(), &mut out).expect("runs");
        for (found, expected) in out.iter().zip(&expected) {
            prop_assert!((found - expected).abs() < 1e-9, "{out:?} {expected:?}");
        }
    }

    #[test]
    fn any_bytes_are_a_model_or_an_error(
        head in prop::sample::select(vec!["", "tree\n", "{\"learner\": ", "tree\nversion=v4\nTree=0\n", "\u{80}",
            "binf", "CBM1\u{8}\0\0\0\u{4}\0\0\0", "{L\0\0\0\0\0\0\0\u{7}learner{", "{\"features_info\": "]),
        tail in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes = [head.as_bytes(), &tail].concat();
        let told = formats::read("file", &bytes, &Options::default()).expect_err("no model");
        let named = matches!(told, Error::Format { .. } | Error::Model { .. });
        prop_assert!(named && told.to_string().starts_with("`file`: "));
    }
}
