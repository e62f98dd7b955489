//! The fetches that are under way, each of which ends by saying which it was, however it ends.

use argosy_domain::DataObjectId;
use argosy_node::FillError;
use std::{collections::HashMap, future::Future};
use tokio::task::{Id, JoinError, JoinSet};

/// A fetch that is over.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) id: DataObjectId,
    /// Bytes that were asked for.
    pub(crate) bytes: u64,
    /// None if it panicked.
    pub(crate) ended: Option<Result<(), FillError>>,
}

/// As many as a core allows.
#[derive(Debug, Default)]
pub(crate) struct Fetches {
    running: JoinSet<Result<(), FillError>>,
    asked: HashMap<Id, (DataObjectId, u64)>,
}

impl Fetches {
    pub(crate) fn spawn(
        &mut self,
        id: DataObjectId,
        bytes: u64,
        fetch: impl Future<Output = Result<(), FillError>> + Send + 'static,
    ) {
        let task = self.running.spawn(fetch);
        self.asked.insert(task.id(), (id, bytes));
    }

    /// The next that ends; none while there are none. May be dropped and called again.
    pub(crate) async fn next(&mut self) -> Option<Fetched> {
        let ended = self.running.join_next_with_id().await?;
        self.told(ended)
    }

    /// One that has ended already.
    pub(crate) fn next_now(&mut self) -> Option<Fetched> {
        let ended = self.running.try_join_next_with_id()?;
        self.told(ended)
    }

    /// Under way, or ended and not told of.
    pub(crate) fn count(&self) -> usize {
        self.running.len()
    }

    fn told(&mut self, ended: Result<(Id, Result<(), FillError>), JoinError>) -> Option<Fetched> {
        let (task, ended) = match ended {
            Ok((task, ended)) => (task, Some(ended)),
            Err(error) => {
                tracing::error!(%error, "a fetch ended badly");
                (error.id(), None)
            }
        };
        // Every task was noted when it began.
        let (id, bytes) = self.asked.remove(&task)?;
        Some(Fetched { id, bytes, ended })
    }

    /// Ends all of them.
    pub(crate) async fn stop(&mut self) {
        self.running.shutdown().await;
        self.asked.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::{BagId, ChannelId};
    use argosy_node_core::prefetch::{Mode, Policy, PrefetchCore, PrefetchEffect, PrefetchInput};

    const FIRST: DataObjectId = DataObjectId(1);
    const SECOND: DataObjectId = DataObjectId(2);

    fn one_at_a_time() -> PrefetchCore {
        let policy = Policy {
            mode: Mode::Full,
            full_below_bytes: 100,
            head_bytes: 10,
            max_object_bytes: 1_000,
            concurrent: 1,
            bytes_per_second: 1 << 30,
        };
        let mut core = PrefetchCore::new(policy, 1);
        let mut effects = Vec::new();
        core.handle(0, PrefetchInput::Room { free_bytes: 1 << 20, capacity_bytes: 1 << 20 }, &mut effects);
        for id in [FIRST, SECOND] {
            let bag = BagId::channel(ChannelId(1));
            core.handle(0, PrefetchInput::New { id, bag, size: 5, height: 1 }, &mut effects);
        }
        assert!(matches!(effects[..], [PrefetchEffect::Fetch { id: FIRST, .. }]), "{effects:?}");
        core
    }

    #[tokio::test]
    async fn a_fetch_that_panics_keeps_nobody_elses_place() {
        let mut core = one_at_a_time();
        let mut fetches = Fetches::default();
        fetches.spawn(FIRST, 5, async { panic!("as a defect would") });
        let fetched = fetches.next().await.unwrap();
        assert_eq!((fetched.id, fetched.bytes), (FIRST, 5));
        assert!(fetched.ended.is_none());
        let mut effects = Vec::new();
        core.handle(1, crate::prefetch::input_of(&fetched), &mut effects);
        let [PrefetchEffect::GaveUp(FIRST), PrefetchEffect::Fetch { id: SECOND, .. }] = effects[..] else {
            panic!("{effects:?}")
        };
        assert!(fetches.next().await.is_none() && fetches.asked.is_empty());
    }

    #[tokio::test]
    async fn those_that_end_say_which_they_were() {
        let mut fetches = Fetches::default();
        fetches.spawn(FIRST, 7, async { Err(FillError::NoSource) });
        fetches.spawn(SECOND, 8, std::future::pending());
        let fetched = fetches.next().await.unwrap();
        assert_eq!((fetched.id, fetched.bytes, fetched.ended), (FIRST, 7, Some(Err(FillError::NoSource))));
        fetches.stop().await;
        assert!(fetches.next().await.is_none() && fetches.asked.is_empty());
    }
}
