//! Which row of a key counts.
//!
//! In: rows of one key: their versions, whether they delete, hashes of what they say. Out: the one that stays. The
//! highest explicit version wins; a row without one is older than any that has one, and among such rows the later
//! arrival wins. Rows of one version are told apart by what they say, never by where they stood: a deletion wins, then
//! the greater hash. So rows with explicit versions may come in any order (law 1).

/// What one row says about its key, as far as order is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The row's version, if it has one.
    pub version: Option<i64>,
    /// Whether it deletes the record.
    pub deletes: bool,
    /// The hash of the record; of no meaning in a row that deletes.
    pub hash: u128,
}

impl Claim {
    /// Whether this row, which arrived later, takes the place of the other.
    pub fn replaces(&self, earlier: &Self) -> bool {
        match (self.version, earlier.version) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(_), None) => true,
            (Some(mine), Some(other)) if mine != other => mine > other,
            _ if self.deletes || earlier.deletes => self.deletes && !earlier.deletes,
            _ => self.hash > earlier.hash,
        }
    }
}

/// Of rows in the order of their arrival the one that stays for each key, in that order. `order` are the rows' places,
/// those of a key beside each other and ascending; `same` says whether two rows have one key.
pub fn winners(order: &[u32], same: impl Fn(u32, u32) -> bool, claim: impl Fn(u32) -> Claim) -> Vec<u32> {
    let mut winners: Vec<u32> = Vec::with_capacity(order.len());
    for rows in order.chunk_by(|&a, &b| same(a, b)) {
        let mut best = rows[0];
        for &row in &rows[1..] {
            if claim(row).replaces(&claim(best)) {
                best = row;
            }
        }
        winners.push(best);
    }
    winners.sort_unstable();
    winners
}
