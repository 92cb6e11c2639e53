//! Which further cells to hide.
//!
//! In: a [`Table`] and the rules. Out: for each cell why it is hidden. First the cells that may not be shown
//! themselves; then, as long as something hidden follows from what is shown, one more, the smallest that
//! helps; at last those that turned out not to be needed are shown again, the largest first. What is
//! hidden is few, not proven fewest: the fewest is a hard problem (Kelly, Golden, Assad, 1992).

use std::cmp::Reverse;

use super::audit::{Fault, State, first_fault};
use super::cells::{Table, Total};
use super::{Reason, Rules};

/// Hides cells until nothing hidden follows.
pub(super) fn protect(table: &Table, rules: &Rules) -> State {
    let mut state: State = table.cells.iter().map(|cell| cell.total.fault(rules)).collect();
    let mut whole = Total::default();
    table.atoms.iter().for_each(|atom| whole.add(atom));
    if whole.fault(rules).is_some() {
        // The sum of everything is known; nothing else can be.
        return hide_all(state);
    }
    while let Some(fault) = first_fault(table, &state, rules) {
        let cells = more(table, &state, rules, &fault);
        if cells.is_empty() {
            return hide_all(state);
        }
        cells.into_iter().for_each(|cell| state[cell] = Some(Reason::Complementary));
    }
    let mut extra: Vec<usize> =
        (0..state.len()).filter(|&cell| state[cell] == Some(Reason::Complementary)).collect();
    extra.sort_by_key(|&cell| (Reverse(table.cells[cell].total.n), cell));
    for cell in extra {
        state[cell] = None;
        if first_fault(table, &state, rules).is_some() {
            state[cell] = Some(Reason::Complementary);
        }
    }
    state
}

fn hide_all(state: State) -> State {
    state.into_iter().map(|reason| Some(reason.unwrap_or(Reason::Complementary))).collect()
}

/// The cells to hide because of a fault. An atom inside of what is known too well and one outside of it hide
/// each other once both are hidden, and every shown cell that only one of the two is in; the pair is taken
/// that needs the fewest.
fn more(table: &Table, state: &State, rules: &Rules, fault: &Fault) -> Vec<usize> {
    if let Some(cell) = fault.splitting {
        return vec![cell];
    }
    let mut inside = vec![false; table.atoms.len()];
    let members = fault.cell.map_or(&fault.atoms, |cell| &table.cells[cell].atoms);
    members.iter().for_each(|&atom| inside[atom] = true);
    let shown: Vec<Vec<usize>> = (0..table.atoms.len()).map(|atom| shown_cells(table, state, atom)).collect();
    let own = |atom: usize| table.own[atom].filter(|&cell| state[cell].is_none());
    let mut known = Total::default();
    fault.atoms.iter().for_each(|&atom| known.add(&table.atoms[atom]));
    let enough = |from: usize, to: usize| {
        let mut total = table.atoms[to].clone();
        total.add(if fault.atoms.is_empty() { &table.atoms[from] } else { &known });
        // Room for a cell below the least number and for one that has at least as many.
        let room =
            |atom: usize| own(atom).is_none() || table.atoms[atom].n >= rules.min_shown + rules.protection;
        room(from) && room(to) && total.fault(rules).is_none()
    };
    let mut best = None;
    let mut seen = Vec::new();
    for from in (0..table.atoms.len()).filter(|&atom| inside[atom]) {
        // Hidden atoms in the same shown cells are as good as each other.
        if own(from).is_none() {
            if seen.contains(&&shown[from]) {
                continue;
            }
            seen.push(&shown[from]);
        }
        for to in (0..table.atoms.len()).filter(|&atom| !inside[atom]) {
            let apart = difference(&shown[from], &shown[to]);
            let hide: Vec<usize> = apart.into_iter().chain(own(from)).chain(own(to)).collect();
            if hide.is_empty() || hide.iter().any(|&cell| Some(cell) == table.whole) {
                continue;
            }
            let units = table.atoms[from].n + table.atoms[to].n;
            let cost = (hide.len() + usize::from(!enough(from, to)), units, from, to);
            if best.as_ref().is_none_or(|(known, _)| cost < *known) {
                best = Some((cost, hide));
            }
        }
    }
    best.map_or_else(Vec::new, |(_, hide)| hide)
}

/// The shown cells of several atoms that an atom is in, ascending.
fn shown_cells(table: &Table, state: &State, atom: usize) -> Vec<usize> {
    table.within[atom].iter().copied().filter(|&cell| state[cell].is_none()).collect()
}

/// What stands in only one of two ascending lists.
fn difference(a: &[usize], b: &[usize]) -> Vec<usize> {
    let only = |a: &[usize], b: &[usize]| -> Vec<usize> {
        a.iter().copied().filter(|cell| b.binary_search(cell).is_err()).collect()
    };
    [only(a, b), only(b, a)].concat()
}
