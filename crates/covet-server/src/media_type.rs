//! Media types as a `Content-Type` field has them (RFC 9110 section 8.3.1).
//!
//! Only what decides how a body is read: the essence, its structured suffix, the charset. Never
//! fails: what is no media type matches nothing.

/// A `Content-Type` field, split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaType<'a> {
    /// As `application/json`, in the case it was sent.
    essence: &'a str,
    /// What follows the first `;`.
    parameters: &'a str,
}

impl<'a> MediaType<'a> {
    /// Of a field's value. Octets that are not ASCII make an essence that matches nothing.
    #[must_use]
    pub fn of(field: &'a [u8]) -> Self {
        let text = std::str::from_utf8(field).unwrap_or_default();
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        Self {
            essence: essence.trim_matches([' ', '\t']),
            parameters,
        }
    }

    /// Whether the type is `essence`, which is lower case.
    #[must_use]
    pub fn is(&self, essence: &str) -> bool {
        self.essence.eq_ignore_ascii_case(essence)
    }

    /// `application/json`, or any type with the suffix `+json` (RFC 6839 section 3.1).
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.is("application/json") || self.has_suffix("+json")
    }

    /// Whether the type ends with this structured suffix, which is lower case.
    #[must_use]
    pub fn has_suffix(&self, suffix: &str) -> bool {
        let at = self.essence.len().checked_sub(suffix.len());
        let found = at.and_then(|at| self.essence.get(at..));
        found.is_some_and(|it| it.eq_ignore_ascii_case(suffix)) && self.essence.contains('/')
    }

    /// Whether the type is one of the top-level type `top`, which is lower case.
    #[must_use]
    pub fn is_below(&self, top: &str) -> bool {
        let found = self.essence.split_once('/');
        found.is_some_and(|(found, _)| found.eq_ignore_ascii_case(top))
    }

    /// The `charset` parameter without its quotes; `None` where there is none.
    #[must_use]
    pub fn charset(&self) -> Option<&'a str> {
        let pairs = self
            .parameters
            .split(';')
            .filter_map(|it| it.split_once('='));
        let found = pairs
            .map(|(name, value)| (name.trim_matches([' ', '\t']), value))
            .find(|(name, _)| name.eq_ignore_ascii_case("charset"));
        found.map(|(_, value)| value.trim_matches([' ', '\t', '"']))
    }

    /// Whether the text is UTF-8 by what the field says, or by its silence.
    #[must_use]
    pub fn is_utf8(&self) -> bool {
        self.charset().is_none_or(|charset| {
            ["utf-8", "utf8", "us-ascii"]
                .iter()
                .any(|known| charset.eq_ignore_ascii_case(known))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_json() {
        let table: [(&[u8], bool); 12] = [
            (b"application/json", true),
            (b"Application/JSON; charset=utf-8", true),
            (b" application/json ;x", true),
            (b"application/problem+json", true),
            (b"application/vnd.a.b+JSON", true),
            (b"application/jsonx", false),
            (b"text/json", false),
            (b"+json", false),
            (b"json", false),
            (b"", false),
            (b"\xff/+json", false),
            (b"text/plain; a=application/json", false),
        ];
        for (field, expected) in table {
            assert_eq!(
                MediaType::of(field).is_json(),
                expected,
                "{}",
                field.escape_ascii()
            );
        }
    }

    #[test]
    fn the_charset_is_found() {
        let table: [(&[u8], Option<&str>, bool); 7] = [
            (b"text/plain", None, true),
            (b"text/plain; charset=UTF-8", Some("UTF-8"), true),
            (b"text/plain;a=b;Charset=\"utf-8\"", Some("utf-8"), true),
            (b"text/plain; charset = latin1 ", Some("latin1"), false),
            (b"text/plain; charset=", Some(""), false),
            (b"text/plain; xcharset=latin1", None, true),
            (b"text/plain; charset", None, true),
        ];
        for (field, charset, utf8) in table {
            let found = MediaType::of(field);
            assert_eq!((found.charset(), found.is_utf8()), (charset, utf8));
        }
    }
}
