//! Normal forms: the one spelling of an identifier that others are brought to.
//!
//! In: a text, or an integer. Out: its normal form for a kind of identifier. What does not look like the kind
//! (letters in a phone number, say) keeps its plain text form, so nothing is lost and nothing is guessed.
//! Full-width letters and digits become plain ones (NFKC of Unicode) in all forms but `exact`.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

/// Which normal form a type has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normaliser {
    /// As it is.
    Exact,
    /// Lower case, without spaces around it, single spaces inside.
    Text,
    /// Digits without spaces, hyphens and brackets, without +86, 0086 or 86; other countries with `+`.
    Phone,
    /// Identity cards of 18 characters; those of 15 digits with century and check digit.
    Identity,
    /// Digits without spaces and hyphens: bank cards, accounts.
    Card,
    /// Lower case, without spaces and punctuation; what stands between two numbers becomes one hyphen.
    Address,
    /// IP addresses without port, zone and leading zeros; version 4 inside version 6 as version 4.
    Ip,
    /// Twelve hexadecimal digits in lower case.
    Mac,
}

/// Names of kinds of identifier: normaliser, cap, strength as measured on synthetic applications.
type Family = (&'static [&'static str], Normaliser, u32, f64);

const FAMILIES: &[Family] = &[
    (
        &["identity", "identity_card", "id_card", "idcard", "id_number", "id_no"],
        Normaliser::Identity,
        10,
        9.9,
    ),
    (&["card", "bank_card", "bankcard", "account", "bank_account"], Normaliser::Card, 10, 6.4),
    (&["device", "device_id", "imei", "oaid", "idfa", "android_id"], Normaliser::Text, 50, 4.1),
    (&["mac", "wifi", "bssid"], Normaliser::Mac, 50, 4.1),
    (&["phone", "mobile", "tel", "telephone", "phone_number"], Normaliser::Phone, 50, 0.10),
    (&["company", "employer", "work_unit"], Normaliser::Text, 50, 3.0),
    (&["ip", "ip_address"], Normaliser::Ip, 50, 0.55),
    (&["address", "home_address"], Normaliser::Address, 50, 0.28),
];

/// Names that are taken for phones shown as contacts.
const CONTACTS: &[&str] = &["contact", "contact_phone", "emergency_contact", "contact_mobile"];

/// What a name says of a type: normaliser, cap, strength.
pub(super) fn family(name: &str) -> (Normaliser, u32, f64) {
    let lower = name.to_lowercase();
    let known = FAMILIES.iter().find(|(names, ..)| names.contains(&lower.as_str()));
    known.map_or((Normaliser::Text, 50, 1.0), |&(_, normaliser, cap, strength)| (normaliser, cap, strength))
}

/// Whether a name stands for the phones of contacts.
pub(super) fn is_contact(name: &str) -> bool {
    CONTACTS.contains(&name.to_lowercase().as_str())
}

impl Normaliser {
    /// The normal form of a text.
    pub fn text(self, text: &str) -> Cow<'_, str> {
        self.formed(self.plain(text))
    }

    /// The plain form of a text: lower case, without needless spaces and full-width letters.
    pub(super) fn plain(self, text: &str) -> Cow<'_, str> {
        if self == Self::Exact { Cow::Borrowed(text) } else { plain(text) }
    }

    /// The normal form of a text in its plain form.
    pub(super) fn formed(self, plain: Cow<'_, str>) -> Cow<'_, str> {
        let formed = match self {
            Self::Exact | Self::Text => None,
            Self::Phone => phone(&plain),
            Self::Identity => identity(&plain),
            Self::Card => digits(&plain),
            Self::Address => Some(address(&plain)),
            Self::Ip => ip(&plain),
            Self::Mac => mac(&plain),
        };
        match formed {
            Some(formed) if formed != plain => Cow::Owned(formed),
            _ => plain,
        }
    }

    /// The normal form of an integer, where that is one: none where its digits must be read as text.
    #[inline(always)]
    pub fn integer(self, integer: u64) -> Option<u64> {
        match self {
            Self::Phone if (MOBILE_86..MOBILE_86 + 10_000_000_000).contains(&integer) => {
                Some(integer - 8_600_000_000_000)
            }
            Self::Identity if FIRST_GENERATION.contains(&integer) => None,
            _ => Some(integer),
        }
    }
}

/// Identity cards of 15 digits.
const FIRST_GENERATION: std::ops::Range<u64> = 100_000_000_000_000..1_000_000_000_000_000;
/// The first mobile number behind 86.
const MOBILE_86: u64 = 8_610_000_000_000;

/// Lower case, NFKC, no spaces around, single spaces inside; borrowed where a text is so already.
fn plain(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let clean = |&byte: &u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
    if bytes.iter().all(clean) {
        return Cow::Borrowed(text);
    }
    let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let mut made = String::with_capacity(folded.len());
    for word in
        folded.split(|letter: char| letter.is_whitespace() || letter.is_control() || is_invisible(letter))
    {
        if !made.is_empty() && !word.is_empty() {
            made.push(' ');
        }
        made.push_str(word);
    }
    Cow::Owned(made)
}

/// Letters that no eye sees: zero-width spaces and joiners, byte order marks.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// A text without the separators that people put between digits; none where anything else is in it.
fn without_separators(text: &str, allowed: impl Fn(char) -> bool) -> Option<String> {
    let separator =
        |letter: char| matches!(letter, ' ' | '-' | '‐' | '‑' | '–' | '—' | '.' | '(' | ')' | '/');
    let kept: String = text.chars().filter(|&letter| !separator(letter)).collect();
    (!kept.is_empty() && kept.chars().all(allowed)).then_some(kept)
}

fn digits(text: &str) -> Option<String> {
    without_separators(text, |letter| letter.is_ascii_digit())
}

fn is_mobile(digits: &str) -> bool {
    digits.len() == 11 && digits.starts_with('1')
}

fn phone(text: &str) -> Option<String> {
    let (plus, rest) = text.strip_prefix('+').map_or((false, text), |rest| (true, rest));
    let found = digits(rest)?;
    let (abroad, number) = match found.strip_prefix("00") {
        Some(number) if !plus => (true, number),
        _ => (plus, found.as_str()),
    };
    let home = number.strip_prefix("86").filter(|rest| is_mobile(rest) || (abroad && rest.len() >= 7));
    Some(match home {
        Some(mobile) if is_mobile(mobile) => mobile.to_owned(),
        // A land line: at home its area code starts with a nought.
        Some(line) => format!("0{}", line.trim_start_matches('0')),
        None if abroad => format!("+{number}"),
        None => found,
    })
}

fn identity(text: &str) -> Option<String> {
    let body = without_separators(text, |letter| letter.is_ascii_digit() || letter == 'x')?;
    let (front, last) = body.split_at(body.len() - 1);
    match body.len() {
        18 if front.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(format!("{front}{}", last.to_uppercase()))
        }
        15 if body.bytes().all(|byte| byte.is_ascii_digit()) => {
            let long = format!("{}19{}", &body[..6], &body[6..]);
            Some(format!("{long}{}", check_digit(&long)))
        }
        _ => None,
    }
}

/// The check digit of an identity card's first 17 digits (GB 11643-1999: ISO 7064, MOD 11-2).
fn check_digit(front: &str) -> char {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    const DIGITS: [char; 11] = ['1', '0', 'X', '9', '8', '7', '6', '5', '4', '3', '2'];
    let sum: u32 = front.bytes().zip(WEIGHTS).map(|(byte, weight)| u32::from(byte - b'0') * weight).sum();
    DIGITS[(sum % 11) as usize]
}

fn address(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut gap = false;
    for letter in text.chars() {
        if !letter.is_alphanumeric() {
            gap = true;
            continue;
        }
        let between = letter.is_ascii_digit() && made.ends_with(|last: char| last.is_ascii_digit());
        if gap && between {
            made.push('-');
        }
        gap = false;
        made.push(letter);
    }
    made
}

fn ip(text: &str) -> Option<String> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    let found = match ipv4(bare) {
        Some(address) => IpAddr::V4(address),
        None => bare.parse::<Ipv6Addr>().ok().map(|address| IpAddr::V6(address).to_canonical())?,
    };
    Some(found.to_string())
}

/// Four decimal numbers, with leading zeros or without.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut parts = text.split('.').map(|part| {
        let digits = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u8>().ok()).flatten()
    });
    let octets = [parts.next()??, parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then(|| Ipv4Addr::from(octets))
}

fn mac(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|letter| !matches!(letter, ':' | '-' | '.' | ' ')).collect();
    (digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(normaliser: Normaliser, texts: &[&str], wanted: &str) {
        for text in texts {
            assert_eq!(normaliser.text(text), wanted, "{text:?}");
            assert_eq!(normaliser.text(wanted), wanted, "a normal form is its own");
        }
    }

    #[test]
    fn phones_lose_what_people_write_around_them() {
        let spellings = [
            "13812345678",
            "+86 138 1234 5678",
            "0086-138-1234-5678",
            "86 13812345678",
            "１３８１２３４５６７８",
            "(+86)13812345678",
            " 138-1234-5678\t",
            "138\u{200b}12345678",
        ];
        all(Normaliser::Phone, &spellings[..5], "13812345678");
        all(Normaliser::Phone, &spellings[6..], "13812345678");
        all(Normaliser::Phone, &["010-12345678", "+86 10 12345678", "0086 010 12345678"], "01012345678");
        all(Normaliser::Phone, &["+1 (415) 555-0100", "001 415 555 0100"], "+14155550100");
        all(Normaliser::Phone, &["Unknown"], "unknown");
        assert_eq!(Normaliser::Phone.integer(8_613_812_345_678), Some(13_812_345_678));
        assert_eq!(Normaliser::Phone.integer(13_812_345_678), Some(13_812_345_678));
    }

    #[test]
    fn identity_cards_of_the_first_generation_become_those_of_the_second() {
        // The example of GB 11643-1999, and one whose check digit is a letter.
        all(
            Normaliser::Identity,
            &["11010519491231002X", "11010519491231002x", "110105491231002"],
            "11010519491231002X",
        );
        all(Normaliser::Identity, &["440524188001010014", "440524 18800101 0014"], "440524188001010014");
        all(Normaliser::Identity, &["A-1234"], "a-1234");
        assert_eq!(Normaliser::Identity.integer(110_105_491_231_002), None);
    }

    #[test]
    fn addresses_of_every_sort() {
        all(
            Normaliser::Ip,
            &["10.0.0.1", "010.000.000.001", "10.0.0.1:8080", "::ffff:10.0.0.1", "[::ffff:a00:1]:443"],
            "10.0.0.1",
        );
        all(Normaliser::Ip, &["2001:DB8:0::1", "2001:db8::1%eth0", "[2001:db8::1]:80"], "2001:db8::1");
        all(Normaliser::Ip, &["10.0.0.256"], "10.0.0.256");
        all(Normaliser::Mac, &["AA:BB:CC:00:11:22", "aa-bb-cc-00-11-22", "aabb.cc00.1122"], "aabbcc001122");
        all(
            Normaliser::Address,
            &["北京市 朝阳区，建国路１号 3-201 室", "北京市朝阳区建国路1号3—201室"],
            "北京市朝阳区建国路1号3-201室",
        );
        assert_ne!(Normaliser::Address.text("1号2-31"), Normaliser::Address.text("1号23-1"));
        all(Normaliser::Card, &["6222 0212 3456 7890 123", "6222-0212-3456-7890-123"], "6222021234567890123");
    }

    #[test]
    fn an_integer_has_the_form_of_its_text() {
        let all = [
            Normaliser::Exact,
            Normaliser::Text,
            Normaliser::Phone,
            Normaliser::Identity,
            Normaliser::Card,
            Normaliser::Address,
            Normaliser::Ip,
            Normaliser::Mac,
        ];
        let lengths = (0..20).flat_map(|length| [10u64.pow(length), 10u64.pow(length).saturating_mul(7) | 3]);
        let odd = [
            8_613_812_345_678,
            13_812_345_678,
            8_620_000_000_000,
            860_000_012,
            440_524_188_001_010_014,
            u64::MAX,
        ];
        for integer in lengths.chain(odd) {
            for normaliser in all {
                if let Some(formed) = normaliser.integer(integer) {
                    assert_eq!(normaliser.text(&integer.to_string()), formed.to_string(), "{normaliser:?}");
                }
            }
        }
    }

    #[test]
    fn text_folds_and_exact_does_not() {
        all(Normaliser::Text, &["Device  A", " device a ", "ＤＥＶＩＣＥ　Ａ", "device\u{a0}a"], "device a");
        assert_eq!(Normaliser::Exact.text(" A "), " A ");
    }
}
