//! Nanoseconds a row of the tables' kernels, on every instruction set of this processor.
//!
//! `cargo bench -p creditcore-kernels`. Groups come by Zipf over 340, as cities do.

use std::hint::black_box;

use creditcore_kernels::isa::Isa;
use creditcore_kernels::table::{PairTable, ShortTable};
use creditcore_kernels::wide::WideTable;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const ROWS: usize = 2048;
const GROUPS: usize = 340;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % bound as u64) as usize
    }
}

/// Groups by Zipf.
fn groups(random: &mut Random) -> Vec<u16> {
    let shares: Vec<usize> = (0..GROUPS).flat_map(|group| vec![group; 10_000 / (group + 1)]).collect();
    (0..ROWS).map(|_| shares[random.below(shares.len())] as u16).collect()
}

fn tables(criterion: &mut Criterion) {
    let mut random = Random(1);
    let groups = groups(&mut random);
    let x: Vec<u16> = (0..ROWS).map(|_| 3000 + random.below(5500) as u16).collect();
    let w: Vec<u8> = (0..ROWS).map(|_| 1 + random.below(199) as u8).collect();
    let mut bench = criterion.benchmark_group("tables");
    bench.throughput(Throughput::Elements(ROWS as u64));
    // What no table can beat: one product added to one number of its group.
    let mut sums = vec![0u64; GROUPS];
    bench.bench_function("one sum", |bencher| {
        bencher.iter(|| {
            for ((&group, &x), &w) in groups.iter().zip(black_box(&x)).zip(&w) {
                let sum = &mut sums[usize::from(group)];
                *sum = sum.wrapping_add(u64::from(x) * u64::from(w));
            }
            black_box(&mut sums);
        });
    });
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        let mut table = ShortTable::default();
        table.grow(GROUPS);
        bench.bench_function(BenchmarkId::new("narrow", isa), |bencher| {
            bencher.iter(|| {
                if !table.has_room(ROWS) {
                    table.empty(|group, n, moments| {
                        black_box((group, n, moments));
                    });
                }
                table.add_narrow(isa, &groups, black_box(&x), &w);
            });
        });
        // Products of 33 bits, as those of tenths in 32-bit floats with weights in eighths.
        let (x_grid, w_grid): (Vec<i32>, Vec<i32>) =
            x.iter().zip(&w).map(|(&x, &w)| (i32::from(x) << 12, i32::from(w))).unzip();
        let mut table = ShortTable::default();
        table.grow(GROUPS);
        bench.bench_function(BenchmarkId::new("grid", isa), |bencher| {
            bencher.iter(|| {
                if !table.has_room(ROWS) {
                    table.empty(|group, n, moments| {
                        black_box((group, n, moments));
                    });
                }
                table.add_grid(isa, &groups, black_box(&x_grid), &w_grid);
            });
        });
        if PairTable::available(isa) {
            let mut table = PairTable::default();
            table.grow(GROUPS);
            bench.bench_function(BenchmarkId::new("pairs", isa), |bencher| {
                bencher.iter(|| {
                    if !table.has_room(ROWS, 1 << 33) {
                        table.empty(|group, n, moments| {
                            black_box((group, n, moments));
                        });
                    }
                    table.add(isa, &groups, black_box(&x_grid), &w_grid, 1 << 33);
                });
            });
        }
        let codes: Vec<u32> = groups.iter().map(|&group| group.into()).collect();
        let (x, w): (Vec<f64>, Vec<f64>) =
            x.iter().zip(&w).map(|(&x, &w)| (f64::from(x) / 10.0, f64::from(w) / 8.0)).unzip();
        let mut table = WideTable::default();
        table.grow(GROUPS);
        bench.bench_function(BenchmarkId::new("wide", isa), |bencher| {
            bencher.iter(|| {
                if !table.has_room(ROWS) {
                    table.empty(|group, n, sums| {
                        black_box((group, n, sums));
                    });
                }
                table.add(isa, &codes, black_box(&x), &w);
            });
        });
    }
    bench.finish();
}

criterion_group!(benches, tables);
criterion_main!(benches);
