//! The access log: one line a request, whoever answered it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use covet_server::access_log::AccessLog;
use covet_server::settings::Settings;

use crate::support::{Served, Site, run};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut written = self.0.lock().map_err(|_| std::io::ErrorKind::Other)?;
        written.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_answer_is_a_line() {
    let written = Shared::default();
    let out = Box::new(written.clone());
    run(async {
        let log = AccessLog::new(out).unwrap();
        let served = Served::new(Site::new().server(Settings::default(), Some(log)));
        let mut client = served.connect().await;
        client.ask("GET /?a=1").await;
        client.ask("GET /missing").await;
        client.ask("HEAD /").await;
        client.send("nonsense\r\n\r\n").await;
        assert_eq!(client.reply().await.status, 400);
        assert_eq!(served.server.dropped_log_lines(), 0);
    });
    // The runtime is gone, so the log was dropped and its thread has written.
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let table = [
        ("GET /?a=1", "200"),
        ("GET /missing", "404"),
        ("HEAD /", "200"),
        ("-", "400"),
    ];
    assert_eq!(lines.len(), table.len(), "{text}");
    for (line, (request, status)) in lines.iter().zip(table) {
        assert!(line.contains("127.0.0.1"), "{line}");
        let middle = format!("\"{request}\" {status} ");
        assert!(line.contains(&middle), "{line}");
    }
}
