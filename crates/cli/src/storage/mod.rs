//! `argosy storage`, in the grammar of Colossus' `storage-node`.

mod args;
mod bulk;
mod facts;
mod keys;
mod leader;
mod operator;
mod plan;
mod server;
mod update_bags;
mod util;

pub(crate) use leader::LeaderCommand;
pub(crate) use operator::OperatorCommand;

use crate::{
    failure::{Failure, Outcome},
    network::DirectoryArgs,
    nodes::{self, StartArgs},
    program::Program,
    send::{Confirm, Role, Session},
    signed,
};
use argosy_directory::{Call, Profile};
use argosy_domain::{BagId, DynamicBagId, StaticBagId};
use args::ColossusArgs;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Run a storage node, and look after storage buckets and bags
#[derive(Debug, clap::Subcommand)]
pub(crate) enum StorageCommand {
    /// Run a storage node until it is told to stop
    #[command(after_help = "Example:\n  argosy storage start --config argosy-data/storage-0/storage.yml")]
    Start(StartArgs),
    Archive(Box<server::ArchiveArgs>),
    #[command(subcommand)]
    Leader(Box<LeaderCommand>),
    #[command(subcommand)]
    Operator(Box<OperatorCommand>),
    Server(Box<server::ServerArgs>),
    #[command(subcommand)]
    Util(Box<util::UtilCommand>),
}

impl StorageCommand {
    pub(crate) fn json(&self) -> bool {
        match self {
            Self::Start(_) => false,
            Self::Archive(args) => args.common.send.json,
            Self::Leader(command) => command.common().send.json,
            Self::Operator(command) => command.common().send.json,
            Self::Server(args) => args.common.send.json,
            Self::Util(command) => command.json(),
        }
    }
}

pub(crate) async fn run(
    directory: &DirectoryArgs,
    program: Program,
    command: StorageCommand,
) -> Outcome<ExitCode> {
    match command {
        StorageCommand::Start(args) => return nodes::storage(args).await,
        StorageCommand::Leader(command) => return lead(directory, program, &command).await,
        StorageCommand::Operator(command) => {
            let call = command.call()?;
            let session = open(directory, program, command.common()).await?;
            sign(&session, command.role(), call).await?;
        }
        StorageCommand::Util(command) => return util::run(directory, program, *command).await,
        StorageCommand::Server(args) => args.refuse()?,
        StorageCommand::Archive(args) => args.refuse()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Flags are looked at first, then the directory is asked, then something is sent.
async fn lead(directory: &DirectoryArgs, program: Program, command: &LeaderCommand) -> Outcome<ExitCode> {
    if let Some(call) = command.call()? {
        let session = open(directory, program, command.common()).await?;
        sign(&session, LeaderCommand::ROLE, call).await?;
        return Ok(ExitCode::SUCCESS);
    }
    if let LeaderCommand::UpdateBags(args) = command {
        let wanted = args.wanted()?;
        let session = open(directory, program, command.common()).await?;
        update_bags::run(&session, wanted).await?;
        return Ok(ExitCode::SUCCESS);
    }
    bulk::check(command)?;
    let session = open(directory, program, command.common()).await?;
    let remaining = bulk::run(&session, command).await?;
    Ok(end(program, remaining))
}

/// Ends a command that has printed its result although something remains to be done.
fn end(program: Program, remaining: Option<Failure>) -> ExitCode {
    remaining.map_or(ExitCode::SUCCESS, |failure| {
        program.tell(&failure);
        program.exit_code(&failure)
    })
}

/// A session with the keys that the flags name. Under Colossus' name nobody is asked, as there.
async fn open(directory: &DirectoryArgs, program: Program, common: &ColossusArgs) -> Outcome<Session> {
    let ring = keys::ring(common)?;
    let confirm = Confirm::unless(common.yes || program == Program::Colossus);
    let directory = common.directory(directory);
    let session = Session::open(&directory, ring, common.send.clone(), confirm).await?;
    if common.dev && session.network.genesis.profile != Profile::Local {
        return Err(Failure::usage_as(
            "DEVELOPMENT_ONLY",
            "This command should only be run on a Development chain.",
        ));
    }
    Ok(session)
}

/// Signs and sends, and prints what is new.
async fn sign(session: &Session, role: Role, call: Call) -> Outcome<()> {
    signed::send(session, role, call).await?;
    Ok(())
}

/// A bag's id as Colossus prints it: the JSON of the chain's own type.
fn bag_json(bag: &BagId) -> Value {
    match bag {
        BagId::Static(StaticBagId::Council) => json!({"static": {"council": null}}),
        BagId::Static(StaticBagId::WorkingGroup(group)) => {
            json!({"static": {"workingGroup": format!("{group:?}")}})
        }
        BagId::Dynamic(DynamicBagId::Member(member)) => json!({"dynamic": {"member": member.0}}),
        BagId::Dynamic(DynamicBagId::Channel(channel)) => json!({"dynamic": {"channel": channel.0}}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bags_are_printed_as_the_chain_prints_them() {
        for (bag, json) in [
            ("dynamic:channel:7", r#"{"dynamic":{"channel":7}}"#),
            ("dynamic:member:0", r#"{"dynamic":{"member":0}}"#),
            ("static:council", r#"{"static":{"council":null}}"#),
            ("static:wg:operationsalpha", r#"{"static":{"workingGroup":"OperationsAlpha"}}"#),
        ] {
            assert_eq!(bag_json(&bag.parse().unwrap()).to_string(), json);
        }
    }
}
