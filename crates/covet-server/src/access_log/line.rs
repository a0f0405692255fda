//! Writes lines: a request that was kept, its answer, a format. Escapes whatever a client sent.

use std::io::Write;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::format::{Format, Kind, Piece};
use super::traceparent::Traceparent;
use crate::http1::{Head, Version};
use crate::json::write::write_str;

const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// What is kept of a request until it is answered.
#[derive(Debug)]
pub(crate) struct Noted {
    pub(crate) client: Option<SocketAddr>,
    /// Method, path and query, with nothing in between.
    request: Vec<u8>,
    path_start: usize,
    /// Where the query starts, after its `?`.
    query_start: Option<usize>,
    version: Version,
    /// When the head was complete.
    start: Instant,
    /// Values of the fields that the format wants.
    fields: Vec<Option<Vec<u8>>>,
    trace: Option<Traceparent>,
}

impl Noted {
    /// What a log of this format needs of a head, or a warning without a log.
    pub(crate) fn of(
        head: &Head,
        bytes: &[u8],
        client: Option<SocketAddr>,
        format: Option<&Format>,
    ) -> Self {
        let (method, path) = (head.method_name.of(bytes), head.path.of(bytes));
        let mut request = Vec::with_capacity(method.len() + path.len() + 64);
        request.extend_from_slice(method);
        request.extend_from_slice(path);
        let query_start = head.query.map(|query| {
            let start = request.len();
            request.extend_from_slice(query.of(bytes));
            start
        });
        let value = |name: &String| {
            let values: Vec<&[u8]> = head.values(bytes, name).collect();
            (!values.is_empty()).then(|| values.join(&b", "[..]))
        };
        let fields = format.map_or(Vec::new(), |format| {
            format.wanted.iter().map(value).collect()
        });
        let trace = || {
            let mut given = head.values(bytes, "traceparent");
            let only = given.next().filter(|_| given.next().is_none())?;
            Traceparent::parse(only)
        };
        Self {
            client,
            path_start: method.len(),
            request,
            query_start,
            version: head.version,
            start: Instant::now(),
            fields,
            trace: format
                .filter(|it| it.kind == Kind::Json)
                .and_then(|_| trace()),
        }
    }

    pub(crate) fn method(&self) -> &[u8] {
        &self.request[..self.path_start]
    }

    pub(crate) fn path(&self) -> &[u8] {
        &self.request[self.path_start..self.query_start.unwrap_or(self.request.len())]
    }

    fn query(&self) -> Option<&[u8]> {
        self.query_start.map(|start| &self.request[start..])
    }

    fn protocol(&self) -> &'static str {
        match self.version {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        }
    }

    /// Since the head was complete.
    pub(crate) fn took(&self) -> Duration {
        self.start.elapsed()
    }
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Whole; the connection lives on.
    Kept,
    /// Whole; so does the connection.
    Closed,
    /// The server could not go on.
    Broken,
    /// The client went, or took nothing for too long.
    Left,
}

impl End {
    /// The end of an answer that is whole.
    pub(crate) fn whole(keep: bool) -> Self {
        if keep { Self::Kept } else { Self::Closed }
    }

    /// What is said of an answer that is not whole.
    fn mark(self) -> Option<&'static str> {
        match self {
            Self::Kept | Self::Closed => None,
            Self::Broken => Some("broken"),
            Self::Left => Some("client left"),
        }
    }
}

/// An answer as a line shows it.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    /// The Date field's value.
    pub(crate) date: &'a [u8; 29],
    /// Who is shown where nothing was noted.
    pub(crate) peer: Option<SocketAddr>,
    /// None where the head was refused.
    pub(crate) noted: Option<&'a Noted>,
    /// Empty where requests have no names.
    pub(crate) request_id: &'a str,
    pub(crate) status: u16,
    /// Bytes of the body.
    pub(crate) bytes: u64,
    pub(crate) content_type: Option<&'a [u8]>,
    /// Further fields of the answer, encoded.
    pub(crate) fields: &'a [u8],
    pub(crate) end: End,
}

impl Entry<'_> {
    fn client(&self) -> Option<SocketAddr> {
        self.noted.map_or(self.peer, |noted| noted.client)
    }

    fn took(&self) -> Duration {
        self.noted.map_or(Duration::ZERO, Noted::took)
    }

    fn field(&self, name: &str) -> Option<&[u8]> {
        if name == "content-type" && self.content_type.is_some() {
            return self.content_type;
        }
        self.fields.split(|&octet| octet == b'\n').find_map(|line| {
            let colon = line.iter().position(|&octet| octet == b':')?;
            let is_it = line[..colon].eq_ignore_ascii_case(name.as_bytes());
            is_it.then(|| line[colon + 1..].trim_ascii())
        })
    }
}

impl Format {
    pub(super) fn write(&self, out: &mut Vec<u8>, entry: &Entry<'_>) {
        match &self.kind {
            Kind::Text => write_text(out, entry),
            Kind::Json => write_json(out, entry),
            Kind::Pieces(pieces) => {
                for piece in pieces {
                    write_piece(out, entry, piece);
                }
            }
        }
        out.push(b'\n');
    }

    /// The line that says how much is missing.
    pub(super) fn write_dropped(&self, out: &mut Vec<u8>, lines: u64) {
        let _ = match self.kind {
            Kind::Json => writeln!(out, r#"{{"dropped_lines":{lines}}}"#),
            _ => writeln!(out, "access log: {lines} lines dropped so far"),
        };
    }
}

fn write_text(out: &mut Vec<u8>, entry: &Entry<'_>) {
    out.push(b'[');
    out.extend_from_slice(entry.date);
    out.extend_from_slice(b"] ");
    let _ = match entry.client() {
        // A proxy seldom says a port.
        Some(client) if client.port() == 0 => write!(out, "{}", client.ip()),
        Some(client) => write!(out, "{client}"),
        None => write!(out, "unix"),
    };
    out.extend_from_slice(b" \"");
    write_request(out, entry.noted);
    let took = entry.took().as_micros();
    let status = entry.status;
    let _ = write!(out, "\" {status} {}.{:03}ms", took / 1000, took % 1000);
    if let Some(mark) = entry.end.mark() {
        let _ = write!(out, " ({mark})");
    }
    if !entry.request_id.is_empty() {
        let _ = write!(out, " {}", entry.request_id);
    }
}

/// Method and target; `-` where the head was refused.
fn write_request(out: &mut Vec<u8>, noted: Option<&Noted>) {
    let Some(noted) = noted else {
        out.push(b'-');
        return;
    };
    push_escaped(out, noted.method());
    out.push(b' ');
    push_escaped(out, noted.path());
    if let Some(query) = noted.query() {
        out.push(b'?');
        push_escaped(out, query);
    }
}

fn write_piece(out: &mut Vec<u8>, entry: &Entry<'_>, piece: &Piece) {
    let took = entry.took();
    let _ = match piece {
        Piece::Text(text) => out.write_all(text.as_bytes()),
        Piece::Client => match entry.client() {
            Some(client) => write!(out, "{}", client.ip().to_canonical()),
            None => write!(out, "-"),
        },
        Piece::Time => {
            let (day, month, year, time) = date_parts(entry.date);
            out.push(b'[');
            out.extend_from_slice(&[day, b"/", month, b"/", year, b":", time].concat());
            write!(out, " +0000]")
        }
        Piece::Line => {
            write_request(out, entry.noted);
            let protocol = entry.noted.map(Noted::protocol);
            protocol.map_or(Ok(()), |protocol| write!(out, " {protocol}"))
        }
        Piece::Query => {
            if let Some(query) = entry.noted.and_then(Noted::query) {
                out.push(b'?');
                push_escaped(out, query);
            }
            Ok(())
        }
        Piece::Status => write!(out, "{}", entry.status),
        Piece::Bytes if entry.bytes == 0 => write!(out, "-"),
        Piece::Bytes | Piece::BytesOrZero => write!(out, "{}", entry.bytes),
        Piece::Microseconds => write!(out, "{}", took.as_micros()),
        Piece::Seconds => write!(out, "{}", took.as_secs()),
        Piece::End => out.write_all(match entry.end {
            End::Kept => b"+",
            End::Closed => b"-",
            End::Broken | End::Left => b"X",
        }),
        _ => match as_received(entry, piece) {
            Some(bytes) if !bytes.is_empty() => {
                push_escaped(out, bytes);
                Ok(())
            }
            _ => write!(out, "-"),
        },
    };
}

/// What a piece shows of the request's or the answer's own bytes.
fn as_received<'a>(entry: &'a Entry<'_>, piece: &Piece) -> Option<&'a [u8]> {
    match piece {
        Piece::Method => entry.noted.map(Noted::method),
        Piece::Path => entry.noted.map(Noted::path),
        Piece::Protocol => entry.noted.map(|noted| noted.protocol().as_bytes()),
        Piece::RequestField(at) => entry.noted?.fields.get(*at)?.as_deref(),
        Piece::AnswerField(name) => entry.field(name),
        _ => None,
    }
}

/// Nothing that ends a line or a quoted text, or that a terminal obeys.
fn push_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for &octet in bytes {
        match octet {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', octet]),
            0x20..0x7f => out.push(octet),
            _ => {
                let _ = write!(out, "\\x{octet:02x}");
            }
        }
    }
}

fn write_json(out: &mut Vec<u8>, entry: &Entry<'_>) {
    let (day, month, year, time) = date_parts(entry.date);
    let number = MONTHS.chunks(3).position(|name| name == month).unwrap_or(0) + 1;
    out.extend_from_slice(br#"{"time":""#);
    out.extend_from_slice(year);
    let _ = write!(out, "-{number:02}-");
    out.extend_from_slice(&[day, b"T", time].concat());
    out.extend_from_slice(b"Z\"");
    member(
        out,
        "client",
        entry.client().map(|it| it.ip().to_canonical().to_string()),
    );
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    member(out, "method", entry.noted.map(|noted| text(noted.method())));
    member(out, "path", entry.noted.map(|noted| text(noted.path())));
    member(out, "query", entry.noted.and_then(Noted::query).map(text));
    member(
        out,
        "protocol",
        entry.noted.map(|noted| noted.protocol().to_owned()),
    );
    let took = entry.took().as_micros();
    let _ = write!(
        out,
        r#","status":{},"bytes":{},"duration_ms":{}.{:03}"#,
        entry.status,
        entry.bytes,
        took / 1000,
        took % 1000
    );
    if let Some(mark) = entry.end.mark() {
        member(out, "incomplete", Some(mark.to_owned()));
    }
    if !entry.request_id.is_empty() {
        member(out, "request_id", Some(entry.request_id.to_owned()));
    }
    if let Some(trace) = entry.noted.and_then(|noted| noted.trace.as_ref()) {
        member(out, "trace_id", Some(trace.trace.clone()));
        member(out, "parent_id", Some(trace.parent.clone()));
        member(out, "trace_flags", Some(trace.flags.clone()));
    }
    out.push(b'}');
}

/// A further member, a text or null.
fn member(out: &mut Vec<u8>, name: &str, text: Option<String>) {
    let _ = write!(out, r#","{name}":"#);
    match text {
        Some(text) => write_str(out, &text),
        None => out.extend_from_slice(b"null"),
    }
}

/// Day, name of the month, year and time of a Date field's value.
fn date_parts(date: &[u8; 29]) -> (&[u8], &[u8], &[u8], &[u8]) {
    (&date[5..7], &date[8..11], &date[12..16], &date[17..25])
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &[u8; 29] = b"Mon, 02 Mar 2026 10:00:00 GMT";

    fn line(format: &str, noted: Option<&Noted>) -> String {
        ended(format, noted, End::Closed)
    }

    fn ended(format: &str, noted: Option<&Noted>, end: End) -> String {
        let entry = Entry {
            date: DATE,
            peer: Some(([203, 0, 113, 9], 51034).into()),
            noted,
            request_id: "id-1",
            status: 200,
            bytes: 0,
            content_type: Some(b"text/html"),
            fields: b"x-a: one\r\nx-b: \"t\\w\"\r\n",
            end,
        };
        let mut out = Vec::new();
        Format::parse(format).unwrap().write(&mut out, &entry);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_refused_head() {
        let table = [
            (
                "text",
                "[Mon, 02 Mar 2026 10:00:00 GMT] 203.0.113.9:51034 \"-\" 200 0.000ms id-1\n",
            ),
            (
                "json",
                "{\"time\":\"2026-03-02T10:00:00Z\",\"client\":\"203.0.113.9\",\"method\":null,\"path\":null,\
                 \"query\":null,\"protocol\":null,\"status\":200,\"bytes\":0,\"duration_ms\":0.000,\"request_id\":\"id-1\"}\n",
            ),
            (
                "%h %l %u %t \"%r\" %m %U%q %H %>s %b %B %D %T %{X}i",
                "203.0.113.9 - - [02/Mar/2026:10:00:00 +0000] \"-\" - - - 200 - 0 0 0 -\n",
            ),
            (
                "%{X-A}o %{x-b}o %{X-C}o %{Content-Type}o",
                "one \\\"t\\\\w\\\" - text/html\n",
            ),
        ];
        for (format, expected) in table {
            assert_eq!(line(format, None), expected);
        }
    }

    #[test]
    fn how_an_answer_ended() {
        let table = [
            (End::Kept, "+", "0.000ms id-1\n", "0.000,\"request_id\""),
            (End::Closed, "-", "0.000ms id-1\n", "0.000,\"request_id\""),
            (
                End::Broken,
                "X",
                "ms (broken) id-1\n",
                ",\"incomplete\":\"broken\",",
            ),
            (
                End::Left,
                "X",
                "ms (client left) id-1\n",
                ",\"incomplete\":\"client left\",",
            ),
        ];
        for (end, atom, text, member) in table {
            assert_eq!(ended("%X", None, end), format!("{atom}\n"));
            assert!(ended("text", None, end).ends_with(text), "{end:?}");
            assert!(ended("json", None, end).contains(member), "{end:?}");
        }
    }

    #[test]
    fn what_a_client_sent_is_escaped() {
        let mut noted = Noted {
            client: None,
            request: b"GET/a\"b\\x=1\n\x1b[".to_vec(),
            path_start: 3,
            query_start: Some(8),
            version: Version::Http10,
            start: Instant::now(),
            fields: vec![Some(b"\t\xff\"".to_vec())],
            trace: None,
        };
        assert_eq!(
            line("%h \"%r\" %{X}i", Some(&noted)),
            "- \"GET /a\\\"b\\\\?x=1\\x0a\\x1b[ HTTP/1.0\" \\x09\\xff\\\"\n"
        );
        noted.request = b"GET/\xff\n".to_vec();
        noted.query_start = None;
        let json: serde_json::Value = serde_json::from_str(&line("json", Some(&noted))).unwrap();
        assert_eq!(json["path"], "/\u{fffd}\n");
        assert_eq!(json["client"], serde_json::Value::Null);
    }
}
