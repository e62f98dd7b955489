//! Fetches objects before anybody asks for them: new ones as blocks accept them, and, when the node is new
//! or has new buckets, what others are asked for.
//!
//! What is fetched when is decided by [`argosy_node_core::prefetch`]; this is its shell.

mod popular;
mod warm_up;

pub(crate) use popular::Popular;

use crate::{
    config::PrefetchPolicy,
    fetches::{Fetched, Fetches},
    node::Node,
};
use argosy_api::node::WarmUpView;
use argosy_domain::{BagId, DataObjectId, DistributionBucketId};
use argosy_http::Shutdown;
use argosy_node::{BlockChanges, FillError};
use argosy_node_core::{
    follow::IndexChange,
    prefetch::{Candidate, Extent, PrefetchCore, PrefetchEffect, PrefetchInput, WarmUp},
    serve::{AssetDecision, Deliverable, decide_asset, delivers, my_buckets},
};
use argosy_store::ObjectMeta;
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::JoinHandle,
    time::Instant,
};

/// How often the node looks at its cache, its readers and its duty.
const PULSE: Duration = Duration::from_millis(250);
/// How old the newest block may be of a node that knows the present.
const CAUGHT_UP_MS: u64 = 15_000;
/// A node that cannot catch up warms up with what it knows after this long.
const CATCH_UP_PATIENCE: Duration = Duration::from_secs(30);
/// Shortest time between two looks for what a warm-up needs, and from a change to the look that follows:
/// changes come in crowds.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);
const LOOK_DELAY: Duration = Duration::from_secs(1);
/// How often it is found out which bags are popular, if the cache is so full that it matters.
const POPULAR_INTERVAL: Duration = Duration::from_secs(10);
/// Most popular objects whose bags count as popular, and the uses that make one.
const POPULAR_OBJECTS: usize = 1024;
const POPULAR_USES: u32 = 2;

/// What the status says of it.
#[derive(Debug)]
pub(crate) struct Progress(Mutex<WarmUpView>);

impl Progress {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(view("waiting", WarmUp::default())))
    }

    pub(crate) fn view(&self) -> WarmUpView {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, state: &str, progress: WarmUp) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = view(state, progress);
    }
}

fn view(state: &str, progress: WarmUp) -> WarmUpView {
    let WarmUp { total, done, bytes, .. } = progress;
    WarmUpView { state: state.to_owned(), total, done, bytes }
}

struct Driver {
    node: Arc<Node>,
    core: PrefetchCore,
    fetches: Fetches,
    started: Instant,
    /// Whether blocks tell of the present, not of what a warm-up finds anyway.
    is_caught_up: bool,
    /// Of the newest block that was looked at.
    height: u64,
    /// Those for which a warm-up was planned last.
    buckets: BTreeSet<DistributionBucketId>,
    /// Blocks above this height may have objects that were not looked at.
    survey_above: Option<u64>,
    /// What a warm-up has to fetch is looked for then.
    look_at: Option<Instant>,
    looked: Option<Instant>,
    looking: Option<JoinHandle<Vec<Candidate>>>,
    popular_at: Instant,
}

/// Prefetches until `shutdown`.
pub(crate) async fn run(node: Arc<Node>, shutdown: Shutdown) {
    if node.config.prefetch.policy == PrefetchPolicy::None {
        return node.warm_up.set("off", WarmUp::default());
    }
    let changes = node.follower.changes();
    drive(Driver::new(node), changes, shutdown).await;
}

async fn drive(mut driver: Driver, mut changes: broadcast::Receiver<Arc<BlockChanges>>, shutdown: Shutdown) {
    let stop = shutdown.triggered();
    tokio::pin!(stop);
    loop {
        let wake_at = driver.wake_at();
        tokio::select! {
            () = &mut stop => break,
            block = changes.recv() => match block {
                Ok(block) => driver.on_block(&block),
                Err(RecvError::Lagged(_)) => driver.survey_from_last(),
                Err(RecvError::Closed) => break,
            },
            Some(fetched) = driver.fetches.next() => driver.on_fetched(&fetched),
            found = found(&mut driver.looking) => driver.on_found(found),
            () = tokio::time::sleep_until(wake_at) => driver.on_time(),
        }
        driver.survey().await;
        driver.show();
    }
    driver.fetches.stop().await;
}

/// What the look for candidates has found, if one is under way.
async fn found(looking: &mut Option<JoinHandle<Vec<Candidate>>>) -> Vec<Candidate> {
    let Some(running) = looking else { return std::future::pending().await };
    let found = running.await;
    *looking = None;
    found.unwrap_or_else(|error| {
        tracing::error!(%error, "looking for objects to warm up with ended badly");
        Vec::new()
    })
}

/// What this node delivers, to everybody or to some.
const fn deliverable(decision: &AssetDecision) -> Option<Deliverable> {
    match decision {
        AssetDecision::Serve(object) | AssetDecision::Private(object) => Some(*object),
        AssetDecision::NotFound
        | AssetDecision::Blacklisted
        | AssetDecision::NotOurs { .. }
        | AssetDecision::NotAccepted => None,
    }
}

/// What the core is told of a fetch that is over.
pub(crate) const fn input_of(fetched: &Fetched) -> PrefetchInput {
    let id = fetched.id;
    match fetched.ended {
        Some(Ok(())) => PrefetchInput::Fetched { id, bytes: fetched.bytes },
        Some(Err(FillError::NoSource | FillError::Unreachable | FillError::NoProgress)) => {
            PrefetchInput::Failed { id, again: true }
        }
        // What has panicked once may do so each time.
        None | Some(Err(FillError::NotKept)) => PrefetchInput::Failed { id, again: false },
        Some(Err(FillError::Removed | FillError::Stopped)) => PrefetchInput::Gone(id),
    }
}

impl Driver {
    fn new(node: Arc<Node>) -> Self {
        let policy = node.config.prefetch.policy(&node.config.limits);
        let now = Instant::now();
        let height = node.follower.with_index(|index| index.height());
        Self {
            core: PrefetchCore::new(policy, fastrand::u64(..)),
            node,
            fetches: Fetches::default(),
            started: now,
            is_caught_up: false,
            height,
            buckets: BTreeSet::new(),
            survey_above: None,
            look_at: None,
            looked: None,
            looking: None,
            popular_at: now,
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn wake_at(&self) -> Instant {
        let pulse = Instant::now() + PULSE;
        let tick = self.core.next_tick_ms().map(|at| self.started + Duration::from_millis(at));
        tick.map_or(pulse, |tick| tick.min(pulse))
    }

    /// Tells the core, and does what it says.
    fn tell(&mut self, input: PrefetchInput) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let mut effects = Vec::new();
            self.core.handle(self.now_ms(), input, &mut effects);
            for effect in effects {
                match effect {
                    PrefetchEffect::Fetch { id, extent } => inputs.extend(self.fetch(id, extent)),
                    PrefetchEffect::GaveUp(id) => {
                        tracing::debug!(object = %id, "a new object is not fetched before it is asked for");
                    }
                    PrefetchEffect::Survey { height } => self.survey_above = Some(height),
                }
            }
        }
    }

    /// Begins a fetch, or says why there is none.
    fn fetch(&mut self, id: DataObjectId, extent: Extent) -> Option<PrefetchInput> {
        let node = &self.node;
        let assignment = &node.duty.load().assignment;
        let decision = node.follower.with_index(|index| decide_asset(index, assignment, id));
        let Some(Deliverable { content_id, size, .. }) = deliverable(&decision) else {
            return Some(PrefetchInput::Gone(id));
        };
        if node.store.contains(id) {
            return Some(PrefetchInput::Fetched { id, bytes: 0 });
        }
        let meta = ObjectMeta { content_id, size };
        let bytes = match extent {
            Extent::Whole => size,
            Extent::First(bytes) => bytes.min(size),
        };
        let fills = node.fills.clone();
        self.fetches.spawn(id, bytes, async move { fills.fetch(id, meta, 0..bytes).await });
        None
    }

    fn on_fetched(&mut self, fetched: &Fetched) {
        let input = input_of(fetched);
        if matches!(input, PrefetchInput::Failed { again: true, .. }) {
            // What it learnt of its sources may be wrong in a moment.
            self.node.fills.let_go(fetched.id);
        }
        self.look_at_room();
        self.tell(input);
    }

    fn on_block(&mut self, block: &BlockChanges) {
        self.look_at_room();
        self.height = block.height;
        for change in &block.changes {
            match change {
                IndexChange::ObjectAccepted { id, .. } if self.is_caught_up => {
                    self.offer(*id, block.height);
                }
                IndexChange::ObjectDeleted { id, .. } => {
                    self.tell(PrefetchInput::Gone(*id));
                }
                IndexChange::BagBucketsChanged { bag } if self.is_ours(bag) => self.look_soon(),
                IndexChange::BlacklistChanged => self.look_soon(),
                IndexChange::HoldingsReported { .. } | IndexChange::StorageBucketChanged { .. } => {
                    self.wake_what_has_sources();
                }
                IndexChange::ObjectAccepted { .. }
                | IndexChange::ObjectDeclared { .. }
                | IndexChange::BagCreated { .. }
                | IndexChange::BagDeleted { .. }
                | IndexChange::BagBucketsChanged { .. }
                | IndexChange::DistributionBucketChanged { .. }
                | IndexChange::BagPrivacyChanged { .. } => {}
            }
        }
    }

    /// A new object, if it is this node's and not here.
    fn offer(&mut self, id: DataObjectId, height: u64) {
        let node = &self.node;
        let assignment = &node.duty.load().assignment;
        let decision = node.follower.with_index(|index| decide_asset(index, assignment, id));
        if let Some(Deliverable { size, bag, .. }) = deliverable(&decision)
            && !node.store.contains(id)
        {
            self.tell(PrefetchInput::New { id, bag, size, height });
        }
    }

    fn is_ours(&self, bag: &BagId) -> bool {
        let duty = self.node.duty.load();
        let index = self.node.follower.index();
        index.bag(bag).is_some_and(|bag| delivers(&index, &duty.assignment, bag))
    }

    fn wake_what_has_sources(&mut self) {
        let resting: Vec<DataObjectId> = self.core.resting().collect();
        for id in resting {
            if self.node.follower.with_index(|index| !index.holders(id).is_empty()) {
                self.tell(PrefetchInput::Source(id));
            }
        }
    }

    /// Blocks were missed: what they accepted is in the index.
    fn survey_from_last(&mut self) {
        self.look_soon();
        if self.is_caught_up {
            let settled = self.core.settled_height(self.height);
            self.survey_above = Some(self.survey_above.map_or(settled, |above| above.min(settled)));
        }
    }

    /// Tells of objects that a block has accepted and that were not looked at, if there may be any.
    async fn survey(&mut self) {
        let Some(height) = self.survey_above.take() else { return };
        let node = Arc::clone(&self.node);
        let found = tokio::task::spawn_blocking(move || warm_up::accepted_above(&node, height)).await;
        let Ok((newest, found)) = found else { return };
        self.height = self.height.max(newest);
        for (height, id, bag, size) in found {
            // For what does not fit, another survey follows when there is room.
            self.tell(PrefetchInput::New { id, bag, size, height });
        }
    }

    fn look_soon(&mut self) {
        self.look_at.get_or_insert(Instant::now() + LOOK_DELAY);
    }

    fn on_time(&mut self) {
        self.look_at_room();
        self.look_at_load();
        self.look_at_popular_bags();
        self.catch_up();
        let duty = self.node.duty.load_full();
        let mine = self.node.follower.with_index(|index| my_buckets(index, &duty.assignment));
        if mine != self.buckets {
            self.buckets = mine;
            self.look_soon();
        }
        self.look();
        self.tell(PrefetchInput::Tick);
    }

    fn look_at_room(&mut self) {
        let (free_bytes, capacity_bytes) = (self.node.cache.free_bytes(), self.node.cache.capacity_bytes());
        self.tell(PrefetchInput::Room { free_bytes, capacity_bytes });
    }

    fn look_at_load(&mut self) {
        let readers = self.node.fills.read_fills_count();
        self.tell(PrefetchInput::Readers(readers));
    }

    fn look_at_popular_bags(&mut self) {
        let cache = &self.node.cache;
        let now = Instant::now();
        // With room to spare it makes no difference.
        if now < self.popular_at || cache.free_bytes() > cache.capacity_bytes() / 8 {
            return;
        }
        self.popular_at = now + POPULAR_INTERVAL;
        let hottest = cache.hottest(POPULAR_OBJECTS);
        let used = hottest.into_iter().filter(|(_, uses)| *uses >= POPULAR_USES);
        let bags = self.node.follower.with_index(|index| {
            used.filter_map(|(id, _)| index.object(id).map(|object| object.bag)).collect()
        });
        self.tell(PrefetchInput::Popular(bags));
    }

    /// The first look, once the node knows what it is to deliver.
    fn catch_up(&mut self) {
        if self.is_caught_up {
            return;
        }
        let status = self.node.follower.status();
        let knows = status.connected && status.lag_ms < CAUGHT_UP_MS;
        if knows || self.started.elapsed() > CATCH_UP_PATIENCE {
            self.is_caught_up = true;
            self.look_at = Some(Instant::now());
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        let due = self.look_at.is_some_and(|at| at <= now) && self.is_caught_up && self.looking.is_none();
        let rested = self.looked.is_none_or(|looked| now >= looked + LOOK_INTERVAL);
        if due && rested {
            self.look_at = None;
            self.looked = Some(now);
            self.looking = Some(tokio::spawn(warm_up::candidates(Arc::clone(&self.node))));
        }
    }

    fn on_found(&mut self, candidates: Vec<Candidate>) {
        let objects = candidates.len();
        if objects > 0 {
            tracing::info!(objects, "warming up");
        }
        self.look_at_room();
        self.tell(PrefetchInput::Candidates(candidates));
    }

    fn show(&self) {
        let progress = self.core.warm_up();
        let state = match (self.is_caught_up, &self.looking, progress.is_over()) {
            (false, _, _) => "waiting",
            (true, Some(_), true) => "asking",
            (true, _, false) if progress.paused => "paused",
            (true, _, false) => "running",
            (true, None, true) if self.look_at.is_some() && self.looked.is_none() => "asking",
            (true, None, true) => "done",
        };
        self.node.warm_up.set(state, progress);
    }
}

#[cfg(test)]
mod tests;
