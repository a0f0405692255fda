//! What a worker counts, for its own limits and for the balance between workers.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::task::Waker;

/// What the workers of one server tell each other.
pub trait Peers {
    /// Tell the others how many connections this worker holds.
    fn publish(&self, connections: u64);
    /// The mean over all workers that accept, this one included.
    fn mean(&self) -> u64;
    /// Say that this worker's thread runs, and how many requests it has answered.
    fn beat(&self, requests: u64);
    /// Say whether this worker accepts.
    fn accept(&self, accepts: bool);
}

/// Counts of one worker.
#[derive(Default)]
pub struct Counters {
    connections: Cell<u64>,
    requests: Cell<u64>,
    panics: Cell<u64>,
    cut: Cell<u64>,
    listeners: Cell<usize>,
    unattended: Cell<usize>,
    peers: Option<Box<dyn Peers>>,
    waiting: RefCell<Option<Waker>>,
}

impl fmt::Debug for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counters")
            .field("connections", &self.connections)
            .field("requests", &self.requests)
            .field("panics", &self.panics)
            .finish_non_exhaustive()
    }
}

impl Counters {
    /// Counts that are shared with `peers`.
    #[must_use]
    pub fn new(peers: Option<Box<dyn Peers>>) -> Self {
        Self {
            peers,
            ..Self::default()
        }
    }

    /// Open connections.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.get()
    }

    /// Requests answered since the start.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.get()
    }

    /// Panics caught since the start.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.panics.get()
    }

    /// Requests that an abort cut: their handlers worked, or their answers were not out.
    #[must_use]
    pub fn cut(&self) -> u64 {
        self.cut.get()
    }

    pub(crate) fn opened(&self) {
        self.set_connections(self.connections.get() + 1);
    }

    pub(crate) fn closed(&self) {
        self.set_connections(self.connections.get() - 1);
        self.wake_if_over();
    }

    pub(crate) fn answered(&self) {
        self.requests.set(self.requests.get() + 1);
    }

    pub(crate) fn panicked(&self) {
        self.panics.set(self.panics.get() + 1);
    }

    pub(crate) fn was_cut(&self) {
        self.cut.set(self.cut.get() + 1);
    }

    /// A handler works on although its client has gone.
    pub(crate) fn left_unattended(&self) {
        self.unattended.set(self.unattended.get() + 1);
    }

    /// Such a handler has ended.
    pub(crate) fn unattended_ended(&self) {
        self.unattended.set(self.unattended.get() - 1);
        self.wake_if_over();
    }

    pub(crate) fn listening(&self) {
        self.listeners.set(self.listeners.get() + 1);
        if let Some(peers) = &self.peers {
            peers.accept(true);
        }
    }

    /// A drain begins: the others need not wait for this worker.
    pub(crate) fn leaving(&self) {
        if let Some(peers) = &self.peers {
            peers.accept(false);
        }
    }

    pub(crate) fn beat(&self) {
        if let Some(peers) = &self.peers {
            peers.beat(self.requests.get());
        }
    }

    pub(crate) fn stopped_listening(&self) {
        self.listeners.set(self.listeners.get() - 1);
        self.wake_if_over();
    }

    /// Whether this worker should leave new connections to others for a moment.
    pub(crate) fn is_ahead(&self) -> bool {
        let own = self.connections.get();
        self.peers
            .as_ref()
            .is_some_and(|peers| own * 10 > peers.mean() * 11 + 40)
    }

    /// Whether nothing is open any more. If not, `waker` is woken when it is.
    pub(crate) fn is_over(&self, waker: &Waker) -> bool {
        if self.nothing_is_left() {
            return true;
        }
        *self.waiting.borrow_mut() = Some(waker.clone());
        false
    }

    fn set_connections(&self, count: u64) {
        self.connections.set(count);
        if let Some(peers) = &self.peers {
            peers.publish(count);
        }
    }

    fn nothing_is_left(&self) -> bool {
        self.connections.get() == 0 && self.listeners.get() == 0 && self.unattended.get() == 0
    }

    fn wake_if_over(&self) {
        if self.nothing_is_left() {
            let waiting = self.waiting.borrow_mut().take();
            if let Some(waker) = waiting {
                waker.wake();
            }
        }
    }
}
