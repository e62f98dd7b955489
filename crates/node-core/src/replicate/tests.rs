#![allow(clippy::arithmetic_side_effects, reason = "tests may panic")]

use super::*;
use crate::testing::{Book, bag};
use std::{vec, vec::Vec};

const MINE: StorageBucketId = StorageBucketId(1);
const PLENTY: SyncLimits = SyncLimits { room_bytes: u64::MAX, max_fetches: 100 };

fn plan(book: &Book, complete: &[DataObjectId], running: &[DataObjectId], limits: SyncLimits) -> SyncPlan {
    let complete = complete.iter().copied().collect();
    let running = running.iter().copied().collect();
    let local = Local { complete: &complete, partial: &BTreeSet::new(), running: &running };
    plan_sync(&book.index, &[MINE].into(), local, limits)
}

fn fetched(plan: &SyncPlan) -> Vec<u64> {
    plan.fetch.iter().map(|replica| replica.id.0).collect()
}

fn sample(sizes: &[u64]) -> (Book, Vec<DataObjectId>) {
    let mut book = Book::new();
    book.network();
    let ids = book.upload(bag(1), sizes);
    for id in &ids {
        book.accept(StorageBucketId(0), bag(1), &[*id]);
    }
    (book, ids)
}

#[test]
fn accepted_objects_of_my_bags_are_fetched_once() {
    let (mut book, ids) = sample(&[10, 20, 30]);
    let pending = book.upload(bag(1), &[5]);
    assert_eq!(fetched(&plan(&book, &[], &[], PLENTY)), [0, 1, 2]);
    assert_eq!(fetched(&plan(&book, &ids[..1], &ids[1..2], PLENTY)), [2]);
    let none = BTreeSet::new();
    let resumable = [ids[1]].into();
    let local = Local { complete: &none, partial: &resumable, running: &none };
    assert_eq!(
        fetched(&plan_sync(&book.index, &[MINE].into(), local, PLENTY)),
        [0, 1, 2],
        "partial ones go on"
    );
    let other = plan_sync(&book.index, &[StorageBucketId(7)].into(), local, PLENTY);
    assert_eq!(other, SyncPlan::default());
    assert!(!fetched(&plan(&book, &[], &[], PLENTY)).contains(&pending[0].0));
}

#[test]
fn only_deletions_drop() {
    let (mut book, ids) = sample(&[10, 20, 30]);
    let pending = book.upload(bag(1), &[5])[0];
    let unknown = DataObjectId(1_000);
    book.delete(bag(1), &ids[..2]);
    let plan_now = plan(&book, &[ids[0], ids[2], unknown], &[ids[1], pending], PLENTY);
    assert_eq!(plan_now.drop, [ids[0], ids[1]], "complete or running; not pending, not unknown");
    let none = BTreeSet::new();
    let left_over = [ids[0], pending].into();
    let local = Local { complete: &none, partial: &left_over, running: &none };
    assert_eq!(plan_sync(&book.index, &[MINE].into(), local, PLENTY).drop, [ids[0]]);
    // A bag that moved away keeps its bytes here until someone decides otherwise.
    book.block(vec![argosy_directory::Event::StorageBucketsUpdatedForBag {
        bag: bag(1),
        added: [].into(),
        removed: [MINE].into(),
    }]);
    assert_eq!(plan(&book, &[ids[2]], &[], PLENTY), SyncPlan::default());
}

#[test]
fn old_and_small_take_turns_within_room_and_number() {
    let (book, _) = sample(&[500, 400, 300, 2, 1]);
    let three = SyncLimits { room_bytes: u64::MAX, max_fetches: 3 };
    let plan_now = plan(&book, &[], &[], three);
    assert_eq!(fetched(&plan_now), [0, 4, 1]);
    assert_eq!((plan_now.postponed_count, plan_now.short_of_room), (2, false));

    let tight = SyncLimits { room_bytes: 402, max_fetches: 10 };
    let plan_now = plan(&book, &[], &[], tight);
    assert_eq!(fetched(&plan_now), [1, 4], "one that never fits is not even considered");
    assert_eq!((plan_now.postponed_count, plan_now.short_of_room), (3, true));

    let none = SyncLimits { room_bytes: u64::MAX, max_fetches: 0 };
    assert_eq!(plan(&book, &[], &[], none).postponed_count, 5);
}

#[test]
fn a_report_excepts_what_is_missing() {
    let (book, ids) = sample(&[10, 20, 30]);
    let held = [ids[0], ids[2]].into();
    let report = holding_report(&book.index, MINE, &held);
    assert_eq!(report, HoldingReport { height: book.index.height(), except: [ids[1]].into() });
}

#[test]
fn with_too_many_missing_the_height_goes_back_and_the_claim_stays_true() {
    let (book, ids) = sample(&vec![1; 1_500]);
    let held: BTreeSet<DataObjectId> = ids.iter().copied().filter(|id| id.0 % 10 == 0).collect();
    let report = holding_report(&book.index, MINE, &held);
    assert_eq!(report.except.len(), MAX_HOLDING_EXCEPTIONS);
    for (id, object) in book.index.objects() {
        let covered = object.accepted.unwrap().height <= report.height;
        assert_eq!(report.except.contains(&id), covered && !held.contains(&id));
    }
    // The next object above the height is one that does not fit.
    let first_left_out =
        book.index.objects().find(|(_, o)| o.accepted.unwrap().height > report.height).unwrap();
    assert!(!held.contains(&first_left_out.0));

    // All missing ones accepted in a single block: nothing can be claimed for that block.
    let mut book = Book::new();
    book.network();
    let ids = book.upload(bag(1), &vec![1; 1_500]);
    book.accept(StorageBucketId(0), bag(1), &ids);
    let report = holding_report(&book.index, MINE, &BTreeSet::new());
    assert_eq!((report.height, report.except.len()), (book.index.height() - 1, 0));
}

#[test]
fn a_report_is_due_when_it_says_something_new() {
    let (mut book, ids) = sample(&[10, 20]);
    let nothing = BTreeSet::new();
    let report = |book: &Book, held: &BTreeSet<DataObjectId>| holding_report(&book.index, MINE, held);
    let due =
        |book: &Book, held: &BTreeSet<DataObjectId>| should_report(&book.index, MINE, &report(book, held));
    assert!(!due(&book, &nothing), "holding nothing is what the directory assumes");

    let held: BTreeSet<DataObjectId> = ids.iter().copied().collect();
    assert!(due(&book, &held));
    let sent = report(&book, &held);
    book.report(MINE, sent.height, &[]);
    assert!(!due(&book, &held), "said; the block that says it is no news");

    let more = book.upload(bag(1), &[30]);
    book.accept(MINE, bag(1), &more);
    let held: BTreeSet<DataObjectId> = book.index.objects().map(|(id, _)| id).collect();
    assert!(!due(&book, &held), "its own acceptance has said so");

    let lost: BTreeSet<DataObjectId> = held.iter().copied().filter(|id| *id != more[0]).collect();
    assert!(due(&book, &lost), "a loss is news");
    let sent = report(&book, &lost);
    book.report(MINE, sent.height, &[more[0]]);
    assert!(!due(&book, &lost));
    assert!(due(&book, &held), "so is a repair");
    book.delete(bag(1), &more);
    assert!(!due(&book, &lost), "nobody cares for what is deleted");
}

#[test]
fn blacklisted_content_is_neither_fetched_nor_dropped_nor_missed() {
    use crate::testing::content_id;
    use argosy_directory::Event;
    use std::string::ToString as _;
    let (mut book, ids) = sample(&[10, 20]);
    let listed = || -> BTreeSet<Vec<u8>> { [content_id(ids[0].0).to_string().into_bytes()].into() };
    book.block(vec![Event::UpdateBlacklist { removed: BTreeSet::new(), added: listed() }]);
    let now = plan(&book, &[], &[], PLENTY);
    assert_eq!((fetched(&now), now.postponed_count), (vec![1], 0));
    assert_eq!(plan(&book, &ids, &[], PLENTY), SyncPlan::default(), "what is held stays");
    assert!(holding_report(&book.index, MINE, &[ids[1]].into()).except.contains(&ids[0]));
    book.block(vec![Event::UpdateBlacklist { removed: listed(), added: BTreeSet::new() }]);
    assert_eq!(fetched(&plan(&book, &[], &[], PLENTY)), [0, 1]);
}
