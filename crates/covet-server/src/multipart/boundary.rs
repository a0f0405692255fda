//! The boundary that a `Content-Type` names (RFC 2046 section 5.1.1).

use super::error::Error;
use super::parameters;

/// The most characters of a boundary.
const LONGEST: usize = 70;

/// The boundary of a `multipart/...` content type, without quotes.
///
/// # Errors
/// There is none, more than one, or none that may be one.
pub fn boundary(content_type: &[u8]) -> Result<Vec<u8>, Error> {
    let (_, pairs) = parameters::split(content_type).map_err(|_| Error::Boundary)?;
    let mut named = pairs
        .into_iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"boundary"));
    let (_, value) = named.next().ok_or(Error::BoundaryMissing)?;
    let fits = (1..=LONGEST).contains(&value.len())
        && value.iter().all(|&octet| is_boundary(octet))
        && value.last() != Some(&b' ');
    if !fits || named.next().is_some() {
        return Err(Error::Boundary);
    }
    Ok(value.into_owned())
}

/// `bchars` of RFC 2046 section 5.1.1.
fn is_boundary(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_boundary() {
        let longest = "b".repeat(70);
        let table: [(String, Result<&str, Error>); 16] = [
            ("multipart/form-data; boundary=b".into(), Ok("b")),
            ("multipart/form-data;Boundary=b".into(), Ok("b")),
            (r#"a/b; boundary="b c""#.into(), Ok("b c")),
            (
                r#"a/b; charset=utf-8; boundary="a:b=c?""#.into(),
                Ok("a:b=c?"),
            ),
            (
                "a/b; boundary=----WebKitFormBoundaryX'()+_,-./:=?".into(),
                Ok("----WebKitFormBoundaryX'()+_,-./:=?"),
            ),
            (format!("a/b; boundary={longest}"), Ok(&longest)),
            (format!("a/b; boundary={longest}b"), Err(Error::Boundary)),
            ("a/b".into(), Err(Error::BoundaryMissing)),
            ("a/b; charset=utf-8".into(), Err(Error::BoundaryMissing)),
            ("a/b; boundary=".into(), Err(Error::Boundary)),
            (r#"a/b; boundary="""#.into(), Err(Error::Boundary)),
            (r#"a/b; boundary="b ""#.into(), Err(Error::Boundary)),
            (r#"a/b; boundary="b\r""#.into(), Err(Error::Boundary)),
            ("a/b; boundary=b; boundary=b".into(), Err(Error::Boundary)),
            ("a/b; boundary=b@".into(), Err(Error::Boundary)),
            ("a/b; boundary=\u{e9}".into(), Err(Error::Boundary)),
        ];
        for (field, expected) in table {
            let found = boundary(field.as_bytes());
            let found = found
                .as_deref()
                .map(|it| std::str::from_utf8(it).expect("ASCII"));
            assert_eq!(found.map_err(|it| *it), expected, "{field}");
        }
    }
}
