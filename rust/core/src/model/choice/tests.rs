//! Tests of which engine is chosen, when, and whether it is built once.

use std::sync::Arc;

use super::*;
use crate::model::ensemble::{Ensemble, Library, Tree};
use crate::model::golden::Golden;

fn none(_: &Ensemble) -> Option<String> {
    None
}

/// Models whose version is not empty are refused.
fn picky(ensemble: &Ensemble) -> Option<String> {
    (!ensemble.version.is_empty()).then(|| "a version".to_owned())
}

const fn kind(
    name: &'static str,
    refuses: fn(&Ensemble) -> Option<String>,
    best_from: u64,
    build_from: u64,
) -> Kind {
    let build = |models, _, control: &Control| {
        control.check()?;
        Ok(Box::new(Golden::new(models)) as Box<dyn Engine>)
    };
    Kind { name, what: name, refuses, fast: false, best_from, build_from, block_rows: 64, build }
}

static KINDS: [Kind; 3] = [kind("any", none, 0, 0), kind("few", none, 1, 0), kind("many", picky, 100, 1000)];

fn model(version: &str) -> Bound {
    let ensemble = Ensemble {
        library: Library::LightGbm,
        format: "test",
        version: version.to_owned(),
        objective: String::new(),
        features: Vec::new(),
        real_names: true,
        trees: vec![Tree::new(Vec::new(), vec![1.0], vec![1.0], Vec::new(), 0).expect("a tree")],
        base: vec![0.0],
        averaged: false,
        link: None,
        loose_categories: Vec::new(),
        extra: Default::default(),
    };
    Bound { ensemble: Arc::new(ensemble), slots: Vec::new() }
}

fn engines(forced: Option<&str>) -> Result<Engines> {
    Engines::new(&KINDS, &["a", "b"], vec![model(""), model("2")], forced)
}

/// The engine that each of the two models is asked of.
fn taken(engines: &Engines, rows: u64) -> Vec<&'static str> {
    let chosen = engines.choose(rows, Precision::Exact, 1, &Control::default()).expect("a choice");
    let of = |model| {
        let asks = |chosen: &&Chosen<'_>| {
            chosen.models.iter().zip(&chosen.asked).any(|(&known, &asked)| known == model && asked)
        };
        let found: Vec<&str> = chosen.iter().filter(asks).map(|chosen| chosen.kind.name).collect();
        assert_eq!(found.len(), 1);
        found[0]
    };
    vec![of(0), of(1)]
}

#[test]
fn an_engine_is_taken_by_size_once_it_pays() {
    let engines = engines(None).expect("engines");
    assert_eq!(taken(&engines, 0), ["any", "any"]);
    assert_eq!(taken(&engines, 1), ["few", "few"]);
    // 450 and 450 rows wanted it; with 100 more it pays.
    assert_eq!(taken(&engines, 450), ["few", "few"]);
    assert_eq!(taken(&engines, 450), ["few", "few"]);
    let told = engines.reasons(0, Some(90));
    assert!(told[1].chosen && !told[2].built);
    assert!(engines.reasons(0, Some(99)).iter().all(|told| told.chosen == (told.engine == "few")));
    assert_eq!(taken(&engines, 100), ["many", "few"]);
    assert_eq!(taken(&engines, 100), ["many", "few"]);
    assert_eq!(taken(&engines, 99), ["few", "few"]);
    assert_eq!(engines.reasons(0, None)[2].rows, Some((100, None)));
    assert_eq!(engines.reasons(0, None)[1].rows, Some((1, Some(99))));
    assert_eq!(engines.reasons(1, None)[1].rows, Some((1, None)));
    assert_eq!(engines.reasons(1, None)[2].reason, "a version");
}

#[test]
fn preparing_builds_what_a_size_wants() {
    let engines = engines(None).expect("engines");
    engines.prepare(Some(5), 1, &Control::default()).expect("built");
    assert_eq!(
        engines.reasons(0, None).iter().map(|told| told.built).collect::<Vec<_>>(),
        [false, true, false]
    );
    engines.prepare(None, 1, &Control::default()).expect("built");
    assert_eq!(taken(&engines, 100), ["many", "few"]);
    let stopped = Control::default();
    stopped.cancel();
    let engines = self::engines(None).expect("engines");
    assert_eq!(engines.prepare(None, 1, &stopped), Err(Error::Cancelled));
    assert_eq!(taken(&engines, 1000), ["many", "few"]);
}

#[test]
fn while_one_call_builds_an_engine_others_take_the_next() {
    let engines = engines(None).expect("engines");
    let building = engines.slots[2].building.lock().expect("free");
    assert_eq!(taken(&engines, 5000), ["few", "few"]);
    drop(building);
    assert_eq!(taken(&engines, 5000), ["many", "few"]);
}

#[test]
fn a_forced_engine_is_taken_at_any_size_or_refused() {
    let few = engines(Some("few")).expect("engines");
    assert_eq!(taken(&few, 0), ["few", "few"]);
    assert_eq!(taken(&few, 1 << 40), ["few", "few"]);
    assert_eq!(few.reasons(0, None)[1].rows, Some((1, None)));
    assert!(engines(Some("many")).is_err_and(|told| told.to_string().contains("model `b`: a version")));
    assert!(engines(Some("none")).is_err_and(|told| told.to_string().contains("`any`, `few`, `many`")));
}
