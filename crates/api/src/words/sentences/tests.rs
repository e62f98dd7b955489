use super::{MAX_SENTENCE_CHARS, sentence_of_action, sentence_of_call, sentence_of_event};
use argosy_directory::{
    AccountsCall, BatchCall, BatchMode, Call, ContentCall, CouncilAction, CouncilCall, DistributionCall,
    Event, GroupCall, MembershipCall, Reject, StorageCall,
    call::{ObjectCreation, ObjectsUpload, Parameter},
    event::Voucher,
    state::OpeningKind,
};
use argosy_domain::{
    AccountId, BagId, BagType, ChannelId, DataObjectId, DistributionBucketId, DynamicBagId, FamilyId,
    MemberId, OpeningId, ProposalId, StorageBucketId, WorkerId, WorkingGroup,
    family_metadata::{AreaCode, AreaMessage, FamilyMessage},
    metadata::{LocationMessage, OperatorMessage, encode_operator_metadata},
};
use std::collections::BTreeSet;

const BAG: BagId = BagId::channel(ChannelId(7));
const ACCOUNT: AccountId = AccountId([1; 32]);
const BUCKET: DistributionBucketId = DistributionBucketId { family: FamilyId(0), index: 1 };

fn ids<T: Ord>(range: std::ops::Range<u64>, id: impl Fn(u64) -> T) -> BTreeSet<T> {
    range.map(id).collect()
}

fn objects(sizes: &[u64]) -> ObjectsUpload {
    let creation = |size: &u64| ObjectCreation { size: *size, ipfs_content_id: b"gWabc".to_vec() };
    ObjectsUpload { object_creation_list: sizes.iter().map(creation).collect(), ..ObjectsUpload::default() }
}

fn group(call: GroupCall) -> Call {
    Call::Group { group: WorkingGroup::Storage, call }
}

fn check_calls<const N: usize>(calls: [(Call, &str); N]) {
    for (call, text) in calls {
        assert_eq!(sentence_of_call(&call), text);
    }
}

fn check_events<const N: usize>(events: [(Event, &str); N]) {
    for (event, text) in events {
        assert_eq!(sentence_of_event(&event), text);
    }
}

#[test]
fn calls_of_the_distribution_lead_are_told() {
    let [family, worker] = [3, 4];
    let (family, worker) = (FamilyId(family), WorkerId(worker));
    let policy = [(FamilyId(0), 1), (FamilyId(2), 0), (FamilyId(3), 2)].into();
    let update = |add: &[u64], remove: &[u64]| DistributionCall::UpdateDistributionBucketsForBag {
        bag: BAG,
        family,
        add: add.iter().copied().collect(),
        remove: remove.iter().copied().collect(),
    };
    check_calls(
        [
            (
                DistributionCall::CreateDistributionBucket { family: FamilyId(0), accepting_new_bags: true },
                "create distribution bucket in family 0, accepting new bags",
            ),
            (
                DistributionCall::UpdateDistributionBucketStatus {
                    bucket: BUCKET,
                    accepting_new_bags: false,
                },
                "set distribution bucket 0:1 to accept no new bags",
            ),
            (
                DistributionCall::UpdateDistributionBucketMode { bucket: BUCKET, distributing: false },
                "let distribution bucket 0:1 not distribute",
            ),
            (
                update(&[1, 2], &[5]),
                "update distribution buckets of bag dynamic:channel:7: add 3:1, 3:2, remove 3:5",
            ),
            (update(&[], &[5]), "update distribution buckets of bag dynamic:channel:7: remove 3:5"),
            (
                update(&[], &[]),
                "update distribution buckets of bag dynamic:channel:7: add and remove nothing",
            ),
            (
                DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy {
                    bag_type: BagType::Channel,
                    families: policy,
                },
                "give new channel bags distribution buckets: 1 in family 0, 2 in family 3",
            ),
            (
                DistributionCall::InviteDistributionBucketOperator { bucket: BUCKET, worker },
                "invite worker 4 to operate distribution bucket 0:1",
            ),
            (
                DistributionCall::DistributionOperatorRemark {
                    worker,
                    bucket: BUCKET,
                    message: b"\x1b[2Jall \"well\"\n\xe2\x80\xae".to_vec(),
                },
                r#"as worker 4, remark on distribution bucket 0:1: "[2Jall \"well\" ""#,
            ),
        ]
        .map(|(call, text)| (Call::Distribution(call), text)),
    );
}

#[test]
fn calls_of_the_storage_lead_are_told() {
    let bucket = StorageBucketId(3);
    check_calls(
        [
            (
                StorageCall::CreateStorageBucket {
                    invite_worker: Some(WorkerId(4)),
                    accepting_new_bags: false,
                    size_limit: 1 << 40,
                    objects_limit: 1_000,
                },
                "create storage bucket for at most 1 000 objects and 1 099 511 627 776 bytes (1.0 TiB), \
                 accepting no new bags, inviting worker 4",
            ),
            (
                StorageCall::SetStorageBucketVoucherLimits { bucket, size_limit: 1_023, objects_limit: 1 },
                "allow storage bucket 3 at most 1 object and 1 023 bytes",
            ),
            (
                StorageCall::UpdateStorageBucketsForBag {
                    bag: BAG,
                    add: [bucket].into(),
                    remove: [StorageBucketId(1)].into(),
                },
                "update storage buckets of bag dynamic:channel:7: add 3, remove 1",
            ),
            (
                StorageCall::AcceptPendingDataObjects {
                    worker: WorkerId(4),
                    bucket,
                    bag: BAG,
                    objects: ids(1..22, DataObjectId),
                },
                "as worker 4, confirm that storage bucket 3 holds objects 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, \
                 13, 14, 15, 16, 17, 18, 19, 20 and 1 more (21 in all) of bag dynamic:channel:7",
            ),
            (
                StorageCall::ReportHoldings {
                    worker: WorkerId(4),
                    bucket,
                    height: 12_345,
                    except: [DataObjectId(5)].into(),
                },
                "as worker 4, report that storage bucket 3 holds all that was accepted up to block 12 345, \
                 except object 5",
            ),
            (
                StorageCall::UpdateBlacklist { remove: [].into(), add: [b"gWabc".to_vec(), vec![255]].into() },
                r#"update the blacklist: add 2 content ids: "gWabc", 0xff"#,
            ),
            (StorageCall::UpdateUploadingBlockedStatus { blocked: true }, "refuse new data objects"),
            (
                StorageCall::UpdateDataSizeFee { fee: 8_333_330 },
                "set the fee of uploads to 8 333 330 base units per megabyte",
            ),
        ]
        .map(|(call, text)| (Call::Storage(call), text)),
    );
}

#[test]
fn calls_of_members_are_told() {
    let priced = ObjectsUpload {
        expected_data_size_fee: 1,
        expected_data_object_state_bloat_bond: 2_000,
        ..objects(&[1024, 1024])
    };
    let create = |upload, storage_buckets, distribution_buckets| {
        Call::Content(ContentCall::CreateChannel {
            owner: MemberId(2),
            upload,
            storage_buckets,
            distribution_buckets,
        })
    };
    check_calls([
        (
            create(objects(&[]), None, None),
            "create channel of member 2 with no objects, in buckets that the directory chooses",
        ),
        (
            create(objects(&[5]), Some([StorageBucketId(1)].into()), Some([BUCKET].into())),
            "create channel of member 2 with 1 object of 5 bytes with content id \"gWabc\", in storage bucket 1 \
             and distribution bucket 0:1",
        ),
        (
            Call::Content(ContentCall::UploadDataObjects { bag: BAG, upload: priced }),
            "declare 2 objects of 2 048 bytes (2.0 KiB) in all (at 1 base unit per megabyte and a bond of 2 000 \
             base units per object) in bag dynamic:channel:7",
        ),
        (
            Call::Content(ContentCall::DeleteAssetSet {
                bag: DynamicBagId::Member(MemberId(2)),
                name: "avatar".into(),
            }),
            "delete asset set \"avatar\" in bag dynamic:member:2 with all its objects",
        ),
        (Call::Membership(MembershipCall::CreateMember { handle: "ann".into() }), "create member \"ann\""),
        (
            Call::Content(ContentCall::UpdateChannelCollaborators {
                channel: ChannelId(7),
                collaborators: [].into(),
            }),
            "set the collaborators of channel 7 to nobody",
        ),
        (
            Call::Accounts(AccountsCall::Transfer { to: ACCOUNT, amount: u128::MAX }),
            &format!("transfer 340 282 366 920 938 463 463 374 607 431 768 211 455 base units to {ACCOUNT}"),
        ),
    ]);
}

#[test]
fn calls_of_groups_and_the_council_are_told() {
    let opening = GroupCall::AddOpening {
        kind: OpeningKind::Regular,
        description: [0xab; 32],
        stake: 1_000,
        unstaking_period_ms: 20 * 86_400_000 + 90 * 60_000,
        reward_per_period: None,
    };
    let told = format!(
        "in the storage group, open a place for workers, with a stake of 1 000 base units, 20 days 1 hour 30 \
         minutes of unstaking and no reward, described by hash {}",
        "ab".repeat(32)
    );
    let life = CouncilAction::SetParameter { parameter: Parameter::ProposalLifeMs(604_800_000) };
    assert_eq!(sentence_of_action(&life), "set the life of a proposal to 7 days");
    check_calls([
        (group(opening), &told),
        (
            group(GroupCall::TerminateRole { worker: WorkerId(4), slash: Some(1) }),
            "in the storage group, end the role of worker 4 at once, burning up to 1 base unit of the stake",
        ),
        (
            group(GroupCall::UpdateRewardAmount { worker: WorkerId(4), reward_per_period: Some(12_345) }),
            "in the storage group, set the reward of worker 4 to 12 345 base units per reward period",
        ),
        (
            Call::Council(CouncilCall::Propose { action: life }),
            "propose to the council: set the life of a proposal to 7 days",
        ),
        (
            Call::Council(CouncilCall::Propose {
                action: CouncilAction::PublishRelease {
                    program: "argosy".into(),
                    version: "1.2.0".into(),
                    run_by_ms: 1_234_567_890_999,
                },
            }),
            "propose to the council: publish release \"1.2.0\" of \"argosy\", to be run from 2009-02-13 23:31:30 \
             UTC on",
        ),
        (
            Call::Council(CouncilCall::Approve { proposal: ProposalId(9) }),
            "approve proposal 9 of the council",
        ),
    ]);
}

#[test]
fn of_a_batch_the_first_calls_and_their_number_are_told() {
    let delete = |bucket| Call::Storage(StorageCall::DeleteStorageBucket { bucket: StorageBucketId(bucket) });
    let batch = |mode, calls| Call::Batch(BatchCall { mode, calls });
    let nested = batch(BatchMode::AllOrNothing, vec![delete(1)]);
    check_calls([
        (
            batch(BatchMode::EachOnItsOwn, (0..20).map(delete).collect()),
            "batch of 20 calls, each on its own: (1) delete storage bucket 0; (2) delete storage bucket 1; (3) \
             delete storage bucket 2; (4) delete storage bucket 3; (5) delete storage bucket 4; and 15 more calls",
        ),
        (batch(BatchMode::AllOrNothing, vec![nested]), "batch of 1 call, all or nothing: (1) another batch"),
        (batch(BatchMode::AllOrNothing, vec![]), "batch of 0 calls, all or nothing"),
    ]);
}

#[test]
fn metadata_is_told_by_what_it_changes() {
    let set = |metadata: Vec<u8>| {
        let call = DistributionCall::SetDistributionOperatorMetadata {
            worker: WorkerId(4),
            bucket: BUCKET,
            metadata,
        };
        let text = sentence_of_call(&Call::Distribution(call));
        text.strip_prefix("as worker 4, set the metadata of distribution bucket 0:1: ").unwrap().to_owned()
    };
    let nowhere = OperatorMessage {
        endpoint: Some(String::new()),
        location: Some(LocationMessage::default()),
        extra: Some("a\u{7}b".into()),
    };
    let oslo = argosy_message(
        r#"{"location": {"countryCode": "NO", "city": "", "coordinates": {"latitude": 59.5}}}"#,
    );
    assert_eq!(set(encode_operator_metadata("http://a:1")), "endpoint \"http://a:1\"");
    assert_eq!(set(nowhere.to_bytes()), "no endpoint, no location, extra \"ab\"");
    assert_eq!(set(oslo.to_bytes()), "country \"NO\", no city, latitude 59.5");
    assert_eq!((set(Vec::new()), set(vec![255])), ("nothing new".into(), "0xff".into()));

    let area = AreaMessage { code: Some(AreaCode::CountryCode("NO".into())) };
    let europe = AreaMessage { code: Some(AreaCode::Continent(6)) };
    let message = FamilyMessage {
        region: Some("north".into()),
        description: None,
        areas: vec![europe, area],
        latency_test_targets: vec![String::new()],
    };
    let call = DistributionCall::SetDistributionBucketFamilyMetadata {
        family: FamilyId(1),
        metadata: message.to_bytes(),
    };
    assert_eq!(
        sentence_of_call(&Call::Distribution(call)),
        "set the metadata of distribution bucket family 1: region \"north\", areas continent EU, NO, latency test \
         targets none"
    );
}

fn argosy_message(json: &str) -> OperatorMessage {
    crate::metadata::operator_message(json).unwrap()
}

#[test]
fn events_of_buckets_and_bags_are_told() {
    let (bucket, worker) = (StorageBucketId(3), WorkerId(4));
    let voucher = Voucher { size_limit: 1 << 30, objects_limit: 2_000, size_used: 0, objects_used: 1 };
    check_events([
        (
            Event::DistributionBucketCreated {
                family: FamilyId(0),
                accepting_new_bags: true,
                bucket: BUCKET,
            },
            "distribution bucket 0:1 was created in family 0, accepting new bags",
        ),
        (
            Event::StorageBucketsUpdatedForBag {
                bag: BAG,
                added: [bucket].into(),
                removed: [StorageBucketId(1)].into(),
            },
            "bag dynamic:channel:7: storage buckets added 3, removed 1",
        ),
        (
            Event::VoucherChanged { bucket, voucher },
            "storage bucket 3 holds 1 of 2 000 objects and 0 bytes of 1 073 741 824 bytes (1.0 GiB) now",
        ),
        (
            Event::DataObjectsUploaded {
                ids: vec![DataObjectId(5), DataObjectId(6)],
                bag: BAG,
                upload: objects(&[7, 8]),
                bond: 0,
            },
            "bag dynamic:channel:7: objects 5, 6 declared, 15 bytes in all",
        ),
        (
            Event::DataObjectsUpdated {
                bag: BAG,
                upload: objects(&[]),
                ids: vec![],
                removed: [DataObjectId(5)].into(),
            },
            "bag dynamic:channel:7: no objects declared; object 5 deleted",
        ),
        (
            Event::DistributionBucketsShort { bag: BAG, family: FamilyId(2), wanted: 3, assigned: 1 },
            "bag dynamic:channel:7 was given 1 of the 3 distribution buckets that its policy wants in family 2",
        ),
        (
            Event::OperatorsShort {
                bag: BAG,
                storage_buckets: [].into(),
                distribution_buckets: [BUCKET].into(),
            },
            "bag dynamic:channel:7 was given buckets that nobody operates: distribution bucket 0:1",
        ),
        (
            Event::DistributionBucketOperatorResigned { worker, bucket: BUCKET, at_ms: 951_782_400_000 },
            "worker 4 resigned from distribution bucket 0:1, and operates it until 2000-02-29 00:00:00 UTC",
        ),
        (
            Event::MemberCreated { member: MemberId(1), handle: "a\u{202e}nn".into(), account: ACCOUNT },
            &format!("member 1 was created as \"ann\" with account {ACCOUNT}"),
        ),
    ]);
}

#[test]
fn events_of_groups_batches_and_the_council_are_told() {
    let (group, worker) = (WorkingGroup::Distribution, WorkerId(4));
    check_events([
        (
            Event::BatchItemFailed { index: 1, reject: Reject::StorageBucketDoesntExist },
            "call 2 of the batch failed, and changed nothing: no storage bucket has this id \
             (STORAGE_BUCKET_DOESNT_EXIST)",
        ),
        (
            Event::StakeSlashed { group, worker, amount: 5, requested: 1_000 },
            "the stake of worker 4 of the distribution group was slashed by 5 base units, of 1 000 base units \
             asked for",
        ),
        (
            Event::RewardPaid { group, worker, account: ACCOUNT, amount: 12_345, missed: 45 },
            &format!(
                "worker 4 of the distribution group was paid a reward of 12 345 base units to {ACCOUNT}, of which \
                 45 base units had been missed before"
            ),
        ),
        (
            Event::OpeningFilled {
                group,
                opening: OpeningId(2),
                workers: [(argosy_domain::ApplicationId(8), worker)].into(),
            },
            "opening 2 of the distribution group was filled: application 8 by worker 4",
        ),
        (Event::LeaderUnset { group }, "the distribution group has no lead now"),
        (
            Event::CouncilProposed {
                proposal: ProposalId(9),
                by: ACCOUNT,
                action: CouncilAction::FundGroup { group, amount: 1_000_000 },
            },
            &format!(
                "{ACCOUNT} made proposal 9 to the council: issue 1 000 000 base units into the budget of the \
                 distribution group"
            ),
        ),
        (
            Event::Granted { to: ACCOUNT, amount: 1, locked: true },
            &format!("{ACCOUNT} was issued 1 base unit, for fees and bonds only"),
        ),
    ]);
}

#[test]
fn the_longest_sentences_are_cut() {
    let cid = |start: u8| ids(0..20, |id| [start, id.to_le_bytes()[0]].repeat(1_000));
    let call = StorageCall::UpdateBlacklist { remove: cid(b'a'), add: cid(b'b') };
    let text = sentence_of_call(&Call::Storage(call));
    assert_eq!(text.chars().count(), MAX_SENTENCE_CHARS);
    assert!(text.starts_with("update the blacklist: add 20 content ids, remove 20 content ids; add \"b"));
    assert!(text.ends_with('…'));
}
