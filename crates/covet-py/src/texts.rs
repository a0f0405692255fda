//! The texts of a request that parameters are made of: query, header and cookie fields, and a form's.
//!
//! Splits and decodes, one source at a time; knows nothing of types. An urlencoded form is read by
//! the rules of query strings (WHATWG URL section 5.1), the octets of a field and of a cookie as ISO 8859-1, as
//! `request.headers` shows them.

use std::borrow::Cow;

use covet_server::handler::Request as Received;
use covet_server::{cookies, query};

use crate::forms::ReceivedForm;
use crate::types::latin1;

/// Where texts are.
#[derive(Clone, Copy)]
pub(crate) enum Texts<'a> {
    /// `?name=text`
    Query(&'a Received<'a>),
    /// The fields of the head.
    Header(&'a Received<'a>),
    /// The pairs of `Cookie`.
    Cookie(&'a Received<'a>),
    /// The body of `application/x-www-form-urlencoded`.
    Form(&'a [u8]),
    /// The fields of `multipart/form-data` that are no files.
    Parts(&'a ReceivedForm),
}

impl<'a> Texts<'a> {
    /// What errors call the source.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Query(_) => "query",
            Self::Header(_) => "header",
            Self::Cookie(_) => "cookie",
            Self::Form(_) | Self::Parts(_) => "form",
        }
    }

    /// Shows `visit` each name and its text, in the order they were sent. A header's name is in lower case.
    pub(crate) fn each(&self, mut visit: impl FnMut(Cow<'a, str>, Cow<'a, str>)) {
        match self {
            Self::Query(received) => {
                let raw = received.head.query.map(|query| query.of(received.bytes));
                query::pairs(raw.unwrap_or_default()).for_each(|(name, text)| visit(name, text));
            }
            Self::Form(raw) => query::pairs(raw).for_each(|(name, text)| visit(name, text)),
            Self::Parts(form) => form
                .texts()
                .for_each(|(name, text)| visit(Cow::Borrowed(name), Cow::Borrowed(text))),
            Self::Header(received) => {
                for field in &received.head.fields {
                    let name = latin1(field.name.of(received.bytes));
                    let name = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
                        Cow::Owned(name.to_ascii_lowercase())
                    } else {
                        name
                    };
                    visit(name, latin1(field.value.of(received.bytes)));
                }
            }
            Self::Cookie(received) => {
                for field in received.head.values(received.bytes, "cookie") {
                    for (name, value) in cookies::pairs(field) {
                        let value = match value {
                            Cow::Borrowed(value) => latin1(value),
                            Cow::Owned(value) => Cow::Owned(latin1(&value).into_owned()),
                        };
                        visit(latin1(name), value);
                    }
                }
            }
        }
    }

    /// Every pair, for an object whose fields they are.
    pub(crate) fn pairs(&self) -> Vec<(Cow<'a, str>, Cow<'a, str>)> {
        let mut pairs = Vec::new();
        self.each(|name, text| pairs.push((name, text)));
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_split_like_a_query() {
        let mut found = Vec::new();
        Texts::Form(b"a=1&b=x+y&a=%C3%A9").each(|name, text| {
            found.push((name.into_owned(), text.into_owned()));
        });
        let expected = [("a", "1"), ("b", "x y"), ("a", "é")];
        assert_eq!(
            found,
            expected.map(|(name, text)| (name.into(), text.into()))
        );
    }
}
