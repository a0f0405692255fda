//! Answers whose content is a Python iterator: the `Stream` of the Python half.
//!
//! An async iterator is advanced by one asyncio task, a sync one by jobs of the pool; both put
//! what they give into a bounded [`queue`], from which the connection takes when the client keeps
//! up. Nothing starts before the connection asks, so HEAD starts nothing.
//!
//! - [`items`]: an item as bytes: as it is, as a line of JSON, as an event
//! - [`queue`]: between the iterator and the connection
//! - [`pulling`]: a sync iterator in the pool

mod items;
mod pulling;
mod queue;

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use covet_server::response::{Payload, Response};
use covet_server::streaming::{Broken, Part, Stream};
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::time::{Instant, Sleep};

use self::pulling::{Pulled, Pulling};
use self::queue::{Queue, StreamSender};
use crate::plan::CallPlan;
use crate::runner::Runner;
use crate::runtime::{Started, Submitted, TaskEnd};
use crate::types::{StreamContent, StreamForm, trailer_fields};
use crate::{failure, imports, runtime};

/// What a connection that would be silent is sent: a comment, which clients ignore.
const PING: &[u8] = b": ping\n\n";

/// The body of an answer that a Python iterator gives.
pub(crate) struct PyStream {
    plan: Arc<CallPlan>,
    runner: Rc<Runner>,
    content: StreamContent,
    queue: Arc<Queue>,
    source: Source,
    /// Comments while nothing else comes.
    ping: Option<(Duration, Pin<Box<Sleep>>)>,
    draining: bool,
}

/// What advances the iterator.
enum Source {
    /// Nothing yet.
    Fresh,
    /// A task, until its end.
    Task(TaskEnd),
    /// Jobs of the pool, one at a time.
    Pool(Arc<Pulling>, Option<Submitted<Pulled>>),
    /// It has ended.
    Over,
}

impl PyStream {
    /// The stream of `content`, for the route of `plan`.
    pub(crate) fn new(plan: &Arc<CallPlan>, runner: &Rc<Runner>, content: StreamContent) -> Self {
        Self {
            plan: Arc::clone(plan),
            runner: Rc::clone(runner),
            content,
            queue: Arc::default(),
            source: Source::Fresh,
            ping: None,
            draining: false,
        }
    }

    /// Start to advance the iterator.
    fn start(&mut self, py: Python<'_>) -> PyResult<()> {
        if let StreamForm::Events { ping: Some(every) } = self.content.form {
            self.ping = Some((every, Box::pin(tokio::time::sleep(every))));
        }
        let iterable = self.content.iterable.bind(py);
        if iterable.hasattr(intern!(py, "__aiter__"))? {
            let event_loop = self.runner.event_loop.bind(py);
            let context = self.content.context.bind(py);
            let queue = Arc::clone(&self.queue);
            let sender = StreamSender::new(queue, &self.content, event_loop);
            let advance = imports::advance(py)?.call1((iterable, Py::new(py, sender)?))?;
            self.source = match runtime::start_task(event_loop, &advance, Some(context))? {
                Started::Running(end) => Source::Task(end),
                Started::Ended(result) => {
                    self.source = Source::Over;
                    self.queue.end(result.map(drop));
                    return Ok(());
                }
            };
            return Ok(());
        }
        if !iterable.hasattr(intern!(py, "__iter__"))? {
            let name = iterable.get_type().name()?;
            let message = format!("a stream is made of an iterator, not of {name}");
            return Err(PyTypeError::new_err(message));
        }
        let content = self.content.clone_ref(py);
        let pulling = Pulling::new(content, Arc::clone(&self.queue));
        self.source = Source::Pool(Arc::new(pulling), None);
        Ok(())
    }

    /// Let the iterator advance, if it is its turn; what came of it is in the queue.
    fn advance(&mut self, cx: &mut Context<'_>) {
        match &mut self.source {
            Source::Fresh | Source::Over => {}
            Source::Task(end) => {
                if let Poll::Ready(result) = Pin::new(end).poll(cx) {
                    self.source = Source::Over;
                    self.queue.end(result.map(drop));
                }
            }
            Source::Pool(pulling, job) => {
                let submitted = job.get_or_insert_with(|| {
                    let pulling = Arc::clone(pulling);
                    self.runner.pool.submit(move |py| pulling.pull(py))
                });
                match Pin::new(submitted).poll(cx) {
                    Poll::Pending => {}
                    Poll::Ready(Some(Pulled::More)) => {
                        *job = None;
                        // The next job is for the next poll, which what is in the queue brings.
                    }
                    Poll::Ready(pulled) => {
                        self.source = Source::Over;
                        self.queue.end(match pulled {
                            Some(Pulled::Failed(error)) => Err(error),
                            Some(_) => Ok(()),
                            None => Err(pyo3::exceptions::PyRuntimeError::new_err(
                                "the pool gave no answer",
                            )),
                        });
                    }
                }
            }
        }
    }

    /// The end of the iterator, if it has ended.
    fn ended(&mut self) -> Option<Result<Part, Broken>> {
        let result = self.queue.take_end()?;
        let trailers = result.and_then(|()| runtime::attached(|py| self.trailers(py)));
        Some(trailers.map(Part::End).map_err(|error| self.broken(error)))
    }

    /// What follows the content, asked for now that all of it was given.
    fn trailers(&self, py: Python<'_>) -> PyResult<Vec<u8>> {
        let Some(trailers) = &self.content.trailers else {
            return Ok(Vec::new());
        };
        let context = self.content.context.bind(py);
        let given = runtime::call_in(context, trailers.bind(py), &PyTuple::empty(py))?;
        trailer_fields(&given)
    }

    fn broken(&self, error: PyErr) -> Broken {
        let instead = runtime::attached(|py| failure::raised(py, &self.plan.label, error));
        Broken {
            instead: Some(Box::new(instead)),
        }
    }

    fn chunk(&mut self) -> Option<Part> {
        let chunk = self.queue.take()?;
        if let Some((every, sleep)) = &mut self.ping {
            sleep.as_mut().reset(Instant::now() + *every);
        }
        Some(Part::Chunk(chunk.into_payload()))
    }

    /// Nothing more is wanted of the iterator: it is closed, by its task or in the pool.
    fn close(&mut self) {
        match std::mem::replace(&mut self.source, Source::Over) {
            Source::Fresh | Source::Over => {}
            Source::Task(end) => drop(end), // cancels the task, which closes the iterator
            Source::Pool(pulling, job) => {
                drop(job);
                if pulling.leave() {
                    self.runner.pool.send(move |py| pulling.close(py));
                }
            }
        }
    }
}

impl Stream for PyStream {
    fn length(&self) -> Option<u64> {
        self.content.length
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Part, Broken>> {
        if matches!(self.source, Source::Fresh)
            && !self.draining
            && let Err(error) = runtime::attached(|py| self.start(py))
        {
            self.source = Source::Over;
            return Poll::Ready(Err(self.broken(error)));
        }
        if let Some(part) = self.chunk() {
            return Poll::Ready(Ok(part));
        }
        if self.draining {
            return Poll::Ready(Ok(Part::end()));
        }
        self.queue.watch(cx.waker());
        self.advance(cx);
        if let Some(part) = self.chunk() {
            return Poll::Ready(Ok(part));
        }
        if let Some(end) = self.ended() {
            return Poll::Ready(end);
        }
        if let Source::Pool(_, None) = self.source {
            cx.waker().wake_by_ref(); // a job that gave nothing: another one
        }
        if let Some((every, sleep)) = &mut self.ping
            && sleep.as_mut().poll(cx).is_ready()
        {
            sleep.as_mut().reset(Instant::now() + *every);
            return Poll::Ready(Ok(Part::Chunk(Payload::Static(PING))));
        }
        Poll::Pending
    }

    fn holds_head(&self) -> bool {
        !matches!(self.content.form, StreamForm::Events { .. })
    }

    fn drain(&mut self) {
        // Clients of events come back elsewhere; everything else has an end of its own.
        if matches!(self.content.form, StreamForm::Events { .. }) {
            self.draining = true;
            self.close();
        }
    }
}

impl Drop for PyStream {
    fn drop(&mut self) {
        self.close();
    }
}

/// `head` with `content` as its body.
pub(crate) fn streamed(
    plan: &Arc<CallPlan>,
    runner: &Rc<Runner>,
    mut head: Response,
    content: StreamContent,
) -> Response {
    head.body = Payload::Stream(Box::new(PyStream::new(plan, runner, content)));
    head
}
