//! Logs to console and file.
//!
//! Lines go through bounded queues to threads of their own: a slow terminal or disk never holds up a
//! node, it loses lines, and those are counted.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is logged, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct LogConfig {
    /// Filter of the console (stderr), such as `info` or `warn,argosy_node=debug`; `off` for silence.
    pub console: String,
    /// Filter of the file.
    pub file: String,
    /// Directory of the log files; no files when absent. Created when missing.
    pub directory: Option<PathBuf>,
    /// Beginning of the file names: `PREFIX.YYYY-MM-DD.jsonl`.
    pub prefix: String,
    /// Days whose files are kept.
    pub keep_days: usize,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            console: "info".into(),
            file: "info".into(),
            directory: None,
            prefix: "argosy".into(),
            keep_days: 14,
        }
    }
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// A filter does not follow the form `level` or `target=level,…`.
    #[error("{filter:?} is not a log filter such as info or warn,argosy_node=debug")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The directory or the first file cannot be made.
    #[error("cannot write log files in {directory}")]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Keeps logging alive; the last lines are written when it is dropped.
#[derive(Debug)]
#[must_use = "logging ends when the guard is dropped"]
pub struct Guard {}

impl Guard {
    /// Lines lost so far because the console or the disk was too slow.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        0
    }
}

/// Starts logging for the whole process. A second call changes nothing and returns a guard that
/// guards nothing.
///
/// # Errors
/// [`InitError`] when a filter or the directory is not usable.
pub fn init(config: &LogConfig) -> Result<Guard, InitError> {
    let _ = config;
    todo!()
}
