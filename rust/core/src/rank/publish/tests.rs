//! Tests of what is hidden. That a linear programme cannot undo it is tested through the Python API.

use super::cells::{Table, Total};
use super::{Reason, Rules, choose};

fn rules() -> Rules {
    Rules { min_shown: 50, min_ranked: 1000, dominance: Some(100_000), protection: 25, round_counts: None }
}

/// The reasons by name of cells over atoms of so many units.
fn reasons(atoms: &[u64], cells: &[(&str, &[usize])]) -> Vec<(String, Option<Reason>)> {
    let totals = atoms.iter().map(|&n| Total::plain(n)).collect();
    let (table, names) =
        Table::build(totals, cells.iter().map(|(name, atoms)| ("level", *name, atoms.to_vec())));
    let state = choose::protect(&table, &rules());
    names.into_iter().map(|(_, name, cell)| (name, state[cell])).collect()
}

fn hidden(atoms: &[u64], cells: &[(&str, &[usize])]) -> Vec<String> {
    let hidden = reasons(atoms, cells).into_iter().filter(|(_, reason)| reason.is_some());
    hidden.map(|(name, _)| name).collect()
}

const CITIES: [(&str, &[usize]); 6] =
    [("a", &[0]), ("b", &[1]), ("c", &[2]), ("d", &[3]), ("P", &[0, 1, 2]), ("Q", &[3])];

#[test]
fn nothing_is_hidden_where_all_cells_are_large() {
    assert!(hidden(&[500, 600, 700, 800], &CITIES).is_empty());
}

#[test]
fn a_small_city_takes_its_smallest_large_enough_sibling_along() {
    let found = reasons(&[20, 600, 700, 800], &CITIES);
    assert_eq!(found[0].1, Some(Reason::FewUnits));
    assert_eq!(found[1].1, Some(Reason::Complementary));
    assert!(found[2..].iter().all(|(_, reason)| reason.is_none()), "{found:?}");
}

#[test]
fn a_city_that_is_a_province_hides_another_province_and_one_of_its_cities() {
    assert_eq!(hidden(&[500, 600, 700, 20], &CITIES), ["a", "d", "P", "Q"]);
}

#[test]
fn two_small_cities_that_bound_each_other_are_not_enough() {
    // 49 and 49 below 50: their sum of 98 would tell both.
    assert_eq!(hidden(&[49, 49, 700, 800], &CITIES).len(), 3);
}

#[test]
fn a_partner_that_is_just_large_enough_to_be_shown_is_not_enough() {
    // 3 and 50, of which one is known to be at least 50, leaves 1 to 3.
    let found = hidden(&[3, 50, 700, 800], &CITIES);
    assert!(found.contains(&"c".to_owned()), "{found:?}");
}

#[test]
fn everything_is_hidden_where_the_whole_is_small() {
    assert_eq!(hidden(&[10, 10, 10, 10], &CITIES).len(), CITIES.len());
}

#[test]
fn a_column_has_only_its_whole() {
    let cells: [(&str, &[usize]); 3] = [("x", &[0]), ("y", &[1]), ("z", &[2])];
    assert_eq!(hidden(&[10, 300, 200], &cells), ["x", "z"]);
}

#[test]
fn rules_that_fit_no_cell_are_refused() {
    let refused = [
        Rules { min_shown: 0, ..rules() },
        Rules { min_ranked: 10, ..rules() },
        Rules { protection: 49, ..rules() },
        Rules { dominance: Some(0), ..rules() },
        Rules { round_counts: Some(0), ..rules() },
    ];
    assert!(refused.iter().all(|rules| rules.check().is_err()));
}

#[test]
fn a_municipality_hides_no_more_than_it_must() {
    let atoms = [148, 41, 451, 225, 237, 740, 510];
    let cells: [(&str, &[usize]); 14] = [
        ("Shanghai", &[0]),
        ("Beijing", &[1]),
        ("c2", &[2]),
        ("c3", &[3]),
        ("c4", &[4]),
        ("c5", &[5]),
        ("c6", &[6]),
        ("Guangdong", &[2, 3, 4]),
        ("Zhejiang", &[5, 6]),
        ("nation", &[0, 1, 2, 3, 4, 5, 6]),
        ("south", &[0, 2, 3, 4, 5, 6]),
        ("YRD", &[0, 5, 6]),
        ("municipality", &[0, 1]),
        ("province", &[2, 3, 4, 5, 6]),
    ];
    assert_eq!(hidden(&atoms, &cells), ["Shanghai", "Beijing", "south", "YRD"]);
}
