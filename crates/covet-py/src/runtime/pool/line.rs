//! The jobs that wait, the threads that are there, and the rule by which one more of them is called.
//!
//! Plain data behind the pool's lock: calls nothing, starts nothing, drops no job.

use std::collections::VecDeque;
use std::sync::Arc;

use super::job::Job;

/// The jobs that wait, and who is there to do them.
#[derive(Default)]
pub(super) struct Line {
    /// Oldest first; some may have been abandoned.
    pub(super) jobs: VecDeque<Arc<dyn Job>>,
    /// Threads alive or being started.
    pub(super) threads: usize,
    /// Threads that wait for a summons.
    pub(super) idle: usize,
    pub(super) baton: Baton,
    /// No more jobs.
    pub(super) closed: bool,
}

/// The right to wait for the interpreter in order to take a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Baton {
    /// Whoever sees work may take it or give it.
    #[default]
    Free,
    /// An idle thread was notified and has not woken yet.
    Offered,
    /// A thread is attaching.
    Held,
}

/// What it takes to get one more thread to work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// Nobody: there is no work, no thread, or somebody is coming.
    Nobody,
    /// Notify an idle thread.
    Idle,
    /// Start a thread.
    New { number: usize },
}

impl Line {
    /// Whom to call, if there is work that nobody is coming for. Gives the baton away.
    pub(super) fn call(&mut self, limit: usize) -> Call {
        if self.baton != Baton::Free || self.jobs.is_empty() {
            Call::Nobody
        } else if self.idle > 0 {
            self.baton = Baton::Offered;
            Call::Idle
        } else if self.threads < limit {
            self.baton = Baton::Held;
            self.threads += 1;
            Call::New {
                number: self.threads,
            }
        } else {
            Call::Nobody
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::job::Errand;
    use super::*;

    #[test]
    fn one_thread_at_a_time_is_called() {
        use Baton::{Free, Held, Offered};
        let new = Call::New { number: 2 };
        let table = [
            // jobs, idle, threads, baton: call, baton after it
            (0, 1, 1, Free, Call::Nobody, Free),
            (1, 1, 1, Free, Call::Idle, Offered),
            (9, 1, 1, Offered, Call::Nobody, Offered),
            (9, 1, 1, Held, Call::Nobody, Held),
            (1, 0, 1, Free, new, Held),
            (1, 0, 1, Held, Call::Nobody, Held),
            (1, 0, 2, Free, Call::Nobody, Free),
        ];
        for (row, (jobs, idle, threads, baton, call, after)) in table.into_iter().enumerate() {
            let job = |id| Arc::new(Errand::new(id, |_: pyo3::Python<'_>| ())) as Arc<dyn Job>;
            let mut line = Line {
                jobs: (0..jobs).map(job).collect(),
                threads,
                idle,
                baton,
                closed: false,
            };
            assert_eq!((line.call(2), line.baton), (call, after), "row {row}");
        }
    }
}
