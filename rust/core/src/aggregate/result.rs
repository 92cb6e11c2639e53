//! The result of a pass: sums by group and what was left out; merged, retracted, written to bytes.
//!
//! Byte form: `CCAGG001`, the length (u32) and text of a JSON header, then for each grouping its groups in
//! the order of their codes (length u32, code, sums), then a 64-bit FNV-1a checksum; little-endian. Equal
//! aggregates have equal bytes, however they came about (law 2).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::estimate::Decimals;
use super::group::{Grouper, NAN, NULL, Refused};
use super::largest::{self, Largest, Magnitude};
use super::plan::{By, Plan};
use super::sums::Sums;
use crate::error::{Error, Place, Result};

/// Counts of rows left out, by cause.
pub type Excluded = BTreeMap<String, u64>;

/// The first bytes of a written aggregate; the digits are the version of the form.
const MAGIC: &[u8; 8] = b"CCAGG001";

/// Counts rows of a cause.
pub(super) fn count(excluded: &mut Excluded, cause: &str, rows: u64) {
    match excluded.get_mut(cause) {
        Some(count) => *count += rows,
        None => {
            excluded.insert(cause.to_owned(), rows);
        }
    }
}

/// One grouping of an aggregate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grouping {
    /// The sums of each group, by its code.
    pub groups: BTreeMap<String, Sums>,
    /// What this grouping alone left out, by cause.
    pub excluded: Excluded,
    /// Values that are no region, with the cause and how many rows have them.
    pub refused: BTreeMap<String, (String, u64)>,
    /// The largest weight of each group, where the plan asks for it.
    pub largest: Largest,
}

impl Grouping {
    pub(super) fn new(
        mut excluded: Excluded,
        keys: Vec<String>,
        (sums, largest): (Vec<Sums>, Vec<Magnitude>),
        refused: Vec<Refused>,
        leaf_level: &str,
    ) -> Self {
        let (mut groups, mut largest_of) = (BTreeMap::new(), Largest::new());
        let mut largest = largest.into_iter();
        for (key, sums) in keys.into_iter().zip(sums) {
            let weight = largest.next();
            if !sums.is_empty() {
                if weight.is_some() {
                    largest_of.insert(key.clone(), weight);
                }
                groups.insert(key, sums);
            }
        }
        let mut by_text = BTreeMap::new();
        for Refused { text, cause, rows } in refused.into_iter().filter(|refused| refused.rows > 0) {
            let cause = cause.name(leaf_level);
            count(&mut excluded, &cause, rows);
            by_text.entry(text).or_insert((cause, 0)).1 += rows;
        }
        Self { groups, excluded, refused: by_text, largest: largest_of }
    }

    fn merge(&mut self, other: &Self) {
        for (key, sums) in &other.groups {
            self.groups.entry(key.clone()).or_default().merge(sums);
        }
        largest::merge(&mut self.largest, &other.largest);
        other.excluded.iter().for_each(|(cause, rows)| count(&mut self.excluded, cause, *rows));
        for (text, (cause, rows)) in &other.refused {
            self.refused.entry(text.clone()).or_insert_with(|| (cause.clone(), 0)).1 += rows;
        }
    }

    fn retract(&mut self, other: &Self) -> Option<()> {
        for (key, sums) in &other.groups {
            let mine = self.groups.get_mut(key)?;
            mine.retract(sums)?;
            let empty = mine.is_empty();
            if let Some(theirs) = other.largest.get(key) {
                let left = largest::retract(*self.largest.get(key)?, *theirs)?;
                self.largest.insert(key.clone(), left);
            }
            if empty {
                self.groups.remove(key);
                self.largest.remove(key);
            }
        }
        retract_counts(&mut self.excluded, &other.excluded)?;
        for (text, (_, rows)) in &other.refused {
            let mine = self.refused.get_mut(text)?;
            mine.1 = mine.1.checked_sub(*rows)?;
            if mine.1 == 0 {
                self.refused.remove(text);
            }
        }
        Some(())
    }
}

fn retract_counts(mine: &mut Excluded, other: &Excluded) -> Option<()> {
    for (cause, rows) in other {
        let count = mine.get_mut(cause)?;
        *count = count.checked_sub(*rows)?;
        if *count == 0 {
            mine.remove(cause);
        }
    }
    Some(())
}

/// Exact sums of every grouping of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate {
    /// The plan that the sums were made by.
    pub plan: Plan,
    /// The hash of the region table, where one was used.
    pub regions: Option<u64>,
    /// The level of the table's regions that records are counted in.
    pub leaf_level: String,
    /// Rows seen.
    pub rows: u64,
    /// What every grouping left out, by cause.
    pub excluded: Excluded,
    /// The groupings, in the order of the plan.
    pub groupings: Vec<Grouping>,
    decimals: Option<[i8; 3]>,
}

/// What the byte form says in text.
#[derive(Serialize, Deserialize)]
struct Header {
    plan: Plan,
    regions: Option<u64>,
    leaf_level: String,
    rows: u64,
    excluded: Excluded,
    decimals: Option<[i8; 3]>,
    groupings: Vec<GroupingHeader>,
}

#[derive(Serialize, Deserialize)]
struct GroupingHeader {
    groups: u64,
    excluded: Excluded,
    refused: BTreeMap<String, (String, u64)>,
    #[serde(default, skip_serializing_if = "Largest::is_empty")]
    largest: Largest,
}

impl Aggregate {
    /// The aggregate of no rows.
    pub(super) fn new(plan: Plan, regions: Option<u64>, leaf_level: &str) -> Self {
        let groupings = vec![Grouping::default(); plan.by.len()];
        Self {
            plan,
            regions,
            leaf_level: leaf_level.to_owned(),
            rows: 0,
            excluded: Excluded::new(),
            groupings,
            decimals: None,
        }
    }

    /// Digits behind the points of the columns that the sums were made of.
    pub fn decimals(&self) -> Decimals {
        let [value, denominator, weight] = self.decimals.unwrap_or_default();
        Decimals { value, denominator, weight }
    }

    /// What one grouping left out, by cause: with `rows` it reconciles, in = used + excluded.
    pub fn excluded_of(&self, grouping: usize) -> Excluded {
        let mut excluded = self.excluded.clone();
        self.groupings[grouping].excluded.iter().for_each(|(cause, rows)| count(&mut excluded, cause, *rows));
        excluded
    }

    /// Notes the digits behind the columns' points, which must be the same in every batch.
    pub(super) fn check_decimals(&mut self, seen: [i8; 3], source: &str) -> Result<()> {
        match self.decimals {
            Some(known) if known != seen => Err(Error::schema(
                Place::file(source),
                "a decimal column has another number of digits behind its point than in the part before; \
                 cast it to one type",
            )),
            _ => {
                self.decimals = Some(seen);
                Ok(())
            }
        }
    }

    /// Whether a row with this code counts in a grouping; counts it as left out otherwise.
    pub(super) fn admit(&mut self, by: usize, code: u32, grouper: Option<&mut Grouper>) -> bool {
        if code < super::group::REFUSED {
            return true;
        }
        let name = match &self.plan.by[by] {
            By::Region => "region",
            By::Column { name } | By::Bands { name, .. } => name,
        };
        match (code, grouper) {
            (NULL, _) => count(&mut self.groupings[by].excluded, &format!("null_{name}"), 1),
            (NAN, _) => count(&mut self.groupings[by].excluded, &format!("nan_{name}"), 1),
            (code, Some(grouper)) => grouper.refuse(code),
            (_, None) => {}
        }
        false
    }

    /// Adds another aggregate of the same plan.
    ///
    /// # Errors
    /// Another plan, another region table, or decimals of other digits.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        self.check_alike(other)?;
        self.decimals = self.decimals.or(other.decimals);
        self.rows += other.rows;
        other.excluded.iter().for_each(|(cause, rows)| count(&mut self.excluded, cause, *rows));
        self.groupings.iter_mut().zip(&other.groupings).for_each(|(mine, theirs)| mine.merge(theirs));
        Ok(())
    }

    /// Takes another aggregate away, as if its rows had never been added.
    ///
    /// # Errors
    /// As for [`merge`](Self::merge), or rows that were never added; nothing is changed then.
    pub fn retract(&mut self, other: &Self) -> Result<()> {
        self.check_alike(other)?;
        let mut left = self.clone();
        let retracted = left.rows.checked_sub(other.rows).and_then(|rows| {
            left.rows = rows;
            left.decimals = left.decimals.filter(|_| rows > 0);
            retract_counts(&mut left.excluded, &other.excluded)?;
            left.groupings
                .iter_mut()
                .zip(&other.groupings)
                .try_for_each(|(mine, theirs)| mine.retract(theirs))
        });
        match retracted {
            Some(()) => {
                *self = left;
                Ok(())
            }
            None => Err(Error::argument("cannot retract rows that were never added; nothing was changed")),
        }
    }

    fn check_alike(&self, other: &Self) -> Result<()> {
        if self.plan != other.plan {
            return Err(Error::argument(
                "aggregates of two plans cannot be joined; use equal columns and groupings",
            ));
        }
        if self.regions != other.regions {
            return Err(Error::argument("aggregates over two region tables cannot be joined; use one table"));
        }
        match (self.decimals, other.decimals) {
            (Some(mine), Some(theirs)) if mine != theirs => Err(Error::argument(
                "aggregates of decimal columns with other digits behind the point cannot be joined; cast to one type",
            )),
            _ => Ok(()),
        }
    }

    /// The byte form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let groupings = self.groupings.iter().map(|grouping| GroupingHeader {
            groups: grouping.groups.len() as u64,
            excluded: grouping.excluded.clone(),
            refused: grouping.refused.clone(),
            largest: grouping.largest.clone(),
        });
        let header = Header {
            plan: self.plan.clone(),
            regions: self.regions,
            leaf_level: self.leaf_level.clone(),
            rows: self.rows,
            excluded: self.excluded.clone(),
            decimals: self.decimals,
            groupings: groupings.collect(),
        };
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let mut bytes = MAGIC.to_vec();
        write_text(&mut bytes, &header);
        for (key, sums) in self.groupings.iter().flat_map(|grouping| &grouping.groups) {
            write_text(&mut bytes, key.as_bytes());
            sums.write_to(&mut bytes);
        }
        let checksum = fnv1a(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the byte form.
    ///
    /// # Errors
    /// Bytes that are cut short, changed, or of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let refuse = |what: &str| Error::format(Place::file("aggregate"), what);
        let body =
            bytes.strip_prefix(MAGIC).ok_or_else(|| refuse("the bytes are no aggregate of this version"))?;
        let (_, checksum) = bytes
            .split_last_chunk::<8>()
            .ok_or_else(|| refuse("the bytes are cut short; write them again"))?;
        if fnv1a(&bytes[..bytes.len() - 8]) != u64::from_le_bytes(*checksum) {
            return Err(refuse(
                "the bytes were changed or cut short (the checksum differs); write them again",
            ));
        }
        Self::read_body(&body[..body.len().saturating_sub(8)])
            .ok_or_else(|| refuse("the bytes do not follow the form of an aggregate"))
    }

    fn read_body(mut bytes: &[u8]) -> Option<Self> {
        let header: Header = serde_json::from_slice(read_text(&mut bytes)?).ok()?;
        if header.groupings.len() != header.plan.by.len() {
            return None;
        }
        let mut groupings = Vec::new();
        for GroupingHeader { groups: count, excluded, refused, largest } in header.groupings {
            let mut groups = BTreeMap::new();
            for _ in 0..count {
                let key = String::from_utf8(read_text(&mut bytes)?.to_vec()).ok()?;
                groups.insert(key, Sums::read_from(&mut bytes)?);
            }
            groupings.push(Grouping { groups, excluded, refused, largest });
        }
        bytes.is_empty().then_some(Self {
            plan: header.plan,
            regions: header.regions,
            leaf_level: header.leaf_level,
            rows: header.rows,
            excluded: header.excluded,
            groupings,
            decimals: header.decimals,
        })
    }
}

fn write_text(bytes: &mut Vec<u8>, text: &[u8]) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text);
}

fn read_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(text)
}

fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
