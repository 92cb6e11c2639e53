//! Components against a naive twin: labels that fall until nothing changes.

use std::collections::BTreeMap;

use super::*;
use crate::sized;

/// A generator of test numbers (Marsaglia's xorshift).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

fn naive(people: u32, pairs: &[(u64, u32)]) -> Vec<u32> {
    let mut labels: Vec<u32> = (0..people).collect();
    loop {
        let mut least: BTreeMap<u64, u32> = BTreeMap::new();
        for &(hash, person) in pairs {
            let label = least.entry(hash).or_insert(u32::MAX);
            *label = (*label).min(labels[person as usize]);
        }
        let before = labels.clone();
        for (hash, person) in pairs {
            labels[*person as usize] = labels[*person as usize].min(least[hash]);
        }
        if labels == before {
            return labels;
        }
    }
}

fn numbers_to_hashes(numbers: &[u32]) -> Vec<u64> {
    numbers.iter().map(|&number| u64::from(number) << 40).collect()
}

fn components(people: u32, pairs: &[(u64, u32)], bits: u32, threads: usize) -> (Vec<u32>, usize) {
    let (hashes, numbers): (Vec<u64>, Vec<u32>) = pairs.iter().copied().unzip();
    let cut = pairs.len().div_ceil(threads).max(1);
    let mut dealers: Vec<Dealer> = hashes
        .chunks(cut)
        .zip(numbers.chunks(cut))
        .map(|(hashes, numbers)| {
            let mut dealer = Dealer::new(bits);
            // Pages that were written before are written again.
            dealer.deal(numbers_to_hashes(numbers).as_slice(), numbers);
            dealer.settle();
            dealer.forget(0..dealer.parts());
            dealer.deal(hashes, numbers);
            dealer.settle();
            dealer
        })
        .collect();
    let parts = 1 << bits;
    assert_eq!(
        dealers.iter().flat_map(|dealer| (0..parts).map(|part| dealer.len(part))).sum::<usize>(),
        pairs.len()
    );
    let forest = Forest::new(people);
    let different = std::thread::scope(|scope| {
        let (forest, dealers) = (&forest, &dealers);
        let threads: Vec<_> = (0..threads)
            .map(|thread| {
                scope.spawn(move || {
                    let mut table = Table::default();
                    (thread..parts)
                        .step_by(threads)
                        .map(|part| table.unite(dealers, part, forest))
                        .sum::<usize>()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    dealers.iter_mut().for_each(|dealer| dealer.forget(0..parts));
    assert!(dealers.iter().all(|dealer| (0..parts).all(|part| dealer.pages(part).count() == 0)));
    (forest.roots(), different)
}

#[test]
fn any_threads_and_parts_give_what_the_twin_gives() {
    let mut draws = Draws(7);
    for (people, identifiers, count) in
        [(1, 1, 0), (5, 3, 4), (200, 150, 220), (3_000, 4_000, 6_000), (50, 4_000, 30_000)]
            .into_iter()
            .take(sized(5, 3))
    {
        let pairs: Vec<(u64, u32)> = (0..count)
            .map(|_| {
                let identifier = draws.next() % identifiers;
                (identifier.wrapping_mul(0x9E37_79B9_7F4A_7C15), (draws.next() % people) as u32)
            })
            .collect();
        let wanted = naive(people as u32, &pairs);
        let different = pairs.iter().map(|pair| pair.0).collect::<std::collections::BTreeSet<_>>().len();
        for (bits, threads) in [(1, 1), (3, 2), (8, 4)].into_iter().take(sized(3, 2)) {
            assert_eq!(components(people as u32, &pairs, bits, threads), (wanted.clone(), different));
        }
    }
}

#[test]
fn hashes_of_nought_and_of_all_ones_are_hashes_like_any_other() {
    let pairs = [(0, 4), (u64::MAX, 3), (0, 2), (u64::MAX, 1), (1, 0)];
    assert_eq!(components(5, &pairs, 2, 1), (vec![0, 1, 2, 1, 2], 3));
}

#[test]
fn one_identifier_of_everybody_and_one_person_of_every_identifier() {
    let count = sized(20_000, 500);
    let everybody: Vec<(u64, u32)> = (0..count as u32).map(|person| (1 << 60, person)).collect();
    assert_eq!(components(count as u32, &everybody, 4, 3), (vec![0; count], 1));
    let mut draws = Draws(3);
    let one: Vec<(u64, u32)> = (0..count).map(|_| (draws.next(), 1)).collect();
    assert_eq!(components(2, &one, 4, 3), (vec![0, 1], count));
}

#[test]
fn the_first_of_equal_values_is_found_and_equal_hashes_are_compared() {
    let hashes = [9u64 << 40; 6];
    let values = ["a", "b", "a", "c", "b", "a"];
    let mut dealer = Dealer::new(1);
    dealer.deal(&hashes, &[0, 1, 2, 3, 4, 5]);
    let mut firsts: Vec<u32> = (0..6).collect();
    dealer.settle();
    for part in 0..dealer.parts() {
        Table::default().firsts(
            std::slice::from_ref(&dealer),
            part,
            |a, b| values[a as usize] == values[b as usize],
            |number, first| firsts[number as usize] = first,
        );
    }
    assert_eq!(firsts, [0, 1, 0, 3, 1, 0]);
}

#[test]
fn a_table_grows_with_its_identifiers() {
    // More identifiers of one part than places at first, each of two people.
    let count = sized(300_000, 500) as u32;
    let pairs: Vec<(u64, u32)> = (0..2 * count)
        .map(|number: u32| {
            let identifier = u64::from(number % count).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 1;
            (identifier, number)
        })
        .collect();
    let wanted: Vec<u32> = (0..2 * count).map(|number| number % count).collect();
    assert_eq!(components(2 * count, &pairs, 1, 2), (wanted, count as usize));
    for identifiers in 0..sized(40, 8) as u64 {
        let pairs: Vec<(u64, u32)> = (0..identifiers).map(|number| (number << 56, number as u32)).collect();
        let wanted: Vec<u32> = (0..identifiers as u32).collect();
        assert_eq!(components(identifiers as u32, &pairs, 1, 1), (wanted, identifiers as usize));
    }
}
