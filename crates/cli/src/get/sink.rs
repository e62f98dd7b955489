//! Where the bytes of a download go: standard output, or a file that appears when it is complete.
//!
//! A download under way is a store with one object in it, beside the file: what that store promises
//! about crashes and resuming holds here too.

use super::Stopped;
use crate::failure::{Failure, Outcome, chain};
use argosy_api::directory::ObjectView;
use argosy_content::{GroupRange, GroupSet, SliceItem, group_count};
use argosy_domain::{DataObjectId, limits::WINDOW_GROUPS, num::to_u64};
use argosy_store::{ObjectMeta, PartialObject, RealDisk, Store, StoreConfig, StoreError};
use std::{
    ffi::OsString,
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Groups in one request.
const FETCHED_GROUPS: u64 = 2 * WINDOW_GROUPS;

/// The destination of a download.
#[derive(Debug)]
pub(super) enum Sink {
    Stdout { size: u64, written: u64 },
    File(FileSink),
}

/// A file that is being downloaded.
#[derive(Debug)]
pub(super) struct FileSink {
    output: PathBuf,
    folder: PathBuf,
    id: DataObjectId,
    store: Store,
    partial: Arc<PartialObject>,
}

/// Fails if the output is something that a file cannot replace.
pub(super) fn check(output: &Path) -> Outcome<()> {
    if output.as_os_str() == "-" {
        return Ok(());
    }
    let name = output.display();
    match fs::metadata(output) {
        Ok(metadata) if metadata.is_dir() => {
            Err(Failure::usage(format!("{name} is a folder: name a file with -o")))
        }
        Ok(metadata) if !metadata.is_file() => {
            Err(Failure::usage(format!("{name} is not a regular file: use -o - for standard output")))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let parent = output.parent().filter(|parent| !parent.as_os_str().is_empty());
            if parent.is_none_or(Path::is_dir) {
                Ok(())
            } else {
                Err(Failure::usage(format!("cannot write {name}: its folder does not exist")))
            }
        }
        Err(error) => Err(Failure::usage(format!("cannot write {name}: {error}"))),
    }
}

impl Sink {
    /// Opens the destination; a file goes on where an earlier download of the same object stopped.
    pub(super) async fn open(output: &Path, view: &ObjectView) -> Outcome<Self> {
        if output.as_os_str() == "-" {
            return Ok(Self::Stdout { size: view.size, written: 0 });
        }
        let (output, id) = (output.to_path_buf(), view.id);
        let meta = ObjectMeta { content_id: view.content_id, size: view.size };
        blocking(move || FileSink::open(output, id, meta)).await.map(Self::File)
    }

    pub(super) fn held_bytes(&self) -> u64 {
        match self {
            Self::Stdout { written, .. } => *written,
            Self::File(file) => file.held_bytes(),
        }
    }

    /// What has to be fetched, in order, in pieces of one request each.
    pub(super) fn missing(&self) -> Vec<GroupRange> {
        match self {
            Self::Stdout { size, .. } => pieces(&GroupSet::new(group_count(*size)), group_count(*size)),
            Self::File(file) => file.missing(),
        }
    }

    /// Writes one of the pieces; those for standard output must come in order.
    pub(super) async fn write(&mut self, items: Vec<SliceItem>) -> Result<(), Stopped> {
        match self {
            Self::Stdout { written, .. } => {
                let bytes = tokio::task::spawn_blocking(move || to_stdout(&items)).await;
                match bytes.unwrap_or_else(|error| Err(io::Error::other(error))) {
                    Ok(bytes) => {
                        *written += bytes;
                        Ok(())
                    }
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Stopped::ReaderGone),
                    Err(error) => {
                        Err(Failure::refused("NOT_WRITTEN", format!("standard output: {error}")).into())
                    }
                }
            }
            Self::File(file) => {
                let (partial, output) = (Arc::clone(&file.partial), file.output.clone());
                let written = move || fill(&partial, &items).map_err(|error| unusable(&output, &error));
                Ok(blocking(written).await?)
            }
        }
    }

    /// Makes the file complete under its own name, durably. Gives that name.
    pub(super) async fn finish(self) -> Outcome<String> {
        match self {
            Self::Stdout { .. } => Ok("standard output".to_owned()),
            Self::File(file) => blocking(move || file.finish()).await,
        }
    }

    /// Leaves what has arrived for the next time, and says so; nothing if there is nothing to leave.
    pub(super) async fn give_up(self) -> Option<String> {
        match self {
            Self::Stdout { .. } => None,
            Self::File(file) => blocking(move || Ok(file.give_up())).await.ok().flatten(),
        }
    }
}

impl FileSink {
    fn open(output: PathBuf, id: DataObjectId, meta: ObjectMeta) -> Outcome<Self> {
        let folder = part_folder(&output);
        let config = StoreConfig { capacity_bytes: None, disk_floor_bytes: 0 };
        let failed = |error: &StoreError| unusable(&output, error);
        let store = Store::open(&folder, Arc::new(RealDisk), config).map_err(|error| failed(&error))?;
        // What another object left here is of no use.
        let others = store.partials().into_iter().map(|partial| partial.id).chain(store.ids());
        for other in others.filter(|other| *other != id).collect::<Vec<_>>() {
            store.remove(other).map_err(|error| failed(&error))?;
        }
        // The file will be called verified, so what has lain here is proved like what arrives.
        store.doubt(id).map_err(|error| failed(&error))?;
        let opened = match store.partial(id, meta) {
            Err(StoreError::OtherContent { .. }) => {
                store.remove(id).map_err(|error| failed(&error))?;
                store.partial(id, meta)
            }
            opened => opened,
        };
        let partial = opened.map_err(|error| failed(&error))?;
        partial.reserve().map_err(|error| failed(&error))?;
        Ok(Self { output, folder, id, store, partial })
    }

    fn held_bytes(&self) -> u64 {
        self.partial.held_bytes()
    }

    fn missing(&self) -> Vec<GroupRange> {
        pieces(&self.partial.have(), group_count(self.partial.meta().size))
    }

    fn finish(self) -> Outcome<String> {
        let Self { output, folder, id, store, partial } = self;
        let failed = |error: &StoreError| unusable(&output, error);
        partial.complete().map_err(|error| failed(&error))?;
        drop(partial);
        store.move_out(id, &output).map_err(|error| failed(&error))?;
        drop(store);
        remove_folder(&folder);
        Ok(output.display().to_string())
    }

    fn give_up(self) -> Option<String> {
        let Self { output, folder, store, partial, .. } = self;
        // The proof of what arrived last; without it those groups are fetched again, and that is all.
        let _ = partial.save();
        let held = partial.held_bytes();
        drop((partial, store));
        if held == 0 {
            remove_folder(&folder);
            return None;
        }
        let name = output.display();
        Some(format!(
            "{} of it are kept in {}: ask for {name} again to go on",
            crate::text::bytes(held),
            folder.display()
        ))
    }
}

/// The folder of a download that is not complete.
fn part_folder(output: &Path) -> PathBuf {
    let mut name = OsString::from(output.as_os_str());
    name.push(".argosy-part");
    PathBuf::from(name)
}

/// What is left behind costs room, not correctness.
fn remove_folder(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        tracing::warn!("{} cannot be removed: {error}", folder.display());
    }
}

/// Runs of groups that are not held, cut into requests.
fn pieces(have: &GroupSet, count: u64) -> Vec<GroupRange> {
    let mut pieces: Vec<GroupRange> = Vec::new();
    for group in (0..count).filter(|group| !have.contains(*group)) {
        match pieces.last_mut() {
            Some(piece) if piece.end == group && piece.count() < FETCHED_GROUPS => piece.end = group + 1,
            _ => pieces.push(GroupRange::one(group)),
        }
    }
    pieces
}

fn fill(partial: &PartialObject, items: &[SliceItem]) -> Result<(), StoreError> {
    for item in items {
        match item {
            SliceItem::Pair(pair) => partial.write_pair(pair)?,
            SliceItem::Group(group) => {
                partial.write_group(group)?;
            }
        }
    }
    partial.save()
}

fn to_stdout(items: &[SliceItem]) -> io::Result<u64> {
    let mut stdout = io::stdout().lock();
    let mut bytes = 0;
    for item in items {
        if let SliceItem::Group(group) = item {
            stdout.write_all(group.data())?;
            bytes += to_u64(group.data().len());
        }
    }
    stdout.flush()?;
    Ok(bytes)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Outcome<T> + Send + 'static) -> Outcome<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(Failure::refused("DEFECT", format!("writing stopped: {error}"))),
    }
}

fn unusable(output: &Path, error: &StoreError) -> Failure {
    Failure::refused("NOT_WRITTEN", format!("cannot write {}: {}", output.display(), chain(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_asked_for_in_bounded_pieces() {
        let count = 3 * FETCHED_GROUPS + 5;
        let mut have = GroupSet::new(count);
        let whole = pieces(&have, count);
        assert_eq!(whole.len(), 4);
        assert!(whole.iter().all(|piece| piece.count() <= FETCHED_GROUPS));
        assert_eq!(whole.last(), Some(&GroupRange::new(3 * FETCHED_GROUPS, count)));
        have.insert(0);
        have.insert(7);
        assert_eq!(pieces(&have, 10), [GroupRange::new(1, 7), GroupRange::new(8, 10)]);
    }

    #[test]
    fn only_files_are_replaced() {
        let folder = tempfile::tempdir().unwrap();
        assert!(check(&folder.path().join("new")).is_ok());
        assert!(check(Path::new("-")).is_ok());
        for (path, words) in [
            (folder.path().to_path_buf(), "is a folder"),
            (folder.path().join("absent/new"), "folder does not exist"),
            (PathBuf::from("/dev/null"), "standard output"),
        ] {
            assert!(check(&path).unwrap_err().message.contains(words), "{}", path.display());
        }
        assert_eq!(part_folder(Path::new("a/b.mp4")), Path::new("a/b.mp4.argosy-part"));
    }
}
