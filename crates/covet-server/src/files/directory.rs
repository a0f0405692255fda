//! [`Files`]: a directory whose files answer GET and HEAD below a route, without a handler.
//!
//! What is hidden, is no regular file or lies outside is missing. Nothing is ever listed.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

use super::body::FileBody;
use super::encoding::accepted;
use super::media::{content_type, holds_digest, is_compressible, is_resource};
use super::resolve::{check, open, open_root};
use super::stored::{Entry, StoredFile};
use crate::http1::Head;
use crate::percent;
use crate::response::{Payload, Response};

/// What stands for a directory.
const INDEX: &str = "index.html";
/// A name with a digest never means other bytes.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Ask each time; it is a 304 mostly.
const ASK: &str = "no-cache";

/// The files below a directory.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    spa: bool,
}

impl Files {
    /// The files below `root`. `spa`: its index.html answers where a page is missing.
    ///
    /// # Errors
    /// Where `root` cannot be read, or is no directory.
    pub fn new(root: &Path, spa: bool) -> io::Result<Self> {
        if !std::fs::metadata(root)?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let root = std::path::absolute(root)?;
        Ok(Self { root, spa })
    }

    /// Answer a GET or HEAD for `rest`, the decoded path below the route; `None` for the route's
    /// own path without its slash.
    pub(crate) fn answer(&self, head: &Head, bytes: &[u8], rest: Option<&str>) -> Response {
        let raw = head.path.of(bytes);
        let found = match rest {
            None => Ok(Some(redirect(head, bytes))),
            // An encoded slash would be one component to a proxy, and two to us.
            Some(_) if has_encoded_slash(raw) => Ok(None),
            Some(rest) => self.find(head, bytes, rest),
        };
        match found {
            Ok(Some(response)) => response,
            Ok(None) => Response::problem(404, ""),
            Err(_) => Response::problem(503, "").with_field("retry-after", "1"),
        }
    }

    fn find(&self, head: &Head, bytes: &[u8], rest: &str) -> io::Result<Option<Response>> {
        let Some(below) = check(rest) else {
            return Ok(None);
        };
        let Some(root) = open_root(&self.root)? else {
            return Ok(None);
        };
        let root = root.as_fd();
        let index;
        let path = match (below.directory, below.path) {
            (false, path) => path,
            (true, "") => INDEX,
            (true, path) => {
                index = format!("{path}/{INDEX}");
                &index
            }
        };
        match open(root, path)? {
            Some(Entry::File(file)) => return send(root, path, file, head, bytes).map(Some),
            Some(Entry::Directory) if !below.directory => {
                let inside = open(root, &format!("{path}/{INDEX}"))?;
                if matches!(inside, Some(Entry::File(_))) {
                    return Ok(Some(redirect(head, bytes)));
                }
            }
            _ => {}
        }
        if self.spa
            && !is_resource(base(path))
            && let Some(Entry::File(file)) = open(root, INDEX)?
        {
            return send(root, INDEX, file, head, bytes).map(Some);
        }
        Ok(None)
    }
}

/// An answer with `file`, or with a precompressed sibling that the client takes.
fn send(
    root: BorrowedFd<'_>,
    path: &str,
    file: StoredFile,
    head: &Head,
    bytes: &[u8],
) -> io::Result<Response> {
    let name = base(path);
    let media_type = content_type(name);
    let mut response = Response::new(200, Some(media_type.as_bytes()), Payload::Empty);
    let mut chosen = file;
    if is_compressible(media_type) {
        response = response.with_field("vary", "accept-encoding");
        for coding in accepted(head.values(bytes, "accept-encoding")) {
            if let Some(Entry::File(sibling)) = open(root, &format!("{path}{}", coding.suffix))? {
                chosen = sibling;
                response = response.with_field("content-encoding", coding.name);
                break;
            }
        }
    }
    if holds_digest(name) {
        response = response.with_field("cache-control", FOREVER);
    } else if media_type.starts_with("text/html") {
        response = response.with_field("cache-control", ASK);
    }
    chosen.write_fields(&mut response.fields);
    response.body = Payload::File(Box::new(FileBody::whole(chosen)));
    Ok(response)
}

/// To the same path with a slash, so that relative links in the index are right. The target is
/// relative: whatever the path is, it names no other host.
fn redirect(head: &Head, bytes: &[u8]) -> Response {
    let last = head.path.of(bytes).rsplit(|&byte| byte == b'/').next();
    let mut name = Vec::new();
    let decoded = percent::decode_into(last.unwrap_or_default(), &mut name);
    debug_assert!(decoded.is_ok(), "the router has decoded it before");
    let mut location = String::from("./");
    percent::encode_into(&String::from_utf8_lossy(&name), &mut location);
    location.push('/');
    if let Some(query) = head.query.map(|query| query.of(bytes))
        && query.iter().all(u8::is_ascii_graphic)
    {
        location.push('?');
        location.push_str(&String::from_utf8_lossy(query));
    }
    Response::new(308, None, Payload::Empty).with_field("location", &location)
}

fn has_encoded_slash(raw: &[u8]) -> bool {
    raw.windows(3)
        .any(|window| window.eq_ignore_ascii_case(b"%2f"))
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
