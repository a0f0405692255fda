//! An item of a stream as the bytes that are sent for it.

use covet_server::buffers::Buffer;
use covet_server::response::Payload;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyString};

use crate::respond::{COPIED, Held};
use crate::typed::Schema;
use crate::types::{Event, StreamForm};

/// Bytes on their way from the iterator to the connection.
pub(super) enum Chunk {
    Copied(Buffer),
    Held(Held, usize),
}

impl Chunk {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Copied(bytes) => bytes.len(),
            Self::Held(_, length) => *length,
        }
    }

    pub(super) fn into_payload(self) -> Payload {
        match self {
            Self::Copied(bytes) => Payload::Buffer(bytes),
            Self::Held(bytes, _) => Payload::Shared(Box::new(bytes)),
        }
    }

    /// What is sent for `item`, which was declared to be of the type of `schema`.
    ///
    /// # Errors
    /// `TypeError` for an item that has no such form; what encoding it raises.
    pub(super) fn of(
        item: &Bound<'_, PyAny>,
        form: StreamForm,
        schema: Option<&Schema>,
    ) -> PyResult<Self> {
        match form {
            StreamForm::Bytes => Self::of_bytes(item),
            StreamForm::Lines => {
                if item.is_instance_of::<Event>() {
                    return Err(PyTypeError::new_err(
                        "an Event among JSON lines: annotate the handler with AsyncIterator[Event[...]]",
                    ));
                }
                let mut out = Buffer::take();
                Schema::encode_or_value(schema, item, &mut out)?;
                out.push(b'\n');
                Ok(Self::Copied(out))
            }
            StreamForm::Events { .. } => {
                let mut out = Buffer::take();
                match item.cast::<Event>() {
                    Ok(event) => event.get().write(item.py(), schema, &mut out)?,
                    Err(_) => Event::write_data(item, schema, &mut out)?,
                }
                out.push(b'\n');
                Ok(Self::Copied(out))
            }
        }
    }

    fn of_bytes(item: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(bytes) = item.cast::<PyBytes>() {
            let slice = bytes.as_bytes();
            if slice.len() > COPIED {
                return Ok(Self::Held(Held::new(bytes), slice.len()));
            }
            return Ok(copied(slice));
        }
        if let Ok(text) = item.cast::<PyString>() {
            return Ok(copied(text.to_str()?.as_bytes()));
        }
        if let Ok(array) = item.cast::<PyByteArray>() {
            return Ok(copied(&array.to_vec()));
        }
        let name = item.get_type().name()?;
        Err(PyTypeError::new_err(format!(
            "a streamed body is made of bytes or str, not of {name}"
        )))
    }
}

fn copied(bytes: &[u8]) -> Chunk {
    let mut out = Buffer::with_capacity(bytes.len());
    out.extend_from_slice(bytes);
    Chunk::Copied(out)
}
