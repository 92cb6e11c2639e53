//! Bytes as the input of `compiled_fleet`; see the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| creditcore_fuzz::compiled_fleet(bytes));
