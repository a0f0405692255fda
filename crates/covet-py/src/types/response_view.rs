//! [`ResponseView`]: what the encoder needs of a `Response`, taken once, without the interpreter's
//! objects in between. It never encodes a body.

use std::borrow::Cow;

use pyo3::intern;
use pyo3::prelude::*;

use super::mutable_headers::MutableHeaders;
use super::response::{Response, ResponseBody, checked_status, content_type};
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

    /// Shows each field to `field` as name in lower case and value, Content-Type among them.
    /// There is no Content-Length and nothing about the connection. `debug` leaves out the
    /// `Secure` of cookies that did not ask for it.
    pub fn each_field(&self, debug: bool, mut field: impl FnMut(&[u8], &[u8])) {
        match (&self.headers, &self.media_type) {
            (Some(headers), _) => headers.get().with(|fields| {
                for sent in &fields.list {
                    field(sent.name.as_bytes(), sent.sent(debug));
                }
            }),
            (None, Some(media_type)) => {
                field(b"content-type", content_type(media_type).as_bytes());
            }
            (None, None) => {}
        }
    }

    /// Appends each field to `out` as `name: value\r\n`.
    pub fn write_fields(&self, debug: bool, out: &mut Vec<u8>) {
        self.each_field(debug, |name, value| {
            out.extend_from_slice(name);
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(b"\r\n");
        });
    }

    /// Whether the field `name` is there: the handler's `date` or `server` replaces the server's.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        match &self.headers {
            Some(headers) => headers.get().with(|fields| fields.first(name).is_some()),
            None => name.eq_ignore_ascii_case("content-type") && self.media_type.is_some(),
        }
    }
}
