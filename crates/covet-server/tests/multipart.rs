//! The multipart codec as others use it: split at every byte, limits, hostile bodies in linear time.

use std::time::{Duration, Instant};

use covet_server::multipart::{Error, Limits, Parser, Step};

#[path = "../../../fuzz/checks/multipart.rs"]
mod check;

const DISPOSITION: &str = "Content-Disposition: form-data; name=";

/// Name, file name and data of each part.
type Parts = Vec<(String, Option<String>, Vec<u8>)>;

/// Read a body that comes in `pieces`.
fn read<'a>(
    boundary: &str,
    limits: Limits,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Parts, Error> {
    let mut parser = Parser::new(boundary.as_bytes(), limits);
    let (mut parts, mut kept) = (Parts::new(), Vec::new());
    for piece in pieces {
        kept.extend_from_slice(piece);
        let mut at = 0;
        loop {
            at += match parser.step(&kept[at..])? {
                Step::NeedMore { skip } => {
                    at += skip;
                    break;
                }
                Step::Part { skip, head } => {
                    parts.push((head.name, head.filename, Vec::new()));
                    skip
                }
                Step::Data { len } => {
                    let (_, _, data) = parts.last_mut().expect("a part is open");
                    data.extend_from_slice(&kept[at..at + len]);
                    len
                }
                Step::PartEnd { skip } | Step::End { skip } => skip,
            };
        }
        kept.drain(..at);
    }
    parser.finish().map(|()| parts)
}

fn whole(body: &str) -> Result<Parts, Error> {
    read("b", Limits::default(), [body.as_bytes()])
}

fn field(name: &str, text: &str) -> (String, Option<String>, Vec<u8>) {
    (name.to_owned(), None, text.as_bytes().to_vec())
}

#[test]
fn the_same_parts_wherever_the_bytes_are_cut() {
    let boundary = "-=x".repeat(23) + "y";
    assert_eq!(boundary.len(), 70);
    let tricky = format!("\r\n--{}\r\n-\r\r\n--\r\n", &boundary[..69]);
    let body = format!(
        "preamble\r\n--{boundary} \r\n{DISPOSITION}\"a\"\r\n\r\none\r\n--{boundary}\r\n{DISPOSITION}f; filename=g\r\nContent-Type: x/y\r\n\r\n{tricky}\r\n--{boundary}--\t\r\nepilogue"
    );
    let expected = vec![
        field("a", "one"),
        ("f".into(), Some("g".into()), tricky.into_bytes()),
    ];
    let body = body.as_bytes();
    for at in 0..=body.len() {
        let parts = read(&boundary, Limits::default(), [&body[..at], &body[at..]]);
        assert_eq!(parts.as_ref(), Ok(&expected), "cut at {at}");
    }
    let parts = read(&boundary, Limits::default(), body.chunks(1));
    assert_eq!(parts, Ok(expected));
}

#[test]
fn what_bodies_mean() {
    let part = format!("--b\r\n{DISPOSITION}a\r\n\r\n");
    let table: [(String, Result<Parts, Error>); 22] = [
        ("--b--".into(), Ok(vec![])),
        ("--b--\r\n".into(), Ok(vec![])),
        ("\r\n--b--\r\n".into(), Ok(vec![])),
        (format!("{part}x\r\n--b--"), Ok(vec![field("a", "x")])),
        (format!("{part}\r\n--b--"), Ok(vec![field("a", "")])),
        (
            format!("{part}x\r\n{part}y\r\n--b--"),
            Ok(vec![field("a", "x"), field("a", "y")]),
        ),
        (
            format!("{part}x\r\n--b--\r\n{part}y\r\n--b--"),
            Ok(vec![field("a", "x")]),
        ),
        (
            format!("{part}x\r\n--c\r\n--b--"),
            Ok(vec![field("a", "x\r\n--c")]),
        ),
        (
            format!("{part}x\n--b--\r\n--b--"),
            Ok(vec![field("a", "x\n--b--")]),
        ),
        (String::new(), Err(Error::Truncated)),
        ("no boundary".into(), Err(Error::Truncated)),
        ("--b".into(), Err(Error::Truncated)),
        ("--b-".into(), Err(Error::Truncated)),
        (part.clone(), Err(Error::Truncated)),
        (format!("{part}x\r\n--b"), Err(Error::Truncated)),
        (format!("{part}x\r\n--b\r\n"), Err(Error::Truncated)),
        (format!("{part}--b--"), Err(Error::BoundaryInData)),
        (
            format!("{part}x\r\n--bb--\r\n--b--"),
            Err(Error::BoundaryLine),
        ),
        (format!("{part}x\r\n--b--x"), Err(Error::BoundaryLine)),
        (format!("{part}x\r\n--b --"), Err(Error::BoundaryLine)),
        (
            format!("{part}x\r\n--b--").replace("\r\n", "\n"),
            Err(Error::BoundaryLine),
        ),
        ("--b\r\n\r\nx\r\n--b--".into(), Err(Error::Disposition)),
    ];
    for (body, expected) in table {
        assert_eq!(whole(&body), expected, "{body:?}");
    }
}

/// A body of `count` parts, files of them where `file`.
fn many(count: usize, file: bool) -> String {
    let filename = if file { "; filename=f" } else { "" };
    format!("--b\r\n{DISPOSITION}a{filename}\r\n\r\n\r\n").repeat(count) + "--b--\r\n"
}

#[test]
fn each_limit_below_at_and_above() {
    let limits = Limits {
        all_fields: 3 << 20,
        ..Limits::default()
    };
    let sized = |sizes: &[usize]| {
        let part = |size: &usize| format!("--b\r\n{DISPOSITION}a\r\n\r\n{}\r\n", "x".repeat(*size));
        sizes.iter().map(part).collect::<String>() + "--b--"
    };
    let headed = |size: usize| {
        let fixed = format!("{DISPOSITION}a\r\nX: \r\n\r\n").len();
        let filler = "x".repeat(size - fixed);
        format!("--b\r\n{DISPOSITION}a\r\nX: {filler}\r\n\r\n\r\n--b--")
    };
    let fields = |count: usize| {
        let others = "X: y\r\n".repeat(count - 1);
        format!("--b\r\n{DISPOSITION}a\r\n{others}\r\n\r\n--b--")
    };
    let mebi = 1 << 20;
    let table: [(&str, [String; 3], Error); 6] = [
        (
            "parts",
            [999, 1000, 1001].map(|it| many(it, false)),
            Error::Parts,
        ),
        (
            "files",
            [99, 100, 101].map(|it| many(it, true)),
            Error::Files,
        ),
        (
            "fields of a head",
            [15, 16, 17].map(fields),
            Error::HeadFields,
        ),
        (
            "bytes of a head",
            [8191, 8192, 8193].map(headed),
            Error::HeadSize,
        ),
        (
            "a field",
            [mebi - 1, mebi, mebi + 1].map(|it| sized(&[it])),
            Error::FieldSize,
        ),
        (
            "all fields",
            [mebi - 1, mebi, mebi + 1].map(|it| sized(&[mebi, mebi, it - 1, 1])),
            Error::AllFieldsSize,
        ),
    ];
    for (name, [below, at, above], error) in table {
        for pieces in [usize::MAX, 1000] {
            let read = |body: &str| read("b", limits, body.as_bytes().chunks(pieces)).map(|_| ());
            assert_eq!(read(&below), Ok(()), "{name}");
            assert_eq!(read(&at), Ok(()), "{name}");
            assert_eq!(read(&above), Err(error), "{name}");
        }
        assert_eq!(error.status(), 413);
    }
    let big_file = format!(
        "--b\r\n{DISPOSITION}a; filename=f\r\n\r\n{}\r\n--b--",
        "x".repeat(5 << 20)
    );
    assert_eq!(whole(&big_file).map(|parts| parts[0].2.len()), Ok(5 << 20));
}

/// The time that it takes to read `body` in pieces of `size` bytes.
fn time(body: &[u8], size: usize, limits: Limits) -> Duration {
    let began = Instant::now();
    let read = read("b", limits, body.chunks(size));
    std::hint::black_box(&read);
    began.elapsed()
}

/// Makes a body of about so many KiB.
type Make<'a> = Box<dyn Fn(usize) -> String + 'a>;

/// Four times the bytes take at most about four times as long; the bound leaves room for noise.
#[test]
fn hostile_bodies_take_linear_time() {
    let unlimited = Limits {
        parts: usize::MAX,
        files: usize::MAX,
        fields: usize::MAX,
        head: usize::MAX,
        field_size: u64::MAX,
        all_fields: u64::MAX,
    };
    let start = format!("--b\r\n{DISPOSITION}a\r\n");
    let shapes: [(&str, Make); 8] = [
        ("empty parts", Box::new(|n| many(n * 20, false))),
        (
            "fields of a head",
            Box::new(|n| format!("{start}{}\r\n\r\n--b--", "X: y\r\n".repeat(n * 170))),
        ),
        (
            "near misses",
            Box::new(|n| format!("{start}\r\n{}\r\n--b--", "\r\n--a".repeat(n * 200))),
        ),
        (
            "nothing but CR",
            Box::new(|n| format!("{start}\r\n{}\r\n--b--", "\r".repeat(n * 1024))),
        ),
        (
            "half boundaries",
            Box::new(|n| format!("{start}\r\n{}\r\n--b--", "\r\n-".repeat(n * 340))),
        ),
        (
            "a preamble",
            Box::new(|n| "x".repeat(n * 1024) + "\r\n--b--"),
        ),
        (
            "padding",
            Box::new(|n| format!("--b{}\r\n", " ".repeat(n * 1024))),
        ),
        (
            "a head without end",
            Box::new(|n| start.clone() + &"x".repeat(n * 1024)),
        ),
    ];
    for (name, make) in shapes {
        for size in [1, 4096] {
            let (small, large) = (make(128), make(512));
            let best = |body: &str| {
                let times = (0..3).map(|_| time(body.as_bytes(), size, unlimited));
                times.min().unwrap_or_default()
            };
            let (once, four_times) = (best(&small), best(&large));
            let floor = Duration::from_millis(2);
            assert!(
                four_times < 12 * once.max(floor),
                "{name} in pieces of {size}: {once:?}, then {four_times:?}"
            );
        }
    }
}

#[test]
fn the_corpus_holds() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/multipart");
    let mut inputs = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus is there") {
        check::check(&std::fs::read(entry.expect("an entry").path()).expect("a file"));
        inputs += 1;
    }
    assert!(inputs >= 20, "only {inputs} inputs");
}

mod random {
    use proptest::prelude::*;

    use super::check;

    /// Words from which random bodies come close to valid ones.
    const WORDS: [&str; 20] = [
        "--b-1\r\n",
        "\r\n--b-1\r\n",
        "\r\n--b-1--",
        "--b-1",
        "--",
        "\r\n",
        "\r",
        "\n",
        " ",
        "Content-Disposition: form-data; name=a\r\n\r\n",
        "Content-Disposition: form-data; name=\"b\"; filename=\"c\"\r\n\r\n",
        "Content-Disposition: form-data",
        "; name=a",
        "; filename=\"",
        "Content-Type: text/plain\r\n",
        "X: y\r\n",
        ":",
        "hello",
        "\u{e9}",
        "\0",
    ];

    proptest! {
        #[test]
        fn bodies(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..24)) {
            check::check(words.concat().as_bytes());
            check::check(format!("--b-1\r\n{}", words.concat()).as_bytes());
        }

        #[test]
        fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            check::check(&bytes);
        }
    }
}
