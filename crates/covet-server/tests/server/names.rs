//! Names of requests, slow requests, and what the formats of the log make of them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use covet_server::access_log::{AccessLog, Format};
use covet_server::handler::{Answer, Request};
use covet_server::http1::HeadLimits;
use covet_server::settings::Settings;

use crate::log::Shared;
use crate::support::{Served, Site, now, run, text};

fn named() -> Settings {
    Settings {
        request_ids: true,
        ..Settings::default()
    }
}

fn name(request: &Request<'_>) -> Answer {
    now(request.request_id.unwrap_or("none"))
}

#[test]
fn requests_have_no_names_unless_asked_for() {
    run(async {
        let served = Site::new()
            .on("GET", "/name", name)
            .serve(Settings::default());
        let mut client = served.connect().await;
        client
            .send("GET /name HTTP/1.1\r\nhost: a\r\nx-request-id: given\r\n\r\n")
            .await;
        let reply = client.reply().await;
        assert_eq!((reply.text(), reply.field("x-request-id")), ("none", None));
    });
}

#[test]
fn a_name_is_taken_over_or_made() {
    let longest = "a".repeat(128);
    let table = [
        (
            format!("x-request-id: {longest}\r\n"),
            Some(longest.as_str()),
        ),
        ("X-REQUEST-ID: A.b_c-9\r\n".into(), Some("A.b_c-9")),
        (format!("x-request-id: {longest}a\r\n"), None),
        ("x-request-id: a b\r\n".into(), None),
        ("x-request-id:\r\n".into(), None),
        ("x-request-id: a\r\nx-request-id: a\r\n".into(), None),
        (String::new(), None),
    ];
    run(async {
        let served = Site::new().on("GET", "/name", name).serve(named());
        let mut client = served.connect().await;
        for (lines, expected) in &table {
            client
                .send(format!("GET /name HTTP/1.1\r\nhost: a\r\n{lines}\r\n"))
                .await;
            let reply = client.reply().await;
            let sent = reply.field("x-request-id").unwrap();
            assert_eq!(sent, reply.text(), "{lines}");
            match expected {
                Some(expected) => assert_eq!(sent, *expected),
                None => assert_eq!(sent.len(), 16, "{lines}"),
            }
        }
    });
}

#[test]
fn every_answer_has_a_name_of_its_own() {
    run(async {
        let served = Site::new()
            .on("GET", "/own", |_| {
                Answer::Now(text("").with_field("X-Request-Id", "handler's"))
            })
            .serve(Settings {
                head: HeadLimits {
                    fields: 2,
                    ..HeadLimits::default()
                },
                ..named()
            });
        let mut client = served.connect().await;
        client
            .send("GET /missing HTTP/1.1\r\nhost: a\r\nx-request-id: given\r\n\r\n")
            .await;
        assert_eq!(client.reply().await.field("x-request-id"), Some("given"));
        let own = client.ask("GET /own").await;
        assert_eq!(own.field("x-request-id"), Some("handler's"));
        // A head that is refused does not get the name of the request before it.
        client.send("nonsense\r\n\r\n").await;
        let refused = client.reply().await;
        assert_eq!(refused.status, 400);
        assert_eq!(refused.field("x-request-id").unwrap().len(), 16);
    });
}

#[test]
fn slow_requests_are_told() {
    for (limit, expected) in [
        (Some(Duration::ZERO), vec!["GET /name named", "GET / named"]),
        (Some(Duration::from_secs(60)), vec![]),
        (None, vec![]),
    ] {
        let told: Rc<RefCell<Vec<String>>> = Rc::default();
        run(async {
            let site = Site::new().on("GET", "/name", name).tells_slow(&told);
            let served = site.serve(Settings {
                slow_request: limit,
                ..named()
            });
            let mut client = served.connect().await;
            client.ask("GET /name?secret=1").await;
            client.ask("GET /").await;
        });
        assert_eq!(*told.borrow(), expected);
    }
}

fn lines(format: &str, sample: f64, requests: &[String]) -> Vec<String> {
    let written = Shared::default();
    run(async {
        let log = AccessLog::new(Box::new(written.clone()))
            .expect("a thread")
            .with_format(Format::parse(format).expect("a format"))
            .with_sample(sample);
        let site = Site::new().on("GET", "/name", name);
        let served = Served::new(site.server(named(), Some(log)));
        let mut client = served.connect().await;
        for request in requests {
            client.send(request).await;
            client.reply().await;
        }
    });
    written.text().lines().map(str::to_owned).collect()
}

#[test]
fn atoms() {
    let request = "GET /name?a=1 HTTP/1.1\r\nhost: a\r\nx-request-id: one\r\nx-a: \"1\"\r\n\
                   x-a: \x09\\\u{e9}\r\n\r\n";
    let format =
        "%h %l %u \"%r\" %m %U %q %H %>s %b %{X-A}i %{X-B}i %{X-Request-ID}o %{content-type}o";
    let expected = "127.0.0.1 - - \"GET /name?a=1 HTTP/1.1\" GET /name ?a=1 HTTP/1.1 200 3 \
                    \\\"1\\\", \\\\\\xc3\\xa9 - one text/plain; charset=utf-8";
    assert_eq!(lines(format, 1.0, &[request.to_owned()]), [expected]);
}

#[test]
fn json() {
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request =
        |more: &str| format!("GET /name?a HTTP/1.1\r\nhost: a\r\nx-request-id: one\r\n{more}\r\n");
    let twice = format!("traceparent: {trace}\r\ntraceparent: {trace}\r\n");
    let given = [
        request(&format!("traceparent: {trace}\r\n")),
        request(&twice),
        "nonsense\r\n\r\n".to_owned(),
    ];
    let read: Vec<serde_json::Value> = lines("json", 1.0, &given)
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [traced, untraced, refused] = &read[..] else {
        panic!("{read:?}");
    };
    assert_eq!(traced["trace_id"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(traced["parent_id"], "00f067aa0ba902b7");
    assert_eq!(traced["trace_flags"], "01");
    assert_eq!(untraced.get("trace_id"), None);
    for (name, value) in [
        ("client", "127.0.0.1"),
        ("method", "GET"),
        ("path", "/name"),
        ("query", "a"),
        ("protocol", "HTTP/1.1"),
        ("request_id", "one"),
    ] {
        assert_eq!(traced[name], value);
    }
    assert_eq!(
        (&traced["status"], &traced["bytes"]),
        (&200.into(), &3.into())
    );
    assert!(traced["duration_ms"].as_f64().unwrap() > 0.0);
    assert_eq!(
        (&refused["status"], &refused["path"]),
        (&400.into(), &().into())
    );
}

#[test]
fn a_sample_has_every_error() {
    let good = || "GET /name HTTP/1.1\r\nhost: a\r\n\r\n".to_owned();
    let bad = || "GET /missing HTTP/1.1\r\nhost: a\r\n\r\n".to_owned();
    let mut requests: Vec<String> = std::iter::repeat_with(good).take(1000).collect();
    requests.extend(std::iter::repeat_with(bad).take(5));
    let count = |sample, status| {
        let lines = lines("%s", sample, &requests);
        lines.iter().filter(|line| *line == status).count()
    };
    assert_eq!(count(1.0, "200"), 1000);
    assert_eq!(count(1e-12, "200"), 0);
    assert_eq!(count(1e-12, "404"), 5);
    // Further off than ten standard deviations.
    assert!((340..660).contains(&count(0.5, "200")));
}
