//! Calls about channels, bags and data objects, by their owners.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use super::Balance;
use alloc::{collections::BTreeSet, string::String, vec::Vec};
use argosy_domain::{
    BagId, ChannelId, DataObjectId, DistributionBucketId, DynamicBagId, MemberId, ObjectSize, StorageBucketId,
};
use codec::{Decode, Encode};

/// One data object to be declared.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ObjectCreation {
    /// Bytes, from 1 to the largest object size.
    pub size: ObjectSize,
    /// Text of the content id: exactly 46 bytes.
    pub ipfs_content_id: Vec<u8>,
}

/// Objects to be declared, and the prices that the signer was quoted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct ObjectsUpload {
    /// In the order in which ids will be handed out.
    pub object_creation_list: Vec<ObjectCreation>,
    /// Must equal the present fee per megabyte.
    pub expected_data_size_fee: Balance,
    /// Must equal the present bond per object.
    pub expected_data_object_state_bloat_bond: Balance,
}

/// Channels and their data objects; the signer is the owner's controller account.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum ContentCall {
    /// Makes a channel and its bag `dynamic:channel:<id>`.
    ///
    /// Buckets left out are chosen by the directory, by policy and the block's randomness.
    #[codec(index = 0)]
    CreateChannel {
        /// The member who will own it.
        owner: MemberId,
        /// First objects; may be empty.
        upload: ObjectsUpload,
        /// Explicit storage buckets, checked against the policy.
        storage_buckets: Option<BTreeSet<StorageBucketId>>,
        /// Explicit distribution buckets, checked against the policy.
        distribution_buckets: Option<BTreeSet<DistributionBucketId>>,
    },
    /// Deletes a channel, its bag and all objects in it.
    #[codec(index = 1)]
    DeleteChannel {
        /// The channel.
        channel: ChannelId,
    },
    /// Declares objects in a bag.
    #[codec(index = 2)]
    UploadDataObjects {
        /// The bag, owned by the signer.
        bag: BagId,
        /// What is declared.
        upload: ObjectsUpload,
    },
    /// Deletes objects from a bag.
    #[codec(index = 3)]
    DeleteDataObjects {
        /// The bag, owned by the signer.
        bag: BagId,
        /// Which objects.
        objects: BTreeSet<DataObjectId>,
    },
    /// I4: declares and deletes in one, so that room is judged by what remains. Both may be empty.
    #[codec(index = 4)]
    UploadAndDeleteDataObjects {
        /// The bag, owned by the signer.
        bag: BagId,
        /// What is declared.
        upload: ObjectsUpload,
        /// Which objects are deleted.
        remove: BTreeSet<DataObjectId>,
    },
    /// I5: moves objects into another bag; both are owned by the signer.
    #[codec(index = 5)]
    MoveDataObjects {
        /// Where they are.
        source: BagId,
        /// Where they shall be.
        destination: BagId,
        /// Which objects.
        objects: BTreeSet<DataObjectId>,
    },
    /// By the bag's owner: whether nodes serve it to everybody.
    #[codec(index = 6)]
    SetBagPrivacy {
        /// The bag, owned by the signer.
        bag: BagId,
        /// Whether signed URLs or role keys are asked for.
        private: bool,
    },
    /// By the owner: who else may declare and delete objects. Replaces the set.
    #[codec(index = 7)]
    UpdateChannelCollaborators {
        /// The channel.
        channel: ChannelId,
        /// All of them from now on.
        collaborators: BTreeSet<MemberId>,
    },
    /// Makes the bag `dynamic:member:<id>`, as a channel's is made.
    #[codec(index = 8)]
    CreateMemberBag {
        /// The member, whose controller signs.
        member: MemberId,
        /// First objects; may be empty.
        upload: ObjectsUpload,
        /// Explicit storage buckets, checked against the policy.
        storage_buckets: Option<BTreeSet<StorageBucketId>>,
        /// Explicit distribution buckets, checked against the policy.
        distribution_buckets: Option<BTreeSet<DistributionBucketId>>,
    },
    /// Deletes a member's bag and all objects in it.
    #[codec(index = 9)]
    DeleteMemberBag {
        /// The member, whose controller signs.
        member: MemberId,
    },
    /// Declares objects as a set with a name: a video, an avatar.
    #[codec(index = 10)]
    CreateAssetSet {
        /// A dynamic bag, owned by the signer.
        bag: DynamicBagId,
        /// Unique in the bag: 1 to 64 bytes of lower-case letters, digits, `-`, `_` and `.`.
        name: String,
        /// What is declared; not empty.
        upload: ObjectsUpload,
    },
    /// Declares further objects in a set and deletes some of it, in one.
    #[codec(index = 11)]
    UpdateAssetSet {
        /// A dynamic bag, owned by the signer.
        bag: DynamicBagId,
        /// Name of the set.
        name: String,
        /// What is declared; may be empty.
        upload: ObjectsUpload,
        /// Which objects of the set are deleted; may be empty.
        remove: BTreeSet<DataObjectId>,
    },
    /// Deletes a set and all its objects.
    #[codec(index = 12)]
    DeleteAssetSet {
        /// A dynamic bag, owned by the signer.
        bag: DynamicBagId,
        /// Name of the set.
        name: String,
    },
}
