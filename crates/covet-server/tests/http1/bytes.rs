//! Families of requests that differ in one byte: every byte at a place where it matters.

use crate::echo::{Outcome, serve_in_any_split};

const BODY_HELLO: &str = "\r\n\r\nhello";

fn with_byte(before: &str, octet: u8, after: &str) -> Outcome {
    let bytes = [before.as_bytes(), &[octet], after.as_bytes()].concat();
    let outcome = serve_in_any_split(&bytes, usize::MAX);
    assert!(outcome.statuses.len() <= 1, "{octet:#x}: {outcome:?}");
    outcome
}

fn is_tchar(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

fn is_ows(octet: u8) -> bool {
    octet == b' ' || octet == b'\t'
}

/// What one byte of a family must come to.
#[derive(Debug, PartialEq, Eq)]
enum Want {
    /// 200 with this body.
    Echo(&'static str),
    /// This status, and the connection ends.
    Closed(u16),
    /// No answer yet: the framing announces more.
    Waits,
    /// 501 from the method, and the connection goes on.
    Unknown,
}

fn got(outcome: &Outcome) -> Want {
    match (outcome.statuses.as_slice(), outcome.closed) {
        ([200], false) if outcome.bodies == [b"hello"] => Want::Echo("hello"),
        ([200], false) if outcome.bodies == [b""] => Want::Echo(""),
        ([501], false) => Want::Unknown,
        ([status], true) => Want::Closed(*status),
        ([], false) => Want::Waits,
        _ => panic!("{outcome:?}"),
    }
}

fn family(name: &str, before: &str, after: &str, want: impl Fn(u8) -> Want) {
    for octet in 0..=u8::MAX {
        let outcome = with_byte(before, octet, after);
        assert_eq!(got(&outcome), want(octet), "{name} with {octet:#04x}");
    }
}

fn post(fields_before: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: localhost\r\n{fields_before}")
}

#[test]
fn transfer_encoding() {
    let length = "\r\nContent-Length: 5\r\n\r\nhello";
    // Beside a Content-Length nothing but another name saves the request.
    family(
        "te-midspace",
        &post("Transfer-Encoding:"),
        &format!("chunked{length}"),
        |_| Want::Closed(400),
    );
    family(
        "te-endspace",
        &post("Transfer-Encoding: chunked"),
        length,
        |_| Want::Closed(400),
    );
    let other_name = |octet| {
        if is_tchar(octet) {
            Want::Echo("hello")
        } else {
            Want::Closed(400)
        }
    };
    family(
        "te-postspace",
        &post("Transfer-Encoding"),
        &format!(": chunked{length}"),
        other_name,
    );
    family(
        "te-prespace",
        &post(""),
        &format!("Transfer-Encoding: chunked{length}"),
        other_name,
    );
}

#[test]
fn transfer_encoding_alone() {
    let chunks = "\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let blank = |octet| match octet {
        b' ' | b'\t' => Want::Echo("hello"),
        _ => Want::Closed(400),
    };
    family(
        "mid",
        &post("Transfer-Encoding:"),
        &format!("chunked{chunks}"),
        blank,
    );
    family("end", &post("Transfer-Encoding: chunked"), chunks, blank);
}

#[test]
fn content_length() {
    family(
        "cl-midspace",
        &post("Content-Length:"),
        &format!("5{BODY_HELLO}"),
        |octet| match octet {
            b' ' | b'\t' | b'0' => Want::Echo("hello"),
            b'1'..=b'9' => Want::Waits,
            _ => Want::Closed(400),
        },
    );
    family(
        "cl-endspace",
        &post("Content-Length: 5"),
        BODY_HELLO,
        |octet| match octet {
            b' ' | b'\t' => Want::Echo("hello"),
            b'0'..=b'9' => Want::Waits,
            _ => Want::Closed(400),
        },
    );
    // Under another name the request has no body; "hello" then starts a next request.
    family(
        "cl-postspace",
        &post("Content-Length"),
        &format!(": 5{BODY_HELLO}"),
        |octet| {
            if is_tchar(octet) {
                Want::Echo("")
            } else {
                Want::Closed(400)
            }
        },
    );
}

#[test]
fn chunk_size() {
    let chunked = post("Transfer-Encoding: chunked\r\n\r\n");
    family(
        "chunk-size-pre",
        &chunked,
        "5\r\nhello\r\n0\r\n\r\n",
        |octet| match octet {
            b'0' => Want::Echo("hello"),
            _ if octet.is_ascii_hexdigit() => Want::Waits,
            _ => Want::Closed(400),
        },
    );
    let sized = format!("{chunked}5");
    family(
        "chunk-size-post",
        &sized,
        "\r\nhello\r\n0\r\n\r\n",
        |octet| match octet {
            b';' => Want::Echo("hello"),
            _ if octet.is_ascii_hexdigit() => Want::Waits,
            _ => Want::Closed(400),
        },
    );
    let extended = format!("{chunked}5;a");
    family(
        "chunk-extension",
        &extended,
        "\r\nhello\r\n0\r\n\r\n",
        |octet| match octet {
            0..=8 | 10..=31 | 127 => Want::Closed(400),
            _ => Want::Echo("hello"),
        },
    );
    let blank = format!("{chunked}5 ");
    family(
        "chunk-size-blank",
        &blank,
        ";a\r\nhello\r\n0\r\n\r\n",
        |octet| match octet {
            b' ' | b'\t' | b';' => Want::Echo("hello"),
            _ => Want::Closed(400),
        },
    );
    let data = format!("{chunked}5\r\nhello");
    family("chunk-end", &data, "\n0\r\n\r\n", |octet| match octet {
        b'\r' => Want::Echo("hello"),
        _ => Want::Closed(400),
    });
    let data = format!("{chunked}5\r\nhello\r");
    family("chunk-end-lf", &data, "0\r\n\r\n", |octet| match octet {
        b'\n' => Want::Echo("hello"),
        _ => Want::Closed(400),
    });
}

#[test]
fn trailers() {
    let last = post("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n");
    family(
        "trailer-name",
        &format!("{last}X"),
        "Y: v\r\n\r\n",
        |octet| match octet {
            b':' => Want::Echo("hello"),
            _ if is_tchar(octet) => Want::Echo("hello"),
            _ => Want::Closed(400),
        },
    );
    family("trailer-start", &last, "X: v\r\n\r\n", |octet| {
        if is_tchar(octet) {
            Want::Echo("hello")
        } else {
            Want::Closed(400)
        }
    });
    family(
        "trailer-value",
        &format!("{last}X: a"),
        "b\r\n\r\n",
        |octet| match octet {
            0..=8 | 10..=31 | 127 => Want::Closed(400),
            _ => Want::Echo("hello"),
        },
    );
    let line_feed = |octet| match octet {
        b'\n' => Want::Echo("hello"),
        _ => Want::Closed(400),
    };
    family("trailer-end", &format!("{last}X: a\r"), "\r\n", line_feed);
    family("trailers-end", &format!("{last}\r"), "", line_feed);
    family(
        "last-chunk-end",
        last.strip_suffix('\n').unwrap(),
        "\r\n",
        line_feed,
    );
}

#[test]
fn request_line() {
    let end = " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    family(
        "method-char",
        "G",
        "T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        |octet| match octet {
            b'E' => Want::Echo(""),
            _ if is_tchar(octet) => Want::Unknown,
            _ => Want::Closed(400),
        },
    );
    let in_uri = |octet: u8| {
        if octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&octet) {
            Want::Echo("")
        } else {
            Want::Closed(400)
        }
    };
    family("target-char", "GET /a", &format!("b{end}"), in_uri);
    family("query-char", "GET /a?", &format!("b{end}"), in_uri);
    let hex = |octet: u8| {
        if octet.is_ascii_hexdigit() {
            Want::Echo("")
        } else {
            Want::Closed(400)
        }
    };
    family("escape-1", "GET /%", &format!("0{end}"), hex);
    family("escape-2", "GET /%0", end, hex);
    family(
        "first-char",
        "GET ",
        &format!("a{end}"),
        |octet| match octet {
            b'/' => Want::Echo(""),
            _ => Want::Closed(400),
        },
    );
    let host = "\r\nHost: localhost\r\n\r\n";
    family("minor", "GET / HTTP/1.", host, |octet| match octet {
        b'1' => Want::Echo(""),
        // HTTP/1.0 is answered and closed.
        b'0' => Want::Closed(200),
        b'2'..=b'9' => Want::Closed(505),
        _ => Want::Closed(400),
    });
    family(
        "major",
        "GET / HTTP/",
        &format!(".1{host}"),
        |octet| match octet {
            b'1' => Want::Echo(""),
            b'0' | b'2'..=b'9' => Want::Closed(505),
            _ => Want::Closed(400),
        },
    );
    let rest = "\nHost: localhost\r\n\r\n";
    family("line-end", "GET / HTTP/1.1", rest, |octet| match octet {
        b'\r' => Want::Echo(""),
        _ => Want::Closed(400),
    });
}

#[test]
fn fields() {
    let get = "GET / HTTP/1.1\r\nHost: localhost\r\n";
    family("name-char", &format!("{get}X"), "Y: v\r\n\r\n", |octet| {
        if octet == b':' || is_tchar(octet) {
            Want::Echo("")
        } else {
            Want::Closed(400)
        }
    });
    family(
        "value-char",
        &format!("{get}X: a"),
        "b\r\n\r\n",
        |octet| match octet {
            0..=8 | 10..=31 | 127 => Want::Closed(400),
            _ => Want::Echo(""),
        },
    );
    family("line-start", get, "X: v\r\n\r\n", |octet| {
        if is_tchar(octet) {
            Want::Echo("")
        } else {
            Want::Closed(400)
        }
    });
    family(
        "end",
        &format!("{get}X: v\r"),
        "\r\n",
        |octet| match octet {
            b'\n' => Want::Echo(""),
            _ => Want::Closed(400),
        },
    );
    family("head-end", &format!("{get}\r"), "", |octet| match octet {
        b'\n' => Want::Echo(""),
        _ => Want::Closed(400),
    });
    family(
        "host-char",
        "GET / HTTP/1.1\r\nHost: a",
        "b\r\n\r\n",
        |octet| {
            if octet.is_ascii_alphanumeric() || b"-._~!$&'()*+;=".contains(&octet) {
                Want::Echo("")
            } else {
                Want::Closed(400)
            }
        },
    );
    family(
        "port-char",
        "GET / HTTP/1.1\r\nHost: a:",
        "\r\n\r\n",
        |octet| {
            if octet.is_ascii_digit() || is_ows(octet) {
                Want::Echo("")
            } else {
                Want::Closed(400)
            }
        },
    );
}
