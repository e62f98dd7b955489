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

    CurrentLeadNotSet = 201, "CURRENT_LEAD_NOT_SET", "the working group has no lead";
    IsNotLeadAccount = 202, "IS_NOT_LEAD_ACCOUNT", "the signer is not the lead of the working group";
    SignerIsNotWorkerRoleAccount = 203, "SIGNER_IS_NOT_WORKER_ROLE_ACCOUNT", "the signer is not the worker's role account";
    InvalidTransactorAccount = 204, "INVALID_TRANSACTOR_ACCOUNT", "the signer is not the bucket's transactor account";
    MemberAuthFailed = 205, "MEMBER_AUTH_FAILED", "the signer is not the member's account";
    ActorNotAuthorized = 206, "ACTOR_NOT_AUTHORIZED", "the signer does not own the channel or bag";

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
    InvalidEndpoint = 528, "INVALID_ENDPOINT", "the metadata's endpoint is not an http or https URL of a node";
    InvalidLocation = 529, "INVALID_LOCATION", "the metadata's country code or coordinates are not valid";
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
