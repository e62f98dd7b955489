//! Argus' record of its cache: which objects were asked for how often.

use argosy_domain::DataObjectId;
use argosy_node::home::read_bounded;
use serde::Deserialize;
use std::{io, path::Path};

/// What Argus calls the file, in the folder `directories.cacheState`.
pub(crate) const NAME: &str = "cache.json";
/// A record of two million objects has about this many bytes.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// Source: `StateCacheService` of Joystream's distributor.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    lru_cache_groups: Vec<Vec<(String, Entry)>>,
}

#[derive(Deserialize)]
struct Entry {
    popularity: u64,
}

/// The uses of each object, as Argus counted them. What is no object is left out.
pub(crate) fn read(path: &Path) -> io::Result<Vec<(DataObjectId, u64)>> {
    let record: Record = serde_json::from_slice(&read_bounded(path, MAX_BYTES)?)?;
    let entries = record.lru_cache_groups.into_iter().flatten();
    Ok(entries.filter_map(|(id, entry)| Some((DataObjectId(id.parse().ok()?), entry.popularity))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_of_argus_is_understood() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        let text = r#"{"lruCacheGroups": [[], [["7", {"popularity": 3, "lastAccessTime": 1700000000000, "sizeKB": 2}]],
            [["12", {"popularity": 1, "lastAccessTime": 1700000000000, "sizeKB": 900}], ["x", {"popularity": 1}]]],
            "mimeTypeByObjectId": [["7", "image/png"], ["12", "video/mp4"]]}"#;
        std::fs::write(&path, text).unwrap();
        assert_eq!(read(&path).unwrap(), [(DataObjectId(7), 3), (DataObjectId(12), 1)]);
        std::fs::write(&path, &text[..100]).unwrap();
        assert!(read(&path).is_err());
    }
}
