//! Forms with files, kept while they arrive: fields and small files in memory, large files in
//! temporary files that have no name, so that they are gone however the process ends.
//!
//! Writing happens on blocking threads in batches; while one is behind, the socket is not read.
//!
//! # Layout
//! - [`spool`], [`spool_bytes`]: take a body as a form; `intake`: the sink and the future it completes; `received`: its
//!   bytes between the socket and the disk
//! - [`Form`], [`Part`], [`Stored`]: what comes of it
//! - `temporary`: files without a name; `saving`: an upload under a name, whole or not at all
//!
//! Knows no Python. Neighbours: [`crate::multipart`] parses, [`crate::body`] gives the bytes.

mod form;
mod intake;
mod part;
mod received;
mod saving;
mod temporary;

use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

pub use self::form::{Content, Form, Part, Stored};
pub use self::intake::{Spooling, spool, spool_bytes};
use crate::body::BodyError;
use crate::multipart::{self, Limits};

/// Makes the file for an upload that is too large for memory. Called on a blocking thread.
pub type Create = Arc<dyn Fn() -> io::Result<File> + Send + Sync>;

/// How a form is kept.
#[derive(Clone)]
pub struct Options {
    /// What the form may hold.
    pub limits: Limits,
    /// Bytes of a file that are kept in memory; a larger one is written to disk.
    pub memory: usize,
    /// Whether the SHA-256 of each file is computed while it arrives.
    pub sha256: bool,
    /// Where large files go.
    pub create: Create,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            memory: 64 * 1024,
            sha256: false,
            create: Arc::new(|| temporary::unnamed(&std::env::temp_dir())),
        }
    }
}

impl Options {
    /// The same, with large files in `folder`.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        let folder = folder.to_owned();
        self.create = Arc::new(move || temporary::unnamed(&folder));
        self
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("limits", &self.limits)
            .field("memory", &self.memory)
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

/// Why there is no form.
#[derive(Debug)]
pub enum SpoolError {
    /// The body is malformed or passes a limit.
    Refused(multipart::Error),
    /// There is no room for a file: 507.
    Full,
    /// A file cannot be written for another reason: 500.
    Storage(io::Error),
    /// The body did not arrive whole.
    Body(BodyError),
}

impl From<multipart::Error> for SpoolError {
    fn from(error: multipart::Error) -> Self {
        Self::Refused(error)
    }
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full,
            _ => Self::Storage(error),
        }
    }
}
