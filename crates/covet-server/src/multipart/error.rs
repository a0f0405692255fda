//! [`Error`]: why a multipart body is refused, and the status that says so.

use std::fmt;

macro_rules! errors {
    ($($name:ident = $status:literal $text:literal,)+) => {
        /// Everything that the multipart codec refuses.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Error {
            $(#[doc = $text] $name,)+
        }

        impl Error {
            /// Every error, for tables.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Status that answers this error.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)+
                }
            }

            /// One sentence for the log and the problem body; it never holds client bytes.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

errors! {
    BoundaryMissing = 400 "The content type of the multipart body has no boundary.",
    Boundary = 400 "The boundary of the multipart body is not 1 to 70 of the characters that RFC 2046 allows.",
    BoundaryLine = 400 "A boundary of the multipart body is not followed by CRLF.",
    BoundaryInData = 400 "A part starts with its own boundary: an empty part still has an empty line before it.",
    Truncated = 400 "The multipart body does not end with its final boundary.",
    HeadLine = 400 "A line of a part's head is not a field: a name, a colon, a value and CRLF.",
    Disposition = 400 "A part does not have exactly one Content-Disposition of form-data with one name.",
    FileName = 400 "The file name of a part is not UTF-8 text in one filename parameter.",
    FieldRepeated = 400 "A part has a field twice that it may have once.",
    TransferEncoding = 400 "A part is encoded for transfer: send its bytes as they are.",
    FieldText = 400 "A form field is not UTF-8.",
    HeadSize = 413 "The head of a part is too large.",
    HeadFields = 413 "The head of a part has too many fields.",
    Parts = 413 "The multipart body has too many parts.",
    Files = 413 "The multipart body has too many files.",
    FieldSize = 413 "A form field is too large.",
    AllFieldsSize = 413 "The form fields are too large together.",
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::error::Error for Error {}
