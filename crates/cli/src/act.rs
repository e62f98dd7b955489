//! The commands that sign calls of members, groups and the council.

use crate::{
    call::{self, CallArgs},
    channels::{self, AssetSetCommand, BagCommand, ChannelCommand, ObjectCommand},
    council::{self, CouncilCommand, ReleaseCommand},
    failure::Outcome,
    groups::{self, GroupCommand},
    members::{self, AccountCommand, MemberCommand},
    network::DirectoryArgs,
    send::{self, ResumeArgs},
};
use std::process::ExitCode;

/// What is signed about things that are not listed by a noun of their own.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum ActCommand {
    #[command(subcommand)]
    Account(AccountCommand),
    #[command(subcommand)]
    AssetSet(AssetSetCommand),
    Call(CallArgs),
}

/// What is done to transactions.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TxCommand {
    Resume(ResumeArgs),
}

/// What is done to the things that nouns list and show.
#[derive(Debug)]
pub(crate) enum NounAct {
    Bag(BagCommand),
    Channel(ChannelCommand),
    Council(CouncilCommand),
    Group(GroupCommand),
    Member(MemberCommand),
    Object(ObjectCommand),
    Release(ReleaseCommand),
    /// With whether standard output is for scripts.
    Tx(TxCommand, bool),
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

pub(crate) async fn run_noun(directory: &DirectoryArgs, act: NounAct) -> Outcome<ExitCode> {
    match act {
        NounAct::Bag(command) => channels::bag(directory, command).await,
        NounAct::Channel(command) => channels::channel(directory, command).await,
        NounAct::Council(command) => council::run(directory, command).await,
        NounAct::Group(command) => groups::run(directory, command).await,
        NounAct::Member(command) => members::run(directory, command).await,
        NounAct::Object(command) => channels::object(directory, command).await,
        NounAct::Release(command) => council::releases(directory, command).await,
        NounAct::Tx(TxCommand::Resume(args), json) => send::resume(directory, args, json).await,
    }
}
