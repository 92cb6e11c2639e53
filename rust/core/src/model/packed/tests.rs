//! The packed engine against the golden one: random ensembles of every kind of test, rows on and beside every cut.

use std::sync::Arc;

use proptest::prelude::*;

use super::super::about::probes;
use super::super::ensemble::{Feature, Missing, Node, Tree};
use super::super::golden::Golden;
use super::*;

const FEATURES: u32 = 5;

/// A split: feature, cut, which leaf it grows from, what is missing and where it goes, members of a set.
type Split = (u32, f64, u8, (Missing, bool), Option<(Vec<u32>, bool)>);

fn split() -> impl Strategy<Value = Split> {
    let cut = prop_oneof![
        4 => (-4i8..4).prop_map(|cut| f64::from(cut) / 3.0),
        1 => prop::sample::select(vec![0.0, -0.0, 1e-36, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 5e-324]),
    ];
    let missing = prop::sample::select(vec![Missing::Nothing, Missing::Zero, Missing::Nan]);
    let set = (prop::collection::btree_set(prop_oneof![0u32..9, 60u32..70], 0..6), any::<bool>());
    let set = prop::option::weighted(0.3, set.prop_map(|(set, left)| (set.into_iter().collect(), left)));
    (0..FEATURES, cut, any::<u8>(), (missing, any::<bool>()), set)
}

fn tree(splits: &[Split], output: u32, library: Library) -> Tree {
    let (mut nodes, mut leaves, mut categories): (Vec<Node>, usize, Vec<u32>) = (Vec::new(), 1, Vec::new());
    for (number, (feature, cut, spot, (missing, missing_left), set)) in splits.iter().enumerate() {
        let here = !((usize::from(*spot) % leaves) as i32);
        for parent in &mut nodes {
            if parent.left == here {
                parent.left = number as i32;
            } else if parent.right == here {
                parent.right = number as i32;
            }
        }
        let (missing, missing_left) = (*missing, *missing_left);
        let test = match set {
            None => Test::Number { cut: library.narrow(*cut), missing, missing_left },
            Some((members, members_left)) => {
                let (first, count) = (categories.len() as u32, members.len() as u32);
                categories.extend(members);
                Test::Category { first, count, members_left: *members_left, missing_left }
            }
        };
        let right = !(leaves as i32);
        nodes.push(Node::new(*feature, test, here, right));
        leaves += 1;
    }
    let leaf = |leaf: usize| library.narrow((leaf as f64 - 3.0) * 0.7 + f64::from(output));
    let covers = vec![1.0; nodes.len() + leaves];
    Tree::new(nodes, (0..leaves).map(leaf).collect(), covers, categories, output).expect("a tree")
}

fn ensemble(trees: &[Vec<Split>], outputs: usize, library: Library) -> Arc<Ensemble> {
    let feature = |index| Feature { name: format!("f{index}"), ..Feature::default() };
    let tree = |(number, splits): (usize, &Vec<Split>)| tree(splits, (number % outputs) as u32, library);
    let mut made = Ensemble {
        library,
        format: "test",
        version: String::new(),
        objective: String::new(),
        features: (0..FEATURES).map(feature).collect(),
        real_names: true,
        trees: trees.iter().enumerate().map(tree).collect(),
        base: (0..outputs).map(|output| library.narrow(0.1 + output as f64)).collect(),
        averaged: false,
        link: None,
        loose_categories: Vec::new(),
        extra: Default::default(),
    };
    made.count_splits();
    Arc::new(made)
}

/// Rows with each probe of each feature, and rows of several at once.
fn block(models: &[Arc<Ensemble>], libraries: &[Library]) -> Block {
    let mut columns = vec![Vec::new(); libraries.len() * FEATURES as usize];
    for (number, library) in libraries.iter().enumerate() {
        let mine = models.iter().filter(|model| model.library == *library);
        let mut values = vec![vec![0.5, f64::NAN]; FEATURES as usize];
        mine.for_each(|model| {
            probes(model).into_iter().zip(&mut values).for_each(|(more, values)| values.extend(more));
        });
        let rows = 150;
        for (feature, values) in values.iter().enumerate() {
            let value = |row: usize| library.narrow(values[(row * (feature + 1) + feature) % values.len()]);
            columns[number * FEATURES as usize + feature] = (0..rows).map(value).collect();
        }
    }
    Block { rows: columns[0].len(), columns, ..Block::default() }
}

fn outputs(engine: &dyn Engine, bound: &[Bound], block: &Block) -> Vec<Vec<u64>> {
    let room = |model: &Bound| vec![f64::NAN; block.rows * model.ensemble.outputs()];
    let mut outputs: Vec<Vec<f64>> = bound.iter().map(room).collect();
    let mut parts: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    engine.margins(block, Precision::Exact, &Control::default(), &mut parts).expect("runs");
    outputs.iter().map(|values| values.iter().map(|value| value.to_bits()).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn packed_is_golden_to_the_bit(
        fleets in prop::collection::vec(
            (prop::collection::vec(prop::collection::vec(split(), 0..12), 1..20), 1usize..4, any::<bool>()),
            1..4,
        ),
        rows in 1usize..150,
        views in prop::sample::select(vec![MOST_VIEWS, 8]),
        words in prop::sample::select(vec![MOST_FLEET_WORDS, 8]),
    ) {
        let libraries = [Library::LightGbm, Library::XgBoost];
        let of = |single: bool| libraries[usize::from(single)];
        let models: Vec<_> =
            fleets.iter().map(|(trees, outputs, single)| ensemble(trees, *outputs, of(*single))).collect();
        let bind = |model: &Arc<Ensemble>| {
            let first = u32::from(model.library == Library::XgBoost) * FEATURES;
            Bound { ensemble: model.clone(), slots: (first..first + FEATURES).collect() }
        };
        let bound: Vec<Bound> = models.iter().map(bind).collect();
        let mut block = block(&models, &libraries);
        block.rows = rows;
        block.columns.iter_mut().for_each(|column| column.truncate(rows));
        let golden = outputs(&Golden::new(bound.clone()), &bound, &block);
        let room = Room { views, words };
        let packed = Packed::within(&bound, &room, 2, &Control::default()).expect("builds");
        prop_assert_eq!(&golden, &outputs(&packed, &bound, &block));
        // Each row alone, and without a model that is not asked for.
        let last = rows - 1;
        let columns = block.columns.iter().map(|column| vec![column[last]]).collect();
        let alone = outputs(&packed, &bound, &Block { rows: 1, columns, ..Block::default() });
        for (alone, golden) in alone.iter().zip(&golden) {
            prop_assert_eq!(&alone[..], &golden[golden.len() - alone.len()..]);
        }
        let mut first = vec![0.0; rows * bound[0].ensemble.outputs()];
        let mut parts: Vec<&mut [f64]> = vec![&mut first];
        (1..bound.len()).for_each(|_| parts.push(&mut []));
        packed.margins(&block, Precision::Fast, &Control::default(), &mut parts).expect("runs");
        prop_assert!(first.iter().map(|value| value.to_bits()).eq(golden[0].iter().copied()));
    }
}

#[test]
fn what_cannot_be_packed_is_told() {
    let set = |member| vec![vec![(0, 0.0, 0, (Missing::Nan, true), Some((vec![member], true)))]];
    assert_eq!(refuses(&ensemble(&set(MOST_CODES - 1), 1, Library::LightGbm)), None);
    let told = refuses(&ensemble(&set(MOST_CODES), 1, Library::LightGbm)).expect("too high");
    assert!(told.contains("category 8192"), "{told}");
    let chain = vec![(0..=MOST_BRANCHES).map(|_| (0, 1.0, 0, (Missing::Nan, true), None)).collect()];
    assert!(
        refuses(&ensemble(&chain, 1, Library::LightGbm)).is_some_and(|told| told.contains("32767 nodes"))
    );
}
