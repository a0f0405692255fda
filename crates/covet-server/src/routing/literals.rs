//! The literal children of one tree node.
//!
//! Owns the choice between a scan of a few names and a hash table for many. The names come from
//! the application, never from a client, so the hash needs no secret key.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Up to this many children a scan is at least as fast as a table.
const FEW: usize = 8;

/// From the decoded text of a segment to the child that it names.
#[derive(Debug)]
pub(super) enum Literals {
    /// A scan, in the order of the names.
    Few(Box<[(Box<str>, u32)]>),
    /// A table.
    Many(HashMap<Box<str>, u32, BuildHasherDefault<SegmentHasher>>),
}

impl Literals {
    /// Takes the children in any order; names are unique.
    pub(super) fn new(children: impl ExactSizeIterator<Item = (String, u32)>) -> Self {
        let many = children.len() > FEW;
        let children = children.map(|(name, child)| (name.into_boxed_str(), child));
        if many {
            Self::Many(children.collect())
        } else {
            Self::Few(children.collect())
        }
    }

    /// The child called `segment`.
    pub(super) fn get(&self, segment: &str) -> Option<u32> {
        match self {
            Self::Few(children) => {
                let found = children.iter().find(|(name, _)| **name == *segment);
                found.map(|(_, child)| *child)
            }
            Self::Many(children) => children.get(segment).copied(),
        }
    }
}

/// A multiplicative hash over eight bytes at a time.
#[derive(Debug, Default)]
pub(super) struct SegmentHasher(u64);

impl SegmentHasher {
    fn mix(&mut self, word: u64) {
        // 2^64 divided by the golden ratio, odd.
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for SegmentHasher {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.mix(u64::from_le_bytes(last));
    }

    fn write_u8(&mut self, byte: u8) {
        self.mix(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_its_own_names_whatever_their_number() {
        for count in [0, 1, FEW - 1, FEW, FEW + 1, 1000] {
            let names = || (0..count).map(|i| (format!("name-{i}"), i as u32));
            let literals = Literals::new(names());
            assert_eq!(matches!(literals, Literals::Many(_)), count > FEW);
            for (name, child) in names() {
                assert_eq!(literals.get(&name), Some(child), "{name} of {count}");
                assert_eq!(literals.get(&name[1..]), None);
            }
            assert_eq!(literals.get(""), None);
        }
    }
}
