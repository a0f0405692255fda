//! How the reactor tells the loop's turn which sockets became ready: by number, in a list.
//!
//! The reactor rings while the thread is parked and nothing of Python may be touched: here are descriptors and the
//! waker of the turn, and no object.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Wake, Waker};

/// What rang since the last turn.
#[derive(Default)]
pub(super) struct Bell {
    rung: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sockets: Vec<RawFd>,
    turn: Option<Waker>,
}

impl Bell {
    /// Whether something rang.
    pub(super) fn is_rung(&self) -> bool {
        self.rung.load(Ordering::Relaxed)
    }

    /// What rang, once.
    pub(super) fn take_rung(&self) -> Vec<RawFd> {
        let mut state = self.state();
        self.rung.store(false, Ordering::Relaxed);
        std::mem::take(&mut state.sockets)
    }

    /// From now on `turn` is woken.
    pub(super) fn wakes(&self, turn: Waker) {
        let before = self.state().turn.replace(turn);
        drop(before);
    }

    /// Nobody is woken any more.
    pub(super) fn forget(&self) {
        let before = std::mem::take(&mut *self.state());
        drop(before);
    }

    /// Held only while something is moved or a task is woken.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The waker of one socket, for both directions.
pub(super) struct Ring {
    fd: RawFd,
    is_rung: AtomicBool,
    bell: Arc<Bell>,
}

impl Ring {
    /// For the socket `fd`.
    pub(super) fn new(fd: RawFd, bell: &Arc<Bell>) -> Arc<Self> {
        Arc::new(Self {
            fd,
            is_rung: AtomicBool::new(false),
            bell: Arc::clone(bell),
        })
    }

    /// It was heard: the next readiness rings again.
    pub(super) fn answer(&self) {
        self.is_rung.store(false, Ordering::Relaxed);
    }
}

impl Wake for Ring {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_rung.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut state = self.bell.state();
        state.sockets.push(self.fd);
        self.bell.rung.store(true, Ordering::Relaxed);
        let turn = state.turn.clone();
        drop(state);
        if let Some(turn) = turn {
            turn.wake();
        }
    }
}
