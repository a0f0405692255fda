//! Precompressed siblings: which of `.br`, `.zst` and `.gz` a client takes, best first.
//!
//! Knows nothing of the file system. Neighbour: [`crate::compression`] reads the field.

use crate::compression::Acceptance;

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
    Acceptance::of(values, CODINGS.map(|coding| coding.name))
        .preferred()
        .map(|at| CODINGS[at])
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
