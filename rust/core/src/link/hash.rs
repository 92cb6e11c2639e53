//! Keyed 64-bit hashes of identifiers, the type inside the key.
//!
//! In: a key of 16 bytes, the name of a type, a value (an integer or a text). Out: a hash that is the same on
//! every machine and in every version. SipHash-2-4 (Aumasson, Bernstein 2012): without the key nobody can find
//! a phone number by trying them all. A text that is the decimal form of an integer has the integer's hash, so
//! columns of text and of integers meet.

/// The key of the hashes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashKey([u64; 2]);

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(..)")
    }
}

impl HashKey {
    /// A key of 16 bytes.
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(words(&bytes))
    }

    /// A key made of a secret of any length, 16 bytes at least.
    pub fn of_secret(secret: &[u8]) -> Option<Self> {
        (secret.len() >= 16).then(|| {
            let [a, b] = [1, 2].map(|number| siphash([number, 0x6372_6564_6974_6b65], secret));
            Self([a, b])
        })
    }

    /// What tells two keys apart and gives none of them away.
    pub fn fingerprint(&self) -> u64 {
        siphash(self.0, b"creditcore hash key")
    }

    fn of(&self, purpose: &[u8], name: &str) -> [u64; 2] {
        let mut text = purpose.to_vec();
        text.extend_from_slice(name.as_bytes());
        let first = siphash(self.0, &text);
        text.push(0xff);
        [first, siphash(self.0, &text)]
    }
}

fn words(bytes: &[u8; 16]) -> [u64; 2] {
    let whole = u128::from_le_bytes(*bytes);
    [whole as u64, (whole >> 64) as u64]
}

/// Hashes the values of one type.
#[derive(Clone, Debug)]
pub(super) struct TypeHash {
    texts: [u64; 2],
    integers: [u64; 2],
    fast: bool,
}

impl TypeHash {
    /// Hashes of the type `name`, to be kept.
    pub(super) fn new(key: &HashKey, name: &str) -> Self {
        Self { texts: key.of(b"text ", name), integers: key.of(b"integer ", name), fast: false }
    }

    /// Hashes of the type `name` that never leave the process: integers are only mixed, two of a type never
    /// to the same hash.
    pub(super) fn fast(key: &HashKey, name: &str) -> Self {
        Self { fast: true, ..Self::new(key, name) }
    }

    /// The hash of a value in its normal form.
    pub(super) fn text(&self, text: &str) -> u64 {
        match canonical_integer(text.as_bytes()) {
            Some(integer) => self.integer(integer),
            None => siphash(self.texts, text.as_bytes()),
        }
    }

    /// The hash of an integer.
    #[inline(always)]
    pub(super) fn integer(&self, integer: u64) -> u64 {
        if self.fast { mixed(integer ^ self.integers[0]) } else { siphash_word(self.integers, integer) }
    }
}

/// What orders values of a type: the same for every key, the integer itself for an integer.
pub(super) fn order(text: &str) -> u64 {
    canonical_integer(text.as_bytes()).unwrap_or_else(|| siphash([0, 0], text.as_bytes()))
}

/// The integer of which a text is the decimal form, if it is one below 2^64 without sign or leading zero.
fn canonical_integer(text: &[u8]) -> Option<u64> {
    if !matches!(text.len(), 1..=20) || (text[0] == b'0' && text.len() > 1) {
        return None;
    }
    text.iter().try_fold(0u64, |number, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// Spreads an integer over all bits, one to one (Stafford's variant 13 of the finisher of MurmurHash3).
#[inline(always)]
pub(super) fn mixed(mut x: u64) -> u64 {
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
pub(super) fn siphash(key: [u64; 2], bytes: &[u8]) -> u64 {
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

/// SipHash-2-4 of the eight little-endian bytes of an integer.
#[inline(never)]
fn siphash_word(key: [u64; 2], integer: u64) -> u64 {
    let mut state = Sip::new(key);
    state.word(integer);
    state.word(8 << 56);
    state.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siphash_gives_the_published_values() {
        // The reference key 00 01 .. 0f over the inputs (), (00), .. of the paper's test vectors.
        let key = words(&std::array::from_fn(|at| at as u8));
        let wanted =
            [0x726f_db47_dd0e_0e31, 0x74f8_39c5_93dc_67fd, 0x0d6c_8009_d9a9_4f5a, 0x8567_6696_d7fb_7e2d];
        for (length, wanted) in wanted.into_iter().enumerate() {
            let bytes: Vec<u8> = (0..length as u8).collect();
            assert_eq!(siphash(key, &bytes), wanted, "{length} bytes");
        }
        // The paper's worked example: 15 bytes.
        assert_eq!(siphash(key, &(0..15).collect::<Vec<u8>>()), 0xa129_ca61_49be_45e5);
        let integer = 0x0706_0504_0302_0100;
        assert_eq!(siphash_word(key, integer), siphash(key, &integer.to_le_bytes()));
    }

    #[test]
    fn integers_and_their_texts_meet_and_types_and_keys_part() {
        let key = HashKey::of_secret(b"a secret of some length").expect("long enough");
        let phone = TypeHash::new(&key, "phone");
        assert_eq!(phone.text("13812345678"), phone.integer(13_812_345_678));
        assert_eq!(phone.text("18446744073709551615"), phone.integer(u64::MAX));
        for text in ["013812345678", "1381234567x", "18446744073709551616", ""] {
            assert_ne!(phone.text(text), phone.integer(13_812_345_678));
        }
        let other = HashKey::of_secret(b"a secret of some lengtH").expect("long enough");
        for different in [TypeHash::new(&key, "device"), TypeHash::new(&other, "phone")] {
            assert_ne!(phone.integer(1), different.integer(1));
            assert_ne!(phone.text("a"), different.text("a"));
        }
        assert_ne!(key.fingerprint(), other.fingerprint());
        assert!(HashKey::of_secret(b"short").is_none());
    }

    #[test]
    fn hashes_stay_what_they_are() {
        let hash = TypeHash::new(&HashKey::new([7; 16]), "device");
        assert_eq!([hash.text("D1"), hash.integer(5)], [HASH_OF_D1, HASH_OF_5]);
    }

    /// As this version first gave them: stored networks depend on them.
    const HASH_OF_D1: u64 = 8_292_350_619_112_550_372;
    const HASH_OF_5: u64 = 4_890_030_718_529_251_040;
}
