//! Who asked, as the handler sees it: only a trusted peer's word counts.

use std::os::fd::OwnedFd;

use covet_server::handler::{Answer, Request};
use covet_server::proxies::{Fields, Trusted};
use covet_server::settings::Settings;
use tokio::net::UnixStream;

use crate::directory::Directory;
use crate::support::{Client, Site, now, run};

fn who(request: &Request<'_>) -> Answer {
    let origin = request.origin;
    let client = origin
        .client
        .map_or("unix".into(), |it| it.ip().to_string());
    let host = origin.host.map_or(&b""[..], |host| host.of(request.bytes));
    let host = String::from_utf8_lossy(host);
    now(&format!("{client} secure={} {host}", origin.secure))
}

fn settings(trusted: &[&str]) -> Settings {
    Settings {
        trusted_proxies: Trusted::parse(trusted.iter().copied()).expect("a list"),
        ..Settings::default()
    }
}

const SPOOF: &str = "x-forwarded-for: 6.6.6.6, 192.0.2.1\r\nx-forwarded-proto: https\r\n\
                     x-forwarded-host: shop.example\r\n";

#[test]
fn only_a_trusted_peer_is_believed() {
    let table: [(&[&str], &str); 4] = [
        (&[], "127.0.0.1 secure=false own"),
        (&["10.0.0.0/8", "unix"], "127.0.0.1 secure=false own"),
        (&["127.0.0.0/8"], "192.0.2.1 secure=true shop.example"),
        (
            &["127.0.0.1", "192.0.2.0/24"],
            "6.6.6.6 secure=true shop.example",
        ),
    ];
    for (trusted, expected) in table {
        run(async {
            let site = Site::new().on("GET", "/who", who);
            let served = site.serve(settings(trusted));
            let mut client = served.connect().await;
            client
                .send(format!("GET /who HTTP/1.1\r\nhost: own\r\n{SPOOF}\r\n"))
                .await;
            assert_eq!(client.reply().await.text(), expected, "{trusted:?}");
            // The next request of the same connection is another client's.
            client.send("GET /who HTTP/1.1\r\nhost: own\r\n\r\n").await;
            let own = "127.0.0.1 secure=false own";
            assert_eq!(client.reply().await.text(), own, "{trusted:?}");
        });
    }
}

#[test]
fn the_fields_can_be_pinned() {
    let both = "forwarded: for=6.6.6.6;host=evil\r\nx-forwarded-for: 192.0.2.1\r\n";
    let table = [
        (Fields::Any, "192.0.2.1 secure=false own"),
        (Fields::XForwarded, "192.0.2.1 secure=false own"),
        (Fields::Forwarded, "6.6.6.6 secure=false evil"),
    ];
    for (forwarded_fields, expected) in table {
        run(async {
            let site = Site::new().on("GET", "/who", who);
            let served = site.serve(Settings {
                forwarded_fields,
                ..settings(&["127.0.0.1"])
            });
            let mut client = served.connect().await;
            client
                .send(format!("GET /who HTTP/1.1\r\nhost: own\r\n{both}\r\n"))
                .await;
            assert_eq!(client.reply().await.text(), expected);
        });
    }
}

#[test]
fn a_unix_socket_is_a_peer_of_its_own() {
    let table: [(&[&str], &str); 2] = [
        (&["127.0.0.1"], "unix secure=false own"),
        (&["unix"], "192.0.2.1 secure=true shop.example"),
    ];
    for (trusted, expected) in table {
        run(async {
            let directory = Directory::new("proxies");
            let path = directory.0.join("socket");
            let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
            let server = Site::new()
                .on("GET", "/who", who)
                .server(settings(trusted), None);
            server.listen(OwnedFd::from(listener)).unwrap();
            let mut client = Client::new(UnixStream::connect(&path).await.unwrap());
            client
                .send(format!("GET /who HTTP/1.1\r\nhost: own\r\n{SPOOF}\r\n"))
                .await;
            assert_eq!(client.reply().await.text(), expected, "{trusted:?}");
        });
    }
}
