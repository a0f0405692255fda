//! `Set-Cookie`: one cookie of an answer, checked and written out (RFC 6265 section 4.1).
//!
//! `Secure` is written last, so that an engine in debug can leave a defaulted one out by sending
//! less of the value. Error texts never hold the cookie's value: it may be a secret.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDateTime, PyString};

use super::answer_fields::AnswerField;
use super::field_rules::is_token;

/// The last second that an HTTP date can express: 9999-12-31 23:59:59 GMT.
const LAST_DATE: u64 = 253_402_300_799;

/// When a cookie expires, as Python gave it.
pub(super) enum Expires {
    /// An HTTP date that is sent as it is.
    Date(String),
    /// Seconds from now; negative is in the past.
    In(i64),
    /// Seconds since 1970.
    At(f64),
}

impl FromPyObject<'_, '_> for Expires {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        if object.is_instance_of::<PyString>() {
            return Ok(Self::Date(object.extract()?));
        }
        if object.is_instance_of::<PyDateTime>() {
            if object.call_method0(intern!(py, "utcoffset"))?.is_none() {
                return Err(PyValueError::new_err(
                    "expires is a datetime without a timezone; use datetime.now(UTC) + ...",
                ));
            }
            let seconds = object.call_method0(intern!(py, "timestamp"))?.extract()?;
            return Ok(Self::At(seconds));
        }
        object.extract().map(Self::In).map_err(|_| {
            PyTypeError::new_err("expires must be a datetime, a str or an int of seconds")
        })
    }
}

/// A cookie to be set, as Python gave it.
pub(super) struct Cookie<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// Its value.
    pub(super) value: &'a str,
    /// Its life in seconds.
    pub(super) max_age: Option<i64>,
    /// Its end.
    pub(super) expires: Option<Expires>,
    /// Path it is sent to.
    pub(super) path: Option<&'a str>,
    /// Domain it is sent to.
    pub(super) domain: Option<&'a str>,
    /// Whether only over TLS; None is a yes that debug may drop.
    pub(super) secure: Option<bool>,
    /// Whether scripts cannot see it.
    pub(super) httponly: bool,
    /// `lax`, `strict` or `none`.
    pub(super) samesite: Option<&'a str>,
    /// Whether it is kept apart for each top-level site.
    pub(super) partitioned: bool,
}

impl Cookie<'_> {
    /// The field that sets it.
    ///
    /// # Errors
    /// `ValueError` where a browser would misread or refuse it.
    pub(super) fn field(&self) -> PyResult<AnswerField> {
        let samesite = self.samesite.map(same_site).transpose()?;
        let secure = self.checked_secure(samesite)?;
        let mut text = format!("{}={}", self.checked_name()?, self.checked_value()?);
        if let Some(seconds) = self.max_age {
            write!(text, "; Max-Age={seconds}").map_err(|_| PyValueError::new_err("max_age"))?;
        }
        if let Some(expires) = &self.expires {
            text += "; Expires=";
            text += &http_date(expires)?;
        }
        for (label, attribute) in [("Path", self.path), ("Domain", self.domain)] {
            if let Some(attribute) = attribute {
                text += "; ";
                text += label;
                text += "=";
                text += checked_attribute(label, attribute)?;
            }
        }
        if self.httponly {
            text += "; HttpOnly";
        }
        if let Some(samesite) = samesite {
            text += "; SameSite=";
            text += samesite;
        }
        if self.partitioned {
            text += "; Partitioned";
        }
        let debug_length = (secure == Secure::UnlessDebug).then_some(text.len());
        if secure != Secure::Never {
            text += "; Secure";
        }
        Ok(AnswerField {
            debug_length,
            ..AnswerField::new("set-cookie".to_owned(), text.into_bytes())
        })
    }

    fn checked_name(&self) -> PyResult<&str> {
        if is_token(self.name.as_bytes()) {
            return Ok(self.name);
        }
        Err(PyValueError::new_err(format!(
            "cookie name {:?} is not a token; use ASCII letters, digits, \"-\" and \"_\"",
            self.name
        )))
    }

    fn checked_value(&self) -> PyResult<&str> {
        let inner = self
            .value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(self.value);
        match inner.chars().find(|&character| !is_cookie_octet(character)) {
            None => Ok(self.value),
            Some(character) => Err(PyValueError::new_err(format!(
                "the value of cookie {:?} has the character {character:?}, which cookies cannot \
                 hold; encode the value, as urllib.parse.quote does",
                self.name
            ))),
        }
    }

    /// Whether `Secure` is sent. Some cookies are dropped by browsers without it, even in debug.
    fn checked_secure(&self, samesite: Option<&str>) -> PyResult<Secure> {
        let starts = |prefix: &str| {
            self.name
                .get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        let host_only = starts("__Host-");
        if host_only && (self.domain.is_some() || self.path != Some("/")) {
            return Err(PyValueError::new_err(format!(
                "cookie {:?}: browsers refuse a __Host- cookie unless path is \"/\" and domain None",
                self.name
            )));
        }
        let needs = host_only
            || starts("__Secure-")
            || self.partitioned
            || samesite.is_some_and(|samesite| samesite == "None");
        match self.secure {
            Some(false) if needs => Err(PyValueError::new_err(format!(
                "cookie {:?}: browsers refuse it without Secure; leave secure out (prefixes \
                 __Host- and __Secure-, samesite=\"none\" and partitioned need it)",
                self.name
            ))),
            Some(false) => Ok(Secure::Never),
            None if !needs => Ok(Secure::UnlessDebug),
            _ => Ok(Secure::Always),
        }
    }
}

/// When a cookie's `Secure` is sent.
#[derive(PartialEq)]
enum Secure {
    Always,
    UnlessDebug,
    Never,
}

/// `cookie-octet` of RFC 6265 section 4.1.1.
fn is_cookie_octet(character: char) -> bool {
    character.is_ascii_graphic() && !matches!(character, '"' | ',' | ';' | '\\')
}

fn same_site(name: &str) -> PyResult<&'static str> {
    ["Lax", "Strict", "None"]
        .into_iter()
        .find(|known| known.eq_ignore_ascii_case(name))
        .ok_or_else(|| {
            PyValueError::new_err(format!(
                "samesite is {name:?}; use \"lax\", \"strict\", \"none\" or None"
            ))
        })
}

fn checked_attribute<'a>(label: &str, text: &'a str) -> PyResult<&'a str> {
    let allowed = |byte: u8| (byte == b' ' || byte.is_ascii_graphic()) && byte != b';';
    if text.bytes().all(allowed) {
        return Ok(text);
    }
    Err(PyValueError::new_err(format!(
        "cookie attribute {label} is {text:?}; it may hold printable ASCII without \";\""
    )))
}

fn http_date(expires: &Expires) -> PyResult<String> {
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs()
    };
    let seconds = match expires {
        Expires::Date(text) => return checked_attribute("Expires", text).map(str::to_owned),
        Expires::In(seconds) => now().saturating_add_signed(*seconds),
        // A float of seconds is cut to whole ones; before 1970 becomes 1970: expired either way.
        #[expect(clippy::cast_sign_loss, reason = "`as` saturates at 0")]
        Expires::At(seconds) => *seconds as u64,
    };
    let at = UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_DATE));
    Ok(httpdate::fmt_http_date(at))
}
