//! The driver, the event loop and the thread pool: the only place that attaches, detaches or touches raw FFI.
//!
//! One thread runs everything that is hot. A Tokio runtime drives it, asyncio is one task on that runtime, and the
//! thread is attached to the interpreter whenever it is not parked.
//!
//! - [`attachment`]: whether a driven thread is attached; the park hooks
//! - [`drive`]: one `run_forever`: which loop, and how it ends
//! - [`engine`]: the Tokio runtime of one loop, bound to one thread
//! - [`scheduler`]: the class that `covet.loop.EventLoop` inherits: asyncio's scheduling methods
//! - [`stock`]: the same engine inside the `select` of a loop that is not covet's
//! - [`guest`]: the same engine for a moment at a time, from callbacks of any loop
//! - [`turn`], [`dispatch`]: asyncio as a task: events, timers, one pass over what is ready
//! - [`alarm`]: what wakes it for its next timer
//! - [`queue`], [`schedule`]: what is ready, what is timed, whether the task has to be woken; the same behind its lock
//! - [`held`]: values that the interpreter's lock protects
//! - [`handle`], `timer_handle`, [`spare_handles`]: the handles that the scheduling methods return; those kept for the next calls
//! - `threadsafe`: the handles of calls from other threads
//! - [`ready`]: what is queued: handles, and asyncio's own calls without one
//! - [`task`], [`task_end`]: a coroutine as an asyncio task, started at once; its end as a future
//! - `task_registry`: asyncio's set of the tasks that live
//! - [`building`], [`inline_values`]: instances and members at the level of memory
//! - [`growing_bytes`], [`slots`], [`thread_bound`]: a body's `bytes`, the workers' counters, a value of one thread
//! - [`net`]: sockets of asyncio programs: stream transports
//! - `awaitables`: futures and tasks of the loop
//! - [`pool`]: threads for handlers that may block
//! - `output`, `block`, `quoted`, `digits`: raw writing, sixteen bytes at a time; `leaf`, `walk`, `members`, `dict_keys`, `known_entries`: JSON of what runs no Python code
//! - `definition`: functions as CPython calls them
//! - `counting`: the allocator of a bench's build
//! - [`context`], [`clock`], [`signals`], [`forks`]: entering a context, `time.monotonic`, signal masks, whether this is a child

mod alarm;
mod attachment;
mod awaitables;
mod block;
pub(crate) mod building;
mod clock;
mod context;
#[cfg(feature = "count-allocations")]
pub(crate) mod counting;
mod definition;
#[cfg(all(Py_3_13, not(Py_3_14), not(Py_GIL_DISABLED)))]
mod dict_keys;
pub(crate) mod digits;
mod dispatch;
mod drive;
mod engine;
pub(crate) mod ffi;
mod forks;
mod growing_bytes;
mod guest;
mod handle;
mod held;
pub(crate) mod inline_values;
pub(crate) mod known_entries;
pub(crate) mod leaf;
pub(crate) mod members;
mod net;
pub(crate) mod output;
mod pool;
mod queue;
pub(crate) mod quoted;
mod ready;
mod schedule;
mod scheduler;
mod signals;
mod slots;
mod spare_handles;
mod stock;
mod task;
mod task_end;
mod task_registry;
#[cfg(test)]
mod tests;
mod thread_bound;
mod threadsafe;
mod timer_handle;
mod turn;
pub(crate) mod walk;

pub(crate) use attachment::{attached, detached, offer};
pub(crate) use context::{call_in, copy_current};
pub(crate) use drive::carry_out;
pub(crate) use growing_bytes::GrowingBytes;
pub(crate) use net::{os_error, os_error_of_file};
pub(crate) use pool::{Pool, Submitted};
pub(crate) use scheduler::{add_frequent, enter, spawn};
pub(crate) use signals::{duplicate, set_parent_death_signal};
pub(crate) use slots::SharedSlots;
pub(crate) use task::{Started, start as start_task};
pub(crate) use task_end::TaskEnd;
pub(crate) use thread_bound::ThreadBound;

pub use guest::GuestDriver;
pub use handle::Handle;
pub use net::{BareSocket, Listener, Registered, StreamTransport};
pub use scheduler::Scheduler;
pub use stock::StockDriver;
pub use timer_handle::TimerHandle;
