//! asyncio and connections share the thread: neither starves the other.

use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use pyo3::prelude::*;
use pyo3::types::PyList;

use super::{define, run_forever, then_stop, with_loop};
use crate::runtime::{enter, spawn};

#[test]
fn a_busy_asyncio_starves_no_socket() {
    with_loop(|event_loop| {
        let py = event_loop.py();
        let turns = PyList::empty(py);
        let code = "def spin(loop, turns):\n turns.append(1)\n loop.call_soon(spin, loop, turns)";
        let spin = define(py, code, "spin");
        event_loop
            .call_method1("call_soon", (spin, event_loop, &turns))
            .expect("scheduled");
        let (listener, client) = enter(event_loop, || {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
            listener.set_nonblocking(true).expect("a socket");
            let client = std::net::TcpStream::connect(listener.local_addr().expect("bound"))
                .expect("connects");
            client.set_nonblocking(true).expect("a socket");
            (
                tokio::net::TcpListener::from_std(listener),
                tokio::net::TcpStream::from_std(client),
            )
        })
        .expect("entered");
        let (listener, client) = (listener.expect("registered"), client.expect("registered"));
        let talk = async move {
            let (server, _) = listener.accept().await.expect("accepts");
            let mut byte = [0; 8];
            for _ in 0..10 {
                // Nothing to read clears the readiness: only a look at the sockets brings it back.
                client.try_read(&mut byte).expect_err("nothing yet");
                server.try_write(b"x").expect("written");
                client.readable().await.expect("readable");
                client.try_read(&mut byte).expect("read");
            }
        };
        spawn(event_loop, then_stop(event_loop, talk)).expect("spawns");
        run_forever(event_loop).expect("stops");
        assert!(
            turns.len() < 10 * 30,
            "{} turns of asyncio for 10 messages",
            turns.len()
        );
    });
}

#[test]
fn a_busy_connection_starves_no_callback() {
    with_loop(|event_loop| {
        let py = event_loop.py();
        let done = Rc::new(Cell::new(false));
        let (seen, polls) = (Rc::clone(&done), Rc::new(Cell::new(0_u32)));
        let counted = Rc::clone(&polls);
        let busy = poll_fn(move |cx| {
            counted.set(counted.get() + 1);
            cx.waker().wake_by_ref();
            if seen.get() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        });
        spawn(event_loop, busy).expect("spawns");
        let code =
            "def tick(loop, left):\n loop.call_soon(tick, loop, left - 1) if left else loop.stop()";
        event_loop
            .call_method1("call_soon", (define(py, code, "tick"), event_loop, 100))
            .expect("scheduled");
        run_forever(event_loop).expect("stops");
        done.set(true);
        assert!(
            polls.get() < 100 * 100,
            "{} polls for 100 turns of the loop",
            polls.get()
        );
    });
}
