//! Lists of parameters: `; name=value; name="quoted \" value"` (RFC 9110 section 5.6.6).
//!
//! Gives names and raw values in their order. Knows no name.

use std::borrow::Cow;

use crate::http1::octets::{is_blank, is_token_text, trim_blank};

/// The text of a list is none, or cannot be read in one way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// One parameter; its name in the case it was sent.
pub(super) type Pair<'a> = (&'a [u8], Cow<'a, [u8]>);

/// What precedes the first `;`, and the parameters after it.
pub(super) fn split(field: &[u8]) -> Result<(&[u8], Vec<Pair<'_>>), Malformed> {
    let end = memchr::memchr(b';', field).unwrap_or(field.len());
    let mut rest = &field[end..];
    let mut pairs = Vec::new();
    while let [b';', after @ ..] = rest {
        rest = trim_start(after);
        if rest.is_empty() || rest[0] == b';' {
            continue; // an empty parameter, which senders leave behind
        }
        let equals = memchr::memchr(b'=', rest).ok_or(Malformed)?;
        let name = trim_blank(&rest[..equals]);
        if !is_token_text(name) {
            return Err(Malformed);
        }
        rest = trim_start(&rest[equals + 1..]);
        let value;
        (value, rest) = match rest {
            [b'"', text @ ..] => quoted(text)?,
            _ => bare(rest)?,
        };
        rest = trim_start(rest);
        pairs.push((name, value));
    }
    if rest.is_empty() {
        Ok((trim_blank(&field[..end]), pairs))
    } else {
        Err(Malformed)
    }
}

fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_blank(*first)
    {
        text = rest;
    }
    text
}

/// A value without quotes: up to the next `;`, no blanks or quotes inside.
fn bare(text: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), Malformed> {
    let end = memchr::memchr(b';', text).unwrap_or(text.len());
    let value = trim_blank(&text[..end]);
    let odd = |octet: &u8| is_blank(*octet) || *octet == b'"';
    if value.is_empty() || value.iter().any(odd) {
        return Err(Malformed);
    }
    Ok((Cow::Borrowed(value), &text[end..]))
}

/// A value behind its opening quote. Only `\"` and `\\` are escapes: a browser sends the
/// backslash of a file name as it is.
fn quoted(text: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), Malformed> {
    let mut unescaped: Option<Vec<u8>> = None;
    let mut at = 0;
    loop {
        let found = memchr::memchr2(b'"', b'\\', &text[at..]).ok_or(Malformed)?;
        let end = at + found;
        match (text[end], text.get(end + 1)) {
            (b'"', _) => {
                let value = match unescaped {
                    None => Cow::Borrowed(&text[..end]),
                    Some(mut value) => {
                        value.extend_from_slice(&text[at..end]);
                        Cow::Owned(value)
                    }
                };
                return Ok((value, &text[end + 1..]));
            }
            (_, Some(&next)) => {
                let value = unescaped.get_or_insert_default();
                value.extend_from_slice(&text[at..end]);
                if next != b'"' && next != b'\\' {
                    value.push(b'\\');
                }
                value.push(next);
                at = end + 2;
            }
            (_, None) => return Err(Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lists_say() {
        let table: [(&str, Option<&str>); 22] = [
            ("a", Some("a")),
            ("a; b=c", Some("a b=c")),
            (" a ;b=c ; D = e", Some("a b=c D=e")),
            (r#"a; b="c;d=e""#, Some("a b=c;d=e")),
            (r#"a; b="c\"d\\e\f""#, Some(r#"a b=c"d\e\f"#)),
            (r#"a; b="""#, Some("a b=")),
            (r#"a; b="x"; c=d"#, Some("a b=x c=d")),
            ("a;", Some("a")),
            ("a;;b=c;", Some("a b=c")),
            ("", Some("")),
            ("; b=c", Some(" b=c")),
            ("a; b", None),
            ("a; b=", None),
            ("a; =c", None),
            ("a; b c=d", None),
            ("a; b=c d", None),
            (r#"a; b=c"d""#, None),
            (r#"a; b="c"#, None),
            (r#"a; b="c\"#, None),
            (r#"a; b="c\""#, None),
            (r#"a; b="c"d"#, None),
            (r#"a; b="c" d=e"#, None),
        ];
        for (field, expected) in table {
            let split = split(field.as_bytes()).map(|(first, pairs)| {
                let mut text = String::from_utf8(first.to_vec()).expect("ASCII");
                for (name, value) in pairs {
                    text.push(' ');
                    text.push_str(std::str::from_utf8(name).expect("ASCII"));
                    text.push('=');
                    text.push_str(std::str::from_utf8(&value).expect("ASCII"));
                }
                text
            });
            assert_eq!(split.ok().as_deref(), expected, "{field}");
        }
    }
}
