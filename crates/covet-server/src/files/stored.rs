//! [`StoredFile`]: an open regular file, what identifies its state, and the fields that say so.
//!
//! Everything is read from the descriptor, so that a name which is pointed elsewhere meanwhile
//! changes nothing.

use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use httpdate::fmt_http_date;
use rustix::fs::{Mode, OFlags};

use super::conditional::{EntityTag, Validators, whole};

/// A file that changed so recently may change again within the grain of its time stamp.
const SETTLED: Duration = Duration::from_secs(2);

/// A regular file, open for reading.
#[derive(Debug)]
pub struct StoredFile {
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) validators: Validators,
}

/// What a descriptor is open on.
#[derive(Debug)]
pub(super) enum Entry {
    File(StoredFile),
    Directory,
    /// A device, a pipe, a socket.
    Other,
}

impl Entry {
    pub(super) fn of(descriptor: OwnedFd) -> io::Result<Self> {
        let file = File::from(descriptor);
        let about = file.metadata()?;
        if about.is_dir() {
            return Ok(Self::Directory);
        }
        if !about.is_file() {
            return Ok(Self::Other);
        }
        let changed = about.modified()?;
        Ok(Self::File(StoredFile {
            length: about.len(),
            validators: validators(
                (about.dev(), about.ino(), about.len()),
                changed,
                SystemTime::now(),
            ),
            file,
        }))
    }
}

impl StoredFile {
    /// The regular file at `path`, links followed: for a path that the program itself chose.
    ///
    /// # Errors
    /// What opening it says; `InvalidInput` where it is no regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        match Entry::of(rustix::fs::open(path, flags, Mode::empty())?)? {
            Entry::File(file) => Ok(file),
            Entry::Directory | Entry::Other => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is no regular file",
            )),
        }
    }

    /// Number of bytes when it was opened.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Append `ETag`, Last-Modified and Accept-Ranges to `fields`.
    pub fn write_fields(&self, fields: &mut Vec<u8>) {
        for (name, value) in [
            ("etag", self.validators.tag.field()),
            ("last-modified", fmt_http_date(self.validators.modified)),
            ("accept-ranges", "bytes".to_owned()),
        ] {
            fields.extend_from_slice(name.as_bytes());
            fields.extend_from_slice(b": ");
            fields.extend_from_slice(value.as_bytes());
            fields.extend_from_slice(b"\r\n");
        }
    }
}

/// The validators of a file by its identity (device, inode, size) and its modification.
///
/// A tag is strong only once the time stamp is old enough to tell two writes apart (RFC 9110
/// sections 8.8.1 and 8.8.2.2); a time stamp in the future becomes now (section 8.8.2.1).
fn validators(identity: (u64, u64, u64), changed: SystemTime, now: SystemTime) -> Validators {
    let age = now.duration_since(changed);
    let since = changed.duration_since(UNIX_EPOCH).unwrap_or_default();
    // Hashed, so that a tag tells nobody an inode number; all workers hash alike.
    let mut hasher = DefaultHasher::new();
    (identity, since).hash(&mut hasher);
    Validators {
        tag: EntityTag {
            weak: age.as_ref().map_or(true, |age| *age < SETTLED),
            opaque: format!("{:016x}-{:x}", hasher.finish(), identity.2),
        },
        modified: whole(changed.min(now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_strong_once_the_file_has_settled() {
        let now = UNIX_EPOCH + Duration::from_millis(1_000_000_500);
        let ago = |millis| now - Duration::from_millis(millis);
        for (changed, weak, modified) in [
            (ago(2_000), false, 999_998),
            (ago(1_999), true, 999_998),
            (ago(0), true, 1_000_000),
            (now + Duration::from_secs(60), true, 1_000_000),
            (UNIX_EPOCH - Duration::from_secs(9), false, 0),
        ] {
            let found = validators((1, 2, 3), changed, now);
            assert_eq!(found.tag.weak, weak, "{changed:?}");
            let expected = UNIX_EPOCH + Duration::from_secs(modified);
            assert_eq!(found.modified, expected, "{changed:?}");
        }
    }

    #[test]
    fn every_part_of_the_identity_changes_the_tag() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000);
        let at = UNIX_EPOCH + Duration::from_secs(10);
        let tag = |identity, changed| validators(identity, changed, now).tag;
        let first = tag((1, 2, 3), at);
        assert_eq!(first, tag((1, 2, 3), at));
        for other in [
            tag((9, 2, 3), at),
            tag((1, 9, 3), at),
            tag((1, 2, 9), at),
            tag((1, 2, 3), at + Duration::from_nanos(1)),
        ] {
            assert_ne!(first, other);
        }
    }
}
