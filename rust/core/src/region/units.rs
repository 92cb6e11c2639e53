//! What regions are grouped into: the regions of a level, the values of a family.
//!
//! In: a table and the name of a level or family. Out: [`Units`]. Law kept: of a level every leaf has
//! exactly one unit, so that levels add up; a family whose values overlap says so and has no parent.

use std::collections::HashMap;

use super::{Region, Regions};

/// One unit of a level or family; a family's unit is a region of a kind of its own.
pub type Unit = Region;

/// The units of a level or family, and which of them each leaf region is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Units {
    /// The units: of a level in the order of the table, of a family in the order of the first leaf that
    /// has the value.
    pub entries: Vec<Unit>,
    /// For each leaf the numbers of its units: one for a level, any number for a family.
    pub members: Vec<Vec<u32>>,
    /// Whether a leaf is in more than one of them: such units do not add up to the whole.
    pub overlapping: bool,
}

impl Regions {
    /// The units of a level or a family; `None` where the table has neither of that name.
    pub fn units(&self, level_or_family: &str) -> Option<Units> {
        if let Some(depth) = self.tree.levels.iter().position(|level| level == level_or_family) {
            return Some(self.units_of_level(depth as u32));
        }
        let family = self.families.iter().position(|family| family == level_or_family)?;
        Some(self.units_of_family(family))
    }

    fn units_of_level(&self, depth: u32) -> Units {
        let mut entries = Vec::new();
        let mut number = vec![0u32; self.regions.len()];
        for (node, region) in self.regions.iter().enumerate() {
            if self.tree.depth[node] == depth {
                number[node] = entries.len() as u32;
                entries.push(region.clone());
            }
        }
        let members = self
            .leaves
            .iter()
            .map(|&leaf| self.lineage(leaf).filter(|&node| self.tree.depth[node as usize] == depth))
            .map(|ancestor| ancestor.map(|node| number[node as usize]).collect())
            .collect();
        Units { entries, members, overlapping: false }
    }

    fn units_of_family(&self, family: usize) -> Units {
        let name = &self.families[family];
        let mut entries: Vec<Unit> = Vec::new();
        let mut numbers: HashMap<&str, u32> = HashMap::new();
        let mut members: Vec<Vec<u32>> = Vec::with_capacity(self.leaves.len());
        for &leaf in &self.leaves {
            // The nearest region upwards that says something about the family decides.
            let values = self
                .lineage(leaf)
                .map(|node| &self.values[node as usize][family])
                .find(|values| !values.is_empty())
                .map_or(&[][..], Vec::as_slice);
            let mut numbers_of_leaf = Vec::with_capacity(values.len());
            for value in values {
                numbers_of_leaf.push(*numbers.entry(value.as_str()).or_insert_with(|| {
                    entries.push(self.family_unit(name, value));
                    entries.len() as u32 - 1
                }));
            }
            members.push(numbers_of_leaf);
        }
        let overlapping = members.iter().any(|units| units.len() > 1);
        if overlapping {
            entries.iter_mut().for_each(|unit| unit.parent = None);
        }
        Units { entries, members, overlapping }
    }

    /// A unit of a family; its parent is the one region of the top, where there is one above the leaves.
    fn family_unit(&self, family: &str, value: &str) -> Unit {
        let mut roots =
            self.tree.depth.iter().enumerate().filter(|&(_, &depth)| depth == 0).map(|(node, _)| node);
        let parent = match (roots.next(), roots.next()) {
            (Some(root), None) if self.tree.levels.len() > 1 => Some(self.regions[root].code.clone()),
            _ => None,
        };
        Unit {
            code: value.to_owned(),
            name: readable(value),
            level: family.to_owned(),
            parent,
            other_names: Vec::new(),
            attributes: Vec::new(),
        }
    }
}

/// A value as a name: `north` is "North", `autonomous_region` "Autonomous region", `YangtzeEB` "Yangtze EB".
fn readable(value: &str) -> String {
    let mut name = String::with_capacity(value.len() + 2);
    let mut after_lower = false;
    for char in value.chars() {
        if after_lower && char.is_uppercase() {
            name.push(' ');
        }
        after_lower = char.is_lowercase();
        match char {
            '_' => name.push(' '),
            first if name.is_empty() => name.extend(first.to_uppercase()),
            other => name.push(other),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn values_become_names() {
        for (value, name) in [
            ("north", "North"),
            ("autonomous_region", "Autonomous region"),
            ("YRD", "YRD"),
            ("YangtzeEB", "Yangtze EB"),
            ("长三角", "长三角"),
        ] {
            assert_eq!(readable(value), name);
        }
    }
}
