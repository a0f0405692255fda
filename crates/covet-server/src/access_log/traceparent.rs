//! The `traceparent` field (W3C Trace Context): which trace a request belongs to.

/// What it says, as lower-case hexadecimal text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Traceparent {
    pub(super) trace: String,
    pub(super) parent: String,
    pub(super) flags: String,
}

impl Traceparent {
    /// Strict for version 00; of a later version the part that is known.
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let mut parts = text.split('-');
        let version = hex(parts.next()?, 2)?;
        let trace = hex(parts.next()?, 32)?;
        let parent = hex(parts.next()?, 16)?;
        let flags = hex(parts.next()?, 2)?;
        let is_zero = |text: &str| text.bytes().all(|digit| digit == b'0');
        let has_more = parts.next().is_some();
        if version == "ff" || (version == "00" && has_more) || is_zero(trace) || is_zero(parent) {
            return None;
        }
        Some(Self {
            trace: trace.into(),
            parent: parent.into(),
            flags: flags.into(),
        })
    }
}

fn hex(text: &str, length: usize) -> Option<&str> {
    let is_digit = |digit: u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
    (text.len() == length && text.bytes().all(is_digit)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const PARENT: &str = "00f067aa0ba902b7";

    #[test]
    fn accepted() {
        for text in [
            format!("00-{TRACE}-{PARENT}-01"),
            format!("01-{TRACE}-{PARENT}-01"),
            format!("cc-{TRACE}-{PARENT}-01-what-comes"),
        ] {
            let read = Traceparent::parse(text.as_bytes()).unwrap();
            assert_eq!((read.trace.as_str(), read.parent.as_str()), (TRACE, PARENT));
            assert_eq!(read.flags, "01", "{text}");
        }
    }

    #[test]
    fn refused() {
        let (no_trace, no_parent) = ("0".repeat(32), "0".repeat(16));
        let upper = TRACE.to_uppercase();
        for text in [
            String::new(),
            format!("00-{TRACE}-{PARENT}"),
            format!("00-{TRACE}-{PARENT}-1"),
            format!("00-{TRACE}-{PARENT}-01-"),
            format!("00-{TRACE}-{PARENT}-01-x"),
            format!("00-{TRACE}-{PARENT}-01x"),
            format!("ff-{TRACE}-{PARENT}-01"),
            format!("00-{no_trace}-{PARENT}-01"),
            format!("00-{TRACE}-{no_parent}-01"),
            format!("00-{upper}-{PARENT}-01"),
            format!("00-{TRACE}0-{PARENT}-01"),
            format!("0-{TRACE}-{PARENT}-01"),
            format!(" 00-{TRACE}-{PARENT}-01"),
        ] {
            assert_eq!(Traceparent::parse(text.as_bytes()), None, "{text}");
        }
    }
}
