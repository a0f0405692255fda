//! A handler whose client has gone and that may finish on its own: a drain waits for it, an abort drops it.
//!
//! Its answer is for nobody. Knows no connection: it has none any more.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use crate::admission::Pass;
use crate::deadlines::Watch;
use crate::response::Response;
use crate::tasks;
use crate::worker::Worker;

/// What the worker knows of such a handler, for as long as it works.
struct Unattended {
    worker: Rc<Worker>,
    /// Woken by an abort; it has no deadline.
    watch: Rc<Watch>,
}

impl Unattended {
    fn new(worker: Rc<Worker>) -> Self {
        worker.counters.left_unattended();
        let watch = worker.deadlines.watch();
        Self { worker, watch }
    }
}

impl Drop for Unattended {
    fn drop(&mut self) {
        self.worker.deadlines.unwatch(&self.watch);
        self.worker.counters.unattended_ended();
    }
}

/// Let `work` finish, as a task of its own, in flight until then.
pub(super) fn finish(
    worker: &Rc<Worker>,
    mut work: Pin<Box<dyn Future<Output = Response>>>,
    pass: Option<Pass>,
) {
    let kept = Unattended::new(Rc::clone(worker));
    tasks::spawn(async move {
        let _pass = pass;
        poll_fn(|cx| {
            kept.watch.set_waker(cx.waker());
            if kept.worker.is_aborting() {
                kept.worker.counters.was_cut();
                return Poll::Ready(());
            }
            work.as_mut().poll(cx).map(drop)
        })
        .await;
    });
}
