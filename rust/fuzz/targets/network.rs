//! Bytes as the input of `network`; see the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| creditcore_fuzz::network(bytes));
