//! The pool on a real interpreter: the calling thread plays the loop, detached while Tokio parks it.

use std::collections::HashSet;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};

use super::super::attachment::{self, Attached};
use super::*;

/// Longer than anything here takes, short enough to see a hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `test` as a driven loop would.
fn with_pool<F: Future<Output = ()>>(threads: usize, test: impl FnOnce(Rc<Pool>) -> F) {
    Python::initialize();
    Python::attach(|py| {
        let _attached = Attached::new(py);
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_park(attachment::before_park)
            .on_thread_unpark(attachment::after_unpark)
            .build_local(LocalOptions::default())
            .expect("builds");
        runtime.block_on(async {
            let test = test(Rc::new(Pool::new(threads)));
            let test = tokio::time::timeout(PATIENCE, test);
            test.await.expect("ends");
        });
    });
}

/// Work that reports that it began, and holds its thread, detached, until the gate is dropped or opened.
fn gated() -> (
    impl FnOnce(Python<'_>) -> u32 + Send + 'static,
    mpsc::Receiver<()>,
    mpsc::Sender<()>,
) {
    let (begun, has_begun) = mpsc::channel();
    let (gate, passage) = mpsc::channel::<()>();
    let work = move |py: Python<'_>| {
        py.detach(move || {
            begun.send(()).expect("the test waits");
            // An error is an open gate too.
            passage.recv().unwrap_or_default();
        });
        7
    };
    (work, has_begun, gate)
}

fn begins(has_begun: &mpsc::Receiver<()>) {
    attachment::detached(|| has_begun.recv_timeout(PATIENCE)).expect("a thread begins");
}

/// Says on drop on which thread that was, and that Python was at hand.
struct Witness(mpsc::Sender<thread::ThreadId>);

impl Drop for Witness {
    fn drop(&mut self) {
        Python::try_attach(|_| ()).expect("an interpreter");
        // The test may be over.
        self.0.send(thread::current().id()).unwrap_or_default();
    }
}

#[test]
fn a_value_comes_back_to_the_loops_thread() {
    with_pool(2, |pool| async move {
        let here = thread::current().id();
        let sum = pool.submit(move |py| {
            assert_ne!(thread::current().id(), here);
            let name = thread::current().name().unwrap_or_default().to_owned();
            let sum = py.eval(c"sum(range(10))", None, None).expect("evaluates");
            (name, sum.unbind())
        });
        assert_eq!(pool.busy(), 1);
        let (name, sum) = sum.await.expect("done");
        assert_eq!(name, "covet-pool-1");
        assert_eq!(
            attachment::attached(|py| sum.extract::<u32>(py)).expect("an int"),
            45
        );
        assert_eq!(pool.busy(), 0);
    });
}

#[test]
fn many_jobs_share_few_threads() {
    const JOBS: usize = 10_000;
    for limit in [1, 2, 8, 40] {
        with_pool(limit, |pool| async move {
            let work = |job| move |_: Python<'_>| (job, thread::current().id());
            let jobs: Vec<_> = (0..JOBS).map(|job| pool.submit(work(job))).collect();
            let mut threads = HashSet::new();
            for (expected, job) in jobs.into_iter().enumerate() {
                let (job, thread) = job.await.expect("done");
                assert_eq!(job, expected);
                threads.insert(thread);
            }
            assert!((1..=limit).contains(&threads.len()), "{}", threads.len());
            assert_eq!(pool.busy(), 0);
        });
    }
}

#[test]
fn one_job_after_another_finds_a_thread_each_time() {
    with_pool(3, |pool| async move {
        for expected in 0..2_000 {
            assert_eq!(pool.submit(move |_| expected).await, Some(expected));
        }
    });
}

#[test]
fn as_many_jobs_block_at_once_as_there_are_threads() {
    with_pool(4, |pool| async move {
        let mut blocked = Vec::new();
        for _ in 0..4 {
            let (work, has_begun, gate) = gated();
            let job = pool.submit(work);
            begins(&has_begun);
            blocked.push((job, gate));
        }
        let last = pool.submit(|_| 1);
        assert_eq!(pool.busy(), 5);
        for (job, gate) in blocked {
            drop(gate);
            assert_eq!(job.await, Some(7));
        }
        assert_eq!(last.await, Some(1));
    });
}

#[test]
fn a_thread_keeps_its_locals_between_jobs() {
    with_pool(1, |pool| async move {
        let locals = attachment::attached(|py| {
            let class = py.import("threading").and_then(|m| m.getattr("local"));
            Arc::new(class.and_then(|c| c.call0()).expect("a local").unbind())
        });
        let setter = Arc::clone(&locals);
        let set = pool.submit(move |py| setter.setattr(py, "value", 3).is_ok());
        assert_eq!(set.await, Some(true));
        let get = pool.submit(move |py| locals.getattr(py, "value").is_ok());
        assert_eq!(get.await, Some(true));
    });
}

#[test]
fn a_panic_costs_its_own_job() {
    with_pool(1, |pool| async move {
        assert_eq!(pool.submit(|_| -> u32 { panic!("on purpose") }).await, None);
        assert_eq!(pool.submit(|_| 1).await, Some(1));
        assert_eq!(pool.busy(), 0);
    });
}

#[test]
fn work_whose_future_was_dropped_before_it_began_is_dropped_at_once() {
    with_pool(1, |pool| async move {
        let (work, has_begun, gate) = gated();
        let first = pool.submit(work);
        begins(&has_begun);
        let (said, dropped) = mpsc::channel();
        let witness = Witness(said);
        let skipped = pool.submit(move |_| {
            let _witness = witness;
            unreachable!("skipped");
        });
        assert_eq!(pool.busy(), 2);
        drop::<Submitted<()>>(skipped);
        assert_eq!(pool.busy(), 1);
        assert_eq!(dropped.try_recv(), Ok(thread::current().id()));
        drop(gate);
        assert_eq!(first.await, Some(7));
    });
}

#[test]
fn a_value_that_nobody_awaits_is_dropped_on_the_loops_thread() {
    with_pool(1, |pool| async move {
        let (work, has_begun, gate) = gated();
        let (said, dropped) = mpsc::channel();
        let witness = Witness(said);
        let unwanted = pool.submit(move |py| (work(py), witness));
        begins(&has_begun);
        drop(unwanted);
        assert_eq!(pool.busy(), 1);
        drop(gate);
        while pool.busy() > 0 {
            pool.submit(|_| ()).await;
        }
        assert_eq!(dropped.try_recv(), Ok(thread::current().id()));
    });
}

#[test]
fn closing_waits_for_nobody_and_answers_everybody() {
    with_pool(1, |pool| async move {
        let (work, has_begun, gate) = gated();
        let running = pool.submit(work);
        begins(&has_begun);
        let waiting = pool.submit(|_| 1);
        let closer = async {
            pool.close();
            pool.close();
        };
        // Both are polled before the pool closes.
        let mut both = Box::pin(async { (running.await, waiting.await) });
        let early = poll_fn(|context| Poll::Ready(both.as_mut().poll(context)));
        assert_eq!(early.await, Poll::Pending);
        closer.await;
        assert_eq!(both.await, (None, None));
        assert_eq!(pool.submit(|_| 1).await, None);
        assert_eq!(pool.busy(), 1);
        drop(gate);
    });
}

#[test]
fn a_closed_pool_leaves_no_task_and_no_thread() {
    with_pool(3, |pool| async move {
        let tasks = || {
            tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks()
        };
        assert_eq!(tasks(), 1);
        let jobs: Vec<_> = (0..50).map(|_| pool.submit(|_| ())).collect();
        for job in jobs {
            assert_eq!(job.await, Some(()));
        }
        let shared = Arc::downgrade(&pool.shared);
        drop(pool);
        // The threads need the interpreter to end, the task needs a turn.
        while tasks() > 0 || shared.strong_count() > 0 {
            attachment::detached(thread::yield_now);
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn what_a_job_holds_is_kept_until_it_ends() {
    with_pool(1, |pool| async move {
        let held = Rc::new(());
        let share = |held: &Rc<()>| -> Option<Box<dyn Any>> { Some(Box::new(Rc::clone(held))) };
        let (work, has_begun, gate) = gated();
        let running = pool.submit(work).holding(share(&held));
        begins(&has_begun);
        let waiting = pool.submit(|_| ()).holding(share(&held));
        assert_eq!(Rc::strong_count(&held), 3);
        drop(waiting);
        assert_eq!(Rc::strong_count(&held), 2, "it had not begun");
        drop(running);
        assert_eq!(Rc::strong_count(&held), 2, "its thread is at it");
        drop(gate);
        let next = pool.submit(|_| ()).holding(share(&held));
        assert_eq!(next.await, Some(()), "after the one before it");
        assert_eq!(Rc::strong_count(&held), 1);
    });
}
