//! What an operator of a distribution bucket does.

use super::{
    ArgusArgs,
    args::{BucketArg, InvitedArg, OperatorArg},
};
use crate::{failure::Outcome, files, send::Role};
use argosy_api::metadata;
use argosy_directory::{Call, DistributionCall};
use argosy_domain::{WorkingGroup, metadata::encode_operator_metadata};
use std::path::PathBuf;

/// Commands for performing node operator (Distribution Working Group worker) on-chain duties (like accepting bucket invitations, setting node metadata)
#[derive(Debug, clap::Subcommand)]
pub(crate) enum OperatorCommand {
    /// Accept pending distribution bucket operator invitation.
    ///
    /// Requires the invited distribution group worker role key
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution operator accept-invitation -B 0:1 -w 0 -y"
    )]
    AcceptInvitation {
        #[command(flatten)]
        bucket: BucketArg,
        #[command(flatten)]
        worker: InvitedArg,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Set/update distribution bucket operator metadata.
    ///
    /// Requires active distribution bucket operator worker role key.
    #[command(
        verbatim_doc_comment,
        after_help = "Examples:\n  argosy distribution operator set-metadata -B 0:1 -w 0 -i metadata.json\n  argosy distribution operator set-metadata -B 0:1 -w 0 -e https://node.example/"
    )]
    SetMetadata {
        #[command(flatten)]
        bucket: BucketArg,
        /// Root distribution node endpoint
        #[arg(short, long, value_name = "endpoint", conflicts_with = "input")]
        endpoint: Option<String>,
        /// Path to JSON metadata file
        #[arg(short, long, value_name = "input")]
        input: Option<PathBuf>,
        #[command(flatten)]
        worker: OperatorArg,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Decline pending distribution bucket operator invitation.
    ///
    /// Requires the invited distribution group worker role key
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution operator decline-invitation -B 0:1 -w 0 -y"
    )]
    DeclineInvitation {
        #[command(flatten)]
        bucket: BucketArg,
        #[command(flatten)]
        worker: InvitedArg,
        #[command(flatten)]
        common: ArgusArgs,
    },
    /// Resign from a distribution bucket, with the notice that the network demands.
    ///
    /// Requires active distribution bucket operator worker role key.
    #[command(
        verbatim_doc_comment,
        after_help = "Example:\n  argosy distribution operator resign -B 0:1 -w 0"
    )]
    Resign {
        #[command(flatten)]
        bucket: BucketArg,
        #[command(flatten)]
        worker: OperatorArg,
        #[command(flatten)]
        common: ArgusArgs,
    },
}

impl OperatorCommand {
    /// What all of them take.
    pub(crate) const fn common(&self) -> &ArgusArgs {
        match self {
            Self::AcceptInvitation { common, .. }
            | Self::SetMetadata { common, .. }
            | Self::DeclineInvitation { common, .. }
            | Self::Resign { common, .. } => common,
        }
    }

    /// Who signs.
    pub(super) const fn role(&self) -> Role {
        let worker = match self {
            Self::AcceptInvitation { worker, .. } | Self::DeclineInvitation { worker, .. } => {
                worker.worker_id
            }
            Self::SetMetadata { worker, .. } | Self::Resign { worker, .. } => worker.worker_id,
        };
        Role::Worker(WorkingGroup::Distribution, worker)
    }

    /// What the operator signs.
    pub(super) fn call(&self) -> Outcome<Call> {
        let call = match self {
            Self::AcceptInvitation { bucket, worker, .. } => {
                DistributionCall::AcceptDistributionBucketInvitation {
                    worker: worker.worker_id,
                    bucket: bucket.id,
                }
            }
            Self::SetMetadata { bucket, endpoint, input, worker, .. } => {
                let message = match (endpoint, input) {
                    (Some(endpoint), _) => encode_operator_metadata(endpoint),
                    (None, Some(input)) => files::metadata(input, metadata::encode_operator)?,
                    (None, None) => Vec::new(),
                };
                DistributionCall::SetDistributionOperatorMetadata {
                    worker: worker.worker_id,
                    bucket: bucket.id,
                    metadata: message,
                }
            }
            Self::DeclineInvitation { bucket, worker, .. } => {
                DistributionCall::DeclineDistributionBucketInvitation {
                    worker: worker.worker_id,
                    bucket: bucket.id,
                }
            }
            Self::Resign { bucket, worker, .. } => {
                DistributionCall::ResignFromDistributionBucket { worker: worker.worker_id, bucket: bucket.id }
            }
        };
        Ok(Call::Distribution(call))
    }
}
