//! The data directory of `argosy up`: whose it is, who uses it, what is in it.

use crate::failure::{Failure, Outcome};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// The only layout that exists.
const FORMAT: u32 = 1;
/// Says that a directory is ours, and how many nodes are in it.
const MARKER: &str = "argosy-data.json";
/// Held open and locked while a network runs.
const LOCK: &str = "argosy.lock";
/// Written last: a directory without it was never finished and never ran.
const GENESIS: &str = "genesis.json";
/// There once the directory has run.
const HAS_RUN: &str = "directory/store";
/// Code of the failure that `--fresh` heals.
pub(crate) const NO_GENESIS: &str = "NO_GENESIS";
/// A marker is tiny; more bytes than this are not one.
const MAX_MARKER_BYTES: u64 = 4096;

/// What the marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Marker {
    format: u32,
    pub(crate) storage: u16,
    pub(crate) distributors: u16,
}

/// Read first and alone, so that the marker of a newer program is recognised whatever else it says.
#[derive(Debug, Deserialize)]
struct Format {
    format: u32,
}

/// What lies at the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing, or a directory without anything in it.
    Nothing,
    /// A network that was begun and never ran.
    Unfinished,
    /// A network.
    Network(Marker),
}

/// A data directory that is ours while this lives.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// Looks without changing anything.
pub(crate) fn look(path: &Path) -> Outcome<Found> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(cannot("read", path, &error)),
    };
    let mut names = Vec::new();
    for entry in entries.take(3) {
        names.push(entry.map_err(|error| cannot("read", path, &error))?.file_name());
    }
    // A start that was killed before it wrote anything leaves its lock file.
    if names.iter().all(|name| name == LOCK) {
        return Ok(Found::Nothing);
    }
    let marker_path = path.join(MARKER);
    if !marker_path.exists() {
        return Err(Failure::refused(
            "NOT_ARGOSY_DATA",
            format!(
                "{} is not empty and is no data directory of argosy up: name another with --data",
                path.display()
            ),
        ));
    }
    let marker = read_marker(&marker_path)?;
    if path.join(GENESIS).exists() {
        Ok(Found::Network(marker))
    } else if path.join(HAS_RUN).exists() {
        let message = format!(
            "{} holds a network without its {GENESIS}: restore that file, or give --fresh to begin anew without the data",
            path.display()
        );
        Err(Failure::refused(NO_GENESIS, message))
    } else {
        Ok(Found::Unfinished)
    }
}

fn read_marker(path: &Path) -> Outcome<Marker> {
    let length = fs::metadata(path).map_err(|error| cannot("read", path, &error))?.len();
    let damaged = || {
        Failure::refused(
            "DAMAGED_DATA",
            format!("{} cannot be understood: restore it, or name another --data", path.display()),
        )
    };
    if length > MAX_MARKER_BYTES {
        return Err(damaged());
    }
    let text = fs::read_to_string(path).map_err(|error| cannot("read", path, &error))?;
    let Format { format } = serde_json::from_str(&text).map_err(|_| damaged())?;
    if format != FORMAT {
        return Err(Failure::refused(
            "NEWER_FORMAT",
            format!(
                "{} has data format {format} and this program knows {FORMAT}: use a newer argosy, or name another --data",
                path.display()
            ),
        ));
    }
    serde_json::from_str(&text).map_err(|_| damaged())
}

impl DataDir {
    /// Takes the directory for this process, made if it is missing.
    pub(crate) fn take(path: &Path) -> Outcome<Self> {
        fs::create_dir_all(path).map_err(|error| cannot("make", path, &error))?;
        let lock_path = path.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(|error| cannot("open", &lock_path, &error))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Failure::refused(
                "DATA_IN_USE",
                format!(
                    "{} is in use by another argosy: stop it, or name another with --data",
                    path.display()
                ),
            )
        })?;
        let path = path.canonicalize().map_err(|error| cannot("find", path, &error))?;
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes what `argosy up` writes, and nothing else. The marker goes last, so that an
    /// interrupted removal can be repeated.
    pub(crate) fn clear(&self) -> Outcome<()> {
        let remove = |path: &Path| -> io::Result<()> {
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
        };
        let failed = |path: &Path, error: &io::Error| cannot("remove", path, error);
        // Without the genesis nobody takes the rest for a network.
        let mut doomed = vec![self.path.join(GENESIS)];
        for entry in fs::read_dir(&self.path).map_err(|error| failed(&self.path, &error))? {
            let entry = entry.map_err(|error| failed(&self.path, &error))?;
            if entry.file_name().to_str().is_some_and(is_ours) {
                doomed.push(entry.path());
            }
        }
        doomed.push(self.path.join(MARKER));
        for path in doomed {
            match remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(&path, &error)),
                Ok(()) | Err(_) => {}
            }
        }
        sync_dir(&self.path).map_err(|error| failed(&self.path, &error))
    }

    /// Begins a network: from now on the directory is known as ours.
    pub(crate) fn mark(&self, storage: u16, distributors: u16) -> Outcome<()> {
        let marker = Marker { format: FORMAT, storage, distributors };
        let text = serde_json::to_string(&marker).unwrap_or_default() + "\n";
        self.write(Path::new(MARKER), text.as_bytes())
    }

    /// Writes the genesis, which makes the network complete.
    pub(crate) fn finish(&self, genesis: &[u8]) -> Outcome<()> {
        self.write(Path::new(GENESIS), genesis)
    }

    /// Writes or replaces a file as a whole; durable on return.
    pub(crate) fn write(&self, name: &Path, bytes: &[u8]) -> Outcome<()> {
        let path = self.path.join(name);
        let folder = path.parent().unwrap_or(&self.path);
        let written = || -> io::Result<()> {
            fs::create_dir_all(folder)?;
            let temporary = path.with_extension("tmp");
            let mut file = File::create(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            sync_dir(folder)?;
            sync_dir(&self.path)
        };
        written().map_err(|error| cannot("write", &path, &error))
    }
}

/// Names that `argosy up` gives.
fn is_ours(name: &str) -> bool {
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
    };
    matches!(name, "directory" | "logs" | "argosy-data.tmp" | "genesis.tmp")
        || numbered("storage-")
        || numbered("distributor-")
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::refused("FILE_UNUSABLE", format!("cannot {what} {}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("letter.txt"), "mine").unwrap();
        let failure = look(folder.path()).unwrap_err();
        assert!(failure.message.contains(folder.path().to_str().unwrap()));
        assert_eq!(failure.code, "NOT_ARGOSY_DATA");
    }

    #[test]
    fn a_network_is_one_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        assert_eq!(look(&path).unwrap(), Found::Nothing);
        let data = DataDir::take(&path).unwrap();
        assert_eq!(look(&path).unwrap(), Found::Nothing);
        data.mark(2, 3).unwrap();
        data.write(Path::new("storage-0/storage.yml"), b"id: x").unwrap();
        assert_eq!(look(&path).unwrap(), Found::Unfinished);
        data.write(Path::new("directory/store/blocks.log"), b"").unwrap();
        assert_eq!(look(&path).unwrap_err().code, NO_GENESIS);
        data.finish(b"{}").unwrap();
        assert_eq!(look(&path).unwrap(), Found::Network(Marker { format: 1, storage: 2, distributors: 3 }));
        assert_eq!(DataDir::take(&path).unwrap_err().code, "DATA_IN_USE");
        drop(data);
        assert!(DataDir::take(&path).is_ok());
    }

    #[test]
    fn a_fresh_start_removes_what_is_ours_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::take(folder.path()).unwrap();
        data.mark(1, 1).unwrap();
        for name in ["storage-0/a", "distributor-12/b", "directory/c", "logs/d", "storage-x/e", "notes.txt"] {
            data.write(Path::new(name), b"").unwrap();
        }
        data.finish(b"{}").unwrap();
        data.clear().unwrap();
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["argosy.lock", "notes.txt", "storage-x"]);
    }

    #[test]
    fn newer_and_damaged_markers_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let marker = folder.path().join(MARKER);
        fs::write(&marker, r#"{"format":2,"nodes":[]}"#).unwrap();
        assert_eq!(look(folder.path()).unwrap_err().code, "NEWER_FORMAT");
        fs::write(&marker, "nonsense").unwrap();
        assert_eq!(look(folder.path()).unwrap_err().code, "DAMAGED_DATA");
    }
}
