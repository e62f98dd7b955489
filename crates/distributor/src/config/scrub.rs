//! How fast what has been on disk for long is proved again.

use argosy_node::config::Size;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `scrub` section: complete objects are proved again in the background, since disks change bytes in
/// silence. Damaged groups are fetched anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct Scrub {
    /// Bytes a second to read for it, such as `8M`; more if a pass over all objects would take longer than
    /// six days. `0B` switches it off.
    #[serde(default = "default_rate")]
    pub bytes_per_second: Size,
}

impl Default for Scrub {
    fn default() -> Self {
        Self { bytes_per_second: default_rate() }
    }
}

/// A tenth of what a slow disk reads, so that users do not feel it.
///
/// Source: G4 of the reliability specification.
const fn default_rate() -> Size {
    Size(8 * 1024 * 1024)
}
