//! Precompressed siblings: which of `.br`, `.zst` and `.gz` a client takes, best first.
//!
//! RFC 9110 section 12.5.3. Knows nothing of the file system.

/// A content coding that a file may be kept in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Coding {
    /// Its name in Content-Encoding.
    pub(super) name: &'static str,
    /// What the name of such a file ends with.
    pub(super) suffix: &'static str,
}

/// In our order: the smallest result first.
const CODINGS: [Coding; 3] = [
    Coding {
        name: "br",
        suffix: ".br",
    },
    Coding {
        name: "zstd",
        suffix: ".zst",
    },
    Coding {
        name: "gzip",
        suffix: ".gz",
    },
];

/// The codings that the values of Accept-Encoding allow, the client's favourite first, ours among
/// equals. One that the client likes less than no coding is left out.
pub(super) fn accepted<'v>(values: impl Iterator<Item = &'v [u8]>) -> impl Iterator<Item = Coding> {
    let (mut named, mut identity, mut any) = ([None; 3], None, None);
    for element in values.flat_map(|value| value.split(|&byte| byte == b',')) {
        let (name, weight) = weighted(element);
        let name = name.strip_prefix(b"x-").unwrap_or(name); // section 8.4.1.3: x-gzip
        let at = CODINGS
            .iter()
            .position(|coding| name.eq_ignore_ascii_case(coding.name.as_bytes()));
        match at {
            Some(at) => named[at] = Some(weight),
            None if name == b"*" => any = Some(weight),
            None if name.eq_ignore_ascii_case(b"identity") => identity = Some(weight),
            None => {}
        }
    }
    // No coding is acceptable by silence, and then the least that is.
    let identity = identity.unwrap_or(0);
    let mut order: [(u16, usize); 3] =
        std::array::from_fn(|at| (named[at].or(any).unwrap_or(0), at));
    order.sort_by_key(|&(weight, at)| (std::cmp::Reverse(weight), at));
    order
        .into_iter()
        .filter(move |&(weight, _)| weight > 0 && weight >= identity)
        .map(|(_, at)| CODINGS[at])
}

/// The name of an element and its weight in thousandths; a weight that is none is 0.
fn weighted(element: &[u8]) -> (&[u8], u16) {
    let Some(at) = memchr::memchr(b';', element) else {
        return (element.trim_ascii(), 1000);
    };
    let (name, parameter) = (element[..at].trim_ascii(), element[at + 1..].trim_ascii());
    let weight = match parameter {
        [b'q' | b'Q', b'=', digits @ ..] => thousandths(digits),
        _ => None,
    };
    (name, weight.unwrap_or(0))
}

/// RFC 9110 section 12.4.2: `0` or `1` with at most three decimals.
fn thousandths(text: &[u8]) -> Option<u16> {
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
    fn the_client_chooses() {
        for (values, expected) in [
            (&[] as &[&str], &[] as &[&str]),
            (&[""], &[]),
            (&["gzip"], &["gzip"]),
            (&["gzip, deflate, br, zstd"], &["br", "zstd", "gzip"]),
            (&["gzip", "br"], &["br", "gzip"]),
            (&["GZIP;q=1.0, BR ; q=0.5"], &["gzip", "br"]),
            (&["x-gzip"], &["gzip"]),
            (&["br;q=0, *;q=0.1"], &["zstd", "gzip"]),
            (&["*"], &["br", "zstd", "gzip"]),
            (&["*;q=0"], &[]),
            (&["identity, gzip;q=0.5"], &[]),
            (&["identity;q=0.5, gzip"], &["gzip"]),
            (&["gzip, identity"], &["gzip"]),
            (&["gzip;q=0.001, zstd;q=0.002"], &["zstd", "gzip"]),
            (&["gzip;q=2, br;q=0.5000, zstd;q=x"], &[]),
            (&["gzip;q=1.001, br;q=.5, zstd;level=1"], &[]),
            (&["brotli, gzipped"], &[]),
        ] {
            let names = accepted(values.iter().map(|value| value.as_bytes()));
            let names: Vec<_> = names.map(|coding| coding.name).collect();
            assert_eq!(names, expected, "{values:?}");
        }
    }
}
