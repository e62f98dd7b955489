//! What a command takes that signs something which is not sent to the directory.

use super::SendArgs;
use crate::{
    distribution::setup::{self, Setup},
    failure::Outcome,
    keys::FolderArgs,
    network::DevKey,
};
use std::path::PathBuf;

/// Where keys and the directory are written down.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SignerConfig {
    /// Configuration with keys and the directory; one that is not there says nothing
    #[arg(
        id = "config",
        short = 'c',
        long = "config",
        alias = "configPath",
        value_name = "FILE",
        env = "CONFIG_PATH",
        hide_env = true,
        default_value = "./config.yml"
    )]
    pub(crate) path: PathBuf,
}

/// Whose key signs
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Signing")]
pub(crate) struct KeyArgs {
    #[command(flatten)]
    config: SignerConfig,
    /// Development key to sign with; may be given several times
    #[arg(long = "key", value_name = "//NAME")]
    keys: Vec<DevKey>,
    /// Key file to sign with; may be given several times
    #[arg(long = "keyfile", alias = "key-file", value_name = "FILE")]
    key_files: Vec<PathBuf>,
    #[command(flatten)]
    key_folder: FolderArgs,
    /// File with the passphrase of an encrypted key
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_fd")]
    passphrase_file: Option<PathBuf>,
    /// Open descriptor to read the passphrase of an encrypted key from
    #[arg(long, value_name = "N")]
    passphrase_fd: Option<u32>,
}

impl KeyArgs {
    /// The keys at hand, and what the configuration says of the directory.
    pub(crate) fn setup(self) -> Outcome<Setup> {
        let Self { config, keys, key_files, key_folder, passphrase_file, passphrase_fd } = self;
        let send =
            SendArgs { keys, key_files, key_folder, passphrase_file, passphrase_fd, ..SendArgs::default() };
        setup::read(&config.path, &send)
    }
}
