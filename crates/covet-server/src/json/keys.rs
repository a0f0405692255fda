//! The keys that an object has had, where nothing else keeps them.

use std::borrow::Cow;
use std::collections::HashSet;

/// Keys that are compared one by one; more are hashed.
const FEW: usize = 16;

/// A set of keys that costs nothing while it is empty, and linear time whatever the keys are.
#[derive(Debug, Default)]
pub struct Keys<'a> {
    few: Vec<Cow<'a, str>>,
    /// Takes all keys over when there are more than [`FEW`]. Hashed with a random key.
    many: Option<HashSet<Cow<'a, str>>>,
}

impl<'a> Keys<'a> {
    /// Adds a key. False where it was there.
    pub fn insert(&mut self, key: Cow<'a, str>) -> bool {
        if let Some(many) = &mut self.many {
            return many.insert(key);
        }
        if self.few.contains(&key) {
            return false;
        }
        self.few.push(key);
        if self.few.len() > FEW {
            self.many = Some(self.few.drain(..).collect());
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{FEW, Keys};

    #[test]
    fn a_key_is_new_once() {
        let mut keys = Keys::default();
        for round in [true, false] {
            for number in 0..3 * FEW {
                assert_eq!(keys.insert(format!("k{number}").into()), round, "{number}");
            }
        }
    }
}
