//! What ends a run, and what must not: exceptions that end the process, panics.

use std::time::Duration;

use pyo3::exceptions::{PyKeyboardInterrupt, PySystemExit};
use pyo3::prelude::*;
use pyo3::types::{PyCFunction, PyList};

use super::{eval, run_forever, then_stop, with_loop};
use crate::runtime::{carry_out, spawn};

#[test]
fn what_a_handler_raises_to_end_the_process_leaves_run_forever() {
    let errors: [fn() -> PyErr; 2] = [
        || PyKeyboardInterrupt::new_err("one"),
        || PySystemExit::new_err(3),
    ];
    for error in errors {
        with_loop(|event_loop| {
            spawn(event_loop, async move { carry_out(error()) }).expect("spawns");
            let raised = run_forever(event_loop).expect_err("carried out");
            assert!(raised.is(&error(), event_loop.py()));
            // The loop is as good as before.
            spawn(event_loop, then_stop(event_loop, async {})).expect("spawns");
            run_forever(event_loop).expect("stops");
        });
    }
}

/// Compares errors by type.
trait SameType {
    fn is(&self, other: &PyErr, py: Python<'_>) -> bool;
}

impl SameType for PyErr {
    fn is(&self, other: &PyErr, py: Python<'_>) -> bool {
        self.get_type(py).is(other.get_type(py))
    }
}

#[test]
fn a_panic_costs_its_own_task() {
    with_loop(|event_loop| {
        spawn(event_loop, async { panic!("on purpose") }).expect("spawns");
        let after = async { tokio::time::sleep(Duration::from_millis(1)).await };
        spawn(event_loop, then_stop(event_loop, after)).expect("spawns");
        run_forever(event_loop).expect("stops");
    });
}

#[test]
fn a_panic_in_a_callback_goes_to_the_exception_handler() {
    with_loop(|event_loop| {
        let py = event_loop.py();
        let panics =
            PyCFunction::new_closure(py, None, None, |_, _| -> () { panic!("on purpose") });
        let seen = PyList::empty(py);
        let handler = eval(
            py,
            "lambda loop, context: (seen.append(context), loop.stop())",
            &[("seen", &seen)],
        );
        event_loop
            .call_method1("set_exception_handler", (handler,))
            .expect("a handler");
        event_loop
            .call_method1("call_soon", (panics.expect("a function"),))
            .expect("scheduled");
        run_forever(event_loop).expect("stops");
        let text = eval(py, "str(seen[0]['exception'])", &[("seen", &seen)]);
        assert_eq!(text.to_string(), "on purpose");
    });
}
