//! What the cache keeps when there is not room for all.

use argosy_node::config::Size;
use argosy_node_core::cache::PolicyName;
use rustix::fs::statvfs;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Most of a disk that is left free unless the configuration says otherwise.
///
/// Source: section 3.5 of the reliability specification: 5 % or 10 GB.
const MOST_FLOOR_BYTES: u64 = 10 << 30;

/// The `cache` section: what is kept when there is not room for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(inline)]
pub struct CacheSection {
    /// What goes first.
    #[serde(default)]
    pub policy: Policy,
    /// Bytes of the disk that stay free, whoever fills it: the cache makes room before that. If left out, a
    /// twentieth of the disk, at most 10G.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_floor: Option<Size>,
}

impl CacheSection {
    /// Bytes of the disk of `folder` that stay free.
    pub(crate) fn floor_bytes(&self, folder: &Path) -> u64 {
        let total = || statvfs(folder).map_or(0, |disk| disk.f_blocks.saturating_mul(disk.f_frsize));
        self.disk_floor.map_or_else(|| (total() / 20).min(MOST_FLOOR_BYTES), |size| size.0)
    }
}

/// In which order objects go. All are described and measured in `docs/cache.md`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum Policy {
    /// What a miss costs for each byte held, times uses that fade.
    #[default]
    Worth,
    /// Least recently used.
    Lru,
    /// Argus' own.
    LruSp,
    /// SIEVE.
    Sieve,
    /// S3-FIFO.
    S3Fifo,
    /// W-TinyLFU.
    TinyLfu,
}

impl From<Policy> for PolicyName {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Worth => Self::Worth,
            Policy::Lru => Self::Lru,
            Policy::LruSp => Self::LruSp,
            Policy::Sieve => Self::Sieve,
            Policy::S3Fifo => Self::S3Fifo,
            Policy::TinyLfu => Self::TinyLfu,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_have_the_names_that_notes_use() {
        for policy in
            [Policy::Worth, Policy::Lru, Policy::LruSp, Policy::Sieve, Policy::S3Fifo, Policy::TinyLfu]
        {
            let name = serde_json::to_value(policy).unwrap();
            assert_eq!(name, PolicyName::from(policy).as_str());
        }
    }

    #[test]
    fn some_of_the_disk_stays_free() {
        let dir = tempfile::tempdir().unwrap();
        let floor = CacheSection::default().floor_bytes(dir.path());
        assert!(floor > 0 && floor <= MOST_FLOOR_BYTES);
        let given = CacheSection { disk_floor: Some(Size(5)), ..CacheSection::default() };
        assert_eq!(given.floor_bytes(dir.path()), 5);
    }
}
