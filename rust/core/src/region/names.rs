//! From a code or a name to a region.
//!
//! In: the regions' codes and names, the aliases; then a text. Out: the regions that it may mean. Law
//! kept: the code is the key; a name that may mean several regions is never guessed.

use std::collections::HashMap;

use super::table::{Aliases, RegionRow, fault};
use super::tree::Tree;
use crate::error::{Result, nearest};

/// The form in which texts are compared: full-width letters and digits as ASCII, lower case, no
/// apostrophes (Xi'an, Xian), single blanks.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for char in text.trim().chars() {
        let char = match char {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(char as u32 - 0xfee0).unwrap_or(char),
            other => other,
        };
        match char {
            '\'' | '’' | '‘' | 'ʼ' => {}
            blank if blank.is_whitespace() => {
                if !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            other => folded.extend(other.to_lowercase()),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

/// All ways to name a region, folded.
#[derive(Debug, Default)]
pub(super) struct Index {
    codes: HashMap<String, u32>,
    /// Codes of digits with leading zeros, without them: a number column has lost them. `None`: several.
    unpadded: HashMap<String, Option<u32>>,
    /// Names of regions, of aliases in use, of aliases out of use: the earlier go before the later.
    names: [HashMap<String, Vec<u32>>; 3],
    parent: Vec<Option<u32>>,
    longest: usize,
}

impl Index {
    /// Indexes a table. `sole_leaf` gives for a region above the finest level the only region of the finest
    /// level in it: the two share their names.
    ///
    /// # Errors
    /// An alias whose target is not there, or whose code is a region's or another alias's.
    pub(super) fn build(
        rows: &[RegionRow],
        tree: &Tree,
        sole_leaf: &[Option<u32>],
        aliases: &Aliases,
    ) -> Result<Self> {
        let mut index = Self { parent: tree.parent.clone(), ..Self::default() };
        for (code, node) in tree.codes.iter() {
            index.codes.insert(code.to_owned(), node);
        }
        for (node, row) in (0u32..).zip(rows) {
            let name = if row.name.is_empty() { &row.code } else { &row.name };
            let others = row.other_names.iter().map(|(_, name)| name).chain(&row.aliases);
            for name in std::iter::once(name).chain(others) {
                index.add_name(0, name, node);
                if let Some(leaf) = sole_leaf[node as usize] {
                    index.add_name(0, name, leaf);
                }
            }
        }
        index.add_aliases(rows, aliases)?;
        let padded: Vec<(String, u32)> = index
            .codes
            .iter()
            .filter(|(code, _)| code.starts_with('0') && is_digits(code))
            .map(|(code, &node)| (code.trim_start_matches('0').to_owned(), node))
            .collect();
        for (code, node) in padded {
            index.unpadded.entry(code).and_modify(|known| *known = None).or_insert(Some(node));
        }
        Ok(index)
    }

    fn add_name(&mut self, rank: usize, name: &str, node: u32) {
        let folded = fold(name);
        if folded.is_empty() {
            return;
        }
        self.longest = self.longest.max(folded.chars().count());
        let nodes = self.names[rank].entry(folded).or_default();
        if !nodes.contains(&node) {
            nodes.push(node);
        }
    }

    fn add_aliases(&mut self, rows: &[RegionRow], aliases: &Aliases) -> Result<()> {
        let source = &aliases.source;
        let regions = self.codes.clone();
        let mut lines: HashMap<String, u64> = HashMap::new();
        for alias in &aliases.rows {
            let Some(&target) = regions.get(&fold(&alias.target)) else {
                let hint = nearest(&alias.target, rows.iter().take(10_000).map(|row| row.code.as_str()))
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default();
                let text = format!(
                    "alias `{}` has the target `{}`, which is not the code of a region{hint}",
                    if alias.code.is_empty() { &alias.name } else { &alias.code },
                    alias.target
                );
                return Err(fault(source, alias.line, text));
            };
            let code = fold(&alias.code);
            if !code.is_empty() {
                if let Some(&region) = regions.get(&code) {
                    let text = format!(
                        "alias `{}` repeats the code of the region on line {} of the region table; take it out",
                        alias.code, rows[region as usize].line
                    );
                    return Err(fault(source, alias.line, text));
                }
                if let Some(line) = lines.insert(code.clone(), alias.line) {
                    let text =
                        format!("alias `{}` is already on line {line}; a code has one target", alias.code);
                    return Err(fault(source, alias.line, text));
                }
                self.codes.insert(code, target);
            }
            self.add_name(if alias.year.is_none() { 1 } else { 2 }, &alias.name, target);
        }
        Ok(())
    }

    /// The region of a folded code.
    pub(super) fn code(&self, folded: &str) -> Option<u32> {
        self.codes.get(folded).copied()
    }

    /// The region of a number, which has lost the leading zeros that its code may have.
    pub(super) fn number(&self, code: i64) -> Option<u32> {
        let text = code.to_string();
        self.code(&text).or_else(|| self.unpadded.get(&text).copied().flatten())
    }

    /// The regions that a folded name may mean, in the order of the table.
    pub(super) fn name(&self, folded: &str) -> Vec<u32> {
        // A region's name within that of the regions that it is in: no longer than the longest of each.
        if folded.chars().count() > self.longest.saturating_mul(4) {
            return Vec::new();
        }
        let mut nodes = self.within(folded, None);
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The regions below `area` (anywhere, if none) that a text may mean, alone or qualified by names of
    /// regions in between, in front (`Jiangsu Suzhou`) or behind a comma (`Suzhou, Jiangsu`).
    fn within(&self, text: &str, area: Option<u32>) -> Vec<u32> {
        let alone = self.alone(text, area);
        if !alone.is_empty() || text.is_empty() {
            return alone;
        }
        let mut found = Vec::new();
        for (split, _) in text.char_indices().skip(1).take(self.longest) {
            let (front, rest) = text.split_at(split);
            if is_border(front, rest) {
                self.qualified(front, rest.trim_start_matches(is_separator), area, &mut found);
            }
        }
        if let Some((rest, behind)) = text.rsplit_once(',') {
            self.qualified(behind.trim(), rest.trim(), area, &mut found);
        }
        found
    }

    /// Adds what `rest` means within the regions below `area` that `qualifier` names.
    fn qualified(&self, qualifier: &str, rest: &str, area: Option<u32>, found: &mut Vec<u32>) {
        let regions = self.names[0].get(qualifier).map_or(&[][..], Vec::as_slice);
        for &region in regions.iter().filter(|&&region| self.is_below(region, area)) {
            found.extend(self.within(rest, Some(region)));
        }
    }

    /// The regions below `area` that have this very name. An alias of `area` itself is a part of it.
    fn alone(&self, text: &str, area: Option<u32>) -> Vec<u32> {
        for (rank, names) in self.names.iter().enumerate() {
            let nodes: Vec<u32> = names.get(text).map_or_else(Vec::new, |nodes| {
                let fits = |&&node: &&u32| self.is_below(node, area) || (rank > 0 && area == Some(node));
                nodes.iter().filter(fits).copied().collect()
            });
            if !nodes.is_empty() {
                return nodes;
            }
        }
        Vec::new()
    }

    fn is_below(&self, node: u32, area: Option<u32>) -> bool {
        let Some(area) = area else { return true };
        let mut at = self.parent[node as usize];
        while let Some(above) = at {
            if above == area {
                return true;
            }
            at = self.parent[above as usize];
        }
        false
    }
}

/// Whether a text is a code of digits.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_separator(char: char) -> bool {
    char.is_whitespace() || matches!(char, ',' | '-' | '/' | '\\' | '|' | '>' | '_' | '·' | '、' | '–' | '—')
}

/// Whether a name may end between the two: not in the middle of a word of letters. In scripts without
/// blanks every place is one.
fn is_border(front: &str, rest: &str) -> bool {
    let is_letter = |char: Option<char>| char.is_some_and(|char| char.is_alphanumeric() && char < '\u{2e80}');
    let inside_word = is_letter(front.chars().next_back()) && is_letter(rest.chars().next());
    !inside_word && !front.ends_with(is_separator)
}
