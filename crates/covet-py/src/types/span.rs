//! [`Span`]: a piece of a buffer by its offsets, so that one allocation serves every field.

/// A range of bytes in the buffer that was parsed, counted from the start of that buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The span of `buf[start..end]`. Limits keep every head far below 4 GiB.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The bytes of this span in `buf`, the buffer that was parsed.
    ///
    /// # Panics
    /// If `buf` is shorter than the buffer that was parsed.
    #[must_use]
    pub fn of<'b>(&self, buf: &'b [u8]) -> &'b [u8] {
        &buf[self.start as usize..self.end as usize]
    }
}
