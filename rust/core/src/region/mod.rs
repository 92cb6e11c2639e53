//! Regions: a table of codes and names, its levels and families, and the resolver.
//!
//! In: rows of a region table and of its aliases. Out: [`Regions`], immutable: it resolves codes and names
//! to leaf regions (those of the finest level) and groups the leaves by level and by family. Laws kept: the
//! code is the key, never the name; a name that may mean several regions is not guessed; every leaf is in
//! exactly one region of each level, so that parts add up to their whole (law 6).
//!
//! Nothing here knows any country: a country is a table.

mod digest;
mod names;
mod table;
mod tree;
mod units;

#[cfg(test)]
mod tests;

pub use table::{AliasHeader, AliasRow, Aliases, Header, MAX_ROWS, RegionRow};
pub use units::{Unit, Units};

use crate::error::{Error, Place, Result};
use names::{Index, fold, is_digits};
use table::fault;
use tree::Tree;

/// A region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// Its key, as the table writes it.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its level, or its family.
    pub level: String,
    /// The code of the region that it is a part of.
    pub parent: Option<String>,
    /// Names in further columns of the table: column and name.
    pub other_names: Vec<(String, String)>,
    /// Facts about it: column and cell.
    pub attributes: Vec<(String, String)>,
}

/// What a code or a name means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The leaf region of that number.
    Leaf(u32),
    /// A region above the finest level: which of its parts is meant is not said.
    AboveLeaf,
    /// A name that several regions have; those of them that are leaves. [`Regions::alternatives`] gives all.
    Ambiguous(Vec<u32>),
    /// Nothing that the table knows.
    Unknown,
}

/// A region table: immutable, safe to share between threads.
#[derive(Debug)]
pub struct Regions {
    regions: Vec<Region>,
    tree: Tree,
    /// The rows of the regions of the finest level; a leaf's number is its place here.
    leaves: Vec<u32>,
    /// For each region its number as a leaf.
    leaf_number: Vec<Option<u32>>,
    /// For each region above the leaves the row of its leaf, where it has just one.
    sole_leaf: Vec<Option<u32>>,
    families: Vec<String>,
    /// For each region and family the values in its own row.
    values: Vec<Vec<Vec<String>>>,
    index: Index,
    hash: u64,
}

impl Regions {
    /// Builds a table from its rows. `source_name` is the file as the user named it, for errors.
    ///
    /// # Errors
    /// No rows or too many, empty or repeated codes, a parent or target that is not there, loops, a level
    /// with two depths, a family with the name of a level.
    pub fn build(source_name: &str, rows: Vec<RegionRow>, aliases: &Aliases) -> Result<Self> {
        check_size(source_name, rows.len())?;
        check_size(&aliases.source, aliases.rows.len())?;
        if rows.is_empty() {
            return Err(Error::format(
                Place::file(source_name),
                "the table has no regions; give at least one row",
            ));
        }
        let tree = tree::link(source_name, &rows)?;
        let families = family_names(source_name, &rows, &tree.levels)?;
        let (leaves, leaf_number) = number_leaves(&tree);
        let sole_leaf = find_sole_leaves(&tree, &leaves);
        let index = Index::build(&rows, &tree, &sole_leaf, aliases)?;
        let hash = digest::table(&rows, &tree.levels, &aliases.rows);
        let values = rows.iter().map(|row| family_values(row, &families)).collect();
        let parents: Vec<Option<String>> = tree
            .parent
            .iter()
            .map(|parent| parent.map(|parent| rows[parent as usize].code.clone()))
            .collect();
        let regions = rows
            .into_iter()
            .zip(parents)
            .zip(&tree.depth)
            .map(|((row, parent), &depth)| region(row, parent, &tree.levels[depth as usize]))
            .collect();
        Ok(Self { regions, tree, leaves, leaf_number, sole_leaf, families, values, index, hash })
    }

    /// The levels, coarse to fine.
    pub fn levels(&self) -> &[String] {
        &self.tree.levels
    }

    /// The finest level.
    pub fn leaf_level(&self) -> &str {
        self.tree.levels.last().map_or("", String::as_str)
    }

    /// The families: groupings of regions that are no level.
    pub fn families(&self) -> &[String] {
        &self.families
    }

    /// How many regions of the finest level there are.
    pub fn leaf_count(&self) -> usize {
        self.leaves.len()
    }

    /// A leaf region by its number, which is below [`Regions::leaf_count`]; leaves are numbered in the
    /// order of the table.
    pub fn leaf(&self, number: u32) -> &Region {
        &self.regions[self.leaves[number as usize] as usize]
    }

    /// All regions of all levels, in the order of the table.
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// A hash of the table's content: sums made with one table do not mix with another's.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// What a number means: always a code.
    pub fn resolve_code(&self, code: i64) -> Resolution {
        self.index.number(code).map_or(Resolution::Unknown, |node| self.of_code(node))
    }

    /// What a text means: a code, or a name, alone or qualified by the region that it is in. A text of
    /// digits is a code and nothing else; no code is guessed from how it begins.
    pub fn resolve_text(&self, text: &str) -> Resolution {
        let folded = fold(text);
        if let Some(node) = self.index.code(&folded) {
            return self.of_code(node);
        }
        if folded.is_empty() || is_digits(&folded) {
            return Resolution::Unknown;
        }
        self.of_names(&self.index.name(&folded))
    }

    /// All regions that a text may mean, of whatever level, in the order of the table: what to choose from
    /// where it is ambiguous.
    pub fn alternatives(&self, text: &str) -> Vec<&Region> {
        let folded = fold(text);
        let nodes = match self.index.code(&folded) {
            Some(node) => vec![node],
            None if folded.is_empty() || is_digits(&folded) => Vec::new(),
            None => self.index.name(&folded),
        };
        nodes.into_iter().map(|node| &self.regions[node as usize]).collect()
    }

    fn of_code(&self, node: u32) -> Resolution {
        self.leaf_number[node as usize].map_or(Resolution::AboveLeaf, Resolution::Leaf)
    }

    fn of_names(&self, nodes: &[u32]) -> Resolution {
        let mut leaves: Vec<u32> = Vec::new();
        let mut above = false;
        for &node in nodes {
            // A region with one leaf only has that leaf's names: a municipality is its city.
            let node = self.sole_leaf[node as usize].unwrap_or(node);
            match self.leaf_number[node as usize] {
                Some(leaf) if leaves.contains(&leaf) => {}
                Some(leaf) => leaves.push(leaf),
                None => above = true,
            }
        }
        match (leaves.as_slice(), above) {
            ([], false) => Resolution::Unknown,
            ([], true) => Resolution::AboveLeaf,
            (&[leaf], false) => Resolution::Leaf(leaf),
            _ => Resolution::Ambiguous(leaves),
        }
    }

    /// A region and all that it is in, upwards.
    fn lineage(&self, node: u32) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(node), |&node| self.tree.parent[node as usize])
    }
}

fn check_size(source: &str, rows: usize) -> Result<()> {
    if rows <= MAX_ROWS {
        return Ok(());
    }
    let text = format!("more than {MAX_ROWS} rows; a region table has one row per region, not per record");
    Err(Error::format(Place::file(source), text))
}

fn region(row: RegionRow, parent: Option<String>, level: &str) -> Region {
    let filled = |(_, cell): &(String, String)| !cell.is_empty();
    Region {
        name: if row.name.is_empty() { row.code.clone() } else { row.name },
        code: row.code,
        level: level.to_owned(),
        parent,
        other_names: row.other_names.into_iter().filter(filled).collect(),
        attributes: row.attributes.into_iter().filter(filled).collect(),
    }
}

/// The families in the order in which the rows name them.
fn family_names(source: &str, rows: &[RegionRow], levels: &[String]) -> Result<Vec<String>> {
    let mut families: Vec<String> = Vec::new();
    for row in rows {
        for (family, _) in &row.families {
            if families.contains(family) {
                continue;
            }
            if levels.contains(family) {
                let text = format!(
                    "family `{family}` has the name of a level; rename the column, or the level in the column `level`"
                );
                return Err(fault(source, row.line, text));
            }
            families.push(family.clone());
        }
    }
    Ok(families)
}

fn family_values(row: &RegionRow, families: &[String]) -> Vec<Vec<String>> {
    let of = |family: &String| row.families.iter().find(|(name, _)| name == family);
    families.iter().map(|family| of(family).map_or_else(Vec::new, |(_, values)| values.clone())).collect()
}

fn number_leaves(tree: &Tree) -> (Vec<u32>, Vec<Option<u32>>) {
    let finest = tree.levels.len() as u32 - 1;
    let mut leaves = Vec::new();
    let mut number = vec![None; tree.depth.len()];
    for (node, &depth) in tree.depth.iter().enumerate() {
        if depth == finest {
            number[node] = Some(leaves.len() as u32);
            leaves.push(node as u32);
        }
    }
    (leaves, number)
}

fn find_sole_leaves(tree: &Tree, leaves: &[u32]) -> Vec<Option<u32>> {
    let mut counts = vec![0u32; tree.depth.len()];
    let mut sole = vec![None; tree.depth.len()];
    for &leaf in leaves {
        let mut at = tree.parent[leaf as usize];
        while let Some(node) = at {
            counts[node as usize] += 1;
            sole[node as usize] = (counts[node as usize] == 1).then_some(leaf);
            at = tree.parent[node as usize];
        }
    }
    sole
}
