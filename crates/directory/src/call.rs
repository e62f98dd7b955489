//! Calls: what a signer can ask of the directory. Names are Joystream's.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

mod accounts;
mod batch;
mod content;
mod council;
mod distribution;
mod groups;
mod membership;
mod storage;

pub use accounts::AccountsCall;
pub use batch::{BatchCall, BatchMode};
pub use content::{ContentCall, ObjectCreation, ObjectsUpload};
pub use council::{CouncilAction, CouncilCall, Parameter};
pub use distribution::DistributionCall;
pub use groups::GroupCall;
pub use membership::MembershipCall;
pub use storage::StorageCall;

use argosy_domain::WorkingGroup;
use codec::{Decode, Encode};

/// Amount of money in base units.
pub type Balance = u128;

/// Any request to the directory, by the module that judges it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Call {
    /// Members.
    #[codec(index = 0)]
    Membership(MembershipCall),
    /// Channels and their data objects.
    #[codec(index = 1)]
    Content(ContentCall),
    /// Storage buckets, by the storage group's lead and operators.
    #[codec(index = 2)]
    Storage(StorageCall),
    /// Families and distribution buckets, by the distribution group's lead and operators.
    #[codec(index = 3)]
    Distribution(DistributionCall),
    /// A working group: openings, workers, stakes and rewards.
    #[codec(index = 4)]
    Group {
        /// Which group.
        group: WorkingGroup,
        /// What is asked of it.
        call: GroupCall,
    },
    /// The council, by its keys.
    #[codec(index = 5)]
    Council(CouncilCall),
    /// Money.
    #[codec(index = 6)]
    Accounts(AccountsCall),
    /// Several calls at once, by one signer.
    #[codec(index = 7)]
    Batch(BatchCall),
}
