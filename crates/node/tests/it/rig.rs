//! A node's fills, with sources made for tests.

use crate::fake_source::{Behaviour, FakeSource, Sample};
use argosy_domain::{DataObjectId, DistributionBucketId, FamilyId, StorageBucketId, WorkerId};
use argosy_http::{AddressPolicy, Client, ClientConfig};
use argosy_node::{FillError, FillSource, Fills, FillsConfig, Keep, ReadRequest, Room, Sources, Unbounded};
use argosy_node_core::{fill::FillBounds, sources::SourceName};
use argosy_store::{ObjectMeta, RealDisk, Store, StoreConfig, StoreError};
use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

pub(crate) const ID: DataObjectId = DataObjectId(7);
pub(crate) const MIB: usize = 1024 * 1024;
pub(crate) const GROUP: u64 = 16 * 1024;

#[derive(Default)]
pub(crate) struct Listed {
    storage: Mutex<Vec<FillSource>>,
    peers: Mutex<Vec<FillSource>>,
}

impl Listed {
    pub(crate) fn add(&self, id: u64, source: &FakeSource, holds: bool) {
        let name = SourceName::Storage(StorageBucketId(id));
        let source = FillSource { id: name.id(), name, endpoint: source.endpoint.clone(), holds };
        self.storage.lock().unwrap().push(source);
    }

    pub(crate) fn add_peer(&self, worker: u64, peer: &FakeSource) {
        let bucket = DistributionBucketId { family: FamilyId(0), index: 0 };
        let name = SourceName::Peer(bucket, WorkerId(worker));
        let peer = FillSource { id: name.id(), name, endpoint: peer.endpoint.clone(), holds: false };
        self.peers.lock().unwrap().push(peer);
    }
}

impl Sources for Listed {
    fn sources_of(&self, _id: DataObjectId) -> Vec<FillSource> {
        self.storage.lock().unwrap().clone()
    }

    fn peers_of(&self, _id: DataObjectId) -> Vec<FillSource> {
        self.peers.lock().unwrap().clone()
    }
}

pub(crate) struct Full;

impl Room for Full {
    fn make_room(&self, _id: DataObjectId, _total_bytes: u64) -> bool {
        false
    }
}

/// A node's fills with sources that all have one sample.
pub(crate) struct Rig {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) fills: Fills,
    pub(crate) sample: Arc<Sample>,
    pub(crate) listed: Arc<Listed>,
    pub(crate) sources: Vec<FakeSource>,
}

fn try_open(dir: &Path) -> Result<Store, StoreError> {
    let config = StoreConfig { capacity_bytes: None, disk_floor_bytes: 0 };
    Store::open(dir, Arc::new(RealDisk), config)
}

/// Opens a store whose fills have just been stopped: a call to the disk that was under way then may hold it for
/// another moment.
pub(crate) async fn open_again(dir: &Path) -> Store {
    let mut opened = None;
    wait_until("the store of the stopped fills", || {
        match try_open(dir) {
            Ok(store) => opened = Some(store),
            Err(StoreError::AlreadyInUse(_)) => {}
            Err(error) => panic!("{error}"),
        }
        opened.is_some()
    })
    .await;
    opened.unwrap()
}

/// How long a test waits before it says that something will not come; no test is to pass by it.
pub(crate) const WATCHDOG: Duration = Duration::from_secs(60);

/// Readers wait for longer than any source that is to help them takes, however slow the machine is.
pub(crate) fn config() -> FillsConfig {
    FillsConfig {
        linger: Duration::from_millis(200),
        patience: WATCHDOG,
        jitter_seed: 1,
        ..FillsConfig::default()
    }
}

/// Where sources that are slow, because the machine has little time for them, are not to cost more.
pub(crate) fn unhurried() -> FillsConfig {
    let bounds = FillBounds { stall_ms: 600_000, hedge_after_ms: 600_000, ..FillBounds::default() };
    FillsConfig { bounds, ..config() }
}

/// For readers who are to be told that nothing comes.
pub(crate) fn impatient() -> FillsConfig {
    FillsConfig { patience: Duration::from_millis(1_500), ..config() }
}

pub(crate) fn fills(store: Store, listed: &Arc<Listed>, room: Arc<dyn Room>) -> Fills {
    fills_with(store, listed, room, config())
}

pub(crate) fn fills_with(
    store: Store,
    listed: &Arc<Listed>,
    room: Arc<dyn Room>,
    config: FillsConfig,
) -> Fills {
    let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
    Fills::new(store, client, Arc::clone(listed) as Arc<dyn Sources>, room, config)
}

impl Rig {
    pub(crate) async fn new(size: usize, behaviours: &[Behaviour]) -> Self {
        Self::with_room(size, behaviours, Arc::new(Unbounded)).await
    }

    /// With other bounds than those of the other tests.
    pub(crate) async fn with_config(size: usize, behaviours: &[Behaviour], config: FillsConfig) -> Self {
        let rig = Self::new(size, behaviours).await;
        let fills = fills_with(rig.fills.store().clone(), &rig.listed, Arc::new(Unbounded), config);
        Self { fills, ..rig }
    }

    pub(crate) async fn with_room(size: usize, behaviours: &[Behaviour], room: Arc<dyn Room>) -> Self {
        let sample = Sample::random(size as u64, size);
        let listed = Arc::new(Listed::default());
        let mut sources = Vec::new();
        for (id, behaviour) in (0..).zip(behaviours) {
            let source = FakeSource::start(*behaviour).await;
            source.put(ID.0, &sample);
            listed.add(id, &source, true);
            sources.push(source);
        }
        let dir = tempfile::tempdir().unwrap();
        let fills = fills(try_open(dir.path()).unwrap(), &listed, room);
        Self { dir, fills, sample, listed, sources }
    }

    pub(crate) fn meta(&self) -> ObjectMeta {
        ObjectMeta { content_id: self.sample.content_id, size: self.sample.size() }
    }

    pub(crate) fn request(&self, range: Range<u64>, keep: Keep) -> ReadRequest {
        ReadRequest { id: ID, meta: self.meta(), range, keep }
    }

    pub(crate) async fn read(&self, range: Range<u64>) -> Result<Vec<u8>, FillError> {
        read(&self.fills, self.request(range, Keep::Stored)).await
    }

    pub(crate) async fn assert_reads(&self, range: Range<u64>) {
        let expected = &self.sample.bytes[range.start as usize..range.end as usize];
        assert!(self.read(range.clone()).await.unwrap() == expected, "{range:?}");
    }

    pub(crate) fn whole(&self) -> Range<u64> {
        0..self.sample.size()
    }

    /// Bytes that the sources have sent, proofs included.
    pub(crate) fn bytes_sent(&self) -> u64 {
        self.sources.iter().map(FakeSource::bytes_sent).sum()
    }

    pub(crate) fn groups_sent(&self) -> u64 {
        self.sources.iter().map(FakeSource::groups_sent).sum()
    }
}

pub(crate) async fn read(fills: &Fills, request: ReadRequest) -> Result<Vec<u8>, FillError> {
    let mut reader = fills.reader(request);
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.next_chunk().await? {
        bytes.extend_from_slice(&chunk);
    }
    assert_eq!(reader.remaining(), 0);
    Ok(bytes)
}

/// What comes, unless it takes so long that it counts as never.
pub(crate) async fn watched<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(WATCHDOG, what).await.expect("nothing came for a minute")
}

pub(crate) async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + WATCHDOG;
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The only file in the store whose name ends so.
pub(crate) fn only_file(dir: &Path, ending: &str) -> PathBuf {
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
    let mut found = Vec::new();
    walk(dir, ending, &mut found);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

pub(crate) fn flip_byte(path: &Path, at: u64) {
    use std::os::unix::fs::FileExt as _;
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ 0x40], at).unwrap();
}
