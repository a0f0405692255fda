//! A text in quotes, as JSON wants it: looked at and copied in one pass, sixteen bytes at a time.
//!
//! Most texts are short and plain: up to 15 bytes are loaded as two words that overlap, tested at
//! once and stored. Only `"`, `\` and what is below 0x20 is escaped.

#![allow(unsafe_code, reason = "loads and stores of whole blocks")]

use super::block::{BLOCK, Block, specials};
use super::output::Piece;

/// What an escape takes at most: `\u001f`.
const WIDEST: usize = 6;

/// Bytes that are escaped within one room.
const STRETCH: usize = 4 * 1024;

/// Appends `text` in quotes and the byte `after`.
#[inline]
pub(crate) fn push_quoted(out: &mut Vec<u8>, text: &str, after: u8) {
    let bytes = text.as_bytes();
    match bytes.len() {
        0..8 => push_word(out, bytes, after),
        8..16 => push_words(out, bytes, after),
        _ => push_long(out, bytes, after),
    }
}

/// Up to 7 bytes, joined in one word.
#[inline]
fn push_word(out: &mut Vec<u8>, bytes: &[u8], after: u8) {
    let length = bytes.len();
    let word = match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => {
            let [first, last] = [*first, *last].map(|half| u64::from(u32::from_le_bytes(half)));
            first | last << (8 * (length - 4))
        }
        _ => tiny_word(bytes),
    };
    let padded = word | PLAIN << (8 * length);
    if specials(Block::of_words(padded, padded)) != 0 {
        out.push(b'"');
        return push_escaped(out, bytes, after);
    }
    let mut piece = Piece::new(out, 16);
    // SAFETY: 1, at most 7 and 2 bytes; the word reaches no further than 9.
    unsafe { piece.put(b'"', 1) };
    // SAFETY: as above.
    unsafe { piece.put(word.to_le(), length) };
    // SAFETY: as above.
    unsafe { piece.put([b'"', after], 2) };
    piece.finish();
}

/// A word of bytes that need no escape.
const PLAIN: u64 = 0x2020_2020_2020_2020;

/// Up to three bytes as a word.
#[inline]
fn tiny_word(bytes: &[u8]) -> u64 {
    match *bytes {
        [] => 0,
        [a] => u64::from(a),
        [a, b] => u64::from(a) | u64::from(b) << 8,
        [a, b, c, ..] => u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16,
    }
}

/// 8 to 15 bytes, as two words that overlap.
#[inline]
fn push_words(out: &mut Vec<u8>, bytes: &[u8], after: u8) {
    let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) else {
        return;
    };
    let words = [*first, *last].map(u64::from_le_bytes);
    if specials(Block::of_words(words[0], words[1])) != 0 {
        out.push(b'"');
        return push_escaped(out, bytes, after);
    }
    let mut piece = Piece::new(out, BLOCK + 3);
    // SAFETY: 1, at most 15 and 2 bytes; the first word ends within the text, the last with it.
    unsafe { piece.put(b'"', 1) };
    // SAFETY: as above.
    unsafe { piece.put(*first, bytes.len() - 8) };
    // SAFETY: as above.
    unsafe { piece.put(*last, 8) };
    // SAFETY: as above.
    unsafe { piece.put([b'"', after], 2) };
    piece.finish();
}

/// At least 16 bytes: blocks, the last of which overlaps the one before.
fn push_long(out: &mut Vec<u8>, bytes: &[u8], after: u8) {
    let mut piece = Piece::new(out, bytes.len() + 3);
    // SAFETY: the room is for the text and three bytes; blocks below end within the text.
    unsafe { piece.put(b'"', 1) };
    let mut at = 0;
    while at < bytes.len() {
        let again = (at + BLOCK).saturating_sub(bytes.len());
        at -= again;
        // SAFETY: `at` is at most the text's length less a block.
        let block = unsafe { Block::load(bytes.as_ptr().add(at)) };
        // SAFETY: the bytes of the last block that were stored already.
        unsafe { piece.back(again) };
        if specials(block) != 0 {
            piece.finish();
            return push_escaped(out, &bytes[at..], after);
        }
        // SAFETY: as above.
        unsafe { piece.put(block, BLOCK) };
        at += BLOCK;
    }
    // SAFETY: as above.
    unsafe { piece.put([b'"', after], 2) };
    piece.finish();
}

/// The rest of a text in which something is escaped, its closing quote and `after`.
#[inline(never)]
fn push_escaped(out: &mut Vec<u8>, bytes: &[u8], after: u8) {
    for stretch in bytes.chunks(STRETCH) {
        push_stretch(out, stretch);
    }
    out.extend_from_slice(&[b'"', after]);
}

fn push_stretch(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut piece = Piece::new(out, bytes.len() * WIDEST + BLOCK);
    let mut at = 0;
    while at + BLOCK <= bytes.len() {
        // SAFETY: the block ends within the text.
        let block = unsafe { Block::load(bytes.as_ptr().add(at)) };
        let plain = (specials(block).trailing_zeros() as usize).min(BLOCK);
        // SAFETY: each byte of the text has room for the widest escape, and a block is left over.
        unsafe { piece.put(block, plain) };
        at += plain;
        if plain < BLOCK {
            put_byte(&mut piece, bytes[at]);
            at += 1;
        }
    }
    for &byte in &bytes[at..] {
        put_byte(&mut piece, byte);
    }
    piece.finish();
}

/// One byte, escaped where it must be.
#[inline]
fn put_byte(piece: &mut Piece<'_>, byte: u8) {
    let [text @ .., length] = ESCAPES[usize::from(byte)];
    // SAFETY: at most the widest escape counts, and what is stored behind it is within a block.
    unsafe { piece.put(text, usize::from(length)) };
}

/// What stands for a byte, and in the last place how long that is.
static ESCAPES: [[u8; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = escape(byte as u8);
        byte += 1;
    }
    table
};

const fn escape(byte: u8) -> [u8; 8] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0C => b'f',
        0..0x20 => {
            let (high, low) = (HEX[(byte >> 4) as usize], HEX[(byte & 15) as usize]);
            return [b'\\', b'u', b'0', b'0', high, low, 0, 6];
        }
        _ => return [byte, 0, 0, 0, 0, 0, 0, 1],
    };
    [b'\\', letter, 0, 0, 0, 0, 0, 2]
}

#[cfg(test)]
mod tests {
    use super::push_quoted;
    use covet_server::json::write::write_str;

    fn check(text: &str) {
        let mut expected = b"before".to_vec();
        write_str(&mut expected, text);
        expected.push(b':');
        let mut out = b"before".to_vec();
        out.shrink_to_fit();
        push_quoted(&mut out, text, b':');
        assert_eq!(out, expected, "{text:?}");
    }

    #[test]
    fn every_ascii_character_at_every_position_of_every_length() {
        for length in 0..50 {
            let plain: Vec<u8> = (b'0'..).take(length).map(|byte| byte % 26 + b'a').collect();
            check(str::from_utf8(&plain).expect("ASCII"));
            for position in 0..length {
                for byte in 0..128 {
                    let mut text = plain.clone();
                    text[position] = byte;
                    check(str::from_utf8(&text).expect("ASCII"));
                }
            }
        }
    }

    #[test]
    fn long_texts_and_other_scripts() {
        for text in ["\0", "\u{1f}é", "\"\\", "😀\n", "line of a text\n", "é", "日本語の文章です。"] {
            for count in [1, 7, 16, 100, 1_000, 5_000] {
                check(&text.repeat(count));
                check(&format!("{}{text}", "x".repeat(count)));
            }
        }
    }
}
