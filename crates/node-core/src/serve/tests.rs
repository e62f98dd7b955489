use super::*;
use crate::testing::{Book, bag, content_id};
use argosy_directory::Event;
use argosy_domain::{MemberId, StorageBucketId};
use std::{string::ToString as _, vec};

fn deliverable(object: u64, size: u64) -> Deliverable {
    Deliverable { content_id: content_id(object), size, bag: bag(1) }
}

fn blacklist(book: &mut Book, object: u64, listed: bool) {
    let text = [content_id(object).to_string().into_bytes()].into();
    let (removed, added) = if listed { ([].into(), text) } else { (text, [].into()) };
    book.block(vec![Event::UpdateBlacklist { removed, added }]);
}

#[test]
fn an_asset_is_found_ours_and_accepted_in_this_order() {
    let mut book = Book::new();
    book.network();
    let ids = book.upload(bag(1), &[100, 200]);
    let ours = Assignment::Worker(WorkerId(0));
    let bucket = book.distribution_bucket(0);
    let also_ours = Assignment::Buckets([bucket].into());
    let others = Assignment::Worker(WorkerId(3));
    let elsewhere = Assignment::Buckets([book.distribution_bucket(5)].into());
    assert_eq!(my_buckets(&book.index, &ours), [bucket].into());
    assert_eq!(my_buckets(&book.index, &others), [].into());

    for mine in [&ours, &also_ours] {
        assert_eq!(decide_asset(&book.index, mine, ids[0]), AssetDecision::NotAccepted);
        assert_eq!(decide_asset(&book.index, mine, DataObjectId(77)), AssetDecision::NotFound);
    }
    book.accept(StorageBucketId(0), bag(1), &ids);
    book.delete(bag(1), &ids[1..]);
    for mine in [&ours, &also_ours] {
        let serve = AssetDecision::Serve(deliverable(0, 100));
        assert_eq!(decide_asset(&book.index, mine, ids[0]), serve);
        assert_eq!(decide_asset(&book.index, mine, ids[1]), AssetDecision::NotFound);
    }
    for not_mine in [&others, &elsewhere] {
        let AssetDecision::NotOurs { others } = decide_asset(&book.index, not_mine, ids[0]) else { panic!() };
        assert_eq!(others.len(), 1);
        assert_eq!(others[0].endpoint, "http://d0");
    }
}

#[test]
fn a_bucket_that_is_not_distributing_is_nobodys_to_deliver() {
    let mut book = Book::new();
    book.network();
    let ids = book.upload(bag(1), &[100]);
    book.accept(StorageBucketId(0), bag(1), &ids);
    let bucket = book.distribution_bucket(0);
    let assignments = [Assignment::Worker(WorkerId(0)), Assignment::Buckets([bucket].into())];
    for (distributing, expected) in [
        (false, AssetDecision::NotOurs { others: vec![] }),
        (true, AssetDecision::Serve(deliverable(0, 100))),
    ] {
        book.block(vec![Event::DistributionBucketModeUpdated { bucket, distributing }]);
        for mine in &assignments {
            assert_eq!(decide_asset(&book.index, mine, ids[0]), expected);
            assert_eq!(my_buckets(&book.index, mine), [bucket].into());
        }
    }
    // An operator who has left delivers nothing; a bucket that the configuration names stays named.
    let worker = WorkerId(0);
    book.block(vec![Event::DistributionBucketOperatorRemoved { bucket, worker }]);
    assert_eq!(decide_asset(&book.index, &assignments[0], ids[0]), AssetDecision::NotOurs { others: vec![] });
    assert_eq!(decide_asset(&book.index, &assignments[1], ids[0]), AssetDecision::Serve(deliverable(0, 100)));
}

#[test]
fn blacklisted_content_is_passed_on_by_nobody_while_it_is_listed() {
    let mut book = Book::new();
    book.network();
    let ids = book.upload(bag(1), &[100]);
    let mine = Assignment::Worker(WorkerId(0));
    let others = Assignment::Worker(WorkerId(3));
    for accepted in [false, true] {
        if accepted {
            book.accept(StorageBucketId(0), bag(1), &ids);
        }
        blacklist(&mut book, 0, true);
        assert_eq!(book.changes, [crate::follow::IndexChange::BlacklistChanged]);
        for assignment in [&mine, &others] {
            assert_eq!(decide_asset(&book.index, assignment, ids[0]), AssetDecision::Blacklisted);
        }
        assert_eq!(decide_going_on(&book.index, ids[0]), GoingOn::Over);
        assert_eq!(decide_file(&book.index, ids[0]), FileDecision::Blacklisted);
        blacklist(&mut book, 0, false);
        assert_eq!(decide_file(&book.index, ids[0]), FileDecision::Serve(deliverable(0, 100)));
    }
    assert_eq!(decide_asset(&book.index, &mine, ids[0]), AssetDecision::Serve(deliverable(0, 100)));
    assert_eq!(decide_going_on(&book.index, ids[0]), GoingOn::Free);
    book.delete(bag(1), &ids);
    assert_eq!(decide_going_on(&book.index, ids[0]), GoingOn::Over);
    assert_eq!(decide_file(&book.index, ids[0]), FileDecision::Deleted);
    assert_eq!(decide_file(&book.index, DataObjectId(1)), FileDecision::Unknown);
}

#[test]
fn a_private_bag_is_for_its_owner_and_for_the_nodes_that_serve_it() {
    let mut book = Book::new();
    book.network();
    let ids = book.upload(bag(1), &[100]);
    book.accept(StorageBucketId(0), bag(1), &ids);
    let mine = Assignment::Worker(WorkerId(0));
    book.block(vec![Event::BagPrivacySet { bag: bag(1), private: true }]);
    assert_eq!(book.changes, [crate::follow::IndexChange::BagPrivacyChanged { bag: bag(1) }]);
    assert_eq!(decide_asset(&book.index, &mine, ids[0]), AssetDecision::Private(deliverable(0, 100)));
    assert_eq!(decide_file(&book.index, ids[0]), FileDecision::Private(deliverable(0, 100)));
    assert_eq!(decide_going_on(&book.index, ids[0]), GoingOn::Private(bag(1)));

    let account = |n: u8| AccountId([n; 32]);
    assert!(may_sign_permits(&book.index, &bag(1), &account(1)), "the owner");
    assert!(!may_sign_permits(&book.index, &bag(1), &account(20)), "a distributor");
    let channel = argosy_domain::ChannelId(1);
    book.block(vec![
        Event::MemberCreated { member: MemberId(1), handle: "bob".into(), account: account(2) },
        Event::ChannelCollaboratorsUpdated { channel, collaborators: [MemberId(1)].into() },
    ]);
    assert!(may_sign_permits(&book.index, &bag(1), &account(2)), "a collaborator");

    // Role accounts of storage workers 0 and 1, the transactor of both buckets, distribution worker 0.
    let serving = |book: &Book, n: u8| is_serving_node(&book.index, &bag(1), &account(n));
    for n in [10, 11, 30, 20] {
        assert!(serving(&book, n), "{n}");
    }
    for n in [1, 2, 12, 21, 99] {
        assert!(!serving(&book, n), "{n}");
    }
    let bucket = book.distribution_bucket(0);
    book.block(vec![
        Event::DistributionBucketOperatorRemoved { bucket, worker: WorkerId(0) },
        Event::StorageBucketOperatorRemoved { bucket: StorageBucketId(1) },
    ]);
    assert!(serving(&book, 10) && !serving(&book, 11) && !serving(&book, 20));
    book.block(vec![Event::BagPrivacySet { bag: bag(1), private: false }]);
    assert_eq!(decide_file(&book.index, ids[0]), FileDecision::Serve(deliverable(0, 100)));
}
