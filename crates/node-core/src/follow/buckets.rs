//! Events of single buckets into the index.

use super::{
    DistributionBucketEntry, Holdings, Index, IndexChange, IndexError, StorageBucketEntry, StorageOperator,
    apply::{Applied, Changes, fresh, known},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
};
use argosy_domain::{
    AccountId, DataObjectId, DistributionBucketId, StorageBucketId, WorkerId, metadata::OperatorMetadata,
};

pub(super) const STORAGE_BUCKET: &str = "storage bucket";
pub(super) const DISTRIBUTION_BUCKET: &str = "distribution bucket";
const OPERATOR: &str = "distribution bucket operator";

impl Index {
    fn storage_entry(
        &mut self,
        height: u64,
        bucket: StorageBucketId,
        changes: &mut Changes,
    ) -> Result<&mut StorageBucketEntry, IndexError> {
        changes.push(IndexChange::StorageBucketChanged { bucket });
        known(self.storage.get_mut(&bucket), height, STORAGE_BUCKET)
    }

    fn distribution_entry(
        &mut self,
        height: u64,
        bucket: DistributionBucketId,
        changes: &mut Changes,
    ) -> Result<&mut DistributionBucketEntry, IndexError> {
        changes.push(IndexChange::DistributionBucketChanged { bucket });
        known(self.distribution.get_mut(&bucket), height, DISTRIBUTION_BUCKET)
    }

    pub(super) fn storage_bucket_created(
        &mut self,
        height: u64,
        bucket: StorageBucketId,
        changes: &mut Changes,
    ) -> Applied {
        let before = self.storage.insert(bucket, StorageBucketEntry::default());
        changes.push(IndexChange::StorageBucketChanged { bucket });
        fresh(before.is_none(), height, STORAGE_BUCKET)
    }

    pub(super) fn storage_bucket_deleted(
        &mut self,
        height: u64,
        bucket: StorageBucketId,
        changes: &mut Changes,
    ) -> Applied {
        let entry = known(self.storage.remove(&bucket), height, STORAGE_BUCKET)?;
        changes.push(IndexChange::StorageBucketChanged { bucket });
        fresh(entry.bags.is_empty(), height, STORAGE_BUCKET)
    }

    /// A new operator, or none. What the one before said of itself and its holdings goes with it.
    pub(super) fn storage_operator(
        &mut self,
        height: u64,
        bucket: StorageBucketId,
        operator: Option<(WorkerId, AccountId)>,
        changes: &mut Changes,
    ) -> Applied {
        let entry = self.storage_entry(height, bucket, changes)?;
        entry.operator =
            operator.map(|(worker, transactor)| StorageOperator { worker, transactor, since_height: height });
        entry.endpoint = None;
        entry.holdings = None;
        Ok(())
    }

    pub(super) fn storage_metadata(
        &mut self,
        height: u64,
        bucket: StorageBucketId,
        metadata: &[u8],
        changes: &mut Changes,
    ) -> Applied {
        update_endpoint(&mut self.storage_entry(height, bucket, changes)?.endpoint, metadata);
        Ok(())
    }

    pub(super) fn holdings_reported(
        &mut self,
        height: u64,
        bucket: StorageBucketId,
        covers: u64,
        except: &BTreeSet<DataObjectId>,
        changes: &mut Changes,
    ) -> Applied {
        let entry = known(self.storage.get_mut(&bucket), height, STORAGE_BUCKET)?;
        entry.holdings = Some(Arc::new(Holdings { height: covers, except: except.clone() }));
        changes.push(IndexChange::HoldingsReported { bucket });
        Ok(())
    }

    pub(super) fn distribution_bucket_created(
        &mut self,
        height: u64,
        bucket: DistributionBucketId,
        changes: &mut Changes,
    ) -> Applied {
        let entry = DistributionBucketEntry { distributing: true, operators: BTreeMap::new(), bags_count: 0 };
        let before = self.distribution.insert(bucket, entry);
        changes.push(IndexChange::DistributionBucketChanged { bucket });
        fresh(before.is_none(), height, DISTRIBUTION_BUCKET)
    }

    pub(super) fn distribution_bucket_deleted(
        &mut self,
        height: u64,
        bucket: DistributionBucketId,
        changes: &mut Changes,
    ) -> Applied {
        let entry = known(self.distribution.remove(&bucket), height, DISTRIBUTION_BUCKET)?;
        changes.push(IndexChange::DistributionBucketChanged { bucket });
        fresh(entry.bags_count == 0, height, DISTRIBUTION_BUCKET)
    }

    pub(super) fn distribution_mode(
        &mut self,
        height: u64,
        bucket: DistributionBucketId,
        distributing: bool,
        changes: &mut Changes,
    ) -> Applied {
        self.distribution_entry(height, bucket, changes)?.distributing = distributing;
        Ok(())
    }

    pub(super) fn distribution_operator_joined(
        &mut self,
        height: u64,
        bucket: DistributionBucketId,
        worker: WorkerId,
        changes: &mut Changes,
    ) -> Applied {
        let before = self.distribution_entry(height, bucket, changes)?.operators.insert(worker, None);
        fresh(before.is_none(), height, OPERATOR)
    }

    pub(super) fn distribution_metadata(
        &mut self,
        height: u64,
        bucket: DistributionBucketId,
        worker: WorkerId,
        metadata: &[u8],
        changes: &mut Changes,
    ) -> Applied {
        let entry = self.distribution_entry(height, bucket, changes)?;
        let endpoint = known(entry.operators.get_mut(&worker), height, OPERATOR)?;
        update_endpoint(endpoint, metadata);
        Ok(())
    }

    pub(super) fn distribution_operator_left(
        &mut self,
        height: u64,
        bucket: DistributionBucketId,
        worker: WorkerId,
        changes: &mut Changes,
    ) -> Applied {
        let entry = self.distribution_entry(height, bucket, changes)?;
        known(entry.operators.remove(&worker), height, OPERATOR).map(drop)
    }
}

/// Takes the one field that nodes act on out of an operator's metadata message. Bytes that the
/// directory would have refused change nothing.
fn update_endpoint(endpoint: &mut Option<String>, message: &[u8]) {
    let before = OperatorMetadata { endpoint: endpoint.clone(), ..OperatorMetadata::default() };
    if let Ok(after) = before.updated(message) {
        *endpoint = after.endpoint;
    }
}
