//! What the loop has to do: the ready queue, the timers, and whether its task has to be woken for them.
//!
//! Pure data behind one lock that the scheduler holds. It calls nothing but the task's waker, and hands items that
//! fell out to the caller: dropping one may run Python, which must not happen under the lock.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::task::Waker;

/// Fewer timers than this are never searched for cancelled ones (asyncio's rule).
const FEW_TIMERS: usize = 100;

/// Room for so many items is kept from turn to turn.
const SPARE: usize = 1024;

/// Ready items of type `R` and timers of type `T`.
pub(super) struct Queue<R, T> {
    ready: VecDeque<R>,
    /// The memory of the turn before.
    spare: VecDeque<R>,
    timers: BinaryHeap<Timer<T>>,
    timers_made: u64,
    timers_cancelled: usize,
    /// The loop's task runs, is about to, or nobody drives it: no wake is wanted.
    awake: bool,
    /// When the task will run by itself, in seconds of the loop's clock.
    armed: f64,
    waker: Option<Waker>,
}

struct Timer<T> {
    when: f64,
    number: u64,
    item: T,
}

impl<R, T> Queue<R, T> {
    pub(super) const fn new() -> Self {
        Self {
            ready: VecDeque::new(),
            spare: VecDeque::new(),
            timers: BinaryHeap::new(),
            timers_made: 0,
            timers_cancelled: 0,
            awake: true,
            armed: f64::INFINITY,
            waker: None,
        }
    }

    /// Appends an item to run and wakes the task if it sleeps.
    pub(super) fn push(&mut self, item: R) {
        self.ready.push_back(item);
        self.wake();
    }

    /// Puts items before those that are ready, in their order, and wakes the task if it sleeps.
    pub(super) fn push_first(&mut self, items: impl DoubleEndedIterator<Item = R>) {
        items.rev().for_each(|item| self.ready.push_front(item));
        self.wake();
    }

    /// Takes the items to run.
    pub(super) fn take_ready(&mut self) -> VecDeque<R> {
        let spare = std::mem::take(&mut self.spare);
        std::mem::replace(&mut self.ready, spare)
    }

    /// Items that were taken and not run are the first again; an empty queue is kept for its memory.
    pub(super) fn give_back(&mut self, mut taken: VecDeque<R>) {
        if taken.is_empty() {
            taken.shrink_to(SPARE);
            self.spare = taken;
            return;
        }
        taken.append(&mut self.ready);
        self.ready = taken;
    }

    /// Adds a timer and wakes the task if it would sleep past it.
    pub(super) fn push_timer(&mut self, when: f64, item: T) {
        self.timers_made += 1;
        self.timers.push(Timer {
            when,
            number: self.timers_made,
            item,
        });
        if when < self.armed {
            self.wake();
        }
    }

    /// Counts a cancelled timer; [`Self::take_cancelled`] removes it later.
    pub(super) fn count_cancelled(&mut self) {
        self.timers_cancelled += 1;
    }

    /// The number of timers that were cancelled and not removed yet.
    pub(super) fn timers_cancelled(&self) -> usize {
        self.timers_cancelled
    }

    /// Whether there is any timer.
    pub(super) fn has_timers(&self) -> bool {
        !self.timers.is_empty()
    }

    /// Removes cancelled timers: all where they are more than half of many, else those at the head.
    pub(super) fn take_cancelled(&mut self, is_cancelled: impl Fn(&T) -> bool) -> Vec<T> {
        let mut removed = Vec::new();
        if self.timers_cancelled == 0 {
            return removed;
        }
        if self.timers.len() > FEW_TIMERS && self.timers_cancelled * 2 > self.timers.len() {
            let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.timers)
                .into_iter()
                .partition(|timer| is_cancelled(&timer.item));
            self.timers = kept.into();
            self.timers_cancelled = 0;
            removed.extend(gone.into_iter().map(|timer| timer.item));
            return removed;
        }
        while self
            .timers
            .peek()
            .is_some_and(|timer| is_cancelled(&timer.item))
        {
            self.timers_cancelled = self.timers_cancelled.saturating_sub(1);
            removed.extend(self.timers.pop().map(|timer| timer.item));
        }
        removed
    }

    /// Moves every timer before `end` to the ready queue, earliest first.
    pub(super) fn take_due(&mut self, end: f64, mut ready: impl FnMut(T) -> R) {
        while self.timers.peek().is_some_and(|timer| timer.when < end) {
            self.ready
                .extend(self.timers.pop().map(|timer| ready(timer.item)));
        }
    }

    /// The task runs: it needs no wake, and `waker` will wake it later.
    pub(super) fn begin_turn(&mut self, waker: &Waker) {
        self.awake = true;
        if !self
            .waker
            .as_ref()
            .is_some_and(|known| known.will_wake(waker))
        {
            self.waker = Some(waker.clone());
        }
    }

    /// The task has nothing to do: returns when the next timer is due, or `None` if something is ready after all.
    pub(super) fn rest(&mut self) -> Option<f64> {
        if !self.ready.is_empty() {
            return None;
        }
        self.awake = false;
        Some(self.timers.peek().map_or(f64::INFINITY, |timer| timer.when))
    }

    /// Notes when the task will run by itself.
    pub(super) fn arm(&mut self, when: f64) {
        self.armed = when;
    }

    /// Nobody drives the task any more: wakes are not wanted until [`Self::start`].
    pub(super) fn stop(&mut self) {
        self.awake = true;
    }

    /// The task is driven again: runs it once whatever is ready.
    pub(super) fn start(&mut self) {
        self.awake = false;
        self.wake();
    }

    /// Wakes the task if it sleeps.
    pub(super) fn wake(&mut self) {
        if !self.awake {
            self.awake = true;
            self.waker.iter().for_each(Waker::wake_by_ref);
        }
    }

    /// Takes everything out, to be dropped without the lock. The waker goes too: it keeps the runtime's descriptors.
    pub(super) fn drain(&mut self) -> (VecDeque<R>, Vec<T>) {
        self.timers_cancelled = 0;
        self.waker = None;
        let timers = std::mem::take(&mut self.timers)
            .into_iter()
            .map(|timer| timer.item)
            .collect();
        (std::mem::take(&mut self.ready), timers)
    }

    /// The items that are ready.
    pub(super) fn ready(&self) -> impl Iterator<Item = &R> {
        self.ready.iter()
    }

    /// The items that wait for their time, in no particular order.
    pub(super) fn timers(&self) -> impl Iterator<Item = &T> {
        self.timers.iter().map(|timer| &timer.item)
    }
}

/// The greatest timer is the earliest: `BinaryHeap` keeps the greatest on top.
impl<T> Ord for Timer<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .when
            .total_cmp(&self.when)
            .then_with(|| other.number.cmp(&self.number))
    }
}

impl<T> PartialOrd for Timer<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> PartialEq for Timer<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Timer<T> {}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    /// Counts its wakes.
    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A queue whose task has run and rests, and the bell that wakes it.
    fn resting(timers: &[(f64, u32)]) -> (Queue<u32, u32>, Arc<Bell>) {
        let bell = Arc::new(Bell::default());
        let mut queue = Queue::new();
        queue.begin_turn(&Waker::from(Arc::clone(&bell)));
        for &(when, item) in timers {
            queue.push_timer(when, item);
        }
        let next = queue.rest().expect("nothing is ready");
        queue.arm(next);
        (queue, bell)
    }

    fn drain_ready(queue: &mut Queue<u32, u32>) -> Vec<u32> {
        queue.take_ready().into()
    }

    #[test]
    fn timers_come_due_in_order_of_time_then_of_arrival() {
        let (mut queue, _) = resting(&[(3.0, 1), (1.0, 2), (2.0, 3), (1.0, 4), (f64::NAN, 5)]);
        queue.take_due(3.0, |item| item);
        assert_eq!(drain_ready(&mut queue), [2, 4, 3]);
        queue.take_due(f64::INFINITY, |item| item);
        assert_eq!(drain_ready(&mut queue), [1]);
    }

    #[test]
    fn what_a_turn_left_is_first_in_the_next() {
        let (mut queue, _) = resting(&[]);
        (1..=3).for_each(|item| queue.push(item));
        let mut taken = queue.take_ready();
        assert_eq!(taken.pop_front(), Some(1));
        queue.push(4);
        queue.give_back(taken);
        assert_eq!(drain_ready(&mut queue), [2, 3, 4]);
        queue.give_back(VecDeque::new());
        assert_eq!(queue.rest(), Some(f64::INFINITY));
    }

    #[test]
    fn a_sleeping_task_is_woken_once_for_many_items() {
        let (mut queue, bell) = resting(&[]);
        queue.push(1);
        queue.push(2);
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
        assert_eq!(queue.rest(), None, "something is ready");
    }

    #[test]
    fn a_nearer_timer_wakes_and_a_later_one_does_not() {
        for (when, wakes) in [(4.0, 1), (5.0, 0), (6.0, 0)] {
            let (mut queue, bell) = resting(&[(5.0, 1)]);
            queue.push_timer(when, 2);
            assert_eq!(bell.0.load(Ordering::Relaxed), wakes, "timer at {when}");
        }
    }

    #[test]
    fn a_queue_that_is_not_driven_wakes_nobody_until_it_starts() {
        let (mut queue, bell) = resting(&[]);
        queue.begin_turn(&Waker::noop().clone());
        queue.begin_turn(&Waker::from(Arc::clone(&bell)));
        queue.stop();
        queue.push(1);
        assert_eq!(bell.0.load(Ordering::Relaxed), 0);
        queue.start();
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn cancelled_timers_leave_when_they_are_most_of_many_or_first() {
        // Timers 0..count, of which those below `cancelled` are cancelled, behind one more that is not.
        for (count, cancelled, removed) in
            [(99, 99, 0), (100, 50, 0), (100, 51, 51), (400, 201, 201)]
        {
            let timers: Vec<_> = (0..count).map(|item| (2.0, item)).collect();
            let (mut queue, _) = resting(&timers);
            queue.push_timer(1.0, count);
            (0..cancelled).for_each(|_| queue.count_cancelled());
            let gone = queue.take_cancelled(|&item| item < cancelled);
            assert_eq!(gone.len(), removed, "{cancelled} of {count}");
        }
        let (mut queue, _) = resting(&[(1.0, 1), (2.0, 2), (3.0, 3)]);
        queue.count_cancelled();
        queue.count_cancelled();
        assert_eq!(queue.take_cancelled(|&item| item < 3), [1, 2]);
        assert_eq!(queue.timers_cancelled(), 0);
    }
}
