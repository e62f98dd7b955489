//! What every command takes that signs something.

use crate::{failure::Outcome, keys::FolderArgs, network::DevKey};
use std::path::PathBuf;

/// How a call is signed and sent
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Sending")]
pub(crate) struct SendArgs {
    /// Show what would happen, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Go on though accepted objects lose their last holder
    #[arg(long)]
    pub(crate) force_data_loss: bool,
    /// Go on though the directory node's newest block is old
    #[arg(long)]
    pub(crate) allow_lag: bool,
    /// Development key to sign with; may be given several times
    #[arg(long = "key", value_name = "//NAME")]
    pub(crate) keys: Vec<DevKey>,
    /// Key file to sign with; may be given several times
    #[arg(long = "keyfile", alias = "key-file", value_name = "FILE")]
    pub(crate) key_files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) key_folder: FolderArgs,
    /// File with the passphrase of an encrypted key
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_fd")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Open descriptor to read the passphrase of an encrypted key from
    #[arg(long, value_name = "N")]
    pub(crate) passphrase_fd: Option<u32>,
    /// Name or genesis hash of the network that is meant; any other is refused
    #[arg(long, value_name = "NAME|HASH", env = "ARGOSY_NETWORK")]
    pub(crate) network: Option<String>,
    /// Base units beside the fee, for a place in a full pool
    #[arg(long, value_name = "AMOUNT", default_value_t = 0)]
    pub(crate) tip: u128,
    /// Nonce of the account; the next one unless given
    #[arg(long, value_name = "N")]
    pub(crate) nonce: Option<u64>,
}

/// Whether somebody is asked before a call is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Confirm {
    /// `-y` was not given.
    Ask,
    /// `-y` was given, or scripts of this kind expect no question.
    Skip,
}

impl Confirm {
    pub(crate) const fn unless(yes: bool) -> Self {
        if yes { Self::Skip } else { Self::Ask }
    }
}

/// Reads Argus' `AUTO_CONFIRM`: `true`, or a whole number other than zero.
pub(crate) fn auto_confirm(text: Option<&str>) -> bool {
    text.is_some_and(|text| text == "true" || text.parse::<i64>().is_ok_and(|number| number != 0))
}

/// The question before a call is sent.
///
/// Saying no is an answer; nobody there to answer is a failure.
pub(crate) fn ask(question: &str) -> Outcome<bool> {
    use crate::failure::Failure;
    use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
    /// Bytes of an answer that are looked at.
    const MAX_ANSWER: u64 = 64;
    let mut stderr = std::io::stderr().lock();
    let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    let read = std::io::stdin().lock().take(MAX_ANSWER).read_line(&mut answer);
    let answer = answer.trim().to_ascii_lowercase();
    if !std::io::stdin().is_terminal() {
        // Nobody has pressed a key that ended the line of the question.
        let _ = writeln!(stderr);
    }
    match read {
        Ok(0) | Err(_) => Err(Failure::usage_as(
            "NOT_CONFIRMED",
            "nobody answered the question: give --yes to send without being asked",
        )),
        Ok(_) => Ok(matches!(answer.as_str(), "y" | "yes")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_can_say_yes_as_with_argus() {
        for (text, yes) in [
            ("true", true),
            ("1", true),
            ("-7", true),
            ("0", false),
            ("false", false),
            ("yes", false),
            ("", false),
        ] {
            assert_eq!(auto_confirm(Some(text)), yes, "{text:?}");
        }
        assert!(!auto_confirm(None));
    }
}
