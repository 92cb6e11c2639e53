//! Every fault of a table, with the text that it gives.

use super::super::{Aliases, MAX_ROWS, RegionRow, Regions};
use super::{aliases, build};
use crate::Error;

fn text(result: Result<Regions, Error>) -> String {
    let error = result.expect_err("the table is refused");
    assert!(matches!(error, Error::Format { .. }), "{error:?}");
    error.to_string()
}

#[test]
fn of_the_header() {
    for (table, expected) in [
        (
            "name,parent\na,",
            "`land.csv`: line 1: no column `code` (or `adcode`) among `name`, `parent`; a region table needs one",
        ),
        (
            "code,adcode\na,b",
            "`land.csv`: line 1: column `code` is given twice; keep one (`adcode` is `code`, `parent_code` is `parent`)",
        ),
        (
            "code,side,side\na,b,c",
            "`land.csv`: line 1: column `side` is given twice; keep one (`adcode` is `code`, `parent_code` is `parent`)",
        ),
        ("code,\na,b", "`land.csv`: line 1: column 2 has no name; name it or take it out"),
        ("code", "`land.csv`: the table has no regions; give at least one row"),
    ] {
        assert_eq!(text(build(table, "")), expected);
    }
}

#[test]
fn of_a_row() {
    for (table, expected) in [
        (
            "code,name\na,A\nb",
            "`land.csv`: line 3: 1 cells where the header has 2; a cell with a comma needs quotes",
        ),
        ("code,name\na,A\n ,B", "`land.csv`: line 3: `code` is empty; every region needs a code of its own"),
        (
            "code,name\na,A\nb,B\nA,C",
            "`land.csv`: line 4: code `A` is already on line 2; every region needs a code of its own",
        ),
        (
            "code,parent\n40,\n40,40\n40,40",
            "`land.csv`: line 4: code `40` is already on line 3; every region needs a code of its own",
        ),
        (
            "code,level\na,city\nb,",
            "`land.csv`: line 3: `level` is empty; name the level of every region, or leave the column out",
        ),
    ] {
        assert_eq!(text(build(table, "")), expected);
    }
}

#[test]
fn of_the_hierarchy() {
    for (table, expected) in [
        (
            "code,parent\n100,\n110,101",
            "`land.csv`: line 3: region `110` has the parent `101`, which is not in the table; did you mean `100`?; add it or leave the parent empty",
        ),
        (
            "code,parent\na,a",
            "`land.csv`: line 2: the parents form a loop: `a` -> `a`; leave the parent of the topmost region empty",
        ),
        (
            "code,parent\nr,\nd,a\na,b\nb,c\nc,a",
            "`land.csv`: line 4: the parents form a loop: `a` -> `b` -> `c` -> `a`; leave the parent of the topmost region empty",
        ),
        (
            "code,parent,level\na,,city\nb,a,city",
            "`land.csv`: line 3: level `city` stands 1 below the top here and 0 on line 2; a level has one depth",
        ),
        (
            "code,parent,level\na,,city\nb,,town",
            "`land.csv`: line 3: level `town` stands beside level `city` of line 2 in the hierarchy; regions of one depth share one level",
        ),
        (
            "code,level,city\na,city,x",
            "`land.csv`: line 2: family `city` has the name of a level; rename the column, or the level in the column `level`",
        ),
    ] {
        assert_eq!(text(build(table, "")), expected);
    }
}

#[test]
fn of_the_aliases() {
    let regions = "code,name\n100,A\n200,B";
    for (table, expected) in [
        (
            "code,target\nx,300",
            "`aliases.csv`: line 2: alias `x` has the target `300`, which is not the code of a region; did you mean `100`?",
        ),
        (
            "code,target\nx,100\n200,100",
            "`aliases.csv`: line 3: alias `200` repeats the code of the region on line 3 of the region table; take it out",
        ),
        (
            "code,target\nx,100\nX,200",
            "`aliases.csv`: line 3: alias `X` is already on line 2; a code has one target",
        ),
        (
            "code,name,target\n,,100",
            "`aliases.csv`: line 2: `code` and `name` are both empty; an alias needs one of them",
        ),
        (
            "code,target,year\nx,100,then",
            "`aliases.csv`: line 2: `year` holds `then`; a year such as 2015, or nothing, is allowed",
        ),
        (
            "code,target\nx",
            "`aliases.csv`: line 2: 1 cells where the header has 2; a cell with a comma needs quotes",
        ),
        (
            "code,name\nx,y",
            "`aliases.csv`: line 1: a table of aliases needs `target` and one of `code` and `name`; it has `code`, `name`",
        ),
        ("code,target,target\nx,100,100", "`aliases.csv`: line 1: column `target` is given twice; keep one"),
    ] {
        let result = aliases(table)
            .and_then(|aliases| Regions::build("land.csv", super::rows(regions).expect("sound"), &aliases));
        assert_eq!(text(result), expected);
    }
}

#[test]
fn of_the_size() {
    let rows = vec![RegionRow::default(); MAX_ROWS + 1];
    assert_eq!(
        text(Regions::build("big.csv", rows, &Aliases::default())),
        "`big.csv`: more than 1000000 rows; a region table has one row per region, not per record"
    );
}

#[test]
fn a_deep_chain_needs_no_deep_stack() {
    let mut table = String::from("code,parent\n0x,\n");
    for depth in 1..50_000 {
        table.push_str(&format!("{depth}x,{}x\n", depth - 1));
    }
    assert_eq!(build(&table, "").expect("a chain is a table").levels().len(), 50_000);
}
