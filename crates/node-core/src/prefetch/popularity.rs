//! How popular objects are, learnt from several nodes of which some may lie.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use argosy_domain::{DataObjectId, num::to_usize};

/// Objects of one report that are looked at; the rest is ignored.
pub const MAX_REPORT_OBJECTS: usize = 10_000;
/// All uses that one report can tell, in shares of it.
const SHARES: u64 = 1_000_000;

/// What one node says that it is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    counts: BTreeMap<DataObjectId, u64>,
    total: u64,
}

impl Report {
    /// The counts that a node gives. One that tells an object twice means the first.
    #[must_use]
    pub fn new(counts: impl IntoIterator<Item = (DataObjectId, u64)>) -> Self {
        let mut report = Self::default();
        for (id, count) in counts.into_iter().take(MAX_REPORT_OBJECTS) {
            report.counts.entry(id).or_insert_with(|| {
                report.total = report.total.saturating_add(count);
                count
            });
        }
        report
    }

    /// Whether the node has told nothing, so that it has no say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The objects that it tells of.
    pub fn ids(&self) -> impl Iterator<Item = DataObjectId> {
        self.counts.keys().copied()
    }

    /// The object's part of all uses that the node tells of: a node with more users, or one that
    /// exaggerates, says no more than another.
    fn share(&self, id: DataObjectId) -> u64 {
        let count = u128::from(self.counts.get(&id).copied().unwrap_or(0));
        let share = count.saturating_mul(u128::from(SHARES)).checked_div(u128::from(self.total));
        share.and_then(|share| u64::try_from(share).ok()).unwrap_or(0)
    }
}

/// How popular the objects are of which any report tells, in millionths of all uses, most popular first.
///
/// `delivers` says whether the node of a report, by its place, delivers an object. Of what these nodes say
/// the median counts, the lower one of two: a single node can neither raise what others do not know, nor
/// bury what they do. Where one node alone delivers an object there is nothing but its word.
#[must_use]
pub fn merge_popularity(
    reports: &[Report],
    delivers: impl Fn(usize, DataObjectId) -> bool,
) -> Vec<(DataObjectId, u64)> {
    let ids: BTreeSet<DataObjectId> =
        reports.iter().flat_map(|report| report.counts.keys().copied()).collect();
    let mut merged: Vec<(DataObjectId, u64)> = Vec::new();
    for id in ids {
        let voters =
            reports.iter().enumerate().filter(|(at, report)| !report.is_empty() && delivers(*at, id));
        let mut shares: Vec<u64> = voters.map(|(_, report)| report.share(id)).collect();
        shares.sort_unstable();
        let middle = shares.len().saturating_sub(1) / 2;
        match shares.get(middle) {
            Some(share) if *share > 0 => merged.push((id, *share)),
            Some(_) | None => {}
        }
    }
    merged.sort_unstable_by_key(|(id, share)| (core::cmp::Reverse(*share), *id));
    merged.truncate(to_usize(SHARES));
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn report(counts: &[(u64, u64)]) -> Report {
        Report::new(counts.iter().map(|(id, count)| (DataObjectId(*id), *count)))
    }

    fn order(reports: &[Report]) -> Vec<u64> {
        merge_popularity(reports, |_, _| true).into_iter().map(|(id, _)| id.0).collect()
    }

    #[test]
    fn one_liar_among_three_decides_nothing() {
        let honest = report(&[(1, 50), (2, 30), (3, 20)]);
        let liar = report(&[(9, u64::MAX), (3, u64::MAX), (1, 0)]);
        assert_eq!(order(&[honest.clone(), honest.clone(), liar.clone()]), [1, 2, 3]);
        assert_eq!(order(&[liar, honest.clone(), honest]), [1, 2, 3]);
    }

    #[test]
    fn of_two_the_more_modest_is_believed_and_one_alone_is() {
        let (one, other) = (report(&[(1, 9), (2, 1)]), report(&[(2, 1)]));
        assert_eq!(merge_popularity(&[one.clone(), other], |_, _| true), [(DataObjectId(2), 100_000)]);
        assert_eq!(order(core::slice::from_ref(&one)), [1, 2]);
        assert_eq!(order(&[one, Report::default()]), [1, 2], "who has seen nothing has no say");
    }

    #[test]
    fn who_does_not_deliver_an_object_has_no_say_in_it() {
        let reports = vec![report(&[(1, 1)]), report(&[(2, 1)]), report(&[(2, 3)])];
        let merged = merge_popularity(&reports, |at, id| (at == 0) == (id.0 == 1));
        assert_eq!(merged, [(DataObjectId(1), SHARES), (DataObjectId(2), SHARES)]);
    }

    #[test]
    fn a_report_is_bounded() {
        let long = Report::new((0..20_000).map(|id| (DataObjectId(id), u64::MAX)));
        assert_eq!(long.counts.len(), MAX_REPORT_OBJECTS);
        assert!(merge_popularity(&[long], |_, _| true).len() <= MAX_REPORT_OBJECTS);
        let twice = report(&[(1, 1), (1, 99), (2, 1)]);
        assert_eq!(twice.share(DataObjectId(1)), SHARES / 2);
    }
}
