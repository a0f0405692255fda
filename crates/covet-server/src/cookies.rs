//! The `Cookie` field: splitting it into pairs (RFC 6265 section 5.4, leniently).
//!
//! [`pairs`] takes what browsers send, also where it strays from the grammar; it never fails.
//! What a repeated name means is the caller's choice.

use std::borrow::Cow;

/// Name and value of each cookie in `field`, the value of one `Cookie` field, in the order sent.
///
/// Pairs are split at `;` (also inside quotes, as browsers do), at the first `=`, and freed of
/// spaces and tabs around them: of no other blanks, so that no odd blank can turn a harmless name
/// into `__Host-x`. A piece without `=` is a value without a name. A value in double quotes
/// loses them, and its `\"` and `\ooo` escapes are undone. Empty pieces are skipped.
pub fn pairs(field: &[u8]) -> impl Iterator<Item = (&[u8], Cow<'_, [u8]>)> {
    field.split(|&byte| byte == b';').filter_map(|piece| {
        let (name, value) = match memchr::memchr(b'=', piece) {
            Some(at) => (trim(&piece[..at]), trim(&piece[at + 1..])),
            None => (&piece[..0], trim(piece)),
        };
        (!name.is_empty() || !value.is_empty()).then(|| (name, unquote(value)))
    })
}

fn trim(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = text.iter().position(|byte| !blank(byte));
    let end = text.iter().rposition(|byte| !blank(byte));
    match (start, end) {
        (Some(start), Some(end)) => &text[start..=end],
        _ => &text[..0],
    }
}

fn unquote(value: &[u8]) -> Cow<'_, [u8]> {
    let [b'"', inner @ .., b'"'] = value else {
        return Cow::Borrowed(value);
    };
    if memchr::memchr(b'\\', inner).is_none() {
        return Cow::Borrowed(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner;
    loop {
        rest = match rest {
            [
                b'\\',
                high @ b'0'..=b'3',
                middle @ b'0'..=b'7',
                low @ b'0'..=b'7',
                after @ ..,
            ] => {
                text.push((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'));
                after
            }
            [b'\\', byte, after @ ..] | [byte, after @ ..] => {
                text.push(*byte);
                after
            }
            [] => return Cow::Owned(text),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = &'static [(&'static [u8], &'static [u8])];

    const CASES: &[(&[u8], Pairs)] = &[
        (b"", &[]),
        (b";;", &[]),
        (b"a=1", &[(b"a", b"1")]),
        (b"a=1; b=2", &[(b"a", b"1"), (b"b", b"2")]),
        (b"a=1;b=2; a=3", &[(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]),
        (b" a = 1 ;\tb\t=\t2", &[(b"a", b"1"), (b"b", b"2")]),
        (b"a=b=c==", &[(b"a", b"b=c==")]),
        (b"a=", &[(b"a", b"")]),
        (b"=1", &[(b"", b"1")]),
        (b"alone", &[(b"", b"alone")]),
        (b"a=\"quoted text\"", &[(b"a", b"quoted text")]),
        (b"a=\"", &[(b"a", b"\"")]),
        (b"a=\"\"", &[(b"a", b"")]),
        (br#"a="say \"hi\"""#, &[(b"a", br#"say "hi""#)]),
        (br#"a="\054\303\251\\""#, &[(b"a", b",\xc3\xa9\\")]),
        (br#"a="\9\4x\""#, &[(b"a", br"94x\")]),
        (br#"a="\477""#, &[(b"a", b"477")]),
        (br"a=\073", &[(b"a", br"\073")]),
        (b"a=\"1;2\"", &[(b"a", b"\"1"), (b"", b"2\"")]),
        (b"\xa0__Host-a=1", &[(b"\xa0__Host-a", b"1")]),
        (b"A=1; a=2", &[(b"A", b"1"), (b"a", b"2")]),
    ];

    #[test]
    fn splits_and_unquotes() {
        for (field, expected) in CASES {
            let found: Vec<_> = pairs(field).collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|&(name, value)| (name, Cow::Borrowed(value)))
                .collect();
            assert_eq!(found, expected, "{}", field.escape_ascii());
        }
    }
}
