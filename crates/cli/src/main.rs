//! `argosy`: a network in one command, each node alone, and what users do with it.

mod act;
mod calendar;
mod call;
mod channels;
mod complete;
mod config;
mod council;
mod distribution;
#[cfg(test)]
mod documented;
mod failure;
mod files;
mod follow;
mod get;
mod groups;
mod handover;
mod init;
mod keys;
mod leads;
mod ledger;
mod look;
mod manual;
mod members;
mod network;
mod nodes;
mod oclif;
mod program;
mod put;
mod rm;
mod screen;
mod send;
mod signed;
mod status;
mod storage;
mod text;
mod up;
mod values;

use argosy_ledger::allocator;
use clap::{CommandFactory as _, Parser, Subcommand, error::ErrorKind};
use failure::{Failure, Outcome};
use network::DirectoryArgs;
use program::Program;
use std::{env, ffi::OsString, num::NonZeroUsize, process::ExitCode, thread::available_parallelism};

/// Arenas of a distributor's memory on a machine with one core.
const MIN_ARENAS: usize = 2;

/// Keeps and delivers a community's media: a directory, storage nodes and distributors.
#[derive(Debug, Parser)]
#[command(name = "argosy", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 refused (the code is printed), 2 wrong usage, 3 no answer from a node."
)]
struct Cli {
    #[command(flatten)]
    directory: DirectoryArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::UpArgs),
    Put(put::PutArgs),
    Get(get::GetArgs),
    Rm(rm::RmArgs),
    Status(status::StatusArgs),
    #[command(flatten)]
    Look(look::LookCommand),
    Completion(complete::CompletionArgs),
    Man(manual::ManArgs),
    #[command(subcommand)]
    Leads(leads::LeadsCommand),
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    #[command(subcommand)]
    Directory(nodes::DirectoryCommand),
    #[command(subcommand)]
    Storage(storage::StorageCommand),
    #[command(subcommand)]
    Distribution(distribution::DistributionCommand),
    #[command(flatten)]
    Act(act::ActCommand),
    #[command(subcommand)]
    Config(config::ConfigCommand),
}

impl Command {
    /// Whether standard output is for scripts.
    fn json(&self) -> bool {
        match self {
            Self::Up(args) => args.json,
            Self::Put(args) => args.json,
            Self::Rm(args) => args.json,
            Self::Status(args) => args.json,
            Self::Look(command) => command.json(),
            Self::Leads(command) => command.json(),
            Self::Keys(command) => command.json(),
            Self::Directory(command) => command.json(),
            Self::Config(command) => command.json(),
            Self::Distribution(command) => command.json(),
            Self::Act(command) => command.json(),
            Self::Storage(command) => command.json(),
            Self::Get(_) | Self::Completion(_) | Self::Man(_) => false,
        }
    }
}

fn main() -> ExitCode {
    if let Some(code) = complete::answer(Cli::command) {
        return code;
    }
    let given: Vec<OsString> = env::args_os().collect();
    let program = Program::named(given.first());
    if program != Program::Argosy && given.get(1).is_some_and(|word| word == "--version") {
        oclif::print_version(program);
        return ExitCode::SUCCESS;
    }
    let arguments = program.arguments(given);
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) if program == Program::Argosy => return wrong_usage(&error),
        Err(error) => return oclif::answer(program, &Cli::command(), &arguments, &error),
    };
    let json = cli.command.json();
    if let Some(tunables) = tunables(&cli.command) {
        // Only a matter of speed and of memory: it goes on as well without.
        let _ = allocator::ask(&tunables);
    }
    match run(program, cli) {
        Ok(code) => code,
        Err(failure) => {
            if json {
                screen::json(&failure.body());
            }
            program.tell(&failure);
            program.exit_code(&failure)
        }
    }
}

/// What a command asks of its allocator.
fn tunables(command: &Command) -> Option<String> {
    if matches!(command, Command::Directory(_)) {
        return Some(allocator::HUGE_PAGES.to_owned());
    }
    // Some 60 threads write and sync, which would have gaps in eight arenas for each core.
    let distributes = matches!(command, Command::Distribution(distribution::DistributionCommand::Start(_)));
    (distributes && env::var_os("MALLOC_ARENA_MAX").is_none()).then(|| {
        let cores = available_parallelism().map_or(MIN_ARENAS, NonZeroUsize::get);
        allocator::arenas(cores.max(MIN_ARENAS))
    })
}

fn run(program: Program, cli: Cli) -> Outcome<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::refused("NO_THREADS", format!("cannot start threads: {error}")))?;
    let directory = cli.directory;
    let result = runtime.block_on(async move {
        match cli.command {
            Command::Up(args) => up::run(args).await,
            Command::Put(args) => put::run(&directory, args).await,
            Command::Get(args) => get::run(&directory, args).await,
            Command::Rm(args) => rm::run(&directory, args).await,
            Command::Status(args) => status::run(&directory, args).await,
            Command::Look(command) => look::run(&directory, command).await,
            Command::Completion(args) => complete::run(&args, &Cli::command()),
            Command::Man(args) => manual::run(&args, Cli::command()),
            Command::Leads(command) => leads::run(&directory, command).await,
            Command::Keys(command) => keys::run(&directory, command).await,
            Command::Directory(command) => nodes::directory(command).await,
            Command::Storage(command) => storage::run(&directory, program, command).await,
            Command::Distribution(command) => distribution::run(&directory, program, command).await,
            Command::Act(command) => act::run(&directory, command).await,
            Command::Config(command) => config::run(command),
        }
    });
    // A blocking read of a slow disk must not hold up the end of the program.
    runtime.shutdown_background();
    result
}

/// Help goes out as clap writes it; anything else is one line.
fn wrong_usage(error: &clap::Error) -> ExitCode {
    let kind = error.kind();
    let help_was_wanted = matches!(kind, ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if help_was_wanted || kind == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
    } else {
        screen::failed(&usage_line(&error.to_string()));
    }
    if help_was_wanted { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

/// The first paragraph of clap's message in one line, and its tips.
fn usage_line(message: &str) -> String {
    let plain = message.trim_start_matches("error: ");
    let mut parts = plain.split("\n\n").map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let mut line = parts.next().unwrap_or_default();
    for part in parts {
        if part.starts_with("tip: ") || part.starts_with("[possible values") {
            line.push_str("; ");
            line.push_str(&part);
        }
    }
    text::line(&line) + "; see --help"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command) {
            if command.has_subcommands() {
                command.get_subcommands().for_each(check);
            } else {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example"), "{} has no example", command.get_name());
            }
        }
        check(&Cli::command());
    }

    #[test]
    fn wrong_usage_is_one_line() {
        for arguments in [
            &["argosy", "get", "no-number"][..],
            &["argosy", "put"],
            &["argosy", "put", "file", "--key", "Mallory"],
            &["argosy", "pu"],
            &["argosy", "up", "--storage", "0"],
            &["argosy", "put", "file", "--wait", "never"],
            &["argosy", "leads", "log", "--group", "nobody"],
            &["argosy", "leads", "log", "--group", "storage", "--from", "yesterday"],
        ] {
            let error = Cli::try_parse_from(arguments).unwrap_err();
            let line = usage_line(&error.to_string());
            assert!(!line.contains('\n') && line.ends_with("; see --help"), "{line}");
        }
        let error = Cli::try_parse_from(["argosy", "put", "file", "--key", "Mallory"]).unwrap_err();
        assert!(usage_line(&error.to_string()).contains("--key"));
    }
}
