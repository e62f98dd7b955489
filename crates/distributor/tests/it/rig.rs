//! A small network: a directory, storage nodes, and one real distributor.

use crate::{
    browser::{self, Answer},
    fake_directory::{FakeDirectory, genesis, key},
    fake_source::{Behaviour, FakeSource, Sample},
    steps::WATCHDOG,
};
use argosy_api::{
    RoleProof,
    genesis::GenesisFile,
    proof::{Challenge, RoleProofView},
};
use argosy_directory::{
    Event,
    call::{ObjectCreation, ObjectsUpload},
    event::DynamicBagCreation,
};
use argosy_distributor::{
    Config, StartError,
    config::{
        CacheSection, Directories, Endpoints, Limits, OperatorApi, Prefetch, PublicApi, Requirement, Scrub,
    },
};
use argosy_domain::{
    AccountId, BagId, ChannelId, DataObjectId, DistributionBucketId, DynamicBagId, FamilyId, MemberId,
    StorageBucketId, WorkerId, WorkingGroup, metadata::encode_operator_metadata,
};
use argosy_http::Running;
use argosy_keys::KeySource;
use argosy_node::config::{DirectoryUrls, Logs, Size};
use argosy_store::StoreError;
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// What the operator's requests are signed with.
pub(crate) const SECRET: &str = "of this test";
pub(crate) const MIB: usize = 1024 * 1024;

pub(crate) struct Rig {
    _dir: tempfile::TempDir,
    pub(crate) directory: FakeDirectory,
    pub(crate) sources: Vec<FakeSource>,
    pub(crate) config: Config,
    node: Option<Running>,
    next_id: AtomicU64,
    /// Copies of its folders that were made.
    pub(crate) images: u32,
}

/// Another distributor.
pub(crate) struct Second {
    _dir: tempfile::TempDir,
    node: Running,
}

impl Second {
    pub(crate) async fn ask(&self, method: &str, path: &str) -> Answer {
        browser::ask(self.node.endpoint(), method, path, &[]).await
    }

    pub(crate) fn endpoint(&self) -> SocketAddr {
        self.node.endpoint()
    }

    pub(crate) async fn stop(self) {
        self.node.stop_and_join().await.unwrap();
    }
}

/// The role key of a worker, as the genesis has it of the first.
fn role_uri(group: WorkingGroup, worker: WorkerId) -> String {
    let name = if group == WorkingGroup::Storage { "Storage" } else { "Distributor" };
    format!("//{name}{worker}")
}

/// How the node of a worker answers challenges.
pub(crate) fn proof_of(group: WorkingGroup, worker: WorkerId) -> impl Fn(&str) -> String + Send {
    move |query| {
        let challenge = Challenge::from_query(query).expect("a challenge");
        let key = key(&role_uri(group, worker));
        let proof = RoleProof::sign(&key, &genesis().hash(), &challenge, group, worker);
        serde_json::to_string(&RoleProofView { proof: proof.to_string() }).unwrap()
    }
}

/// The channel whose bag the distributor delivers, and one that it does not.
pub(crate) const OURS: u64 = 1;
pub(crate) const THEIRS: u64 = 2;
const STRANGER: &str = "http://stranger.example";
/// What the directory has as the distributor's own address.
pub(crate) const OWN_ENDPOINT: &str = "http://127.0.0.1:1";

/// A public port of the test's own: nobody else listens at its address or connects from there, so that it is free
/// whenever the node has closed it.
pub(crate) fn own_public_api() -> PublicApi {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let [.., high, low] = std::process::id().to_be_bytes();
    let host = Ipv4Addr::new(127, 64 + NEXT.fetch_add(1, Relaxed) % 64, high, low);
    let free = std::net::TcpListener::bind((host, 0)).unwrap().local_addr().unwrap();
    PublicApi::at(free.ip(), free.port())
}

/// For [`Rig::patient`], with so much room.
pub(crate) fn patient(storage: u64) -> Limits {
    let silence = WATCHDOG.as_millis().try_into().unwrap();
    Limits { outbound_requests_timeout_ms: Some(silence), ..Limits::storage(storage) }
}

pub(crate) fn distribution_bucket(index: u64) -> DistributionBucketId {
    DistributionBucketId { family: FamilyId(0), index }
}

impl Rig {
    pub(crate) async fn new(behaviours: &[Behaviour]) -> Self {
        Self::with_limits(behaviours, Limits::storage(1 << 30)).await
    }

    /// For tests that hold sources back: nobody is given up for silence, however long the machine takes to come to
    /// what is waited for.
    pub(crate) async fn patient(behaviours: &[Behaviour]) -> Self {
        Self::with_limits(behaviours, patient(1 << 30)).await
    }

    pub(crate) async fn with_limits(behaviours: &[Behaviour], limits: Limits) -> Self {
        Self::configured(behaviours, |config| config.limits = limits).await
    }

    /// With whatever a test wants to have otherwise.
    pub(crate) async fn configured(behaviours: &[Behaviour], change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let directory = FakeDirectory::start().await;
        let mut sources = Vec::new();
        for behaviour in behaviours {
            sources.push(FakeSource::start(*behaviour).await);
        }
        for (worker, source) in (0..).zip(&sources) {
            source.prove(proof_of(WorkingGroup::Storage, WorkerId(worker)));
        }
        for (id, source) in (0..).zip(&sources) {
            let (bucket, worker) = (StorageBucketId(id), WorkerId(id));
            directory.block(vec![
                Event::StorageBucketCreated {
                    bucket,
                    invited: Some(worker),
                    accepting_new_bags: true,
                    size_limit: 1 << 40,
                    objects_limit: 1 << 20,
                },
                Event::StorageBucketInvitationAccepted { bucket, worker, transactor: AccountId([3; 32]) },
                Event::StorageOperatorMetadataSet {
                    bucket,
                    worker,
                    metadata: encode_operator_metadata(&source.endpoint),
                },
            ]);
        }
        make_distribution(&directory);
        for (channel, index) in [(OURS, 0), (THEIRS, 1)] {
            make_channel(&directory, channel, index, sources.len());
        }
        let genesis_path = dir.path().join("genesis.json");
        std::fs::write(&genesis_path, serde_json::to_vec(&GenesisFile::from(&genesis())).unwrap()).unwrap();
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut config = Config {
            id: "distributor-0".to_owned(),
            genesis: Some(genesis_path),
            endpoints: Endpoints::directory(DirectoryUrls::new(vec![directory.url.clone()]).unwrap()),
            directories: Directories {
                assets: dir.path().join("assets"),
                cache_state: dir.path().join("cache"),
            },
            limits: Limits::storage(1 << 30),
            prefetch: Prefetch::none(),
            intervals: None,
            public_api: PublicApi::at(host, 0),
            operator_api: Some(OperatorApi {
                port: 0,
                host,
                hmac_secret: Some(SECRET.to_owned()),
                keys: Vec::new(),
                require: Requirement::Any,
            }),
            metrics: None,
            worker_id: Some(0),
            buckets: None,
            keys: Vec::new(),
            // What else is on the disk of whoever runs the tests is not to matter.
            cache: CacheSection { disk_floor: Some(Size(0)), ..CacheSection::default() },
            scrub: Scrub::default(),
            logs: Logs::default(),
        };
        change(&mut config);
        let mut rig =
            Self { _dir: dir, directory, sources, config, node: None, next_id: AtomicU64::new(0), images: 0 };
        rig.start().await;
        rig
    }

    pub(crate) async fn start(&mut self) {
        self.try_start().await.unwrap();
    }

    /// A call to the disk that was under way when the node was stopped may hold the cache for another moment.
    pub(crate) async fn try_start(&mut self) -> Result<(), StartError> {
        let deadline = Instant::now() + WATCHDOG;
        let started = loop {
            match argosy_distributor::start(self.config.clone()).await {
                Err(StartError::Store(StoreError::AlreadyInUse(_))) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                started => break started,
            }
        };
        self.node = Some(started?);
        Ok(())
    }

    pub(crate) async fn stop(&mut self) {
        self.node.take().unwrap().stop_and_join().await.unwrap();
    }

    /// Waits until the node has ended by itself.
    pub(crate) async fn ended(&mut self) {
        self.node.take().unwrap().join().await.unwrap();
    }

    pub(crate) fn endpoint(&self) -> SocketAddr {
        self.node.as_ref().unwrap().endpoint()
    }

    pub(crate) fn operator_endpoint(&self) -> SocketAddr {
        self.node.as_ref().unwrap().operator_endpoint().unwrap()
    }

    /// Every storage node has this object and says so; waits until the distributor knows.
    pub(crate) async fn put(&self, sample: &Arc<Sample>) -> u64 {
        let id = self.declare(OURS, sample);
        let height = self.accept(OURS, id);
        for (bucket, source) in (0..).zip(&self.sources) {
            source.put(id, sample);
            self.directory.block(vec![Event::HoldingsReported {
                bucket: StorageBucketId(bucket),
                worker: WorkerId(bucket),
                height,
                except: BTreeSet::new(),
            }]);
        }
        self.know().await;
        id
    }

    /// A second distributor of the same bag, of a worker of its own, with the same directory and a cache of
    /// its own. The directory knows where both are from now on.
    pub(crate) async fn second(&self) -> Second {
        let dir = tempfile::tempdir().unwrap();
        let directories =
            Directories { assets: dir.path().join("assets"), cache_state: dir.path().join("cache") };
        let id = "distributor-1".to_owned();
        // Others ask only those who can prove whose they are.
        let keys = vec![KeySource::sr25519("//Distributor2")];
        let config = Config { id, directories, keys, worker_id: Some(2), ..self.config.clone() };
        let node = argosy_distributor::start(config).await.unwrap();
        let (bucket, worker) = (distribution_bucket(0), WorkerId(2));
        let endpoint_of = |worker, endpoint: SocketAddr| Event::DistributionBucketMetadataSet {
            worker,
            bucket,
            metadata: encode_operator_metadata(&format!("http://{endpoint}")),
        };
        self.directory.block(vec![
            Event::DistributionBucketOperatorInvited { bucket, worker },
            Event::DistributionBucketInvitationAccepted { worker, bucket },
            endpoint_of(worker, node.endpoint()),
            endpoint_of(WorkerId(0), self.endpoint()),
        ]);
        self.know().await;
        let second = Second { _dir: dir, node };
        let height = self.directory.block(vec![]);
        // It and the storage nodes prove whose they are, and the first distributor if it can.
        let proven = self.sources.len() + 1 + usize::from(!self.config.keys.is_empty());
        let deadline = Instant::now() + WATCHDOG;
        loop {
            let status = second.ask("GET", "/api/v1/status").await.json();
            if status["directory"]["height"] == height && status["endpoints"]["provenCount"] == proven {
                break;
            }
            assert!(Instant::now() < deadline, "the newest block did not come, or no proof: {status}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        second
    }

    /// An object of a bag that others deliver.
    pub(crate) async fn put_elsewhere(&self, sample: &Arc<Sample>) -> u64 {
        let id = self.declare(THEIRS, sample);
        self.accept(THEIRS, id);
        self.know().await;
        id
    }

    /// An object that nobody has uploaded yet.
    pub(crate) async fn declare_only(&self, sample: &Arc<Sample>) -> u64 {
        let id = self.declare(OURS, sample);
        self.know().await;
        id
    }

    pub(crate) async fn delete(&self, id: u64) {
        self.directory.block(vec![Event::DataObjectsDeleted {
            refund_to: AccountId([1; 32]),
            bag: BagId::channel(ChannelId(OURS)),
            objects: [DataObjectId(id)].into(),
        }]);
        self.know().await;
    }

    /// Another distributor of our family that delivers what this one does.
    pub(crate) fn add_peer(&self, worker: u64, endpoint: &str) {
        let (bucket, worker) = (distribution_bucket(10 + worker), WorkerId(worker));
        let mut events = operated_bucket(bucket, worker, endpoint);
        let (group, member) = (WorkingGroup::Distribution, MemberId(0));
        let role_account = key(&role_uri(group, worker)).account();
        events.push(Event::WorkerHired { group, worker, member, role_account });
        events.push(Event::DistributionBucketsUpdatedForBag {
            bag: BagId::channel(ChannelId(OURS)),
            family: bucket.family,
            added: [bucket.index].into(),
            removed: BTreeSet::new(),
        });
        self.directory.block(events);
    }

    /// Our bag is private from now on.
    pub(crate) async fn make_private(&self) {
        let bag = BagId::channel(ChannelId(OURS));
        self.directory.block(vec![Event::BagPrivacySet { bag, private: true }]);
        self.know().await;
    }

    /// Makes one block of these events; waits until the distributor has it, and not longer.
    pub(crate) async fn tell(&self, events: Vec<Event>) {
        let height = self.directory.block(events);
        self.wait_until("the block", |status| status["directory"]["height"] == height).await;
    }

    pub(crate) fn declare(&self, channel: u64, sample: &Sample) -> u64 {
        let id = self.next_id.fetch_add(1, Relaxed);
        let object = ObjectCreation {
            size: sample.size(),
            ipfs_content_id: sample.content_id.to_string().into_bytes(),
        };
        let upload = ObjectsUpload { object_creation_list: vec![object], ..ObjectsUpload::default() };
        self.directory.block(vec![Event::DataObjectsUploaded {
            ids: vec![DataObjectId(id)],
            bag: BagId::channel(ChannelId(channel)),
            upload,
            bond: 0,
        }]);
        id
    }

    pub(crate) fn accept(&self, channel: u64, id: u64) -> u64 {
        self.directory.block(vec![Event::PendingDataObjectsAccepted {
            bucket: StorageBucketId(0),
            worker: WorkerId(0),
            bag: BagId::channel(ChannelId(channel)),
            objects: [DataObjectId(id)].into(),
        }])
    }

    /// Waits until the distributor has every block.
    pub(crate) async fn know(&self) {
        let height = self.directory.block(vec![]);
        self.wait_until("the newest block", |status| status["directory"]["height"] == height).await;
    }

    pub(crate) async fn status(&self) -> serde_json::Value {
        browser::ask(self.endpoint(), "GET", "/api/v1/status", &[]).await.json()
    }

    pub(crate) async fn wait_until(&self, what: &str, condition: impl Fn(&serde_json::Value) -> bool) {
        let deadline = Instant::now() + WATCHDOG;
        loop {
            let status = self.status().await;
            if condition(&status) {
                return;
            }
            assert!(Instant::now() < deadline, "{what} did not come: {status}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn get(&self, id: u64, headers: &[(&str, &str)]) -> Answer {
        browser::ask(self.endpoint(), "GET", &format!("/api/v1/assets/{id}"), headers).await
    }

    pub(crate) async fn head(&self, id: u64, headers: &[(&str, &str)]) -> Answer {
        browser::ask(self.endpoint(), "HEAD", &format!("/api/v1/assets/{id}"), headers).await
    }

    pub(crate) async fn assert_whole(&self, id: u64, sample: &Sample, x_cache: &str) {
        let answer = self.get(id, &[]).await;
        assert_eq!((answer.status, answer.header("x-cache")), (200, x_cache));
        assert!(answer.body == sample.bytes, "object {id} differs");
    }

    pub(crate) async fn assert_is(&self, id: u64, sample: &Sample) {
        let answer = self.get(id, &[]).await;
        assert!(
            answer.status == 200 && answer.body == sample.bytes,
            "object {id} differs: {}",
            answer.head()
        );
    }

    /// Bytes that the storage nodes have sent, proofs included.
    pub(crate) fn bytes_sent(&self) -> u64 {
        self.sources.iter().map(FakeSource::bytes_sent).sum()
    }

    pub(crate) fn groups_sent(&self) -> u64 {
        self.sources.iter().map(FakeSource::groups_sent).sum()
    }

    /// The only file of the cache whose name ends so.
    pub(crate) fn only_file(&self, ending: &str) -> PathBuf {
        let mut found = Vec::new();
        walk(&self.config.directories.assets, ending, &mut found);
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }
}

fn walk(dir: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

fn make_distribution(directory: &FakeDirectory) {
    directory.block(vec![Event::DistributionBucketFamilyCreated { family: FamilyId(0) }]);
    for (index, endpoint) in [(0, OWN_ENDPOINT), (1, STRANGER)] {
        directory.block(operated_bucket(distribution_bucket(index), WorkerId(index), endpoint));
    }
}

/// A new bucket whose operator has a node.
fn operated_bucket(bucket: DistributionBucketId, worker: WorkerId, endpoint: &str) -> Vec<Event> {
    vec![
        Event::DistributionBucketCreated { family: bucket.family, accepting_new_bags: true, bucket },
        Event::DistributionBucketModeUpdated { bucket, distributing: true },
        Event::DistributionBucketOperatorInvited { bucket, worker },
        Event::DistributionBucketInvitationAccepted { worker, bucket },
        Event::DistributionBucketMetadataSet { worker, bucket, metadata: encode_operator_metadata(endpoint) },
    ]
}

fn make_channel(directory: &FakeDirectory, channel: u64, bucket: u64, sources: usize) {
    let creation = DynamicBagCreation {
        bag: DynamicBagId::Channel(ChannelId(channel)),
        upload: ObjectsUpload::default(),
        storage_buckets: (0..).take(sources).map(StorageBucketId).collect(),
        distribution_buckets: [distribution_bucket(bucket)].into(),
    };
    directory.block(vec![
        Event::DynamicBagCreated { creation, ids: vec![] },
        Event::ChannelCreated { channel: ChannelId(channel), owner: MemberId(0) },
    ]);
}
