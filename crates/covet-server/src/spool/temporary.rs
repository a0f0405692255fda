//! Files without a name: their bytes are gone when the last descriptor is, however that happens.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

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
