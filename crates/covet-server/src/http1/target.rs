//! Forms of the request target (RFC 9112 section 3.2) and which method may use which.
//!
//! It splits a target whose octets the parser has already checked; it decodes nothing.

use super::authority::{is_authority, is_host_and_port};
use super::head::{Head, Method};
use super::refusal::{Reason, Refusal};
use super::span::Span;

/// Form of a request target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TargetForm {
    /// `/path?query`.
    #[default]
    Origin,
    /// `http://host/path?query`.
    Absolute,
    /// `host:port`, for CONNECT only.
    Authority,
    /// `*`, for OPTIONS only.
    Asterisk,
}

/// Writes form, path, query and authority of the target `buf[target]` into `head`, whose method
/// is known. `question` is the offset of the first `?`.
pub(super) fn split(
    buf: &[u8],
    target: Span,
    question: Option<u32>,
    head: &mut Head,
) -> Result<(), Refusal> {
    let text = target.of(buf);
    if head.method == Method::Connect {
        head.form = TargetForm::Authority;
        head.authority = Some(target);
        return if is_host_and_port(text) {
            Ok(())
        } else {
            Err(Reason::Target.into())
        };
    }
    head.query = question.map(|start| Span {
        start: start + 1,
        end: target.end,
    });
    let path_end = question.unwrap_or(target.end);
    if text.starts_with(b"/") {
        head.form = TargetForm::Origin;
        head.path = Span {
            start: target.start,
            end: path_end,
        };
        return Ok(());
    }
    if text == b"*" && head.method == Method::Options {
        head.form = TargetForm::Asterisk;
        head.path = target;
        return Ok(());
    }
    let Some(scheme) = scheme_len(text) else {
        return Err(Reason::Target.into());
    };
    head.form = TargetForm::Absolute;
    split_absolute(buf, target.start + scheme, path_end, target.end, head)
}

/// Bytes of `http://` or `https://` at the start of `text`. Schemes are case-insensitive.
fn scheme_len(text: &[u8]) -> Option<u32> {
    [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| {
            text.get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })
        .map(|scheme| scheme.len() as u32)
}

/// The authority starts at `start`; the path ends at `path_end`, the target at `end`.
fn split_absolute(
    buf: &[u8],
    start: u32,
    path_end: u32,
    end: u32,
    head: &mut Head,
) -> Result<(), Refusal> {
    let rest = Span {
        start,
        end: path_end,
    };
    let slash = rest.of(buf).iter().position(|&octet| octet == b'/');
    let authority = Span {
        start,
        end: slash.map_or(path_end, |slash| start + slash as u32),
    };
    if !is_authority(authority.of(buf)) {
        return Err(Reason::Authority.into());
    }
    head.authority = Some(authority);
    head.path = if slash.is_some() {
        Span {
            start: authority.end,
            end: path_end,
        }
    } else {
        // An empty path means "/" (RFC 9110 section 4.2.3): the last slash of "://" is one.
        Span {
            start: start - 1,
            end: start,
        }
    };
    let after_authority = Span {
        start: authority.end,
        end,
    };
    // Brackets pass the parser's scan for the sake of IPv6 hosts; a path cannot hold them.
    if after_authority
        .of(buf)
        .iter()
        .any(|octet| b"[]".contains(octet))
    {
        return Err(Reason::TargetOctet.into());
    }
    Ok(())
}
