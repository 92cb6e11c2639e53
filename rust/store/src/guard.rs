//! Decoders of other libraries, on bytes that may be damaged.
//!
//! In: a call into a decoder. Out: its result; a panic there is an error like any other. The Parquet and Arrow
//! decoders check most of what they read, but levels, offsets and lengths that contradict each other still end
//! in assertions; a damaged file must not bring down its reader's process.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `decode`; the error's text is the decoder's own, or that of its panic.
///
/// Whatever `decode` borrows mutably must be dropped after an error: its state is unknown then.
pub(crate) fn decode<T, E: std::fmt::Display>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason given");
            Err(format!("contradictory bytes ({text})"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_an_error_and_a_panic_come_back() {
        assert_eq!(decode(|| Ok::<_, String>(1)), Ok(1));
        assert_eq!(decode(|| Err::<(), _>("bad")), Err("bad".to_owned()));
        let panicked = decode(|| if true { panic!("at {}", 3) } else { Ok::<(), String>(()) });
        assert_eq!(panicked, Err("contradictory bytes (at 3)".to_owned()));
    }
}
