//! Paths, patterns and partitioned folders; Parquet and Arrow files, whole and damaged.

mod common;

use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, Int32Array, Int64Array, ListArray, RecordBatch, StringArray, UInt64Array};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
use common::{Folder, fault, key, number, parquet_bytes, rows, rows_with, texts};
use creditcore::Error;
use creditcore::batch::Source;
use creditcore::exec::Control;
use creditcore_store::{Format, Options, open};

fn integers(values: impl IntoIterator<Item = i32>) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(values))
}

fn sample(rows: i32) -> Vec<(&'static str, ArrayRef)> {
    let city: StringArray = (0..rows).map(|row| (row % 11 != 3).then(|| format!("c{}", row % 5))).collect();
    vec![("x", integers(0..rows)), ("city", Arc::new(city))]
}

fn expected(rows: i32) -> Vec<Vec<String>> {
    let city = |row: i32| if row % 11 == 3 { "-".to_owned() } else { format!("c{}", row % 5) };
    (0..rows).map(|row| vec![city(row), row.to_string()]).collect()
}

fn ipc_bytes(
    columns: Vec<(&str, ArrayRef)>,
    batch: usize,
    stream: bool,
    packed: Option<CompressionType>,
) -> Vec<u8> {
    let table = RecordBatch::try_from_iter(columns).expect("the columns are of one length");
    let options = IpcWriteOptions::default().try_with_compression(packed).expect("the codec is there");
    let mut bytes = Vec::new();
    let batches =
        (0..table.num_rows()).step_by(batch).map(|at| table.slice(at, batch.min(table.num_rows() - at)));
    if stream {
        let mut writer =
            StreamWriter::try_new_with_options(&mut bytes, &table.schema(), options).expect("a schema");
        batches.for_each(|batch| writer.write(&batch).expect("memory can be written"));
        writer.finish().expect("memory can be written");
    } else {
        let mut writer =
            FileWriter::try_new_with_options(&mut bytes, &table.schema(), options).expect("a schema");
        batches.for_each(|batch| writer.write(&batch).expect("memory can be written"));
        writer.finish().expect("memory can be written");
    }
    bytes
}

#[test]
fn parquet_row_groups_are_tasks_and_give_every_row() {
    let folder = Folder::new();
    let path = folder.write("a.parquet", parquet_bytes(sample(100_000), 70_000));
    let files = open(std::slice::from_ref(&path), &Options::default()).expect("the file is good");
    assert_eq!((files.tasks(), files.rows()), (2, Some(100_000)));
    assert_eq!(rows(&path, &[key("city"), number("x")]).expect("the file is good"), expected(100_000));
}

#[test]
fn arrow_files_and_streams_give_every_row() {
    let folder = Folder::new();
    for packed in [None, Some(CompressionType::LZ4_FRAME), Some(CompressionType::ZSTD)] {
        for (name, stream) in [("a.arrow", false), ("a.feather", false), ("a.ipc", true), ("unknown", false)]
        {
            let path = folder.write(name, ipc_bytes(sample(100_000), 70_000, stream, packed));
            assert_eq!(
                rows(&path, &[key("city"), number("x")]).expect("the file is good"),
                expected(100_000)
            );
        }
    }
}

#[test]
fn files_without_rows_have_columns() {
    let folder = Folder::new();
    let nothing = || vec![("x", integers([])), ("city", texts(&[]))];
    let empty = [
        folder.write("z.parquet", parquet_bytes(nothing(), 10)),
        folder.write("z.arrow", ipc_bytes(nothing(), 10, false, None)),
        folder.write("s.arrow", ipc_bytes(nothing(), 10, true, None)),
    ];
    for path in empty {
        assert!(rows(&path, &[key("city")]).expect("no rows are fine").is_empty());
        let files = open(std::slice::from_ref(&path), &Options::default()).expect("no rows are fine");
        assert_eq!(files.column_names(), ["x", "city"]);
        let text = fault(&path, &[key("town")]);
        assert!(text.contains("`town`") && text.contains(&path), "{text}");
    }
}

#[test]
fn a_folder_is_read_in_order_and_its_partitions_are_columns() {
    let folder = Folder::new();
    let part = |from: i32| parquet_bytes(vec![("x", integers(from..from + 2))], 10);
    folder.write("t/kind=p/city=110100/part-0.parquet", part(0));
    folder.write("t/kind=p/city=%E5%98%89%20x/part-0.parquet", part(2));
    folder.write("t/kind=q/city=__HIVE_DEFAULT_PARTITION__/part-0.parquet", part(4));
    folder.write("t/_SUCCESS", "");
    folder.write("t/.part.crc", "x");
    folder.write("t/_temporary/kind=q/city=1/part-0.parquet", part(9));
    let city = |x: &str, city: &str, kind: &str| vec![x.to_owned(), city.to_owned(), kind.to_owned()];
    let all = [
        city("2", "嘉 x", "p"),
        city("3", "嘉 x", "p"),
        city("0", "110100", "p"),
        city("1", "110100", "p"),
        city("4", "-", "q"),
        city("5", "-", "q"),
    ];
    let mut sorted = all.to_vec();
    sorted.sort();
    for path in [folder.path("t"), folder.path("t/kind=*/city=*/*.parquet"), folder.path("t/**/*.parquet")] {
        let files = open(std::slice::from_ref(&path), &Options::default()).expect("the folder is good");
        assert_eq!(files.column_names()[0], "x");
        let mut found = rows(&path, &[number("x"), key("city"), key("kind")]).expect("the folder is good");
        let again = rows(&path, &[number("x"), key("city"), key("kind")]).expect("the folder is good");
        assert_eq!(found, again, "the order is always the same");
        found.retain(|row| row[0] != "9" && row[0] != "10");
        found.sort();
        assert_eq!(found, sorted, "{path}");
        assert_eq!(rows(&path, &[key("kind")]).expect("a partition alone").len() % 2, 0);
    }
    let found = rows(&folder.path("t/kind=p/city=110100"), &[number("x")]).expect("a folder below");
    assert_eq!(found, [["0"], ["1"]]);
}

#[test]
fn a_partition_is_a_number_where_one_is_wanted_and_a_column_of_the_file_wins() {
    let folder = Folder::new();
    folder.write("n/w=2.5/a.parquet", parquet_bytes(vec![("x", integers(0..1))], 10));
    assert_eq!(rows(&folder.path("n"), &[number("w")]).expect("a number"), [["2.5"]]);
    folder.write("o/x=9/a.parquet", parquet_bytes(vec![("x", integers(7..8))], 10));
    assert_eq!(rows(&folder.path("o"), &[number("x")]).expect("the file's own"), [["7"]]);
    folder.write("b/w=abc/a.parquet", parquet_bytes(vec![("x", integers(0..1))], 10));
    let text = fault(&folder.path("b"), &[number("w")]);
    assert!(text.contains("`w`") && text.contains("abc"), "{text}");
}

#[test]
fn what_is_not_there_is_named() {
    let folder = Folder::new();
    let text = fault(&folder.path("no.parquet"), &[]);
    assert!(text.contains("no.parquet"), "{text}");
    let text = fault(&folder.path("*.parquet"), &[]);
    assert!(text.contains("*.parquet"), "{text}");
    folder.write("empty/_SUCCESS", "");
    assert!(fault(&folder.path("empty"), &[]).contains("no data files"));
    let path = folder.write("a.bin", [0u8, 1, 2, 3]);
    assert!(fault(&path, &[]).contains("format"));
    let a = folder.write("a.csv", "x\n1\n");
    let twice = rows_with(&[a.clone(), folder.path("./*.csv")], &Options::default(), &[]);
    assert!(twice.expect_err("one file, named twice").to_string().contains("twice"));
    let b = folder.write("b.csv", "y\n1\n");
    let text = rows_with(&[a, b], &Options::default(), &[key("x")]).expect_err("`x` is not in b").to_string();
    assert!(text.contains("b.csv") && text.contains("`x`"), "{text}");
}

#[test]
fn a_hidden_file_is_no_match_of_a_star() {
    let folder = Folder::new();
    folder.write("a.csv", "x\n1\n");
    folder.write(".b.csv", "x\n2\n");
    assert_eq!(rows(&folder.path("*.csv"), &[number("x")]).expect("one file"), [["1.0"]]);
}

#[test]
fn wide_integers_pass_in_their_own_type_and_lists_are_refused() {
    let folder = Folder::new();
    let wide: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX]));
    let signed: ArrayRef = Arc::new(Int64Array::from(vec![(1i64 << 53) + 1]));
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    let columns =
        || vec![("l", Arc::new(list.clone()) as ArrayRef), ("u", wide.clone()), ("i", signed.clone())];
    let files = [
        folder.write("w.parquet", parquet_bytes(columns(), 10)),
        folder.write("w.arrow", ipc_bytes(columns(), 10, false, None)),
    ];
    for path in files {
        let source = open(std::slice::from_ref(&path), &Options::default()).expect("the file is good");
        let read = source.read(0, &[number("u"), number("i")], &Control::default(), &mut |batch| {
            assert_eq!((&batch.columns[0], &batch.columns[1]), (&wide, &signed));
            Ok(())
        });
        read.expect("the columns are flat");
        let text = fault(&path, &[number("l")]);
        assert!(text.contains("nested") && text.contains(&path), "{text}");
    }
}

#[test]
fn a_request_to_stop_is_heard() {
    let folder = Folder::new();
    let body: String = "1\n".repeat(10);
    let files = [
        folder.write("a.parquet", parquet_bytes(sample(10), 10)),
        folder.write("a.csv", format!("x\n{body}")),
        folder.write("a.arrow", ipc_bytes(sample(10), 10, false, None)),
    ];
    for path in files {
        let source = open(&[path], &Options::default()).expect("the file is good");
        let control = Control::default();
        control.cancel();
        let stopped = source.read(0, &[number("x")], &control, &mut |_| panic!("nothing is handed on"));
        assert_eq!(stopped, Err(Error::Cancelled));
    }
}

/// A damaged file gives an error that names it, or other rows; it never brings the process down.
fn survive(folder: &Folder, name: &str, bytes: &[u8], format: Format) {
    let options = Options { format: Some(format), ..Options::default() };
    let path = folder.write(name, bytes);
    if let Err(error) = rows_with(&[path], &options, &[key("city"), number("x")]) {
        assert!(error.to_string().contains(name), "{error}");
    }
}

#[test]
fn truncated_files_are_refused_by_name() {
    let folder = Folder::new();
    let parquet = parquet_bytes(sample(3_000), 1_000);
    let arrow = ipc_bytes(sample(3_000), 1_000, false, Some(CompressionType::ZSTD));
    for (name, bytes, format) in [("t.parquet", parquet, Format::Parquet), ("t.arrow", arrow, Format::Ipc)] {
        let lengths =
            (0..16).chain((16..bytes.len()).step_by(bytes.len() / 40)).chain(bytes.len() - 16..bytes.len());
        for length in lengths {
            let path = folder.write(name, &bytes[..length]);
            let options = Options { format: Some(format), ..Options::default() };
            let error =
                rows_with(&[path], &options, &[key("city"), number("x")]).expect_err("the file is short");
            assert!(
                matches!(error, Error::Source { .. }) && error.to_string().contains(name),
                "{length}: {error}"
            );
        }
    }
    let stream = ipc_bytes(sample(3_000), 1_000, true, None);
    (0..stream.len())
        .step_by(97)
        .for_each(|length| survive(&folder, "t.ipc", &stream[..length], Format::Ipc));
}

#[test]
fn flipped_bytes_bring_nothing_down() {
    let folder = Folder::new();
    let files = [
        ("f.parquet", parquet_bytes(sample(300), 100), Format::Parquet),
        ("f.arrow", ipc_bytes(sample(300), 100, false, None), Format::Ipc),
        ("p.arrow", ipc_bytes(sample(300), 100, false, Some(CompressionType::LZ4_FRAME)), Format::Ipc),
        ("f.ipc", ipc_bytes(sample(300), 100, true, None), Format::Ipc),
    ];
    for (name, bytes, format) in files {
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= [0x01, 0x80, 0xff][at % 3];
            survive(&folder, name, &bad, format);
        }
    }
}
