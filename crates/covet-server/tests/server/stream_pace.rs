//! Streams and their clients: who leaves, who reads slowly or nothing, and what a drain and an abort do.

use std::cell::Cell;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use covet_server::handler::Answer;
use covet_server::settings::Settings;
use covet_server::streaming::Part;

use crate::feeding::{Feed, chunk, made};
use crate::streams::{ASK, serve};
use crate::support::{Site, run, stalled};

#[test]
fn a_client_that_leaves_drops_a_pending_stream() {
    for with_data in [false, true] {
        run(async {
            let feed = Feed::default();
            let (served, mut client) = serve(&feed).await;
            client.send(ASK).await;
            if with_data {
                feed.chunk("ab");
            }
            client.head().await;
            feed.starved().await;
            assert!(!feed.dropped().is_open());
            drop(client);
            feed.dropped().passed().await;
            served.holds(0).await;
        });
    }
}

#[test]
fn a_slow_reader_pauses_the_stream() {
    for size in [1000, 100_000] {
        run(async {
            const TOTAL: usize = 64 * 1024 * 1024;
            let asked = Rc::new(Cell::new(0));
            let count = Rc::clone(&asked);
            let site = Site::new().on("GET", "/s", move |_| {
                count.set(0);
                let (count, mut left) = (Rc::clone(&count), TOTAL);
                Answer::Now(made(move |_| {
                    count.set(count.get() + 1);
                    let len = left.min(size);
                    left -= len;
                    Poll::Ready(Ok(match len {
                        0 => Part::end(),
                        len => chunk(vec![b'x'; len]),
                    }))
                }))
            });
            let served = site.serve(Settings::default());
            let mut client = served.connect().await;
            client.send(ASK).await;
            stalled(&asked).await;
            let given = asked.get() * size;
            assert!(
                given > 0 && given < TOTAL / 2,
                "{given} bytes were asked for"
            );
            // Others are served meanwhile.
            assert_eq!(served.connect().await.ask("GET /").await.text(), "hello");
            assert_eq!(client.reply().await.body.len(), TOTAL);
            assert_eq!(client.ask("GET /").await.text(), "hello");
        });
    }
}

#[test]
fn a_client_that_leaves_drops_a_stream_it_did_not_read() {
    run(async {
        let feed = Feed::default();
        let (served, mut client) = serve(&feed).await;
        client.send(ASK).await;
        feed.chunk(vec![b'x'; 64 << 20]).chunk("never");
        client.head().await;
        drop(client);
        feed.dropped().passed().await;
        served.holds(0).await;
    });
}

#[test]
fn a_client_that_takes_nothing_is_left_in_time() {
    run(async {
        let feed = Feed::default();
        let site = Site::new().on("GET", "/s", feed.handler());
        let served = site.serve(Settings {
            write_timeout: Duration::from_millis(60),
            ..Settings::default()
        });
        let mut client = served.connect().await;
        client.send(ASK).await;
        client.head().await;
        // Nothing to write: no time-out.
        let soon = Duration::from_millis(150);
        let left = tokio::time::timeout(soon, served.holds(0)).await;
        assert!(left.is_err());
        feed.chunk(vec![b'x'; 64 << 20]);
        feed.dropped().passed().await;
        served.holds(0).await;
    });
}

#[test]
fn a_stream_goes_on_while_the_server_drains() {
    run(async {
        let feed = Feed::default();
        let (served, mut client) = serve(&feed).await;
        client.send(ASK).await;
        client.head().await;
        assert!(!feed.drained().is_open());
        served.server.drain();
        feed.drained().passed().await;
        feed.chunk("still here").end();
        assert_eq!(client.take(15).await, b"a\r\nstill here\r\n");
        assert_eq!(client.rest().await, b"0\r\n\r\n");
        served.server.finished().await;
        assert_eq!(served.server.counters().cut(), 0);
    });
}

#[test]
fn a_stream_is_cut_by_an_abort() {
    run(async {
        let feed = Feed::default();
        let (served, mut client) = serve(&feed).await;
        client.send(ASK).await;
        feed.chunk("ab");
        client.head().await;
        assert_eq!(client.take(7).await, b"2\r\nab\r\n");
        served.server.abort();
        served.server.finished().await;
        assert!(feed.dropped().is_open());
        assert_eq!(client.rest().await, b"");
        assert_eq!(served.server.counters().cut(), 1);
    });
}
