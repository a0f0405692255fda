//! Who holds the interpreter: offers, detached work, threads that are not driven.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use pyo3::prelude::*;

use super::{PATIENCE, run_forever, then_stop, with_loop};
use crate::runtime::attachment::detached;
use crate::runtime::{attached, offer, spawn};

/// Starts a Python thread that sets the flag it returns.
fn other_python_thread() -> &'static AtomicBool {
    let flag: &'static AtomicBool = Box::leak(Box::default());
    std::thread::spawn(|| Python::attach(|_| flag.store(true, Ordering::Relaxed)));
    flag
}

#[test]
fn a_streak_of_rust_work_offers_the_interpreter() {
    with_loop(|event_loop| {
        let streak = async {
            let (flag, began) = (other_python_thread(), Instant::now());
            while !flag.load(Ordering::Relaxed) && began.elapsed() < PATIENCE {
                offer();
            }
            assert!(began.elapsed() < PATIENCE, "the other thread never ran");
        };
        spawn(event_loop, then_stop(event_loop, streak)).expect("spawns");
        run_forever(event_loop).expect("stops");
    });
}

#[test]
fn detached_work_leaves_the_interpreter_to_others() {
    with_loop(|event_loop| {
        let work = async {
            let (flag, began) = (other_python_thread(), Instant::now());
            detached(|| while !flag.load(Ordering::Relaxed) && began.elapsed() < PATIENCE {});
            assert!(began.elapsed() < PATIENCE, "the other thread never ran");
            attached(|py| py.import("sys").map(drop)).expect("attached again");
        };
        spawn(event_loop, then_stop(event_loop, work)).expect("spawns");
        run_forever(event_loop).expect("stops");
    });
}

#[test]
fn a_thread_that_is_not_driven_is_attached_meanwhile() {
    with_loop(|event_loop| {
        let plain = || attached(|py| py.import("sys").map(drop)).is_ok();
        let joined = event_loop.py().detach(|| std::thread::spawn(plain).join());
        assert!(joined.expect("no panic"));
    });
}
