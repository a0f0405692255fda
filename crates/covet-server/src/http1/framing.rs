//! [`Framing`]: how long the body of a request is (RFC 9112 section 6.3), decided from the head.
//!
//! Whatever two recipients could decide differently is refused, never repaired.

use super::head::Version;
use super::octets::{is_token_text, trim_blank};
use super::refusal::{Reason, Refusal};

/// How the body of a request is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// No body; `Content-Length: 0` too.
    #[default]
    None,
    /// Exactly this many bytes, at least one.
    Length(u64),
    /// The chunked coding.
    Chunked,
}

/// The framing that these two fields ask for. Each was sent once or not at all.
pub(super) fn decide(
    version: Version,
    content_length: Option<&[u8]>,
    transfer_encoding: Option<&[u8]>,
) -> Result<Framing, Refusal> {
    match (content_length, transfer_encoding) {
        (None, None) => Ok(Framing::None),
        (Some(length), None) => Ok(match parse_length(length)? {
            0 => Framing::None,
            length => Framing::Length(length),
        }),
        (_, Some(_)) if version == Version::Http10 => Err(Reason::TransferEncodingOnHttp10.into()),
        (Some(_), Some(_)) => Err(Reason::TransferEncodingWithLength.into()),
        (None, Some(codings)) => check_codings(codings).map(|()| Framing::Chunked),
    }
}

fn parse_length(value: &[u8]) -> Result<u64, Refusal> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Reason::ContentLength.into());
    }
    value
        .iter()
        .try_fold(0_u64, |number, octet| {
            number.checked_mul(10)?.checked_add(u64::from(octet - b'0'))
        })
        .ok_or(Reason::BodyLength.into())
}

/// Accepts `chunked` alone. A list of other codings that ends in `chunked` is framed but not
/// understood (501, RFC 9112 section 6.1); any other value does not frame the body (400, section 6.3).
fn check_codings(value: &[u8]) -> Result<(), Refusal> {
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let mut codings = value.rsplit(|&octet| octet == b',').map(trim_blank);
    let last_is_chunked = codings.next().is_some_and(is_chunked);
    let others_are_not = codings.all(|coding| {
        let name = coding.split(|&octet| octet == b';').next();
        name.map(trim_blank)
            .is_some_and(|name| is_token_text(name) && !is_chunked(name))
    });
    if last_is_chunked && others_are_not {
        Err(Reason::TransferCoding.into())
    } else {
        Err(Reason::TransferEncoding.into())
    }
}

fn is_chunked(coding: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(b"chunked")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfer_encoding_values() {
        let table: [(&str, u16); 16] = [
            ("chunked", 0),
            ("CHUNKED", 0),
            ("gzip, chunked", 501),
            ("gzip;level=1 ,\tdeflate, Chunked", 501),
            ("identity, chunked", 501),
            ("gzip", 400),
            ("identity", 400),
            ("chunked, gzip", 400),
            ("chunked, chunked", 400),
            ("chunked;q=1, chunked", 400),
            ("chunked;ext=val", 400),
            (", chunked", 400),
            ("chunked,", 400),
            ("\"chunked\"", 400),
            ("", 400),
            ("x y, chunked", 400),
        ];
        for (value, status) in table {
            let outcome = decide(Version::Http11, None, Some(value.as_bytes()));
            let got = outcome.map_or_else(|refusal| refusal.status, |_| 0);
            assert_eq!(got, status, "{value:?}");
        }
    }

    #[test]
    fn content_length_values() {
        let table: [(&str, Result<Framing, u16>); 14] = [
            ("0", Ok(Framing::None)),
            ("000", Ok(Framing::None)),
            ("5", Ok(Framing::Length(5))),
            ("010", Ok(Framing::Length(10))),
            ("18446744073709551615", Ok(Framing::Length(u64::MAX))),
            ("18446744073709551616", Err(413)),
            ("99999999999999999999", Err(413)),
            ("", Err(400)),
            ("+5", Err(400)),
            ("-5", Err(400)),
            ("5, 5", Err(400)),
            ("5 5", Err(400)),
            ("0x5", Err(400)),
            ("5_0", Err(400)),
        ];
        for (value, expected) in table {
            let outcome = decide(Version::Http11, Some(value.as_bytes()), None);
            assert_eq!(
                outcome.map_err(|refusal| refusal.status),
                expected,
                "{value:?}"
            );
        }
    }

    #[test]
    fn both_fields_are_refused_whatever_they_say() {
        for length in ["0", "5", "x", "99999999999999999999"] {
            for coding in ["chunked", "gzip", ""] {
                for version in [Version::Http10, Version::Http11] {
                    let outcome = decide(version, Some(length.as_bytes()), Some(coding.as_bytes()));
                    assert_eq!(outcome.map_err(|refusal| refusal.status), Err(400));
                }
            }
        }
    }
}
