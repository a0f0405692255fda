//! The sink that parses a form while it arrives, and the future that it completes.
//!
//! A batch of a large file is written by one job on a blocking thread while the next is gathered;
//! with both full the sink is not ready, and the connection reads no more.

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

use tokio::io::ReadBuf;

use super::form::{Form, Part};
use super::part::{Batch, Current};
use super::received::Received;
use super::{Options, SpoolError};
use crate::body::{Asked, Body, BodyError, Sink, Wanting};
use crate::multipart::{Parser, Step};
use crate::tasks;

/// The most room that is offered at once.
const ROOM: usize = 64 * 1024;
/// The least that is written at once, the end of a file aside: each batch costs two wakes of a thread.
const BATCH: usize = 256 * 1024;

/// Ask for `body` as a form whose parts are separated by `boundary`.
///
/// Must be called, and awaited, in a local runtime that has blocking threads.
pub fn spool(body: &Body, boundary: &[u8], options: Options) -> Spooling {
    let shared = Rc::new(RefCell::new(Intake::new(boundary, options)));
    match body.ask(|| Box::new(Entrance(Rc::clone(&shared)))) {
        Asked::Later => shared.borrow_mut().source = Some(body.wanting()),
        Asked::Taken => Intake::update(&shared, |intake| intake.end(Err(BodyError::Taken))),
        Asked::Whole(bytes) => Intake::update(&shared, |intake| {
            intake.take_whole(&bytes.unwrap_or_default());
        }),
    }
    Spooling(shared)
}

/// Take `bytes`, a whole body, as a form: as [`spool`].
pub fn spool_bytes(bytes: &[u8], boundary: &[u8], options: Options) -> Spooling {
    let shared = Rc::new(RefCell::new(Intake::new(boundary, options)));
    Intake::update(&shared, |intake| intake.take_whole(bytes));
    Spooling(shared)
}

/// Gives the form once it is complete and its files are written. Dropped, it throws them away.
#[derive(Debug)]
#[must_use = "a form is kept only while somebody waits for it"]
pub struct Spooling(Rc<RefCell<Intake>>);

impl Spooling {
    /// The form, where it is here already.
    #[must_use]
    pub fn ready(&self) -> Option<Result<Form, SpoolError>> {
        self.0.borrow_mut().outcome.take()
    }
}

impl Future for Spooling {
    type Output = Result<Form, SpoolError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut intake = self.0.borrow_mut();
        if let Some(outcome) = intake.outcome.take() {
            return Poll::Ready(outcome);
        }
        intake.waiting = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Spooling {
    fn drop(&mut self) {
        let mut intake = self.0.borrow_mut();
        intake.over = true;
        let left = (
            intake.outcome.take(),
            intake.current.take(),
            mem::take(&mut intake.parts),
        );
        drop(intake);
        drop(left);
    }
}

/// The connection's end.
struct Entrance(Rc<RefCell<Intake>>);

impl Sink for Entrance {
    fn read(&mut self, hint: usize, fill: &mut dyn FnMut(&mut ReadBuf<'_>)) {
        Intake::update(&self.0, |intake| intake.read(hint, fill));
    }

    fn has_enough(&self) -> bool {
        let intake = self.0.borrow();
        intake.over || intake.is_stalled()
    }

    fn finish(self: Box<Self>, result: Result<(), BodyError>) {
        Intake::update(&self.0, |intake| intake.end(result));
    }
}

/// A body that is being taken apart.
#[derive(Debug)]
struct Intake {
    parser: Parser,
    options: Options,
    received: Received,
    parts: Vec<Part>,
    current: Option<Current>,
    /// Whether a batch is being written.
    writing: bool,
    /// Whether the body has arrived whole.
    ended: bool,
    /// Whether nothing more is wanted: it failed, or nobody waits.
    over: bool,
    outcome: Option<Result<Form, SpoolError>>,
    /// The body that this is the sink of, once it is.
    source: Option<Wanting>,
    waiting: Option<Waker>,
}

impl Intake {
    fn new(boundary: &[u8], options: Options) -> Self {
        Self {
            parser: Parser::new(boundary, options.limits),
            options,
            received: Received::default(),
            parts: Vec::new(),
            current: None,
            writing: false,
            ended: false,
            over: false,
            outcome: None,
            source: None,
            waiting: None,
        }
    }

    /// Change it, go on as far as that allows, and wake whom it concerns.
    fn update(shared: &Rc<RefCell<Self>>, change: impl FnOnce(&mut Self)) {
        let mut intake = shared.borrow_mut();
        let was_stalled = intake.is_stalled();
        change(&mut intake);
        let batch = intake.go_on();
        let done = intake.outcome.is_some();
        let waiting = if done { intake.waiting.take() } else { None };
        let resumed = was_stalled && !intake.is_stalled();
        if resumed
            && !done
            && let Some(source) = &intake.source
        {
            source.want();
        }
        let create = intake.options.create.clone();
        drop(intake);
        if let Some(batch) = batch {
            let weak = Rc::downgrade(shared);
            tasks::spawn(async move {
                let written = tokio::task::spawn_blocking(move || batch.write(&*create)).await;
                Self::written(
                    &weak,
                    written.unwrap_or_else(|it| Err(io::Error::other(it))),
                );
            });
        }
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    /// A batch is on the disk, or is not.
    fn written(weak: &Weak<RefCell<Self>>, result: io::Result<Batch>) {
        let Some(shared) = weak.upgrade() else {
            return;
        };
        Self::update(&shared, |intake| {
            intake.writing = false;
            match result {
                Err(error) => intake.fail(error.into()),
                Ok(batch) => {
                    if let Some(current) = &mut intake.current {
                        current.file = batch.file;
                        current.digest = batch.digest;
                        intake.received.give_back(batch.bytes);
                    }
                }
            }
        });
    }

    /// Whether nothing more is parsed until a batch is written.
    fn is_stalled(&self) -> bool {
        let full = |current: &Current| current.whole || self.received.pending() >= BATCH;
        self.writing && self.current.as_ref().is_some_and(full)
    }

    fn read(&mut self, hint: usize, fill: &mut dyn FnMut(&mut ReadBuf<'_>)) {
        self.received.read(hint.clamp(1, ROOM), fill);
        if self.over {
            self.received = Received::default();
        }
    }

    fn take_whole(&mut self, bytes: &[u8]) {
        self.received.extend(bytes);
        self.end(Ok(()));
    }

    fn end(&mut self, result: Result<(), BodyError>) {
        match result {
            Ok(()) => self.ended = true,
            Err(error) => self.fail(SpoolError::Body(error)),
        }
    }

    fn fail(&mut self, error: SpoolError) {
        if !self.over {
            self.over = true;
            self.outcome = Some(Err(error));
        }
        self.parts.clear();
        self.current = None;
        self.received = Received::default();
    }

    /// Parse what is here. Gives a batch that is to be written.
    fn go_on(&mut self) -> Option<Batch> {
        if self.over {
            return None;
        }
        let due = self.parse();
        let parsed = due.map(|due| if due { self.batch() } else { None });
        self.received.move_to_front();
        match parsed {
            Err(error) => {
                self.fail(error);
                None
            }
            Ok(Some(batch)) => {
                self.writing = true;
                Some(batch)
            }
            Ok(None) => {
                if self.ended && !self.writing {
                    let form = Form {
                        parts: mem::take(&mut self.parts),
                    };
                    let outcome = self.parser.finish().map(|()| form);
                    self.received = Received::default();
                    self.over = true;
                    self.outcome = Some(outcome.map_err(SpoolError::from));
                }
                None
            }
        }
    }

    /// Take steps until bytes are missing, or a batch is to be written or waited for. Whether one is due.
    fn parse(&mut self) -> Result<bool, SpoolError> {
        loop {
            if self.is_stalled() {
                return Ok(false);
            }
            if self.is_due() {
                return Ok(true);
            }
            if self.current.as_ref().is_some_and(|it| it.whole) {
                self.close_part()?;
            }
            let input = self.received.unparsed();
            match self.parser.step(input)? {
                Step::NeedMore { skip } => {
                    self.received.skip(skip);
                    return Ok(false);
                }
                Step::Part { skip, head } => {
                    self.received.skip(skip);
                    self.current = Some(Current::new(*head, self.options.sha256));
                }
                Step::Data { len } => {
                    let current = self.current.as_mut();
                    let current = current.expect("the parser gives data only inside a part");
                    current.size += len as u64;
                    if current.on_disk {
                        self.received.keep(len);
                    } else {
                        current.bytes.extend_from_slice(&input[..len]);
                        self.received.skip(len);
                    }
                }
                Step::PartEnd { skip } => {
                    self.received.skip(skip);
                    if let Some(current) = &mut self.current {
                        current.whole = true;
                    }
                }
                Step::End { skip } => self.received.skip(skip),
            }
        }
    }

    /// Whether something of the current part is to be written now.
    fn is_due(&self) -> bool {
        let Some(current) = &self.current else {
            return false;
        };
        let due = if current.on_disk {
            let pending = self.received.pending();
            pending >= BATCH || (current.whole && pending > 0)
        } else {
            current.head.is_file() && current.bytes.len() > self.options.memory
        };
        due && !self.writing
    }

    /// What is to be written of the current part: what was kept in memory at first, then what comes.
    fn batch(&mut self) -> Option<Batch> {
        let current = self.current.as_mut()?;
        let (bytes, range) = if mem::replace(&mut current.on_disk, true) {
            self.received.take_pending()
        } else {
            let first = mem::take(&mut current.bytes);
            let range = 0..first.len();
            (first, range)
        };
        Some(Batch {
            file: current.file.take(),
            digest: current.digest.take(),
            bytes,
            range,
        })
    }

    /// The current part is whole and written.
    fn close_part(&mut self) -> Result<(), SpoolError> {
        let Some(current) = self.current.take() else {
            return Ok(());
        };
        self.parts.push(current.into_part()?);
        Ok(())
    }
}
