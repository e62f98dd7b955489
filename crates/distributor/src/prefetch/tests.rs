#![allow(clippy::unwrap_used, clippy::as_conversions, reason = "tests may panic, and know their numbers")]

use super::*;
use argosy_api::genesis::GenesisFile;
use argosy_directory::{
    Event,
    call::{ObjectCreation, ObjectsUpload},
    event::DynamicBagCreation,
};
use argosy_domain::{
    AccountId, ChannelId, DynamicBagId, FamilyId, MemberId, StorageBucketId, WorkerId,
    metadata::encode_operator_metadata,
};
use fake_directory::{FakeDirectory, genesis};
use fake_source::{Behaviour, FakeSource, Sample};
use std::path::Path;

#[allow(dead_code, reason = "made for more tests than these")]
#[path = "../../tests/it/fake_directory.rs"]
mod fake_directory;
#[path = "../../../node/tests/it/fake_source.rs"]
mod fake_source;

/// More blocks than are kept for those who are behind.
const BLOCKS: u64 = 1_100;
const BUCKET: StorageBucketId = StorageBucketId(0);
const WORKER: WorkerId = WorkerId(0);

fn config(dir: &Path, directory: &str) -> crate::Config {
    let file = dir.join("genesis.json");
    std::fs::write(&file, serde_json::to_vec(&GenesisFile::from(&genesis())).unwrap()).unwrap();
    serde_json::from_value(serde_json::json!({
        "id": "d",
        "genesis": file,
        "endpoints": {"directory": directory},
        "directories": {"assets": dir.join("assets"), "cacheState": dir.join("cache")},
        "limits": {"storage": "1G"},
        "cache": {"diskFloor": "0B"},
        "publicApi": {"port": 0},
        "workerId": WORKER.0,
    }))
    .unwrap()
}

/// One bag that this node delivers and one storage node has.
fn network(endpoint: &str) -> Vec<Event> {
    let bucket = DistributionBucketId { family: FamilyId(0), index: 0 };
    let creation = DynamicBagCreation {
        bag: DynamicBagId::Channel(ChannelId(1)),
        upload: ObjectsUpload::default(),
        storage_buckets: [BUCKET].into(),
        distribution_buckets: [bucket].into(),
    };
    vec![
        Event::StorageBucketCreated {
            bucket: BUCKET,
            invited: Some(WORKER),
            accepting_new_bags: true,
            size_limit: 1 << 40,
            objects_limit: 1 << 20,
        },
        Event::StorageBucketInvitationAccepted {
            bucket: BUCKET,
            worker: WORKER,
            transactor: AccountId([3; 32]),
        },
        Event::StorageOperatorMetadataSet {
            bucket: BUCKET,
            worker: WORKER,
            metadata: encode_operator_metadata(endpoint),
        },
        Event::DistributionBucketFamilyCreated { family: bucket.family },
        Event::DistributionBucketCreated { family: bucket.family, accepting_new_bags: true, bucket },
        Event::DistributionBucketModeUpdated { bucket, distributing: true },
        Event::DistributionBucketOperatorInvited { bucket, worker: WORKER },
        Event::DistributionBucketInvitationAccepted { worker: WORKER, bucket },
        Event::DynamicBagCreated { creation, ids: vec![] },
        Event::ChannelCreated { channel: ChannelId(1), owner: MemberId(0) },
    ]
}

/// The blocks of an object from its declaration until a storage node says that it has it.
fn put(directory: &FakeDirectory, id: DataObjectId, sample: &Sample) {
    let bag = BagId::channel(ChannelId(1));
    let object =
        ObjectCreation { size: sample.size(), ipfs_content_id: sample.content_id.to_string().into_bytes() };
    let upload = ObjectsUpload { object_creation_list: vec![object], ..ObjectsUpload::default() };
    directory.block(vec![Event::DataObjectsUploaded { ids: vec![id], bag, upload, bond: 0 }]);
    let objects = [id].into();
    let height = directory.block(vec![Event::PendingDataObjectsAccepted {
        bucket: BUCKET,
        worker: WORKER,
        bag,
        objects,
    }]);
    let except = BTreeSet::new();
    directory.block(vec![Event::HoldingsReported { bucket: BUCKET, worker: WORKER, height, except }]);
}

async fn follow_up_to(node: &Node, height: u64) {
    let knows = node.follower.wait_until(Duration::from_secs(60), |index| index.height() >= height).await;
    let status = node.follower.status();
    assert!(knows, "block {height} did not come: {status:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lost_blocks_have_accepted_is_found_by_comparing_with_the_directory() {
    let (dir, shutdown) = (tempfile::tempdir().unwrap(), Shutdown::new());
    let (directory, source) = (FakeDirectory::start().await, FakeSource::start(Behaviour::Honest).await);
    source.prove(|query| {
        let challenge = argosy_api::proof::Challenge::from_query(query).unwrap();
        let key = fake_directory::key(&format!("//Storage{WORKER}"));
        let network = fake_directory::genesis().hash();
        let group = argosy_domain::WorkingGroup::Storage;
        let proof = argosy_api::RoleProof::sign(&key, &network, &challenge, group, WORKER).to_string();
        serde_json::json!({ "proof": proof }).to_string()
    });
    let node = crate::start::following(config(dir.path(), &directory.url), shutdown.clone()).await;
    follow_up_to(&node, directory.block(network(&source.endpoint))).await;
    let mut driver = Driver::new(Arc::clone(&node));
    // It knows the present and its duty, so that nothing but the lost blocks makes it look.
    driver.is_caught_up = true;
    let duty = node.duty.load_full();
    driver.buckets = node.follower.with_index(|index| my_buckets(index, &duty.assignment));
    assert_eq!(driver.buckets.len(), 1);
    let (changes, id, sample) = (node.follower.changes(), DataObjectId(0), Sample::random(1, 100_000));
    source.put(id.0, &sample);
    put(&directory, id, &sample);
    let last = (0..BLOCKS).map(|_| directory.block(vec![])).last().unwrap();
    follow_up_to(&node, last).await;
    assert!(changes.len() as u64 > BLOCKS, "the blocks of the object are lost");
    let driving = tokio::spawn(drive(driver, changes, shutdown.clone()));
    let deadline = Instant::now() + Duration::from_secs(10);
    while !node.store.contains(id) {
        assert!(Instant::now() < deadline, "the object did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    shutdown.trigger();
    driving.await.unwrap();
    node.fills.stop().await;
}
