//! The names that the program goes by. Under those of Joystream's programs it takes their command
//! lines, speaks like them, and ends with their exit codes.

use crate::{
    failure::{Failure, Kind},
    oclif, screen, text,
};
use std::{
    ffi::{OsStr, OsString},
    path::Path,
    process::ExitCode,
};

/// A name, and the manners that belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// `argosy`.
    Argosy,
    /// `joystream-distributor`, the command line of Argus.
    Argus,
    /// `storage-node`, the command line of Colossus.
    Colossus,
}

impl Program {
    /// By the name that it was started with.
    pub(crate) fn named(argument: Option<&OsString>) -> Self {
        let name = argument.map(Path::new).and_then(Path::file_name).and_then(OsStr::to_str);
        match name {
            Some("joystream-distributor") => Self::Argus,
            Some("storage-node" | "colossus") => Self::Colossus,
            _ => Self::Argosy,
        }
    }

    /// The name that people type.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Argosy => "argosy",
            Self::Argus => "joystream-distributor",
            Self::Colossus => "storage-node",
        }
    }

    /// The subcommand of `argosy` that has all of its commands.
    pub(crate) const fn topic(self) -> Option<&'static str> {
        match self {
            Self::Argosy => None,
            Self::Argus => Some("distribution"),
            Self::Colossus => Some("storage"),
        }
    }

    /// The command line in `argosy`'s words: `leader:create-bucket` is `leader create-bucket`.
    pub(crate) fn arguments(self, given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
        let mut given = given.into_iter().skip(1).peekable();
        let mut arguments = vec![OsString::from("argosy")];
        arguments.extend(self.topic().map(OsString::from));
        if self == Self::Argosy {
            let is_topic = |word: &OsString| word == "distribution" || word == "storage";
            arguments.extend(given.next_if(is_topic));
        }
        let may_have_colon = arguments.len() > 1;
        // `help leader:create-bucket` and `leader:create-bucket --help` are the same.
        let wants_help = self != Self::Argosy && given.next_if(|word| word == "help").is_some();
        if let Some(word) = given.next() {
            match word.to_str().and_then(|word| word.split_once(':')) {
                Some((topic, command)) if may_have_colon && !topic.starts_with('-') => {
                    arguments.extend([topic, command].map(OsString::from));
                }
                Some(_) | None => arguments.push(word),
            }
        }
        arguments.extend(given);
        if wants_help {
            arguments.push("--help".into());
        }
        arguments
    }

    /// Tells people why a command did not do what was asked, in the manner of the name.
    pub(crate) fn tell(self, failure: &Failure) {
        match self {
            Self::Argosy => screen::note(&format!("argosy: {failure}")),
            Self::Argus | Self::Colossus => oclif::print_error(&failure.to_string()),
        }
        for line in failure.details.lines() {
            // Not cleaned in one piece: the lines are ours, what is in them may be anybody's.
            screen::note(&text::line(line));
        }
    }

    /// The code that a failed command ends with.
    pub(crate) fn exit_code(self, failure: &Failure) -> ExitCode {
        let code = match self {
            Self::Argosy => match failure.kind {
                Kind::Refused => 1,
                Kind::Usage => 2,
                Kind::NoAnswer => 3,
            },
            Self::Argus => argus_code(failure),
            Self::Colossus => colossus_code(failure),
        };
        ExitCode::from(code)
    }
}

/// Source: the exit codes of `@joystream/distributor-cli` 2.1.2.
fn argus_code(failure: &Failure) -> u8 {
    match (failure.code.as_str(), failure.kind) {
        ("KEY_FILE_ABSENT", _) => 41,
        ("KEY_FILE_UNUSABLE", _) => 42,
        ("NOT_STARTED", _) => 255,
        ("WRONG_CONFIG" | "INVALID_BUCKET_ID" | "NOT_CONFIRMED", _) => 1,
        (_, Kind::Usage) => 40,
        (_, Kind::Refused | Kind::NoAnswer) => 20,
    }
}

/// Source: the exit codes of Colossus 4.5.0 (`storage-node/src/command-base/ExitCodes.ts`).
fn colossus_code(failure: &Failure) -> u8 {
    match (failure.code.as_str(), failure.kind) {
        ("DEVELOPMENT_ONLY", _) => 101,
        ("UNREADABLE_FILE" | "WRONG_METADATA" | "NOT_WRITTEN", _) => 102,
        ("WORKER_DOES_NOT_EXIST" | "WRONG_WORKER", _) => 103,
        ("WRONG_LIST", _) => 104,
        ("NOT_STARTED" | "NODE_FAILED", _) => 105,
        ("KEY_FILE_ABSENT" | "KEY_FILE_UNUSABLE" | "NO_SUCH_KEY", _) => 202,
        (_, Kind::Usage) => 100,
        (_, Kind::NoAnswer) => 200,
        (_, Kind::Refused) => 201,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(program: Program, given: &str) -> String {
        let given = given.split(' ').map(OsString::from);
        let words = program.arguments(given);
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_name_decides() {
        for (path, program) in [
            ("/usr/bin/argosy", Program::Argosy),
            ("joystream-distributor", Program::Argus),
            ("./bin/storage-node", Program::Colossus),
            ("", Program::Argosy),
        ] {
            assert_eq!(Program::named(Some(&OsString::from(path))), program, "{path}");
        }
        assert_eq!(Program::named(None), Program::Argosy);
    }

    #[test]
    fn a_colon_is_a_blank_where_joystreams_programs_have_one() {
        for (program, given, expected) in [
            (Program::Argus, "j leader:create-bucket -f 0", "argosy distribution leader create-bucket -f 0"),
            (Program::Argus, "j leader create-bucket", "argosy distribution leader create-bucket"),
            (
                Program::Argus,
                "j help leader:create-bucket",
                "argosy distribution leader create-bucket --help",
            ),
            (Program::Argus, "j leader --help", "argosy distribution leader --help"),
            (Program::Colossus, "s util:multihash -f a:b", "argosy storage util multihash -f a:b"),
            (Program::Argosy, "a distribution leader:x -B 0:1", "argosy distribution leader x -B 0:1"),
            (Program::Argosy, "a get http://n:1/x", "argosy get http://n:1/x"),
        ] {
            assert_eq!(arguments(program, given), expected);
        }
    }

    #[test]
    fn exit_codes_are_those_of_the_name() {
        let code = |program: Program, failure: &Failure| program.exit_code(failure);
        let refused = Failure::refused("IS_NOT_LEAD_ACCOUNT", "");
        let expected = [1, 20, 201].map(ExitCode::from);
        assert_eq!(
            [Program::Argosy, Program::Argus, Program::Colossus].map(|it| code(it, &refused)),
            expected
        );
        let usage = Failure::usage("");
        assert_eq!(
            [Program::Argosy, Program::Argus, Program::Colossus].map(|it| code(it, &usage)),
            [2, 40, 100].map(ExitCode::from)
        );
    }
}
