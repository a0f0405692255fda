//! Whole texts through the scanner: what it reports and where it refuses.

use std::fmt::Write;

use super::{Event, Scanner};
use crate::json::{MAX_DEPTH, ScanError, ScanErrorKind};

/// Writes a text again from its events, without blanks.
fn again(scanner: &mut Scanner<'_>, out: &mut String) -> Result<(), ScanError> {
    let word = match scanner.value()? {
        Event::Null => "null".to_owned(),
        Event::Bool(value) => value.to_string(),
        Event::Int(value) => value.to_string(),
        Event::BigInt(text) => text.to_owned(),
        Event::Float(value) => format!("{value:?}"),
        Event::Str(text) => format!("{text:?}"),
        Event::Array => {
            out.push('[');
            let mut more = scanner.first_item()?;
            while more {
                again(scanner, out)?;
                out.push(',');
                more = scanner.next_item()?;
            }
            "]".to_owned()
        }
        Event::Object => {
            out.push('{');
            let mut key = scanner.first_key()?.map(|key| key.text.to_owned());
            while let Some(text) = key {
                write!(out, "{text:?}:").expect("a String takes everything");
                again(scanner, out)?;
                out.push(',');
                key = scanner.next_key()?.map(|key| key.text.to_owned());
            }
            "}".to_owned()
        }
    };
    out.push_str(&word);
    Ok(())
}

fn scan(data: &[u8]) -> Result<String, (ScanErrorKind, usize)> {
    let whole = |data| {
        let mut scanner = Scanner::new(data)?;
        let mut out = String::new();
        again(&mut scanner, &mut out)?;
        scanner.end()?;
        Ok(out)
    };
    whole(data).map_err(|error: ScanError| (error.kind, error.offset))
}

#[test]
fn values() {
    for (text, expected) in [
        ("null", "null"),
        (" true ", "true"),
        ("\t\r\nfalse\n", "false"),
        ("-0", "0"),
        ("12345678901234567890", "12345678901234567890"),
        ("1e2", "100.0"),
        ("\"a\"", "\"a\""),
        ("[]", "[]"),
        ("[ ]", "[]"),
        ("{ }", "{}"),
        ("[1,[2 , 3],{}]", "[1,[2,3,],{},]"),
        (
            r#" { "a" : 1 , "b" : [ null ] , "" : "\u0041" } "#,
            r#"{"a":1,"b":[null,],"":"A",}"#,
        ),
    ] {
        assert_eq!(scan(text.as_bytes()).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn refusals_and_their_places() {
    use ScanErrorKind::{
        Empty, ExpectedColon, ExpectedCommaOrBrace, ExpectedCommaOrBracket, ExpectedKey,
        ExpectedValue, InvalidNumber, TrailingBytes, UnexpectedEnd,
    };
    for (text, kind, offset) in [
        ("", Empty, 0),
        (" \n", Empty, 0),
        ("nul", UnexpectedEnd, 3),
        ("nulL", ExpectedValue, 0),
        ("NaN", ExpectedValue, 0),
        ("[nan]", ExpectedValue, 1),
        ("Infinity", ExpectedValue, 0),
        ("-Infinity", InvalidNumber, 1),
        ("+1", ExpectedValue, 0),
        (".5", ExpectedValue, 0),
        ("'a'", ExpectedValue, 0),
        ("// c\n1", ExpectedValue, 0),
        ("[", UnexpectedEnd, 1),
        ("[1", UnexpectedEnd, 2),
        ("[1,", UnexpectedEnd, 3),
        ("[1,]", ExpectedValue, 3),
        ("[,1]", ExpectedValue, 1),
        ("[1 2]", ExpectedCommaOrBracket, 3),
        ("[1}", ExpectedCommaOrBracket, 2),
        ("{", UnexpectedEnd, 1),
        ("{a:1}", ExpectedKey, 1),
        ("{1:1}", ExpectedKey, 1),
        ("{\"a\"", UnexpectedEnd, 4),
        ("{\"a\" 1}", ExpectedColon, 5),
        ("{\"a\":", UnexpectedEnd, 5),
        ("{\"a\":}", ExpectedValue, 5),
        ("{\"a\":1", UnexpectedEnd, 6),
        ("{\"a\":1]", ExpectedCommaOrBrace, 6),
        ("{\"a\":1,}", ExpectedKey, 7),
        ("1 2", TrailingBytes, 2),
        ("[]]", TrailingBytes, 2),
        ("1\0", TrailingBytes, 1),
        ("\u{a0}1", ExpectedValue, 0),
    ] {
        assert_eq!(scan(text.as_bytes()), Err((kind, offset)), "{text:?}");
    }
}

#[test]
fn bytes_that_are_not_text() {
    use ScanErrorKind::{ByteOrderMark, InvalidUtf8};
    for (data, kind, offset) in [
        (&b"\xEF\xBB\xBF1"[..], ByteOrderMark, 0),
        (b"\"ab\xFF\"", InvalidUtf8, 3),
        (b"\"\xC0\x80\"", InvalidUtf8, 1),
        (b"\"\xED\xA0\x80\"", InvalidUtf8, 1),
        (b"\"\xF4\x90\x80\x80\"", InvalidUtf8, 1),
        (b"\"\xE2\x82", InvalidUtf8, 1),
        (b"\xFF\xFE1\0", InvalidUtf8, 0),
    ] {
        assert_eq!(scan(data), Err((kind, offset)), "{data:?}");
    }
}

#[test]
fn depth_just_below_at_and_above_the_limit() {
    for (open, close) in [("[", "]"), ("{\"k\":", "}")] {
        let nested = |depth: usize| {
            let inner = if open == "[" { "" } else { "0" };
            format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
        };
        assert!(scan(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
        assert!(scan(nested(MAX_DEPTH).as_bytes()).is_ok());
        let offset = open.len() * MAX_DEPTH;
        assert_eq!(
            scan(nested(MAX_DEPTH + 1).as_bytes()),
            Err((ScanErrorKind::TooDeep, offset))
        );
    }
    let wide = format!("[{}[]]", "[],".repeat(1_000));
    assert!(scan(wide.as_bytes()).is_ok());
}

#[test]
fn a_text_cut_anywhere_is_refused_at_its_end() {
    let text = r#"{"a":[1,-2.5e+3,"x\n\u0041\ud83d\ude00"],"b":{"c":null,"d":true,"e":false}}"#;
    assert!(scan(text.as_bytes()).is_ok());
    for end in 1..text.len() {
        let cut = &text.as_bytes()[..end];
        assert_eq!(
            scan(cut),
            Err((ScanErrorKind::UnexpectedEnd, end)),
            "{:?}",
            &text[..end]
        );
    }
}

#[test]
fn ascii_is_told_at_every_length_and_position() {
    for length in 0..200 {
        let mut data = vec![b'a'; length];
        assert!(super::is_ascii(&data));
        for position in 0..length {
            data[position] = 0x80;
            assert!(!super::is_ascii(&data), "{position} of {length}");
            data[position] = 0x7F;
        }
    }
}
