//! The index that a node answers from: a narrow copy of the directory, kept from events alone.

mod apply;
mod buckets;
mod checkpoint;
mod entries;
mod families;
mod from_state;
mod queries;

pub use checkpoint::{
    CHECKPOINT_VERSION, CheckpointError, CheckpointReader, MAX_PIECE_BYTES, Pieces, SEAL_BYTES,
};
pub use entries::{
    Acceptance, BagSet, DistributionBucketEntry, Distributor, Holdings, ObjectEntry, StorageBucketEntry,
    StorageOperator, StorageSource,
};
pub use from_state::IndexRestore;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use argosy_directory::{
    Event, Genesis,
    state::{Bag, Catalogue, Ordered},
};
use argosy_domain::{
    AccountId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId, MemberId, StaticBagId,
    StorageBucketId, WorkerId, WorkingGroup,
};
use thiserror::Error;

/// What a node must know of the directory to answer without asking it.
///
/// Holds exactly what the events of blocks `1..=height` say, nothing guessed. A clone is a snapshot: it
/// takes some microseconds however much there is, shares what does not change afterwards, and can be
/// read by another thread while the original takes blocks.
#[derive(Clone, Debug)]
pub struct Index {
    genesis: [u8; 32],
    height: u64,
    time_ms: u64,
    /// Ids at or above are unknown; ids below that are not in `catalogue` were deleted.
    next_object: DataObjectId,
    /// Bags, with their buckets, and objects. Has all static bags from the start.
    catalogue: Catalogue,
    storage: Ordered<StorageBucketId, StorageBucketEntry>,
    distribution: Ordered<DistributionBucketId, DistributionBucketEntry>,
    members: Ordered<MemberId, AccountId>,
    channels: Ordered<ChannelId, MemberId>,
    /// Of channels that have any.
    collaborators: Ordered<ChannelId, BTreeSet<MemberId>>,
    /// Content that nobody may accept or pass on.
    blacklist: Ordered<ContentId, ()>,
    /// Of objects that came from another bag: the height of their last move.
    moves: Ordered<DataObjectId, u64>,
    /// Keys and threshold.
    council: (BTreeSet<AccountId>, u32),
    /// Acts for the council's bag.
    secretary: Option<AccountId>,
    workers: Ordered<(WorkingGroup, WorkerId), AccountId>,
    leads: BTreeMap<WorkingGroup, WorkerId>,
    /// Set when a block could not be applied in full; such an index takes no further block.
    damaged: bool,
}

/// Equal if they say the same; however each came to know it.
impl PartialEq for Index {
    fn eq(&self, other: &Self) -> bool {
        let singles =
            |index: &Self| (index.genesis, index.height, index.time_ms, index.next_object, index.damaged);
        singles(self) == singles(other)
            && (&self.storage, &self.distribution) == (&other.storage, &other.distribution)
            && (&self.members, &self.channels) == (&other.members, &other.channels)
            && (&self.collaborators, &self.blacklist) == (&other.collaborators, &other.blacklist)
            && (&self.moves, &self.council) == (&other.moves, &other.council)
            && (&self.secretary, &self.workers, &self.leads)
                == (&other.secretary, &other.workers, &other.leads)
            && self.objects().eq(other.objects())
            && self.bags().map(checkpoint::bag_record).eq(other.bags().map(checkpoint::bag_record))
    }
}

impl Eq for Index {}

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
    /// A bag's owner made it private, or public again.
    BagPrivacyChanged { bag: BagId },
    /// Content was blacklisted, or is not any more.
    BlacklistChanged,
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
    /// The index at height 0.
    #[must_use]
    pub fn from_genesis(genesis: &Genesis) -> Self {
        let mut index = Self::empty(genesis.hash());
        index.time_ms = genesis.time_ms;
        index.council = (genesis.council.keys.clone(), genesis.council.threshold);
        index.members =
            (0..).map(MemberId).zip(genesis.members.iter().map(|member| member.account)).collect();
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
        index
    }

    /// Nothing but the bags that always exist.
    fn empty(genesis: [u8; 32]) -> Self {
        let mut index = Self {
            genesis,
            height: 0,
            time_ms: 0,
            next_object: DataObjectId(0),
            catalogue: Catalogue::default(),
            storage: Ordered::new(),
            distribution: Ordered::new(),
            members: Ordered::new(),
            channels: Ordered::new(),
            collaborators: Ordered::new(),
            blacklist: Ordered::new(),
            moves: Ordered::new(),
            council: (BTreeSet::new(), 0),
            secretary: None,
            workers: Ordered::new(),
            leads: BTreeMap::new(),
            damaged: false,
        };
        index.add_static_bags();
        index
    }

    /// Those that are missing.
    fn add_static_bags(&mut self) {
        let groups = WorkingGroup::ALL.into_iter().map(StaticBagId::WorkingGroup);
        for bag in groups.chain([StaticBagId::Council]).map(BagId::Static) {
            if self.catalogue.bag(&bag).is_none() {
                self.catalogue.put_bag(bag, Some(Bag::default()));
            }
        }
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
}

#[cfg(test)]
mod tests;
