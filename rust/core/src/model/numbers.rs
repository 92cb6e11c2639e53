//! Numbers as binary files hold them: one after the other, big end first.
//!
//! In: a slice of a file and the mark of its numbers' type. Out: as many numbers as were asked for, in the type
//! that a field has, or what does not fit. Nothing is reserved beyond the slice's own length.

use std::str::FromStr;

/// A number that a field of a model may hold.
pub(super) trait Number: FromStr + Sized {
    /// From an integer, where it fits.
    fn whole(value: i64) -> Option<Self>;
    /// From a real number, where the type holds it.
    fn real(value: f64) -> Option<Self>;
}

macro_rules! whole_numbers {
    ($($kind:ty),*) => {$(
        impl Number for $kind {
            fn whole(value: i64) -> Option<Self> {
                Self::try_from(value).ok()
            }
            fn real(_: f64) -> Option<Self> {
                None
            }
        }
    )*};
}

whole_numbers!(u8, i16, u16, i32, u32, i64, u64, usize);

impl Number for f32 {
    fn whole(value: i64) -> Option<Self> {
        Some(value as Self)
    }

    fn real(value: f64) -> Option<Self> {
        Some(value as Self)
    }
}

impl Number for f64 {
    fn whole(value: i64) -> Option<Self> {
        Some(value as Self)
    }

    fn real(value: f64) -> Option<Self> {
        Some(value)
    }
}

/// A yes or no, which files write as a number or as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flag(pub(super) bool);

impl FromStr for Flag {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "0" | "false" => Ok(Self(false)),
            "1" | "true" => Ok(Self(true)),
            _ => Err(()),
        }
    }
}

impl Number for Flag {
    fn whole(value: i64) -> Option<Self> {
        (value == 0 || value == 1).then_some(Self(value == 1))
    }

    fn real(_: f64) -> Option<Self> {
        None
    }
}

/// How the numbers of a slice are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    U8,
    I8,
    I16,
    I32,
    I64,
    F32,
    F64,
}

impl Kind {
    /// The type behind a mark of UBJSON.
    pub(super) fn of(mark: u8) -> Option<Self> {
        Some(match mark {
            b'U' => Self::U8,
            b'i' => Self::I8,
            b'I' => Self::I16,
            b'l' => Self::I32,
            b'L' => Self::I64,
            b'd' => Self::F32,
            b'D' => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of a number.
    pub(super) fn width(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

/// Numbers of one type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Packed<'a> {
    /// Their type.
    pub(super) kind: Kind,
    /// Their bytes, a whole number of them.
    pub(super) bytes: &'a [u8],
}

impl Packed<'_> {
    /// How many.
    pub(super) fn length(&self) -> usize {
        self.bytes.len() / self.kind.width()
    }

    /// Exactly `wanted` numbers.
    pub(super) fn numbers<T: Number>(&self, wanted: usize, field: &str) -> Result<Vec<T>, String> {
        let found = self.length();
        if found > wanted {
            return Err(format!(
                "field `{field}` holds {found} numbers, more than the {wanted} that it should"
            ));
        }
        if found < wanted {
            return Err(format!("field `{field}` holds {found} numbers; it should hold {wanted}"));
        }
        let number = |bytes: &[u8]| {
            one(self.kind, bytes)
                .ok_or_else(|| format!("field `{field}` holds `{}`, which it cannot", text(self.kind, bytes)))
        };
        self.bytes.chunks_exact(self.kind.width()).map(number).collect()
    }
}

/// An integer of up to eight bytes with its sign.
fn whole(bytes: &[u8]) -> i64 {
    let first = bytes.first().map_or(0, |byte| i64::from(*byte as i8));
    bytes.iter().skip(1).fold(first, |sum, byte| sum << 8 | i64::from(*byte))
}

/// A number, in the type of its field.
pub(super) fn one<T: Number>(kind: Kind, bytes: &[u8]) -> Option<T> {
    match kind {
        Kind::U8 => T::whole(i64::from(*bytes.first()?)),
        Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64 => T::whole(whole(bytes)),
        Kind::F32 => T::real(f64::from(f32::from_be_bytes(bytes.try_into().ok()?))),
        Kind::F64 => T::real(f64::from_be_bytes(bytes.try_into().ok()?)),
    }
}

/// A number as text; it reads back to the same number.
pub(super) fn text(kind: Kind, bytes: &[u8]) -> String {
    match kind {
        Kind::F32 => one::<f32>(kind, bytes).map_or_else(String::new, |number| number.to_string()),
        Kind::F64 => one::<f64>(kind, bytes).map_or_else(String::new, |number| number.to_string()),
        _ => one::<i64>(kind, bytes).map_or_else(String::new, |number| number.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_signs_and_limits() {
        fn packed(kind: Kind, bytes: &[u8]) -> Packed<'_> {
            Packed { kind, bytes }
        }
        let half = 1.5f32.to_be_bytes();
        assert_eq!(packed(Kind::I16, &[0xff, 0xfe, 0, 1]).numbers::<i32>(2, "a"), Ok(vec![-2, 1]));
        assert_eq!(packed(Kind::U8, &[200]).numbers::<i32>(1, "a"), Ok(vec![200]));
        assert_eq!(packed(Kind::I8, &[200]).numbers::<i32>(1, "a"), Ok(vec![-56]));
        assert_eq!(packed(Kind::F32, &half).numbers::<f32>(1, "a"), Ok(vec![1.5]));
        assert!(packed(Kind::I8, &[200]).numbers::<u32>(1, "a").is_err_and(|told| told.contains("`-56`")));
        assert!(packed(Kind::F32, &half).numbers::<i32>(1, "a").is_err());
        assert!(packed(Kind::U8, &[2]).numbers::<Flag>(1, "a").is_err());
        assert!(packed(Kind::U8, &[2]).numbers::<u8>(usize::MAX, "a").is_err());
    }
}
