//! What wakes the loop's task for its next timer, at the time that was asked for.
//!
//! Tokio's own timers are for deadlines of servers: they count in milliseconds, and rounding up twice makes
//! `asyncio.sleep(0.001)` last two. Linux has a timer that is a descriptor and keeps the loop's own clock.

#![allow(unsafe_code)]

use std::io;
use std::task::{Context, Poll};

use super::clock;

/// The longest sleep, in seconds (asyncio's): some platforms refuse more.
const LONGEST_SLEEP: f64 = 24.0 * 3600.0;

/// Seconds between two rings at least: where timers are dense, each wake of the thread serves several.
const BETWEEN_RINGS: f64 = 250e-6;

/// Rings once for each time that it is set.
pub(super) struct Alarm {
    timer: Timer,
    /// For when it is set, in seconds of the loop's clock.
    set: Option<f64>,
    /// It does not ring earlier again.
    quiet_until: f64,
}

impl Alarm {
    /// One that is not set. The runtime must be entered.
    ///
    /// # Errors
    ///
    /// The system's: there are too many open files.
    pub(super) fn new() -> io::Result<Self> {
        let timer = Timer::new()?;
        Ok(Self {
            timer,
            set: None,
            quiet_until: 0.0,
        })
    }

    /// When the task will be woken, in seconds of the loop's clock.
    pub(super) fn armed(&self) -> f64 {
        self.set.unwrap_or(f64::INFINITY)
    }

    /// Has `cx` woken for a timer of `when`; where it is set for an earlier one, it stays so. False if `when` has come.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(super) fn wait(&mut self, when: f64, cx: &mut Context<'_>) -> io::Result<bool> {
        loop {
            let ring = when.max(self.quiet_until);
            if ring < self.armed() {
                let now = clock::monotonic();
                if when <= now + clock::RESOLUTION {
                    return Ok(false);
                }
                let ring = ring.min(now + LONGEST_SLEEP);
                self.timer.set(ring)?;
                self.set = Some(ring);
            }
            let Some(set) = self.set else {
                return Ok(true);
            };
            if self.timer.poll_rung(cx)?.is_pending() {
                return Ok(true);
            }
            // It rang, for this turn or an earlier one.
            self.set = None;
            self.quiet_until = set + BETWEEN_RINGS;
        }
    }
}

#[cfg(target_os = "linux")]
use descriptor::Timer;
#[cfg(not(target_os = "linux"))]
use of_tokio::Timer;

#[cfg(target_os = "linux")]
mod descriptor {
    use std::os::fd::OwnedFd;
    use std::time::Duration;

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    use super::{Context, Poll, io};

    /// `timerfd_create(2)`, on the clock of `time.monotonic`.
    pub(super) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        pub(super) fn new() -> io::Result<Self> {
            let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
            let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
            // SAFETY: the descriptor is owned and is closed by the `AsyncFd`, after it was deregistered.
            let timer = unsafe { AsyncFd::register_with_interest(timer, Interest::READABLE) }?;
            Ok(Self(timer))
        }

        pub(super) fn set(&mut self, when: f64) -> io::Result<()> {
            let never = Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            let once = Itimerspec {
                it_interval: never,
                it_value: Timespec::try_from(Duration::from_secs_f64(when))
                    .map_err(io::Error::other)?,
            };
            timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::ABSTIME, &once)?;
            Ok(())
        }

        /// Setting it makes what it counted nought, and each time that it rings is an edge: it need not be read.
        pub(super) fn poll_rung(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
            match self.0.poll_read_ready(cx) {
                Poll::Ready(guard) => {
                    guard?.clear_ready();
                    Ok(Poll::Ready(()))
                }
                Poll::Pending => Ok(Poll::Pending),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod of_tokio {
    use std::future::Future;
    use std::pin::Pin;
    use std::time::Duration;

    use tokio::time::{Instant, Sleep, sleep};

    use super::{Context, Poll, clock, io};

    /// Tokio's own timer.
    pub(super) struct Timer(Pin<Box<Sleep>>);

    impl Timer {
        #[allow(clippy::unnecessary_wraps, reason = "the other one can fail")]
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self(Box::pin(sleep(Duration::ZERO))))
        }

        #[allow(clippy::unnecessary_wraps, reason = "the other one can fail")]
        pub(super) fn set(&mut self, when: f64) -> io::Result<()> {
            let wait = Duration::from_secs_f64((when - clock::monotonic()).max(0.0));
            self.0.as_mut().reset(Instant::now() + wait);
            Ok(())
        }

        #[allow(clippy::unnecessary_wraps, reason = "the other one can fail")]
        pub(super) fn poll_rung(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
            Ok(self.0.as_mut().poll(cx))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// Seconds after `when` at which a task that waits for it went on.
    async fn lateness(alarm: &mut Alarm, when: f64) -> f64 {
        poll_fn(|cx| {
            let is_to_come = alarm.wait(when, cx).expect("set");
            if is_to_come {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
        clock::monotonic() - when
    }

    fn with_alarm(test: impl AsyncFnOnce(Alarm)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .expect("a runtime");
        runtime.block_on(async { test(Alarm::new().expect("an alarm")).await });
    }

    #[test]
    fn it_rings_when_the_time_has_come_and_not_earlier() {
        with_alarm(async |mut alarm| {
            for _ in 0..20 {
                let when = clock::monotonic() + 0.002;
                assert!(lateness(&mut alarm, when).await >= -clock::RESOLUTION);
            }
        });
    }

    #[test]
    fn what_has_come_needs_no_waiting_and_an_earlier_time_is_taken() {
        with_alarm(async |mut alarm| {
            let far = clock::monotonic() + 1e9;
            poll_fn(|cx| {
                assert!(alarm.wait(far, cx).expect("set"), "it is to come");
                assert!(!alarm.wait(0.0, cx).expect("seen"), "it is over");
                assert!(alarm.wait(f64::INFINITY, cx).expect("kept"));
                Poll::Ready(())
            })
            .await;
            let longest = clock::monotonic() + LONGEST_SLEEP;
            assert!(alarm.armed() <= longest, "it stays set");
            let near = clock::monotonic() + 0.002;
            assert!(lateness(&mut alarm, near).await >= -clock::RESOLUTION);
        });
    }

    #[test]
    fn rings_keep_their_distance() {
        with_alarm(async |mut alarm| {
            let first = clock::monotonic() + 0.002;
            lateness(&mut alarm, first).await;
            poll_fn(|cx| {
                let next = clock::monotonic() + 1e-4;
                if alarm.wait(next, cx).expect("set") {
                    assert!(alarm.armed() >= first + BETWEEN_RINGS);
                    assert!(alarm.armed() <= next.max(first + BETWEEN_RINGS));
                }
                Poll::Ready(())
            })
            .await;
        });
    }
}
