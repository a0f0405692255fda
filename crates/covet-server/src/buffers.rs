//! The worker's buffers: sized classes, lent to active connections and taken back.
//!
//! An idle connection holds none. The pool is bounded, so memory comes back after a burst.
//! Knows nothing of sockets or HTTP. Neighbours: `connection.rs` reads and writes through it,
//! handlers take answer buffers from it.

use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};

/// Sizes of the classes, in bytes: a head or a small body, a large head, a body piece.
const CLASSES: [usize; 3] = [8 * 1024, 64 * 1024, 256 * 1024];
/// How many buffers of each class wait for reuse; a few MiB a worker in all.
const KEPT: [usize; 3] = [128, 16, 4];

thread_local! {
    static POOL: Pool = const { Pool::new() };
}

struct Pool {
    free: [RefCell<Vec<Vec<u8>>>; 3],
    taken: Cell<u64>,
    fresh: Cell<u64>,
}

impl Pool {
    const fn new() -> Self {
        Self {
            free: [const { RefCell::new(Vec::new()) }; 3],
            taken: Cell::new(0),
            fresh: Cell::new(0),
        }
    }
}

/// How the pool has been used on this thread since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolCounts {
    /// Buffers lent.
    pub taken: u64,
    /// Of these, how many had to be allocated.
    pub fresh: u64,
}

/// The pool's counts on the calling thread.
#[must_use]
pub fn counts() -> PoolCounts {
    POOL.with(|pool| PoolCounts {
        taken: pool.taken.get(),
        fresh: pool.fresh.get(),
    })
}

/// A growable byte buffer that goes back to its thread's pool when dropped.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// An empty buffer of the smallest class.
    #[must_use]
    pub fn take() -> Self {
        Self::with_capacity(CLASSES[0])
    }

    /// An empty buffer with room for at least `capacity` bytes.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        POOL.with(|pool| {
            pool.taken.set(pool.taken.get() + 1);
            let class = CLASSES.iter().position(|&size| capacity <= size);
            let pooled = class.and_then(|class| pool.free[class].borrow_mut().pop());
            Self(pooled.unwrap_or_else(|| {
                pool.fresh.set(pool.fresh.get() + 1);
                Vec::with_capacity(class.map_or(capacity, |class| CLASSES[class]))
            }))
        })
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let capacity = self.0.capacity();
        // The largest class that this buffer can serve; one that grew past all of them is freed.
        let Some(class) = CLASSES.iter().rposition(|&size| capacity >= size) else {
            return;
        };
        if class == CLASSES.len() - 1 && capacity > CLASSES[class] * 2 {
            return;
        }
        let mut bytes = std::mem::take(&mut self.0);
        bytes.clear();
        // The thread may be ending: then there is no pool any more, and the memory is freed.
        let _ = POOL.try_with(|pool| {
            let mut free = pool.free[class].borrow_mut();
            if free.len() < KEPT[class] {
                free.push(bytes);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_lent_again() {
        let before = counts();
        drop(Buffer::take());
        let again = Buffer::take();
        let after = counts();
        assert!(again.is_empty() && again.capacity() >= CLASSES[0]);
        assert_eq!(after.taken - before.taken, 2);
        assert!(after.fresh - before.fresh <= 1);
    }

    #[test]
    fn a_buffer_comes_back_empty() {
        let mut first = Buffer::take();
        first.extend_from_slice(b"secret");
        drop(first);
        assert!(Buffer::take().is_empty());
    }

    #[test]
    fn the_pool_is_bounded_and_giants_are_freed() {
        let many: Vec<_> = (0..KEPT[1] + 8)
            .map(|_| Buffer::with_capacity(CLASSES[1]))
            .collect();
        drop(many);
        drop(Buffer::with_capacity(16 << 20));
        POOL.with(|pool| {
            assert_eq!(pool.free[1].borrow().len(), KEPT[1]);
            assert!(
                pool.free[2]
                    .borrow()
                    .iter()
                    .all(|bytes| bytes.capacity() <= 2 * CLASSES[2])
            );
        });
    }
}
