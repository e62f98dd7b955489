//! A genesis as a file that people can read.

use argosy_directory::genesis::{
    GENESIS_VERSION, Genesis, GenesisBalance, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker,
    Params, Profile,
};
use argosy_domain::AccountId;
use serde::{Deserialize, Serialize};

/// `genesis.json`, and `GET /api/v1/genesis`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisFile {
    /// Version of the genesis encoding.
    pub version: u16,
    /// Name of the network.
    pub network: String,
    /// Which parameters hold.
    pub profile: ProfileName,
    /// Time of block 0, in milliseconds since 1970.
    pub time_ms: u64,
    /// Address of the key that signs blocks.
    #[serde(with = "crate::directory::text")]
    pub sequencer: AccountId,
    /// Members; ids follow the order.
    pub members: Vec<MemberEntry>,
    /// The storage group.
    pub storage_group: GroupEntry,
    /// The distribution group.
    pub distribution_group: GroupEntry,
    /// The attestation group.
    #[serde(default)]
    pub attestation_group: GroupEntry,
    /// The council.
    #[serde(default)]
    pub council: CouncilEntry,
    /// What accounts have at genesis.
    #[serde(default)]
    pub balances: Vec<BalanceEntry>,
    /// Hash of all this, hexadecimal; checked when read.
    pub hash: String,
}

/// Name of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileName {
    /// [`Profile::Local`].
    Local,
    /// [`Profile::Mainnet`].
    Mainnet,
}

/// A member at genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MemberEntry {
    /// Unique name.
    pub handle: String,
    /// Root and controller account.
    #[serde(with = "crate::directory::text")]
    pub account: AccountId,
}

/// The council at genesis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CouncilEntry {
    /// Addresses of the keys that propose and approve.
    #[serde(with = "crate::directory::text::list")]
    pub keys: Vec<AccountId>,
    /// Approvals that carry a proposal out.
    pub threshold: u32,
}

/// What an account has at genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BalanceEntry {
    /// Whose.
    #[serde(with = "crate::directory::text")]
    pub account: AccountId,
    /// All of it, in base units: a decimal number as text, since it may be larger than JSON's.
    #[serde(with = "crate::directory::text")]
    pub amount: u128,
    /// Of this, for fees and bonds only.
    #[serde(with = "crate::directory::text")]
    pub locked: u128,
}

/// A working group at genesis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupEntry {
    /// Workers; ids follow the order.
    pub workers: Vec<WorkerEntry>,
    /// Id of the worker that leads.
    pub lead: Option<u64>,
}

/// A worker at genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorkerEntry {
    /// Handle of the member.
    pub member: String,
    /// Account that signs role calls.
    #[serde(with = "crate::directory::text")]
    pub role_account: AccountId,
}

/// Why a genesis file is not usable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisFileError {
    /// Made by a newer program.
    #[error("the genesis has version {0}, this program knows version {GENESIS_VERSION}: use a newer argosy")]
    Version(u16),
    /// The hash in the file is not that of its content.
    #[error("the genesis says its hash is {said}, but its content gives {computed}: the file was changed")]
    Hash {
        /// As written in the file.
        said: String,
        /// As computed.
        computed: String,
    },
}

impl From<&Genesis> for GenesisFile {
    fn from(genesis: &Genesis) -> Self {
        let group = |group: &GenesisGroup| GroupEntry {
            workers: group
                .workers
                .iter()
                .map(|worker| WorkerEntry {
                    member: worker.member.clone(),
                    role_account: worker.role_account,
                })
                .collect(),
            lead: group.lead,
        };
        Self {
            version: genesis.version,
            network: genesis.network.clone(),
            profile: match genesis.profile {
                Profile::Local => ProfileName::Local,
                Profile::Mainnet => ProfileName::Mainnet,
            },
            time_ms: genesis.time_ms,
            sequencer: genesis.sequencer,
            members: genesis
                .members
                .iter()
                .map(|member| MemberEntry { handle: member.handle.clone(), account: member.account })
                .collect(),
            storage_group: group(&genesis.storage_group),
            distribution_group: group(&genesis.distribution_group),
            attestation_group: group(&genesis.attestation_group),
            council: CouncilEntry {
                keys: genesis.council.keys.iter().copied().collect(),
                threshold: genesis.council.threshold,
            },
            balances: genesis
                .balances
                .iter()
                .map(|&GenesisBalance { account, amount, locked }| BalanceEntry { account, amount, locked })
                .collect(),
            hash: hex::encode(genesis.hash()),
        }
    }
}

impl TryFrom<GenesisFile> for Genesis {
    type Error = GenesisFileError;

    fn try_from(file: GenesisFile) -> Result<Self, GenesisFileError> {
        if file.version != GENESIS_VERSION {
            return Err(GenesisFileError::Version(file.version));
        }
        let group = |group: GroupEntry| GenesisGroup {
            workers: group
                .workers
                .into_iter()
                .map(|worker| GenesisWorker { member: worker.member, role_account: worker.role_account })
                .collect(),
            lead: group.lead,
        };
        let (profile, params) = match file.profile {
            ProfileName::Local => (Profile::Local, Params::local()),
            ProfileName::Mainnet => (Profile::Mainnet, Params::mainnet()),
        };
        let genesis = Self {
            version: file.version,
            network: file.network,
            profile,
            time_ms: file.time_ms,
            sequencer: file.sequencer,
            params,
            members: file
                .members
                .into_iter()
                .map(|member| GenesisMember { handle: member.handle, account: member.account })
                .collect(),
            storage_group: group(file.storage_group),
            distribution_group: group(file.distribution_group),
            attestation_group: group(file.attestation_group),
            council: GenesisCouncil {
                keys: file.council.keys.into_iter().collect(),
                threshold: file.council.threshold,
            },
            balances: file
                .balances
                .into_iter()
                .map(|BalanceEntry { account, amount, locked }| GenesisBalance { account, amount, locked })
                .collect(),
        };
        let computed = hex::encode(genesis.hash());
        if computed == file.hash {
            Ok(genesis)
        } else {
            Err(GenesisFileError::Hash { said: file.hash, computed })
        }
    }
}
