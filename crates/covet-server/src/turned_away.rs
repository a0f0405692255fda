//! When it is said that connections were turned away: at the first, then at most once a minute, with their number.
//!
//! Knows neither the limits nor who says it.

use std::cell::Cell;

use crate::deadlines::Millis;

/// Between two words about the same limit.
const PAUSE: Millis = 60_000;

/// Connections that one limit turned away.
#[derive(Debug, Default)]
pub(crate) struct TurnedAway {
    untold: Cell<u64>,
    quiet_until: Cell<Millis>,
}

impl TurnedAway {
    /// One more, at `now`. How many there were since the last word, where it is time for the next.
    pub(crate) fn count(&self, now: Millis) -> Option<u64> {
        let untold = self.untold.get() + 1;
        if now < self.quiet_until.get() {
            self.untold.set(untold);
            return None;
        }
        self.untold.set(0);
        self.quiet_until.set(now + PAUSE);
        Some(untold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_told_at_once_and_the_others_once_a_minute() {
        let turned_away = TurnedAway::default();
        let table = [
            (5, Some(1)),
            (5, None),
            (5 + PAUSE - 1, None),
            (5 + PAUSE, Some(3)),
            (5 + 2 * PAUSE - 1, None),
            (500 * PAUSE, Some(2)),
        ];
        for (now, told) in table {
            assert_eq!(turned_away.count(now), told, "at {now}");
        }
    }
}
