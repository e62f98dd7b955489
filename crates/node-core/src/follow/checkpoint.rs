//! The index as pieces that are written, read and checked one by one: a checkpoint that a node starts
//! from, in little memory.
//!
//! ```text
//! checkpoint := sealed piece *
//! sealed     := length of the piece (u32, not 0) · BLAKE3 of the hash of the piece before and this piece (32) · piece
//! piece      := head, the first one; then records, as many as fit; the very last record says that it is
//! ```
//!
//! Integers are little endian, the rest is SCALE. No piece can be left out, changed or put elsewhere.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use super::{
    Acceptance, DistributionBucketEntry, Holdings, Index, ObjectEntry, StorageBucketEntry, StorageOperator,
};
use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};
use argosy_directory::state::{Bag, BagRef};
use argosy_domain::{
    AccountId, BagId, ChannelId, ContentId, DataObjectId, DistributionBucketId, MemberId, StorageBucketId,
    WorkerId, WorkingGroup,
    limits::MAX_DECODE_DEPTH,
    num::{to_u64, to_usize},
    wire::decode_canonical,
};
use codec::{Compact, Decode, DecodeLimit, Encode};
use thiserror::Error;

/// The only format that is read: an older checkpoint lacks what an index knows now.
pub const CHECKPOINT_VERSION: u16 = 3;
/// Bytes before each piece: its length and its hash.
pub const SEAL_BYTES: usize = 4 + HASH_BYTES;
/// Most bytes of a piece, its seal apart. A piece ends with the record that makes it longer than
/// 256 KiB, and no record is longer than a transaction may make it.
pub const MAX_PIECE_BYTES: usize = 16 * 1024 * 1024;
/// Bytes after which a piece ends.
const PIECE_BYTES: usize = 256 * 1024;
const HASH_BYTES: usize = 32;

/// Why bytes are not a checkpoint to start from. Start from genesis instead; nothing is lost but time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// Cut off, changed, or never a checkpoint.
    #[error("the checkpoint is damaged")]
    Damaged,
    /// Written by another version.
    #[error("the checkpoint has format {found}, this program reads format {CHECKPOINT_VERSION}")]
    Version {
        /// The format found.
        found: u16,
    },
    /// Of another network.
    #[error("the checkpoint belongs to another network")]
    OtherNetwork,
}

/// What there is one of. The version stands before it.
#[derive(Encode, Decode)]
struct Head {
    genesis: [u8; 32],
    height: u64,
    time_ms: u64,
    next_object: DataObjectId,
    council: (BTreeSet<AccountId>, u32),
    secretary: Option<AccountId>,
    leads: BTreeMap<WorkingGroup, WorkerId>,
    damaged: bool,
}

/// What there is many of. Buckets come before bags, bags before objects.
#[derive(Encode, Decode)]
enum Record {
    Member(MemberId, AccountId),
    Channel(ChannelId, MemberId, BTreeSet<MemberId>),
    Blacklisted(ContentId),
    Worker(WorkingGroup, WorkerId, AccountId),
    Storage(StorageBucketId, StorageRecord),
    Distribution(DistributionBucketId, bool, BTreeMap<WorkerId, Option<String>>),
    Bag(BagRecord),
    Object(ObjectRecord),
    Moved(Compact<u64>, Compact<u64>),
    /// Nothing comes after it: how many objects came before.
    End(u64),
}

type StorageRecord = (Option<StorageOperator>, Option<String>, Option<Arc<Holdings>>);

/// A bag, its storage buckets with the heights at which they were assigned.
#[derive(PartialEq, Eq, Encode, Decode)]
pub(super) struct BagRecord {
    id: BagId,
    stored_by: BTreeMap<StorageBucketId, u64>,
    distributed_by: BTreeSet<DistributionBucketId>,
    private: bool,
}

#[derive(Encode, Decode)]
struct ObjectRecord {
    #[codec(compact)]
    id: u64,
    content_id: ContentId,
    #[codec(compact)]
    size: u64,
    bag: BagId,
    /// Height and bucket.
    accepted: Option<(Compact<u64>, Compact<u64>)>,
}

pub(super) fn bag_record((id, bag): (BagId, BagRef<'_>)) -> BagRecord {
    let stored_by = bag.stored_by().collect();
    BagRecord { id, stored_by, distributed_by: bag.distributed_by().collect(), private: bag.is_private() }
}

fn object_record((id, object): (DataObjectId, ObjectEntry)) -> Record {
    let ObjectEntry { content_id, size, bag, accepted } = object;
    let accepted = accepted.map(|at| (Compact(at.height), Compact(at.bucket.0)));
    Record::Object(ObjectRecord { id: id.0, content_id, size, bag, accepted })
}

fn storage_record((id, entry): (StorageBucketId, &StorageBucketEntry)) -> Record {
    let StorageBucketEntry { operator, endpoint, holdings, bags: _ } = entry.clone();
    Record::Storage(id, (operator, endpoint, holdings))
}

fn distribution_record((id, entry): (DistributionBucketId, &DistributionBucketEntry)) -> Record {
    let DistributionBucketEntry { distributing, operators, bags_count: _ } = entry.clone();
    Record::Distribution(id, distributing, operators)
}

impl Index {
    /// The index as sealed pieces, made one at a time. Take them from a clone, and blocks can be applied
    /// meanwhile.
    #[must_use]
    pub fn pieces(&self) -> Pieces<'_> {
        Pieces { head: Some(self.head()), records: Box::new(self.records()), before: [0; HASH_BYTES] }
    }

    fn head(&self) -> Vec<u8> {
        let head = Head {
            genesis: self.genesis,
            height: self.height,
            time_ms: self.time_ms,
            next_object: self.next_object,
            council: self.council.clone(),
            secretary: self.secretary,
            leads: self.leads.clone(),
            damaged: self.damaged,
        };
        (CHECKPOINT_VERSION, head).encode()
    }

    fn records(&self) -> impl Iterator<Item = Record> {
        let members = self.members.iter().map(|(id, account)| Record::Member(*id, *account));
        let channels = self.channels.iter().map(|(id, owner)| {
            Record::Channel(*id, *owner, self.collaborators.get(id).cloned().unwrap_or_default())
        });
        let blacklist = self.blacklist.iter().map(|(id, ())| Record::Blacklisted(*id));
        let workers = self.workers.iter().map(|((group, id), account)| Record::Worker(*group, *id, *account));
        let storage = self.storage_buckets().map(storage_record);
        let distribution = self.distribution_buckets().map(distribution_record);
        let bags = self.bags().map(bag_record).map(Record::Bag);
        let objects = self.objects().map(object_record);
        let moves = self.moves.iter().map(|(id, height)| Record::Moved(Compact(id.0), Compact(*height)));
        let who = members.chain(channels).chain(workers);
        let what = blacklist.chain(storage).chain(distribution).chain(bags).chain(objects).chain(moves);
        who.chain(what).chain([Record::End(self.objects_count())])
    }

    /// All pieces at once, for indexes that are small.
    #[must_use]
    pub fn to_checkpoint(&self) -> Vec<u8> {
        self.pieces().flatten().collect()
    }

    /// Reads what [`Self::to_checkpoint`] wrote, for the network with this genesis hash.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn from_checkpoint(mut bytes: &[u8], genesis: &[u8; 32]) -> Result<Self, CheckpointError> {
        let mut reader = CheckpointReader::new(*genesis);
        while let Some((seal, rest)) = bytes.split_first_chunk() {
            let (piece, rest) =
                rest.split_at_checked(CheckpointReader::length(seal)?).ok_or(CheckpointError::Damaged)?;
            reader.push(seal, piece)?;
            bytes = rest;
        }
        if bytes.is_empty() { reader.finish() } else { Err(CheckpointError::Damaged) }
    }
}

/// The sealed pieces of an index.
pub struct Pieces<'a> {
    /// Until it was given.
    head: Option<Vec<u8>>,
    records: Box<dyn Iterator<Item = Record> + 'a>,
    /// Hash of the piece before.
    before: [u8; HASH_BYTES],
}

impl core::fmt::Debug for Pieces<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Pieces").field("before", &self.before).finish_non_exhaustive()
    }
}

impl Iterator for Pieces<'_> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let mut piece = self.head.take().unwrap_or_default();
        if piece.is_empty() {
            piece.reserve(PIECE_BYTES.saturating_add(4096));
            while piece.len() < PIECE_BYTES
                && let Some(record) = self.records.next()
            {
                record.encode_to(&mut piece);
            }
        }
        if piece.is_empty() {
            return None;
        }
        self.before = hash(&self.before, &piece);
        let length = u32::try_from(piece.len()).ok()?;
        Some([&length.to_le_bytes(), &self.before[..], &piece].concat())
    }
}

fn hash(before: &[u8; HASH_BYTES], piece: &[u8]) -> [u8; HASH_BYTES] {
    ContentId::of(&[before, piece].concat()).0
}

/// Makes an index of its sealed pieces, one at a time. The first error ends it.
#[derive(Debug)]
pub struct CheckpointReader {
    genesis: [u8; 32],
    before: [u8; HASH_BYTES],
    /// Since the first piece.
    index: Option<Index>,
    ended: bool,
}

impl CheckpointReader {
    /// For the network with this genesis hash.
    #[must_use]
    pub const fn new(genesis: [u8; 32]) -> Self {
        Self { genesis, before: [0; HASH_BYTES], index: None, ended: false }
    }

    /// How many bytes of a piece follow after this seal: at most [`MAX_PIECE_BYTES`].
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`].
    pub fn length(seal: &[u8; SEAL_BYTES]) -> Result<usize, CheckpointError> {
        let [a, b, c, d, ..] = *seal;
        let length = to_usize(u64::from(u32::from_le_bytes([a, b, c, d])));
        if (1..=MAX_PIECE_BYTES).contains(&length) { Ok(length) } else { Err(CheckpointError::Damaged) }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn push(&mut self, seal: &[u8; SEAL_BYTES], piece: &[u8]) -> Result<(), CheckpointError> {
        self.before = hash(&self.before, piece);
        if self.ended || Self::length(seal)? != piece.len() || seal.last_chunk() != Some(&self.before) {
            return Err(CheckpointError::Damaged);
        }
        let Some(index) = &mut self.index else {
            self.index = Some(read_head(piece, &self.genesis)?);
            return Ok(());
        };
        let mut rest = piece;
        while !rest.is_empty() {
            let record = Record::decode_with_depth_limit(MAX_DECODE_DEPTH, &mut rest).ok();
            let record = record.filter(|_| !self.ended).ok_or(CheckpointError::Damaged)?;
            if let Record::End(objects_count) = record {
                self.ended = objects_count == index.objects_count();
            }
            if !index.restore(record) {
                return Err(CheckpointError::Damaged);
            }
        }
        Ok(())
    }

    /// The index, once all pieces were taken.
    ///
    /// # Errors
    /// [`CheckpointError::Damaged`] if there must be more, or if a block was applied in part only.
    pub fn finish(self) -> Result<Index, CheckpointError> {
        let sound = |index: &Index| self.ended && !index.damaged;
        self.index.filter(sound).ok_or(CheckpointError::Damaged)
    }
}

fn read_head(piece: &[u8], genesis: &[u8; 32]) -> Result<Index, CheckpointError> {
    let (version, rest) = piece.split_first_chunk().ok_or(CheckpointError::Damaged)?;
    let found = u16::from_le_bytes(*version);
    if found != CHECKPOINT_VERSION {
        return Err(CheckpointError::Version { found });
    }
    let head: Head = decode_canonical(rest).map_err(|_| CheckpointError::Damaged)?;
    if head.genesis != *genesis {
        return Err(CheckpointError::OtherNetwork);
    }
    Ok(Index {
        height: head.height,
        time_ms: head.time_ms,
        next_object: head.next_object,
        council: head.council,
        secretary: head.secretary,
        leads: head.leads,
        damaged: head.damaged,
        ..Index::empty(*genesis)
    })
}

impl Index {
    /// False if it cannot be, after what was restored before.
    fn restore(&mut self, record: Record) -> bool {
        match record {
            Record::Member(id, account) => self.members.insert(id, account).is_none(),
            Record::Channel(id, owner, collaborators) => {
                if !collaborators.is_empty() {
                    self.collaborators.insert(id, collaborators);
                }
                self.channels.insert(id, owner).is_none()
            }
            Record::Blacklisted(id) => self.blacklist.insert(id, ()).is_none(),
            Record::Worker(group, id, account) => self.workers.insert((group, id), account).is_none(),
            Record::Storage(id, (operator, endpoint, holdings)) => {
                let entry =
                    StorageBucketEntry { operator, endpoint, holdings, ..StorageBucketEntry::default() };
                self.storage.insert(id, entry).is_none()
            }
            Record::Distribution(id, distributing, operators) => {
                let entry = DistributionBucketEntry { distributing, operators, bags_count: 0 };
                self.distribution.insert(id, entry).is_none()
            }
            Record::Bag(bag) => self.restore_bag(bag),
            Record::Object(object) => self.restore_object(&object),
            Record::Moved(Compact(id), Compact(height)) => {
                let id = DataObjectId(id);
                self.catalogue.has_object(id) && self.moves.insert(id, height).is_none()
            }
            Record::End(objects_count) => objects_count == self.objects_count(),
        }
    }

    fn restore_bag(&mut self, record: BagRecord) -> bool {
        let BagRecord { id, stored_by, distributed_by, private } = record;
        if matches!(id, BagId::Dynamic(_)) && self.bag(&id).is_some() {
            return false;
        }
        self.catalogue.put_bag(id, Some(Bag { stored_by, distributed_by, private, ..Bag::default() }));
        self.count_in_buckets(id)
    }

    /// Adds a bag to what its buckets know. False if there is no such bucket.
    pub(super) fn count_in_buckets(&mut self, id: BagId) -> bool {
        let Some(bag) = self.catalogue.bag(&id) else { return false };
        for (bucket, _) in bag.stored_by() {
            let Some(entry) = self.storage.get_mut(&bucket) else { return false };
            entry.bags.insert(&id);
        }
        for bucket in bag.distributed_by() {
            let Some(entry) = self.distribution.get_mut(&bucket) else { return false };
            entry.bags_count = entry.bags_count.saturating_add(1);
        }
        true
    }

    /// Objects come in ascending order.
    fn restore_object(&mut self, record: &ObjectRecord) -> bool {
        let ObjectRecord { id, content_id, size, bag, accepted } = *record;
        let id = DataObjectId(id);
        if id >= self.next_object || self.catalogue.has_object(id) || self.bag(&bag).is_none() {
            return false;
        }
        let accepted = accepted
            .map(|(height, bucket)| Acceptance { height: height.0, bucket: StorageBucketId(bucket.0) });
        self.put_object(id, ObjectEntry { content_id, size, bag, accepted });
        true
    }
}

const _: () = assert!(PIECE_BYTES < MAX_PIECE_BYTES && to_u64(MAX_PIECE_BYTES) < 1 << 32);
