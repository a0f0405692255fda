//! The access log: one line a request, whoever answered it.

use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use covet_server::access_log::{AccessLog, Format};
use covet_server::settings::Settings;
use covet_server::streaming::Broken;

use crate::feeding::{Feed, chunk, made};
use crate::support::{Served, Site, held, run};

/// What was written, when the runtime is gone: the log was dropped then and its thread has written.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn text(&self) -> String {
        let written = self.0.lock().expect("no writer panicked");
        String::from_utf8_lossy(&written).into_owned()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut written = self.0.lock().map_err(|_| std::io::ErrorKind::Other)?;
        written.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_answer_is_a_line() {
    let written = Shared::default();
    let out = Box::new(written.clone());
    run(async {
        let log = AccessLog::new(out).unwrap();
        let served = Served::new(Site::new().server(Settings::default(), Some(log)));
        let mut client = served.connect().await;
        client.ask("GET /?a=1").await;
        client.ask("GET /missing").await;
        client.ask("HEAD /").await;
        client.send("nonsense\r\n\r\n").await;
        assert_eq!(client.reply().await.status, 400);
        assert_eq!(served.server.dropped_log_lines(), 0);
    });
    let text = written.text();
    let lines: Vec<&str> = text.lines().collect();
    let table = [
        ("GET /?a=1", "200"),
        ("GET /missing", "404"),
        ("HEAD /", "200"),
        ("-", "400"),
    ];
    assert_eq!(lines.len(), table.len(), "{text}");
    for (line, (request, status)) in lines.iter().zip(table) {
        assert!(line.contains("127.0.0.1"), "{line}");
        let middle = format!("\"{request}\" {status} ");
        assert!(line.contains(&middle), "{line}");
    }
}

/// Lines that a server of `site` wrote while `test` talked to it.
fn lines_of<T: Future<Output = ()>>(
    format: &str,
    settings: Settings,
    site: Site,
    test: impl FnOnce(Served) -> T,
) -> Vec<String> {
    let written = Shared::default();
    let out = Box::new(written.clone());
    let format = Format::parse(format).expect("a known format");
    run(async {
        let log = AccessLog::new(out)
            .expect("a thread can be started")
            .with_format(format);
        test(Served::new(site.server(settings, Some(log)))).await;
    });
    written.text().lines().map(str::to_owned).collect()
}

const FORMAT: &str = "%m %U %s %B %X";

#[test]
fn a_stream_is_a_line_when_it_ends() {
    let feed = Feed::default();
    let site = Site::new().on("GET", "/s", feed.handler());
    let lines = lines_of(FORMAT, Settings::default(), site, async |served| {
        let mut client = served.connect().await;
        client.send("GET /s HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(client.head().await.status, 200, "its head is out");
        served.connect().await.ask("GET /").await;
        feed.chunk("first").chunk("").chunk("second").end();
        assert_eq!(
            client.take(26).await,
            b"5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n"
        );
        client.ask("GET /missing").await;
    });
    let missing = lines.last().expect("there are lines");
    assert!(missing.starts_with("GET /missing 404 "), "{lines:?}");
    assert_eq!(lines[..2], ["GET / 200 5 +", "GET /s 200 11 +"]);
}

#[test]
fn the_time_of_a_stream_is_that_of_its_end() {
    let feed = Feed::default();
    let site = Site::new().on("GET", "/s", feed.handler());
    let lines = lines_of("%U %D", Settings::default(), site, async |served| {
        let mut client = served.connect().await;
        client.send("GET /s HTTP/1.1\r\nhost: a\r\n\r\n").await;
        client.head().await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        feed.end();
        assert_eq!(client.take(5).await, b"0\r\n\r\n");
    });
    let (_, took) = lines[0].split_once(' ').expect("two atoms");
    assert!(took.parse::<u64>().unwrap() >= 30_000, "{lines:?}");
}

#[test]
fn a_stream_that_breaks_says_so() {
    for known in [false, true] {
        let feed = if known {
            Feed::of_length(10)
        } else {
            Feed::default()
        };
        let site = Site::new().on("GET", "/s", feed.handler());
        let lines = lines_of(FORMAT, Settings::default(), site, async |served| {
            let mut client = served.connect().await;
            client.send("GET /s HTTP/1.1\r\nhost: a\r\n\r\n").await;
            client.head().await;
            feed.chunk("part");
            let framed = if known { "part" } else { "4\r\npart\r\n" };
            assert_eq!(client.take(framed.len()).await, framed.as_bytes());
            feed.put(Err(Broken::default()));
            assert_eq!(client.rest().await, b"");
        });
        assert_eq!(lines, ["GET /s 200 4 X"], "known length: {known}");
    }
}

#[test]
fn a_stream_that_breaks_before_its_head_is_the_answer_instead() {
    let feed = Feed::holding_head();
    let site = Site::new().on("GET", "/s", feed.handler());
    let lines = lines_of(FORMAT, Settings::default(), site, async |served| {
        feed.put(Err(Broken::default()));
        assert_eq!(served.connect().await.ask("GET /s").await.status, 500);
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("GET /s 500 "), "{lines:?}");
}

#[test]
fn a_client_that_leaves_a_stream_is_a_line() {
    let feed = Feed::default();
    let site = Site::new().on("GET", "/s", feed.handler());
    let lines = lines_of("text", Settings::default(), site, async |served| {
        let mut client = served.connect().await;
        client.send("GET /s HTTP/1.1\r\nhost: a\r\n\r\n").await;
        client.head().await;
        drop(client);
        feed.dropped().passed().await;
        served.holds(0).await;
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].ends_with("ms (client left)") && lines[0].contains("\"GET /s\" 200 "),
        "{lines:?}"
    );
}

#[test]
fn a_client_that_reads_nothing_is_not_counted_what_it_did_not_take() {
    let settings = Settings {
        write_timeout: Duration::from_millis(100),
        ..Settings::default()
    };
    let (piece, made_of) = (vec![b'x'; 16 * 1024], Rc::new(Cell::new(0_u64)));
    let made_bytes = Rc::clone(&made_of);
    let site = Site::new().on("GET", "/s", move |_| {
        let (piece, made_bytes) = (piece.clone(), Rc::clone(&made_bytes));
        covet_server::handler::Answer::Now(made(move |_| {
            made_bytes.set(made_bytes.get() + piece.len() as u64);
            std::task::Poll::Ready(Ok(chunk(piece.clone())))
        }))
    });
    let lines = lines_of("%B %X", settings, site, async |served| {
        let mut client = served.connect().await;
        client.send("GET /s HTTP/1.1\r\nhost: a\r\n\r\n").await;
        client.head().await;
        served.holds(0).await;
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    let (bytes, end) = lines[0].split_once(' ').expect("two atoms");
    let bytes: u64 = bytes.parse().unwrap();
    assert_eq!(end, "X");
    assert!(0 < bytes && bytes < made_of.get(), "{bytes}");
}

#[test]
fn a_stream_that_an_abort_cuts_is_a_line() {
    let feed = Feed::default();
    let site = Site::new().on("GET", "/s", feed.handler());
    let lines = lines_of("json", Settings::default(), site, async |served| {
        let mut client = served.connect().await;
        client.send("GET /s HTTP/1.1\r\nhost: a\r\n\r\n").await;
        client.head().await;
        served.server.abort();
        served.server.finished().await;
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains(r#","incomplete":"broken""#),
        "{}",
        lines[0]
    );
}

#[test]
fn a_stream_is_slow_by_its_head_alone() {
    let (feed, told) = (Feed::default(), Rc::default());
    let site = Site::new().on("GET", "/s", feed.handler());
    let settings = Settings {
        slow_request: Some(Duration::from_millis(200)),
        ..Settings::default()
    };
    let lines = lines_of(FORMAT, settings, site.tells_slow(&told), async |served| {
        let mut client = served.connect().await;
        client.send("GET /s HTTP/1.1\r\nhost: a\r\n\r\n").await;
        client.head().await;
        tokio::time::sleep(Duration::from_millis(250)).await;
        feed.end();
        assert_eq!(client.take(5).await, b"0\r\n\r\n");
    });
    assert_eq!(lines, ["GET /s 200 0 +"]);
    assert!(told.borrow().is_empty());
}

#[test]
fn a_client_that_leaves_before_its_answer_is_a_line() {
    for cancels in [true, false] {
        let (call, started, released) = held("late");
        let site = Site::new().route(
            "GET",
            "/held",
            |route| route.cancel_on_disconnect = cancels,
            call,
        );
        let lines = lines_of(FORMAT, Settings::default(), site, async |served| {
            let mut client = served.connect().await;
            client.ask("GET /").await;
            client.send("GET /held HTTP/1.1\r\nhost: a\r\n\r\n").await;
            started.passed().await;
            drop(client);
            served.holds(0).await;
            released.open();
        });
        assert_eq!(lines, ["GET / 200 5 +", "GET /held 499 0 X"], "{cancels}");
    }
}

#[test]
fn a_request_that_an_abort_cuts_is_a_line() {
    let (call, started, _released) = held("never");
    let site = Site::new().on("GET", "/held", call);
    let lines = lines_of("text", Settings::default(), site, async |served| {
        let mut client = served.connect().await;
        client.send("GET /held HTTP/1.1\r\nhost: a\r\n\r\n").await;
        started.passed().await;
        served.server.abort();
        served.server.finished().await;
    });
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("\"GET /held\" 503 ") && lines[0].ends_with("ms (broken)"),
        "{lines:?}"
    );
}
