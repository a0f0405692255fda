//! Answers in parts: how they are framed, started, broken and ended.

use std::task::Poll;
use std::time::Duration;

use covet_server::handler::{Answer, Route};
use covet_server::response::{Payload, Response, TEXT};
use covet_server::settings::Settings;
use covet_server::streaming::{Broken, Part};

use crate::feeding::{Feed, chunk, made};
use crate::support::{Client, Served, Site, later, run};

pub(crate) const ASK: &str = "GET /s HTTP/1.1\r\nhost: a\r\n\r\n";
const ASK_10: &str = "GET /s HTTP/1.0\r\n\r\n";

pub(crate) async fn serve(feed: &Feed) -> (Served, Client<tokio::net::TcpStream>) {
    let site = Site::new().on("GET", "/s", feed.handler());
    let served = site.serve(Settings::default());
    let client = served.connect().await;
    (served, client)
}

#[test]
fn a_stream_is_chunked_and_flushed_when_no_more_is_ready() {
    run(async {
        let feed = Feed::default();
        let (served, mut client) = serve(&feed).await;
        client.send(ASK).await;
        let head = client.head().await;
        assert_eq!(head.field("transfer-encoding"), Some("chunked"));
        assert_eq!(head.field("content-length"), None);
        feed.chunk("ab").chunk("").chunk("0123456789abcdefg");
        let expected = b"2\r\nab\r\n11\r\n0123456789abcdefg\r\n";
        assert_eq!(client.take(expected.len()).await, expected);
        feed.end();
        assert_eq!(client.take(5).await, b"0\r\n\r\n");
        assert!(feed.dropped().is_open());
        assert_eq!(client.ask("GET /").await.text(), "hello");
        assert_eq!(served.server.counters().requests(), 2);
    });
}

#[test]
fn a_stream_of_known_length_has_no_chunks() {
    run(async {
        let feed = Feed::of_length(5);
        let (_served, mut client) = serve(&feed).await;
        client.send(ASK).await;
        feed.chunk("ab").chunk("cde").end();
        let reply = client.reply().await;
        assert_eq!(reply.field("content-length"), Some("5"));
        assert_eq!(reply.field("transfer-encoding"), None);
        assert_eq!(reply.text(), "abcde");
        assert_eq!(client.ask("GET /").await.text(), "hello");
    });
}

#[test]
fn an_old_client_reads_until_the_end() {
    run(async {
        let feed = Feed::default();
        let (_served, mut client) = serve(&feed).await;
        client.send(ASK_10).await;
        feed.chunk("ab").chunk(vec![b'x'; 100_000]).end();
        let head = client.head().await;
        assert_eq!(head.field("transfer-encoding"), None);
        assert_eq!(head.field("content-length"), None);
        let body = client.rest().await;
        assert_eq!((body.len(), &body[..3]), (100_002, &b"abx"[..]));
    });
}

#[test]
fn trailers_follow_the_chunks_and_nothing_else() {
    for (feed, ask, expected) in [
        (Feed::default(), ASK, "x-sum: 1\nx-more: 2\n"),
        (Feed::of_length(1), ASK, ""),
        (Feed::default(), ASK_10, ""),
    ] {
        run(async {
            let (_served, mut client) = serve(&feed).await;
            client.send(ask).await;
            let end = Part::End(b"x-sum: 1\r\nx-more: 2\r\n".to_vec());
            feed.chunk("a").put(Ok(end));
            if ask == ASK_10 {
                client.head().await;
                assert_eq!(client.rest().await, b"a");
                return;
            }
            let reply = client.reply().await;
            assert_eq!((reply.text(), reply.trailers.as_str()), ("a", expected));
            assert_eq!(client.ask("GET /").await.text(), "hello");
        });
    }
}

#[test]
fn an_answer_without_a_body_starts_no_stream() {
    for (status, feed, line, length) in [
        (200, Feed::default(), "HEAD /s", None),
        (200, Feed::of_length(7), "HEAD /s", Some("7")),
        (204, Feed::of_length(7), "GET /s", None),
        (205, Feed::of_length(7), "GET /s", Some("0")),
        (205, Feed::default(), "HEAD /s", Some("0")),
        (304, Feed::default(), "GET /s", None),
    ] {
        run(async {
            let given = feed.clone();
            let site = Site::new().on("GET", "/s", move |_| {
                let mut answer = given.answer();
                answer.status = status;
                Answer::Now(answer)
            });
            let served = site.serve(Settings::default());
            let mut client = served.connect().await;
            for _ in 0..2 {
                let reply = client.ask(line).await;
                assert_eq!(reply.status, status);
                assert_eq!(reply.field("content-length"), length, "{line} {status}");
                assert_eq!(reply.field("transfer-encoding"), None, "{line} {status}");
                assert!(!reply.closes());
            }
            assert_eq!(client.ask("GET /").await.text(), "hello");
            assert_eq!(feed.polled(), 0);
            assert!(feed.dropped().is_open());
        });
    }
}

#[test]
fn what_breaks_cuts_the_connection() {
    type Case = (&'static str, Feed, fn(&Feed), &'static [u8]);
    let table: [Case; 5] = [
        ("chunked", Feed::default(), |_| {}, b"2\r\nab\r\n"),
        (
            "too short",
            Feed::of_length(3),
            |feed| _ = feed.end(),
            b"ab",
        ),
        (
            "too long",
            Feed::of_length(3),
            |feed| _ = feed.chunk("cd"),
            b"ab",
        ),
        ("broken", Feed::of_length(3), |_| {}, b"ab"),
        (
            "a stream within",
            Feed::default(),
            |feed| {
                let within = Feed::default().answer().body;
                feed.put(Ok(Part::Chunk(within)));
            },
            b"2\r\nab\r\n",
        ),
    ];
    for (name, feed, then, expected) in table {
        run(async {
            let (served, mut client) = serve(&feed).await;
            client.send(ASK).await;
            feed.chunk("ab");
            then(&feed);
            feed.put(Err(Broken::default()));
            client.head().await;
            assert_eq!(client.rest().await, expected, "{name}");
            served.holds(0).await;
            assert!(feed.dropped().is_open(), "{name}");
        });
    }
}

#[test]
fn an_old_client_sees_a_reset_where_the_answer_is_not_whole() {
    for aborts in [false, true] {
        run(async {
            let feed = Feed::default();
            let (served, mut client) = serve(&feed).await;
            client.send(ASK_10).await;
            feed.chunk("ab");
            client.head().await;
            assert_eq!(client.take(2).await, b"ab");
            if aborts {
                served.server.abort();
            } else {
                feed.put(Err(Broken::default()));
            }
            assert!(client.ends_in_reset().await);
            served.holds(0).await;
        });
    }
}

#[test]
fn a_stream_that_breaks_before_its_head_is_sent_is_a_500() {
    for (feed, waits) in [(Feed::default(), false), (Feed::holding_head(), true)] {
        run(async {
            let (_served, mut client) = serve(&feed).await;
            if !waits {
                feed.put(Err(Broken::default()));
            }
            client.send(ASK).await;
            if waits {
                feed.starved().await;
                feed.put(Err(Broken::default()));
            }
            let reply = client.reply().await;
            assert_eq!(reply.status, 500);
            assert_eq!(
                reply.field("content-type"),
                Some("application/problem+json")
            );
            assert_eq!(client.ask("GET /").await.text(), "hello");
        });
    }
}

#[test]
fn a_stream_that_breaks_may_say_what_is_answered_instead() {
    run(async {
        let feed = Feed::holding_head();
        let (_served, mut client) = serve(&feed).await;
        let instead = |response| {
            let instead = Some(Box::new(response));
            Err(Broken { instead })
        };
        feed.put(instead(Response::problem(404, "no such report")));
        assert_eq!(client.ask("GET /s").await.status, 404);
        feed.put(instead(Feed::default().answer()));
        assert_eq!(client.ask("GET /s").await.status, 500);
        // Too late for another answer.
        feed.chunk("ab").put(instead(Response::problem(404, "")));
        client.send(ASK).await;
        client.head().await;
        assert_eq!(client.rest().await, b"2\r\nab\r\n");
    });
}

#[test]
fn the_handlers_time_counts_until_the_head_is_sent() {
    for (feed, later_answer, in_time) in [
        (Feed::holding_head(), false, false),
        (Feed::holding_head(), true, false),
        (Feed::holding_head(), false, true),
        (Feed::default(), false, true),
    ] {
        run(async {
            let given = feed.clone();
            let hasty = |route: &mut Route| route.timeout = Some(Duration::from_millis(30));
            let site = Site::new().route("GET", "/s", hasty, move |_| {
                let answer = given.answer();
                if later_answer {
                    return later(async {
                        tokio::task::yield_now().await;
                        answer
                    });
                }
                Answer::Now(answer)
            });
            let served = site.serve(Settings::default());
            let mut client = served.connect().await;
            client.send(ASK).await;
            if in_time {
                feed.chunk("ab");
                client.head().await;
                assert_eq!(client.take(7).await, b"2\r\nab\r\n");
                let soon = Duration::from_millis(100);
                let left = tokio::time::timeout(soon, served.holds(0)).await;
                assert!(left.is_err() && !feed.dropped().is_open());
                feed.end();
                assert_eq!(client.take(5).await, b"0\r\n\r\n");
            } else {
                assert_eq!(client.reply().await.status, 504);
                assert!(feed.dropped().is_open());
            }
            assert_eq!(client.ask("GET /").await.text(), "hello");
        });
    }
}

#[test]
fn a_panicking_stream_costs_its_connection() {
    run(async {
        let site = Site::new().on("GET", "/s", |_| {
            let mut parts = vec![chunk("ab")];
            let next = move |_: &mut std::task::Context<'_>| {
                Poll::Ready(Ok(parts.pop().expect("a stream may panic")))
            };
            Answer::Now(made(next))
        });
        let panics = site.panics();
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client.send(ASK).await;
        assert_eq!(client.rest().await, b"");
        assert_eq!(*panics.borrow(), ["a stream may panic"]);
        assert_eq!(served.connect().await.ask("GET /").await.text(), "hello");
    });
}

#[test]
fn pipelined_requests_wait_for_a_stream() {
    run(async {
        let feed = Feed::default();
        let (_served, mut client) = serve(&feed).await;
        let one = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        client.send([one, ASK, one].concat()).await;
        assert_eq!(client.reply().await.text(), "hello");
        feed.starved().await;
        feed.chunk("slow").end();
        assert_eq!(client.reply().await.text(), "slow");
        assert_eq!(client.reply().await.text(), "hello");
    });
}

#[test]
fn a_later_answer_may_be_a_stream() {
    run(async {
        let feed = Feed::default();
        let given = feed.clone();
        let site = Site::new().on("GET", "/s", move |_| {
            let given = given.clone();
            later(async move {
                tokio::task::yield_now().await;
                given.answer()
            })
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        feed.chunk("later").end();
        assert_eq!(client.ask("GET /s").await.text(), "later");
        assert_eq!(client.ask("GET /").await.text(), "hello");
    });
}

#[test]
fn a_streamed_answer_may_end_the_connection() {
    run(async {
        let feed = Feed::default();
        let given = feed.clone();
        let site = Site::new().on("GET", "/s", move |_| Answer::Now(given.answer().closing()));
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        feed.chunk("last").end();
        let reply = client.ask("GET /s").await;
        assert!(reply.closes());
        assert_eq!(reply.text(), "last");
        assert_eq!(client.rest().await, b"");
    });
}

#[test]
fn a_whole_answer_crosses_threads_and_a_stream_does_not() {
    let stream = Feed::of_length(3).answer();
    assert_eq!(stream.body.as_slice(), b"");
    assert!(format!("{stream:?}").contains("Stream(Some(3) bytes)"));
    assert!(stream.whole().is_none(), "a stream stays on its thread");
    for body in [
        Payload::Static(b"abc"),
        Payload::Shared(Box::new(b"abc".to_vec())),
    ] {
        let whole = Response::new(201, Some(TEXT), body).with_field("a", "b");
        let whole = whole.closing().whole().expect("no stream");
        let other = std::thread::spawn(move || whole).join();
        let back = Response::from(other.expect("it only moves"));
        assert_eq!((back.status, back.content_type), (201, Some(TEXT)));
        assert_eq!(
            (back.fields.as_slice(), back.close),
            (&b"a: b\r\n"[..], true)
        );
        assert_eq!(back.body.as_slice(), b"abc");
    }
}
