//! Bytes as the input of `lightgbm_text`; see the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| creditcore_fuzz::model("lightgbm text", bytes));
