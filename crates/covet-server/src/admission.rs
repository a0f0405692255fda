//! How many requests are in flight at once, and who waits for a turn: a gate of a route, a gate of the worker.
//!
//! A place goes from who leaves straight to who waits longest, so nobody overtakes. Knows no connection and no
//! request. Neighbours: `connection/waiting.rs` (waits), handlers (keep a [`Pass`] for work that outlives its answer).

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

/// Lets a number of requests in and a number of others wait.
#[derive(Debug)]
pub struct Gate {
    most: usize,
    queue: usize,
    taken: Cell<usize>,
    arrivals: Cell<u64>,
    /// Who waits, by the number of their arrival.
    line: RefCell<BTreeMap<u64, Option<Waker>>>,
}

impl Gate {
    /// A gate for at most `most` requests at once, while at most `queue` others wait.
    #[must_use]
    pub fn new(most: usize, queue: usize) -> Rc<Self> {
        Rc::new(Self {
            most,
            queue,
            taken: Cell::new(0),
            arrivals: Cell::new(0),
            line: RefCell::default(),
        })
    }

    /// Requests that have a place now.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.get()
    }

    /// Requests that wait for one.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line.borrow().len()
    }

    fn enter(self: &Rc<Self>) -> Entry {
        if self.taken.get() < self.most {
            self.taken.set(self.taken.get() + 1);
            return Entry::In(Place(Rc::clone(self)));
        }
        let mut line = self.line.borrow_mut();
        if line.len() >= self.queue {
            return Entry::Full;
        }
        let number = self.arrivals.get();
        self.arrivals.set(number + 1);
        line.insert(number, None);
        Entry::Wait(Ticket {
            gate: Rc::clone(self),
            number,
            used: false,
        })
    }

    /// A place is free: it is given to who waits longest.
    fn leave(&self) {
        let next = self.line.borrow_mut().pop_first();
        match next {
            Some((_, Some(waker))) => waker.wake(),
            Some((_, None)) => {}
            None => self.taken.set(self.taken.get() - 1),
        }
    }
}

/// What a gate says.
enum Entry {
    In(Place),
    Wait(Ticket),
    Full,
}

/// A place at a gate; given on when dropped.
#[derive(Debug)]
struct Place(Rc<Gate>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// A turn in the line; who leaves it early is forgotten.
struct Ticket {
    gate: Rc<Gate>,
    number: u64,
    used: bool,
}

impl Ticket {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Place> {
        if let Some(waker) = self.gate.line.borrow_mut().get_mut(&self.number) {
            *waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        self.used = true;
        Poll::Ready(Place(Rc::clone(&self.gate)))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.used && self.gate.line.borrow_mut().remove(&self.number).is_none() {
            self.gate.leave(); // it was called and does not come
        }
    }
}

/// Leave to be in flight. It counts until its last clone is gone, be that long after the answer.
#[derive(Clone, Debug)]
pub struct Pass(#[expect(dead_code, reason = "held, never read")] Rc<[Option<Place>; 2]>);

/// On the way through the gate of a route, then that of the worker.
pub(crate) struct Entering {
    gates: [Option<Rc<Gate>>; 2],
    places: [Option<Place>; 2],
    ticket: Option<Ticket>,
}

impl fmt::Debug for Entering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entering")
            .field("places", &self.places)
            .finish_non_exhaustive()
    }
}

impl Entering {
    pub(crate) fn new(route: Option<&Rc<Gate>>, worker: Option<&Rc<Gate>>) -> Self {
        Self {
            gates: [route.cloned(), worker.cloned()],
            places: [None, None],
            ticket: None,
        }
    }

    /// The pass, once there is one; none where too many wait already.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Pass>> {
        for (gate, place) in self.gates.iter().zip(&mut self.places) {
            let (Some(gate), None) = (gate, &place) else {
                continue;
            };
            if self.ticket.is_none() {
                match gate.enter() {
                    Entry::In(free) => *place = Some(free),
                    Entry::Wait(ticket) => self.ticket = Some(ticket),
                    Entry::Full => return Poll::Ready(None),
                }
            }
            if let Some(ticket) = &mut self.ticket {
                *place = Some(ready!(ticket.poll(cx)));
                self.ticket = None;
            }
        }
        Poll::Ready(Some(Pass(Rc::new(std::mem::take(&mut self.places)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One poll; what it gave.
    fn poll(entering: &mut Entering) -> Poll<Option<Pass>> {
        entering.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn admitted(gate: &Rc<Gate>) -> Pass {
        match poll(&mut Entering::new(Some(gate), None)) {
            Poll::Ready(Some(pass)) => pass,
            other => panic!("{other:?} at {gate:?}"),
        }
    }

    fn waits(gate: &Rc<Gate>) -> Entering {
        let mut entering = Entering::new(Some(gate), None);
        assert!(poll(&mut entering).is_pending(), "{gate:?}");
        entering
    }

    fn counts(gate: &Gate) -> (usize, usize) {
        (gate.taken(), gate.waiting())
    }

    #[test]
    fn places_go_to_who_waits_longest() {
        let gate = Gate::new(1, 2);
        let first = admitted(&gate);
        let (mut second, mut third) = (waits(&gate), waits(&gate));
        let refused = poll(&mut Entering::new(Some(&gate), None));
        assert!(matches!(refused, Poll::Ready(None)));
        assert_eq!(counts(&gate), (1, 2));
        let kept = first.clone();
        drop(first);
        assert!(
            poll(&mut second).is_pending(),
            "a clone of the pass is kept"
        );
        drop(kept);
        assert!(poll(&mut third).is_pending());
        let Poll::Ready(Some(pass)) = poll(&mut second) else {
            panic!("it was not called");
        };
        assert_eq!(counts(&gate), (1, 1));
        drop(pass);
        assert!(matches!(poll(&mut third), Poll::Ready(Some(_))));
    }

    #[test]
    fn who_leaves_the_line_costs_no_place() {
        let gate = Gate::new(1, 3);
        let first = admitted(&gate);
        let (gone, mut called, mut next) = (waits(&gate), waits(&gate), waits(&gate));
        drop(gone);
        assert_eq!(counts(&gate), (1, 2));
        drop(first);
        drop(called.ticket.take()); // it has been called, and leaves before it looked
        assert!(matches!(poll(&mut next), Poll::Ready(Some(_))));
        assert_eq!(counts(&gate), (0, 0));
    }

    #[test]
    fn both_gates_must_be_passed() {
        let (route, worker) = (Gate::new(2, 0), Gate::new(1, 1));
        let first = admitted(&worker);
        let mut second = Entering::new(Some(&route), Some(&worker));
        assert!(poll(&mut second).is_pending());
        assert_eq!((counts(&route), counts(&worker)), ((1, 0), (1, 1)));
        let third = poll(&mut Entering::new(Some(&route), Some(&worker)));
        assert!(matches!(third, Poll::Ready(None)));
        assert_eq!(counts(&route), (1, 0), "its place there was given back");
        drop(first);
        assert!(matches!(poll(&mut second), Poll::Ready(Some(_))));
        assert_eq!((counts(&route), counts(&worker)), ((0, 0), (0, 0)));
    }
}
