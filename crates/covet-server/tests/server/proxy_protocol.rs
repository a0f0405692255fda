//! The PROXY protocol: who connected, said before the first request, and who may say it.

use std::time::Duration;

use covet_server::handler::{Answer, Request};
use covet_server::proxies::Trusted;
use covet_server::settings::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{Site, now, run};

const GET: &str = "GET /who HTTP/1.1\r\nhost: own\r\n\r\n";
const V1: &str = "PROXY TCP4 192.0.2.1 127.0.0.1 4660 80\r\n";
const LOCAL: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x10\xc0\x00\x02\x01\x0a\x00\x00\x01\x12\x34\x00\x50\x04\x00\x01\x00";

fn who(request: &Request<'_>) -> Answer {
    let client = request.origin.client.expect("over TCP");
    if client.ip().is_loopback() {
        return now("loopback");
    }
    now(&client.to_string())
}

fn site() -> Site {
    Site::new().on("GET", "/who", who)
}

fn settings(trusted: &[&str]) -> Settings {
    Settings {
        proxy_protocol: true,
        trusted_proxies: Trusted::parse(trusted.iter().copied()).expect("a list"),
        ..Settings::default()
    }
}

#[test]
fn a_header_says_who_connected() {
    let table: [(&[u8], &str); 4] = [
        (V1.as_bytes(), "192.0.2.1:4660"),
        (b"PROXY UNKNOWN\r\n", "loopback"),
        (V2, "192.0.2.1:4660"),
        (LOCAL, "loopback"),
    ];
    run(async {
        let served = site().serve(settings(&[]));
        for (header, expected) in table {
            let mut client = served.connect().await;
            client
                .send([header, GET.as_bytes(), GET.as_bytes()].concat())
                .await;
            assert_eq!(client.reply().await.text(), expected);
            assert_eq!(client.reply().await.text(), expected);
            assert_eq!(client.ask("GET /who").await.text(), expected);
        }
    });
}

#[test]
fn a_header_may_come_in_pieces() {
    run(async {
        let served = site().serve(settings(&[]));
        for header in [V1.as_bytes(), V2] {
            for at in 1..=header.len() {
                let mut client = served.connect().await;
                client.send(&header[..at]).await;
                tokio::task::yield_now().await;
                client.send([&header[at..], GET.as_bytes()].concat()).await;
                assert_eq!(client.reply().await.text(), "192.0.2.1:4660", "{at}");
            }
        }
    });
}

#[test]
fn a_connection_without_a_header_ends_without_an_answer() {
    run(async {
        let served = site().serve(settings(&[]));
        for start in [
            GET.as_bytes(),
            b"\r\n\r\nG",
            b"PROXY TCP4 x\r\n",
            &V2[..13],
            b"",
        ] {
            let mut client = served.connect().await;
            client.send(start).await;
            client.stream.shutdown().await.unwrap();
            assert_eq!(client.rest().await, b"", "{start:?}");
        }
        served.holds(0).await;
        assert_eq!(served.server.counters().requests(), 0);
    });
}

#[test]
fn only_trusted_proxies_may_say_it_where_some_are_named() {
    run(async {
        let served = site().serve(settings(&["10.0.0.0/8"]));
        let mut client = served.connect().await;
        client.send([V1, GET].concat()).await;
        let mut answer = Vec::new();
        // An end or a reset: nothing that it sent was read.
        let _ = client.stream.read_to_end(&mut answer).await;
        assert_eq!(answer, b"");
        served.holds(0).await;
        assert_eq!(served.server.counters().requests(), 0);
        let served = site().serve(settings(&["127.0.0.1"]));
        let mut client = served.connect().await;
        client.send([V1, GET].concat()).await;
        assert_eq!(client.reply().await.text(), "192.0.2.1:4660");
        // Who connected is not trusted, whatever the proxy in between is.
        client
            .send("GET /who HTTP/1.1\r\nhost: own\r\nx-forwarded-for: 6.6.6.6\r\n\r\n")
            .await;
        assert_eq!(client.reply().await.text(), "192.0.2.1:4660");
        // A proxy behind a proxy is.
        let mut client = served.connect().await;
        client.send("PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\n").await;
        client
            .send("GET /who HTTP/1.1\r\nhost: own\r\nx-forwarded-for: 6.6.6.6:6\r\n\r\n")
            .await;
        assert_eq!(client.reply().await.text(), "6.6.6.6:6");
    });
}

#[test]
fn header_and_first_request_share_the_time_for_a_head() {
    run(async {
        let served = site().serve(Settings {
            head_timeout: Duration::from_millis(60),
            ..settings(&[])
        });
        for start in ["", "PROXY TC", V1] {
            let mut client = served.connect().await;
            client.send(start).await;
            assert_eq!(client.rest().await, b"", "{start}");
        }
        let mut client = served.connect().await;
        client.send([V1, "GET / HT"].concat()).await;
        assert_eq!(client.reply().await.status, 408);
    });
}

#[test]
fn connections_are_counted_for_who_connected() {
    run(async {
        let site = site();
        let told = site.full();
        let served = site.serve(Settings {
            max_connections_per_address: Some(2),
            ..settings(&[])
        });
        let mut kept = Vec::new();
        for _ in 0..2 {
            let mut client = served.connect().await;
            client.send([V1, GET].concat()).await;
            assert_eq!(client.reply().await.status, 200);
            kept.push(client);
        }
        let mut third = served.connect().await;
        third.send([V1, GET].concat()).await;
        assert_eq!(third.reply().await.status, 503);
        let limit = told.borrow().first().map(|full| (full.limit, full.most));
        assert_eq!(limit, Some(("max_connections_per_address", 2)));
        assert_eq!(third.rest().await, b"");
        let mut other = served.connect().await;
        other
            .send(["PROXY TCP4 192.0.2.2 127.0.0.1 1 2\r\n", GET].concat())
            .await;
        assert_eq!(other.reply().await.text(), "192.0.2.2:1");
        kept.pop();
        served.holds(2).await;
        let mut again = served.connect().await;
        again.send([V1, GET].concat()).await;
        assert_eq!(again.reply().await.text(), "192.0.2.1:4660");
    });
}
