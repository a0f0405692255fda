//! Strings of up to 13 bytes, which most keys are: one or two stores of fixed size.
//!
//! A copy whose size is known late costs a call, so these are loaded as one word or as two that
//! overlap, tested as words, and stored with their quotes in place; what is too much is cut or
//! written over.

use super::plain::is_plain_word;

const QUOTE: u64 = b'"' as u64;

/// Appends `text` in quotes and the byte `after`. Returns false and appends nothing where it is
/// longer than 13 bytes or something in it must be escaped.
#[inline]
pub(super) fn write_short_str(out: &mut Vec<u8>, text: &[u8], after: u8) -> bool {
    match text.len() {
        0..=3 => write_tiny(out, text, after),
        4..=7 => write_halves(out, text, after),
        8..=13 => write_words(out, text, after),
        _ => false,
    }
}

/// Everything in one word.
#[inline]
fn write_tiny(out: &mut Vec<u8>, text: &[u8], after: u8) -> bool {
    let mut word = QUOTE;
    let mut shift = 8;
    for &byte in text {
        word |= u64::from(byte) << shift;
        shift += 8;
    }
    let padding = u64::MAX << shift;
    if !is_plain_word((word ^ QUOTE) | padding | u64::from(b' ')) {
        return false;
    }
    let word = word | (closing(after) << shift);
    let end = out.len() + text.len() + 3;
    out.extend_from_slice(&word.to_le_bytes());
    out.truncate(end);
    true
}

/// Two half words that overlap, joined.
#[inline]
fn write_halves(out: &mut Vec<u8>, text: &[u8], after: u8) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) else {
        return false;
    };
    let first = u64::from(u32::from_le_bytes(*first));
    let last = u64::from(u32::from_le_bytes(*last));
    if !is_plain_word(first | (last << 32)) {
        return false;
    }
    let word = first | (last << (8 * (text.len() - 4)));
    let end = out.len() + text.len() + 1;
    out.extend_from_slice(&(QUOTE | (word << 8)).to_le_bytes());
    out.truncate(end);
    out.extend_from_slice(&[b'"', after]);
    true
}

/// The quote and the first 7 bytes, then over them the last 6 bytes and what closes.
#[inline]
fn write_words(out: &mut Vec<u8>, text: &[u8], after: u8) -> bool {
    let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) else {
        return false;
    };
    let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    if !is_plain_word(first) || !is_plain_word(last) {
        return false;
    }
    let overlap = out.len() + text.len() - 5;
    out.extend_from_slice(&(QUOTE | (first << 8)).to_le_bytes());
    out.truncate(overlap);
    out.extend_from_slice(&((last >> 16) | (closing(after) << 48)).to_le_bytes());
    true
}

/// The closing quote and `after`.
#[inline]
fn closing(after: u8) -> u64 {
    QUOTE | (u64::from(after) << 8)
}

#[cfg(test)]
mod tests {
    use super::write_short_str;

    #[test]
    fn every_length_with_every_byte_at_every_position() {
        for length in 0..16 {
            let plain: Vec<u8> = (b'a'..).take(length).collect();
            check(&plain, length <= 13);
            for position in 0..length {
                for byte in 0..=255 {
                    let mut text = plain.clone();
                    text[position] = byte;
                    let special = byte < 0x20 || byte == b'"' || byte == b'\\';
                    check(&text, length <= 13 && !special);
                }
            }
        }
    }

    fn check(text: &[u8], written: bool) {
        let mut out = b"before".to_vec();
        assert_eq!(write_short_str(&mut out, text, b':'), written, "{text:?}");
        let expected = [b"before\"", text, b"\":"].concat();
        let expected = if written { &expected[..] } else { b"before" };
        assert_eq!(out, expected, "{text:?}");
    }
}
