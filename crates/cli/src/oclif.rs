//! Help and errors in the form of oclif, the framework of Joystream's command lines, which scripts and
//! guides know.

use crate::{program::Program, screen, text};
use clap::{Arg, ArgAction, Command, error::ErrorKind};
use std::{
    ffi::OsString,
    io::{IsTerminal as _, stderr},
    process::ExitCode,
};

/// Columns that errors are broken at on a terminal.
const WIDTH: usize = 80;
/// Left margin of what stands under a title.
const MARGIN: &str = "  ";

/// Prints a failure as oclif does.
pub(crate) fn print_error(message: &str) {
    let text = format!("Error: {}", text::line(message));
    let width = if stderr().is_terminal() { WIDTH - 6 } else { usize::MAX };
    for line in screen::wrapped(&text, width) {
        screen::note(&format!(" ›   {line}"));
    }
}

/// Prints name and version.
pub(crate) fn print_version(program: Program) {
    screen::say(&format!("{}/{} argosy", program.name(), env!("CARGO_PKG_VERSION")));
}

/// Answers a command line that was not understood, or that asked for help.
#[expect(clippy::wildcard_enum_match_arm, reason = "all others are mistakes")]
pub(crate) fn answer(program: Program, root: &Command, given: &[OsString], error: &clap::Error) -> ExitCode {
    let (command, path) = asked(root, program, given);
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            screen::say(&help(program, command, &path));
            ExitCode::SUCCESS
        }
        kind => {
            let problem = problem(kind, command, error);
            print_error(&problem);
            screen::note(" ›   See more help with --help");
            let is_value = matches!(kind, ErrorKind::InvalidValue | ErrorKind::ValueValidation);
            ExitCode::from(match program {
                // What their programs look at after the command line was read.
                Program::Argus if problem.starts_with("Invalid bag id") => 40,
                Program::Argosy | Program::Argus | Program::Colossus => {
                    if is_value {
                        1
                    } else {
                        2
                    }
                }
            })
        }
    }
}

/// The command that the words of a command line lead to, and its name with colons.
fn asked<'a>(root: &'a Command, program: Program, given: &[OsString]) -> (&'a Command, String) {
    let mut command = root;
    let mut path = Vec::new();
    for word in given.iter().skip(1).filter_map(|word| word.to_str()) {
        let Some(next) = command.find_subcommand(word) else { break };
        command = next;
        if program.topic() != Some(word) {
            path.push(word);
        }
    }
    (command, path.join(":"))
}

/// What is wrong, in oclif's words.
#[expect(clippy::wildcard_enum_match_arm, reason = "only these have words of their own")]
fn problem(kind: ErrorKind, command: &Command, error: &clap::Error) -> String {
    use clap::error::{ContextKind, ContextValue};
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    let own = || super::usage_line(&error.to_string());
    match kind {
        ErrorKind::MissingRequiredArgument => {
            let Some(ContextValue::Strings(names)) = error.get(ContextKind::InvalidArg) else { return own() };
            let describe = |name: &String| {
                let arg = command.get_arguments().find(|arg| name.contains(&format!("--{}", long(arg))));
                arg.map_or_else(|| name.clone(), |arg| format!("{}  {}", flags(arg), first_line(arg)))
            };
            let title = if names.len() == 1 { "Missing required flag:" } else { "Missing required flags:" };
            format!("{title} {}", names.iter().map(describe).collect::<Vec<_>>().join("; "))
        }
        ErrorKind::InvalidValue if context(ContextKind::ValidValue).is_some() => {
            let name = context(ContextKind::InvalidArg).unwrap_or_default();
            let name = name.split([' ', '<']).next().unwrap_or_default().to_owned();
            let value = context(ContextKind::InvalidValue).unwrap_or_default();
            let valid = context(ContextKind::ValidValue).unwrap_or_default();
            if value.is_empty() {
                return format!("Flag {name} expects a value");
            }
            format!("Expected {name}={value} to be one of: {valid}")
        }
        ErrorKind::ValueValidation => std::error::Error::source(error).map_or_else(own, |cause| {
            let value = context(ContextKind::InvalidValue).unwrap_or_default();
            let cause = cause.to_string();
            if cause.starts_with("Invalid ") || cause.starts_with("Expected ") {
                return cause;
            }
            format!("Expected an integer but received: {value}")
        }),
        ErrorKind::InvalidSubcommand => {
            let name = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("command {name} not found")
        }
        _ => own(),
    }
}

/// A topic's commands, or a command's flags.
pub(crate) fn help(program: Program, command: &Command, path: &str) -> String {
    let about = command.get_long_about().or_else(|| command.get_about()).map(ToString::to_string);
    let about = about.unwrap_or_default();
    let (title, rest) = about.split_once('\n').unwrap_or((&about, ""));
    let mut parts = vec![title.trim().to_owned()];
    let usage = if command.has_subcommands() {
        let separator = if path.is_empty() { "" } else { ":" };
        format!("{path}{separator}COMMAND")
    } else {
        path.to_owned()
    };
    parts.push(format!("USAGE\n{MARGIN}$ {} {usage}", program.name()));
    if command.has_subcommands() {
        parts.push(format!("COMMANDS\n{}", commands(command, path)));
        return parts.join("\n\n");
    }
    let (ours, theirs): (Vec<&Arg>, Vec<&Arg>) =
        shown(command).into_iter().partition(|arg| arg.get_help_heading().is_some());
    parts.push(format!("OPTIONS\n{}", options(&theirs)));
    let rest: Vec<_> = rest.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if !rest.is_empty() {
        parts.push(format!("DESCRIPTION\n{MARGIN}{}", rest.join(&format!("\n{MARGIN}   "))));
    }
    if !ours.is_empty() {
        parts.push(format!("ARGOSY OPTIONS\n{}", options(&ours)));
    }
    parts.join("\n\n")
}

fn commands(command: &Command, path: &str) -> String {
    let mut rows: Vec<(String, String)> = command
        .get_subcommands()
        .filter(|sub| sub.get_name() != "help" && !sub.is_hide_set())
        .map(|sub| {
            let separator = if path.is_empty() { "" } else { ":" };
            let about = sub.get_about().map(ToString::to_string).unwrap_or_default();
            (
                format!("{path}{separator}{}", sub.get_name()),
                about.lines().next().unwrap_or_default().to_owned(),
            )
        })
        .collect();
    rows.sort();
    columns(&rows)
}

/// Flags of their programs come in the order of their names, short ones first.
fn shown(command: &Command) -> Vec<&Arg> {
    let is_shown = |arg: &&Arg| {
        !arg.is_hide_set() && !arg.is_global_set() && arg.get_id() != "help" && arg.get_id() != "version"
    };
    let mut args: Vec<_> = command.get_arguments().filter(is_shown).collect();
    args.sort_by_key(|arg| {
        let short = arg.get_short().map(String::from);
        (short.is_none(), short.unwrap_or_default(), long(arg).to_owned())
    });
    args
}

/// In two columns, or one below the other where a description has several lines.
fn options(args: &[&Arg]) -> String {
    let rows: Vec<_> = args.iter().map(|arg| (flags(arg), description(arg))).collect();
    if rows.iter().all(|(_, text)| !text.contains('\n')) {
        return columns(&rows);
    }
    let indented = |text: &str| text.replace('\n', &format!("\n{MARGIN}    "));
    let stacked: Vec<_> =
        rows.iter().map(|(flags, text)| format!("{MARGIN}{flags}\n{MARGIN}    {}", indented(text))).collect();
    stacked.join("\n\n")
}

fn columns(rows: &[(String, String)]) -> String {
    let width = rows.iter().map(|(left, _)| left.len()).max().unwrap_or(0);
    let lines: Vec<_> = rows.iter().map(|(left, right)| format!("{MARGIN}{left:<width$}  {right}")).collect();
    lines.join("\n")
}

fn long(arg: &Arg) -> &str {
    arg.get_long().unwrap_or_else(|| arg.get_id().as_str())
}

/// `-a, --acceptingBags=(yes|no)`.
fn flags(arg: &Arg) -> String {
    let name = long(arg);
    let short = arg.get_short().map_or_else(String::new, |short| format!("-{short}, "));
    if !matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) {
        return format!("{short}--{name}");
    }
    let values: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    let value = if values.is_empty() { name.to_owned() } else { format!("({})", values.join("|")) };
    format!("{short}--{name}={value}")
}

fn description(arg: &Arg) -> String {
    let defaults: Vec<_> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let takes_several = takes_value && arg.get_num_args().is_some_and(|range| range.max_values() > 1);
    let mark = if arg.is_required_set() {
        "(required) ".to_owned()
    } else if takes_value && !defaults.is_empty() {
        format!("[default: {}] ", defaults.join(","))
    } else if takes_several {
        "[default: ] ".to_owned()
    } else {
        String::new()
    };
    let help = arg.get_long_help().or_else(|| arg.get_help()).map(ToString::to_string);
    format!("{mark}{}", help.unwrap_or_default().trim_end())
}

fn first_line(arg: &Arg) -> String {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    help.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn help_has_the_form_of_oclif() {
        let root = crate::Cli::command();
        let given: Vec<OsString> =
            ["argosy", "distribution", "leader", "create-bucket"].map(OsString::from).into();
        let (command, path) = asked(&root, Program::Argus, &given);
        let text = help(Program::Argus, command, &path);
        let expected = "\
Create new distribution bucket. Requires distribution working group leader permissions.

USAGE
  $ joystream-distributor leader:create-bucket

OPTIONS
  -a, --acceptingBags=(yes|no)  [default: no] Whether the created bucket should accept new bags
  -c, --configPath=configPath   [default: ./config.yml] Path to config JSON/YAML file (relative to current working directory)
  -f, --familyId=familyId       (required) Distribution bucket family id
  -y, --yes                     Answer \"yes\" to any prompt, skipping any manual confirmations

ARGOSY OPTIONS
";
        assert!(text.starts_with(expected), "{text}");
    }
}
