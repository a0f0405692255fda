//! One line a request, written by a thread of its own: the request path only appends to a buffer.
//!
//! Bounded: where the writer cannot keep up, lines are dropped, counted, and the count is written.
//! `file` is a file that can be opened anew, `format` is what a line says, `line` writes it, `traceparent` reads the field of that name.

mod file;
mod format;
mod line;
mod traceparent;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::Write;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::task::{Poll, Waker};
use std::time::Duration;

use self::file::LogFile;
pub use self::format::{Format, FormatError};
pub(crate) use self::line::{End, Entry, Noted};
use crate::chance::Chance;

/// Bytes gathered before they are handed to the writer, even if the moment has not passed.
const BATCH: usize = 32 * 1024;
/// How long a line may wait for company.
const MOMENT: Duration = Duration::from_millis(50);
/// Batches that may wait for the writer: 2 MiB.
const WAITING: usize = 64;
/// How long the end waits for a writer whose reader may have stopped reading.
const PATIENCE: Duration = Duration::from_secs(1);

/// The gathering end of the log; lives on the worker's thread.
pub struct AccessLog {
    pub(crate) format: Format,
    /// The share of lines that is written.
    share: f64,
    chance: Chance,
    gathered: RefCell<Vec<u8>>,
    lines: Cell<u64>,
    dropped: Cell<u64>,
    reported: Cell<u64>,
    sender: RefCell<Option<SyncSender<Vec<u8>>>>,
    /// Disconnected once the writer has written everything.
    written: Receiver<()>,
    flusher: RefCell<Option<Waker>>,
    /// Set: the writer opens its file anew after the next batch. None: it has no file.
    reopen: Option<Arc<AtomicBool>>,
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog")
            .field("dropped", &self.dropped)
            .finish_non_exhaustive()
    }
}

impl AccessLog {
    /// A log that writes to `out` from its own thread: text, every line.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn new(mut out: Box<dyn Write + Send>) -> std::io::Result<Self> {
        let (sender, batches) = sync_channel::<Vec<u8>>(WAITING);
        let (writing, written) = channel();
        std::thread::Builder::new()
            .name("covet-access-log".into())
            .spawn(move || {
                let _writing = writing;
                for batch in batches {
                    // Nobody is left to tell when the log itself cannot be written.
                    let _ = out.write_all(&batch);
                    let _ = out.flush();
                }
            })?;
        Ok(Self {
            format: Format::default(),
            share: 1.0,
            chance: Chance::default(),
            gathered: RefCell::default(),
            lines: Cell::new(0),
            dropped: Cell::new(0),
            reported: Cell::new(0),
            sender: RefCell::new(Some(sender)),
            written,
            flusher: RefCell::new(None),
            reopen: None,
        })
    }

    /// A log that appends to the file at `path`, as [`Self::new`].
    ///
    /// # Errors
    /// The file cannot be opened, the thread cannot be started.
    pub fn to_file(path: &Path) -> std::io::Result<Self> {
        let reopen = Arc::new(AtomicBool::new(false));
        let file = LogFile::open(path, Arc::clone(&reopen))?;
        let mut log = Self::new(Box::new(file))?;
        log.reopen = Some(reopen);
        Ok(log)
    }

    /// Open the file anew, where there is one; what was gathered before goes to the old one or to the new one.
    pub fn reopen(&self) {
        let Some(reopen) = &self.reopen else { return };
        self.hand_over();
        reopen.store(true, Ordering::Release);
        if let Some(sender) = self.sender.borrow().as_ref() {
            // Where there is no room for it, batches are there already after which it happens.
            let _ = sender.try_send(Vec::new());
        }
    }

    /// The same log with lines of this format.
    #[must_use]
    pub fn with_format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// The same log with this share of its lines, from 0 to 1. Those of a status from 400 are written in any case.
    #[must_use]
    pub fn with_sample(mut self, share: f64) -> Self {
        self.share = share;
        self
    }

    /// Lines that were dropped because the writer could not keep up.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Append a line, unless the sample leaves it out.
    pub(crate) fn record(&self, entry: &Entry<'_>) {
        if entry.status < 400 && self.share < 1.0 && self.chance.unit() >= self.share {
            return;
        }
        let mut lines = self.gathered.borrow_mut();
        self.format.write(&mut lines, entry);
        self.lines.set(self.lines.get() + 1);
        let full = lines.len() >= BATCH;
        drop(lines);
        if full {
            self.hand_over();
        } else if let Some(waker) = self.flusher.borrow_mut().take() {
            waker.wake();
        }
    }

    fn hand_over(&self) {
        let mut batch = self.gathered.take();
        let lines = self.lines.replace(0);
        let dropped = self.dropped.get();
        if dropped > self.reported.get() {
            self.format.write_dropped(&mut batch, dropped);
        }
        let sent = match self.sender.borrow().as_ref() {
            Some(sender) if !batch.is_empty() => sender.try_send(batch),
            _ => return,
        };
        match sent {
            Ok(()) => self.reported.set(dropped),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.dropped.set(dropped + lines);
            }
        }
    }

    /// Hands lines over a moment after the first; a task of its own.
    pub(crate) async fn run(self: Rc<Self>) {
        loop {
            std::future::poll_fn(|cx| {
                if self.gathered.borrow().is_empty() {
                    *self.flusher.borrow_mut() = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                Poll::Ready(())
            })
            .await;
            tokio::time::sleep(MOMENT).await;
            self.hand_over();
        }
    }
}

impl Drop for AccessLog {
    fn drop(&mut self) {
        self.hand_over();
        self.sender.borrow_mut().take();
        let _ = self.written.recv_timeout(PATIENCE);
    }
}
