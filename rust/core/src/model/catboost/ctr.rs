//! Features that CatBoost computes from categories: statistics of the training's target by category (CTR).
//!
//! In: for a row the hashes of some categories, and numbers and categories that are tested. Out: a number, in f32 and
//! in the library's order of operations, which trees then test like any other. The values are mixed into one hash, the
//! hash finds a bucket of a table that the file holds, and the bucket's counts make the number: (good + prior) / (all +
//! prior's weight), shifted and scaled. A combination that training never saw has counts of zero.

use std::collections::HashMap;
use std::sync::Arc;

/// The multiplier by which the library mixes the parts of a combination.
const MULTIPLIER: u64 = 0x4906_ba49_4954_cb65;
/// Stands for an empty bucket.
const EMPTY: u64 = u64::MAX;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// The share of targets above a border.
    Borders,
    /// The share of targets between two borders.
    Buckets,
    /// The mean of the targets.
    Mean,
    /// How often the combination occurs.
    Counter,
}

impl Kind {
    /// By the library's number.
    pub(super) fn of_number(number: u8) -> Option<Self> {
        Some(match number {
            0 => Self::Borders,
            1 => Self::Buckets,
            2 | 3 => Self::Mean,
            4 | 5 => Self::Counter,
            _ => return None,
        })
    }

    /// The library's number, by its name.
    pub(super) fn number_of(name: &str) -> Option<u8> {
        let names = [
            "Borders",
            "Buckets",
            "BinarizedTargetMeanValue",
            "FloatTargetMeanValue",
            "Counter",
            "FeatureFreq",
        ];
        names.iter().position(|known| *known == name).map(|place| place as u8)
    }
}

/// A part of a combination of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    /// The hash of a category.
    Category { feature: u32 },
    /// Whether a number lies above a border.
    Above { feature: u32, border: f32, missing_above: bool },
    /// Whether a category has a hash.
    Is { feature: u32, hash: i32 },
}

impl Part {
    /// Its feature, and whether that is read as a hash.
    pub(super) fn source(self) -> (u32, bool) {
        match self {
            Self::Category { feature } | Self::Is { feature, .. } => (feature, true),
            Self::Above { feature, .. } => (feature, false),
        }
    }

    fn word(self, value: f64) -> u64 {
        match self {
            // Hashes are negative in half of the cases, and the library keeps the sign.
            Self::Category { .. } => i64::from(value as i32) as u64,
            Self::Above { border, missing_above, .. } => {
                u64::from(if value.is_nan() { missing_above } else { value > f64::from(border) })
            }
            Self::Is { hash, .. } => u64::from(value as i32 == hash),
        }
    }
}

/// The counts of the training.
#[derive(Debug, PartialEq)]
pub(super) struct Counts {
    buckets: HashMap<u64, usize>,
    /// Of means the bits of the sums in f32, then the counts; of other kinds counts.
    numbers: Vec<i32>,
    /// Numbers of a bucket.
    width: usize,
    /// All that was counted, of counters.
    denominator: i32,
}

impl Counts {
    /// Buckets with the number of their counts, and all counts.
    pub(super) fn new(
        found: impl Iterator<Item = (u64, usize)>,
        numbers: Vec<i32>,
        width: usize,
        denominator: i32,
    ) -> Result<Self, String> {
        let most = numbers.len().checked_div(width).unwrap_or(0);
        let mut buckets = HashMap::new();
        for (hash, place) in found.filter(|(hash, _)| *hash != EMPTY) {
            if place >= most {
                return Err(format!("bucket {place} has no counts; there are {most}"));
            }
            buckets.insert(hash, place);
        }
        Ok(Self { buckets, numbers, width, denominator })
    }

    /// The numbers of a bucket, none where training never saw the combination.
    fn bucket(&self, hash: u64) -> Option<&[i32]> {
        let place = self.buckets.get(&hash)?;
        self.numbers.get(place * self.width..(place + 1) * self.width)
    }
}

/// How counts become a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Formula {
    pub(super) kind: Kind,
    pub(super) border: usize,
    pub(super) prior: f32,
    pub(super) prior_weight: f32,
    pub(super) shift: f32,
    pub(super) scale: f32,
}

/// A feature that is computed from others.
#[derive(Clone, Debug, PartialEq)]
pub struct Computed {
    parts: Vec<Part>,
    counts: Arc<Counts>,
    formula: Formula,
}

impl Computed {
    /// A feature, once its formula fits its counts.
    pub(super) fn new(parts: Vec<Part>, counts: Arc<Counts>, formula: Formula) -> Result<Self, String> {
        let width = counts.width;
        let fits = match formula.kind {
            Kind::Counter => width == 1,
            Kind::Mean => width == 2,
            Kind::Buckets => formula.border < width,
            Kind::Borders => width >= 2 && (width == 2 || formula.border < width),
        };
        if !fits || parts.is_empty() {
            return Err(format!("a computed feature does not fit its {width} counts for each category"));
        }
        Ok(Self { parts, counts, formula })
    }

    /// The features that it is computed from, and whether each is read as the hash of a category.
    pub(in crate::model) fn sources(&self) -> impl Iterator<Item = (u32, bool)> + '_ {
        self.parts.iter().map(|part| part.source())
    }

    /// Its value for the values of its sources.
    pub(in crate::model) fn value(&self, sources: impl Iterator<Item = f64>) -> f64 {
        let mix =
            |hash: u64, word: u64| MULTIPLIER.wrapping_mul(hash.wrapping_add(MULTIPLIER.wrapping_mul(word)));
        let words = self.parts.iter().zip(sources).map(|(part, value)| part.word(value));
        let bucket = self.counts.bucket(words.fold(0, mix));
        let Formula { prior, prior_weight, shift, scale, .. } = self.formula;
        let (good, all) = self.counted(bucket);
        f64::from(((good + prior) / (all + prior_weight) + shift) * scale)
    }

    /// What counts for it, and all that was counted.
    fn counted(&self, bucket: Option<&[i32]>) -> (f32, f32) {
        let sum = |counts: &[i32]| counts.iter().fold(0i32, |sum, count| sum.wrapping_add(*count)) as f32;
        match (self.formula.kind, bucket) {
            (Kind::Counter, bucket) => {
                (bucket.map_or(0.0, |counts| counts[0] as f32), self.counts.denominator as f32)
            }
            (_, None) => (0.0, 0.0),
            (Kind::Mean, Some(counts)) => (f32::from_bits(counts[0] as u32), counts[1] as f32),
            (Kind::Buckets, Some(counts)) => (counts[self.formula.border] as f32, sum(counts)),
            (Kind::Borders, Some(counts)) => {
                let first = if counts.len() > 2 { self.formula.border + 1 } else { 1 };
                (sum(&counts[first..]), sum(counts))
            }
        }
    }
}
