//! Bytes as the input of `condition`; see the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| creditcore_fuzz::condition(bytes));
