//! One drive of a loop, and what is known of it meanwhile: when it ends, whose tasks are counted, what its turns sent.

use std::os::fd::RawFd;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use covet_server::tasks::{InForce, Tally};
use pyo3::prelude::*;

use super::Scheduler;
use crate::runtime::drive::{Driving, Finished, Rest};
use crate::runtime::engine::Engine;
use crate::runtime::net::StreamTransport;
use crate::runtime::turn::Turns;

impl Scheduler {
    /// Whether `stop()` was called: the turn that sees it is the last.
    pub(in crate::runtime) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Whether this is the first turn of the drive.
    pub(in crate::runtime) fn take_first_turn(&self) -> bool {
        self.is_first_turn.swap(false, Ordering::Relaxed)
    }

    /// When the drive is to end, in seconds of the loop's clock.
    pub(in crate::runtime) fn deadline(&self) -> f64 {
        f64::from_bits(self.deadline.load(Ordering::Relaxed))
    }

    /// The engine, for the calling thread.
    pub(in crate::runtime) fn engine(&self) -> PyResult<Arc<Engine>> {
        self.engine.get()
    }

    /// Counts the engine's tasks from now on.
    pub(in crate::runtime) fn tally(&self) -> &Arc<Tally> {
        self.tally.get_or_init(Tally::new)
    }

    pub(super) fn in_force(&self) -> InForce {
        InForce::new(self.tally.get().map(Arc::clone))
    }

    /// From now on what is scheduled is passed on to another scheduler, by `_pass_on`.
    pub(in crate::runtime) fn leave(&self) {
        self.is_left.store(true, Ordering::Relaxed);
    }

    /// Drives the loop on the calling thread until `stop()`, an exception that ends it, or `deadline`. `selector` is
    /// the descriptor of the loop's selector.
    pub(in crate::runtime) fn drive(
        slf: &Bound<'_, Self>,
        selector: RawFd,
        deadline: f64,
        rest: Rest,
    ) -> PyResult<()> {
        let this = slf.get();
        let engine = this.engine.get()?;
        let driving = Driving::begin(slf, rest)?;
        engine.furnish(|| Turns::new(selector))?;
        this.deadline.store(deadline.to_bits(), Ordering::Relaxed);
        this.is_first_turn.store(true, Ordering::Relaxed);
        let driven = engine.block_on(Finished::new(|| this.schedule.start(slf.py())));
        this.schedule.stop(slf.py());
        this.is_stopping.store(false, Ordering::Relaxed);
        driving.end().and(driven)
    }

    /// A number that is another one in each turn, and between two turns.
    pub(in crate::runtime) fn turn(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// Whether asyncio's callbacks run now.
    pub(in crate::runtime) fn is_in_turn(&self) -> bool {
        self.turn() % 2 == 1
    }

    /// A turn begins, or ends.
    pub(in crate::runtime) fn pass_turn(&self) {
        self.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// Has `transport` send what waits at the end of the turn.
    pub(in crate::runtime) fn defer(&self, transport: Py<StreamTransport>) {
        self.deferred().push(transport);
    }

    /// The transports that wait for the end of the turn.
    pub(in crate::runtime) fn take_deferred(&self) -> Vec<Py<StreamTransport>> {
        std::mem::take(&mut self.deferred())
    }

    /// Held only while the list is changed.
    fn deferred(&self) -> MutexGuard<'_, Vec<Py<StreamTransport>>> {
        self.deferred.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
