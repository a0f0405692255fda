//! What a head says once it is parsed: targets, hosts, versions, framing, connection options.

use covet_server::http1::{
    Framing, Head, HeadLimits, HeadParser, Method, Reason, TargetForm, Version,
};

fn parse(text: &[u8]) -> Result<Head, Reason> {
    let mut head = Head::new();
    let mut parser = HeadParser::new();
    match parser.parse(text, &mut head, &HeadLimits::default()) {
        Ok(true) => Ok(head),
        Ok(false) => panic!("incomplete: {}", text.escape_ascii()),
        Err(refusal) => {
            assert_eq!(refusal.status, refusal.reason.status());
            Err(refusal.reason)
        }
    }
}

/// Parses a request with this line and these further fields.
fn request(line: &str, fields: &str) -> Result<(Head, Vec<u8>), Reason> {
    let text = format!("{line}\r\nHost: own.example\r\n{fields}\r\n").into_bytes();
    parse(&text).map(|head| (head, text))
}

#[test]
fn targets_that_are_taken() {
    use TargetForm::{Absolute, Asterisk, Origin};
    let table: [(&str, TargetForm, &str, Option<&str>, Option<&str>); 14] = [
        ("GET /", Origin, "/", None, None),
        ("GET //", Origin, "//", None, None),
        ("GET /a/b?c=d&e", Origin, "/a/b", Some("c=d&e"), None),
        ("GET /?", Origin, "/", Some(""), None),
        ("GET /a?b?c/d", Origin, "/a", Some("b?c/d"), None),
        ("GET /%00%2f%FF", Origin, "/%00%2f%FF", None, None),
        (
            "GET /../.;a=b,c:@!$&'()*+-_~",
            Origin,
            "/../.;a=b,c:@!$&'()*+-_~",
            None,
            None,
        ),
        (
            "GET http://a.example/x?y",
            Absolute,
            "/x",
            Some("y"),
            Some("a.example"),
        ),
        (
            "GET HTTPS://[::1]:80/",
            Absolute,
            "/",
            None,
            Some("[::1]:80"),
        ),
        (
            "GET http://a.example",
            Absolute,
            "/",
            None,
            Some("a.example"),
        ),
        (
            "GET http://a.example?x/y",
            Absolute,
            "/",
            Some("x/y"),
            Some("a.example"),
        ),
        (
            "GET http://a.example:/",
            Absolute,
            "/",
            None,
            Some("a.example:"),
        ),
        ("OPTIONS *", Asterisk, "*", None, None),
        ("OPTIONS /", Origin, "/", None, None),
    ];
    for (start, form, path, query, authority) in table {
        let (head, text) = request(&format!("{start} HTTP/1.1"), "").expect(start);
        assert_eq!(head.form, form, "{start}");
        assert_eq!(head.path.of(&text), path.as_bytes(), "{start}");
        assert_eq!(
            head.query.map(|query| query.of(&text)),
            query.map(str::as_bytes),
            "{start}"
        );
        let host = head.effective_host(&text).unwrap();
        assert_eq!(
            host,
            authority.unwrap_or("own.example").as_bytes(),
            "{start}"
        );
        assert_eq!(head.len, text.len());
    }
}

#[test]
fn targets_that_are_refused() {
    use Reason::{Authority, Connect, Method, Target, TargetEscape, TargetOctet, Version};
    let table = [
        ("GET * HTTP/1.1", Target),
        ("GET ** HTTP/1.1", Target),
        ("OPTIONS ** HTTP/1.1", Target),
        ("OPTIONS *?x HTTP/1.1", Target),
        ("OPTIONS */x HTTP/1.1", Target),
        ("GET a HTTP/1.1", Target),
        ("GET ?x HTTP/1.1", Target),
        ("GET a.example:80 HTTP/1.1", Target),
        ("GET http:/a HTTP/1.1", Target),
        ("GET http: HTTP/1.1", Target),
        ("GET ftp://a.example/ HTTP/1.1", Target),
        ("GET //[::1]/ HTTP/1.1", TargetOctet),
        ("GET http:// HTTP/1.1", Authority),
        ("GET http:///x HTTP/1.1", Authority),
        ("GET http://?x HTTP/1.1", Authority),
        ("GET http://:80/ HTTP/1.1", Authority),
        ("GET http://u@a.example/ HTTP/1.1", Authority),
        ("GET http://u:p@a.example/ HTTP/1.1", Authority),
        ("GET http://a.example:x/ HTTP/1.1", Authority),
        ("GET http://a,b/ HTTP/1.1", Authority),
        ("GET http://[::1/ HTTP/1.1", Authority),
        ("GET http://a.example/[x] HTTP/1.1", TargetOctet),
        ("GET http://a.example?[x] HTTP/1.1", TargetOctet),
        ("GET /[ HTTP/1.1", TargetOctet),
        ("GET /# HTTP/1.1", TargetOctet),
        ("GET /\u{e9} HTTP/1.1", TargetOctet),
        ("GET /%g0 HTTP/1.1", TargetEscape),
        ("GET /%0 HTTP/1.1", TargetEscape),
        ("GET /?% HTTP/1.1", TargetEscape),
        ("CONNECT a.example:443 HTTP/1.1", Connect),
        ("CONNECT [::1]:443 HTTP/1.1", Connect),
        ("CONNECT a.example HTTP/1.1", Target),
        ("CONNECT a.example: HTTP/1.1", Target),
        ("CONNECT /x HTTP/1.1", Target),
        ("CONNECT http://a.example/ HTTP/1.1", Target),
        (" GET / HTTP/1.1", Method),
        ("GET\t/ HTTP/1.1", Method),
        ("GET", Method),
        ("GET  / HTTP/1.1", TargetOctet),
        ("GET / HTTP/1.1 ", Version),
        ("GET /  HTTP/1.1", Version),
        ("GET /\tHTTP/1.1", TargetOctet),
        ("GET /", TargetOctet),
        ("GET / ", Version),
    ];
    for (line, reason) in table {
        assert_eq!(request(line, "").map(|_| ()), Err(reason), "{line}");
    }
}

#[test]
fn hosts() {
    use Reason::{Host, HostMissing, HostRepeated};
    let table: [(&str, &str, Result<Option<&str>, Reason>); 17] = [
        ("1.1", "Host: a\r\n", Ok(Some("a"))),
        ("1.1", "hOST:\t[::1]:80 \r\n", Ok(Some("[::1]:80"))),
        ("1.1", "Host:\r\n", Ok(Some(""))),
        ("1.1", "Host: \t \r\n", Ok(Some(""))),
        ("1.0", "", Ok(None)),
        ("1.0", "Host:\r\n", Ok(Some(""))),
        ("1.1", "", Err(HostMissing)),
        ("1.1", "Hosts: a\r\n", Err(HostMissing)),
        ("1.1", "Host: a\r\nHost: a\r\n", Err(HostRepeated)),
        ("1.1", "Host:\r\nhost:\r\n", Err(HostRepeated)),
        ("1.0", "Host: a\r\nHOST: b\r\n", Err(HostRepeated)),
        ("1.0", "Host: a b\r\n", Err(Host)),
        ("1.1", "Host: a, b\r\n", Err(Host)),
        ("1.1", "Host: http://a\r\n", Err(Host)),
        ("1.1", "Host: a/\r\n", Err(Host)),
        ("1.1", "Host: ,\r\n", Err(Host)),
        ("1.1", "Host: a:65536\r\n", Err(Host)),
    ];
    for (version, fields, expected) in table {
        let text = format!("GET / HTTP/{version}\r\n{fields}\r\n").into_bytes();
        let got = parse(&text).map(|head| head.host.map(|host| host.of(&text).to_vec()));
        let expected = expected.map(|host| host.map(|host| host.as_bytes().to_vec()));
        assert_eq!(got, expected, "{version} {fields}");
    }
    let text = b"GET http://a/ HTTP/1.1\r\n\r\n";
    assert_eq!(
        parse(text).unwrap_err(),
        HostMissing,
        "an absolute target needs Host too"
    );
}

#[test]
fn methods() {
    let names = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "QUERY", "TRACE",
    ];
    for name in names {
        let (head, text) = request(&format!("{name} / HTTP/1.1"), "").unwrap();
        assert_eq!(format!("{:?}", head.method).to_uppercase(), name);
        assert_eq!(head.method_name.of(&text), name.as_bytes());
    }
    for name in ["get", "Get", "GETT", "GE", "X", "!#$%&'*+-.^_`|~", "PRI"] {
        let (head, text) = request(&format!("{name} / HTTP/1.1"), "").unwrap();
        assert_eq!(head.method, Method::Other, "{name}");
        assert_eq!(head.method_name.of(&text), name.as_bytes());
    }
}

#[test]
fn connection_options() {
    // Version, fields, keep_alive, upgrade, expect_continue.
    let table = [
        ("1.1", "", true, false, false),
        ("1.1", "Connection: close\r\n", false, false, false),
        (
            "1.1",
            "Connection: keep-alive, ,\tCLOSE \r\n",
            false,
            false,
            false,
        ),
        ("1.1", "Connection: closed, x-close\r\n", true, false, false),
        (
            "1.1",
            "Connection: a\r\nConnection: close\r\n",
            false,
            false,
            false,
        ),
        ("1.0", "", false, false, false),
        ("1.0", "Connection: Keep-Alive\r\n", true, false, false),
        (
            "1.0",
            "Connection: keep-alive, close\r\n",
            false,
            false,
            false,
        ),
        (
            "1.0",
            "Connection: keep-alive\r\nConnection: close\r\n",
            false,
            false,
            false,
        ),
        (
            "1.1",
            "Connection: Upgrade\r\nUpgrade: websocket\r\n",
            true,
            true,
            false,
        ),
        (
            "1.1",
            "Connection: keep-alive, upgrade\r\nUpgrade: x/1\r\n",
            true,
            true,
            false,
        ),
        ("1.1", "Upgrade: websocket\r\n", true, false, false),
        ("1.1", "Connection: Upgrade\r\n", true, false, false),
        (
            "1.1",
            "Connection: Upgrade\r\nUpgrade:\r\n",
            true,
            false,
            false,
        ),
        (
            "1.0",
            "Connection: Upgrade\r\nUpgrade: websocket\r\n",
            false,
            false,
            false,
        ),
        (
            "1.1",
            "Expect: 100-Continue\r\nContent-Length: 1\r\n",
            true,
            false,
            true,
        ),
        (
            "1.1",
            "Transfer-Encoding: chunked\r\nExpect:100-continue\r\n",
            true,
            false,
            true,
        ),
        ("1.1", "Expect: 100-continue\r\n", true, false, false),
        (
            "1.1",
            "Expect: 100-continue\r\nContent-Length: 0\r\n",
            true,
            false,
            false,
        ),
        (
            "1.0",
            "Expect: 100-continue\r\nContent-Length: 1\r\n",
            false,
            false,
            false,
        ),
        ("1.0", "Expect: other\r\n", false, false, false),
    ];
    for (version, fields, keep_alive, upgrade, expect) in table {
        let (head, _) = request(&format!("GET / HTTP/{version}"), fields).unwrap();
        let got = (head.keep_alive, head.upgrade, head.expect_continue);
        assert_eq!(got, (keep_alive, upgrade, expect), "{version} {fields}");
        assert_eq!(head.version == Version::Http10, version == "1.0");
    }
    for value in [
        "",
        "other",
        "y 100-continue",
        "100-continue, other",
        "100-continue;q",
        "100",
    ] {
        let fields = format!("Expect: {value}\r\n");
        let got = request("GET / HTTP/1.1", &fields).map(|_| ());
        assert_eq!(got, Err(Reason::Expect), "{value}");
    }
}

#[test]
fn framing_fields() {
    use Reason::{
        BodyLength, ContentLength, ContentLengthRepeated, TransferCoding, TransferEncoding,
        TransferEncodingOnHttp10, TransferEncodingRepeated, TransferEncodingWithLength,
    };
    let chunked = "Transfer-Encoding: chunked\r\n";
    let table: [(&str, String, Result<Framing, Reason>); 15] = [
        ("1.1", String::new(), Ok(Framing::None)),
        ("1.1", "Content-Length: 0\r\n".into(), Ok(Framing::None)),
        (
            "1.1",
            "content-LENGTH:\t 012 \r\n".into(),
            Ok(Framing::Length(12)),
        ),
        (
            "1.0",
            "Content-Length: 3\r\n".into(),
            Ok(Framing::Length(3)),
        ),
        ("1.1", chunked.into(), Ok(Framing::Chunked)),
        (
            "1.1",
            "Content_Length: 3\r\nTransfer_Encoding: chunked\r\n".into(),
            Ok(Framing::None),
        ),
        ("1.1", "Content-Length:\r\n".into(), Err(ContentLength)),
        ("1.1", "Content-Length: 3,3\r\n".into(), Err(ContentLength)),
        (
            "1.1",
            "Content-Length: 3\r\n".repeat(2),
            Err(ContentLengthRepeated),
        ),
        (
            "1.1",
            "Content-Length: 99999999999999999999\r\n".into(),
            Err(BodyLength),
        ),
        ("1.1", chunked.repeat(2), Err(TransferEncodingRepeated)),
        (
            "1.1",
            format!("Content-Length: 0\r\n{chunked}"),
            Err(TransferEncodingWithLength),
        ),
        ("1.0", chunked.into(), Err(TransferEncodingOnHttp10)),
        (
            "1.1",
            "Transfer-Encoding: gzip, chunked\r\n".into(),
            Err(TransferCoding),
        ),
        (
            "1.1",
            "Transfer-Encoding: gzip\r\n".into(),
            Err(TransferEncoding),
        ),
    ];
    for (version, fields, expected) in table {
        let got = request(&format!("POST / HTTP/{version}"), &fields);
        assert_eq!(
            got.map(|(head, _)| head.framing),
            expected,
            "{version} {fields}"
        );
    }
}

#[test]
fn fields_are_found_by_any_case_and_kept_in_order() {
    let fields = "X-A: 1\r\nx-a:2\r\nEmpty:\r\nX-B:\t caf\u{e9} \t\r\n";
    let (head, text) = request("GET / HTTP/1.1", fields).unwrap();
    assert_eq!(head.field(&text, "x-A"), Some(&b"1"[..]));
    assert_eq!(head.values(&text, "X-A").collect::<Vec<_>>(), [b"1", b"2"]);
    assert_eq!(head.field(&text, "empty"), Some(&b""[..]));
    assert_eq!(head.field(&text, "x-b"), Some("caf\u{e9}".as_bytes()));
    assert_eq!(head.field(&text, "x-c"), None);
    let names: Vec<_> = head
        .fields
        .iter()
        .map(|field| field.name.of(&text))
        .collect();
    assert_eq!(names, [&b"Host"[..], b"X-A", b"x-a", b"Empty", b"X-B"]);
}

#[test]
fn a_head_is_reused_without_a_trace_of_the_last_request() {
    let mut parser = HeadParser::new();
    let mut head = Head::new();
    let limits = HeadLimits::default();
    let first = b"POST http://a/x?y HTTP/1.0\r\nHost: b\r\nContent-Length: 5\r\n\r\n";
    assert_eq!(parser.parse(first, &mut head, &limits), Ok(true));
    assert!(!parser.has_started());
    let second = b"GET / HTTP/1.1\r\nHost: c\r\n\r\n";
    assert_eq!(parser.parse(second, &mut head, &limits), Ok(true));
    assert_eq!(
        (head.query, head.authority, head.framing),
        (None, None, Framing::None)
    );
    assert_eq!((head.version, head.fields.len()), (Version::Http11, 1));
    assert_eq!(head.len, second.len());
}

#[test]
fn a_request_has_started_with_its_first_byte_and_not_with_an_empty_line() {
    let mut parser = HeadParser::new();
    let mut head = Head::new();
    let limits = HeadLimits::default();
    for (text, started) in [("", false), ("\r", false), ("\r\n", false), ("\r\nG", true)] {
        assert_eq!(parser.parse(text.as_bytes(), &mut head, &limits), Ok(false));
        assert_eq!(parser.has_started(), started, "{text:?}");
    }
    parser.reset();
    assert!(!parser.has_started());
}

#[test]
fn every_reason_is_a_sentence_with_a_status() {
    for reason in Reason::ALL {
        let text = reason.as_str();
        assert!(text.ends_with('.') && text.len() > 20, "{text}");
        assert!(
            matches!(
                reason.status(),
                400 | 408 | 413 | 414 | 417 | 431 | 501 | 505
            ),
            "{text}"
        );
    }
}
