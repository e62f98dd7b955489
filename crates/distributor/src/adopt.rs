//! Takes over the folder of a distributor that was Argus: its files become objects of the cache where they
//! are.
//!
//! Every file is checked against the directory and hashed before it gets its new name. What is not as it
//! should be stays where it is, and is listed. Nothing is copied, nothing is deleted; an interrupted run
//! is continued by the next.

mod files;
mod popularity;

pub(crate) use files::waiting_count;
pub(crate) use popularity::note_adopted;

use crate::{
    cache::argus,
    config::Config,
    ground::{Ground, GroundError},
    node::OnDuty,
    start::CHECKPOINT,
};
use argosy_api::{DirectoryClient, genesis::GenesisFile};
use argosy_directory::Genesis;
use argosy_http::{Client, Shutdown};
use argosy_node::{
    FollowError, Follower, FollowerConfig, config::DirectoryUrls, follower::begin_with_snapshot,
};
use argosy_node_core::follow::Index;
use argosy_store::{RealDisk, Store, StoreConfig, StoreError};
use files::{Found, Verdict};
use serde::Serialize;
use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::runtime::Handle;

/// Files that are hashed at once: one waits for the disk while the other is computed.
const THREADS: usize = 2;
/// How long a directory node may take to tell its height, and the copy of the directory to get there.
const PATIENCE: Duration = Duration::from_secs(5);
/// The copy of the directory of a dry run.
const TRIAL_CHECKPOINT: &str = "adopt.checkpoint";
const CATCH_UP: Duration = Duration::from_secs(15 * 60);

/// What to take over.
#[derive(Clone, Debug, Default)]
pub struct AdoptOptions {
    /// The folder with the files; `directories.assets` of the configuration if left out.
    pub from: Option<PathBuf>,
    /// Argus' `cache.json`; the one in `directories.cacheState` if left out.
    pub state: Option<PathBuf>,
    /// Check, and change nothing.
    pub dry_run: bool,
}

/// Is told how far it is, from several threads.
pub trait AdoptWatch: Send + Sync {
    /// So many files with so many bytes will be hashed.
    fn planned(&self, files: u64, bytes: u64);
    /// So many more bytes were hashed.
    fn hashed(&self, bytes: u64);
}

/// Why a file stays where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LeftBecause {
    /// Its name is not that of an object, or it is no plain file.
    NotAnObject,
    /// No such object was ever declared.
    Unknown,
    /// The directory has deleted the object.
    Deleted,
    /// No storage node has the object yet.
    NotAccepted,
    /// Others deliver the object.
    NotOurs,
    /// Nobody may pass these bytes on.
    Blacklisted,
    /// It has fewer bytes than the object: a download that was cut off.
    Partial,
    /// It has more bytes than the object.
    TooLong,
    /// The bytes are not those of the object.
    WrongContent,
    /// The cache holds the object already.
    HeldAlready,
    /// It is larger than the whole cache: see `limits.storage`.
    LargerThanCache,
    /// The disk does not give it, or does not let it be renamed.
    DiskError,
}

/// A file that stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: LeftBecause,
    /// What the system said, if it is the disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdoptReport {
    /// Whether nothing was changed; the rest tells what would have been.
    pub dry_run: bool,
    /// Whether it was told to stop before the end.
    pub interrupted: bool,
    /// Files that are objects of the cache now.
    pub adopted: u64,
    /// Their bytes.
    pub adopted_bytes: u64,
    /// Objects whose popularity is kept.
    pub popular: u64,
    /// Bytes of the cache with them, and most bytes that it may have: with more, the distributor makes
    /// room when it starts.
    pub cache_bytes: u64,
    /// `limits.storage`.
    pub limit_bytes: u64,
    /// Files that stay where they are.
    pub left: Vec<Left>,
}

/// Why nothing can be taken over.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// There is nothing to stand on.
    #[error(transparent)]
    Ground(#[from] GroundError),
    /// The directory cannot be followed.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// No directory node says what there is, so that no file can be judged.
    #[error(
        "no directory node answers, so that no file can be judged: start one, or see endpoints.directory"
    )]
    NoDirectory,
    /// The cache cannot be used.
    #[error("the cache of objects cannot be opened; a distributor that runs must be stopped first")]
    Store(#[source] StoreError),
    /// A folder or file cannot be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The program itself failed.
    #[error("adopting ended badly")]
    Broken(#[from] tokio::task::JoinError),
}

/// What the threads share.
struct Work<'a> {
    store: Option<Store>,
    files: Vec<Found>,
    next: AtomicUsize,
    stop: &'a Shutdown,
    watch: &'a dyn AdoptWatch,
    report: Mutex<AdoptReport>,
}

/// Takes over a folder for the distributor of this configuration, which must not be running. Ends early,
/// between two reads, when `stop` is triggered.
///
/// # Errors
/// [`AdoptError`]. A file that cannot be taken over is none: it is in the report.
pub async fn adopt(
    config: Config,
    options: AdoptOptions,
    watch: Arc<dyn AdoptWatch>,
    stop: Shutdown,
) -> Result<AdoptReport, AdoptError> {
    // First of all, since a running distributor holds its lock.
    let assets = config.directories.assets.clone();
    let store = if options.dry_run {
        None
    } else {
        Some(tokio::task::spawn_blocking(move || open_store(&assets)).await??)
    };
    let (index, duty) = newest_index(&config, options.dry_run).await?;
    tokio::task::spawn_blocking(move || {
        let known = Known { index, duty };
        take_over(&config, &options, store, &known, &*watch, &stop)
    })
    .await?
}

/// What files are judged by.
struct Known {
    index: Index,
    duty: OnDuty,
}

/// The directory as it is now, and what the node delivers.
async fn newest_index(config: &Config, dry_run: bool) -> Result<(Index, OnDuty), AdoptError> {
    let Ground { directories, trusted, genesis, changes } = Ground::of(config).await?;
    let duty = OnDuty::new(changes.duty());
    let notes = &config.directories.cache_state;
    let height = newest_height(&directories, &trusted, &genesis).await.ok_or(AdoptError::NoDirectory)?;
    // The copy of a distributor that runs is not to be touched.
    let checkpoint = notes.join(if dry_run { TRIAL_CHECKPOINT } else { CHECKPOINT });
    let follower = FollowerConfig { genesis, directories, checkpoint: checkpoint.clone() };
    begin_with_snapshot(&follower, &trusted).await;
    let (follower, follow) = tokio::task::spawn_blocking(move || Follower::open(follower, trusted)).await??;
    let shutdown = Shutdown::new();
    let following = Handle::current().spawn(follow.run(shutdown.clone()));
    let reached = follower.wait_for_height(height, CATCH_UP).await;
    let index = follower.index().clone();
    shutdown.trigger();
    following.await?;
    if dry_run {
        // It may not have been written.
        let _ = std::fs::remove_file(&checkpoint);
    }
    if reached { Ok((index, duty)) } else { Err(AdoptError::NoDirectory) }
}

async fn newest_height(directories: &DirectoryUrls, client: &Client, genesis: &Genesis) -> Option<u64> {
    let hash = GenesisFile::from(genesis).hash;
    for url in directories.as_slice() {
        let directory = DirectoryClient::new(client.clone(), url);
        if let Ok(Ok(status)) = tokio::time::timeout(PATIENCE, directory.status()).await
            && status.genesis == hash
        {
            return Some(status.height);
        }
    }
    None
}

fn take_over(
    config: &Config,
    options: &AdoptOptions,
    store: Option<Store>,
    known: &Known,
    watch: &dyn AdoptWatch,
    stop: &Shutdown,
) -> Result<AdoptReport, AdoptError> {
    let from = options.from.as_deref().unwrap_or(&config.directories.assets);
    let at = |source| AdoptError::Io { path: from.to_owned(), source };
    let limit_bytes = config.limits.storage.0;
    let mut report = AdoptReport { dry_run: options.dry_run, limit_bytes, ..AdoptReport::default() };
    let mut right = Vec::new();
    for entry in files::list(from).map_err(at)? {
        match files::judge(entry, &known.index, &known.duty, limit_bytes) {
            Verdict::Right(found) => right.push(found),
            Verdict::Left(left) => report.left.push(left),
        }
    }
    watch.planned(count(right.len()), right.iter().map(|found| found.meta.size).sum());
    let (next, report) = (AtomicUsize::new(0), Mutex::new(report));
    let work = Work { store, files: right, next, stop, watch, report };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| work.run());
        }
    });
    // The old names are gone for good, too.
    let synced = std::fs::File::open(from).and_then(|folder| folder.sync_all());
    synced.map_err(at)?;
    finish(config, options, work)
}

fn open_store(assets: &Path) -> Result<Store, AdoptError> {
    // What is adopted is on the disk already, whatever the floor.
    let limits = StoreConfig { capacity_bytes: None, disk_floor_bytes: 0 };
    Store::open(assets, Arc::new(RealDisk), limits).map_err(AdoptError::Store)
}

fn finish(config: &Config, options: &AdoptOptions, work: Work<'_>) -> Result<AdoptReport, AdoptError> {
    let mut report = work.report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.interrupted = work.stop.is_triggered();
    report.left.sort_unstable();
    let notes = &config.directories.cache_state;
    let state = options.state.clone().unwrap_or_else(|| notes.join(argus::NAME));
    if options.state.is_some() || state.exists() {
        let found = argus::read(&state)
            .map_err(|error| AdoptError::Io { path: state, source: io::Error::other(error) })?;
        let uses = found.entries.into_iter().map(|entry| (entry.id, entry.popularity));
        report.popular = match &work.store {
            Some(store) => {
                let held = uses.filter(|(id, _)| store.contains(*id));
                popularity::keep(notes, held)?
            }
            None => {
                let right = |id| work.files.binary_search_by_key(&id, |found| found.id).is_ok();
                count(uses.filter(|(id, _)| right(*id)).count())
            }
        };
    }
    report.cache_bytes = match &work.store {
        Some(store) => store.totals().object_bytes.saturating_add(store.totals().partial_bytes),
        None => report.adopted_bytes,
    };
    Ok(report)
}

fn count(n: usize) -> u64 {
    argosy_domain::num::to_u64(n)
}

impl Work<'_> {
    /// Takes file after file until there is none.
    fn run(&self) {
        while !self.stop.is_triggered() {
            let at = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(found) = self.files.get(at) else { return };
            let mut hashed = |bytes| {
                self.watch.hashed(bytes);
                if self.stop.is_triggered() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
            };
            let outcome = match &self.store {
                Some(store) => found.adopt(store, &mut hashed),
                None => found.check(&mut hashed),
            };
            // What was interrupted is neither taken over nor wrong.
            if outcome.is_some() && self.stop.is_triggered() {
                return;
            }
            let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                None => {
                    report.adopted = report.adopted.saturating_add(1);
                    report.adopted_bytes = report.adopted_bytes.saturating_add(found.meta.size);
                }
                Some(left) => report.left.push(left),
            }
        }
    }
}
