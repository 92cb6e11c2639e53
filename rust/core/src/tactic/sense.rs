//! Rules that say what was hardly meant.
//!
//! In: a policy. Out: warnings: conditions that are always or never true, rules that an earlier reject leaves
//! nothing to do, doubled conditions, ranges of one column inside of another's.

use std::collections::HashMap;

use super::cover::{Grid, Literals, literals, together};
use super::finding::Finding;
use super::kinds::Kinds;
use super::policy::{Action, HitPolicy, Policy, Rule};
use crate::expr::key;

/// The most pairs of rules that are compared on a grid of their own.
const MOST_PAIRS: usize = 20_000;

/// A rule whose condition is known exactly.
struct Known<'a> {
    position: usize,
    rule: &'a Rule,
    literals: Literals,
}

/// The warnings of a policy whose columns have these types.
pub(super) fn warnings(policy: &Policy, kinds: &Kinds) -> Vec<Finding> {
    let known: Vec<Known<'_>> = policy
        .rules
        .iter()
        .enumerate()
        .filter_map(|(position, rule)| Some(Known { position, rule, literals: literals(&rule.when)? }))
        .collect();
    let mut found = constants(policy, kinds, &known);
    found.extend(doubles(policy));
    found.extend(shadowed(policy, kinds, &known));
    found.extend(contained(policy, kinds, &known));
    found
}

fn warn(code: &'static str, rule: &Rule, text: String) -> Finding {
    Finding::warning(code, format!("{}/when", rule.path), text).about(&format!("rule `{}`", rule.id))
}

/// Conditions that are always or never true.
fn constants(policy: &Policy, kinds: &Kinds, known: &[Known<'_>]) -> Vec<Finding> {
    let mut found = Vec::new();
    for one in known {
        let truths = Grid::new(&one.literals, kinds).and_then(|grid| grid.truths(one.rule, policy.nan));
        let Some(truths) = truths else { continue };
        if !truths.contains(&Some(true)) {
            found.push(warn("always_false", one.rule, "the condition is never true".to_owned()));
        } else if !truths.contains(&Some(false)) && !is_otherwise(policy, one) {
            let told = "the condition is always true where its columns are known".to_owned();
            found.push(warn("always_true", one.rule, told));
        }
    }
    found
}

/// Whether it is the last row of a table whose first fitting row counts: what holds where no other does.
fn is_otherwise(policy: &Policy, one: &Known<'_>) -> bool {
    let tactic = &policy.tactics[one.rule.tactic];
    tactic.table == Some(HitPolicy::First) && one.position + 1 == tactic.rules.end
}

/// Conditions that are there twice, with the same action.
fn doubles(policy: &Policy) -> Vec<Finding> {
    let mut first: HashMap<(String, String), &Rule> = HashMap::new();
    let mut found = Vec::new();
    for rule in &policy.rules {
        if policy.tactics[rule.tactic].table.is_some() {
            continue;
        }
        match first.entry((key(rule.when.root()), rule.action.to_string())) {
            std::collections::hash_map::Entry::Occupied(known) => {
                let told = format!("rule `{}` has the same condition and action", known.get().id);
                found.push(warn("duplicate", rule, told));
            }
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(rule);
            }
        }
    }
    found
}

fn is_inside(inner: &[bool], outer: &[bool]) -> bool {
    inner.iter().zip(outer).all(|(inner, outer)| !inner || *outer) && inner.contains(&true)
}

/// Rules that hit only where an earlier one rejects.
fn shadowed(policy: &Policy, kinds: &Kinds, known: &[Known<'_>]) -> Vec<Finding> {
    let ends = |one: &&Known<'_>| {
        !one.rule.shadow && one.rule.action == Action::Reject && one.rule.days == (None, None)
    };
    let rejects: Vec<&Known<'_>> = known.iter().filter(ends).collect();
    let mut pairs = 0;
    let mut found = Vec::new();
    for one in known {
        let earlier = rejects.iter().take_while(|reject| reject.position < one.position);
        let of_columns =
            |reject: &&&Known<'_>| reject.literals.keys().all(|name| one.literals.contains_key(name));
        for reject in earlier.filter(of_columns) {
            pairs += 1;
            if pairs > MOST_PAIRS {
                return found;
            }
            let hits =
                |grid: &Grid| Some((grid.hits(one.rule, policy.nan)?, grid.hits(reject.rule, policy.nan)?));
            let grid = Grid::new(&together(&one.literals, &reject.literals), kinds);
            if let Some((inner, outer)) = grid.as_ref().and_then(hits)
                && is_inside(&inner, &outer)
            {
                let told = format!("rule `{}` rejects every record that it hits", reject.rule.id);
                found.push(warn("unreachable", one.rule, told));
                break;
            }
        }
    }
    found
}

/// Ranges of one column inside of another rule's with the same action.
fn contained(policy: &Policy, kinds: &Kinds, known: &[Known<'_>]) -> Vec<Finding> {
    let mut groups: HashMap<(usize, &str, String), Vec<&Known<'_>>> = HashMap::new();
    for one in known.iter().filter(|one| one.literals.len() == 1) {
        let name = one.literals.keys().next().map_or("", String::as_str);
        if policy.tactics[one.rule.tactic].table.is_none() && !one.rule.shadow {
            groups.entry((one.rule.tactic, name, one.rule.action.to_string())).or_default().push(one);
        }
    }
    let mut found = Vec::new();
    for group in groups.into_values() {
        let all = group.iter().fold(Literals::new(), |all, one| together(&all, &one.literals));
        let Some(grid) = Grid::new(&all, kinds) else { continue };
        let hits: Vec<Option<Vec<bool>>> = group.iter().map(|one| grid.hits(one.rule, policy.nan)).collect();
        for (place, one) in group.iter().enumerate() {
            let holds = |(other, outer): &(usize, &Option<Vec<bool>>)| {
                let (Some(inner), Some(outer)) = (&hits[place], outer) else { return false };
                // Of two equal ones only the later is told, and that by the doubles.
                *other != place && inner != outer && is_inside(inner, outer)
            };
            if let Some((other, _)) = hits.iter().enumerate().find(holds) {
                let told = format!(
                    "rule `{}` hits every record that it hits, with the same action",
                    group[other].rule.id
                );
                found.push(warn("contained", one.rule, told));
            }
        }
    }
    found
}
