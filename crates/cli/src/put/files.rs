//! The files on the command line.

use crate::{
    failure::{Failure, Outcome, chain},
    screen, text,
};
use argosy_domain::limits::MAX_OBJECT_BYTES;
use argosy_store::source::{SourceError, SourceFile};
use indicatif::ProgressBar;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
};

/// Code of a file that is not the one that was hashed.
pub(super) const CHANGED: &str = "FILE_CHANGED";

/// Looks at a file before anything is asked of the network.
pub(super) fn check(path: &Path) -> Outcome<()> {
    let name = path.display();
    let unreadable = |error| Failure::usage(format!("cannot read {name}: {error}"));
    let metadata = fs::metadata(path).map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(Failure::usage(format!("{name} is a folder: name the files in it")));
    }
    if !metadata.is_file() {
        return Err(Failure::usage(format!("{name} is not a regular file: copy its content into one")));
    }
    match metadata.len() {
        0 => Err(Failure::usage(format!("{name} is empty: there is nothing to store"))),
        size if size > MAX_OBJECT_BYTES => Err(Failure::usage(format!(
            "{name} has {}: an object has at most {}",
            text::bytes(size),
            text::bytes(MAX_OBJECT_BYTES)
        ))),
        _ => File::open(path).map(drop).map_err(unreadable),
    }
}

/// Reads and hashes every file.
pub(super) async fn hash(paths: &[PathBuf], quiet: bool) -> Outcome<Vec<Arc<SourceFile>>> {
    let sizes = paths.iter().filter_map(|path| fs::metadata(path).ok()).map(|it| it.len()).sum();
    let bar = screen::progress(quiet, "hashing", sizes);
    let mut sources = Vec::with_capacity(paths.len());
    let mut hashed = 0;
    for path in paths {
        let source = hash_one(path.clone(), hashed, bar.clone()).await?;
        hashed += source.meta().size;
        sources.push(Arc::new(source));
    }
    bar.finish_and_clear();
    Ok(sources)
}

async fn hash_one(path: PathBuf, before: u64, bar: ProgressBar) -> Outcome<SourceFile> {
    let hashed = tokio::task::spawn_blocking(move || {
        SourceFile::hash(&path, |bytes| bar.set_position(before + bytes))
    });
    match hashed.await {
        Ok(hashed) => hashed.map_err(|error| failure(&error)),
        Err(error) => Err(Failure::refused("DEFECT", format!("hashing stopped: {error}"))),
    }
}

/// What went wrong with a file, as people need to hear it.
pub(super) fn failure(error: &SourceError) -> Failure {
    let code = match error {
        SourceError::Changed(_) => CHANGED,
        SourceError::Temporary { .. } => "NO_TEMPORARY_FILE",
        SourceError::Unreadable { .. } | SourceError::NotAFile(_) | SourceError::Empty(_) => {
            return Failure::usage(chain(error));
        }
    };
    Failure::refused(code, chain(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn what_is_no_file_is_named_before_the_network_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.mp4");
        fs::write(&empty, b"").unwrap();
        for (path, words) in [
            (folder.path().to_path_buf(), "is a folder"),
            (empty, "empty.mp4 is empty"),
            (folder.path().join("absent.mp4"), "absent.mp4"),
            (PathBuf::from("/dev/null"), "regular file"),
        ] {
            let failure = check(&path).unwrap_err();
            assert!(failure.message.contains(words), "{failure}");
            assert_eq!(failure.kind, Kind::Usage);
        }
    }
}
