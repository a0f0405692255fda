//! The PROXY protocol, versions 1 and 2: a header before the first request that says who connected.
//!
//! Sans-IO: it looks at what has come so far, always from the first byte. A header is at most 107
//! bytes (version 1) or 536 (version 2), so to look again is cheap.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The longest header of version 1, its line end included.
const LONGEST_LINE: usize = 107;
/// The longest header of version 2, its further values included.
const LONGEST: usize = 536;
/// What version 2 starts with.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family, and length.
const FIXED: usize = 16;

/// A complete header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its bytes.
    pub len: usize,
    /// Who connected; `None` where the proxy speaks for itself or does not know.
    pub client: Option<SocketAddr>,
}

/// What comes is no header of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoHeader;

impl Header {
    /// The header at the start of `bytes`; `None` where more bytes are needed.
    ///
    /// # Errors
    /// They cannot become a header.
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, NoHeader> {
        match bytes {
            [] => Ok(None),
            [b'P', ..] => line(bytes),
            _ => binary(bytes),
        }
    }
}

fn line(bytes: &[u8]) -> Result<Option<Header>, NoHeader> {
    let seen = &bytes[..bytes.len().min(LONGEST_LINE)];
    let start = b"PROXY ";
    if !start.starts_with(&seen[..seen.len().min(start.len())]) {
        return Err(NoHeader);
    }
    let Some(end) = seen.iter().position(|&octet| octet == b'\n') else {
        return still(seen.len() < LONGEST_LINE);
    };
    let text = seen[start.len().min(end)..end]
        .strip_suffix(b"\r")
        .and_then(|text| std::str::from_utf8(text).ok())
        .ok_or(NoHeader)?;
    let client = if text == "UNKNOWN" || text.starts_with("UNKNOWN ") {
        None
    } else {
        Some(source(text).ok_or(NoHeader)?)
    };
    let len = end + 1;
    Ok(Some(Header { len, client }))
}

/// `TCP4` or `TCP6`, then addresses and ports of both ends.
fn source(text: &str) -> Option<SocketAddr> {
    let mut words = text.split(' ');
    let family = words.next()?;
    let address = |word: &str| -> Option<IpAddr> {
        match family {
            "TCP4" => word.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => word.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let (from, _to) = (address(words.next()?)?, address(words.next()?)?);
    let (port, _) = (port(words.next()?)?, port(words.next()?)?);
    let is_all = words.next().is_none();
    is_all.then(|| SocketAddr::new(from.to_canonical(), port))
}

/// Digits without a leading zero.
fn port(word: &str) -> Option<u16> {
    let is_number = word.bytes().all(|digit| digit.is_ascii_digit());
    let has_zero = word.len() > 1 && word.starts_with('0');
    (is_number && !has_zero).then(|| word.parse().ok())?
}

fn binary(bytes: &[u8]) -> Result<Option<Header>, NoHeader> {
    let seen = &bytes[..bytes.len().min(SIGNATURE.len())];
    if !SIGNATURE.starts_with(seen) {
        return Err(NoHeader);
    }
    let is_local = match bytes.get(12) {
        None => return Ok(None),
        Some(0x20) => true,
        Some(0x21) => false,
        Some(_) => return Err(NoHeader),
    };
    let Some(fixed) = bytes.get(..FIXED) else {
        return Ok(None);
    };
    let len = FIXED + usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    if len > LONGEST {
        return Err(NoHeader);
    }
    let Some(said) = bytes.get(FIXED..len) else {
        return Ok(None);
    };
    let client = if is_local {
        None
    } else {
        addresses(fixed[13], said)?
    };
    Ok(Some(Header { len, client }))
}

/// Who connected, by the family and the addresses, which further values may follow.
fn addresses(family: u8, said: &[u8]) -> Result<Option<SocketAddr>, NoHeader> {
    match (family, said) {
        // Over TCP. UDP is not what we speak.
        (0x11, [a, b, c, d, _, _, _, _, high, low, _, _, ..]) => {
            let port = u16::from_be_bytes([*high, *low]);
            Ok(Some((Ipv4Addr::new(*a, *b, *c, *d), port).into()))
        }
        (0x21, _) if said.len() >= 36 => {
            let from: [u8; 16] = said[..16].try_into().map_err(|_| NoHeader)?;
            let port = u16::from_be_bytes([said[32], said[33]]);
            let from = IpAddr::from(from).to_canonical();
            Ok(Some(SocketAddr::new(from, port)))
        }
        // A Unix socket's address says nobody; 0 is not specified.
        (0x31, _) if said.len() >= 216 => Ok(None),
        (0x00, _) => Ok(None),
        _ => Err(NoHeader),
    }
}

fn still(possible: bool) -> Result<Option<Header>, NoHeader> {
    if possible { Ok(None) } else { Err(NoHeader) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v2(command: u8, family: u8, said: &[u8]) -> Vec<u8> {
        let length = u16::try_from(said.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, said].concat()
    }

    fn v4() -> Vec<u8> {
        vec![192, 0, 2, 1, 10, 0, 0, 1, 0x12, 0x34, 0, 80]
    }

    fn v6() -> Vec<u8> {
        let address = |text: &str| text.parse::<Ipv6Addr>().unwrap().octets();
        let (from, to) = (address("2001:db8::1"), address("::1"));
        [&from[..], &to, &[0x12, 0x34, 0, 80]].concat()
    }

    #[test]
    fn headers_that_come_byte_by_byte() {
        let most = format!("PROXY UNKNOWN {}\r\n", "x".repeat(91));
        assert_eq!(most.len(), LONGEST_LINE);
        let padded = [v4(), vec![0xff; LONGEST - FIXED - 12]].concat();
        let table: Vec<(Vec<u8>, Option<&str>)> = vec![
            (
                b"PROXY TCP4 192.0.2.1 10.0.0.1 4660 80\r\n".into(),
                Some("192.0.2.1:4660"),
            ),
            (
                b"PROXY TCP6 2001:db8::1 ::1 0 65535\r\n".into(),
                Some("[2001:db8::1]:0"),
            ),
            (
                b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n".into(),
                Some("192.0.2.1:1"),
            ),
            (b"PROXY UNKNOWN\r\n".into(), None),
            (b"PROXY UNKNOWN ffff::1 what ever\r\n".into(), None),
            (most.into_bytes(), None),
            (v2(0x21, 0x11, &v4()), Some("192.0.2.1:4660")),
            (v2(0x21, 0x21, &v6()), Some("[2001:db8::1]:4660")),
            (
                v2(0x21, 0x11, &[v4(), vec![4, 0, 1, 0]].concat()),
                Some("192.0.2.1:4660"),
            ),
            (v2(0x21, 0x11, &padded), Some("192.0.2.1:4660")),
            (v2(0x21, 0x31, &[0; 216]), None),
            (v2(0x21, 0x00, &[]), None),
            (v2(0x21, 0x00, &[1, 2, 3]), None),
            (v2(0x20, 0x11, &v4()), None),
            (v2(0x20, 0x00, &[]), None),
        ];
        for (header, client) in table {
            let len = header.len();
            let client = client.map(|text| text.parse().unwrap());
            let whole = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
            for at in 0..whole.len() {
                let expected = (at >= len).then_some(Header { len, client });
                assert_eq!(
                    Header::parse(&whole[..at]),
                    Ok(expected),
                    "{at} of {header:?}"
                );
            }
        }
    }

    #[test]
    fn no_headers() {
        let too_long = format!("PROXY UNKNOWN {}\r\n", "x".repeat(92));
        let endless = format!("PROXY UNKNOWN {}", "x".repeat(93));
        let padded = [v4(), vec![0; LONGEST - FIXED - 11]].concat();
        let table: Vec<Vec<u8>> = vec![
            b"GET / HTTP/1.1\r\n\r\n".into(),
            b"POST / HTTP/1.1\r\n\r\n".into(),
            b"PRI * HTTP/2.0\r\n".into(),
            b"PROXY\r\n".into(),
            b"PROXY \r\n".into(),
            b"proxy UNKNOWN\r\n".into(),
            b"PROXY UNKNOWN\n".into(),
            b"PROXY UNKNOWNS\r\n".into(),
            b"PROXY TCP4 192.0.2.1 10.0.0.1 1\r\n".into(),
            b"PROXY TCP4 192.0.2.1 10.0.0.1 1 2 3\r\n".into(),
            b"PROXY TCP4  192.0.2.1 10.0.0.1 1 2\r\n".into(),
            b"PROXY TCP4 192.0.2.1 10.0.0.1 01 2\r\n".into(),
            b"PROXY TCP4 192.0.2.1 10.0.0.1 +1 2\r\n".into(),
            b"PROXY TCP4 192.0.2.1 10.0.0.1 65536 2\r\n".into(),
            b"PROXY TCP4 192.0.2.1 10.0.0.1 1 \r\n".into(),
            b"PROXY TCP4 ::1 ::1 1 2\r\n".into(),
            b"PROXY TCP6 192.0.2.1 10.0.0.1 1 2\r\n".into(),
            b"PROXY UDP4 192.0.2.1 10.0.0.1 1 2\r\n".into(),
            too_long.into_bytes(),
            endless.into_bytes(),
            b"\r\n\r\n\0\r\nQUIT ".into(),
            b"\r\nGET".into(),
            v2(0x11, 0x11, &v4()),
            v2(0x22, 0x11, &v4()),
            v2(0x21, 0x12, &v4()),
            v2(0x21, 0x11, &v4()[..11]),
            v2(0x21, 0x21, &v6()[..35]),
            v2(0x21, 0x31, &[0; 215]),
            v2(0x21, 0xff, &v4()),
            v2(0x21, 0x11, &padded),
        ];
        for header in table {
            assert_eq!(Header::parse(&header), Err(NoHeader), "{header:?}");
        }
    }
}
