//! The state that Joystream's distributor (Argus) leaves behind: `cacheState/cache.json`.

use argosy_domain::DataObjectId;
use argosy_node::home::read_bounded;
use serde_json::Value;
use std::{collections::BTreeMap, io, path::Path};

/// What Argus calls the file, in the folder `directories.cacheState`.
pub(crate) const NAME: &str = "cache.json";
/// Largest state that is read, in bytes: of about a million objects.
const MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Longest media type that is believed.
const MAX_MIME_LEN: usize = 127;

/// What Argus knew of its cache. Which objects it really held is for its files to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ArgusState {
    /// Each object once, the one that was not used for longest first.
    pub(crate) entries: Vec<ArgusEntry>,
    /// Media types, by object.
    pub(crate) mime_types: BTreeMap<DataObjectId, String>,
}

/// An object in Argus' cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ArgusEntry {
    /// The object.
    pub(crate) id: DataObjectId,
    /// Requests ever since it came, at least 1.
    pub(crate) popularity: u32,
    /// Of the last request, in milliseconds since 1970; 0 if not known.
    pub(crate) last_access_ms: u64,
    /// Size in units of 1024 bytes, rounded up; 0 if not known.
    pub(crate) size_kb: u64,
}

/// Why nothing can be learned from a state.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgusStateError {
    /// The file cannot be read, or is larger than any that Argus writes.
    #[error("the state of Argus cannot be read")]
    Io(#[from] io::Error),
    /// It is no JSON, as after a crash in the middle of a write.
    #[error("the state of Argus is damaged")]
    Damaged(#[from] serde_json::Error),
}

/// Reads `cache.json`. Entries that make no sense are left out.
///
/// # Errors
/// [`ArgusStateError`].
pub(crate) fn read(path: &Path) -> Result<ArgusState, ArgusStateError> {
    let state: Value = serde_json::from_slice(&read_bounded(path, MAX_BYTES)?)?;
    let groups = state.get("lruCacheGroups").and_then(Value::as_array);
    let pairs = groups.into_iter().flatten().filter_map(Value::as_array).flatten();
    let mut entries: BTreeMap<DataObjectId, ArgusEntry> = BTreeMap::new();
    for entry in pairs.filter_map(entry_of) {
        // Of two the later one counts, wherever it stands.
        let known = entries.entry(entry.id).or_insert(entry);
        if known.last_access_ms < entry.last_access_ms {
            *known = entry;
        }
    }
    let mut entries: Vec<ArgusEntry> = entries.into_values().collect();
    entries.sort_by_key(|entry| (entry.last_access_ms, entry.id));
    let types = state.get("mimeTypeByObjectId").and_then(Value::as_array);
    let mime_types = types.into_iter().flatten().filter_map(mime_of).collect();
    Ok(ArgusState { entries, mime_types })
}

fn entry_of(pair: &Value) -> Option<ArgusEntry> {
    let facts = pair.get(1)?;
    let number = |key| facts.get(key).map_or(0, whole);
    Some(ArgusEntry {
        id: id_of(pair.get(0)?)?,
        popularity: u32::try_from(number("popularity")).unwrap_or(u32::MAX).max(1),
        last_access_ms: number("lastAccessTime"),
        size_kb: number("sizeKB"),
    })
}

fn mime_of(pair: &Value) -> Option<(DataObjectId, String)> {
    let id = id_of(pair.get(0)?)?;
    let name = pair.get(1)?.as_str()?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/+-._".contains(&byte);
    (name.len() <= MAX_MIME_LEN && name.bytes().all(plain)).then(|| (id, name.to_owned()))
}

/// Argus writes ids as text.
fn id_of(value: &Value) -> Option<DataObjectId> {
    match value {
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Value::Number(number) => number.as_u64(),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
    .map(DataObjectId)
}

/// JavaScript has no integers; what is no whole number counts as not known.
fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<ArgusState, ArgusStateError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache.json");
        std::fs::write(&path, text).unwrap();
        read(&path)
    }

    #[test]
    fn a_state_as_argus_writes_it() {
        let state = of(r#"{
  "lruCacheGroups": [
    [],
    [["12", {"popularity": 3, "lastAccessTime": 1600000000300, "sizeKB": 2}],
     ["7", {"popularity": 1, "lastAccessTime": 1600000000100, "sizeKB": 5}]],
    [["99", {"popularity": 40, "lastAccessTime": 1600000000200, "sizeKB": 70000}]]
  ],
  "mimeTypeByObjectId": [["12", "image/webp"], ["99", "video/mp4"]]
}"#)
        .unwrap();
        let found: Vec<_> = state.entries.iter().map(|it| (it.id.0, it.popularity, it.size_kb)).collect();
        assert_eq!(found, [(7, 1, 5), (99, 40, 70000), (12, 3, 2)]);
        assert_eq!(state.mime_types[&DataObjectId(99)], "video/mp4");
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let state = of(
            r#"{"lruCacheGroups": [7, [["../1", {}], ["2"], [3, {"popularity": -1}], {}, null,
                ["4", {"popularity": 1e99, "lastAccessTime": 5}], ["4", {"lastAccessTime": 9, "popularity": 2}],
                ["4", {"lastAccessTime": 8}], ["99999999999999999999999", {}]]],
               "mimeTypeByObjectId": [["5", "text/html\r\nx: y"], ["6"], "x", ["8", "image/png"]]}"#,
        )
        .unwrap();
        let found: Vec<_> = state.entries.iter().map(|it| (it.id.0, it.popularity)).collect();
        assert_eq!(found, [(3, 1), (4, 2)]);
        assert_eq!(state.mime_types.len(), 1);
        assert_eq!(of("{}").unwrap(), ArgusState::default());
        assert_eq!(of("[1, 2]").unwrap(), ArgusState::default());
    }

    #[test]
    fn what_is_no_json_is_damaged() {
        for text in ["", "{\"lruCacheGroups\": [[[\"1\"", "\u{0}"] {
            assert!(matches!(of(text), Err(ArgusStateError::Damaged(_))), "{text}");
        }
        assert!(matches!(read(Path::new("/nowhere/at/all")), Err(ArgusStateError::Io(_))));
    }
}
