//! How regions hang together: parents, depths, levels.
//!
//! In: the rows of a table. Out: a [`Tree`]. Law kept: regions are a forest in which a level is a depth,
//! so that parts add up to their whole exactly once.

use std::collections::HashMap;

use super::names::fold;
use super::table::{RegionRow, fault};
use crate::error::{Result, nearest};

/// The shape of a table; regions are numbered as their rows are.
#[derive(Debug)]
pub(super) struct Tree {
    pub(super) parent: Vec<Option<u32>>,
    pub(super) depth: Vec<u32>,
    /// Coarse to fine; a level's place is its depth.
    pub(super) levels: Vec<String>,
    pub(super) codes: Codes,
}

/// Regions by their folded code. A code may stand on two rows where one of them names itself as its parent:
/// a region that is its own only part, on a finer level (a city that is a province).
#[derive(Debug, Default)]
pub(super) struct Codes {
    rows: HashMap<String, (Option<u32>, Option<u32>)>,
}

impl Codes {
    /// The region of a folded code; of two rows the finer one.
    pub(super) fn get(&self, folded: &str) -> Option<u32> {
        self.rows.get(folded).and_then(|&(whole, own_part)| own_part.or(whole))
    }

    /// The codes with their regions, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.rows.iter().filter_map(|(code, &(whole, own_part))| Some((code.as_str(), own_part.or(whole)?)))
    }
}

/// Finds every region's parent, depth and level.
///
/// # Errors
/// Empty or repeated codes, parents that are not there, loops, levels that are no depth.
pub(super) fn link(source: &str, rows: &[RegionRow]) -> Result<Tree> {
    let codes = index_codes(source, rows)?;
    let parent = find_parents(source, rows, &codes)?;
    let depth = find_depths(source, rows, &parent)?;
    let levels = find_levels(source, rows, &depth)?;
    Ok(Tree { parent, depth, levels, codes })
}

/// Whether a row names itself as its parent.
fn is_own_part(row: &RegionRow) -> bool {
    row.parent.as_deref().is_some_and(|parent| fold(parent) == fold(&row.code))
}

fn index_codes(source: &str, rows: &[RegionRow]) -> Result<Codes> {
    let mut codes = Codes::default();
    for (index, row) in (0u32..).zip(rows) {
        let folded = fold(&row.code);
        if folded.is_empty() {
            return Err(fault(source, row.line, "`code` is empty; every region needs a code of its own"));
        }
        let slots = codes.rows.entry(folded).or_default();
        let slot = if is_own_part(row) { &mut slots.1 } else { &mut slots.0 };
        if let Some(earlier) = *slot {
            let text = format!(
                "code `{}` is already on line {}; every region needs a code of its own",
                row.code, rows[earlier as usize].line
            );
            return Err(fault(source, row.line, text));
        }
        *slot = Some(index);
    }
    Ok(codes)
}

fn find_parents(source: &str, rows: &[RegionRow], codes: &Codes) -> Result<Vec<Option<u32>>> {
    let mut parents = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(name) = row.parent.as_deref() else {
            parents.push(None);
            continue;
        };
        let found = if is_own_part(row) {
            codes.rows.get(&fold(name)).and_then(|&(whole, _)| whole).ok_or_else(|| {
                fault(source, row.line, format!("the parents form a loop: `{0}` -> `{0}`; leave the parent of the topmost region empty", row.code))
            })?
        } else {
            codes.get(&fold(name)).ok_or_else(|| {
                let hint = nearest(name, rows.iter().take(10_000).map(|row| row.code.as_str()))
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                fault(
                    source,
                    row.line,
                    format!("region `{}` has the parent `{name}`, which is not in the table{hint}; add it or leave the parent empty", row.code),
                )
            })?
        };
        parents.push(Some(found));
    }
    Ok(parents)
}

fn find_depths(source: &str, rows: &[RegionRow], parent: &[Option<u32>]) -> Result<Vec<u32>> {
    const OPEN: u32 = u32::MAX;
    const ON_PATH: u32 = u32::MAX - 1;
    let mut depth = vec![OPEN; rows.len()];
    for start in 0..rows.len() {
        let mut path = Vec::new();
        let mut at = Some(start as u32);
        // Up to a region whose depth is known, or to a root ...
        while let Some(node) = at.filter(|&node| depth[node as usize] == OPEN) {
            depth[node as usize] = ON_PATH;
            path.push(node);
            at = parent[node as usize];
        }
        let top = match at {
            Some(node) if depth[node as usize] == ON_PATH => {
                return Err(loop_error(source, rows, &path, node));
            }
            Some(node) => depth[node as usize] + 1,
            None => 0,
        };
        // ... and back down again.
        for (below, &node) in (0u32..).zip(path.iter().rev()) {
            depth[node as usize] = top + below;
        }
    }
    Ok(depth)
}

fn loop_error(source: &str, rows: &[RegionRow], path: &[u32], entry: u32) -> crate::Error {
    let start = path.iter().position(|&node| node == entry).unwrap_or_default();
    let mut codes: Vec<String> =
        path[start..].iter().take(12).map(|&node| format!("`{}`", rows[node as usize].code)).collect();
    if path.len() - start > 12 {
        codes.push("...".to_owned());
    }
    codes.push(format!("`{}`", rows[entry as usize].code));
    let text = format!(
        "the parents form a loop: {}; leave the parent of the topmost region empty",
        codes.join(" -> ")
    );
    fault(source, rows[entry as usize].line, text)
}

fn find_levels(source: &str, rows: &[RegionRow], depth: &[u32]) -> Result<Vec<String>> {
    let deepest = depth.iter().copied().max().unwrap_or_default();
    if rows.iter().all(|row| row.level.is_none()) {
        if deepest == 0 {
            return Ok(vec!["region".to_owned()]);
        }
        return Ok((1..=deepest + 1).map(|number| format!("level_{number}")).collect());
    }
    let mut first_at: Vec<Option<usize>> = vec![None; deepest as usize + 1];
    let mut first_of: HashMap<&str, usize> = HashMap::new();
    for (index, row) in rows.iter().enumerate() {
        let Some(level) = row.level.as_deref().filter(|level| !level.is_empty()) else {
            return Err(fault(
                source,
                row.line,
                "`level` is empty; name the level of every region, or leave the column out",
            ));
        };
        let first = *first_of.entry(level).or_insert(index);
        if depth[first] != depth[index] {
            let text = format!(
                "level `{level}` stands {} below the top here and {} on line {}; a level has one depth",
                depth[index], depth[first], rows[first].line
            );
            return Err(fault(source, row.line, text));
        }
        let same_depth = *first_at[depth[index] as usize].get_or_insert(index);
        if rows[same_depth].level != row.level {
            let other = rows[same_depth].level.as_deref().unwrap_or_default();
            let text = format!(
                "level `{level}` stands beside level `{other}` of line {} in the hierarchy; regions of one depth share one level",
                rows[same_depth].line
            );
            return Err(fault(source, row.line, text));
        }
    }
    Ok(first_at.into_iter().flatten().filter_map(|index| rows[index].level.clone()).collect())
}
