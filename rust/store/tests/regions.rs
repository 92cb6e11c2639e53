//! The packaged table of China, read and resolved whole; and region files that are not as they should be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use creditcore::Error;
use creditcore::region::{Region, Regions, Resolution};
use creditcore_store::regions::load;

fn packaged(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../python/creditcore/data/china").join(name)
}

fn china() -> Regions {
    load(&packaged("regions.csv"), Some(&packaged("aliases.csv"))).expect("the packaged table is sound")
}

/// The aliases as (code, name, target, kind, year), by a reader apart from the one under test.
fn aliases() -> Vec<[String; 5]> {
    let mut reader = csv::Reader::from_path(packaged("aliases.csv")).expect("a packaged file");
    let rows = reader.records().map(|row| row.expect("a row of text"));
    rows.map(|row| std::array::from_fn(|column| row[column].to_owned())).collect()
}

fn code(regions: &Regions, text: &str) -> Option<String> {
    match regions.resolve_text(text) {
        Resolution::Leaf(leaf) => Some(regions.leaf(leaf).code.clone()),
        _ => None,
    }
}

fn is_ambiguous(regions: &Regions, text: &str) -> bool {
    matches!(regions.resolve_text(text), Resolution::Ambiguous(_))
}

fn name_zh(region: &Region) -> &str {
    region.other_names.iter().find(|(column, _)| column == "name_zh").map_or("", |(_, name)| name)
}

fn attribute<'a>(region: &'a Region, wanted: &str) -> Option<&'a str> {
    region.attributes.iter().find(|(column, _)| column == wanted).map(|(_, cell)| cell.as_str())
}

fn cities(regions: &Regions) -> impl Iterator<Item = (u32, &Region)> {
    (0..regions.leaf_count() as u32).map(|leaf| (leaf, regions.leaf(leaf)))
}

/// A Chinese name without its suffix.
fn short(name: &str) -> &str {
    ["省", "市", "地区", "盟"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

/// The codes of the leaves that have a value of a family.
fn members(regions: &Regions, family: &str, value: &str) -> BTreeSet<String> {
    let units = regions.units(family).expect("a family");
    let number = units.entries.iter().position(|unit| unit.code == value).expect("a value") as u32;
    let inside = cities(regions).filter(|&(leaf, _)| units.members[leaf as usize].contains(&number));
    inside.map(|(_, city)| city.code.clone()).collect()
}

#[test]
fn it_has_a_nation_of_34_provinces_and_369_cities() {
    let regions = china();
    assert_eq!(regions.levels(), ["nation", "province", "city"]);
    assert_eq!(regions.families(), ["north_south", "coast", "nbs_region", "belts", "province_kind"]);
    assert_eq!(regions.leaf_count(), 369);
    assert_eq!(regions.units("province").expect("a level").entries.len(), 34);
    assert_eq!(regions.units("nation").expect("a level").entries.len(), 1);
    let mut of_type: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, city) in cities(&regions) {
        let parent = city.parent.as_deref().expect("a city has a province");
        assert_eq!(parent[..2], city.code[..2], "{}", city.code);
        *of_type.entry(attribute(city, "unit_type").expect("a type")).or_default() += 1;
    }
    let expected =
        [("directly_administered_county", 30), ("municipality", 4), ("prefecture", 333), ("sar", 2)];
    assert_eq!(of_type.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn every_city_resolves_by_code_and_by_chinese_name() {
    let regions = china();
    for (leaf, city) in cities(&regions) {
        let expected = Resolution::Leaf(leaf);
        assert_eq!(regions.resolve_text(&city.code), expected, "{}", city.code);
        assert_eq!(regions.resolve_code(city.code.parse().expect("digits")), expected);
        assert_eq!(regions.resolve_text(name_zh(city)), expected, "{}", name_zh(city));
        if city.code == "220200" {
            assert!(is_ambiguous(&regions, short(name_zh(city))), "the province has that short name too");
        } else {
            assert_eq!(regions.resolve_text(short(name_zh(city))), expected, "{}", short(name_zh(city)));
        }
    }
}

#[test]
fn every_city_resolves_within_its_province() {
    let regions = china();
    let provinces = regions.units("province").expect("a level");
    for (leaf, city) in cities(&regions) {
        let province = &provinces.entries[provinces.members[leaf as usize][0] as usize];
        let (province_zh, city_zh) = (name_zh(province), name_zh(city));
        for text in [
            format!("{province_zh}{city_zh}"),
            format!("{}{}", short(province_zh), short(city_zh)),
            format!("中国 {province_zh} {city_zh}"),
            format!("{} {}", province.name, city.name),
            format!("{}, {}", city.name, province.name),
        ] {
            assert_eq!(regions.resolve_text(&text), Resolution::Leaf(leaf), "{text}");
        }
    }
}

#[test]
fn every_further_code_resolves_to_its_target() {
    let regions = china();
    let rows = aliases();
    for [further, _, target, _, _] in &rows {
        assert_eq!(code(&regions, further).as_ref(), Some(target), "{further}");
    }
    let count = |kind: &str| rows.iter().filter(|row| row[3] == kind).count();
    assert!(count("county") >= 3_092 && count("historic") >= 2_000);
    assert_eq!(count("county") + count("historic"), rows.len());
    for [further, _, _, kind, year] in &rows {
        assert_eq!(kind == "historic", !year.is_empty(), "{further}");
    }
}

#[test]
fn county_names_resolve_where_one_city_has_them() {
    let regions = china();
    let mut targets: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for [_, name, target, kind, _] in aliases() {
        if kind == "county" {
            targets.entry(name).or_default().insert(target);
        }
    }
    for (name, targets) in &targets {
        match targets.first() {
            Some(target) if targets.len() == 1 => {
                assert_eq!(code(&regions, name).as_ref(), Some(target), "{name}");
            }
            _ => assert!(is_ambiguous(&regions, name), "{name}"),
        }
    }
    for (text, expected) in [
        ("昆山市", "320500"),
        ("北京市朝阳区", "110100"),
        ("江苏省苏州市昆山市", "320500"),
        ("福州鼓楼区", "350100"),
    ] {
        assert_eq!(code(&regions, text).as_deref(), Some(expected), "{text}");
    }
    assert!(["朝阳区", "鼓楼区", "市辖区"].iter().all(|shared| is_ambiguous(&regions, shared)));
}

#[test]
fn short_english_and_former_names_resolve() {
    let regions = china();
    let text = "北京 110100, 延边 222400, 恩施 422800, 大兴安岭 232700, 神农架 429021, 凉山州 513400, 海南州 632500, \
        襄樊 420600, 香港 810000, 澳门 820000, 巢湖市 340100, hongkong 810000, Macau 820000, URUMQI 650100, Xian 610100, \
        Xi’an 610100, Shanghai 310100, Beijing 110100, Chongqing 500100, 浙江嘉兴 330400, 浙江省嘉兴市 330400, \
        江苏省苏州市 320500, ３２０５００ 320500, Rikaze 540200, Lüliang 141100, Luliang 141100";
    for (name, expected) in text.split(", ").filter_map(|pair| pair.trim().split_once(' ')) {
        assert_eq!(code(&regions, name).as_deref(), Some(expected), "{name}");
    }
    for (name, expected) in [
        ("Hong Kong", "810000"),
        ("Jilin City", "220200"),
        ("Jiangsu Suzhou", "320500"),
        ("Suzhou, Jiangsu", "320500"),
        ("Suzhou, Anhui, China", "341300"),
    ] {
        assert_eq!(code(&regions, name).as_deref(), Some(expected), "{name}");
    }
}

#[test]
fn shared_names_are_ambiguous() {
    let regions = china();
    let mut of_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (_, city) in cities(&regions) {
        of_name.entry(&city.name).or_default().push(&city.code);
    }
    of_name.retain(|_, codes| codes.len() > 1);
    assert_eq!(
        of_name.keys().copied().collect::<Vec<_>>(),
        ["Fuzhou", "Suzhou", "Taizhou", "Yichun", "Yulin"]
    );
    for (name, codes) in of_name {
        let Resolution::Ambiguous(leaves) = regions.resolve_text(name) else { panic!("{name} is shared") };
        assert_eq!(leaves.iter().map(|&leaf| regions.leaf(leaf).code.as_str()).collect::<Vec<_>>(), codes);
    }
    for (name, expected) in [("吉林", ["220000", "220200"]), ("海南", ["460000", "632500"])] {
        assert!(is_ambiguous(&regions, name), "{name}");
        let alternatives = regions.alternatives(name);
        assert_eq!(alternatives.iter().map(|region| region.code.as_str()).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn provinces_stop_above_the_cities() {
    let regions = china();
    let alone = ["110000", "120000", "310000", "500000", "810000", "820000"];
    for province in &regions.units("province").expect("a level").entries {
        let by_code = regions.resolve_text(&province.code);
        let by_name = regions.resolve_text(name_zh(province));
        // The two special regions are cities of the same code; a municipality's city has a code of its own.
        assert_eq!(
            matches!(by_code, Resolution::Leaf(_)),
            province.code.starts_with('8'),
            "{}",
            province.code
        );
        let expected = alone.contains(&province.code.as_str());
        assert_eq!(matches!(by_name, Resolution::Leaf(_)), expected, "{}", province.name);
        assert!(expected || (by_code, by_name) == (Resolution::AboveLeaf, Resolution::AboveLeaf));
    }
    for text in ["710000", "台湾省", "台湾", "Taiwan", "中国", "100000", "440000", "Guangdong", "广东"]
    {
        assert_eq!(regions.resolve_text(text), Resolution::AboveLeaf, "{text}");
    }
    for text in ["440001", "999999", "3205", "苏", "Atlantis", "江苏省嘉兴市"] {
        assert_eq!(regions.resolve_text(text), Resolution::Unknown, "{text}");
    }
}

#[test]
fn families_cover_what_they_should() {
    let regions = china();
    let count = |family: &str, value: &str| members(&regions, family, value).len();
    assert_eq!(count("north_south", "north") + count("north_south", "south"), 369);
    assert_eq!(count("coast", "coastal") + count("coast", "inland"), 369);
    let nbs: usize =
        ["east", "central", "west", "northeast"].iter().map(|value| count("nbs_region", value)).sum();
    assert_eq!(nbs, 367, "all but the two special regions");
    assert_eq!((count("province_kind", "municipality"), count("province_kind", "sar")), (4, 2));
    let bay = "440100 440300 440400 440600 440700 441200 441300 441900 442000 810000 820000";
    assert_eq!(members(&regions, "belts", "GBA"), bay.split(' ').map(str::to_owned).collect());
    for (family, overlapping) in [
        ("north_south", false),
        ("coast", false),
        ("nbs_region", false),
        ("belts", true),
        ("province_kind", false),
    ] {
        let units = regions.units(family).expect("a family");
        assert_eq!(units.overlapping, overlapping, "{family}");
        let parent = (!overlapping).then(|| "100000".to_owned());
        assert!(units.entries.iter().all(|unit| unit.parent == parent), "{family}");
    }
}

#[test]
fn the_census_adds_up() {
    let regions = china();
    let total = |year: &str| -> u64 {
        cities(&regions)
            .filter_map(|(_, city)| attribute(city, year))
            .map(|cell| cell.parse::<u64>().expect("people"))
            .sum()
    };
    // The census of 2020 counts 1,411,778,724 people on the mainland. Not in a city of the table: two million
    // of the armed forces; Dingzhou and Xiong'an (Hebei), the zones of Changbai Mountain (Jilin), Yangpu (Hainan)
    // and Yangling (Shaanxi); the ten cities of Xinjiang without a figure.
    let not_in_a_city = 2_000_000 + 2_301_426 + 61_146 + 83_141 + 253_871 + 1_231_138;
    let special_regions = 7_509_200 + 682_300;
    assert_eq!(total("population_2020"), 1_411_778_724 - not_in_a_city + special_regions);
    assert!(total("population_2010") < total("population_2020"));
}

/// Writes a file for one test and gives its path.
fn written(name: &str, bytes: &[u8]) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, bytes).expect("a folder for tests");
    path
}

#[test]
fn a_file_may_have_a_mark_and_any_line_ends() {
    for (bytes, count) in [
        (&b"\xef\xbb\xbfcode,name\r\na,\"A, B\"\r\nb,B\r\n"[..], 2),
        (b"code,name\ra,A\rb,B\r", 2),
        (b"code\na", 1),
    ] {
        assert_eq!(load(&written("sound.csv", bytes), None).expect("a sound table").leaf_count(), count);
    }
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    for (bytes, expected) in [
        (&b""[..], "the file is empty; a header line is needed"),
        (b"code,name\na,A\nb\n", "line 3: 1 cells where the header has 2; a cell with a comma needs quotes"),
        (
            b"code,name\n\"a\nb\",A\na,A\na,B\n",
            "line 5: code `a` is already on line 4; every region needs a code of its own",
        ),
        (b"code,name\na,\xb1\xb1\xbe\xa9\n", "line 2: not UTF-8; save the table as UTF-8"),
    ] {
        let path = written("broken.csv", bytes);
        let error = load(&path, None).expect_err("a broken file");
        assert_eq!(error.to_string(), format!("`{}`: {expected}", path.display()));
        assert!(matches!(error, Error::Format { .. }));
    }
    let missing = load(Path::new("nowhere/regions.csv"), None).expect_err("no file");
    assert!(matches!(missing, Error::Source { .. }), "{missing:?}");
    assert!(missing.to_string().starts_with("`nowhere/regions.csv`: cannot be opened: "), "{missing}");
}
