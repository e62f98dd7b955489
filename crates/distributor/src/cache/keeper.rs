//! What a cache needs done now and then.

use super::{Cache, News};
use argosy_http::Shutdown;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often uses are counted and the disk is looked at, at least.
const TEND_EVERY: Duration = Duration::from_secs(1);
/// From one note to the next at least, however much has changed.
const SOONEST_NOTE: Duration = Duration::from_secs(5);
/// Most that notes write on the average.
const NOTE_BYTES_PER_SECOND: u64 = 256 * 1024;
/// A note is worth writing once there are so many times fewer changes than objects.
const OBJECTS_PER_CHANGE: u64 = 8;

/// Runs until the stop signal; the note is written then once more.
pub(crate) async fn run(cache: Arc<Cache>, save_every: Duration, shutdown: Shutdown) {
    let stop = shutdown.triggered();
    tokio::pin!(stop);
    let mut tend = interval_at(Instant::now() + TEND_EVERY, TEND_EVERY);
    tend.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Nothing of this life is noted yet, so that the first note need not rest from another.
    let (mut saved_at, mut rest) = (Instant::now(), Duration::ZERO);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            _ = tend.tick() => {}
        }
        blocking(&cache, Cache::tend).await;
        let news = cache.news();
        let since = saved_at.elapsed();
        if since >= save_every || (is_much(news) && since >= rest) {
            blocking(&cache, Cache::save).await;
            (saved_at, rest) = (Instant::now(), rest_after(cache.news().note_bytes));
        }
    }
    blocking(&cache, Cache::save).await;
}

/// Whether so much has changed that the note is to be written sooner: a process that is killed knows no more
/// than the note does.
fn is_much(news: News) -> bool {
    news.changes > 0 && news.changes >= news.held / OBJECTS_PER_CHANGE
}

/// How long a note is good enough, whatever changes.
fn rest_after(note_bytes: u64) -> Duration {
    SOONEST_NOTE.max(Duration::from_secs(note_bytes / NOTE_BYTES_PER_SECOND))
}

async fn blocking(cache: &Arc<Cache>, work: fn(&Cache)) {
    let cache = Arc::clone(cache);
    if tokio::task::spawn_blocking(move || work(&cache)).await.is_err() {
        tracing::error!("tending the cache has panicked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(changes: u64, held: u64) -> News {
        News { changes, held, note_bytes: 0 }
    }

    #[test]
    fn much_is_a_part_of_what_is_held_and_never_nothing() {
        assert!(!is_much(news(0, 0)) && is_much(news(1, 0)) && is_much(news(1, 8)));
        assert!(!is_much(news(12_499, 100_000)) && is_much(news(12_500, 100_000)));
    }

    #[test]
    fn what_is_long_is_not_written_all_the_time() {
        assert_eq!(rest_after(0), SOONEST_NOTE);
        assert_eq!(rest_after(5 << 20), Duration::from_secs(20));
    }
}
