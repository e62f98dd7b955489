//! Who asks, as far as a configuration has a say in it: proxies in between, and addresses in logs.

use argosy_http::{Network, shortened};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Addresses in a configuration, such as `10.0.0.0/8`, or one alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxy(pub Network);

impl Serialize for Proxy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Proxy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(serde::de::Error::custom)
    }
}

pub(super) fn proxies_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array", "uniqueItems": true,
        "items": {"type": "string", "format": "network"},
    })
}

/// How users' addresses are written to logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum LogAddresses {
    /// IPv4 without its last byte, IPv6 without all after its first 48 bits.
    #[default]
    Shortened,
    /// As they are.
    Full,
}

impl LogAddresses {
    /// A user's address as it may be written to a log.
    pub(crate) fn of(self, client: IpAddr) -> IpAddr {
        match self {
            Self::Shortened => shortened(client),
            Self::Full => client,
        }
    }
}
