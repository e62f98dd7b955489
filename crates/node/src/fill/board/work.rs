//! The task's side of a board: what readers want, and what it tells them.

use super::{Board, News, Phase, WantNews, wake_all};
use crate::fill::{FillError, Keep, lanes::Pass};
use argosy_content::GroupRange;
use argosy_domain::{limits::WINDOW_GROUPS, num::to_u64};
use argosy_node_core::sources::SourceName;
use argosy_store::{PartialObject, StoredObject};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

impl Board {
    /// Waits until a reader has something to say.
    pub(in crate::fill) async fn news(&self) {
        self.news.notified().await;
    }

    /// Whether readers have said anything since the last [`Board::take_news`], or somebody wants the
    /// whole object that the task is not `completing` yet.
    pub(in crate::fill) fn has_news(&self, completing: bool) -> bool {
        let state = self.state();
        let completers = state.completers.iter().any(|completer| !completer.is_closed());
        let fetchers = state.fetchers.values().any(|fetcher| !fetcher.told || fetcher.done.is_closed());
        state.lost || completers != completing || fetchers || state.readers.values().any(|slot| slot.dirty)
    }

    /// What readers said since the last call.
    pub(in crate::fill) fn take_news(&self) -> News {
        let mut guard = self.state();
        let state = &mut *guard;
        state.completers.retain(|completer| !completer.is_closed());
        state
            .left
            .extend(state.fetchers.extract_if(.., |_, fetcher| fetcher.done.is_closed()).map(|(id, _)| id));
        let mut news = News {
            left: std::mem::take(&mut state.left),
            lost: std::mem::take(&mut state.lost),
            completing: !state.completers.is_empty(),
            wants: Vec::new(),
            fetches: Vec::new(),
        };
        for (fetcher, fetch) in state.fetchers.iter_mut().filter(|(_, fetch)| !fetch.told) {
            fetch.told = true;
            news.fetches.push((*fetcher, fetch.groups));
        }
        for (reader, slot) in state.readers.iter_mut().filter(|(_, slot)| slot.dirty) {
            slot.dirty = false;
            slot.told = slot.at;
            let window_end = (slot.at / WINDOW_GROUPS).saturating_add(1).saturating_mul(WINDOW_GROUPS);
            let ahead = slot.ahead(self.read_ahead_groups);
            let urgent = GroupRange::new(slot.at, ahead.end.min(window_end));
            news.wants.push(WantNews {
                reader: *reader,
                urgent: slot.waits.is_some().then_some(urgent),
                ahead,
            });
        }
        news
    }

    /// Gives the task permission to ask a source; what comes back is to be dropped outside of locks.
    pub(in crate::fill) fn grant(&self, pass: Pass) -> Option<Pass> {
        let mut state = self.state();
        if state.takes_no_passes {
            return Some(pass);
        }
        state.passes.push(pass);
        drop(state);
        self.news.notify_one();
        None
    }

    /// The permissions that have come; no more if the task is `going`.
    pub(in crate::fill) fn take_passes(&self, going: bool) -> Vec<Pass> {
        let mut state = self.state();
        state.takes_no_passes |= going;
        std::mem::take(&mut state.passes)
    }

    /// Whether anybody reads; those who merely want something kept do not count.
    pub(in crate::fill) fn is_read(&self) -> bool {
        !self.state().readers.is_empty()
    }

    /// For how long the one who has waited longest has waited.
    pub(in crate::fill) fn longest_wait(&self) -> Option<Duration> {
        self.state().readers.values().filter_map(|slot| slot.waits).min().map(|since| since.elapsed())
    }

    /// The task has the partial object open: what is on disk can be read.
    pub(in crate::fill) fn opened(&self, partial: Arc<PartialObject>) {
        let mut state = self.state();
        state.partial = Some(partial);
        state.end_fetched();
        wake_all(&state);
    }

    /// Lets out a proved group.
    pub(in crate::fill) fn publish(&self, group: u64, bytes: Bytes, source: Option<SourceName>) {
        let mut state = self.state();
        if let Some(source) = source {
            let readers = state.readers.values().filter(|slot| slot.at <= group && group < slot.end);
            readers.for_each(|slot| slot.brought.note(source, to_u64(bytes.len())));
        }
        if self.keep == Keep::PassThrough && state.readers.values().all(|slot| group < slot.at) {
            return;
        }
        state.window.insert(group, bytes);
        for slot in state.readers.values().filter(|slot| slot.at == group && slot.waits.is_some()) {
            slot.wake.notify_one();
        }
    }

    /// These groups can be read from disk from now on.
    pub(in crate::fill) fn written(&self, groups: &[u64]) {
        let mut guard = self.state();
        let state = &mut *guard;
        // Those who are behind come to it sooner or later.
        let wanted: Vec<GroupRange> =
            state.readers.values().map(|slot| GroupRange::new(slot.at, slot.end)).collect();
        state.window.written(groups, &wanted);
        state.end_fetched();
    }

    /// Gives up what is in memory only for speed.
    pub(in crate::fill) fn drop_retained(&self) {
        self.state().window.drop_retained();
    }

    /// Everyone who waits now learns that it is in vain.
    pub(in crate::fill) fn fail_waiting(&self, error: FillError) {
        let mut state = self.state();
        for slot in state.readers.values_mut().filter(|slot| slot.waits.is_some()) {
            slot.fail(error);
        }
        state.end_keepers(&Err(error));
    }

    /// Fails those alone who want something kept.
    pub(in crate::fill) fn fail_keepers(&self, error: FillError) {
        self.state().end_keepers(&Err(error));
    }

    /// Fails readers that have waited for `patience` without any progress of the fill, and those that
    /// have waited three times as long while others were served.
    pub(in crate::fill) fn fail_impatient(&self, last_progress: Instant, patience: Duration) {
        let now = Instant::now();
        let mut state = self.state();
        for slot in state.readers.values_mut() {
            let Some(since) = slot.waits else { continue };
            if now >= since.max(last_progress) + patience || now >= since + 3 * patience {
                slot.fail(FillError::NoProgress);
            }
        }
    }

    /// Groups that counted as held are gone.
    pub(in crate::fill) fn lose(&self) {
        self.state().lost = true;
        self.news.notify_one();
    }

    /// Makes every reader's want news again.
    pub(in crate::fill) fn repeat_wants(&self) {
        let mut state = self.state();
        for slot in state.readers.values_mut() {
            slot.dirty = true;
        }
        for fetcher in state.fetchers.values_mut() {
            fetcher.told = false;
        }
    }

    /// Whether somebody reads, or waits for the whole object or a part of it.
    pub(in crate::fill) fn is_used(&self) -> bool {
        self.state().is_used()
    }

    /// Ends the fill if nobody uses it; whether it has ended.
    pub(in crate::fill) fn close_if_unused(&self) -> bool {
        let mut state = self.state();
        let used = state.is_used();
        if !used && matches!(state.phase, Phase::Running) {
            state.phase = Phase::Over(FillError::Stopped);
        }
        !used
    }

    /// Why the fill has ended, unless it runs or has done its work.
    pub(in crate::fill) fn ended(&self) -> Option<FillError> {
        match self.state().phase {
            Phase::Over(error) => Some(error),
            Phase::Running | Phase::Complete(_) => None,
        }
    }

    pub(in crate::fill) fn is_over(&self) -> bool {
        self.ended().is_some()
    }

    /// Ends the fill, unless it has ended before.
    pub(in crate::fill) fn end(&self, error: FillError) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Running) {
            state.phase = Phase::Over(error);
        }
        state.end_keepers(&Err(error));
        wake_all(&state);
        drop(state);
        self.news.notify_one();
    }

    /// The object is complete.
    pub(in crate::fill) fn finish(&self, stored: &Arc<StoredObject>) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Running) {
            state.phase = Phase::Complete(Arc::clone(stored));
        }
        state.partial = None;
        // It is all on disk, from where readers go on as those who come now.
        state.window.drop_retained();
        state.end_keepers(&Ok(Arc::clone(stored)));
        wake_all(&state);
    }
}
