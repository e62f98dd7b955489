//! The state of the directory: tables, queries, and the way in for transactions.

mod genesis_state;
mod queries;
mod records;
mod table;
mod tree;

pub use genesis_state::GenesisError;
pub use records::{
    Acceptance, Bag, BlockContext, Channel, DataObject, DistributionBucket, Family, HoldingReport, Member,
    Outcome, Policy, Settings, StorageBucket, StorageOperator, Worker,
};

use crate::{
    call::Call,
    change::{Change, Edit},
    check::check,
    event::Event,
    genesis::Params,
    reject::Reject,
    transaction::{Payload, TRANSACTION_VERSION},
};
use alloc::{collections::BTreeMap, string::String, vec::Vec};
use argosy_domain::{
    AccountId, BagId, BagType, ChannelId, DataObjectId, DistributionBucketId, FamilyId, MemberId,
    StorageBucketId, WorkerId, limits::MAX_TRANSACTION_LIFE_MS, metadata::OperatorMetadata,
};
use codec::Encode;
use table::{DenseTable, Table};

/// Separates the state root from every other hash.
const ROOT_DOMAIN: &[u8] = b"argosy/state/1";

/// Everything that the directory knows.
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
    bags: Table<BagId, Bag>,
    objects: DenseTable<DataObject>,
    storage_buckets: Table<StorageBucketId, StorageBucket>,
    storage_metadata: Table<StorageBucketId, OperatorMetadata>,
    holdings: Table<StorageBucketId, HoldingReport>,
    families: Table<FamilyId, Family>,
    distribution_buckets: Table<DistributionBucketId, DistributionBucket>,
    distribution_metadata: Table<(DistributionBucketId, WorkerId), OperatorMetadata>,
    /// Derived from `members`; not part of the root.
    handles: BTreeMap<String, MemberId>,
    /// Derived from `objects`, ascending; not part of the root.
    contents: BTreeMap<BagId, Vec<DataObjectId>>,
}

/// A working group.
#[derive(Clone, Debug)]
struct Group {
    /// One of the workers.
    lead: Option<WorkerId>,
    workers: Table<WorkerId, Worker>,
}

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
        let tables = [
            self.storage_group.workers.root(),
            self.distribution_group.workers.root(),
            self.nonces.root(),
            self.members.root(),
            self.channels.root(),
            self.bags.root(),
            self.storage_buckets.root(),
            self.storage_metadata.root(),
            self.holdings.root(),
            self.families.root(),
            self.distribution_buckets.root(),
            self.distribution_metadata.root(),
        ];
        let objects = self.objects.root();
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
        let tables = [
            reference(self.storage_group.workers.leaves()),
            reference(self.distribution_group.workers.leaves()),
            reference(self.nonces.leaves()),
            reference(self.members.leaves()),
            reference(self.channels.leaves()),
            reference(self.bags.leaves()),
            reference(self.storage_buckets.leaves()),
            reference(self.storage_metadata.leaves()),
            reference(self.holdings.leaves()),
            reference(self.families.leaves()),
            reference(self.distribution_buckets.leaves()),
            reference(self.distribution_metadata.leaves()),
        ];
        let objects = tree::reference(self.objects.leaves(self.settings.next_data_object.0));
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
            Edit::Object(id, object) => self.write_object(id, object),
            Edit::StorageBucket(id, bucket) => self.storage_buckets.put(id, bucket),
            Edit::StorageMetadata(id, metadata) => self.storage_metadata.put(id, metadata),
            Edit::Holdings(id, report) => self.holdings.put(id, report),
            Edit::Family(id, family) => self.families.put(id, family),
            Edit::DistributionBucket(id, bucket) => self.distribution_buckets.put(id, bucket),
            Edit::DistributionMetadata(id, worker, metadata) => {
                self.distribution_metadata.put((id, worker), metadata);
            }
        }
    }

    fn write_object(&mut self, id: DataObjectId, object: Option<DataObject>) {
        let before = self.objects.get(id.0).map(|object| object.bag);
        let after = object.as_ref().map(|object| object.bag);
        if before != after {
            if let Some(bag) = before {
                self.forget_content(bag, id);
            }
            if let Some(bag) = after {
                let contents = self.contents.entry(bag).or_default();
                if let Err(place) = contents.binary_search(&id) {
                    contents.insert(place, id);
                }
            }
        }
        self.objects.put(id.0, object);
    }

    fn forget_content(&mut self, bag: BagId, id: DataObjectId) {
        let contents = self.contents.entry(bag).or_default();
        if let Ok(place) = contents.binary_search(&id) {
            contents.remove(place);
        }
        if contents.is_empty() {
            self.contents.remove(&bag);
        }
    }
}
