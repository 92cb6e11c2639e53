//! The cells that are published together, as sets of the finest groups.
//!
//! In: sums by group, and levels and families. Out: a [`Table`]: atoms (the finest groups that have records)
//! and cells, each the set of atoms that it adds up. Cells of the same atoms are one: a city that is a
//! province is hidden on both levels or on none.

use std::collections::HashMap;

use creditcore_kernels::exact::Exact;

use super::{Reason, Rules};
use crate::aggregate::{Aggregate, Magnitude, Sums};
use crate::error::{Error, Place, Result};
use crate::region::Regions;

/// What is added up of some atoms.
#[derive(Clone, Debug, Default)]
pub(super) struct Total {
    pub(super) n: u64,
    weight: Exact,
    largest: Magnitude,
}

impl Total {
    pub(super) fn add(&mut self, other: &Self) {
        self.n += other.n;
        self.weight.add(&other.weight);
        self.largest = self.largest.max(other.largest);
    }

    /// Why a cell with this total may not be shown.
    pub(super) fn fault(&self, rules: &Rules) -> Option<Reason> {
        if self.n < rules.min_shown {
            return Some(Reason::FewUnits);
        }
        let dominated = |share| self.largest.exceeds(share, &self.weight);
        rules.dominance.is_some_and(dominated).then_some(Reason::Dominance)
    }
}

/// A set of atoms that is published under one or more names.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    /// Ascending.
    pub(super) atoms: Vec<usize>,
    pub(super) total: Total,
}

/// The cells of everything that is published together.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) atoms: Vec<Total>,
    /// Without the whole, whose number of units is always known.
    pub(super) cells: Vec<Cell>,
    /// For each atom the cell of nothing else, where that is published.
    pub(super) own: Vec<Option<usize>>,
    /// For each atom the larger cells that it is in.
    pub(super) within: Vec<Vec<usize>>,
    /// The cell of all atoms, where it is published.
    pub(super) whole: Option<usize>,
}

/// The level, the code and the cell of everything that has a name.
type Names = Vec<(String, String, usize)>;

impl Table {
    /// The cells of a grouping.
    pub(super) fn of(
        aggregate: &Aggregate,
        grouping: usize,
        levels: &[String],
        regions: Option<&Regions>,
        rules: &Rules,
    ) -> Result<(Self, Names)> {
        let of_group = |code: &str, sums: &Sums| total(aggregate, grouping, code, sums, rules);
        let groups = &aggregate.groupings[grouping].groups;
        let Some(regions) = regions.filter(|_| aggregate.plan.by[grouping].is_region()) else {
            let atoms = groups.iter().map(|(code, sums)| of_group(code, sums)).collect::<Result<_>>()?;
            let level = aggregate.plan.by[grouping].name();
            let cells = groups.keys().enumerate().map(|(atom, code)| (level, code.as_str(), vec![atom]));
            return Ok(Self::build(atoms, cells));
        };
        let mut atoms = Vec::new();
        let mut atom_of_leaf = HashMap::new();
        for leaf in 0..regions.leaf_count() as u32 {
            let code = &regions.leaf(leaf).code;
            if let Some(sums) = groups.get(code) {
                atom_of_leaf.insert(leaf, atoms.len());
                atoms.push(of_group(code, sums)?);
            }
        }
        let mut cells = Vec::new();
        for level in compared_with(levels, regions) {
            let Some(units) = regions.units(&level) else {
                let text = format!("the region table has no level or family `{level}`");
                return Err(Error::schema(Place::default(), text));
            };
            let mut of_unit = vec![Vec::new(); units.entries.len()];
            for (leaf, members) in units.members.iter().enumerate() {
                if let Some(&atom) = atom_of_leaf.get(&(leaf as u32)) {
                    members.iter().for_each(|&unit| of_unit[unit as usize].push(atom));
                }
            }
            for (unit, mut atoms) in units.entries.into_iter().zip(of_unit) {
                atoms.sort_unstable();
                cells.push((level.clone(), unit.code, atoms));
            }
        }
        let cells = cells.iter().map(|(level, code, atoms)| (level.as_str(), code.as_str(), atoms.clone()));
        Ok(Self::build(atoms, cells.collect::<Vec<_>>().into_iter()))
    }

    /// Joins cells of the same atoms; cells without any are left out.
    pub(super) fn build<'a>(
        atoms: Vec<Total>,
        named: impl Iterator<Item = (&'a str, &'a str, Vec<usize>)>,
    ) -> (Self, Names) {
        let mut table = Self { own: vec![None; atoms.len()], atoms, ..Self::default() };
        let (mut names, mut known) = (Vec::new(), HashMap::new());
        for (level, code, members) in named.filter(|(.., members)| !members.is_empty()) {
            let cell = *known.entry(members).or_insert_with_key(|members| {
                let mut total = Total::default();
                members.iter().for_each(|&atom| total.add(&table.atoms[atom]));
                table.cells.push(Cell { atoms: members.clone(), total });
                table.cells.len() - 1
            });
            names.push((level.to_owned(), code.to_owned(), cell));
        }
        table.within = vec![Vec::new(); table.atoms.len()];
        for (number, cell) in table.cells.iter().enumerate() {
            if cell.atoms.len() == table.atoms.len() {
                table.whole = Some(number);
            }
            match cell.atoms[..] {
                [atom] => table.own[atom] = Some(number),
                _ => cell.atoms.iter().for_each(|&atom| table.within[atom].push(number)),
            }
        }
        (table, names)
    }
}

/// The levels, and those that their rows are compared with: the next coarser level, and of a family the top.
fn compared_with(levels: &[String], regions: &Regions) -> Vec<String> {
    let mut all = levels.to_vec();
    for level in levels {
        let depth = regions.levels().iter().position(|known| known == level);
        let above = depth.map_or(Some(0), |depth| depth.checked_sub(1));
        if let Some(above) = above.and_then(|above| regions.levels().get(above))
            && !all.contains(above)
        {
            all.push(above.clone());
        }
    }
    all
}

/// What is added up of one group.
fn total(aggregate: &Aggregate, grouping: usize, code: &str, sums: &Sums, rules: &Rules) -> Result<Total> {
    let plan = &aggregate.plan;
    let largest = match aggregate.groupings[grouping].largest.get(code) {
        Some(Some(largest)) => *largest,
        // Every unit weighs 1.
        _ if plan.weighs_all_the_same() => Magnitude::new(1, 0),
        _ if rules.dominance.is_none() => Magnitude::default(),
        Some(None) => {
            return Err(Error::argument(format!(
                "the largest weight of `{code}` is not known since units were taken away from it; \
                 sum the records again, or leave `dominance` out of the rules"
            )));
        }
        None => {
            return Err(Error::argument(
                "the sums hold no largest weights, which the rule of dominance needs; \
                 sum with `largest_weights=True`, or leave `dominance` out of the rules",
            ));
        }
    };
    Ok(Total { n: sums.n, weight: sums.w.clone(), largest })
}

#[cfg(test)]
impl Total {
    /// `n` units that weigh 1 each.
    pub(super) fn plain(n: u64) -> Self {
        Self { n, weight: Exact::from_scaled(n.into(), 0), largest: Magnitude::new(1, 0) }
    }
}
