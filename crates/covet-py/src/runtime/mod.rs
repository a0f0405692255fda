//! The driver, the event loop and the thread pool: the only place that attaches, detaches or touches raw FFI.
//!
//! One thread runs everything that is hot. A Tokio runtime drives it, asyncio is one task on that runtime, and the
//! thread is attached to the interpreter whenever it is not parked.
//!
//! - [`attachment`]: whether a driven thread is attached; the park hooks
//! - [`drive`]: one `run_forever`: which loop, and how it ends
//! - [`engine`]: the Tokio runtime of one loop, bound to one thread
//! - [`scheduler`]: the class that `covet.loop.EventLoop` inherits: asyncio's scheduling methods
//! - [`turn`], [`dispatch`]: asyncio as a task: events, timers, one pass over what is ready
//! - [`queue`]: what is ready, what is timed, whether the task has to be woken
//! - [`handle`]: the handles that the scheduling methods return
//! - [`task`]: a coroutine as an asyncio task, started at once
//! - [`pool`]: threads for handlers that may block
//! - [`context`], [`clock`], [`signals`]: entering a context, `time.monotonic`, signal masks

mod attachment;
mod clock;
mod context;
mod dispatch;
mod drive;
mod engine;
pub(crate) mod ffi;
mod handle;
#[allow(dead_code, reason = "the handlers' plans call it")]
mod pool;
mod queue;
mod scheduler;
mod signals;
mod task;
#[cfg(test)]
mod tests;
mod turn;

pub(crate) use attachment::{attached, detached, offer};
pub(crate) use drive::carry_out;
#[allow(unused_imports, reason = "the handlers' plans call it")]
pub(crate) use pool::{Pool, Submitted};
pub(crate) use scheduler::{enter, spawn};
pub(crate) use signals::block_all as block_signals;
pub(crate) use task::{Started, start as start_task};

pub use handle::{Handle, TimerHandle};
pub use scheduler::Scheduler;
