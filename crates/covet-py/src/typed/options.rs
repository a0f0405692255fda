//! Reading a value of a union: by the field that decides, or by trying.
//!
//! # How much is read again
//! A trial stops at its first problem, and an option that failed at a place of the text is never
//! tried there again. So a value inside `d` unions of `k` options each is read at most
//! `1 + d * (k - 1)` times, and `d` is bounded by the nesting that the scanner allows. Looking for
//! the field that decides reads an object once more; containers that were skipped for that and are not
//! short are not skipped again by the unions inside them. What is remembered for this takes less than
//! 20 bytes for each container of the text and option.

use std::collections::{HashMap, HashSet};

use covet_server::json::{Event, ScanError};

use super::decode::{Course, Decoder, Got};
use super::flaw::Flaw;
use super::node::{JsonKind, NodeId, Union, Wire};
use super::problems::Code;

/// What is known from earlier readings of the same places.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// Options that did not fit, with the offset of the value.
    failed: HashSet<(NodeId, u32)>,
    /// Containers that were skipped while looking for a discriminator: by their start, where they end.
    ends: HashMap<u32, u32>,
}

/// Bytes of a container that is skipped again rather than remembered.
const SHORT: usize = 256;

impl<'a, 'py> Decoder<'a, 'py> {
    /// Reads a value of one of the options.
    pub(super) fn union(&mut self, union: &'a Union) -> Got<'py> {
        self.scanner.head();
        if union.discriminator.is_some() {
            return self.by_discriminator(union);
        }
        let kind = match self.peek_kind() {
            Ok(kind) => kind,
            Err(error) => return self.malformed(error),
        };
        match union.candidates[kind as usize].as_slice() {
            [] => self.mismatch(Code::Union, "is of none of the types that are accepted"),
            [only] => self.value(*only),
            several => self.by_trial(several),
        }
    }

    fn known(&mut self) -> &mut Failures {
        self.failures.get_or_insert_default()
    }

    /// The kind of the value that comes, which is not read. A number is looked through for its sort.
    fn peek_kind(&mut self) -> Result<JsonKind, ScanError> {
        Ok(match self.scanner.head() {
            b'"' => JsonKind::Str,
            b'{' => JsonKind::Object,
            b'[' => JsonKind::Array,
            b't' | b'f' => JsonKind::Bool,
            b'-' | b'0'..=b'9' => {
                let mark = self.scanner.mark();
                let is_float = matches!(self.scanner.number()?, Event::Float(_));
                self.scanner.reset(mark);
                if is_float {
                    JsonKind::Float
                } else {
                    JsonKind::Int
                }
            }
            // null; what is no value is refused where it is read.
            _ => JsonKind::Null,
        })
    }

    fn by_trial(&mut self, options: &[NodeId]) -> Got<'py> {
        let start = self.scanner.mark();
        let place = u32::try_from(self.scanner.offset()).unwrap_or(u32::MAX);
        let outer = self.in_trial;
        for &option in options {
            if outer && self.known().failed.contains(&(option, place)) {
                continue;
            }
            self.in_trial = true;
            let value = self.value(option);
            self.in_trial = outer;
            if value.is_some() {
                return value;
            }
            if !matches!(self.course, Course::TrialFailed) {
                return None;
            }
            self.course = Course::Going;
            // Only what is inside another trial is read again.
            if outer && place < u32::MAX {
                self.known().failed.insert((option, place));
            }
            self.scanner.reset(start);
        }
        self.mismatch(Code::Union, "fits none of the types that are accepted")
    }

    fn by_discriminator(&mut self, union: &'a Union) -> Got<'py> {
        let Some((field, tags)) = &union.discriminator else {
            return None;
        };
        if self.scanner.head() != b'{' {
            return self.mismatch(Code::Object, "is not an object");
        }
        let start = self.scanner.mark();
        let found = match self.find_member(field) {
            Ok(found) => found,
            Err(error) => return self.malformed(error),
        };
        self.scanner.reset(start);
        let place = match &found {
            Some((Some(wire), _)) => tags.get(wire),
            _ => None,
        };
        if let Some(&place) = place {
            return self.value(union.options[place]);
        }
        self.no_option(field, found.map(|(_, kind)| kind))
    }

    /// Reads the object to its end and notes that its discriminator is absent or unknown.
    #[cold]
    fn no_option(&mut self, field: &str, kind: Option<JsonKind>) -> Got<'py> {
        if let Err(error) = self.scanner.skip() {
            return self.malformed(error);
        }
        let mut settled = self.problems.len();
        let message = match kind {
            Some(_) => "names none of the types that are accepted",
            None => "is missing, which decides the type",
        };
        self.note(
            Flaw::bad(Code::Discriminator, message),
            kind.map(JsonKind::name),
        );
        self.enter_member(&mut settled, field);
        None
    }

    /// The value of the member `name` of the object that comes, which is read that far.
    #[allow(clippy::type_complexity, reason = "one caller")]
    fn find_member(&mut self, name: &str) -> Result<Option<(Option<Wire>, JsonKind)>, ScanError> {
        self.scanner.enter()?;
        let mut more = self.scanner.first_member()?;
        while more {
            if self.scanner.member_key()? == name {
                return self.wire().map(Some);
            }
            self.skip_known()?;
            more = self.scanner.next_member()?;
        }
        Ok(None)
    }

    /// Skips a value; one that was skipped before is jumped over. Remembers the ends of all containers
    /// in it, for the unions inside.
    fn skip_known(&mut self) -> Result<(), ScanError> {
        let is_object = match self.scanner.head() {
            b'{' => true,
            b'[' => false,
            _ => return self.scanner.skip(),
        };
        let start = self.scanner.offset();
        let place = u32::try_from(start).unwrap_or(u32::MAX);
        if let Some(&end) = self.known().ends.get(&place) {
            self.scanner.jump(end as usize);
            return Ok(());
        }
        self.scanner.enter()?;
        if is_object {
            let mut more = self.scanner.first_member()?;
            while more {
                self.scanner.member_key()?;
                self.skip_known()?;
                more = self.scanner.next_member()?;
            }
        } else {
            let mut more = self.scanner.first_item()?;
            while more {
                self.skip_known()?;
                more = self.scanner.next_item()?;
            }
        }
        let end = self.scanner.offset();
        if end - start > SHORT
            && let Ok(end) = u32::try_from(end)
        {
            self.known().ends.insert(place, end);
        }
        Ok(())
    }
}
