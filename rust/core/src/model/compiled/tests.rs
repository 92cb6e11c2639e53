//! Sections and back: equal models; what is wrong is named by its section.

use std::collections::BTreeMap;

use super::super::formats::{Options, read};
use super::super::{Columns, Model};
use super::*;
use crate::exec::Control;
use crate::expr::Expression;

const TEXT: &str = include_str!("../../../../../tests/model/data/small_lightgbm.txt");
const JSON: &str = include_str!("../../../../../tests/model/data/small_xgboost.json");

fn models() -> Vec<Model> {
    let of = |(name, text): (&str, &str)| {
        let ensemble = read(name, text.as_bytes(), &Options::default()).expect("a model");
        let names = ensemble.features.iter().map(|feature| format!("my {}", feature.name)).collect();
        Model {
            name: name.to_owned(),
            ensemble: std::sync::Arc::new(ensemble),
            columns: if name == "l" { Columns::Names(names) } else { Columns::Positions },
            applies_to: (name == "l").then(|| Expression::parse("age > 0.5").expect("a condition")),
        }
    };
    [("l", TEXT), ("x", JSON)].map(of).into()
}

fn decoded(sections: &Sections<Vec<u8>>) -> crate::Result<(Vec<Model>, serde_json::Value)> {
    let borrowed: BTreeMap<&'static str, &[u8]> =
        sections.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    decode("file", &borrowed, 2, &Control::default())
}

#[test]
fn what_was_written_is_read_to_the_bit() {
    let models = models();
    let declared = serde_json::json!([{"target": "fraud"}]);
    let (found, told) = decoded(&encode(&models, declared.clone()).expect("sections")).expect("models");
    assert_eq!(told, declared);
    for (found, model) in found.iter().zip(&models) {
        // Every field is shown, and doubles to the last bit.
        assert_eq!(format!("{:?}", found.ensemble.trees), format!("{:?}", model.ensemble.trees));
        assert_eq!(found.ensemble.features, model.ensemble.features);
        assert_eq!(found.columns, model.columns);
        assert_eq!(found.ensemble.base, model.ensemble.base);
        assert_eq!(found.ensemble.link, model.ensemble.link);
        assert_eq!(
            found.applies_to.as_ref().map(Expression::text),
            model.applies_to.as_ref().map(Expression::text)
        );
        let rest = |model: &Model| {
            let told = &model.ensemble;
            let texts = (told.version.clone(), told.objective.clone(), told.loose_categories.clone());
            (model.name.clone(), told.library, told.format, told.averaged, told.real_names, texts)
        };
        assert_eq!(rest(found), rest(model));
    }
}

#[test]
fn every_section_is_looked_at() {
    let sections = encode(&models(), serde_json::Value::Null).expect("sections");
    for name in SECTIONS {
        for change in 0..3 {
            let mut changed = sections.clone();
            let bytes = changed.get_mut(name).expect("a section");
            match change {
                0 => bytes.push(0),
                1 => drop(bytes.pop()),
                _ => bytes.extend_from_slice(&[0; 16]),
            }
            let told = decoded(&changed).expect_err("one byte more or less").to_string();
            assert!(told.starts_with("`file`: section `"), "{told}");
        }
    }
    for (name, place, value, part) in [
        ("trees", 0, 200, "section `nodes."),
        ("trees", 12, 9, "output 9"),
        ("nodes.feature", 0, 255, "feature 255"),
        ("nodes.kind", 0, 0x41, "no kind"),
        ("nodes.kind", 0, 0x40, "no kind"),
        ("nodes.left", 0, 0, "leaf 255, which is not there"),
    ] {
        let mut changed = sections.clone();
        changed.get_mut(name).expect("a section")[place] = value;
        let told = decoded(&changed).expect_err(name).to_string();
        assert!(told.contains(part), "{name}: {told}");
    }
}
