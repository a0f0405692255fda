//! The end: what runs is finished, what idles is closed, nothing new is taken.

use std::time::Duration;

use covet_server::handler::{Answer, Route};
use covet_server::settings::Settings;

use crate::support::{Gate, OpensOnDrop, Site, held, later, run, text};

#[test]
fn draining_finishes_what_runs_and_closes_what_idles() {
    run(async {
        let (call, started, released) = held("slow");
        let site = Site::new().on("GET", "/slow", call);
        let served = site.serve(Settings {
            drain_quiet: Duration::from_millis(60),
            ..Settings::default()
        });
        let (mut idle, mut busy) = (served.connect().await, served.connect().await);
        assert_eq!(idle.ask("GET /").await.status, 200);
        busy.send("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n").await;
        started.passed().await;

        served.server.drain();
        assert_eq!(idle.rest().await, b"");
        served.holds(1).await;
        released.open();
        let reply = busy.reply().await;
        assert_eq!(reply.text(), "slow");
        assert!(reply.closes());
        assert_eq!(busy.rest().await, b"");
        served.server.finished().await;
        assert_eq!(served.server.counters().connections(), 0);
        assert!(served.try_connect().await.is_err());
    });
}

#[test]
fn a_request_on_its_way_while_draining_is_answered() {
    run(async {
        let served = Site::new().serve(Settings::default());
        let mut client = served.connect().await;
        assert!(!client.ask("GET /").await.closes());
        served.server.drain();
        let reply = client.ask("GET /").await;
        assert_eq!(reply.text(), "hello");
        assert!(reply.closes());
        assert_eq!(client.rest().await, b"");
        served.server.finished().await;
    });
}

#[test]
fn abort_ends_everything_now() {
    run(async {
        let started = Gate::default();
        let gate = started.clone();
        let site = Site::new().on("GET", "/never", move |_| {
            gate.open();
            later(std::future::pending())
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client.send("GET /never HTTP/1.1\r\nhost: a\r\n\r\n").await;
        started.passed().await;
        served.server.abort();
        served.server.finished().await;
        assert_eq!(client.rest().await, b"");
        assert_eq!(served.server.counters().cut(), 1);
    });
}

#[test]
fn an_answer_that_is_not_out_counts_as_cut() {
    run(async {
        let site = Site::new().on("GET", "/large", |_| Answer::Now(text(vec![b'a'; 32 << 20])));
        let served = site.serve(Settings::default());
        let mut lazy = served.connect().await;
        let mut idle = served.connect().await;
        assert_eq!(idle.ask("GET /").await.text(), "hello");
        lazy.send("GET /large HTTP/1.1\r\nhost: a\r\n\r\n").await;
        while served.server.counters().requests() < 2 {
            tokio::task::yield_now().await;
        }
        served.server.abort();
        served.server.finished().await;
        assert_eq!(served.server.counters().cut(), 1);
        assert_eq!(idle.rest().await, b"");
    });
}

#[test]
fn work_whose_client_has_gone_is_waited_for_and_cut_by_an_abort() {
    for aborts in [false, true] {
        run(async {
            let (started, released) = (Gate::default(), Gate::default());
            let (dropped, ended) = (Gate::default(), Gate::default());
            let gates = (
                started.clone(),
                released.clone(),
                dropped.clone(),
                ended.clone(),
            );
            let keep = |route: &mut Route| route.cancel_on_disconnect = false;
            let site = Site::new().route("GET", "/work", keep, move |_| {
                let (started, released, dropped, ended) = gates.clone();
                later(async move {
                    let _guard = OpensOnDrop(dropped);
                    started.open();
                    released.passed().await;
                    ended.open();
                    text("nobody reads this")
                })
            });
            let served = site.serve(Settings::default());
            let mut client = served.connect().await;
            client.send("GET /work HTTP/1.1\r\nhost: a\r\n\r\n").await;
            started.passed().await;
            drop(client);
            served.holds(0).await;
            served.server.drain();
            let soon = Duration::from_millis(30);
            let over = tokio::time::timeout(soon, served.server.finished()).await;
            assert!(over.is_err(), "it works still");
            if aborts {
                served.server.abort();
            } else {
                released.open();
            }
            served.server.finished().await;
            dropped.passed().await;
            assert_eq!(ended.is_open(), !aborts);
            assert_eq!(served.server.counters().cut(), u64::from(aborts));
        });
    }
}
