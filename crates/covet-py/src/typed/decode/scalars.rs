//! Values that hold no others, and those of any type, from their JSON.

use covet_server::json::{Event, ScanError, ScanErrorKind};
use pyo3::prelude::*;

use super::{Decoder, Got};
use crate::json::decode_value;
use crate::typed::flaw::{Flaw, Made};
use crate::typed::node::{Choice, JsonKind, Text, TextName, Wire};
use crate::typed::problems::Code;
use crate::typed::{text, times};

impl<'py> Decoder<'_, 'py> {
    pub(super) fn null(&mut self) -> Got<'py> {
        match self.scanner.value() {
            Ok(_) => Some(self.py.None().into_bound(self.py)),
            Err(error) => self.malformed(error),
        }
    }

    pub(super) fn any(&mut self) -> Got<'py> {
        match decode_value(self.py, &mut self.scanner) {
            Ok(value) => Some(value),
            Err(error) => {
                let kind = error.kind.unwrap_or(ScanErrorKind::IntegerTooLong);
                let offset = error.offset;
                self.malformed(ScanError { offset, kind })
            }
        }
    }

    /// Reads a string that `read` makes a value of.
    pub(super) fn string(
        &mut self,
        code: Code,
        message: &'static str,
        read: impl FnOnce(Python<'py>, &str) -> Made<'py>,
    ) -> Got<'py> {
        if self.scanner.head() != b'"' {
            return self.mismatch(code, message);
        }
        let py = self.py;
        match self.scanner.text() {
            Ok(found) => {
                let made = read(py, found.text);
                self.take(made, JsonKind::Str)
            }
            Err(error) => self.malformed(error),
        }
    }

    pub(super) fn text(&mut self, rules: &Text) -> Got<'py> {
        let takes_number = rules.name == TextName::Decimal || rules.unix.is_some();
        let head = self.scanner.head();
        if takes_number && matches!(head, b'-' | b'0'..=b'9') {
            return self.text_number(rules);
        }
        let words = match rules.name {
            TextName::Decimal => "is not a decimal number",
            TextName::Uuid => "is not a UUID such as 123e4567-e89b-12d3-a456-426614174000",
            TextName::Datetime => "is not a date with a time such as 2026-01-31T12:30:00Z",
            TextName::Date => "is not a date such as 2026-01-31",
            TextName::Time => "is not a time such as 12:30:00",
            TextName::Timedelta => "is not a duration such as P1DT2H30M",
            TextName::Ip(words) => words,
            TextName::Path => "is not a path",
        };
        self.string(rules.name.code(), words, |py, found| {
            text::read(py, rules, found)
        })
    }

    fn text_number(&mut self, rules: &Text) -> Got<'py> {
        let start = self.scanner.offset();
        let event = match self.scanner.number() {
            Ok(event) => event,
            Err(error) => return self.malformed(error),
        };
        let kind = match event {
            Event::Float(_) => JsonKind::Float,
            _ => JsonKind::Int,
        };
        let made = match (rules.unix, double(event)) {
            (None, _) => {
                let written = self.scanner.slice(start, self.scanner.offset());
                text::read(self.py, rules, written)
            }
            (Some(unit), Some(number)) => times::from_number(self.py, rules, unit, number),
            (Some(_), None) => Err(Flaw::bad(rules.name.code(), "is out of range")),
        };
        self.take(made, kind)
    }

    pub(super) fn choice(&mut self, choice: &Choice) -> Got<'py> {
        let py = self.py;
        let (made, kind) = match self.scanner.value() {
            Ok(Event::Str(text)) => (choice.by_text(py, text), JsonKind::Str),
            Ok(Event::Int(value)) => (choice.by_wire(py, &Wire::Int(value)), JsonKind::Int),
            Ok(Event::Bool(value)) => (choice.by_wire(py, &Wire::Bool(value)), JsonKind::Bool),
            Ok(Event::Null) => (choice.by_wire(py, &Wire::Null), JsonKind::Null),
            Ok(Event::Float(value)) => (
                choice.by_wire(py, &Wire::Float(value.to_bits())),
                JsonKind::Float,
            ),
            Ok(Event::BigInt(digits)) => (
                choice.by_wire(py, &Wire::BigInt(digits.to_owned())),
                JsonKind::Int,
            ),
            Ok(container) => {
                let kind = match container {
                    Event::Array => JsonKind::Array,
                    _ => JsonKind::Object,
                };
                let skipped = match kind {
                    JsonKind::Array => self.scanner.skip_items(),
                    _ => self.scanner.skip_members(),
                };
                if let Err(error) = skipped {
                    return self.malformed(error);
                }
                (choice.by_wire(py, &Wire::BigInt(String::new())), kind)
            }
            Err(error) => return self.malformed(error),
        };
        self.take(made, kind)
    }
}

/// The number as a double; None where it is out of range.
pub(super) fn double(event: Event<'_>) -> Option<f64> {
    let value = match event {
        #[allow(clippy::cast_precision_loss, reason = "what float(int) does")]
        Event::Int(value) => value as f64,
        Event::Float(value) => value,
        Event::BigInt(digits) => digits.parse().ok()?,
        _ => return None,
    };
    value.is_finite().then_some(value)
}
