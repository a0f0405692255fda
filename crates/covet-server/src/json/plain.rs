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

/// Bytes of the longest [`short_word`].
pub(super) const MAX_SHORT: usize = 16;

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

/// The bytes as the low end of a word, the first lowest, zeros above. None where there are more
/// than [`MAX_SHORT`]. Costs a few loads where a copy would cost a call.
#[inline]
pub(super) fn short_word(bytes: &[u8]) -> Option<u128> {
    let length = bytes.len();
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        let shift = 8 * (length - 8);
        return (length <= MAX_SHORT).then(|| u128::from(first) | u128::from(last) << shift);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        let word = u64::from(first) | u64::from(last) << (8 * (length - 4));
        return Some(word.into());
    }
    let byte = |at: usize| u32::from(bytes[at]) << (8 * at);
    let word = if length == 0 {
        0
    } else {
        byte(0) | byte(length / 2) | byte(length - 1)
    };
    Some(word.into())
}

/// Whether none of the `length` bytes of a [`short_word`] is special. `length` is below 16.
#[inline]
pub(super) fn is_plain_word(word: u128, length: usize) -> bool {
    let low = special_marks(word as u64);
    let high = special_marks((word >> 64) as u64);
    let marks = u128::from(low) | u128::from(high) << 64;
    marks & ((1 << (8 * length)) - 1) == 0
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
    use super::{MAX_SHORT, is_plain_word, is_special, plain_prefix, short_word};

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
    fn short_words_hold_the_bytes() {
        let bytes: Vec<u8> = (1..=17).collect();
        for length in 0..=MAX_SHORT {
            let mut expected = [0; MAX_SHORT];
            expected[..length].copy_from_slice(&bytes[..length]);
            let word = short_word(&bytes[..length]);
            assert_eq!(word, Some(u128::from_le_bytes(expected)), "{length}");
        }
        assert_eq!(short_word(&bytes), None);
    }

    #[test]
    fn a_word_is_plain_when_its_bytes_are() {
        for length in 0..MAX_SHORT {
            let mut bytes = vec![b'a'; length];
            let plain =
                |bytes: &[u8]| short_word(bytes).is_some_and(|word| is_plain_word(word, length));
            assert!(plain(&bytes), "{length}");
            for position in 0..length {
                for byte in 0..=255u8 {
                    bytes[position] = byte;
                    assert_eq!(
                        plain(&bytes),
                        !is_special(byte),
                        "{byte:#x} at {position} of {length}"
                    );
                }
                bytes[position] = 0xC3;
            }
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
