//! A directory under a route, over sockets: paths, methods, one page, siblings, conditions and ranges.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use covet_server::files::Files;
use covet_server::settings::Settings;

use crate::directory::{Directory, numbered, request};
use crate::support::{Reply, Site, run};

/// Method, path and fields.
type Asked<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);
/// Path, Accept-Encoding; the body, its Content-Encoding, and Vary.
type Negotiated<'a> = (&'a str, &'a str, &'a str, Option<&'a str>, Option<&'a str>);

fn static_site(directory: &Directory, spa: bool) -> Site {
    let files = Arc::new(Files::new(&directory.site(), spa).unwrap());
    let mut site = Site::new();
    for path in ["/s", "/s/{rest:path}"] {
        let files = Arc::clone(&files);
        site = site.route(
            "GET",
            path,
            |route| route.files = Some(files),
            |_| panic!("the handler is not asked"),
        );
    }
    site
}

async fn ask(directory: &Directory, spa: bool, requests: &[Asked<'_>]) -> Vec<Reply> {
    let served = static_site(directory, spa).serve(Settings::default());
    let mut client = served.connect().await;
    let mut replies = Vec::new();
    for (method, path, fields) in requests {
        client.send(request(method, path, fields)).await;
        replies.push(if *method == "HEAD" {
            client.head().await
        } else {
            client.reply().await
        });
    }
    // The connection is in order after all of them.
    assert_eq!(client.ask("GET /").await.text(), "hello");
    replies
}

#[test]
fn what_a_path_means() {
    run(async {
        let directory = Directory::new("paths");
        directory.write("a.txt", "text");
        directory.write("index.html", "<i>");
        directory.write("sub/index.html", "<sub>");
        directory.write("bare/b.js", "1");
        directory.write(".env", "secret");
        directory.write("é.css", "x");
        fs::write(directory.0.join("secret"), "secret").unwrap();
        symlink("../secret", directory.site().join("link")).unwrap();
        let table: &[(&str, u16, &str, &str)] = &[
            ("/s/a.txt", 200, "text", "text/plain; charset=utf-8"),
            ("/s/a.txt?v=1", 200, "text", "text/plain; charset=utf-8"),
            ("/s/%61.txt", 200, "text", "text/plain; charset=utf-8"),
            ("/s/%C3%A9.css", 200, "x", "text/css; charset=utf-8"),
            ("/s/", 200, "<i>", "text/html; charset=utf-8"),
            ("/s/sub/", 200, "<sub>", "text/html; charset=utf-8"),
            ("/s/bare/b.js", 200, "1", "text/javascript; charset=utf-8"),
            ("/s/bare/", 404, "", ""),
            ("/s/bare", 404, "", ""),
            ("/s/missing", 404, "", ""),
            ("/s/a.txt/", 404, "", ""),
            ("/s/.env", 404, "", ""),
            ("/s/link", 404, "", ""),
            ("/s/../secret", 400, "", ""),
            ("/s/%2e%2e/secret", 400, "", ""),
            ("/s/%252e%252e/secret", 404, "", ""),
            ("/s/..%2fsecret", 404, "", ""),
            ("/s/..%5csecret", 404, "", ""),
            ("/s/bare%2fb.js", 404, "", ""),
            ("/s//etc/passwd", 404, "", ""),
            ("/s/%2fetc/passwd", 404, "", ""),
            ("/s/a.txt%00", 404, "", ""),
            ("/s/%00", 404, "", ""),
        ];
        let requests: Vec<_> = table
            .iter()
            .map(|(path, ..)| ("GET", *path, &[] as &[(&str, &str)]))
            .collect();
        let replies = ask(&directory, false, &requests).await;
        for ((path, status, body, content_type), reply) in table.iter().zip(&replies) {
            assert_eq!(reply.status, *status, "{path}");
            if *status == 200 {
                assert_eq!(reply.text(), *body, "{path}");
                assert_eq!(reply.field("content-type"), Some(*content_type), "{path}");
            }
        }
        let redirects = [
            ("/s", "./s/"),
            ("/s/sub", "./sub/"),
            ("/s/sub?a=b", "./sub/?a=b"),
            ("/%73", "./s/"),
        ];
        let requests = redirects.map(|(path, _)| ("GET", path, &[] as &[(&str, &str)]));
        for (reply, (path, location)) in ask(&directory, false, &requests)
            .await
            .iter()
            .zip(redirects)
        {
            assert_eq!(
                (reply.status, reply.field("location")),
                (308, Some(location)),
                "{path}"
            );
        }
    });
}

#[test]
fn methods_and_head() {
    run(async {
        let directory = Directory::new("methods");
        directory.write("a.txt", "text");
        directory.write("large.bin", numbered(100_000));
        let replies = ask(
            &directory,
            false,
            &[
                ("HEAD", "/s/a.txt", &[]),
                ("HEAD", "/s/large.bin", &[("range", "bytes=0-1")]),
                ("POST", "/s/a.txt", &[("content-length", "0")]),
                ("OPTIONS", "/s/a.txt", &[]),
            ],
        )
        .await;
        assert_eq!(replies[0].field("content-length"), Some("4"));
        assert!(replies[0].field("etag").is_some());
        assert_eq!(
            (replies[1].status, replies[1].field("content-length")),
            (200, Some("100000"))
        );
        assert_eq!(
            (replies[2].status, replies[2].field("allow")),
            (405, Some("GET, HEAD, OPTIONS"))
        );
        assert_eq!(replies[3].status, 204);
    });
}

#[test]
fn an_application_of_one_page() {
    run(async {
        let directory = Directory::new("spa");
        directory.write("index.html", "app");
        directory.write("real.html", "real");
        for (spa, path, status, body) in [
            (true, "/s/users/7", 200, "app"),
            (true, "/s/users/john.doe", 200, "app"),
            (true, "/s/users/", 200, "app"),
            (true, "/s/real.html", 200, "real"),
            (true, "/s/missing.js", 404, ""),
            (true, "/s/missing.png", 404, ""),
            (true, "/s/.git/config", 404, ""),
            (false, "/s/users/7", 404, ""),
        ] {
            let replies = ask(&directory, spa, &[("GET", path, &[])]).await;
            assert_eq!(replies[0].status, status, "{path}");
            if status == 200 {
                assert_eq!(replies[0].text(), body, "{path}");
                assert_eq!(replies[0].field("cache-control"), Some("no-cache"));
            }
        }
    });
}

#[test]
fn precompressed_siblings_and_caching() {
    run(async {
        let directory = Directory::new("siblings");
        for (name, text) in [
            ("app.js", "plain"),
            ("app.js.br", "brotli"),
            ("app.js.gz", "gzipped"),
            ("app-BqD5k2lX.js", "hashed"),
            ("a.png", "png"),
            ("a.png.gz", "never"),
        ] {
            directory.write(name, text);
        }
        let table: &[Negotiated<'_>] = &[
            ("/s/app.js", "", "plain", None, Some("accept-encoding")),
            (
                "/s/app.js",
                "gzip, br",
                "brotli",
                Some("br"),
                Some("accept-encoding"),
            ),
            (
                "/s/app.js",
                "gzip, br;q=0.1",
                "gzipped",
                Some("gzip"),
                Some("accept-encoding"),
            ),
            (
                "/s/app.js",
                "zstd, gzip",
                "gzipped",
                Some("gzip"),
                Some("accept-encoding"),
            ),
            ("/s/app.js", "zstd", "plain", None, Some("accept-encoding")),
            (
                "/s/app-BqD5k2lX.js",
                "br",
                "hashed",
                None,
                Some("accept-encoding"),
            ),
            ("/s/a.png", "gzip", "png", None, None),
        ];
        let mut tags = Vec::new();
        for (path, accepted, body, encoding, vary) in table {
            let fields = [("accept-encoding", *accepted)];
            let reply = &ask(&directory, false, &[("GET", path, &fields)]).await[0];
            assert_eq!(reply.text(), *body, "{path} {accepted}");
            assert_eq!(
                reply.field("content-encoding"),
                *encoding,
                "{path} {accepted}"
            );
            assert_eq!(reply.field("vary"), *vary, "{path} {accepted}");
            let is_js = reply.field("content-type") == Some("text/javascript; charset=utf-8");
            assert_eq!(is_js, path.ends_with("js"));
            let forever = path
                .contains('-')
                .then_some("public, max-age=31536000, immutable");
            assert_eq!(reply.field("cache-control"), forever, "{path}");
            tags.push(reply.field("etag").unwrap().to_owned());
        }
        assert_ne!(tags[0], tags[1]);
        assert_ne!(tags[1], tags[2]);
    });
}

#[test]
fn conditions_and_ranges() {
    run(async {
        let directory = Directory::new("conditions");
        let text = numbered(100_000);
        directory.write("large.js", &text);
        let first = &ask(&directory, false, &[("GET", "/s/large.js", &[])]).await[0];
        assert!(first.body == text);
        assert_eq!(first.field("accept-ranges"), Some("bytes"));
        let tag = first.field("etag").unwrap();
        assert!(tag.starts_with('"'), "{tag}");
        let date = first.field("last-modified").unwrap();
        let replies = ask(
            &directory,
            false,
            &[
                ("GET", "/s/large.js", &[("if-none-match", tag)]),
                ("HEAD", "/s/large.js", &[("if-modified-since", date)]),
                ("GET", "/s/large.js", &[("if-match", "\"other\"")]),
                ("GET", "/s/large.js", &[("range", "bytes=10-12")]),
                ("GET", "/s/large.js", &[("range", "bytes=-30000")]),
                ("GET", "/s/large.js", &[("range", "bytes=100000-")]),
                (
                    "GET",
                    "/s/large.js",
                    &[("range", "bytes=1-2"), ("if-range", "\"other\"")],
                ),
                (
                    "GET",
                    "/s/large.js",
                    &[("range", "bytes=1-2"), ("if-range", tag)],
                ),
                (
                    "GET",
                    "/s/large.js",
                    &[("range", "bytes=1-2"), ("if-none-match", tag)],
                ),
                (
                    "GET",
                    "/s/large.js",
                    &[("range", "bytes=1-2"), ("range", "bytes=1-2")],
                ),
            ],
        )
        .await;
        let statuses: Vec<_> = replies.iter().map(|reply| reply.status).collect();
        assert_eq!(statuses, [304, 304, 412, 206, 206, 416, 200, 206, 304, 200]);
        for reply in [&replies[0], &replies[1], &replies[8]] {
            assert_eq!(reply.field("etag"), Some(tag));
            assert_eq!(reply.field("vary"), Some("accept-encoding"));
            assert_eq!(reply.field("content-type"), None);
            assert_eq!(reply.field("content-length"), None);
        }
        assert_eq!(replies[3].body, &text[10..13]);
        assert_eq!(
            replies[3].field("content-range"),
            Some("bytes 10-12/100000")
        );
        assert!(replies[4].body == text[70_000..]);
        assert_eq!(replies[5].field("content-range"), Some("bytes */100000"));
        assert!(replies[6].body == text);
        assert_eq!(replies[7].body, &text[1..3]);
    });
}

#[test]
fn several_ranges_are_one_multipart_body() {
    run(async {
        let directory = Directory::new("multipart");
        let text = numbered(200_000);
        directory.write("a.css", &text);
        for (field, parts) in [
            ("bytes=0-1, -2", vec![0..2, 199_998..200_000]),
            (
                "bytes=100-60000, 70000-150000",
                vec![100..60_001, 70_000..150_001],
            ),
        ] {
            let reply = &ask(
                &directory,
                false,
                &[("GET", "/s/a.css", &[("range", field)])],
            )
            .await[0];
            assert_eq!(reply.status, 206, "{field}");
            assert_eq!(reply.field("content-range"), None);
            let kind = reply.field("content-type").unwrap();
            let boundary = kind
                .strip_prefix("multipart/byteranges; boundary=")
                .unwrap();
            let mut expected = Vec::new();
            for part in parts {
                let range = format!("bytes {}-{}/200000", part.start, part.end - 1);
                let before = if expected.is_empty() { "" } else { "\r\n" };
                expected.extend_from_slice(
                    format!(
                        "{before}--{boundary}\r\ncontent-type: text/css; charset=utf-8\r\n\
                         content-range: {range}\r\n\r\n"
                    )
                    .as_bytes(),
                );
                expected.extend_from_slice(&text[part]);
            }
            expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
            assert!(reply.body == expected, "{field}");
        }
    });
}
