use super::{call, event, event_kind, topics};
use argosy_directory::{
    Call, DistributionCall, Event, GroupCall, call::ObjectsUpload, event::DynamicBagCreation,
};
use argosy_domain::{
    BagId, ChannelId, DistributionBucketId, DynamicBagId, FamilyId, StorageBucketId, WorkerId, WorkingGroup,
};
use serde_json::json;

#[test]
fn a_call_is_named_and_its_arguments_are_shown() {
    let family = FamilyId(3);
    let create = DistributionCall::CreateDistributionBucket { family, accepting_new_bags: true };
    let words = call(&Call::Distribution(create));
    assert_eq!(words.name, "distribution.createDistributionBucket");
    assert_eq!(words.words, "create distribution bucket");
    assert_eq!(json!(words.arguments), json!({"family": "3", "acceptingNewBags": true}));

    let remark = |message: &[u8]| Call::Group {
        group: WorkingGroup::Storage,
        call: GroupCall::LeadRemark { message: message.to_vec() },
    };
    assert_eq!(call(&remark(b"all is well")).arguments["message"], "all is well");
    let tricky = call(&remark(b"\x1b[2J"));
    assert_eq!(
        (tricky.name.as_str(), &tricky.arguments["message"]),
        ("storageGroup.leadRemark", &json!("0x1b5b324a"))
    );
}

#[test]
fn integers_that_some_readers_round_are_texts() {
    let report = |height| Event::HoldingsReported {
        bucket: StorageBucketId(1),
        worker: WorkerId(2),
        height,
        except: [].into(),
    };
    assert_eq!(event(&report(1 << 53)).1["height"], json!(9_007_199_254_740_992_u64));
    assert_eq!(event(&report(u64::MAX)).1["height"], json!("18446744073709551615"));
}

#[test]
fn an_event_tells_what_it_is_about() {
    let bag = DynamicBagId::Channel(ChannelId(7));
    let bucket = DistributionBucketId { family: FamilyId(1), index: 4 };
    let creation = DynamicBagCreation {
        bag,
        upload: ObjectsUpload::default(),
        storage_buckets: [StorageBucketId(2)].into(),
        distribution_buckets: [bucket].into(),
    };
    let found = topics(&Event::DynamicBagCreated { creation, ids: Vec::new() });
    assert_eq!((found.bags, found.storage_buckets), (vec![BagId::Dynamic(bag)], vec![StorageBucketId(2)]));
    assert_eq!(found.distribution_buckets, [bucket]);

    let moved = Event::DistributionBucketsUpdatedForBag {
        bag: BagId::Dynamic(bag),
        family: FamilyId(1),
        added: [4].into(),
        removed: [].into(),
    };
    assert_eq!(topics(&moved).distribution_buckets, [bucket]);
    assert_eq!(event_kind(&moved), "DistributionBucketsUpdatedForBag");

    let invited = Event::DistributionBucketOperatorInvited { bucket, worker: WorkerId(5) };
    assert_eq!(
        (topics(&invited).workers, topics(&invited).group),
        (vec![WorkerId(5)], Some(WorkingGroup::Distribution))
    );
    let left = Event::WorkerExited { group: WorkingGroup::Storage, worker: WorkerId(5) };
    assert_eq!(topics(&left).group, Some(WorkingGroup::Storage));
}
