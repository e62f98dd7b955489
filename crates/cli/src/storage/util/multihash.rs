//! The content id of a file.

use crate::{
    failure::{Failure, Outcome},
    screen,
};
use argosy_content::TreeBuilder;
use argosy_domain::ContentId;
use serde_json::json;
use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 1024 * 1024;

/// Creates a multihash (blake3) for a file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy storage util multihash -f talk.mp4")]
pub(crate) struct MultihashArgs {
    /// Path for a hashing file.
    #[arg(short, long, value_name = "file")]
    file: PathBuf,
    /// Print JSON
    #[arg(long, help_heading = "Output")]
    pub(super) json: bool,
}

pub(super) async fn run(args: MultihashArgs) -> Outcome<()> {
    let MultihashArgs { file, json } = args;
    let name = file.display().to_string();
    screen::note(&format!("Hashing {} ....", crate::text::line(&name)));
    let hashed = tokio::task::spawn_blocking(move || hash(&file)).await;
    let hashed = hashed.unwrap_or_else(|error| Err(io::Error::other(error)));
    let (content_id, size) = hashed
        .map_err(|error| Failure::usage_as("UNREADABLE_FILE", format!("cannot read {name}: {error}")))?;
    if json {
        screen::json(&json!({"file": name, "contentId": content_id.to_string(), "size": size}));
    } else {
        screen::say(&content_id.to_string());
    }
    Ok(())
}

/// Reads the file once. Memory stays small whatever its size.
fn hash(path: &Path) -> io::Result<(ContentId, u64)> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let changed = |_| io::Error::other("it changed while it was read");
    let mut builder = TreeBuilder::new(metadata.len());
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok((builder.finish().map_err(changed)?, metadata.len()));
        }
        builder.push(chunk.get(..read).unwrap_or_default(), &mut |_, _| {}).map_err(changed)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_any_size_are_hashed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for size in [0, 1, 16_384, CHUNK_BYTES, CHUNK_BYTES + 16_385] {
            let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(hash(&path).unwrap(), (ContentId::of(&bytes), bytes.len().try_into().unwrap()));
        }
        assert!(hash(folder.path()).is_err());
    }
}
