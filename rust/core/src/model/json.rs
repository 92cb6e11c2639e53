//! JSON as model files use it.
//!
//! In: a text. Out: a tree of values that borrow from it. Numbers stay text, so that each is rounded once, in
//! the precision that its field has; a list of plain values stays one slice of the text, so that memory follows
//! the nesting and not the numbers. Depth is bounded; nothing recurses on what a file chooses.

use std::borrow::Cow;

use super::numbers::{Number, Packed};
use super::tokens::{number, numbers, shown};

/// Levels of nesting that are followed.
pub(super) const DEEPEST: usize = 32;

/// Values that a text may hold, those of plain lists not counted, and values of one plain list that is taken apart.
pub(super) const MOST_VALUES: usize = 1 << 22;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json<'a> {
    /// null.
    Null,
    /// A number, true or false, as it is written.
    Plain(&'a str),
    /// A text, its escapes resolved.
    Text(Cow<'a, str>),
    /// What stands between the brackets of a list without texts, lists and objects.
    Row(&'a str),
    /// The numbers of a binary file, as they stand in it.
    Packed(Packed<'a>),
    /// Any other list.
    List(Vec<Json<'a>>),
    /// An object, its fields in their order.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads a whole text.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let mut reader = Reader { text, place: 0, values: 0 };
        let value = reader.value(0)?;
        reader.blank();
        if reader.place < text.len() {
            return Err(reader.fault("nothing more"));
        }
        Ok(value)
    }

    /// The field of an object; of two with one name the last, as the libraries read it.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// The field of an object, which must be there.
    pub(super) fn need(&self, name: &str) -> Result<&Self, String> {
        self.field(name).ok_or_else(|| format!("field `{name}` is missing"))
    }

    /// A number, true or false, or a text, as text.
    pub(super) fn plain(&self, name: &str) -> Result<&str, String> {
        match self {
            Self::Plain(text) => Ok(text),
            Self::Text(text) => Ok(text),
            _ => Err(format!("field `{name}` is no number or text")),
        }
    }

    /// How many values a list holds; none where it is no list.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::Row(text) => Some(text.split(',').filter(|part| !part.trim().is_empty()).count()),
            Self::Packed(packed) => Some(packed.length()),
            Self::List(values) => Some(values.len()),
            _ => None,
        }
    }

    /// A list of exactly `wanted` numbers.
    pub(super) fn numbers<T: Number>(&self, wanted: usize, name: &str) -> Result<Vec<T>, String> {
        match self {
            Self::Row(text) => numbers(text, ',', wanted, name),
            Self::Packed(packed) => packed.numbers(wanted, name),
            Self::List(values) if values.len() == wanted => {
                values.iter().map(|value| number(value.plain(name)?, name)).collect()
            }
            Self::List(values) => {
                Err(format!("field `{name}` holds {} numbers; it should hold {wanted}", values.len()))
            }
            _ => Err(format!("field `{name}` is no list of numbers")),
        }
    }

    /// A list of numbers, however many.
    pub(super) fn all_numbers<T: Number>(&self, name: &str) -> Result<Vec<T>, String> {
        self.numbers(self.length().unwrap_or(0), name)
    }

    /// The values of a list.
    pub(super) fn list(&self) -> Result<Vec<Json<'a>>, String> {
        match self {
            Self::List(values) => Ok(values.clone()),
            Self::Row(text) if text.trim().is_empty() => Ok(Vec::new()),
            Self::Packed(packed) if packed.length() == 0 => Ok(Vec::new()),
            Self::Row(text) if text.bytes().filter(|byte| *byte == b',').count() > MOST_VALUES => {
                Err(format!("a list holds more than {MOST_VALUES} values"))
            }
            Self::Row(text) => Ok(text
                .split(',')
                .map(|part| match part.trim() {
                    "null" => Self::Null,
                    part => Self::Plain(part),
                })
                .collect()),
            _ => Err("a list is needed".to_owned()),
        }
    }

    /// A category's value as text: 3 and 3.0 are the same, as are true and `true`.
    pub(super) fn category(&self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text.clone().into_owned()),
            Self::Plain(text) => Ok(match text.parse::<f64>() {
                Ok(number) => super::input::category_text(number),
                Err(_) => (*text).to_owned(),
            }),
            _ => Err("a category is a text or a number".to_owned()),
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    place: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn fault(&self, wanted: &str) -> String {
        let found = self.text.get(self.place..).unwrap_or("");
        let found = if found.is_empty() { "the end".to_owned() } else { shown(found) };
        format!("not JSON at byte {}: {wanted} is needed, and there stands {found}", self.place)
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.place).copied()
    }

    fn blank(&mut self) {
        while self.byte().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.place += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.blank();
        let there = self.byte() == Some(byte);
        self.place += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Result<Json<'a>, String> {
        if depth > DEEPEST {
            return Err(format!("lists and objects are nested deeper than {DEEPEST} levels"));
        }
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(format!("there are more than {MOST_VALUES} values"));
        }
        self.blank();
        match self.byte() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Json::Text),
            _ => match self.word()? {
                "null" => Ok(Json::Null),
                word => Ok(Json::Plain(word)),
            },
        }
    }

    /// A number, or one of the words that stand where a number may.
    fn word(&mut self) -> Result<&'a str, String> {
        let start = self.place;
        while self.byte().is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) {
            self.place += 1;
        }
        let word = &self.text[start..self.place];
        let known = ["null", "true", "false", "NaN", "Infinity", "-Infinity"].contains(&word);
        if known || word.starts_with(|first: char| first.is_ascii_digit() || first == '-') {
            return Ok(word);
        }
        self.place = start;
        Err(self.fault("a value"))
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, String> {
        self.place += 1;
        let mut fields = Vec::new();
        if self.eat(b'}') {
            return Ok(Json::Object(fields));
        }
        loop {
            self.blank();
            let name = self.string()?;
            if !self.eat(b':') {
                return Err(self.fault("`:`"));
            }
            fields.push((name, self.value(depth + 1)?));
            if self.eat(b'}') {
                return Ok(Json::Object(fields));
            }
            if !self.eat(b',') {
                return Err(self.fault("`,` or `}`"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json<'a>, String> {
        self.place += 1;
        let start = self.place;
        // A list of plain values is left as it stands.
        let rest = &self.text.as_bytes()[start..];
        let stop = rest.iter().position(|byte| b"[]{}\"".contains(byte));
        if let Some(length) = stop.filter(|&stop| rest[stop] == b']') {
            self.place = start + length + 1;
            return Ok(Json::Row(&self.text[start..start + length]));
        }
        let mut values = Vec::new();
        loop {
            values.push(self.value(depth + 1)?);
            if self.eat(b']') {
                return Ok(Json::List(values));
            }
            if !self.eat(b',') {
                return Err(self.fault("`,` or `]`"));
            }
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, String> {
        if self.byte() != Some(b'"') {
            return Err(self.fault("a text in quotes"));
        }
        self.place += 1;
        let mut whole: Option<String> = None;
        loop {
            let rest = &self.text[self.place..];
            let stop = rest.find(['"', '\\']).ok_or_else(|| "a text has no end".to_owned())?;
            let part = &rest[..stop];
            self.place += stop + 1;
            if rest.as_bytes()[stop] == b'"' {
                return Ok(match whole {
                    None => Cow::Borrowed(part),
                    Some(text) => Cow::Owned(text + part),
                });
            }
            let text = whole.get_or_insert_default();
            text.push_str(part);
            text.push(self.escape()?);
        }
    }

    /// The character behind a backslash.
    fn escape(&mut self) -> Result<char, String> {
        let byte = self.byte().ok_or_else(|| self.fault("an escape"))?;
        self.place += 1;
        Ok(match byte {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'"' | b'\\' | b'/' => char::from(byte),
            b'u' => {
                let high = self.code_unit()?;
                if !(0xd800..0xdc00).contains(&high) {
                    return char::from_u32(high).ok_or_else(|| self.fault("a character"));
                }
                if !self.text[self.place..].starts_with("\\u") {
                    return Err(self.fault("the second half of a character"));
                }
                self.place += 2;
                let low = self.code_unit()?.wrapping_sub(0xdc00);
                let code = 0x10000 + ((high - 0xd800) << 10) + (low & 0x3ff);
                return char::from_u32(code).filter(|_| low < 0x400).ok_or_else(|| self.fault("a character"));
            }
            _ => return Err(self.fault("an escape")),
        })
    }

    fn code_unit(&mut self) -> Result<u32, String> {
        let digits = self.text.get(self.place..self.place + 4);
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.place += if code.is_some() { 4 } else { 0 };
        code.ok_or_else(|| self.fault("four hexadecimal digits"))
    }
}
