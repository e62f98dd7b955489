//! `argosy keys rotate`: a new key under the name of an old one, and in its place on the directory.
//!
//! The order lets a crash at any point leave a usable key: first the new key is durable as `NAME.next`,
//! then the directory hears of it, then it takes the name. Each step is skipped if it was done before.

use super::{
    FolderArgs, NewPassphraseArgs, Shown, file_failure, folder_failure, keys_failure, make, unlock_failure,
};
use crate::{
    failure::{Failure, Outcome},
    network::{DevKey, DirectoryArgs, Network},
    screen, text,
};
use argosy_api::{
    Submitter,
    directory::{GroupName, WorkerView},
};
use argosy_directory::{Call, GroupCall};
use argosy_domain::{AccountId, KeyScheme, Keypair, WorkerId};
use argosy_keys::{Key, KeyFolder, KeyName, Keyring, Passphrases, SignError, StoredKey};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub(crate) struct RotateArgs {
    /// Name of the key
    #[arg(value_name = "NAME")]
    name: KeyName,
    /// Working group of the worker whose role key this is: storage, distribution or attestation
    #[arg(long, value_name = "NAME", requires = "worker")]
    group: Option<GroupName>,
    /// The worker
    #[arg(long, value_name = "ID", requires = "group")]
    worker: Option<WorkerId>,
    /// Key files that may hold the member's controller key, beside the folder of keys
    #[arg(long, value_name = "FILE", requires = "group")]
    keyfile: Vec<PathBuf>,
    /// Development key that may be the member's controller key
    #[arg(long, value_name = "//NAME", requires = "group")]
    key: Option<DevKey>,
    /// File that holds the passphrase of the controller key; asked for unless given
    #[arg(long, value_name = "FILE", requires = "group", conflicts_with = "signer_passphrase_fd")]
    signer_passphrase_file: Option<PathBuf>,
    /// Open descriptor that gives it
    #[arg(long, value_name = "N", requires = "group")]
    signer_passphrase_fd: Option<u32>,
    /// Signature scheme of the new key: sr25519 or ed25519; that of the old one unless given
    #[arg(long = "type", value_name = "TYPE")]
    scheme: Option<KeyScheme>,
    /// Print the new phrase on standard error, even if that is no terminal
    #[arg(long)]
    show_phrase: bool,
    #[command(flatten)]
    passphrase: NewPassphraseArgs,
    #[command(flatten)]
    folder: FolderArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Rotated {
    #[serde(flatten)]
    key: Shown,
    /// Name and address of the key that was replaced.
    old_name: Option<String>,
    old_address: String,
    /// Whether the directory was told now; false if it knew, or need not know.
    directory_told: bool,
}

/// A role on the directory whose key is changed.
struct Role {
    network: Network,
    group: GroupName,
    worker: WorkerView,
    /// Signs the change; none if it was made before.
    controller: Option<Keypair>,
}

pub(super) async fn rotate(directory: &DirectoryArgs, args: &RotateArgs) -> Outcome<ExitCode> {
    let folder = args.folder.folder()?;
    let old = folder.read(&args.name).map_err(|error| file_failure(&error))?;
    let next_name = args.name.next().map_err(|_| {
        Failure::refused("NAME_TOO_LONG", format!("{}.next is too long for the name of a key", args.name))
    })?;
    let next = if folder.has(&next_name) { Some(read_next(&folder, &next_name)?) } else { None };
    // All that can be wrong is looked at before anything is made.
    let role = match (args.group, args.worker) {
        (Some(group), Some(worker)) => {
            Some(Role::find(directory, args, &folder, group, worker, &old, next.as_ref()).await?)
        }
        (None, _) | (_, None) => None,
    };
    let account = match next {
        Some(next) => next,
        None => tokio::task::block_in_place(|| make_next(&folder, args, &next_name, old.scheme()))?,
    };
    let directory_told = match &role {
        Some(role) => role.hand_over(account).await?,
        None => false,
    };
    let kept = folder.replace_with_next(&args.name).map_err(|error| folder_failure(&error))?;
    let new = folder.read(&args.name).map_err(|error| file_failure(&error))?;
    tell(args, &folder, &old, &new, kept, directory_told);
    Ok(ExitCode::SUCCESS)
}

/// The key that an earlier try has made.
fn read_next(folder: &KeyFolder, name: &KeyName) -> Outcome<AccountId> {
    let next = folder.read(name).map_err(|error| file_failure(&error))?;
    screen::note(&format!("going on with {name} ({}), which is there already", next.account()));
    Ok(next.account())
}

fn make_next(folder: &KeyFolder, args: &RotateArgs, name: &KeyName, scheme: KeyScheme) -> Outcome<AccountId> {
    let scheme = args.scheme.unwrap_or(scheme);
    let (key, secret) = make::new_key(folder, name, &args.name, scheme, &args.passphrase.passphrases())?;
    make::show_phrase(&secret, args.show_phrase);
    Ok(key.account())
}

impl Role {
    /// Finds the worker, makes sure that the old key is its role key, and opens the key that may change
    /// that.
    async fn find(
        directory: &DirectoryArgs,
        args: &RotateArgs,
        folder: &KeyFolder,
        group: GroupName,
        id: WorkerId,
        old: &StoredKey,
        next: Option<&AccountId>,
    ) -> Outcome<Self> {
        let network = Network::connect(directory).await?;
        let thing = format!("worker {id} of the {group} group");
        let found = network.directory.workers(group, id).await;
        let found = found.map_err(|error| Failure::directory(&thing, &error))?;
        let worker = found.into_iter().find(|worker| worker.id == id);
        let worker =
            worker.ok_or_else(|| Failure::refused("WORKER_MISSING", format!("there is no {thing}")))?;
        if next == Some(&worker.role_account) {
            return Ok(Self { network, group, worker, controller: None });
        }
        if worker.role_account != old.account() {
            let message = format!(
                "the role key of {thing} is {}, but {} is {}: name the key that it has",
                worker.role_account,
                args.name,
                old.account()
            );
            return Err(Failure::refused("OTHER_ROLE_KEY", message));
        }
        let member = network.directory.member(&worker.member.to_string()).await;
        let member =
            member.map_err(|error| Failure::directory(&format!("member {}", worker.member), &error))?;
        let role = format!("controller of member {}, who is {thing}", member.id);
        let controller =
            tokio::task::block_in_place(|| controller_key(args, folder, &member.account, &role))?;
        Ok(Self { network, group, worker, controller: Some(controller) })
    }

    /// Tells the directory, unless it knows. Gives whether it was told.
    async fn hand_over(&self, account: AccountId) -> Outcome<bool> {
        let Some(controller) = &self.controller else { return Ok(false) };
        let (network, worker) = (&self.network, self.worker.id);
        let submitter = Submitter::new(network.directory.clone(), controller.clone(), network.genesis.hash());
        let call = GroupCall::UpdateRoleAccount { worker, account };
        submitter.submit(Call::Group { group: self.group.0, call }).await.map_err(|error| {
            let thing = format!("the role key of worker {worker} of the {} group", self.group);
            Failure::submit(&thing, &error).with("run it again: it goes on from here")
        })?;
        Ok(true)
    }
}

/// The controller key, from the folder of keys or one of the files that were named.
fn controller_key(
    args: &RotateArgs,
    folder: &KeyFolder,
    account: &AccountId,
    role: &str,
) -> Outcome<Keypair> {
    let mut keys = Keyring::default();
    if let Some(key) = &args.key {
        keys.add(Key::open(&key.uri, key.pair.clone()));
    }
    for path in &args.keyfile {
        keys.add(Key::from_file(path).map_err(|error| file_failure(&error))?);
    }
    keys.add_folder(folder.path()).map_err(|error| keys_failure(&error))?;
    for warning in keys.warnings() {
        screen::note(&text::line(warning));
    }
    let passphrases = Passphrases::of_flags(args.signer_passphrase_file.clone(), args.signer_passphrase_fd);
    match keys.signer(account, role, &passphrases) {
        Ok(pair) => Ok(pair.clone()),
        Err(SignError::Missing(error)) => Err(Failure::refused("KEY_MISSING", error.to_string())),
        Err(SignError::Locked(error)) => Err(unlock_failure(&error)),
    }
}

fn tell(
    args: &RotateArgs,
    folder: &KeyFolder,
    old: &StoredKey,
    new: &StoredKey,
    kept: Option<KeyName>,
    directory_told: bool,
) {
    let shown = Shown::new(args.name.as_str(), new.account(), new.scheme(), &folder.path_of(&args.name));
    let rotated = Rotated {
        key: shown,
        old_name: kept.map(|name| name.to_string()),
        old_address: old.account().to_string(),
        directory_told,
    };
    if args.json {
        screen::json(&rotated);
        return;
    }
    screen::say(&rotated.key.address);
    if let Some(kept) = &rotated.old_name {
        screen::note(&format!("the old key is kept as {kept}"));
    }
    if args.group.is_some() {
        screen::note("restart the nodes that sign with this key");
    }
}
