//! The task that fills one object: owns the core and carries out what it asks for.

mod passes;
mod peers;
mod whom;
mod writing;

use super::{
    Board, FillError, Inner, Keep,
    lanes::Pass,
    request::{self, Ask, RequestEvent},
    sources::FillSource,
    sync::Growth,
    writer::{WriteError, WriteResult},
};
use argosy_content::{GroupRange, GroupSet, SliceItem, group_count};
use argosy_domain::num::to_u64;
use argosy_node_core::{
    fill::{FillCore, FillEffect, FillId, FillInput, Priority, ReaderId, RequestEnd, RequestId},
    sources::SourceId,
};
use argosy_store::{PartialObject, StoreError, StoredObject};
use passes::{Slot, Turn};
use peers::{Holding, Peers};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinHandle, JoinSet},
    time::Instant,
};

/// Proved bytes that may wait to be written; at this point nothing more is taken from the network.
const MAX_UNWRITTEN_BYTES: u64 = 2 * 1024 * 1024;
/// Messages between requests and their fill; each holds at most what one read from a socket gave.
const EVENTS: usize = 8;
/// How often the directory's list of sources is looked at anew.
const REFRESH: Duration = Duration::from_secs(5);
/// How often deadlines of readers are looked at.
const PULSE: Duration = Duration::from_millis(500);
/// How often completing is tried when the disk fails meanwhile.
const MAX_COMPLETIONS: u32 = 3;
/// How often it is tried anew because a reader has found damage in what counted as held.
const MAX_LOSSES: u32 = 1000;
/// Those who want the whole object, in the core's eyes.
const WHOLE: ReaderId = ReaderId(0);
/// Nobody: the little that is missing when the last reader has gone.
const FINISH: ReaderId = ReaderId(u64::MAX);
/// How much later than by the core a silent request is cut by the client.
const SILENCE_MARGIN: Duration = Duration::from_secs(3);
/// For how long nobody must have waited before background work has its way again.
const CALM: Duration = Duration::from_millis(250);

pub(super) struct FillTask {
    inner: Arc<Inner>,
    board: Arc<Board>,
    /// Its name among the fills of the node.
    id: FillId,
    /// Held while something is asked for.
    slot: Option<Slot>,
    turn: Option<Turn>,
    /// Permission to ask these sources, to be used at once.
    passes: BTreeMap<SourceId, Pass>,
    /// When a reader was last seen to wait, if others know of it.
    waited_for: Option<Instant>,
    peers: Peers,
    core: FillCore,
    /// None while nothing of the object is held, and if nothing is to be kept.
    partial: Option<Arc<PartialObject>>,
    /// Those that the core knows.
    sources: BTreeMap<SourceId, FillSource>,
    banned: BTreeSet<SourceId>,
    /// Those that do not claim to hold the object are asked, too.
    widened: bool,
    requests: BTreeMap<RequestId, AbortHandle>,
    running: JoinSet<()>,
    events: (mpsc::Sender<RequestEvent>, mpsc::Receiver<RequestEvent>),
    /// Proved and not handed to the writer yet, in order.
    queue: VecDeque<SliceItem>,
    /// Groups in the queue or in the writer's hands.
    unwritten: BTreeSet<u64>,
    unwritten_bytes: u64,
    writing: Option<Writing>,
    growth: Arc<Growth>,
    completing: bool,
    /// Nobody reads, and the little that is missing is fetched all the same.
    finishing: bool,
    completions: u32,
    losses: u32,
    /// The core knows nobody to ask; whether some source merely cannot be reached.
    exhausted: Option<bool>,
    last_progress: Instant,
    refresh_at: Instant,
    unused_since: Option<Instant>,
}

struct Writing {
    groups: Vec<u64>,
    bytes: u64,
    done: JoinHandle<WriteResult>,
}

/// What the task waits for.
enum Happened {
    Nothing,
    Event(RequestEvent),
    Written(WriteResult),
    /// None if the node is going away.
    Slot(Option<Slot>),
    /// None if the asking itself ended badly.
    Peer(Option<Holding>),
}

impl Drop for FillTask {
    fn drop(&mut self) {
        // However the task ended, nobody may wait for it.
        drop(self.board.take_passes(true));
        self.inner.lanes.leave(self.id);
        self.board.end(FillError::Stopped);
        self.inner.forget(&self.board);
    }
}

impl FillTask {
    pub(super) fn new(inner: Arc<Inner>, board: Arc<Board>) -> Self {
        let groups = group_count(board.meta().size);
        let core = new_core(&inner, &board, GroupSet::new(groups));
        let now = Instant::now();
        Self {
            id: inner.lanes.enter(&board),
            inner,
            board,
            slot: None,
            turn: None,
            passes: BTreeMap::new(),
            waited_for: None,
            peers: Peers::default(),
            core,
            partial: None,
            sources: BTreeMap::new(),
            banned: BTreeSet::new(),
            widened: false,
            requests: BTreeMap::new(),
            running: JoinSet::new(),
            events: mpsc::channel(EVENTS),
            queue: VecDeque::new(),
            unwritten: BTreeSet::new(),
            unwritten_bytes: 0,
            writing: None,
            growth: Arc::default(),
            completing: false,
            finishing: false,
            completions: 0,
            losses: 0,
            exhausted: None,
            last_progress: now,
            refresh_at: now,
            unused_since: None,
        }
    }

    /// Tells of what this fill writes.
    pub(super) fn growth(&self) -> Arc<Growth> {
        Arc::clone(&self.growth)
    }

    pub(super) async fn run(mut self) {
        let result = match self.open().await {
            Ok(Some(stored)) => Ok(stored),
            Ok(None) => self.fill().await,
            Err(error) => Err(error),
        };
        match result {
            Ok(stored) => self.board.finish(&stored),
            Err(error) => self.board.end(error),
        }
        // Dropping the task does the rest: whoever asks for the object now meets the store or
        // another fill.
    }

    /// Opens what is held of the object already; gives it if it is complete.
    async fn open(&mut self) -> Result<Option<Arc<StoredObject>>, FillError> {
        if self.board.keep() == Keep::Stored {
            let (store, id, meta) = (self.inner.store.clone(), self.board.id(), self.board.meta());
            let opened = tokio::task::spawn_blocking(move || store.existing_partial(id, meta)).await;
            match opened {
                Ok(Ok(None)) => {}
                Ok(Ok(Some(partial))) => {
                    self.core = new_core(&self.inner, &self.board, partial.have());
                    self.board.opened(Arc::clone(&partial));
                    self.partial = Some(partial);
                }
                Ok(Err(StoreError::AlreadyComplete(_))) => {
                    return self.inner.store.get(id).ok_or(FillError::NotKept).map(Some);
                }
                Ok(Err(error)) => {
                    tracing::warn!(object = %id, %error, "an object cannot be kept");
                    return Err(FillError::NotKept);
                }
                Err(_) => return Err(FillError::NotKept),
            }
        }
        self.refresh_sources(false);
        self.consider_peers().await;
        Ok(None)
    }

    async fn fill(&mut self) -> Result<Arc<StoredObject>, FillError> {
        loop {
            self.use_passes();
            if self.may_ask() {
                self.take_news();
            }
            if let Some(unreachable) = self.exhausted.take() {
                self.on_exhausted(unreachable);
            }
            self.rest();
            let ended = self.board.ended();
            if ended.is_some() {
                self.hang_up();
            }
            self.write_next();
            if self.writing.is_none() {
                if let Some(error) = ended {
                    return Err(error);
                }
                if self.core.is_complete()
                    && let Some(stored) = self.finish().await?
                {
                    return Ok(stored);
                }
                if self.is_tired() && self.board.close_if_unused() {
                    return Err(FillError::Stopped);
                }
            }
            match self.next().await {
                Happened::Nothing => {}
                Happened::Event(RequestEvent::Items { request, source, items }) => {
                    self.on_items(request, source, items);
                }
                Happened::Event(RequestEvent::Ended { request, end }) => {
                    self.requests.remove(&request);
                    if self.requests.is_empty() && self.unwritten.is_empty() {
                        // Pairs that no group follows any more.
                        self.queue.clear();
                    }
                    self.tell(FillInput::RequestEnded { request, end });
                }
                Happened::Written(result) => self.on_written(result)?,
                Happened::Slot(slot) => {
                    self.turn = None;
                    self.slot = slot;
                }
                Happened::Peer(holding) => self.on_holding(holding),
            }
            self.on_time();
        }
    }

    /// With nothing under way, others may have the slot, and what is on disk need not be in memory.
    fn rest(&mut self) {
        if self.slot.is_some() && self.core.is_idle() {
            self.slot = None;
            // What is complete stays until it can be read as such, which is soon.
            if !self.core.is_complete() {
                self.board.drop_retained();
            }
        }
    }

    /// Ends all requests; what they still say is not heard.
    fn hang_up(&mut self) {
        self.running.abort_all();
        self.requests.clear();
        self.events = mpsc::channel(EVENTS);
    }

    /// Waits for whatever comes first.
    async fn next(&mut self) -> Happened {
        let wake_at = self.wake_at();
        let may_receive = self.unwritten_bytes < MAX_UNWRITTEN_BYTES;
        let (board, events) = (&self.board, &mut self.events.1);
        let turn = async {
            match &mut self.turn {
                Some(turn) => (&mut turn.slot).await,
                None => std::future::pending().await,
            }
        };
        let written = async {
            match &mut self.writing {
                Some(writing) => (&mut writing.done).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = board.news() => Happened::Nothing,
            Some(event) = events.recv(), if may_receive => Happened::Event(event),
            written = written => {
                // A writer that panicked has written nothing that counts.
                Happened::Written(written.unwrap_or(Err(WriteError::Panicked)))
            }
            Some(_) = self.running.join_next() => Happened::Nothing,
            slot = turn => Happened::Slot(slot),
            holding = self.peers.answer() => Happened::Peer(holding),
            () = tokio::time::sleep_until(wake_at) => Happened::Nothing,
        }
    }

    fn wake_at(&self) -> Instant {
        let tick = self.core.next_tick_ms().map(|at| self.inner.at_ms(at));
        let pulse = match self.unused_since {
            Some(since) if self.writing.is_none() => since + self.inner.config.linger,
            _ => Instant::now() + PULSE,
        };
        tick.map_or(pulse, |tick| tick.min(pulse))
    }

    fn on_time(&mut self) {
        let now = Instant::now();
        if self.core.next_tick_ms().is_some_and(|at| at <= self.inner.now_ms()) {
            self.tell(FillInput::Tick);
        }
        self.board.fail_impatient(self.last_progress, self.inner.config.patience);
        if self.board.longest_wait().is_some_and(|wait| wait >= self.inner.config.peers_after) {
            self.ask_peers();
        }
        self.note_waiting(now);
        if self.board.is_used() {
            self.unused_since = None;
        } else if self.unused_since.is_none() {
            self.unused_since = Some(now);
            self.finish_what_is_nearly_done();
        }
        if now >= self.refresh_at && self.unused_since.is_none() {
            self.refresh_sources(false);
        }
    }

    /// Whether the fill has been without readers for so long that it need not stay.
    fn is_tired(&self) -> bool {
        let linger = match self.board.keep() {
            Keep::PassThrough => Duration::ZERO,
            Keep::Stored => self.inner.config.linger,
        };
        let linger = if self.finishing { linger.max(self.inner.config.patience) } else { linger };
        self.unwritten.is_empty() && self.unused_since.is_some_and(|since| since.elapsed() >= linger)
    }

    /// The last reader has gone: what it leaves behind is completed if hardly anything is missing.
    fn finish_what_is_nearly_done(&mut self) {
        let kept = self.board.keep() == Keep::Stored && self.board.ended().is_none();
        if !kept || self.finishing || !self.core.is_nearly_complete() || !self.take_background_slot() {
            return;
        }
        self.finishing = true;
        let groups = GroupRange::whole(self.board.meta().size);
        self.tell(FillInput::Want { reader: FINISH, groups, priority: Priority::Background });
    }

    fn take_news(&mut self) {
        let mut news = self.board.take_news();
        if news.lost {
            self.rebuild();
            let more = self.board.take_news();
            news.wants.extend(more.wants);
            news.fetches.extend(more.fetches);
            news.left.extend(more.left);
        }
        for reader in news.left {
            self.tell(FillInput::Unwant { reader });
        }
        for want in news.wants {
            let reader = want.reader;
            if let Some(groups) = want.urgent {
                self.tell(FillInput::Want { reader, groups, priority: Priority::Urgent });
            }
            self.tell(FillInput::Want { reader, groups: want.ahead, priority: Priority::ReadAhead });
        }
        for (reader, groups) in news.fetches {
            self.tell(FillInput::Want { reader, groups, priority: Priority::Background });
        }
        if news.completing != self.completing {
            self.completing = news.completing;
            if news.completing { self.want_whole() } else { self.tell(FillInput::Unwant { reader: WHOLE }) }
        }
    }

    fn want_whole(&mut self) {
        if let Some(Err(error)) = self.partial.as_ref().map(|partial| partial.reserve()) {
            tracing::warn!(object = %self.board.id(), %error, "there is no room for an object");
            self.board.fail_keepers(FillError::NotKept);
            self.completing = false;
            return;
        }
        let groups = GroupRange::whole(self.board.meta().size);
        self.tell(FillInput::Want { reader: WHOLE, groups, priority: Priority::Background });
    }

    /// Tells the core, and does what it says.
    fn tell(&mut self, input: FillInput) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut effects = Vec::new();
            self.core.handle(self.inner.now_ms(), input, &mut effects);
            for effect in effects {
                match effect {
                    FillEffect::Fetch { request, source, groups, priority } => {
                        if let Err(end) = self.fetch(request, source, groups, priority) {
                            inputs.push_back(FillInput::RequestEnded { request, end });
                        }
                    }
                    FillEffect::Abandon { request } => {
                        if let Some(running) = self.requests.remove(&request) {
                            running.abort();
                        }
                    }
                    FillEffect::SourceBanned { source } => {
                        self.banned.insert(source);
                        self.sources.remove(&source);
                        self.inner.wrong_answers.fetch_add(1, Ordering::Relaxed);
                    }
                    FillEffect::Observed { source, observation } => {
                        let now_ms = self.inner.now_ms();
                        self.inner.memory().note(now_ms, source, observation);
                    }
                    FillEffect::Exhausted { unreachable } => self.exhausted = Some(unreachable),
                    // The loop looks at the core itself, since it must write first.
                    FillEffect::Complete => {}
                }
            }
        }
    }

    /// Sends a request, or says how it has ended before it began.
    fn fetch(
        &mut self,
        request: RequestId,
        source: SourceId,
        groups: GroupRange,
        priority: Priority,
    ) -> Result<(), RequestEnd> {
        let known = self.sources.get(&source).ok_or(RequestEnd::Failed)?;
        let (name, endpoint) = (known.name, known.endpoint.clone());
        let pass = self.passes.remove(&source).or_else(|| self.inner.lanes.ask(self.id, source, priority));
        let ask = Ask {
            request,
            source,
            name,
            endpoint,
            id: self.board.id(),
            meta: self.board.meta(),
            groups,
            held_only: source.is_peer(),
            silence: Duration::from_millis(self.inner.config.bounds.stall_ms) + SILENCE_MARGIN,
            pass: pass.ok_or(RequestEnd::Crowded)?,
        };
        self.inner.memory().asked(name);
        let sources = Arc::clone(&self.inner.sources);
        let task = request::run(self.inner.client.clone(), sources, ask, self.events.0.clone());
        self.requests.insert(request, self.running.spawn(task));
        Ok(())
    }

    fn on_items(&mut self, request: RequestId, source: SourceId, items: Vec<SliceItem>) {
        self.inner.memory().brought(source, items.iter().map(bytes_of).sum());
        for item in items {
            if let SliceItem::Group(group) = &item {
                let index = group.index();
                let new = !self.core.have().contains(index);
                if new {
                    // Counted first: who has read the bytes finds them counted.
                    let bytes = to_u64(group.data().len());
                    self.inner.bytes_fetched.fetch_add(bytes, Ordering::Relaxed);
                    let name = self.sources.get(&source).map(|source| source.name);
                    self.board.publish(index, group.data().clone(), name);
                    self.last_progress = Instant::now();
                }
                self.tell(FillInput::GroupArrived { request, group: index });
                if !new {
                    continue;
                }
            }
            if self.board.keep() == Keep::Stored {
                self.enqueue(item);
            }
        }
    }

    /// Starts the core anew from what is really held, after groups were lost.
    fn rebuild(&mut self) {
        let Some(mut have) = self.partial.as_ref().map(|partial| partial.have()) else { return };
        for group in &self.unwritten {
            have.insert(*group);
        }
        // The new core counts its requests from 0 again.
        self.hang_up();
        self.core = new_core(&self.inner, &self.board, have);
        for source in std::mem::take(&mut self.sources).into_values() {
            // What peers hold would have to be asked anew.
            if !source.id.is_peer() {
                self.add_source(source);
            }
        }
        self.completing = false;
        self.board.repeat_wants();
    }
}

/// Bytes of the object.
fn bytes_of(item: &SliceItem) -> u64 {
    match item {
        SliceItem::Group(group) => to_u64(group.data().len()),
        SliceItem::Pair(_) => 0,
    }
}

fn new_core(inner: &Inner, board: &Board, have: GroupSet) -> FillCore {
    let seed = inner.config.jitter_seed ^ board.id().0.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    FillCore::new(group_count(board.meta().size), have, inner.config.bounds, seed)
}
