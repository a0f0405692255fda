//! Slow heads and too many connections.

use std::time::Duration;

use covet_server::handler::Full;
use covet_server::settings::Settings;

use crate::support::{Site, run};

#[test]
fn a_slow_head_is_answered_408() {
    run(async {
        let served = Site::new().serve(Settings {
            head_timeout: Duration::from_millis(60),
            ..Settings::default()
        });
        let mut slow = served.connect().await;
        slow.send("GET / HTTP/1.1\r\nho").await;
        let reply = slow.reply().await;
        assert_eq!(reply.status, 408);
        assert!(reply.closes());
        assert_eq!(slow.rest().await, b"");
        // One that never sends gets no answer, only the end.
        assert_eq!(served.connect().await.rest().await, b"");
    });
}

#[test]
fn an_idle_connection_ends() {
    run(async {
        let served = Site::new().serve(Settings {
            keep_alive: Duration::from_millis(60),
            ..Settings::default()
        });
        let mut client = served.connect().await;
        assert!(!client.ask("GET /").await.closes());
        assert_eq!(client.rest().await, b"");
    });
}

#[test]
fn one_connection_too_many_is_answered_503() {
    run(async {
        let site = Site::new();
        let told = site.full();
        let served = site.serve(Settings {
            max_connections: 2,
            ..Settings::default()
        });
        let (mut one, mut two) = (served.connect().await, served.connect().await);
        assert_eq!(one.ask("GET /").await.status, 200);
        assert_eq!(two.ask("GET /").await.status, 200);
        assert_eq!(told.borrow().len(), 0);
        for _ in 0..3 {
            let mut another = served.connect().await;
            let reply = another.reply().await;
            assert_eq!(reply.status, 503);
            assert_eq!(reply.field("retry-after"), Some("1"));
            assert!(reply.closes());
            assert_eq!(another.rest().await, b"");
        }
        let full = Full {
            limit: "max_connections",
            most: 2,
            turned_away: 1,
        };
        assert_eq!(*told.borrow(), [full], "at the first, not at each");
        drop(two);
        served.holds(1).await;
        assert_eq!(served.connect().await.ask("GET /").await.text(), "hello");
        assert_eq!(one.ask("GET /").await.text(), "hello");
    });
}
