//! Calls: what a signer can ask of the directory. Names are Joystream's.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use crate::state::OpeningKind;
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use argosy_domain::{
    AccountId, ApplicationId, BagId, BagType, ChannelId, DataObjectId, DistributionBucketId, DynamicBagId,
    FamilyId, MemberId, ObjectSize, OpeningId, ProposalId, StorageBucketId, WorkerId, WorkingGroup,
    limits::MAX_BATCH_CALLS, num::to_usize,
};
use codec::{Decode, Encode, EncodeAsRef, Error, Input};

/// Amount of money in base units.
pub type Balance = u128;

/// Any request to the directory, by the module that judges it.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Call {
    /// Members.
    #[codec(index = 0)]
    Membership(MembershipCall),
    /// Channels and their data objects.
    #[codec(index = 1)]
    Content(ContentCall),
    /// Storage buckets, by the storage group's lead and operators.
    #[codec(index = 2)]
    Storage(StorageCall),
    /// Families and distribution buckets, by the distribution group's lead and operators.
    #[codec(index = 3)]
    Distribution(DistributionCall),
    /// A working group: openings, workers, stakes and rewards.
    #[codec(index = 4)]
    Group {
        /// Which group.
        group: WorkingGroup,
        /// What is asked of it.
        call: GroupCall,
    },
    /// The council, by its keys.
    #[codec(index = 5)]
    Council(CouncilCall),
    /// Money.
    #[codec(index = 6)]
    Accounts(AccountsCall),
    /// Several calls at once, by one signer.
    #[codec(index = 7)]
    Batch(BatchCall),
}

/// Whether the calls of a batch stand and fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum BatchMode {
    /// The first call that fails undoes those before it, and the batch fails with its reason.
    #[codec(index = 0)]
    AllOrNothing,
    /// A call that fails changes nothing and those after it go on; the batch succeeds.
    #[codec(index = 1)]
    EachOnItsOwn,
}

/// Several calls at once. Each sees what those before it did.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct BatchCall {
    /// What happens when one fails.
    pub mode: BatchMode,
    /// From 1 to [`MAX_BATCH_CALLS`]; none of them a batch.
    pub calls: Vec<Call>,
}

impl Decode for BatchCall {
    // Written out so that memory follows the bytes: room only for calls that there are bytes for, and no
    // batch in a batch, of which a short message could hold very many.
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let mode = BatchMode::decode(input)?;
        let count = to_usize(codec::Compact::<u32>::decode(input)?.0.into());
        if count > MAX_BATCH_CALLS {
            return Err(Error::from("a batch has too many calls"));
        }
        let most = input.remaining_len()?.unwrap_or_default() / SHORTEST_CALL_BYTES;
        input.descend_ref()?;
        let mut calls = Vec::with_capacity(count.min(most));
        for _ in 0..count {
            calls.push(decode_single(input)?);
        }
        input.ascend_ref();
        Ok(Self { mode, calls })
    }
}

/// Bytes of a call that says nothing but its name.
const SHORTEST_CALL_BYTES: usize = 2;

/// Any call but a batch, as [`Call`] decodes it.
fn decode_single<I: Input>(input: &mut I) -> Result<Call, Error> {
    Ok(match input.read_byte()? {
        0 => Call::Membership(Decode::decode(input)?),
        1 => Call::Content(Decode::decode(input)?),
        2 => Call::Storage(Decode::decode(input)?),
        3 => Call::Distribution(Decode::decode(input)?),
        4 => Call::Group { group: Decode::decode(input)?, call: Decode::decode(input)? },
        5 => Call::Council(Decode::decode(input)?),
        6 => Call::Accounts(Decode::decode(input)?),
        _ => return Err(Error::from("a batch holds another batch, or no call")),
    })
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

/// Money.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum AccountsCall {
    /// Moves money from the signer.
    #[codec(index = 0)]
    Transfer {
        /// Who receives it.
        to: AccountId,
        /// How much.
        amount: Balance,
    },
}

/// Members.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum MembershipCall {
    /// Makes a member whose root and controller account is the signer's.
    #[codec(index = 0)]
    CreateMember {
        /// Unique name: 1 to 64 bytes of lower-case letters, digits, `-` and `_`.
        handle: String,
    },
    /// By the root account: replaces either or both accounts.
    #[codec(index = 1)]
    UpdateMemberAccounts {
        /// Which member.
        member: MemberId,
        /// The new root account.
        root: Option<AccountId>,
        /// The new controller account.
        controller: Option<AccountId>,
    },
    /// By the account itself: this member may stake what the signer has.
    #[codec(index = 2)]
    ConfirmStakingAccount {
        /// Which member.
        member: MemberId,
    },
    /// By the account itself, while nothing is staked: the consent is taken back.
    #[codec(index = 3)]
    RemoveStakingAccount,
}

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

/// Families and distribution buckets. `D…` numbers are those of the directory's specification.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum DistributionCall {
    /// D1, by the lead.
    #[codec(index = 0)]
    CreateDistributionBucketFamily,
    /// D2, by the lead; refused while the family has buckets.
    #[codec(index = 1)]
    DeleteDistributionBucketFamily {
        /// Which family.
        family: FamilyId,
    },
    /// D3, by the lead.
    #[codec(index = 2)]
    CreateDistributionBucket {
        /// Which family.
        family: FamilyId,
        /// Whether new bags may be assigned.
        accepting_new_bags: bool,
    },
    /// D4, by the lead; drops pending invitations with events.
    #[codec(index = 3)]
    DeleteDistributionBucket {
        /// Which bucket.
        bucket: DistributionBucketId,
    },
    /// D5, by the lead.
    #[codec(index = 4)]
    UpdateDistributionBucketStatus {
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Whether new bags may be assigned.
        accepting_new_bags: bool,
    },
    /// D6, by the lead.
    #[codec(index = 5)]
    UpdateDistributionBucketsForBag {
        /// Which bag.
        bag: BagId,
        /// Which family.
        family: FamilyId,
        /// Indices to add.
        add: BTreeSet<u64>,
        /// Indices to remove.
        remove: BTreeSet<u64>,
    },
    /// D7, by the lead.
    #[codec(index = 6)]
    UpdateDistributionBucketsPerBagLimit {
        /// Most distribution buckets of a bag, over all families.
        limit: u32,
    },
    /// D8, by the lead.
    #[codec(index = 7)]
    UpdateDistributionBucketMode {
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Whether it serves.
        distributing: bool,
    },
    /// D9, by the lead: replaces the policy's families.
    #[codec(index = 8)]
    UpdateFamiliesInDynamicBagCreationPolicy {
        /// Which policy.
        bag_type: BagType,
        /// Buckets of a new bag in each family; zeros are dropped.
        families: BTreeMap<FamilyId, u32>,
    },
    /// D10, by the lead.
    #[codec(index = 9)]
    InviteDistributionBucketOperator {
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Who is invited.
        worker: WorkerId,
    },
    /// D11, by the lead.
    #[codec(index = 10)]
    CancelDistributionBucketOperatorInvite {
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Whose invitation.
        worker: WorkerId,
    },
    /// D12, by the lead.
    #[codec(index = 11)]
    RemoveDistributionBucketOperator {
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Which operator.
        worker: WorkerId,
    },
    /// D14, by the invited worker.
    #[codec(index = 12)]
    AcceptDistributionBucketInvitation {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: DistributionBucketId,
    },
    /// D15, by the operator.
    #[codec(index = 13)]
    SetDistributionOperatorMetadata {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Protobuf message.
        metadata: Vec<u8>,
    },
    /// D13, by the lead.
    #[codec(index = 14)]
    SetDistributionBucketFamilyMetadata {
        /// Which family.
        family: FamilyId,
        /// Protobuf message.
        metadata: Vec<u8>,
    },
    /// D16, by the operator.
    #[codec(index = 15)]
    DistributionOperatorRemark {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: DistributionBucketId,
        /// Anything.
        message: Vec<u8>,
    },
    /// By the invited worker: no, thank you.
    #[codec(index = 16)]
    DeclineDistributionBucketInvitation {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: DistributionBucketId,
    },
    /// By the operator: gives notice, and is let go when it has run out.
    #[codec(index = 17)]
    ResignFromDistributionBucket {
        /// The worker.
        worker: WorkerId,
        /// Which bucket.
        bucket: DistributionBucketId,
    },
}

/// A working group: openings, workers, stakes and rewards.
///
/// "The manager" is the lead where a regular worker or opening is concerned, and the council where
/// the lead is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum GroupCall {
    /// By the manager. Holds the genesis' deposit back on the lead's staking account.
    #[codec(index = 0)]
    AddOpening {
        /// Who is looked for.
        kind: OpeningKind,
        /// Hash of a description.
        description: [u8; 32],
        /// Least stake of an application.
        stake: Balance,
        /// From leaving to being gone, in milliseconds.
        unstaking_period_ms: u64,
        /// Earned in each full reward period.
        reward_per_period: Option<Balance>,
    },
    /// By the manager. Applications stay until they are withdrawn.
    #[codec(index = 1)]
    CancelOpening {
        /// Which opening.
        opening: OpeningId,
    },
    /// By the member's controller account.
    #[codec(index = 2)]
    ApplyOnOpening {
        /// Which opening.
        opening: OpeningId,
        /// Who applies.
        member: MemberId,
        /// Will sign role calls.
        role_account: AccountId,
        /// Will receive rewards.
        reward_account: AccountId,
        /// Whose balance holds the stake: the member's controller or root account, or one that was
        /// confirmed for the member.
        staking_account: AccountId,
        /// At least what the opening asks for.
        stake: Balance,
        /// Hash of a description.
        description: [u8; 32],
    },
    /// By the application's role account: the stake is free again.
    #[codec(index = 3)]
    WithdrawApplication {
        /// Which application.
        application: ApplicationId,
    },
    /// By the manager: hires the applicants.
    #[codec(index = 4)]
    FillOpening {
        /// Which opening.
        opening: OpeningId,
        /// Successful applications, all for this opening.
        applications: BTreeSet<ApplicationId>,
    },
    /// By the member's controller account.
    #[codec(index = 5)]
    UpdateRoleAccount {
        /// Which worker.
        worker: WorkerId,
        /// Signs role calls from now on.
        account: AccountId,
    },
    /// By the role account.
    #[codec(index = 6)]
    UpdateRewardAccount {
        /// Which worker.
        worker: WorkerId,
        /// Receives rewards from now on.
        account: AccountId,
    },
    /// By the manager.
    #[codec(index = 7)]
    UpdateRewardAmount {
        /// Which worker.
        worker: WorkerId,
        /// Earned in each full reward period from now on.
        reward_per_period: Option<Balance>,
    },
    /// By the role account.
    #[codec(index = 8)]
    IncreaseStake {
        /// Which worker.
        worker: WorkerId,
        /// How much more.
        amount: Balance,
    },
    /// By the manager.
    #[codec(index = 9)]
    DecreaseStake {
        /// Which worker.
        worker: WorkerId,
        /// How much less.
        amount: Balance,
    },
    /// By the manager, at any time: burns up to this much of the stake.
    #[codec(index = 10)]
    SlashStake {
        /// Which worker.
        worker: WorkerId,
        /// At most this much.
        amount: Balance,
    },
    /// By the manager, unless the worker operates a bucket: gone at once.
    #[codec(index = 11)]
    TerminateRole {
        /// Which worker.
        worker: WorkerId,
        /// Burns up to this much of the stake.
        slash: Option<Balance>,
    },
    /// By the role account, unless the worker operates a bucket: gone after the unstaking period.
    #[codec(index = 12)]
    LeaveRole {
        /// Which worker.
        worker: WorkerId,
    },
    /// By anybody: gives money to the group.
    #[codec(index = 13)]
    FundBudget {
        /// How much.
        amount: Balance,
    },
    /// By the lead.
    #[codec(index = 14)]
    SpendFromBudget {
        /// Who receives it.
        to: AccountId,
        /// How much.
        amount: Balance,
    },
    /// By the lead: hash of a text on the state of the group.
    #[codec(index = 15)]
    SetStatusText {
        /// None for no text.
        hash: Option<[u8; 32]>,
    },
    /// By the lead.
    #[codec(index = 16)]
    LeadRemark {
        /// Anything.
        message: Vec<u8>,
    },
    /// By the role account.
    #[codec(index = 17)]
    WorkerRemark {
        /// Which worker.
        worker: WorkerId,
        /// Anything.
        message: Vec<u8>,
    },
}

/// The council, by its keys.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CouncilCall {
    /// Proposes an action and approves it. With a threshold of one it is carried out at once.
    #[codec(index = 0)]
    Propose {
        /// What is to be done.
        action: CouncilAction,
    },
    /// Approves. The approval that reaches the threshold carries the action out, and fails with its
    /// reason if that is not possible now.
    #[codec(index = 1)]
    Approve {
        /// Which proposal.
        proposal: ProposalId,
    },
    /// Takes an approval back. A proposal that nobody approves is gone.
    #[codec(index = 2)]
    Withdraw {
        /// Which proposal.
        proposal: ProposalId,
    },
}

/// What the council may do.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum CouncilAction {
    /// Acts as the manager of a group's lead.
    #[codec(index = 0)]
    Group {
        /// Which group.
        group: WorkingGroup,
        /// What is asked of it.
        call: GroupCall,
    },
    /// Issues money into a group's budget.
    #[codec(index = 1)]
    FundGroup {
        /// Which group.
        group: WorkingGroup,
        /// How much.
        amount: Balance,
    },
    /// Sets a group's budget, issuing or burning the difference.
    #[codec(index = 2)]
    SetGroupBudget {
        /// Which group.
        group: WorkingGroup,
        /// What it has afterwards.
        amount: Balance,
    },
    /// Issues money to an account.
    #[codec(index = 3)]
    Grant {
        /// Who receives it.
        to: AccountId,
        /// How much.
        amount: Balance,
        /// Whether it is for fees and bonds only.
        locked: bool,
    },
    /// Tells which version of a program nodes must run.
    #[codec(index = 4)]
    PublishRelease {
        /// Name of the program: 1 to 64 bytes.
        program: String,
        /// Its version: 1 to 64 bytes.
        version: String,
        /// Block time from which nodes are judged by it, in milliseconds.
        run_by_ms: u64,
    },
    /// Changes a parameter of the genesis that is meant to change.
    #[codec(index = 5)]
    SetParameter {
        /// Which one, and to what.
        parameter: Parameter,
    },
    /// Replaces the keys. Open proposals lose the approvals of keys that go.
    #[codec(index = 6)]
    ReplaceKeys {
        /// All keys from now on.
        keys: BTreeSet<AccountId>,
        /// Approvals that carry a proposal out, from 1 to the number of keys.
        threshold: u32,
    },
    /// Names who acts for the council's static bag.
    #[codec(index = 7)]
    SetSecretary {
        /// None for nobody.
        account: Option<AccountId>,
    },
}

/// A parameter that the council may change, with its new value. See [`crate::Params`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[expect(missing_docs, reason = "named as the fields of the parameters, whose docs say what they are")]
pub enum Parameter {
    #[codec(index = 0)]
    TransactionFee(Balance),
    #[codec(index = 1)]
    TransactionByteFee(Balance),
    #[codec(index = 2)]
    TransactionWeightFee(Balance),
    #[codec(index = 3)]
    MaxDataObjectSize(u64),
    #[codec(index = 4)]
    MaxDistributionBucketFamilies(u64),
    #[codec(index = 5)]
    BlacklistSizeLimit(u64),
    #[codec(index = 6)]
    MaxStorageBucketsPerWorker(u32),
    #[codec(index = 7)]
    MaxAssetsPerSet(u32),
    #[codec(index = 8)]
    MaxWorkersPerGroup(u32),
    #[codec(index = 9)]
    RewardPeriodMs(u64),
    #[codec(index = 10)]
    MinUnstakingPeriodMs(u64),
    #[codec(index = 11)]
    MinApplicationStake(Balance),
    #[codec(index = 12)]
    OpeningDeposit(Balance),
    #[codec(index = 13)]
    ResignationNoticeMs(u64),
    #[codec(index = 14)]
    ProposalLifeMs(u64),
}
