//! [`Trusted`]: the addresses whose word about others counts.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// A network: addresses that share their first `length` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    length: u32,
}

/// Proxies that are trusted. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    networks: Vec<Network>,
    unix: bool,
}

/// A word that is neither an address, nor a network, nor `unix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedError(String);

impl fmt::Display for TrustedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no trusted proxy: write an address, a network as 10.0.0.0/8, or unix",
            self.0
        )
    }
}

impl std::error::Error for TrustedError {}

impl Trusted {
    /// Addresses, networks, and `unix` for whoever comes over a Unix socket.
    ///
    /// # Errors
    /// A word is none of these, or a network's address has bits beyond its prefix.
    pub fn parse<'a>(words: impl IntoIterator<Item = &'a str>) -> Result<Self, TrustedError> {
        let mut trusted = Self::default();
        for word in words {
            if word == "unix" {
                trusted.unix = true;
            } else {
                let network = Network::parse(word).ok_or_else(|| TrustedError(word.to_owned()))?;
                trusted.networks.push(network);
            }
        }
        Ok(trusted)
    }

    /// Whether nobody is trusted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && !self.unix
    }

    /// Whether the peer of a connection is trusted; none is a Unix socket's.
    #[must_use]
    pub fn trusts_peer(&self, peer: Option<SocketAddr>) -> bool {
        match peer {
            Some(peer) => self.trusts(peer.ip()),
            None => self.unix,
        }
    }

    /// Whether `address` is trusted. One of IPv4 in IPv6's clothes is of IPv4.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }
}

impl Network {
    fn parse(word: &str) -> Option<Self> {
        let (address, length) = match word.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (word, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => most,
            Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
                digits.parse().ok().filter(|length| *length <= most)?
            }
            Some(_) => return None,
        };
        let network = Self { address, length }.canonical();
        (network.address == network.masked(network.address)?).then_some(network)
    }

    /// A network of mapped addresses as the IPv4 network that it is.
    fn canonical(self) -> Self {
        match self.address.to_canonical() {
            IpAddr::V4(address) if self.address.is_ipv6() && self.length >= 96 => Self {
                address: address.into(),
                length: self.length - 96,
            },
            _ => self,
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.masked(address) == Some(self.address)
    }

    /// `address` without the bits beyond the prefix; none for one of the other family.
    fn masked(&self, address: IpAddr) -> Option<IpAddr> {
        match (self.address, address) {
            (IpAddr::V4(_), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.length).unwrap_or(0);
                Some(IpAddr::V4((address.to_bits() & mask).into()))
            }
            (IpAddr::V6(_), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.length).unwrap_or(0);
                Some(IpAddr::V6((address.to_bits() & mask).into()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        let table = [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "9.255.255.255", false),
            ("0.0.0.0/0", "255.0.0.1", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "::1", true),
            ("::/0", "127.0.0.1", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1/32", "192.0.2.1", true),
            ("192.0.2.0/31", "192.0.2.1", true),
            ("192.0.2.0/31", "192.0.2.2", false),
            ("2001:db8::/33", "2001:db8:7fff::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "11.1.2.3", false),
        ];
        for (network, address, within) in table {
            let trusted = Trusted::parse([network]).unwrap();
            let said = trusted.trusts(address.parse().unwrap());
            assert_eq!(said, within, "{network} {address}");
            assert!(!trusted.trusts_peer(None));
        }
    }

    #[test]
    fn unix_is_a_peer_without_an_address() {
        let trusted = Trusted::parse(["unix"]).unwrap();
        assert!(trusted.trusts_peer(None));
        assert!(!trusted.trusts_peer(Some(([127, 0, 0, 1], 1).into())));
        assert!(!trusted.is_empty());
        assert!(Trusted::default().is_empty());
    }

    #[test]
    fn nonsense() {
        for word in [
            "",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/",
            "::/129",
            "2001:db8::1/32",
            "10.0.0",
            "localhost",
            "Unix",
            " 10.0.0.1",
            "*",
        ] {
            let error = Trusted::parse(["::1", word]).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{word:?} ")));
        }
    }
}
