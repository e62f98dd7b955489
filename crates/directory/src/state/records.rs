//! What the directory keeps about each thing.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use crate::{
    call::{Balance, CouncilAction},
    event::{Event, Voucher},
    reject::Reject,
    storage::vouchers::Load,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use argosy_domain::{
    AccountId, ApplicationId, AssetSetId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId,
    DynamicBagId, FamilyId, MemberId, ObjectSize, OpeningId, ProposalId, ReleaseId, StorageBucketId,
    WorkerId,
};
use codec::{Decode, Encode};

/// What a block tells the calls in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct BlockContext {
    /// Its height; genesis is 0.
    pub height: u64,
    /// Its time in milliseconds since 1970; never before that of the block below.
    pub time_ms: u64,
    /// Its verifiable randomness.
    pub randomness: [u8; 32],
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Outcome {
    /// Whether the call took effect.
    pub result: Result<(), Reject>,
    /// What it changed, in order. If it failed, empty but for one [`Event::BatchInterrupted`] of a
    /// batch, which changes nothing.
    pub events: Vec<Event>,
}

/// The first acceptance of a data object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Acceptance {
    /// Height of its block.
    pub height: u64,
    /// The bucket that held the object first.
    pub bucket: StorageBucketId,
}

/// Immutable bytes that someone promised to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DataObject {
    /// The bag that it lives in.
    pub bag: BagId,
    /// Bytes, at least 1.
    pub size: ObjectSize,
    /// BLAKE3 root of its bytes.
    pub content_id: ContentId,
    /// Pending while none; the first acceptance stays for ever.
    pub accepted: Option<Acceptance>,
    /// The bond in force when it was declared.
    pub bond: Balance,
    /// The named set of its bag that it belongs to, if any; it is deleted only with or by that set.
    pub asset_set: Option<AssetSetId>,
}

/// Objects placed as one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Bag {
    /// Storage buckets that must keep it, each with the height at which it was assigned.
    pub stored_by: BTreeMap<StorageBucketId, u64>,
    /// Distribution buckets that must deliver it.
    pub distributed_by: BTreeSet<DistributionBucketId>,
    /// Bytes of its objects.
    pub objects_total_size: u64,
    /// Count of its objects.
    pub objects_number: u64,
    /// Whether nodes must not serve it to everybody.
    pub private: bool,
}

/// Who operates a storage bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StorageOperator {
    /// Nobody.
    Missing,
    /// Nobody yet.
    Invited {
        /// Who may accept.
        worker: WorkerId,
    },
    /// A worker, by a node that signs with the transactor account.
    Active {
        /// The worker.
        worker: WorkerId,
        /// Signs acceptances and holding reports.
        transactor: AccountId,
        /// Height at which the invitation was accepted.
        since: u64,
    },
}

/// A promise to keep bags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StorageBucket {
    /// At most one operator.
    pub operator: StorageOperator,
    /// Whether new bags may be assigned.
    pub accepting_new_bags: bool,
    /// Capacity and use; the use is the sum over the bags that it is assigned to.
    pub voucher: Voucher,
    /// Bags that it is assigned to.
    pub assigned_bags: u64,
}

/// An operator's claim: all accepted objects of the bucket's bags as of a height, except some.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct HoldingReport {
    /// Objects accepted later, or in bags assigned later, are not claimed.
    pub height: u64,
    /// Accepted objects that are not held.
    pub except: BTreeSet<DataObjectId>,
}

/// Distribution buckets chosen together, mostly a region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Family {
    /// Index of the next bucket; never goes back.
    pub next_distribution_bucket_index: u64,
}

/// A promise to deliver bags.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct DistributionBucket {
    /// Whether new bags may be assigned.
    pub accepting_new_bags: bool,
    /// Whether it serves.
    pub distributing: bool,
    /// Workers who may accept; none of them is an operator.
    pub pending_invitations: BTreeSet<WorkerId>,
    /// Workers whose nodes serve it.
    pub operators: BTreeSet<WorkerId>,
    /// Bags that it is assigned to.
    pub assigned_bags: u64,
}

/// How many buckets a new bag of one kind is given.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Policy {
    /// Storage buckets.
    pub number_of_storage_buckets: u32,
    /// Distribution buckets in each family; no zeros.
    pub families: BTreeMap<FamilyId, u32>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Member {
    /// Unique name.
    pub handle: String,
    /// Controller account: acts for the member.
    pub account: AccountId,
    /// Root account: may replace both accounts, and nothing else.
    pub root: AccountId,
}

/// A channel; its bag is `dynamic:channel:<id>`.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Channel {
    /// The member who owns it.
    pub owner: MemberId,
    /// Members who may declare and delete its objects.
    pub collaborators: BTreeSet<MemberId>,
}

/// Data objects of a dynamic bag that belong together and go together: a video's, an avatar's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AssetSet {
    /// The bag of all its objects.
    pub bag: DynamicBagId,
    /// Unique in the bag.
    pub name: String,
    /// Which objects.
    pub objects: BTreeSet<DataObjectId>,
}

/// An account. One that no record speaks of has zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Account {
    /// Transactions of it that are in blocks.
    pub nonce: u64,
    /// What it may pay fees and bonds with.
    pub free: Balance,
    /// Of what is free, this much pays fees and bonds only: it was given for that.
    pub locked: Balance,
    /// Held back as stake; not part of what is free.
    pub staked: Balance,
}

/// Where all money is. Balances, stakes, budgets and bonds add up to `issued - burned`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Treasury {
    /// Sum of the bonds of all data objects.
    pub bonds: Balance,
    /// All that genesis and the council ever gave out.
    pub issued: Balance,
    /// All fees of transactions and all slashed stakes.
    pub burned: Balance,
}

/// The council: a signature of `threshold` out of `keys`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Council {
    /// Who may propose and approve.
    pub keys: BTreeSet<AccountId>,
    /// Approvals that carry a proposal out.
    pub threshold: u32,
    /// Acts for the council's static bag, and nowhere else.
    pub secretary: Option<AccountId>,
    /// Id of the next proposal.
    pub next_proposal: ProposalId,
    /// Id of the next release.
    pub next_release: ReleaseId,
}

/// What the council may do, once enough of its keys approve.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Proposal {
    /// What is to be done.
    pub action: CouncilAction,
    /// Keys that approved.
    pub approvals: BTreeSet<AccountId>,
    /// Void from this block time on, in milliseconds.
    pub expires_ms: u64,
}

/// A version of a program that nodes must run.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Release {
    /// Which program.
    pub program: String,
    /// Which version of it.
    pub version: String,
    /// Block time of its publication, in milliseconds.
    pub published_ms: u64,
    /// Block time from which nodes are judged by it, in milliseconds.
    pub run_by_ms: u64,
}

/// A worker of a working group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Worker {
    /// The member hired.
    pub member: MemberId,
    /// Signs the worker's role calls.
    pub role_account: AccountId,
    /// Receives rewards.
    pub reward_account: AccountId,
    /// Whose balance holds the stake.
    pub staking_account: AccountId,
    /// Held back on the staking account, and slashed if the worker fails.
    pub stake: Balance,
    /// Earned in each full reward period.
    pub reward_per_period: Balance,
    /// Earned, but not paid for want of budget.
    pub missed_reward: Balance,
    /// Block time up to which rewards were earned, in milliseconds.
    pub rewarded_until_ms: u64,
    /// From leaving to being gone, in milliseconds.
    pub unstaking_period_ms: u64,
    /// Block time at which it is gone, in milliseconds, once it is leaving.
    pub leaves_ms: Option<u64>,
    /// Block time of hiring, in milliseconds.
    pub hired_ms: u64,
}

/// Single values of a working group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct GroupSettings {
    /// One of the workers.
    pub lead: Option<WorkerId>,
    /// Block time at or after which rewards are due, in milliseconds.
    pub next_reward_ms: u64,
    /// Id of the next worker.
    pub next_worker: WorkerId,
    /// Id of the next opening.
    pub next_opening: OpeningId,
    /// Id of the next application.
    pub next_application: ApplicationId,
    /// Hash of what the lead says of the state of the group.
    pub status_text: Option<[u8; 32]>,
}

/// What an opening is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum OpeningKind {
    /// Workers, hired by the lead.
    Regular,
    /// The lead, hired by the council.
    Leader,
}

/// A place in a working group that members may apply for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Opening {
    /// Who is looked for.
    pub kind: OpeningKind,
    /// Hash of its description.
    pub description: [u8; 32],
    /// Least stake of an application.
    pub stake: Balance,
    /// From leaving to being gone, in milliseconds.
    pub unstaking_period_ms: u64,
    /// Earned in each full reward period.
    pub reward_per_period: Balance,
    /// Held back while it is open, and on which account.
    pub deposit: Option<(AccountId, Balance)>,
    /// Block time of its making, in milliseconds.
    pub created_ms: u64,
}

/// A member's wish to be hired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Application {
    /// For which opening; it may be filled or cancelled since.
    pub opening: OpeningId,
    /// Who wants to be hired.
    pub member: MemberId,
    /// Will sign role calls.
    pub role_account: AccountId,
    /// Will receive rewards.
    pub reward_account: AccountId,
    /// Whose balance holds the stake.
    pub staking_account: AccountId,
    /// Held back from now on.
    pub stake: Balance,
    /// Hash of its description.
    pub description: [u8; 32],
}

/// A worker's tie to a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub enum Tie {
    /// To a storage bucket.
    Storage(StorageBucketId, WorkerId),
    /// To a distribution bucket.
    Distribution(DistributionBucketId, WorkerId),
}

/// Single values: what leads set, and the ids that come next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Settings {
    /// Whether new objects are refused.
    pub uploading_blocked: bool,
    /// Fee per started megabyte of an upload.
    pub data_object_per_megabyte_fee: Balance,
    /// Bond per declared object.
    pub data_object_state_bloat_bond: Balance,
    /// Most storage buckets that a lead may assign to a bag.
    pub storage_buckets_per_bag_limit: u32,
    /// Most distribution buckets that a lead may assign to a bag, over all families.
    pub distribution_buckets_per_bag_limit: u32,
    /// Largest size limit of a voucher, in bytes.
    pub voucher_max_size_limit: u64,
    /// Largest objects limit of a voucher.
    pub voucher_max_objects_limit: u64,
    /// Id of the next storage bucket.
    pub next_storage_bucket: StorageBucketId,
    /// Id of the next data object.
    pub next_data_object: DataObjectId,
    /// Id of the next family.
    pub next_family: FamilyId,
    /// Id of the next channel.
    pub next_channel: ChannelId,
    /// Id of the next member.
    pub next_member: MemberId,
    /// Id of the next asset set.
    pub next_asset_set: AssetSetId,
}

impl Bag {
    /// Count and bytes of its objects.
    pub(crate) const fn load(&self) -> Load {
        Load { objects: self.objects_number, size: self.objects_total_size }
    }
}

impl StorageOperator {
    /// The worker, if active.
    #[must_use]
    pub const fn active(&self) -> Option<WorkerId> {
        match self {
            Self::Active { worker, .. } => Some(*worker),
            Self::Missing | Self::Invited { .. } => None,
        }
    }

    /// The worker, active or invited.
    #[must_use]
    pub const fn worker(&self) -> Option<WorkerId> {
        match self {
            Self::Active { worker, .. } | Self::Invited { worker } => Some(*worker),
            Self::Missing => None,
        }
    }
}
