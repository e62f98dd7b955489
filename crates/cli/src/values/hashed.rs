//! Texts of which the directory keeps nothing but the hash.

use crate::{failure::Outcome, files};
use argosy_domain::ContentId;
use std::path::{Path, PathBuf};

/// Longest text that is read from a file, in bytes.
const MAX_TEXT_BYTES: u64 = 1024 * 1024;

/// A description
#[derive(Clone, Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub(crate) struct DescriptionArgs {
    /// The description; the directory keeps its BLAKE3 hash only
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// File with the description
    #[arg(long, value_name = "FILE")]
    description_file: Option<PathBuf>,
}

impl DescriptionArgs {
    /// What the directory keeps of it.
    pub(crate) fn hash(&self) -> Outcome<[u8; 32]> {
        hash_of(self.description.as_deref(), self.description_file.as_deref())
    }
}

/// BLAKE3 hash of a text, or of a file with one. It is what the content id of the same bytes holds, so
/// that the text can be found as an object.
pub(crate) fn hash_of(text: Option<&str>, file: Option<&Path>) -> Outcome<[u8; 32]> {
    let text = match (text, file) {
        (None, Some(file)) => files::short_text(file, MAX_TEXT_BYTES)?,
        (text, _) => text.unwrap_or_default().to_owned(),
    };
    Ok(ContentId::of(text.as_bytes()).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_hash_of_its_text() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, "abc").unwrap();
        // Source: the official test vector of BLAKE3 for "abc" is that of its reference program b3sum.
        let expected = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85";
        assert_eq!(hex::encode(hash_of(Some("abc"), None).unwrap()), expected);
        assert_eq!(hex::encode(hash_of(None, Some(&path)).unwrap()), expected);
        let missing = folder.path().join("missing");
        assert_eq!(hash_of(None, Some(&missing)).unwrap_err().code, "UNREADABLE_FILE");
    }
}
