//! The `prefetch` section.

use super::Limits;
use argosy_node::config::Size;
use argosy_node_core::prefetch::{Mode, Policy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

const MIB: u64 = 1024 * 1024;

/// What is fetched before anybody asks for it. Not a key of Argus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline)]
pub struct Prefetch {
    /// Which objects are fetched, and how much of them.
    pub policy: PrefetchPolicy,
    /// Objects smaller than this are fetched whole by `full`.
    pub full_below: Size,
    /// How much of the start of larger ones, and of all by `head`.
    pub head_bytes: Size,
    /// Fetches at once. One of them is kept for new objects.
    pub concurrent: NonZeroU32,
    /// Mean rate of all of them, for each second. New objects may run ahead of it for a while.
    pub bytes_per_second: Size,
}

/// Which objects are fetched before anybody asks for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum PrefetchPolicy {
    /// None.
    None,
    /// The start of each new object, and of those that are popular elsewhere while there is room.
    Head,
    /// As `head`, and all of those that are small.
    Full,
}

impl Default for Prefetch {
    fn default() -> Self {
        Self {
            policy: PrefetchPolicy::Full,
            full_below: Size(64 * MIB),
            head_bytes: Size(4 * MIB),
            concurrent: NonZeroU32::MIN.saturating_add(7),
            bytes_per_second: Size(64 * MIB),
        }
    }
}

impl Prefetch {
    /// Nothing is fetched before somebody asks for it.
    #[must_use]
    pub fn none() -> Self {
        Self { policy: PrefetchPolicy::None, ..Self::default() }
    }

    pub(crate) fn policy(&self, limits: &Limits) -> Policy {
        Policy {
            mode: match self.policy {
                PrefetchPolicy::None => Mode::None,
                PrefetchPolicy::Head => Mode::Head,
                PrefetchPolicy::Full => Mode::Full,
            },
            full_below_bytes: self.full_below.0,
            head_bytes: self.head_bytes.0,
            max_object_bytes: limits.max_object_bytes(),
            concurrent: usize::try_from(self.concurrent.get()).unwrap_or(usize::MAX),
            bytes_per_second: self.bytes_per_second.0,
        }
    }
}
