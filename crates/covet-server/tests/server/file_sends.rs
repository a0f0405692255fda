//! Files that a handler answers with: sent by the kernel or copied, cut short, unread, beside others.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use covet_server::files::{FileBody, StoredFile};
use covet_server::handler::Answer;
use covet_server::response::{Payload, Response};
use covet_server::settings::Settings;

use crate::directory::{Directory, numbered, request};
use crate::support::{Site, run};

fn handled(path: PathBuf) -> Site {
    Site::new().on("GET", "/file", move |_| {
        let stored = StoredFile::open(&path).unwrap();
        let mut response = Response::new(200, Some(b"a/b"), Payload::Empty);
        stored.write_fields(&mut response.fields);
        response.body = Payload::File(Box::new(FileBody::whole(stored)));
        Answer::Now(response)
    })
}

#[test]
fn a_handlers_file_by_sendfile_and_by_copying() {
    run(async {
        let directory = Directory::new("handler");
        let text = numbered(8_000_003);
        let path = directory.write("large", &text);
        for sendfile in [true, false] {
            let settings = Settings {
                sendfile,
                ..Settings::default()
            };
            let served = handled(path.clone()).serve(settings);
            let mut client = served.connect().await;
            let reply = client.ask("GET /file").await;
            assert!(reply.body == text, "{sendfile}");
            let tag = reply.field("etag").unwrap().to_owned();
            client
                .send(request("GET", "/file", &[("if-none-match", &tag)]))
                .await;
            assert_eq!(client.reply().await.status, 304);
            client
                .send(request(
                    "GET",
                    "/file",
                    &[("range", "bytes=1000000-4999999")],
                ))
                .await;
            let part = client.reply().await;
            assert!(part.body == text[1_000_000..5_000_000], "{sendfile}");
            // Pipelined: a file between two small answers.
            let one = |path| request("GET", path, &[]);
            client.send(one("/") + &one("/file") + &one("/")).await;
            assert_eq!(client.reply().await.text(), "hello");
            assert!(client.reply().await.body == text);
            assert_eq!(client.reply().await.text(), "hello");
        }
    });
}

#[test]
fn a_file_that_shrinks_ends_the_connection_and_a_swap_changes_nothing() {
    run(async {
        let directory = Directory::new("shrink");
        // More than the buffers of two sockets hold.
        let length = 64 * 1024 * 1024;
        let path = directory.write("large", "");
        for sendfile in [true, false] {
            let file = fs::File::create(&path).unwrap();
            file.set_len(length).unwrap();
            let settings = Settings {
                sendfile,
                ..Settings::default()
            };
            let served = handled(path.clone()).serve(settings);

            let mut client = served.connect().await;
            client.send(request("GET", "/file", &[])).await;
            let head = client.head().await;
            assert_eq!(head.field("content-length"), Some("67108864"));
            let other = directory.write("other", "other");
            fs::rename(&other, &path).unwrap();
            assert_eq!(client.take(length as usize).await, vec![0; length as usize]);
            assert_eq!(client.ask("GET /file").await.text(), "other");

            let file = fs::File::create(&path).unwrap();
            file.set_len(length).unwrap();
            let mut client = served.connect().await;
            client.send(request("GET", "/file", &[])).await;
            client.head().await;
            file.set_len(1024).unwrap();
            let got = client.rest().await.len() as u64;
            assert!(got < length, "{got} of {length} ({sendfile})");
        }
    });
}

#[test]
fn a_client_that_does_not_read_a_file_is_left() {
    run(async {
        let directory = Directory::new("stalled");
        let path = directory.write("large", "");
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(1 << 30)
            .unwrap();
        let settings = Settings {
            write_timeout: Duration::from_millis(100),
            ..Settings::default()
        };
        let served = handled(path).serve(settings);
        let mut client = served.connect().await;
        client.send(request("GET", "/file", &[])).await;
        served.holds(1).await;
        served.holds(0).await;
        assert!((client.rest().await.len() as u64) < 1 << 30);
    });
}

#[test]
fn a_file_does_not_hold_up_others() {
    run(async {
        let directory = Directory::new("fair");
        let path = directory.write("large", "");
        fs::File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_len(256 << 20)
            .unwrap();
        let served = handled(path).serve(Settings::default());
        let mut greedy = served.connect().await;
        greedy.send(request("GET", "/file", &[])).await;
        greedy.head().await;
        // Everything is on one thread: the file goes out only in turns, between these.
        let mut client = served.connect().await;
        for _ in 0..20 {
            assert_eq!(client.ask("GET /").await.text(), "hello");
        }
        assert_eq!(greedy.take(256 << 20).await.len(), 256 << 20);
    });
}
