//! The name of the request that this thread works for, where requests have names.
//!
//! Failures are answered far from the request that they belong to; here they find what it is called.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

thread_local! {
    static CURRENT: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// The name, if there is one.
pub(crate) fn current() -> Option<Arc<str>> {
    CURRENT.with_borrow(Clone::clone)
}

/// Puts back what was there before.
struct Restore(Option<Arc<str>>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// Work under a name.
pub(crate) fn under<R>(name: Option<&Arc<str>>, work: impl FnOnce() -> R) -> R {
    let _restore = name.map(|name| Restore(CURRENT.replace(Some(Arc::clone(name)))));
    work()
}

/// A future that works under a name whenever it is polled.
pub(crate) struct Under<F: ?Sized> {
    pub(crate) name: Arc<str>,
    pub(crate) work: Pin<Box<F>>,
}

impl<F: Future + ?Sized> Future for Under<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let name = Arc::clone(&self.name);
        under(Some(&name), || self.work.as_mut().poll(cx))
    }
}
