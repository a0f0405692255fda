//! The driver from the side of a connection: tasks of Rust beside asyncio on one thread, with a real interpreter.
//!
//! Each test has a thread and a loop of its own; the asyncio side of the loop is tested from Python. Here is what the
//! tests share.

mod attachment;
mod ending;
mod fairness;
mod spawning;
mod tasks;

use std::ffi::CString;
use std::sync::Once;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::sync::OnceExt;
use pyo3::types::{PyDict, PyList};

use super::attached;

/// Longer than anything here takes, short enough to see a hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `test` with a new loop, and closes it.
fn with_loop(test: impl FnOnce(&Bound<'_, PyAny>)) {
    static PACKAGE: Once = Once::new();
    Python::initialize();
    Python::attach(|py| {
        PACKAGE.call_once_py_attached(py, || import_package(py).expect("the package imports"));
        let event_loop = eval(py, "__import__('covet.loop').loop.new_event_loop()", &[]);
        test(&event_loop);
        event_loop.call_method0("close").expect("the loop closes");
    });
}

fn import_package(py: Python<'_>) -> PyResult<()> {
    let native = pyo3::wrap_pymodule!(crate::_native)(py);
    let sys = py.import("sys")?;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../python");
    sys.getattr("path")?
        .cast_into::<PyList>()?
        .insert(0, folder)?;
    sys.getattr("modules")?.set_item("covet._native", native)?;
    py.import("covet.loop").map(drop)
}

fn eval<'py>(
    py: Python<'py>,
    code: &str,
    names: &[(&str, &Bound<'py, PyAny>)],
) -> Bound<'py, PyAny> {
    let scope = PyDict::new(py);
    for (name, value) in names {
        scope.set_item(name, value).expect("a name is hashable");
    }
    let code = CString::new(code).expect("no NUL in it");
    py.eval(&code, Some(&scope), None)
        .expect("the code is right")
}

/// Defines what `code` defines, with `names` in scope, and returns its `name`.
fn define<'py>(py: Python<'py>, code: &str, name: &str) -> Bound<'py, PyAny> {
    let scope = PyDict::new(py);
    let code = CString::new(code).expect("no NUL in it");
    py.run(&code, Some(&scope), None)
        .expect("the code is right");
    scope
        .get_item(name)
        .expect("a dict")
        .expect("the code defines it")
}

/// Runs the loop until something stops it; what never comes is a failure, not a hang.
fn run_forever(event_loop: &Bound<'_, PyAny>) -> PyResult<()> {
    let began = Instant::now();
    let alarm = event_loop.call_method1(
        "call_later",
        (PATIENCE.as_secs(), event_loop.getattr("stop")?),
    )?;
    let result = event_loop.call_method0("run_forever");
    alarm.call_method0("cancel")?;
    assert!(began.elapsed() < PATIENCE, "nothing stopped the loop");
    result.map(drop)
}

/// A future that stops the loop when `future` ends.
fn then_stop<F: Future<Output = ()>>(
    event_loop: &Bound<'_, PyAny>,
    future: F,
) -> impl Future<Output = ()> + use<F> {
    let event_loop = event_loop.clone().unbind();
    async move {
        future.await;
        attached(|py| event_loop.bind(py).call_method0("stop").map(drop)).expect("the loop stops");
    }
}
