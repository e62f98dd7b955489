//! Reading `genesis.json`.

use argosy_api::genesis::{GenesisFile, GenesisFileError};
use argosy_directory::Genesis;
use argosy_domain::num::to_u64;
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// A genesis lists members and workers; more bytes than this are not one.
const MAX_GENESIS_BYTES: u64 = 16 * 1024 * 1024;

/// Why a genesis file is not usable.
#[derive(Debug, thiserror::Error)]
pub enum GenesisReadError {
    /// It cannot be read.
    #[error("cannot read the genesis {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not a genesis file.
    #[error("{} is not a genesis file", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where it departs from the form.
        source: serde_json::Error,
    },
    /// Its content cannot be used.
    #[error("{} cannot be used", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: GenesisFileError,
    },
}

/// Reads a genesis file and checks its hash.
///
/// # Errors
/// [`GenesisReadError`], which names the file.
pub fn read_genesis(path: &Path) -> Result<Genesis, GenesisReadError> {
    let io = |source| GenesisReadError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(MAX_GENESIS_BYTES.saturating_add(1)).read_to_end(&mut bytes).map_err(io)?;
    if to_u64(bytes.len()) > MAX_GENESIS_BYTES {
        return Err(io(io::ErrorKind::FileTooLarge.into()));
    }
    let file: GenesisFile = serde_json::from_slice(&bytes)
        .map_err(|source| GenesisReadError::Syntax { path: path.to_owned(), source })?;
    Genesis::try_from(file).map_err(|source| GenesisReadError::Content { path: path.to_owned(), source })
}
