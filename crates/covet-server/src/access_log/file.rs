//! A log file that is opened anew when asked, for those who move it aside (logrotate's `postrotate`).
//!
//! Written by one thread; other processes may append to the same file, line by line.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A file that is appended to.
pub(super) struct LogFile {
    path: PathBuf,
    file: File,
    /// Set by whoever wants it opened anew; looked at by [`Write::flush`].
    reopen: Arc<AtomicBool>,
}

impl LogFile {
    /// Open or create the file at `path`.
    pub(super) fn open(path: &Path, reopen: Arc<AtomicBool>) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            file: open(path)?,
            reopen,
        })
    }
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    /// Open the file anew if that was asked for; where it cannot be, go on with the old one and say so.
    fn flush(&mut self) -> io::Result<()> {
        if self.reopen.swap(false, Ordering::Acquire) {
            match open(&self.path) {
                Ok(file) => self.file = file,
                Err(error) => eprintln!(
                    "covet: cannot open the access log {} anew: {error}; lines go on to the file that was open",
                    self.path.display()
                ),
            }
        }
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}
