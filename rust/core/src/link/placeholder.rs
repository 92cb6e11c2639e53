//! Values that stand for nothing, and so link nobody.
//!
//! In: normal forms. Out: whether one is a placeholder. The list is documented in `docs/network.md`; a type may
//! have more.

use std::collections::{BTreeSet, HashSet};

use super::normalise::Normaliser;

/// Texts that say that there is no value, in lower case.
pub(super) const WORDS: &[&str] = &[
    "",
    "-",
    "--",
    "---",
    ".",
    "?",
    "/",
    "\\",
    "*",
    "\\n",
    "\\\\n",
    "#n/a",
    "n/a",
    "na",
    "n.a.",
    "n.a",
    "nan",
    "nil",
    "none",
    "null",
    "(null)",
    "<null>",
    "<na>",
    "nat",
    "undefined",
    "unknown",
    "unk",
    "unavailable",
    "missing",
    "empty",
    "blank",
    "default",
    "not available",
    "not applicable",
    "not provided",
    "no data",
    "test",
    "false",
    "无",
    "暂无",
    "没有",
    "未知",
    "不详",
    "不明",
    "空",
    "空值",
    "不知道",
    "未提供",
    "未填写",
    "未填",
    "缺失",
    "其他",
    "测试",
    "默认",
];

/// Numbers that people type where a number is wanted, and what devices give that have none.
pub(super) const NUMBERS: &[&str] = &[
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "0123456789",
    "123456789012345",
    "654321",
    "987654321",
    "13800138000",
    "13800000000",
    "13900000000",
    "13812345678901",
    "012345678912345",
    "004999010640000",
    "9774d56d682e549c",
    "020000000000",
    "02:00:00:00:00:00",
    "0.0.0.0",
    "127.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
];

/// A digit, or a letter of hexadecimal ends, so many times alone is no number.
const REPEATED: usize = 6;
/// Bits of the filter in front of integer placeholders.
const FILTER: usize = 1 << 10;

/// The placeholders of one type.
#[derive(Clone, Debug)]
pub(super) struct Placeholders {
    texts: HashSet<String>,
    integers: BTreeSet<u64>,
    /// A bit for each integer placeholder, by its last bits.
    filter: Box<[bool; FILTER]>,
}

impl Placeholders {
    /// The listed ones, and those declared for a type.
    pub(super) fn new(normaliser: Normaliser, declared: &[String]) -> Self {
        let mut made = Self {
            texts: WORDS.iter().chain(NUMBERS).map(|&text| text.to_owned()).collect(),
            integers: BTreeSet::from([0]),
            filter: Box::new([false; FILTER]),
        };
        // A column of integers holds numbers that some system gave out, of which `123456` is one like any other.
        if matches!(normaliser, Normaliser::Phone | Normaliser::Card) {
            made.integers.extend(NUMBERS.iter().filter_map(|text| text.parse::<u64>().ok()));
            for digit in 1..=9u64 {
                let mut number = 0;
                for length in 1..=19 {
                    number = number * 10 + digit;
                    made.integers.extend((length >= REPEATED).then_some(number));
                }
            }
        }
        for text in declared {
            let plain = normaliser.plain(text);
            made.texts.insert(plain.trim().to_lowercase());
            let normal = normaliser.formed(plain).into_owned();
            made.integers.extend(normal.parse::<u64>().ok());
            made.texts.insert(normal.to_lowercase());
        }
        made.integers.iter().for_each(|&number| made.filter[number as usize % FILTER] = true);
        made
    }

    #[inline(always)]
    pub(super) fn has_integer(&self, integer: u64) -> bool {
        self.filter[integer as usize % FILTER] && (integer == 0 || self.integers.contains(&integer))
    }

    /// Whether a text in its normal form says nothing.
    pub(super) fn has_text(&self, text: &str) -> bool {
        let trimmed = text.trim();
        if is_repeated(trimmed.as_bytes()) {
            return true;
        }
        if trimmed.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return self.texts.contains(trimmed) || self.texts.contains(&trimmed.to_lowercase());
        }
        self.texts.contains(trimmed)
    }
}

/// Noughts alone, with separators or without; or one sign of `1` to `9`, `f`, `x`, `*` six times or more.
fn is_repeated(text: &[u8]) -> bool {
    let separator = |byte: &u8| matches!(byte, b'-' | b':' | b'.' | b' ');
    let Some(&first) = text.iter().find(|&byte| !separator(byte)) else { return !text.is_empty() };
    if !(first.is_ascii_digit() || matches!(first, b'f' | b'F' | b'x' | b'X' | b'*')) {
        return false;
    }
    let alone = text.iter().all(|byte| *byte == first || separator(byte));
    alone && (first == b'0' || text.iter().filter(|&byte| *byte == first).count() >= REPEATED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_is_found() {
        let all = Placeholders::new(Normaliser::Text, &["D0000".into(), "77".into()]);
        let nothing = [
            "",
            " ",
            "0",
            "000",
            "00000000-0000-0000-0000-000000000000",
            "111111",
            "ffffffffffff",
            "null",
            "NULL",
            "\\n",
            "n/a",
            "无",
            "unknown",
            "123456",
            "13800138000",
            "d0000",
            "D0000",
            "77",
            "02:00:00:00:00:00",
            "-",
        ];
        for text in nothing {
            assert!(all.has_text(text), "{text:?}");
        }
        for text in ["1", "11111", "abc", "00a0", "0010", "13812345678", "d00000", "nobody", "ffff"] {
            assert!(!all.has_text(text), "{text:?}");
        }
        assert!(all.has_integer(0) && all.has_integer(77));
        assert!(!all.has_integer(123_456) && !all.has_integer(1024) && !all.has_integer(111_111));
    }

    #[test]
    fn columns_of_numbers_that_people_type_have_more() {
        let phones = Placeholders::new(Normaliser::Phone, &[]);
        for number in [0, 13_800_138_000, 11_111_111_111, 123_456] {
            assert!(phones.has_integer(number), "{number}");
        }
        assert!(!phones.has_integer(13_812_345_678));
    }
}
