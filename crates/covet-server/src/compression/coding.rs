//! The content codings that are spoken here, and their names.

/// A content coding. Listed with what is preferred among equals first: zstd costs least for its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    /// RFC 8878.
    Zstd,
    /// RFC 7932.
    Br,
    /// RFC 1952.
    Gzip,
}

impl Coding {
    /// All of them, in order of preference.
    pub(super) const ALL: [Self; 3] = [Self::Zstd, Self::Br, Self::Gzip];
    /// Their names, in that order.
    pub(super) const NAMES: [&str; 3] = ["zstd", "br", "gzip"];

    /// Its name in Content-Encoding.
    pub(super) fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The coding called `name`, in any case. `x-gzip` is gzip (RFC 9110 section 8.4.1.3).
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"x-gzip") {
            return Some(Self::Gzip);
        }
        Self::ALL
            .into_iter()
            .find(|coding| name.eq_ignore_ascii_case(coding.name().as_bytes()))
    }

    /// Bytes that take about 20 us to encode: more is done aside.
    pub(super) fn long(self) -> usize {
        match self {
            Self::Zstd => 16 * 1024,
            Self::Br => 3 * 1024,
            Self::Gzip => 6 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for coding in Coding::ALL {
            assert_eq!(Coding::named(coding.name().as_bytes()), Some(coding));
            let shouted = coding.name().to_ascii_uppercase();
            assert_eq!(Coding::named(shouted.as_bytes()), Some(coding));
        }
        assert_eq!(Coding::named(b"x-gzip"), Some(Coding::Gzip));
        for unknown in ["", "deflate", "compress", "identity", "gzip2", "x-br"] {
            assert_eq!(Coding::named(unknown.as_bytes()), None, "{unknown}");
        }
    }
}
