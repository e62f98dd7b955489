//! How popular adopted objects were with Argus, kept for the cache.

use super::AdoptError;
use crate::cache::Cache;
use argosy_domain::DataObjectId;
use argosy_node::home::{read_bounded, replace_file};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, io, path::Path};

/// The only layout that exists.
const FORMAT: u32 = 1;
const NAME: &str = "adopted.json";
/// Objects whose popularity is kept, the most popular ones.
const MAX_OBJECTS: usize = 256 * 1024;
/// As many entries have about a third of this, in bytes.
const MAX_BYTES: u64 = 32 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kept {
    format: u32,
    /// Ids with uses, the most popular first.
    uses: Vec<(u64, u32)>,
}

/// Writes what is known into the folder of the node's notes; for how many objects.
pub(super) fn keep(notes: &Path, uses: impl Iterator<Item = (DataObjectId, u32)>) -> Result<u64, AdoptError> {
    let mut uses: Vec<(u64, u32)> = uses.map(|(id, uses)| (id.0, uses)).collect();
    uses.sort_unstable_by_key(|(id, uses)| (Reverse(*uses), *id));
    uses.truncate(MAX_OBJECTS);
    let path = notes.join(NAME);
    let kept = Kept { format: FORMAT, uses };
    let text = serde_json::to_vec(&kept).map_err(io::Error::from);
    let written = text.and_then(|text| replace_file(&path, &text));
    written.map_err(|source| AdoptError::Io { path, source })?;
    Ok(super::count(kept.uses.len()))
}

/// Tells the cache how popular adopted objects are, once: what it has noted itself since is newer. Without the file, or with a damaged one, it learns it
/// from its users.
pub(crate) fn note_adopted(notes: &Path, cache: &Cache) {
    let path = notes.join(NAME);
    if cache.has_noted_since(&path) {
        return;
    }
    let kept = match read_bounded(&path, MAX_BYTES) {
        Ok(bytes) => serde_json::from_slice::<Kept>(&bytes).ok().filter(|kept| kept.format == FORMAT),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(_) => None,
    };
    let Some(kept) = kept else {
        tracing::warn!(file = %path.display(), "the popularity of adopted objects cannot be read");
        return;
    };
    for (id, uses) in kept.uses.into_iter().map(|(id, uses)| (DataObjectId(id), uses)) {
        if cache.contains(id) {
            cache.note_popularity(id, uses);
        }
    }
}
