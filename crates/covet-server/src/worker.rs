//! What the connections of one thread share: settings, service, clock, counts, spare parts.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::task::Waker;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::access_log::AccessLog;
use crate::admission::Gate;
use crate::compression::Aside;
use crate::connection::Active;
use crate::counters::Counters;
use crate::deadlines::{Deadlines, Millis};
use crate::handler::{Full, Service};
use crate::http1::DateCache;
use crate::settings::Settings;
use crate::turned_away::TurnedAway;

/// Active parts kept for the next connection that needs one.
const SPARE: usize = 64;

/// The shared state of a worker's connections.
pub(crate) struct Worker {
    pub(crate) settings: Settings,
    pub(crate) service: Service,
    pub(crate) deadlines: Rc<Deadlines>,
    pub(crate) access: Option<Rc<AccessLog>>,
    pub(crate) counters: Counters,
    /// Of all that handlers work on, where the settings count them.
    pub(crate) gate: Option<Rc<Gate>>,
    #[allow(
        clippy::vec_box,
        reason = "the boxes move in and out of connections as they are"
    )]
    spare: RefCell<Vec<Box<Active>>>,
    addresses: RefCell<HashMap<IpAddr, usize>>,
    /// By `max_connections`, and by `max_connections_per_address`.
    turned_away: [TurnedAway; 2],
    date: RefCell<DateCache>,
    date_text: Cell<[u8; 29]>,
    second: Cell<Millis>,
    on_drain: RefCell<Vec<Waker>>,
    draining: Cell<bool>,
    aborting: Cell<bool>,
}

impl Worker {
    pub(crate) fn new(
        settings: Settings,
        service: Service,
        access: Option<AccessLog>,
        counters: Counters,
    ) -> Self {
        let gate = settings
            .max_concurrency
            .map(|most| Gate::new(most, settings.queue));
        let worker = Self {
            gate,
            settings,
            service,
            deadlines: Rc::new(Deadlines::new()),
            access: access.map(Rc::new),
            counters,
            spare: RefCell::default(),
            addresses: RefCell::default(),
            turned_away: Default::default(),
            date: RefCell::new(DateCache::default()),
            date_text: Cell::new([b' '; 29]),
            second: Cell::new(Millis::MAX),
            on_drain: RefCell::default(),
            draining: Cell::new(false),
            aborting: Cell::new(false),
        };
        worker.now();
        worker
    }

    pub(crate) fn millis(duration: Duration) -> Millis {
        duration.as_millis() as Millis
    }

    /// The time; also keeps the date of the day at most a second old.
    pub(crate) fn now(&self) -> Millis {
        let now = self.deadlines.now();
        if now / 1000 != self.second.get() {
            self.second.set(now / 1000);
            let unix = SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default();
            self.date_text
                .set(*self.date.borrow_mut().now(unix.as_secs()));
        }
        now
    }

    /// The Date field's value (RFC 9110 section 6.6.1).
    pub(crate) fn date(&self) -> [u8; 29] {
        self.date_text.get()
    }

    /// Whether anything will be said of requests once they are answered.
    pub(crate) fn notes_requests(&self) -> bool {
        self.access.is_some() || self.settings.slow_request.is_some()
    }

    pub(crate) fn take_active(&self) -> Box<Active> {
        let spare = self.spare.borrow_mut().pop();
        spare.unwrap_or_else(|| Box::new(Active::new(self.settings.body)))
    }

    pub(crate) fn return_active(&self, mut active: Box<Active>) {
        // Clearing may drop a handler's future, which runs foreign code: nothing is borrowed here.
        active.clear();
        let mut spare = self.spare.borrow_mut();
        if spare.len() < SPARE {
            spare.push(active);
        }
    }

    /// Whether a connection of this age may carry another request.
    pub(crate) fn keeps_alive(&self, opened: Millis, now: Millis) -> bool {
        !self.draining.get() && now < opened + Self::millis(self.settings.max_age)
    }

    pub(crate) fn opened(&self, client: Option<SocketAddr>) {
        self.counters.opened();
        self.count(client);
    }

    /// It turned out that a connection is another client's.
    pub(crate) fn renamed(&self, from: Option<SocketAddr>, to: Option<SocketAddr>) {
        self.uncount(from);
        self.count(to);
    }

    fn count(&self, client: Option<SocketAddr>) {
        if let Some(ip) = self.limited(client) {
            *self.addresses.borrow_mut().entry(ip).or_default() += 1;
        }
    }

    pub(crate) fn closed(&self, client: Option<SocketAddr>) {
        self.counters.closed();
        self.uncount(client);
    }

    fn uncount(&self, client: Option<SocketAddr>) {
        if let Some(ip) = self.limited(client) {
            let mut addresses = self.addresses.borrow_mut();
            if let Some(count) = addresses.get_mut(&ip) {
                *count -= 1;
                if *count == 0 {
                    addresses.remove(&ip);
                }
            }
        }
    }

    pub(crate) fn answered(&self) {
        self.counters.answered();
    }

    /// Whether a further connection of `client` is one too many. Says so now and then, if it is.
    pub(crate) fn is_full_for(&self, client: Option<SocketAddr>) -> bool {
        let most = self.settings.max_connections;
        if self.counters.connections() >= most as u64 {
            self.tell_full(0, "max_connections", most);
            return true;
        }
        self.is_full_of(client)
    }

    /// Whether a further connection of `client` is one too many of its address. Says so now and then, if it is.
    pub(crate) fn is_full_of(&self, client: Option<SocketAddr>) -> bool {
        let Some(limit) = self.settings.max_connections_per_address else {
            return false;
        };
        let Some(ip) = self.limited(client) else {
            return false;
        };
        let is_full = self.addresses.borrow().get(&ip).copied().unwrap_or(0) >= limit;
        if is_full {
            self.tell_full(1, "max_connections_per_address", limit);
        }
        is_full
    }

    fn tell_full(&self, which: usize, limit: &'static str, most: usize) {
        if let Some(turned_away) = self.turned_away[which].count(self.deadlines.now()) {
            self.service.handler.full(Full {
                limit,
                most,
                turned_away,
            });
        }
    }

    /// Whether even an answer to a connection that is refused would be too much.
    pub(crate) fn has_no_room_to_refuse(&self) -> bool {
        let limit = self.settings.max_connections as u64;
        self.counters.connections() >= limit + limit / 10 + 16
    }

    fn limited(&self, client: Option<SocketAddr>) -> Option<IpAddr> {
        self.settings.max_connections_per_address?;
        client
            .map(|client| client.ip().to_canonical())
            .filter(|ip| !ip.is_loopback() && !self.settings.trusted_proxies.trusts(*ip))
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.get()
    }

    pub(crate) fn is_aborting(&self) -> bool {
        self.aborting.get()
    }

    /// Wake this task when draining begins.
    pub(crate) fn on_drain(&self, waker: &Waker) {
        let mut waiting = self.on_drain.borrow_mut();
        if !waiting.iter().any(|known| known.will_wake(waker)) {
            waiting.push(waker.clone());
        }
    }

    pub(crate) fn drain(&self) {
        self.draining.set(true);
        self.counters.leaving();
        let waiting = self.on_drain.take();
        for waker in waiting {
            waker.wake();
        }
        self.deadlines.wake_all();
    }

    pub(crate) fn abort(&self) {
        self.aborting.set(true);
        self.deadlines.wake_all();
    }

    /// Between requests that needed no handler: let the handler's world breathe.
    pub(crate) fn breathe(&self) {
        self.service.handler.breathe();
    }

    pub(crate) fn panicked(&self, panic: &(dyn Any + Send)) {
        self.counters.panicked();
        let what = panic
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a value that is no text");
        self.service.handler.panicked(what);
    }
}

impl Aside for Worker {
    fn aside(&self, work: &mut dyn FnMut()) {
        self.service.handler.aside(work);
    }
}
