//! What people see of it.

use super::RoleProofs;
use argosy_api::node::{EndpointsView, UnprovenView};
use argosy_domain::num::to_u64;
use argosy_node_core::proof::Told;
use std::sync::atomic::Ordering;

/// Most endpoints that the status lists.
const MAX_LISTED: usize = 32;

impl RoleProofs {
    /// How many endpoints are proven, and which are not.
    #[must_use]
    pub fn view(&self) -> EndpointsView {
        let now_ms = self.inner.now_ms();
        let state = self.inner.state();
        let (proven, unproven) = state.counts(now_ms);
        let told = state.told(now_ms, MAX_LISTED);
        drop(state);
        EndpointsView {
            proven_count: to_u64(proven),
            unproven_count: to_u64(unproven),
            troubled: told.into_iter().map(|told| troubled(told, now_ms)).collect(),
        }
    }

    /// Challenges that were answered as they should, and those that were not.
    #[must_use]
    pub fn outcomes(&self) -> (u64, u64) {
        (self.inner.given.load(Ordering::Relaxed), self.inner.failed.load(Ordering::Relaxed))
    }
}

fn troubled(told: Told, now_ms: u64) -> UnprovenView {
    let Told { subject, is_proven, trouble, next_ms } = told;
    let (group, worker) = subject.worker;
    UnprovenView {
        group: group.name().to_owned(),
        worker: worker.0,
        // Nothing but printable ASCII, where it is one at all.
        endpoint: subject.endpoint.escape_default().collect(),
        usable: is_proven,
        why: trouble.map(|trouble| trouble.name().to_owned()).unwrap_or_default(),
        next_in_seconds: next_ms.saturating_sub(now_ms).div_ceil(1_000),
    }
}
