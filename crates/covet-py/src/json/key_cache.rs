//! Keys that were met before, as Python strings: the rows of a list share their keys, and so do
//! the requests of a route.
//!
//! A small table of the process with one slot for each hash. A key that lands on another's slot
//! takes it, so neither its size nor its cost can be driven by a client. The strings are not
//! interned, because some Python versions keep an interned string for ever.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyString;

/// Slots, a power of two.
const SLOTS: usize = 512;

/// Bytes of the longest key that is kept.
const MAX_KEY: usize = 31;

/// A key's bytes, zeros, and in the last byte its length.
type Block = [u8; MAX_KEY + 1];

struct Slot {
    block: Block,
    key: Py<PyString>,
}

/// None before the first use and while it is lent.
static TABLE: Mutex<Option<Box<[Option<Slot>]>>> = Mutex::new(None);

/// The table, lent for one decoding and given back when dropped.
///
/// It leaves its lock, so that Python code which runs meanwhile (a garbage collection may run
/// finalizers) can decode too: that starts with an empty table.
pub(super) struct KeyCache(Option<Box<[Option<Slot>]>>);

impl KeyCache {
    /// Borrows the table.
    pub(super) fn lend() -> Self {
        Self(TABLE.lock().unwrap_or_else(PoisonError::into_inner).take())
    }

    /// `text` as a Python string, one that exists where possible.
    pub(super) fn get<'py>(&mut self, py: Python<'py>, text: &str) -> Bound<'py, PyString> {
        if text.len() > MAX_KEY {
            return PyString::new(py, text);
        }
        let block = block_of(text);
        let table = self
            .0
            .get_or_insert_with(|| (0..SLOTS).map(|_| None).collect());
        match &mut table[slot_of(&block)] {
            Some(slot) if slot.block == block => slot.key.bind(py).clone(),
            slot => {
                let key = PyString::new(py, text);
                *slot = Some(Slot {
                    block,
                    key: key.clone().unbind(),
                });
                key
            }
        }
    }
}

impl Drop for KeyCache {
    fn drop(&mut self) {
        if let Some(table) = self.0.take() {
            let replaced = TABLE
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .replace(table);
            drop(replaced);
        }
    }
}

#[inline]
fn block_of(text: &str) -> Block {
    let mut block = [0; MAX_KEY + 1];
    block[..text.len()].copy_from_slice(text.as_bytes());
    block[MAX_KEY] = text.len() as u8;
    block
}

/// The top bits of a multiplicative hash over all words of the block.
#[inline]
fn slot_of(block: &Block) -> usize {
    let (words, _) = block.as_chunks::<8>();
    let hash = words.iter().fold(0u64, |hash, word| {
        (hash.rotate_left(23) ^ u64::from_le_bytes(*word)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    });
    (hash >> (u64::BITS - SLOTS.ilog2())) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_tell_texts_apart() {
        let texts = [
            "",
            "\0",
            "\0\0",
            "a",
            "a\0",
            "id",
            "di",
            "é",
            &"k".repeat(MAX_KEY),
        ];
        for (index, text) in texts.iter().enumerate() {
            for other in &texts[index + 1..] {
                assert_ne!(block_of(text), block_of(other), "{text:?} {other:?}");
            }
            assert!(slot_of(&block_of(text)) < SLOTS);
        }
    }

    #[test]
    fn common_keys_spread_over_the_slots() {
        let slots: std::collections::HashSet<usize> = (0..256)
            .map(|number| slot_of(&block_of(&format!("field_{number}"))))
            .collect();
        assert!(slots.len() > 150, "256 keys on {} slots", slots.len());
    }
}
