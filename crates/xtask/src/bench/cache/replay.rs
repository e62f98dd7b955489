//! A trace through a cache.

use super::{
    super::{as_f64, machine::cpu_seconds},
    trace::Trace,
};
use argosy_domain::{DataObjectId, num::to_u64};
use argosy_node_core::cache::{CacheCore, PolicyName};

/// A request every half second, so that 150 000 take a day.
const MS_PER_REQUEST: u64 = 500;

/// What came of it, after the first fifth, which fills the cache.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) requests: u64,
    pub(crate) hits: u64,
    pub(crate) wanted_bytes: u64,
    pub(crate) hit_bytes: u64,
    pub(crate) written_bytes: u64,
    /// Of the processor, for the whole trace.
    pub(crate) ns_per_request: f64,
}

pub(crate) fn replay(trace: &Trace, capacity_bytes: u64, policy: PolicyName) -> Outcome {
    let mut cache = CacheCore::new(capacity_bytes, policy);
    let mut outcome = Outcome::default();
    let counted_from = trace.requests.len() / 5;
    let started = cpu_seconds();
    let mut now_ms = 0;
    for (at, request) in trace.requests.iter().enumerate() {
        now_ms += MS_PER_REQUEST;
        let (id, wanted) = (DataObjectId(request.object.into()), trace.wanted(*request));
        let held = cache.bytes_of(id).unwrap_or(0);
        cache.touch(id, now_ms);
        let kept = held >= wanted || cache.insert(id, wanted, now_ms).is_ok();
        if at >= counted_from {
            outcome.requests += 1;
            outcome.hits += u64::from(held >= wanted);
            outcome.wanted_bytes += wanted;
            outcome.hit_bytes += held.min(wanted);
            outcome.written_bytes += if kept { wanted.saturating_sub(held) } else { 0 };
        }
    }
    let spent = (cpu_seconds() - started) * 1e9 / as_f64(to_u64(trace.requests.len().max(1)));
    outcome.ns_per_request = spent.round();
    outcome
}
