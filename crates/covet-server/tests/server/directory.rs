//! A directory of a test's own, bytes that show where they are, and requests for files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A directory of its own, gone at the end.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let top = std::env::temp_dir().join(format!("covet-files-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&top);
        fs::create_dir_all(top.join("site")).unwrap();
        Self(top)
    }

    pub(crate) fn site(&self) -> PathBuf {
        self.0.join("site")
    }

    /// A file that has not changed for a day.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.site().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        settle(&path);
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn settle(path: &Path) {
    let yesterday = SystemTime::now() - Duration::from_secs(86_400);
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(yesterday).unwrap();
}

/// A request without a body.
pub(crate) fn request(method: &str, path: &str, fields: &[(&str, &str)]) -> String {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: a\r\n");
    for (name, value) in fields {
        text.extend([*name, ": ", *value, "\r\n"]);
    }
    text + "\r\n"
}

/// Bytes that show where they are.
pub(crate) fn numbered(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at % 251) as u8).collect()
}
