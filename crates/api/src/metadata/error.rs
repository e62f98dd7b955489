//! Where a JSON text of metadata is wrong, and how.

use super::MAX_METADATA_JSON_BYTES;
use argosy_directory::Reject;
use argosy_domain::limits::MAX_METADATA_BYTES;

/// Most characters of the text that an error repeats.
const MAX_SHOWN_CHARS: usize = 40;

/// Why a JSON text is no metadata.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} at line {line}, column {column}: {problem}", whole_or(.path))]
pub struct MetadataJsonError {
    /// Keys and indices that lead there, `location.coordinates.latitude` or `areas[2]` say; empty for
    /// the whole. Safe to print.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong there.
    pub problem: MetadataProblem,
}

/// What is wrong at one place of a JSON text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetadataProblem {
    /// Not JSON; holds what the parser says.
    #[error("this is not JSON: {0}")]
    Syntax(String),
    /// The text is longer than is read.
    #[error("the text has {0} bytes, and at most {MAX_METADATA_JSON_BYTES} are read: make it shorter")]
    TextTooLong(usize),
    /// The message, or what would be kept of it, is larger than the directory takes.
    #[error("this makes more than the {MAX_METADATA_BYTES} bytes that the directory keeps: make it shorter")]
    TooLarge,
    /// A key that has no meaning here; holds those that have.
    #[error("this key is not known here: remove it, or use one of {}", .0.join(", "))]
    UnknownKey(Vec<&'static str>),
    /// A key that stands in the same object twice.
    #[error("this key stands here twice: remove one of them")]
    RepeatedKey,
    /// A value of another kind.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// The kind, or what the value means.
        expected: &'static str,
        /// The kind of what stands there.
        found: &'static str,
    },
    /// A value of the right kind that the directory would refuse.
    #[error("expected {expected}, found {found}")]
    NotAllowed {
        /// How the directory would call it.
        reject: Reject,
        /// What is allowed.
        expected: &'static str,
        /// The beginning of what stands there, quoted and escaped.
        found: String,
    },
}

impl MetadataJsonError {
    /// Stable name, in capitals; the directory's own where it would refuse the same.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self.problem {
            MetadataProblem::Syntax(_) => "METADATA_JSON_SYNTAX",
            MetadataProblem::UnknownKey(_) => "METADATA_KEY_UNKNOWN",
            MetadataProblem::RepeatedKey => "METADATA_KEY_REPEATED",
            MetadataProblem::WrongType { .. } => "METADATA_WRONG_TYPE",
            MetadataProblem::TextTooLong(_) | MetadataProblem::TooLarge => Reject::MetadataTooLarge.code(),
            MetadataProblem::NotAllowed { reject, .. } => reject.code(),
        }
    }
}

impl MetadataProblem {
    pub(super) fn not_allowed(reject: Reject, expected: &'static str, found: &str) -> Self {
        Self::NotAllowed { reject, expected, found: shown(found) }
    }
}

fn whole_or(path: &str) -> &str {
    if path.is_empty() { "metadata" } else { path }
}

/// The beginning of a text of somebody else, quoted; what a terminal would obey is escaped.
pub(super) fn shown(text: &str) -> String {
    let beginning: String = text.chars().take(MAX_SHOWN_CHARS).collect();
    let rest = if beginning.len() < text.len() { "…" } else { "" };
    format!("{beginning:?}{rest}")
}
