//! The Tokio runtime of one event loop: built at the first use, bound to the thread that used it.
//!
//! The runtime is not `Send`, the Python object that owns it must be: here is the guard. Knows nothing of asyncio's
//! queue; [`super::turn`] is the task that does.

#![allow(unsafe_code)]

use std::future::Future;
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use covet_server::tasks;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

use super::attachment::Attached;
use super::handle::panicked;
use super::{attachment, forks, signals};

/// After so many tasks in a row the sockets are looked at (Tokio's own default).
const EVENT_INTERVAL: u32 = 61;

/// A Tokio runtime and the only thread that may use it.
pub(super) struct Engine {
    runtime: ManuallyDrop<LocalRuntime>,
    thread: ThreadId,
    /// How often the process had been forked.
    forks: u32,
    /// Whether asyncio's task was spawned.
    furnished: AtomicBool,
    /// Whether `block_on` runs.
    driven: AtomicBool,
}

// SAFETY: the runtime is reached through `Engine::here` alone, which refuses every thread but its own, and by
// `Drop`, which on another thread touches only a runtime that holds nothing but asyncio's task, which is `Send`.
unsafe impl Send for Engine {}
// SAFETY: as for `Send`.
unsafe impl Sync for Engine {}

impl Engine {
    /// Builds a runtime for the calling thread.
    pub(super) fn new() -> PyResult<Self> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .event_interval(EVENT_INTERVAL)
            .on_thread_park(attachment::before_park)
            .on_thread_unpark(attachment::after_unpark)
            .on_thread_start(signals::block_all)
            .build_local(LocalOptions::default())?;
        Ok(Self {
            runtime: ManuallyDrop::new(runtime),
            thread: thread::current().id(),
            forks: forks::count(),
            furnished: AtomicBool::new(false),
            driven: AtomicBool::new(false),
        })
    }

    /// Spawns a task of the calling thread.
    pub(super) fn spawn(&self, future: impl Future<Output = ()> + 'static) -> PyResult<()> {
        let _guard = self.here()?.enter();
        drop(tasks::spawn(future));
        Ok(())
    }

    /// Spawns asyncio's own task, once.
    pub(super) fn furnish<F>(&self, task: impl FnOnce() -> std::io::Result<F>) -> PyResult<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if self.furnished.load(Ordering::Relaxed) {
            return Ok(());
        }
        let task = self.enter(task)??;
        self.spawn(tokio::task::unconstrained(task))?;
        self.furnished.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Calls `f` with the runtime entered, so that it can make sockets, timers and tasks.
    pub(super) fn enter<R>(&self, f: impl FnOnce() -> R) -> PyResult<R> {
        let _guard = self.here()?.enter();
        Ok(f())
    }

    /// Runs tasks until `future` is ready. Leaves the thread attached whatever happens.
    pub(super) fn block_on(&self, future: impl Future<Output = ()>) -> PyResult<()> {
        let runtime = self.here()?;
        self.driven.store(true, Ordering::Relaxed);
        let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(future)));
        self.driven.store(false, Ordering::Relaxed);
        attachment::recover();
        outcome.map_err(|panic| panicked(&*panic))
    }

    /// Whether the calling thread can use the runtime.
    pub(super) fn is_here(&self) -> bool {
        self.thread == thread::current().id() && !self.is_forked()
    }

    /// Whether nothing would be lost with the runtime: it has no task but asyncio's and rests, or it is the parent
    /// process's.
    fn is_expendable(&self) -> bool {
        let own_tasks = usize::from(self.furnished.load(Ordering::Relaxed));
        let is_idle = || self.runtime.metrics().num_alive_tasks() <= own_tasks;
        self.is_forked() || (!self.driven.load(Ordering::Relaxed) && is_idle())
    }

    fn is_forked(&self) -> bool {
        self.forks != forks::count()
    }

    fn here(&self) -> PyResult<&LocalRuntime> {
        if self.is_here() {
            return Ok(&self.runtime);
        }
        Err(PyRuntimeError::new_err(
            "this event loop runs or has tasks on another thread: use it there, or close it there",
        ))
    }
}

impl Drop for Engine {
    /// Drops the tasks, and with them their Python objects: the caller is attached. A runtime that another thread's
    /// tasks still need, or that a forked child shares with its parent, is left alone: its descriptors are the parent's.
    fn drop(&mut self) {
        if self.is_forked() || !(self.is_here() || self.is_expendable()) {
            return;
        }
        // SAFETY: dropped here and never used again; for the thread see the `Send` claim.
        let runtime = ManuallyDrop::new(unsafe { ManuallyDrop::take(&mut self.runtime) });
        // Where the interpreter is gone already the runtime is left alone.
        Python::try_attach(|py| {
            let _attached = Attached::new(py);
            ManuallyDrop::into_inner(runtime).shutdown_background();
        });
    }
}

/// Where a loop keeps its engine: none yet, alive, or closed for good.
pub(super) struct EngineSlot(Mutex<Slot>);

enum Slot {
    Empty,
    Live(Arc<Engine>),
    Closed,
}

impl EngineSlot {
    /// No engine yet.
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Slot::Empty))
    }

    /// The engine, for the calling thread: a new one where there is none or where the old one has nothing to lose.
    ///
    /// # Errors
    ///
    /// `RuntimeError` after [`Self::close`].
    pub(super) fn get(&self) -> PyResult<Arc<Engine>> {
        let mut slot = self.lock();
        match &*slot {
            Slot::Closed => return Err(PyRuntimeError::new_err("Event loop is closed")),
            Slot::Live(engine) if engine.is_here() || !engine.is_expendable() => {
                return Ok(Arc::clone(engine));
            }
            Slot::Live(_) | Slot::Empty => {}
        }
        let engine = Arc::new(Engine::new()?);
        let old = std::mem::replace(&mut *slot, Slot::Live(Arc::clone(&engine)));
        drop(slot);
        drop(old);
        Ok(engine)
    }

    /// Drops the engine with its tasks; there will be no other.
    pub(super) fn close(&self) {
        let old = std::mem::replace(&mut *self.lock(), Slot::Closed);
        drop(old);
    }

    /// The lock is held only while an engine is moved, never across a call into Python.
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
