//! Request methods as small numbers, and the text of `Allow`.
//!
//! Owns the order in which methods are listed: it is the order of their numbers.

/// The methods that every router knows, in the order of `Allow`; others follow, sorted.
const KNOWN: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY", "OPTIONS",
];

/// A method of one router.
pub(super) type MethodId = u16;

pub(super) const GET: MethodId = 0;
pub(super) const HEAD: MethodId = 1;
pub(super) const OPTIONS: MethodId = 7;

/// The methods that the routes of one router name.
#[derive(Debug, Default)]
pub(super) struct Methods {
    /// Those that are not in `KNOWN`, sorted.
    others: Box<[String]>,
}

impl Methods {
    /// From the names in any order, with repetitions.
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let others = names.filter(|name| !KNOWN.contains(name));
        let mut others: Vec<String> = others.map(str::to_owned).collect();
        others.sort();
        others.dedup();
        Self {
            others: others.into_boxed_slice(),
        }
    }

    /// The number of `name`; none if no route names it. Methods are case-sensitive
    /// (RFC 9110 section 9.1).
    pub(super) fn id(&self, name: &[u8]) -> Option<MethodId> {
        let known = KNOWN.iter().position(|known| known.as_bytes() == name);
        let id = known.or_else(|| {
            let found = self
                .others
                .binary_search_by(|other| other.as_bytes().cmp(name));
            found.ok().map(|at| KNOWN.len() + at)
        });
        id.map(|id| id as MethodId)
    }

    /// The value of `Allow` for `ids`, which are sorted.
    pub(super) fn allow(&self, ids: &[MethodId]) -> String {
        let names: Vec<&str> = ids.iter().map(|id| self.name(*id)).collect();
        names.join(", ")
    }

    fn name(&self, id: MethodId) -> &str {
        let id = usize::from(id);
        KNOWN
            .get(id)
            .copied()
            .unwrap_or_else(|| &self.others[id - KNOWN.len()])
    }
}

/// Whether `name` is a token (RFC 9110 section 5.6.2) and not a known method in small letters.
pub(super) fn is_method(name: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    let upper = name.to_ascii_uppercase();
    !name.is_empty()
        && name.bytes().all(is_tchar)
        && (upper == name || !KNOWN.contains(&upper.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_stable_and_ordered() {
        let methods = Methods::new(["PURGE", "GET", "LINK", "PURGE"].into_iter());
        assert_eq!(methods.id(b"GET"), Some(GET));
        assert_eq!(methods.id(b"HEAD"), Some(HEAD));
        assert_eq!(methods.id(b"OPTIONS"), Some(OPTIONS));
        assert_eq!(methods.id(b"LINK"), Some(8));
        assert_eq!(methods.id(b"PURGE"), Some(9));
        for unknown in ["get", "", "GE", "GETS", "COPY"] {
            assert_eq!(methods.id(unknown.as_bytes()), None, "{unknown}");
        }
        assert_eq!(methods.allow(&[0, 1, 7, 9]), "GET, HEAD, OPTIONS, PURGE");
    }

    #[test]
    fn tokens_are_methods() {
        for (name, expected) in [
            ("GET", true),
            ("PURGE", true),
            ("purge", true),
            ("M-SEARCH", true),
            ("get", false),
            ("Post", false),
            ("", false),
            ("A B", false),
            ("A,B", false),
            ("A\r\nB", false),
            ("É", false),
        ] {
            assert_eq!(is_method(name), expected, "{name:?}");
        }
    }
}
