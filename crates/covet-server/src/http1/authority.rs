//! Validation of `host [":" port]`, in the Host field and in an absolute-form target.
//!
//! The grammar is RFC 3986 section 3.2 without userinfo; RFC 9110 section 4.2.4 tells servers to
//! treat userinfo as an error.

use std::net::Ipv6Addr;

use super::octets::{hex_value, is_host};

/// Whether `text` is a non-empty host with an optional port of at most 65,535.
pub(crate) fn is_authority(text: &[u8]) -> bool {
    let (host, port) = split_port(text);
    is_host_text(host) && port.is_none_or(|port| port.is_empty() || is_port(port))
}

/// Whether `text` is a host with a port, as CONNECT needs it (RFC 9110 section 9.3.6).
pub(super) fn is_host_and_port(text: &[u8]) -> bool {
    let (host, port) = split_port(text);
    is_host_text(host) && port.is_some_and(is_port)
}

/// Splits at the colon that starts the port; one inside `[...]` does not.
fn split_port(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    let after_literal = if text.starts_with(b"[") {
        text.iter().position(|&octet| octet == b']').unwrap_or(0)
    } else {
        0
    };
    match text[after_literal..]
        .iter()
        .position(|&octet| octet == b':')
    {
        Some(colon) => {
            let colon = after_literal + colon;
            (&text[..colon], Some(&text[colon + 1..]))
        }
        None => (text, None),
    }
}

fn is_host_text(host: &[u8]) -> bool {
    match host {
        [] => false,
        [b'[', literal @ .., b']'] => is_ipv6(literal),
        name => is_registered_name(name),
    }
}

/// IPv6 without a zone. `IPvFuture` is refused: nothing here could reach such an address.
fn is_ipv6(literal: &[u8]) -> bool {
    std::str::from_utf8(literal).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

fn is_registered_name(mut name: &[u8]) -> bool {
    loop {
        match name {
            [] => return true,
            [b'%', high, low, rest @ ..] => {
                if hex_value(*high).is_none() || hex_value(*low).is_none() {
                    return false;
                }
                name = rest;
            }
            [octet, rest @ ..] if is_host(*octet) => name = rest,
            _ => return false,
        }
    }
}

fn is_port(port: &[u8]) -> bool {
    let mut number: u32 = 0;
    for &octet in port {
        if !octet.is_ascii_digit() {
            return false;
        }
        number = number * 10 + u32::from(octet - b'0');
        if number > u32::from(u16::MAX) {
            return false;
        }
    }
    !port.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let good = [
            "localhost",
            "a.example:80",
            "localhost:",
            "127.0.0.1:65535",
            "[::1]",
            "[::1]:8080",
            "[::ffff:1.2.3.4]:",
            "a_b",
            "x%41",
            "A-1.example.",
            "host:00080",
            "a;b=c!$&'()*+~",
        ];
        for text in good {
            assert!(is_authority(text.as_bytes()), "{text}");
        }
        let bad = [
            "",
            ":80",
            "user@host",
            "user:pw@host",
            "host/",
            "host/path",
            "host?x",
            "host#x",
            "a,b",
            "a, b",
            "a b",
            "[::1",
            "::1",
            "[::1]x",
            "[::1]:x",
            "[]",
            "[v1.a]",
            "[::1%25lo]",
            "[1.2.3.4]",
            "host:x",
            "host:65536",
            "host:99999999999999999999",
            "host:80:80",
            "host:-1",
            "host: 80",
            "ho\\st",
            "\"host\"",
            "<host>",
            "x%4",
            "x%zz",
            "h\u{e9}",
            "h\0",
            "a]",
            "[[::1]]",
        ];
        for text in bad {
            assert!(!is_authority(text.as_bytes()), "{text}");
        }
        assert!(!is_authority(b"\xfflocalhost"));
    }

    #[test]
    fn connect_needs_a_port() {
        assert!(is_host_and_port(b"a.example:443"));
        assert!(is_host_and_port(b"[::1]:443"));
        for text in ["a.example", "a.example:", ":443", "a:x"] {
            assert!(!is_host_and_port(text.as_bytes()), "{text}");
        }
    }
}
