//! Forms with files: kept in memory or on the disk, refused, abandoned, too large for the disk.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use covet_server::handler::{Answer, Request};
use covet_server::multipart::{Limits, boundary};
use covet_server::response::Response;
use covet_server::settings::Settings;
use covet_server::spool::{Content, Form, Options, SpoolError, spool};
use tokio::io::AsyncWriteExt;

use crate::support::{Gate, OpensOnDrop, Reply, Served, Site, later, run, text};

const FILE: &str = "Content-Disposition: form-data; name=f; filename=";

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("covet-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).expect("a new folder");
        Self(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("a folder");
        let name = |it: io::Result<std::fs::DirEntry>| it.expect("an entry").file_name();
        entries
            .map(|it| name(it).into_string().expect("UTF-8"))
            .collect()
    }

    /// Files of this folder that are open here, those without a name too.
    fn open_files(&self) -> usize {
        let open = std::fs::read_dir("/proc/self/fd").expect("Linux");
        open.filter_map(|it| std::fs::read_link(it.ok()?.path()).ok())
            .filter(|it| it.starts_with(&self.0))
            .count()
    }

    fn options(&self) -> Options {
        Options::default().in_folder(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A line for each part: what it is, its size, where it is, its digest.
fn shown(form: &Form) -> String {
    let lines = form.parts.iter().map(|part| match &part.content {
        Content::Text(text) => format!("{}={text}\n", part.head.name),
        Content::File(file) => {
            let place = if file.memory().is_some() {
                "memory"
            } else {
                "disk"
            };
            let whole = file.read(0, u64::MAX).expect("readable");
            assert_eq!(whole.len() as u64, file.size());
            assert!(whole.iter().all(|it| *it == b'x'));
            let digest = file.sha256().map_or(0, |digest| digest[0]);
            let name = part.head.base_name().unwrap_or("-");
            format!(
                "{}:{name} {} {place} {digest:02x}\n",
                part.head.name,
                file.size()
            )
        }
    });
    lines.collect()
}

fn answer(result: Result<Form, SpoolError>) -> Response {
    match result {
        Ok(form) => text(shown(&form)),
        Err(SpoolError::Refused(error)) => Response::problem(error.status(), error.as_str()),
        Err(SpoolError::Full) => Response::problem(507, ""),
        Err(SpoolError::Storage(error)) => {
            assert!(!error.to_string().is_empty());
            Response::problem(500, "")
        }
        Err(SpoolError::Body(error)) => text(format!("{error:?}")),
    }
}

fn upload(request: &Request<'_>, options: &Options) -> Answer {
    let content_type = request.head.field(request.bytes, "content-type");
    match boundary(content_type.unwrap_or_default()) {
        Err(error) => Answer::Now(answer(Err(error.into()))),
        Ok(boundary) => {
            let spooling = spool(request.body, &boundary, options.clone());
            later(async move { answer(spooling.await) })
        }
    }
}

fn served(options: Options) -> Served {
    let site = Site::new().on("POST", "/", move |request| upload(request, &options));
    site.serve(Settings::default())
}

fn head(length: usize) -> String {
    format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// One file of `size` bytes.
fn file(size: usize) -> String {
    format!("--b\r\n{FILE}\"dir/g\"\r\n\r\n{}\r\n", "x".repeat(size))
}

fn field(name: &str, text: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name={name}\r\n\r\n{text}\r\n")
}

async fn post(served: &Served, body: &str) -> Reply {
    let mut client = served.connect().await;
    client.send(head(body.len())).await;
    client.send(body).await;
    client.reply().await
}

#[test]
fn parts_are_kept_by_their_size() {
    run(async {
        use std::fmt::Write as _;
        let folder = Folder::new("kept");
        let served = served(folder.options());
        let kib = 1024;
        let sizes = [0, 1, 64 * kib, 64 * kib + 1, 300 * kib, 5 * 1024 * kib + 7];
        let body: String = sizes.iter().map(|size| file(*size)).collect();
        let body = field("a", "1") + &body + &field("a", "2\u{e9}") + "--b--";
        let mut expected = "a=1\n".to_owned();
        for size in sizes {
            let place = if size > 64 * kib { "disk" } else { "memory" };
            writeln!(expected, "f:g {size} {place} 00").expect("a String grows");
        }
        expected += "a=2\u{e9}\n";
        let reply = post(&served, &body).await;
        assert_eq!((reply.status, reply.text()), (200, &*expected));
        while folder.open_files() > 0 {
            tokio::task::yield_now().await; // a large one is closed by another thread
        }
        assert!(folder.names().is_empty());
    });
}

#[test]
fn the_digest_is_that_of_all_bytes() {
    run(async {
        let folder = Folder::new("digest");
        let served = served(Options {
            sha256: true,
            ..folder.options()
        });
        // First octets of SHA-256 over 0, 3 and 300,000 times "x".
        let body = [0, 3, 300_000].map(file).concat() + "--b--";
        let reply = post(&served, &body).await;
        let expected = "f:g 0 memory e3\nf:g 3 memory cd\nf:g 300000 disk 29\n";
        assert_eq!(reply.text(), expected);
    });
}

#[test]
fn a_form_may_come_in_any_pieces() {
    run(async {
        let folder = Folder::new("pieces");
        let served = served(folder.options());
        let body = field("a", "1") + &file(200_000) + "--b--";
        let expected = "a=1\nf:g 200000 disk 00\n";
        let mut client = served.connect().await;
        client.send(head(body.len()) + &body).await;
        assert_eq!(client.reply().await.text(), expected);
        for size in [997, 70_000] {
            let chunked = "POST / HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=\"b\"\r\ntransfer-encoding: chunked\r\n\r\n";
            client.send(chunked).await;
            for piece in body.as_bytes().chunks(size) {
                client.send(format!("{:x}\r\n", piece.len())).await;
                client.send(piece).await;
                client.send("\r\n").await;
            }
            client.send("0\r\n\r\n").await;
            assert_eq!(client.reply().await.text(), expected);
        }
        let small = field("a", "1") + "--b--";
        client.send(head(small.len()) + &small).await;
        assert_eq!(client.reply().await.text(), "a=1\n");
    });
}

#[test]
fn what_is_refused() {
    run(async {
        let folder = Folder::new("refused");
        let limits = Limits {
            parts: 2,
            files: 1,
            field_size: 8,
            ..Limits::default()
        };
        let served = served(Options {
            limits,
            ..folder.options()
        });
        let end = "--b--";
        let table: [(String, u16); 8] = [
            (field("a", "12345678") + end, 200),
            (field("a", "123456789") + end, 413),
            (field("a", "1").repeat(2) + end, 200),
            (field("a", "1").repeat(3) + end, 413),
            (file(100_000) + end, 200),
            (file(100_000).repeat(2) + end, 413),
            (file(100_000), 400),
            ("no boundary".into(), 400),
        ];
        for (body, status) in table {
            let reply = post(&served, &body).await;
            assert_eq!(reply.status, status, "{}", reply.text());
        }
        let mut client = served.connect().await;
        client
            .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx")
            .await;
        assert_eq!(client.reply().await.status, 400);
        client.send(head(0)).await;
        assert_eq!(client.reply().await.status, 400);
        assert_eq!(folder.open_files(), 0);
    });
}

/// The refusal comes while the client still sends, and it can be read.
#[test]
fn a_refusal_does_not_wait_for_the_rest() {
    run(async {
        let limits = Limits {
            field_size: 8,
            ..Limits::default()
        };
        let served = served(Options {
            limits,
            ..Options::default()
        });
        let mut client = served.connect().await;
        client.send(head(1 << 40)).await;
        client.send(field("a", "123456789")).await;
        let reply = client.reply().await;
        assert_eq!((reply.status, reply.closes()), (413, true));
    });
}

/// A file on which every write fails as on a full disk.
fn full_disk() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/full")
}

#[test]
fn a_full_disk_is_507() {
    run(async {
        let served = served(Options {
            create: Arc::new(full_disk),
            ..Options::default()
        });
        let reply = post(&served, &(file(2_000_000) + "--b--")).await;
        assert_eq!(reply.status, 507);
        let reply = post(&served, &(file(60_000) + "--b--")).await;
        assert_eq!(reply.status, 200);
    });
}

#[test]
fn a_folder_that_is_not_there_is_500() {
    run(async {
        let served = served(Options::default().in_folder(Path::new("/nonexistent/folder")));
        let reply = post(&served, &(file(100_000) + "--b--")).await;
        assert_eq!(reply.status, 500);
    });
}

#[test]
fn a_panic_of_the_writer_is_500() {
    run(async {
        let create = || -> io::Result<File> { panic!("of the test") };
        let served = served(Options {
            create: Arc::new(create),
            ..Options::default()
        });
        let reply = post(&served, &(file(100_000) + "--b--")).await;
        assert_eq!(reply.status, 500);
    });
}

/// Options whose file is made only when the channel says so, and the sign that it was asked for.
fn held(folder: &Folder) -> (Options, std::sync::mpsc::Sender<()>, Receiver<()>) {
    let (release, released) = channel();
    let (asked, was_asked) = channel();
    let gates = Mutex::new((released, asked));
    let create = folder.options().create;
    let options = Options {
        create: Arc::new(move || {
            let (released, asked) = &*gates.lock().expect("no panic before");
            let _ = asked.send(());
            let _ = released.recv();
            create()
        }),
        ..Options::default()
    };
    (options, release, was_asked)
}

#[test]
fn a_slow_disk_stops_the_socket() {
    run(async {
        let folder = Folder::new("slow");
        let (options, release, was_asked) = held(&folder);
        let served = served(options);
        let body = file(64 << 20) + "--b--";
        let mut client = served.connect().await;
        client.send(head(body.len())).await;
        let mut sent = 0;
        // Until nothing more is taken: the runtime has one thread, so each turn lets the server read.
        let mut idle = 0;
        while idle < 5000 && sent < body.len() {
            let end = body.len().min(sent + (1 << 20));
            match client.stream.try_write(&body.as_bytes()[sent..end]) {
                Ok(count) => (sent, idle) = (sent + count, 0),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => idle += 1,
                Err(error) => panic!("{error}"),
            }
            tokio::task::yield_now().await;
        }
        assert!(was_asked.try_recv().is_ok());
        assert!(sent < body.len() / 2, "{sent} bytes were taken");
        release.send(()).expect("somebody waits");
        client
            .stream
            .write_all(&body.as_bytes()[sent..])
            .await
            .expect("taken");
        let expected = format!("f:g {} disk 00\n", 64 << 20);
        assert_eq!(client.reply().await.text(), expected);
    });
}

#[test]
fn a_client_that_leaves_leaves_no_file() {
    run(async {
        let folder = Folder::new("leaves");
        let dropped = Gate::default();
        let (options, gate) = (folder.options(), dropped.clone());
        let site = Site::new().on("POST", "/", move |request| {
            let spooling = spool(request.body, b"b", options.clone());
            let gate = gate.clone();
            later(async move {
                let _told = OpensOnDrop(gate);
                answer(spooling.await)
            })
        });
        let served = site.serve(Settings::default());
        let mut client = served.connect().await;
        client.send(head(2_000_000)).await;
        client.send(file(1_000_000)).await;
        while folder.open_files() == 0 {
            tokio::task::yield_now().await;
        }
        drop(client);
        dropped.passed().await;
        while folder.open_files() > 0 {
            tokio::task::yield_now().await;
        }
        assert!(folder.names().is_empty());
    });
}

#[test]
fn an_upload_is_saved_whole_or_not_at_all() {
    run(async {
        let folder = Rc::new(Folder::new("saved"));
        let (options, place) = (folder.options(), Rc::clone(&folder));
        let site = Site::new().on("POST", "/", move |request| {
            let spooling = spool(request.body, b"b", options.clone());
            let place = Rc::clone(&place);
            later(async move {
                let form = spooling.await.expect("a form");
                for (index, part) in form.parts.iter().enumerate() {
                    let Content::File(file) = &part.content else {
                        continue;
                    };
                    let target = place.0.join(format!("{index}"));
                    file.save(&target).expect("saved");
                    assert_eq!(
                        std::fs::metadata(&target).expect("there").len(),
                        file.size()
                    );
                    assert!(file.save(&place.0.join("missing/file")).is_err());
                    file.save(&target).expect("saved again, in its place");
                    let folder = place.0.join("folder");
                    std::fs::create_dir_all(folder.join("full")).expect("a folder");
                    assert!(file.save(&folder).is_err());
                }
                text("saved")
            })
        });
        let served = site.serve(Settings::default());
        let body = file(10) + &file(600_001) + "--b--";
        assert_eq!(post(&served, &body).await.text(), "saved");
        let mut names = folder.names();
        names.sort();
        assert_eq!(names, ["0", "1", "folder"]);
        assert_eq!(
            std::fs::read(folder.0.join("1")).expect("there"),
            vec![b'x'; 600_001]
        );
    });
}
