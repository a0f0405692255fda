//! The class that `covet.loop.EventLoop` inherits beside asyncio's `SelectorEventLoop`: its scheduling methods.
//!
//! Owns the schedule and the engine. Everything else of an event loop (transports, signals, executors, words) is the
//! standard library's or `covet.loop`'s.

mod driving;
mod entrance;
mod frequent;
mod scheduling;

use std::num::NonZeroU64;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use covet_server::tasks::Tally;
use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyTuple};

pub(super) use self::entrance::spawn_own;
pub(crate) use self::entrance::{enter, spawn};
pub(crate) use self::frequent::add_frequent;
use super::awaitables::{Awaitables, new_task};
use super::drive::Rest;
use super::engine::EngineSlot;
use super::net::{
    Registered, StreamTransport, Waits, receive_now, send_now, when_ready, when_received,
};
use super::ready::OwnCall;
use super::schedule::Schedule;
use super::spare_handles::SpareHandles;
use super::task_end::EndCallback;
use super::{Handle, TimerHandle, clock, dispatch, task_registry, threadsafe};

/// asyncio's scheduling methods on the native queue. Inherit it before `asyncio.SelectorEventLoop`.
#[pyclass(frozen, subclass, module = "covet._native")]
pub struct Scheduler {
    schedule: Schedule,
    engine: EngineSlot,
    is_closed: AtomicBool,
    is_debug: AtomicBool,
    is_stopping: AtomicBool,
    is_first_turn: AtomicBool,
    /// Its loop went on without it: what is scheduled here has to be passed on.
    is_left: AtomicBool,
    /// A server's tasks run between its turns.
    is_shared: AtomicBool,
    /// When the drive is to end, in seconds of the loop's clock, as bits.
    deadline: AtomicU64,
    /// Which of its tasks wait for their turn, where the engine is driven for a moment at a time.
    tally: OnceLock<Arc<Tally>>,
    /// `threading.get_ident()` of the thread that runs the loop, or 0.
    thread: AtomicU64,
    /// Turns begun and ended: odd while one runs.
    turns: AtomicU64,
    /// asyncio's `_transports`.
    transports: PyOnceLock<Py<Registered>>,
    /// Transports with bytes to send at the end of the turn.
    deferred: Mutex<Vec<Py<StreamTransport>>>,
    /// What `sock_*` operations wait for.
    waits: Waits,
    /// With what it makes futures and tasks.
    awaitables: Awaitables,
    /// Handles to use again.
    spare_handles: SpareHandles,
}

impl Scheduler {
    /// Whether asyncio's debug mode is on.
    pub(super) fn is_debug(&self) -> bool {
        self.is_debug.load(Ordering::Relaxed)
    }

    /// Whether the loop is open and not in debug mode.
    pub(super) fn is_plain(&self) -> bool {
        !self.is_closed.load(Ordering::Relaxed) && !self.is_debug()
    }

    /// From now on a server's tasks run between the turns.
    fn share(&self) {
        self.is_shared.store(true, Ordering::Relaxed);
    }

    /// Whether a server's tasks run between the turns.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared.load(Ordering::Relaxed)
    }

    /// What is ready and what is timed.
    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// With what it makes futures and tasks.
    pub(super) fn awaitables(&self) -> &Awaitables {
        &self.awaitables
    }

    /// Handles to use again.
    pub(super) fn spare_handles(&self) -> &SpareHandles {
        &self.spare_handles
    }

    /// What `sock_*` operations wait for.
    pub(super) fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Which descriptors are transports'.
    pub(super) fn transports<'a, 'py>(
        &'a self,
        py: Python<'py>,
    ) -> PyResult<&'a Bound<'py, Registered>> {
        let known = self
            .transports
            .get_or_try_init(py, || Py::new(py, Registered::new()))?;
        Ok(known.bind(py))
    }
}

#[pymethods]
impl Scheduler {
    #[new]
    #[pyo3(signature = (*args, **_kwargs))]
    pub(super) fn new(args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        task_registry::shorten(args.py());
        Self {
            schedule: Schedule::new(),
            engine: EngineSlot::new(),
            is_closed: AtomicBool::new(true),
            is_debug: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
            is_first_turn: AtomicBool::new(false),
            is_left: AtomicBool::new(false),
            is_shared: AtomicBool::new(false),
            tally: OnceLock::new(),
            deadline: AtomicU64::new(f64::INFINITY.to_bits()),
            thread: AtomicU64::new(0),
            turns: AtomicU64::new(0),
            transports: PyOnceLock::new(),
            deferred: Mutex::default(),
            waits: Waits::new(),
            awaitables: Awaitables::new(),
            spare_handles: SpareHandles::new(),
        }
    }

    /// A task of this loop that runs `coro`: `create_task` for those who write its arguments in rare ways.
    #[pyo3(signature = (coro, **kwargs))]
    fn _create_task_parsed<'py>(
        slf: &Bound<'py, Self>,
        coro: &Bound<'py, PyAny>,
        kwargs: Option<Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        new_task(slf, coro, kwargs)
    }

    /// Runs `callback(*args)` in the next turn: `call_soon` for those who write its arguments in rare ways.
    #[pyo3(signature = (callback, *args, context=None))]
    fn _call_soon_parsed<'py>(
        slf: &Bound<'py, Self>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, Handle>>> {
        if let Ok(callback) = callback.cast_exact::<EndCallback>() {
            // A task's, of whose handle asyncio makes no use.
            callback.get().end();
            return Ok(None);
        }
        if !slf.get().is_plain() {
            Self::check(slf, &callback, "call_soon", false)?;
        } else if let Some(call) = OwnCall::of(&callback, &args, context.as_ref()) {
            slf.get().schedule.push_call(slf.py(), call);
            Self::pass_on(slf)?;
            return Ok(None);
        }
        Self::call(slf, callback, args, context).map(Some)
    }

    /// Like `call_soon`, from any thread.
    #[pyo3(signature = (callback, *args, context=None))]
    fn call_soon_threadsafe<'py>(
        slf: &Bound<'py, Self>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        Self::check(slf, &callback, "call_soon_threadsafe", true)?;
        let handle = threadsafe::handle(slf, callback, args, context)?;
        slf.get().schedule.push(&handle);
        Self::pass_on(slf)?;
        Ok(handle)
    }

    /// Runs `callback(*args)` after `delay` seconds.
    #[pyo3(signature = (delay, callback, *args, context=None))]
    fn call_later<'py>(
        slf: &Bound<'py, Self>,
        delay: Option<f64>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, TimerHandle>> {
        let delay = delay.ok_or_else(|| PyTypeError::new_err("delay must not be None"))?;
        Self::call_timed(slf, clock::monotonic() + delay, callback, args, context)
    }

    /// Runs `callback(*args)` when the loop's clock shows `when`.
    #[pyo3(signature = (when, callback, *args, context=None))]
    fn call_at<'py>(
        slf: &Bound<'py, Self>,
        when: Option<f64>,
        callback: Bound<'py, PyAny>,
        args: Bound<'py, PyTuple>,
        context: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, TimerHandle>> {
        let when = when.ok_or_else(|| PyTypeError::new_err("when cannot be None"))?;
        Self::call_timed(slf, when, callback, args, context)
    }

    /// The loop's clock, in seconds: `time.monotonic`.
    #[allow(clippy::unused_self, reason = "a method of the event loop")]
    fn time(&self) -> f64 {
        clock::monotonic()
    }

    /// Ends `run_forever` after the turn that runs or is next.
    fn stop(&self, py: Python<'_>) {
        self.is_stopping.store(true, Ordering::Relaxed);
        self.schedule.wake(py);
    }

    fn _add_callback(slf: &Bound<'_, Self>, handle: &Bound<'_, PyAny>) -> PyResult<()> {
        if !dispatch::is_cancelled(handle)? {
            slf.get().schedule.push(handle);
            Self::pass_on(slf)?;
        }
        Ok(())
    }

    fn _add_callback_signalsafe(slf: &Bound<'_, Self>, handle: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::_add_callback(slf, handle)
    }

    fn _timer_handle_cancelled(&self, handle: &Bound<'_, TimerHandle>) {
        if handle.get().is_scheduled() {
            self.schedule.count_cancelled(handle.py());
        }
    }

    fn _process_events(slf: &Bound<'_, Self>, events: &Bound<'_, PyAny>) -> PyResult<()> {
        dispatch::process_events(slf, events)
    }

    /// Drives the loop on the calling thread until `stop()` or an exception that ends it. `selector` is the
    /// descriptor of the loop's selector.
    fn _drive(slf: &Bound<'_, Self>, selector: RawFd) -> PyResult<()> {
        Self::drive(slf, selector, f64::INFINITY, Rest::Park)
    }

    /// A future that is done when the socket `fd`, of which an operation just said that it would block, is ready to
    /// be written or read.
    fn _when_ready<'py>(
        slf: &Bound<'py, Self>,
        fd: RawFd,
        writing: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        when_ready(slf, fd, writing)
    }

    /// What the socket `fd` has now, at most `limit` bytes; None where it has nothing yet.
    #[staticmethod]
    fn _receive(py: Python<'_>, fd: RawFd, limit: usize) -> PyResult<Option<Bound<'_, PyBytes>>> {
        receive_now(py, fd, limit)
    }

    /// A future of what `socket`, whose descriptor `fd` just had nothing, receives next.
    fn _when_received<'py>(
        slf: &Bound<'py, Self>,
        socket: &Bound<'py, PyAny>,
        fd: RawFd,
        limit: usize,
    ) -> PyResult<Bound<'py, PyAny>> {
        when_received(slf, socket, fd, limit)
    }

    /// How many bytes of `data` the socket `fd` takes now.
    #[staticmethod]
    fn _send(fd: RawFd, data: &Bound<'_, PyBytes>) -> PyResult<usize> {
        send_now(fd, data)
    }

    /// Drops every task of the engine; the loop is not used again.
    #[pyo3(name = "_tear_down")]
    pub(super) fn tear_down(&self, py: Python<'_>) {
        self.waits.clear(py);
        self.awaitables.clear(py);
        self.spare_handles.clear(py);
        self.engine.close();
    }

    /// Drops everything that is scheduled.
    fn _discard(&self, py: Python<'_>) {
        self.schedule.clear(py);
    }

    #[getter]
    fn _closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed)
    }

    #[setter(_closed)]
    fn set_closed(&self, closed: bool) {
        self.is_closed.store(closed, Ordering::Relaxed);
    }

    /// Whether the loop runs, on whichever thread.
    fn is_running(&self) -> bool {
        self.thread.load(Ordering::Relaxed) != 0
    }

    #[getter]
    fn _thread_id(&self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.thread.load(Ordering::Relaxed))
    }

    #[setter(_thread_id)]
    fn set_thread_id(&self, thread: Option<NonZeroU64>) {
        self.thread
            .store(thread.map_or(0, NonZeroU64::get), Ordering::Relaxed);
    }

    #[getter]
    fn _transports(&self, py: Python<'_>) -> PyResult<Py<Registered>> {
        Ok(self.transports(py)?.clone().unbind())
    }

    /// asyncio's constructor makes one of its own.
    #[setter(_transports)]
    #[allow(clippy::unused_self, reason = "a property of the event loop")]
    fn set_transports(&self, _transports: &Bound<'_, PyAny>) {}

    #[getter]
    fn _debug(&self) -> bool {
        self.is_debug()
    }

    #[setter(_debug)]
    fn set_debug(&self, debug: &Bound<'_, PyAny>) -> PyResult<()> {
        self.is_debug.store(debug.is_truthy()?, Ordering::Relaxed);
        Ok(())
    }

    #[getter]
    fn _stopping(&self) -> bool {
        self.is_stopping()
    }

    #[setter(_stopping)]
    fn set_stopping(&self, stopping: bool) {
        self.is_stopping.store(stopping, Ordering::Relaxed);
    }

    #[getter]
    fn _task_factory(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.awaitables.factory(py).map(Bound::unbind)
    }

    #[setter(_task_factory)]
    fn set_task_factory(&self, py: Python<'_>, factory: Option<Py<PyAny>>) {
        self.awaitables.set_factory(py, factory);
    }

    #[getter]
    fn _timer_cancelled_count(&self, py: Python<'_>) -> usize {
        self.schedule.timers_cancelled(py)
    }

    /// asyncio's constructor sets it to nought; the queue keeps the count.
    #[setter(_timer_cancelled_count)]
    #[allow(clippy::unused_self, reason = "a property of the event loop")]
    fn set_timer_cancelled_count(&self, _count: usize) {}

    #[allow(
        clippy::needless_pass_by_value,
        reason = "the signature of tp_traverse"
    )]
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.waits.traverse(&visit)?;
        self.awaitables.traverse(&visit)?;
        self.spare_handles.traverse(&visit)?;
        self.schedule.traverse(&visit)
    }

    fn __clear__(&self) {
        self.schedule.clear_collected();
        self.awaitables.clear_collected();
        self.spare_handles.clear_collected();
    }
}
