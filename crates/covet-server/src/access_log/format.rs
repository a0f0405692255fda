//! [`Format`]: what a line says, parsed once at start.

use std::fmt;

use crate::http1::is_token;

/// One piece of a line of atoms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// `%h`
    Client,
    /// `%l` and `%u`: nobody knows.
    Unknown,
    /// `%t`
    Time,
    /// `%r`
    Line,
    /// `%m`
    Method,
    /// `%U`
    Path,
    /// `%q`, with its `?`
    Query,
    /// `%H`
    Protocol,
    /// `%s` and `%>s`
    Status,
    /// `%b`: none is `-`
    Bytes,
    /// `%B`: none is 0
    BytesOrZero,
    /// `%D`
    Microseconds,
    /// `%T`
    Seconds,
    /// `%X`: `X` where the answer is not whole, else whether the connection lives on
    End,
    /// `%{Name}i`: the place of the name among [`Format::wanted`]
    RequestField(usize),
    /// `%{Name}o`
    AnswerField(String),
}

/// What a line says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Format {
    pub(super) kind: Kind,
    /// Request fields that lines need, to be kept until the answer is there.
    pub(super) wanted: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Text,
    Json,
    Pieces(Vec<Piece>),
}

/// A text that is no format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatError(String);

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no format of an access log: {ATOMS}", self.0)
    }
}

const ATOMS: &str = "write text, json, or a line of \
     %h %l %u %t %r %m %U %q %H %s %>s %b %B %D %T %X %{Name}i %{Name}o %%";

impl std::error::Error for FormatError {}

impl Format {
    /// `text`, `json`, or a line of atoms.
    ///
    /// # Errors
    /// An atom that is not known, a control character, or no atom at all.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        match text {
            "text" => Ok(Self::default()),
            "json" => Ok(Self {
                kind: Kind::Json,
                wanted: Vec::new(),
            }),
            _ => Self::atoms(text).ok_or_else(|| FormatError(text.to_owned())),
        }
    }

    fn atoms(text: &str) -> Option<Self> {
        let mut wanted = Vec::new();
        let mut pieces = Vec::new();
        let (first, rest) = text.split_once('%')?;
        push_text(&mut pieces, first)?;
        let mut left = rest;
        loop {
            let (piece, rest) = atom(left, &mut wanted)?;
            pieces.push(piece);
            let Some((between, next)) = rest.split_once('%') else {
                push_text(&mut pieces, rest)?;
                break;
            };
            push_text(&mut pieces, between)?;
            left = next;
        }
        Some(Self {
            kind: Kind::Pieces(pieces),
            wanted,
        })
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) -> Option<()> {
    if text.chars().any(char::is_control) {
        return None;
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Some(())
}

/// The atom that `text` begins with, after its `%`, and the rest.
fn atom<'a>(text: &'a str, wanted: &mut Vec<String>) -> Option<(Piece, &'a str)> {
    if let Some(rest) = text.strip_prefix(">s") {
        return Some((Piece::Status, rest));
    }
    if let Some(rest) = text.strip_prefix('{') {
        let (name, rest) = rest.split_once('}')?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        let name = name.to_ascii_lowercase();
        if let Some(rest) = rest.strip_prefix('o') {
            return Some((Piece::AnswerField(name), rest));
        }
        let rest = rest.strip_prefix('i')?;
        wanted.push(name);
        return Some((Piece::RequestField(wanted.len() - 1), rest));
    }
    let piece = match text.bytes().next()? {
        b'h' => Piece::Client,
        b'l' | b'u' => Piece::Unknown,
        b't' => Piece::Time,
        b'r' => Piece::Line,
        b'm' => Piece::Method,
        b'U' => Piece::Path,
        b'q' => Piece::Query,
        b'H' => Piece::Protocol,
        b's' => Piece::Status,
        b'b' => Piece::Bytes,
        b'B' => Piece::BytesOrZero,
        b'D' => Piece::Microseconds,
        b'T' => Piece::Seconds,
        b'X' => Piece::End,
        b'%' => Piece::Text("%".into()),
        _ => return None,
    };
    Some((piece, &text[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        assert_eq!(Format::parse("text"), Ok(Format::default()));
        assert_eq!(Format::parse("json").unwrap().kind, Kind::Json);
        let format = Format::parse("a%h %{X-A}i%%%{Y}o%>s\u{e9}%{B}i").unwrap();
        let expected = vec![
            Piece::Text("a".into()),
            Piece::Client,
            Piece::Text(" ".into()),
            Piece::RequestField(0),
            Piece::Text("%".into()),
            Piece::AnswerField("y".into()),
            Piece::Status,
            Piece::Text("\u{e9}".into()),
            Piece::RequestField(1),
        ];
        assert_eq!(format.kind, Kind::Pieces(expected));
        assert_eq!(format.wanted, ["x-a", "b"]);
    }

    #[test]
    fn nonsense() {
        for text in [
            "", "jsn", "JSON", "%", "%h%", "%x", "%{A}", "%{A}x", "%{}i", "%{A b}i", "%{A", "%>h",
            "%h\n", "\t%h", "%\u{e9}",
        ] {
            let error = Format::parse(text).unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{text:?} is no format")),
                "{error}"
            );
        }
    }
}
