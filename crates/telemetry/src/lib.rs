//! Logs to console, files and Elasticsearch, and numbers for those who watch.
//!
//! Lines go through bounded queues to threads of their own: a slow terminal, disk or endpoint never holds up
//! a node, it loses lines, and those are counted. Several nodes in one process share the logs; each runs
//! within a span that has a field `node`, such as `info_span!("node", node = "storage-0")`, and its name
//! stands on each of its lines.

mod console;
mod elastic;
mod entry;
mod escape;
mod json;
mod level;
mod limit;
mod machine;
pub mod metrics;
mod rolling;

use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{Layer, Registry, filter::ParseError, layer::SubscriberExt};

use console::Console;
pub use elastic::{ElasticPlan, FLUSH_INTERVAL, data_stream};
pub use escape::escape_control;
pub use level::{ACCESS, ACCESS_REFUSED};
pub use rolling::{FilePlan, Frequency};

use elastic::{ElasticCounters, Shipping};
use entry::Entry;
use level::Gate;
use limit::Limiter;
use machine::{Machine, Sink};

/// Most lines that wait to be written; lines beyond are dropped and counted.
const QUEUE_LINES: usize = 8 * 1024;

/// What is logged, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LogConfig {
    /// Filter of the console (stderr), such as `info` or `warn,argosy_node=debug`; `off` for silence.
    pub console: String,
    /// Log files and what goes there.
    pub file: Option<FileLog>,
    /// Elasticsearch and what goes there.
    pub elastic: Option<ElasticLog>,
}

impl LogConfig {
    /// Whether lines are to go to an endpoint that nothing can be sent to.
    fn has_mute_endpoint(&self) -> bool {
        self.elastic.as_ref().is_some_and(|elastic| !elastic.plan.is_spoken())
    }

    /// The filter of the console in force: what has no other output than an endpoint that nothing can be
    /// sent to is told there, and not to nobody.
    fn console_in_force(&self) -> &str {
        match &self.elastic {
            Some(elastic) if self.has_mute_endpoint() && self.file.is_none() && self.console == "off" => {
                &elastic.filter
            }
            _ => &self.console,
        }
    }
}

/// Log files and what goes there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FileLog {
    /// Filter, as that of the console.
    pub filter: String,
    /// The files.
    pub plan: FilePlan,
}

/// Elasticsearch and what goes there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ElasticLog {
    /// Filter, as that of the console.
    pub filter: String,
    /// The endpoint.
    pub plan: ElasticPlan,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { console: "info".into(), file: None, elastic: None }
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
    /// A directory or the first file cannot be made.
    #[error("cannot write logs in {directory}")]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// An output of the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard error.
    Console,
    /// The files.
    File,
    /// Elasticsearch.
    Elastic,
}

/// Lines that were not written, and how those for Elasticsearch fare; all since the start, but for
/// `elastic_spooled_bytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCounts {
    /// Lines lost because the console or the disk was too slow.
    pub queue_lost: u64,
    /// Lines lost because a log file could not be written.
    pub file_lost: u64,
    /// Lines not written because their cause had written enough in that minute.
    pub suppressed: u64,
    /// Lines that Elasticsearch has taken.
    pub elastic_sent: u64,
    /// Lines that it has turned down for good.
    pub elastic_rejected: u64,
    /// Lines lost because too many waited for it.
    pub elastic_dropped: u64,
    /// Attempts to send that failed.
    pub elastic_failures: u64,
    /// Bytes of lines that wait on disk for it now.
    pub elastic_spooled_bytes: u64,
}

/// What the process logs by, for those who ask or change something while it runs.
struct Running {
    gates: Vec<(Output, Gate)>,
    queues: Vec<ErrorCounter>,
    file_lost: Arc<AtomicU64>,
    limiters: Vec<Arc<Limiter>>,
    elastic: Arc<ElasticCounters>,
}

static RUNNING: OnceLock<Running> = OnceLock::new();

/// What was lost so far; zeros where logging was not started.
#[must_use]
pub fn counts() -> LogCounts {
    RUNNING.get().map(Running::counts).unwrap_or_default()
}

/// Changes what an output takes, until the process ends. Whether there is such an output.
///
/// # Errors
/// [`InitError::Filter`].
pub fn set_filter(output: Output, filter: &str) -> Result<bool, InitError> {
    level::parse(filter)?;
    let running = RUNNING.get();
    let gate = running.and_then(|running| running.gates.iter().find(|(own, _)| *own == output));
    gate.map_or(Ok(false), |(_, gate)| gate.set(filter).map(|()| true))
}

impl Running {
    fn counts(&self) -> LogCounts {
        let elastic = &self.elastic;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LogCounts {
            queue_lost: self.queues.iter().map(lost).sum(),
            file_lost: of(&self.file_lost),
            suppressed: self.limiters.iter().map(|limiter| limiter.suppressed()).sum(),
            elastic_sent: of(&elastic.sent),
            elastic_rejected: of(&elastic.rejected),
            elastic_dropped: of(&elastic.dropped),
            elastic_failures: of(&elastic.failures),
            elastic_spooled_bytes: of(&elastic.spooled_bytes),
        }
    }
}

fn lost(queue: &ErrorCounter) -> u64 {
    u64::try_from(queue.dropped_lines()).unwrap_or(u64::MAX)
}

/// Keeps logging alive; the last lines are written when it is dropped.
#[derive(Debug, Default)]
#[must_use = "logging ends when the guard is dropped"]
pub struct Guard {
    active: bool,
    _shipping: Option<Shipping>,
    workers: Vec<WorkerGuard>,
}

impl Guard {
    /// True for the guard of the first [`init`] of the process, whose settings are in force.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.active
    }
}

/// A file as an output.
struct FileSink(NonBlocking);

impl Sink for FileSink {
    fn form(&self, entry: &Entry) -> String {
        entry.file_line()
    }

    fn take(&self, line: String) {
        // The queue never blocks; what it drops, it counts.
        let _ = io::Write::write_all(&mut self.0.clone(), line.as_bytes());
    }
}

/// Starts logging for the whole process. A second call checks its filters but changes nothing, and
/// returns a guard that is not active.
///
/// # Errors
/// [`InitError`] when a filter or a directory is not usable.
pub fn init(config: &LogConfig) -> Result<Guard, InitError> {
    let console_gate = Gate::new(config.console_in_force())?;
    let file_gate = config.file.as_ref().map(|file| Gate::new(&file.filter)).transpose()?;
    let elastic_gate = config.elastic.as_ref().map(|elastic| Gate::new(&elastic.filter)).transpose()?;
    if RUNNING.get().is_some() {
        return Ok(Guard::default());
    }
    let mut running = Running {
        gates: Vec::new(),
        queues: Vec::new(),
        file_lost: Arc::default(),
        limiters: Vec::new(),
        elastic: Arc::default(),
    };
    let mut guard = Guard { active: true, ..Guard::default() };
    let console = running.console(console_gate, &mut guard);
    let file = config.file.as_ref().zip(file_gate);
    let file = file.map(|(file, gate)| running.file(file, gate, &mut guard)).transpose()?;
    let elastic = config.elastic.as_ref().zip(elastic_gate);
    let elastic = elastic.map(|(elastic, gate)| running.elastic(elastic, gate, &mut guard)).transpose()?;
    let subscriber = Registry::default().with(console).with(file).with(elastic.flatten());
    if RUNNING.set(running).is_err() || tracing::subscriber::set_global_default(subscriber).is_err() {
        // Somebody was faster, or the program brought its own subscriber; that one stays.
        return Ok(Guard::default());
    }
    if config.has_mute_endpoint() {
        tracing::error!(
            "logs.elastic.endpoint is not of the form http://host:port or https://host: nothing is sent there"
        );
    }
    Ok(guard)
}

impl Running {
    fn console(&mut self, gate: Gate, guard: &mut Guard) -> impl Layer<Registry> + use<> {
        let writer = self.queue(io::stderr(), "log-console", guard);
        let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        self.gates.push((Output::Console, gate.clone()));
        Console::new(writer, colour, self.limiter()).with_filter(gate)
    }

    fn file<S>(
        &mut self,
        file: &FileLog,
        gate: Gate,
        guard: &mut Guard,
    ) -> Result<impl Layer<S> + use<S>, InitError>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        let directory = file.plan.directory.clone();
        let rolling = rolling::Rolling::open(file.plan.clone(), Arc::clone(&self.file_lost))
            .map_err(|source| InitError::Directory { directory, source })?;
        let writer = self.queue(rolling, "log-file", guard);
        self.gates.push((Output::File, gate.clone()));
        Ok(Machine::new(FileSink(writer), self.limiter()).with_filter(gate))
    }

    fn elastic<S>(
        &mut self,
        elastic: &ElasticLog,
        gate: Gate,
        guard: &mut Guard,
    ) -> Result<Option<impl Layer<S> + use<S>>, InitError>
    where
        S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
    {
        if !elastic.plan.is_spoken() {
            return Ok(None);
        }
        let (sink, shipping) = elastic::start(elastic.plan.clone(), Arc::clone(&self.elastic))?;
        guard._shipping = Some(shipping);
        self.gates.push((Output::Elastic, gate.clone()));
        Ok(Some(Machine::new(sink, self.limiter()).with_filter(gate)))
    }

    fn limiter(&mut self) -> Arc<Limiter> {
        let limiter = Arc::<Limiter>::default();
        self.limiters.push(Arc::clone(&limiter));
        limiter
    }

    fn queue(
        &mut self,
        writer: impl io::Write + Send + 'static,
        thread: &str,
        guard: &mut Guard,
    ) -> NonBlocking {
        let (queue, worker) = queue(writer, thread);
        self.queues.push(queue.error_counter());
        guard.workers.push(worker);
        queue
    }
}

fn queue(writer: impl io::Write + Send + 'static, thread: &str) -> (NonBlocking, WorkerGuard) {
    let builder =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE_LINES).thread_name(thread);
    builder.finish(writer)
}

#[cfg(test)]
mod tests;
