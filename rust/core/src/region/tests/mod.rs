//! Resolution and grouping over small tables made by hand.

mod faults;
mod properties;

use super::*;

/// A land with a province of two cities, a municipality, a city-state that is its own only part, a province
/// without cities, and one that shares its short name with a city.
const LAND: &str = "\
code,name,level,parent,name_zh,aliases,side,belts,population
1,Land,nation,,国,,,,
10,Su,province,1,苏省,苏,north,A,
1001,Twin,city,10,甲市,甲|Old Twin,,,5
1002,Xi'an,city,10,乙市,乙,south,A|B,7
20,Ji,province,1,吉省,吉,south,,
2001,Ji,city,20,吉市,吉,,,
2002,Twin,city,20,丙市,丙,,,
30,Metro,province,1,京市,京|Metropolis,north,A,
3001,Metro,city,30,京市,,,,
40,Port,province,1,港区,港,south,C,
40,Port,city,40,港区,,,,
50,Isle,province,1,岛省,岛,south,,
";

const ALIASES: &str = "\
code,name,target,kind,year,note
100101,昆县,1001,county,,
100102,城区,1001,county,,
100201,城区,1002,county,,
200201,甲市,2002,county,,
300101,东区,3001,county,,
1099,古市,1002,historic,1998,renamed
1098,昆县,2002,historic,1990,
,Nickname,1002,name,,
501,岛县,50,county,,
";

pub(super) fn rows(text: &str) -> Result<Vec<RegionRow>> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let header = Header::read("land.csv", &names)?;
    lines.zip(2..).map(|(line, number)| header.row(number, &line.split(',').collect::<Vec<_>>())).collect()
}

pub(super) fn aliases(text: &str) -> Result<Aliases> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let header = AliasHeader::read("aliases.csv", &names)?;
    let rows = lines.zip(2..).map(|(line, number)| header.row(number, &line.split(',').collect::<Vec<_>>()));
    Ok(Aliases { source: "aliases.csv".to_owned(), rows: rows.collect::<Result<_>>()? })
}

pub(super) fn build(regions: &str, further: &str) -> Result<Regions> {
    let aliases = if further.is_empty() { Aliases::default() } else { aliases(further)? };
    Regions::build("land.csv", rows(regions)?, &aliases)
}

pub(super) fn land() -> Regions {
    build(LAND, ALIASES).expect("the table is sound")
}

/// The code of the leaf that a text means; `^` above the leaves, `?` unknown, codes with `|` if ambiguous.
fn meaning(regions: &Regions, text: &str) -> String {
    match regions.resolve_text(text) {
        Resolution::Leaf(leaf) => regions.leaf(leaf).code.clone(),
        Resolution::AboveLeaf => "^".to_owned(),
        Resolution::Unknown => "?".to_owned(),
        Resolution::Ambiguous(leaves) => {
            leaves.iter().map(|&leaf| regions.leaf(leaf).code.as_str()).collect::<Vec<_>>().join("|") + "|"
        }
    }
}

fn check(cases: &[(&str, &str)]) {
    let regions = land();
    for (text, expected) in cases {
        assert_eq!(meaning(&regions, text), *expected, "{text}");
    }
}

#[test]
fn codes_come_first_and_are_never_guessed() {
    check(&[
        ("1001", "1001"),
        (" １００１\u{3000}", "1001"),
        ("100101", "1001"),
        ("1099", "1002"),
        ("10", "^"),
        ("1", "^"),
        ("30", "^"),
        ("501", "^"),
        ("1003", "?"),
        ("100199", "?"),
        ("", "?"),
        ("  ", "?"),
    ]);
    let regions = land();
    assert_eq!(regions.resolve_code(1002), Resolution::Leaf(1));
    assert_eq!(regions.resolve_code(-1002), Resolution::Unknown);
    assert_eq!(regions.resolve_code(10), Resolution::AboveLeaf);
}

#[test]
fn a_region_may_be_its_own_only_part() {
    let regions = land();
    assert_eq!(regions.levels(), ["nation", "province", "city"]);
    let Resolution::Leaf(port) = regions.resolve_text("40") else { panic!("40 is a city") };
    assert_eq!(
        (regions.leaf(port).level.as_str(), regions.leaf(port).parent.as_deref()),
        ("city", Some("40"))
    );
    check(&[("Port", "40"), ("港", "40")]);
}

#[test]
fn names_resolve_where_they_are_unique() {
    check(&[
        ("乙市", "1002"),
        ("乙", "1002"),
        ("Xi'an", "1002"),
        ("xian", "1002"),
        ("ＸＩ’ＡＮ", "1002"),
        ("old   twin", "1001"),
        ("Nickname", "1002"),
        ("古市", "1002"),
        ("Twin", "1001|2002|"),
        ("城区", "1001|1002|"),
        ("吉", "2001|"),
        ("吉市", "2001"),
        ("吉省", "^"),
        ("国", "^"),
        ("岛", "^"),
        ("岛县", "^"),
        ("nowhere", "?"),
    ]);
}

#[test]
fn a_region_with_one_part_shares_its_names() {
    check(&[
        ("京市", "3001"),
        ("京", "3001"),
        ("metropolis", "3001"),
        ("京京", "3001"),
        ("京市京市东区", "3001"),
    ]);
}

#[test]
fn a_region_goes_before_an_alias_and_an_alias_in_use_before_a_former_one() {
    check(&[("甲市", "1001"), ("昆县", "1001")]);
}

#[test]
fn a_name_may_be_qualified_by_the_region_around_it() {
    check(&[
        ("苏省甲市", "1001"),
        ("苏甲", "1001"),
        ("国苏省 甲市", "1001"),
        ("苏省-乙市-城区", "1002"),
        ("苏城区", "1001|1002|"),
        ("吉省吉市", "2001"),
        ("吉吉", "2001"),
        ("Su Twin", "1001"),
        ("Twin, Ji", "2002"),
        ("Twin, Ji, Land", "2002"),
        ("SU/TWIN", "1001"),
        ("SuTwin", "?"),
        ("吉省乙市", "?"),
        ("苏省无市", "?"),
        ("甲市甲市", "?"),
    ]);
}

#[test]
fn alternatives_are_of_any_level() {
    let regions = land();
    let codes: Vec<&str> = regions.alternatives("吉").iter().map(|region| region.code.as_str()).collect();
    assert_eq!(codes, ["20", "2001"]);
    assert!(regions.alternatives("nowhere").is_empty());
}

#[test]
fn a_level_has_one_unit_per_leaf() {
    let regions = land();
    let units = regions.units("province").expect("a level");
    let codes: Vec<&str> = units.entries.iter().map(|unit| unit.code.as_str()).collect();
    assert_eq!(codes, ["10", "20", "30", "40", "50"]);
    assert_eq!(units.members, [[0], [0], [1], [1], [2], [3]]);
    assert!(!units.overlapping);
    let cities = regions.units("city").expect("a level");
    assert_eq!(cities.entries.len(), regions.leaf_count());
    assert_eq!(cities.entries[1].attributes, [("population".to_owned(), "7".to_owned())]);
    assert_eq!(cities.entries[1].other_names, [("name_zh".to_owned(), "乙市".to_owned())]);
    assert!(regions.units("county").is_none());
}

#[test]
fn families_are_inherited_until_replaced() {
    let regions = land();
    assert_eq!(regions.families(), ["side", "belts"]);
    let sides = regions.units("side").expect("a family");
    assert_eq!(sides.members, [[0], [1], [1], [1], [0], [1]]);
    let north = &sides.entries[0];
    assert_eq!((north.code.as_str(), north.name.as_str(), north.level.as_str()), ("north", "North", "side"));
    assert_eq!(north.parent.as_deref(), Some("1"));
    assert!(!sides.overlapping);
}

#[test]
fn overlapping_families_have_no_parent() {
    let belts = land().units("belts").expect("a family");
    let expected: [&[u32]; 6] = [&[0], &[0, 1], &[], &[], &[0], &[2]];
    assert_eq!(belts.members, expected);
    assert!(belts.overlapping);
    assert!(belts.entries.iter().all(|unit| unit.parent.is_none()));
}

#[test]
fn flat_tables_and_tables_without_levels() {
    let flat = build("adcode\n01\nb", "").expect("a flat table");
    assert_eq!((flat.levels(), flat.leaf(0).name.as_str()), (["region".to_owned()].as_slice(), "01"));
    assert_eq!(flat.resolve_code(1), Resolution::Leaf(0));
    assert_eq!(flat.resolve_text("1"), Resolution::Unknown);
    assert_eq!(flat.resolve_text("B"), Resolution::Leaf(1));
    let deep = build("code,parent_code\nx,\ny,x\nz,y\nw,x", "").expect("a deep table");
    assert_eq!(deep.levels(), ["level_1", "level_2", "level_3"]);
    assert_eq!((deep.leaf_count(), deep.resolve_text("w")), (1, Resolution::AboveLeaf));
}

#[test]
fn the_hash_is_of_the_content() {
    let hash = |regions: &str, further: &str| build(regions, further).expect("sound").hash();
    assert_eq!(land().hash(), hash(LAND, ALIASES));
    assert_ne!(land().hash(), hash(LAND, ""));
    assert_ne!(land().hash(), hash(&LAND.replace("Metropolis", "Metropole"), ALIASES));
    assert_ne!(hash("code,name\na,bc\nd,", ""), hash("code,name\nab,c\nd,", ""));
    assert_ne!(hash("code\na\nb", ""), hash("code\nb\na", ""));
}
