//! Answers: at once, later, in order, large, and those of the server itself.

use covet_server::settings::Settings;
use tokio::net::UnixStream;

use crate::support::{Client, Served, Site, held, later, now, run, text};

#[test]
fn an_inline_answer_and_a_later_one() {
    run(async {
        let site = Site::new().on("GET", "/later", |_| {
            later(async {
                tokio::task::yield_now().await;
                text("later")
            })
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        for (line, body) in [
            ("GET /", "hello"),
            ("GET /later", "later"),
            ("GET /", "hello"),
        ] {
            let reply = client.ask(line).await;
            assert_eq!((reply.status, reply.text()), (200, body), "{line}");
            assert!(reply.field("date").is_some(), "{line}");
            assert!(!reply.closes(), "{line}");
        }
        assert_eq!(served.server.counters().requests(), 3);
        assert_eq!(served.server.counters().connections(), 1);
    });
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    run(async {
        let (call, started, released) = held("slow");
        let site = Site::new().on("GET", "/slow", call);
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        let one = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
        let many = Settings::default().max_pipelined * 2 + 1;
        client
            .send(one("/slow") + &one("/").repeat(many) + &one("/missing"))
            .await;
        started.passed().await;
        assert_eq!(served.server.counters().requests(), 0);
        released.open();
        assert_eq!(client.reply().await.text(), "slow");
        for at in 0..many {
            assert_eq!(client.reply().await.text(), "hello", "{at}");
        }
        assert_eq!(client.reply().await.status, 404);
    });
}

#[test]
fn methods_without_a_handler_of_their_own() {
    run(async {
        let served = Site::new().serve(Settings::default());
        let mut client = served.connect().await;
        let table: &[(&str, u16, Option<&str>)] = &[
            ("HEAD /", 200, None),
            ("OPTIONS /", 204, Some("GET, HEAD, OPTIONS")),
            ("POST /", 405, Some("GET, HEAD, OPTIONS")),
            ("GET /missing", 404, None),
            (
                "OPTIONS *",
                200,
                Some("GET, HEAD, POST, PUT, PATCH, DELETE, QUERY, OPTIONS"),
            ),
            ("TRACE /", 501, None),
            ("BREW /", 501, None),
        ];
        for &(line, status, allow) in table {
            let reply = client.ask(line).await;
            assert_eq!(
                (reply.status, reply.field("allow")),
                (status, allow),
                "{line}"
            );
            assert!(!reply.closes(), "{line}");
        }
        let reply = client.ask("HEAD /").await;
        assert_eq!(reply.field("content-length"), Some("5"));
        // A body after HEAD would stand in the way of this answer.
        assert_eq!(client.ask("GET /").await.text(), "hello");
    });
}

/// RFC 9110 section 15.3.6: whatever the handler gave.
#[test]
fn a_reset_has_no_content() {
    run(async {
        let site = Site::new().on("GET", "/reset", |_| {
            let mut answer = text("content");
            answer.status = 205;
            covet_server::handler::Answer::Now(answer)
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        for line in ["GET /reset", "HEAD /reset"] {
            let reply = client.ask(line).await;
            assert_eq!(
                (reply.status, reply.field("content-length")),
                (205, Some("0"))
            );
            assert_eq!(reply.text(), "");
        }
        assert_eq!(client.ask("GET /").await.text(), "hello");
    });
}

#[test]
fn a_large_shared_body_is_sent_whole() {
    run(async {
        let large: Vec<u8> = (0..8_000_003_u32).map(|at| (at % 251) as u8).collect();
        let expected = large.clone();
        let site = Site::new().on("GET", "/large", move |_| {
            covet_server::handler::Answer::Now(text(large.clone()))
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        assert!(client.ask("GET /large").await.body == expected);
        assert_eq!(client.ask("GET /").await.text(), "hello");
    });
}

#[test]
fn a_unix_socket_has_no_client_address() {
    let name = format!("covet-server-test-{}.sock", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    run(async {
        let site = Site::new().on("GET", "/client", |request| {
            now(if request.origin.client.is_some() {
                "known"
            } else {
                "none"
            })
        });
        let served = Served::new(site.server(Settings::default(), None));
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        served.server.listen(listener.into()).unwrap();
        let mut unix = Client::new(UnixStream::connect(&path).await.unwrap());
        assert_eq!(unix.ask("GET /client").await.text(), "none");
        assert_eq!(
            served.connect().await.ask("GET /client").await.text(),
            "known"
        );
        assert_eq!(unix.ask("GET /").await.text(), "hello");
    });
    std::fs::remove_file(&path).unwrap();
}
