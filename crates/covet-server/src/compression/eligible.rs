//! Which answers may be encoded on their way, and which are worth it.
//!
//! Decided from the answer alone, before its client is asked: what could have been encoded for
//! another client varies too.

use super::fields::{each, has_element};
use crate::media_type::MediaType;
use crate::response::{Payload, Response};

/// What an answer is to a content coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Eligible {
    /// It must stay as it is.
    Never,
    /// It may be encoded, and it is for who refuses it as it is.
    IfAsked,
    /// It is worth encoding.
    Yes,
}

/// Answers whose bytes are named by a digest: other bytes would make it wrong.
const DIGESTS: [&str; 4] = ["content-digest", "repr-digest", "digest", "content-md5"];

impl Eligible {
    /// Of `response`, where smaller bodies than `minimum` bytes are not worth it.
    pub(super) fn of(response: &Response, minimum: u64) -> Self {
        if !may_change(response) {
            return Self::Never;
        }
        let length = match &response.body {
            Payload::Stream(stream) => stream.length(),
            whole => Some(whole.length()),
        };
        match length {
            Some(0) => Self::Never,
            Some(length) if length < minimum => Self::IfAsked,
            _ if is_compressible(media_type(response)) => Self::Yes,
            _ => Self::IfAsked,
        }
    }
}

/// Whether the status has a body of its own, and no field says that the bytes are final.
fn may_change(response: &Response) -> bool {
    if matches!(response.status, 0..=199 | 204..=206 | 304) {
        return false;
    }
    each(&response.fields).all(|(name, value)| match name.len() {
        16 if name.eq_ignore_ascii_case(b"content-encoding") => false,
        13 if name.eq_ignore_ascii_case(b"content-range") => false,
        13 if name.eq_ignore_ascii_case(b"cache-control") => !has_element(value, "no-transform"),
        _ => !DIGESTS
            .iter()
            .any(|digest| name.eq_ignore_ascii_case(digest.as_bytes())),
    })
}

fn media_type(response: &Response) -> &[u8] {
    response.content_type.unwrap_or_else(|| {
        each(&response.fields)
            .find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))
            .map_or(b"", |(_, value)| value)
    })
}

/// Types outside `text/` that are text, or otherwise far from dense.
const COMPRESSIBLE: [&str; 20] = [
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/json-seq",
    "application/jsonl",
    "application/ndjson",
    "application/rtf",
    "application/toml",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-javascript",
    "application/x-ndjson",
    "application/x-sh",
    "application/x-www-form-urlencoded",
    "application/xml",
    "application/yaml",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/x-icon",
];

/// Whether bodies of this type become clearly smaller. What is not known to is not: most types
/// outside this list are compressed by themselves, as pictures, films, archives and fonts are.
fn is_compressible(field: &[u8]) -> bool {
    let media_type = MediaType::of(field);
    media_type.is_below("text")
        || media_type.has_suffix("+json")
        || media_type.has_suffix("+xml")
        || media_type.has_suffix("+yaml")
        || COMPRESSIBLE.iter().any(|essence| media_type.is(essence))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types() {
        for (field, expected) in [
            ("text/html; charset=utf-8", true),
            ("TEXT/Plain", true),
            ("text/event-stream; charset=utf-8", true),
            ("application/json", true),
            ("application/problem+json", true),
            ("application/jsonl", true),
            ("image/svg+xml", true),
            ("application/wasm", true),
            ("", false),
            ("text", false),
            ("textual/plain", false),
            ("image/png", false),
            ("video/mp4", false),
            ("font/woff2", false),
            ("application/zip", false),
            ("application/gzip", false),
            ("application/pdf", false),
            ("application/octet-stream", false),
            ("multipart/byteranges; boundary=a", false),
        ] {
            assert_eq!(is_compressible(field.as_bytes()), expected, "{field:?}");
        }
    }

    #[test]
    fn answers() {
        for (status, name, value, length, expected) in [
            (200, "a", "b", 600, Eligible::Yes),
            (404, "a", "b", 600, Eligible::Yes),
            (500, "cache-control", "no-store", 600, Eligible::Yes),
            (200, "a", "b", 500, Eligible::Yes),
            (200, "a", "b", 499, Eligible::IfAsked),
            (200, "a", "b", 0, Eligible::Never),
            (204, "a", "b", 600, Eligible::Never),
            (205, "a", "b", 600, Eligible::Never),
            (206, "a", "b", 600, Eligible::Never),
            (304, "a", "b", 600, Eligible::Never),
            (200, "content-encoding", "gzip", 600, Eligible::Never),
            (200, "Content-Encoding", "identity", 600, Eligible::Never),
            (
                200,
                "Cache-Control",
                "public, No-Transform",
                600,
                Eligible::Never,
            ),
            (416, "content-range", "bytes */7", 600, Eligible::Never),
            (200, "repr-digest", "sha-256=:AA==:", 600, Eligible::Never),
        ] {
            let body = Payload::Static(&[b'a'; 600][..length]);
            let response = Response::new(status, Some(b"text/plain"), body);
            let response = response.with_field(name, value);
            assert_eq!(
                Eligible::of(&response, 500),
                expected,
                "{status} {name}: {value}"
            );
        }
    }

    #[test]
    fn a_type_among_the_fields_counts() {
        let body = || Payload::Static(&[b'a'; 600]);
        let text = Response::new(200, None, body()).with_field("Content-Type", "text/plain");
        assert_eq!(Eligible::of(&text, 500), Eligible::Yes);
        let none = Response::new(200, None, body());
        assert_eq!(Eligible::of(&none, 500), Eligible::IfAsked);
    }
}
