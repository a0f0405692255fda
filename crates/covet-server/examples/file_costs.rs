//! What opening a file costs on the thread of the connections, against asking another thread to do it.
//!
//! The figures of `docs/decisions/0007-files-on-the-loops-thread.md`:
//! `cargo run --release -p covet-server --example file_costs`.

use std::io::{self, Write as _};
use std::time::Instant;

use covet_server::files::open_below;

const TIMES: u32 = 20_000;

fn main() -> io::Result<()> {
    let root = std::env::temp_dir().join(format!("covet-costs-{}", std::process::id()));
    std::fs::create_dir_all(root.join("a/b"))?;
    std::fs::write(root.join("a/b/c.js"), vec![b'x'; 16 * 1024])?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let mut out = io::stdout();
    for (what, path) in [
        ("open, stat, close", "a/b/c.js"),
        ("open of what is missing", "a/b/c.js.br"),
    ] {
        let started = Instant::now();
        for _ in 0..TIMES {
            drop(open_below(&root, path)?);
        }
        let inline = started.elapsed() / TIMES;
        let moved = runtime.block_on(async {
            let started = Instant::now();
            for _ in 0..TIMES {
                let root = root.clone();
                let opened = tokio::task::spawn_blocking(move || open_below(&root, path));
                drop(opened.await.map_err(io::Error::other)??);
            }
            io::Result::Ok(started.elapsed() / TIMES)
        })?;
        writeln!(out, "{what}: {inline:?} here, {moved:?} by spawn_blocking")?;
    }
    std::fs::remove_dir_all(root)
}
