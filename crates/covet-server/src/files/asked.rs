//! [`Asked`]: the fields of a request that choose between a file, a part of it and no content.
//!
//! Kept apart from the head because a handler answers after the head is gone. Most requests have
//! none of them and keep nothing.

use crate::http1::{Head, Method};

/// A field that makes an answer conditional or partial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// RFC 9110 section 13.1.1.
    IfMatch,
    /// RFC 9110 section 13.1.2.
    IfNoneMatch,
    /// RFC 9110 section 13.1.3.
    IfModifiedSince,
    /// RFC 9110 section 13.1.4.
    IfUnmodifiedSince,
    /// RFC 9110 section 13.1.5.
    IfRange,
    /// RFC 9110 section 14.2.
    Range,
}

impl Condition {
    fn of(name: &[u8]) -> Option<Self> {
        if !matches!(name.first(), Some(b'I' | b'i' | b'R' | b'r')) {
            return None;
        }
        let known: [(&[u8], Self); 6] = [
            (b"if-match", Self::IfMatch),
            (b"if-none-match", Self::IfNoneMatch),
            (b"if-modified-since", Self::IfModifiedSince),
            (b"if-unmodified-since", Self::IfUnmodifiedSince),
            (b"if-range", Self::IfRange),
            (b"range", Self::Range),
        ];
        let found = known
            .iter()
            .find(|(known, _)| name.eq_ignore_ascii_case(known));
        found.map(|(_, condition)| *condition)
    }
}

/// The conditions of one request, in the order they came.
#[derive(Debug, Default)]
pub struct Asked(Vec<(Condition, Vec<u8>)>);

impl Asked {
    /// The conditions of a GET or HEAD; `None` where it has none.
    #[must_use]
    pub fn of(head: &Head, bytes: &[u8]) -> Option<Box<Self>> {
        if !matches!(head.method, Method::Get | Method::Head) {
            return None;
        }
        let mut asked = Self::default();
        for field in &head.fields {
            if let Some(condition) = Condition::of(field.name.of(bytes)) {
                asked.push(condition, field.value.of(bytes));
            }
        }
        (!asked.0.is_empty()).then(|| Box::new(asked))
    }

    /// Add a field.
    pub fn push(&mut self, condition: Condition, value: &[u8]) {
        self.0.push((condition, value.to_vec()));
    }

    /// The values of every such field.
    pub(super) fn all(&self, condition: Condition) -> impl Iterator<Item = &[u8]> {
        let fields = self.0.iter().filter(move |(kind, _)| *kind == condition);
        fields.map(|(_, value)| value.as_slice())
    }

    /// Whether there is such a field.
    pub(super) fn has(&self, condition: Condition) -> bool {
        self.all(condition).next().is_some()
    }

    /// The value of a field that may come once; one that comes twice says nothing.
    pub(super) fn only(&self, condition: Condition) -> Option<&[u8]> {
        let mut values = self.all(condition);
        values.next().filter(|_| values.next().is_none())
    }
}
