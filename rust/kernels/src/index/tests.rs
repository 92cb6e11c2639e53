//! The index against a map of the standard library.

use std::collections::HashMap;

use super::{ABSENT, Index, PART_KEYS, Part, WORDS};
use crate::{prefetch, sized};

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
        let inserted = inserted / sized(1, 500) as u32;
        let mut index: Index<Vec<u64>> = Index::with_room(expected);
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
    let mut index: Index<Vec<u64>> = Index::with_room(10);
    index.put(&[(7, ABSENT, 1), (7, ABSENT, 2), (7, 1, 3)]);
    assert_eq!(index.find_where(7, |row| row == 2), Some(2));
    assert_eq!(index.find_where(7, |row| row != 2), Some(3));
    assert_eq!(index.find_where(7, |row| row == 1), None);
}

#[test]
fn words_and_parts_make_it_again() {
    let mut index: Index<Vec<u64>> = Index::with_room(sized(100_000, 1_000) as u64);
    let mut draw = stream(3);
    let keys: Vec<u64> = (0..sized(200_000, 2_000)).map(|_| draw()).collect();
    let changes: Vec<(u64, u32, u32)> = keys.iter().zip(0..).map(|(&key, row)| (key, ABSENT, row)).collect();
    index.put(&changes);
    let (parts, words) = index.laid_out();
    let words: Vec<u64> = words.flatten().copied().collect();
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

/// Every key, and its row.
fn contents(index: &mut Index<Vec<u64>>) -> Vec<(u64, u32)> {
    let (_, words) = index.laid_out();
    let mut found: Vec<(u64, u32)> = words
        .flat_map(|words| words.chunks_exact(WORDS))
        .flat_map(|bucket| (0..super::count(bucket)).map(|slot| (bucket[slot], super::row(bucket, slot))))
        .collect();
    found.sort_unstable();
    found
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of thousands of keys")]
fn an_index_that_began_empty_has_parts_of_bounded_size() {
    let mut index: Index<Vec<u64>> = Index::with_room(0);
    let mut draw = stream(11);
    let keys: Vec<u64> = (0..600_000).map(|_| draw()).collect();
    for (&key, row) in keys.iter().zip(0..) {
        index.put(&[(key, ABSENT, row)]);
    }
    assert!(index.places.len() > 8);
    assert!(index.places.iter().all(|place| place.part.keys < PART_KEYS * 5 / 2));
    assert_eq!(found(&index, &keys), (0..600_000).collect::<Vec<u32>>());
    let all = contents(&mut index);
    assert_eq!(all.len(), keys.len());
    assert_eq!(index.directory.len(), index.places.len());
    assert_eq!(found(&index, &keys), (0..600_000).collect::<Vec<u32>>());
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of thousands of keys")]
fn shares_change_what_one_thread_would() {
    for (expected, first, bits) in
        [(0, 300_000, 3), (400_000, 100_000, 6), (400_000, 400_000, 2), (0, 100, 4)]
    {
        let mut draw = stream(expected + first);
        let keys: Vec<u64> = (0..first).map(|_| draw()).collect();
        let added: Vec<(u64, u32, u32)> =
            keys.iter().zip(0..).map(|(&key, row)| (key, ABSENT, row)).collect();
        let mut one: Index<Vec<u64>> = Index::with_room(expected);
        one.put(&added);
        // What is mapped and what is its own stand side by side.
        let (parts, words) = one.laid_out();
        let words: Vec<u64> = words.flatten().copied().collect();
        let mut shared = Index::over(words, &parts).expect("the parts fit");
        let old = (0u32..).zip(&keys).filter(|(row, _)| row % 3 == 0);
        let mut changes: Vec<(u64, u32, u32)> = old.map(|(row, &key)| (key, row, row + 1_000_000)).collect();
        changes.extend((2_000_000..2_000_000 + first as u32 * 2).map(|row| (draw(), ABSENT, row)));
        one.put(&changes);
        let mut shards = shared.shards(bits);
        let cut = shards.len().trailing_zeros();
        for (at, shard) in shards.iter_mut().enumerate() {
            let mine = |change: &&(u64, u32, u32)| cut == 0 || (change.0 >> (64 - cut)) as usize == at;
            shard.put(&changes.iter().filter(mine).copied().collect::<Vec<_>>());
        }
        shared.settle();
        assert_eq!(shared.keys(), one.keys());
        assert_eq!(contents(&mut shared), contents(&mut one));
    }
}
