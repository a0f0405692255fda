//! The part of a form that is being read, and the batches of it that go to the disk.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::SpoolError;
use super::form::{Content, Part, Stored};
use super::temporary::Temporary;
use crate::multipart::PartHead;

/// The part that is being read.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) head: PartHead,
    /// What is kept in memory of it: all, or nothing where it is on the disk.
    pub(super) bytes: Vec<u8>,
    pub(super) size: u64,
    /// Where it is written, between two batches; and whether it is.
    pub(super) file: Option<Temporary>,
    pub(super) on_disk: bool,
    pub(super) digest: Option<Sha256>,
    /// Its last byte is here.
    pub(super) whole: bool,
}

/// A batch on its way to the disk.
pub(super) struct Batch {
    pub(super) file: Option<Temporary>,
    pub(super) digest: Option<Sha256>,
    pub(super) bytes: Vec<u8>,
    /// What of `bytes` is written.
    pub(super) range: Range<usize>,
}

impl Current {
    pub(super) fn new(head: PartHead, sha256: bool) -> Self {
        let digest = (sha256 && head.is_file()).then(Sha256::new);
        Self {
            head,
            bytes: Vec::new(),
            size: 0,
            file: None,
            on_disk: false,
            digest,
            whole: false,
        }
    }

    /// As a part of the form, whole and written.
    pub(super) fn into_part(mut self) -> Result<Part, SpoolError> {
        let content = if !self.head.is_file() {
            let text = String::from_utf8(self.bytes);
            Content::Text(text.map_err(|_| crate::multipart::Error::FieldText)?)
        } else if let Some(file) = self.file {
            let sha256 = self.digest.map(|it| it.finalize().into());
            Content::File(Stored::on_disk(file, self.size, sha256))
        } else {
            let sha256 = self.digest.take().map(|mut digest| {
                digest.update(&self.bytes);
                digest.finalize().into()
            });
            self.bytes.shrink_to_fit();
            Content::File(Stored::in_memory(self.bytes, sha256))
        };
        Ok(Part {
            head: self.head,
            content,
        })
    }
}

impl Batch {
    /// Write it; the first of a file makes the file. Blocks.
    pub(super) fn write(mut self, create: &dyn Fn() -> io::Result<File>) -> io::Result<Self> {
        let file = match self.file.take() {
            Some(file) => file,
            None => Temporary::new(create()?),
        };
        if let Some(digest) = &mut self.digest {
            digest.update(&self.bytes[self.range.clone()]);
        }
        file.file()?.write_all(&self.bytes[self.range.clone()])?;
        self.file = Some(file);
        Ok(self)
    }
}
