//! [`Parser`]: from bytes to parts. The caller keeps the bytes that were not used yet.
//!
//! After each step it drops the bytes that the step has used and offers the rest again, with more
//! behind them. A line end and a boundary are found wherever the pieces are cut.

use memchr::memmem::Finder;

use super::error::Error;
use super::limits::Limits;
use super::part_head::PartHead;

/// What the bytes began with. `skip` bytes of the input are used up.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// What is left means nothing yet: come again with more behind it.
    NeedMore {
        /// Bytes used up.
        skip: usize,
    },
    /// A part begins.
    Part {
        /// Bytes used up.
        skip: usize,
        /// Its head.
        head: Box<PartHead>,
    },
    /// The input begins with bytes of the part.
    Data {
        /// How many; they are used up.
        len: usize,
    },
    /// The part is complete.
    PartEnd {
        /// Bytes used up.
        skip: usize,
    },
    /// The last part was complete. What follows says nothing.
    End {
        /// Bytes used up.
        skip: usize,
    },
}

/// A parser of one body.
#[derive(Debug)]
pub struct Parser {
    state: State,
    /// Finds CRLF, two hyphens and the boundary.
    delimiter: Finder<'static>,
    limits: Limits,
    parts: usize,
    files: usize,
    /// Bytes of the current part, where it is no file.
    field: Option<u64>,
    all_fields: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At the first byte: a boundary may stand here without a line end before it.
    Start,
    /// What precedes the first boundary is thrown away.
    Preamble,
    /// Behind a boundary.
    Boundary,
    /// Behind a boundary and blanks.
    Padding,
    /// In the head of a part, of which so many bytes hold no end.
    Head(usize),
    /// At the first byte of a part.
    DataStart,
    /// In a part.
    Data,
    /// Behind the final boundary.
    Final,
    /// What follows the final boundary is thrown away.
    Epilogue,
}

impl Parser {
    /// A parser of a body whose parts are separated by `boundary`: see [`super::boundary`].
    #[must_use]
    pub fn new(boundary: &[u8], limits: Limits) -> Self {
        let delimiter = [b"\r\n--", boundary].concat();
        Self {
            state: State::Start,
            delimiter: Finder::new(&delimiter).into_owned(),
            limits,
            parts: 0,
            files: 0,
            field: None,
            all_fields: 0,
        }
    }

    /// Look at `input`: all bytes that no step has used up.
    ///
    /// # Errors
    /// The body is malformed or passes a limit. Nothing that follows can be trusted.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, Error> {
        match self.state {
            State::Start => {
                let dashed = &self.delimiter.needle()[2..];
                if input.starts_with(dashed) {
                    let skip = dashed.len();
                    self.state = State::Boundary;
                    return self.after_boundary(input, skip);
                }
                if dashed.starts_with(input) {
                    return Ok(Step::NeedMore { skip: 0 });
                }
                self.state = State::Preamble;
                self.preamble(input)
            }
            State::Preamble => self.preamble(input),
            State::Boundary | State::Padding => self.after_boundary(input, 0),
            State::Head(searched) => self.head(input, 0, searched),
            State::DataStart => {
                let dashed = &self.delimiter.needle()[2..];
                if input.starts_with(dashed) {
                    return Err(Error::BoundaryInData);
                }
                if dashed.starts_with(input) {
                    return Ok(Step::NeedMore { skip: 0 });
                }
                self.state = State::Data;
                self.data(input)
            }
            State::Data => self.data(input),
            State::Final => self.after_end(input),
            State::Epilogue => Ok(Step::NeedMore { skip: input.len() }),
        }
    }

    /// The body has ended.
    ///
    /// # Errors
    /// The final boundary is missing.
    pub fn finish(&self) -> Result<(), Error> {
        match self.state {
            State::Final | State::Epilogue => Ok(()),
            _ => Err(Error::Truncated),
        }
    }

    fn preamble(&mut self, input: &[u8]) -> Result<Step, Error> {
        match self.delimiter.find(input) {
            Some(at) => {
                self.state = State::Boundary;
                self.after_boundary(input, at + self.delimiter.needle().len())
            }
            None => Ok(Step::NeedMore {
                skip: input.len() - self.undecided(input),
            }),
        }
    }

    /// How many bytes at the end of `input` may begin a delimiter: none that is found later
    /// begins before them. Only its first byte is a CR.
    fn undecided(&self, input: &[u8]) -> usize {
        let needle = self.delimiter.needle();
        let from = input.len().saturating_sub(needle.len() - 1);
        let tail = &input[from..];
        match memchr::memrchr(b'\r', tail) {
            Some(at) if needle.starts_with(&tail[at..]) => tail.len() - at,
            _ => 0,
        }
    }

    /// Behind a boundary: the end, or blanks, CRLF and a head.
    fn after_boundary(&mut self, input: &[u8], mut skip: usize) -> Result<Step, Error> {
        if self.state == State::Boundary {
            match &input[skip..] {
                [b'-', b'-', ..] => {
                    self.state = State::Final;
                    return Ok(Step::End { skip: skip + 2 });
                }
                [] | [b'-'] => return Ok(Step::NeedMore { skip }),
                _ => self.state = State::Padding,
            }
        }
        skip += blanks(&input[skip..]);
        match &input[skip..] {
            [b'\r', b'\n', ..] => {
                if self.parts == self.limits.parts {
                    return Err(Error::Parts);
                }
                self.parts += 1;
                self.state = State::Head(0);
                self.head(input, skip + 2, 0)
            }
            [] | [b'\r'] => Ok(Step::NeedMore { skip }),
            _ => Err(Error::BoundaryLine),
        }
    }

    /// The head that begins at `start`, of which `searched` bytes were looked at before.
    fn head(&mut self, input: &[u8], start: usize, searched: usize) -> Result<Step, Error> {
        let head = &input[start..];
        let (len, end) = if head.starts_with(b"\r\n") {
            (0, 2)
        } else {
            let from = searched.saturating_sub(3);
            match memchr::memmem::find(&head[from..], b"\r\n\r\n") {
                Some(at) => (from + at + 2, from + at + 4),
                None if head.len() >= self.limits.head => return Err(Error::HeadSize),
                None => {
                    self.state = State::Head(head.len());
                    return Ok(Step::NeedMore { skip: start });
                }
            }
        };
        if end > self.limits.head {
            return Err(Error::HeadSize);
        }
        let parsed = PartHead::parse(&head[..len], &self.limits)?;
        self.field = None;
        if parsed.is_file() {
            if self.files == self.limits.files {
                return Err(Error::Files);
            }
            self.files += 1;
        } else {
            self.field = Some(0);
        }
        self.state = State::DataStart;
        Ok(Step::Part {
            skip: start + end,
            head: Box::new(parsed),
        })
    }

    fn data(&mut self, input: &[u8]) -> Result<Step, Error> {
        let len = match self.delimiter.find(input) {
            Some(0) => {
                self.state = State::Boundary;
                let skip = self.delimiter.needle().len();
                return Ok(Step::PartEnd { skip });
            }
            Some(at) => at,
            None => input.len() - self.undecided(input),
        };
        if len == 0 {
            return Ok(Step::NeedMore { skip: 0 });
        }
        if let Some(field) = &mut self.field {
            let left = self.limits.field_size - *field;
            let all_left = self.limits.all_fields - self.all_fields;
            // Of two limits that are passed the first counts, however the bytes are cut.
            match len as u64 {
                len if len > left && left <= all_left => return Err(Error::FieldSize),
                len if len > all_left => return Err(Error::AllFieldsSize),
                len => {
                    *field += len;
                    self.all_fields += len;
                }
            }
        }
        Ok(Step::Data { len })
    }

    /// Behind the final boundary: blanks, then nothing or a line end.
    fn after_end(&mut self, input: &[u8]) -> Result<Step, Error> {
        let skip = blanks(input);
        match &input[skip..] {
            [b'\r', b'\n', ..] => {
                self.state = State::Epilogue;
                Ok(Step::NeedMore { skip: input.len() })
            }
            [] | [b'\r'] => Ok(Step::NeedMore { skip }),
            _ => Err(Error::BoundaryLine),
        }
    }
}

fn blanks(input: &[u8]) -> usize {
    let blanks = input.iter().take_while(|&&it| it == b' ' || it == b'\t');
    blanks.count()
}
