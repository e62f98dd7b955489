//! Whom to ask: the directory's list of sources, looked at anew while the fill runs.

use super::{FillTask, REFRESH};
use crate::fill::{
    FillError,
    sources::{FillSource, MAX_SOURCES},
};
use argosy_node_core::{fill::FillInput, sources::SourceId};
use tokio::time::Instant;

impl FillTask {
    /// Looks who has the object now; whether there is somebody new to ask.
    pub(super) fn refresh_sources(&mut self, widen: bool) -> bool {
        self.refresh_at = Instant::now() + REFRESH;
        let mut listed = self.inner.sources.sources_of(self.board.id());
        listed.truncate(MAX_SOURCES);
        self.widened |= widen || !listed.iter().any(|source| source.holds);
        listed.retain(|source| (source.holds || self.widened) && !self.banned.contains(&source.id));
        let gone: Vec<SourceId> = self
            .sources
            .keys()
            .filter(|id| !id.is_peer() && !listed.iter().any(|source| source.id == **id))
            .copied()
            .collect();
        for source in gone {
            self.sources.remove(&source);
            self.tell(FillInput::SourceGone { source });
        }
        let mut added = false;
        for source in listed {
            let news = self
                .sources
                .get(&source.id)
                .is_none_or(|known| known.endpoint != source.endpoint || (source.holds && !known.holds));
            if news {
                added = true;
                self.add_source(source);
            } else {
                self.sources.insert(source.id, source);
            }
        }
        added
    }

    pub(super) fn add_source(&mut self, source: FillSource) {
        let quality = self.inner.memory().quality(source.id);
        let id = source.id;
        self.sources.insert(id, source);
        self.tell(FillInput::SourceAdded { source: id, quality });
    }

    /// The core knows nobody to ask: looks for others before it gives up.
    pub(super) fn on_exhausted(&mut self, unreachable: bool) {
        let error = if unreachable { FillError::Unreachable } else { FillError::NoSource };
        if self.refresh_sources(true) {
            self.want_again();
        } else if !self.hope_for_peers(error) {
            self.give_up(error);
        }
    }

    /// Tells the core anew what is wanted: it has forgotten.
    pub(super) fn want_again(&mut self) {
        self.completing = false;
        self.board.repeat_wants();
        self.take_news();
    }

    pub(super) fn give_up(&mut self, error: FillError) {
        self.board.fail_waiting(error);
        (self.completing, self.finishing) = (false, false);
    }
}
