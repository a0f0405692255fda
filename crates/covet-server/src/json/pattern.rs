//! A key that is expected, ready to be compared as words.

/// Bytes that one comparison sees.
const SHORT: usize = 16;

/// How a key is written without escapes: in quotes and followed by its colon.
#[derive(Clone, Debug)]
pub struct KeyPattern {
    /// The first bytes, little-endian, zeros after the end.
    word: u128,
    /// Ones where `word` counts.
    mask: u128,
    /// With quotes and colon; None for a key that cannot be written without escapes.
    written: Option<Box<[u8]>>,
}

impl KeyPattern {
    /// The pattern of `key`.
    #[must_use]
    pub fn new(key: &str) -> Self {
        let escapes = |byte: u8| byte < b' ' || byte == b'"' || byte == b'\\';
        let written = format!("\"{key}\":").into_bytes();
        let count = written.len().min(SHORT);
        let mut bytes = [0; SHORT];
        bytes[..count].copy_from_slice(&written[..count]);
        let unused = 8 * (SHORT - count) as u32;
        Self {
            word: u128::from_le_bytes(bytes),
            mask: u128::MAX >> unused,
            written: (!key.bytes().any(escapes)).then(|| written.into()),
        }
    }

    /// The bytes of quoted key and colon that `text` starts with; blanks before the colon count too.
    #[inline]
    pub(super) fn matched(&self, text: &[u8]) -> Option<usize> {
        let written = self.written.as_deref()?;
        let is_whole = match text.first_chunk::<SHORT>() {
            Some(first) => {
                let is_equal = (u128::from_le_bytes(*first) ^ self.word) & self.mask == 0;
                is_equal && (written.len() <= SHORT || text.starts_with(written))
            }
            None => text.starts_with(written),
        };
        if is_whole {
            return Some(written.len());
        }
        Self::matched_apart(written, text)
    }

    /// With blanks before the colon.
    fn matched_apart(written: &[u8], text: &[u8]) -> Option<usize> {
        let quoted = written.len() - 1;
        if text
            .get(quoted)
            .is_none_or(|&byte| !super::scan::is_blank(byte))
        {
            return None;
        }
        let rest = text.strip_prefix(&written[..quoted])?;
        let blanks = rest
            .iter()
            .take_while(|&&byte| super::scan::is_blank(byte))
            .count();
        (rest.get(blanks) == Some(&b':')).then_some(quoted + blanks + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::KeyPattern;

    #[test]
    fn a_key_is_matched_only_as_a_whole() {
        let long = "a_key_of_more_than_sixteen_bytes";
        for (key, text, matched) in [
            ("id", r#""id":1"#, Some(5)),
            ("id", r#""id":12345678901234567890"#, Some(5)),
            ("id", r#""id" : 1"#, Some(6)),
            ("id", "\"id\" \n\t:12345678901234567890", Some(8)),
            ("id", r#""id""#, None),
            ("id", r#""id" "#, None),
            ("id", r#""idx":12345678901234567890"#, None),
            ("idx", r#""id":12345678901234567890"#, None),
            ("id", r#""Id":12345678901234567890"#, None),
            ("id", "", None),
            ("", r#""":1"#, Some(3)),
            ("id", r#""\u0069d":1"#, None),
            ("a\"b", r#""a"b":12345678901234567890"#, None),
            ("a\\n", r#""a\n":12345678901234567890"#, None),
            ("fourteen_bytes", r#""fourteen_bytes":1"#, Some(17)),
            ("thirteen_byte", r#""thirteen_byte":1"#, Some(16)),
            ("thirteen_byte", r#""thirteen_byte" :1"#, Some(17)),
            (long, &format!("\"{long}\":1"), Some(long.len() + 3)),
            (long, &format!("\"{long}\"  :1"), Some(long.len() + 5)),
            (long, &format!("\"{long}x\":1"), None),
            ("é", r#""é":12345678901234567890"#, Some(5)),
        ] {
            assert_eq!(
                KeyPattern::new(key).matched(text.as_bytes()),
                matched,
                "{key} {text}"
            );
        }
    }
}
