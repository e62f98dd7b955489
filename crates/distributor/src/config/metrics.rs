//! Where those who watch the node are answered.

use super::sections::here;
use argosy_node::config::ip_schema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, SocketAddr};

/// The `metrics` section: a port for `/metrics`, `/livez`, `/healthz` and `/readyz` alone, without any
/// signature. The operator's port has them too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct MetricsApi {
    /// 0 picks a free one.
    pub port: u16,
    /// Address to listen on; this machine only if left out.
    #[serde(default = "here")]
    #[schemars(schema_with = "ip_schema", default = "here")]
    pub host: IpAddr,
}

impl MetricsApi {
    pub(crate) const fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }
}
