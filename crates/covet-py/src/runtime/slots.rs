//! The memory file in which the processes of one server tell each other what they do.
//!
//! One slot of 64 bytes a worker, with one writer; the first slot is the supervisor's, which alone makes the file,
//! empties slots and reads the beats (`covet._board`).

#![allow(unsafe_code)]

use std::fs::File;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use covet_server::counters::Peers;
use memmap2::MmapRaw;

/// Bytes of a slot: a cache line.
const SLOT: usize = 64;

/// Words of a worker's slot, eight bytes each.
const CONNECTIONS: usize = 0;
const BEATS: usize = 1;
const REQUESTS: usize = 2;
const ACCEPTS: usize = 3;

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
    /// It cannot be mapped, is too short, or `own` is no worker's of `count` slots.
    pub(crate) fn map(fd: i32, own: usize, count: usize) -> std::io::Result<Self> {
        // SAFETY: the caller's descriptor stays open for this call; it is duplicated at once.
        let file = File::from(unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()?);
        if own == 0 || own >= count || file.metadata()?.len() < (count * SLOT) as u64 {
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
    fn word(&self, slot: usize, word: usize) -> &AtomicU64 {
        debug_assert!(slot < self.count && word < SLOT / 8);
        let offset = slot * SLOT + word * 8;
        // SAFETY: inside the map, aligned to 8 bytes, and only ever read and written atomically.
        unsafe { &*self.map.as_mut_ptr().add(offset).cast::<AtomicU64>() }
    }
}

impl Peers for SharedSlots {
    fn publish(&self, connections: u64) {
        self.word(self.own, CONNECTIONS)
            .store(connections, Ordering::Relaxed);
    }

    fn mean(&self) -> u64 {
        let (mut total, mut workers) = (0, 0);
        for slot in 1..self.count {
            if self.word(slot, ACCEPTS).load(Ordering::Relaxed) != 0 {
                total += self.word(slot, CONNECTIONS).load(Ordering::Relaxed);
                workers += 1;
            }
        }
        total / workers.max(1)
    }

    fn beat(&self, requests: u64) {
        self.word(self.own, REQUESTS)
            .store(requests, Ordering::Relaxed);
        self.word(self.own, BEATS).fetch_add(1, Ordering::Relaxed);
    }

    fn accept(&self, accepts: bool) {
        self.word(self.own, ACCEPTS)
            .store(u64::from(accepts), Ordering::Relaxed);
    }
}
