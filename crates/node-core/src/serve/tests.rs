use super::*;
use crate::testing::{Book, bag, content_id};
use argosy_domain::StorageBucketId;

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
        let serve = AssetDecision::Serve { content_id: content_id(0), size: 100, bag: bag(1) };
        assert_eq!(decide_asset(&book.index, mine, ids[0]), serve);
        assert_eq!(decide_asset(&book.index, mine, ids[1]), AssetDecision::NotFound);
    }
    for not_mine in [&others, &elsewhere] {
        let AssetDecision::NotOurs { others } = decide_asset(&book.index, not_mine, ids[0]) else { panic!() };
        assert_eq!(others.len(), 1);
        assert_eq!(others[0].endpoint, "http://d0");
    }
}
