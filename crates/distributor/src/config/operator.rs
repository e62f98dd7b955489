//! Who may give the node orders, beyond what Argus' configuration says.

use argosy_domain::AccountId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Which tokens the operator's port takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Requirement {
    /// Those of Argus, and ours.
    #[default]
    Any,
    /// Only ours, which hold for one request and once.
    Strong,
}

impl Requirement {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields so")]
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The accounts of these addresses; the first one that is none.
pub(crate) fn accounts(addresses: &[String]) -> Result<BTreeSet<AccountId>, &str> {
    addresses.iter().map(|address| address.parse().map_err(|_| address.as_str())).collect()
}
