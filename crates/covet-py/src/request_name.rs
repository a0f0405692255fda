//! What is known of the request that this thread works for: its name, where requests have names; in debug mode what
//! it said.
//!
//! Failures are answered far from the request that they belong to; here they find it.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use covet_server::handler::Request as Received;
use covet_server::http1::Version;

thread_local! {
    static CURRENT: RefCell<AtHand> = const { RefCell::new(AtHand { name: None, seen: None }) };
}

/// What is known.
#[derive(Clone, Default)]
pub(crate) struct AtHand {
    /// What the request is called.
    pub(crate) name: Option<Arc<str>>,
    /// What it said, in debug mode.
    pub(crate) seen: Option<Arc<Seen>>,
}

/// A request's line and fields, as texts for people.
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) version: &'static str,
    pub(crate) fields: Vec<(String, String)>,
    /// Whether local variables are shown.
    pub(crate) locals: bool,
}

impl Seen {
    /// Of a request that came.
    pub(crate) fn of(received: &Received<'_>, locals: bool) -> Self {
        let (head, bytes) = (received.head, received.bytes);
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        let mut target = text(head.path.of(bytes));
        if let Some(query) = head.query {
            target.push('?');
            target.push_str(&text(query.of(bytes)));
        }
        let fields = head.fields.iter();
        Self {
            method: text(head.method_name.of(bytes)),
            target,
            version: match head.version {
                Version::Http10 => "HTTP/1.0",
                Version::Http11 => "HTTP/1.1",
            },
            fields: fields
                .map(|field| (text(field.name.of(bytes)), text(field.value.of(bytes))))
                .collect(),
            locals,
        }
    }
}

impl AtHand {
    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.name.is_none() && self.seen.is_none()
    }
}

/// What is known now.
pub(crate) fn current() -> AtHand {
    CURRENT.with_borrow(Clone::clone)
}

/// Puts back what was there before.
struct Restore(AtHand);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(std::mem::take(&mut self.0));
    }
}

/// Work for a request.
pub(crate) fn under<R>(known: &AtHand, work: impl FnOnce() -> R) -> R {
    let _restore = (!known.is_empty()).then(|| Restore(CURRENT.replace(known.clone())));
    work()
}

/// A future that works for a request whenever it is polled.
pub(crate) struct Under<F: ?Sized> {
    pub(crate) known: AtHand,
    pub(crate) work: Pin<Box<F>>,
}

impl<F: Future + ?Sized> Future for Under<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let known = self.known.clone();
        under(&known, || self.work.as_mut().poll(cx))
    }
}
