//! Connections that read: so many at once, each query with a budget of steps and time.

use super::{
    error::{Code, QueryError},
    limits::Limits,
};
use crate::store::open_reader;
use rusqlite::Connection;
use std::{
    path::PathBuf,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU8, Ordering},
    },
    time::Instant,
};

/// Steps of SQLite's machine between two looks at the budget.
const STEPS_PER_LOOK: i32 = 4_096;
const RUNNING: u8 = 0;
const OUT_OF_STEPS: u8 = 1;
const OUT_OF_TIME: u8 = 2;

/// All connections that read one index.
#[derive(Debug)]
pub(crate) struct Pool {
    file: PathBuf,
    limits: Limits,
    queue: Mutex<Queue>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    idle: Vec<Reader>,
    opened: usize,
    waiting: usize,
}

/// A connection, and what its query may still spend.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) db: Connection,
    gauge: Arc<Gauge>,
}

#[derive(Debug)]
struct Gauge {
    steps: AtomicI64,
    ends: Mutex<Instant>,
    state: AtomicU8,
}

/// A reader that goes back to the pool when dropped.
pub(crate) struct Lease<'a> {
    pool: &'a Pool,
    reader: Option<Reader>,
}

impl Pool {
    pub(crate) fn new(file: PathBuf, limits: Limits) -> Self {
        Self { file, limits, queue: Mutex::new(Queue::default()), freed: Condvar::new() }
    }

    /// A reader, waited for until the query's time is over.
    pub(crate) fn lease(&self, ends: Instant) -> Result<Lease<'_>, QueryError> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.idle.is_empty() && queue.opened >= self.limits.readers {
            if queue.waiting >= self.limits.waiting {
                return Err(busy());
            }
            queue.waiting += 1;
            while queue.idle.is_empty() && queue.opened >= self.limits.readers {
                let left = ends.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    queue.waiting -= 1;
                    return Err(busy());
                }
                let waited = self.freed.wait_timeout(queue, left);
                (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
            }
            queue.waiting -= 1;
        }
        let idle = queue.idle.pop();
        if idle.is_none() {
            queue.opened += 1;
        }
        drop(queue);
        let mut lease = Lease { pool: self, reader: idle };
        if lease.reader.is_none() {
            lease.reader = Some(self.open().map_err(|error| QueryError::internal(&error))?);
        }
        lease.begin(ends, &self.limits)?;
        Ok(lease)
    }

    fn open(&self) -> rusqlite::Result<Reader> {
        let mut db = open_reader(&self.file)?;
        let gauge = Arc::new(Gauge {
            steps: AtomicI64::new(0),
            ends: Mutex::new(Instant::now()),
            state: AtomicU8::new(RUNNING),
        });
        let look = Arc::clone(&gauge);
        db.progress_handler(STEPS_PER_LOOK, Some(move || look.is_spent()))?;
        Ok(Reader { db, gauge })
    }
}

fn busy() -> QueryError {
    QueryError::new(Code::Busy, "too many queries at once: try again in a moment")
}

impl Gauge {
    fn is_spent(&self) -> bool {
        let left = self.steps.fetch_sub(i64::from(STEPS_PER_LOOK), Ordering::Relaxed);
        if left <= i64::from(STEPS_PER_LOOK) {
            self.state.store(OUT_OF_STEPS, Ordering::Relaxed);
        } else if Instant::now() >= *self.ends.lock().unwrap_or_else(PoisonError::into_inner) {
            self.state.store(OUT_OF_TIME, Ordering::Relaxed);
        } else {
            return false;
        }
        true
    }
}

impl Lease<'_> {
    fn begin(&self, ends: Instant, limits: &Limits) -> Result<(), QueryError> {
        let Some(reader) = &self.reader else { return Err(busy()) };
        let gauge = &reader.gauge;
        gauge.steps.store(i64::try_from(limits.steps).unwrap_or(i64::MAX), Ordering::Relaxed);
        gauge.state.store(RUNNING, Ordering::Relaxed);
        *gauge.ends.lock().unwrap_or_else(PoisonError::into_inner) = ends;
        // One view of the index for all statements of the query.
        reader.db.execute_batch("BEGIN").map_err(|error| self.failed(&error))
    }

    /// The connection.
    pub(crate) fn db(&self) -> Result<&Connection, QueryError> {
        self.reader.as_ref().map(|reader| &reader.db).ok_or_else(busy)
    }

    /// What an error of SQLite means: an interrupted statement was too much.
    pub(crate) fn failed(&self, error: &rusqlite::Error) -> QueryError {
        let state = self.reader.as_ref().map_or(RUNNING, |reader| reader.gauge.state.load(Ordering::Relaxed));
        let interrupted = error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted);
        match state {
            OUT_OF_STEPS if interrupted => QueryError::new(
                Code::ScanTooLong,
                "too many rows had to be looked at: filter by an id, by a relation or by an indexed field, \
                 or ask for fewer rows at once",
            ),
            OUT_OF_TIME if interrupted => QueryError::new(
                Code::Deadline,
                "the query took too long: ask for less at once, or try again later",
            ),
            _ => QueryError::internal(error),
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        let mut queue = self.pool.queue.lock().unwrap_or_else(PoisonError::into_inner);
        // A transaction that cannot be ended would show an old index for ever.
        match self.reader.take().filter(|reader| reader.db.execute_batch("ROLLBACK").is_ok()) {
            Some(reader) => queue.idle.push(reader),
            None => queue.opened = queue.opened.saturating_sub(1),
        }
        drop(queue);
        self.pool.freed.notify_one();
    }
}
