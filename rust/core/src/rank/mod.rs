//! Ranking: from exact sums by group to ordered rows.
//!
//! In: an [`Aggregate`] and, for regions, the table that it was made with. Out: a [`Ranking`]. Cities are
//! rolled up to provinces, nation and families by adding their exact sums, so every level adds up; ranks are
//! by the exact rational mean, compared as integers, and only equal means share one (law 6).

mod inference;
mod normal;
pub mod publish;
mod sets;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};

pub use inference::{Inference, MOST_COMPARED};
pub use sets::{Above, Confidence};

use publish::{Hidden, Reason};

use crate::aggregate::{Aggregate, By, Decimals, Estimate, Excluded, Sums, compare_means};
use crate::error::{Error, Place, Result};
use crate::region::{Regions, Unit, Units};

/// One row of a ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The region's code, the value of a column, or the name of a band.
    pub code: String,
    /// The region's name, or the code again.
    pub name: String,
    /// Further names of the region, in the order of [`Ranking::other_names`].
    pub other_names: Vec<String>,
    /// The level, the family, or the column's name.
    pub level: String,
    /// The code of the region that this one belongs to.
    pub parent: Option<String>,
    /// The figures.
    pub estimate: Estimate,
    /// The mean minus the parent's.
    pub difference_to_parent: Option<f64>,
    /// The place by the mean, from 1 for the highest; equal means share the better place, and the places
    /// behind them stay free. None below the least number of units and where there is no mean.
    pub rank: Option<u64>,
    /// The place among the rows of the same parent.
    pub rank_in_parent: Option<u64>,
    /// Why its figures are not shown; they are blank then.
    pub suppressed: Option<Reason>,
}

/// Rows in the order of their ranks; those without a rank at the end, by code.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// What it is by: a level, a family or a column.
    pub by: String,
    /// The names of the columns of further names that the region table has.
    pub other_names: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
    /// Rows of the source.
    pub records: u64,
    /// What was left out, by cause; rows = units + left out.
    pub excluded: Excluded,
    /// Values that are no region: (value, cause, rows), the most frequent first.
    pub unresolved: Vec<(String, String, u64)>,
    /// Regions of the level without any record: (code, name).
    pub without_data: Vec<(String, String)>,
}

/// Ranks one grouping of an aggregate.
///
/// `level` is a level or a family of `regions` where the grouping is by region, and is not looked at
/// otherwise. Rows of fewer than `min_n` units keep their figures and get no rank. Rows that are `hidden` have
/// blank figures, and no rank of another row tells of them.
///
/// # Errors
/// A level that the table has not, or another table than the aggregate was made with.
pub fn rank(
    aggregate: &Aggregate,
    grouping: usize,
    level: &str,
    regions: Option<&Regions>,
    min_n: u64,
    hidden: Option<&Hidden>,
) -> Result<Ranking> {
    let min_n = hidden.map_or(min_n, |hidden| min_n.max(hidden.rules.min_ranked));
    let mut groups = match &aggregate.plan.by[grouping] {
        By::Region => region_groups(aggregate, grouping, level, regions, hidden)?,
        By::Column { name } | By::Bands { name, .. } => column_groups(aggregate, grouping, name),
    };
    let order = |a: &Group<'_>, b: &Group<'_>| {
        place(b, min_n)
            .cmp(&place(a, min_n))
            .then_with(|| if place(a, min_n) { by_mean(b, a) } else { Ordering::Equal })
            .then_with(|| a.row.code.cmp(&b.row.code))
    };
    if let Some(hidden) = hidden {
        groups.rows.iter_mut().for_each(|group| blank(&mut group.row, hidden));
    }
    groups.rows.sort_by(order);
    give_ranks(&mut groups.rows, min_n);
    if let Some(multiple) = hidden.and_then(|hidden| hidden.rules.round_counts) {
        let plain = aggregate.plan.weighs_all_the_same();
        groups.rows.iter_mut().for_each(|group| round_counts(&mut group.row.estimate, multiple, plain));
    }
    let part = &aggregate.groupings[grouping];
    let mut unresolved: Vec<(String, String, u64)> =
        part.refused.iter().map(|(text, (cause, rows))| (text.clone(), cause.clone(), *rows)).collect();
    unresolved.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
    Ok(Ranking {
        by: groups.by,
        other_names: groups.other_names,
        rows: groups.rows.into_iter().map(|group| group.row).collect(),
        records: aggregate.rows,
        excluded: aggregate.excluded_of(grouping),
        unresolved,
        without_data: groups.without_data,
    })
}

struct Group<'a> {
    row: Row,
    sums: std::borrow::Cow<'a, Sums>,
}

struct Groups<'a> {
    by: String,
    other_names: Vec<String>,
    rows: Vec<Group<'a>>,
    without_data: Vec<(String, String)>,
}

fn column_groups<'a>(aggregate: &'a Aggregate, grouping: usize, name: &str) -> Groups<'a> {
    let decimals = aggregate.decimals();
    let rows = aggregate.groupings[grouping].groups.iter().map(|(code, sums)| Group {
        row: Row {
            code: code.clone(),
            name: code.clone(),
            other_names: Vec::new(),
            level: name.to_owned(),
            parent: None,
            estimate: Estimate::of(sums, decimals),
            difference_to_parent: None,
            rank: None,
            rank_in_parent: None,
            suppressed: None,
        },
        sums: std::borrow::Cow::Borrowed(sums),
    });
    Groups { by: name.to_owned(), other_names: Vec::new(), rows: rows.collect(), without_data: Vec::new() }
}

fn region_groups<'a>(
    aggregate: &'a Aggregate,
    grouping: usize,
    level: &str,
    regions: Option<&Regions>,
    hidden: Option<&Hidden>,
) -> Result<Groups<'a>> {
    let regions = regions.ok_or_else(|| Error::argument("a ranking of regions needs the region table"))?;
    if aggregate.regions != Some(regions.hash()) {
        return Err(Error::argument("the region table is not the one that the sums were made with"));
    }
    let missing = || {
        let known = regions.levels().iter().chain(regions.families()).map(String::as_str);
        let known = crate::error::list_names(known, 20);
        Error::schema(
            Place::default(),
            format!("the region table has no level or family `{level}` (it has {known})"),
        )
    };
    let units = regions.units(level).ok_or_else(missing)?;
    let sums = roll_up(aggregate, grouping, regions, &units);
    let parents = parent_means(aggregate, grouping, level, regions, hidden);
    let mut names: Vec<String> = Vec::new();
    for (column, _) in units.entries.iter().flat_map(|unit| &unit.other_names) {
        if !names.contains(column) {
            names.push(column.clone());
        }
    }
    let (mut rows, mut without_data) = (Vec::new(), Vec::new());
    for (unit, sums) in units.entries.iter().zip(sums) {
        if sums.is_empty() {
            without_data.push((unit.code.clone(), unit.name.clone()));
        } else {
            rows.push(region_row(unit, &names, sums, aggregate.decimals(), &parents));
        }
    }
    Ok(Groups { by: level.to_owned(), other_names: names, rows, without_data })
}

fn region_row<'a>(
    unit: &Unit,
    names: &[String],
    sums: Sums,
    decimals: Decimals,
    parents: &BTreeMap<String, f64>,
) -> Group<'a> {
    let other_name = |name: &String| {
        let found = unit.other_names.iter().find(|(column, _)| column == name);
        found.map_or_else(String::new, |(_, text)| text.clone())
    };
    let estimate = Estimate::of(&sums, decimals);
    let of_parent = unit.parent.as_ref().and_then(|parent| parents.get(parent));
    let difference_to_parent = estimate.mean.zip(of_parent).map(|(mean, parent)| mean - parent);
    Group {
        row: Row {
            code: unit.code.clone(),
            name: unit.name.clone(),
            other_names: names.iter().map(other_name).collect(),
            level: unit.level.clone(),
            parent: unit.parent.clone(),
            estimate,
            difference_to_parent,
            rank: None,
            rank_in_parent: None,
            suppressed: None,
        },
        sums: std::borrow::Cow::Owned(sums),
    }
}

/// Adds the leaves' sums up to the units of a level or family.
fn roll_up(aggregate: &Aggregate, grouping: usize, regions: &Regions, units: &Units) -> Vec<Sums> {
    let mut sums = vec![Sums::default(); units.entries.len()];
    let groups = &aggregate.groupings[grouping].groups;
    for leaf in 0..regions.leaf_count() as u32 {
        if let Some(of_leaf) = groups.get(&regions.leaf(leaf).code) {
            for &unit in &units.members[leaf as usize] {
                sums[unit as usize].merge(of_leaf);
            }
        }
    }
    sums
}

/// The means of the regions that a level's or family's units belong to, by code.
fn parent_means(
    aggregate: &Aggregate,
    grouping: usize,
    level: &str,
    regions: &Regions,
    hidden: Option<&Hidden>,
) -> BTreeMap<String, f64> {
    let levels = regions.levels();
    // A family's units belong to the coarsest level.
    let above = match levels.iter().position(|known| known == level) {
        Some(0) => return BTreeMap::new(),
        Some(position) => position - 1,
        None => 0,
    };
    let Some(units) = levels.get(above).and_then(|level| regions.units(level)) else {
        return BTreeMap::new();
    };
    let sums = roll_up(aggregate, grouping, regions, &units);
    // The difference to a mean that is not shown would show it.
    let shown = |unit: &Unit| hidden.is_none_or(|hidden| hidden.reason(&levels[above], &unit.code).is_none());
    let units = units.entries.iter().zip(&sums).filter(|(unit, _)| shown(unit));
    units
        .filter_map(|(unit, sums)| Some((unit.code.clone(), Estimate::of(sums, aggregate.decimals()).mean?)))
        .collect()
}

/// Takes the figures out of a hidden row.
fn blank(row: &mut Row, hidden: &Hidden) {
    row.suppressed = hidden.reason(&row.level, &row.code);
    if row.suppressed.is_some() {
        row.estimate =
            Estimate { n: 0, sum_weight: 0.0, n_eff: None, mean: None, mean_plain: None, se: None };
        row.difference_to_parent = None;
    }
}

/// Rounds counts to multiples, and with them the sums that are the same numbers where all units weigh the same.
fn round_counts(estimate: &mut Estimate, multiple: u64, plain: bool) {
    estimate.n = (estimate.n + multiple / 2) / multiple * multiple;
    if plain && estimate.n_eff.is_some() {
        (estimate.sum_weight, estimate.n_eff) = (estimate.n as f64, Some(estimate.n as f64));
    }
}

/// Whether a group has a place in the ranking.
fn place(group: &Group<'_>, min_n: u64) -> bool {
    group.row.estimate.n >= min_n && group.row.estimate.mean.is_some()
}

/// The order of two means, exactly: the rounded ones settle it unless they are equal.
fn by_mean(a: &Group<'_>, b: &Group<'_>) -> Ordering {
    match (a.row.estimate.mean, b.row.estimate.mean) {
        (Some(left), Some(right)) if left != right => left.total_cmp(&right),
        _ => compare_means(&a.sums, &b.sums),
    }
}

/// Numbers sorted groups, over all and within each parent.
fn give_ranks(groups: &mut [Group<'_>], min_n: u64) {
    // For each parent: how many were numbered, and the number and position of the last.
    let mut within: HashMap<Option<String>, (u64, u64, usize)> = HashMap::new();
    let mut last: Option<(u64, usize)> = None;
    for index in 0..groups.len() {
        if !place(&groups[index], min_n) {
            break;
        }
        let ties = |other: usize| by_mean(&groups[index], &groups[other]) == Ordering::Equal;
        let rank = match last {
            Some((rank, previous)) if ties(previous) => rank,
            _ => index as u64 + 1,
        };
        last = Some((rank, index));
        let parent = groups[index].row.parent.clone();
        let (count, of_last, previous) = within.get(&parent).copied().unwrap_or((0, 0, index));
        let in_parent = if count > 0 && ties(previous) { of_last } else { count + 1 };
        within.insert(parent.clone(), (count + 1, in_parent, index));
        groups[index].row.rank = Some(rank);
        groups[index].row.rank_in_parent = parent.map(|_| in_parent);
    }
}
