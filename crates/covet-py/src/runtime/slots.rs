//! The memory file in which the workers of one server tell each other their connections.
//!
//! One slot of 64 bytes a worker, its first eight bytes a count; each slot has one writer.

#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use covet_server::counters::Peers;
use memmap2::MmapRaw;

/// Bytes of a slot: a cache line.
const SLOT: usize = 64;

/// The mapped file and our place in it.
#[derive(Debug)]
pub(crate) struct SharedSlots {
    map: MmapRaw,
    own: usize,
    count: usize,
}

impl SharedSlots {
    /// Map the file behind `fd`, which stays the caller's.
    ///
    /// # Errors
    /// It cannot be mapped, is too short, or `own` is not below `count`.
    pub(crate) fn map(fd: i32, own: usize, count: usize) -> std::io::Result<Self> {
        // SAFETY: the caller's descriptor stays open for this call; it is duplicated at once.
        let file = File::from(unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()?);
        if own >= count || file.metadata()?.len() < (count * SLOT) as u64 {
            return Err(std::io::Error::other(
                "the file of counters is too short for its slots",
            ));
        }
        Ok(Self {
            map: MmapRaw::map_raw(&file)?,
            own,
            count,
        })
    }

    #[allow(
        clippy::cast_ptr_alignment,
        reason = "a map starts at a page, a slot at 64 bytes of it"
    )]
    fn slot(&self, index: usize) -> &AtomicU64 {
        // SAFETY: inside the map, aligned to 64 bytes, and only ever read and written atomically.
        unsafe { &*self.map.as_mut_ptr().add(index * SLOT).cast::<AtomicU64>() }
    }
}

impl Peers for SharedSlots {
    fn publish(&self, connections: u64) {
        self.slot(self.own).store(connections, Ordering::Relaxed);
    }

    fn mean(&self) -> u64 {
        let total: u64 = (0..self.count)
            .map(|i| self.slot(i).load(Ordering::Relaxed))
            .sum();
        total / self.count as u64
    }
}
