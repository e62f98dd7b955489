//! What an operator of a storage bucket does.

use super::{args::ColossusArgs, leader::BucketArg};
use crate::{complete, failure::Outcome, files, send::Role};
use argosy_api::metadata;
use argosy_directory::{Call, StorageCall};
use argosy_domain::{AccountId, WorkerId, WorkingGroup, metadata::encode_operator_metadata};
use clap_complete::ArgValueCandidates;
use std::path::PathBuf;

/// Commands of an operator, who is a worker of the storage working group: invitations and metadata
#[derive(Debug, clap::Subcommand)]
pub(crate) enum OperatorCommand {
    /// Accept pending storage bucket invitation.
    #[command(
        after_help = "Example:\n  argosy storage operator accept-invitation -i 0 -w 3 -t 5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    )]
    AcceptInvitation {
        #[command(flatten)]
        bucket: BucketArg,
        /// Transactor account ID (public key)
        #[arg(short, long = "transactorAccountId", alias = "transactor-account-id", value_name = "transactorAccountId", value_parser = account)]
        transactor: AccountId,
        #[command(flatten)]
        worker: WorkerArg,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Set metadata for the storage bucket.
    #[command(
        after_help = "Examples:\n  argosy storage operator set-metadata -i 0 -w 3 -e https://storage.example/\n  argosy storage operator set-metadata -i 0 -w 3 -j metadata.json"
    )]
    SetMetadata {
        /// Root storage node endpoint
        #[arg(short, long, value_name = "endpoint", conflicts_with = "json_file")]
        endpoint: Option<String>,
        #[command(flatten)]
        bucket: BucketArg,
        /// Path to JSON metadata file
        #[arg(short, long = "jsonFile", alias = "json-file", value_name = "jsonFile")]
        json_file: Option<PathBuf>,
        #[command(flatten)]
        worker: WorkerArg,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Decline pending storage bucket invitation.
    #[command(after_help = "Example:\n  argosy storage operator decline-invitation -i 0 -w 3")]
    DeclineInvitation {
        #[command(flatten)]
        bucket: BucketArg,
        #[command(flatten)]
        worker: WorkerArg,
        #[command(flatten)]
        common: ColossusArgs,
    },
    /// Resign from a storage bucket, with the notice that the network demands.
    #[command(after_help = "Example:\n  argosy storage operator resign -i 0 -w 3")]
    Resign {
        #[command(flatten)]
        bucket: BucketArg,
        #[command(flatten)]
        worker: WorkerArg,
        #[command(flatten)]
        common: ColossusArgs,
    },
}

/// The worker who signs.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct WorkerArg {
    /// Storage operator worker ID
    #[arg(short = 'w', long = "workerId", alias = "worker-id", value_name = "workerId", add = ArgValueCandidates::new(complete::workers))]
    worker: WorkerId,
}

fn account(text: &str) -> Result<AccountId, String> {
    text.parse().map_err(|error| format!("Invalid transactorAccountId {text}: {error}"))
}

impl OperatorCommand {
    /// What all of them take.
    pub(super) const fn common(&self) -> &ColossusArgs {
        match self {
            Self::AcceptInvitation { common, .. }
            | Self::SetMetadata { common, .. }
            | Self::DeclineInvitation { common, .. }
            | Self::Resign { common, .. } => common,
        }
    }

    /// Who signs.
    pub(super) const fn role(&self) -> Role {
        let (Self::AcceptInvitation { worker, .. }
        | Self::SetMetadata { worker, .. }
        | Self::DeclineInvitation { worker, .. }
        | Self::Resign { worker, .. }) = self;
        Role::Worker(WorkingGroup::Storage, worker.worker)
    }

    /// What the operator signs.
    pub(super) fn call(&self) -> Outcome<Call> {
        let call = match self {
            Self::AcceptInvitation { bucket, transactor, worker, .. } => {
                StorageCall::AcceptStorageBucketInvitation {
                    worker: worker.worker,
                    bucket: bucket.bucket,
                    transactor: *transactor,
                }
            }
            Self::SetMetadata { endpoint, bucket, json_file, worker, .. } => {
                let message = match (endpoint, json_file) {
                    (Some(endpoint), _) => encode_operator_metadata(endpoint),
                    (None, Some(path)) => files::metadata(path, metadata::encode_operator)?,
                    (None, None) => Vec::new(),
                };
                StorageCall::SetStorageOperatorMetadata {
                    worker: worker.worker,
                    bucket: bucket.bucket,
                    metadata: message,
                }
            }
            Self::DeclineInvitation { bucket, worker, .. } => {
                StorageCall::DeclineStorageBucketInvitation { worker: worker.worker, bucket: bucket.bucket }
            }
            Self::Resign { bucket, worker, .. } => {
                StorageCall::ResignFromStorageBucket { worker: worker.worker, bucket: bucket.bucket }
            }
        };
        Ok(Call::Storage(call))
    }
}
