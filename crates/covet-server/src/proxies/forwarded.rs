//! The grammar: what one proxy said, and how its words are joined into lists.
//!
//! Everything is strict, and what cannot be read is [`Node::Malformed`]: a sender that has its own
//! quotes or commas inside a proxy's words must not be believed by halves.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::http1::{Span, is_token};

/// Who a proxy says has asked it. A port that is not said is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Address(SocketAddr),
    /// `unknown`, `_hidden`, or nothing.
    Hidden,
    Malformed,
}

/// One element of `Forwarded`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) node: Node,
    /// Whether it says https.
    pub(super) secure: Option<bool>,
    pub(super) host: Option<Span>,
}

impl Element {
    pub(super) const MALFORMED: Self = Self {
        node: Node::Malformed,
        secure: None,
        host: None,
    };
}

/// An address with or without a port, an IPv6 one with or without brackets where it has none.
pub(super) fn node(text: &[u8]) -> Node {
    if text.eq_ignore_ascii_case(b"unknown") || is_obfuscated(text) {
        return Node::Hidden;
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return Node::Malformed;
    };
    if let Ok(address) = text.parse::<IpAddr>() {
        return Node::Address(SocketAddr::new(address.to_canonical(), 0));
    }
    match split_port(text) {
        Some((address, port)) => Node::Address(SocketAddr::new(address.to_canonical(), port)),
        None => Node::Malformed,
    }
}

fn split_port(text: &str) -> Option<(IpAddr, u16)> {
    let (address, rest) = if let Some(inner) = text.strip_prefix('[') {
        let (address, rest) = inner.split_once(']')?;
        (IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), rest)
    } else {
        let (address, _) = text.split_once(':')?;
        let rest = &text[address.len()..];
        (IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), rest)
    };
    if rest.is_empty() {
        return Some((address, 0));
    }
    let port = rest.strip_prefix(':')?;
    if is_obfuscated(port.as_bytes()) {
        return Some((address, 0));
    }
    let is_number = (1..=5).contains(&port.len()) && port.bytes().all(|it| it.is_ascii_digit());
    is_number.then(|| port.parse().ok().map(|port| (address, port)))?
}

/// `_` and one or more of a few characters (RFC 7239 section 6.3).
fn is_obfuscated(text: &[u8]) -> bool {
    let allowed = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'-');
    text.len() > 1 && text[0] == b'_' && text.iter().all(allowed)
}

/// Whether a scheme is that of a connection with TLS; none for one that is no scheme of ours.
pub(super) fn is_secure(scheme: &[u8]) -> Option<bool> {
    let is = |name: &[u8]| scheme.eq_ignore_ascii_case(name);
    if is(b"https") || is(b"wss") {
        Some(true)
    } else if is(b"http") || is(b"ws") {
        Some(false)
    } else {
        None
    }
}

/// The parts of a comma-separated list, trimmed, the last first.
pub(super) fn from_the_right(bytes: &[u8], value: Span) -> impl Iterator<Item = Span> {
    let start = value.start as usize;
    let mut left = Some(value.of(bytes));
    std::iter::from_fn(move || {
        let text = left?;
        let comma = text.iter().rposition(|&it| it == b',');
        left = comma.map(|at| &text[..at]);
        let begin = comma.map_or(0, |at| at + 1);
        let part = &text[begin..];
        let trimmed = part.trim_ascii();
        let skipped = part.len() - part.trim_ascii_start().len();
        let begin = start + begin + skipped;
        Some(Span::new(begin, begin + trimmed.len()))
    })
}

/// The elements of one `Forwarded` field. One mistake and the field is a single malformed element.
pub(super) fn elements(bytes: &[u8], value: Span) -> Vec<Element> {
    Reader {
        bytes: &bytes[..value.end as usize],
        at: value.start as usize,
    }
    .elements()
    .unwrap_or_else(|| vec![Element::MALFORMED])
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn elements(mut self) -> Option<Vec<Element>> {
        let mut found = Vec::new();
        loop {
            found.push(self.element()?);
            self.blanks();
            if self.at == self.bytes.len() {
                return Some(found);
            }
            self.take(b',')?;
        }
    }

    fn element(&mut self) -> Option<Element> {
        let (mut said, mut secure, mut host) = (None, None, None);
        loop {
            self.blanks();
            let name = self.token()?.of(self.bytes);
            self.take(b'=')?;
            let value = self.value()?;
            let twice = if name.eq_ignore_ascii_case(b"for") {
                said.replace(value).is_some()
            } else if name.eq_ignore_ascii_case(b"proto") {
                secure.replace(value).is_some()
            } else if name.eq_ignore_ascii_case(b"host") {
                host.replace(value).is_some()
            } else {
                false
            };
            if twice {
                return None;
            }
            self.blanks();
            if self.take(b';').is_none() {
                break;
            }
        }
        Some(Element {
            node: said.map_or(Node::Hidden, |said: Span| node(said.of(self.bytes))),
            secure: secure.and_then(|scheme: Span| is_secure(scheme.of(self.bytes))),
            host,
        })
    }

    /// A token, or what is between quotes. No value of ours needs a backslash, so none is read.
    fn value(&mut self) -> Option<Span> {
        if self.take(b'"').is_none() {
            return self.token();
        }
        let start = self.at;
        let length = self.bytes[start..].iter().position(|&it| it == b'"')?;
        self.at = start + length + 1;
        let value = Span::new(start, start + length);
        (!value.of(self.bytes).contains(&b'\\')).then_some(value)
    }

    fn token(&mut self) -> Option<Span> {
        let start = self.at;
        let rest = &self.bytes[start..];
        let length = rest.iter().take_while(|&&it| is_token(it)).count();
        self.at += length;
        (length > 0).then(|| Span::new(start, self.at))
    }

    fn take(&mut self, octet: u8) -> Option<()> {
        let is_there = self.bytes.get(self.at) == Some(&octet);
        is_there.then(|| self.at += 1)
    }

    fn blanks(&mut self) {
        while matches!(self.bytes.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes() {
        let table = [
            ("192.0.2.1", "192.0.2.1:0"),
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("192.0.2.1:_x", "192.0.2.1:0"),
            ("2001:db8::1", "[2001:db8::1]:0"),
            ("[2001:db8::1]", "[2001:db8::1]:0"),
            ("[2001:db8::1]:65535", "[2001:db8::1]:65535"),
            ("::ffff:192.0.2.1", "192.0.2.1:0"),
        ];
        for (text, address) in table {
            let expected = Node::Address(address.parse().unwrap());
            assert_eq!(node(text.as_bytes()), expected, "{text}");
        }
        for text in ["unknown", "UnKnown", "_hidden", "_a.b-c_1"] {
            assert_eq!(node(text.as_bytes()), Node::Hidden, "{text}");
        }
        for text in [
            "",
            "_",
            "_a b",
            "localhost",
            "192.0.2.1:",
            "192.0.2.1:65536",
            "192.0.2.1:000080",
            "192.0.2.1:+80",
            "192.0.2.1:80:80",
            "192.0.2.01",
            "192.0.2",
            "[192.0.2.1]:80",
            "[2001:db8::1",
            "[2001:db8::1]80",
            "2001:db8::1]:80",
            "[::1%eth0]",
            "\"192.0.2.1\"",
            "192.0.2.1 ",
            "192.0.2.1/8",
            "\u{e9}",
        ] {
            assert_eq!(node(text.as_bytes()), Node::Malformed, "{text}");
        }
        assert_eq!(node(b"\xff"), Node::Malformed);
    }

    #[test]
    fn lists_from_the_right() {
        let bytes = b"..a,  b ,, c\t";
        let value = Span::new(2, bytes.len());
        let parts: Vec<&[u8]> = from_the_right(bytes, value)
            .map(|it| it.of(bytes))
            .collect();
        assert_eq!(parts, [&b"c"[..], b"", b"b", b"a"]);
        let empty: Vec<Span> = from_the_right(b"", Span::default()).collect();
        assert_eq!(empty, [Span::default()]);
    }

    fn shown(text: &str) -> String {
        let bytes = text.as_bytes();
        let one = |element: Element| {
            let node = match element.node {
                Node::Address(address) => address.to_string(),
                Node::Hidden => "hidden".into(),
                Node::Malformed => "malformed".into(),
            };
            let scheme = match element.secure {
                Some(true) => " https",
                Some(false) => " http",
                None => "",
            };
            let host = element.host.map_or(String::new(), |host| {
                format!(" {}", String::from_utf8_lossy(host.of(bytes)))
            });
            format!("{node}{scheme}{host}")
        };
        let found = elements(bytes, Span::new(0, bytes.len()));
        found.into_iter().map(one).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn forwarded() {
        let table = [
            ("for=192.0.2.1", "192.0.2.1:0"),
            ("For=\"[2001:db8::1]:47\"", "[2001:db8::1]:47"),
            ("for=\"192.0.2.1:80\"", "192.0.2.1:80"),
            ("for=192.0.2.1;proto=https;by=_x", "192.0.2.1:0 https"),
            ("host=\"a:80\" ; for=_h;PROTO=HTTP", "hidden http a:80"),
            ("for=192.0.2.1 , for=unknown", "192.0.2.1:0, hidden"),
            ("for=192.0.2.1;ext=\"a,b;c\"", "192.0.2.1:0"),
            ("proto=gopher", "hidden"),
            (
                "for=nonsense;proto=https, for=192.0.2.1",
                "malformed https, 192.0.2.1:0",
            ),
            ("", "malformed"),
            ("for", "malformed"),
            ("for=", "malformed"),
            ("for=1.2.3.4;", "malformed"),
            ("for=1.2.3.4,", "malformed"),
            ("for=1.2.3.4,,for=1.2.3.5", "malformed"),
            ("for =1.2.3.4", "malformed"),
            ("for=1.2.3.4;for=1.2.3.5", "malformed"),
            ("for=1.2.3.4:80", "malformed"),
            ("for=\"1.2.3.4", "malformed"),
            ("for=\"1.2.3\\.4\"", "malformed"),
            // A client's open quote meets a proxy's words.
            ("for=\", for=192.0.2.1", "malformed"),
            ("for=\", for=\"[2001:db8::1]\"", "malformed"),
        ];
        for (text, expected) in table {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
