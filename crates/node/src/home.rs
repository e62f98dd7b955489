//! A node's folder: which network and which role it belongs to, and files that are replaced as a whole.

use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

/// The only layout that exists.
const FORMAT: u32 = 1;
const LABEL: &str = "node.json";
/// A label is tiny; more bytes than this are not one.
const MAX_LABEL_BYTES: u64 = 4096;

/// What a folder belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Label {
    format: u32,
    role: String,
    network: String,
    genesis: String,
}

/// Read first and alone, so that the label of a newer program is recognised whatever else it says.
#[derive(Debug, Deserialize)]
struct Format {
    format: u32,
}

/// Why a folder cannot be this node's.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// The disk says no.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// Written by a newer program.
    #[error("{} was made by a newer argosy (layout {found}, this one knows {FORMAT}): use that one", path.display())]
    Newer {
        /// The folder.
        path: PathBuf,
        /// Its layout.
        found: u32,
    },
    /// The label cannot be read.
    #[error("{} is damaged: restore it, or move the folder away to start with an empty one", path.display())]
    Damaged {
        /// The label.
        path: PathBuf,
    },
    /// It belongs to something else.
    #[error("{} holds the data of {found}, but the configuration is for {wanted}: use another folder", path.display())]
    Other {
        /// The folder.
        path: PathBuf,
        /// What it belongs to.
        found: String,
        /// What it was opened for.
        wanted: String,
    },
}

/// Makes `dir` if need be, and makes sure that it belongs to this role on this network.
///
/// `genesis` is the hash in hexadecimal. A folder without a label gets one.
///
/// # Errors
/// [`HomeError`]. Nothing is changed then.
pub fn claim(dir: &Path, role: &str, network: &str, genesis: &str) -> Result<(), HomeError> {
    fs::create_dir_all(dir).map_err(io_error("make", dir))?;
    let wanted = Label {
        format: FORMAT,
        role: role.to_owned(),
        network: network.to_owned(),
        genesis: genesis.to_owned(),
    };
    let path = dir.join(LABEL);
    let found = match read_bounded(&path, MAX_LABEL_BYTES) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text =
                serde_json::to_vec_pretty(&wanted).map_err(|_| HomeError::Damaged { path: path.clone() })?;
            return replace_file(&path, &text).map_err(io_error("write", &path));
        }
        Err(cause) => return Err(io_error("read", &path)(cause)),
    };
    let label = read_label(&found, dir, &path)?;
    if label == wanted {
        return Ok(());
    }
    let describe =
        |label: &Label| format!("a {} node of the network {} ({})", label.role, label.network, label.genesis);
    Err(HomeError::Other { path: dir.to_owned(), found: describe(&label), wanted: describe(&wanted) })
}

fn read_label(bytes: &[u8], dir: &Path, path: &Path) -> Result<Label, HomeError> {
    let damaged = || HomeError::Damaged { path: path.to_owned() };
    let Format { format } = serde_json::from_slice(bytes).map_err(|_| damaged())?;
    if format > FORMAT {
        return Err(HomeError::Newer { path: dir.to_owned(), found: format });
    }
    serde_json::from_slice(bytes).map_err(|_| damaged())
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> HomeError {
    let path = path.to_owned();
    move |cause| HomeError::Io { doing, path, cause }
}

/// The bytes of a file.
///
/// # Errors
/// Those of the disk, and `InvalidData` if there are more than `limit` bytes.
pub fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut bytes = Vec::new();
    let read = fs::File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if argosy_domain::num::to_u64(read) > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the file is larger than expected"));
    }
    Ok(bytes)
}

/// Replaces a file as a whole: after a crash at any moment it has the old bytes or the new ones.
///
/// Durable when it returns.
///
/// # Errors
/// Those of the disk; the old file is then still there.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_file_with(path, |file| file.write_all(bytes))
}

/// As [`replace_file`], with whatever `write` writes.
///
/// # Errors
/// Those of `write` and of the disk; the old file is then still there.
pub fn replace_file_with(path: &Path, write: impl FnOnce(&mut fs::File) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut temporary = name.to_owned();
    temporary.push(".new");
    let temporary = path.with_file_name(temporary);
    let mut file = fs::File::create(&temporary)?;
    write(&mut file)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary, path)?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_role_on_one_network() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("a/b");
        claim(&home, "storage", "test", "ab").unwrap();
        claim(&home, "storage", "test", "ab").unwrap();
        assert!(matches!(claim(&home, "storage", "test", "cd"), Err(HomeError::Other { .. })));
        assert!(matches!(claim(&home, "distribution", "test", "ab"), Err(HomeError::Other { .. })));
        claim(&home, "storage", "test", "ab").unwrap();
    }

    #[test]
    fn newer_and_damaged_folders_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let label = dir.path().join(LABEL);
        fs::write(&label, r#"{"format": 2, "shards": []}"#).unwrap();
        assert!(matches!(claim(dir.path(), "storage", "t", "ab"), Err(HomeError::Newer { found: 2, .. })));
        fs::write(&label, "{").unwrap();
        assert!(matches!(claim(dir.path(), "storage", "t", "ab"), Err(HomeError::Damaged { .. })));
        fs::write(&label, vec![b' '; 5000]).unwrap();
        assert!(matches!(claim(dir.path(), "storage", "t", "ab"), Err(HomeError::Io { .. })));
    }

    #[test]
    fn a_file_is_replaced_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        replace_file(&path, b"one").unwrap();
        replace_file(&path, b"two").unwrap();
        assert_eq!(read_bounded(&path, 3).unwrap(), b"two");
        assert!(read_bounded(&path, 2).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
