//! Bytes as the input of `policy`; see the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| creditcore_fuzz::policy(bytes));
