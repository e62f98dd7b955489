//! Shell completion: the scripts, and the words that they ask for.
//!
//! A script calls the program with [`VARIABLE`] set for every word, so that it knows what this very
//! program knows: commands, flags, their values, and what the directory has. To make an argument know
//! the ids of something, mark it with one of the functions here:
//!
//! ```ignore
//! #[arg(long, value_name = "ID", add = ArgValueCandidates::new(complete::storage_buckets))]
//! bucket: StorageBucketId,
//! ```
//!
//! There are `storage_buckets`, `distribution_buckets`, `buckets` (both), `families`, `workers` (ids
//! alone, of both operating groups), `workers_of_groups` (`group:id`), `groups` and `bags`. Each asks the directory that the line names (`--directory`, else `ARGOSY_DIRECTORY`, else the
//! usual place), waits a moment, and gives nothing if there is no answer.
//!
//! Another program with commands of its own calls [`answer`] first thing in `main`, and prints
//! [`script`] for its own `clap::Command`.

mod values;

pub(crate) use values::{
    bags, buckets, distribution_buckets, families, groups, storage_buckets, workers, workers_of_groups,
};

use crate::{
    failure::{Failure, Outcome},
    screen,
};
use clap::Command;
use clap_complete::env::{Bash as EngineBash, CompleteEnv, EnvCompleter, Fish, Shells, Zsh};
use std::{env, ffi::OsString, io, path::Path, process::ExitCode};

/// Says which shell asks for words.
const VARIABLE: &str = "ARGOSY_COMPLETE";
/// Shells that may ask.
const SHELLS: Shells<'static> = Shells(&[&Bash, &Fish, &Zsh]);

/// Print a script that completes commands, flags, bucket ids and workers
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  source <(argosy completion bash)
  argosy completion zsh > ~/.zfunc/_argosy
  argosy completion fish > ~/.config/fish/completions/argosy.fish

The script calls argosy, which must be on the PATH. Ids come from the directory node that
ARGOSY_DIRECTORY or --directory names.")]
pub(crate) struct CompletionArgs {
    /// Shell that the script is for
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

pub(crate) fn run(args: &CompletionArgs, command: &Command) -> Outcome<ExitCode> {
    let script = script(args.shell, command.get_name());
    let script = script.map_err(|error| Failure::refused("NO_SCRIPT", format!("no script: {error}")))?;
    screen::say(script.trim());
    Ok(ExitCode::SUCCESS)
}

/// Gives a script its words, if one asks; else nothing, and the program goes on as usual.
pub(crate) fn answer(command: impl Fn() -> Command) -> Option<ExitCode> {
    // Nobody reads what this says in the middle of a command line.
    let here = env::current_dir().ok();
    let done = CompleteEnv::with_factory(command)
        .var(VARIABLE)
        .shells(SHELLS)
        .try_complete(env::args_os(), here.as_deref());
    match done {
        Ok(false) => None,
        Ok(true) => Some(ExitCode::SUCCESS),
        Err(_) => Some(ExitCode::FAILURE),
    }
}

/// The script for the program `name`, which calls it by that name.
fn script(shell: Shell, name: &str) -> io::Result<String> {
    let completer: &dyn EnvCompleter = match shell {
        Shell::Bash => &Bash,
        Shell::Zsh => &Zsh,
        Shell::Fish => &Fish,
    };
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, name, name, name, &mut script)?;
    String::from_utf8(script).map_err(io::Error::other)
}

/// Bash, with words put together again that it cuts at colons: ids of bags and buckets have them.
struct Bash;

/// Words are told apart as on the line, and what stands before the last colon is not said twice.
const BASH: &str = r#"_complete_FUNCTION() {
    local rest=${COMP_LINE:0:COMP_POINT} words=() index=-1 at word
    for ((at = 0; at <= COMP_CWORD; at++)); do
        word=${COMP_WORDS[at]}
        if ((at == 0)) || [[ $rest == [[:space:]]* ]]; then
            rest=${rest#"${rest%%[![:space:]]*}"}
            index=$((index + 1))
            words[index]=
        fi
        if ((at == COMP_CWORD)); then word=$rest; fi
        words[index]+=$word
        rest=${rest#"$word"}
    done
    local current=${words[index]} known= word
    if [[ $COMP_WORDBREAKS == *:* && $current == *:* ]]; then known=${current%"${current##*:}"}; fi
    if [[ $COMP_WORDBREAKS == *=* && $current == *=* && ${current##*=} != *:* ]]; then
        known=${current%"${current##*=}"}
    fi
    COMPREPLY=()
    while IFS= read -r word || [[ -n $word ]]; do
        [[ -n $word ]] && COMPREPLY+=("${word#"$known"}")
    done < <(VARIABLE=bash _CLAP_IFS=$'\n' _CLAP_COMPLETE_INDEX=$index COMPLETER -- "${words[@]}" 2>/dev/null)
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *[=/:] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -o nosort -F _complete_FUNCTION PROGRAM 2>/dev/null ||
    complete -o bashdefault -F _complete_FUNCTION PROGRAM"#;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        EngineBash.name()
    }

    fn is(&self, name: &str) -> bool {
        EngineBash.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn io::Write,
    ) -> io::Result<()> {
        let function = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        let script = BASH.replace("FUNCTION", &function).replace("PROGRAM", bin);
        writeln!(buf, "{}", script.replace("VARIABLE", var).replace("COMPLETER", completer))
    }

    fn write_complete(
        &self,
        command: &mut Command,
        args: Vec<OsString>,
        here: Option<&Path>,
        buf: &mut dyn io::Write,
    ) -> io::Result<()> {
        EngineBash.write_complete(command, args, here, buf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shell_gets_a_script_that_calls_the_program_by_its_name() {
        for (shell, word) in
            [(Shell::Bash, "complete -o"), (Shell::Zsh, "#compdef"), (Shell::Fish, "complete ")]
        {
            for name in ["argosy", "joystream-distributor", "storage-node"] {
                let script = script(shell, name).unwrap();
                assert!(script.contains(word) && script.contains(&format!("{name} --")), "{script}");
                assert!(script.contains("ARGOSY_COMPLETE="), "{script}");
                for left in ["FUNCTION", "PROGRAM", "VARIABLE", "COMPLETER"] {
                    assert!(!script.contains(left), "{left} in {script}");
                }
            }
        }
    }

    #[test]
    fn words_are_completed_without_a_shell() {
        #[derive(Debug, clap::Parser)]
        #[command(name = "other")]
        struct Other {
            #[arg(long, value_enum)]
            shell: Option<Shell>,
        }
        let mut command = <Other as clap::CommandFactory>::command();
        let words = ["other", "--shell", "z"].map(OsString::from).to_vec();
        let found = clap_complete::engine::complete(&mut command, words, 2, None).unwrap();
        let found: Vec<_> = found.iter().map(|candidate| candidate.get_value().to_owned()).collect();
        assert_eq!(found, ["zsh"]);
    }
}
