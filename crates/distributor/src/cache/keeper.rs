//! What a cache needs done now and then.

use super::Cache;
use argosy_http::Shutdown;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often uses are counted and the disk is looked at, at least.
const TEND_EVERY: Duration = Duration::from_secs(1);

/// Runs until the stop signal; the note is written then once more.
pub(crate) async fn run(cache: Arc<Cache>, save_every: Duration, shutdown: Shutdown) {
    let stop = shutdown.triggered();
    tokio::pin!(stop);
    let now = Instant::now();
    let mut tend = interval_at(now + TEND_EVERY, TEND_EVERY);
    let mut save = interval_at(now + save_every, save_every);
    tend.set_missed_tick_behavior(MissedTickBehavior::Delay);
    save.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            _ = save.tick() => blocking(&cache, Cache::save).await,
            _ = tend.tick() => blocking(&cache, Cache::tend).await,
        }
    }
    blocking(&cache, Cache::save).await;
}

async fn blocking(cache: &Arc<Cache>, work: fn(&Cache)) {
    let cache = Arc::clone(cache);
    if tokio::task::spawn_blocking(move || work(&cache)).await.is_err() {
        tracing::error!("tending the cache has panicked");
    }
}
