//! What is signed, where there is nothing of the kind to look at.

use crate::{
    call::{self, CallArgs},
    channels::{self, AssetSetCommand},
    failure::Outcome,
    members::{self, AccountCommand},
    network::DirectoryArgs,
};
use std::process::ExitCode;

/// Nouns that are only signed for. Others are in [`crate::look::LookCommand`].
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ActCommand {
    #[command(subcommand)]
    Account(AccountCommand),
    #[command(subcommand)]
    AssetSet(AssetSetCommand),
    Call(CallArgs),
}

impl ActCommand {
    /// Whether standard output is for scripts.
    pub(crate) const fn json(&self) -> bool {
        match self {
            Self::Account(command) => command.json(),
            Self::AssetSet(command) => command.json(),
            Self::Call(args) => args.json(),
        }
    }
}

pub(crate) async fn run(directory: &DirectoryArgs, command: ActCommand) -> Outcome<ExitCode> {
    match command {
        ActCommand::Account(command) => members::account(directory, command).await,
        ActCommand::AssetSet(command) => channels::asset_set(directory, command).await,
        ActCommand::Call(args) => call::run(directory, args).await,
    }
}
