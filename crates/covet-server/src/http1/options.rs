//! What Connection, Upgrade and Expect say together: keep-alive, an offered protocol, a wait for
//! `100 Continue`.
//!
//! It collects field by field and decides once the head is complete.

use super::head::Version;
use super::octets::trim_blank;

/// The collected connection options.
#[derive(Debug, Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts of the wire, not a state"
)]
pub(super) struct Options {
    close: bool,
    keep_alive: bool,
    upgrade_option: bool,
    upgrade_field: bool,
    /// 100-continue was asked for.
    expects_continue: bool,
    /// Something else was asked for.
    expects_other: bool,
}

impl Options {
    /// Takes the value of a Connection field: a list of case-insensitive options (RFC 9110
    /// section 7.6.1).
    pub(super) fn connection(&mut self, value: &[u8]) {
        for option in value.split(|&octet| octet == b',').map(trim_blank) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            self.upgrade_option |= option.eq_ignore_ascii_case(b"upgrade");
        }
    }

    /// Takes the value of an Upgrade field.
    pub(super) fn upgrade(&mut self, value: &[u8]) {
        self.upgrade_field |= !value.is_empty();
    }

    /// Takes the value of an Expect field.
    pub(super) fn expect(&mut self, value: &[u8]) {
        if value.eq_ignore_ascii_case(b"100-continue") {
            self.expects_continue = true;
        } else {
            self.expects_other = true;
        }
    }

    /// Whether the connection may go on after the answer (RFC 9112 section 9.3).
    pub(super) fn keeps_alive(self, version: Version) -> bool {
        !self.close && (version == Version::Http11 || self.keep_alive)
    }

    /// Whether another protocol is offered. HTTP/1.0 cannot (RFC 9110 section 7.8).
    pub(super) fn offers_upgrade(self, version: Version) -> bool {
        version == Version::Http11 && self.upgrade_option && self.upgrade_field
    }

    /// Whether the client waits for `100 Continue`; an HTTP/1.0 client does not know it.
    pub(super) fn expects_continue(self, version: Version) -> bool {
        version == Version::Http11 && self.expects_continue
    }

    /// Whether something that nobody here can meet is expected.
    pub(super) fn expects_other(self, version: Version) -> bool {
        version == Version::Http11 && self.expects_other
    }
}
