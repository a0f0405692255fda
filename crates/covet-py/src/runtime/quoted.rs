//! A text in quotes, as JSON wants it: looked at and copied in one pass, sixteen bytes at a time.
//!
//! Most texts are short and plain: up to 15 bytes are loaded as two words that overlap, tested at
//! once and stored. Only `"`, `\` and what is below 0x20 is escaped.

#![allow(unsafe_code, reason = "loads and stores of whole blocks")]
#![allow(clippy::inline_always, reason = "see `output`")]

use super::block::{BLOCK, Block, specials};
use super::output::Pen;

/// What an escape takes at most: `\u001f`.
const WIDEST: usize = 6;

/// Bytes that are escaped within one room.
const STRETCH: usize = 4 * 1024;

/// Appends `text` in quotes and the byte `after`.
pub(crate) fn push_quoted(out: &mut Vec<u8>, text: &str, after: u8) {
    let mut pen = Pen::new(out);
    put_quoted(&mut pen, text, after);
    pen.finish();
}

/// Appends `text` in quotes and the byte `after`.
#[inline(always)]
pub(super) fn put_quoted(pen: &mut Pen<'_>, text: &str, after: u8) {
    let bytes = text.as_bytes();
    let plain = match bytes.len() {
        0..8 => put_word(pen, bytes, after),
        8..16 => put_words(pen, bytes, after),
        16..=32 => put_blocks(pen, bytes, after),
        _ => return put_many(pen, bytes, after),
    };
    if !plain {
        pen.with(|out| {
            out.push(b'"');
            push_rest(out, bytes, after);
        });
    }
}

/// Up to 7 bytes, joined in one word. False, and nothing written: something must be escaped.
#[inline(always)]
fn put_word(pen: &mut Pen<'_>, bytes: &[u8], after: u8) -> bool {
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
        return false;
    }
    pen.reserve(16);
    // SAFETY: 1, at most 7 and 2 bytes; the word reaches no further than 9.
    unsafe { pen.put(b'"', 1) };
    // SAFETY: as above.
    unsafe { pen.put(word.to_le(), length) };
    // SAFETY: as above.
    unsafe { pen.put([b'"', after], 2) };
    true
}

/// A word of bytes that need no escape.
const PLAIN: u64 = 0x2020_2020_2020_2020;

/// Up to three bytes as a word: the first, the middle and the last, which may be the same.
#[inline(always)]
fn tiny_word(bytes: &[u8]) -> u64 {
    let length = bytes.len();
    if length == 0 {
        return 0;
    }
    let [first, middle, last] = [0, length / 2, length - 1].map(|at| u64::from(bytes[at]));
    first | middle << (8 * (length / 2)) | last << (8 * (length - 1))
}

/// 8 to 15 bytes, as two words that overlap. False as [`put_word`].
#[inline(always)]
fn put_words(pen: &mut Pen<'_>, bytes: &[u8], after: u8) -> bool {
    let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) else {
        return false;
    };
    let words = [*first, *last].map(u64::from_le_bytes);
    if specials(Block::of_words(words[0], words[1])) != 0 {
        return false;
    }
    pen.reserve(32);
    // SAFETY: 1, at most 15 and 2 bytes; the first word ends within the text, the last with it.
    unsafe { pen.put(b'"', 1) };
    // SAFETY: as above.
    unsafe { pen.put(*first, bytes.len() - 8) };
    // SAFETY: as above.
    unsafe { pen.put(*last, 8) };
    // SAFETY: as above.
    unsafe { pen.put([b'"', after], 2) };
    true
}

/// 16 to 32 bytes, as two blocks that overlap. False as [`put_word`].
#[inline(always)]
fn put_blocks(pen: &mut Pen<'_>, bytes: &[u8], after: u8) -> bool {
    let (Some(first), Some(last)) = (bytes.first_chunk::<BLOCK>(), bytes.last_chunk::<BLOCK>())
    else {
        return false;
    };
    let [first, last] = [first, last].map(Block::of);
    if specials(first) | specials(last) != 0 {
        return false;
    }
    pen.reserve(2 * BLOCK + 3);
    // SAFETY: 1, at most 32 and 2 bytes; the first block ends within the text, the last with it.
    unsafe { pen.put(b'"', 1) };
    // SAFETY: as above.
    unsafe { pen.put(first, bytes.len() - BLOCK) };
    // SAFETY: as above.
    unsafe { pen.put(last, BLOCK) };
    // SAFETY: as above.
    unsafe { pen.put([b'"', after], 2) };
    true
}

/// The rest of a text in which something is escaped, its closing quote and `after`.
#[inline(never)]
fn push_rest(out: &mut Vec<u8>, bytes: &[u8], after: u8) {
    for stretch in bytes.chunks(STRETCH) {
        push_stretch(out, stretch);
    }
    out.extend_from_slice(&[b'"', after]);
}

/// More than two blocks.
#[inline(always)]
fn put_many(pen: &mut Pen<'_>, bytes: &[u8], after: u8) {
    pen.reserve(bytes.len() + 3);
    // SAFETY: room for the text and three bytes.
    unsafe { pen.put(b'"', 1) };
    let done = put_plain_blocks(pen, bytes);
    if done < bytes.len() {
        return pen.with(|out| push_rest(out, &bytes[done..], after));
    }
    // SAFETY: as above.
    unsafe { pen.put([b'"', after], 2) };
}

/// Copies blocks, two at a time, until one has something to escape; the last two may overlap those
/// before. The number of bytes copied. There are at least two blocks, and there is room for all.
#[inline(always)]
fn put_plain_blocks(pen: &mut Pen<'_>, bytes: &[u8]) -> usize {
    let mut at = 0;
    for pair in bytes.as_chunks::<{ 2 * BLOCK }>().0 {
        if !put_pair(pen, pair) {
            return at;
        }
        at += 2 * BLOCK;
    }
    let Some(last) = bytes.last_chunk().filter(|_| at < bytes.len()) else {
        return at;
    };
    let again = at + 2 * BLOCK - bytes.len();
    // SAFETY: bytes of the last blocks that were stored already.
    unsafe { pen.back(again) };
    if put_pair(pen, last) {
        return bytes.len();
    }
    at - again
}

/// Two blocks, for which there is room. False, and nothing written: something must be escaped.
#[inline(always)]
fn put_pair(pen: &mut Pen<'_>, pair: &[u8; 2 * BLOCK]) -> bool {
    let (Some(first), Some(last)) = (pair.first_chunk(), pair.last_chunk()) else {
        return false;
    };
    let [first, last] = [first, last].map(Block::of);
    if specials(first) | specials(last) != 0 {
        return false;
    }
    // SAFETY: the caller made room.
    unsafe { pen.put([first, last], 2 * BLOCK) };
    true
}

fn push_stretch(out: &mut Vec<u8>, bytes: &[u8]) {
    let mut pen = Pen::new(out);
    pen.reserve(bytes.len() * WIDEST + BLOCK);
    let mut at = 0;
    while at + BLOCK <= bytes.len() {
        // SAFETY: the block ends within the text.
        let block = unsafe { Block::load(bytes.as_ptr().add(at)) };
        let plain = (specials(block).trailing_zeros() as usize).min(BLOCK);
        // SAFETY: each byte of the text has room for the widest escape, and a block is left over.
        unsafe { pen.put(block, plain) };
        at += plain;
        if plain < BLOCK {
            put_byte(&mut pen, bytes[at]);
            at += 1;
        }
    }
    for &byte in &bytes[at..] {
        put_byte(&mut pen, byte);
    }
    pen.finish();
}

/// One byte, escaped where it must be.
#[inline]
fn put_byte(pen: &mut Pen<'_>, byte: u8) {
    let [text @ .., length] = ESCAPES[usize::from(byte)];
    // SAFETY: at most the widest escape counts, and what is stored behind it is within a block.
    unsafe { pen.put(text, usize::from(length)) };
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
        for text in [
            "\0",
            "\u{1f}é",
            "\"\\",
            "😀\n",
            "line of a text\n",
            "é",
            "日本語の文章です。",
        ] {
            for count in [1, 7, 16, 100, 1_000, 5_000] {
                check(&text.repeat(count));
                check(&format!("{}{text}", "x".repeat(count)));
            }
        }
    }
}
