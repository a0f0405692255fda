//! [`Origin`]: who asked, for what host, with or without TLS, as trusted peers tell it.
//!
//! The walk starts at the peer and goes through the list from its right end, where the nearest
//! proxy has written, as long as who wrote is trusted. What a client wrote itself is further left.

use std::net::SocketAddr;

use super::forwarded::{Element, Node, elements, from_the_right, is_secure, node};
use super::trusted::Trusted;
use crate::http1::{Head, Span, is_authority};

/// Which fields trusted proxies write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fields {
    /// `X-Forwarded-*` where a request has one of them, else `Forwarded`.
    #[default]
    Any,
    /// `X-Forwarded-For`, `-Proto` and `-Host` alone.
    XForwarded,
    /// `Forwarded` (RFC 7239) alone.
    Forwarded,
}

/// Who asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client; `None` where only a Unix socket is known. Port 0 is one that nobody said.
    pub client: Option<SocketAddr>,
    /// Whether the client speaks TLS.
    pub secure: bool,
    /// The authority that the client asked for: the request's own, or what a proxy said.
    pub host: Option<Span>,
}

const X_FOR: &[u8] = b"x-forwarded-for";
const X_PROTO: &[u8] = b"x-forwarded-proto";
const X_HOST: &[u8] = b"x-forwarded-host";

impl Origin {
    /// What the connection and the head say by themselves.
    #[must_use]
    pub fn direct(peer: Option<SocketAddr>, head: &Head) -> Self {
        Self {
            client: peer,
            secure: false,
            host: head.authority.or(head.host),
        }
    }

    /// What `peer`, which is trusted, says in `head`, parsed in `bytes`.
    #[must_use]
    pub fn told(
        peer: Option<SocketAddr>,
        head: &Head,
        bytes: &[u8],
        trusted: &Trusted,
        fields: Fields,
    ) -> Self {
        let origin = Self::direct(peer, head);
        let says_x = || {
            let mut names = head.fields.iter().map(|field| field.name.of(bytes));
            names.any(|name| {
                [X_FOR, X_PROTO, X_HOST]
                    .iter()
                    .any(|x| name.eq_ignore_ascii_case(x))
            })
        };
        let told = match fields {
            Fields::XForwarded => origin.x_forwarded(head, bytes, trusted),
            Fields::Any if says_x() => origin.x_forwarded(head, bytes, trusted),
            Fields::Any | Fields::Forwarded => origin.forwarded(head, bytes, trusted),
        };
        let is_host = |host: &Span| is_authority(host.of(bytes));
        Self {
            host: told.host.filter(is_host).or(origin.host),
            ..told
        }
    }

    fn forwarded(mut self, head: &Head, bytes: &[u8], trusted: &Trusted) -> Self {
        let elements = from_the_last(head, bytes, b"forwarded")
            .flat_map(|value| elements(bytes, value).into_iter().rev());
        for Element { node, secure, host } in elements {
            if node == Node::Malformed {
                break;
            }
            self.secure = secure.unwrap_or(self.secure);
            self.host = host.or(self.host);
            if !self.goes_on(node, trusted) {
                break;
            }
        }
        self
    }

    fn x_forwarded(mut self, head: &Head, bytes: &[u8], trusted: &Trusted) -> Self {
        let mut hops = 0;
        for part in list(head, bytes, X_FOR) {
            let node = node(part.of(bytes));
            if node == Node::Malformed {
                break;
            }
            hops += 1;
            if !self.goes_on(node, trusted) {
                break;
            }
        }
        // The word of who named the client: as far from the right, or the first of a shorter list.
        let said = |name| list(head, bytes, name).take(hops.max(1)).last();
        let scheme = said(X_PROTO).and_then(|scheme| is_secure(scheme.of(bytes)));
        self.secure = scheme.unwrap_or(self.secure);
        self.host = said(X_HOST).or(self.host);
        self
    }

    /// Take one step outwards; whether the one who is there now may say who came before.
    fn goes_on(&mut self, node: Node, trusted: &Trusted) -> bool {
        let Node::Address(address) = node else {
            return false;
        };
        self.client = Some(address);
        trusted.trusts(address.ip())
    }
}

/// Values of all fields of this name, the last first.
fn from_the_last<'a>(
    head: &'a Head,
    bytes: &'a [u8],
    name: &'static [u8],
) -> impl Iterator<Item = Span> + 'a {
    head.fields
        .iter()
        .rev()
        .filter(move |field| field.name.of(bytes).eq_ignore_ascii_case(name))
        .map(|field| field.value)
}

/// The parts of a list that several fields may hold, the last first.
fn list<'a>(
    head: &'a Head,
    bytes: &'a [u8],
    name: &'static [u8],
) -> impl Iterator<Item = Span> + 'a {
    from_the_last(head, bytes, name).flat_map(move |value| from_the_right(bytes, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::{HeadLimits, HeadParser};

    const PEER: &str = "10.0.0.1:5000";

    fn told(fields: Fields, lines: &str) -> (Origin, Vec<u8>) {
        let bytes = format!("GET / HTTP/1.1\r\nhost: own\r\n{lines}\r\n").into_bytes();
        let mut head = Head::new();
        let whole = HeadParser::new().parse(&bytes, &mut head, &HeadLimits::default());
        assert_eq!(whole, Ok(true), "{lines}");
        let trusted = Trusted::parse(["10.0.0.0/8", "2001:db8::/32"]).unwrap();
        let peer = Some(PEER.parse().unwrap());
        (Origin::told(peer, &head, &bytes, &trusted, fields), bytes)
    }

    fn shown(fields: Fields, lines: &str) -> String {
        let (origin, bytes) = told(fields, lines);
        let client = origin.client.map_or("unix".into(), |it| it.to_string());
        let scheme = if origin.secure { "https" } else { "http" };
        let host = origin.host.map_or(&b""[..], |it| it.of(&bytes));
        format!("{client} {scheme} {}", String::from_utf8_lossy(host))
    }

    #[test]
    fn x_forwarded() {
        let table = [
            ("", "10.0.0.1:5000 http own"),
            ("x-forwarded-for: 192.0.2.1\r\n", "192.0.2.1:0 http own"),
            // What the client wrote is left of what the proxy wrote.
            (
                "x-forwarded-for: 6.6.6.6, 192.0.2.1\r\n",
                "192.0.2.1:0 http own",
            ),
            (
                "x-forwarded-for: 10.6.6.6, 192.0.2.1\r\n",
                "192.0.2.1:0 http own",
            ),
            // Several proxies, several fields.
            (
                "x-forwarded-for: 192.0.2.1, 10.2.2.2\r\n",
                "192.0.2.1:0 http own",
            ),
            (
                "x-forwarded-for: 6.6.6.6, 192.0.2.1\r\nX-Forwarded-For: 10.2.2.2:80, [2001:db8::1]\r\n",
                "192.0.2.1:0 http own",
            ),
            // All are trusted: the furthest.
            (
                "x-forwarded-for: 10.3.3.3, 10.2.2.2\r\n",
                "10.3.3.3:0 http own",
            ),
            // What cannot be read ends the walk, and what is left of it is nobody's word.
            (
                "x-forwarded-for: 192.0.2.1, nonsense\r\n",
                "10.0.0.1:5000 http own",
            ),
            (
                "x-forwarded-for: 192.0.2.1, nonsense, 10.2.2.2\r\n",
                "10.2.2.2:0 http own",
            ),
            (
                "x-forwarded-for: 192.0.2.1,, 10.2.2.2\r\n",
                "10.2.2.2:0 http own",
            ),
            ("x-forwarded-for: 192.0.2.1,\r\n", "10.0.0.1:5000 http own"),
            (
                "x-forwarded-for: 192.0.2.1, unknown\r\n",
                "10.0.0.1:5000 http own",
            ),
            (
                "x-forwarded-for: 192.0.2.1, _h, 10.2.2.2\r\n",
                "10.2.2.2:0 http own",
            ),
            ("x-forwarded-for:\r\n", "10.0.0.1:5000 http own"),
            // The scheme and the host of who named the client.
            ("x-forwarded-proto: https\r\n", "10.0.0.1:5000 https own"),
            (
                "x-forwarded-proto: HTTPS\r\nx-forwarded-for: 192.0.2.1\r\n",
                "192.0.2.1:0 https own",
            ),
            (
                "x-forwarded-proto: https, http\r\n",
                "10.0.0.1:5000 http own",
            ),
            (
                "x-forwarded-proto: https, http\r\nx-forwarded-for: 192.0.2.1\r\n",
                "192.0.2.1:0 http own",
            ),
            (
                "x-forwarded-proto: http, https, http\r\nx-forwarded-for: 192.0.2.1, 10.2.2.2\r\n",
                "192.0.2.1:0 https own",
            ),
            (
                "x-forwarded-proto: https\r\nx-forwarded-for: 192.0.2.1, 10.2.2.2\r\n",
                "192.0.2.1:0 https own",
            ),
            ("x-forwarded-proto: gopher\r\n", "10.0.0.1:5000 http own"),
            (
                "x-forwarded-host: a.example:8443\r\n",
                "10.0.0.1:5000 http a.example:8443",
            ),
            (
                "x-forwarded-host: evil, a.example\r\n",
                "10.0.0.1:5000 http a.example",
            ),
            ("x-forwarded-host: a/b\r\n", "10.0.0.1:5000 http own"),
            ("x-forwarded-host:\r\n", "10.0.0.1:5000 http own"),
        ];
        for (lines, expected) in table {
            assert_eq!(shown(Fields::Any, lines), expected, "{lines}");
            assert_eq!(shown(Fields::XForwarded, lines), expected, "{lines}");
            let own = "10.0.0.1:5000 http own";
            assert_eq!(shown(Fields::Forwarded, lines), own, "{lines}");
        }
    }

    #[test]
    fn forwarded() {
        let table = [
            ("for=192.0.2.1;proto=https;host=a", "192.0.2.1:0 https a"),
            (
                "for=6.6.6.6;host=evil, for=192.0.2.1",
                "192.0.2.1:0 http own",
            ),
            (
                "for=\"192.0.2.1:9\";proto=https;host=\"a:1\", for=10.2.2.2;proto=http;host=b",
                "192.0.2.1:9 https a:1",
            ),
            (
                "for=192.0.2.1;proto=https, for=10.2.2.2;host=b",
                "192.0.2.1:0 https b",
            ),
            ("for=_h;proto=https;host=a", "10.0.0.1:5000 https a"),
            ("for=192.0.2.1, for=unknown", "10.0.0.1:5000 http own"),
            ("for=192.0.2.1, proto=https", "10.0.0.1:5000 https own"),
            ("for=192.0.2.1;host=\"a b\"", "192.0.2.1:0 http own"),
            (
                "for=192.0.2.1, for=nonsense;proto=https",
                "10.0.0.1:5000 http own",
            ),
            ("for=192.0.2.1;;", "10.0.0.1:5000 http own"),
        ];
        for (value, expected) in table {
            let lines = format!("forwarded: {value}\r\n");
            assert_eq!(shown(Fields::Any, &lines), expected, "{value}");
            assert_eq!(shown(Fields::Forwarded, &lines), expected, "{value}");
            let own = "10.0.0.1:5000 http own";
            assert_eq!(shown(Fields::XForwarded, &lines), own, "{value}");
        }
        let two = "forwarded: for=192.0.2.1;proto=https\r\nforwarded: for=10.2.2.2\r\n";
        assert_eq!(shown(Fields::Any, two), "192.0.2.1:0 https own");
        let broken = "forwarded: for=192.0.2.1\r\nforwarded: for=\"\r\n";
        assert_eq!(shown(Fields::Any, broken), "10.0.0.1:5000 http own");
    }

    #[test]
    fn a_client_cannot_bring_the_other_field_in() {
        let both = "forwarded: for=6.6.6.6;proto=https\r\nx-forwarded-for: 192.0.2.1\r\n";
        assert_eq!(shown(Fields::Any, both), "192.0.2.1:0 http own");
        assert_eq!(shown(Fields::XForwarded, both), "192.0.2.1:0 http own");
        assert_eq!(shown(Fields::Forwarded, both), "6.6.6.6:0 https own");
    }
}
