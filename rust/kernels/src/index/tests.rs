//! The index against a map of the standard library.

use std::collections::HashMap;

use super::{ABSENT, Index, Part, WORDS, prefetch};

fn stream(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn found(index: &Index<Vec<u64>>, keys: &[u64]) -> Vec<u32> {
    let mut rows = vec![0; keys.len()];
    index.find(keys, &mut rows);
    rows
}

#[test]
fn it_holds_what_a_map_holds() {
    for (expected, inserted) in [(0, 5000), (200_000, 150_000), (100_000, 300_000)] {
        let mut index = Index::with_room(expected);
        let mut map = HashMap::new();
        let mut draw = stream(expected);
        for number in 0..inserted {
            // Some keys are replaced again and again, and some are crowded at the beginning.
            let key = match draw() % 8 {
                0 => draw() >> 60 << 60,
                1 => draw() % 500,
                _ => draw(),
            };
            let old = map.insert(key, number).unwrap_or(ABSENT);
            index.put(&[(key, old, number)]);
        }
        assert_eq!(index.keys(), map.len() as u64);
        let mut keys: Vec<u64> = map.keys().copied().collect();
        keys.sort_unstable();
        assert_eq!(found(&index, &keys), keys.iter().map(|key| map[key]).collect::<Vec<_>>());
        let strangers: Vec<u64> = (0..1000).map(|_| draw()).filter(|key| !map.contains_key(key)).collect();
        assert!(found(&index, &strangers).iter().all(|&row| row == ABSENT));
        let mut rows: Vec<u32> = index.rows().collect();
        rows.sort_unstable();
        let mut wanted: Vec<u32> = map.values().copied().collect();
        wanted.sort_unstable();
        assert_eq!(rows, wanted);
    }
}

#[test]
fn a_key_that_is_there_twice_is_told_by_its_row() {
    let mut index = Index::with_room(10);
    index.put(&[(7, ABSENT, 1), (7, ABSENT, 2), (7, 1, 3)]);
    assert_eq!(index.find_where(7, |row| row == 2), Some(2));
    assert_eq!(index.find_where(7, |row| row != 2), Some(3));
    assert_eq!(index.find_where(7, |row| row == 1), None);
}

#[test]
fn words_and_parts_make_it_again() {
    let mut index = Index::with_room(100_000);
    let mut draw = stream(3);
    let keys: Vec<u64> = (0..200_000).map(|_| draw()).collect();
    let changes: Vec<(u64, u32, u32)> = keys.iter().zip(0..).map(|(&key, row)| (key, ABSENT, row)).collect();
    index.put(&changes);
    let parts: Vec<Part> = index.parts().collect();
    let words: Vec<u64> = index.words().flatten().copied().collect();
    let bytes_a_key = words.len() as f64 * 8.0 / keys.len() as f64;
    assert!(bytes_a_key < 21.0, "{bytes_a_key} bytes a key");
    let again = Index::over(words.clone(), &parts).expect("the parts fit");
    assert_eq!(found(&again, &keys), found(&index, &keys));
    assert!(Index::over(words, &parts[..parts.len() / 2]).is_none());
}

#[test]
fn damaged_words_end() {
    let words = vec![u64::MAX; WORDS * 4];
    let index = Index::over(words, &[Part { buckets: 4, keys: 3 }]).expect("the parts fit");
    assert_eq!(found(&index, &[5]), [ABSENT]);
    assert_eq!(index.find_where(u64::MAX, |_| false), None);
}

#[test]
fn a_prefetch_behind_the_end_does_nothing() {
    prefetch::<u64>(&[], 3);
    prefetch(&[1u8], 0);
}
