//! What a multipart body may hold. Over: 413.

/// Limits of one body. Its whole size is the route's limit, held by the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Parts, files among them.
    pub parts: usize,
    /// Parts that are files.
    pub files: usize,
    /// Fields of a part's head.
    pub fields: usize,
    /// Bytes of a part's head, with its line ends.
    pub head: usize,
    /// Bytes of a part that is no file.
    pub field_size: u64,
    /// Bytes of all parts together that are no files: they are kept in memory.
    pub all_fields: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parts: 1000,
            files: 100,
            fields: 16,
            head: 8 * 1024,
            field_size: 1024 * 1024,
            all_fields: 16 * 1024 * 1024,
        }
    }
}
