//! What a client says of content codings: the Accept-Encoding field with its weights.
//!
//! RFC 9110 sections 12.4.2 and 12.5.3. Knows no coding: the caller names those it has.

use std::cmp::Reverse;

/// The weights that a client gives to some codings and to none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acceptance<const N: usize> {
    /// In thousandths, in the order of the names that were asked about.
    weights: [u16; N],
    /// Of no coding; `None` where the client is silent about it, so that it takes it at the last.
    identity: Option<u16>,
}

impl<const N: usize> Acceptance<N> {
    /// What the values of Accept-Encoding say of the codings called `names`.
    pub(crate) fn of<'v>(values: impl Iterator<Item = &'v [u8]>, names: [&str; N]) -> Self {
        let (mut given, mut identity, mut any) = ([None; N], None, None);
        for element in values.flat_map(|value| value.split(|&byte| byte == b',')) {
            let (name, weight) = weighted(element);
            let name = name.strip_prefix(b"x-").unwrap_or(name); // section 8.4.1.3: x-gzip
            let at = names
                .iter()
                .position(|known| name.eq_ignore_ascii_case(known.as_bytes()));
            match at {
                Some(at) => given[at] = Some(weight),
                None if name == b"*" => any = Some(weight),
                None if name.eq_ignore_ascii_case(b"identity") => identity = Some(weight),
                None => {}
            }
        }
        Self {
            weights: given.map(|weight| weight.or(any).unwrap_or(0)),
            identity: identity.or(any),
        }
    }

    /// The places of the codings that the client takes, its favourite first, the order of the names
    /// among equals. One that it likes less than no coding is left out.
    pub(crate) fn preferred(self) -> impl Iterator<Item = usize> {
        let mut order: [(u16, usize); N] = std::array::from_fn(|at| (self.weights[at], at));
        order.sort_by_key(|&(weight, at)| (Reverse(weight), at));
        let least = self.identity.unwrap_or(0);
        order
            .into_iter()
            .filter(move |&(weight, _)| weight > 0 && weight >= least)
            .map(|(_, at)| at)
    }

    /// Whether the client refuses an answer without a coding.
    pub(crate) fn refuses_identity(self) -> bool {
        self.identity == Some(0)
    }
}

/// The name of an element and its weight in thousandths; a weight that is none is 0.
fn weighted(element: &[u8]) -> (&[u8], u16) {
    let Some(at) = memchr::memchr(b';', element) else {
        return (element.trim_ascii(), 1000);
    };
    let (name, parameter) = (element[..at].trim_ascii(), element[at + 1..].trim_ascii());
    let weight = match parameter {
        [b'q' | b'Q', b'=', digits @ ..] => weight(digits),
        _ => None,
    };
    (name, weight.unwrap_or(0))
}

/// RFC 9110 section 12.4.2: `0` or `1` with at most three decimals, as thousandths.
fn weight(text: &[u8]) -> Option<u16> {
    let (whole, rest) = match text {
        [b'0', rest @ ..] => (0, rest),
        [b'1', rest @ ..] => (1000, rest),
        _ => return None,
    };
    let decimals = match rest {
        [] => &[],
        [b'.', decimals @ ..] if decimals.len() <= 3 => decimals,
        _ => return None,
    };
    let mut weight = whole;
    for (digit, place) in decimals.iter().zip([100, 10, 1]) {
        weight += u16::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?) * place;
    }
    (weight <= 1000).then_some(weight)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_coding_at_all_may_be_refused() {
        for (value, refused) in [
            ("", false),
            ("gzip", false),
            ("identity", false),
            ("identity;q=0.001", false),
            ("identity;q=0", true),
            ("IDENTITY ; q=0.000, gzip", true),
            ("*;q=0", true),
            ("*;q=0, identity;q=0.1", false),
            ("gzip, *;q=0", true),
            ("*", false),
        ] {
            let said = Acceptance::of([value.as_bytes()].into_iter(), ["gzip"]);
            assert_eq!(said.refuses_identity(), refused, "{value:?}");
        }
    }

    #[test]
    fn a_coding_that_is_liked_less_than_none_is_left_out() {
        for (value, taken) in [
            ("gzip;q=0.2, identity;q=0.5", false),
            ("gzip;q=0.5, identity;q=0.5", true),
            ("gzip;q=0.2, *;q=0.5", false),
            ("gzip;q=0.2, *;q=0.5, identity;q=0", true),
        ] {
            let said = Acceptance::of([value.as_bytes()].into_iter(), ["gzip"]);
            assert_eq!(said.preferred().next(), taken.then_some(0), "{value:?}");
        }
    }
}
