//! Conditional requests, RFC 9110 section 13: what the client has against what there is.
//!
//! Pure functions of [`Asked`] and [`Validators`]. A date that is none counts as absent, as
//! section 13.1 says; a broken list of tags matches up to where it breaks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::asked::{Asked, Condition};

/// An entity tag, RFC 9110 section 8.8.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityTag {
    /// Whether it may stay the same although octets change.
    pub weak: bool,
    /// Without its quotes: no `"`, no blank, no control character.
    pub opaque: String,
}

impl EntityTag {
    /// As the field has it.
    #[must_use]
    pub fn field(&self) -> String {
        let weak = if self.weak { "W/" } else { "" };
        format!("{weak}\"{}\"", self.opaque)
    }
}

/// What identifies the state of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// The `ETag` field.
    pub tag: EntityTag,
    /// The Last-Modified field, without its fraction of a second.
    pub modified: SystemTime,
}

/// What the conditions of a GET or HEAD come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Answer as if there were no conditions.
    Proceed,
    /// 304
    NotModified,
    /// 412
    Failed,
}

/// Evaluate in the order of RFC 9110 section 13.2.2, for a GET or HEAD of what exists.
#[must_use]
pub fn evaluate(asked: &Asked, current: &Validators) -> Verdict {
    if asked.has(Condition::IfMatch) {
        if !lists(asked, Condition::IfMatch, &current.tag, strongly_equal) {
            return Verdict::Failed;
        }
    } else if let Some(date) = date(asked, Condition::IfUnmodifiedSince)
        && whole(current.modified) > date
    {
        return Verdict::Failed;
    }
    if asked.has(Condition::IfNoneMatch) {
        if lists(asked, Condition::IfNoneMatch, &current.tag, weakly_equal) {
            return Verdict::NotModified;
        }
    } else if let Some(date) = date(asked, Condition::IfModifiedSince)
        && whole(current.modified) <= date
    {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Whether a Range field may be obeyed: there is no If-Range, or it names the current state by a
/// strong validator (RFC 9110 section 13.1.5).
///
/// `encoded`: the whole would be encoded on its way. A date is the same for both, so it does not
/// tell a client that has a part of the encoded bytes that these are others.
#[must_use]
pub fn range_applies(asked: &Asked, current: &Validators, encoded: bool) -> bool {
    if !asked.has(Condition::IfRange) {
        return true;
    }
    let Some(value) = asked.only(Condition::IfRange) else {
        return false;
    };
    if let Some((weak, opaque, rest)) = take_tag(value) {
        return rest.is_empty() && strongly_equal(weak, opaque, &current.tag);
    }
    // A date is strong by the same rule that makes our tags strong (section 8.8.2.2).
    let is_strong = !current.tag.weak && !encoded;
    is_strong && parse_date(value).is_some_and(|date| date == whole(current.modified))
}

/// Whether a list of tags has `current`, or is `*`.
fn lists(
    asked: &Asked,
    condition: Condition,
    current: &EntityTag,
    equal: fn(bool, &[u8], &EntityTag) -> bool,
) -> bool {
    asked.all(condition).any(|value| {
        if value == b"*" {
            return true;
        }
        let mut rest = value;
        loop {
            rest = rest.trim_ascii_start();
            if let Some(after) = rest.strip_prefix(b",") {
                rest = after;
                continue;
            }
            let Some((weak, opaque, after)) = take_tag(rest) else {
                return false;
            };
            if equal(weak, opaque, current) {
                return true;
            }
            rest = after.trim_ascii_start();
            if !rest.starts_with(b",") {
                return false;
            }
        }
    })
}

/// The tag that `text` starts with, whether it is weak, and what comes after it.
fn take_tag(text: &[u8]) -> Option<(bool, &[u8], &[u8])> {
    let weak = text.starts_with(b"W/");
    let rest = if weak { &text[2..] } else { text };
    let rest = rest.strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', rest)?;
    let opaque = &rest[..end];
    let is_etagc = |&byte: &u8| byte > b' ' && byte != 0x7f;
    opaque
        .iter()
        .all(is_etagc)
        .then(|| (weak, opaque, &rest[end + 1..]))
}

/// Strong comparison, RFC 9110 section 8.8.3.2.
fn strongly_equal(weak: bool, opaque: &[u8], current: &EntityTag) -> bool {
    !weak && !current.weak && opaque == current.opaque.as_bytes()
}

/// Weak comparison, RFC 9110 section 8.8.3.2.
fn weakly_equal(_weak: bool, opaque: &[u8], current: &EntityTag) -> bool {
    opaque == current.opaque.as_bytes()
}

fn date(asked: &Asked, condition: Condition) -> Option<SystemTime> {
    parse_date(asked.only(condition)?)
}

/// An HTTP-date in any of its three forms, RFC 9110 section 5.6.7.
fn parse_date(value: &[u8]) -> Option<SystemTime> {
    let text = std::str::from_utf8(value).ok()?;
    httpdate::parse_http_date(text).ok()
}

/// `time` as a field can say it: in whole seconds.
pub(super) fn whole(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::Condition::{
        IfMatch, IfModifiedSince, IfNoneMatch, IfRange, IfUnmodifiedSince, Range,
    };
    use super::Verdict::{Failed, NotModified, Proceed};
    use super::*;

    /// The date of RFC 9110 section 5.6.7's examples, and seconds around it.
    const AT: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    fn current(weak: bool) -> Validators {
        let modified = httpdate::parse_http_date(AT).expect("the date of the RFC");
        Validators {
            tag: EntityTag {
                weak,
                opaque: "xyzzy".into(),
            },
            modified: modified + Duration::from_millis(500),
        }
    }

    fn asked(fields: &[(Condition, &str)]) -> Asked {
        let mut asked = Asked::default();
        for (condition, value) in fields {
            asked.push(*condition, value.as_bytes());
        }
        asked
    }

    #[test]
    fn one_field_against_a_strong_and_a_weak_tag() {
        let table: &[(Condition, &str, Verdict, Verdict)] = &[
            (IfMatch, r#""xyzzy""#, Proceed, Failed),
            (IfMatch, r#"W/"xyzzy""#, Failed, Failed),
            (
                IfMatch,
                r#""xyzzy", "r2d2xxxx", "c3piozzzz""#,
                Proceed,
                Failed,
            ),
            (IfMatch, r#""r2d2xxxx","xyzzy""#, Proceed, Failed),
            (IfMatch, r#", ,"a,b" ,, "xyzzy""#, Proceed, Failed),
            (IfMatch, "*", Proceed, Proceed),
            (IfMatch, r#""other""#, Failed, Failed),
            (IfMatch, r#""XYZZY""#, Failed, Failed),
            (IfMatch, "xyzzy", Failed, Failed),
            (IfMatch, "", Failed, Failed),
            (IfMatch, r#""broken "xyzzy""#, Failed, Failed),
            (IfMatch, r#""a" "xyzzy""#, Failed, Failed),
            (IfNoneMatch, r#""xyzzy""#, NotModified, NotModified),
            (IfNoneMatch, r#"W/"xyzzy""#, NotModified, NotModified),
            (IfNoneMatch, r#"w/"xyzzy""#, Proceed, Proceed),
            (IfNoneMatch, r#""a", W/"xyzzy""#, NotModified, NotModified),
            (IfNoneMatch, "*", NotModified, NotModified),
            (IfNoneMatch, r#""r2d2xxxx", "c3piozzzz""#, Proceed, Proceed),
            (IfNoneMatch, r#""xyzzy"#, Proceed, Proceed),
            (IfNoneMatch, "xyzzy", Proceed, Proceed),
            (IfNoneMatch, r#""""#, Proceed, Proceed),
            (IfModifiedSince, AT, NotModified, NotModified),
            (IfModifiedSince, AFTER, NotModified, NotModified),
            (IfModifiedSince, BEFORE, Proceed, Proceed),
            (
                IfModifiedSince,
                "Sunday, 06-Nov-94 08:49:37 GMT",
                NotModified,
                NotModified,
            ),
            (
                IfModifiedSince,
                "Sun Nov  6 08:49:37 1994",
                NotModified,
                NotModified,
            ),
            (IfModifiedSince, "yesterday", Proceed, Proceed),
            (IfModifiedSince, "", Proceed, Proceed),
            (IfUnmodifiedSince, AT, Proceed, Proceed),
            (IfUnmodifiedSince, AFTER, Proceed, Proceed),
            (IfUnmodifiedSince, BEFORE, Failed, Failed),
            (
                IfUnmodifiedSince,
                "Sunday, 06-Nov-94 08:49:36 GMT",
                Failed,
                Failed,
            ),
            (IfUnmodifiedSince, "yesterday", Proceed, Proceed),
            (Range, "bytes=0-1", Proceed, Proceed),
        ];
        for (condition, value, strong, weak) in table {
            let asked = asked(&[(*condition, value)]);
            let verdicts = (
                evaluate(&asked, &current(false)),
                evaluate(&asked, &current(true)),
            );
            assert_eq!(verdicts, (*strong, *weak), "{condition:?}: {value}");
        }
    }

    #[test]
    fn the_order_of_section_13_2_2() {
        let (ours, other) = (r#""xyzzy""#, r#""other""#);
        let table: &[(&[(Condition, &str)], Verdict)] = &[
            (&[], Proceed),
            // 1: If-Match decides, If-Unmodified-Since is not looked at.
            (&[(IfMatch, ours), (IfUnmodifiedSince, BEFORE)], Proceed),
            (&[(IfMatch, other), (IfUnmodifiedSince, AFTER)], Failed),
            // 3: goes on to If-None-Match.
            (&[(IfMatch, ours), (IfNoneMatch, ours)], NotModified),
            (&[(IfMatch, other), (IfNoneMatch, ours)], Failed),
            (&[(IfUnmodifiedSince, BEFORE), (IfNoneMatch, ours)], Failed),
            // 3 before 4: If-Modified-Since is not looked at.
            (&[(IfNoneMatch, other), (IfModifiedSince, AFTER)], Proceed),
            (
                &[(IfNoneMatch, ours), (IfModifiedSince, BEFORE)],
                NotModified,
            ),
            (&[(IfMatch, ours), (IfModifiedSince, AT)], NotModified),
            // A list may be spread over fields.
            (&[(IfNoneMatch, other), (IfNoneMatch, ours)], NotModified),
            (&[(IfMatch, other), (IfMatch, ours)], Proceed),
            // A date may not: two say nothing.
            (
                &[(IfModifiedSince, AFTER), (IfModifiedSince, AFTER)],
                Proceed,
            ),
        ];
        for (fields, verdict) in table {
            assert_eq!(
                evaluate(&asked(fields), &current(false)),
                *verdict,
                "{fields:?}"
            );
        }
    }

    #[test]
    fn if_range_wants_a_strong_validator() {
        let table: &[(&str, bool, bool)] = &[
            (r#""xyzzy""#, true, false),
            (r#"W/"xyzzy""#, false, false),
            (r#""other""#, false, false),
            (r#""xyzzy", "other""#, false, false),
            ("*", false, false),
            (AT, true, false),
            ("Sunday, 06-Nov-94 08:49:37 GMT", true, false),
            (BEFORE, false, false),
            (AFTER, false, false),
            ("", false, false),
        ];
        for (value, strong, weak) in table {
            let asked = asked(&[(Range, "bytes=0-1"), (IfRange, value)]);
            let applies = (
                range_applies(&asked, &current(false), false),
                range_applies(&asked, &current(true), false),
            );
            assert_eq!(applies, (*strong, *weak), "{value}");
        }
        assert!(range_applies(&asked(&[]), &current(true), false));
        // A tag of the file itself is not the weak one that the encoded bytes have; a date is theirs too.
        for (value, applies) in [(r#""xyzzy""#, true), (AT, false)] {
            let asked = asked(&[(Range, "bytes=0-1"), (IfRange, value)]);
            assert_eq!(range_applies(&asked, &current(false), true), applies);
        }
    }
}
