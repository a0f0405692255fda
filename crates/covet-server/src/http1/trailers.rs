//! [`Trailers`]: reads the trailer section of a chunked body and drops it.
//!
//! A trailer field is never merged into the header fields (RFC 9110 section 6.5.1), so its
//! syntax is checked, its name is looked at and its value is forgotten.

use super::body::BodyLimits;
use super::octets::{is_token, is_value};
use super::refusal::{Reason, Refusal};

/// Names that frame or route a request; as trailers they can only be an attack.
const FORBIDDEN: [&[u8]; 3] = [b"content-length", b"transfer-encoding", b"host"];

/// Bytes of the longest name in [`FORBIDDEN`].
const NAME: usize = 17;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// The first byte of a line.
    #[default]
    Line,
    Name,
    Value,
    /// LF after a value.
    ValueLf,
    /// LF of the empty line.
    EndLf,
}

/// A trailer section that is being read.
#[derive(Debug, Default)]
pub(super) struct Trailers {
    state: State,
    /// Bytes so far.
    bytes: usize,
    /// Fields begun so far.
    fields: usize,
    /// Start of the current name, in lower case.
    name: [u8; NAME],
    /// Length of the current name, counted up to one more than fits.
    name_len: usize,
}

impl Trailers {
    /// Takes one byte; returns whether it ended the section.
    pub(super) fn take(&mut self, octet: u8, limits: &BodyLimits) -> Result<bool, Refusal> {
        match (self.state, octet) {
            (State::Line, b'\r') => {
                self.state = State::EndLf;
                return Ok(false);
            }
            (State::EndLf, b'\n') => return Ok(true),
            _ => self.count(limits)?,
        }
        match (self.state, octet) {
            (State::Line, _) if is_token(octet) => {
                if self.fields == limits.trailer_fields {
                    return Err(Reason::TrailerCount.into());
                }
                self.fields += 1;
                self.name_len = 0;
                self.state = State::Name;
                self.keep(octet);
            }
            (State::Name, b':') => {
                if self.is_forbidden() {
                    return Err(Reason::TrailerForbidden.into());
                }
                self.state = State::Value;
            }
            (State::Name, _) if is_token(octet) => self.keep(octet),
            (State::Line | State::Name, _) => return Err(Reason::TrailerName.into()),
            (State::Value, b'\r') => self.state = State::ValueLf,
            (State::Value, b'\n') => return Err(Reason::BareLf.into()),
            (State::Value, _) if is_value(octet) => {}
            (State::Value, _) => return Err(Reason::TrailerValue.into()),
            (State::ValueLf, b'\n') => self.state = State::Line,
            (State::ValueLf | State::EndLf, _) => return Err(Reason::BareCr.into()),
        }
        Ok(false)
    }

    fn count(&mut self, limits: &BodyLimits) -> Result<(), Refusal> {
        self.bytes += 1;
        if self.bytes > limits.trailers {
            return Err(Reason::TrailerBytes.into());
        }
        Ok(())
    }

    fn keep(&mut self, octet: u8) {
        if let Some(place) = self.name.get_mut(self.name_len) {
            *place = octet.to_ascii_lowercase();
        }
        self.name_len = (self.name_len + 1).min(NAME + 1);
    }

    fn is_forbidden(&self) -> bool {
        self.name
            .get(..self.name_len)
            .is_some_and(|name| FORBIDDEN.contains(&name))
    }
}
