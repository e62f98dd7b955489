//! Who really asks, where proxies stand in between.
//!
//! A proxy is believed only if its address is in [`Proxies::trusted`]: anybody can write
//! `X-Forwarded-For` or the lines of the PROXY protocol.

mod forwarded;
mod network;
pub mod preface;
mod welcome;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(crate) use forwarded::Chain;
pub use network::{Network, NetworkError};
pub(crate) use welcome::welcome;

/// Bits of an IPv4 address that a shortened one keeps.
const SHORT_V4_BITS: u8 = 24;
/// Bits of an IPv6 address that a shortened one keeps: what a provider gives to one customer, at most.
const SHORT_V6_BITS: u8 = 48;

/// Which proxies stand between the port and the users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Whose word on the user's address is taken.
    pub trusted: Vec<Network>,
    /// Connections of these proxies begin as the PROXY protocol says, and are closed otherwise. Those of
    /// others never do.
    pub protocol: bool,
}

impl Proxies {
    /// Whether this address is a proxy of ours.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }
}

/// An address as it may stand in a log without naming a household: IPv4 without its last byte, IPv6
/// without all after its first 48 bits. An IPv4 address in the form of IPv6 is IPv4.
#[must_use]
pub fn shortened(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(masked_v4(address, SHORT_V4_BITS)),
        IpAddr::V6(address) => IpAddr::V6(masked_v6(address, SHORT_V6_BITS)),
    }
}

/// The first `bits` of an address, at most all; zeros after them.
fn masked_v4(address: Ipv4Addr, bits: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32_u32.saturating_sub(bits.into())).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

/// The first `bits` of an address, at most all; zeros after them.
fn masked_v6(address: Ipv6Addr, bits: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128_u32.saturating_sub(bits.into())).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortened_addresses_name_no_household() {
        let cases = [
            ("203.0.113.77", "203.0.113.0"),
            ("::ffff:203.0.113.77", "203.0.113.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            ("127.0.0.1", "127.0.0.0"),
            ("::1", "::"),
        ];
        for (address, expected) in cases {
            let shortened = shortened(address.parse().unwrap());
            assert_eq!(shortened.to_string(), expected, "{address}");
        }
    }
}
