//! `argosy distribution`, in the grammar of Argus' `joystream-distributor`.

pub(crate) mod args;
mod leader;
mod operator;
pub(crate) mod setup;

pub(crate) use leader::LeaderCommand;
pub(crate) use operator::OperatorCommand;

use crate::{
    failure::Outcome,
    network::DirectoryArgs,
    nodes::{self, StartArgs},
    screen,
    send::{Confirm, Role, SendArgs, Session, options},
};
use argosy_directory::Call;
use serde_json::{Value, json};
use std::{env, path::PathBuf, process::ExitCode};

/// Run a distributor, and look after families, buckets and bags
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DistributionCommand {
    /// Run a distributor until it is told to stop
    #[command(
        after_help = "Example:\n  argosy distribution start --config argosy-data/distributor-0/config.yml"
    )]
    Start(StartArgs),
    #[command(subcommand)]
    Leader(LeaderCommand),
    #[command(subcommand)]
    Operator(OperatorCommand),
}

/// What every command takes that signs something.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ArgusArgs {
    /// Path to config JSON/YAML file (relative to current working directory)
    #[arg(
        short,
        long = "configPath",
        visible_alias = "config",
        value_name = "configPath",
        env = "CONFIG_PATH",
        default_value = "./config.yml",
        hide_env = true
    )]
    config: PathBuf,
    /// Answer "yes" to any prompt, skipping any manual confirmations
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

/// A new thing: what its number is called in JSON, and the number.
pub(crate) struct Made(&'static str, u64);

impl DistributionCommand {
    pub(crate) const fn json(&self) -> bool {
        match self {
            Self::Start(_) => false,
            Self::Leader(command) => command.common().send.json,
            Self::Operator(command) => command.common().send.json,
        }
    }
}

pub(crate) async fn run(directory: &DirectoryArgs, command: DistributionCommand) -> Outcome<ExitCode> {
    match command {
        DistributionCommand::Start(args) => nodes::distribution(args).await,
        DistributionCommand::Leader(command) => {
            sign(directory, command.common(), LeaderCommand::ROLE, command.call()?).await
        }
        DistributionCommand::Operator(command) => {
            sign(directory, command.common(), command.role(), command.call()?).await
        }
    }
}

/// Signs and sends, and prints what is new.
async fn sign(directory: &DirectoryArgs, common: &ArgusArgs, role: Role, call: Call) -> Outcome<ExitCode> {
    let setup = setup::read(&common.config, &common.send)?;
    let yes = common.yes || options::auto_confirm(env::var("AUTO_CONFIRM").ok().as_deref());
    let directory = directory.or(setup.directory);
    let mut session =
        Session::open(&directory, setup.ring, common.send.clone(), Confirm::unless(yes)).await?;
    let Some(done) = session.send(role, call).await? else { return Ok(ExitCode::SUCCESS) };
    let made = LeaderCommand::made(&done.events);
    if session.json() {
        let result = made.map_or(Value::Null, |Made(name, number)| json!({name: number.to_string()}));
        screen::json(&done.json(result));
    } else if let Some(Made(_, number)) = made {
        screen::say(&number.to_string());
    }
    Ok(ExitCode::SUCCESS)
}
