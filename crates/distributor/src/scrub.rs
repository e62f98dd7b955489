//! Proves complete objects again in the background, and has damaged ones fetched anew.

use crate::node::Node;
use argosy_content::{GroupRange, byte_range};
use argosy_domain::DataObjectId;
use argosy_http::Shutdown;
use argosy_node::{
    follower::now_ms,
    home::{read_bounded, replace_file},
};
use argosy_node_core::{
    scrub::{Held, Position, Progress, Scrub, Step},
    serve::{AssetDecision, decide_asset},
};
use argosy_store::{Damaged, ObjectMeta};
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
const MAX_BYTES: u64 = 4096;
/// How often progress is noted; what is lost is proved once more.
const SAVE_EVERY: Duration = Duration::from_secs(60);
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
    repaired_count: u64,
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
            "lastFailure": told.last_failure,
            "nextAtMs": told.next_pass_ms,
        })
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
}

/// What was kept; from the beginning if that cannot be read, since it costs only reading.
fn load(path: &Path) -> Progress {
    let Ok(bytes) = read_bounded(path, MAX_BYTES) else { return Progress::default() };
    match serde_json::from_slice::<Kept>(&bytes) {
        Ok(kept) if kept.format == FORMAT => Progress {
            began_ms: kept.began_ms,
            next: kept.next_object.map(|id| Position { id: DataObjectId(id), group: kept.next_group }),
            proved_bytes: kept.proved_bytes,
            damaged_count: kept.damaged_count,
        },
        Ok(_) | Err(_) => {
            tracing::warn!(file = %path.display(), "progress of the scrub cannot be read: it begins anew");
            Progress::default()
        }
    }
}

fn save(path: &Path, progress: Progress) {
    let kept = Kept {
        format: FORMAT,
        began_ms: progress.began_ms,
        next_object: progress.next.map(|position| position.id.0),
        next_group: progress.next.map_or(0, |position| position.group),
        proved_bytes: progress.proved_bytes,
        damaged_count: progress.damaged_count,
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
    let Ok(progress) = tokio::task::spawn_blocking(move || load(&read)).await else { return };
    let stop = Box::pin(shutdown.triggered());
    let task = ScrubTask { scrub: Scrub::new(progress, rate), node, path, saved_at: Instant::now() };
    task.run(stop).await;
}

struct ScrubTask {
    node: Arc<Node>,
    scrub: Scrub,
    path: PathBuf,
    saved_at: Instant,
}

impl ScrubTask {
    async fn run(mut self, mut stop: Pin<Box<impl Future<Output = ()>>>) {
        loop {
            let store = &self.node.store;
            let now = now_ms();
            let step = self.scrub.step(now, |id| store.object_at_or_after(id));
            self.tell();
            match step {
                Step::Wait { until_ms } => {
                    let wait = Duration::from_millis(until_ms.saturating_sub(now).clamp(1, LONGEST_WAIT_MS));
                    tokio::select! {
                        () = stop.as_mut() => break,
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
            if self.saved_at.elapsed() >= SAVE_EVERY {
                self.save().await;
            }
        }
        self.save().await;
    }

    async fn save(&mut self) {
        self.saved_at = Instant::now();
        let (path, progress) = (self.path.clone(), self.scrub.progress());
        if tokio::task::spawn_blocking(move || save(&path, progress)).await.is_err() {
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
                if self.node.fills.repair(damage).await {
                    self.fetch_again(id, Some(meta)).await;
                }
                (0, true)
            }
            Ok(Found::Lost) => {
                self.fetch_again(id, None).await;
                (0, true)
            }
            Err(_) => {
                tracing::error!(object = %id, "proving an object again has panicked");
                (0, false)
            }
        };
        self.scrub.proved(started_ms, groups, bytes, damaged, self.held());
    }

    /// Fetches what is damaged, if the object is still one of ours; else its readers would.
    async fn fetch_again(&self, id: DataObjectId, known: Option<ObjectMeta>) {
        let decision =
            self.node.follower.with_index(|index| decide_asset(index, &self.node.duty.load().assignment, id));
        let (AssetDecision::Serve(object) | AssetDecision::Private(object)) = decision else { return };
        let meta = ObjectMeta { content_id: object.content_id, size: object.size };
        if known.is_some_and(|known| known != meta) {
            return;
        }
        let fetched = self.node.fills.complete(id, meta).await;
        let mut told = self.node.scrub.told();
        match fetched {
            Ok(_) => {
                told.repaired_count = told.repaired_count.saturating_add(1);
                tracing::info!(object = %id, "a damaged object is whole again");
            }
            Err(error) => {
                told.last_failure = Some(format!("data object {id}: {error}"));
                tracing::warn!(object = %id, %error, "a damaged object cannot be fetched anew for now");
            }
        }
    }
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

    #[test]
    fn progress_outlives_the_process_and_damage_costs_only_a_pass() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NAME);
        assert_eq!(load(&path), Progress::default());
        let progress = Progress {
            began_ms: 7,
            next: Some(Position { id: DataObjectId(3), group: 64 }),
            proved_bytes: 9,
            damaged_count: 1,
        };
        save(&path, progress);
        assert_eq!(load(&path), progress);
        for text in ["{", r#"{"format":2}"#, ""] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(load(&path), Progress::default(), "{text}");
        }
    }
}
