//! Who holds and who serves each object of a bag: what the directory says, as data.

use super::{Bag, check::Answer, since::Since};
use argosy_api::directory::{
    DistributionBucketView, ObjectView, OperatorStatus, OperatorView, StorageBucketView,
};

/// What a bucket has to do with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Mark {
    /// The object is not accepted yet.
    Pending,
    /// A storage bucket claims to hold it.
    Held,
    /// A storage bucket should hold it, and does not claim to.
    Missing,
    /// A distribution bucket serves it.
    Served,
    /// A distribution bucket should serve it, and is switched off.
    Off,
    /// Nobody operates the bucket.
    NoOperator,
}

impl Mark {
    /// As scripts read it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Held => "held",
            Self::Missing => "missing",
            Self::Served => "served",
            Self::Off => "off",
            Self::NoOperator => "noOperator",
        }
    }
}

/// Where an object and a bucket meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Cell {
    pub(in super::super) mark: Mark,
    /// Block time since which it is held or served, in milliseconds, if that is known.
    pub(in super::super) since_ms: Option<u64>,
    /// What the node said, if it was asked.
    pub(in super::super) answer: Option<Answer>,
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Column {
    pub(in super::super) name: String,
    pub(in super::super) is_distribution: bool,
    /// Block time since which the bag is the bucket's, in milliseconds, if that is known.
    pub(in super::super) assigned_ms: Option<u64>,
}

/// An object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Row {
    pub(in super::super) object: String,
    pub(in super::super) size: u64,
    pub(in super::super) cells: Vec<Cell>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Matrix {
    pub(in super::super) columns: Vec<Column>,
    pub(in super::super) rows: Vec<Row>,
}

/// The buckets of a bag in the order of the columns, as nodes to ask.
pub(super) struct Sites(pub(super) Vec<Site>);

pub(super) struct Site {
    pub(super) is_distribution: bool,
    /// Where its nodes are, those of active operators only.
    pub(super) urls: Vec<String>,
}

impl Sites {
    pub(super) fn of(bag: &Bag) -> Self {
        let storage = bag.storage.iter().map(|bucket| (false, bucket.operator.as_slice()));
        let distribution = bag.distribution.iter().map(|bucket| (true, bucket.operators.as_slice()));
        let site = |(is_distribution, operators): (bool, &[OperatorView])| Site {
            is_distribution,
            urls: operators.iter().filter(|it| is_active(it)).filter_map(|it| it.endpoint.clone()).collect(),
        };
        Self(storage.chain(distribution).map(site).collect())
    }
}

fn is_active(operator: &OperatorView) -> bool {
    operator.status == OperatorStatus::Active
}

fn storage_mark(bucket: &StorageBucketView, object: &ObjectView) -> Mark {
    if object.accepted.is_none() {
        Mark::Pending
    } else if object.holders.contains(&bucket.id) {
        Mark::Held
    } else if bucket.operator.as_ref().is_some_and(is_active) {
        Mark::Missing
    } else {
        Mark::NoOperator
    }
}

fn distribution_mark(bucket: &DistributionBucketView, object: &ObjectView) -> Mark {
    if object.accepted.is_none() {
        Mark::Pending
    } else if !bucket.operators.iter().any(is_active) {
        Mark::NoOperator
    } else if bucket.distributing {
        Mark::Served
    } else {
        Mark::Off
    }
}

impl Matrix {
    pub(super) fn new(bag: &Bag, sites: &Sites, since: &Since) -> Self {
        let storage = bag.storage.iter().map(|bucket| (bucket.id.to_string(), since.keeps(bucket.id)));
        let distribution =
            bag.distribution.iter().map(|bucket| (bucket.id.to_string(), since.delivers(bucket.id)));
        let columns = storage.chain(distribution).zip(&sites.0).map(|((name, assigned_ms), site)| Column {
            name,
            is_distribution: site.is_distribution,
            assigned_ms,
        });
        let row = |object: &ObjectView| {
            let storage = bag.storage.iter().map(|bucket| {
                let mark = storage_mark(bucket, object);
                (mark, (mark == Mark::Held).then(|| since.held(object, bucket.id)).flatten())
            });
            let distribution = bag.distribution.iter().map(|bucket| {
                let mark = distribution_mark(bucket, object);
                (mark, (mark == Mark::Served).then(|| since.served(object, bucket)).flatten())
            });
            let cell = |(mark, since_ms)| Cell { mark, since_ms, answer: None };
            let cells = storage.chain(distribution).map(cell).collect();
            Row { object: object.id.to_string(), size: object.size, cells }
        };
        Self { columns: columns.collect(), rows: bag.objects.iter().map(row).collect() }
    }

    /// Whether a node that is said to hold an object has said that it does not.
    pub(super) fn is_contradicted(&self) -> bool {
        let mut cells = self.rows.iter().flat_map(|row| &row.cells);
        cells.any(|cell| cell.mark == Mark::Held && cell.answer == Some(Answer::No))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_claim_can_be_contradicted() {
        let matrix = |mark, answer| {
            let cell = Cell { mark, since_ms: None, answer };
            let row = Row { object: "1".to_owned(), size: 1, cells: vec![cell] };
            Matrix { columns: Vec::new(), rows: vec![row] }
        };
        assert!(matrix(Mark::Held, Some(Answer::No)).is_contradicted());
        for (mark, answer) in [
            (Mark::Held, Some(Answer::Yes)),
            (Mark::Held, Some(Answer::Silent)),
            (Mark::Held, None),
            (Mark::Missing, Some(Answer::No)),
            (Mark::Served, Some(Answer::No)),
        ] {
            assert!(!matrix(mark, answer).is_contradicted(), "{mark:?} {answer:?}");
        }
    }
}
