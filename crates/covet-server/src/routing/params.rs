//! The decoded path of one request and the places of its parameters.
//!
//! Owns the buffers that `Router::find` reuses from request to request, and the split of a raw
//! path into decoded segments. Knows nothing of patterns or routes.

use std::ops::Range;

use crate::percent;

/// The text of each parameter of the route that was found, decoded, in pattern order.
///
/// Keep one and hand it to each `Router::find`: the buffers are reused, so a request allocates
/// nothing once they have grown. Empty whenever no route was found.
#[derive(Debug, Clone, Default)]
pub struct Params {
    /// The decoded path. Its separators stay `/`; so does a `/` that was `%2F`.
    text: String,
    /// Where each segment lies in `text`, for no more segments than any pattern has.
    segments: Vec<Range<usize>>,
    /// How many segments the path has, those beyond `segments` included.
    count: usize,
    /// A catch-all may start at this segment or later; earlier it would contain a `.` or `..`
    /// that `%2F` hides from the split.
    catch_all_from: usize,
    /// Where each parameter lies in `text`.
    captures: Vec<Range<usize>>,
}

/// The path cannot be matched at all: not UTF-8 once decoded, a broken escape, a `.` or `..`
/// segment, or no leading `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadPath;

impl Params {
    /// Empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of parameters.
    #[must_use]
    pub fn len(&self) -> usize {
        self.captures.len()
    }

    /// Whether there are no parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.captures.is_empty()
    }

    /// The text of parameter `i` in pattern order.
    #[must_use]
    pub fn get(&self, i: usize) -> Option<&str> {
        self.text.get(self.captures.get(i)?.clone())
    }

    /// All parameters in pattern order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter {
            text: &self.text,
            captures: self.captures.iter(),
        }
    }

    /// Forgets the last path and takes `raw`, keeping the places of its first `depth` segments.
    pub(super) fn split(&mut self, raw: &[u8], depth: usize) -> Result<(), BadPath> {
        self.text.clear();
        self.segments.clear();
        self.captures.clear();
        self.count = 0;
        self.catch_all_from = 0;
        let Some(rest) = raw.strip_prefix(b"/") else {
            return Err(BadPath);
        };
        if memchr::memchr(b'%', rest).is_some() {
            self.split_escaped(rest, depth)
        } else {
            self.split_plain(rest, depth)
        }
    }

    fn split_plain(&mut self, rest: &[u8], depth: usize) -> Result<(), BadPath> {
        self.text
            .push_str(std::str::from_utf8(rest).map_err(|_| BadPath)?);
        let ends = memchr::memchr_iter(b'/', rest).chain(std::iter::once(rest.len()));
        let mut start = 0;
        for end in ends {
            if is_dots(&rest[start..end]) {
                return Err(BadPath);
            }
            if self.count < depth {
                self.segments.push(start..end);
            }
            self.count += 1;
            start = end + 1;
        }
        Ok(())
    }

    fn split_escaped(&mut self, rest: &[u8], depth: usize) -> Result<(), BadPath> {
        let mut text = std::mem::take(&mut self.text).into_bytes();
        let split = self.decode(rest, depth, &mut text);
        // A `/` never occurs inside a UTF-8 sequence, so the whole is valid when each segment is.
        match String::from_utf8(text) {
            Ok(text) => {
                self.text = text;
                split
            }
            Err(_) => Err(BadPath),
        }
    }

    fn decode(&mut self, rest: &[u8], depth: usize, text: &mut Vec<u8>) -> Result<(), BadPath> {
        for raw in rest.split(|byte| *byte == b'/') {
            if self.count > 0 {
                text.push(b'/');
            }
            let start = text.len();
            percent::decode_into(raw, text).map_err(|_| BadPath)?;
            let segment = &text[start..];
            if is_dots(segment) {
                return Err(BadPath);
            }
            if segment.split(|byte| *byte == b'/').any(is_dots) {
                self.catch_all_from = self.count + 1;
            }
            if self.count < depth {
                self.segments.push(start..text.len());
            }
            self.count += 1;
        }
        Ok(())
    }

    /// Whether the path has exactly `count` segments.
    pub(super) fn ends_at(&self, count: usize) -> bool {
        self.count == count
    }

    /// The decoded text of segment `i`; none past the end or past the depth that was asked for.
    pub(super) fn segment(&self, i: usize) -> Option<&str> {
        self.text.get(self.segments.get(i)?.clone())
    }

    /// Makes segment `i` the next parameter.
    pub(super) fn capture(&mut self, i: usize) {
        self.captures.push(self.segments[i].clone());
    }

    /// Makes all from segment `i` on the next parameter, unless that would smuggle in a `..`.
    pub(super) fn capture_rest(&mut self, i: usize) -> bool {
        if i < self.catch_all_from {
            return false;
        }
        self.captures.push(self.segments[i].start..self.text.len());
        true
    }

    /// Takes the last parameter back.
    pub(super) fn release(&mut self) {
        self.captures.pop();
    }
}

impl<'p> IntoIterator for &'p Params {
    type Item = &'p str;
    type IntoIter = Iter<'p>;

    fn into_iter(self) -> Iter<'p> {
        self.iter()
    }
}

/// The parameters of one request in pattern order; see [`Params::iter`].
#[derive(Debug, Clone)]
pub struct Iter<'p> {
    text: &'p str,
    captures: std::slice::Iter<'p, Range<usize>>,
}

impl<'p> Iterator for Iter<'p> {
    type Item = &'p str;

    fn next(&mut self) -> Option<&'p str> {
        self.text.get(self.captures.next()?.clone())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.captures.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

fn is_dots(segment: &[u8]) -> bool {
    matches!(segment, b"." | b"..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_and_decodes_each_segment_once() {
        for (raw, expected) in [
            ("/", Ok(&[""] as &[&str])),
            ("/a", Ok(&["a"])),
            ("/a/", Ok(&["a", ""])),
            ("//a", Ok(&["", "a"])),
            ("/a//b", Ok(&["a", "", "b"])),
            ("/a%2Fb/c", Ok(&["a/b", "c"])),
            ("/a/%2F%2f", Ok(&["a", "//"])),
            ("/%2561", Ok(&["%61"])),
            ("/%C3%A9/\u{e9}", Ok(&["\u{e9}", "\u{e9}"])),
            ("/%00", Ok(&["\0"])),
            ("/...", Ok(&["..."])),
            ("/.a/a.", Ok(&[".a", "a."])),
            ("/..%2Fa", Ok(&["../a"])),
            ("", Err(BadPath)),
            ("*", Err(BadPath)),
            ("a/b", Err(BadPath)),
            ("/.", Err(BadPath)),
            ("/..", Err(BadPath)),
            ("/a/../b", Err(BadPath)),
            ("/a/./b", Err(BadPath)),
            ("/%2e", Err(BadPath)),
            ("/a/%2E./b", Err(BadPath)),
            ("/a/.%2e", Err(BadPath)),
            ("/%", Err(BadPath)),
            ("/%4", Err(BadPath)),
            ("/%zz", Err(BadPath)),
            ("/%FF", Err(BadPath)),
            ("/%C3/%A9", Err(BadPath)),
            ("/%ED%A0%80", Err(BadPath)),
            ("/%C0%AF", Err(BadPath)),
        ] {
            let mut params = Params::new();
            let split = params.split(raw.as_bytes(), 9);
            assert_eq!(split, expected.map(|_| ()), "{raw}");
            let Ok(expected) = expected else { continue };
            let segments: Vec<&str> = (0..9).map_while(|i| params.segment(i)).collect();
            assert_eq!(segments, expected, "{raw}");
            assert!(params.ends_at(expected.len()));
        }
        assert_eq!(Params::new().split(b"/\xff", 9), Err(BadPath));
    }

    #[test]
    fn keeps_no_more_segments_than_any_pattern_has() {
        for path in ["/a".repeat(8000), "/%61".repeat(4000)] {
            let mut params = Params::new();
            params.split(path.as_bytes(), 4).expect("a good path");
            assert!(
                params.segments.capacity() <= 8,
                "{}",
                params.segments.capacity()
            );
            assert_eq!(params.segment(3), Some("a"));
            assert_eq!(params.segment(4), None);
            assert!(params.ends_at(path.matches('/').count()));
        }
    }

    #[test]
    fn a_second_request_reuses_the_buffers() {
        let mut params = Params::new();
        let mut request = |path: &[u8]| {
            params.split(path, 4).expect("a good path");
            params.capture(0);
            params.capture(1);
            (
                params.text.as_ptr(),
                params.segments.as_ptr(),
                params.captures.as_ptr(),
            )
        };
        let first = request(b"/shops/1234/items");
        assert_eq!(request(b"/shops/1234/items"), first);
        assert_eq!(request(b"/sh%6Fps/%312/it"), first);
    }
}
