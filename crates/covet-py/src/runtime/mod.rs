//! The driver, the event loop and the thread pool: the only place that attaches, detaches or touches raw FFI.
//!
//! One thread runs everything that is hot. A Tokio runtime drives it, asyncio is one task on that runtime, and the
//! thread is attached to the interpreter whenever it is not parked.
//!
//! - [`attachment`]: what a driven thread knows of itself: attached or parked, driven loop, way out
//! - [`engine`]: the Tokio runtime of one loop, bound to one thread
//! - [`scheduler`]: the class that `covet.loop.EventLoop` inherits: asyncio's scheduling methods
//! - [`turn`]: asyncio as a task: events, timers, one pass over what is ready
//! - [`queue`]: what is ready, what is timed, whether the task has to be woken
//! - [`handle`]: the handles that the scheduling methods return
//! - [`context`], [`clock`], [`signals`]: entering a context, `time.monotonic`, signal masks

mod attachment;
mod clock;
mod context;
mod engine;
mod handle;
mod queue;
mod scheduler;
mod signals;
mod turn;

#[allow(unused_imports, reason = "the server is built on these; it comes next")]
pub(crate) use attachment::{attached, carry_out, detached, offer};
#[allow(unused_imports, reason = "the server is built on these; it comes next")]
pub(crate) use scheduler::{enter, spawn};
#[allow(unused_imports, reason = "the server is built on these; it comes next")]
pub(crate) use signals::block_all as block_signals;

pub use handle::{Handle, TimerHandle};
pub use scheduler::Scheduler;
