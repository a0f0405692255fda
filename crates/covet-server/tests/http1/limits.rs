//! Each limit at one below, at, and one above; and the cost of a head that drips in.

use covet_server::http1::{
    BodyDecoder, BodyLimits, Framing, Head, HeadLimits, HeadParser, Reason, Step,
};

use crate::echo::Echo;

/// Status of the answer to `bytes` that arrive whole, which must be that of a byte-wise arrival.
fn status(bytes: &[u8], head_limits: HeadLimits, body_limits: BodyLimits) -> Option<u16> {
    let served = |piece| {
        let mut echo = Echo::new(head_limits, body_limits);
        for bytes in bytes.chunks(piece) {
            echo.feed(bytes);
        }
        echo.outcome
    };
    let whole = served(bytes.len());
    assert_eq!(served(1), whole);
    assert_eq!(served(7), whole);
    whole.statuses.first().copied()
}

/// Asserts 200 at one below and at the limit, and `over` at one above it.
fn around(limit: usize, over: u16, status_of: impl Fn(usize) -> Option<u16>) {
    let got = [limit - 1, limit, limit + 1].map(status_of);
    assert_eq!(got, [Some(200), Some(200), Some(over)], "limit {limit}");
}

fn head_status(text: &str, limits: HeadLimits) -> Option<u16> {
    status(text.as_bytes(), limits, BodyLimits::default())
}

#[test]
fn target() {
    for limit in [20, 16 * 1024] {
        let limits = HeadLimits {
            target: limit,
            ..HeadLimits::default()
        };
        around(limit, 414, |size| {
            let path = "a".repeat(size - 1);
            head_status(&format!("GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n"), limits)
        });
        around(limit, 414, |size| {
            let path = "a".repeat(size - 4);
            head_status(
                &format!("GET /{path}%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
                limits,
            )
        });
    }
    // An escape across the limit, and all of it behind.
    let limits = HeadLimits {
        target: 20,
        ..HeadLimits::default()
    };
    for plain in 18..22 {
        let path = "a".repeat(plain - 1);
        assert_eq!(
            head_status(&format!("GET /{path}%41"), limits),
            Some(414),
            "{plain}"
        );
    }
    let long = "a".repeat(7999);
    let text = format!("GET /{long} HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(head_status(&text, HeadLimits::default()), Some(200));
    // Behind the limit nothing is looked at, and nothing has to arrive.
    let long = "a".repeat(16 * 1024);
    let text = format!("GET /{long}");
    assert_eq!(head_status(&text, HeadLimits::default()), Some(414));
    assert_eq!(
        head_status(&(text + "\0"), HeadLimits::default()),
        Some(414)
    );
}

#[test]
fn all_fields_together() {
    for limit in [40, 32 * 1024] {
        let limits = HeadLimits {
            head: limit,
            ..HeadLimits::default()
        };
        let fixed = "Host: a\r\nX: \r\n".len();
        around(limit, 431, |size| {
            let value = "v".repeat(size - fixed);
            head_status(
                &format!("GET / HTTP/1.1\r\nHost: a\r\nX: {value}\r\n\r\n"),
                limits,
            )
        });
        // A name, a value or a blank run without end is cut off at the limit.
        for part in ["n", "n:", "n: v", "n:v\r\n"] {
            let endless = part.repeat(limit + 3);
            let text = format!("GET / HTTP/1.1\r\n{endless}");
            let limits = HeadLimits {
                fields: usize::MAX,
                ..limits
            };
            assert_eq!(head_status(&text, limits), Some(431), "{part}");
        }
    }
}

#[test]
fn number_of_fields() {
    let limits = HeadLimits::default();
    around(limits.fields, 431, |count| {
        let fields = "X: v\r\n".repeat(count - 1);
        head_status(
            &format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"),
            limits,
        )
    });
}

#[test]
fn method() {
    for (size, want) in [(63, 501), (64, 501), (65, 501), (100_000, 501)] {
        let name = "A".repeat(size);
        let text = format!("{name} / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(
            head_status(&text, HeadLimits::default()),
            Some(want),
            "{size}"
        );
    }
    // The longest is read on and left to the server, one more is refused at once.
    let mut head = Head::new();
    let mut parse = |size| {
        let text = "A".repeat(size);
        HeadParser::new().parse(text.as_bytes(), &mut head, &HeadLimits::default())
    };
    assert_eq!(parse(64), Ok(false));
    assert_eq!(parse(65).unwrap_err().reason, Reason::MethodLength);
}

#[test]
fn empty_lines_before_the_request() {
    around(4, 400, |count| {
        let lines = "\r\n".repeat(count);
        head_status(
            &format!("{lines}GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            HeadLimits::default(),
        )
    });
}

fn chunked_status(body: &str, limits: BodyLimits) -> Option<u16> {
    let text = format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}");
    status(text.as_bytes(), HeadLimits::default(), limits)
}

#[test]
fn body() {
    let limits = BodyLimits {
        max_body: Some(1000),
        ..BodyLimits::default()
    };
    around(1000, 413, |size| {
        let body = "b".repeat(size);
        let text = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n{body}");
        status(text.as_bytes(), HeadLimits::default(), limits)
    });
    around(1000, 413, |size| {
        let body = "b".repeat(size);
        chunked_status(&format!("{size:x}\r\n{body}\r\n0\r\n\r\n"), limits)
    });
    around(1000, 413, |size| {
        let body = "1\r\nb\r\n".repeat(size);
        chunked_status(&format!("{body}0\r\n\r\n"), limits)
    });
    // 413 comes with the announcement, before any data.
    assert_eq!(chunked_status("3e9\r\n", limits), Some(413));
    assert_eq!(chunked_status("1\r\nb\r\n3e8\r\n", limits), Some(413));
    assert_eq!(chunked_status("ffffffffffffffff\r\n", limits), Some(413));
    let text = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n";
    assert_eq!(
        status(text.as_bytes(), HeadLimits::default(), limits),
        Some(413)
    );
    // Without a bound, only what 64 bits cannot count is refused.
    let limits = BodyLimits {
        max_body: None,
        ..limits
    };
    assert_eq!(chunked_status("ffffffffffffffff\r\n", limits), None);
    assert_eq!(
        chunked_status("1\r\nb\r\nffffffffffffffff\r\n", limits),
        Some(413)
    );
}

#[test]
fn chunk_size_digits() {
    let limits = BodyLimits::default();
    around(16, 400, |digits| {
        chunked_status(&format!("{:0>digits$}\r\nb\r\n0\r\n\r\n", "1"), limits)
    });
    assert_eq!(
        chunked_status("10000000000000005\r\nhello\r\n0\r\n\r\n", limits),
        Some(400)
    );
}

#[test]
fn chunk_extensions() {
    let limits = BodyLimits::default();
    around(limits.extensions, 400, |size| {
        let extension = "e".repeat(size - 1);
        chunked_status(&format!("1;{extension}\r\nb\r\n0\r\n\r\n"), limits)
    });
    // Over all chunks of a body; blanks before the semicolon count.
    around(limits.extensions, 400, |size| {
        let chunks = "1 ;e=\r\nb\r\n".repeat(size / 4 - 1);
        let rest = "e".repeat(size % 4);
        chunked_status(&format!("{chunks}0 ;e={rest}\r\n\r\n"), limits)
    });
}

#[test]
fn trailers() {
    let limits = BodyLimits::default();
    around(limits.trailers, 431, |size| {
        let value = "v".repeat(size - "X:\r\n".len());
        chunked_status(&format!("0\r\nX:{value}\r\n\r\n"), limits)
    });
    around(limits.trailer_fields, 431, |count| {
        chunked_status(&format!("0\r\n{}\r\n", "X: v\r\n".repeat(count)), limits)
    });
    let none = BodyLimits {
        trailers: 0,
        trailer_fields: 0,
        ..limits
    };
    assert_eq!(chunked_status("0\r\n\r\n", none), Some(200));
    assert_eq!(chunked_status("0\r\nX:\r\n\r\n", none), Some(431));
}

#[test]
fn forbidden_trailers_in_any_case() {
    for name in ["Content-Length", "TRANSFER-ENCODING", "host", "Host"] {
        let body = format!("0\r\nX: y\r\n{name}: 5\r\n\r\n");
        assert_eq!(
            chunked_status(&body, BodyLimits::default()),
            Some(400),
            "{name}"
        );
    }
    for name in [
        "Content-Lengths",
        "Transfer-Encoding-",
        "hos",
        "hosts",
        "Authorization",
        "x",
    ] {
        let body = format!("0\r\nX: y\r\n{name}: 5\r\n\r\n");
        assert_eq!(
            chunked_status(&body, BodyLimits::default()),
            Some(200),
            "{name}"
        );
    }
}

#[test]
fn data_may_go_past_the_decoder() {
    let limits = BodyLimits {
        max_body: Some(10),
        ..BodyLimits::default()
    };
    let mut decoder = BodyDecoder::new(Framing::Length(10));
    assert_eq!(decoder.direct(), 10);
    decoder.took(4);
    assert_eq!(
        decoder.decode(b"abcdefGET", &limits),
        Ok(Step::Data { skip: 0, len: 6 })
    );
    assert!(decoder.is_done());
    assert_eq!((decoder.direct(), decoder.total()), (0, 10));
    assert_eq!(decoder.decode(b"GET", &limits), Ok(Step::Done { skip: 0 }));

    let mut decoder = BodyDecoder::new(Framing::Chunked);
    assert_eq!(decoder.direct(), 0);
    assert_eq!(
        decoder.decode(b"8\r\n", &limits),
        Ok(Step::NeedMore { skip: 3 })
    );
    assert_eq!(decoder.direct(), 8);
    decoder.took(8);
    assert_eq!(decoder.direct(), 0);
    assert_eq!(
        decoder.decode(b"\r\n3\r\n", &limits).unwrap_err().reason,
        Reason::BodyLength
    );

    let mut decoder = BodyDecoder::new(Framing::None);
    assert!(decoder.is_done());
    assert_eq!(decoder.decode(b"", &limits), Ok(Step::Done { skip: 0 }));
}

/// Quadratic work would be half a trillion steps here: far more than a test may take.
#[test]
fn a_head_that_drips_in_costs_linear_time() {
    let limits = HeadLimits {
        head: 1 << 20,
        ..HeadLimits::default()
    };
    let value = "v".repeat(limits.head - 100);
    let text = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {value}\r\n\r\n").into_bytes();
    let mut parser = HeadParser::new();
    let mut head = Head::new();
    for end in 1..text.len() {
        assert_eq!(parser.parse(&text[..end], &mut head, &limits), Ok(false));
    }
    assert_eq!(parser.parse(&text, &mut head, &limits), Ok(true));
    assert_eq!(head.fields[1].value.len(), value.len());
}

#[test]
fn a_refusal_stays() {
    let mut head = Head::new();
    let mut parser = HeadParser::new();
    let limits = HeadLimits::default();
    let text = b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for _ in 0..3 {
        let refusal = parser.parse(text, &mut head, &limits).unwrap_err();
        assert_eq!(refusal.reason, Reason::HostRepeated);
    }
    parser.reset();
    assert_eq!(parser.parse(&text[36..], &mut head, &limits), Ok(true));

    let mut decoder = BodyDecoder::new(Framing::Chunked);
    for bytes in [&b"5x"[..], b"0\r\n\r\n"] {
        let refusal = decoder.decode(bytes, &BodyLimits::default()).unwrap_err();
        assert_eq!(refusal.reason, Reason::ChunkSize);
    }
}
