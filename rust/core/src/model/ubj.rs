//! Universal Binary JSON (UBJSON, draft 12) as XGBoost writes it.
//!
//! In: bytes. Out: the same tree of values as of a text ([`Json`]), which borrows from them; lists of one type of
//! numbers stay slices. Every length is compared with what is left of the file before it is used; depth and the
//! number of values are bounded as for texts.

use std::borrow::Cow;

use super::json::{DEEPEST, Json, MOST_VALUES};
use super::numbers::{Kind, Packed, one, text};

/// Whether bytes begin like an object of this form.
pub(super) fn recognise(bytes: &[u8]) -> bool {
    matches!(bytes, [b'{', b'L' | b'i' | b'U' | b'l' | b'I' | b'#' | b'$', ..])
}

/// Reads a whole file.
pub(super) fn parse(bytes: &[u8]) -> Result<Json<'_>, String> {
    let mut reader = Reader { bytes, place: 0, values: 0 };
    let mark = reader.byte()?;
    let value = reader.value(mark, 0)?;
    if reader.place < bytes.len() {
        return Err(format!("{} bytes stand behind the last value", bytes.len() - reader.place));
    }
    Ok(value)
}

struct Reader<'a> {
    bytes: &'a [u8],
    place: usize,
    values: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let rest = self.bytes.get(self.place..).unwrap_or(&[]);
        let part = rest.get(..length).ok_or_else(|| {
            format!("byte {}: {length} more bytes are needed, and {} are left", self.place, rest.len())
        })?;
        self.place += length;
        Ok(part)
    }

    fn byte(&mut self) -> Result<u8, String> {
        loop {
            let byte = self.take(1)?[0];
            // `N` says nothing and may stand anywhere.
            if byte != b'N' {
                return Ok(byte);
            }
        }
    }

    fn unknown(&self, mark: u8) -> String {
        format!("byte {}: `{}` is no mark of UBJSON", self.place.saturating_sub(1), mark.escape_ascii())
    }

    /// A length: an integer with its mark.
    fn length(&mut self) -> Result<usize, String> {
        let mark = self.byte()?;
        let kind = Kind::of(mark).ok_or_else(|| self.unknown(mark))?;
        let bytes = self.take(kind.width())?;
        one(kind, bytes).ok_or_else(|| format!("byte {}: no length", self.place))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, String> {
        let length = self.length()?;
        let start = self.place;
        std::str::from_utf8(self.take(length)?)
            .map(Cow::Borrowed)
            .map_err(|error| format!("byte {} is not UTF-8", start + error.valid_up_to()))
    }

    fn value(&mut self, mark: u8, depth: usize) -> Result<Json<'a>, String> {
        if depth > DEEPEST {
            return Err(format!("lists and objects are nested deeper than {DEEPEST} levels"));
        }
        self.values += 1;
        if self.values > MOST_VALUES {
            return Err(format!("there are more than {MOST_VALUES} values"));
        }
        Ok(match mark {
            b'{' => self.object(depth)?,
            b'[' => self.list(depth)?,
            b'S' => Json::Text(self.string()?),
            b'C' => Json::Text(Cow::Owned(char::from(self.take(1)?[0]).to_string())),
            b'T' => Json::Plain("true"),
            b'F' => Json::Plain("false"),
            b'Z' => Json::Null,
            _ => {
                let kind = Kind::of(mark).ok_or_else(|| self.unknown(mark))?;
                Json::Text(Cow::Owned(text(kind, self.take(kind.width())?)))
            }
        })
    }

    /// What may stand before the values of a list or an object: their type, and their number.
    fn head(&mut self) -> Result<(Option<u8>, Option<usize>), String> {
        let mut kind = None;
        if self.bytes.get(self.place) == Some(&b'$') {
            self.place += 1;
            kind = Some(self.byte()?);
        }
        let counted = self.bytes.get(self.place) == Some(&b'#');
        if !counted {
            return match kind {
                None => Ok((None, None)),
                Some(_) => Err(format!("byte {}: a type without a number of values", self.place)),
            };
        }
        self.place += 1;
        Ok((kind, Some(self.length()?)))
    }

    fn list(&mut self, depth: usize) -> Result<Json<'a>, String> {
        let (kind, count) = self.head()?;
        if let (Some(mark), Some(count)) = (kind, count) {
            let kind = Kind::of(mark).ok_or_else(|| self.unknown(mark))?;
            let bytes = self.take(count.saturating_mul(kind.width()))?;
            return Ok(Json::Packed(Packed { kind, bytes }));
        }
        let mut values = Vec::new();
        while count.is_none_or(|count| values.len() < count) {
            let mark = self.byte()?;
            if mark == b']' && count.is_none() {
                break;
            }
            values.push(self.value(mark, depth + 1)?);
        }
        Ok(Json::List(values))
    }

    fn object(&mut self, depth: usize) -> Result<Json<'a>, String> {
        let (kind, count) = self.head()?;
        let mut fields = Vec::new();
        while count.is_none_or(|count| fields.len() < count) {
            while self.bytes.get(self.place) == Some(&b'N') {
                self.place += 1;
            }
            if count.is_none() && self.bytes.get(self.place) == Some(&b'}') {
                self.place += 1;
                break;
            }
            let name = self.string()?;
            let mark = match kind {
                Some(mark) => mark,
                None => self.byte()?,
            };
            fields.push((name, self.value(mark, depth + 1)?));
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_is_read() {
        let bytes = b"{i\x01a[$l#i\x02\0\0\0\x01\xff\xff\xff\xffi\x01b[#U\x02SU\x01xTi\x01cd\x3f\xc0\0\0N}";
        let json = parse(bytes).map(|json| {
            let list = json.field("a").map(|list| list.numbers::<i32>(2, "a"));
            (list, json.field("b").cloned(), json.field("c").cloned())
        });
        let list = Json::List(vec![Json::Text("x".into()), Json::Plain("true")]);
        assert_eq!(json, Ok((Some(Ok(vec![1, -1])), Some(list), Some(Json::Text("1.5".into())))));
    }

    #[test]
    fn what_does_not_fit_is_refused_before_it_is_reserved() {
        for (bytes, part) in [
            (&b"{i\x01a[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff"[..], "are left"),
            (b"{i\x01a[#L\x7f\xff\xff\xff\xff\xff\xff\xff", "are left"),
            (b"{L\xff\xff\xff\xff\xff\xff\xff\xff", "no length"),
            (b"{i\x01aQ}", "`Q`"),
            (b"{i\x01aT}x", "1 bytes"),
            (b"{i\x01\xff", "UTF-8"),
            (b"{", "are left"),
        ] {
            assert!(parse(bytes).is_err_and(|told| told.contains(part)), "{}", bytes.escape_ascii());
        }
        let deep = [&b"{i\x01a"[..], &b"[".repeat(100_000)].concat();
        assert!(parse(&deep).is_err_and(|told| told.contains("deeper")));
    }
}
