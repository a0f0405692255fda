//! Bodies in pieces: the client waits for the reader, and is timed only while the reader waits.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use covet_server::body::BodyError;
use covet_server::body_stream::BodyStream;
use covet_server::handler::{Answer, Request, Route};
use covet_server::response::Payload;
use covet_server::settings::Settings;
use covet_server::streaming::{Broken, Part};
use tokio::io::AsyncWriteExt;

use crate::feeding::made;
use crate::support::{Gate, Site, later, now, run, stalled, text};

fn post(path: &str, fields: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: a\r\n{fields}\r\n")
}

async fn read(stream: &mut BodyStream) -> Option<Result<Vec<u8>, BodyError>> {
    let piece = poll_fn(|cx| stream.poll_next(cx)).await?;
    Some(piece.map(|bytes| bytes.to_vec()))
}

/// Answers the whole body, read in pieces, or why it did not come.
pub(crate) fn gathered(request: &Request<'_>) -> Answer {
    let Some(mut stream) = BodyStream::of(request.body) else {
        return now("taken");
    };
    assert!(request.body.is_empty() || BodyStream::of(request.body).is_none());
    later(async move {
        let mut all = Vec::new();
        loop {
            match read(&mut stream).await {
                None => return text(all),
                Some(Err(error)) => return text(format!("{error:?}")),
                Some(Ok(piece)) => {
                    assert!(!piece.is_empty());
                    all.extend(piece);
                }
            }
        }
    })
}

#[test]
fn a_body_comes_in_pieces_however_it_was_sent() {
    run(async {
        let served = Site::new()
            .on("POST", "/all", gathered)
            .serve(Settings::default());
        let mut client = served.connect().await;
        let large = "0123456789".repeat(100_000);
        let length = |body: &str| format!("content-length: {}\r\n", body.len());
        for body in ["", "here", large.as_str()] {
            client.send(post("/all", &length(body)) + body).await;
            assert!(client.reply().await.text() == body, "{}", body.len());
        }
        client.send(post("/all", "content-length: 5\r\n")).await;
        for byte in ["h", "el", "lo"] {
            client.send(byte).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(client.reply().await.text(), "hello");
        let chunks = format!("186a0\r\n{}\r\n2\r\nab\r\n0\r\n\r\n", &large[..100_000]);
        client
            .send(post("/all", "transfer-encoding: chunked\r\n") + &chunks)
            .await;
        assert_eq!(client.reply().await.body.len(), 100_002);
        let expects = "expect: 100-continue\r\ncontent-length: 2\r\n";
        client.send(post("/all", expects)).await;
        assert_eq!(client.head().await.status, 100);
        client.send("ok").await;
        assert_eq!(client.reply().await.text(), "ok");
        assert_eq!(client.ask("GET /").await.text(), "hello");
    });
}

#[test]
fn a_reader_that_is_behind_pauses_the_client() {
    for chunked in [false, true] {
        run(async {
            const TOTAL: usize = 64 * 1024 * 1024;
            let (first, go) = (Gate::default(), Gate::default());
            let gates = (first.clone(), go.clone());
            let site = Site::new().on("POST", "/slow", move |request| {
                let (first, go) = gates.clone();
                let mut stream = BodyStream::of(request.body).expect("nobody took it");
                later(async move {
                    let mut count = read(&mut stream)
                        .await
                        .map_or(0, |it| it.map_or(0, |b| b.len()));
                    first.open();
                    go.passed().await;
                    while let Some(Ok(piece)) = read(&mut stream).await {
                        assert!(piece.len() <= 256 * 1024, "a piece of {}", piece.len());
                        count += piece.len();
                    }
                    text(count.to_string())
                })
            });
            let served = site.serve(Settings::default());
            let client = served.connect().await;
            let (mut reading, mut writing) = client.split();
            let sent = Rc::new(Cell::new(0));
            let count = Rc::clone(&sent);
            tokio::task::spawn_local(async move {
                let head = if chunked {
                    post("/slow", "transfer-encoding: chunked\r\n")
                } else {
                    post("/slow", &format!("content-length: {TOTAL}\r\n"))
                };
                writing.write_all(head.as_bytes()).await.expect("a server");
                let piece = if chunked {
                    [b"4000\r\n", &[b'x'; 0x4000][..], b"\r\n"].concat()
                } else {
                    vec![b'x'; 0x4000]
                };
                for _ in 0..TOTAL / 0x4000 {
                    writing.write_all(&piece).await.expect("a server");
                    count.set(count.get() + 0x4000);
                }
                if chunked {
                    writing.write_all(b"0\r\n\r\n").await.expect("a server");
                }
            });
            first.passed().await;
            stalled(&sent).await;
            assert!(sent.get() < TOTAL / 2, "{} bytes were read", sent.get());
            go.open();
            assert_eq!(reading.reply().await.text(), TOTAL.to_string());
        });
    }
}

#[test]
fn the_limit_of_the_route_counts_pieces_too() {
    run(async {
        let ended = Rc::new(RefCell::new(None));
        let end = Rc::clone(&ended);
        let limited = |route: &mut Route| route.max_body = Some(10);
        let site = Site::new().route("POST", "/ten", limited, move |request| {
            let mut stream = BodyStream::of(request.body).expect("nobody took it");
            let end = Rc::clone(&end);
            later(async move {
                let mut count = 0;
                let result = loop {
                    match read(&mut stream).await {
                        None => break Ok(count),
                        Some(Ok(piece)) => count += piece.len(),
                        Some(Err(error)) => break Err(error),
                    }
                };
                *end.borrow_mut() = Some(result);
                text("read")
            })
        });
        let served = site.serve(Settings::default());
        for (size, status) in [(9, 200), (10, 200), (11, 413)] {
            let mut client = served.connect().await;
            let head = post("/ten", "transfer-encoding: chunked\r\n");
            client
                .send(head + &"1\r\nb\r\n".repeat(size) + "0\r\n\r\n")
                .await;
            assert_eq!(client.reply().await.status, status, "{size} bytes");
            while ended.borrow().is_none() {
                tokio::task::yield_now().await;
            }
            match ended.take() {
                Some(Ok(count)) => assert_eq!((count, status), (size, 200)),
                Some(Err(BodyError::Refused(refusal))) => assert_eq!(refusal.status, status),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn the_clients_time_runs_only_while_the_reader_waits() {
    for waits in [false, true] {
        run(async {
            let (first, go) = (Gate::default(), Gate::default());
            let gates = (first.clone(), go.clone());
            let site = Site::new().on("POST", "/slow", move |request| {
                let (first, go) = gates.clone();
                let mut stream = BodyStream::of(request.body).expect("nobody took it");
                later(async move {
                    assert_eq!(read(&mut stream).await, Some(Ok(b"one".to_vec())));
                    first.open();
                    if !waits {
                        go.passed().await;
                    }
                    match read(&mut stream).await {
                        Some(Ok(bytes)) => text(bytes),
                        other => text(format!("{other:?}")),
                    }
                })
            });
            let served = site.serve(Settings {
                body_timeout: Duration::from_millis(60),
                body_min_rate: 1000,
                body_rate_grace: Duration::from_millis(60),
                ..Settings::default()
            });
            let mut client = served.connect().await;
            client
                .send(post("/slow", "content-length: 6\r\n") + "one")
                .await;
            first.passed().await;
            if waits {
                assert_eq!(client.reply().await.status, 408);
                assert_eq!(client.rest().await, b"");
                return;
            }
            let soon = Duration::from_millis(200);
            let left = tokio::time::timeout(soon, served.holds(0)).await;
            assert!(left.is_err(), "the reader is slow, not the client");
            go.open();
            client.send("two").await;
            assert_eq!(client.reply().await.text(), "two");
            assert_eq!(client.ask("GET /").await.text(), "hello");
        });
    }
}

#[test]
fn a_reader_learns_that_the_client_went() {
    run(async {
        let (seen, ended) = (Rc::new(RefCell::new(None)), Gate::default());
        let (see, end) = (Rc::clone(&seen), ended.clone());
        let keep = |route: &mut Route| route.cancel_on_disconnect = false;
        let site = Site::new().route("POST", "/all", keep, move |request| {
            let mut stream = BodyStream::of(request.body).expect("nobody took it");
            let (see, end) = (Rc::clone(&see), end.clone());
            later(async move {
                while let Some(Ok(_)) = read(&mut stream).await {}
                *see.borrow_mut() = read(&mut stream).await;
                end.open();
                text("nobody reads this")
            })
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client
            .send(post("/all", "content-length: 5\r\n") + "he")
            .await;
        drop(client);
        ended.passed().await;
        assert_eq!(seen.take(), Some(Err(BodyError::Disconnected)));
    });
}

/// Answers the body as it comes.
fn echo(request: &Request<'_>) -> Answer {
    let mut stream = BodyStream::of(request.body).expect("nobody took it");
    Answer::Now(made(move |cx| {
        stream.poll_next(cx).map(|piece| match piece {
            None => Ok(Part::end()),
            Some(Ok(bytes)) => Ok(Part::Chunk(Payload::Buffer(bytes))),
            Some(Err(_)) => Err(Broken::default()),
        })
    }))
}

#[test]
fn an_answer_may_read_the_body_that_it_answers() {
    run(async {
        let limited = |route: &mut Route| route.max_body = Some(10);
        let site = Site::new().route("POST", "/echo", limited, echo);
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client.send(post("/echo", "content-length: 6\r\n")).await;
        assert_eq!(client.head().await.status, 200);
        for part in ["one", "two"] {
            client.send(part).await;
            assert_eq!(client.take(8).await, format!("3\r\n{part}\r\n").as_bytes());
        }
        assert_eq!(client.take(5).await, b"0\r\n\r\n");
        assert_eq!(client.ask("GET /").await.text(), "hello");
        // Too much: it cannot be refused any more, only cut.
        client
            .send(post("/echo", "transfer-encoding: chunked\r\n"))
            .await;
        assert_eq!(client.head().await.status, 200);
        client.send("3\r\none\r\n").await;
        assert_eq!(client.take(8).await, b"3\r\none\r\n");
        client.send("9\r\ntoo large\r\n").await;
        assert_eq!(client.rest().await, b"");
        served.holds(0).await;
    });
}

#[test]
fn a_body_that_is_read_in_part_is_thrown_away() {
    run(async {
        let site = Site::new().on("POST", "/part", |request| {
            let mut stream = BodyStream::of(request.body).expect("nobody took it");
            later(async move {
                let first = read(&mut stream).await;
                assert!(matches!(first, Some(Ok(_))));
                text("enough")
            })
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client
            .send(post("/part", "content-length: 6\r\n") + "one")
            .await;
        assert_eq!(client.reply().await.text(), "enough");
        client.send("two").await;
        assert_eq!(client.ask("GET /").await.text(), "hello");
    });
}

#[test]
fn a_stream_that_nobody_polls_reads_nothing() {
    run(async {
        let kept = Rc::new(RefCell::new(None));
        let keep = Rc::clone(&kept);
        let released = Gate::default();
        let gate = released.clone();
        let site = Site::new().on("POST", "/lazy", move |request| {
            *keep.borrow_mut() = BodyStream::of(request.body);
            let gate = gate.clone();
            later(async move {
                gate.passed().await;
                text("unread")
            })
        });
        let served = site.serve(Settings {
            body_timeout: Duration::from_millis(30),
            ..Settings::default()
        });
        let mut client = served.connect().await;
        client.send(post("/lazy", "content-length: 3\r\n")).await;
        served.holds(1).await;
        let soon = Duration::from_millis(120);
        assert!(tokio::time::timeout(soon, served.holds(0)).await.is_err());
        released.open();
        assert_eq!(client.reply().await.text(), "unread");
        let mut stream = kept.take().expect("a stream");
        assert_eq!(read(&mut stream).await, Some(Err(BodyError::Taken)));
        let again = poll_fn(|cx| Poll::Ready(stream.poll_next(cx).is_ready())).await;
        assert!(again);
    });
}
