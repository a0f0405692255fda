//! Replays the fuzz corpora through the checks of the fuzz targets.

use std::path::Path;

#[path = "../../../../fuzz/checks/chunks.rs"]
mod chunks;
#[path = "../../../../fuzz/checks/head.rs"]
mod head;

fn replay(target: &str, check: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut inputs = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        check(&std::fs::read(entry.unwrap().path()).unwrap());
        inputs += 1;
    }
    assert!(inputs >= 10, "only {inputs} inputs");
}

#[test]
fn head_corpus() {
    replay("head", head::check);
}

#[test]
fn chunks_corpus() {
    replay("chunks", chunks::check);
}

mod random {
    use proptest::prelude::*;

    use super::{chunks, head};

    /// Words from which random heads come close to valid ones.
    const HEAD_WORDS: [&str; 44] = [
        "GET",
        "OPTIONS",
        "CONNECT",
        "X",
        " ",
        "\t",
        "/",
        "*",
        "?",
        "%41",
        "%",
        "http://",
        "a",
        "a.b:80",
        "[::1]",
        "@",
        " HTTP/1.1\r\n",
        " HTTP/1.0\r\n",
        " HTTP/2.0\r\n",
        "\r\n",
        "\r",
        "\n",
        "Host: a\r\n",
        "Host:",
        "host: b\r\n",
        "Content-Length: 5\r\n",
        "Content-Length:",
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding:",
        "chunked",
        "gzip",
        ",",
        ";",
        ":",
        "Connection: close\r\n",
        "Expect: 100-continue\r\n",
        "Upgrade: x\r\n",
        "\u{e9}",
        "\0",
        "\x7f",
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n",
        "\r\n\r\n",
        "x: y\r\n",
    ];
    const CHUNK_WORDS: [&str; 26] = [
        "0",
        "1",
        "5",
        "a",
        "F",
        "00",
        "ffffffffffffffff",
        "\r\n",
        "\r",
        "\n",
        ";",
        ";a=b",
        " ",
        "\t",
        "\"",
        "hello",
        "5\r\nhello\r\n",
        "1\r\nx\r\n",
        "0\r\n\r\n",
        "0\r\n",
        "X: y\r\n",
        "Host: a\r\n",
        "Content-Length: 1\r\n",
        ":",
        "\0",
        "\u{e9}",
    ];

    fn text(words: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(words), 0..24).prop_map(|words| words.concat())
    }

    proptest! {
        #[test]
        fn heads(text in text(&HEAD_WORDS)) {
            head::check(text.as_bytes());
        }

        #[test]
        fn chunk_framing(text in text(&CHUNK_WORDS)) {
            chunks::check(format!("c{text}").as_bytes());
        }

        #[test]
        fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            head::check(&bytes);
            chunks::check(&bytes);
        }
    }
}
