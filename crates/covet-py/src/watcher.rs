//! Which paths changed in folders, for the process that watches a project while it is developed.
//!
//! Owns the system's notices and nothing else: which folders and files count is Python's policy (`covet.watch`). Made
//! for a process of its own with one Python thread: waiting holds the interpreter.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, EventKind, MetadataKind, ModifyKind};
use notify::{Error, ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use pyo3::exceptions::{PyOSError, PyRuntimeError};
use pyo3::prelude::*;

/// Whether the system tells of everything below a folder at the price of one watch.
const DEEP: bool = cfg!(target_os = "macos");

/// Notices of changes in folders that were added.
#[pyclass(module = "covet._native", frozen)]
pub(crate) struct Watcher {
    system: Mutex<RecommendedWatcher>,
    notices: Mutex<Receiver<notify::Result<Event>>>,
}

#[pymethods]
impl Watcher {
    #[new]
    fn new() -> PyResult<Self> {
        let (sender, notices) = channel();
        let tell = move |notice: notify::Result<Event>| {
            if notice.as_ref().map_or(true, is_change) {
                drop(sender.send(notice)); // nobody listens once the process ends
            }
        };
        let system = notify::recommended_watcher(tell).map_err(|error| failed(&error))?;
        Ok(Self {
            system: Mutex::new(system),
            notices: Mutex::new(notices),
        })
    }

    /// Whether adding a folder adds all below it.
    #[classattr]
    fn deep() -> bool {
        DEEP
    }

    /// Watch a folder. No such folder: `OSError` with ENOENT; no room: with ENOSPC.
    #[pyo3(signature = (folder, /))]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "made from Python's for this call"
    )]
    fn add(&self, folder: PathBuf) -> PyResult<()> {
        let mode = if DEEP {
            RecursiveMode::Recursive
        } else {
            RecursiveMode::NonRecursive
        };
        let mut system = self.system.lock().unwrap_or_else(PoisonError::into_inner);
        system.watch(&folder, mode).map_err(|error| failed(&error))
    }

    /// The paths of the next notice, an empty list after `seconds` without one. None: notices were lost, so anything
    /// may have changed.
    #[pyo3(signature = (seconds, /))]
    fn next(&self, py: Python<'_>, seconds: f64) -> PyResult<Option<Vec<OsString>>> {
        let wait = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO);
        let notice = py.detach(|| {
            let notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
            notices.recv_timeout(wait)
        });
        match notice {
            Ok(Ok(event)) if event.need_rescan() => Ok(None),
            Ok(Ok(event)) => {
                let paths = event.paths.into_iter().map(PathBuf::into_os_string);
                Ok(Some(paths.collect()))
            }
            Ok(Err(error)) => Err(failed(&error)),
            Err(RecvTimeoutError::Timeout) => Ok(Some(Vec::new())),
            Err(RecvTimeoutError::Disconnected) => {
                Err(PyRuntimeError::new_err("the system's watcher has ended"))
            }
        }
    }
}

/// Whether a notice is of a change of content or name, not of reading or of rights.
fn is_change(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        EventKind::Modify(ModifyKind::Metadata(kind)) => kind == MetadataKind::WriteTime,
        _ => true,
    }
}

/// The system's error, with its number where it has one.
fn failed(error: &Error) -> PyErr {
    match &error.kind {
        ErrorKind::Io(cause) => match cause.raw_os_error() {
            Some(number) => PyOSError::new_err((number, cause.to_string())),
            None => PyOSError::new_err(cause.to_string()),
        },
        ErrorKind::MaxFilesWatch => PyOSError::new_err((
            libc::ENOSPC,
            "the system allows no more watches (fs.inotify.max_user_watches)",
        )),
        ErrorKind::PathNotFound => PyOSError::new_err((libc::ENOENT, "no such folder")),
        _ => PyOSError::new_err(error.to_string()),
    }
}
