//! Runs the commands in a text and compares what they print with what stands there.
//!
//! In Markdown, a block that begins with three backticks and `console` is a transcript: a line that begins
//! with `$ ` is a command for the shell (lines that end with `\` go on in the next one), what follows up to
//! the next command is what it prints, standard error included. The last line of that may be `[exit N]`;
//! without it the command must succeed. `…` stands for any text within a line, and alone on a line for any
//! lines. Variables live until the end of a block, everything else until the end of the text.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// A command and what it is to print.
#[derive(Debug)]
struct Step {
    /// Line in the text, from 1.
    line: usize,
    command: String,
    expected: Vec<String>,
    exit: i32,
}

/// What ran.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    /// Every command, as it stands in the text.
    pub(crate) commands: Vec<String>,
}

/// Marks the end of a command's output in that of a block: no command prints it.
const MARK: &str = "\u{2}exit";

/// Runs all blocks of `text` in order, in the folder `home` with the programs of `bin` before all others,
/// and panics with all differences.
pub(crate) fn run(name: &str, text: &str, home: &Path, bin: &Path, environment: &[(&str, String)]) -> Ran {
    let mut ran = Ran::default();
    let mut differences = Vec::new();
    for block in blocks(text) {
        let script: String = block.iter().map(script_of).collect();
        let output = shell(&script, home, bin, environment);
        let mut outputs = output.split(MARK);
        let mut before = outputs.next().unwrap_or_default();
        for step in &block {
            let Some(after) = outputs.next() else {
                panic!("{name}:{}: `{}` ended the shell: {output}", step.line, step.command)
            };
            let (exit, rest) = after.split_once('\n').unwrap_or((after, ""));
            let exit: i32 = exit.trim().parse().unwrap_or(-1);
            let printed: Vec<&str> = before.lines().collect();
            if exit != step.exit || !matches(&step.expected, &printed) {
                differences.push(difference(name, step, &printed, exit));
            }
            before = rest;
            ran.commands.push(step.command.clone());
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(!ran.commands.is_empty(), "{name} has no transcripts");
    ran
}

fn script_of(step: &Step) -> String {
    format!("{{ {}\n}} 2>&1\nprintf '\\002exit%d\\n' $?\n", step.command)
}

fn shell(script: &str, home: &Path, bin: &Path, environment: &[(&str, String)]) -> String {
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).current_dir(home).stdin(Stdio::null());
    for name in ["ARGOSY_DIRECTORY", "ARGOSY_NETWORK", "CONFIG_PATH", "AUTO_CONFIRM", "NO_COLOR"] {
        command.env_remove(name);
    }
    command.env("PATH", path).env("HOME", home).env("LC_ALL", "C.UTF-8").env_remove("XDG_STATE_HOME");
    command.env_remove("XDG_CONFIG_HOME").env_remove("ARGOSY_KEYS").env_remove("ARGOSY_STATE");
    command.envs(environment.iter().map(|(name, value)| (name, value)));
    let output = command.output().expect("a shell starts");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The transcripts of a text.
fn blocks(text: &str) -> Vec<Vec<Step>> {
    let mut blocks = Vec::new();
    let mut block: Option<Vec<Step>> = None;
    let mut continues = false;
    for (number, line) in (1..).zip(text.lines()) {
        match &mut block {
            None if line == "```console" => block = Some(Vec::new()),
            None => {}
            Some(_) if line == "```" => blocks.extend(block.take()),
            Some(steps) => {
                if continues {
                    let step = steps.last_mut().expect("a line goes on after a first one");
                    step.command.push('\n');
                    step.command.push_str(line);
                } else if let Some(command) = line.strip_prefix("$ ") {
                    let (command, expected) = (command.to_owned(), Vec::new());
                    steps.push(Step { line: number, command, expected, exit: 0 });
                } else if let Some(step) = steps.last_mut() {
                    match line.strip_prefix("[exit ").and_then(|rest| rest.strip_suffix(']')) {
                        Some(code) => step.exit = code.parse().expect("[exit N]"),
                        None => step.expected.push(line.to_owned()),
                    }
                } else {
                    panic!("line {number}: output without a command");
                }
                continues = (continues || line.starts_with("$ ")) && line.ends_with('\\');
            }
        }
    }
    assert!(block.is_none(), "a transcript has no end");
    blocks
}

/// Whether lines are what was expected, wildcards included.
fn matches(expected: &[String], printed: &[&str]) -> bool {
    match (expected.split_first(), printed.split_first()) {
        (None, None) => true,
        (Some((first, rest)), _) if first == "…" => {
            (0..=printed.len()).any(|skipped| matches(rest, &printed[skipped..]))
        }
        (Some((first, rest)), Some((line, lines))) => line_matches(first, line) && matches(rest, lines),
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn line_matches(expected: &str, line: &str) -> bool {
    let mut parts = expected.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.trim_end().strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

fn difference(name: &str, step: &Step, printed: &[&str], exit: i32) -> String {
    format!(
        "{name}:{}: $ {}\n--- expected [exit {}]\n{}\n--- printed [exit {exit}]\n{}\n",
        step.line,
        step.command,
        step.exit,
        step.expected.join("\n"),
        printed.join("\n")
    )
}

#[test]
fn a_transcript_is_compared_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = "text\n```console\n$ X=$(printf one)\n$ echo \"$X\" two \\\n  three; echo four >&2\none … three\nfour\n$ false\n[exit 1]\n```\n```console\n$ printf '%s\\n' 1 2 3 \"$X\"\n…\n3\n\n```\n";
    let ran = run("text", text, folder.path(), folder.path(), &[]);
    assert_eq!(ran.commands.len(), 4);
    let wrong = "```console\n$ echo one\ntwo\n$ true\n[exit 1]\n```\n";
    let failed = std::panic::catch_unwind(|| run("wrong", wrong, folder.path(), folder.path(), &[]));
    let message = *failed.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("wrong:2: $ echo one") && message.contains("wrong:4: $ true"), "{message}");
}

#[test]
fn wildcards_stand_for_any_text() {
    for (expected, line, is_match) in [
        ("a … c", "a b c", true),
        ("a … c", "a c", false),
        ("…c", "abc", true),
        ("a…", "abc", true),
        ("a…b…c", "a-b-c", true),
        ("abc", "abcd", false),
        ("…", "", true),
    ] {
        assert_eq!(line_matches(expected, line), is_match, "{expected} {line}");
    }
}
