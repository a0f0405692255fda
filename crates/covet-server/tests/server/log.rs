//! The access log: one line a request, whoever answered it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use covet_server::access_log::AccessLog;
use covet_server::settings::Settings;

use crate::support::{Served, Site, run};

/// What was written, when the runtime is gone: the log was dropped then and its thread has written.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn text(&self) -> String {
        let written = self.0.lock().expect("no writer panicked");
        String::from_utf8_lossy(&written).into_owned()
    }
}

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
    let text = written.text();
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
