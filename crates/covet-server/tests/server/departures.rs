//! Clients that go, and handlers that take too long.

use std::future::pending;
use std::time::Duration;

use covet_server::settings::Settings;
use tokio::io::AsyncWriteExt;

use crate::support::{Gate, OpensOnDrop, Site, held, later, run, text};

#[test]
fn the_future_of_a_client_that_goes_is_dropped() {
    run(async {
        let (started, dropped) = (Gate::default(), Gate::default());
        let gates = (started.clone(), dropped.clone());
        let site = Site::new().on("GET", "/wait", move |_| {
            let (started, dropped) = gates.clone();
            later(async move {
                let _guard = OpensOnDrop(dropped);
                started.open();
                pending().await
            })
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client.send("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await;
        started.passed().await;
        assert!(!dropped.is_open());
        drop(client);
        dropped.passed().await;
        served.holds(0).await;
        assert_eq!(served.server.counters().requests(), 0);
    });
}

#[test]
fn work_that_is_not_cancelled_ends_by_itself() {
    run(async {
        let (started, released, done) = (Gate::default(), Gate::default(), Gate::default());
        let gates = (started.clone(), released.clone(), done.clone());
        let keep = |route: &mut covet_server::handler::Route| route.cancel_on_disconnect = false;
        let site = Site::new().route("GET", "/work", keep, move |_| {
            let (started, released, done) = gates.clone();
            later(async move {
                started.open();
                released.passed().await;
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
        assert!(!done.is_open());
        released.open();
        done.passed().await;
    });
}

#[test]
fn a_half_closed_client_waits_where_the_settings_say_so() {
    for half_close in [true, false] {
        run(async {
            let (call, started, released) = held("for you");
            let site = Site::new().on("GET", "/wait", call);
            let served = site.serve(Settings {
                half_close,
                ..Settings::default()
            });
            let mut client = served.connect().await;
            client.send("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n").await;
            started.passed().await;
            client.stream.shutdown().await.unwrap();
            if half_close {
                released.open();
                assert_eq!(client.reply().await.text(), "for you");
            }
            assert_eq!(client.rest().await, b"");
        });
    }
}

#[test]
fn a_handler_over_its_time_is_cancelled_with_504() {
    run(async {
        let dropped = Gate::default();
        let gate = dropped.clone();
        let hasty = |route: &mut covet_server::handler::Route| {
            route.timeout = Some(Duration::from_millis(10));
        };
        let site = Site::new().route("GET", "/slow", hasty, move |_| {
            let guard = OpensOnDrop(gate.clone());
            later(async move {
                let _guard = guard;
                pending().await
            })
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        let reply = client.ask("GET /slow").await;
        assert_eq!(reply.status, 504);
        assert!(dropped.is_open());
        assert_eq!(client.ask("GET /").await.text(), "hello");
    });
}
