//! Heads of answers, byte for byte.

use covet_server::http1::{
    AnswerHead, AnswerLength, CHUNK_END, CONTINUE, LAST_CHUNK, Version, encode_chunk_size,
    encode_head, field_is_valid, reason_phrase, status_line,
};

const DATE: &[u8; 29] = b"Sun, 06 Nov 1994 08:49:37 GMT";

fn encoded(head: &AnswerHead<'_>) -> String {
    let mut out = b"before ".to_vec();
    encode_head(&mut out, head);
    String::from_utf8(out)
        .unwrap()
        .strip_prefix("before ")
        .unwrap()
        .to_owned()
}

const PLAIN: AnswerHead<'_> = AnswerHead {
    status: 200,
    version: Version::Http11,
    keep_alive: true,
    length: AnswerLength::Known(5),
    content_type: Some(b"text/plain; charset=utf-8"),
    date: DATE,
    fields: b"",
};

#[test]
fn a_whole_head() {
    let head = AnswerHead {
        fields: b"x-a: 1\r\nset-cookie: b=c\r\n",
        ..PLAIN
    };
    let expected = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\n\
        content-length: 5\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\nx-a: 1\r\n\
        set-cookie: b=c\r\n\r\n";
    assert_eq!(encoded(&head), expected);
}

#[test]
fn length_and_connection() {
    use AnswerLength::{Chunked, Known, None, UntilClose};
    use Version::{Http10, Http11};
    let table = [
        (Http11, true, Known(0), "content-length: 0\r\n"),
        (
            Http11,
            true,
            Known(u64::MAX),
            "content-length: 18446744073709551615\r\n",
        ),
        (
            Http11,
            true,
            Known(1_000_000),
            "content-length: 1000000\r\n",
        ),
        (
            Http11,
            false,
            Known(7),
            "content-length: 7\r\nconnection: close\r\n",
        ),
        (Http11, true, Chunked, "transfer-encoding: chunked\r\n"),
        (
            Http11,
            false,
            Chunked,
            "transfer-encoding: chunked\r\nconnection: close\r\n",
        ),
        (Http11, true, None, ""),
        (Http11, false, None, "connection: close\r\n"),
        (Http11, true, UntilClose, "connection: close\r\n"),
        (Http10, false, Known(7), "content-length: 7\r\n"),
        (
            Http10,
            true,
            Known(7),
            "content-length: 7\r\nconnection: keep-alive\r\n",
        ),
        (Http10, true, UntilClose, ""),
        (Http10, false, UntilClose, ""),
    ];
    for (version, keep_alive, length, expected) in table {
        let head = AnswerHead {
            version,
            keep_alive,
            length,
            content_type: Option::None,
            ..PLAIN
        };
        let text = encoded(&head);
        let rest = text.strip_prefix("HTTP/1.1 200 OK\r\n").unwrap();
        let fields = rest
            .strip_suffix("date: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n")
            .unwrap();
        assert_eq!(fields, expected, "{version:?} {keep_alive} {length:?}");
    }
    assert_eq!(AnswerLength::of_stream(Http10), UntilClose);
    assert_eq!(AnswerLength::of_stream(Http11), Chunked);
}

#[test]
fn status_lines() {
    let known = (0..=999)
        .filter(|&status| status_line(status).is_some())
        .count();
    assert_eq!(known, 63);
    for status in 100..=999 {
        let head = AnswerHead { status, ..PLAIN };
        let line = encoded(&head).split_once("\r\n").unwrap().0.to_owned();
        assert_eq!(line, format!("HTTP/1.1 {status} {}", reason_phrase(status)));
    }
    assert_eq!(reason_phrase(404), "Not Found");
    assert_eq!(reason_phrase(299), "");
    assert_eq!(CONTINUE, [status_line(100).unwrap(), b"\r\n"].concat());
}

#[test]
fn chunks() {
    for (size, line) in [
        (0, ""),
        (1, "1\r\n"),
        (15, "f\r\n"),
        (16, "10\r\n"),
        (65536, "10000\r\n"),
    ] {
        let mut out = Vec::new();
        encode_chunk_size(&mut out, size);
        assert_eq!(out, line.as_bytes(), "{size}");
    }
    let mut out = Vec::new();
    encode_chunk_size(&mut out, usize::MAX);
    assert_eq!(out, format!("{:x}\r\n", usize::MAX).into_bytes());
    assert_eq!([CHUNK_END, LAST_CHUNK].concat(), b"\r\n0\r\n\r\n");
}

#[test]
fn fields_that_may_be_sent() {
    for (name, value) in [
        ("x", ""),
        ("X-A", "a b\tc"),
        ("!#$", "caf\u{e9}"),
        ("x", " y "),
    ] {
        assert!(
            field_is_valid(name.as_bytes(), value.as_bytes()),
            "{name}: {value}"
        );
    }
    let bad = [
        ("", "v"),
        ("a b", "v"),
        ("a:", "v"),
        ("a\r\nb", "v"),
        ("\u{e9}", "v"),
        ("a\0", "v"),
        ("x", "a\r\nb: c"),
        ("x", "a\n"),
        ("x", "\r"),
        ("x", "a\0b"),
        ("x", "\x7f"),
        ("x", "\x1b"),
    ];
    for (name, value) in bad {
        assert!(
            !field_is_valid(name.as_bytes(), value.as_bytes()),
            "{name:?}: {value:?}"
        );
    }
}
