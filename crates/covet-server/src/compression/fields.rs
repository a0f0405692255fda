//! The encoded fields of an answer, `name: value\r\n` each, looked at and changed.

/// Its fields: names as they are, values without the blanks around them.
pub(super) fn each(fields: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    fields.split(|&octet| octet == b'\n').filter_map(|line| {
        let at = memchr::memchr(b':', line)?;
        Some((&line[..at], line[at + 1..].trim_ascii()))
    })
}

/// Whether a list field's `value` has this element, in any case, whatever its parameters.
pub(super) fn has_element(value: &[u8], element: &str) -> bool {
    value.split(|&octet| octet == b',').any(|found| {
        let name = found.split(|&octet| octet == b';' || octet == b'=').next();
        let name = name.unwrap_or_default().trim_ascii();
        name.eq_ignore_ascii_case(element.as_bytes())
    })
}

/// The answer depends on Accept-Encoding: Vary says so, once.
pub(super) fn vary(fields: &mut Vec<u8>) {
    let varies = each(fields).any(|(name, value)| {
        is_vary(name) && (has_element(value, "accept-encoding") || has_element(value, "*"))
    });
    if varies {
        return;
    }
    if !each(fields).any(|(name, value)| is_vary(name) && !value.is_empty()) {
        fields.extend_from_slice(b"vary: accept-encoding\r\n");
        return;
    }
    let mut done = false;
    rewrite(fields, |name, value, out| {
        let merges = is_vary(name) && !value.is_empty() && !done;
        if merges {
            done = true;
            line(out, name, &[value, b", accept-encoding"]);
        }
        merges
    });
}

/// What the validators and ranges of an answer are once its bytes are encoded on the way: a strong
/// entity tag becomes weak (RFC 9110 section 8.8.1), and ranges are not served.
pub(super) fn weaken(fields: &mut Vec<u8>) {
    rewrite(fields, |name, value, out| {
        if name.eq_ignore_ascii_case(b"accept-ranges") {
            return true;
        }
        let is_strong = name.eq_ignore_ascii_case(b"etag") && value.starts_with(b"\"");
        if is_strong {
            line(out, name, &[b"W/", value]);
        }
        is_strong
    });
}

fn is_vary(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"vary")
}

/// Write each field anew: as `change` does it, or as it is where that says no.
fn rewrite(fields: &mut Vec<u8>, mut change: impl FnMut(&[u8], &[u8], &mut Vec<u8>) -> bool) {
    let mut out = Vec::with_capacity(fields.len() + 32);
    for (name, value) in each(fields) {
        if !change(name, value, &mut out) {
            line(&mut out, name, &[value]);
        }
    }
    *fields = out;
}

fn line(out: &mut Vec<u8>, name: &[u8], value: &[&[u8]]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    for part in value {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vary_is_merged_and_not_doubled() {
        for (before, after) in [
            ("", "vary: accept-encoding\r\n"),
            ("a: b\r\n", "a: b\r\nvary: accept-encoding\r\n"),
            ("Vary: Origin\r\n", "Vary: Origin, accept-encoding\r\n"),
            (
                "vary: origin\r\na: b\r\nvary: cookie\r\n",
                "vary: origin, accept-encoding\r\na: b\r\nvary: cookie\r\n",
            ),
            ("vary: Accept-Encoding\r\n", "vary: Accept-Encoding\r\n"),
            (
                "vary: origin\r\nvary: a,Accept-encoding ,b\r\n",
                "vary: origin\r\nvary: a,Accept-encoding ,b\r\n",
            ),
            ("vary: *\r\n", "vary: *\r\n"),
            ("vary: \r\n", "vary: \r\nvary: accept-encoding\r\n"),
            (
                "vary: x-accept-encoding\r\n",
                "vary: x-accept-encoding, accept-encoding\r\n",
            ),
        ] {
            let mut fields = before.as_bytes().to_vec();
            vary(&mut fields);
            assert_eq!(String::from_utf8_lossy(&fields), after, "{before:?}");
        }
    }

    #[test]
    fn what_names_the_bytes_is_weakened() {
        for (before, after) in [
            ("", ""),
            ("a: b\r\netag: \"x\"\r\n", "a: b\r\netag: W/\"x\"\r\n"),
            ("ETag: W/\"x\"\r\n", "ETag: W/\"x\"\r\n"),
            ("accept-ranges: bytes\r\na: b\r\n", "a: b\r\n"),
        ] {
            let mut fields = before.as_bytes().to_vec();
            weaken(&mut fields);
            assert_eq!(String::from_utf8_lossy(&fields), after, "{before:?}");
        }
    }
}
