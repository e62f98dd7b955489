//! `argosy distribution`, in the grammar of Argus' `joystream-distributor`.

mod adopt;
pub(crate) mod args;
mod leader;
mod node;
mod operator;
mod order;
pub(crate) mod setup;

pub(crate) use leader::LeaderCommand;
pub(crate) use operator::OperatorCommand;

use crate::{
    failure::Outcome,
    network::DirectoryArgs,
    nodes,
    program::Program,
    screen,
    send::{Confirm, Role, SendArgs, Session, options},
    signed,
};
use argosy_directory::Call;
use std::{env, path::PathBuf, process::ExitCode};

/// Run a distributor, and look after families, buckets and bags
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DistributionCommand {
    /// Run a distributor until it is told to stop
    #[command(
        after_help = "Example:\n  argosy distribution start --config argosy-data/distributor-0/config.yml"
    )]
    Start(StartArgs),
    Adopt(adopt::AdoptArgs),
    #[command(subcommand)]
    Leader(LeaderCommand),
    #[command(subcommand)]
    Operator(OperatorCommand),
    Node(NodeTopic),
}

/// Where the configuration is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ConfigArg {
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
}

/// Which distributor to run.
#[derive(Debug, clap::Args)]
pub(crate) struct StartArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Taken, and of no effect: nothing is asked
    #[arg(short, long, hide = true)]
    yes: bool,
}

/// Commands for interacting with a running distributor node through operator api.
#[derive(Debug, clap::Args)]
pub(crate) struct NodeTopic {
    /// Path to config JSON/YAML file (relative to current working directory), for the secret
    #[arg(
        short,
        long = "configPath",
        visible_alias = "config",
        value_name = "configPath",
        env = "CONFIG_PATH",
        default_value = "./config.yml",
        hide_env = true,
        global = true
    )]
    config: PathBuf,
    /// Taken, and of no effect: nothing is asked
    #[arg(short, long, global = true, hide = true)]
    yes: bool,
    #[command(subcommand)]
    command: node::NodeCommand,
}

/// What every command takes that signs something.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ArgusArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Answer "yes" to any prompt, skipping any manual confirmations
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    pub(crate) send: SendArgs,
}

impl DistributionCommand {
    pub(crate) const fn json(&self) -> bool {
        match self {
            Self::Start(_) | Self::Node(_) => false,
            Self::Adopt(args) => args.json,
            Self::Leader(command) => command.common().send.json,
            Self::Operator(command) => command.common().send.json,
        }
    }
}

pub(crate) async fn run(
    directory: &DirectoryArgs,
    program: Program,
    command: DistributionCommand,
) -> Outcome<ExitCode> {
    match command {
        DistributionCommand::Start(args) => {
            let announce = |port| {
                // Scripts that start Argus wait for this line.
                if program == Program::Argus {
                    screen::say(&format!("Express server started listening on port {port}"));
                }
            };
            nodes::distribution(&args.config.config, announce).await
        }
        DistributionCommand::Adopt(args) => adopt::run(args).await,
        DistributionCommand::Leader(command) => {
            sign(directory, command.common(), LeaderCommand::ROLE, command.call()?).await
        }
        DistributionCommand::Operator(command) => {
            sign(directory, command.common(), command.role(), command.call()?).await
        }
        DistributionCommand::Node(NodeTopic { config, command, .. }) => {
            let config = Some(config.as_path()).filter(|path| path.exists());
            node::run(config, command).await
        }
    }
}

/// Signs and sends, and prints what is new.
async fn sign(directory: &DirectoryArgs, common: &ArgusArgs, role: Role, call: Call) -> Outcome<ExitCode> {
    let setup = setup::read(&common.config.config, &common.send)?;
    let yes = common.yes || options::auto_confirm(env::var("AUTO_CONFIRM").ok().as_deref());
    let directory = directory.or(setup.directory);
    let session = Session::open(&directory, setup.ring, common.send.clone(), Confirm::unless(yes)).await?;
    signed::send(&session, role, call).await?;
    Ok(ExitCode::SUCCESS)
}
