//! Bodies: asked for, left unread, too large, promised with `Expect: 100-continue`.

use std::cell::RefCell;
use std::rc::Rc;

use covet_server::body::{Asked, BodyError, Sink};
use covet_server::gathering::{Whole, gather};
use covet_server::handler::{Answer, Request, Route};
use covet_server::settings::Settings;
use tokio::io::{AsyncWriteExt, ReadBuf};

use crate::support::{Gate, Site, later, now, run, text};

type Ending = Rc<RefCell<Option<Result<Vec<u8>, BodyError>>>>;

/// Gathers a body in rooms of a few bytes.
struct Gather {
    bytes: Vec<u8>,
    ending: Ending,
    ended: Gate,
}

impl Sink for Gather {
    fn read(&mut self, hint: usize, fill: &mut dyn FnMut(&mut ReadBuf<'_>)) {
        let mut room = [0; 1000];
        let mut room = ReadBuf::new(&mut room[..hint.clamp(1, 1000)]);
        fill(&mut room);
        self.bytes.extend_from_slice(room.filled());
    }

    fn finish(self: Box<Self>, result: Result<(), BodyError>) {
        let Gather {
            bytes,
            ending,
            ended,
        } = *self;
        *ending.borrow_mut() = Some(result.map(|()| bytes));
        ended.open();
    }
}

/// Answers how the body came, and the body.
fn echo(request: &Request<'_>, ending: &Ending, ended: &Gate) -> Answer {
    let asked = request.body.ask(|| {
        Box::new(Gather {
            bytes: Vec::new(),
            ending: Rc::clone(ending),
            ended: ended.clone(),
        })
    });
    match asked {
        Asked::Whole(None) => now("none:"),
        Asked::Whole(Some(bytes)) => Answer::Now(text([b"whole:", &bytes[..]].concat())),
        Asked::Taken => now("taken"),
        Asked::Later => {
            let (ending, ended, body) = (Rc::clone(ending), ended.clone(), request.body.clone());
            later(async move {
                ended.passed().await;
                let again = body.ask(|| unreachable!("a body is given once"));
                assert!(matches!(again, Asked::Taken));
                match &*ending.borrow() {
                    Some(Ok(bytes)) => text([b"later:", &bytes[..]].concat()),
                    other => text(format!("{other:?}")),
                }
            })
        }
    }
}

/// Answers how the body came, and the body, as one buffer.
fn gathered(request: &Request<'_>) -> Answer {
    match gather(request.body) {
        Whole::Here(bytes) => Answer::Now(text([b"here:", &bytes[..]].concat())),
        Whole::Taken => now("taken"),
        Whole::Coming(coming) => later(async move {
            match coming.await {
                Ok(bytes) => text([b"later:", &bytes[..]].concat()),
                Err(error) => text(format!("{error:?}")),
            }
        }),
    }
}

/// `POST /echo` with a limit, and `POST /ignore` that never asks.
fn site(max_body: u64) -> Site {
    let limited = move |route: &mut Route| route.max_body = Some(max_body);
    let deaf = |route: &mut Route| route.takes_body = false;
    Site::new()
        .route("POST", "/echo", limited, |request| {
            echo(request, &Ending::default(), &Gate::default())
        })
        .route("POST", "/whole", limited, gathered)
        .route("POST", "/deaf", deaf, |_| now("ignored"))
        .on("POST", "/ignore", |_| now("ignored"))
}

fn post(path: &str, fields: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: a\r\n{fields}\r\n")
}

#[test]
fn a_body_arrives_with_its_head_in_pieces_or_chunked() {
    run(async {
        let served = site(1 << 20).serve(Settings::default());
        let mut client = served.connect().await;
        client.send(post("/echo", "")).await;
        assert_eq!(client.reply().await.text(), "none:");

        client
            .send(post("/echo", "content-length: 5\r\n") + "hello")
            .await;
        assert_eq!(client.reply().await.text(), "whole:hello");

        let large = "0123456789".repeat(30_000);
        let head = post("/echo", &format!("content-length: {}\r\n", large.len()));
        client.send(head + &large[..7]).await;
        client.send(&large[7..]).await;
        assert_eq!(client.reply().await.text(), format!("later:{large}"));

        let chunked = post("/echo", "transfer-encoding: chunked\r\n");
        client.send(chunked + "5\r\nhello\r\n7;a=").await;
        client.send("b\r\n, world\r\n0\r\nx: y\r\n\r\n").await;
        assert_eq!(client.reply().await.text(), "later:hello, world");
        assert_eq!(client.ask("GET /").await.text(), "hello");
    });
}

#[test]
fn a_body_is_gathered_whole() {
    run(async {
        let served = site(1 << 20).serve(Settings::default());
        let mut client = served.connect().await;
        client.send(post("/whole", "")).await;
        assert_eq!(client.reply().await.text(), "here:");
        client
            .send(post("/whole", "content-length: 5\r\n") + "hello")
            .await;
        assert_eq!(client.reply().await.text(), "here:hello");

        let large = "0123456789".repeat(50_000);
        let head = post("/whole", &format!("content-length: {}\r\n", large.len()));
        client.send(head + &large[..7]).await;
        client.send(&large[7..]).await;
        assert_eq!(client.reply().await.text(), format!("later:{large}"));

        let chunked = post("/whole", "transfer-encoding: chunked\r\n");
        client.send(chunked + "5\r\nhello\r\n7;a=").await;
        client.send("b\r\n, world\r\n0\r\n\r\n").await;
        assert_eq!(client.reply().await.text(), "later:hello, world");
        assert_eq!(client.ask("GET /").await.text(), "hello");
    });
}

#[test]
fn an_expecting_client_is_told_to_go_on_when_the_body_is_wanted() {
    run(async {
        let served = site(100).serve(Settings::default());
        let expecting = "content-length: 5\r\nexpect: 100-continue\r\n";
        let mut client = served.connect().await;
        client.send(post("/echo", expecting)).await;
        assert_eq!(client.reply().await.status, 100);
        client.send("hello").await;
        assert_eq!(client.reply().await.text(), "later:hello");
        assert_eq!(client.ask("GET /").await.text(), "hello");

        // Nobody asks: no 100, and the connection ends because the body may or may not follow.
        client.send(post("/ignore", expecting)).await;
        let reply = client.reply().await;
        assert_eq!((reply.status, reply.text()), (200, "ignored"));
        assert!(reply.closes());
        assert_eq!(client.rest().await, b"");
    });
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    run(async {
        let served = site(10).serve(Settings::default());
        for (length, status) in [(9, 200), (10, 200), (11, 413)] {
            let mut client = served.connect().await;
            let head = post("/echo", &format!("content-length: {length}\r\n"));
            client.send(head).await;
            if status == 200 {
                client.send(&b"0123456789"[..length]).await;
            }
            let reply = client.reply().await;
            assert_eq!(
                (reply.status, reply.closes()),
                (status, status == 413),
                "{length}"
            );
        }
    });
}

#[test]
fn chunks_over_the_limit_are_refused_and_the_sink_is_told() {
    run(async {
        let (ending, ended) = (Ending::default(), Gate::default());
        let given = (Rc::clone(&ending), ended.clone());
        let limited = |route: &mut Route| route.max_body = Some(10);
        let site = Site::new().route("POST", "/echo", limited, move |request| {
            echo(request, &given.0, &given.1)
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        let chunked = post("/echo", "transfer-encoding: chunked\r\n");
        client.send(chunked + "a\r\n0123456789\r\n1\r\nx").await;
        let reply = client.reply().await;
        assert_eq!(reply.status, 413);
        assert!(reply.closes());
        ended.passed().await;
        let told = ending.borrow_mut().take().unwrap();
        assert!(
            matches!(told, Err(BodyError::Refused(refusal)) if refusal.status == 413),
            "{told:?}"
        );
    });
}

#[test]
fn an_unread_body_is_thrown_away_and_the_connection_goes_on() {
    run(async {
        let served = site(10).serve(Settings::default());
        let mut client = served.connect().await;
        let body = "GET /missing HTTP/1.1\r\n\r\n".repeat(1000);
        for path in ["/ignore", "/deaf"] {
            let head = post(path, &format!("content-length: {}\r\n", body.len()));
            client.send(head).await;
            let reply = client.reply().await;
            assert_eq!((reply.text(), reply.closes()), ("ignored", false), "{path}");
            client.send(&body).await;
            assert_eq!(client.ask("GET /").await.text(), "hello", "{path}");
        }
        let too_much = Settings::default().max_discard + 1;
        let head = post("/ignore", &format!("content-length: {too_much}\r\n"));
        client.send(head).await;
        assert!(client.reply().await.closes());
    });
}

#[test]
fn how_much_is_thrown_away_is_a_setting() {
    run(async {
        let served = site(10).serve(Settings {
            max_discard: 10,
            ..Settings::default()
        });
        for (size, stays) in [(9, true), (10, true), (11, false)] {
            let mut client = served.connect().await;
            let body = "b".repeat(size);
            let head = post("/ignore", &format!("content-length: {size}\r\n"));
            client.send(head).await;
            assert_eq!(client.reply().await.closes(), !stays, "{size} bytes");
            client.send(&body).await;
            if stays {
                assert_eq!(client.ask("GET /").await.text(), "hello", "{size} bytes");
            } else {
                assert_eq!(client.rest().await, b"", "{size} bytes");
            }

            // The size of a chunked body shows only after the answer.
            let mut client = served.connect().await;
            client
                .send(post("/ignore", "transfer-encoding: chunked\r\n"))
                .await;
            assert!(!client.reply().await.closes());
            let chunks = "1\r\nb\r\n".repeat(size);
            client.send(chunks + "0\r\n\r\n").await;
            if stays {
                assert_eq!(client.ask("GET /").await.text(), "hello", "{size} bytes");
            } else {
                assert_eq!(client.rest().await, b"", "{size} bytes");
            }
        }
    });
}

#[test]
fn a_sink_is_told_that_the_client_went() {
    run(async {
        let (ending, ended) = (Ending::default(), Gate::default());
        let given = (Rc::clone(&ending), ended.clone());
        let site = Site::new().on("POST", "/echo", move |request| {
            echo(request, &given.0, &given.1)
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client
            .send(post("/echo", "content-length: 5\r\n") + "he")
            .await;
        drop(client);
        ended.passed().await;
        assert_eq!(*ending.borrow(), Some(Err(BodyError::Disconnected)));
    });
}

#[test]
fn a_body_that_is_cut_off_costs_no_earlier_answer() {
    run(async {
        let served = site(1 << 20).serve(Settings::default());
        for path in ["/echo", "/ignore"] {
            let mut client = served.connect().await;
            let cut = post(path, "content-length: 5\r\n") + "ab";
            client
                .send(String::from("GET / HTTP/1.1\r\nhost: a\r\n\r\n") + &cut)
                .await;
            client.stream.shutdown().await.unwrap();
            assert_eq!(client.reply().await.text(), "hello", "{path}");
            if path == "/ignore" {
                assert_eq!(client.reply().await.text(), "ignored");
            }
            assert_eq!(client.rest().await, b"", "{path}");
        }
    });
}
