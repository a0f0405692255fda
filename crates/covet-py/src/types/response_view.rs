//! [`ResponseView`]: what the encoder needs of a `Response`, taken once, without the interpreter's
//! objects in between. It never encodes a body.

use std::borrow::Cow;

use pyo3::intern;
use pyo3::prelude::*;

use super::mutable_headers::MutableHeaders;
use super::response::{Response, checked_status, content_type};
use super::response_body::ResponseBody;
use super::response_kinds::is_native;

/// A response as the encoder sees it.
#[derive(Debug)]
pub struct ResponseView {
    /// Status, 200 to 599.
    pub status: u16,
    /// The body, to be encoded.
    pub body: ResponseBody,
    /// What Content-Type is made of while `headers` is None; after that it is one of them.
    media_type: Option<Cow<'static, str>>,
    headers: Option<Py<MutableHeaders>>,
}

impl ResponseView {
    /// The view of `object`, None where it is no `Response`.
    ///
    /// # Errors
    /// `ValueError` or `TypeError` where a subclass has an impossible `status_code` or
    /// `media_type`, and whatever its properties raise.
    pub fn of(object: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let Ok(response) = object.cast::<Response>() else {
            return Ok(None);
        };
        let py = object.py();
        let this = response.get();
        let mut status = this.status();
        if !is_native(response) {
            status = checked_status(object.getattr(intern!(py, "status_code"))?.extract()?)?;
            let media_type: Option<String> =
                object.getattr(intern!(py, "media_type"))?.extract()?;
            if media_type.as_deref() != this.media_type().as_deref() {
                this.keep_media_type(media_type.map(Cow::Owned))?;
            }
        }
        Ok(Some(Self {
            status,
            body: this.body(py),
            media_type: this.media_type(),
            headers: this.headers_if_used().map(|headers| headers.clone_ref(py)),
        }))
    }

    /// Value of Content-Type, as long as nothing has asked for the header fields; after that it is
    /// one of them, and what is here is None.
    #[must_use]
    pub fn content_type(&self) -> Option<Cow<'_, str>> {
        match (&self.headers, &self.media_type) {
            (None, Some(media_type)) => Some(content_type(media_type)),
            _ => None,
        }
    }

    /// Appends each field that is not in [`content_type`](Self::content_type) to `out`, as
    /// `name: value` and CRLF. `debug` leaves out the `Secure` of cookies that did not ask for it.
    /// There is no Content-Length, no Date and nothing about the connection.
    pub fn write_fields(&self, debug: bool, out: &mut Vec<u8>) {
        let Some(headers) = &self.headers else {
            return;
        };
        headers.get().with(|fields| {
            for field in &fields.list {
                out.extend_from_slice(field.name.as_bytes());
                out.extend_from_slice(b": ");
                out.extend_from_slice(field.sent(debug));
                out.extend_from_slice(b"\r\n");
            }
        });
    }

    /// The length that the application says a body in parts has.
    #[must_use]
    pub fn declared_length(&self) -> Option<u64> {
        let headers = self.headers.as_ref()?;
        headers.get().with(|fields| fields.declared)
    }

    /// Whether the field `name` is there, Content-Type included.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match &self.headers {
            Some(headers) => headers.get().with(|fields| fields.first(name).is_some()),
            None => name.eq_ignore_ascii_case("content-type") && self.media_type.is_some(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use pyo3::types::PyDict;

    use super::*;
    use crate::types::{JsonResponse, RedirectResponse};

    /// The view of the variable `answer` that `code` makes: status, `content_type`, the fields
    /// outside and inside debug.
    fn view(code: &std::ffi::CStr) -> (u16, Option<String>, String, String) {
        Python::initialize();
        Python::attach(|py| {
            let names = PyDict::new(py);
            for (name, class) in [
                ("Response", py.get_type::<Response>()),
                ("JSONResponse", py.get_type::<JsonResponse>()),
                ("RedirectResponse", py.get_type::<RedirectResponse>()),
            ] {
                names.set_item(name, class).unwrap();
            }
            py.run(code, Some(&names), None).unwrap();
            let answer = names.get_item("answer").unwrap().unwrap();
            let view = ResponseView::of(&answer).unwrap().unwrap();
            let fields = |debug| {
                let mut out = Vec::new();
                view.write_fields(debug, &mut out);
                String::from_utf8(out).unwrap()
            };
            let content_type = view.content_type().map(Cow::into_owned);
            (view.status, content_type, fields(false), fields(true))
        })
    }

    #[test]
    fn media_type_is_apart_until_the_fields_are_used() {
        let (status, content_type, fields, _) =
            view(c"answer = Response('x', 201, None, 'text/css')");
        assert_eq!(status, 201);
        assert_eq!(content_type.as_deref(), Some("text/css; charset=utf-8"));
        assert_eq!(fields, "");

        let (_, content_type, fields, _) =
            view(c"answer = JSONResponse(1); answer.headers['X-A'] = '1'");
        assert_eq!(content_type, None);
        assert_eq!(fields, "content-type: application/json\r\nx-a: 1\r\n");
    }

    #[test]
    fn debug_drops_secure_where_it_is_a_default() {
        let cases = [
            ("secure=None", true, false),
            ("secure=True", true, true),
            ("secure=False", false, false),
            ("samesite='none'", true, true),
        ];
        for (argument, outside, inside) in cases {
            let code = format!("answer = Response(); answer.set_cookie('a', 'b', {argument})");
            let (_, _, fields, in_debug) = view(&std::ffi::CString::new(code).unwrap());
            assert_eq!(fields.contains("; Secure\r\n"), outside, "{fields}");
            assert_eq!(in_debug.contains("; Secure\r\n"), inside, "{in_debug}");
            assert!(in_debug.ends_with("\r\n"), "{in_debug}");
        }
    }

    #[test]
    fn subclasses_may_shadow_status_and_media_type() {
        let (status, content_type, _, _) = view(
            c"class Css(Response):\n    media_type = 'text/css'\n    status_code = 202\nanswer = Css('x')",
        );
        assert_eq!(status, 200);
        assert_eq!(content_type.as_deref(), Some("text/css; charset=utf-8"));

        let (status, content_type, _, _) = view(
            c"class Css(Response):\n    media_type = 'text/css'\nanswer = Css('x', 203, None, 'a/b')\nanswer.status_code = 404",
        );
        assert_eq!(status, 404);
        assert_eq!(content_type.as_deref(), Some("a/b"));
    }

    #[test]
    fn other_objects_are_no_responses() {
        Python::initialize();
        Python::attach(|py| {
            let object = PyDict::new(py);
            assert!(ResponseView::of(object.as_any()).unwrap().is_none());
        });
    }
}
