//! A transport's last moments: the protocol is told, the socket closed, everybody forgotten.

use pyo3::intern;
use pyo3::prelude::*;

use super::beginning::as_client;
use super::state::Socket;
use super::transport::StreamTransport;

impl StreamTransport {
    /// Tells the protocol, and gives up whatever it says.
    pub(super) fn lose(slf: &Bound<'_, Self>, exc: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let protocol = this.protocol(py);
        let is_awaited = this.state().is_sealed;
        let told = protocol.map_or(Ok(()), |protocol| {
            let method = intern!(py, "connection_lost");
            protocol.call_method1(method, (exc,)).map(drop)
        });
        let gone = Self::give_up(slf);
        if is_awaited {
            slf.call_method0(intern!(py, "_fail_empty_waiter"))?;
        }
        told.and(gone)
    }

    /// Closes the socket and forgets everybody.
    pub(super) fn give_up(slf: &Bound<'_, Self>) -> PyResult<()> {
        let (py, this) = (slf.py(), slf.get());
        let mut state = this.state();
        let socket = std::mem::replace(&mut state.socket, Socket::Gone);
        let server = state.described.take_server();
        let is_started = state.watched.is_some();
        drop(state);
        let event_loop = this.scheduler(py).get();
        event_loop.transports(py)?.get().forget(this.fd(), slf);
        if !is_started {
            // The registration of a connection that ends before it was taken over.
            event_loop.waits().forget(py, this.fd());
        }
        let closed = match socket {
            Socket::Bare(stream, _) => {
                this.end(true);
                drop(stream);
                Ok(())
            }
            Socket::Python(sock) => {
                let sock = sock.into_bound(py);
                let number = sock.call_method0(intern!(py, "fileno"));
                let is_open =
                    number.is_ok_and(|it| it.extract().is_ok_and(|fd: i32| fd == this.fd()));
                this.end(is_open);
                sock.call_method0(intern!(py, "close")).map(drop)
            }
            Socket::Gone => {
                this.end(false);
                Ok(())
            }
        };
        if let Some(server) = server {
            server
                .bind(py)
                .call_method1(intern!(py, "_detach"), as_client(slf)?)?;
        }
        closed
    }

    /// Ends the registration. Where `is_open` is false the descriptor was closed behind our back.
    fn end(&self, is_open: bool) {
        let mut state = self.state();
        if is_open && let Some(watched) = &mut state.watched {
            watched.vouch();
        }
        state.is_closing = true;
        state.lost += 1;
        state.is_over = true;
        let gone = (
            state.watched.take(),
            state.protocol.take(),
            state.output.take(),
        );
        let waker = state.waker.take();
        drop(state);
        drop(gone);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
