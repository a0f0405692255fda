//! An upload under a name: whole, on the disk, or not there at all.
//!
//! The bytes go to a file without a name beside the target, are flushed to the disk, and take the
//! target's place in one step. Blocks.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::temporary;

/// Mode of a new file, before the process's umask.
const MODE: u32 = 0o666;

/// Make `path` a file with what `write` writes, in place of what was there.
pub(super) fn save(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return Err(io::ErrorKind::IsADirectory.into()),
    };
    if let Some(made) = temporary::nameless(folder, MODE) {
        let mut file = made?;
        write(&mut file)?;
        file.sync_all()?;
        take_place(link(&file, folder)?, path)?;
    } else {
        let (mut file, named) = temporary::named(folder, MODE)?;
        let named = Named(Some(named));
        write(&mut file)?;
        file.sync_all()?;
        take_place(named, path)?;
    }
    File::open(folder)?.sync_all()
}

/// A name that goes away unless it becomes the target.
struct Named(Option<PathBuf>);

impl Drop for Named {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = std::fs::remove_file(path); // nothing is left to try
        }
    }
}

fn take_place(mut named: Named, path: &Path) -> io::Result<()> {
    if let Some(from) = &named.0 {
        std::fs::rename(from, path)?;
    }
    named.0 = None;
    Ok(())
}

/// Give a file without a name one in `folder`.
#[cfg(target_os = "linux")]
fn link(file: &File, folder: &Path) -> io::Result<Named> {
    use std::os::fd::AsRawFd;

    use rustix::fs::{AtFlags, CWD, linkat};

    let own = format!("/proc/self/fd/{}", file.as_raw_fd());
    loop {
        let name = temporary::fresh_name(folder);
        match linkat(CWD, &own, CWD, &name, AtFlags::SYMLINK_FOLLOW) {
            Ok(()) => return Ok(Named(Some(name))),
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// There are no files without a name here.
#[cfg(not(target_os = "linux"))]
fn link(_file: &File, _folder: &Path) -> io::Result<Named> {
    Err(io::ErrorKind::Unsupported.into())
}
