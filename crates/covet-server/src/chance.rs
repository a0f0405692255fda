//! Numbers that look random, for names and samples; not for secrets.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

/// A sequence of its own: splitmix64 from a random start.
#[derive(Debug)]
pub(crate) struct Chance(Cell<u64>);

impl Default for Chance {
    fn default() -> Self {
        Self(Cell::new(RandomState::new().hash_one(std::process::id())))
    }
}

impl Chance {
    pub(crate) fn next(&self) -> u64 {
        let next = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(next);
        // The finalizer spreads the counter over all bits.
        let mixed = (next ^ (next >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1, and never 1.
    pub(crate) fn unit(&self) -> f64 {
        f64::from((self.next() >> 32) as u32) / 2f64.powi(32)
    }
}
