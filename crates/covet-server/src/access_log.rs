//! One plain line a request, written by a thread of its own: the request path only appends to a buffer.
//!
//! Bounded: where the writer cannot keep up, lines are dropped, counted, and the count is written.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::Write;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Bytes gathered before they are handed to the writer, even if the moment has not passed.
const BATCH: usize = 32 * 1024;
/// How long a line may wait for company.
const MOMENT: Duration = Duration::from_millis(50);
/// Batches that may wait for the writer: 2 MiB.
const WAITING: usize = 64;
/// How long the end waits for a writer whose reader may have stopped reading.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a line says of a request, kept until it is answered.
pub(crate) struct Noted {
    pub(crate) client: Option<SocketAddr>,
    /// Method and target.
    pub(crate) request: Vec<u8>,
    /// When the head was complete.
    pub(crate) start: Instant,
}

/// The gathering end of the log; lives on the worker's thread.
pub struct AccessLog {
    gathered: RefCell<Vec<u8>>,
    lines: Cell<u64>,
    dropped: Cell<u64>,
    reported: Cell<u64>,
    sender: RefCell<Option<SyncSender<Vec<u8>>>>,
    /// Disconnected once the writer has written everything.
    written: Receiver<()>,
    flusher: RefCell<Option<Waker>>,
}

impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessLog")
            .field("dropped", &self.dropped)
            .finish_non_exhaustive()
    }
}

impl AccessLog {
    /// A log that writes to `out` from its own thread.
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
            gathered: RefCell::default(),
            lines: Cell::new(0),
            dropped: Cell::new(0),
            reported: Cell::new(0),
            sender: RefCell::new(Some(sender)),
            written,
            flusher: RefCell::new(None),
        })
    }

    /// Lines that were dropped because the writer could not keep up.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.get()
    }

    /// Append a line. `peer` is who is shown where nothing was noted: the head was refused.
    pub(crate) fn record(
        &self,
        date: &[u8],
        peer: Option<SocketAddr>,
        noted: Option<&Noted>,
        status: u16,
    ) {
        let mut line = self.gathered.borrow_mut();
        line.push(b'[');
        line.extend_from_slice(date);
        line.extend_from_slice(b"] ");
        let _ = match noted.map_or(peer, |noted| noted.client) {
            // A proxy seldom says a port.
            Some(client) if client.port() == 0 => write!(line, "{}", client.ip()),
            Some(client) => write!(line, "{client}"),
            None => write!(line, "unix"),
        };
        // The codec lets only visible ASCII through, so nothing needs escaping. A head that was
        // refused has no line.
        let (request, took) = noted.map_or((&b"-"[..], 0), |noted| {
            (noted.request.as_slice(), noted.start.elapsed().as_micros())
        });
        line.extend_from_slice(b" \"");
        line.extend_from_slice(request);
        let _ = writeln!(line, "\" {status} {}.{:03}ms", took / 1000, took % 1000);
        self.lines.set(self.lines.get() + 1);
        let full = line.len() >= BATCH;
        drop(line);
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
            let _ = writeln!(batch, "access log: {dropped} lines dropped so far");
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
