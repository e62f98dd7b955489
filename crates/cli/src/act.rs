//! The commands that sign calls of members, groups and the council.

use crate::{
    call::{self, CallArgs},
    channels::{self, AssetSetCommand, BagCommand, ChannelCommand, ObjectCommand},
    council::{self, CouncilCommand, ReleaseCommand},
    failure::Outcome,
    groups::{self, GroupCommand},
    members::{self, AccountCommand, MemberCommand},
    network::DirectoryArgs,
};
use std::process::ExitCode;

/// Everything that is signed, but for what leads and operators do with buckets.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ActCommand {
    #[command(subcommand)]
    Group(GroupCommand),
    #[command(subcommand)]
    Council(CouncilCommand),
    #[command(subcommand, alias = "release")]
    Releases(ReleaseCommand),
    #[command(subcommand)]
    Member(MemberCommand),
    #[command(subcommand)]
    Account(AccountCommand),
    #[command(subcommand)]
    Channel(ChannelCommand),
    #[command(subcommand)]
    Bag(BagCommand),
    #[command(subcommand)]
    Object(ObjectCommand),
    #[command(subcommand)]
    AssetSet(AssetSetCommand),
    Call(CallArgs),
}

impl ActCommand {
    /// Whether standard output is for scripts.
    pub(crate) const fn json(&self) -> bool {
        match self {
            Self::Group(command) => command.json(),
            Self::Council(command) => command.json(),
            Self::Releases(command) => command.json(),
            Self::Member(command) => command.json(),
            Self::Account(command) => command.json(),
            Self::Channel(command) => command.json(),
            Self::Bag(command) => command.json(),
            Self::Object(command) => command.json(),
            Self::AssetSet(command) => command.json(),
            Self::Call(args) => args.json(),
        }
    }
}

pub(crate) async fn run(directory: &DirectoryArgs, command: ActCommand) -> Outcome<ExitCode> {
    match command {
        ActCommand::Group(command) => groups::run(directory, command).await,
        ActCommand::Council(command) => council::run(directory, command).await,
        ActCommand::Releases(command) => council::releases(directory, command).await,
        ActCommand::Member(command) => members::run(directory, command).await,
        ActCommand::Account(command) => members::account(directory, command).await,
        ActCommand::Channel(command) => channels::channel(directory, command).await,
        ActCommand::Bag(command) => channels::bag(directory, command).await,
        ActCommand::Object(command) => channels::object(directory, command).await,
        ActCommand::AssetSet(command) => channels::asset_set(directory, command).await,
        ActCommand::Call(args) => call::run(directory, args).await,
    }
}
