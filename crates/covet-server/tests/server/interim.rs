//! Interim answers, and handlers that ask whether their client is still there.

use std::cell::RefCell;
use std::rc::Rc;

use covet_server::exchange::{EARLY_HINTS, Exchange};
use covet_server::handler::Route;
use covet_server::settings::Settings;

use crate::feeding::Feed;
use crate::support::{Gate, Site, later, now, run, text};

const LINK: &[u8] = b"link: </a.css>; rel=preload\r\n";

#[test]
fn early_hints_come_before_the_answer_and_at_once() {
    run(async {
        let released = Gate::default();
        let gate = released.clone();
        let site = Site::new()
            .on("GET", "/now", |request| {
                assert!(request.exchange.interim(EARLY_HINTS, LINK));
                now("hinted")
            })
            .on("GET", "/later", move |request| {
                let (exchange, gate) = (request.exchange.clone(), gate.clone());
                later(async move {
                    tokio::task::yield_now().await;
                    assert!(exchange.interim(EARLY_HINTS, LINK));
                    assert!(exchange.interim(199, b""));
                    gate.passed().await;
                    text("hinted")
                })
            });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        for path in ["/now", "/later"] {
            client
                .send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
                .await;
            let hints = client.head().await;
            assert_eq!(hints.status, 103, "{path}");
            assert_eq!(hints.field("link"), Some("</a.css>; rel=preload"));
            assert_eq!(hints.field("date"), None);
            if path == "/later" {
                assert_eq!(client.head().await.status, 199);
                released.open();
            }
            let reply = client.reply().await;
            assert_eq!((reply.status, reply.text()), (200, "hinted"), "{path}");
            assert_eq!(reply.field("link"), None, "{path}");
        }
        assert_eq!(client.ask("GET /").await.text(), "hello");
    });
}

#[test]
fn what_is_no_interim_answer_is_not_sent() {
    run(async {
        let kept = Rc::new(RefCell::new(None::<Exchange>));
        let keep = Rc::clone(&kept);
        let site = Site::new().on("GET", "/no", move |request| {
            for status in [0, 99, 100, 101, 200, 404] {
                assert!(!request.exchange.interim(status, b""), "{status}");
            }
            *keep.borrow_mut() = Some(request.exchange.clone());
            now("plain")
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        assert_eq!(client.ask("GET /no").await.text(), "plain");
        let exchange = kept.take().expect("the handler ran");
        assert!(!exchange.interim(EARLY_HINTS, LINK), "it was answered");
        assert_eq!(client.ask("GET /").await.text(), "hello");
        assert!(!exchange.interim(EARLY_HINTS, LINK), "another request's");
        assert!(!exchange.is_disconnected());
    });
}

#[test]
fn an_old_client_gets_no_interim_answer() {
    run(async {
        let site = Site::new().on("GET", "/hint", |request| {
            now(if request.exchange.interim(EARLY_HINTS, LINK) {
                "sent"
            } else {
                "not sent"
            })
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client.send("GET /hint HTTP/1.0\r\n\r\n").await;
        assert_eq!(client.reply().await.text(), "not sent");
        assert_eq!(client.rest().await, b"");
    });
}

#[test]
fn interim_answers_are_bounded() {
    run(async {
        // Each counts its fields and 64 bytes; 16 KiB are allowed.
        for (size, second) in [(8_127, true), (8_128, true), (8_129, false)] {
            let fields = format!("x: {}\r\n", "y".repeat(size - 5)).into_bytes();
            let site = Site::default().on("GET", "/", move |request| {
                assert!(request.exchange.interim(EARLY_HINTS, &fields));
                assert_eq!(request.exchange.interim(EARLY_HINTS, &fields), second);
                now("hello")
            });
            let panics = site.panics();
            let served = site.serve(Settings::default());
            let mut client = served.connect().await;
            for _ in 0..2 {
                client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
                for _ in 0..=usize::from(second) {
                    assert_eq!(client.head().await.status, 103);
                }
                assert_eq!(client.reply().await.text(), "hello");
            }
            assert!(panics.borrow().is_empty());
        }
    });
}

#[test]
fn a_handler_learns_that_its_client_has_gone() {
    run(async {
        let (started, released, done) = (Gate::default(), Gate::default(), Gate::default());
        let gates = (started.clone(), released.clone(), done.clone());
        let keep = |route: &mut Route| route.cancel_on_disconnect = false;
        let site = Site::new().route("GET", "/work", keep, move |request| {
            let (started, released, done) = gates.clone();
            let exchange = request.exchange.clone();
            later(async move {
                assert!(!exchange.is_disconnected());
                started.open();
                released.passed().await;
                assert!(exchange.is_disconnected());
                assert!(!exchange.interim(EARLY_HINTS, LINK));
                done.open();
                text("nobody reads this")
            })
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client.send("GET /work HTTP/1.1\r\nhost: a\r\n\r\n").await;
        started.passed().await;
        drop(client);
        served.holds(0).await;
        released.open();
        done.passed().await;
    });
}

#[test]
fn who_streams_learns_it_too() {
    run(async {
        let feed = Feed::default();
        let kept = Rc::new(RefCell::new(None::<Exchange>));
        let (keep, answers) = (Rc::clone(&kept), feed.clone());
        let site = Site::new().on("GET", "/s", move |request| {
            *keep.borrow_mut() = Some(request.exchange.clone());
            covet_server::handler::Answer::Now(answers.answer())
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client.send("GET /s HTTP/1.1\r\nhost: a\r\n\r\n").await;
        client.head().await;
        let exchange = kept.take().expect("the handler ran");
        assert!(!exchange.is_disconnected());
        drop(client);
        feed.dropped().passed().await;
        served.holds(0).await;
        assert!(exchange.is_disconnected());
    });
}
