//! Bytes as the input of `xgboost_json`; see the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| creditcore_fuzz::model("xgboost json", bytes));
