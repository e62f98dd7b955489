//! A small network: Alice leads the storage group, `//Storage0` … work in it, Bob owns a channel.

use argosy_api::{
    NEXT_GROUP_HEADER, UploadToken,
    client::{ClientError, DirectoryClient, StorageClient, Submitter},
    directory::ObjectView,
    genesis::GenesisFile,
    node::NodeStatus,
};
use argosy_content::GroupRange;
use argosy_directory::{
    Call, ContentCall, Event, Genesis, Params, Profile, StorageCall,
    call::{ObjectCreation, ObjectsUpload},
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
};
use argosy_domain::{
    BagId, BagType, ChannelId, ContentId, DataObjectId, KeyScheme, Keypair, MemberId, StorageBucketId,
    WorkerId, metadata::encode_operator_metadata, num::to_u64,
};
use argosy_http::{AddressPolicy, Client, ClientConfig, Request, Response, Running, header};
use argosy_keys::KeySource;
use argosy_node::{
    config::{DirectoryUrls, Endpoints, Logs, Size},
    follower::now_ms,
};
use argosy_storage_node::{Config, Limits, StartError};
use argosy_store::source::SourceFile;
use bytes::{Bytes, BytesMut};
use codec::Decode as _;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

/// Longest that a test waits for anything.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
/// Bob's channel and its bag.
pub(crate) const CHANNEL: ChannelId = ChannelId(1);
pub(crate) const BAG: &str = "dynamic:channel:1";

pub(crate) fn key(uri: &str) -> Keypair {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap()
}

fn genesis(storage_count: usize) -> Genesis {
    let member =
        |uri: &str, handle: &str| GenesisMember { handle: handle.to_owned(), account: key(uri).account() };
    let worker = |uri: &str| GenesisWorker { member: "alice".to_owned(), role_account: key(uri).account() };
    let mut workers = vec![worker("//Alice")];
    workers.extend((0..storage_count).map(|at| worker(&format!("//Storage{at}"))));
    Genesis {
        version: GENESIS_VERSION,
        network: "storage-test".to_owned(),
        profile: Profile::Local,
        time_ms: 1_700_000_000_000,
        sequencer: key("//Sequencer").account(),
        params: Params::local(),
        members: vec![member("//Alice", "alice"), member("//Bob", "bob")],
        storage_group: GenesisGroup { workers, lead: Some(0) },
        distribution_group: GenesisGroup::default(),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: Vec::new(),
    }
}

/// Bytes that differ in every group, and from seed to seed.
pub(crate) fn media(seed: u64, len: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.u8(..)).take(len).collect()
}

/// How many there were.
static NETWORKS: AtomicU8 = AtomicU8::new(0);

pub(crate) struct Network {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) genesis: [u8; 32],
    pub(crate) client: Client,
    pub(crate) directory: DirectoryClient,
    directory_node: Option<Running>,
    directory_address: SocketAddr,
    pub(crate) nodes: Vec<Option<StorageNode>>,
    bob: Submitter,
    alice: Submitter,
}

pub(crate) struct StorageNode {
    pub(crate) running: Running,
    pub(crate) api: StorageClient,
}

impl Network {
    /// A directory node, `storage_count` storage nodes with a bucket each, and Bob's channel, whose bag
    /// all of them must keep.
    pub(crate) async fn start(storage_count: usize) -> Self {
        let mut network = Self::start_directory(storage_count).await;
        for at in 0..storage_count {
            network.start_node(at).await;
            network.make_bucket(at).await;
        }
        network.open_channel(storage_count).await;
        network
    }

    async fn start_directory(storage_count: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let genesis = genesis(storage_count);
        let file = serde_json::to_vec(&GenesisFile::from(&genesis)).unwrap();
        fs::write(dir.path().join("genesis.json"), file).unwrap();
        // An address of its own, so that nobody takes the port while the directory node is away.
        let [.., high, low] = std::process::id().to_be_bytes();
        let own = Ipv4Addr::new(127, 64 + NETWORKS.fetch_add(1, Ordering::Relaxed) % 64, high, low);
        let any = SocketAddr::from((own, 0));
        let directory_node = argosy_directory_node::start(directory_config(dir.path(), any)).await.unwrap();
        let directory_address = directory_node.endpoint();
        let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
        let directory = DirectoryClient::new(client.clone(), &format!("http://{directory_address}"));
        let submitter = |uri: &str| Submitter::new(directory.clone(), key(uri), genesis.hash());
        Self {
            alice: submitter("//Alice"),
            bob: submitter("//Bob"),
            genesis: genesis.hash(),
            directory_node: Some(directory_node),
            directory_address,
            nodes: (0..storage_count).map(|_| None).collect(),
            dir,
            client,
            directory,
        }
    }

    pub(crate) fn config(&self, at: usize) -> Config {
        Config {
            id: format!("storage-{at}"),
            data: self.node_dir(at),
            genesis: self.dir.path().join("genesis.json"),
            endpoints: Endpoints {
                directory: DirectoryUrls::new(vec![format!("http://{}", self.directory_address)]).unwrap(),
            },
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            worker_id: to_u64(at) + 1,
            buckets: None,
            keys: vec![KeySource::sr25519(format!("//Storage{at}"))],
            anonymous_uploads: false,
            limits: Limits { disk_floor: Some(Size(0)), ..Limits::default() },
            logs: Logs::default(),
        }
    }

    pub(crate) fn node_dir(&self, at: usize) -> PathBuf {
        self.dir.path().join(format!("storage-{at}"))
    }

    pub(crate) async fn start_node(&mut self, at: usize) {
        let config = self.config(at);
        self.start_node_with(at, config).await;
    }

    pub(crate) async fn start_node_with(&mut self, at: usize, config: Config) {
        // Work of a node that has just been stopped may hold the store for another moment.
        let running = wait_for("the store of the stopped node", async || {
            match argosy_storage_node::start(config.clone()).await {
                Ok(running) => Some(running),
                Err(StartError::Store(argosy_store::StoreError::AlreadyInUse(_))) => None,
                Err(error) => panic!("cannot start node {at}: {error}"),
            }
        })
        .await;
        let api = StorageClient::new(self.client.clone(), &format!("http://{}", running.endpoint()));
        self.nodes[at] = Some(StorageNode { running, api });
    }

    pub(crate) async fn stop_node(&mut self, at: usize) {
        let node = self.nodes[at].take().unwrap();
        tokio::time::timeout(DEADLINE, node.running.stop_and_join()).await.unwrap().unwrap();
    }

    /// Starts a stopped node again; it listens elsewhere, and says so in the directory.
    pub(crate) async fn restart_node(&mut self, at: usize) {
        self.start_node(at).await;
        self.announce(at).await;
    }

    pub(crate) async fn stop_directory(&mut self) {
        let node = self.directory_node.take().unwrap();
        tokio::time::timeout(DEADLINE, node.stop_and_join()).await.unwrap().unwrap();
    }

    pub(crate) async fn restart_directory(&mut self) {
        let config = directory_config(self.dir.path(), self.directory_address);
        self.directory_node = Some(argosy_directory_node::start(config).await.unwrap());
    }

    pub(crate) fn node(&self, at: usize) -> &StorageNode {
        self.nodes[at].as_ref().unwrap()
    }

    pub(crate) fn url(&self, at: usize, path: &str) -> String {
        format!("{}{path}", self.node(at).api.url())
    }

    async fn make_bucket(&self, at: usize) {
        let (worker, bucket) = (WorkerId(to_u64(at) + 1), StorageBucketId(to_u64(at)));
        let create = StorageCall::CreateStorageBucket {
            invite_worker: Some(worker),
            accepting_new_bags: true,
            size_limit: 1 << 40,
            objects_limit: 1 << 20,
        };
        self.alice.submit(Call::Storage(create)).await.unwrap();
        let transactor = key(&format!("//Storage{at}")).account();
        let accept = StorageCall::AcceptStorageBucketInvitation { worker, bucket, transactor };
        self.of_worker(at).submit(Call::Storage(accept)).await.unwrap();
        self.announce(at).await;
    }

    fn of_worker(&self, at: usize) -> Submitter {
        Submitter::new(self.directory.clone(), key(&format!("//Storage{at}")), self.genesis)
    }

    async fn announce(&self, at: usize) {
        let (worker, bucket) = (WorkerId(to_u64(at) + 1), StorageBucketId(to_u64(at)));
        let metadata = encode_operator_metadata(self.node(at).api.url());
        let call = || StorageCall::SetStorageOperatorMetadata { worker, bucket, metadata: metadata.clone() };
        // The node signs with the same key, and its report may take the nonce.
        wait_for("the endpoint in the directory", async || {
            self.of_worker(at).submit(Call::Storage(call())).await.ok()
        })
        .await;
    }

    async fn open_channel(&self, copies: usize) {
        let policy = StorageCall::UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy {
            bag_type: BagType::Channel,
            number: u32::try_from(copies).unwrap(),
        };
        self.alice.submit(Call::Storage(policy)).await.unwrap();
        let create = ContentCall::CreateChannel {
            owner: MemberId(1),
            upload: self.quote(&[]).await,
            storage_buckets: None,
            distribution_buckets: None,
        };
        self.bob.submit(Call::Content(create)).await.unwrap();
    }

    async fn quote(&self, objects: &[(ContentId, u64)]) -> ObjectsUpload {
        let policies = self.directory.policies().await.unwrap();
        let policy = policies.iter().find(|policy| policy.bag_type == "Channel").unwrap();
        ObjectsUpload {
            object_creation_list: objects
                .iter()
                .map(|(content_id, size)| ObjectCreation {
                    size: *size,
                    ipfs_content_id: content_id.to_string().into_bytes(),
                })
                .collect(),
            expected_data_size_fee: policy.data_size_fee,
            expected_data_object_state_bloat_bond: policy.data_object_state_bloat_bond,
        }
    }

    /// Declares objects in Bob's channel.
    pub(crate) async fn declare(&self, objects: &[&[u8]]) -> Vec<DataObjectId> {
        let metas: Vec<_> = objects.iter().map(|bytes| (ContentId::of(bytes), to_u64(bytes.len()))).collect();
        let upload = self.quote(&metas).await;
        let call = ContentCall::UploadDataObjects { bag: BagId::channel(CHANNEL), upload };
        let receipt = self.bob.submit(Call::Content(call)).await.unwrap();
        let mut declared = Vec::new();
        for text in &receipt.events {
            let event = Event::decode(&mut hex::decode(text).unwrap().as_slice()).unwrap();
            if let Event::DataObjectsUploaded { ids, .. } = event {
                declared = ids;
            }
        }
        declared
    }

    pub(crate) async fn delete(&self, id: DataObjectId) -> u64 {
        let bag = BagId::channel(CHANNEL);
        let call = ContentCall::DeleteDataObjects { bag, objects: [id].into() };
        self.bob.submit(Call::Content(call)).await.unwrap().height
    }

    /// By Bob, who owns the bag. The nodes that run have the block when this returns.
    pub(crate) async fn set_private(&self, private: bool) {
        let call = ContentCall::SetBagPrivacy { bag: BagId::channel(CHANNEL), private };
        let height = self.bob.submit(Call::Content(call)).await.unwrap().height;
        self.all_have(height).await;
    }

    /// By Alice, who leads the group; the same.
    pub(crate) async fn blacklist(&self, content: &ContentId, listed: bool) {
        let text = [content.to_string().into_bytes()].into();
        let (remove, add) = if listed { ([].into(), text) } else { (text, [].into()) };
        let call = StorageCall::UpdateBlacklist { remove, add };
        let height = self.alice.submit(Call::Storage(call)).await.unwrap().height;
        self.all_have(height).await;
    }

    async fn all_have(&self, height: u64) {
        for at in (0..self.nodes.len()).filter(|at| self.nodes[*at].is_some()) {
            wait_for("the block", async || (self.status(at).await.directory.height >= height).then_some(()))
                .await;
        }
    }

    pub(crate) fn token(&self, signer: &str, id: DataObjectId, at: usize) -> UploadToken {
        let bucket = StorageBucketId(to_u64(at));
        UploadToken::sign(&key(signer), self.genesis, id, bucket, now_ms() + 60_000)
    }

    /// Uploads to a node as `put` does: from where it stopped.
    pub(crate) async fn upload(&self, at: usize, id: DataObjectId, bytes: &[u8]) -> Result<(), ClientError> {
        let api = &self.node(at).api;
        let from = api.next_group(id).await?;
        let slice = encode(bytes, from);
        let token = self.token("//Bob", id, at);
        let (length, body) = (to_u64(slice.len()), once(slice));
        let uploaded = api.upload(id, from, &token, length, Box::pin(body)).await?;
        assert_eq!(uploaded.id, ContentId::of(bytes).to_string());
        Ok(())
    }

    /// Sends a body to the upload route; gives the answer whatever it is.
    pub(crate) async fn put(
        &self,
        at: usize,
        id: impl std::fmt::Display,
        token: Option<&UploadToken>,
        from: u64,
        body: Bytes,
    ) -> Response {
        let url = self.url(at, &format!("/api/v1/objects/{id}/content?fromGroup={from}"));
        let mut request = Request::put(url).bytes(body);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        self.client.send(request).await.unwrap()
    }

    pub(crate) async fn get(&self, at: usize, path: &str) -> Response {
        self.client.get(&self.url(at, path)).await.unwrap()
    }

    /// The whole object from a node, if the node gives it whole.
    pub(crate) async fn read(&self, at: usize, id: DataObjectId) -> Option<Bytes> {
        let response = self.client.get(&self.url(at, &format!("/api/v1/files/{id}"))).await.ok()?;
        if response.status() != 200 {
            return None;
        }
        response.collect(1 << 30).await.ok()
    }

    pub(crate) async fn object(&self, id: DataObjectId) -> ObjectView {
        self.directory.object(id).await.unwrap()
    }

    pub(crate) async fn status(&self, at: usize) -> NodeStatus {
        self.node(at).api.status().await.unwrap()
    }

    /// Waits until these buckets, and no others, say in the directory that they hold the object.
    pub(crate) async fn held_by(&self, id: DataObjectId, nodes: &[usize]) {
        let expected: Vec<StorageBucketId> = nodes.iter().map(|at| StorageBucketId(to_u64(*at))).collect();
        wait_for(&format!("object {id} held by {expected:?}"), async || {
            (self.object(id).await.holders == expected).then_some(())
        })
        .await;
    }

    pub(crate) async fn next_group(&self, at: usize, id: DataObjectId) -> u64 {
        let url = self.url(at, &format!("/api/v1/objects/{id}/content"));
        let response = self.client.send(Request::head(url)).await.unwrap();
        assert_eq!(response.status(), 200);
        let name = argosy_http::HeaderName::from_static(NEXT_GROUP_HEADER);
        response.header(&name).unwrap().parse().unwrap()
    }

    /// The file that a node keeps an object's bytes in.
    pub(crate) fn data_file(&self, at: usize, id: DataObjectId) -> Option<PathBuf> {
        find(&self.node_dir(at), &format!("{id}.data"))
    }
}

fn find(dir: &Path, name: &str) -> Option<PathBuf> {
    fs::read_dir(dir).ok()?.find_map(|entry| {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => find(&path, name),
            false => (path.file_name()? == name).then_some(path),
        }
    })
}

fn directory_config(dir: &Path, listen: SocketAddr) -> argosy_directory_node::Config {
    argosy_directory_node::Config {
        data: dir.join("directory"),
        genesis: dir.join("genesis.json"),
        sequencer: Some(argosy_directory_node::KeySource::Suri("//Sequencer".to_owned())),
        follow: None,
        standbys: None,
        peers: None,
        listen,
        graphql: argosy_directory_node::GraphqlConfig::default(),
        retention: argosy_directory_node::Retention::default(),
        checkpoints: argosy_directory_node::Checkpoints::default(),
        segment_bytes: std::num::NonZeroU64::new(1 << 26).unwrap(),
        logs: Logs::default(),
        block_interval: None,
    }
}

/// The interleaved slice of an object from a group to its end.
pub(crate) fn encode(bytes: &[u8], from: u64) -> Bytes {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    let source = SourceFile::hash(file.path(), |_| {}).unwrap();
    let end = GroupRange::whole(to_u64(bytes.len())).end;
    let mut slice = source.encode_slice(GroupRange::new(from, end));
    let mut encoded = BytesMut::new();
    while let Some(chunk) = slice.next_chunk().unwrap() {
        encoded.extend_from_slice(&chunk);
    }
    encoded.freeze()
}

fn once(bytes: Bytes) -> impl futures_util::Stream<Item = std::io::Result<Bytes>> + Send {
    futures_util::stream::iter([Ok(bytes)])
}

/// Asks until there is an answer.
pub(crate) async fn wait_for<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + DEADLINE;
    let mut poll = tokio::time::interval(Duration::from_millis(10));
    loop {
        poll.tick().await;
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(tokio::time::Instant::now() < deadline, "in vain: {what}");
    }
}

/// Status and JSON body of an answer.
pub(crate) async fn answer(response: Response) -> (u16, serde_json::Value) {
    let status = response.status().as_u16();
    let body = response.collect(1 << 20).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(serde_json::Value::Null))
}
