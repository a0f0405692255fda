//! [`PartHead`]: the fields of one part, and what they say of it (RFC 7578 section 4).
//!
//! A file name is text of the client's: what of it may name a file is decided where it is shown.

use super::error::Error;
use super::limits::Limits;
use super::parameters;
use crate::http1::octets::{is_token_text, is_value, trim_blank};
use crate::http1::{Field, Span};

/// The head of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartHead {
    /// The field's name in the form.
    pub name: String,
    /// As the client sent it; `None` where the part is no file. Empty where none was chosen.
    pub filename: Option<String>,
    /// The head as received; `fields` point into it.
    pub bytes: Vec<u8>,
    /// Every field, in order.
    pub fields: Vec<Field>,
    content_type: Option<Span>,
}

impl PartHead {
    /// Whether the part is a file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.filename.is_some()
    }

    /// The value of Content-Type, as the client sent it.
    #[must_use]
    pub fn content_type(&self) -> Option<&[u8]> {
        self.content_type.map(|span| span.of(&self.bytes))
    }

    /// The file name without the folders before it; `None` where nothing that names a file is left.
    #[must_use]
    pub fn base_name(&self) -> Option<&str> {
        let sent = self.filename.as_deref()?;
        let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
        let last = last.trim_matches(|it: char| it.is_whitespace() || it.is_control());
        let names = !matches!(last, "" | "." | "..") && !last.chars().any(char::is_control);
        names.then_some(last)
    }

    /// Read `head`: lines that each end with CRLF, without the empty one.
    pub(super) fn parse(head: &[u8], limits: &Limits) -> Result<Self, Error> {
        let mut fields = Vec::new();
        let mut start = 0;
        while start < head.len() {
            let end = memchr::memchr(b'\r', &head[start..]).ok_or(Error::HeadLine)? + start;
            if head.get(end + 1) != Some(&b'\n') {
                return Err(Error::HeadLine);
            }
            if fields.len() == limits.fields {
                return Err(Error::HeadFields);
            }
            fields.push(field(head, start, end)?);
            start = end + 2;
        }
        let only = |name: &str| {
            let is_it = |field: &&Field| field.name.of(head).eq_ignore_ascii_case(name.as_bytes());
            let mut found = fields.iter().filter(is_it).map(|field| field.value);
            match (found.next(), found.next()) {
                (value, None) => Ok(value),
                _ => Err(Error::FieldRepeated),
            }
        };
        let disposition = only("content-disposition")?.ok_or(Error::Disposition)?;
        let content_type = only("content-type")?;
        if let Some(encoding) = only("content-transfer-encoding")? {
            let plain = ["binary", "8bit", "7bit"];
            let encoding = encoding.of(head);
            if !plain
                .iter()
                .any(|it| encoding.eq_ignore_ascii_case(it.as_bytes()))
            {
                return Err(Error::TransferEncoding);
            }
        }
        let (name, filename) = read_disposition(disposition.of(head))?;
        Ok(Self {
            name,
            filename,
            content_type,
            bytes: head.to_vec(),
            fields,
        })
    }
}

/// The field whose line is `head[start..end]`.
fn field(head: &[u8], start: usize, end: usize) -> Result<Field, Error> {
    let line = &head[start..end];
    let colon = memchr::memchr(b':', line).ok_or(Error::HeadLine)?;
    let (name, value) = (&line[..colon], trim_blank(&line[colon + 1..]));
    if !is_token_text(name) || !value.iter().all(|&octet| is_value(octet)) {
        return Err(Error::HeadLine);
    }
    let blanks = line[colon + 1..].len() - trim_front(&line[colon + 1..]).len();
    let value_start = start + colon + 1 + blanks;
    Ok(Field {
        name: Span::new(start, start + colon),
        value: Span::new(value_start, value_start + value.len()),
    })
}

fn trim_front(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|&&it| it == b' ' || it == b'\t');
    &text[blanks.count()..]
}

/// Name and file name of a `Content-Disposition`.
///
/// `filename*` MUST NOT be sent (RFC 7578 section 4.2), but some senders add it to `filename`:
/// there it is passed over. Alone it would make a field of a file, so it is refused.
fn read_disposition(value: &[u8]) -> Result<(String, Option<String>), Error> {
    let (kind, pairs) = parameters::split(value).map_err(|_| Error::Disposition)?;
    if !kind.eq_ignore_ascii_case(b"form-data") {
        return Err(Error::Disposition);
    }
    let (mut name, mut filename, mut extended) = (None, None, false);
    for (key, value) in &pairs {
        let slot = match key.to_ascii_lowercase().as_slice() {
            b"name" => &mut name,
            b"filename" => &mut filename,
            b"filename*" => {
                extended = true;
                continue;
            }
            _ => continue,
        };
        if slot.replace(value).is_some() {
            return Err(Error::Disposition);
        }
    }
    let name = name.ok_or(Error::Disposition)?;
    let name = text(name).ok_or(Error::Disposition)?;
    let filename = match filename {
        Some(filename) => Some(text(filename).ok_or(Error::FileName)?),
        None if extended => return Err(Error::FileName),
        None => None,
    };
    Ok((name, filename))
}

/// A name as text: UTF-8, with the three escapes that browsers make (WHATWG HTML, "escape a
/// multipart/form-data name"). Any other `%` is a `%`: browsers do not escape it.
fn text(value: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(value).ok()?;
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let escape = rest.as_bytes().get(at + 1..at + 3);
        let meant = match escape {
            Some(b"22") => Some('"'),
            Some(b"0D" | b"0d") => Some('\r'),
            Some(b"0A" | b"0a") => Some('\n'),
            _ => None,
        };
        out.push(meant.unwrap_or('%'));
        rest = &rest[at + if meant.is_some() { 3 } else { 1 }..];
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(head: &str) -> Result<PartHead, Error> {
        PartHead::parse(head.as_bytes(), &Limits::default())
    }

    fn named(parameters: &str) -> Result<(String, Option<String>), Error> {
        parse(&format!("Content-Disposition: form-data{parameters}\r\n"))
            .map(|head| (head.name, head.filename))
    }

    #[test]
    fn names_and_file_names() {
        let table: [(&str, &str, Option<&str>); 14] = [
            ("; name=a", "a", None),
            (r#"; name="a""#, "a", None),
            (r#"; name="""#, "", None),
            (r#"; name="a"; filename="b.txt""#, "a", Some("b.txt")),
            (r#"; filename="b.txt"; name="a""#, "a", Some("b.txt")),
            (r#"; NAME="a"; FileName="""#, "a", Some("")),
            (
                r#"; name="a b;c"; filename="d\"e\\f""#,
                "a b;c",
                Some(r#"d"e\f"#),
            ),
            (r#"; name="%22%0d%0A""#, "\"\r\n", None),
            (r#"; name="100%25 %2 % %zz %""#, "100%25 %2 % %zz %", None),
            (
                "; name=\"na\u{ef}ve\"; filename=\"\u{65e5}.txt\"",
                "na\u{ef}ve",
                Some("\u{65e5}.txt"),
            ),
            (
                r#"; name="a"; filename="C:\dir\f.txt""#,
                "a",
                Some(r"C:\dir\f.txt"),
            ),
            (
                r#"; name="a"; filename="b"; filename*=UTF-8''c"#,
                "a",
                Some("b"),
            ),
            (
                r#"; name="a"; filename*=UTF-8''c; filename="b""#,
                "a",
                Some("b"),
            ),
            (r#"; name="a"; other=x"#, "a", None),
        ];
        for (parameters, name, filename) in table {
            let expected = (name.to_owned(), filename.map(str::to_owned));
            assert_eq!(named(parameters), Ok(expected), "{parameters}");
        }
    }

    #[test]
    fn heads_that_are_refused() {
        let disposition = "Content-Disposition: form-data; name=a\r\n";
        let twice = format!("{disposition}{disposition}");
        let table: [(&str, Error); 23] = [
            ("", Error::Disposition),
            ("X: y\r\n", Error::Disposition),
            ("Content-Disposition: form-data\r\n", Error::Disposition),
            (
                "Content-Disposition: attachment; name=a\r\n",
                Error::Disposition,
            ),
            (
                "Content-Disposition: form-data; name=a; name=b\r\n",
                Error::Disposition,
            ),
            (
                "Content-Disposition: form-data; name=\"a\r\n",
                Error::Disposition,
            ),
            (
                "Content-Disposition: form-data; name*=UTF-8''a\r\n",
                Error::Disposition,
            ),
            (
                "Content-Disposition: form-data; name=a; filename=b; filename=b\r\n",
                Error::Disposition,
            ),
            (
                "Content-Disposition: form-data; name=a; filename*=UTF-8''c\r\n",
                Error::FileName,
            ),
            (&twice, Error::FieldRepeated),
            ("Content-Type: a/b\r\n", Error::Disposition),
            (
                "Content-Disposition: form-data; name=a\r\nContent-Type: a\r\ncontent-type: a\r\n",
                Error::FieldRepeated,
            ),
            (
                "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n",
                Error::TransferEncoding,
            ),
            (
                "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable\r\n",
                Error::TransferEncoding,
            ),
            ("X y\r\n", Error::HeadLine),
            ("X : y\r\n", Error::HeadLine),
            (" X: y\r\n", Error::HeadLine),
            (": y\r\n", Error::HeadLine),
            ("X: y\n\r\n", Error::HeadLine),
            ("X: y\rZ: z\r\n", Error::HeadLine),
            ("X: y\r\n folded\r\n", Error::HeadLine),
            ("X: \0\r\n", Error::HeadLine),
            ("--b\r\n", Error::HeadLine),
        ];
        for (head, expected) in table {
            assert_eq!(parse(head), Err(expected), "{head:?}");
        }
        let bad = b"Content-Disposition: form-data; name=a; filename=\"\xff\"\r\n";
        assert_eq!(
            PartHead::parse(bad, &Limits::default()),
            Err(Error::FileName)
        );
        let bad = b"Content-Disposition: form-data; name=\"\xff\"\r\n";
        assert_eq!(
            PartHead::parse(bad, &Limits::default()),
            Err(Error::Disposition)
        );
    }

    #[test]
    fn the_last_field_that_is_allowed() {
        let head = |others: usize| {
            let fields = "X: y\r\n".repeat(others);
            parse(&format!(
                "Content-Disposition: form-data; name=a\r\n{fields}"
            ))
        };
        assert_eq!(head(14).map(|it| it.fields.len()), Ok(15));
        assert_eq!(head(15).map(|it| it.fields.len()), Ok(16));
        assert_eq!(head(16), Err(Error::HeadFields));
    }

    #[test]
    fn fields_are_found_as_sent() {
        let head =
            parse("content-disposition:form-data;name=a\r\nContent-TYPE:  text/x; y=z\t\r\nE:\r\n")
                .expect("valid");
        assert_eq!(head.content_type(), Some(&b"text/x; y=z"[..]));
        let shown: Vec<_> = head
            .fields
            .iter()
            .map(|it| (it.name.of(&head.bytes), it.value.of(&head.bytes)))
            .collect();
        assert_eq!(shown[1], (&b"Content-TYPE"[..], &b"text/x; y=z"[..]));
        assert_eq!(shown[2], (&b"E"[..], &b""[..]));
    }

    #[test]
    fn base_names() {
        let table = [
            ("a.txt", Some("a.txt")),
            ("/etc/passwd", Some("passwd")),
            ("../../a", Some("a")),
            (r"C:\Users\x\a b.txt", Some("a b.txt")),
            ("a/", None),
            ("..", None),
            (" .. ", None),
            (".", None),
            ("", None),
            (" a ", Some("a")),
            ("a\0b", None),
            ("a%0Ab", None),
            (".profile", Some(".profile")),
        ];
        for (sent, expected) in table {
            let head = parse(&format!(
                "Content-Disposition: form-data; name=a; filename=\"{sent}\"\r\n"
            ));
            let found = head.as_ref().map(PartHead::base_name);
            if sent.contains('\0') {
                assert_eq!(found, Err(&Error::HeadLine));
            } else {
                assert_eq!(found, Ok(expected), "{sent:?}");
            }
        }
    }
}
