//! The name of a request in answers and logs: the client's, where it is harmless, else one of our own.

use std::fmt::Write as _;

use crate::chance::Chance;
use crate::http1::Head;

/// The field that carries it.
pub(crate) const FIELD: &str = "x-request-id";

/// 16 hexadecimal digits, different for each request of all workers as far as chance goes.
#[must_use]
pub fn make() -> String {
    let mut id = String::new();
    make_in(&mut id);
    id
}

fn make_in(id: &mut String) {
    thread_local! {
        static CHANCE: Chance = Chance::default();
    }
    id.clear();
    let _ = write!(id, "{:016x}", CHANCE.with(Chance::next));
}

/// Whether a client's name for its request can be taken over: 1 to 128 of letters, digits, `.`, `_` and `-`.
#[must_use]
pub fn is_acceptable(id: &[u8]) -> bool {
    let allowed = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'_' | b'-');
    (1..=128).contains(&id.len()) && id.iter().all(allowed)
}

/// Put the name of the request with this head into `id`. A head without one, or with several, gets a new one.
pub(crate) fn of_head(head: &Head, bytes: &[u8], id: &mut String) {
    let mut given = head.values(bytes, FIELD);
    match (given.next(), given.next()) {
        (Some(only), None) if is_acceptable(only) => {
            id.clear();
            id.extend(only.iter().map(|&octet| char::from(octet)));
        }
        _ => make_in(id),
    }
}

/// Put a new name into `id` where it is empty.
pub(crate) fn fill(id: &mut String) {
    if id.is_empty() {
        make_in(id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_may_call_it() {
        let longest = "a".repeat(128);
        for id in ["a", "A-Z.0_9", &longest] {
            assert!(is_acceptable(id.as_bytes()), "{id}");
        }
        let longer = "a".repeat(129);
        for id in [
            "", " a", "a b", "a\"", "a\\", "a/b", "a\u{e9}", "a\x1b", &longer,
        ] {
            assert!(!is_acceptable(id.as_bytes()), "{id}");
        }
    }

    #[test]
    fn ours_differ() {
        let (one, two) = (make(), make());
        assert_ne!(one, two);
        assert_eq!(one.len(), 16);
        assert!(is_acceptable(one.as_bytes()));
    }
}
