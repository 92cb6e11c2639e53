//! The sliced engine against the golden one, on random models of every kind, in every form that the processor has.

use std::sync::Arc;

use creditcore_kernels::sliced::{Form, ROWS};
use proptest::prelude::*;

use super::super::engine::{Block, Bound, Engine, Precision, UNUSED};
use super::super::ensemble::{Ensemble, Feature, Library, Missing, Node, Test, Tree};
use super::super::golden::Golden;
use super::{Sliced, fixed, network, refuses};
use crate::exec::Control;

/// A stream of numbers (Steele, Lea and Flood's SplitMix64).
struct Stream(u64);

impl Stream {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn flag(&mut self) -> bool {
        self.below(2) == 0
    }

    /// A value that cuts fall on, or an odd one.
    fn value(&mut self, library: Library) -> f64 {
        let odd = [
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            -0.0,
            1e-36,
            -1e-36,
            1e-310,
            -5e-324,
            1e-35f32.into(),
            f64::MAX,
            0.1,
            0.1f64.next_up(),
        ];
        let value = match self.below(5) {
            0 => odd[self.below(odd.len())],
            1 => self.below(20) as f64 - 5.0,
            2 => (self.below(4000) as f64 - 2000.0) / 8.0,
            _ => (self.next() as i64 as f64) / 1e17,
        };
        if library == Library::XgBoost { f64::from(value as f32) } else { value }
    }
}

/// How models are made.
#[derive(Clone, Copy, Debug)]
struct Recipe {
    library: Library,
    features: usize,
    categorical: usize,
    trees: usize,
    leaves: usize,
    outputs: usize,
    /// Whether new nodes hang below the newest ones.
    deep: bool,
}

fn test_of(stream: &mut Stream, recipe: &Recipe, feature: usize, categories: &mut Vec<u32>) -> Test {
    if feature < recipe.categorical {
        let mut members: Vec<u32> = (0..stream.below(40)).map(|_| stream.below(70) as u32).collect();
        members.sort_unstable();
        members.dedup();
        let (first, count) = (categories.len() as u32, members.len() as u32);
        categories.extend(members);
        return Test::Category { first, count, members_left: stream.flag(), missing_left: stream.flag() };
    }
    let missing = match (recipe.library, stream.below(3)) {
        (Library::LightGbm, 0) => Missing::Nothing,
        (Library::LightGbm, 1) => Missing::Zero,
        _ => Missing::Nan,
    };
    let mut cut = stream.value(recipe.library);
    if cut.is_nan() {
        cut = 0.0;
    }
    Test::Number { cut, missing, missing_left: stream.flag() }
}

fn leaf(stream: &mut Stream, recipe: &Recipe) -> f64 {
    let value = (stream.next() as i64 as f64) / 2f64.powi(60 + stream.below(8) as i32);
    if recipe.library == Library::XgBoost { f64::from(value as f32) } else { value }
}

fn tree_of(stream: &mut Stream, recipe: &Recipe, output: u32) -> Tree {
    let (mut nodes, mut leaves, mut categories) = (Vec::<Node>::new(), Vec::new(), Vec::new());
    leaves.push(leaf(stream, recipe));
    // Where each leaf hangs: a node, and whether to its left.
    let mut parents: Vec<Option<(usize, bool)>> = vec![None];
    for _ in 1..recipe.leaves {
        let at = if recipe.deep {
            leaves.len() - 1 - stream.below(2).min(leaves.len() - 1)
        } else {
            stream.below(leaves.len())
        };
        let number = nodes.len();
        match parents[at] {
            Some((parent, true)) => nodes[parent].left = number as i32,
            Some((parent, false)) => nodes[parent].right = number as i32,
            None => {}
        }
        let feature = stream.below(recipe.features);
        let test = test_of(stream, recipe, feature, &mut categories);
        let new = leaves.len();
        leaves.push(leaf(stream, recipe));
        let (left, right) = if stream.flag() { (at, new) } else { (new, at) };
        nodes.push(Node::new(feature as u32, test, !(left as i32), !(right as i32)));
        parents.push(Some((number, new == left)));
        parents[at] = Some((number, at == left));
    }
    let covers = vec![1.0; nodes.len() + leaves.len()];
    Tree::new(nodes, leaves, covers, categories, output).expect("a tree")
}

fn model_of(stream: &mut Stream, recipe: &Recipe) -> Bound {
    let trees = (0..recipe.trees).map(|_| {
        let output = stream.below(recipe.outputs) as u32;
        let leaves = if stream.below(8) == 0 { 1 } else { 1 + stream.below(recipe.leaves) };
        tree_of(stream, &Recipe { leaves, ..*recipe }, output)
    });
    let trees: Vec<Tree> = trees.collect();
    let base = (0..recipe.outputs).map(|_| leaf(stream, recipe));
    let mut ensemble = Ensemble {
        library: recipe.library,
        format: "test",
        version: String::new(),
        objective: String::new(),
        features: vec![Feature::default(); recipe.features],
        real_names: true,
        base: base.collect(),
        trees,
        averaged: false,
        link: None,
        loose_categories: Vec::new(),
        extra: Default::default(),
    };
    ensemble.count_splits();
    // Models of one library share columns, those of the two do not, as in a fleet.
    let shift = if recipe.library == Library::LightGbm { 0 } else { 100 };
    let slot =
        |(index, feature): (usize, &Feature)| if feature.splits == 0 { UNUSED } else { shift + index as u32 };
    let slots = ensemble.features.iter().enumerate().map(slot).collect();
    Bound { ensemble: Arc::new(ensemble), slots }
}

fn block_of(stream: &mut Stream, rows: usize, features: usize) -> Block {
    let column = |slot: usize| {
        let library = if slot < 100 { Library::LightGbm } else { Library::XgBoost };
        let value = |stream: &mut Stream| if slot % 100 < features { stream.value(library) } else { 0.0 };
        (0..rows).map(|_| value(stream)).collect()
    };
    Block { rows, columns: (0..100 + features).map(column).collect(), ..Block::default() }
}

fn margins(engine: &dyn Engine, models: &[Bound], block: &Block, precision: Precision) -> Vec<Vec<f64>> {
    let room = |model: &Bound| vec![f64::NAN; model.ensemble.outputs() * block.rows];
    let mut outputs: Vec<Vec<f64>> = models.iter().map(room).collect();
    let mut parts: Vec<&mut [f64]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
    engine.margins(block, precision, &Control::default(), &mut parts).expect("runs");
    outputs
}

fn bits(outputs: &[Vec<f64>]) -> Vec<Vec<u64>> {
    outputs.iter().map(|values| values.iter().map(|value| value.to_bits()).collect()).collect()
}

/// Compares every form with the golden engine, and the integers of all forms with each other and with their bound.
fn compare(models: &[Bound], block: &Block) {
    let expected = margins(&Golden::new(models.to_vec()), models, block, Precision::Exact);
    let mut integers: Option<Vec<Vec<f64>>> = None;
    for form in Form::ALL.into_iter().filter(|form| form.available()) {
        let engine = Sliced::with_form(form, models, 2, &Control::default()).expect("compiles");
        let found = margins(&engine, models, block, Precision::Exact);
        for (model, (found, expected)) in bits(&found).iter().zip(&bits(&expected)).enumerate() {
            let first = found.iter().zip(expected).position(|(found, expected)| found != expected);
            assert_eq!(first, None, "{form}, model {model}");
        }
        let fast = margins(&engine, models, block, Precision::Fast);
        assert_eq!(bits(&fast), bits(integers.get_or_insert_with(|| fast.clone())), "{form}");
    }
    for ((model, fast), exact) in models.iter().zip(integers.expect("a form")).zip(&expected) {
        let outputs = model.ensemble.outputs();
        for (at, (fast, exact)) in fast.iter().zip(exact).enumerate() {
            let bound = fixed::bound(&model.ensemble, (at % outputs) as u32);
            // Sums of the libraries round, too; in doubles that is far less than the bound.
            let rounding = if model.ensemble.library == Library::XgBoost { bound * 100.0 } else { 0.0 };
            assert!((fast - exact).abs() <= bound * 1.01 + rounding, "{fast} {exact} {bound}");
        }
    }
}

fn recipes() -> impl Strategy<Value = (u64, Vec<Recipe>, usize)> {
    let library = prop_oneof![Just(Library::LightGbm), Just(Library::XgBoost)];
    let recipe = (library, 1usize..12, 0usize..4, 0usize..30, 1usize..70, 1usize..4, any::<bool>());
    let recipe = recipe.prop_map(|(library, features, categorical, trees, leaves, outputs, deep)| Recipe {
        library,
        features,
        categorical,
        trees,
        leaves,
        outputs,
        deep,
    });
    (any::<u64>(), prop::collection::vec(recipe, 1..6), 1usize..2 * ROWS + 100)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn random_fleets_have_the_golden_engine_s_bits((seed, recipes, rows) in recipes()) {
        let mut stream = Stream(seed);
        let models: Vec<Bound> = recipes.iter().map(|recipe| model_of(&mut stream, recipe)).collect();
        prop_assert!(models.iter().all(|model| refuses(&model.ensemble).is_none()));
        let block = block_of(&mut stream, rows, 12);
        compare(&models, &block);
    }
}

const PLAIN: Recipe = Recipe {
    library: Library::LightGbm,
    features: 6,
    categorical: 1,
    trees: 3,
    leaves: 31,
    outputs: 1,
    deep: false,
};

/// A model of trees with exactly so many leaves.
fn exactly(stream: &mut Stream, recipe: &Recipe) -> Bound {
    let mut model = model_of(stream, &Recipe { trees: 0, ..*recipe });
    let mut ensemble = (*model.ensemble).clone();
    ensemble.trees = (0..recipe.trees).map(|_| tree_of(stream, recipe, 0)).collect();
    ensemble.count_splits();
    model.slots = (0..recipe.features as u32).collect();
    model.ensemble = Arc::new(ensemble);
    model
}

#[test]
fn trees_of_any_size_and_shape() {
    let mut stream = Stream(2);
    for (leaves, deep) in
        [(2, false), (64, true), (65, false), (200, true), (255, false), (900, true), (5000, false)]
    {
        let model = exactly(&mut stream, &Recipe { leaves, deep, ..PLAIN });
        compare(&[model], &block_of(&mut stream, 700, 6));
    }
}

#[test]
fn the_largest_tree_and_one_that_is_larger() {
    let mut stream = Stream(3);
    let mut largest =
        Recipe { leaves: network::MOST_LEAVES, trees: 1, features: 20_000, categorical: 0, ..PLAIN };
    // A column for nearly every node: most planes, and a chain as deep as it can be.
    let mut model = exactly(&mut stream, &largest);
    model.slots = (0..20_000).map(|index| index % 90).collect();
    largest.deep = true;
    let chain = exactly(&mut stream, &Recipe { features: 6, ..largest });
    compare(&[model, chain], &block_of(&mut stream, 30, 6));
    let larger = exactly(&mut stream, &Recipe { leaves: network::MOST_LEAVES + 1, ..PLAIN });
    assert!(refuses(&larger.ensemble).is_some_and(|why| why.contains("tree 0 has 16001 leaves")));
}

#[test]
fn more_planes_than_can_be_numbered_are_cut_into_groups() {
    let mut stream = Stream(4);
    // Many columns with tens of cuts each.
    let wide = Recipe { features: 3000, categorical: 0, trees: 80, leaves: 400, ..PLAIN };
    let model = exactly(&mut stream, &wide);
    let other = exactly(&mut stream, &Recipe { trees: 2, ..wide });
    let rows = 40;
    let column = |_| (0..rows).map(|_| stream.value(Library::LightGbm)).collect();
    let block = Block { rows, columns: (0..3000).map(column).collect(), ..Block::default() };
    let models = [other.clone(), model, other];
    let engine = Sliced::with_form(Form::Portable, &models, 2, &Control::default()).expect("compiles");
    assert!(engine.groups.len() > 1, "{} groups", engine.groups.len());
    compare(&models, &block);
}

#[test]
fn a_model_that_is_not_asked_for_is_left_alone() {
    let mut stream = Stream(6);
    let models: Vec<Bound> = (0..3).map(|_| model_of(&mut stream, &PLAIN)).collect();
    let block = block_of(&mut stream, 100, 6);
    let expected = margins(&Golden::new(models.clone()), &models, &block, Precision::Exact);
    let engine = Sliced::with_form(Form::Portable, &models, 1, &Control::default()).expect("compiles");
    let (mut first, mut last) = (vec![0.0; 100], vec![0.0; 100]);
    let parts: &mut [&mut [f64]] = &mut [&mut first, &mut [], &mut last];
    engine.margins(&block, Precision::Exact, &Control::default(), parts).expect("runs");
    assert_eq!(bits(&[first, last]), bits(&[expected[0].clone(), expected[2].clone()]));
}

#[test]
fn values_that_integers_cannot_hold_are_summed_exactly() {
    let mut stream = Stream(7);
    let mut model = model_of(&mut stream, &PLAIN);
    let mut ensemble = (*model.ensemble).clone();
    ensemble.trees[0].values[0] = f64::INFINITY;
    model.ensemble = Arc::new(ensemble);
    let models = [model];
    let block = block_of(&mut stream, 100, 6);
    let expected = margins(&Golden::new(models.to_vec()), &models, &block, Precision::Exact);
    let engine = Sliced::with_form(Form::Portable, &models, 1, &Control::default()).expect("compiles");
    assert_eq!(bits(&margins(&engine, &models, &block, Precision::Fast)), bits(&expected));
}

#[test]
fn what_has_no_place_in_the_form_is_refused() {
    let of = |library, cut, missing| {
        let mut stream = Stream(9);
        let mut ensemble = (*exactly(&mut stream, &PLAIN).ensemble).clone();
        ensemble.library = library;
        let asked = Test::Number { cut, missing, missing_left: true };
        let node = &mut ensemble.trees[1].nodes[0];
        *node = Node::new(node.feature, asked, node.left, node.right);
        refuses(&ensemble)
    };
    assert!(of(Library::LightGbm, f64::NAN, Missing::Nan).is_some_and(|why| why.contains("tree 1")));
    assert_eq!(of(Library::LightGbm, 1.0, Missing::Zero), None);
}
