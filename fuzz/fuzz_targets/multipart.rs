//! Fuzz target; what must hold is in `checks/multipart.rs`, which ordinary tests run over the corpus.

#![no_main]

#[path = "../checks/multipart.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|data: &[u8]| check::check(data));
