//! Where a run of ordinary string bytes ends.
//!
//! Reading and writing ask the same question: a quote, a backslash and the control characters
//! below 0x20 are what ends a run in a JSON string and what must be escaped in one.

/// `0x01` in each byte: times `b` it repeats `b` over the word.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The top bit of each byte.
const TOPS: u64 = 0x8080_8080_8080_8080;

/// Bytes looked at together where a string is long: the compiler makes vector instructions of it.
const WIDE: usize = 32;

/// The number of leading bytes that are neither `"`, `\` nor below 0x20.
///
/// Most strings end within 16 bytes, so the wide steps come after those.
#[inline]
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(chunk) = bytes[at..].first_chunk::<8>() {
        let marks = special_marks(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return at + (marks.trailing_zeros() / 8) as usize;
        }
        at += 8;
        if at == 16 {
            at += plain_chunks(&bytes[at..]);
        }
    }
    let tail = &bytes[at..];
    let special = tail.iter().position(|&byte| is_special(byte));
    at + special.unwrap_or(tail.len())
}

/// The bytes of the leading chunks of [`WIDE`] bytes in which none is special.
fn plain_chunks(bytes: &[u8]) -> usize {
    let (chunks, _) = bytes.as_chunks::<WIDE>();
    let is_plain = |chunk: &&[u8; WIDE]| {
        !chunk
            .iter()
            .fold(false, |any, &byte| any | is_special(byte))
    };
    chunks.iter().take_while(is_plain).count() * WIDE
}

/// Whether no byte of the word is special.
#[inline]
pub(super) fn is_plain_word(word: u64) -> bool {
    special_marks(word) == 0
}

#[inline]
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// The top bit of each special byte. A borrow can mark a byte wrongly, but only one that follows
/// a special byte, so the lowest mark is always right.
#[inline]
fn special_marks(word: u64) -> u64 {
    let quotes = word ^ (ONES * u64::from(b'"'));
    let slashes = word ^ (ONES * u64::from(b'\\'));
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    let quotes = quotes.wrapping_sub(ONES) & !quotes;
    let slashes = slashes.wrapping_sub(ONES) & !slashes;
    (controls | quotes | slashes) & TOPS
}

#[cfg(test)]
mod tests {
    use super::{is_special, plain_prefix};

    #[test]
    fn every_byte_value_at_every_position_ends_the_run_or_does_not() {
        for length in 0..20 {
            for position in 0..length {
                for byte in 0..=255u8 {
                    let mut bytes = vec![0xC3u8; length];
                    bytes[position] = byte;
                    let expected = if is_special(byte) { position } else { length };
                    assert_eq!(
                        plain_prefix(&bytes),
                        expected,
                        "{byte:#x} at {position} of {length}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_special_byte_is_found_in_long_strings() {
        for position in 0..100 {
            let mut bytes = vec![b'a'; 100];
            bytes[position] = b'\n';
            assert_eq!(plain_prefix(&bytes), position);
        }
    }

    #[test]
    fn the_first_of_two_special_bytes_counts() {
        for first in 0..=255u8 {
            for second in [0u8, 0x1F, 0x20, 0x21, b'"', b'#', b'\\', b']', 0x80, 0xFF] {
                let bytes = [b'a', first, second, b'b', b'c', b'd', b'e', b'f'];
                let expected = bytes.iter().position(|&byte| is_special(byte)).unwrap_or(8);
                assert_eq!(plain_prefix(&bytes), expected, "{first:#x} {second:#x}");
            }
        }
    }
}
