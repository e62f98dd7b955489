//! What a lead of the storage group does by one call.

use super::{
    args::ColossusArgs,
    bulk::{CopyBagsArgs, EmptyBucketArgs, SetReplicationArgs},
    update_bags::UpdateBagsArgs,
};
use crate::{
    complete,
    distribution::args::{DynamicBagType, OnOff},
    failure::{Failure, Outcome},
    send::Role,
};
use argosy_directory::{Call, StorageCall};
use argosy_domain::{StorageBucketId, WorkerId, WorkingGroup};
use clap_complete::ArgValueCandidates;
use std::collections::BTreeSet;

/// Commands of the lead of the storage working group: buckets, bags, limits and fees
#[derive(Debug, clap::Subcommand)]
pub(crate) enum LeaderCommand {
    /// Cancel a storage bucket operator invite. Requires storage working group leader permissions.
    #[command(after_help = "Example:\n  argosy storage leader cancel-invite -i 0")]
    CancelInvite {
        #[command(flatten)]
        bucket: BucketArg,
        #[command(flatten)]
        common: ColossusArgs,
    },
    CopyBags(CopyBagsArgs),
    /// Create new storage bucket. Requires storage working group leader permissions.
    #[command(
        after_help = "Example:\n  BUCKET=$(argosy storage leader create-bucket -a -n 1000 -s 1000000000 --yes)"
    )]
    CreateBucket {
        /// Accepts new bags
        #[arg(short, long)]
        allow: bool,
        /// Invited storage operator ID (storage WG worker ID)
        #[arg(short, long, value_name = "invited", add = ArgValueCandidates::new(complete::workers))]
        invited: Option<WorkerId>,
        /// Storage bucket max total objects number
        #[arg(short, long, value_name = "number", default_value_t = 0)]
        number: u64,
        /// Storage bucket max total objects size
        #[arg(short, long, value_name = "size", default_value_t = 0)]
        size: u64,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Delete a storage bucket. Requires storage working group leader permissions.
    #[command(after_help = "Example:\n  argosy storage leader delete-bucket -i 0")]
    DeleteBucket {
        #[command(flatten)]
        bucket: BucketArg,
        #[command(flatten)]
        common: ColossusArgs,
    },
    EmptyBucket(EmptyBucketArgs),
    /// Invite a storage bucket operator. Requires storage working group leader permissions.
    #[command(after_help = "Example:\n  argosy storage leader invite-operator -i 0 -w 3")]
    InviteOperator {
        #[command(flatten)]
        bucket: BucketArg,
        /// Storage bucket operator ID (storage group worker ID)
        #[arg(short = 'w', long = "operatorId", alias = "operator-id", value_name = "operatorId", add = ArgValueCandidates::new(complete::workers))]
        worker: WorkerId,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Remove a storage bucket operator. Requires storage working group leader permissions.
    #[command(after_help = "Example:\n  argosy storage leader remove-operator -i 0")]
    RemoveOperator {
        #[command(flatten)]
        bucket: BucketArg,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Set VoucherObjectsSizeLimit and VoucherObjectsNumberLimit for the storage bucket.
    #[command(after_help = "Example:\n  argosy storage leader set-bucket-limits -i 0 -o 1000 -s 1000000000")]
    SetBucketLimits {
        #[command(flatten)]
        bucket: BucketArg,
        /// New 'voucher object number limit' value
        #[arg(short, long, value_name = "objects")]
        objects: u64,
        /// New 'voucher object size limit' value
        #[arg(short, long, value_name = "size")]
        size: u64,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Set global uploading block. Requires storage working group leader permissions.
    #[command(after_help = "Example:\n  argosy storage leader set-global-uploading-status -s on")]
    SetGlobalUploadingStatus {
        /// Sets global uploading block (on/off).
        #[arg(short, long, value_name = "set")]
        set: OnOff,
        #[command(flatten)]
        common: ColossusArgs,
    },
    SetReplication(SetReplicationArgs),
    /// Update StorageBucketsPerBagLimit: the number of storage buckets that a bag may have at most.
    #[command(after_help = "Example:\n  argosy storage leader update-bag-limit -l 7")]
    UpdateBagLimit {
        /// New StorageBucketsPerBagLimit value
        #[arg(short, long, value_name = "limit")]
        limit: u32,
        #[command(flatten)]
        common: ColossusArgs,
    },
    UpdateBags(UpdateBagsArgs),
    /// Add/remove a content ID from the blacklist (adds by default).
    #[command(
        after_help = "Example:\n  argosy storage leader update-blacklist -a gWAtyxH64VtHsKnEN4Qz6uaJjonBZKy7iZHzUbFo1XaK2i"
    )]
    UpdateBlacklist {
        /// Content ID to add
        #[arg(short, long, value_name = "add", num_args = 1..)]
        add: Vec<String>,
        /// Content ID to remove
        #[arg(short, long, value_name = "remove", num_args = 1..)]
        remove: Vec<String>,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Update storage bucket status (accepting new bags).
    #[command(after_help = "Example:\n  argosy storage leader update-bucket-status -i 0 -s off")]
    UpdateBucketStatus {
        #[command(flatten)]
        bucket: BucketArg,
        /// Sets 'accepting new bags' parameter for the bucket (on/off).
        #[arg(short, long, value_name = "set")]
        set: OnOff,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Update data size fee. Requires storage working group leader permissions.
    #[command(after_help = "Example:\n  argosy storage leader update-data-fee -f 10000")]
    UpdateDataFee {
        /// New data size fee
        #[arg(short, long, value_name = "fee")]
        fee: u128,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Update data object bloat bond value. Requires storage working group leader permissions.
    #[command(after_help = "Example:\n  argosy storage leader update-data-object-bloat-bond -v 100")]
    UpdateDataObjectBloatBond {
        /// New data object bloat bond value
        #[arg(short, long, value_name = "value")]
        value: u128,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Update number of storage buckets used in the dynamic bag creation policy.
    #[command(after_help = "Example:\n  argosy storage leader update-dynamic-bag-policy -n 3 -t Channel")]
    UpdateDynamicBagPolicy {
        /// New storage buckets number
        #[arg(short, long, value_name = "number")]
        number: u32,
        /// Dynamic bag type (Channel, Member).
        #[arg(short = 't', long = "bagType", alias = "bag-type", value_name = "bagType")]
        kind: DynamicBagType,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Update VoucherMaxObjectsSizeLimit and VoucherMaxObjectsNumberLimit: what the voucher of a bucket may be at most.
    #[command(
        after_help = "Example:\n  argosy storage leader update-voucher-limits -o 100000 -s 1000000000000"
    )]
    UpdateVoucherLimits {
        /// New 'max voucher object number limit' value
        #[arg(short, long, value_name = "objects")]
        objects: u64,
        /// New 'max voucher object size limit' value
        #[arg(short, long, value_name = "size")]
        size: u64,
        #[command(flatten)]
        common: ColossusArgs,
    },
}

/// The bucket that a command is about.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct BucketArg {
    /// Storage bucket ID
    #[arg(short = 'i', long = "bucketId", alias = "bucket-id", value_name = "bucketId", add = ArgValueCandidates::new(complete::storage_buckets))]
    pub(super) bucket: StorageBucketId,
}

impl LeaderCommand {
    pub(super) const ROLE: Role = Role::Lead(WorkingGroup::Storage);

    /// What all of them take.
    pub(super) const fn common(&self) -> &ColossusArgs {
        match self {
            Self::CopyBags(CopyBagsArgs { bulk, .. })
            | Self::EmptyBucket(EmptyBucketArgs { bulk, .. })
            | Self::SetReplication(SetReplicationArgs { bulk, .. }) => &bulk.common,
            Self::UpdateBags(UpdateBagsArgs { common, .. })
            | Self::CancelInvite { common, .. }
            | Self::CreateBucket { common, .. }
            | Self::DeleteBucket { common, .. }
            | Self::InviteOperator { common, .. }
            | Self::RemoveOperator { common, .. }
            | Self::SetBucketLimits { common, .. }
            | Self::SetGlobalUploadingStatus { common, .. }
            | Self::UpdateBagLimit { common, .. }
            | Self::UpdateBlacklist { common, .. }
            | Self::UpdateBucketStatus { common, .. }
            | Self::UpdateDataFee { common, .. }
            | Self::UpdateDataObjectBloatBond { common, .. }
            | Self::UpdateDynamicBagPolicy { common, .. }
            | Self::UpdateVoucherLimits { common, .. } => common,
        }
    }

    /// The one call of a command that has one; nothing of those that make many.
    pub(super) fn call(&self) -> Outcome<Option<Call>> {
        let call = match self {
            Self::CopyBags(_) | Self::EmptyBucket(_) | Self::SetReplication(_) | Self::UpdateBags(_) => {
                return Ok(None);
            }
            Self::CancelInvite { bucket, .. } => {
                StorageCall::CancelStorageBucketOperatorInvite { bucket: bucket.bucket }
            }
            Self::CreateBucket { allow, invited, number, size, .. } => StorageCall::CreateStorageBucket {
                invite_worker: *invited,
                accepting_new_bags: *allow,
                size_limit: *size,
                objects_limit: *number,
            },
            Self::DeleteBucket { bucket, .. } => StorageCall::DeleteStorageBucket { bucket: bucket.bucket },
            Self::InviteOperator { bucket, worker, .. } => {
                StorageCall::InviteStorageBucketOperator { bucket: bucket.bucket, worker: *worker }
            }
            Self::RemoveOperator { bucket, .. } => {
                StorageCall::RemoveStorageBucketOperator { bucket: bucket.bucket }
            }
            Self::SetBucketLimits { bucket, objects, size, .. } => {
                StorageCall::SetStorageBucketVoucherLimits {
                    bucket: bucket.bucket,
                    size_limit: *size,
                    objects_limit: *objects,
                }
            }
            Self::SetGlobalUploadingStatus { set, .. } => {
                StorageCall::UpdateUploadingBlockedStatus { blocked: set.is_on() }
            }
            Self::UpdateBagLimit { limit, .. } => {
                StorageCall::UpdateStorageBucketsPerBagLimit { limit: *limit }
            }
            Self::UpdateBlacklist { add, remove, .. } => blacklist(add, remove)?,
            Self::UpdateBucketStatus { bucket, set, .. } => StorageCall::UpdateStorageBucketStatus {
                bucket: bucket.bucket,
                accepting_new_bags: set.is_on(),
            },
            Self::UpdateDataFee { fee, .. } => StorageCall::UpdateDataSizeFee { fee: *fee },
            Self::UpdateDataObjectBloatBond { value, .. } => {
                StorageCall::UpdateDataObjectStateBloatBond { bond: *value }
            }
            Self::UpdateDynamicBagPolicy { number, kind, .. } => {
                StorageCall::UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy {
                    bag_type: (*kind).into(),
                    number: *number,
                }
            }
            Self::UpdateVoucherLimits { objects, size, .. } => {
                StorageCall::UpdateStorageBucketsVoucherMaxLimits {
                    size_limit: *size,
                    objects_limit: *objects,
                }
            }
        };
        Ok(Some(Call::Storage(call)))
    }
}

fn blacklist(add: &[String], remove: &[String]) -> Outcome<StorageCall> {
    if add.is_empty() && remove.is_empty() {
        return Err(Failure::usage("No Content ID provided."));
    }
    let texts = |ids: &[String]| ids.iter().map(|id| id.clone().into_bytes()).collect::<BTreeSet<_>>();
    Ok(StorageCall::UpdateBlacklist { remove: texts(remove), add: texts(add) })
}
