//! CSV as people have it: ends of lines, encodings, quotes, nulls, and every way in which a row can be broken.

mod common;

use std::io::Write;

use common::{Folder, fault, key, number, rows, rows_with, want};
use creditcore::batch::Role;
use creditcore_store::Options;
use flate2::Compression;
use flate2::write::GzEncoder;

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

#[test]
fn every_end_of_line_gives_the_same_rows() {
    let folder = Folder::new();
    for (name, end) in [("cr", "\r"), ("lf", "\n"), ("crlf", "\r\n")] {
        for (mark, last) in [("", ""), ("\u{feff}", end)] {
            let text = format!("{mark}city,x{end}a,1{end}b,-2.5e1{last}");
            let path = folder.write(&format!("{name}.csv"), text);
            let found = rows(&path, &[number("x"), key("city")]).expect("the file is good");
            assert_eq!(found, [["1.0", "a"], ["-25.0", "b"]], "{name}");
        }
    }
}

#[test]
fn gzip_of_one_and_of_many_members_is_told_by_its_bytes() {
    let folder = Folder::new();
    let path = folder.write("a.csv", gzip("x\n1\n2\n"));
    assert_eq!(rows(&path, &[number("x")]).expect("one member"), [["1.0"], ["2.0"]]);
    let path = folder.write("b.csv.gz", [gzip("x\n1\n"), gzip("2\n3\n")].concat());
    assert_eq!(rows(&path, &[number("x")]).expect("two members"), [["1.0"], ["2.0"], ["3.0"]]);
    let mut short = gzip(&"x\n".repeat(10_000));
    short.truncate(short.len() - 10);
    let text = fault(&folder.write("short.csv.gz", short), &[key("x")]);
    assert!(text.contains("short.csv.gz"), "{text}");
}

#[test]
fn another_encoding_is_read_where_it_is_named() {
    let folder = Folder::new();
    let body: String = "嘉兴,1\n".repeat(40_000);
    let text = format!("城市,x\n{body}");
    let (bytes, _, _) = encoding_rs::GB18030.encode(&text);
    let path = folder.write("gb.csv", &bytes);
    for name in ["gb18030", "gbk", "GB18030"] {
        let options = Options { encoding: Some(name.to_owned()), ..Options::default() };
        let found =
            rows_with(std::slice::from_ref(&path), &options, &[key("城市")]).expect("the encoding is known");
        assert_eq!(found.len(), 40_000);
        assert!(found.iter().all(|row| row[0] == "嘉兴"));
    }
    let text = fault(&path, &[key("城市")]);
    assert!(text.contains("gb18030"), "the advice names an encoding: {text}");
    let unknown = Options { encoding: Some("klingon".to_owned()), ..Options::default() };
    let text = rows_with(&[path], &unknown, &[]).expect_err("no such encoding").to_string();
    assert!(text.contains("klingon"), "{text}");
}

#[test]
fn quotes_hold_separators_ends_of_lines_and_quotes() {
    let folder = Folder::new();
    let path = folder.write("q.csv", "a,x\r\n\"one, \"\"two\"\"\r\nthree\",1\r\n\"last\n\",2\r\n");
    let found = rows(&path, &[key("a"), number("x")]).expect("the quotes are closed");
    assert_eq!(found, [["one, \"two\"\r\nthree", "1.0"], ["last\n", "2.0"]]);
    let path = folder.write("end.csv", "a\n\"last\n\"");
    assert_eq!(rows(&path, &[key("a")]).expect("the quote is closed"), [["last\n"]]);
    let path = folder.write("end2.csv", "a\n\"last\n\"\n");
    assert_eq!(rows(&path, &[key("a")]).expect("the quote is closed"), [["last\n"]]);
}

#[test]
fn a_quote_that_is_never_closed_swallows_no_rows() {
    let folder = Folder::new();
    for (name, wanted) in [("x", number("x")), ("a", key("a"))] {
        let path = folder.write("open.csv", "x,a\n1,b\n2,\"c\n3,d\n4,e\n");
        let text = fault(&path, &[wanted]);
        assert!(text.contains("row 2") && text.contains("quote"), "{name}: {text}");
        let path = folder.write("open.csv", "x,a\n1,b\n2,\"c\n3,d\n4,e");
        let text = fault(&path, &[number("x")]);
        assert!(text.contains("row 2") && text.contains("quote"), "{name}: {text}");
    }
}

#[test]
fn a_record_without_an_end_is_refused_before_it_eats_the_memory() {
    let folder = Folder::new();
    let text = format!("a,b\n1,2\n3,\"{}", "x,y\n".repeat(6 << 20));
    let text = fault(&folder.write("huge.csv", text), &[key("a")]);
    assert!(text.contains("row 2") && text.contains("16 MiB"), "{text}");
}

#[test]
fn nulls_numbers_and_what_is_no_number() {
    let folder = Folder::new();
    let path = folder.write("n.csv", "x,k\n , a\n\\N,\\N\n -0.0 ,\ninf,z\nNaN,z\n1E+5,z\n0.1,z\n+7,z\n");
    let found = rows(&path, &[number("x"), key("k")]).expect("all are numbers or nulls");
    let numbers: Vec<&str> = found.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(numbers, ["-", "-", "-0.0", "inf", "NaN", "100000.0", "0.1", "7.0"]);
    let keys: Vec<&str> = found.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(keys, [" a", "-", "-", "z", "z", "z", "z", "z"]);
    for bad in ["abc", "1,5", "0x10", "1_000", "--1", "1e", "１"] {
        let path = folder.write("bad.csv", format!("k,x\na,1\nb,\"{bad}\"\n"));
        let text = fault(&path, &[number("x")]);
        assert!(text.contains("row 2") && text.contains("`x`") && text.contains(bad), "{text}");
    }
    let options = Options { null_values: vec!["-999".to_owned()], ..Options::default() };
    let path = folder.write("own.csv", "x\n-999\n1\n");
    assert_eq!(rows_with(&[path], &options, &[number("x")]).expect("its own null"), [["-"], ["1.0"]]);
}

#[test]
fn an_integer_that_a_double_cannot_hold_is_refused() {
    let folder = Folder::new();
    for good in
        ["9007199254740992", "9007199254740994", "-9007199254740992", "1000000000000000000000", "1e30"]
    {
        let path = folder.write("i.csv", format!("x\n{good}\n"));
        assert!(rows(&path, &[number("x")]).is_ok(), "{good}");
    }
    let long = "1234567890".repeat(5);
    for bad in ["9007199254740993", "-9007199254740993", long.as_str()] {
        let text = fault(&folder.write("i.csv", format!("x\n{bad}\n")), &[number("x")]);
        assert!(text.contains("Parquet") && text.contains("row 1"), "{text}");
    }
}

#[test]
fn a_broken_row_is_named_by_row_and_line() {
    let folder = Folder::new();
    for end in ["\n", "\r\n", "\r"] {
        let body = ["a,b", "1,2", "\"x", "y\",4", "", "5,6,7", "8,9"].join(end);
        let text = fault(&folder.write("w.csv", body), &[key("a")]);
        assert!(text.contains("row 3") && text.contains("line 6"), "{end:?}: {text}");
        assert!(text.contains('3') && text.contains('2'), "{text}");
    }
    let text = fault(&folder.write("u.csv", b"a,b\n1,2\n3,\xff\xfe\n".as_slice()), &[key("b")]);
    assert!(text.contains("row 2") && text.contains("`b`") && text.contains("encoding"), "{text}");
    let found = rows(&folder.write("u.csv", b"a,b\n1,2\n3,\xff\xfe\n".as_slice()), &[key("a")]);
    assert_eq!(found.expect("the bad column is not wanted").len(), 2);
}

#[test]
fn headers_alone_nothing_at_all_and_doubled_names() {
    let folder = Folder::new();
    for text in ["a,b", "a,b\n", "\u{feff}a,b\r\n"] {
        assert!(rows(&folder.write("h.csv", text), &[key("b")]).expect("no rows are fine").is_empty());
    }
    let text = fault(&folder.write("zero.csv", ""), &[]);
    assert!(text.contains("zero.csv") && text.contains("empty"), "{text}");
    let path = folder.write("d.csv", "a,b,a\n1,2,3\n");
    assert_eq!(rows(&path, &[number("b")]).expect("`b` is there once"), [["2.0"]]);
    let text = fault(&path, &[number("a")]);
    assert!(text.contains("d.csv") && text.contains("more than once"), "{text}");
    let text = fault(&path, &[number("c")]);
    assert!(text.contains("d.csv") && text.contains("`c`"), "{text}");
}

#[test]
fn tabs_own_separators_and_times() {
    let folder = Folder::new();
    let path = folder.write("t.tsv", "a\tt\n1\t2020-01-02\n2\t\n");
    assert_eq!(rows(&path, &[want("t", Role::Time)]).expect("tabs"), [["2020-01-02"], ["-"]]);
    let options = Options { delimiter: Some(b';'), ..Options::default() };
    let path = folder.write("s.csv", "a;b\n1;2\n");
    assert_eq!(rows_with(&[path], &options, &[number("b")]).expect("semicolons"), [["2.0"]]);
}

#[test]
fn many_distinct_keys_over_many_batches_stay_themselves() {
    let folder = Folder::new();
    let body: String = (0..150_000).map(|row| format!("k{row},{}\n", row % 7)).collect();
    let path = folder.write("many.csv", format!("k,x\n{body}"));
    let found = rows(&path, &[key("k"), number("x")]).expect("the file is good");
    assert_eq!(found.len(), 150_000);
    for (row, found) in found.iter().enumerate() {
        assert_eq!(found[0], format!("k{row}"));
        assert_eq!(found[1], format!("{:?}", (row % 7) as f64));
    }
}
