//! Numbers as their shortest text, written where a pen is.

#![allow(unsafe_code, reason = "writes into reserved memory")]
#![allow(clippy::inline_always, reason = "see `output`")]

use super::output::{Pen, push_short};

/// Appends an integer and the byte `after`.
pub(crate) fn push_i64(out: &mut Vec<u8>, value: i64, after: u8) {
    let mut pen = Pen::new(out);
    put_i64(&mut pen, value, after);
    pen.finish();
}

/// By branches, which are guessed: digits that are counted by arithmetic make the next value wait.
#[inline(always)]
pub(super) fn put_i64(pen: &mut Pen<'_>, value: i64, after: u8) {
    let magnitude = value.unsigned_abs();
    if magnitude >= 100_000_000 {
        return pen.with(|out| push_digits(out, value, after));
    }
    pen.reserve(16);
    if value < 0 {
        // SAFETY: room for a sign, eight digits and the byte behind them, with a word to spare.
        unsafe { pen.put(b'-', 1) };
    }
    let number = magnitude as u32;
    if number < 10_000 {
        put_first_four(pen, number);
    } else {
        put_first_four(pen, number / 10_000);
        let (high, low) = (number / 100 % 100, number % 100);
        // SAFETY: as above.
        unsafe { pen.put([PAIRS[high as usize], PAIRS[low as usize]], 4) };
    }
    // SAFETY: as above.
    unsafe { pen.put(after, 1) };
}

/// A number below 10,000, without zeros before it; there is room for four bytes.
#[inline(always)]
fn put_first_four(pen: &mut Pen<'_>, number: u32) {
    let (high, low) = (number / 100, number % 100);
    if high >= 10 {
        // SAFETY: four digits.
        unsafe { pen.put([PAIRS[high as usize], PAIRS[low as usize]], 4) };
    } else if high > 0 {
        // SAFETY: three digits.
        unsafe { pen.put(b'0' + high as u8, 1) };
        // SAFETY: as above.
        unsafe { pen.put(PAIRS[low as usize], 2) };
    } else if low >= 10 {
        // SAFETY: two digits.
        unsafe { pen.put(PAIRS[low as usize], 2) };
    } else {
        // SAFETY: one digit.
        unsafe { pen.put(b'0' + low as u8, 1) };
    }
}

/// The two digits of the numbers below 100.
static PAIRS: [[u8; 2]; 100] = {
    let mut table = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        table[number] = [b'0' + number as u8 / 10, b'0' + number as u8 % 10];
        number += 1;
    }
    table
};

#[inline(never)]
fn push_digits(out: &mut Vec<u8>, value: i64, after: u8) {
    push_short(out, itoa::Buffer::new().format(value).as_bytes());
    out.push(after);
}

/// A number and a comma.
#[inline(always)]
pub(super) fn put_finite(pen: &mut Pen<'_>, number: f64) {
    let mut buffer = zmij::Buffer::new();
    let text = buffer.format_finite(number);
    let (start, length) = (text.as_ptr(), text.len());
    pen.reserve(2 * size_of::<zmij::Buffer>());
    if start == (&raw const buffer).cast() && length <= size_of::<zmij::Buffer>() {
        // SAFETY: room for a buffer, at whose start the text is. A copy of fixed size has no call.
        unsafe { pen.put(buffer, length) };
    } else {
        pen.with(|out| push_short(out, buffer.format_finite(number).as_bytes()));
        pen.reserve(1);
    }
    // SAFETY: room for twice the buffer was made, or for this byte.
    unsafe { pen.put(b',', 1) };
}
