//! Logs to console and file, and numbers for those who watch.
//!
//! Lines go through bounded queues to threads of their own: a slow terminal or disk never holds up a
//! node, it loses lines, and those are counted. Several nodes in one process share the logs; each runs
//! within a span that has a field `node`, such as `info_span!("node", node = "storage-0")`, and its name
//! stands on each of its lines.

mod console;
mod escape;
pub mod metrics;

use std::{
    fs, io,
    io::IsTerminal,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use serde::{Deserialize, Serialize};
use tracing_appender::{
    non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard},
    rolling::{RollingFileAppender, Rotation},
};
use tracing_subscriber::{
    Layer, Registry,
    filter::{ParseError, Targets},
    fmt,
    layer::SubscriberExt,
};

use console::Console;
pub use escape::escape_control;

/// Most lines that wait to be written; lines beyond are dropped and counted.
const QUEUE_LINES: usize = 8 * 1024;

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
        source: ParseError,
    },
    /// The directory or the first file cannot be made.
    #[error("cannot write log files in {directory}")]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Keeps logging alive; the last lines are written when it is dropped.
#[derive(Debug)]
#[must_use = "logging ends when the guard is dropped"]
pub struct Guard {
    outputs: Vec<Output>,
}

/// The counting end of one queue and the thread behind it.
#[derive(Debug)]
struct Output {
    dropped: ErrorCounter,
    _worker: WorkerGuard,
}

impl Guard {
    /// True for the guard of the first [`init`] of the process, whose settings are in force.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// Lines lost so far because the console or the disk was too slow.
    #[must_use]
    pub fn dropped_lines(&self) -> u64 {
        self.outputs
            .iter()
            .map(|output| u64::try_from(output.dropped.dropped_lines()).unwrap_or(u64::MAX))
            .sum()
    }
}

/// Starts logging for the whole process. A second call checks its filters but changes nothing, and
/// returns a guard that is not active.
///
/// # Errors
/// [`InitError`] when a filter or the directory is not usable.
pub fn init(config: &LogConfig) -> Result<Guard, InitError> {
    static STARTED: OnceLock<()> = OnceLock::new();

    let console_filter = filter(&config.console)?;
    let file_filter = filter(&config.file)?;
    if STARTED.get().is_some() {
        return Ok(Guard { outputs: Vec::new() });
    }
    let file = config.directory.as_deref().map(|directory| open_files(directory, config)).transpose()?;
    if STARTED.set(()).is_err() {
        return Ok(Guard { outputs: Vec::new() });
    }
    let (writer, console) = queue(io::stderr(), "log-console");
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let console_layer = Console::new(writer, colour).with_filter(console_filter);
    let mut outputs = vec![console];
    let file_layer = file.map(|file| {
        let (writer, file) = queue(file, "log-file");
        outputs.push(file);
        json_lines(writer).with_filter(file_filter)
    });
    let subscriber = Registry::default().with(console_layer).with(file_layer);
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        // The program brought its own subscriber; that one stays.
        outputs.clear();
    }
    Ok(Guard { outputs })
}

fn filter(text: &str) -> Result<Targets, InitError> {
    text.parse().map_err(|source| InitError::Filter { filter: text.to_owned(), source })
}

fn open_files(directory: &Path, config: &LogConfig) -> Result<RollingFileAppender, InitError> {
    let fail = |source| InitError::Directory { directory: directory.to_owned(), source };
    fs::create_dir_all(directory).map_err(fail)?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(&config.prefix)
        .filename_suffix("jsonl")
        .max_log_files(config.keep_days.max(1))
        .build(directory)
        .map_err(|source| fail(io::Error::other(source)))
}

fn queue(writer: impl io::Write + Send + 'static, thread: &str) -> (NonBlocking, Output) {
    let builder =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE_LINES).thread_name(thread);
    let (queue, worker) = builder.finish(writer);
    let dropped = queue.error_counter();
    (queue, Output { dropped, _worker: worker })
}

/// One JSON object per line, with the fields of all spans around the event.
fn json_lines<S>(writer: NonBlocking) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    fmt::layer().json().flatten_event(true).with_current_span(false).with_span_list(true).with_writer(writer)
}

#[cfg(test)]
mod tests;
