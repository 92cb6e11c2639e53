//! Links against a slow twin of maps and sets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::gathering::Gathering;
use super::key::Keys;
use super::links::{DAY, Links, NO_TIME};
use super::records::{Entry, Records};
use super::settings::{Overrides, Settings};
use crate::exec::Control;

/// Key, time, and identifiers as (type, value, role).
type Row = (u64, Option<u32>, Vec<(u8, u64, u8)>);

fn settings(caps: [u32; 2]) -> Settings {
    let types = [("device".to_owned(), caps[0], 1.0), ("phone".to_owned(), caps[1], 1.0)];
    Settings::new(&types, vec!["own".into(), "contact".into()], &Overrides::default()).expect("valid")
}

/// A hash that keeps values apart and mixes their order.
fn hash(kind: u8, value: u64) -> u64 {
    (value * 2 + u64::from(kind) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn records(rows: &[Row]) -> Records {
    let mut gathering = Gathering::new(Keys::Unsigned(rows.iter().map(|row| row.0).collect()));
    for (_, time, identifiers) in rows {
        let entry = |&(kind, value, role): &(u8, u64, u8)| Entry {
            kind,
            order: value,
            hash: hash(kind, value),
            role,
        };
        gathering.row(time.unwrap_or(NO_TIME), identifiers.iter().map(entry));
    }
    gathering.finish(2, &Control::default()).expect("small")
}

fn build(rows: &[Row], caps: [u32; 2], threads: usize) -> Links {
    Links::build(&Arc::new(records(rows)), &settings(caps), threads, &Control::default())
        .expect("not stopped")
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let identifier = (0..2u8, 0..12u64, 0..2u8);
    let row = (0..15u64, proptest::option::of(0..10 * DAY), proptest::collection::vec(identifier, 0..5));
    proptest::collection::vec(row, 0..30)
}

/// For each identifier the people who show it, with the first time and role of each.
fn twin(rows: &[Row]) -> BTreeMap<(u8, u64), BTreeMap<u64, (u32, u8)>> {
    let mut all: BTreeMap<(u8, u64), BTreeMap<u64, (u32, u8)>> = BTreeMap::new();
    for (key, time, identifiers) in rows {
        for &(kind, value, role) in identifiers {
            let shown = all.entry((kind, value)).or_default().entry(*key).or_insert((NO_TIME, u8::MAX));
            *shown = (shown.0.min(time.unwrap_or(NO_TIME)), shown.1.min(role));
        }
    }
    all
}

proptest! {
    #[test]
    fn links_say_what_maps_say(rows in rows(), caps in [1..6u32, 1..6u32]) {
        let links = build(&rows, caps, 2);
        let keys: Vec<u64> = rows.iter().map(|row| row.0).collect::<BTreeSet<_>>().into_iter().collect();
        prop_assert_eq!(links.keys(), &Keys::Unsigned(keys.clone()));
        let twin = twin(&rows);
        let kept = |degree: usize, kind: u8| degree > 1 && degree <= caps[usize::from(kind)] as usize;
        let wanted: BTreeMap<u64, _> = twin
            .iter()
            .filter(|((kind, _), people)| kept(people.len(), *kind))
            .map(|(&(kind, value), people)| (hash(kind, value), (kind, people.clone())))
            .collect();
        prop_assert_eq!(links.identifiers(), wanted.len());
        for identifier in 0..links.identifiers() as u32 {
            let (kind, people) = &wanted[&links.hash_of(identifier)];
            prop_assert_eq!(links.type_of(identifier), usize::from(*kind));
            prop_assert_eq!(links.degree(identifier) as usize, people.len());
            let found: Vec<_> = links.of_identifier(identifier).map(|link| (keys[link.target as usize], (link.time, link.role))).collect();
            prop_assert_eq!(found, people.clone().into_iter().collect::<Vec<_>>());
        }
        let back: usize = (0..links.people() as u32).map(|person| links.of_person(person).len()).sum();
        prop_assert_eq!(back, links.links());
        for person in 0..links.people() as u32 {
            prop_assert!(links.identifiers_of(person).is_sorted());
            for link in links.of_person(person) {
                let other = links.of_identifier(link.target).find(|other| other.target == person).expect("both ways");
                prop_assert_eq!((link.time, link.role), (other.time, other.role));
            }
            let shown = twin.values().filter(|people| people.contains_key(&keys[person as usize])).count();
            prop_assert_eq!(links.shown(person) as usize, shown);
        }
        let hubs: BTreeMap<u64, usize> = twin
            .iter()
            .filter(|((kind, _), people)| people.len() > 1 && !kept(people.len(), *kind))
            .map(|(&(kind, value), people)| (hash(kind, value), people.len()))
            .collect();
        prop_assert_eq!(links.hubs().iter().map(|hub| (hub.hash, hub.degree as usize)).collect::<BTreeMap<_, _>>(), hubs);
    }

    #[test]
    fn neither_rows_nor_threads_nor_names_change_a_number(rows in rows(), seed in any::<u64>()) {
        let (mut rows, links) = (rows.clone(), build(&rows, [4, 3], 1));
        rows.sort_by_key(|row| row.0.wrapping_mul(seed | 1));
        prop_assert_eq!(&links, &build(&rows, [4, 3], 3));
    }

    #[test]
    fn the_hashs_key_changes_nothing_but_hashes(rows in rows()) {
        let mut made = records(&rows);
        let first = Links::build(&Arc::new(made.clone()), &settings([4, 3]), 1, &Control::default()).expect("not stopped");
        made.links.hashes.iter_mut().for_each(|hash| *hash = hash.rotate_left(21) ^ 77);
        let second = Links::build(&Arc::new(made), &settings([4, 3]), 1, &Control::default()).expect("not stopped");
        prop_assert_eq!(&first.kept.people, &second.kept.people);
        prop_assert_eq!(&first.kept.identifiers, &second.kept.identifiers);
    }
}

#[test]
fn a_hub_counts_its_days() {
    let row = |key: u64, day: u32| (key, Some(day * DAY + 5), vec![(0, 7, 0)]);
    let links = build(&[row(1, 2), row(2, 2), row(3, 9), (4, None, vec![(0, 7, 0)])], [3, 3], 1);
    assert_eq!(links.links(), 0);
    let hub = &links.hubs()[0];
    assert_eq!((hub.degree, hub.days.as_slice()), (4, &[(2, 2), (9, 1)][..]));
}
