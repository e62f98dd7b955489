//! Proves complete objects again in the background, and has damaged ones fetched anew: at once, or when their
//! sources are there again.

use crate::{
    fetches::{Fetched, Fetches},
    node::Node,
};
use argosy_content::{GroupRange, byte_range};
use argosy_domain::DataObjectId;
use argosy_http::Shutdown;
use argosy_node::{
    FillError,
    follower::now_ms,
    home::{read_bounded, replace_file},
};
use argosy_node_core::{
    scrub::{Held, Position, Progress, RepairEnd, Repairs, Scrub, Step},
    serve::{AssetDecision, decide_asset},
};
use argosy_store::{Damaged, ObjectMeta};
use argosy_telemetry::metrics::{Exposition, Kind};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{
    num::NonZeroU64,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

const NAME: &str = "scrub.json";
const FORMAT: u32 = 1;
/// Room for all that may wait, each with as many digits as an id can have.
const MAX_BYTES: u64 = 128 * 1024;
/// How often progress is noted; what is lost is proved once more.
const SAVE_EVERY: Duration = Duration::from_secs(60);
/// Damaged objects that are fetched at once.
const REPAIRS_AT_ONCE: usize = 2;
/// Longest wait without a look at the clock, which may be set.
const LONGEST_WAIT_MS: u64 = 60_000;

/// What is told about it, shared with the status.
#[derive(Debug, Default)]
pub(crate) struct ScrubState(Mutex<Told>);

#[derive(Clone, Debug, Default)]
struct Told {
    progress: Progress,
    next_pass_ms: Option<u64>,
    rate: u64,
    /// Stretches since the start, over all passes.
    damaged_count: u64,
    repaired_count: u64,
    waiting_count: u64,
    given_up_count: u64,
    last_failure: Option<String>,
}

impl ScrubState {
    /// For `status`.
    pub(crate) fn to_json(&self) -> Value {
        let told = self.told().clone();
        let doing = match (told.rate, told.next_pass_ms) {
            (0, _) => "off",
            (_, Some(_)) => "waiting",
            (_, None) => "proving",
        };
        json!({
            "doing": doing,
            "bytesPerSecond": told.rate,
            "beganMs": told.progress.began_ms,
            "provedBytes": told.progress.proved_bytes,
            "damagedCount": told.progress.damaged_count,
            "repairedCount": told.repaired_count,
            "waitingCount": told.waiting_count,
            "givenUpCount": told.given_up_count,
            "lastFailure": told.last_failure,
            "nextAtMs": told.next_pass_ms,
        })
    }

    /// For Prometheus.
    pub(crate) fn expose(&self, text: &mut Exposition) {
        let told = self.told().clone();
        for (name, help, value) in [
            (
                "argosy_distributor_scrub_damaged_total",
                "Damaged stretches of objects that were found in the background.",
                told.damaged_count,
            ),
            (
                "argosy_distributor_scrub_repaired_total",
                "Objects that were found damaged and are whole again.",
                told.repaired_count,
            ),
            (
                "argosy_distributor_scrub_given_up_total",
                "Damaged objects that are not fetched again before somebody asks for them.",
                told.given_up_count,
            ),
        ] {
            text.single(Kind::Counter, name, help, value);
        }
        let help = "Damaged objects that are being fetched again, or wait for it.";
        text.single(Kind::Gauge, "argosy_distributor_scrub_waiting", help, told.waiting_count);
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The file that progress is kept in.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Kept {
    format: u32,
    began_ms: u64,
    next_object: Option<u64>,
    next_group: u64,
    proved_bytes: u64,
    damaged_count: u64,
    /// Objects that were found damaged and are not whole again; none were kept before.
    #[serde(default)]
    waiting: Vec<u64>,
}

/// What was kept: how far it was, and what was damaged. From the beginning if that cannot be read, since it
/// costs only reading: what is damaged is partial by then, and its readers have it fetched.
fn load(path: &Path) -> (Progress, Vec<DataObjectId>) {
    let Ok(bytes) = read_bounded(path, MAX_BYTES) else { return Default::default() };
    match serde_json::from_slice::<Kept>(&bytes) {
        Ok(kept) if kept.format == FORMAT => {
            let progress = Progress {
                began_ms: kept.began_ms,
                next: kept.next_object.map(|id| Position { id: DataObjectId(id), group: kept.next_group }),
                proved_bytes: kept.proved_bytes,
                damaged_count: kept.damaged_count,
            };
            (progress, kept.waiting.into_iter().map(DataObjectId).collect())
        }
        Ok(_) | Err(_) => {
            tracing::warn!(file = %path.display(), "progress of the scrub cannot be read: it begins anew");
            Default::default()
        }
    }
}

fn save(path: &Path, progress: Progress, waiting: &[DataObjectId]) {
    let kept = Kept {
        format: FORMAT,
        began_ms: progress.began_ms,
        next_object: progress.next.map(|position| position.id.0),
        next_group: progress.next.map_or(0, |position| position.group),
        proved_bytes: progress.proved_bytes,
        damaged_count: progress.damaged_count,
        waiting: waiting.iter().map(|id| id.0).collect(),
    };
    let saved = serde_json::to_vec(&kept).map_err(std::io::Error::from);
    if let Err(error) = saved.and_then(|bytes| replace_file(path, &bytes)) {
        tracing::warn!(file = %path.display(), %error, "progress of the scrub cannot be kept");
    }
}

/// Runs until the stop signal.
pub(crate) async fn run(node: Arc<Node>, shutdown: Shutdown) {
    let Some(rate) = NonZeroU64::new(node.config.scrub.bytes_per_second.0) else { return };
    let path = node.config.directories.cache_state.join(NAME);
    let read = path.clone();
    let Ok((progress, waiting)) = tokio::task::spawn_blocking(move || load(&read)).await else { return };
    let stop = Box::pin(shutdown.triggered());
    let task = ScrubTask {
        node,
        scrub: Scrub::new(progress, rate),
        repairs: unmended(waiting),
        fetches: Fetches::default(),
        path,
        saved_at: Instant::now(),
        has_ended: false,
    };
    task.run(stop).await;
}

/// What was found damaged before the node started, to be fetched at once.
fn unmended(waiting: Vec<DataObjectId>) -> Repairs {
    let (mut repairs, now) = (Repairs::default(), now_ms());
    waiting.into_iter().for_each(|id| repairs.found(id, now));
    repairs
}

struct ScrubTask {
    node: Arc<Node>,
    scrub: Scrub,
    repairs: Repairs,
    fetches: Fetches,
    path: PathBuf,
    saved_at: Instant,
    /// Something is whole again, or given up, and the file does not know.
    has_ended: bool,
}

impl ScrubTask {
    async fn run(mut self, mut stop: Pin<Box<impl Future<Output = ()>>>) {
        loop {
            while let Some(fetched) = self.fetches.next_now() {
                self.on_fetched(&fetched);
            }
            let now = now_ms();
            self.mend(now);
            let store = &self.node.store;
            let step = self.scrub.step(now, |id| store.object_at_or_after(id));
            self.tell();
            match step {
                Step::Wait { until_ms } => {
                    let wait = self.wait(now, until_ms);
                    tokio::select! {
                        () = stop.as_mut() => break,
                        Some(fetched) = self.fetches.next() => self.on_fetched(&fetched),
                        () = tokio::time::sleep(wait) => {}
                    }
                }
                Step::Prove { id, groups } => tokio::select! {
                    biased;
                    () = stop.as_mut() => break,
                    () = self.prove(now, id, groups) => {}
                },
                Step::PassEnded => self.save().await,
            }
            if self.has_ended || self.saved_at.elapsed() >= SAVE_EVERY {
                self.save().await;
            }
        }
        self.fetches.stop().await;
        self.save().await;
    }

    /// How long there is nothing to do, if nothing ends.
    fn wait(&self, now: u64, until_ms: u64) -> Duration {
        let repair_ms = self.repairs.next_ms().filter(|_| self.fetches.count() < REPAIRS_AT_ONCE);
        let until_ms = repair_ms.map_or(until_ms, |repair_ms| repair_ms.min(until_ms));
        Duration::from_millis(until_ms.saturating_sub(now).clamp(1, LONGEST_WAIT_MS))
    }

    async fn save(&mut self) {
        self.saved_at = Instant::now();
        self.has_ended = false;
        let (path, progress) = (self.path.clone(), self.scrub.progress());
        let waiting: Vec<DataObjectId> = self.repairs.ids().collect();
        if tokio::task::spawn_blocking(move || save(&path, progress, &waiting)).await.is_err() {
            tracing::error!("keeping the progress of the scrub has panicked");
        }
    }

    fn held(&self) -> Held {
        let totals = self.node.store.totals();
        Held { objects_count: totals.objects, bytes: totals.object_bytes }
    }

    fn tell(&self) {
        let rate = self.scrub.rate(self.held());
        let mut told = self.node.scrub.told();
        told.progress = self.scrub.progress();
        told.next_pass_ms = self.scrub.next_pass_ms();
        told.rate = rate;
        told.waiting_count = self.repairs.waiting_count();
        told.given_up_count = self.repairs.given_up_count();
    }

    async fn prove(&mut self, started_ms: u64, id: DataObjectId, groups: GroupRange) {
        let store = self.node.store.clone();
        let read = tokio::task::spawn_blocking(move || {
            let Some(stored) = store.get(id) else {
                // Evicted meanwhile; or here, and not what it was.
                return if store.contains(id) { Found::Lost } else { Found::Gone };
            };
            // Not from memory of what was proved before: the bytes themselves.
            match stored.read_verified(groups) {
                Ok(_) => Found::Sound(stored.meta().size),
                Err(damaged) => Found::Damaged(damaged, stored.meta()),
            }
        });
        let (bytes, damaged) = match read.await {
            Ok(Found::Gone) => (0, false),
            Ok(Found::Sound(size)) => {
                let range = byte_range(groups, size);
                (range.end.saturating_sub(range.start), false)
            }
            Ok(Found::Damaged(damage, meta)) => {
                let ours = self.wanted(id) == Wanted::Ours(meta);
                if ours {
                    self.remember(id).await;
                }
                if !self.node.fills.repair(damage).await && ours {
                    // It stays as it is, and is proved again before anybody has it.
                    self.repairs.ended(id, RepairEnd::Done, now_ms());
                }
                (0, true)
            }
            Ok(Found::Lost) => {
                self.remember(id).await;
                (0, true)
            }
            Err(_) => {
                tracing::error!(object = %id, "proving an object again has panicked");
                (0, false)
            }
        };
        if damaged {
            let mut told = self.node.scrub.told();
            told.damaged_count = told.damaged_count.saturating_add(1);
        }
        self.scrub.proved(started_ms, groups, bytes, damaged, self.held());
    }

    /// Has an object fetched anew, and keeps that it must be, before its damage is taken out of the store: a
    /// process that dies between the two proves the same groups again.
    async fn remember(&mut self, id: DataObjectId) {
        self.repairs.found(id, now_ms());
        self.save().await;
    }

    /// What the object is, if it is still one of ours; if not, its readers fetch what is damaged.
    fn wanted(&self, id: DataObjectId) -> Wanted {
        self.node.follower.with_index(|index| {
            match decide_asset(index, &self.node.duty.load().assignment, id) {
                AssetDecision::Serve(object) | AssetDecision::Private(object) => {
                    Wanted::Ours(ObjectMeta { content_id: object.content_id, size: object.size })
                }
                AssetDecision::NotFound if !index.was_deleted(id) => Wanted::Unknown,
                AssetDecision::NotAccepted => Wanted::Unknown,
                AssetDecision::NotFound | AssetDecision::Blacklisted | AssetDecision::NotOurs { .. } => {
                    Wanted::No
                }
            }
        })
    }

    /// Begins to fetch what is damaged and due. Objects that had to make room meanwhile are let go.
    fn mend(&mut self, now: u64) {
        while self.fetches.count() < REPAIRS_AT_ONCE
            && let Some(id) = self.repairs.next(now)
        {
            match self.wanted(id) {
                _ if !self.node.cache.contains(id) => self.repairs.ended(id, RepairEnd::Done, now),
                Wanted::Ours(meta) => {
                    let fills = self.node.fills.clone();
                    let fetch = async move { fills.complete(id, meta).await.map(drop) };
                    self.fetches.spawn(id, meta.size, fetch);
                }
                Wanted::Unknown => self.repairs.ended(id, RepairEnd::Later, now),
                Wanted::No => self.repairs.ended(id, RepairEnd::Done, now),
            }
        }
    }

    fn on_fetched(&mut self, fetched: &Fetched) {
        let id = fetched.id;
        let end = match fetched.ended {
            Some(Ok(())) => {
                tracing::info!(object = %id, "a damaged object is whole again");
                let mut told = self.node.scrub.told();
                told.repaired_count = told.repaired_count.saturating_add(1);
                RepairEnd::Done
            }
            Some(Err(error)) => {
                tracing::warn!(object = %id, %error, "a damaged object cannot be fetched anew for now");
                self.node.scrub.told().last_failure = Some(format!("data object {id}: {error}"));
                match error {
                    FillError::NoSource | FillError::Unreachable | FillError::NoProgress => {
                        // The next attempt asks all sources again.
                        self.node.fills.let_go(id);
                        RepairEnd::Later
                    }
                    FillError::NotKept => RepairEnd::Never,
                    FillError::Removed | FillError::Stopped => RepairEnd::Done,
                }
            }
            None => RepairEnd::Never,
        };
        self.has_ended |= end != RepairEnd::Later;
        self.repairs.ended(id, end, now_ms());
    }
}

/// Whether a damaged object is worth fetching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Ours(ObjectMeta),
    /// A node that has just started may not have heard of it yet.
    Unknown,
    No,
}

/// What reading has shown.
enum Found {
    Gone,
    /// Nobody can tell what it is.
    Lost,
    /// With its size.
    Sound(u64),
    Damaged(Damaged, ObjectMeta),
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::num::to_u64;
    use argosy_node_core::scrub::MAX_REPAIRS;

    #[test]
    fn progress_outlives_the_process_and_damage_costs_only_a_pass() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        assert_eq!(load(&path), Default::default());
        let progress = Progress {
            began_ms: 7,
            next: Some(Position { id: DataObjectId(3), group: 64 }),
            proved_bytes: 9,
            damaged_count: 1,
        };
        let waiting: Vec<DataObjectId> =
            (0..MAX_REPAIRS).map(|n| DataObjectId(u64::MAX - to_u64(n))).collect();
        save(&path, progress, &waiting);
        assert_eq!(load(&path), (progress, waiting), "as many as can wait");
        let before =
            r#"{"format":1,"beganMs":7,"nextObject":3,"nextGroup":64,"provedBytes":9,"damagedCount":1}"#;
        std::fs::write(&path, before).unwrap();
        assert_eq!(load(&path), (progress, Vec::new()), "as nodes wrote it that kept no damage");
        for text in ["{", r#"{"format":2}"#, ""] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(load(&path), Default::default(), "{text}");
        }
    }
}
