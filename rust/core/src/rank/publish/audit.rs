//! What follows about hidden cells from everything that is shown.
//!
//! In: a [`Table`] and which cells are hidden. Out: the first hidden cell that is known too well. Whoever reads
//! the release knows every shown sum, and of a hidden cell by its reason whether it has fewer units than the
//! least or not. Hidden atoms that lie in the same shown cells can trade units without any shown sum
//! changing: such a class hides its members as far as its sum and their bounds leave room. The sum of a
//! class is taken for known, so it must be fit to be shown itself. This is sufficient: an interval found
//! here is inside the one that a linear programme finds.

use std::collections::BTreeMap;

use super::cells::{Table, Total};
use super::{Reason, Rules};

/// For each cell why it is hidden.
pub(super) type State = Vec<Option<Reason>>;

/// More units than there are, of which a sum still fits 128 bits.
const NO_LIMIT: u128 = 1 << 64;

/// A hidden thing that is known too well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    /// Its hidden atoms; none where all of its parts are shown.
    pub(super) atoms: Vec<usize>,
    /// A cell that follows from its parts.
    pub(super) cell: Option<usize>,
    /// A shown cell that tells a part of a hidden one.
    pub(super) splitting: Option<usize>,
}

/// What can trade units with others: an atom, or a hidden cell whose own bounds must hold.
#[derive(Clone, Debug)]
struct Item {
    atoms: Vec<usize>,
    cell: Option<usize>,
    n: u128,
    low: u128,
    high: u128,
    /// Whether it must not be known.
    guarded: bool,
}

/// Items that lie in the same shown cells, and what is known of their sum.
#[derive(Clone, Debug)]
struct Class {
    items: Vec<Item>,
    low: u128,
    high: u128,
}

impl Class {
    /// The units that some of the items may have, as far as the sum and the bounds tell; items that lie only
    /// partly inside are taken for known.
    fn range(&self, inside: impl Fn(&Item) -> Option<bool>) -> (u128, u128) {
        let (mut low, mut high, mut others_low, mut others_high) = (0, 0, 0, 0);
        for item in &self.items {
            match inside(item) {
                Some(true) => (low, high) = (low + item.low, high + item.high),
                Some(false) => {
                    (others_low, others_high) = (others_low + item.low, others_high + item.high);
                }
                None => (others_low, others_high) = (others_low + item.n, others_high + item.n),
            }
        }
        (low.max(self.low.saturating_sub(others_high)), high.min(self.high.saturating_sub(others_low)))
    }

    /// The same for each single item.
    fn ranges(&self) -> impl Iterator<Item = (u128, u128)> {
        let sum = |of: fn(&Item) -> u128| self.items.iter().map(of).sum::<u128>();
        let (low, high) = (sum(|item| item.low), sum(|item| item.high));
        self.items.iter().map(move |item| {
            let least = item.low.max(self.low.saturating_sub(high - item.high));
            (least, item.high.min(self.high.saturating_sub(low - item.low)))
        })
    }
}

/// The first thing that is known too well; none where all that is hidden stays hidden.
pub(super) fn first_fault(table: &Table, state: &State, rules: &Rules) -> Option<Fault> {
    let audit = Audit { table, state, rules };
    let hidden: Vec<usize> = (0..table.atoms.len()).filter(|&atom| audit.is_hidden(atom)).collect();
    let (items, pinned) = audit.items(&hidden);
    let classes = match audit.classes(items, &pinned) {
        Ok(classes) => classes,
        Err(fault) => return Some(fault),
    };
    audit.narrow_item(&classes).or_else(|| audit.narrow_cell(&classes, &pinned))
}

struct Audit<'a> {
    table: &'a Table,
    state: &'a State,
    rules: &'a Rules,
}

impl Audit<'_> {
    fn least_width(&self) -> u128 {
        u128::from(self.rules.protection.max(1))
    }

    fn is_hidden(&self, atom: usize) -> bool {
        self.table.own[atom].is_none_or(|cell| self.state[cell].is_some())
    }

    /// The units that a hidden cell may have by its reason.
    fn bounds(&self, cell: usize) -> (u128, u128) {
        let least = u128::from(self.rules.min_shown);
        if self.state[cell] == Some(Reason::FewUnits) { (1, least - 1) } else { (least, NO_LIMIT) }
    }

    /// An atom with what is known of it by itself.
    fn atom(&self, atom: usize) -> Item {
        let own = self.table.own[atom];
        let (low, high) = own.map_or((0, NO_LIMIT), |cell| self.bounds(cell));
        let n = self.table.atoms[atom].n.into();
        Item { atoms: vec![atom], cell: own, n, low, high, guarded: own.is_some() }
    }

    /// What trades units: hidden atoms, and hidden cells of several whose bounds say more than those of their
    /// atoms. Cells that cross one of these are pinned: taken for known.
    fn items(&self, hidden: &[usize]) -> (Vec<Item>, Vec<usize>) {
        let mut binding: Vec<Item> = Vec::new();
        for (number, cell) in self.table.cells.iter().enumerate() {
            if self.state[number].is_none() || cell.atoms.len() < 2 {
                continue;
            }
            let (inside, shown): (Vec<usize>, Vec<usize>) =
                cell.atoms.iter().partition(|&&atom| self.is_hidden(atom));
            let known: u128 = shown.iter().map(|&atom| u128::from(self.table.atoms[atom].n)).sum();
            let (low, high) = self.bounds(number);
            let (low, high) = (low.saturating_sub(known), high.saturating_sub(known));
            let parts: Vec<Item> = inside.iter().map(|&atom| self.atom(atom)).collect();
            let sum = |of: fn(&Item) -> u128| parts.iter().map(of).sum::<u128>();
            let bounded = self.state[number] == Some(Reason::FewUnits) && sum(|item| item.high) > high;
            if !inside.is_empty() && (bounded || sum(|item| item.low) < low) {
                let n = u128::from(cell.total.n) - known;
                binding.push(Item { atoms: inside, cell: Some(number), n, low, high, guarded: true });
            }
        }
        binding.sort_by_key(|item| (std::cmp::Reverse(item.atoms.len()), item.cell));
        let (mut items, mut pinned): (Vec<Item>, Vec<usize>) = (Vec::new(), Vec::new());
        for item in binding {
            let crosses = items.iter().any(|kept: &Item| overlap(&kept.atoms, &item.atoms));
            if crosses {
                pinned.extend(item.cell);
            } else {
                items.push(item);
            }
        }
        for &atom in hidden {
            if !items.iter().any(|item| item.atoms.contains(&atom)) {
                items.push(self.atom(atom));
            }
        }
        (items, pinned)
    }

    /// The larger cells that an atom is in and whose sums are known.
    fn signature(&self, atom: usize, pinned: &[usize]) -> Vec<usize> {
        let known = |cell: &&usize| self.state[**cell].is_none() || pinned.contains(*cell);
        self.table.within[atom].iter().filter(known).copied().collect()
    }

    /// Classes of items, and inside of each cell among them classes of its atoms.
    fn classes(&self, items: Vec<Item>, pinned: &[usize]) -> Result<Vec<Class>, Fault> {
        let mut outer: BTreeMap<Vec<usize>, Vec<Item>> = BTreeMap::new();
        for item in items {
            let signature = self.signature(item.atoms[0], pinned);
            let others = item.atoms.iter().map(|&atom| self.signature(atom, pinned));
            if let Some(other) = others.into_iter().find(|other| *other != signature) {
                let one_sided = |cell: &&usize| signature.contains(cell) != other.contains(cell);
                let splitting = signature.iter().chain(&other).filter(one_sided).copied();
                let shown = splitting.filter(|&cell| self.state[cell].is_none());
                let splitting = shown.min_by_key(|&cell| (self.table.cells[cell].total.n, cell));
                return Err(Fault { atoms: item.atoms, splitting, ..Fault::default() });
            }
            outer.entry(signature).or_default().push(item);
        }
        let mut classes = Vec::new();
        for items in outer.into_values() {
            let n = items.iter().map(|item| item.n).sum();
            let class = Class { items, low: n, high: n };
            for (item, (low, high)) in class.items.iter().zip(class.ranges()) {
                if item.atoms.len() < 2 {
                    continue;
                }
                let items = item.atoms.iter().map(|&atom| self.atom(atom)).collect();
                classes.push(Class { items, low, high });
            }
            if class.items.iter().any(|item| item.guarded) && !self.is_fit(&class) {
                return Err(class.fault());
            }
            classes.push(class);
        }
        Ok(classes)
    }

    /// Whether the sum of a class, which is known, may be shown.
    fn is_fit(&self, class: &Class) -> bool {
        let mut total = Total::default();
        for &atom in class.items.iter().flat_map(|item| &item.atoms) {
            total.add(&self.table.atoms[atom]);
        }
        total.fault(self.rules).is_none()
    }

    fn narrow_item(&self, classes: &[Class]) -> Option<Fault> {
        for class in classes {
            let narrow = |(low, high): (u128, u128)| high.saturating_sub(low) < self.least_width();
            if class.items.iter().zip(class.ranges()).any(|(item, range)| item.guarded && narrow(range)) {
                return Some(class.fault());
            }
        }
        None
    }

    /// A hidden cell of several atoms that is known from its parts.
    fn narrow_cell(&self, classes: &[Class], pinned: &[usize]) -> Option<Fault> {
        for (number, cell) in self.table.cells.iter().enumerate() {
            if self.state[number].is_none() || cell.atoms.len() < 2 || Some(number) == self.table.whole {
                continue;
            }
            let inside = |item: &Item| {
                let count = item.atoms.iter().filter(|atom| cell.atoms.binary_search(atom).is_ok()).count();
                if count == 0 { Some(false) } else { (count == item.atoms.len()).then_some(true) }
            };
            let wide = |class: &Class| {
                let (low, high) = class.range(inside);
                high.saturating_sub(low) >= self.least_width()
            };
            if pinned.contains(&number) || !classes.iter().any(wide) {
                let atoms = cell.atoms.iter().copied().filter(|&atom| self.is_hidden(atom)).collect();
                return Some(Fault { atoms, cell: Some(number), splitting: None });
            }
        }
        None
    }
}

impl Class {
    fn fault(&self) -> Fault {
        let atoms = self.items.iter().flat_map(|item| item.atoms.iter().copied()).collect();
        Fault { atoms, ..Fault::default() }
    }
}

/// Whether two ascending lists share an atom.
fn overlap(a: &[usize], b: &[usize]) -> bool {
    a.iter().any(|atom| b.binary_search(atom).is_ok())
}
