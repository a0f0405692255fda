//! Drives the engine for a moment at a time, from callbacks of any event loop that can watch a descriptor.
//!
//! The loop watches the runtime's own epoll; a visit polls it without waiting, runs what is woken, and leaves when no
//! task waits for its turn. Timers of the runtime are looked at in each visit, so the loop must visit now and then.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use covet_server::tasks::{InForce, Tally};
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::drive::{self, Driving, Rest};
use super::{Scheduler, signals};

/// Looks at the sockets in one visit, after which the loop has its turn.
const LOOKS: u32 = 4;

/// The engine as a guest of an event loop.
#[pyclass(frozen, subclass, extends = Scheduler, module = "covet._native")]
pub struct GuestDriver {
    /// A duplicate of the runtime's epoll.
    watched: Mutex<Option<OwnedFd>>,
}

#[pymethods]
impl GuestDriver {
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Scheduler::new(args, kwargs)).add_subclass(Self {
            watched: Mutex::default(),
        })
    }

    /// The descriptor that becomes readable when the engine has something to do.
    fn _watched(slf: &Bound<'_, Self>) -> PyResult<RawFd> {
        let scheduler = slf.as_super().get();
        let _tally = scheduler.tally();
        let watched = signals::duplicate(scheduler.engine()?.enter(epoll)??)?;
        let number = watched.as_raw_fd();
        *slf.get().watched() = Some(watched);
        Ok(number)
    }

    /// Runs what can run. True if the loop should come again soon: there is more.
    fn _visit(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let scheduler = slf.as_super();
        let engine = scheduler.get().engine()?;
        let tally = scheduler.get().tally();
        let driving = Driving::begin(scheduler, Rest::Leave)?;
        let _in_force = InForce::new(Some(Arc::clone(tally)));
        let more = Cell::new(false);
        let visited = engine.block_on(Visit {
            tally,
            looks: 0,
            more: &more,
        });
        tally.end();
        driving.end().and(visited)?;
        Ok(more.get())
    }

    /// Drops the engine's tasks and what the loop watched; it must watch no more.
    fn _leave(slf: &Bound<'_, Self>) {
        drop(slf.get().watched().take());
        slf.as_super().get().tear_down(slf.py());
    }
}

impl GuestDriver {
    /// Held only while a descriptor is moved.
    fn watched(&self) -> std::sync::MutexGuard<'_, Option<OwnedFd>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One visit. Ready when no task waits for its turn, or when there were looks enough.
struct Visit<'a> {
    tally: &'a Tally,
    looks: u32,
    more: &'a Cell<bool>,
}

impl Future for Visit<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.looks == 0 {
            self.tally.begin();
        } else if drive::is_finished() || !self.tally.is_waiting() {
            return Poll::Ready(());
        } else if self.looks == LOOKS {
            self.more.set(true);
            return Poll::Ready(());
        }
        self.looks += 1;
        // Being woken keeps the runtime from sleeping: it runs what waits, looks at the sockets, and comes back here.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The epoll of the runtime that is entered. Tokio does not tell it, but the kernel does: it is the one that has a
/// socket as soon as the runtime has it.
fn epoll() -> PyResult<RawFd> {
    let (ours, _theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    let number = ours.as_raw_fd();
    let before = epolls_with(number)?;
    let _registered = tokio::net::UnixStream::from_std(ours)?;
    let after = epolls_with(number)?;
    after.difference(&before).next().copied().ok_or_else(|| {
        PyOSError::new_err("the engine's epoll is not in /proc/self/fdinfo: use `--loop covet` or `--loop asyncio`")
    })
}

/// This process's epoll descriptors that watch the descriptor `number` (proc(5), /proc/pid/fdinfo).
fn epolls_with(number: RawFd) -> std::io::Result<BTreeSet<RawFd>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir("/proc/self/fd")?.flatten() {
        let is_epoll = fs::read_link(entry.path())
            .is_ok_and(|target| target.as_os_str() == "anon_inode:[eventpoll]");
        let Some(fd) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        if is_epoll && watches(fd, number) {
            found.insert(fd);
        }
    }
    Ok(found)
}

fn watches(epoll: RawFd, number: RawFd) -> bool {
    let lines = fs::read_to_string(format!("/proc/self/fdinfo/{epoll}")).unwrap_or_default();
    lines.lines().any(|line| {
        line.strip_prefix("tfd:")
            .and_then(|rest| rest.split_whitespace().next())
            .is_some_and(|watched| watched.parse() == Ok(number))
    })
}
