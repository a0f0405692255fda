//! Classes of octets from RFC 9110 and RFC 3986, and the scans built on them.
//!
//! One table answers all questions about a single byte; it knows nothing of where the byte stood.

const TOKEN: u8 = 1;
const PATH: u8 = 2;
const HOST: u8 = 4;

/// Class bits of every octet.
const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let octet = byte as u8;
        let alnum = octet.is_ascii_alphanumeric();
        if alnum || contains(b"!#$%&'*+-.^_`|~", octet) {
            table[byte] |= TOKEN;
        }
        // RFC 3986: unreserved and sub-delims; pchar adds ":" and "@".
        if alnum || contains(b"-._~!$&'()*+,;=:@/", octet) {
            table[byte] |= PATH;
        }
        if alnum || contains(b"-._~!$&'()*+;=", octet) {
            table[byte] |= HOST;
        }
        byte += 1;
    }
    table
}

const fn contains(set: &[u8], octet: u8) -> bool {
    let mut index = 0;
    while index < set.len() {
        if set[index] == octet {
            return true;
        }
        index += 1;
    }
    false
}

/// `tchar` of RFC 9110 section 5.6.2.
pub(crate) fn is_token(octet: u8) -> bool {
    CLASSES[octet as usize] & TOKEN != 0
}

/// A byte that stands for itself in a path: `pchar` without `%`, or `/`.
pub(super) fn is_path(octet: u8) -> bool {
    CLASSES[octet as usize] & PATH != 0
}

/// A byte that stands for itself in a registered name. The comma of `sub-delims` is left out:
/// two Host values joined into a list must not pass as one name.
pub(super) fn is_host(octet: u8) -> bool {
    CLASSES[octet as usize] & HOST != 0
}

/// `VCHAR`, `obs-text`, SP or HTAB: what a field value is made of (RFC 9110 section 5.5).
pub(crate) fn is_value(octet: u8) -> bool {
    octet == b'\t' || (octet >= 0x20 && octet != 0x7f)
}

/// SP or HTAB.
pub(crate) fn is_blank(octet: u8) -> bool {
    octet == b' ' || octet == b'\t'
}

/// Whether `bytes` is a `token`: at least one octet, all of them `tchar`.
pub(crate) fn is_token_text(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&octet| is_token(octet))
}

/// Offset of the first byte from `at` on that is not a `tchar`, or the length of `buf`.
pub(super) fn skip_token(buf: &[u8], at: usize) -> usize {
    skip(buf, at, is_token)
}

/// Offset of the first byte from `at` on that cannot stand for itself in a path.
pub(super) fn skip_path(buf: &[u8], at: usize) -> usize {
    skip(buf, at, is_path)
}

fn skip(buf: &[u8], at: usize, class: impl Fn(u8) -> bool) -> usize {
    let rest = buf.get(at..).unwrap_or_default();
    rest.iter()
        .position(|&octet| !class(octet))
        .map_or(buf.len(), |found| at + found)
}

/// Offset of the first byte from `at` on that is no part of a field value, or the length of `buf`.
pub(super) fn skip_value(buf: &[u8], mut at: usize) -> usize {
    while let Some(eight) = buf.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        match first_control(u64::from_le_bytes(*eight)) {
            None => at += 8,
            Some(found) if eight[found] == b'\t' => at += found + 1,
            Some(found) => return at + found,
        }
    }
    skip(buf, at, is_value)
}

/// Index of the first byte below 0x20 or equal to 0x7f among eight, lowest byte first.
fn first_control(word: u64) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    let below_space = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
    let other = word ^ (ONES * 0x7f);
    let delete = other.wrapping_sub(ONES) & !other & HIGH;
    // A borrow can only mark bytes above a true hit, so the lowest mark is exact.
    let hits = below_space | delete;
    (hits != 0).then(|| hits.trailing_zeros() as usize / 8)
}

/// `bytes` without SP and HTAB at both ends: OWS of RFC 9110 section 5.6.3.
pub(crate) fn trim_blank(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes
        && is_blank(*first)
    {
        bytes = rest;
    }
    while let [rest @ .., last] = bytes
        && is_blank(*last)
    {
        bytes = rest;
    }
    bytes
}

/// Value of one hexadecimal digit.
pub(super) fn hex_value(octet: u8) -> Option<u8> {
    match octet {
        b'0'..=b'9' => Some(octet - b'0'),
        b'a'..=b'f' => Some(octet - b'a' + 10),
        b'A'..=b'F' => Some(octet - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skip_value_agrees_with_the_class_at_every_place() {
        for octet in 0..=u8::MAX {
            for place in 0..19 {
                for tab in 0..19 {
                    let mut text = [b'v'; 19];
                    text[tab] = b'\t';
                    text[place] = octet;
                    let expected = if is_value(octet) { 19 } else { place };
                    assert_eq!(skip_value(&text, 0), expected, "{octet:#x} at {place}");
                }
            }
        }
    }

    #[test]
    fn the_lowest_control_is_found_beside_others() {
        assert_eq!(skip_value(b"ab\x7f\x00\x01\x80\x1fz", 0), 2);
        assert_eq!(skip_value(b"\xff\x80 ~\x1f\x7f\x7f\x7f", 0), 4);
        assert_eq!(skip_value(b"", 0), 0);
    }

    #[test]
    fn blanks_are_trimmed_at_both_ends_only() {
        assert_eq!(trim_blank(b" \ta b\t "), b"a b");
        assert_eq!(trim_blank(b" \t "), b"");
    }
}
