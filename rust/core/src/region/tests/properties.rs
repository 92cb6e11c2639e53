//! Laws of resolution and grouping over tables made at random.

use proptest::prelude::*;

use super::super::{Aliases, RegionRow, Regions, Resolution};

/// Tables of up to four levels: each region hangs below a random earlier one, names are few and collide.
fn tables() -> impl Strategy<Value = Vec<RegionRow>> {
    let region = (any::<prop::sample::Index>(), 0usize..6, prop::collection::vec("[abc]", 0..3));
    prop::collection::vec(region, 1..40).prop_map(|regions| {
        let mut depths: Vec<usize> = Vec::new();
        let mut rows: Vec<RegionRow> = Vec::new();
        for (number, (above, name, values)) in regions.into_iter().enumerate() {
            let above = (number > 0).then(|| above.index(number)).filter(|&above| depths[above] < 3);
            depths.push(above.map_or(0, |above| depths[above] + 1));
            rows.push(RegionRow {
                code: format!("{}", 100 + number),
                name: format!("name {name}"),
                parent: above.map(|above| rows[above].code.clone()),
                families: vec![("family".to_owned(), values)],
                line: number as u64 + 2,
                ..RegionRow::default()
            });
        }
        rows
    })
}

proptest! {
    #[test]
    fn a_code_means_its_region(rows in tables()) {
        let regions = Regions::build("t", rows.clone(), &Aliases::default()).expect("a forest is a table");
        for (row, region) in rows.iter().zip(regions.regions()) {
            let expected = (0..regions.leaf_count() as u32).find(|&leaf| regions.leaf(leaf).code == row.code);
            let expected = expected.map_or(Resolution::AboveLeaf, Resolution::Leaf);
            prop_assert_eq!(regions.resolve_text(&row.code), expected.clone());
            prop_assert_eq!(regions.resolve_code(row.code.parse().expect("digits")), expected);
            prop_assert_eq!(&region.parent, &row.parent);
        }
    }

    #[test]
    fn a_name_means_all_that_have_it(rows in tables()) {
        let regions = Regions::build("t", rows.clone(), &Aliases::default()).expect("a forest is a table");
        for row in &rows {
            let alternatives = regions.alternatives(&row.name);
            for other in rows.iter().filter(|other| other.name == row.name) {
                prop_assert!(alternatives.iter().any(|region| region.code == other.code));
            }
            if let Resolution::Leaf(leaf) = regions.resolve_text(&row.name) {
                prop_assert!(alternatives.contains(&regions.leaf(leaf)));
            }
        }
    }

    #[test]
    fn levels_nest(rows in tables()) {
        let regions = Regions::build("t", rows, &Aliases::default()).expect("a forest is a table");
        let levels: Vec<_> = regions.levels().iter().filter_map(|level| regions.units(level)).collect();
        prop_assert_eq!(levels.len(), regions.levels().len());
        for leaf in 0..regions.leaf_count() {
            for pair in levels.windows(2) {
                let (coarse, fine) = (&pair[0], &pair[1]);
                prop_assert_eq!(coarse.members[leaf].len(), 1);
                let above = &coarse.entries[coarse.members[leaf][0] as usize];
                let below = &fine.entries[fine.members[leaf][0] as usize];
                prop_assert_eq!(below.parent.as_ref(), Some(&above.code));
            }
        }
    }

    #[test]
    fn any_text_has_an_answer(text in "\\PC{0,40}") {
        let regions = super::land();
        let nothing = regions.alternatives(&text).is_empty();
        prop_assert_eq!(regions.resolve_text(&text) == Resolution::Unknown, nothing);
    }
}
