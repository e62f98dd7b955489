//! Reasons for which the directory turns a transaction down.

use argosy_domain::metadata::MetadataError;
use codec::{Decode, Encode, Error, Input, Output};

/// Declares the enum, its numbers and its codes from one list, so that they cannot drift apart.
macro_rules! rejects {
    ($($name:ident = $number:literal, $code:literal, $text:literal;)*) => {
        /// Why a transaction was turned down. Numbers are public: never changed, never used again.
        ///
        /// 1xx envelope, 2xx authority, 3xx limits, 4xx missing, 5xx wrong state. Names are
        /// Joystream's where Joystream has one. Encoded as its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
        #[expect(missing_docs, reason = "the error texts say what each one means")]
        pub enum Reject {
            $(#[error($text)] $name,)*
        }

        impl Reject {
            /// Every reason, by ascending number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The public number.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(Self::$name => $number,)* }
            }

            /// The public name, `STORAGE_BUCKET_DOESNT_EXIST` say.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The reason with this number, if there is one.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }
        }
    };
}

rejects! {
    UnsupportedVersion = 101, "UNSUPPORTED_VERSION", "the transaction's format version is not supported";
    WrongNetwork = 102, "WRONG_NETWORK", "the transaction was signed for another network";
    Expired = 103, "EXPIRED", "the transaction's last valid time has passed";
    ValidTooLong = 104, "VALID_TOO_LONG", "the transaction's last valid time is too far in the future";
    NonceStale = 105, "NONCE_STALE", "the account has used this nonce already";
    NonceFuture = 106, "NONCE_FUTURE", "the account has not yet used the nonce before this one";
    BadSignature = 107, "BAD_SIGNATURE", "the signature is not the signer's over this transaction";
    CannotPayFee = 108, "CANNOT_PAY_FEE", "the signer cannot pay the transaction's fee";

    CurrentLeadNotSet = 201, "CURRENT_LEAD_NOT_SET", "the working group has no lead";
    IsNotLeadAccount = 202, "IS_NOT_LEAD_ACCOUNT", "the signer is not the lead of the working group";
    SignerIsNotWorkerRoleAccount = 203, "SIGNER_IS_NOT_WORKER_ROLE_ACCOUNT", "the signer is not the worker's role account";
    InvalidTransactorAccount = 204, "INVALID_TRANSACTOR_ACCOUNT", "the signer is not the bucket's transactor account";
    MemberAuthFailed = 205, "MEMBER_AUTH_FAILED", "the signer is not the member's controller account, or its root account where that is asked for";
    ActorNotAuthorized = 206, "ACTOR_NOT_AUTHORIZED", "the signer does not own the channel or bag";
    BadOrigin = 207, "BAD_ORIGIN", "the call is for the council where the lead is concerned, and for the lead where it is not";
    NotCouncilKey = 208, "NOT_COUNCIL_KEY", "the signer is not a key of the council";
    OriginIsNotApplicant = 209, "ORIGIN_IS_NOT_APPLICANT", "the signer is not the application's role account";

    VoucherMaxObjectSizeLimitExceeded = 301, "VOUCHER_MAX_OBJECT_SIZE_LIMIT_EXCEEDED", "the voucher's size limit is above the allowed maximum";
    VoucherMaxObjectNumberLimitExceeded = 302, "VOUCHER_MAX_OBJECT_NUMBER_LIMIT_EXCEEDED", "the voucher's objects limit is above the allowed maximum";
    StorageBucketObjectNumberLimitReached = 303, "STORAGE_BUCKET_OBJECT_NUMBER_LIMIT_REACHED", "a storage bucket's voucher has no room for so many objects";
    StorageBucketObjectSizeLimitReached = 304, "STORAGE_BUCKET_OBJECT_SIZE_LIMIT_REACHED", "a storage bucket's voucher has no room for so many bytes";
    StorageBucketsPerBagLimitTooLow = 305, "STORAGE_BUCKETS_PER_BAG_LIMIT_TOO_LOW", "the limit of storage buckets per bag is too low";
    StorageBucketsPerBagLimitTooHigh = 306, "STORAGE_BUCKETS_PER_BAG_LIMIT_TOO_HIGH", "the limit of storage buckets per bag is too high";
    StorageBucketPerBagLimitExceeded = 307, "STORAGE_BUCKET_PER_BAG_LIMIT_EXCEEDED", "the bag would have too many storage buckets";
    NumberOfStorageBucketsOutsideOfAllowedConstraints = 308, "NUMBER_OF_STORAGE_BUCKETS_OUTSIDE_OF_ALLOWED_CONSTRAINTS", "the policy's number of storage buckets is outside of what is allowed";
    DistributionBucketsPerBagLimitTooLow = 309, "DISTRIBUTION_BUCKETS_PER_BAG_LIMIT_TOO_LOW", "the limit of distribution buckets per bag is too low";
    DistributionBucketsPerBagLimitTooHigh = 310, "DISTRIBUTION_BUCKETS_PER_BAG_LIMIT_TOO_HIGH", "the limit of distribution buckets per bag is too high";
    MaxDistributionBucketNumberPerBagLimitExceeded = 311, "MAX_DISTRIBUTION_BUCKET_NUMBER_PER_BAG_LIMIT_EXCEEDED", "the bag would have too many distribution buckets";
    NumberOfDistributionBucketsOutsideOfAllowedConstraints = 312, "NUMBER_OF_DISTRIBUTION_BUCKETS_OUTSIDE_OF_ALLOWED_CONSTRAINTS", "the policy's number of distribution buckets is outside of what is allowed";
    MaxDistributionBucketFamilyNumberLimitExceeded = 313, "MAX_DISTRIBUTION_BUCKET_FAMILY_NUMBER_LIMIT_EXCEEDED", "there are as many distribution bucket families as are allowed";
    MaxNumberOfPendingInvitationsLimitForDistributionBucketReached = 314, "MAX_NUMBER_OF_PENDING_INVITATIONS_LIMIT_FOR_DISTRIBUTION_BUCKET_REACHED", "the distribution bucket has as many pending invitations as are allowed";
    MaxNumberOfOperatorsPerDistributionBucketReached = 315, "MAX_NUMBER_OF_OPERATORS_PER_DISTRIBUTION_BUCKET_REACHED", "the distribution bucket has as many operators as are allowed";
    MaxDataObjectSizeExceeded = 316, "MAX_DATA_OBJECT_SIZE_EXCEEDED", "a data object is larger than is allowed";
    ArithmeticError = 317, "ARITHMETIC_ERROR", "a sum of sizes or counts would overflow";
    TooManyObjects = 318, "TOO_MANY_OBJECTS", "the call names more data objects than one call may";
    TooManyHoldingExceptions = 319, "TOO_MANY_HOLDING_EXCEPTIONS", "the holding report has too many exceptions";
    WorkerStorageBucketLimitReached = 320, "WORKER_STORAGE_BUCKET_LIMIT_REACHED", "the worker operates, or is invited to, as many storage buckets as are allowed";
    NotEnoughStorageBuckets = 321, "NOT_ENOUGH_STORAGE_BUCKETS", "fewer storage buckets than the policy wants accept new bags, have an active operator and have room";
    MetadataTooLarge = 322, "METADATA_TOO_LARGE", "the metadata is larger than is allowed";
    TooManyCalls = 323, "TOO_MANY_CALLS", "the batch has more calls than are allowed";
    BlacklistSizeLimitExceeded = 324, "BLACKLIST_SIZE_LIMIT_EXCEEDED", "the blacklist would have more content ids than are allowed";
    TooManyAssets = 325, "TOO_MANY_ASSETS", "the asset set would have more data objects than are allowed";
    TooManyCollaborators = 326, "TOO_MANY_COLLABORATORS", "the channel would have more collaborators than are allowed";
    RemarkTooLong = 327, "REMARK_TOO_LONG", "the remark is longer than is allowed";
    MaxActiveWorkerNumberExceeded = 328, "MAX_ACTIVE_WORKER_NUMBER_EXCEEDED", "the working group would have more workers than are allowed";
    BelowMinimumStakes = 329, "BELOW_MINIMUM_STAKES", "the opening's stake is below what is allowed";
    UnstakingPeriodLessThanMinimum = 330, "UNSTAKING_PERIOD_LESS_THAN_MINIMUM", "the opening's unstaking period is shorter than is allowed";
    ApplicationStakeDoesntMatchOpening = 331, "APPLICATION_STAKE_DOESNT_MATCH_OPENING", "the application's stake is below what the opening asks for";
    InsufficientBalance = 332, "INSUFFICIENT_BALANCE", "the account does not have that much money to spend";
    InsufficientBalanceToCoverStake = 333, "INSUFFICIENT_BALANCE_TO_COVER_STAKE", "the staking account does not have that much money to stake";
    InsufficientBudgetForSpending = 334, "INSUFFICIENT_BUDGET_FOR_SPENDING", "the working group's budget is smaller than that";
    StakeDecreaseTooHigh = 335, "STAKE_DECREASE_TOO_HIGH", "the stake is not larger than the decrease";
    TooManyProposals = 336, "TOO_MANY_PROPOSALS", "the council, or this key alone, has as many open proposals as are allowed";

    StorageBucketDoesntExist = 401, "STORAGE_BUCKET_DOESNT_EXIST", "no storage bucket has this id";
    DistributionBucketFamilyDoesntExist = 402, "DISTRIBUTION_BUCKET_FAMILY_DOESNT_EXIST", "no distribution bucket family has this id";
    DistributionBucketDoesntExist = 403, "DISTRIBUTION_BUCKET_DOESNT_EXIST", "no distribution bucket has this id";
    DynamicBagDoesntExist = 404, "DYNAMIC_BAG_DOESNT_EXIST", "no dynamic bag has this id";
    DataObjectDoesntExist = 405, "DATA_OBJECT_DOESNT_EXIST", "the bag has no data object with this id";
    ChannelDoesNotExist = 406, "CHANNEL_DOES_NOT_EXIST", "no channel has this id";
    MemberProfileNotFound = 407, "MEMBER_PROFILE_NOT_FOUND", "no member has this id";
    WorkerDoesNotExist = 408, "WORKER_DOES_NOT_EXIST", "the working group has no worker with this id";
    StorageProviderOperatorDoesntExist = 409, "STORAGE_PROVIDER_OPERATOR_DOESNT_EXIST", "the invited worker is not in the storage working group";
    DistributionProviderOperatorDoesntExist = 410, "DISTRIBUTION_PROVIDER_OPERATOR_DOESNT_EXIST", "the invited worker is not in the distribution working group";
    NoStorageBucketInvitation = 411, "NO_STORAGE_BUCKET_INVITATION", "the storage bucket has no pending invitation";
    NoDistributionBucketInvitation = 412, "NO_DISTRIBUTION_BUCKET_INVITATION", "the worker has no pending invitation to the distribution bucket";
    StorageProviderMustBeSet = 413, "STORAGE_PROVIDER_MUST_BE_SET", "the storage bucket has no operator";
    NoObjectsOnUpload = 414, "NO_OBJECTS_ON_UPLOAD", "the upload names no data objects";
    DataObjectIdParamsAreEmpty = 415, "DATA_OBJECT_ID_PARAMS_ARE_EMPTY", "the acceptance names no data objects";
    DataObjectIdCollectionIsEmpty = 416, "DATA_OBJECT_ID_COLLECTION_IS_EMPTY", "the call names no data objects";
    StorageBucketIdCollectionsAreEmpty = 417, "STORAGE_BUCKET_ID_COLLECTIONS_ARE_EMPTY", "the call names no storage buckets";
    DistributionBucketIdCollectionsAreEmpty = 418, "DISTRIBUTION_BUCKET_ID_COLLECTIONS_ARE_EMPTY", "the call names no distribution buckets";
    ZeroObjectSize = 419, "ZERO_OBJECT_SIZE", "a data object has no bytes";
    EmptyContentId = 420, "EMPTY_CONTENT_ID", "a content id is empty";
    EmptyBatch = 421, "EMPTY_BATCH", "the batch has no calls";
    WorkingGroupDoesntExist = 422, "WORKING_GROUP_DOESNT_EXIST", "the directory does not run this working group";
    OpeningDoesNotExist = 423, "OPENING_DOES_NOT_EXIST", "the working group has no opening with this id";
    WorkerApplicationDoesNotExist = 424, "WORKER_APPLICATION_DOES_NOT_EXIST", "the working group has no application with this id";
    SuccessfulWorkerApplicationDoesNotExist = 425, "SUCCESSFUL_WORKER_APPLICATION_DOES_NOT_EXIST", "one of the successful applications does not exist";
    NoApplicationsProvided = 426, "NO_APPLICATIONS_PROVIDED", "the call names no applications";
    ProposalDoesntExist = 427, "PROPOSAL_DOESNT_EXIST", "the council has no open proposal with this id";
    AssetSetDoesntExist = 428, "ASSET_SET_DOESNT_EXIST", "the bag has no asset set with this name";
    CannotRewardWithZero = 429, "CANNOT_REWARD_WITH_ZERO", "a reward is more than zero, or none";
    StakeBalanceCannotBeZero = 430, "STAKE_BALANCE_CANNOT_BE_ZERO", "the amount of stake is zero";
    CannotFundZero = 431, "CANNOT_FUND_ZERO", "the amount to fund is zero";
    CannotSpendZero = 432, "CANNOT_SPEND_ZERO", "the amount to spend is zero";

    CannotDeleteNonEmptyStorageBucket = 501, "CANNOT_DELETE_NON_EMPTY_STORAGE_BUCKET", "the storage bucket has data objects";
    StorageBucketIsBoundToBag = 502, "STORAGE_BUCKET_IS_BOUND_TO_BAG", "the storage bucket is assigned to the bag, or to some bag";
    StorageBucketIsNotBoundToBag = 503, "STORAGE_BUCKET_IS_NOT_BOUND_TO_BAG", "the storage bucket is not assigned to the bag";
    StorageBucketDoesntAcceptNewBags = 504, "STORAGE_BUCKET_DOESNT_ACCEPT_NEW_BAGS", "the storage bucket does not accept new bags";
    StorageProviderAlreadySet = 505, "STORAGE_PROVIDER_ALREADY_SET", "the storage bucket has an operator";
    InvitedStorageProvider = 506, "INVITED_STORAGE_PROVIDER", "the storage bucket has a pending invitation";
    DifferentStorageProviderInvited = 507, "DIFFERENT_STORAGE_PROVIDER_INVITED", "another worker is invited to the storage bucket";
    InvalidStorageProvider = 508, "INVALID_STORAGE_PROVIDER", "the worker is not the operator of the storage bucket";
    DistributionBucketIsBoundToBag = 509, "DISTRIBUTION_BUCKET_IS_BOUND_TO_BAG", "the distribution bucket is assigned to the bag, or to some bag";
    DistributionBucketIsNotBoundToBag = 510, "DISTRIBUTION_BUCKET_IS_NOT_BOUND_TO_BAG", "the distribution bucket is not assigned to the bag";
    DistributionBucketDoesntAcceptNewBags = 511, "DISTRIBUTION_BUCKET_DOESNT_ACCEPT_NEW_BAGS", "the distribution bucket does not accept new bags";
    DistributionProviderOperatorSet = 512, "DISTRIBUTION_PROVIDER_OPERATOR_SET", "the distribution bucket has an operator, or this one";
    DistributionProviderOperatorAlreadyInvited = 513, "DISTRIBUTION_PROVIDER_OPERATOR_ALREADY_INVITED", "the worker is invited to the distribution bucket already";
    MustBeDistributionProviderOperatorForBucket = 514, "MUST_BE_DISTRIBUTION_PROVIDER_OPERATOR_FOR_BUCKET", "the worker is not an operator of the distribution bucket";
    DistributionFamilyBoundToBagCreationPolicy = 515, "DISTRIBUTION_FAMILY_BOUND_TO_BAG_CREATION_POLICY", "a bag creation policy names the distribution bucket family";
    DistributionFamilyHasBuckets = 516, "DISTRIBUTION_FAMILY_HAS_BUCKETS", "the distribution bucket family has buckets";
    StorageBucketsNumberViolatesDynamicBagCreationPolicy = 517, "STORAGE_BUCKETS_NUMBER_VIOLATES_DYNAMIC_BAG_CREATION_POLICY", "the bag creation policy wants another number of storage buckets";
    DistributionBucketsViolatesDynamicBagCreationPolicy = 518, "DISTRIBUTION_BUCKETS_VIOLATES_DYNAMIC_BAG_CREATION_POLICY", "the bag creation policy wants other numbers of distribution buckets";
    UploadingBlocked = 519, "UPLOADING_BLOCKED", "new data objects are refused for now";
    DataSizeFeeChanged = 520, "DATA_SIZE_FEE_CHANGED", "the fee per megabyte is not the one that the signer was quoted";
    DataObjectStateBloatBondChanged = 521, "DATA_OBJECT_STATE_BLOAT_BOND_CHANGED", "the bond per data object is not the one that the signer was quoted";
    InvalidCidLength = 522, "INVALID_CID_LENGTH", "a content id does not have 46 characters";
    ContentIdNotBlake3 = 523, "CONTENT_ID_NOT_BLAKE3", "a content id is not the base58 text of a BLAKE3 multihash";
    HandleAlreadyRegistered = 524, "HANDLE_ALREADY_REGISTERED", "another member has this handle";
    InvalidHandle = 525, "INVALID_HANDLE", "a handle has 1 to 64 characters out of a-z, 0-9, - and _";
    HoldingsFromFuture = 526, "HOLDINGS_FROM_FUTURE", "the holding report is for a height that has not been reached";
    MetadataUndecodable = 527, "METADATA_UNDECODABLE", "the metadata is not the expected protobuf message";
    InvalidEndpoint = 528, "INVALID_ENDPOINT", "the metadata's endpoint or latency test target is not an http or https URL or a host";
    InvalidLocation = 529, "INVALID_LOCATION", "the metadata's country or subdivision code, or coordinates, are not valid";
    NestedBatch = 530, "NESTED_BATCH", "a batch holds another batch";
    DataObjectBlacklisted = 531, "DATA_OBJECT_BLACKLISTED", "the content id of a data object is on the blacklist";
    SourceAndDestinationBagsAreEqual = 532, "SOURCE_AND_DESTINATION_BAGS_ARE_EQUAL", "the data objects are in that bag already";
    DynamicBagExists = 533, "DYNAMIC_BAG_EXISTS", "the bag exists already";
    DataObjectIsInAssetSet = 534, "DATA_OBJECT_IS_IN_ASSET_SET", "a data object belongs to an asset set, and goes only with or by that";
    AssetSetExists = 535, "ASSET_SET_EXISTS", "the bag has an asset set with this name already";
    InvalidAssetSetName = 536, "INVALID_ASSET_SET_NAME", "the name of an asset set has 1 to 64 characters out of a-z, 0-9, dot, - and _";
    AssetsToRemoveBeyondEntityAssetsSet = 537, "ASSETS_TO_REMOVE_BEYOND_ENTITY_ASSETS_SET", "a data object to remove is not in the asset set";
    WorkerIsLeaving = 538, "WORKER_IS_LEAVING", "the worker is leaving";
    WorkerOperatesBucket = 539, "WORKER_OPERATES_BUCKET", "the worker operates a bucket, and must be removed from it first";
    WorkerHasNoReward = 540, "WORKER_HAS_NO_REWARD", "the worker has no reward";
    InvalidStakingAccountForMember = 541, "INVALID_STAKING_ACCOUNT_FOR_MEMBER", "the staking account is not one of the member, nor confirmed for it";
    ConflictStakesOnAccount = 542, "CONFLICT_STAKES_ON_ACCOUNT", "the staking account has a stake already";
    StakingAccountAlreadyConfirmed = 543, "STAKING_ACCOUNT_ALREADY_CONFIRMED", "the staking account is confirmed for a member already";
    ApplicationsNotForOpening = 544, "APPLICATIONS_NOT_FOR_OPENING", "one of the applications is for another opening";
    CannotHireLeaderWhenLeaderExists = 545, "CANNOT_HIRE_LEADER_WHEN_LEADER_EXISTS", "the working group has a lead already";
    CannotHireMultipleLeaders = 546, "CANNOT_HIRE_MULTIPLE_LEADERS", "a working group has one lead only";
    ProposalAlreadyApproved = 547, "PROPOSAL_ALREADY_APPROVED", "the key approves the proposal already";
    ProposalNotApproved = 548, "PROPOSAL_NOT_APPROVED", "the key does not approve the proposal";
    InvalidThreshold = 549, "INVALID_THRESHOLD", "the threshold is not from one to the number of keys, or there are too many keys";
    InvalidParameter = 550, "INVALID_PARAMETER", "the parameter cannot have this value";
    InvalidRelease = 551, "INVALID_RELEASE", "the name or version of a release is not 1 to 64 visible characters";
    AlreadyResigned = 552, "ALREADY_RESIGNED", "the operator has given notice already";
}

impl Encode for Reject {
    fn size_hint(&self) -> usize {
        2
    }

    fn encode_to<T: Output + ?Sized>(&self, dest: &mut T) {
        self.number().encode_to(dest);
    }
}

impl Decode for Reject {
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        Self::from_number(u16::decode(input)?).ok_or_else(|| Error::from("no reject has this number"))
    }
}

impl From<MetadataError> for Reject {
    fn from(error: MetadataError) -> Self {
        match error {
            MetadataError::TooLarge => Self::MetadataTooLarge,
            MetadataError::Undecodable => Self::MetadataUndecodable,
            MetadataError::Endpoint => Self::InvalidEndpoint,
            MetadataError::Location => Self::InvalidLocation,
        }
    }
}
