//! What a lead of the distribution group does.

use super::{
    ArgusArgs,
    args::{BucketArg, DynamicBagType, FamilyArg, FamilyCount, InvitedArg, OnOff, YesNo, bag_id},
};
use crate::{complete, failure::Outcome, files, send::Role};
use argosy_api::metadata;
use argosy_directory::{Call, DistributionCall};
use argosy_domain::{BagId, FamilyId, WorkerId, WorkingGroup};
use clap_complete::ArgValueCandidates;
use std::path::PathBuf;

/// Commands for performing Distribution Working Group leader on-chain duties (like setting distribution module limits and parameters, assigning bags and buckets etc.)
#[derive(Debug, clap::Subcommand)]
pub(crate) enum LeaderCommand {
    /// Cancel pending distribution bucket operator invitation.
    ///
    /// Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution leader cancel-invitation -B 0:1 -w 5 -y"
    )]
    CancelInvitation {
        #[command(flatten)]
        bucket: BucketArg,
        #[command(flatten)]
        worker: InvitedArg,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Create new distribution bucket. Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  INDEX=$(argosy distribution leader create-bucket -a yes -f 0 -y)"
    )]
    CreateBucket {
        /// Whether the created bucket should accept new bags
        #[arg(
            short,
            long = "acceptingBags",
            alias = "accepting-bags",
            value_name = "acceptingBags",
            default_value = "no"
        )]
        accepting_bags: YesNo,
        #[command(flatten)]
        family: FamilyArg,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Create new distribution bucket family. Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  FAMILY=$(argosy distribution leader create-bucket-family -y)"
    )]
    CreateBucketFamily {
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Delete distribution bucket. The bucket must have no operators. Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution leader delete-bucket -B 0:0 -y"
    )]
    DeleteBucket {
        #[command(flatten)]
        bucket: BucketArg,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Delete distribution bucket family. Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution leader delete-bucket-family -f 0 -y"
    )]
    DeleteBucketFamily {
        #[command(flatten)]
        family: FamilyArg,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Invite distribution bucket operator (distribution group worker).
    ///
    /// The specified bucket must not have any operator currently.
    /// Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution leader invite-bucket-operator -B 0:1 -w 0 -y"
    )]
    InviteBucketOperator {
        #[command(flatten)]
        bucket: BucketArg,
        /// ID of the distribution group worker to invite as bucket operator
        #[arg(short, long = "workerId", alias = "worker-id", value_name = "workerId", add = ArgValueCandidates::new(complete::workers))]
        worker: WorkerId,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Remove distribution bucket operator (distribution group worker).
    ///
    /// Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution leader remove-bucket-operator -B 0:1 -w 0 -y"
    )]
    RemoveBucketOperator {
        #[command(flatten)]
        bucket: BucketArg,
        /// ID of the operator (distribution working group worker) to remove from the bucket
        #[arg(short, long = "workerId", alias = "worker-id", value_name = "workerId", add = ArgValueCandidates::new(complete::workers))]
        worker: WorkerId,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Set/update distribution bucket family metadata.
    ///
    /// Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution leader set-bucket-family-metadata -f 0 -i metadata.json -y"
    )]
    SetBucketFamilyMetadata {
        #[command(flatten)]
        family: FamilyArg,
        /// Path to JSON metadata file
        #[arg(short, long, value_name = "input")]
        input: PathBuf,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Set max. distribution buckets per bag limit. Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution leader set-buckets-per-bag-limit -l 2"
    )]
    SetBucketsPerBagLimit {
        /// New limit value
        #[arg(short, long, value_name = "limit")]
        limit: u32,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Add/remove distribution buckets from a bag.
    #[command(
        verbatim_doc_comment,
        after_help = "Examples:\n  argosy distribution leader update-bag -a 1 -b dynamic:channel:111 -f 0 -y\n  argosy distribution leader update-bag -r 1 -b dynamic:channel:111 -f 0 -y"
    )]
    UpdateBag {
        /// Index(es) (within the family) of bucket(s) to add to the bag
        #[arg(short, long, value_name = "add", num_args = 1..)]
        add: Vec<u64>,
        /// Bag ID. Format: {bag_type}:{sub_type}:{id}.
        ///     - Bag types: 'static', 'dynamic'
        ///     - Sub types: 'static:council', 'static:wg', 'dynamic:member', 'dynamic:channel'
        ///     - Id:
        ///       - absent for 'static:council'
        ///       - working group name for 'static:wg'
        ///       - integer for 'dynamic:member' and 'dynamic:channel'
        ///     Examples:
        ///     - static:council
        ///     - static:wg:storage
        ///     - dynamic:member:4
        #[arg(short, long = "bagId", alias = "bag-id", value_name = "bagId", value_parser = bag_id, verbatim_doc_comment, add = ArgValueCandidates::new(complete::bags))]
        bag: BagId,
        /// ID of the distribution bucket family
        #[arg(short, long = "familyId", alias = "family-id", value_name = "familyId", add = ArgValueCandidates::new(complete::families))]
        family: FamilyId,
        /// Index(es) (within the family) of bucket(s) to remove from the bag
        #[arg(short, long, value_name = "remove", num_args = 1..)]
        remove: Vec<u64>,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Update distribution bucket mode ("distributing" flag). Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution leader update-bucket-mode -B 1:1 -d on"
    )]
    UpdateBucketMode {
        #[command(flatten)]
        bucket: BucketArg,
        /// Whether the bucket should be "on" (distributing) or "off" (not distributing)
        #[arg(short = 'd', long, value_name = "mode")]
        mode: OnOff,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Update distribution bucket status ("acceptingNewBags" flag). Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution leader update-bucket-status -B 1:1 -a no -y"
    )]
    UpdateBucketStatus {
        #[command(flatten)]
        bucket: BucketArg,
        /// Whether the bucket should accept new bags
        #[arg(short, long = "acceptingBags", alias = "accepting-bags", value_name = "acceptingBags")]
        accepting_bags: YesNo,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Update dynamic bag creation policy (number of buckets by family that should store given dynamic bag type).
    ///
    /// Requires distribution working group leader permissions.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution leader update-dynamic-bag-policy -t Channel -p 1:5 2:10 3:5"
    )]
    UpdateDynamicBagPolicy {
        /// Key-value pair of {familyId}:{numberOfBuckets}
        #[arg(short, long, value_name = "policy", num_args = 1..)]
        policy: Vec<FamilyCount>,
        /// Dynamic bag type
        #[arg(short = 't', long = "type", value_name = "type")]
        kind: DynamicBagType,
        #[command(flatten)]
        common: ArgusArgs,
    },
}

impl LeaderCommand {
    pub(super) const ROLE: Role = Role::Lead(WorkingGroup::Distribution);

    /// What all of them take.
    pub(crate) const fn common(&self) -> &ArgusArgs {
        match self {
            Self::CancelInvitation { common, .. }
            | Self::CreateBucket { common, .. }
            | Self::CreateBucketFamily { common }
            | Self::DeleteBucket { common, .. }
            | Self::DeleteBucketFamily { common, .. }
            | Self::InviteBucketOperator { common, .. }
            | Self::RemoveBucketOperator { common, .. }
            | Self::SetBucketFamilyMetadata { common, .. }
            | Self::SetBucketsPerBagLimit { common, .. }
            | Self::UpdateBag { common, .. }
            | Self::UpdateBucketMode { common, .. }
            | Self::UpdateBucketStatus { common, .. }
            | Self::UpdateDynamicBagPolicy { common, .. } => common,
        }
    }

    /// What the lead signs.
    pub(super) fn call(&self) -> Outcome<Call> {
        let call = match self {
            Self::CancelInvitation { bucket, worker, .. } => {
                DistributionCall::CancelDistributionBucketOperatorInvite {
                    bucket: bucket.id,
                    worker: worker.worker_id,
                }
            }
            Self::CreateBucket { accepting_bags, family, .. } => DistributionCall::CreateDistributionBucket {
                family: family.family_id,
                accepting_new_bags: accepting_bags.is_yes(),
            },
            Self::CreateBucketFamily { .. } => DistributionCall::CreateDistributionBucketFamily,
            Self::DeleteBucket { bucket, .. } => {
                DistributionCall::DeleteDistributionBucket { bucket: bucket.id }
            }
            Self::DeleteBucketFamily { family, .. } => {
                DistributionCall::DeleteDistributionBucketFamily { family: family.family_id }
            }
            Self::InviteBucketOperator { bucket, worker, .. } => {
                DistributionCall::InviteDistributionBucketOperator { bucket: bucket.id, worker: *worker }
            }
            Self::RemoveBucketOperator { bucket, worker, .. } => {
                DistributionCall::RemoveDistributionBucketOperator { bucket: bucket.id, worker: *worker }
            }
            Self::SetBucketFamilyMetadata { family, input, .. } => {
                let message = files::metadata(input, metadata::encode_family)?;
                DistributionCall::SetDistributionBucketFamilyMetadata {
                    family: family.family_id,
                    metadata: message,
                }
            }
            Self::SetBucketsPerBagLimit { limit, .. } => {
                DistributionCall::UpdateDistributionBucketsPerBagLimit { limit: *limit }
            }
            Self::UpdateBag { add, bag, family, remove, .. } => {
                DistributionCall::UpdateDistributionBucketsForBag {
                    bag: *bag,
                    family: *family,
                    add: add.iter().copied().collect(),
                    remove: remove.iter().copied().collect(),
                }
            }
            Self::UpdateBucketMode { bucket, mode, .. } => DistributionCall::UpdateDistributionBucketMode {
                bucket: bucket.id,
                distributing: mode.is_on(),
            },
            Self::UpdateBucketStatus { bucket, accepting_bags, .. } => {
                DistributionCall::UpdateDistributionBucketStatus {
                    bucket: bucket.id,
                    accepting_new_bags: accepting_bags.is_yes(),
                }
            }
            Self::UpdateDynamicBagPolicy { policy, kind, .. } => {
                DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy {
                    bag_type: (*kind).into(),
                    families: policy.iter().map(|FamilyCount(family, count)| (*family, *count)).collect(),
                }
            }
        };
        Ok(Call::Distribution(call))
    }
}
