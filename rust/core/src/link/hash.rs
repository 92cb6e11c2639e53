//! Keyed 64-bit hashes of identifiers, the type inside the key.
//!
//! In: a key of 16 bytes, the name of a type, a value (an integer or a text). Out: a hash that is the same on
//! every machine and in every version ([`crate::id`]). A text that is the decimal form of an integer has the
//! integer's hash, so columns of text and of integers meet.

use crate::id::{HashKey, siphash};

/// Hashes the values of one type.
#[derive(Clone, Debug)]
pub(super) struct TypeHash {
    texts: HashKey,
    integers: HashKey,
    fast: bool,
}

impl TypeHash {
    /// Hashes of the type `name`, to be kept.
    pub(super) fn new(key: &HashKey, name: &str) -> Self {
        Self { texts: key.derived(b"text ", name), integers: key.derived(b"integer ", name), fast: false }
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
            None => self.texts.hash(text.as_bytes()),
        }
    }

    /// The hash of an integer.
    #[inline(always)]
    pub(super) fn integer(&self, integer: u64) -> u64 {
        if self.fast { self.integers.mix(integer) } else { self.integers.hash_integer(integer) }
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

#[cfg(test)]
mod tests {
    use super::*;

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
