//! Keyed 64-bit hashes that stand for values: identifiers, entries of lists.
//!
//! In: a key of 16 bytes, bytes or an integer. Out: a hash that is the same on every machine and in every version.
//! SipHash-2-4 (Aumasson, Bernstein 2012): without the key nobody can find a phone number by trying them all.

/// The key of the hashes.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct HashKey([u64; 2]);

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(..)")
    }
}

impl HashKey {
    /// A key of 16 bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        let whole = u128::from_le_bytes(bytes);
        Self([whole as u64, (whole >> 64) as u64])
    }

    /// A key made of a secret of any length, 16 bytes at least.
    pub fn of_secret(secret: &[u8]) -> Option<Self> {
        (secret.len() >= 16).then(|| {
            let [a, b] = [1, 2].map(|number| Self([number, 0x6372_6564_6974_6b65]).hash(secret));
            Self([a, b])
        })
    }

    /// A key for one purpose of this one, and one name.
    pub(crate) fn derived(self, purpose: &[u8], name: &str) -> Self {
        let mut text = purpose.to_vec();
        text.extend_from_slice(name.as_bytes());
        let first = self.hash(&text);
        text.push(0xff);
        Self([first, self.hash(&text)])
    }

    /// What tells two keys apart and gives none of them away.
    pub fn fingerprint(self) -> u64 {
        self.hash(b"creditcore hash key")
    }

    /// The hash of some bytes.
    pub fn hash(self, bytes: &[u8]) -> u64 {
        siphash(self.0, bytes)
    }

    /// The hash of the eight little-endian bytes of an integer.
    #[inline(never)]
    pub(crate) fn hash_integer(self, integer: u64) -> u64 {
        let mut state = Sip::new(self.0);
        state.word(integer);
        state.word(8 << 56);
        state.finish()
    }

    /// The integer under the first half of the key, one to one: for hashes that never leave the process.
    #[inline(always)]
    pub(crate) fn mix(self, integer: u64) -> u64 {
        mixed(integer ^ self.0[0])
    }
}

/// Spreads an integer over all bits, one to one (Stafford's variant 13 of the finisher of MurmurHash3).
#[inline(always)]
pub(crate) fn mixed(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The state of SipHash.
struct Sip([u64; 4]);

impl Sip {
    #[inline(always)]
    fn new([k0, k1]: [u64; 2]) -> Self {
        Self([
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ])
    }

    #[inline(always)]
    fn round(&mut self) {
        let [mut v0, mut v1, mut v2, mut v3] = self.0;
        v0 = v0.wrapping_add(v1);
        v2 = v2.wrapping_add(v3);
        v1 = v1.rotate_left(13) ^ v0;
        v3 = v3.rotate_left(16) ^ v2;
        v0 = v0.rotate_left(32);
        v2 = v2.wrapping_add(v1);
        v0 = v0.wrapping_add(v3);
        v1 = v1.rotate_left(17) ^ v2;
        v3 = v3.rotate_left(21) ^ v0;
        v2 = v2.rotate_left(32);
        self.0 = [v0, v1, v2, v3];
    }

    #[inline(always)]
    fn word(&mut self, word: u64) {
        self.0[3] ^= word;
        self.round();
        self.round();
        self.0[0] ^= word;
    }

    #[inline(always)]
    fn finish(mut self) -> u64 {
        self.0[2] ^= 0xff;
        (0..4).for_each(|_| self.round());
        self.0.iter().fold(0, |all, word| all ^ word)
    }
}

/// SipHash-2-4.
pub(crate) fn siphash(key: [u64; 2], bytes: &[u8]) -> u64 {
    let mut state = Sip::new(key);
    let words = bytes.chunks_exact(8);
    let rest = words.remainder();
    for word in words {
        state.word(word.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte)));
    }
    let tail = rest.iter().rev().fold(0, |all, &byte| all << 8 | u64::from(byte));
    state.word(tail | (bytes.len() as u64) << 56);
    state.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siphash_gives_the_published_values() {
        // The reference key 00 01 .. 0f over the inputs (), (00), .. of the paper's test vectors.
        let key = HashKey::new(std::array::from_fn(|at| at as u8));
        let wanted =
            [0x726f_db47_dd0e_0e31, 0x74f8_39c5_93dc_67fd, 0x0d6c_8009_d9a9_4f5a, 0x8567_6696_d7fb_7e2d];
        for (length, wanted) in wanted.into_iter().enumerate() {
            let bytes: Vec<u8> = (0..length as u8).collect();
            assert_eq!(key.hash(&bytes), wanted, "{length} bytes");
        }
        // The paper's worked example: 15 bytes.
        assert_eq!(key.hash(&(0..15).collect::<Vec<u8>>()), 0xa129_ca61_49be_45e5);
        let integer = 0x0706_0504_0302_0100;
        assert_eq!(key.hash_integer(integer), key.hash(&integer.to_le_bytes()));
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", HashKey::new([7; 16])), "HashKey(..)");
    }
}
