//! A server on one thread: it listens, drains and ends. Everything happens inside the caller's
//! Tokio `LocalRuntime` (or `LocalSet`).

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::access_log::AccessLog;
use crate::counters::Counters;
use crate::handler::Service;
use crate::listener::Listener;
use crate::settings::Settings;
use crate::tasks;
use crate::worker::Worker;

/// A server. Dropping it aborts what is left.
pub struct Server {
    worker: Rc<Worker>,
    tasks: Vec<AbortHandle>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("counters", &self.worker.counters)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// A server that does not listen yet. Must be called inside the runtime.
    #[must_use]
    pub fn new(
        settings: Settings,
        service: Service,
        access: Option<AccessLog>,
        counters: Counters,
    ) -> Self {
        let worker = Rc::new(Worker::new(settings, service, access, counters));
        let mut tasks = vec![tasks::spawn(Rc::clone(&worker.deadlines).run()).abort_handle()];
        if let Some(access) = &worker.access {
            tasks.push(tasks::spawn(Rc::clone(access).run()).abort_handle());
        }
        Self { worker, tasks }
    }

    /// Accept connections from a listening socket (TCP or Unix).
    ///
    /// # Errors
    /// The descriptor is no listening socket, or cannot be watched.
    pub fn listen(&self, socket: OwnedFd) -> io::Result<()> {
        let listener = Listener::new(socket, self.worker.settings.tcp_user_timeout)?;
        self.worker.counters.listening();
        tasks::spawn(listener.run(Rc::clone(&self.worker)));
        Ok(())
    }

    /// Tell the peers at once and then every `period` that this thread runs. A period of zero never does.
    pub fn beat_every(&mut self, period: Duration) {
        if period.is_zero() {
            return;
        }
        let worker = Rc::clone(&self.worker);
        let beating = tasks::spawn(async move {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                worker.counters.beat();
            }
        });
        self.tasks.push(beating.abort_handle());
    }

    /// Open the file of the access log anew, where it has one: somebody moved it aside.
    pub fn reopen_log(&self) {
        if let Some(access) = &self.worker.access {
            access.reopen();
        }
    }

    /// Stop accepting, let what runs finish, end connections with their next answer.
    pub fn drain(&self) {
        self.worker.drain();
    }

    /// Wait until everything that [`Server::drain`] or [`Server::abort`] ends has ended.
    pub async fn finished(&self) {
        poll_fn(|cx| {
            if self.worker.counters.is_over(cx.waker()) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }

    /// End every connection now.
    pub fn abort(&self) {
        self.worker.drain();
        self.worker.abort();
    }

    /// What has been counted.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.worker.counters
    }

    /// Lines that the access log dropped.
    #[must_use]
    pub fn dropped_log_lines(&self) -> u64 {
        self.worker
            .access
            .as_ref()
            .map_or(0, |access| access.dropped())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.abort();
        for task in &self.tasks {
            task.abort();
        }
    }
}
