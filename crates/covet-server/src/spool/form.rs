//! [`Form`]: what a multipart body held, and how its files are read and saved.

use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::saving;
use super::temporary::Temporary;
use crate::multipart::PartHead;

/// Bytes that are copied at once.
const PIECE: usize = 256 * 1024;

/// Every part of a body, in order.
#[derive(Debug, Default)]
pub struct Form {
    /// The parts.
    pub parts: Vec<Part>,
}

/// One part.
#[derive(Debug)]
pub struct Part {
    /// Its head.
    pub head: PartHead,
    /// What it holds.
    pub content: Content,
}

/// What a part holds.
#[derive(Debug)]
pub enum Content {
    /// A field.
    Text(String),
    /// A file.
    File(Stored),
}

/// The bytes of an uploaded file. Reading and saving block where they are on the disk.
#[derive(Debug)]
pub struct Stored {
    size: u64,
    sha256: Option<[u8; 32]>,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Memory(Vec<u8>),
    Disk(Temporary),
}

impl Stored {
    pub(super) fn in_memory(bytes: Vec<u8>, sha256: Option<[u8; 32]>) -> Self {
        Self {
            size: bytes.len() as u64,
            sha256,
            place: Place::Memory(bytes),
        }
    }

    pub(super) fn on_disk(file: Temporary, size: u64, sha256: Option<[u8; 32]>) -> Self {
        Self {
            size,
            sha256,
            place: Place::Disk(file),
        }
    }

    /// Bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest, where it was asked for.
    #[must_use]
    pub fn sha256(&self) -> Option<&[u8; 32]> {
        self.sha256.as_ref()
    }

    /// The bytes, where they are in memory.
    #[must_use]
    pub fn memory(&self) -> Option<&[u8]> {
        match &self.place {
            Place::Memory(bytes) => Some(bytes),
            Place::Disk(_) => None,
        }
    }

    /// Bytes from `offset` on, as many as fit in `out` and are there.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        match &self.place {
            Place::Memory(bytes) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let from = bytes.get(start..).unwrap_or_default();
                let count = from.len().min(out.len());
                out[..count].copy_from_slice(&from[..count]);
                Ok(count)
            }
            Place::Disk(file) => {
                let mut filled = 0;
                while filled < out.len() {
                    match file
                        .file()?
                        .read_at(&mut out[filled..], offset + filled as u64)
                    {
                        Ok(0) => break,
                        Ok(count) => filled += count,
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(filled)
            }
        }
    }

    /// At most `count` bytes from `offset` on.
    ///
    /// # Errors
    /// As [`Stored::read_at`].
    pub fn read(&self, offset: u64, count: u64) -> io::Result<Vec<u8>> {
        let left = self.size.saturating_sub(offset).min(count);
        let mut out = vec![0; usize::try_from(left).unwrap_or(usize::MAX)];
        let filled = self.read_at(offset, &mut out)?;
        out.truncate(filled);
        Ok(out)
    }

    /// Make `path` a file with these bytes: flushed to the disk, in one step, or not at all.
    ///
    /// # Errors
    /// What the disk says; `path` is then what it was.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        saving::save(path, |file| match &self.place {
            Place::Memory(bytes) => file.write_all(bytes),
            Place::Disk(_) => {
                let mut piece = vec![0; PIECE];
                let mut offset = 0;
                loop {
                    let count = self.read_at(offset, &mut piece)?;
                    if count == 0 {
                        return Ok(());
                    }
                    file.write_all(&piece[..count])?;
                    offset += count as u64;
                }
            }
        })
    }
}
