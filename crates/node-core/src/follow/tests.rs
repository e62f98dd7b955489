#![allow(clippy::arithmetic_side_effects, reason = "tests may panic")]

mod checkpoint;
mod model;
mod random;

use super::*;
use crate::testing::{Book, bag, content_id, genesis};
use argosy_directory::{call::ObjectsUpload, event::DynamicBagCreation};
use argosy_domain::DynamicBagId;
use std::{string::ToString, vec};

#[test]
fn events_become_entries_and_changes() {
    let mut book = Book::new();
    let (first, second) = (StorageBucketId(0), StorageBucketId(1));
    book.network();
    let ids = book.upload(bag(1), &[10, 20_000]);
    assert_eq!(book.changes.len(), 2);
    let object = book.index.object(ids[1]).unwrap();
    assert_eq!((object.size, object.bag, object.accepted), (20_000, bag(1), None));
    assert_eq!(object.content_id, content_id(1));
    assert!(book.index.holders(ids[0]).is_empty());

    book.accept(second, bag(1), &ids);
    let accepted = Acceptance { height: book.index.height(), bucket: second };
    assert_eq!(book.index.object(ids[0]).unwrap().accepted, Some(accepted));
    assert_eq!(book.changes[0], IndexChange::ObjectAccepted { id: ids[0], bag: bag(1), bucket: second });
    assert_eq!(book.index.holders(ids[0]), [second]);
    let sources: Vec<_> =
        book.index.storage_sources(ids[0]).into_iter().map(|s| (s.bucket, s.holds, s.endpoint)).collect();
    assert_eq!(
        sources,
        [(second, true, "http://s1".into()), (first, false, "http://s0".into())],
        "holders first"
    );

    book.accept(first, bag(1), &ids[..1]);
    assert_eq!(book.index.object(ids[0]).unwrap().accepted, Some(accepted), "the first acceptance dates it");
    assert!(book.changes.is_empty());

    assert_eq!(book.index.owner_account(&bag(1)), Some(AccountId([1; 32])));
    assert_eq!(book.index.owner_account(&bag(9)), None);
    let lead_bag = BagId::Static(StaticBagId::WorkingGroup(WorkingGroup::Storage));
    assert_eq!(book.index.owner_account(&lead_bag), Some(AccountId([10; 32])));
    assert_eq!(book.index.worker_account(WorkingGroup::Storage, WorkerId(1)), Some(AccountId([11; 32])));
}

#[test]
fn only_ids_once_declared_can_have_been_deleted() {
    let mut book = Book::new();
    book.network();
    let ids = book.upload(bag(1), &[10, 20, 30]);
    book.delete(bag(1), &ids[1..2]);
    assert_eq!(book.changes, [IndexChange::ObjectDeleted { id: ids[1], bag: bag(1) }]);
    let deleted: Vec<bool> = (0..5).map(|id| book.index.was_deleted(DataObjectId(id))).collect();
    assert_eq!(deleted, [false, true, false, false, false]);

    book.block(vec![
        Event::DynamicBagDeleted { bag: DynamicBagId::Channel(ChannelId(1)) },
        Event::ChannelDeleted { channel: ChannelId(1) },
    ]);
    assert!(book.index.was_deleted(ids[0]) && book.index.was_deleted(ids[2]), "the bag took them along");
    assert_eq!(book.index.objects_count(), 0);
    assert!(book.index.bag(&bag(1)).is_none());
    assert!(book.index.storage_bucket(StorageBucketId(0)).unwrap().bags.is_empty());
}

#[test]
fn holdings_are_as_old_as_their_reports() {
    let mut book = Book::new();
    book.network();
    let (first, second) = (StorageBucketId(0), StorageBucketId(1));
    let ids = book.upload(bag(1), &[1, 2]);
    book.accept(first, bag(1), &ids);
    let accepted_at = book.index.height();
    book.report(second, accepted_at - 1, &[]);
    assert_eq!(book.index.holders(ids[0]), [first], "a report from before says nothing");
    book.report(second, accepted_at, &ids[1..]);
    assert_eq!(book.index.holders(ids[0]), [first, second]);
    assert_eq!(book.index.holders(ids[1]), [first]);
    book.report(first, accepted_at, &ids[..1]);
    assert_eq!(book.index.holders(ids[0]), [second], "what was accepted can be lost");

    // A new operator of the same bucket holds nothing yet.
    book.block(vec![
        Event::StorageBucketOperatorRemoved { bucket: second },
        Event::StorageBucketInvitationAccepted {
            bucket: second,
            worker: WorkerId(2),
            transactor: AccountId([12; 32]),
        },
    ]);
    assert!(book.index.holders(ids[0]).is_empty());
    assert_eq!(book.index.storage_sources(ids[0]).len(), 1, "no endpoint yet");
}

#[test]
fn a_report_does_not_speak_of_bags_assigned_after_it() {
    let mut book = Book::new();
    book.network();
    let late = StorageBucketId(2);
    book.storage_node(late, WorkerId(2));
    let ids = book.upload(bag(1), &[1]);
    book.accept(StorageBucketId(0), bag(1), &ids);
    book.report(late, book.index.height(), &[]);
    book.block(vec![Event::StorageBucketsUpdatedForBag {
        bag: bag(1),
        added: [late].into(),
        removed: [StorageBucketId(1)].into(),
    }]);
    assert_eq!(book.index.holders(ids[0]), [StorageBucketId(0)]);
    book.report(late, book.index.height(), &[]);
    assert_eq!(book.index.holders(ids[0]), [StorageBucketId(0), late]);
    assert!(book.index.storage_bucket(StorageBucketId(1)).unwrap().bags.is_empty());
}

#[test]
fn distributors_are_named_while_they_distribute() {
    let mut book = Book::new();
    book.network();
    let bucket = book.distribution_bucket(0);
    let named: Vec<_> =
        book.index.distributors_of(&bag(1)).into_iter().map(|d| (d.worker, d.endpoint)).collect();
    assert_eq!(named, [(WorkerId(0), "http://d0".into())]);
    assert_eq!(book.index.buckets_of_distribution_worker(WorkerId(0)), [bucket].into());
    book.block(vec![Event::DistributionBucketModeUpdated { bucket, distributing: false }]);
    assert!(book.index.distributors_of(&bag(1)).is_empty());
    book.block(vec![
        Event::DistributionBucketModeUpdated { bucket, distributing: true },
        Event::DistributionBucketOperatorRemoved { bucket, worker: WorkerId(0) },
    ]);
    assert!(book.index.distributors_of(&bag(1)).is_empty());
    assert_eq!(book.index.buckets_of_storage_worker(WorkerId(1)), [StorageBucketId(1)].into());
}

#[test]
fn blocks_out_of_order_change_nothing() {
    let mut index = Index::from_genesis(&genesis());
    assert_eq!(index.apply_block(2, 2_000, []), Err(IndexError::Height { at: 0, got: 2 }));
    assert_eq!(index.apply_block(0, 2_000, []), Err(IndexError::Height { at: 0, got: 0 }));
    assert_eq!(index.apply_block(1, 999, []), Err(IndexError::Time { height: 1 }));
    assert_eq!(index.apply_block(1, 1_000, []), Ok(vec![]));
    assert_eq!((index.height(), index.time_ms()), (1, 1_000));
}

#[test]
fn an_event_that_makes_no_sense_stops_the_index_for_good() {
    let unknown_bag = Event::DynamicBagDeleted { bag: DynamicBagId::Channel(ChannelId(5)) };
    let gap = {
        let mut book = Book::new();
        book.network();
        Event::DataObjectsUploaded {
            ids: vec![DataObjectId(7)],
            bag: bag(1),
            upload: book.creation(&[5]),
            bond: 0,
        }
    };
    let twice = Event::DynamicBagCreated {
        creation: DynamicBagCreation {
            bag: DynamicBagId::Channel(ChannelId(1)),
            upload: Default::default(),
            storage_buckets: [].into(),
            distribution_buckets: [].into(),
        },
        ids: vec![],
    };
    let unknown_bucket = Event::HoldingsReported {
        bucket: StorageBucketId(9),
        worker: WorkerId(0),
        height: 1,
        except: [].into(),
    };
    for event in [unknown_bag, gap, twice, unknown_bucket] {
        let mut book = Book::new();
        book.network();
        let height = book.index.height();
        let time_ms = book.index.time_ms();
        let error = book.index.apply_block(height + 1, time_ms, [&event]).unwrap_err();
        assert!(
            matches!(error, IndexError::Unknown { .. } | IndexError::Contradiction { .. }),
            "{event:?}: {error}"
        );
        assert_eq!(book.index.height(), height);
        assert_eq!(book.index.apply_block(height + 1, time_ms, []), Err(IndexError::Damaged));
        let bytes = book.index.to_checkpoint();
        assert_eq!(Index::from_checkpoint(&bytes, book.index.genesis()), Err(CheckpointError::Damaged));
    }
}

#[test]
fn moved_objects_are_held_by_nobody_until_somebody_says_so() {
    let mut book = Book::new();
    book.network();
    let ids = book.upload(bag(1), &[10]);
    let bucket = StorageBucketId(0);
    book.accept(bucket, bag(1), &ids);
    let creation = DynamicBagCreation {
        bag: DynamicBagId::Channel(ChannelId(2)),
        upload: ObjectsUpload::default(),
        storage_buckets: [bucket].into(),
        distribution_buckets: [].into(),
    };
    book.block(vec![Event::DynamicBagCreated { creation, ids: vec![] }]);
    assert_eq!(book.index.holders(ids[0]), [bucket]);
    let objects: BTreeSet<_> = ids.iter().copied().collect();
    book.block(vec![Event::DataObjectsMoved { source: bag(1), destination: bag(2), objects }]);
    assert_eq!(book.index.object(ids[0]).unwrap().bag, bag(2));
    assert!(book.index.bag(&bag(1)).unwrap().is_empty());
    assert_eq!(book.index.holders(ids[0]), []);
    let (height, except) = (book.index.height(), [].into());
    book.block(vec![Event::HoldingsReported { bucket, worker: WorkerId(0), height, except }]);
    assert_eq!(book.index.holders(ids[0]), [bucket]);
}

#[test]
fn rights_follow_their_events() {
    let mut book = Book::new();
    book.network();
    let account = |n| AccountId([n; 32]);
    let council = BagId::Static(StaticBagId::Council);
    let storage = BagId::Static(StaticBagId::WorkingGroup(WorkingGroup::Storage));
    let group = WorkingGroup::Storage;
    assert_eq!(book.index.owner_account(&council), None);
    assert!(!book.index.may_upload(&bag(1), &account(7)));
    let (member, handle) = (MemberId(1), "bob".into());
    book.block(vec![
        Event::CouncilSecretarySet { account: Some(account(5)) },
        Event::MemberCreated { member, handle, account: account(7) },
        Event::ChannelCollaboratorsUpdated { channel: ChannelId(1), collaborators: [member].into() },
        Event::BagPrivacySet { bag: bag(1), private: true },
        Event::UpdateBlacklist { removed: [].into(), added: [content_id(3).to_string().into_bytes()].into() },
        Event::TerminatedLeader { group, worker: WorkerId(0) },
        Event::LeaderUnset { group },
        Event::WorkerHired { group, worker: WorkerId(9), member, role_account: account(8) },
        Event::LeaderSet { group, worker: WorkerId(9) },
    ]);
    assert!(book.index.may_upload(&council, &account(5)));
    assert!(book.index.may_upload(&bag(1), &account(7)) && book.index.is_private(&bag(1)));
    assert!(book.index.is_blacklisted(&content_id(3)));
    assert_eq!(book.index.owner_account(&storage), Some(account(8)));
    assert_eq!(book.index.worker_account(group, WorkerId(0)), None);
    book.block(vec![
        Event::MemberAccountsUpdated { member, root: account(7), controller: account(6) },
        Event::WorkerRoleAccountUpdated { group, worker: WorkerId(9), account: account(4) },
        Event::UpdateBlacklist {
            removed: [content_id(3).to_string().into_bytes()].into(),
            added: [content_id(3).to_string().into_bytes()].into(),
        },
        Event::BagPrivacySet { bag: bag(1), private: false },
    ]);
    assert!(book.index.may_upload(&bag(1), &account(6)) && !book.index.may_upload(&bag(1), &account(7)));
    assert_eq!(book.index.owner_account(&storage), Some(account(4)));
    assert!(!book.index.is_blacklisted(&content_id(3)) && !book.index.is_private(&bag(1)));
}
