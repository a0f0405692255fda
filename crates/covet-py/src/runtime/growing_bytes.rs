//! A `bytes` object that grows while a body is read straight into it.
//!
//! Nothing is allocated from an announced length alone: it doubles as bytes arrive.

#![allow(unsafe_code)]

use std::mem::MaybeUninit;
use std::ptr::null;
use std::slice::from_raw_parts_mut;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::io::ReadBuf;

// SAFETY: part of the C API since Python 2 (`bytesobject.h`), though PyO3 does not declare it.
unsafe extern "C" {
    fn _PyBytes_Resize(object: *mut *mut ffi::PyObject, size: ffi::Py_ssize_t) -> std::ffi::c_int;
}

/// The first allocation, in bytes.
const FIRST: usize = 64 * 1024;

/// The object while only we hold it.
pub(crate) struct GrowingBytes {
    /// A `bytes` object with one reference, ours; its first `length` bytes are written.
    object: Option<Py<PyAny>>,
    length: usize,
    capacity: usize,
}

impl GrowingBytes {
    /// Empty, without memory.
    pub(crate) fn new() -> Self {
        Self {
            object: None,
            length: 0,
            capacity: 0,
        }
    }

    /// Empty, with room for `capacity` bytes.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(crate) fn with_capacity(py: Python<'_>, capacity: usize) -> PyResult<Self> {
        let mut made = Self::new();
        made.resize(py, capacity)?;
        Ok(made)
    }

    /// Let `fill` append up to `hint` bytes.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(crate) fn read(
        &mut self,
        py: Python<'_>,
        hint: usize,
        fill: &mut dyn FnMut(&mut ReadBuf<'_>),
    ) -> PyResult<()> {
        if self.length == self.capacity {
            let more = hint.min(self.length.max(FIRST));
            self.resize(py, self.length + more)?;
        }
        let Some(object) = &self.object else {
            return Ok(());
        };
        // SAFETY: a bytes object that only we hold; its memory is `capacity` bytes long.
        let start = unsafe { ffi::PyBytes_AsString(object.as_ptr()) }.cast::<MaybeUninit<u8>>();
        // SAFETY: as above; `length` is at most `capacity`.
        let room =
            unsafe { from_raw_parts_mut(start.add(self.length), self.capacity - self.length) };
        let room_length = room.len().min(hint);
        let mut buffer = ReadBuf::uninit(&mut room[..room_length]);
        fill(&mut buffer);
        self.length += buffer.filled().len();
        Ok(())
    }

    /// The finished object.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(crate) fn finish(mut self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        self.resize(py, self.length)?;
        match self.object.take() {
            Some(object) => Ok(object.into_bound(py).cast_into::<PyBytes>()?.unbind()),
            None => Ok(PyBytes::new(py, b"").unbind()),
        }
    }

    fn resize(&mut self, py: Python<'_>, capacity: usize) -> PyResult<()> {
        let size = capacity.cast_signed();
        let mut pointer = match self.object.take() {
            Some(object) => object.into_ptr(),
            // SAFETY: attached (`py`); null asks for uninitialised memory.
            None => unsafe { ffi::PyBytes_FromStringAndSize(null(), size) },
        };
        // SAFETY: attached; a bytes object with one reference, or null after a failure.
        if !pointer.is_null() && unsafe { ffi::PyBytes_Size(pointer) } != size {
            // SAFETY: as above; on failure the object is freed and the pointer set to null.
            unsafe { _PyBytes_Resize(&raw mut pointer, size) };
        }
        // SAFETY: a new reference, or null with MemoryError set.
        self.object = Some(unsafe { Bound::from_owned_ptr_or_err(py, pointer) }?.unbind());
        self.capacity = capacity;
        Ok(())
    }
}
