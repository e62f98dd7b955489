//! The state of the directory: tables, queries, and the way in for transactions.

mod bags;
pub mod checkpoint;
mod genesis_state;
mod objects;
mod ordered;
mod packed;
mod paged;
mod queries;
mod records;
mod routes;
mod table;
mod tree;

pub use genesis_state::GenesisError;
pub use records::{
    Acceptance, Bag, BlockContext, Channel, DataObject, DistributionBucket, Family, HoldingReport, Member,
    Outcome, Policy, Settings, StorageBucket, StorageOperator, Worker,
};
pub use routes::{Ends, Route};

use crate::{
    call::Call,
    change::{Change, Edit},
    check::check,
    event::Event,
    genesis::Params,
    reject::Reject,
    transaction::{Payload, TRANSACTION_VERSION},
};
use alloc::{collections::BTreeSet, string::String, vec::Vec};
use argosy_domain::{
    AccountId, BagType, ChannelId, DistributionBucketId, FamilyId, MemberId, StorageBucketId, WorkerId,
    limits::MAX_TRANSACTION_LIFE_MS, metadata::OperatorMetadata,
};
use bags::Bags;
use codec::Encode;
use objects::Objects;
use ordered::Ordered;
use routes::Lines;
use table::Table;

/// Separates the state root from every other hash.
const ROOT_DOMAIN: &[u8] = b"argosy/state/1";

/// Everything that the directory knows. A clone is a snapshot: it takes some microseconds however much
/// there is, shares all records that do not change afterwards, and can be read by other threads.
#[derive(Clone, Debug)]
pub struct State {
    /// Of the newest block begun.
    at: BlockContext,
    /// Names the network; every transaction carries it.
    genesis: [u8; 32],
    params: Params,
    settings: Settings,
    member_policy: Policy,
    channel_policy: Policy,
    storage_group: Group,
    distribution_group: Group,
    /// Transactions of each account that are in blocks.
    nonces: Table<AccountId, u64>,
    members: Table<MemberId, Member>,
    channels: Table<ChannelId, Channel>,
    bags: Bags,
    objects: Objects,
    storage_buckets: Table<StorageBucketId, StorageBucket>,
    storage_metadata: Table<StorageBucketId, OperatorMetadata>,
    holdings: Table<StorageBucketId, HoldingReport>,
    families: Table<FamilyId, Family>,
    distribution_buckets: Table<DistributionBucketId, DistributionBucket>,
    distribution_metadata: Table<(DistributionBucketId, WorkerId), OperatorMetadata>,
    /// Derived from `members`; not part of the root.
    handles: Ordered<String, MemberId>,
    /// Derived from the buckets; not part of the root.
    lines: Lines,
}

/// A working group.
#[derive(Clone, Debug)]
struct Group {
    /// One of the workers.
    lead: Option<WorkerId>,
    workers: Table<WorkerId, Worker>,
}

/// Single values of a working group.
type GroupSingles = Option<WorkerId>;

impl Group {
    fn singles(&self) -> GroupSingles {
        self.lead
    }

    fn set_singles(&mut self, singles: &GroupSingles) {
        self.lead = *singles;
    }
}

/// The same for every table of the state but the objects', in the one order that the root is made in.
macro_rules! each_table {
    ([$($state:tt)+], $table:ident => $body:expr) => {
        each_table!(@ [$($state)+], $table => $body;
            storage_group.workers distribution_group.workers nonces members channels bags storage_buckets
            storage_metadata holdings families distribution_buckets distribution_metadata)
    };
    (@ $state:tt, $table:ident => $body:expr; $($name:ident $(. $inner:ident)?)+) => {
        [$(each_table!(# $state $name $(. $inner)?, $table => $body)),+]
    };
    (# [$($state:tt)+] $name:ident $(. $inner:ident)?, $table:ident => $body:expr) => {{
        let $table = $($state)+.$name $(.$inner)?;
        $body
    }};
}
use each_table;

impl State {
    /// Enters the next block: calls from now on are judged at its height, time and randomness.
    ///
    /// Gives the events that come from the block itself rather than from a call.
    pub fn begin_block(&mut self, at: &BlockContext) -> Vec<Event> {
        self.at = *at;
        Vec::new()
    }

    /// Whether a transaction may enter a block at `time_ms`. Does not look at its signature.
    ///
    /// # Errors
    /// An envelope [`Reject`] (1xx); such a transaction must not be executed.
    pub fn precheck(&self, payload: &Payload, time_ms: u64) -> Result<(), Reject> {
        if payload.version != TRANSACTION_VERSION {
            return Err(Reject::UnsupportedVersion);
        }
        if payload.genesis != self.genesis {
            return Err(Reject::WrongNetwork);
        }
        if payload.valid_until_ms < time_ms {
            return Err(Reject::Expired);
        }
        if payload.valid_until_ms > time_ms.saturating_add(MAX_TRANSACTION_LIFE_MS) {
            return Err(Reject::ValidTooLong);
        }
        match payload.nonce.cmp(&self.nonce(&payload.signer)) {
            core::cmp::Ordering::Less => Err(Reject::NonceStale),
            core::cmp::Ordering::Equal => Ok(()),
            core::cmp::Ordering::Greater => Err(Reject::NonceFuture),
        }
    }

    /// Executes a transaction that passed [`State::precheck`]. A call that fails changes nothing
    /// but the signer's nonce.
    ///
    /// # Panics
    /// If the nonce is not the signer's next one, which the precheck excludes.
    pub fn execute(&mut self, payload: &Payload) -> Outcome {
        let nonce = self.nonce(&payload.signer);
        assert_eq!(payload.nonce, nonce, "executed without a precheck");
        self.nonces.put(payload.signer, Some(nonce.saturating_add(1)));
        match check(self, payload.signer, &payload.call) {
            Ok(change) => Outcome { result: Ok(()), events: self.apply(change) },
            Err(reject) => Outcome { result: Err(reject), events: Vec::new() },
        }
    }

    /// Whether `call` by `signer` would succeed now.
    ///
    /// # Errors
    /// The [`Reject`] that it would fail with.
    pub fn dry_run(&self, signer: AccountId, call: &Call) -> Result<(), Reject> {
        check(self, signer, call).map(drop)
    }

    /// Commits to every record: equal roots, equal states. Costs what changed since the last call.
    pub fn root(&mut self) -> [u8; 32] {
        let tables = each_table!([&mut self], table => table.root());
        let objects = self.objects.root(&self.bags);
        self.root_over(&tables, objects)
    }

    fn root_over(&self, tables: &[(u64, [u8; 32])], objects: [u8; 32]) -> [u8; 32] {
        let leads = (self.storage_group.lead, self.distribution_group.lead);
        let policies = (&self.member_policy, &self.channel_policy);
        let mut hasher = blake3::Hasher::new();
        hasher.update(ROOT_DOMAIN);
        (self.genesis, &self.settings, policies, leads, tables, objects)
            .using_encoded(|bytes| hasher.update(bytes));
        *hasher.finalize().as_bytes()
    }

    /// As [`State::root`], with every hash computed anew by a plain reference.
    #[cfg(test)]
    pub(crate) fn root_from_scratch(&self) -> [u8; 32] {
        let reference =
            |leaves: Vec<tree::Hash>| (argosy_domain::num::to_u64(leaves.len()), tree::reference(leaves));
        let tables = each_table!([&self], table => reference(table.leaves()));
        let objects = tree::reference(self.objects.leaves(&self.bags));
        self.root_over(&tables, objects)
    }

    #[cfg(test)]
    pub(crate) fn set_nonce(&mut self, account: AccountId, nonce: u64) {
        self.nonces.put(account, Some(nonce));
    }

    /// Cannot fail on a change that [`check`] has just made.
    fn apply(&mut self, change: Change) -> Vec<Event> {
        for edit in change.edits {
            self.write(edit);
        }
        change.events
    }

    fn write(&mut self, edit: Edit) {
        match edit {
            Edit::Settings(settings) => self.settings = settings,
            Edit::Policy(BagType::Member, policy) => self.member_policy = policy,
            Edit::Policy(BagType::Channel, policy) => self.channel_policy = policy,
            Edit::Member(id, member) => {
                self.handles.insert(member.handle.clone(), id);
                self.members.put(id, Some(member));
            }
            Edit::Channel(id, channel) => self.channels.put(id, channel),
            Edit::Bag(id, bag) => self.bags.put(id, bag),
            Edit::Object(id, object) => self.objects.put(id.0, object, &mut self.bags),
            Edit::StorageBucket(id, bucket) => {
                self.lines.put_storage(id.0, bucket.and_then(|bucket| bucket.operator.active()));
                self.storage_buckets.put(id, bucket);
            }
            Edit::StorageMetadata(id, metadata) => self.storage_metadata.put(id, metadata),
            Edit::Holdings(id, report) => self.holdings.put(id, report),
            Edit::Family(id, family) => self.families.put(id, family),
            Edit::DistributionBucket(id, bucket) => {
                self.draw_line(id, bucket.as_ref());
                self.distribution_buckets.put(id, bucket);
            }
            Edit::DistributionMetadata(id, worker, metadata) => {
                self.distribution_metadata.put((id, worker), metadata);
            }
        }
    }

    fn draw_line(&mut self, id: DistributionBucketId, bucket: Option<&DistributionBucket>) {
        let nobody = BTreeSet::new();
        if let Some(place) = self.bags.bucket_place(id) {
            self.lines.put_distribution(place, bucket.map_or(&nobody, |bucket| &bucket.operators));
        }
    }

    /// Makes anew what is derived from tables.
    fn derive(&mut self) {
        self.handles = self.members.iter().map(|(id, member)| (member.handle.clone(), id)).collect();
        self.lines = Lines::new();
        for (id, bucket) in self.storage_buckets.iter() {
            self.lines.put_storage(id.0, bucket.operator.active());
        }
        for (id, bucket) in self.distribution_buckets.clone().iter() {
            self.draw_line(id, Some(bucket));
        }
    }
}
