//! What the index answers.

use super::{DistributionBucketEntry, Distributor, Index, ObjectEntry, StorageBucketEntry, StorageSource};
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_directory::state::BagRef;
use argosy_domain::{
    AccountId, BagId, ContentId, DataObjectId, DistributionBucketId, DynamicBagId, StaticBagId,
    StorageBucketId, WorkerId, WorkingGroup,
};

impl Index {
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
        id < self.next_object && !self.catalogue.has_object(id)
    }

    /// A data object that exists.
    #[must_use]
    pub fn object(&self, id: DataObjectId) -> Option<ObjectEntry> {
        self.catalogue.object(id).map(|object| ObjectEntry::of(&object))
    }

    /// Number of data objects that exist.
    #[must_use]
    pub fn objects_count(&self) -> u64 {
        self.catalogue.objects_count()
    }

    /// All data objects, by ascending id.
    pub fn objects(&self) -> impl Iterator<Item = (DataObjectId, ObjectEntry)> {
        self.catalogue.objects().map(|(id, object)| (id, ObjectEntry::of(&object)))
    }

    /// A bag that exists, with its buckets. Static bags always do.
    #[must_use]
    pub fn bag(&self, id: &BagId) -> Option<BagRef<'_>> {
        self.catalogue.bag(id)
    }

    /// The bag of an object that exists. Cheaper than to ask for the object first.
    #[must_use]
    pub fn bag_of(&self, id: DataObjectId) -> Option<BagRef<'_>> {
        self.catalogue.bag_of(id)
    }

    /// All bags, in order of their ids.
    pub fn bags(&self) -> impl Iterator<Item = (BagId, BagRef<'_>)> {
        self.catalogue.bags()
    }

    /// The council's keys, and how many of them it takes to decide; none and 0 where there is no council.
    #[must_use]
    pub fn council(&self) -> (&BTreeSet<AccountId>, u32) {
        (&self.council.0, self.council.1)
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
        self.catalogue.bag(bag).is_some_and(BagRef::is_private)
    }

    /// Whether nobody may accept or pass on these bytes.
    #[must_use]
    pub fn is_blacklisted(&self, content: &ContentId) -> bool {
        self.blacklist.get(content).is_some()
    }

    /// The account that signs role calls of a worker.
    #[must_use]
    pub fn worker_account(&self, group: WorkingGroup, worker: WorkerId) -> Option<AccountId> {
        self.workers.get(&(group, worker)).copied()
    }

    /// Accounts whose keys a worker's node may hold: the role account, and the transactors of the storage
    /// buckets that the worker operates. An account may come more than once.
    #[must_use]
    pub fn accounts_of_worker(&self, group: WorkingGroup, worker: WorkerId) -> Vec<AccountId> {
        let role = self.worker_account(group, worker);
        let operators = self.storage.iter().filter_map(|(_, entry)| entry.operator.as_ref());
        let theirs = operators.filter(|it| group == WorkingGroup::Storage && it.worker == worker);
        role.into_iter().chain(theirs.map(|operator| operator.transactor)).collect()
    }

    /// Accounts of the nodes that keep or deliver a bag: for each of its storage buckets the operator's
    /// role account and the bucket's transactor, then for each of its distribution buckets the operators'
    /// role accounts. By ascending bucket; an account may come more than once.
    pub fn serving_accounts(
        &self,
        bag: &BagId,
    ) -> impl Iterator<Item = (WorkingGroup, WorkerId, AccountId)> + '_ {
        let found = self.catalogue.bag(bag);
        let keepers = found
            .into_iter()
            .flat_map(BagRef::stored_by)
            .filter_map(|(bucket, _)| self.storage.get(&bucket).and_then(|entry| entry.operator.as_ref()));
        let keepers = keepers.flat_map(|operator| {
            let role = self.worker_account(WorkingGroup::Storage, operator.worker);
            role.into_iter()
                .chain([operator.transactor])
                .map(|account| (WorkingGroup::Storage, operator.worker, account))
        });
        let deliverers = found
            .into_iter()
            .flat_map(BagRef::distributed_by)
            .filter_map(|bucket| self.distribution.get(&bucket))
            .flat_map(|entry| entry.operators.keys());
        let deliverers = deliverers.filter_map(|worker| {
            let group = WorkingGroup::Distribution;
            self.worker_account(group, *worker).map(|account| (group, *worker, account))
        });
        keepers.chain(deliverers)
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
        let buckets = self.catalogue.bag_of(id).into_iter().flat_map(BagRef::stored_by);
        let mut sources: Vec<StorageSource> = buckets
            .filter_map(|(bucket, _)| {
                let entry = self.storage.get(&bucket)?;
                let worker = entry.operator.as_ref()?.worker;
                let endpoint = entry.endpoint.clone()?;
                Some(StorageSource { bucket, worker, endpoint, holds: self.holds(bucket, id) })
            })
            .collect();
        // Stable: ascending bucket ids within each half.
        sources.sort_by_key(|source| !source.holds);
        sources
    }

    /// Storage buckets that say they hold an object, by ascending id.
    #[must_use]
    pub fn holders(&self, id: DataObjectId) -> Vec<StorageBucketId> {
        let buckets = self.catalogue.bag_of(id).into_iter().flat_map(BagRef::stored_by);
        buckets.map(|(bucket, _)| bucket).filter(|bucket| self.holds(*bucket, id)).collect()
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
        let acceptance = self.object(id).and_then(|object| object.accepted);
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
        let bag = self.catalogue.bag_of(id)?;
        let (_, assigned) = bag.stored_by().find(|(keeper, _)| *keeper == bucket)?;
        Some(self.object(id)?.accepted?.height.max(assigned).max(self.moved_height(id)))
    }

    fn moved_height(&self, id: DataObjectId) -> u64 {
        self.moves.get(&id).copied().unwrap_or(0)
    }

    /// The accepted objects that a bucket must hold, each once, by bag.
    pub(crate) fn obligations(
        &self,
        bucket: StorageBucketId,
    ) -> impl Iterator<Item = (DataObjectId, ObjectEntry)> {
        let bags = self.storage.get(&bucket).into_iter().flat_map(|entry| entry.bags.iter());
        let ids = bags.filter_map(|bag| self.catalogue.bag(&bag)).flat_map(BagRef::objects);
        ids.filter_map(|id| {
            let object = self.object(id)?;
            object.accepted.map(|_| (id, object))
        })
    }

    /// Who delivers a bag: operators with an endpoint, of its buckets that are distributing.
    #[must_use]
    pub fn distributors_of(&self, bag: &BagId) -> Vec<Distributor> {
        let buckets = self.catalogue.bag(bag).into_iter().flat_map(BagRef::distributed_by);
        let mut found = Vec::new();
        for bucket in buckets {
            let Some(entry) = self.distribution.get(&bucket).filter(|entry| entry.distributing) else {
                continue;
            };
            for (worker, endpoint) in &entry.operators {
                if let Some(endpoint) = endpoint.clone() {
                    found.push(Distributor { bucket, worker: *worker, endpoint });
                }
            }
        }
        found
    }
}
