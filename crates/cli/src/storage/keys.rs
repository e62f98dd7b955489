//! The keys that Colossus' flags name.

use super::args::ColossusArgs;
use crate::{
    failure::{Failure, Outcome, chain},
    screen,
    send::Ring,
    text,
};
use argosy_domain::{KeyScheme, Keypair};
use argosy_keys::{FileError, Key, Keyring, KeysError, Passphrase, Passphrases};
use std::path::Path;

/// What a missing key is told to be added by.
const HINT: &str = "name it with --keyFile, --keyStore or --accountUri";

/// All keys that the flags name and that open. With `--dev` none but those of `--key`: development keys
/// are found by themselves.
pub(super) fn ring(args: &ColossusArgs) -> Outcome<Ring> {
    let mut pairs: Vec<Keypair> = args.send.keys.iter().map(|key| key.pair.clone()).collect();
    if !args.dev {
        for uri in &args.account_uri {
            let key = Keypair::from_uri(KeyScheme::Sr25519, &uri.0);
            pairs.push(key.map_err(|error| Failure::usage(format!("--accountUri: {error}")))?);
        }
        pairs.extend(from_files(args)?);
    }
    Ok(Ring::new(pairs, HINT))
}

fn from_files(args: &ColossusArgs) -> Outcome<Vec<Keypair>> {
    let mut keyring = Keyring::default();
    for path in args.key_file.iter().chain(&args.send.key_files) {
        keyring.add(Key::from_file(path).map_err(|error| file_failure(path, &error))?);
    }
    if let Some(folder) = &args.key_store {
        keyring.add_folder(folder).map_err(|error| folder_failure(&error))?;
    }
    for warning in keyring.warnings() {
        screen::note(&format!("argosy: {}", text::line(warning)));
    }
    let passphrases = passphrases(args);
    // A file that does not open is passed over, as by Colossus: another one may have the key.
    let open = keyring.keys().filter_map(|key| match key.unlock(&passphrases) {
        Ok(pair) => Some(pair.clone()),
        Err(error) => {
            let name = text::line(key.name());
            screen::note(&format!("argosy: Could not unlock keyfile {name}: {}", chain(&error)));
            None
        }
    });
    Ok(open.collect())
}

fn passphrases(args: &ColossusArgs) -> Passphrases {
    let send = &args.send;
    if args.password.is_empty() {
        return Passphrases::of_flags(send.passphrase_file.clone(), send.passphrase_fd);
    }
    Passphrases::given(args.password.iter().map(|text| Passphrase::from(text.0.clone())).collect())
}

fn file_failure(path: &Path, error: &FileError) -> Failure {
    let what = chain(error);
    if error.is_absent() {
        return Failure::usage_as(
            "KEY_FILE_ABSENT",
            format!("Input file does not exist! {} ({what})", path.display()),
        );
    }
    Failure::usage_as("KEY_FILE_UNUSABLE", what)
}

fn folder_failure(error: &KeysError) -> Failure {
    let code = if error.is_absent() { "KEY_FILE_ABSENT" } else { "KEY_FILE_UNUSABLE" };
    Failure::usage_as(code, format!("--keyStore: {}", chain(error)))
}
