//! The index that a node answers from: a narrow copy of the directory, kept from events alone.

mod apply;
mod buckets;
mod checkpoint;
mod entries;
mod families;

pub use checkpoint::CheckpointError;
pub use entries::{
    Acceptance, BagEntry, DistributionBucketEntry, Distributor, Holdings, ObjectEntry, StorageBucketEntry,
    StorageOperator, StorageSource,
};

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use argosy_directory::{Event, Genesis};
use argosy_domain::{
    AccountId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId, DynamicBagId, MemberId,
    StaticBagId, StorageBucketId, WorkerId, WorkingGroup, num::to_u64,
};
use codec::{Decode, Encode};
use thiserror::Error;

/// What a node must know of the directory to answer without asking it.
///
/// Holds exactly what the events of blocks `1..=height` say, nothing guessed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Index {
    genesis: [u8; 32],
    height: u64,
    time_ms: u64,
    /// Ids at or above are unknown; ids below that are not in `objects` were deleted.
    next_object: DataObjectId,
    objects: BTreeMap<DataObjectId, ObjectEntry>,
    bags: BTreeMap<BagId, BagEntry>,
    storage: BTreeMap<StorageBucketId, StorageBucketEntry>,
    distribution: BTreeMap<DistributionBucketId, DistributionBucketEntry>,
    members: BTreeMap<MemberId, AccountId>,
    channels: BTreeMap<ChannelId, MemberId>,
    /// Of channels that have any.
    collaborators: BTreeMap<ChannelId, BTreeSet<MemberId>>,
    /// Bags that are not for everybody.
    private: BTreeSet<BagId>,
    /// Content that nobody may accept or pass on.
    blacklist: BTreeSet<ContentId>,
    /// Of objects that came from another bag: the height of their last move.
    moves: BTreeMap<DataObjectId, u64>,
    /// Acts for the council's bag.
    secretary: Option<AccountId>,
    council: (BTreeSet<AccountId>, u32),
    workers: BTreeMap<(WorkingGroup, WorkerId), AccountId>,
    leads: BTreeMap<WorkingGroup, WorkerId>,
    /// Set when a block could not be applied in full; such an index takes no further block.
    damaged: bool,
}

/// What one block changed in the index, for those who act on changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields name what changed and nothing more")]
pub enum IndexChange {
    /// An object was declared; nobody holds it yet.
    ObjectDeclared { id: DataObjectId, bag: BagId },
    /// A bucket accepted an object for the first time.
    ObjectAccepted { id: DataObjectId, bag: BagId, bucket: StorageBucketId },
    /// An object was deleted: positive evidence, its bytes may go.
    ObjectDeleted { id: DataObjectId, bag: BagId },
    /// A bag was made.
    BagCreated { bag: BagId },
    /// A bag was deleted, after its objects.
    BagDeleted { bag: BagId },
    /// The buckets of a bag changed, or objects moved out of it or into it.
    BagBucketsChanged { bag: BagId },
    /// A storage bucket appeared, went, or changed its operator or endpoint.
    StorageBucketChanged { bucket: StorageBucketId },
    /// A distribution bucket appeared, went, or changed its operators, endpoints or mode.
    DistributionBucketChanged { bucket: DistributionBucketId },
    /// A bucket said what it holds.
    HoldingsReported { bucket: StorageBucketId },
}

/// Why a block was not taken. The caller stops following and says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IndexError {
    /// Not the next block; the index is unchanged.
    #[error("block {got} does not follow block {at}")]
    Height {
        /// Height of the index.
        at: u64,
        /// Height of the block.
        got: u64,
    },
    /// Time runs backwards; the index is unchanged.
    #[error("block {height} is older than the block before it")]
    Time {
        /// Height of the block.
        height: u64,
    },
    /// An event speaks of something that no earlier event made.
    #[error("an event of block {height} refers to an unknown {what}")]
    Unknown {
        /// Height of the block.
        height: u64,
        /// What is missing.
        what: &'static str,
    },
    /// An event makes something that exists, or contradicts itself.
    #[error("an event of block {height} contradicts what is known of a {what}")]
    Contradiction {
        /// Height of the block.
        height: u64,
        /// What it is about.
        what: &'static str,
    },
    /// An earlier block was applied in part only: build the index anew from a checkpoint or genesis.
    #[error("an earlier block could not be applied")]
    Damaged,
}

impl Index {
    /// The council's keys, and how many of them it takes to decide.
    #[must_use]
    pub fn council(&self) -> (&BTreeSet<AccountId>, u32) {
        (&self.council.0, self.council.1)
    }

    /// The index at height 0.
    #[must_use]
    pub fn from_genesis(genesis: &Genesis) -> Self {
        let mut index = Self {
            genesis: genesis.hash(),
            height: 0,
            time_ms: genesis.time_ms,
            next_object: DataObjectId(0),
            objects: BTreeMap::new(),
            bags: BTreeMap::new(),
            storage: BTreeMap::new(),
            distribution: BTreeMap::new(),
            members: BTreeMap::new(),
            channels: BTreeMap::new(),
            collaborators: BTreeMap::new(),
            private: BTreeSet::new(),
            blacklist: BTreeSet::new(),
            moves: BTreeMap::new(),
            secretary: None,
            council: (genesis.council.keys.clone(), genesis.council.threshold),
            workers: BTreeMap::new(),
            leads: BTreeMap::new(),
            damaged: false,
        };
        for (id, member) in (0..).zip(&genesis.members) {
            index.members.insert(MemberId(id), member.account);
        }
        for (group, hired) in [
            (WorkingGroup::Storage, &genesis.storage_group),
            (WorkingGroup::Distribution, &genesis.distribution_group),
            (WorkingGroup::Attestation, &genesis.attestation_group),
        ] {
            for (id, worker) in (0..).zip(&hired.workers) {
                index.workers.insert((group, WorkerId(id)), worker.role_account);
            }
            if let Some(lead) = hired.lead {
                index.leads.insert(group, WorkerId(lead));
            }
        }
        // Static bags always exist.
        index.bags.insert(BagId::Static(StaticBagId::Council), BagEntry::default());
        for group in WorkingGroup::ALL {
            index.bags.insert(BagId::Static(StaticBagId::WorkingGroup(group)), BagEntry::default());
        }
        index
    }

    /// Takes the next block: its height, time in milliseconds, and all its events in order.
    ///
    /// # Errors
    /// [`IndexError`]. After `Unknown` or `Contradiction` the index is damaged: it still answers, but
    /// may hold part of that block, and takes no other.
    pub fn apply_block<'a>(
        &mut self,
        height: u64,
        time_ms: u64,
        events: impl IntoIterator<Item = &'a Event>,
    ) -> Result<Vec<IndexChange>, IndexError> {
        if self.damaged {
            return Err(IndexError::Damaged);
        }
        if Some(height) != self.height.checked_add(1) {
            return Err(IndexError::Height { at: self.height, got: height });
        }
        if time_ms < self.time_ms {
            return Err(IndexError::Time { height });
        }
        let mut changes = Vec::new();
        // Stays set if an event fails half-way.
        self.damaged = true;
        for event in events {
            self.apply_event(height, event, &mut changes)?;
        }
        self.damaged = false;
        self.height = height;
        self.time_ms = time_ms;
        Ok(changes)
    }

    /// Hash of the genesis of the network that this index follows.
    #[must_use]
    pub fn genesis(&self) -> &[u8; 32] {
        &self.genesis
    }

    /// Height of the newest block applied.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.height
    }

    /// Time of the newest block applied, in milliseconds since 1970.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// The id that the next declared object will get. Ids at or above it are unknown.
    #[must_use]
    pub fn next_object_id(&self) -> DataObjectId {
        self.next_object
    }

    /// Whether the directory has said that this object was deleted.
    ///
    /// True only on positive evidence: ids are handed out in order and never twice, so an id below
    /// the next one that is absent was declared and deleted. Only this permits dropping bytes.
    #[must_use]
    pub fn was_deleted(&self, id: DataObjectId) -> bool {
        id < self.next_object && !self.objects.contains_key(&id)
    }

    /// A data object that exists.
    #[must_use]
    pub fn object(&self, id: DataObjectId) -> Option<&ObjectEntry> {
        self.objects.get(&id)
    }

    /// Number of data objects that exist.
    #[must_use]
    pub fn objects_count(&self) -> u64 {
        to_u64(self.objects.len())
    }

    /// All data objects, by ascending id.
    pub fn objects(&self) -> impl Iterator<Item = (DataObjectId, &ObjectEntry)> {
        self.objects.iter().map(|(id, entry)| (*id, entry))
    }

    /// A bag that exists. Static bags always do.
    #[must_use]
    pub fn bag(&self, id: &BagId) -> Option<&BagEntry> {
        self.bags.get(id)
    }

    /// All bags, in order of their ids.
    pub fn bags(&self) -> impl Iterator<Item = (&BagId, &BagEntry)> {
        self.bags.iter()
    }

    /// The account that owns a bag: of the channel's owner, the member, the group's lead, or the
    /// council's secretary. None where there is none, and for bags that do not exist.
    #[must_use]
    pub fn owner_account(&self, bag: &BagId) -> Option<AccountId> {
        match bag {
            BagId::Static(StaticBagId::Council) => self.secretary,
            BagId::Static(StaticBagId::WorkingGroup(group)) => {
                self.worker_account(*group, *self.leads.get(group)?)
            }
            BagId::Dynamic(DynamicBagId::Member(member)) => self.members.get(member).copied(),
            BagId::Dynamic(DynamicBagId::Channel(channel)) => {
                self.members.get(self.channels.get(channel)?).copied()
            }
        }
    }

    /// Accounts that may upload into a bag: the owner's first, then those of collaborators.
    #[must_use]
    pub fn uploader_accounts(&self, bag: &BagId) -> Vec<AccountId> {
        let collaborators = match bag {
            BagId::Dynamic(DynamicBagId::Channel(channel)) => self.collaborators.get(channel),
            BagId::Dynamic(DynamicBagId::Member(_)) | BagId::Static(_) => None,
        };
        let collaborators = collaborators.into_iter().flatten();
        let accounts = collaborators.filter_map(|member| self.members.get(member).copied());
        self.owner_account(bag).into_iter().chain(accounts).collect()
    }

    /// Whether an account may upload into a bag.
    #[must_use]
    pub fn may_upload(&self, bag: &BagId, account: &AccountId) -> bool {
        self.uploader_accounts(bag).contains(account)
    }

    /// Whether a bag is served only to those who show a signed URL or a role key.
    #[must_use]
    pub fn is_private(&self, bag: &BagId) -> bool {
        self.private.contains(bag)
    }

    /// Whether nobody may accept or pass on these bytes.
    #[must_use]
    pub fn is_blacklisted(&self, content: &ContentId) -> bool {
        self.blacklist.contains(content)
    }

    /// The account that signs role calls of a worker.
    #[must_use]
    pub fn worker_account(&self, group: WorkingGroup, worker: WorkerId) -> Option<AccountId> {
        self.workers.get(&(group, worker)).copied()
    }

    /// A storage bucket that exists.
    #[must_use]
    pub fn storage_bucket(&self, id: StorageBucketId) -> Option<&StorageBucketEntry> {
        self.storage.get(&id)
    }

    /// All storage buckets, by ascending id.
    pub fn storage_buckets(&self) -> impl Iterator<Item = (StorageBucketId, &StorageBucketEntry)> {
        self.storage.iter().map(|(id, entry)| (*id, entry))
    }

    /// A distribution bucket that exists.
    #[must_use]
    pub fn distribution_bucket(&self, id: DistributionBucketId) -> Option<&DistributionBucketEntry> {
        self.distribution.get(&id)
    }

    /// All distribution buckets, by family and index.
    pub fn distribution_buckets(
        &self,
    ) -> impl Iterator<Item = (DistributionBucketId, &DistributionBucketEntry)> {
        self.distribution.iter().map(|(id, entry)| (*id, entry))
    }

    /// Buckets that a storage worker operates.
    #[must_use]
    pub fn buckets_of_storage_worker(&self, worker: WorkerId) -> BTreeSet<StorageBucketId> {
        self.storage
            .iter()
            .filter(|(_, entry)| entry.operator.as_ref().is_some_and(|operator| operator.worker == worker))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Buckets that a distribution worker operates.
    #[must_use]
    pub fn buckets_of_distribution_worker(&self, worker: WorkerId) -> BTreeSet<DistributionBucketId> {
        self.distribution
            .iter()
            .filter(|(_, entry)| entry.operators.contains_key(&worker))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Where verified bytes of an object can be fetched: the bag's buckets with an active operator
    /// and an endpoint, those that say they hold it first, then by ascending bucket id.
    ///
    /// Empty for an object that does not exist.
    #[must_use]
    pub fn storage_sources(&self, id: DataObjectId) -> Vec<StorageSource> {
        let Some(bag) = self.objects.get(&id).and_then(|object| self.bags.get(&object.bag)) else {
            return Vec::new();
        };
        let mut sources: Vec<StorageSource> = bag
            .storage
            .iter()
            .filter_map(|bucket| {
                let entry = self.storage.get(bucket)?;
                let worker = entry.operator.as_ref()?.worker;
                let endpoint = entry.endpoint.clone()?;
                Some(StorageSource { bucket: *bucket, worker, endpoint, holds: self.holds(*bucket, id) })
            })
            .collect();
        // Stable: ascending bucket ids within each half.
        sources.sort_by_key(|source| !source.holds);
        sources
    }

    /// Storage buckets that say they hold an object, by ascending id.
    #[must_use]
    pub fn holders(&self, id: DataObjectId) -> Vec<StorageBucketId> {
        let bag = self.objects.get(&id).and_then(|object| self.bags.get(&object.bag));
        let buckets = bag.map(|bag| &bag.storage).into_iter().flatten();
        buckets.copied().filter(|bucket| self.holds(*bucket, id)).collect()
    }

    /// Whether the bucket's present operator says that it holds an object.
    ///
    /// The newest word counts: a report that covers the object, else the operator's own acceptance.
    #[must_use]
    pub fn holds(&self, bucket: StorageBucketId, id: DataObjectId) -> bool {
        let Some(due) = self.due_height(bucket, id) else { return false };
        let Some(entry) = self.storage.get(&bucket) else { return false };
        match &entry.holdings {
            Some(report) if report.height >= due => !report.except.contains(&id),
            _ => self.accepted_by(bucket, id),
        }
    }

    /// Whether the bucket's present operator was the one that accepted the object.
    pub(crate) fn accepted_by(&self, bucket: StorageBucketId, id: DataObjectId) -> bool {
        let operator = self.storage.get(&bucket).and_then(|entry| entry.operator.as_ref());
        let acceptance = self.objects.get(&id).and_then(|object| object.accepted);
        match (operator, acceptance) {
            // Who accepted an object in another bag may have dropped it since.
            (Some(operator), Some(accepted)) => {
                let since = operator.since_height.max(self.moved_height(id));
                accepted.bucket == bucket && accepted.height >= since
            }
            _ => false,
        }
    }

    /// Height from which a bucket's holding reports speak of an object: that of its acceptance, of the
    /// bag's assignment to the bucket or of the object's move into the bag, whichever came last. None if the bucket need not hold it.
    pub(crate) fn due_height(&self, bucket: StorageBucketId, id: DataObjectId) -> Option<u64> {
        let object = self.objects.get(&id)?;
        let assigned = *self.storage.get(&bucket)?.bags.get(&object.bag)?;
        Some(object.accepted?.height.max(assigned).max(self.moved_height(id)))
    }

    fn moved_height(&self, id: DataObjectId) -> u64 {
        self.moves.get(&id).copied().unwrap_or(0)
    }

    /// The accepted objects that a bucket must hold, each once, by bag.
    pub(crate) fn obligations(
        &self,
        bucket: StorageBucketId,
    ) -> impl Iterator<Item = (DataObjectId, &ObjectEntry)> {
        let bags = self.storage.get(&bucket).into_iter().flat_map(|entry| entry.bags.keys());
        bags.filter_map(|bag| self.bags.get(bag)).flat_map(|bag| &bag.objects).filter_map(|id| {
            let object = self.objects.get(id)?;
            object.accepted.map(|_| (*id, object))
        })
    }

    /// Who delivers a bag: operators with an endpoint, of its buckets that are distributing.
    #[must_use]
    pub fn distributors_of(&self, bag: &BagId) -> Vec<Distributor> {
        let buckets = self.bags.get(bag).into_iter().flat_map(|bag| &bag.distribution);
        let mut found = Vec::new();
        for bucket in buckets {
            let Some(entry) = self.distribution.get(bucket).filter(|entry| entry.distributing) else {
                continue;
            };
            for (worker, endpoint) in &entry.operators {
                if let Some(endpoint) = endpoint.clone() {
                    found.push(Distributor { bucket: *bucket, worker: *worker, endpoint });
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests;
