//! Patterns and paths of any bytes: no panic, and what was found can be written and found again.

#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../crates/covet-server/tests/routing_roundtrip.rs"]
mod routing_roundtrip;

fuzz_target!(|input: &[u8]| routing_roundtrip::check(input));
