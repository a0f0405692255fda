//! Files without a name: their bytes are gone when the last descriptor is, however that happens.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use tokio::runtime::Handle;

/// A file from this many bytes on is not closed on a thread that serves.
const LARGE: u64 = 1024 * 1024;

/// A file without a name, while somebody needs it.
///
/// With its last descriptor its blocks are freed, which takes a tenth of a second for a gibibyte: another thread does that.
#[derive(Debug)]
pub(super) struct Temporary(Option<File>);

impl Temporary {
    pub(super) fn new(file: File) -> Self {
        Self(Some(file))
    }

    /// The file.
    ///
    /// # Errors
    /// None; it is there until it is dropped.
    pub(super) fn file(&self) -> io::Result<&File> {
        self.0
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let Some(file) = self.0.take() else {
            return;
        };
        let is_large = file.metadata().is_ok_and(|about| about.len() >= LARGE);
        if !is_large {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn_blocking(move || drop(file));
        } else {
            // Dropped by a program whose loop is not ours. Where no thread starts, it is closed here.
            let closing = thread::Builder::new().name("covet-close".into());
            let _ = closing.spawn(move || drop(file));
        }
    }
}

/// How often another name is tried where one is taken.
const TRIES: usize = 100;

/// A file in `folder` that has no name and that only we may read.
pub(super) fn unnamed(folder: &Path) -> io::Result<File> {
    if let Some(made) = nameless(folder, 0o600) {
        return made;
    }
    let (file, path) = named(folder, 0o600)?;
    std::fs::remove_file(path)?;
    Ok(file)
}

/// A file that never had a name; `None` where the system or the file system has no such files.
#[cfg(target_os = "linux")]
pub(super) fn nameless(folder: &Path, mode: u32) -> Option<io::Result<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(mode);
    match options.custom_flags(libc::O_TMPFILE).open(folder) {
        // An old kernel takes the flag for O_DIRECTORY and refuses to write to a folder.
        Err(error) if matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EISDIR)) => None,
        opened => Some(opened),
    }
}

/// There are no such files here.
#[cfg(not(target_os = "linux"))]
pub(super) fn nameless(_folder: &Path, _mode: u32) -> Option<io::Result<File>> {
    None
}

/// A new file in `folder` under a name that nobody else has.
pub(super) fn named(folder: &Path, mode: u32) -> io::Result<(File, PathBuf)> {
    let mut taken = None;
    for _ in 0..TRIES {
        let path = fresh_name(folder);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(mode);
        match options.open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(taken.unwrap_or_else(|| io::ErrorKind::AlreadyExists.into()))
}

/// A path in `folder` that this process has not used before.
pub(super) fn fresh_name(folder: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    folder.join(format!(".covet-{}-{number}.part", process::id()))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, Write};

    use super::*;

    #[test]
    fn a_file_without_a_name_leaves_nothing() {
        let folder = std::env::temp_dir().join(format!("covet-temporary-{}", process::id()));
        std::fs::create_dir(&folder).expect("a new folder");
        let mut file = unnamed(&folder).expect("a file");
        file.write_all(b"text").expect("written");
        file.rewind().expect("at its start");
        let mut read = String::new();
        file.read_to_string(&mut read).expect("read");
        assert_eq!(read, "text");
        std::fs::remove_dir(&folder).expect("the folder is empty");
        assert!(unnamed(&folder).is_err(), "the folder is gone");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_large_file_is_closed_elsewhere() {
        use std::os::fd::AsRawFd;

        for (size, is_left) in [(LARGE - 1, false), (LARGE, true)] {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.max_blocking_threads(1).build().expect("a runtime");
            let (busy, release) = std::sync::mpsc::channel::<()>();
            let entered = runtime.enter();
            runtime.spawn_blocking(move || release.recv());
            let file = unnamed(&std::env::temp_dir()).expect("a file");
            file.set_len(size).expect("room");
            let link = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
            let shown = std::fs::read_link(&link).expect("open");
            let is_open = || std::fs::read_link(&link).is_ok_and(|now| now == shown);
            drop(Temporary::new(file));
            assert_eq!(is_open(), is_left, "{size}");
            drop(busy);
            drop(entered);
            drop(runtime); // waits for its threads
            assert!(!is_open(), "{size}");
        }
        let file = unnamed(&std::env::temp_dir()).expect("a file");
        file.set_len(LARGE).expect("room");
        let link = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        let shown = std::fs::read_link(&link).expect("open");
        drop(Temporary::new(file));
        while std::fs::read_link(&link).is_ok_and(|now| now == shown) {
            thread::yield_now();
        }
    }

    #[test]
    fn a_name_that_is_taken_is_passed_over() {
        let folder = std::env::temp_dir().join(format!("covet-named-{}", process::id()));
        std::fs::create_dir(&folder).expect("a new folder");
        let (_, first) = named(&folder, 0o600).expect("a file");
        let (_, second) = named(&folder, 0o600).expect("another");
        assert_ne!(first, second);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
