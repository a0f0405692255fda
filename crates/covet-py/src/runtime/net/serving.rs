//! A transport's task on the runtime: both directions in each poll, from `_start` to the connection's end.
//!
//! It keeps the transport alive, as asyncio's selector does.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pyo3::prelude::*;

use super::transport::StreamTransport;
use crate::runtime::handle::{leaves_the_loop, panicked};
use crate::runtime::{attached, drive};

/// The task of one transport.
pub(super) struct Serving(Py<StreamTransport>);

impl Serving {
    /// For a transport that is registered.
    pub(super) fn new(transport: &Bound<'_, StreamTransport>) -> Self {
        Self(transport.clone().unbind())
    }
}

impl Future for Serving {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        attached(|py| {
            let transport = self.0.bind(py);
            if drive::is_finished() {
                // The loop has stopped; what is here waits until it runs again.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let this = transport.get();
            if !this.begin_serving(cx.waker()) {
                return Poll::Ready(());
            }
            let served = catch_unwind(AssertUnwindSafe(|| serve(transport, cx)));
            let served = served.unwrap_or_else(|panic| Err(panicked(&*panic)));
            let is_over = this.end_serving();
            if let Err(error) = served {
                cx.waker().wake_by_ref();
                fail(transport, error);
            } else if is_over {
                return Poll::Ready(());
            }
            Poll::Pending
        })
    }
}

impl StreamTransport {
    /// The task runs; false if the connection is over.
    fn begin_serving(&self, waker: &Waker) -> bool {
        let mut state = self.state();
        state.is_served = true;
        state.wrote_in = 0;
        let known = state.waker.as_ref();
        if known.is_none_or(|known| !known.will_wake(waker)) {
            state.waker = Some(waker.clone());
        }
        !state.is_over
    }

    /// The task rests; true if the connection is over.
    fn end_serving(&self) -> bool {
        let mut state = self.state();
        state.is_served = false;
        state.is_over
    }
}

fn serve(transport: &Bound<'_, StreamTransport>, cx: &mut Context<'_>) -> PyResult<()> {
    StreamTransport::poll_sending(transport, cx)?;
    StreamTransport::poll_reading(transport, cx)?;
    // What the protocol answered.
    StreamTransport::poll_sending(transport, cx)
}

/// An error that no report could take: it ends the loop, or the connection.
fn fail(transport: &Bound<'_, StreamTransport>, error: PyErr) {
    let error = if leaves_the_loop(transport.py(), &error) {
        Err(error)
    } else {
        StreamTransport::fail(transport, error, "Fatal error on transport")
    };
    if let Err(error) = error {
        drive::carry_out(error);
    }
}
