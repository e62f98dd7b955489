//! Calls about storage buckets, by the storage group's lead and operators.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use super::Balance;
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_domain::{AccountId, BagId, BagType, DataObjectId, StorageBucketId, WorkerId, num::to_usize};
use codec::{Decode, Encode, EncodeAsRef, Error, Input};

/// Storage buckets. `S…` numbers are those of the directory's specification.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum StorageCall {
    /// S1, by the lead.
    #[codec(index = 0)]
    CreateStorageBucket {
        /// Worker to invite at once.
        invite_worker: Option<WorkerId>,
        /// Whether new bags may be assigned.
        accepting_new_bags: bool,
        /// Voucher: bytes.
        size_limit: u64,
        /// Voucher: objects.
        objects_limit: u64,
    },
    /// S2, by the lead.
    #[codec(index = 1)]
    DeleteStorageBucket {
        /// Which bucket.
        bucket: StorageBucketId,
    },
    /// S3, by the lead.
    #[codec(index = 2)]
    InviteStorageBucketOperator {
        /// Which bucket.
        bucket: StorageBucketId,
        /// Who is invited.
        worker: WorkerId,
    },
    /// S4, by the lead.
    #[codec(index = 3)]
    CancelStorageBucketOperatorInvite {
        /// Which bucket.
        bucket: StorageBucketId,
    },
    /// S5, by the lead.
    #[codec(index = 4)]
    RemoveStorageBucketOperator {
        /// Which bucket.
        bucket: StorageBucketId,
    },
    /// S6, by the lead.
    #[codec(index = 5)]
    UpdateStorageBucketStatus {
        /// Which bucket.
        bucket: StorageBucketId,
        /// Whether new bags may be assigned.
        accepting_new_bags: bool,
    },
    /// S7, by the lead.
    #[codec(index = 6)]
    SetStorageBucketVoucherLimits {
        /// Which bucket.
        bucket: StorageBucketId,
        /// Bytes.
        size_limit: u64,
        /// Objects.
        objects_limit: u64,
    },
    /// S8, by the lead.
    #[codec(index = 7)]
    UpdateStorageBucketsVoucherMaxLimits {
        /// Bytes.
        size_limit: u64,
        /// Objects.
        objects_limit: u64,
    },
    /// S9, by the lead.
    #[codec(index = 8)]
    UpdateStorageBucketsPerBagLimit {
        /// Most storage buckets of a bag.
        limit: u32,
    },
    /// S10, by the lead.
    #[codec(index = 9)]
    UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy {
        /// Which policy.
        bag_type: BagType,
        /// Storage buckets of a new bag.
        number: u32,
    },
    /// S11, by the lead.
    #[codec(index = 10)]
    UpdateStorageBucketsForBag {
        /// Which bag.
        bag: BagId,
        /// Buckets to add.
        add: BTreeSet<StorageBucketId>,
        /// Buckets to remove.
        remove: BTreeSet<StorageBucketId>,
    },
    /// S12, by the lead.
    #[codec(index = 11)]
    UpdateUploadingBlockedStatus {
        /// Whether new objects are refused.
        blocked: bool,
    },
    /// S16, by the invited worker.
    #[codec(index = 12)]
    AcceptStorageBucketInvitation {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: StorageBucketId,
        /// Account that will sign acceptances and holding reports.
        transactor: AccountId,
    },
    /// S17, by the operator.
    #[codec(index = 13)]
    SetStorageOperatorMetadata {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: StorageBucketId,
        /// Protobuf message.
        metadata: Vec<u8>,
    },
    /// S18, by the transactor: the bucket holds these objects durably.
    #[codec(index = 14)]
    AcceptPendingDataObjects {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: StorageBucketId,
        /// The objects' bag.
        bag: BagId,
        /// Which objects.
        objects: BTreeSet<DataObjectId>,
    },
    /// By the transactor: the bucket holds every object of its bags that was accepted at or below
    /// `height`, except these.
    #[codec(index = 15)]
    ReportHoldings {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: StorageBucketId,
        /// Height of the newest block that the report takes into account.
        height: u64,
        /// Accepted objects that are not held (yet).
        except: BTreeSet<DataObjectId>,
    },
    /// S13, by the lead.
    #[codec(index = 16)]
    UpdateDataSizeFee {
        /// Fee per started megabyte of an upload.
        fee: Balance,
    },
    /// S14, by the lead.
    #[codec(index = 17)]
    UpdateDataObjectStateBloatBond {
        /// Bond per object declared from now on.
        bond: Balance,
    },
    /// S15, by the lead: texts of content ids. One that is in both sets changes sides.
    #[codec(index = 18)]
    UpdateBlacklist {
        /// Taken off.
        #[codec(encoded_as = "Texts")]
        remove: BTreeSet<Vec<u8>>,
        /// Put on.
        #[codec(encoded_as = "Texts")]
        add: BTreeSet<Vec<u8>>,
    },
    /// S19, by the operator.
    #[codec(index = 19)]
    StorageOperatorRemark {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: StorageBucketId,
        /// Anything.
        message: Vec<u8>,
    },
    /// By the invited worker: no, thank you.
    #[codec(index = 20)]
    DeclineStorageBucketInvitation {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: StorageBucketId,
    },
    /// By the operator: gives notice, and is let go when it has run out.
    #[codec(index = 21)]
    ResignFromStorageBucket {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: StorageBucketId,
    },
}

/// A set of texts, decoded only where enough bytes follow: a set takes much memory for each text, and
/// with very short ones a message could ask for twenty times its length.
struct Texts(BTreeSet<Vec<u8>>);

/// Bytes that must follow for each text. Content ids have 47, with their length.
const BYTES_PER_TEXT: usize = 16;

impl Decode for Texts {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let count = codec::Compact::<u32>::decode(input)?.0;
        let most = input.remaining_len()?.unwrap_or_default() / BYTES_PER_TEXT;
        if to_usize(count.into()) > most {
            return Err(Error::from("more texts than there are bytes for"));
        }
        input.descend_ref()?;
        let texts = (0..count).map(|_| Vec::decode(input)).collect::<Result<_, _>>()?;
        input.ascend_ref();
        Ok(Self(texts))
    }
}

impl From<Texts> for BTreeSet<Vec<u8>> {
    fn from(texts: Texts) -> Self {
        texts.0
    }
}

impl<'a> EncodeAsRef<'a, BTreeSet<Vec<u8>>> for Texts {
    type RefType = TextsRef<'a>;
}

/// [`Texts`] as they are encoded: as any set is.
#[derive(Encode)]
struct TextsRef<'a>(&'a BTreeSet<Vec<u8>>);

impl<'a> From<&'a BTreeSet<Vec<u8>>> for TextsRef<'a> {
    fn from(texts: &'a BTreeSet<Vec<u8>>) -> Self {
        Self(texts)
    }
}
