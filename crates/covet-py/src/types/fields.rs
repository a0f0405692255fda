//! [`FieldBlock`]: header fields as they were received, the bytes once and offsets into them.
//!
//! Shared by a request and the `Headers` made from it. Names are compared octet by octet without
//! case: `content_length` is another field than `content-length`.

use covet_server::http1::Field;

/// The bytes of a head and where its fields are.
#[derive(Debug, Default)]
pub struct FieldBlock {
    /// The head as received; may hold more than the fields.
    pub bytes: Vec<u8>,
    /// Name and value of each field in the order sent, as offsets into `bytes`.
    pub fields: Vec<Field>,
}

impl FieldBlock {
    /// Name (as sent) and value of each field.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> + ExactSizeIterator {
        self.fields
            .iter()
            .map(|field| (field.name.of(&self.bytes), field.value.of(&self.bytes)))
    }

    /// Every value of the field `name`, in the order sent.
    pub fn all<'b>(&'b self, name: &[u8]) -> impl Iterator<Item = &'b [u8]> {
        self.iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }
}
