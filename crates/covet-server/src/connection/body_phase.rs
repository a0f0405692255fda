//! Reading bodies: for a handler that asked, or to throw the rest away.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use super::active::{Active, Phase};
use super::socket::Socket;
use super::{Connection, Step};
use crate::body::{BodyCell, BodyError};
use crate::deadlines::{Millis, NEVER};
use crate::http1::{CONTINUE, Refusal, Step as Decoded};
use crate::worker::Worker;

/// The most that is read from the socket at once, straight into a sink.
const PIECE: u64 = 256 * 1024;

impl<S: Socket> Connection<S> {
    /// Move body bytes from the input, then from the socket, to the sink that waits for them.
    pub(super) fn pump_body(&mut self, cx: &mut Context<'_>, now: Millis) -> Step {
        let Some(active) = &mut self.active else {
            return Step::Over;
        };
        active.resume_clock(now);
        if let Some(inflating) = active.inflating.take() {
            return self.pump_inflated(inflating, cx, now);
        }
        loop {
            match active.decode(copy) {
                Ok(true) => {
                    active.since = None;
                    active.body.finish(Ok(()));
                    return Step::Again;
                }
                Ok(false) => {}
                Err(refusal) => {
                    active.paused = None;
                    self.lose_body(refusal);
                    return Step::Again;
                }
            }
            if !active.body.is_wanted() {
                active.paused = Some(now);
                return Step::Wait(NEVER);
            }
            let left = active.decoder.direct();
            let read = match left {
                0 => active.input.poll_fill(&mut self.socket, cx),
                left => read_direct(&active.body, &mut self.socket, cx, left),
            };
            match read {
                Poll::Ready(Ok(0) | Err(_)) => return self.body_cut_off(),
                Poll::Ready(Ok(count)) => {
                    if left > 0 {
                        active.decoder.took(count as u64);
                    }
                    active.owes_continue = false;
                    active.progress = now;
                }
                Poll::Pending => {
                    if active.owes_continue {
                        active.owes_continue = false;
                        active.output.gather().extend_from_slice(CONTINUE);
                    }
                    return Step::Wait(self.body_deadline());
                }
            }
        }
    }

    /// The client ended the connection within a body that is awaited.
    fn body_cut_off(&mut self) -> Step {
        let active = self.active.as_ref();
        let streams = active.is_some_and(|active| matches!(active.phase, Phase::Streaming(_)));
        self.abandon(BodyError::Disconnected);
        if streams {
            return Step::Over;
        }
        self.end_after_answers()
    }

    /// Nothing more comes: what earlier requests were answered is still owed to a client that reads.
    fn end_after_answers(&mut self) -> Step {
        match &mut self.active {
            Some(active) if active.output.unsent() > 0 => {
                active.phase = Phase::Closing { linger: false };
                Step::Again
            }
            _ => Step::Over,
        }
    }

    /// The body cannot be read to its end.
    pub(super) fn lose_body(&mut self, refusal: Refusal) {
        let active = self.active.as_ref();
        if active.is_some_and(|active| matches!(active.phase, Phase::Streaming(_))) {
            self.lose_body_of_stream(refusal);
        } else {
            self.abandon(BodyError::Refused(refusal));
            self.refuse(refusal);
        }
    }

    /// Phase [`Phase::Discard`]: the answer is out, the rest of the body is thrown away.
    pub(super) fn discard(&mut self, cx: &mut Context<'_>, now: Millis) -> Step {
        if self.flush(cx, now).is_err() {
            return Step::Over;
        }
        let Some(active) = &mut self.active else {
            return Step::Over;
        };
        if active.since.is_none() {
            active.since = Some(now);
            active.progress = now;
        }
        loop {
            let mut thrown = 0;
            let decoded = active.decode(|_, bytes| thrown += bytes.len() as u64);
            active.discarded += thrown;
            let fits = active.discarded <= self.worker.settings.max_discard;
            match decoded {
                Ok(true) if fits => {
                    active.since = None;
                    active.phase = Phase::Head;
                    return Step::Again;
                }
                Ok(false) if fits => {}
                // Already answered: no second answer, only the end.
                Ok(_) | Err(_) => {
                    active.phase = Phase::Closing { linger: true };
                    return Step::Again;
                }
            }
            match active.input.poll_fill(&mut self.socket, cx) {
                Poll::Ready(Ok(0) | Err(_)) => return self.end_after_answers(),
                Poll::Ready(Ok(_)) => active.progress = now,
                Poll::Pending => {
                    let deadline = self.body_deadline().min(self.write_deadline(now));
                    return Step::Wait(deadline);
                }
            }
        }
    }

    /// When a body that is awaited is too slow: no byte for a while, or too few on average.
    pub(super) fn body_deadline(&self) -> Millis {
        let settings = &self.worker.settings;
        let Some(active) = &self.active else {
            return NEVER;
        };
        let idle = active.progress + Worker::millis(settings.body_timeout);
        let Some(since) = active.since else {
            return idle;
        };
        if settings.body_min_rate == 0 {
            return idle;
        }
        let earned = active.decoder.total().saturating_mul(1000) / settings.body_min_rate;
        idle.min(since + Worker::millis(settings.body_rate_grace) + earned)
    }
}

impl Active {
    /// The time that a body takes runs while somebody waits for it: from now on, or again.
    fn resume_clock(&mut self, now: Millis) {
        match (self.since, self.paused.take()) {
            (None, _) => {
                self.since = Some(now);
                self.progress = now;
            }
            (Some(since), Some(paused)) => {
                self.since = Some(since + (now - paused));
                self.progress = now;
            }
            (Some(_), None) => {}
        }
    }

    /// Decode what the input holds, giving body bytes to `take`. Whether the body is complete.
    pub(super) fn decode(
        &mut self,
        mut take: impl FnMut(&BodyCell, &[u8]),
    ) -> Result<bool, Refusal> {
        loop {
            if self.decoder.is_done() {
                return Ok(true);
            }
            if self.input.is_empty() {
                return Ok(false);
            }
            match self.decoder.decode(self.input.bytes(), &self.limits)? {
                Decoded::Data { skip, len } => {
                    take(&self.body, &self.input.bytes()[skip..skip + len]);
                    self.input.consume(skip + len);
                }
                Decoded::NeedMore { skip } => {
                    self.input.consume(skip);
                    return Ok(false);
                }
                Decoded::Done { skip } => {
                    self.input.consume(skip);
                    return Ok(true);
                }
            }
        }
    }
}

/// Give bytes that had to pass through the input to the sink.
pub(super) fn copy(cell: &BodyCell, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let before = bytes.len();
        cell.fill(bytes.len(), &mut |room| {
            let count = room.remaining().min(bytes.len());
            room.put_slice(&bytes[..count]);
            bytes = &bytes[count..];
        });
        if bytes.len() == before {
            return; // the sink is gone: nobody waits any more
        }
    }
}

/// Read from the socket straight into the sink.
fn read_direct(
    cell: &BodyCell,
    socket: &mut (impl AsyncRead + Unpin),
    cx: &mut Context<'_>,
    left: u64,
) -> Poll<io::Result<usize>> {
    let mut polled = Poll::Pending;
    cell.fill(left.min(PIECE) as usize, &mut |room: &mut ReadBuf<'_>| {
        let before = room.filled().len();
        polled = Pin::new(&mut *socket)
            .poll_read(cx, room)
            .map_ok(|()| room.filled().len() - before);
    });
    polled
}
