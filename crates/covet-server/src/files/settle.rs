//! What an answer with a whole file becomes for a client that has it already, or wants a part.
//!
//! The last step before framing, the same for a directory's files and for a handler's. Conditions
//! and ranges count only for a status of 200 (RFC 9110 sections 13.2.1 and 14.2).

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::mem;

use super::asked::{Asked, Condition};
use super::body::{FileBody, Piece};
use super::conditional::{Verdict, evaluate, range_applies};
use super::range::{ByteRange, Selection, select};
use crate::http1::Method;
use crate::response::{Payload, Response};

/// A file up to this size is read at once and sent behind its head.
const SMALL: u64 = 16 * 1024;

/// How a file is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sending {
    /// Whether the system call for it may be used.
    pub(crate) sendfile: bool,
    /// Whether the whole would be encoded on its way.
    pub(crate) encoded: bool,
}

/// `response` as the client gets it.
pub(crate) fn settle(
    mut response: Response,
    method: Method,
    asked: Option<&Asked>,
    how: Sending,
) -> Response {
    if !matches!(response.body, Payload::File(_)) {
        return response;
    }
    let Payload::File(mut body) = mem::take(&mut response.body) else {
        return response;
    };
    if let Some((validators, total)) = body.take_whole()
        && response.status == 200
        && let Some(asked) = asked
    {
        match evaluate(asked, &validators) {
            Verdict::Failed => return refused(&response, 412),
            Verdict::NotModified => return not_modified(response),
            Verdict::Proceed => {}
        }
        let range = asked
            .only(Condition::Range)
            .filter(|_| method == Method::Get && range_applies(asked, &validators, how.encoded));
        match range.map_or(Selection::Whole, |field| select(field, total)) {
            Selection::Whole => {}
            Selection::Unsatisfiable => {
                let size = format!("bytes */{total}");
                return refused(&response, 416).with_field("content-range", &size);
            }
            Selection::Parts(parts) => {
                response.status = 206;
                if let [part] = parts[..] {
                    body.narrow(VecDeque::from([FileBody::piece(part)]));
                    response = response.with_field("content-range", &part.field(total));
                } else {
                    body.narrow(multipart(&mut response, &parts, total));
                }
            }
        }
    }
    if !how.sendfile {
        body.copy();
    }
    // The length of what HEAD asks for is known without reading it.
    if method == Method::Head || body.left() > SMALL {
        response.body = Payload::File(body);
        return response;
    }
    match body.into_buffer() {
        Ok(buffer) => response.body = Payload::Buffer(buffer),
        Err(_) => return refused(&response, 503).with_field("retry-after", "1"),
    }
    response
}

fn refused(response: &Response, status: u16) -> Response {
    let mut refused = Response::problem(status, "");
    refused.close = response.close;
    refused
}

/// 304 with what a cache needs to go on using what it has (RFC 9110 section 15.4.5).
fn not_modified(mut response: Response) -> Response {
    response.status = 304;
    response.content_type = None;
    let location = take_fields(&mut response.fields, b"content-location:");
    let _of_the_content = take_fields(&mut response.fields, b"content-");
    response.fields.extend_from_slice(&location);
    response
}

/// The pieces of a multipart/byteranges body, RFC 9110 section 14.6.
fn multipart(response: &mut Response, parts: &[ByteRange], total: u64) -> VecDeque<Piece> {
    let boundary = boundary();
    let mut line = Vec::new();
    if let Some(content_type) = response.content_type.take() {
        line.extend_from_slice(b"content-type: ");
        line.extend_from_slice(content_type);
        line.extend_from_slice(b"\r\n");
    } else {
        line = take_fields(&mut response.fields, b"content-type:");
    }
    let announced = format!("content-type: multipart/byteranges; boundary={boundary}\r\n");
    response.fields.extend_from_slice(announced.as_bytes());
    let mut pieces = VecDeque::with_capacity(parts.len() * 2 + 1);
    for (at, part) in parts.iter().enumerate() {
        let before = if at == 0 { "" } else { "\r\n" };
        let mut text = format!("{before}--{boundary}\r\n").into_bytes();
        text.extend_from_slice(&line);
        let range = format!("content-range: {}\r\n\r\n", part.field(total));
        text.extend_from_slice(range.as_bytes());
        pieces.extend([Piece::Text(text), FileBody::piece(*part)]);
    }
    let end = format!("\r\n--{boundary}--\r\n").into_bytes();
    pieces.push_back(Piece::Text(end));
    pieces
}

/// Text that no file was made to contain.
fn boundary() -> String {
    let random = || RandomState::new().hash_one(0_u64);
    format!("{:016x}{:016x}", random(), random())
}

/// Take out the field lines whose start is `start`, in any case.
fn take_fields(fields: &mut Vec<u8>, start: &[u8]) -> Vec<u8> {
    let (mut kept, mut taken) = (Vec::with_capacity(fields.len()), Vec::new());
    for line in fields.split_inclusive(|&byte| byte == b'\n') {
        let matches = line
            .get(..start.len())
            .is_some_and(|text| text.eq_ignore_ascii_case(start));
        let to = if matches { &mut taken } else { &mut kept };
        to.extend_from_slice(line);
    }
    *fields = kept;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::StoredFile;

    #[test]
    fn fields_are_taken_by_their_start() {
        let mut fields = b"etag: \"a\"\r\nContent-Type: a/b\r\ncontent-x: y\r\n".to_vec();
        assert_eq!(
            take_fields(&mut fields, b"content-type:"),
            b"Content-Type: a/b\r\n"
        );
        assert_eq!(fields, b"etag: \"a\"\r\ncontent-x: y\r\n");
        assert_eq!(take_fields(&mut fields, b"vary:"), b"");
    }

    #[test]
    fn a_large_file_is_left_to_the_kernel_unless_that_is_off() {
        let name = format!("covet-settle-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        for (size, sendfile, in_memory, copied) in [
            (SMALL, true, true, false),
            (SMALL + 1, true, false, false),
            (SMALL + 1, false, false, true),
        ] {
            std::fs::write(&path, vec![0; size as usize]).expect("a file");
            let stored = StoredFile::open(&path).expect("the same file");
            let body = Payload::File(Box::new(FileBody::whole(stored)));
            let how = Sending {
                sendfile,
                encoded: false,
            };
            let settled = settle(Response::new(200, None, body), Method::Get, None, how);
            assert_eq!(settled.body.length(), size);
            match settled.body {
                Payload::File(body) => assert_eq!((false, body.is_copied()), (in_memory, copied)),
                _ => assert!(in_memory, "{size}"),
            }
        }
        std::fs::remove_file(&path).expect("the file");
    }

    #[test]
    fn boundaries_differ() {
        assert_ne!(boundary(), boundary());
        assert_eq!(boundary().len(), 32);
    }
}
