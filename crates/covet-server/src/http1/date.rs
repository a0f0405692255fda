//! [`DateCache`]: the Date field's value, formatted once per second.
//!
//! It is told the time and reads no clock.

use std::time::{Duration, UNIX_EPOCH};

/// Last second of the year 9998: IMF-fixdate has four digits for the year, and `httpdate` stops
/// before 9999.
const LAST: u64 = 253_370_764_799;

/// An IMF-fixdate (RFC 9110 section 5.6.7) and the second it belongs to.
#[derive(Debug, Clone)]
pub struct DateCache {
    second: u64,
    text: [u8; 29],
}

impl DateCache {
    /// A cache that holds the Unix epoch.
    #[must_use]
    pub fn new() -> Self {
        Self {
            second: 0,
            text: *b"Thu, 01 Jan 1970 00:00:00 GMT",
        }
    }

    /// The date `unix_seconds` after the Unix epoch; it is formatted only when the second is new.
    pub fn now(&mut self, unix_seconds: u64) -> &[u8; 29] {
        if unix_seconds != self.second {
            self.second = unix_seconds;
            let seconds = Duration::from_secs(unix_seconds.min(LAST));
            let text = httpdate::fmt_http_date(UNIX_EPOCH + seconds);
            self.text.copy_from_slice(text.as_bytes());
        }
        &self.text
    }
}

impl Default for DateCache {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        let table = [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_827_696, "Tue, 29 Feb 2000 12:34:56 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (u64::MAX, "Thu, 31 Dec 9998 23:59:59 GMT"),
        ];
        let mut cache = DateCache::new();
        for (second, expected) in table {
            assert_eq!(cache.now(second), expected.as_bytes(), "{second}");
            assert_eq!(cache.now(second), expected.as_bytes(), "{second} again");
        }
    }
}
