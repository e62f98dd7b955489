//! What the index keeps of each thing.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
};
pub use argosy_directory::state::Acceptance;
use argosy_directory::state::{DataObject, Ordered};
use argosy_domain::{
    AccountId, BagId, ChannelId, ContentId, DataObjectId, DynamicBagId, MemberId, ObjectSize, StaticBagId,
    WorkerId, WorkingGroup,
    num::{to_u64, to_usize},
};
use argosy_domain::{DistributionBucketId, StorageBucketId};
use codec::{Decode, Encode};

/// A data object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectEntry {
    /// Proves its bytes.
    pub content_id: ContentId,
    /// Bytes.
    pub size: ObjectSize,
    /// Where it belongs.
    pub bag: BagId,
    /// None while pending.
    pub accepted: Option<Acceptance>,
}

impl ObjectEntry {
    pub(super) const fn of(object: &DataObject) -> Self {
        let DataObject { bag, size, content_id, accepted, .. } = *object;
        Self { content_id, size, bag, accepted }
    }

    /// As the catalogue keeps it. Bonds and sets are nothing that a node asks for.
    pub(super) const fn to_object(self) -> DataObject {
        let Self { content_id, size, bag, accepted } = self;
        DataObject { bag, size, content_id, accepted, bond: 0, asset_set: None }
    }
}

/// The active operator of a storage bucket.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StorageOperator {
    /// Worker of the storage group.
    pub worker: WorkerId,
    /// Signs acceptances and holding reports.
    pub transactor: AccountId,
    /// Height of the block in which it took the bucket. What an earlier operator held says nothing.
    pub since_height: u64,
}

/// What a bucket last said that it holds.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Holdings {
    /// Everything of its bags that was accepted at or below this height …
    pub height: u64,
    /// … except these.
    pub except: BTreeSet<DataObjectId>,
}

/// A storage bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageBucketEntry {
    /// None while nobody has accepted an invitation.
    pub operator: Option<StorageOperator>,
    /// Root URL of the operator's node, as the operator wrote it.
    pub endpoint: Option<String>,
    /// The present operator's newest report.
    pub holdings: Option<Arc<Holdings>>,
    /// Bags that it must keep.
    pub bags: BagSet,
}

/// A distribution bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistributionBucketEntry {
    /// Whether its lead wants it to be used.
    pub distributing: bool,
    /// Active operators, with the root URLs of their nodes.
    pub operators: BTreeMap<WorkerId, Option<String>>,
    /// How many bags it must deliver; each bag says whether it is one of them.
    pub bags_count: u64,
}

/// A set of bags, eleven bytes for each: a bucket may have a great many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BagSet(Ordered<BagKey, ()>);

/// A bag's id without padding: kind, then number, the most significant byte first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct BagKey(u8, [u8; 8]);

const STATIC: u8 = 0;
const MEMBER: u8 = 1;
const CHANNEL: u8 = 2;

impl BagSet {
    /// Whether there is no bag in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bags, ascending.
    pub fn iter(&self) -> impl Iterator<Item = BagId> {
        self.0.iter().filter_map(|(key, ())| key.id())
    }

    /// Whether a bag is in it.
    #[must_use]
    pub fn contains(&self, bag: &BagId) -> bool {
        self.0.get(&BagKey::of(bag)).is_some()
    }

    pub(super) fn insert(&mut self, bag: &BagId) {
        // Writing what is there already would copy nodes.
        if !self.contains(bag) {
            self.0.insert(BagKey::of(bag), ());
        }
    }

    pub(super) fn remove(&mut self, bag: &BagId) {
        self.0.remove(&BagKey::of(bag));
    }
}

impl BagKey {
    fn of(bag: &BagId) -> Self {
        let (kind, number) = match bag {
            BagId::Static(StaticBagId::Council) => (STATIC, 0),
            BagId::Static(StaticBagId::WorkingGroup(group)) => {
                let place = WorkingGroup::ALL.iter().position(|other| other == group);
                (STATIC, place.map_or(0, |place| to_u64(place).saturating_add(1)))
            }
            BagId::Dynamic(DynamicBagId::Member(member)) => (MEMBER, member.0),
            BagId::Dynamic(DynamicBagId::Channel(channel)) => (CHANNEL, channel.0),
        };
        Self(kind, number.to_be_bytes())
    }

    /// None of a key that no bag has.
    fn id(self) -> Option<BagId> {
        let number = u64::from_be_bytes(self.1);
        match (self.0, number.checked_sub(1)) {
            (STATIC, None) => Some(BagId::Static(StaticBagId::Council)),
            (STATIC, Some(place)) => {
                let group = WorkingGroup::ALL.get(to_usize(place))?;
                Some(BagId::Static(StaticBagId::WorkingGroup(*group)))
            }
            (MEMBER, _) => Some(BagId::member(MemberId(number))),
            (CHANNEL, _) => Some(BagId::channel(ChannelId(number))),
            _ => None,
        }
    }
}

/// A storage node that an object can be fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageSource {
    /// Its bucket.
    pub bucket: StorageBucketId,
    /// Its operator.
    pub worker: WorkerId,
    /// Root URL, as the operator wrote it: check before use.
    pub endpoint: String,
    /// Whether it says that it holds the object.
    pub holds: bool,
}

/// A distributor that delivers a bag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distributor {
    /// The bucket through which it does.
    pub bucket: DistributionBucketId,
    /// Its operator.
    pub worker: WorkerId,
    /// Root URL, as the operator wrote it: check before use.
    pub endpoint: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bag_has_a_key_of_its_own() {
        let groups =
            WorkingGroup::ALL.into_iter().map(|group| BagId::Static(StaticBagId::WorkingGroup(group)));
        let dynamic = [0, 1, 255, 256, u64::MAX]
            .into_iter()
            .flat_map(|id| [BagId::member(MemberId(id)), BagId::channel(ChannelId(id))]);
        let bags: BTreeSet<BagId> =
            groups.chain(dynamic).chain([BagId::Static(StaticBagId::Council)]).collect();
        let mut set = BagSet::default();
        for bag in &bags {
            assert!(!set.contains(bag));
            set.insert(bag);
        }
        assert!(set.iter().eq(bags.iter().copied()), "in the order of ids");
        for bag in &bags {
            set.remove(bag);
        }
        assert!(set.is_empty());
    }
}
