//! A path below a directory, as a client wrote it, to an open descriptor that is really below it.
//!
//! Linux resolves in one call that cannot leave the directory (openat2, `RESOLVE_BENEATH`), links
//! inside it included. Elsewhere, and where the call is missing, each component is opened from the
//! one before it and no link is followed. Either way the file is opened first and looked at after.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::stored::{Entry, StoredFile};

/// A path that may be looked up below a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Below<'p> {
    /// Without a slash at its ends; empty for the directory itself.
    pub(super) path: &'p str,
    /// Whether it ended with a slash, or is the directory itself.
    pub(super) directory: bool,
}

/// Check a decoded path without its leading slash. `None`: an empty, hidden, `.` or `..` component,
/// a backslash, or a control character.
pub(super) fn check(path: &str) -> Option<Below<'_>> {
    let (path, directory) = match path.strip_suffix('/') {
        Some("") => return None,
        Some(path) => (path, true),
        None => (path, path.is_empty()),
    };
    let is_plain = |component: &str| !component.is_empty() && !component.starts_with('.');
    let is_safe = !path
        .bytes()
        .any(|byte| byte == b'\\' || byte.is_ascii_control());
    (path.is_empty() || (is_safe && path.split('/').all(is_plain)))
        .then_some(Below { path, directory })
}

/// The regular file at `path` below `root`; `None` where there is none, where it may not be read,
/// or where the path would leave `root`, by a link too.
///
/// # Errors
/// What has nothing to do with the path: no descriptor left, a failing disk.
pub fn open_below(root: &Path, path: &str) -> io::Result<Option<StoredFile>> {
    let Some(below) = check(path).filter(|below| !below.directory) else {
        return Ok(None);
    };
    let Some(root) = open_root(root)? else {
        return Ok(None);
    };
    Ok(match open(root.as_fd(), below.path)? {
        Some(Entry::File(file)) => Some(file),
        _ => None,
    })
}

/// The directory that requests are resolved below. Opened for each, so that a deployment may put
/// another one in its place.
pub(super) fn open_root(root: &Path) -> io::Result<Option<OwnedFd>> {
    #[cfg(target_os = "linux")]
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    #[cfg(not(target_os = "linux"))]
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    missing_as_none(rustix::fs::open(root, flags, Mode::empty()))
}

/// What lies at a checked path, which is not empty.
pub(super) fn open(root: BorrowedFd<'_>, path: &str) -> io::Result<Option<Entry>> {
    #[cfg(target_os = "linux")]
    let opened = match beneath(root, path) {
        // An old kernel, or a filter that does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => walk(root, path),
        opened => opened,
    };
    #[cfg(not(target_os = "linux"))]
    let opened = walk(root, path);
    missing_as_none(opened)?.map(Entry::of).transpose()
}

/// A pipe must not make us wait for its writer.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

#[cfg(target_os = "linux")]
fn beneath(root: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};

    /// A rename on the way may ask to try again, and again if someone makes it so.
    const ATTEMPTS: usize = 8;

    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 1..ATTEMPTS {
        match openat2(root, path, READ, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            opened => return opened,
        }
    }
    openat2(root, path, READ, Mode::empty(), resolve)
}

/// Component by component, no link followed.
fn walk(root: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Errno> {
    let (parents, name) = path.rsplit_once('/').unwrap_or(("", path));
    let mut at: Option<OwnedFd> = None;
    for component in parents.split('/').filter(|component| !component.is_empty()) {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        let from = at.as_ref().map_or(root, AsFd::as_fd);
        at = Some(rustix::fs::openat(from, component, flags, Mode::empty())?);
    }
    let from = at.as_ref().map_or(root, AsFd::as_fd);
    rustix::fs::openat(from, name, READ | OFlags::NOFOLLOW, Mode::empty())
}

/// What a path cannot reach is missing; only what is wrong with the system is an error.
fn missing_as_none(opened: Result<OwnedFd, Errno>) -> io::Result<Option<OwnedFd>> {
    match opened {
        Ok(descriptor) => Ok(Some(descriptor)),
        Err(
            error @ (Errno::MFILE
            | Errno::NFILE
            | Errno::NOMEM
            | Errno::IO
            | Errno::STALE
            | Errno::INTR),
        ) => Err(error.into()),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;
    use std::process::Command;

    use super::*;

    #[test]
    fn paths_that_may_be_looked_up() {
        for (path, expected) in [
            ("", Some(("", true))),
            ("a", Some(("a", false))),
            ("a/b.txt", Some(("a/b.txt", false))),
            ("a/", Some(("a", true))),
            ("a b/ü", Some(("a b/ü", false))),
            ("%2e%2e", Some(("%2e%2e", false))),
            ("/", None),
            ("//", None),
            ("/etc/passwd", None),
            ("a//b", None),
            ("a//", None),
            (".", None),
            ("..", None),
            ("../a", None),
            ("a/..", None),
            ("a/../b", None),
            (".env", None),
            ("a/.git/config", None),
            ("...", None),
            ("a\\..\\b", None),
            ("a\0", None),
            ("a\n", None),
            ("a\x7f", None),
        ] {
            let found = check(path).map(|below| (below.path, below.directory));
            assert_eq!(found, expected, "{path:?}");
        }
    }

    /// A directory with a secret beside it, gone at the end.
    struct Site(PathBuf);

    impl Site {
        fn new(name: &str) -> Self {
            let top = std::env::temp_dir().join(format!("covet-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&top);
            for directory in ["site/sub", "site-other", "outside"] {
                fs::create_dir_all(top.join(directory)).unwrap();
            }
            for (file, text) in [
                ("site/a.txt", "a"),
                ("site/sub/b.txt", "b"),
                ("site-other/secret", "s"),
                ("outside/secret", "s"),
            ] {
                fs::write(top.join(file), text).unwrap();
            }
            for (to, link) in [
                ("a.txt", "inside.txt"),
                ("sub", "inside"),
                ("../outside/secret", "escape"),
                ("../outside", "escapes"),
                ("/etc", "absolute"),
                ("/proc/self/root", "magic"),
                ("sub/../../outside/secret", "roundabout"),
                ("loop", "loop"),
            ] {
                symlink(to, top.join("site").join(link)).unwrap();
            }
            let pipe = top.join("site/pipe");
            let made = Command::new("mkfifo").arg(pipe).status().unwrap();
            assert!(made.success());
            Self(top)
        }
    }

    impl Drop for Site {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    /// The path, whether it opens, whether it opens where no link is followed.
    const PATHS: [(&str, bool, bool); 17] = [
        ("a.txt", true, true),
        ("sub/b.txt", true, true),
        ("inside.txt", true, false),
        ("inside/b.txt", true, false),
        ("escape", false, false),
        ("escapes/secret", false, false),
        ("absolute/passwd", false, false),
        ("magic/etc/passwd", false, false),
        ("roundabout", false, false),
        ("loop", false, false),
        ("sub", false, false),
        ("pipe", false, false),
        ("missing", false, false),
        ("a.txt/b", false, false),
        ("a.txt/", false, false),
        ("../site-other/secret", false, false),
        ("-other/secret", false, false),
    ];

    #[test]
    fn nothing_leaves_the_directory() {
        let site = Site::new("resolve");
        let root = site.0.join("site");
        for (path, opens, opens_unfollowed) in PATHS {
            let opens = if cfg!(target_os = "linux") {
                opens
            } else {
                opens_unfollowed
            };
            let found = open_below(&root, path).unwrap();
            assert_eq!(found.is_some(), opens, "{path}");
        }
        let long = "x".repeat(300);
        assert!(open_below(&root, &long).unwrap().is_none());
        assert!(open_below(&root, &"x/".repeat(4000)).unwrap().is_none());
        assert!(open_below(&site.0.join("gone"), "a.txt").unwrap().is_none());
    }

    #[test]
    fn nor_where_it_is_walked() {
        let site = Site::new("walk");
        let root = open_root(&site.0.join("site")).unwrap().unwrap();
        for (path, _, opens) in PATHS {
            let entry = walk(root.as_fd(), path)
                .ok()
                .map(|it| Entry::of(it).unwrap());
            if check(path).is_some_and(|below| !below.directory) {
                assert_eq!(matches!(entry, Some(Entry::File(_))), opens, "{path}");
            }
        }
    }

    #[test]
    fn a_swap_for_a_link_shows_the_old_file_or_none() {
        let site = Site::new("swap");
        let root = site.0.join("site");
        let done = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                // `sub` is by turns a directory with b.txt and a link out of the site.
                fs::write(site.0.join("outside/b.txt"), "secret").unwrap();
                symlink("../outside", site.0.join("link")).unwrap();
                for _ in 0..400 {
                    fs::rename(root.join("sub"), site.0.join("kept")).unwrap();
                    fs::rename(site.0.join("link"), root.join("sub")).unwrap();
                    fs::rename(root.join("sub"), site.0.join("link")).unwrap();
                    fs::rename(site.0.join("kept"), root.join("sub")).unwrap();
                }
                done.store(true, std::sync::atomic::Ordering::Relaxed);
            });
            let mut opened = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                if let Some(found) = open_below(&root, "sub/b.txt").unwrap() {
                    assert_eq!(found.length(), 1, "the secret");
                    opened += 1;
                }
            }
            assert!(opened > 0);
        });
    }
}
