//! Requests in flight: how many, who waits, who is sent away, and that none of it reads a body.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use covet_server::admission::{self, Pass};
use covet_server::handler::{Answer, Request, Route};
use covet_server::settings::Settings;
use tokio::net::TcpStream;

use crate::feeding::Feed;
use crate::support::{Client, Gate, Served, Site, later, run, text};

/// What a test knows of one route's requests: who was begun, and the door that lets all of them end.
#[derive(Clone, Default)]
struct Work {
    begun: Rc<RefCell<Vec<String>>>,
    released: Gate,
}

impl Work {
    fn call(&self) -> impl Fn(&Request<'_>) -> Answer + 'static {
        let work = self.clone();
        move |request| {
            let query = request.head.query.as_ref();
            let name = query.map_or_else(Vec::new, |it| it.of(request.bytes).to_vec());
            let name = String::from_utf8_lossy(&name).into_owned();
            work.begun.borrow_mut().push(name.clone());
            let released = work.released.clone();
            later(async move {
                released.passed().await;
                text(name)
            })
        }
    }

    fn begun(&self) -> Vec<String> {
        self.begun.borrow().clone()
    }

    /// Let the server run until so many were begun.
    async fn has_begun(&self, count: usize) {
        while self.begun.borrow().len() != count {
            tokio::task::yield_now().await;
        }
    }
}

fn gated(gate: &Rc<admission::Gate>) -> impl FnOnce(&mut Route) + 'static {
    let gate = Rc::clone(gate);
    move |route| route.gate = Some(gate)
}

/// A site whose `/work` has the gate, and an ungated `/`.
fn site(gate: &Rc<admission::Gate>, work: &Work) -> Site {
    let site = Site::new().route("GET", "/work", gated(gate), work.call());
    site.route("POST", "/work", gated(gate), work.call())
}

/// Send a request that will be waited for, and let the server see it.
async fn started(
    served: &Served,
    name: &str,
    gate: &admission::Gate,
    counts: (usize, usize),
) -> Client<TcpStream> {
    let mut client = served.connect().await;
    client
        .send(format!("GET /work?{name} HTTP/1.1\r\nhost: a\r\n\r\n"))
        .await;
    settled(gate, counts).await;
    client
}

async fn settled(gate: &admission::Gate, counts: (usize, usize)) {
    while (gate.taken(), gate.waiting()) != counts {
        tokio::task::yield_now().await;
    }
}

#[test]
fn one_below_at_and_above_each_bound() {
    for (most, queue) in [(1, 0), (3, 0), (1, 1), (2, 3)] {
        run(async {
            let (gate, work) = (admission::Gate::new(most, queue), Work::default());
            let served = site(&gate, &work).serve(Settings::default());
            let mut clients = Vec::new();
            for number in 0..most + queue {
                let counts = ((number + 1).min(most), (number + 1).saturating_sub(most));
                clients.push(started(&served, &number.to_string(), &gate, counts).await);
            }
            assert_eq!(work.begun().len(), most);
            let mut refused = served.connect().await;
            let reply = refused.ask("GET /work?over").await;
            assert_eq!((reply.status, reply.closes()), (503, false));
            assert_eq!(reply.field("retry-after"), Some("1"));
            assert!(reply.text().contains("too many requests are in flight"));
            assert_eq!(refused.ask("GET /").await.text(), "hello", "it stays");
            work.released.open();
            for (number, client) in clients.iter_mut().enumerate() {
                assert_eq!(client.reply().await.text(), number.to_string());
            }
            let order: Vec<_> = (0..most + queue).map(|it| it.to_string()).collect();
            assert_eq!(work.begun(), order, "in order of arrival");
            assert_eq!((gate.taken(), gate.waiting()), (0, 0));
            assert_eq!(refused.ask("GET /work?again").await.status, 200);
        });
    }
}

#[test]
fn the_worker_counts_all_routes_together() {
    run(async {
        let work = Work::default();
        let site = Site::new()
            .on("GET", "/one", work.call())
            .on("GET", "/two", work.call());
        let served = site.serve(Settings {
            max_concurrency: Some(2),
            queue: 1,
            ..Settings::default()
        });
        let mut clients = Vec::new();
        for (path, begun) in [("/one?1", 1), ("/two?2", 2), ("/one?3", 2)] {
            let mut client = served.connect().await;
            client
                .send(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"))
                .await;
            work.has_begun(begun).await;
            clients.push(client);
        }
        let mut refused = served.connect().await;
        assert_eq!(refused.ask("GET /two?4").await.status, 503);
        assert_eq!(refused.ask("GET /none").await.status, 404, "needs no place");
        work.released.open();
        for client in &mut clients {
            assert_eq!(client.reply().await.status, 200);
        }
        assert_eq!(work.begun(), ["1", "2", "3"]);
    });
}

#[test]
fn who_leaves_the_line_is_forgotten() {
    run(async {
        let (gate, work) = (admission::Gate::new(1, 2), Work::default());
        let served = site(&gate, &work).serve(Settings::default());
        let mut first = started(&served, "first", &gate, (1, 0)).await;
        let gone = started(&served, "gone", &gate, (1, 1)).await;
        let mut last = started(&served, "last", &gate, (1, 2)).await;
        drop(gone);
        settled(&gate, (1, 1)).await;
        let mut next = started(&served, "next", &gate, (1, 2)).await;
        work.released.open();
        for (client, name) in [
            (&mut first, "first"),
            (&mut last, "last"),
            (&mut next, "next"),
        ] {
            assert_eq!(client.reply().await.text(), name);
        }
        assert_eq!(work.begun(), ["first", "last", "next"]);
    });
}

#[test]
fn nobody_waits_longer_than_the_time_of_the_route() {
    run(async {
        let (gate, work) = (admission::Gate::new(1, 1), Work::default());
        let put = gated(&gate);
        let impatient = |route: &mut Route| {
            put(route);
            route.timeout = Some(Duration::from_millis(20));
        };
        let site = site(&gate, &work).route("GET", "/soon", impatient, work.call());
        let served = site.serve(Settings::default());
        let mut first = started(&served, "first", &gate, (1, 0)).await;
        let mut client = served.connect().await;
        let reply = client.ask("GET /soon?never").await;
        assert_eq!((reply.status, reply.field("retry-after")), (503, Some("1")));
        assert_eq!(client.ask("GET /").await.text(), "hello", "it stays");
        work.released.open();
        assert_eq!(first.reply().await.text(), "first");
        assert_eq!(work.begun(), ["first"]);
    });
}

#[test]
fn what_is_pipelined_waits_behind_it() {
    run(async {
        let (gate, work) = (admission::Gate::new(1, 1), Work::default());
        let served = site(&gate, &work).serve(Settings::default());
        let mut first = started(&served, "first", &gate, (1, 0)).await;
        let mut client = served.connect().await;
        let body = "POST /work?post HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody";
        client
            .send(format!("{body}GET / HTTP/1.1\r\nhost: a\r\n\r\n"))
            .await;
        settled(&gate, (1, 1)).await;
        work.released.open();
        assert_eq!(first.reply().await.text(), "first");
        assert_eq!(client.reply().await.text(), "post");
        assert_eq!(client.reply().await.text(), "hello");
    });
}

#[test]
fn nobody_is_told_to_send_a_body_before_its_turn() {
    run(async {
        let gate = admission::Gate::new(1, 1);
        let work = Work::default();
        let site = site(&gate, &work).route("PUT", "/work", gated(&gate), |request| {
            let body = covet_server::gathering::gather(request.body);
            later(async move {
                match body {
                    covet_server::gathering::Whole::Coming(coming) => text(
                        coming
                            .await
                            .map(|it| it.to_vec())
                            .expect("the client stays"),
                    ),
                    _ => text("no body"),
                }
            })
        });
        let served = site.serve(Settings::default());
        let mut first = started(&served, "first", &gate, (1, 0)).await;
        let expecting =
            "PUT /work HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n";
        let mut waiting = served.connect().await;
        waiting.send(expecting).await;
        settled(&gate, (1, 1)).await;
        let mut refused = served.connect().await;
        refused.send(expecting).await;
        let reply = refused.reply().await;
        assert_eq!(
            (reply.status, reply.closes()),
            (503, true),
            "its first answer"
        );
        assert_eq!(refused.rest().await, b"");
        work.released.open();
        assert_eq!(first.reply().await.text(), "first");
        assert_eq!(waiting.head().await.status, 100);
        waiting.send("body").await;
        assert_eq!(waiting.reply().await.text(), "body");
    });
}

#[test]
fn a_refused_body_is_thrown_away_or_ends_the_connection() {
    run(async {
        let (gate, work) = (admission::Gate::new(1, 0), Work::default());
        let served = site(&gate, &work).serve(Settings {
            max_discard: 10,
            ..Settings::default()
        });
        let _first = started(&served, "first", &gate, (1, 0)).await;
        for (size, closes) in [(9, false), (10, false), (11, true)] {
            let mut client = served.connect().await;
            client
                .send(format!(
                    "POST /work HTTP/1.1\r\nhost: a\r\ncontent-length: {size}\r\n\r\n"
                ))
                .await;
            let reply = client.reply().await;
            assert_eq!((reply.status, reply.closes()), (503, closes), "{size}");
            client.send("b".repeat(size)).await;
            if closes {
                assert_eq!(client.rest().await, b"");
            } else {
                assert_eq!(client.ask("GET /").await.text(), "hello");
            }
        }
    });
}

#[test]
fn a_stream_is_in_flight_until_it_ends() {
    run(async {
        let (gate, feed) = (admission::Gate::new(1, 0), Feed::default());
        let site = Site::new().route("GET", "/s", gated(&gate), feed.handler());
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client.send("GET /s HTTP/1.1\r\nhost: a\r\n\r\n").await;
        client.head().await;
        assert_eq!(served.connect().await.ask("GET /s").await.status, 503);
        feed.chunk("one").end();
        assert_eq!(client.take(13).await, b"3\r\none\r\n0\r\n\r\n");
        assert_eq!(gate.taken(), 0);
    });
}

#[test]
fn work_that_goes_on_stays_in_flight() {
    run(async {
        let gate = admission::Gate::new(1, 0);
        let kept = Rc::new(RefCell::new(None::<Pass>));
        let (released, keep) = (Gate::default(), Rc::clone(&kept));
        let door = released.clone();
        let put = gated(&gate);
        let unattended = |route: &mut Route| {
            put(route);
            route.cancel_on_disconnect = false;
        };
        let site = Site::new()
            .route("GET", "/alone", unattended, move |_| {
                let door = door.clone();
                later(async move {
                    door.passed().await;
                    text("nobody reads this")
                })
            })
            .route("GET", "/kept", gated(&gate), move |request| {
                *keep.borrow_mut() = request.pass.cloned();
                Answer::Now(text("answered"))
            });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        assert_eq!(client.ask("GET /kept").await.text(), "answered");
        assert_eq!(client.ask("GET /kept").await.status, 503, "it is kept");
        assert!(kept.take().is_some());
        settled(&gate, (0, 0)).await;
        client.send("GET /alone HTTP/1.1\r\nhost: a\r\n\r\n").await;
        settled(&gate, (1, 0)).await;
        drop(client);
        served.holds(0).await;
        assert_eq!(gate.taken(), 1, "the handler works on without its client");
        released.open();
        settled(&gate, (0, 0)).await;
    });
}

#[test]
fn who_waits_is_served_by_a_drain() {
    run(async {
        let (gate, work) = (admission::Gate::new(1, 1), Work::default());
        let served = site(&gate, &work).serve(Settings::default());
        let mut first = started(&served, "first", &gate, (1, 0)).await;
        let mut second = started(&served, "second", &gate, (1, 1)).await;
        served.server.drain();
        work.released.open();
        assert_eq!(first.reply().await.text(), "first");
        let reply = second.reply().await;
        assert_eq!((reply.text(), reply.closes()), ("second", true));
        served.server.finished().await;
    });
}
