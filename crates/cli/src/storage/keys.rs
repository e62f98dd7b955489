//! The keys that Colossus' flags name.

use super::args::ColossusArgs;
use crate::{
    failure::{Failure, Outcome, chain},
    send::Ring,
};
use argosy_domain::KeyScheme;
use argosy_keys::{FileError, Key, Keyring, KeysError, Passphrase, Passphrases};
use std::path::Path;

/// All keys that the flags name; with `--dev` none but those of `--key`: development keys are found by
/// themselves. Files are opened when they are to sign, and not before.
pub(super) fn ring(args: &ColossusArgs) -> Outcome<Ring> {
    let mut keys = Keyring::default();
    for key in &args.send.keys {
        keys.add(Key::open(&key.uri, key.pair.clone()));
    }
    if !args.dev {
        for uri in &args.account_uri {
            let key = Key::from_uri("--accountUri", KeyScheme::Sr25519, &uri.0);
            keys.add(key.map_err(|error| Failure::usage(format!("--accountUri: {error}")))?);
        }
        for path in args.key_file.iter().chain(&args.send.key_files) {
            keys.add(Key::from_file(path).map_err(|error| file_failure(path, &error))?);
        }
        if let Some(folder) = &args.key_store {
            keys.add_folder(folder).map_err(|error| folder_failure(&error))?;
        }
    }
    let are_named = keys.accounts().next().is_some();
    Ok(Ring::new(keys, passphrases(args)).with_folder(&args.send.key_folder).only(are_named))
}

fn passphrases(args: &ColossusArgs) -> Passphrases {
    let send = &args.send;
    if args.password.is_empty() {
        return Passphrases::of_flags(send.passphrase_file.clone(), send.passphrase_fd);
    }
    Passphrases::given(args.password.iter().map(|text| Passphrase::from(text.0.clone())).collect())
}

/// Colossus counts these among the files that cannot be used, not among the keys.
fn file_failure(path: &Path, error: &FileError) -> Failure {
    let absent = if error.is_absent() { "Input file does not exist! " } else { "" };
    Failure::usage_as("UNREADABLE_FILE", format!("{absent}{}: {}", path.display(), chain(error)))
}

fn folder_failure(error: &KeysError) -> Failure {
    Failure::usage_as("UNREADABLE_FILE", format!("--keyStore: {}", chain(error)))
}
