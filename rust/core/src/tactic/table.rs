//! Decision tables: from the cells of a row to a condition.
//!
//! In: names of columns and cells such as `[18..25)`, `>= 600`, `'a', 'b'`, `-`. Out: the condition of the row as
//! text. A cell says what its column is compared with; one that is empty or `-` says nothing.

use super::cover::{Grid, Literals, literals, together};
use super::finding::Finding;
use super::kinds::Kinds;
use super::policy::{HitPolicy, Policy, Rule, Tactic};
use crate::expr::{Dialect, quoted};

/// Names of hit policies.
pub(super) const HIT_POLICIES: [(&str, HitPolicy); 3] =
    [("unique", HitPolicy::Unique), ("first", HitPolicy::First), ("collect", HitPolicy::Collect)];

/// The condition of a row.
pub(super) fn condition<'a>(cells: impl Iterator<Item = (&'a str, &'a str)>) -> Result<String, String> {
    let mut parts = Vec::new();
    for (column, cell) in cells {
        let cell = cell.trim();
        if !cell.is_empty() && cell != "-" {
            let name = quoted(column, Dialect::Own);
            parts.push(part(&name, cell).ok_or_else(|| {
                format!(
                    "column `{column}` holds `{cell}`; write `[18..25)`, `>= 600`, `'a', 'b'`, 7, NULL or `-`"
                )
            })?);
        }
    }
    Ok(if parts.is_empty() { "TRUE".to_owned() } else { parts.join(" AND ") })
}

fn part(name: &str, cell: &str) -> Option<String> {
    let upper = cell.to_uppercase();
    match upper.as_str() {
        "NULL" => return Some(format!("{name} IS NULL")),
        "NOT NULL" => return Some(format!("{name} IS NOT NULL")),
        "TRUE" => return Some(name.to_owned()),
        "FALSE" => return Some(format!("(NOT {name})")),
        _ => {}
    }
    if let Some(found) = interval(name, cell) {
        return Some(found);
    }
    for sign in ["<=", ">=", "<>", "<", ">", "="] {
        if let Some(rest) = cell.strip_prefix(sign) {
            return Some(format!("{name} {sign} {}", value(rest.trim())?));
        }
    }
    let values: Vec<String> = split(cell).into_iter().map(|one| value(one.trim())).collect::<Option<_>>()?;
    Some(match values.as_slice() {
        [one] => format!("{name} = {one}"),
        _ => format!("{name} IN ({})", values.join(", ")),
    })
}

/// `[low..high)`: a bracket takes its end in, a parenthesis does not.
fn interval(name: &str, cell: &str) -> Option<String> {
    let (low, high) = cell.split_once("..")?;
    let (low_sign, low) = match low.trim().strip_prefix('[') {
        Some(low) => (">=", low),
        None => (">", low.trim().strip_prefix('(')?),
    };
    let (high_sign, high) = match high.trim().strip_suffix(']') {
        Some(high) => ("<=", high),
        None => ("<", high.trim().strip_suffix(')')?),
    };
    let mut parts = Vec::new();
    for (sign, end) in [(low_sign, low.trim()), (high_sign, high.trim())] {
        if !end.is_empty() {
            parts.push(format!("{name} {sign} {}", value(end)?));
        }
    }
    (!parts.is_empty()).then(|| format!("({})", parts.join(" AND ")))
}

/// A number, a quoted text, a day, or a bare word that stands for a text.
fn value(text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    if text.parse::<f64>().is_ok_and(f64::is_finite) {
        return Some(text.to_owned());
    }
    if text.starts_with('\'') {
        let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
        return (!inner.replace("''", "").contains('\'')).then(|| text.to_owned());
    }
    if crate::expr::day(text).is_some() {
        return Some(format!("DATE '{text}'"));
    }
    let plain = text.chars().all(|character| character.is_alphanumeric() || "_-/ ".contains(character));
    plain.then(|| format!("'{text}'"))
}

/// The parts between commas that stand outside of quotes.
fn split(cell: &str) -> Vec<&str> {
    let (mut parts, mut start, mut is_quoted) = (Vec::new(), 0, false);
    for (at, character) in cell.char_indices() {
        match character {
            '\'' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                parts.push(&cell[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&cell[start..]);
    parts
}

/// Records that no row fits, and those that two rows of a unique table fit.
pub(super) fn warnings(policy: &Policy, kinds: &Kinds) -> Vec<Finding> {
    policy
        .tactics
        .iter()
        .filter_map(|tactic| Some((tactic, tactic.table?)))
        .flat_map(|(tactic, hit)| holes(policy, tactic, hit, kinds))
        .collect()
}

fn holes(policy: &Policy, tactic: &Tactic, hit: HitPolicy, kinds: &Kinds) -> Vec<Finding> {
    let rules: &[Rule] = &policy.rules[tactic.rules.clone()];
    let all: Option<Literals> =
        rules.iter().try_fold(Literals::new(), |all, rule| Some(together(&all, &literals(&rule.when)?)));
    let Some(grid) = all.and_then(|all| Grid::new(&all, kinds)) else { return Vec::new() };
    let truths: Option<Vec<_>> = rules.iter().map(|rule| grid.truths(rule, policy.nan)).collect();
    let Some(truths) = truths else { return Vec::new() };
    let mut found = Vec::new();
    let mut warn = |code, text: String| {
        let at = format!("{}/table", tactic.path);
        found.push(Finding::warning(code, at, text).about(&format!("tactic `{}`", tactic.id)));
    };
    let (mut gap, mut overlap) = (None, None);
    for row in (0..grid.rows()).filter(|row| grid.is_known(*row)) {
        let fits: Vec<usize> = (0..rules.len()).filter(|rule| truths[*rule][row] == Some(true)).collect();
        match fits.as_slice() {
            [] => gap = gap.or(Some(row)),
            [first, second, ..] => overlap = overlap.or(Some((row, *first, *second))),
            [_] => {}
        }
    }
    if let (Some(row), HitPolicy::Unique | HitPolicy::First) = (gap, hit) {
        warn("gap", format!("no row fits a record with {}", grid.told(row)));
    }
    if let (Some((row, first, second)), HitPolicy::Unique) = (overlap, hit) {
        let (first, second) = (&rules[first].id, &rules[second].id);
        warn("overlap", format!("rows `{first}` and `{second}` both fit a record with {}", grid.told(row)));
    }
    found
}
