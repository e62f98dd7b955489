//! Files that a command line names.

use crate::failure::{Failure, Outcome};
use argosy_api::metadata::{MAX_METADATA_JSON_BYTES, MetadataJsonError};
use argosy_domain::num::to_u64;
use std::{fs, io::Read as _, path::Path};

/// The text of a short file.
pub(crate) fn short_text(path: &Path, max_bytes: u64) -> Outcome<String> {
    let unreadable = |what: String| {
        Failure::usage_as("UNREADABLE_FILE", format!("cannot read {}: {what}", path.display()))
    };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let read = file.take(max_bytes.saturating_add(1)).read_to_string(&mut text);
    let read = read.map_err(|error| unreadable(error.to_string()))?;
    if to_u64(read) > max_bytes {
        return Err(unreadable(format!("it has more than {max_bytes} bytes")));
    }
    Ok(text)
}

/// The message that a JSON file of metadata says, encoded.
pub(crate) fn metadata(
    path: &Path,
    encode: impl FnOnce(&str) -> Result<Vec<u8>, MetadataJsonError>,
) -> Outcome<Vec<u8>> {
    let text = short_text(path, to_u64(MAX_METADATA_JSON_BYTES))?;
    encode(&text).map_err(|error| Failure::usage_as("WRONG_METADATA", format!("{}: {error}", path.display())))
}
