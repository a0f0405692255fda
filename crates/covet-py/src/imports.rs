//! Every object of the Python half that Rust looks up, once each.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident = $module:literal . $attribute:literal;)+) => {
        $($(#[$doc])* pub(crate) fn $name(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
            static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
            CLASS.import(py, $module, $attribute)
        })+
    };
}

classes! {
    /// Base of the exceptions that are answers.
    http_exception = "covet.errors"."HTTPException";
    /// 422 with every error of a request.
    validation_error = "covet.errors"."RequestValidationError";
    /// 400.
    bad_request = "covet.errors"."BadRequest";
    /// 413.
    content_too_large = "covet.errors"."ContentTooLarge";
    /// A file of a form.
    upload_file = "covet._uploads"."UploadFile";
    /// The fields and files of a form.
    form_data = "covet._uploads"."FormData";
    /// A form part by part.
    form_parts = "covet._uploads"."Parts";
    /// 415.
    unsupported_media_type = "covet.errors"."UnsupportedMediaType";
    /// `uuid.UUID`.
    uuid = "uuid"."UUID";
    /// Mistakes at start.
    configuration_error = "covet.errors"."ConfigurationError";
    /// Names of header fields.
    field_keys = "covet._views"."FieldKeys";
    /// Values of header fields.
    field_values = "covet._views"."FieldValues";
    /// Names and values of header fields.
    field_items = "covet._views"."FieldItems";
}

/// What a guard says of a name that must not be there.
pub(crate) fn absent(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static ABSENT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    ABSENT.import(py, "covet._plan", "ABSENT")
}

/// The logger of the server.
pub(crate) fn server_logger(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let logger = LOGGER.get_or_try_init(py, || {
        let made = py
            .import("logging")?
            .call_method1("getLogger", ("covet.server",))?;
        PyResult::Ok(made.unbind())
    })?;
    Ok(logger.bind(py).clone())
}

/// What a failed request is answered in debug mode.
pub(crate) fn debug_answer(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static ANSWER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    ANSWER.import(py, "covet.debugging", "answer")
}

/// The coroutine function that advances an async iterator.
pub(crate) fn advance(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static ADVANCE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    ADVANCE.import(py, "covet._streaming", "advance")
}

/// The logger of failures.
pub(crate) fn error_logger(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static LOGGER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let logger = LOGGER.get_or_try_init(py, || {
        let made = py
            .import("logging")?
            .call_method1("getLogger", ("covet.error",))?;
        PyResult::Ok(made.unbind())
    })?;
    Ok(logger.bind(py).clone())
}

/// A `ConfigurationError` that says `message`.
#[cold]
pub(crate) fn configuration(py: Python<'_>, message: &str) -> PyErr {
    match configuration_error(py).and_then(|class| class.call1((message,))) {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}
