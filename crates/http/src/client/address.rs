//! Which addresses an outbound connection may go to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A rule on resolved addresses. Checked at connect time, so a name cannot change its mind afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Any unicast address: for networks on one machine or in one house.
    Local,
    /// Globally routable addresses only (`spec/reliability.md` S4).
    Public,
}

impl AddressPolicy {
    /// True when a connection to `address` may be opened.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (_, address) if address.is_unspecified() || address.is_multicast() => false,
            (_, IpAddr::V4(Ipv4Addr::BROADCAST)) => false,
            (Self::Local, _) => true,
            (Self::Public, IpAddr::V4(address)) => is_global_v4(address),
            (Self::Public, IpAddr::V6(address)) => is_global_v6(address),
        }
    }
}

/// Source: IANA IPv4 special-purpose address registry.
fn is_global_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a >= 240
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b)))
}

/// Only 2000::/3 is handed out; of it, what is special or wraps an IPv4 address is refused.
///
/// Source: IANA IPv6 special-purpose address registry.
fn is_global_v6(address: Ipv6Addr) -> bool {
    let [a, b, ..] = address.segments();
    (0x2000..0x4000).contains(&a)
        && !(a == 0x2001 && b < 0x0200)
        && !(a == 0x2001 && b == 0x0db8)
        && a != 0x2002
        && !(a == 0x3fff && b < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_means_globally_routable() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fe80::1",
            "ff02::1",
        ];
        for text in refused {
            assert!(!AddressPolicy::Public.allows(text.parse().unwrap()), "{text}");
        }
        for text in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "::ffff:1.1.1.1",
        ] {
            assert!(AddressPolicy::Public.allows(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn local_still_refuses_what_is_no_host() {
        for text in ["127.0.0.1", "10.0.0.1", "::1", "fe80::1", "1.1.1.1"] {
            assert!(AddressPolicy::Local.allows(text.parse().unwrap()), "{text}");
        }
        for text in ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:0.0.0.0"] {
            assert!(!AddressPolicy::Local.allows(text.parse().unwrap()), "{text}");
        }
    }
}
