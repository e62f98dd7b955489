//! The checkpoints of a ledger: a folder of files named by height.

use crate::{data_dir::io_error, error::OpenError};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// How a checkpoint's file name ends.
const ENDING: &str = ".checkpoint";

/// A checkpoint by its name; it may not be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Generation {
    /// Height of its block.
    pub(crate) height: u64,
    pub(crate) path: PathBuf,
}

/// Where the checkpoint of a block goes.
pub(crate) fn path(dir: &Path, height: u64) -> PathBuf {
    dir.join(format!("{height}{ENDING}"))
}

/// The checkpoints in a folder, newest first; none if there is no folder.
pub(crate) fn list(dir: &Path) -> Result<Vec<Generation>, OpenError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(io_error("list", dir))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(io_error("list", dir))?;
        let height = entry.file_name().to_str().and_then(|name| name.strip_suffix(ENDING)?.parse().ok());
        // One spelling for each height.
        found.extend(
            height
                .map(|height| Generation { height, path: path(dir, height) })
                .filter(|one| one.path == entry.path()),
        );
    }
    found.sort_by_key(|generation| std::cmp::Reverse(generation.height));
    Ok(found)
}
