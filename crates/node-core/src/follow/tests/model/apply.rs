//! One event at a time into the model.

use super::{
    super::super::{Acceptance, IndexChange, IndexError, ObjectEntry, families},
    BagEntry, Model,
    buckets::{DISTRIBUTION_BUCKET, STORAGE_BUCKET},
};
use alloc::{collections::BTreeSet, vec::Vec};
use argosy_directory::{
    Event,
    call::{ObjectCreation, ObjectsUpload},
    event::DynamicBagCreation,
};
use argosy_domain::{
    BagId, ContentId, DataObjectId, DistributionBucketId, DynamicBagId, FamilyId, StorageBucketId,
};

pub(super) type Changes = Vec<IndexChange>;
pub(super) type Applied = Result<(), IndexError>;

const OBJECT: &str = "data object";
const BAG: &str = "bag";

impl Model {
    pub(super) fn apply_event(&mut self, height: u64, event: &Event, changes: &mut Changes) -> Applied {
        match event {
            families::content!() => self.apply_to_content(height, event, changes),
            families::storage!() => self.apply_to_storage(height, event, changes),
            families::distribution!() => self.apply_to_distribution(height, event, changes),
            families::rights!() => self.apply_rights(height, event, changes),
            // Nothing that a node decides depends on these.
            families::storage_terms!()
            | families::distribution_terms!()
            | families::owners_affairs!()
            | families::groups_affairs!()
            | families::councils_affairs!() => Ok(()),
        }
    }

    /// What becomes of objects and bags.
    #[expect(clippy::wildcard_enum_match_arm, reason = "called for events of this kind only")]
    fn apply_to_content(&mut self, height: u64, event: &Event, changes: &mut Changes) -> Applied {
        match event {
            Event::DataObjectsUploaded { ids, bag, upload, .. } => {
                self.objects_declared(height, ids, *bag, upload, changes)
            }
            Event::PendingDataObjectsAccepted { bucket, bag, objects, .. } => {
                self.objects_accepted(height, *bucket, *bag, objects, changes)
            }
            Event::DataObjectsDeleted { bag, objects, .. } => {
                self.objects_deleted(height, *bag, objects, changes)
            }
            Event::DynamicBagCreated { creation, ids } => self.bag_created(height, creation, ids, changes),
            Event::DynamicBagDeleted { bag } => self.bag_deleted(height, *bag, changes),
            Event::DataObjectsMoved { source, destination, objects } => {
                self.objects_moved(height, *source, *destination, objects, changes)
            }
            Event::DataObjectsUpdated { bag, upload, ids, removed } => {
                self.objects_deleted(height, *bag, removed, changes)?;
                self.objects_declared(height, ids, *bag, upload, changes)
            }
            _ => Ok(()),
        }
    }

    /// Storage buckets, and which bags they keep.
    #[expect(clippy::wildcard_enum_match_arm, reason = "called for events of this kind only")]
    fn apply_to_storage(&mut self, height: u64, event: &Event, changes: &mut Changes) -> Applied {
        match event {
            Event::StorageBucketsUpdatedForBag { bag, added, removed } => {
                self.storage_of_bag(height, *bag, added, removed, changes)
            }
            Event::StorageBucketCreated { bucket, .. } => {
                self.storage_bucket_created(height, *bucket, changes)
            }
            Event::StorageBucketDeleted { bucket } => self.storage_bucket_deleted(height, *bucket, changes),
            Event::StorageBucketInvitationAccepted { bucket, worker, transactor } => {
                self.storage_operator(height, *bucket, Some((*worker, *transactor)), changes)
            }
            Event::StorageBucketOperatorRemoved { bucket } => {
                self.storage_operator(height, *bucket, None, changes)
            }
            Event::StorageOperatorMetadataSet { bucket, metadata, .. } => {
                self.storage_metadata(height, *bucket, metadata, changes)
            }
            Event::HoldingsReported { bucket, height: covers, except, .. } => {
                self.holdings_reported(height, *bucket, *covers, except, changes)
            }
            _ => Ok(()),
        }
    }

    /// Distribution buckets, and which bags they deliver.
    #[expect(clippy::wildcard_enum_match_arm, reason = "called for events of this kind only")]
    fn apply_to_distribution(&mut self, height: u64, event: &Event, changes: &mut Changes) -> Applied {
        match event {
            Event::DistributionBucketsUpdatedForBag { bag, family, added, removed } => {
                self.distribution_of_bag(height, *bag, *family, (added, removed), changes)
            }
            Event::DistributionBucketCreated { bucket, .. } => {
                self.distribution_bucket_created(height, *bucket, changes)
            }
            Event::DistributionBucketDeleted { bucket } => {
                self.distribution_bucket_deleted(height, *bucket, changes)
            }
            Event::DistributionBucketModeUpdated { bucket, distributing } => {
                self.distribution_mode(height, *bucket, *distributing, changes)
            }
            Event::DistributionBucketInvitationAccepted { worker, bucket } => {
                self.distribution_operator_joined(height, *bucket, *worker, changes)
            }
            Event::DistributionBucketMetadataSet { worker, bucket, metadata } => {
                self.distribution_metadata(height, *bucket, *worker, metadata, changes)
            }
            Event::DistributionBucketOperatorRemoved { bucket, worker } => {
                self.distribution_operator_left(height, *bucket, *worker, changes)
            }
            _ => Ok(()),
        }
    }

    /// Who may do what, and what is for whom.
    #[expect(clippy::wildcard_enum_match_arm, reason = "called for events of this kind only")]
    fn apply_rights(&mut self, height: u64, event: &Event, changes: &mut Changes) -> Applied {
        match event {
            Event::MemberCreated { member, account, .. } => {
                let before = self.members.insert(*member, *account);
                return fresh(before.is_none(), height, "member");
            }
            Event::ChannelCreated { channel, owner } => {
                let before = self.channels.insert(*channel, *owner);
                return fresh(before.is_none(), height, "channel");
            }
            Event::ChannelDeleted { channel } => {
                self.collaborators.remove(channel);
                return known(self.channels.remove(channel), height, "channel").map(drop);
            }
            Event::MemberAccountsUpdated { member, controller, .. } => {
                self.members.insert(*member, *controller);
            }
            Event::ChannelCollaboratorsUpdated { channel, collaborators } if collaborators.is_empty() => {
                self.collaborators.remove(channel);
            }
            Event::ChannelCollaboratorsUpdated { channel, collaborators } => {
                self.collaborators.insert(*channel, collaborators.clone());
            }
            Event::CouncilKeysReplaced { keys, threshold } => self.council = (keys.clone(), *threshold),
            Event::CouncilSecretarySet { account } => self.secretary = *account,
            Event::BagPrivacySet { bag, private: true } => {
                changes.push(IndexChange::BagPrivacyChanged { bag: *bag });
                self.private.insert(*bag);
            }
            Event::BagPrivacySet { bag, private: false } => {
                changes.push(IndexChange::BagPrivacyChanged { bag: *bag });
                self.private.remove(bag);
            }
            Event::UpdateBlacklist { removed, added } => {
                changes.push(IndexChange::BlacklistChanged);
                self.update_blacklist(removed, added);
            }
            Event::WorkerHired { group, worker, role_account: account, .. }
            | Event::WorkerRoleAccountUpdated { group, worker, account } => {
                self.workers.insert((*group, *worker), *account);
            }
            Event::WorkerExited { group, worker }
            | Event::TerminatedWorker { group, worker }
            | Event::TerminatedLeader { group, worker } => {
                self.workers.remove(&(*group, *worker));
            }
            Event::LeaderSet { group, worker } => {
                self.leads.insert(*group, *worker);
            }
            Event::LeaderUnset { group } => {
                self.leads.remove(group);
            }
            _ => {}
        }
        Ok(())
    }

    /// An id in both sets changes sides, as in the directory.
    fn update_blacklist(&mut self, removed: &BTreeSet<Vec<u8>>, added: &BTreeSet<Vec<u8>>) {
        let read = |texts: &BTreeSet<Vec<u8>>| -> BTreeSet<ContentId> {
            let texts = texts.iter().filter_map(|text| core::str::from_utf8(text).ok());
            texts.filter_map(|text| text.parse().ok()).collect()
        };
        let (mut leaving, mut coming) = (read(removed), read(added));
        leaving.retain(|id| self.blacklist.contains(id));
        coming.retain(|id| !self.blacklist.contains(id));
        self.blacklist.retain(|id| !leaving.contains(id));
        self.blacklist.extend(coming);
    }

    fn objects_moved(
        &mut self,
        height: u64,
        source: BagId,
        destination: BagId,
        ids: &BTreeSet<DataObjectId>,
        changes: &mut Changes,
    ) -> Applied {
        for id in ids {
            known(self.objects.get_mut(id), height, OBJECT)?.bag = destination;
            let left = known(self.bags.get_mut(&source), height, BAG)?.objects.remove(id);
            fresh(left, height, OBJECT)?;
            known(self.bags.get_mut(&destination), height, BAG)?.objects.insert(*id);
            self.moves.insert(*id, height);
        }
        changes.push(IndexChange::BagBucketsChanged { bag: source });
        changes.push(IndexChange::BagBucketsChanged { bag: destination });
        Ok(())
    }

    fn objects_declared(
        &mut self,
        height: u64,
        ids: &[DataObjectId],
        bag: BagId,
        upload: &ObjectsUpload,
        changes: &mut Changes,
    ) -> Applied {
        let objects = &mut known(self.bags.get_mut(&bag), height, BAG)?.objects;
        fresh(ids.len() == upload.object_creation_list.len(), height, OBJECT)?;
        for (id, creation) in ids.iter().zip(&upload.object_creation_list) {
            // Ids are handed out in order; a gap would later pass for a deletion.
            fresh(*id == self.next_object, height, OBJECT)?;
            self.next_object = id.next();
            objects.insert(*id);
            self.objects.insert(*id, object_entry(height, creation, bag)?);
            changes.push(IndexChange::ObjectDeclared { id: *id, bag });
        }
        Ok(())
    }

    fn objects_accepted(
        &mut self,
        height: u64,
        bucket: StorageBucketId,
        bag: BagId,
        ids: &BTreeSet<DataObjectId>,
        changes: &mut Changes,
    ) -> Applied {
        known(self.storage.get(&bucket), height, STORAGE_BUCKET)?;
        for id in ids {
            let object = known(self.objects.get_mut(id), height, OBJECT)?;
            fresh(object.bag == bag, height, OBJECT)?;
            // A second acceptance changes nothing: the first one dates the object.
            if object.accepted.is_none() {
                object.accepted = Some(Acceptance { height, bucket });
                changes.push(IndexChange::ObjectAccepted { id: *id, bag, bucket });
            }
        }
        Ok(())
    }

    fn objects_deleted(
        &mut self,
        height: u64,
        bag: BagId,
        ids: &BTreeSet<DataObjectId>,
        changes: &mut Changes,
    ) -> Applied {
        let entry = known(self.bags.get_mut(&bag), height, BAG)?;
        for id in ids {
            known(self.objects.remove(id), height, OBJECT)?;
            self.moves.remove(id);
            fresh(entry.objects.remove(id), height, OBJECT)?;
            changes.push(IndexChange::ObjectDeleted { id: *id, bag });
        }
        Ok(())
    }

    fn bag_created(
        &mut self,
        height: u64,
        creation: &DynamicBagCreation,
        ids: &[DataObjectId],
        changes: &mut Changes,
    ) -> Applied {
        let bag = BagId::Dynamic(creation.bag);
        let before = self.bags.insert(bag, BagEntry::default());
        fresh(before.is_none(), height, BAG)?;
        changes.push(IndexChange::BagCreated { bag });
        for bucket in &creation.storage_buckets {
            self.keep_in(height, bag, *bucket)?;
        }
        for bucket in &creation.distribution_buckets {
            self.deliver_by(height, bag, *bucket)?;
        }
        self.objects_declared(height, ids, bag, &creation.upload, changes)
    }

    fn bag_deleted(&mut self, height: u64, bag: DynamicBagId, changes: &mut Changes) -> Applied {
        let bag = BagId::Dynamic(bag);
        let entry = known(self.bags.remove(&bag), height, BAG)?;
        // A bag that is deleted whole takes its objects with it, without an event for each.
        self.private.remove(&bag);
        for id in entry.objects {
            self.objects.remove(&id);
            self.moves.remove(&id);
            changes.push(IndexChange::ObjectDeleted { id, bag });
        }
        for bucket in &entry.storage {
            known(self.storage.get_mut(bucket), height, STORAGE_BUCKET)?.bags.remove(&bag);
        }
        for bucket in &entry.distribution {
            known(self.distribution.get_mut(bucket), height, DISTRIBUTION_BUCKET)?.bags.remove(&bag);
        }
        changes.push(IndexChange::BagDeleted { bag });
        Ok(())
    }

    fn keep_in(&mut self, height: u64, bag: BagId, bucket: StorageBucketId) -> Applied {
        known(self.bags.get_mut(&bag), height, BAG)?.storage.insert(bucket);
        // A bag that is there already keeps the height from which it is there.
        known(self.storage.get_mut(&bucket), height, STORAGE_BUCKET)?.bags.entry(bag).or_insert(height);
        Ok(())
    }

    fn deliver_by(&mut self, height: u64, bag: BagId, bucket: DistributionBucketId) -> Applied {
        known(self.bags.get_mut(&bag), height, BAG)?.distribution.insert(bucket);
        known(self.distribution.get_mut(&bucket), height, DISTRIBUTION_BUCKET)?.bags.insert(bag);
        Ok(())
    }

    fn storage_of_bag(
        &mut self,
        height: u64,
        bag: BagId,
        added: &BTreeSet<StorageBucketId>,
        removed: &BTreeSet<StorageBucketId>,
        changes: &mut Changes,
    ) -> Applied {
        for bucket in removed {
            known(self.bags.get_mut(&bag), height, BAG)?.storage.remove(bucket);
            known(self.storage.get_mut(bucket), height, STORAGE_BUCKET)?.bags.remove(&bag);
        }
        for bucket in added {
            self.keep_in(height, bag, *bucket)?;
        }
        changes.push(IndexChange::BagBucketsChanged { bag });
        Ok(())
    }

    fn distribution_of_bag(
        &mut self,
        height: u64,
        bag: BagId,
        family: FamilyId,
        (added, removed): (&BTreeSet<u64>, &BTreeSet<u64>),
        changes: &mut Changes,
    ) -> Applied {
        for index in removed {
            let bucket = DistributionBucketId { family, index: *index };
            known(self.bags.get_mut(&bag), height, BAG)?.distribution.remove(&bucket);
            known(self.distribution.get_mut(&bucket), height, DISTRIBUTION_BUCKET)?.bags.remove(&bag);
        }
        for index in added {
            self.deliver_by(height, bag, DistributionBucketId { family, index: *index })?;
        }
        changes.push(IndexChange::BagBucketsChanged { bag });
        Ok(())
    }
}

fn object_entry(height: u64, creation: &ObjectCreation, bag: BagId) -> Result<ObjectEntry, IndexError> {
    let text = core::str::from_utf8(&creation.ipfs_content_id).ok();
    let content_id = text.and_then(|text| text.parse::<ContentId>().ok());
    let content_id = content_id.ok_or(IndexError::Contradiction { height, what: OBJECT })?;
    Ok(ObjectEntry { content_id, size: creation.size, bag, accepted: None })
}

pub(super) fn known<T>(found: Option<T>, height: u64, what: &'static str) -> Result<T, IndexError> {
    found.ok_or(IndexError::Unknown { height, what })
}

pub(super) fn fresh(holds: bool, height: u64, what: &'static str) -> Applied {
    if holds { Ok(()) } else { Err(IndexError::Contradiction { height, what }) }
}
