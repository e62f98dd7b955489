//! Transactions and entities.

use crate::support::{DEADLINE, Node, answer, genesis, key, now_ms, sign};
use argosy_api::{Retry, directory::OperatorStatus, genesis::GenesisFile};
use argosy_directory::{
    Call, ContentCall, DistributionCall, Genesis, MembershipCall, Reject, StorageCall, Transaction,
    call::{ObjectCreation, ObjectsUpload},
};
use argosy_domain::{
    BagId, BagType, ChannelId, ContentId, DataObjectId, DistributionBucketId, DynamicBagId, FamilyId,
    MemberId, StorageBucketId, WorkerId, metadata::encode_operator_metadata,
};
use codec::Encode;
use std::collections::BTreeSet;

fn create_member(handle: &str) -> Call {
    Call::Membership(MembershipCall::CreateMember { handle: handle.to_owned() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_tell_success_failure_and_refusal_apart() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let carol = key("//Carol");
    let transaction = sign(&carol, 0, create_member("carol"));
    let receipt = node.directory.submit(&transaction).await.unwrap();
    assert_eq!((receipt.height, receipt.index, receipt.error.as_ref()), (1, 0, None));
    assert_eq!((receipt.hash.as_str(), receipt.events.len()), (hex::encode(transaction.hash()).as_str(), 1));
    assert_eq!(node.directory.transaction(&transaction.hash()).await.unwrap(), receipt);

    // A call that fails is recorded; its receipt is an answer.
    let failed = node.directory.submit(&sign(&carol, 1, create_member("alice"))).await.unwrap();
    assert!(failed.error.is_some() && failed.events.is_empty());
    assert_eq!(node.directory.account(&carol.account()).await.unwrap().nonce, 2);

    let (status, body) = node.post(transaction.encode()).await;
    assert_eq!((status, &body["code"], &body["retry"]), (409, &"NONCE_STALE".into(), &"never".into()));
    assert_eq!(body["number"], Reject::NonceStale.number());
    let (status, body) = node.post(vec![1, 2, 3]).await;
    assert_eq!((status, &body["code"]), (400, &"MALFORMED_TRANSACTION".into()));
    let (status, _) = node.post(vec![0; 70_000]).await;
    assert_eq!(status, 413);
    let expired = Transaction::sign(&carol, genesis().hash(), 2, now_ms() - 5_000, create_member("c2"));
    let (status, body) = node.post(expired.encode()).await;
    assert_eq!((status, &body["code"]), (400, &"EXPIRED".into()));
    let error = node.directory.transaction(&[0; 32]).await.unwrap_err();
    assert!(error.is_not_found());
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_pool_refuses_has_a_code() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let carol = key("//Carol");
    let waiting = sign(&carol, 1, create_member("carol-1"));
    let directory = node.directory.clone();
    let submitted = tokio::spawn(async move { directory.submit(&waiting).await });
    let shown = async {
        while node.directory.status().await.unwrap().pool_count == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, shown).await.unwrap();
    assert!(node.directory.status().await.unwrap().pool_bytes > 100);
    let (status, body) = node.post(sign(&carol, 1, create_member("carol-2")).encode()).await;
    assert_eq!((status, &body["code"], &body["retry"]), (409, &"NONCE_TAKEN".into(), &"never".into()));
    let tipped =
        Transaction::sign_with_tip(&carol, genesis().hash(), 0, now_ms() + 60_000, 1, create_member("c"));
    let (status, body) = node.post(tipped.encode()).await;
    assert_eq!((status, &body["code"]), (400, &"CANNOT_PAY_FEE".into()), "a tip is not for nothing");
    let first = node.directory.submit(&sign(&carol, 0, create_member("carol-0"))).await.unwrap();
    let receipt = tokio::time::timeout(DEADLINE, submitted).await.unwrap().unwrap().unwrap();
    // In the same block or a later one.
    assert!((receipt.height, receipt.index) > (first.height, first.index), "{receipt:?} after {first:?}");
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_that_lead_nowhere_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    for (path, status, code) in [
        ("/api/v1/nothing", 404, "NO_SUCH_ROUTE"),
        ("/api/v1/objects/7", 404, "DATA_OBJECT_DOESNT_EXIST"),
        ("/api/v1/objects/x", 400, "BAD_ID"),
        ("/api/v1/objects/%ff", 400, "BAD_ID"),
        ("/api/v1/bags/dynamic:channel:9", 404, "BAG_DOESNT_EXIST"),
        ("/api/v1/bags/dynamic", 400, "BAD_ID"),
        ("/api/v1/channels/1", 404, "CHANNEL_DOES_NOT_EXIST"),
        ("/api/v1/members/nobody", 404, "MEMBER_PROFILE_NOT_FOUND"),
        ("/api/v1/members?size=3", 400, "BAD_QUERY"),
        ("/api/v1/accounts/x", 400, "BAD_ID"),
        ("/api/v1/transactions/00", 400, "BAD_ID"),
        ("/api/v1/transactions", 405, "METHOD_NOT_ALLOWED"),
        ("/api/v1/blocks?from=-1", 400, "BAD_QUERY"),
        ("/api/v1/blocks?from=99", 409, "HEIGHT_AHEAD"),
    ] {
        let (found, body) = answer(node.get(path).await).await;
        assert_eq!((found, &body["code"]), (status, &code.into()), "{path}");
        let body: argosy_api::ErrorBody = serde_json::from_value(body).unwrap();
        assert!(body.retry == Retry::Never || code == "HEIGHT_AHEAD", "{path}");
    }
    assert_eq!(node.get("/livez").await.status(), 200);
    let file: GenesisFile = node.directory.genesis().await.unwrap();
    assert_eq!(Genesis::try_from(file), Ok(genesis()));
    node.stop().await;
}

/// A storage bucket and a distribution bucket, both operated by Alice, and a policy that uses them.
async fn make_buckets(node: &Node) -> (StorageBucketId, DistributionBucketId) {
    let (worker, bucket, family) = (WorkerId(0), StorageBucketId(0), FamilyId(0));
    let distribution = DistributionBucketId { family, index: 0 };
    let metadata = encode_operator_metadata("http://127.0.0.1:3333");
    for call in [
        StorageCall::CreateStorageBucket {
            invite_worker: Some(worker),
            accepting_new_bags: true,
            size_limit: 1 << 30,
            objects_limit: 100,
        },
        StorageCall::AcceptStorageBucketInvitation { worker, bucket, transactor: key("//Alice").account() },
        StorageCall::SetStorageOperatorMetadata { worker, bucket, metadata: metadata.clone() },
    ] {
        node.call("//Alice", Call::Storage(call)).await;
    }
    for call in [
        DistributionCall::CreateDistributionBucketFamily,
        DistributionCall::CreateDistributionBucket { family, accepting_new_bags: true },
        DistributionCall::UpdateDistributionBucketMode { bucket: distribution, distributing: true },
        DistributionCall::InviteDistributionBucketOperator { bucket: distribution, worker },
        DistributionCall::AcceptDistributionBucketInvitation { worker, bucket: distribution },
        DistributionCall::SetDistributionOperatorMetadata { worker, bucket: distribution, metadata },
        DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy {
            bag_type: BagType::Channel,
            families: [(family, 1)].into(),
        },
    ] {
        node.call("//Alice", Call::Distribution(call)).await;
    }
    (bucket, distribution)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entities_are_shown_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let (bucket, distribution) = make_buckets(&node).await;
    let policy = node.directory.policies().await.unwrap().remove(1);
    assert_eq!((policy.bag_type.as_str(), policy.storage_buckets), ("Channel", 1));
    assert_eq!(policy.families, [("0".to_owned(), 1)].into());

    let content_id = ContentId::of(b"some bytes");
    let upload = ObjectsUpload {
        object_creation_list: vec![ObjectCreation {
            size: 10,
            ipfs_content_id: content_id.to_string().into_bytes(),
        }],
        expected_data_size_fee: policy.data_size_fee,
        expected_data_object_state_bloat_bond: policy.data_object_state_bloat_bond,
    };
    let create = ContentCall::CreateChannel {
        owner: MemberId(1),
        upload,
        storage_buckets: None,
        distribution_buckets: None,
    };
    node.call("//Bob", Call::Content(create)).await;

    let bag = BagId::Dynamic(DynamicBagId::Channel(ChannelId(1)));
    let object = node.directory.object(DataObjectId(0)).await.unwrap();
    assert_eq!((object.content_id, object.size, object.bag), (content_id, 10, bag));
    assert_eq!((object.storage_buckets, object.distribution_buckets), (vec![bucket], vec![distribution]));
    assert!(object.accepted.is_none() && object.holders.is_empty());

    let objects: BTreeSet<_> = [DataObjectId(0)].into();
    let accept = StorageCall::AcceptPendingDataObjects { worker: WorkerId(0), bucket, bag, objects };
    let height = node.call("//Alice", Call::Storage(accept)).await.height;
    let object = node.directory.object(DataObjectId(0)).await.unwrap();
    assert_eq!(object.accepted.map(|a| (a.height, a.bucket)), Some((height, bucket)));
    assert_eq!(object.holders, [bucket]);

    let view = node.directory.bag(&bag).await.unwrap();
    assert_eq!((view.objects_number, view.objects_total_size), (1, 10));
    let view = node.directory.storage_buckets().await.unwrap().remove(0);
    assert_eq!((view.objects_used, view.size_used, view.assigned_bags), (1, 10, 1));
    let operator = view.operator.unwrap();
    assert_eq!(operator.status, OperatorStatus::Active);
    assert_eq!(operator.endpoint.as_deref(), Some("http://127.0.0.1:3333"));
    assert_eq!(operator.transactor, Some(key("//Alice").account()));
    let view = node.directory.distribution_buckets().await.unwrap().remove(0);
    assert_eq!((view.id, view.distributing, view.operators.len()), (distribution, true, 1));
    assert_eq!(node.directory.families().await.unwrap()[0].buckets, [distribution]);
    assert_eq!(node.directory.channel(ChannelId(1)).await.unwrap().owner, MemberId(1));
    assert_eq!(node.directory.channels(ChannelId(0)).await.unwrap().len(), 1);
    assert_eq!(node.directory.members(MemberId(0)).await.unwrap().len(), 2);
    assert_eq!(node.directory.member("1").await.unwrap().handle, "bob");
    assert_eq!(node.directory.status().await.unwrap().objects_count, 1);
    let (_, page) = answer(node.get("/api/v1/members?from=1&limit=5").await).await;
    assert_eq!(page.as_array().unwrap().len(), 1);
    node.stop().await;
}
