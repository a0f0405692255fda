//! A panic costs one connection, never the process.

use covet_server::settings::Settings;

use crate::support::{Site, later, run};

#[test]
fn a_panicking_handler_costs_its_connection() {
    run(async {
        let site = Site::new().on("GET", "/panic", |_| panic!("on purpose"));
        let said = site.panics();
        let served = site.serve(Settings::default());
        let mut bystander = served.connect().await;
        assert_eq!(bystander.ask("GET /").await.status, 200);

        let mut client = served.connect().await;
        let reply = client.ask("GET /panic").await;
        assert_eq!(reply.status, 500);
        assert!(reply.closes());
        assert_eq!(client.rest().await, b"");
        assert_eq!(served.server.counters().panics(), 1);
        assert_eq!(*said.borrow(), ["on purpose"]);

        assert_eq!(bystander.ask("GET /").await.text(), "hello");
        assert_eq!(served.connect().await.ask("GET /").await.text(), "hello");
    });
}

#[test]
fn a_panic_in_a_later_answer_drops_the_connection() {
    run(async {
        let site = Site::new().on("GET", "/panic", |_| {
            later(async {
                tokio::task::yield_now().await;
                panic!("later, on purpose")
            })
        });
        let said = site.panics();
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client.send("GET /panic HTTP/1.1\r\nhost: a\r\n\r\n").await;
        assert_eq!(client.rest().await, b"");
        assert_eq!(served.server.counters().panics(), 1);
        assert_eq!(*said.borrow(), ["later, on purpose"]);
        served.holds(0).await;
        assert_eq!(served.connect().await.ask("GET /").await.text(), "hello");
    });
}
