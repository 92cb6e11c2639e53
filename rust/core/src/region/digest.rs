//! A hash of a table's content.
//!
//! In: the rows as read. Out: 64 bits (FNV-1a). Law kept: the same content gives the same hash on every
//! machine; every text carries its length, so that no two tables run together.

use super::table::{AliasRow, RegionRow};

struct Fnv(u64);

impl Fnv {
    fn bytes(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn number(&mut self, number: usize) {
        self.bytes(&(number as u64).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len());
        self.bytes(text.as_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.number(texts.len());
        texts.iter().for_each(|text| self.text(text));
    }

    fn pairs(&mut self, pairs: &[(String, String)]) {
        self.number(pairs.len());
        for (name, value) in pairs {
            self.text(name);
            self.text(value);
        }
    }
}

/// The hash of a table: its regions in their order (it numbers the leaves), its levels, its aliases. Lines
/// do not count.
pub(super) fn table(rows: &[RegionRow], levels: &[String], aliases: &[AliasRow]) -> u64 {
    let mut hash = Fnv(0xcbf2_9ce4_8422_2325);
    hash.texts(levels);
    hash.number(rows.len());
    for row in rows {
        hash.text(&row.code);
        hash.text(&row.name);
        hash.text(row.level.as_deref().unwrap_or_default());
        hash.text(row.parent.as_deref().unwrap_or_default());
        hash.pairs(&row.other_names);
        hash.texts(&row.aliases);
        hash.number(row.families.len());
        for (family, values) in &row.families {
            hash.text(family);
            hash.texts(values);
        }
        hash.pairs(&row.attributes);
    }
    hash.number(aliases.len());
    for alias in aliases {
        hash.text(&alias.code);
        hash.text(&alias.name);
        hash.text(&alias.target);
        hash.text(&alias.kind);
        hash.number(alias.year.map_or(0, usize::from));
    }
    hash.0
}
