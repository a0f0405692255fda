//! Answers in the coding that their client accepts: whole, in parts, from files; and those that stay.

use std::sync::Arc;

use covet_server::compression::Compress;
use covet_server::files::{FileBody, Files, StoredFile};
use covet_server::handler::{Answer, Route};
use covet_server::response::{Payload, Response, TEXT};
use covet_server::settings::Settings;
use covet_server::streaming::{Broken, Part};

use crate::coded::{CODINGS, Decoding, decoded, words};
use crate::feeding::Feed;
use crate::support::{Reply, Served, Site, run, text};

fn compresses(route: &mut Route) {
    route.compress = Some(Compress { minimum_size: 500 });
}

fn ask(method: &str, path: &str, accept: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: a\r\naccept-encoding: {accept}\r\n\r\n")
}

async fn get(served: &Served, path: &str, accept: &str) -> Reply {
    let mut client = served.connect().await;
    client.send(ask("GET", path, accept)).await;
    client.reply().await
}

#[test]
fn a_whole_answer_is_encoded_and_has_its_length() {
    run(async {
        let served = Site::new()
            .route("GET", "/small", compresses, |_| {
                Answer::Now(text(words(499)))
            })
            .route("GET", "/enough", compresses, |_| {
                Answer::Now(text(words(500)))
            })
            .route("GET", "/most", compresses, |_| {
                Answer::Now(text(words(65_536)))
            })
            .serve(Settings::default());
        let mut client = served.connect().await;
        for coding in CODINGS {
            for (path, length) in [("/enough", 500), ("/most", 65_536)] {
                client.send(ask("GET", path, coding)).await;
                let reply = client.reply().await;
                assert_eq!(reply.field("content-encoding"), Some(coding));
                assert_eq!(reply.field("vary"), Some("accept-encoding"));
                assert_eq!(reply.field("transfer-encoding"), None);
                let said = reply.field("content-length").map(str::to_owned);
                assert_eq!(said, Some(reply.body.len().to_string()));
                assert!(reply.body.len() < length / 10 * 7, "{coding} {path}");
                assert!(
                    decoded(coding, &reply.body) == words(length),
                    "{coding} {path}"
                );
            }
            client.send(ask("GET", "/small", coding)).await;
            let reply = client.reply().await;
            assert_eq!(
                (reply.field("content-encoding"), reply.field("vary")),
                (None, None)
            );
            assert_eq!(reply.body, words(499));
        }
        let reply = client.ask("GET /enough").await;
        assert_eq!(reply.field("content-encoding"), None);
        assert_eq!(reply.field("vary"), Some("accept-encoding"));
        assert_eq!(reply.body, words(500));
    });
}

#[test]
fn a_large_answer_is_encoded_while_it_is_sent() {
    run(async {
        let served = Site::new()
            .route("GET", "/x", compresses, |_| {
                Answer::Now(text(words(3_000_000)))
            })
            .serve(Settings::default());
        for coding in CODINGS {
            let reply = get(&served, "/x", coding).await;
            assert_eq!(reply.field("content-encoding"), Some(coding));
            assert_eq!(reply.field("transfer-encoding"), Some("chunked"));
            assert_eq!(reply.field("content-length"), None);
            assert!(decoded(coding, &reply.body) == words(3_000_000), "{coding}");
        }
        let mut old = served.connect().await;
        old.send("GET /x HTTP/1.0\r\naccept-encoding: gzip\r\n\r\n")
            .await;
        assert_eq!(old.head().await.field("transfer-encoding"), None);
        let body = old.rest().await;
        assert!(decoded("gzip", &body) == words(3_000_000));
    });
}

#[test]
fn head_says_what_get_says() {
    run(async {
        let feed = Feed::default();
        let served = Site::new()
            .route("GET", "/small", compresses, |_| {
                Answer::Now(text(words(100)))
            })
            .route("GET", "/whole", compresses, |_| {
                Answer::Now(text(words(5_000)))
            })
            .route("GET", "/large", compresses, |_| {
                Answer::Now(text(words(500_000)))
            })
            .route("GET", "/stream", compresses, feed.handler())
            .serve(Settings::default());
        let names = ["content-encoding", "vary", "content-length", "content-type"];
        let mut client = served.connect().await;
        for accept in ["gzip", "identity", "zstd, br"] {
            for path in ["/small", "/whole", "/large", "/stream"] {
                client.send(ask("HEAD", path, accept)).await;
                let head = client.head().await;
                feed.chunk(words(1_000)).end();
                client.send(ask("GET", path, accept)).await;
                let got = client.reply().await;
                for name in names {
                    assert_eq!(head.field(name), got.field(name), "{path} {accept} {name}");
                }
            }
        }
    });
}

#[test]
fn each_event_arrives_before_the_next_is_made() {
    for coding in CODINGS {
        run(async {
            let feed = Feed::default();
            let served = Site::new()
                .route("GET", "/s", compresses, feed.handler())
                .serve(Settings::default());
            let mut client = served.connect().await;
            client.send(ask("GET", "/s", coding)).await;
            let head = client.head().await;
            assert_eq!(head.field("content-encoding"), Some(coding));
            assert_eq!(head.field("content-length"), None);
            let mut decoding = Decoding::new(coding);
            for at in 0..50 {
                let event = format!("data: {{\"at\": {at}}}\n\n");
                feed.chunk(event.as_bytes());
                let mut seen = Vec::new();
                while seen != event.as_bytes() {
                    seen.extend(decoding.feed(&client.chunk().await));
                    assert!(event.as_bytes().starts_with(&seen), "{coding} {at}");
                }
            }
            // Several that are there at once, and the end with its trailers.
            feed.chunk("a").chunk("b").chunk("");
            feed.put(Ok(Part::End(b"x-sum: 1\r\n".to_vec())));
            let (rest, trailers) = client.chunks().await;
            assert_eq!(decoding.feed(&rest), b"ab");
            assert_eq!(trailers, "x-sum: 1\n");
            assert_eq!(served.server.counters().requests(), 1);
        });
    }
}

#[test]
fn a_stream_in_large_parts_is_whole_and_one_that_breaks_is_cut() {
    run(async {
        let feed = Feed::of_length(300_000);
        let served = Site::new()
            .route("GET", "/s", compresses, feed.handler())
            .serve(Settings::default());
        for coding in CODINGS {
            for part in words(300_000).chunks(90_001) {
                feed.chunk(part);
            }
            feed.end();
            let reply = get(&served, "/s", coding).await;
            assert_eq!(reply.field("transfer-encoding"), Some("chunked"));
            assert!(decoded(coding, &reply.body) == words(300_000), "{coding}");
        }
        let mut client = served.connect().await;
        client.send(ask("GET", "/s", "gzip")).await;
        client.head().await;
        feed.chunk(words(600));
        feed.starved().await;
        feed.put(Err(Broken::default()));
        let all = client.rest().await;
        assert!(!all.ends_with(b"0\r\n\r\n"), "it would pass for whole");
    });
}

#[test]
fn a_stream_that_breaks_first_is_answered_otherwise() {
    run(async {
        let feed = Feed::holding_head();
        let served = Site::new()
            .route("GET", "/s", compresses, feed.handler())
            .serve(Settings::default());
        feed.put(Err(Broken::default()));
        let reply = get(&served, "/s", "gzip").await;
        assert_eq!((reply.status, reply.field("content-encoding")), (500, None));
    });
}

#[test]
fn what_must_stay_stays() {
    type Change = fn(Response) -> Response;
    let table: [(&str, Change, Option<&str>); 8] = [
        (
            "no content",
            |_| Response::new(204, None, Payload::Empty),
            None,
        ),
        ("a part", |it| Response { status: 206, ..it }, None),
        (
            "final",
            |it| it.with_field("cache-control", "no-transform"),
            None,
        ),
        (
            "encoded",
            |it| it.with_field("content-encoding", "br"),
            None,
        ),
        (
            "digested",
            |it| it.with_field("content-digest", "sha-256=:AA==:"),
            None,
        ),
        (
            "a picture",
            |it| Response {
                content_type: Some(b"image/png"),
                ..it
            },
            None,
        ),
        (
            "octets",
            |it| Response {
                content_type: None,
                ..it
            },
            None,
        ),
        (
            "varying",
            |it| it.with_field("vary", "origin"),
            Some("origin, accept-encoding"),
        ),
    ];
    for (name, change, vary) in table {
        run(async {
            let served = Site::new()
                .route("GET", "/x", compresses, move |_| {
                    Answer::Now(change(text(words(600))))
                })
                .serve(Settings::default());
            let reply = get(&served, "/x", "gzip").await;
            assert_eq!(reply.field("vary"), vary, "{name}");
            if vary.is_some() {
                assert_eq!(decoded("gzip", &reply.body), words(600), "{name}");
            } else if reply.status != 204 {
                assert_eq!(reply.body, words(600), "{name}");
            }
        });
    }
}

#[test]
fn a_route_that_does_not_say_so_compresses_nothing() {
    run(async {
        let served = Site::new()
            .on("GET", "/plain", |_| Answer::Now(text(words(600))))
            .route("GET", "/other", compresses, |_| {
                Answer::Now(text(words(600)))
            })
            .serve(Settings::default());
        let mut client = served.connect().await;
        for _ in 0..2 {
            client.send(ask("GET", "/other", "gzip")).await;
            assert_eq!(client.reply().await.field("content-encoding"), Some("gzip"));
            client.send(ask("GET", "/plain", "gzip")).await;
            let reply = client.reply().await;
            assert_eq!(
                (reply.field("content-encoding"), reply.field("vary")),
                (None, None)
            );
            client.send(ask("GET", "/missing", "gzip")).await;
            assert_eq!(client.reply().await.field("content-encoding"), None);
        }
    });
}

#[test]
fn pipelined_answers_are_each_encoded_for_their_request() {
    run(async {
        let served = Site::new()
            .route("GET", "/x", compresses, |_| {
                Answer::Now(text(words(20_000)))
            })
            .route("GET", "/large", compresses, |_| {
                Answer::Now(text(words(200_000)))
            })
            .serve(Settings::default());
        let mut client = served.connect().await;
        let order = ["gzip", "identity", "br", "zstd"];
        let asked: String = order
            .iter()
            .map(|coding| ask("GET", "/x", coding) + &ask("GET", "/large", coding))
            .collect();
        client.send(asked).await;
        for coding in order {
            for length in [20_000, 200_000] {
                let reply = client.reply().await;
                let encoded = reply.field("content-encoding").map(str::to_owned);
                match encoded {
                    None => assert!(coding == "identity" && reply.body == words(length)),
                    Some(name) => {
                        assert_eq!(name, coding);
                        assert!(decoded(coding, &reply.body) == words(length), "{coding}");
                    }
                }
            }
        }
    });
}

#[test]
fn a_client_that_leaves_ends_the_stream() {
    run(async {
        let feed = Feed::default();
        let served = Site::new()
            .route("GET", "/s", compresses, feed.handler())
            .serve(Settings::default());
        let mut client = served.connect().await;
        client.send(ask("GET", "/s", "zstd")).await;
        client.head().await;
        feed.starved().await;
        drop(client);
        feed.dropped().passed().await;
        served.holds(0).await;
    });
}

/// A folder that is gone at the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn with(name: &str, files: &[(&str, Vec<u8>)]) -> Self {
        let path = std::env::temp_dir().join(format!("covet-coded-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a folder");
        for (name, bytes) in files {
            std::fs::write(path.join(name), bytes).expect("a file");
            let old = std::time::SystemTime::now() - std::time::Duration::from_secs(86_400);
            let file = std::fs::File::options().write(true).open(path.join(name));
            file.and_then(|file| file.set_modified(old))
                .expect("a time");
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn files_are_encoded_where_no_sibling_is() {
    let folder = Folder::with(
        "static",
        &[
            ("a.js", words(20_000)),
            ("large.js", words(200_000)),
            ("tiny.js", words(100)),
            ("kept.js", words(9_000)),
            ("kept.js.gz", b"precompressed".to_vec()),
            ("a.png", words(9_000)),
        ],
    );
    run(async {
        let files = Arc::new(Files::new(&folder.0, false).expect("a folder"));
        let path = folder.0.join("large.js");
        let served = Site::new()
            .route(
                "GET",
                "/static/{path:path}",
                |route| {
                    compresses(route);
                    route.files = Some(files);
                },
                |_| unreachable!("files answer"),
            )
            .route("GET", "/file", compresses, move |_| {
                let stored = StoredFile::open(&path).expect("the file");
                let mut fields = Vec::new();
                stored.write_fields(&mut fields);
                let body = Payload::File(Box::new(FileBody::whole(stored)));
                let mut response = Response::new(200, Some(TEXT), body);
                response.fields = fields;
                Answer::Now(response)
            })
            .serve(Settings::default());
        for coding in CODINGS {
            for (path, length) in [
                ("/static/a.js", 20_000),
                ("/static/large.js", 200_000),
                ("/file", 200_000),
            ] {
                let reply = get(&served, path, coding).await;
                assert_eq!(reply.field("content-encoding"), Some(coding), "{path}");
                assert_eq!(reply.field("vary"), Some("accept-encoding"), "{path}");
                assert_eq!(reply.field("accept-ranges"), None, "{path}");
                let tag = reply.field("etag").expect("a validator").to_owned();
                assert!(tag.starts_with("W/\""), "{path}: {tag}");
                assert!(
                    decoded(coding, &reply.body) == words(length),
                    "{path} {coding}"
                );
                // The tag is known again, and the 304 has the same.
                let mut client = served.connect().await;
                let again = format!("{coding}\r\nif-none-match: {tag}");
                client.send(ask("GET", path, &again)).await;
                let same = client.head().await;
                assert_eq!((same.status, same.field("etag")), (304, Some(tag.as_str())));
                assert_eq!(same.field("vary"), Some("accept-encoding"), "{path}");
                assert_eq!(same.field("content-encoding"), None);
                // A range is one of the file itself.
                client
                    .send(ask("GET", path, &format!("{coding}\r\nrange: bytes=5-9")))
                    .await;
                let part = client.reply().await;
                assert_eq!((part.status, part.field("content-encoding")), (206, None));
                assert_eq!(part.body, &words(length)[5..10]);
                assert_eq!(part.field("vary"), Some("accept-encoding"), "{path}");
                assert!(part.field("etag").is_some_and(|it| it.starts_with('"')));
            }
        }
        let kept = get(&served, "/static/kept.js", "gzip").await;
        assert_eq!(kept.text(), "precompressed");
        for path in ["/static/tiny.js", "/static/a.png"] {
            let reply = get(&served, path, "gzip").await;
            assert_eq!(reply.field("content-encoding"), None, "{path}");
        }
        let plain = get(&served, "/static/large.js", "identity").await;
        assert_eq!(plain.field("content-length"), Some("200000"));
        assert_eq!(plain.field("accept-ranges"), Some("bytes"));
    });
}
