//! That what texts say about the command line is true of it: advice after refusals, and the manual.

use crate::{Cli, program::Program};
use argosy_api::words::remedy;
use argosy_directory::Reject;
use clap::{Command, CommandFactory as _, Parser as _};
use std::{ffi::OsString, fs, path::Path};

/// What stands for a placeholder of advice.
fn value(word: &str) -> &str {
    match word {
        "BAG" => "dynamic:channel:7",
        "ID" | "INDEX" | "W" | "N" => "1",
        "F" => "0",
        "F:I" | "F:N" => "0:1",
        "TYPE" => "Channel",
        "GROUP" => "storage",
        "ACCOUNT" => "j4W7rVcUCxi2crhhjRq46fNDRbVHTjJrz6bKxZwehEMQxZeSf",
        "CID" => "gWAtyxH64VtHsKnEN4Qz6uaJjonBZKy7iZHzUbFo1XaK2i",
        "NAME" => "carol",
        "FILE" => "talk.mp4",
        _ => word,
    }
}

#[test]
fn every_command_in_advice_can_be_typed() {
    let mut wrong = Vec::new();
    for reject in Reject::ALL {
        for command in remedy(*reject).split('`').skip(1).step_by(2) {
            let words = command.split(' ').map(value);
            if let Err(error) = Cli::try_parse_from(words) {
                wrong.push(format!("{reject:?}: {command}: {error}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// All texts for users, one after another.
fn manual() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut text = fs::read_to_string(root.join("README.md")).unwrap();
    for folder in ["docs", "docs/cli"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                text.push_str(&fs::read_to_string(path).unwrap());
            }
        }
    }
    text
}

/// Whether a command line begins so somewhere in the text.
fn says(text: &str, line: &str) -> bool {
    text.match_indices(line).any(|(at, _)| {
        let next = text[at + line.len()..].chars().next();
        next.is_none_or(|next| !next.is_ascii_alphanumeric() && next != '-')
    })
}

/// A command's names, and the words that lead to it.
fn lines(before: &[String], command: &Command) -> Vec<String> {
    let names: Vec<&str> = std::iter::once(command.get_name()).chain(command.get_all_aliases()).collect();
    before.iter().flat_map(|before| names.iter().map(move |name| format!("{before} {name}"))).collect()
}

/// Collects the commands below `command` that no text names. Under the names of Joystream's programs
/// they are named, too.
fn missing(text: &str, lines_here: &[String], command: &Command, found: &mut Vec<String>) {
    let joystream = [Program::Argus, Program::Colossus];
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        let lines = lines(lines_here, inner);
        let with_colon = lines.iter().filter_map(|line| {
            let program = joystream.into_iter().find(|it| it.topic() == line.split(' ').nth(1))?;
            let words: Vec<&str> = line.split(' ').skip(2).collect();
            Some(format!("{} {}", program.name(), words.join(":")))
        });
        // A noun alone lists.
        let by_noun = if inner.get_name() == "list" { lines_here } else { &[] };
        let all: Vec<String> = lines.iter().chain(by_noun).cloned().chain(with_colon).collect();
        if !all.iter().any(|line| says(text, line)) {
            found.push(lines.first().cloned().unwrap_or_default());
        }
        missing(text, &lines, inner, found);
    }
}

#[test]
fn every_command_is_in_the_manual() {
    let (text, mut found) = (manual(), Vec::new());
    missing(&text, &["argosy".to_owned()], &Cli::command(), &mut found);
    assert!(found.is_empty(), "no text in docs/ has these commands:\n{}", found.join("\n"));
    assert!(!says(&text, "argosy frobnicate") && !says("argosy bag showing", "argosy bag show"));
}

/// Command lines of the plain blocks of a text, without what makes a shell necessary.
fn plain_commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    // What kind of block a line is in, if any.
    let mut block: Option<&str> = None;
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("```") {
            block = if block.is_some() { None } else { Some(kind) };
            continue;
        }
        let names = ["argosy ", "joystream-distributor ", "storage-node "];
        let command = line.split("  #").next().unwrap_or_default().trim_end();
        let is_simple = !command.contains(['$', '|', '>', '<', '…', '\\', '"', '(', '&', '\'']);
        if matches!(block, Some("" | "sh")) && is_simple && names.iter().any(|name| command.starts_with(name))
        {
            commands.push(command.to_owned());
        }
    }
    commands
}

#[test]
fn every_plain_example_of_the_manual_can_be_typed() {
    let (mut wrong, mut count) = (Vec::new(), 0_usize);
    for command in plain_commands(&manual()) {
        let words: Vec<OsString> = command.split_whitespace().map(OsString::from).collect();
        let words = Program::named(words.first()).arguments(words);
        if let Err(error) = Cli::try_parse_from(words) {
            wrong.push(format!("{command}: {error}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 50, "only {count} examples were found");
}
