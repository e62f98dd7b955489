//! Reading files that hold secrets.

use crate::stored::FormatError;
use std::{
    fs,
    io::{self, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Most bytes of a key file. Polkadot-js' exports have less than one KiB.
pub const MAX_KEY_FILE_BYTES: u64 = 64 * 1024;
/// Permissions of those who are not the owner.
const OTHERS_MODE: u32 = 0o077;

/// Why a file that should hold a secret gave none. Never repeats what is in it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no such file.
    #[error("there is no file {}", path.display())]
    Absent {
        /// The file.
        path: PathBuf,
    },
    /// There is one, but it is of no use.
    #[error("{} cannot be used", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: Unusable,
    },
}

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// The disk says no.
    #[error("it cannot be read")]
    Io(#[source] io::Error),
    /// A folder, a pipe or a device.
    #[error("it is not a plain file")]
    NotAFile,
    /// More than [`MAX_KEY_FILE_BYTES`], or the bound of its kind.
    #[error("it has more than {limit} bytes")]
    TooLarge {
        /// The bound.
        limit: u64,
    },
    /// Others could read the secret.
    #[error("others than its owner may read it (mode {mode:03o}): run chmod 600 {}", path.display())]
    OpenToOthers {
        /// Its permissions.
        mode: u32,
        /// The file, for the command that helps.
        path: PathBuf,
    },
    /// Not text.
    #[error("it is not text")]
    NotText,
    /// Not what it should hold.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// Not the text of a secret key.
    #[error(transparent)]
    Key(#[from] argosy_domain::keys::KeyError),
}

impl FileError {
    /// Whether there is no such file, as opposed to one that is of no use.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent { .. })
    }

    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::NotFound {
            Self::Absent { path: path.to_owned() }
        } else {
            Self::unusable(path, Unusable::Io(error))
        }
    }

    pub(crate) fn unusable(path: &Path, cause: impl Into<Unusable>) -> Self {
        Self::Unusable { path: path.to_owned(), cause: cause.into() }
    }
}

/// What is in a file, and who may read it.
pub(crate) struct SecretText {
    pub(crate) text: Zeroizing<String>,
    /// The permissions, if others than the owner have some.
    pub(crate) open_mode: Option<u32>,
}

impl SecretText {
    /// Refuses a file that others could read.
    pub(crate) fn private(self, path: &Path) -> Result<Zeroizing<String>, FileError> {
        match self.open_mode {
            None => Ok(self.text),
            Some(mode) => Err(FileError::unusable(path, Unusable::OpenToOthers { mode, path: path.into() })),
        }
    }
}

/// The text of a plain file of at most `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<SecretText, FileError> {
    let failed = |error| FileError::io(path, error);
    // Looked at before it is opened: opening a pipe would wait for its writer.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        return Err(FileError::unusable(path, Unusable::NotAFile));
    }
    let file = fs::File::open(path).map_err(failed)?;
    // Those of the file that is open, whatever the path names by now.
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    let text = read_to_limit(file, limit).map_err(|cause| FileError::unusable(path, cause))?;
    Ok(SecretText { text, open_mode: (mode & OTHERS_MODE != 0).then_some(mode) })
}

/// All that `from` gives, if that is text of at most `limit` bytes.
pub(crate) fn read_to_limit(from: impl io::Read, limit: u64) -> Result<Zeroizing<String>, Unusable> {
    let mut bytes = Zeroizing::new(Vec::new());
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(Unusable::Io)?;
    if argosy_domain::num::to_u64(bytes.len()) > limit {
        return Err(Unusable::TooLarge { limit });
    }
    match str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(Unusable::NotText),
    }
}

/// The text of a file that only its owner may read, without blanks around it: a phrase, a seed or
/// another secret.
///
/// # Errors
/// [`FileError`].
pub fn read_secret_text(path: &Path) -> Result<Zeroizing<String>, FileError> {
    let text = read_text(path, MAX_KEY_FILE_BYTES)?.private(path)?;
    Ok(Zeroizing::new(text.trim().to_owned()))
}
