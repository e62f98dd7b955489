//! `X-Forwarded-For`, read from the right: each proxy appends whom it saw.
//!
//! `Forwarded` (RFC 7239) is not read. A proxy that knows only one of both passes the other on as the
//! user wrote it, so that reading both would let users choose their address.

use std::net::{IpAddr, SocketAddr};

use super::Proxies;

/// The proxies that a request came through, as far as they can be believed.
///
/// Reading from the right means: go on as long as the address at hand is a proxy of ours. What is told
/// here from left to right comes to the same without keeping the list.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    /// None where the one next to us is not a proxy: then nobody is asked.
    proxies: Option<&'a Proxies>,
    nearest: IpAddr,
    client: Option<IpAddr>,
}

impl<'a> Chain<'a> {
    /// A request that came from `nearest`.
    pub(crate) fn new(nearest: IpAddr, proxies: &'a Proxies) -> Self {
        let nearest = nearest.to_canonical();
        Self { proxies: Some(proxies).filter(|proxies| proxies.trusts(nearest)), nearest, client: None }
    }

    /// Takes a line of `X-Forwarded-For`, in the order in which the lines came.
    pub(crate) fn take(&mut self, line: &[u8]) {
        let Some(proxies) = self.proxies else {
            return;
        };
        for element in line.split(|&byte| byte == b',') {
            self.client = match address(element.trim_ascii()) {
                // One proxy more than before, and the user is still the one whom its predecessor saw.
                Some(address) if proxies.trusts(address) => self.client.or(Some(address)),
                // Whoever is further left was named by somebody who is no proxy of ours, or by nobody.
                other => other,
            };
        }
    }

    /// The user, or the last proxy that is known if that one does not say.
    pub(crate) fn client(&self) -> IpAddr {
        self.client.unwrap_or(self.nearest)
    }
}

/// An address, perhaps with a port; IPv6 with brackets or without.
fn address(element: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(element).ok()?;
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address =
        bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_our_proxies_saw_is_believed() {
        let trusted = vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
        let proxies = Proxies { trusted, ..Proxies::default() };
        // nearest, lines, user
        let cases: [(&str, &[&str], &str); 18] = [
            ("203.0.113.1", &[], "203.0.113.1"),
            ("203.0.113.1", &["192.0.2.1"], "203.0.113.1"),
            ("::ffff:203.0.113.1", &["192.0.2.1"], "203.0.113.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("::ffff:10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
            ("::1", &["2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &["192.0.2.1:5555"], "192.0.2.1"),
            ("10.0.0.1", &["[2001:db8::7]:5555"], "2001:db8::7"),
            ("10.0.0.1", &["[2001:db8::7]"], "2001:db8::7"),
            // What the user wrote stands left of what the proxy saw.
            ("10.0.0.1", &["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["6.6.6.6", "192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["10.6.6.6, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["6.6.6.6, 192.0.2.1, 10.0.0.2,\t10.0.0.3"], "192.0.2.1"),
            ("10.0.0.1", &["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
            // A proxy that did not say whom it saw is the last that is known.
            ("10.0.0.1", &["192.0.2.1, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["192.0.2.1, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1,"], "10.0.0.1"),
        ];
        for (nearest, lines, expected) in cases {
            let mut chain = Chain::new(nearest.parse().unwrap(), &proxies);
            for line in lines {
                chain.take(line.as_bytes());
            }
            assert_eq!(chain.client().to_string(), expected, "{nearest} {lines:?}");
        }
        let mut chain = Chain::new("10.0.0.1".parse().unwrap(), &proxies);
        chain.take(b"\xff\xfe");
        assert_eq!(chain.client().to_string(), "10.0.0.1");
    }
}
