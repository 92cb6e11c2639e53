//! Rows on their way to records.
//!
//! In: rows of a key, a time and identifiers, in any order, through [`Gathering`]s, one for each part of a source. Out:
//! [`Records`], made on several threads: each has a range of keys, and writes where its people stand. Laws 1 and 2:
//! equal rows give equal records whatever their order, their parts and the threads, and a person with several rows is
//! one person with the identifiers of all of them.
//!
//! Memory: 18 bytes for an identifier of a row, 10 while the records are written, 12 for a row and its key. Everything is
//! asked for once, at its length: fresh memory costs more than what is computed into it.

use std::sync::{Mutex, PoisonError};

use super::key::Keys;
use super::links::NO_TIME;
use super::records::{Entry, MOST_LINKS, Records, Shown};
use crate::error::{Error, Place, Result};
use crate::exec::{Control, in_order, parallel};
use creditcore_kernels::prefetch;

/// Rows that are sorted together before ranges are cut.
const RUN: usize = if cfg!(test) { 8 } else { 1 << 16 };
/// Rows of a range, about.
const RANGE_ROWS: usize = if cfg!(test) { 4 } else { 1 << 13 };
/// Keys of a run that ranges are cut by.
const SAMPLES: usize = if cfg!(test) { 2 } else { 64 };
/// How many people ahead memory is asked for.
const AHEAD: usize = 8;
/// Stands for the part of rows that were merged.
const MERGED: u32 = u32::MAX;

/// The part of a row and its place there.
pub(super) type Row = (u32, u32);

/// Says which rows of a key count, when it has been given all of them in their order; none means that it is deleted.
pub(super) type Counting<'a> = &'a (dyn Fn(&mut Vec<Row>) + Sync);

/// Rows on their way to records.
#[derive(Clone, Debug)]
pub struct Gathering {
    keys: Keys,
    times: Vec<u32>,
    /// Where each row's entries end.
    ends: Vec<u64>,
    /// Type and role of each entry.
    marks: Vec<[u8; 2]>,
    orders: Vec<u64>,
    hashes: Vec<u64>,
    own: Vec<Entry>,
}

impl Gathering {
    /// No rows, with keys of some type.
    pub fn new(keys: Keys) -> Self {
        let (times, ends, own) = (Vec::new(), Vec::new(), Vec::new());
        Self { keys, times, ends, marks: Vec::new(), orders: Vec::new(), hashes: Vec::new(), own }
    }

    /// The keys so far; whoever appends keys appends as many rows by [`row`](Self::row).
    pub(super) fn keys_mut(&mut self) -> &mut Keys {
        &mut self.keys
    }

    /// Makes room for so many rows in all, which have identifiers as those that are there. Memory that is not written
    /// costs nothing.
    pub(super) fn expect(&mut self, rows: usize) {
        let more = rows.saturating_sub(self.times.len());
        let entries = self.hashes.len() / self.times.len().max(1) * more + more;
        self.keys.reserve(more);
        self.times.reserve_exact(more);
        self.ends.reserve_exact(more);
        self.marks.reserve_exact(entries);
        self.orders.reserve_exact(entries);
        self.hashes.reserve_exact(entries);
    }

    /// Appends the time and the identifiers of the next row.
    pub fn row(&mut self, time: u32, entries: impl Iterator<Item = Entry>) {
        self.times.push(time);
        self.own.clear();
        self.own.extend(entries);
        self.own.sort_unstable();
        // Equal identifiers stand together, the first role in front.
        self.own.dedup_by_key(|entry| (entry.kind, entry.hash));
        self.marks.extend(self.own.iter().map(|entry| [entry.kind, entry.role]));
        self.orders.extend(self.own.iter().map(|entry| entry.order));
        self.hashes.extend(self.own.iter().map(|entry| entry.hash));
        self.ends.push(self.hashes.len() as u64);
    }

    /// Makes records of the rows.
    ///
    /// # Errors
    /// More people or links than numbers of 32 bits can tell apart; a request to stop.
    pub fn finish(self, threads: usize, control: &Control) -> Result<Records> {
        Ok(records_of(vec![self], None, threads, control)?.0)
    }

    /// How many rows.
    pub(super) fn rows(&self) -> usize {
        self.times.len()
    }

    /// The keys of the rows.
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    fn range(&self, row: u32) -> std::ops::Range<usize> {
        let row = row as usize;
        let start = if row == 0 { 0 } else { self.ends[row - 1] as usize };
        start..self.ends[row] as usize
    }

    fn entries(&self, row: u32) -> impl Iterator<Item = Entry> + '_ {
        self.range(row).map(|at| {
            let [kind, role] = self.marks[at];
            Entry { kind, order: self.orders[at], hash: self.hashes[at], role }
        })
    }
}

/// The people of a range of keys, in their order.
struct Range {
    keys: Keys,
    /// For each person the row that it is made of.
    people: Vec<Row>,
    links: usize,
    merged: Gathering,
    /// For each entry of merged rows the time at which it was shown first.
    shown: Vec<u32>,
    deleted: Keys,
}

/// Where the people of a range are written.
struct Places<'a> {
    times: &'a mut [u32],
    ends: &'a mut [u32],
    types: &'a mut [u8],
    roles: &'a mut [u8],
    hashes: &'a mut [u64],
    shown: &'a mut [u32],
    /// Links of the ranges before.
    before: usize,
}

/// Makes records of the rows of all parts; of the rows of a key only those that `counting` leaves. Gives the
/// keys beside them of which it leaves none.
///
/// # Errors
/// Parts with keys of several types, more people or links than a network holds; a request to stop.
pub(super) fn records_of(
    mut parts: Vec<Gathering>,
    counting: Option<Counting<'_>>,
    threads: usize,
    control: &Control,
) -> Result<(Records, Keys)> {
    let Some(first) = parts.first() else {
        let none = || Keys::Signed(Vec::new());
        return Ok((Records::empty(none()), none()));
    };
    if parts.iter().any(|part| !part.keys.same_type(&first.keys)) {
        let told = "the key column is of two types in two parts of the source; cast it to one";
        return Err(Error::schema(Place::default(), told));
    }
    let entries = parts.iter().map(|part| part.hashes.len()).sum();
    check_size(parts.iter().map(Gathering::rows).sum(), entries)?;
    let mut deleted = first.keys.take(std::iter::empty());
    let ranges = Work { parts: &parts, counting, threads, control }.all_ranges()?;
    // They order the identifiers of merged rows, which is done.
    parts.iter_mut().for_each(|part| part.orders = Vec::new());
    let made = Work { parts: &parts, counting, threads, control }.written(&ranges)?;
    ranges.iter().for_each(|range| deleted.append(&range.deleted));
    Ok((made, deleted))
}

fn check_size(people: usize, links: usize) -> Result<()> {
    if people > MOST_LINKS || links > MOST_LINKS {
        return Err(Error::argument(format!(
            "{people} people and {links} links are more than a network holds; allowed are {MOST_LINKS} of each"
        )));
    }
    Ok(())
}

/// What making records needs.
struct Work<'a> {
    parts: &'a [Gathering],
    counting: Option<Counting<'a>>,
    threads: usize,
    control: &'a Control,
}

impl Work<'_> {
    /// The people of each range of keys, whatever their type.
    fn all_ranges(&self) -> Result<Vec<Range>> {
        let keys: Vec<&Keys> = self.parts.iter().map(|part| &part.keys).collect();
        match keys[0] {
            Keys::Signed(_) => {
                let keys: Vec<&[i64]> = keys.iter().map(|keys| keys.signed()).collect();
                self.ranges(|(part, row)| keys[part as usize][row as usize])
            }
            Keys::Unsigned(_) => {
                let keys: Vec<&[u64]> = keys.iter().map(|keys| keys.unsigned()).collect();
                self.ranges(|(part, row)| keys[part as usize][row as usize])
            }
            Keys::Text(_) => self.ranges(|(part, row)| keys[part as usize].bytes_of(row as usize)),
        }
    }

    /// The people of each range of keys; ranges ascend.
    fn ranges<K: Ord + Copy + Send + Sync>(&self, key: impl Fn(Row) -> K + Sync) -> Result<Vec<Range>> {
        let runs = self.runs(&key)?;
        let rows: usize = runs.iter().map(Vec::len).sum();
        let mut samples: Vec<K> = Vec::new();
        for run in &runs {
            samples.extend(run.iter().step_by((run.len() / SAMPLES).max(1)).map(|&(key, _)| key));
        }
        samples.sort_unstable();
        samples.dedup();
        let count = rows.div_ceil(RANGE_ROWS).clamp(1, samples.len().max(1));
        let cut = |range: usize, run: &[(K, Row)]| match range {
            0 => 0,
            range if range == count => run.len(),
            range => run.partition_point(|&(key, _)| key < samples[range * samples.len() / count]),
        };
        in_order(self.threads, count, |range| {
            self.control.check()?;
            let slices = runs.iter().map(|run| &run[cut(range, run)..cut(range + 1, run)]);
            let mut rows: Vec<(K, Row)> = slices.flatten().copied().collect();
            rows.sort_unstable();
            Ok(self.range(&rows))
        })
    }

    /// All rows, sorted in runs by key, then by their order.
    fn runs<K: Ord + Copy + Send>(&self, key: &(impl Fn(Row) -> K + Sync)) -> Result<Vec<Vec<(K, Row)>>> {
        let each = |(part, rows): (usize, &Gathering)| {
            let rows = rows.rows();
            (0..rows)
                .step_by(RUN)
                .map(move |start| (part as u32, start as u32..(start + RUN).min(rows) as u32))
        };
        let runs: Vec<(u32, std::ops::Range<u32>)> = self.parts.iter().enumerate().flat_map(each).collect();
        in_order(self.threads, runs.len(), |run| {
            self.control.check()?;
            let (part, rows) = &runs[run];
            let mut rows: Vec<(K, Row)> = rows.clone().map(|row| (key((*part, row)), (*part, row))).collect();
            rows.sort_unstable();
            Ok(rows)
        })
    }

    /// The people of sorted rows.
    fn range<K: Ord + Copy>(&self, rows: &[(K, Row)]) -> Range {
        let none = || self.parts[0].keys.take(std::iter::empty());
        let merged = Gathering::new(none());
        let people = Vec::with_capacity(rows.len());
        let mut range = Range { keys: none(), people, links: 0, merged, shown: Vec::new(), deleted: none() };
        range.keys.reserve(rows.len());
        let mut same: Vec<Row> = Vec::new();
        for of_key in rows.chunk_by(|(one, _), (other, _)| one == other) {
            same.clear();
            same.extend(of_key.iter().map(|&(_, row)| row));
            if let Some(counting) = self.counting {
                counting(&mut same);
            }
            let (part, row) = of_key[0].1;
            let key = (&self.parts[part as usize].keys, row as usize);
            match same.as_slice() {
                [] => range.deleted.push_from(key.0, key.1),
                &[only] => {
                    range.keys.push_from(key.0, key.1);
                    range.people.push(only);
                    range.links += self.parts[only.0 as usize].range(only.1).len();
                }
                several => {
                    range.keys.push_from(key.0, key.1);
                    self.merge(several, &mut range);
                }
            }
        }
        range
    }

    /// Merges the rows of a person.
    fn merge(&self, rows: &[Row], range: &mut Range) {
        let time = |&(part, row): &Row| self.parts[part as usize].times[row as usize];
        let entries = |&(part, row): &Row| self.parts[part as usize].entries(row);
        let mut all: Vec<(Entry, u32)> =
            rows.iter().flat_map(|row| entries(row).map(|entry| (entry, time(row)))).collect();
        // Equal identifiers stand together, the first role in front.
        all.sort_unstable();
        let alike = |a: &(Entry, u32), b: &(Entry, u32)| (a.0.kind, a.0.hash) == (b.0.kind, b.0.hash);
        let first = |same: &[(Entry, u32)]| same.iter().map(|&(_, time)| time).min().unwrap_or(NO_TIME);
        range.shown.extend(all.chunk_by(alike).map(first));
        let known = rows.iter().map(time).filter(|&time| time != NO_TIME);
        range.people.push((MERGED, range.merged.rows() as u32));
        range.links += all.chunk_by(alike).count();
        range.merged.row(known.max().unwrap_or(NO_TIME), all.iter().map(|&(entry, _)| entry));
    }

    /// Writes records.
    fn written(&self, ranges: &[Range]) -> Result<Records> {
        let people = ranges.iter().map(|range| range.people.len()).sum();
        let links: usize = ranges.iter().map(|range| range.links).sum();
        let mut keys = self.parts[0].keys.take(std::iter::empty());
        keys.reserve(people);
        ranges.iter().for_each(|range| keys.append(&range.keys));
        let (mut times, mut starts) = (vec![0; people], vec![0; people + 1]);
        let (types, roles) = (vec![0; links], vec![0; links]);
        let mut made = Shown { types, roles, hashes: vec![0; links], times: vec![0; links] };
        let (mut all_times, mut all_ends) = (times.as_mut_slice(), &mut starts[1..]);
        let Shown { types, roles, hashes, times: shown } = &mut made;
        let (mut types, mut roles) = (types.as_mut_slice(), roles.as_mut_slice());
        let (mut hashes, mut shown) = (hashes.as_mut_slice(), shown.as_mut_slice());
        let mut before = 0;
        let mut places = Vec::with_capacity(ranges.len());
        for range in ranges {
            let (people, links) = (range.people.len(), range.links);
            places.push(Mutex::new(Places {
                times: taken(&mut all_times, people),
                ends: taken(&mut all_ends, people),
                types: taken(&mut types, links),
                roles: taken(&mut roles, links),
                hashes: taken(&mut hashes, links),
                shown: taken(&mut shown, links),
                before,
            }));
            before += links;
        }
        parallel(
            self.threads,
            ranges.len(),
            || Ok(()),
            |(), task| {
                self.control.check()?;
                self.fill(&ranges[task], &mut places[task].lock().unwrap_or_else(PoisonError::into_inner));
                Ok(())
            },
        )?;
        drop(places);
        Ok(Records { keys, times, starts, links: made })
    }

    fn fill(&self, range: &Range, places: &mut Places<'_>) {
        let mut end = 0;
        for (at, &(part, row)) in range.people.iter().enumerate() {
            if let Some(&(part, row)) = range.people.get(at + AHEAD)
                && part != MERGED
            {
                let rows = &self.parts[part as usize];
                let own = rows.range(row);
                prefetch(&rows.hashes, own.start);
                prefetch(&rows.hashes, own.end.saturating_sub(1));
                prefetch(&rows.marks, own.start);
                prefetch(&rows.times, row as usize);
            }
            let rows = if part == MERGED { &range.merged } else { &self.parts[part as usize] };
            let own = rows.range(row);
            let links = end..end + own.len();
            end = links.end;
            places.times[at] = rows.times[row as usize];
            places.ends[at] = (places.before + end) as u32;
            places.hashes[links.clone()].copy_from_slice(&rows.hashes[own.clone()]);
            for (&[kind, role], at) in rows.marks[own.clone()].iter().zip(links.clone()) {
                (places.types[at], places.roles[at]) = (kind, role);
            }
            match part {
                MERGED => places.shown[links].copy_from_slice(&range.shown[own]),
                _ => places.shown[links].fill(rows.times[row as usize]),
            }
        }
    }
}

/// Takes the first values of a slice.
pub(super) fn taken<'a, T>(rest: &mut &'a mut [T], count: usize) -> &'a mut [T] {
    let (first, after) = std::mem::take(rest).split_at_mut(count);
    *rest = after;
    first
}
