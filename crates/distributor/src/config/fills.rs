//! What Argus' limits on downloads mean for fills.

use super::Limits;
use argosy_domain::num::to_usize;
use argosy_http::{AddressPolicy, ClientConfig};
use argosy_node::FillsConfig;
use std::{num::NonZeroU32, time::Duration};

impl Limits {
    /// Bounds of the node's fills.
    pub(crate) fn fills(&self) -> FillsConfig {
        let mut fills = FillsConfig::default();
        if let Some(most) = self.max_concurrent_storage_node_downloads {
            fills.fetching_max = count(most);
            fills.background_max = fills.background_max.min(fills.fetching_max);
        }
        if let Some(most) = self.max_concurrent_outbound_connections {
            fills.traffic.total = count(most);
            fills.traffic.background = fills.traffic.background.min(fills.traffic.total);
        }
        if let Some(timeout_ms) = self.outbound_requests_timeout_ms {
            fills.bounds.stall_ms = u64::from(timeout_ms);
            // Nobody is told that nothing comes while a source may still speak.
            let silence = Duration::from_millis(fills.bounds.stall_ms);
            fills.patience = fills.patience.max(silence.saturating_mul(2));
        }
        fills.background_limit =
            self.pending_download_timeout_sec.map(|seconds| Duration::from_secs(u64::from(seconds)));
        fills
    }

    /// How sources are connected to.
    pub(crate) fn client(&self, addresses: AddressPolicy) -> ClientConfig {
        let mut client = ClientConfig { addresses, ..ClientConfig::default() };
        client.connections = self.max_concurrent_outbound_connections.map(count);
        if let Some(timeout_ms) = self.outbound_requests_timeout_ms {
            let silence = Duration::from_millis(u64::from(timeout_ms));
            client.connect_timeout = client.connect_timeout.min(silence);
            (client.head_timeout, client.idle_timeout) = (silence, silence);
        }
        client
    }
}

fn count(most: NonZeroU32) -> usize {
    to_usize(u64::from(most.get()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_node_core::fill::{FillBounds, TrafficBounds};

    #[test]
    fn what_is_not_said_is_as_it_was() {
        let limits = Limits::storage(1);
        let (fills, fresh) = (limits.fills(), FillsConfig::default());
        assert_eq!((fills.fetching_max, fills.background_max), (fresh.fetching_max, fresh.background_max));
        assert_eq!((fills.bounds, fills.traffic), (FillBounds::default(), TrafficBounds::default()));
        assert_eq!(fills.background_limit, None);
        let client = limits.client(AddressPolicy::Public);
        assert_eq!((client.connections, client.addresses), (None, AddressPolicy::Public));
    }

    #[test]
    fn each_limit_is_acted_upon() {
        let limits = Limits {
            max_concurrent_storage_node_downloads: NonZeroU32::new(3),
            max_concurrent_outbound_connections: NonZeroU32::new(7),
            outbound_requests_timeout_ms: Some(1_500),
            pending_download_timeout_sec: Some(60),
            ..Limits::storage(1)
        };
        let fills = limits.fills();
        assert_eq!((fills.fetching_max, fills.background_max), (3, 3));
        assert_eq!((fills.traffic.total, fills.traffic.background), (7, 7));
        assert_eq!(fills.bounds.stall_ms, 1_500);
        assert_eq!(fills.patience, FillsConfig::default().patience);
        assert_eq!(fills.background_limit, Some(Duration::from_secs(60)));
        let client = limits.client(AddressPolicy::Local);
        assert_eq!(client.connections, Some(7));
        assert_eq!(client.connect_timeout, Duration::from_millis(1_500));
        assert_eq!(client.idle_timeout, Duration::from_millis(1_500));
    }

    #[test]
    fn readers_outlast_the_silence_that_sources_may_have() {
        let limits = Limits { outbound_requests_timeout_ms: Some(60_000), ..Limits::storage(1) };
        assert_eq!(limits.fills().patience, Duration::from_secs(120));
    }
}
