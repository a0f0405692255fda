//! A server without sockets: every request is answered with its own body.

use covet_server::http1::{
    BodyDecoder, BodyLimits, Head, HeadLimits, HeadParser, Method, Refusal, Step,
};

/// What a client sees of a connection, and what the server knows of it.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub(crate) struct Outcome {
    /// Final statuses in order.
    pub(crate) statuses: Vec<u16>,
    /// Body of each 200.
    pub(crate) bodies: Vec<Vec<u8>>,
    /// `host path` of each 200.
    pub(crate) targets: Vec<String>,
    /// Number of `100 Continue`, were no body byte there in time.
    pub(crate) interim: usize,
    pub(crate) closed: bool,
    /// Why it was closed, if refused.
    pub(crate) refusal: Option<Refusal>,
}

/// One connection.
#[derive(Default)]
pub(crate) struct Echo {
    buf: Vec<u8>,
    parser: HeadParser,
    head: Head,
    body: Option<(BodyDecoder, Vec<u8>)>,
    pub(crate) outcome: Outcome,
    head_limits: HeadLimits,
    body_limits: BodyLimits,
}

impl Echo {
    pub(crate) fn new(head_limits: HeadLimits, body_limits: BodyLimits) -> Self {
        Self {
            head_limits,
            body_limits,
            ..Self::default()
        }
    }

    /// Bytes arrive.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
        while !self.outcome.closed {
            match self.turn() {
                Ok(true) => {}
                Ok(false) => break,
                Err(refusal) => {
                    self.outcome.refusal = Some(refusal);
                    self.answer(refusal.status, true);
                }
            }
        }
    }

    /// Whether more may follow without more bytes.
    fn turn(&mut self) -> Result<bool, Refusal> {
        if self.body.is_none() {
            if !self
                .parser
                .parse(&self.buf, &mut self.head, &self.head_limits)?
            {
                return Ok(false);
            }
            self.body = Some(self.accept()?);
            // Offsets of the head die here; a real server keeps the bytes until the answer.
            self.buf.drain(..self.head.len);
        }
        let Some((decoder, collected)) = &mut self.body else {
            return Ok(false);
        };
        match decoder.decode(&self.buf, &self.body_limits)? {
            Step::Data { skip, len } => {
                collected.extend_from_slice(&self.buf[skip..skip + len]);
                self.buf.drain(..skip + len);
                Ok(true)
            }
            Step::NeedMore { skip } => {
                assert_eq!(skip, self.buf.len(), "framing is never left behind");
                self.buf.clear();
                Ok(false)
            }
            Step::Done { skip } => {
                self.buf.drain(..skip);
                assert!(decoder.is_done());
                assert_eq!(decoder.total(), collected.len() as u64);
                let body = std::mem::take(collected);
                self.body = None;
                self.finish(body);
                Ok(true)
            }
        }
    }

    fn accept(&mut self) -> Result<(BodyDecoder, Vec<u8>), Refusal> {
        BodyDecoder::check(self.head.framing, &self.body_limits)?;
        if self.head.expect_continue {
            self.outcome.interim += 1;
        }
        let host = self.head.effective_host(&self.buf).unwrap_or_default();
        let path = self.head.path.of(&self.buf);
        let target = [host, b" ", path].concat();
        self.outcome
            .targets
            .push(String::from_utf8_lossy(&target).into_owned());
        Ok((BodyDecoder::new(self.head.framing), Vec::new()))
    }

    fn finish(&mut self, body: Vec<u8>) {
        let status = match self.head.method {
            Method::Other => 501,
            Method::Trace => 405,
            _ => 200,
        };
        if status == 200 {
            self.outcome.bodies.push(body);
        }
        self.answer(status, !self.head.keep_alive);
    }

    fn answer(&mut self, status: u16, close: bool) {
        self.outcome.statuses.push(status);
        self.outcome.closed = close;
    }
}

/// The outcome of one connection whose bytes arrive in these pieces.
pub(crate) fn serve<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let mut echo = Echo::default();
    for piece in pieces {
        echo.feed(piece);
    }
    echo.outcome
}

/// Asserts that the bytes come to one outcome whole, byte by byte, and split in two anywhere
/// (at about `samples` places if they are long); returns it.
pub(crate) fn serve_in_any_split(bytes: &[u8], samples: usize) -> Outcome {
    let whole = serve([bytes]);
    assert_eq!(
        serve(bytes.chunks(1)),
        whole,
        "byte by byte: {}",
        bytes.escape_ascii()
    );
    let step = bytes.len().div_ceil(samples).max(1);
    for at in (0..=bytes.len()).step_by(step) {
        let (first, second) = bytes.split_at(at);
        assert_eq!(
            serve([first, second]),
            whole,
            "split at {at}: {}",
            bytes.escape_ascii()
        );
    }
    whole
}
