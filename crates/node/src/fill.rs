//! Fills objects from their sources: one fill per object, however many readers it has.
//!
//! ```text
//! readers ──positions──> Board <──verified groups── FillTask <──items── one task per request
//!    ▲                     │                           │  └──FillCore: what to ask of whom
//!    └──groups, from memory┘                           └──batches──> the store, on a blocking thread
//! ```
//!
//! A group is let out to readers the moment it is proved, from memory; the file is written beside, in
//! order. What happens next is decided by [`argosy_node_core::fill::FillCore`]; this is its shell.

mod board;
mod lanes;
mod request;
mod sources;
mod sync;
mod task;
mod window;
mod writer;

pub use sources::{DirectorySources, FillSource, PassFuture, ProvenFuture, Sources};

pub(crate) use board::{Board, Look, Seat};

use crate::reader::ObjectReader;
use argosy_content::groups_of;
use argosy_domain::DataObjectId;
use argosy_http::Client;
use argosy_node_core::{
    fill::{FillBounds, TrafficBounds},
    sources::{SourceMemory, Told},
};
use argosy_store::{Damaged, ObjectMeta, Store, StoreError, StoredObject};
use lanes::Lanes;
use std::{
    collections::BTreeMap,
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use sync::Syncs;
use task::FillTask;
use tokio::{
    sync::{Semaphore, oneshot},
    task::JoinSet,
    time::Instant,
};
use tracing::{Instrument as _, Span};
use window::Retained;

/// Bounds of a node's fills.
#[derive(Clone, Debug)]
pub struct FillsConfig {
    /// Fills that may fetch at once; others wait for their turn. A fill whose readers have all that
    /// they can take for now does not count.
    pub fetching_max: usize,
    /// The same of fills that nobody reads, such as those of [`Fills::fetch`]: on top of those.
    pub background_max: usize,
    /// Longest that such a fill may take, if there is a bound; what it has by then stays.
    pub background_limit: Option<Duration>,
    /// Requests of one fill.
    pub bounds: FillBounds,
    /// Requests of all fills together.
    pub traffic: TrafficBounds,
    /// Most groups that a fill runs ahead of a reader, however fast it is.
    pub read_ahead_groups: u64,
    /// How long a reader waits while no source brings anything, before it is told that there is none.
    pub patience: Duration,
    /// How long a reader waits before other distributors are asked what they hold, should the storage
    /// nodes not have failed before.
    pub peers_after: Duration,
    /// How long a fill that nobody reads stays in memory.
    pub linger: Duration,
    /// Spreads retries; should differ between nodes.
    pub jitter_seed: u64,
}

impl Default for FillsConfig {
    fn default() -> Self {
        Self {
            // Source: reliability specification, §3.5.
            fetching_max: 64,
            background_max: 8,
            background_limit: None,
            bounds: FillBounds::default(),
            traffic: TrafficBounds::default(),
            read_ahead_groups: 4 * argosy_domain::limits::WINDOW_GROUPS,
            patience: Duration::from_secs(10),
            peers_after: Duration::from_millis(500),
            linger: Duration::from_secs(5),
            jitter_seed: fastrand::u64(..),
        }
    }
}

/// Makes room in a bounded store while a fill grows.
pub trait Room: Send + Sync + 'static {
    /// Called on a blocking thread before an object comes to take `total_bytes` on disk. If this
    /// gives `false`, the object is not kept: its readers get it without it being stored.
    fn make_room(&self, id: DataObjectId, total_bytes: u64) -> bool;
}

/// Room without bounds but those of the store itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unbounded;

impl Room for Unbounded {
    fn make_room(&self, _id: DataObjectId, _total_bytes: u64) -> bool {
        true
    }
}

/// Why bytes of an object cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FillError {
    /// Every source was asked, and said that it does not have what is wanted, or lied.
    #[error("no source has the object")]
    NoSource,
    /// There are sources, and none of them can be reached or answers as it should. Later one may.
    #[error("no source can be reached")]
    Unreachable,
    /// Nothing came from any source for too long.
    #[error("no source brings anything")]
    NoProgress,
    /// The store cannot keep it. Readers go on without keeping; only completing fails.
    #[error("the store cannot keep the object")]
    NotKept,
    /// The object was removed while it was being filled.
    #[error("the object was removed")]
    Removed,
    /// The node is stopping.
    #[error("the node is stopping")]
    Stopped,
}

impl FillError {
    /// Whether it may be over in a moment: sources that cannot be reached, or bring nothing.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(self, Self::Unreachable | Self::NoProgress)
    }
}

/// Whether what is fetched for a reader stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// In the store, shared with all readers.
    Stored,
    /// Nowhere: fetched for this reader alone.
    PassThrough,
}

/// What a reader wants.
#[derive(Clone, Debug)]
pub struct ReadRequest {
    /// The object.
    pub id: DataObjectId,
    /// What proves it.
    pub meta: ObjectMeta,
    /// Bytes wanted, half-open; what lies past the end of the object is left out.
    pub range: Range<u64>,
    /// Whether the bytes stay.
    pub keep: Keep,
}

/// All fills of a node. Clones share them.
#[derive(Clone)]
pub struct Fills {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    client: Client,
    sources: Arc<dyn Sources>,
    room: Arc<dyn Room>,
    config: FillsConfig,
    memory: Mutex<SourceMemory>,
    /// Fills that later readers may join, by object.
    shared: Mutex<BTreeMap<DataObjectId, Arc<Board>>>,
    tasks: Mutex<JoinSet<()>>,
    slots: Arc<Semaphore>,
    background_slots: Arc<Semaphore>,
    lanes: Arc<Lanes>,
    retained: Retained,
    syncs: Syncs,
    stopped: AtomicBool,
    started: Instant,
    /// Says in the logs whose fills these are.
    span: Span,
    bytes_fetched: AtomicU64,
    wrong_answers: AtomicU64,
}

impl fmt::Debug for Fills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fills").field("active", &self.active_count()).finish_non_exhaustive()
    }
}

impl Fills {
    /// No fills yet. Must be used within a tokio runtime. What they log carries the span in which this
    /// is called.
    #[must_use]
    pub fn new(
        store: Store,
        client: Client,
        sources: Arc<dyn Sources>,
        room: Arc<dyn Room>,
        config: FillsConfig,
    ) -> Self {
        let slots = Arc::new(Semaphore::new(config.fetching_max.max(1)));
        let background_slots = Arc::new(Semaphore::new(config.background_max.max(1)));
        let lanes = Lanes::new(config.traffic);
        let inner = Inner {
            store,
            client,
            sources,
            room,
            config,
            memory: Mutex::default(),
            shared: Mutex::default(),
            tasks: Mutex::default(),
            slots,
            background_slots,
            lanes,
            retained: Retained::default(),
            syncs: Syncs::default(),
            stopped: AtomicBool::new(false),
            started: Instant::now(),
            span: Span::current(),
            bytes_fetched: AtomicU64::new(0),
            wrong_answers: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner) }
    }

    /// A reader of some bytes of an object. Nothing is fetched before it is first asked for bytes.
    #[must_use]
    pub fn reader(&self, request: ReadRequest) -> ObjectReader {
        ObjectReader::new(self.clone(), request)
    }

    /// Fetches all of an object that is missing. On return it is complete and durable.
    ///
    /// Dropping the future leaves what was fetched so far as a partial object.
    ///
    /// # Errors
    /// [`FillError`].
    pub async fn complete(&self, id: DataObjectId, meta: ObjectMeta) -> Result<Arc<StoredObject>, FillError> {
        if let Some(stored) = self.stored(id, meta) {
            return Ok(stored);
        }
        // A fill may end in the very moment in which it is joined; each round meets another one.
        loop {
            let board = self.join(id, meta)?;
            let Some(done) = board.complete() else { continue };
            return self.in_time(done).await;
        }
    }

    /// Fetches what is missing of some bytes of an object, for later: whoever reads passes it. On return
    /// all of them are held, and found again after the process dies; a power cut may cost them.
    ///
    /// `range` is half-open; what lies past the end of the object is left out. Dropping the future leaves
    /// what was fetched so far as a partial object.
    ///
    /// # Errors
    /// [`FillError`].
    pub async fn fetch(
        &self,
        id: DataObjectId,
        meta: ObjectMeta,
        range: Range<u64>,
    ) -> Result<(), FillError> {
        let range = range.start..range.end.min(meta.size);
        if range == (0..meta.size) {
            return self.complete(id, meta).await.map(drop);
        }
        if range.is_empty() || self.stored(id, meta).is_some() {
            return Ok(());
        }
        // As in `complete`.
        loop {
            let Some(done) = self.join(id, meta)?.fetch(groups_of(range.clone())) else { continue };
            return self.in_time(done).await;
        }
    }

    /// What comes of background work, if it comes within its bound.
    async fn in_time<T>(&self, done: oneshot::Receiver<Result<T, FillError>>) -> Result<T, FillError> {
        let ended = match self.inner.config.background_limit {
            Some(limit) => tokio::time::timeout(limit, done).await.map_err(|_| FillError::NoProgress)?,
            None => done.await,
        };
        ended.unwrap_or(Err(FillError::Stopped))
    }

    /// Whether an object is being filled now, or was until a moment ago.
    #[must_use]
    pub fn is_filling(&self, id: DataObjectId) -> bool {
        self.inner.shared().contains_key(&id)
    }

    /// Ends the fill of an object that is going away; its readers fail.
    pub fn cancel(&self, id: DataObjectId) {
        if let Some(board) = self.inner.shared().remove(&id) {
            board.end(FillError::Removed);
        }
    }

    /// Ends the fill of an object if nobody uses it any more, such as after it found no source: the next
    /// one asks all of them again.
    pub fn let_go(&self, id: DataObjectId) {
        let mut shared = self.inner.shared();
        if shared.get(&id).is_some_and(|board| board.close_if_unused()) {
            shared.remove(&id);
        }
    }

    /// Fills under way, those without readers included.
    #[must_use]
    pub fn active_count(&self) -> usize {
        self.inner.shared().len()
    }

    /// Objects that are being filled, those without readers included.
    #[must_use]
    pub fn active(&self) -> Vec<DataObjectId> {
        self.inner.shared().keys().copied().collect()
    }

    /// Fills that fetch for readers now. One whose readers have all that they can take for now is not
    /// among them.
    #[must_use]
    pub fn read_fills_count(&self) -> usize {
        self.inner.config.fetching_max.max(1).saturating_sub(self.inner.slots.available_permits())
    }

    /// Requests to sources that are under way.
    #[must_use]
    pub fn requests_count(&self) -> usize {
        self.inner.lanes.running_count()
    }

    /// Verified bytes of objects that were fetched so far, each once.
    #[must_use]
    pub fn bytes_fetched(&self) -> u64 {
        self.inner.bytes_fetched.load(Ordering::Relaxed)
    }

    /// Answers so far that held wrong bytes. None of them was let out.
    #[must_use]
    pub fn wrong_answers(&self) -> u64 {
        self.inner.wrong_answers.load(Ordering::Relaxed)
    }

    /// What was asked of sources and what came of it, for a bounded number of them: see
    /// [`SourceMemory::told`].
    #[must_use]
    pub fn told_of_sources(&self) -> Vec<Told> {
        self.inner.memory().told()
    }

    /// Takes damaged groups of a complete object out of the store: it is partial afterwards, and
    /// whoever reads it fetches them anew. Whether that is so now.
    pub async fn repair(&self, damaged: Damaged) -> bool {
        tracing::error!(object = %damaged.id, cause = %damaged.cause, "an object is damaged on disk");
        let store = self.inner.store.clone();
        let id = damaged.id;
        let demoted = tokio::task::spawn_blocking(move || store.demote(damaged.id, damaged.groups)).await;
        match demoted {
            // Somebody else was first.
            Ok(Ok(_) | Err(StoreError::Absent(_))) => true,
            Ok(Err(error)) => {
                tracing::error!(object = %id, %error, "a damaged object stays");
                false
            }
            Err(_) => false,
        }
    }

    /// Ends all fills: what has been fetched is written, readers fail.
    pub async fn stop(&self) {
        self.inner.stopped.store(true, Ordering::Release);
        for board in self.inner.shared().values() {
            board.end(FillError::Stopped);
        }
        let mut tasks = std::mem::take(&mut *self.inner.tasks());
        while tasks.join_next().await.is_some() {}
    }

    /// The store that is filled.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn patience(&self) -> Duration {
        self.inner.config.patience
    }

    /// The complete object, unless what is stored under its id is something else.
    pub(crate) fn stored(&self, id: DataObjectId, meta: ObjectMeta) -> Option<Arc<StoredObject>> {
        self.inner.store.get(id).filter(|stored| stored.meta() == meta)
    }

    /// The fill of an object, begun if need be.
    pub(crate) fn join(&self, id: DataObjectId, meta: ObjectMeta) -> Result<Arc<Board>, FillError> {
        if self.inner.stopped.load(Ordering::Acquire) {
            return Err(FillError::Stopped);
        }
        let mut shared = self.inner.shared();
        if let Some(board) = shared.get(&id).filter(|board| !board.is_over()) {
            return Ok(Arc::clone(board));
        }
        let board = Arc::new(Board::new(
            id,
            meta,
            Keep::Stored,
            self.inner.config.read_ahead_groups,
            self.inner.retained.clone(),
        ));
        shared.insert(id, Arc::clone(&board));
        drop(shared);
        self.start(Arc::clone(&board));
        Ok(board)
    }

    /// A fill for one reader alone, which keeps nothing.
    pub(crate) fn start_private(&self, id: DataObjectId, meta: ObjectMeta) -> Result<Arc<Board>, FillError> {
        if self.inner.stopped.load(Ordering::Acquire) {
            return Err(FillError::Stopped);
        }
        let board = Arc::new(Board::new(
            id,
            meta,
            Keep::PassThrough,
            self.inner.config.read_ahead_groups,
            self.inner.retained.clone(),
        ));
        self.start(Arc::clone(&board));
        Ok(board)
    }

    fn start(&self, board: Arc<Board>) {
        let task = FillTask::new(Arc::clone(&self.inner), Arc::clone(&board));
        let (growth, inner) = (task.growth(), Arc::clone(&self.inner));
        let task = sync::beside(task.run(), growth, inner, board);
        let mut tasks = self.inner.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task.instrument(self.inner.span.clone()));
    }
}

impl Inner {
    fn shared(&self) -> MutexGuard<'_, BTreeMap<DataObjectId, Arc<Board>>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, SourceMemory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Milliseconds since the node's fills began: the clock of the cores.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn at_ms(&self, ms: u64) -> Instant {
        self.started + Duration::from_millis(ms)
    }

    /// Takes a fill that is over out of the list, unless another one has taken its place.
    fn forget(&self, board: &Arc<Board>) {
        let mut shared = self.shared();
        if shared.get(&board.id()).is_some_and(|listed| Arc::ptr_eq(listed, board)) {
            shared.remove(&board.id());
        }
    }
}
