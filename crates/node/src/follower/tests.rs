//! A follower against directory nodes that tell the truth, lie, or go away.

use super::{FollowTask, Follower, FollowerConfig, now_ms};
use crate::config::DirectoryUrls;
use argosy_api::genesis::GenesisFile;
use argosy_directory::{
    Event, Genesis, Params, Profile,
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup, GenesisMember},
};
use argosy_domain::{KeyScheme, Keypair, MemberId, StorageBucketId};
use argosy_http::{AddressPolicy, Client, ClientConfig, Shutdown};
use argosy_ledger::{
    Anchor, Block, ChainTip, FinalityProof, Header,
    block::{HEADER_VERSION, RULES_VERSION, results_root, transactions_root},
    genesis_block, randomness,
};
use codec::Encode as _;
use std::{path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

const DEADLINE: Duration = Duration::from_secs(20);

fn key(uri: &str) -> Keypair {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap()
}

fn genesis(network: &str) -> Genesis {
    Genesis {
        version: GENESIS_VERSION,
        network: network.to_owned(),
        profile: Profile::Local,
        time_ms: 1_700_000_000_000,
        sequencer: key("//Sequencer").account(),
        params: Params::local(),
        members: vec![GenesisMember { handle: "alice".to_owned(), account: key("//Alice").account() }],
        storage_group: GenesisGroup::default(),
        distribution_group: GenesisGroup::default(),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: Vec::new(),
    }
}

/// Makes blocks as the sequencer does; the state root is not a follower's business.
struct Maker {
    key: Keypair,
    tip: ChainTip,
}

impl Maker {
    fn new(genesis: &Genesis) -> Self {
        let (block, _) = genesis_block(genesis).unwrap();
        Self { key: key("//Sequencer"), tip: ChainTip::of(&block) }
    }

    fn make(&mut self, block_events: Vec<Event>) -> Block {
        let height = self.tip.height + 1;
        let (drawn, vrf) = randomness::draw(self.key.sr25519().unwrap(), &self.tip.randomness, height);
        let header = Header {
            version: HEADER_VERSION,
            rules_version: RULES_VERSION,
            height,
            parent: self.tip.hash,
            time_ms: now_ms(),
            transactions_root: transactions_root(&[]),
            results_root: results_root(&block_events, &[]),
            state_root: [0; 32],
            proposer: 0,
            randomness: drawn,
            vrf,
        };
        let proof = FinalityProof::sign(&self.key, 0, &header.hash());
        let block = Block { header, transactions: Vec::new(), outcomes: Vec::new(), block_events, proof };
        self.tip = ChainTip::of(&block);
        block
    }

    /// Blocks that each make a storage bucket.
    fn buckets(&mut self, from: u64, count: u64) -> Vec<Block> {
        (from..from + count).map(|id| self.make(vec![bucket_created(id)])).collect()
    }
}

fn bucket_created(id: u64) -> Event {
    Event::StorageBucketCreated {
        bucket: StorageBucketId(id),
        invited: None,
        accepting_new_bags: true,
        size_limit: 1,
        objects_limit: 1,
    }
}

/// A directory node that serves whatever it is given.
struct Fake {
    url: String,
    blocks: Arc<watch::Sender<Vec<Block>>>,
    serving: JoinHandle<()>,
}

impl Fake {
    async fn start(genesis: &Genesis, blocks: Vec<Block>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let blocks = Arc::new(watch::Sender::new(blocks));
        let genesis = serde_json::to_vec(&GenesisFile::from(genesis)).unwrap();
        let shown = Arc::clone(&blocks);
        let serving = tokio::spawn(async move {
            // Connections end with the task that accepted them.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, genesis.clone(), shown.subscribe()));
            }
        });
        Self { url, blocks, serving }
    }

    fn add(&self, blocks: Vec<Block>) {
        self.blocks.send_modify(|all| all.extend(blocks));
    }
}

async fn serve(mut stream: TcpStream, genesis: Vec<u8>, mut blocks: watch::Receiver<Vec<Block>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read_exact(&mut byte).await.is_err() {
            return;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    if head.starts_with("GET /api/v1/genesis ") {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            genesis.len()
        );
        let _gone = stream.write_all(&[answer.as_bytes(), &genesis].concat()).await;
        return;
    }
    let from = head.split("from=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let mut next: u64 = from.parse().unwrap();
    let answer =
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.argosy.blocks\r\nconnection: close\r\n\r\n";
    stream.write_all(answer.as_bytes()).await.unwrap();
    loop {
        let due: Vec<Block> =
            blocks.borrow_and_update().iter().filter(|block| block.header.height >= next).cloned().collect();
        for block in due {
            next = block.header.height + 1;
            let bytes = block.encode();
            let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
            if stream.write_all(&[&length[..], &bytes].concat()).await.is_err() {
                return;
            }
        }
        if blocks.changed().await.is_err() {
            return;
        }
    }
}

fn open(dir: &Path, genesis: &Genesis, urls: &[&str]) -> (Follower, FollowTask) {
    let config = FollowerConfig {
        genesis: genesis.clone(),
        directories: DirectoryUrls::new(urls.iter().map(|url| (*url).to_owned()).collect()).unwrap(),
        checkpoint: dir.join("directory.checkpoint"),
    };
    let client = Client::new(ClientConfig { addresses: AddressPolicy::Local, ..ClientConfig::default() });
    Follower::open(config, client).unwrap()
}

struct Following {
    follower: Follower,
    shutdown: Shutdown,
    task: JoinHandle<()>,
}

impl Following {
    fn start(dir: &Path, genesis: &Genesis, urls: &[&str]) -> Self {
        let (follower, task) = open(dir, genesis, urls);
        let shutdown = Shutdown::new();
        Self { follower, task: tokio::spawn(task.run(shutdown.clone())), shutdown }
    }

    async fn stop(self) {
        self.shutdown.trigger();
        tokio::time::timeout(DEADLINE, self.task).await.unwrap().unwrap();
    }

    async fn reach(&self, height: u64) {
        assert!(self.follower.wait_for_height(height, DEADLINE).await, "{:?}", self.follower.status());
    }

    async fn halt(&self) -> String {
        let deadline = tokio::time::Instant::now() + DEADLINE;
        let mut poll = tokio::time::interval(Duration::from_millis(5));
        loop {
            poll.tick().await;
            if let Some(reason) = self.follower.status().halted {
                return reason;
            }
            assert!(tokio::time::Instant::now() < deadline, "{:?}", self.follower.status());
        }
    }
}

#[tokio::test]
async fn blocks_are_applied_as_they_come_and_kept_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis("test");
    let mut maker = Maker::new(&genesis);
    let fake = Fake::start(&genesis, maker.buckets(0, 300)).await;
    let following = Following::start(dir.path(), &genesis, &[&fake.url]);
    following.reach(300).await;
    let mut changes = following.follower.changes();
    fake.add(maker.buckets(300, 1));
    following.reach(301).await;
    assert_eq!(changes.recv().await.unwrap().height, 301);
    let status = following.follower.status();
    assert!(status.connected && status.halted.is_none() && status.url == fake.url);
    following.stop().await;

    // Without a directory node there is still everything that was known.
    fake.serving.abort();
    let (follower, _) = open(dir.path(), &genesis, &[&fake.url]);
    assert_eq!(follower.head().borrow().height, 301);
    assert!(follower.with_index(|index| index.storage_bucket(StorageBucketId(300)).is_some()));
    assert!(follower.with_index(|index| index.storage_bucket(StorageBucketId(301)).is_none()));

    // And it goes on from there: a node that has only the newest blocks will do.
    let newest = Fake::start(&genesis, maker.buckets(301, 2)).await;
    let following = Following::start(dir.path(), &genesis, &[&newest.url]);
    following.reach(303).await;
    following.stop().await;
}

#[tokio::test]
async fn a_damaged_checkpoint_costs_only_time() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis("test");
    let mut maker = Maker::new(&genesis);
    let fake = Fake::start(&genesis, maker.buckets(0, 5)).await;
    let following = Following::start(dir.path(), &genesis, &[&fake.url]);
    following.reach(5).await;
    following.stop().await;
    let path = dir.path().join("directory.checkpoint");
    let sound = std::fs::read(&path).unwrap();
    // Every byte counts, and so does the length; the byte that says the version is told apart.
    for at in (0..sound.len()).filter(|at| *at != 7 && *at != 6) {
        let mut bytes = sound.clone();
        bytes[at] ^= 0x20;
        let decoded = super::checkpoint::read(&bytes[..], &genesis.hash());
        assert_eq!(decoded.map(drop), Err(super::checkpoint::Flaw::Damaged), "byte {at}");
        let decoded = super::checkpoint::read(&sound[..at], &genesis.hash());
        assert_eq!(decoded.map(drop), Err(super::checkpoint::Flaw::Damaged), "cut at {at}");
    }
    std::fs::write(&path, &sound[..sound.len() - 1]).unwrap();
    let following = Following::start(dir.path(), &genesis, &[&fake.url]);
    following.reach(5).await;
    following.stop().await;
}

#[test]
fn checkpoints_of_other_networks_and_newer_programs_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ours = genesis("test");
    let maker = Maker::new(&ours);
    let index = argosy_node_core::follow::Index::from_genesis(&ours);
    let path = dir.path().join("directory.checkpoint");
    let anchor = Anchor { tip: maker.tip, changes: Vec::new() };
    super::checkpoint::save(&path, &anchor, &index).unwrap();
    let sound = std::fs::read(&path).unwrap();
    assert_eq!(super::checkpoint::read(&sound[..], &ours.hash()).unwrap(), (anchor, index));
    let refusal = |genesis: &Genesis| {
        let opened = super::checkpoint::load_or_start(&path, genesis);
        opened.map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(refusal(&ours), Ok(()));
    assert!(refusal(&genesis("other")).unwrap_err().contains("another network"));
    let mut newer = sound.clone();
    newer[7] = b'9';
    std::fs::write(&path, &newer).unwrap();
    assert!(refusal(&ours).unwrap_err().contains("newer argosy"));

    let mut older = sound;
    older[7] = b'1';
    std::fs::write(&path, &older).unwrap();
    assert_eq!(super::checkpoint::read(&older[..], &ours.hash()), Err(super::checkpoint::Flaw::Older));
    assert_eq!(refusal(&ours), Ok(()), "it follows from the start");
}

#[tokio::test]
async fn a_checkpoint_is_saved_beside_the_following_and_only_if_there_is_news() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis("test");
    let (follower, _) = open(dir.path(), &genesis, &["http://127.0.0.1:9"]);
    let chain = std::sync::Mutex::new(argosy_ledger::ChainVerifier::new(&genesis).unwrap());
    let path = dir.path().join("beside.checkpoint");
    let never_saved = u64::MAX;
    let mut saver = super::checkpoint::Saver::new(path.clone(), never_saved);
    saver.save_now(&follower.shared, &chain).await;
    let (anchor, index) =
        super::checkpoint::read(&std::fs::read(&path).unwrap()[..], &genesis.hash()).unwrap();
    assert_eq!((anchor.tip.height, &index), (0, &*follower.index()));
    std::fs::remove_file(&path).unwrap();
    saver.save_now(&follower.shared, &chain).await;
    assert!(!path.exists(), "nothing had changed");
}

#[tokio::test]
async fn what_does_not_prove_itself_is_not_applied() {
    let genesis = genesis("test");
    let mut maker = Maker::new(&genesis);
    let good = maker.buckets(0, 3);
    let mut forged = good.clone();
    forged[2].block_events = vec![bucket_created(9)];
    let mut unsigned = good.clone();
    unsigned[2].proof = FinalityProof::sign(&key("//Mallory"), 0, &good[2].header.hash());
    let skipping = vec![good[0].clone(), good[2].clone()];
    // The second block of another chain by the same key, which began with another first block.
    let mut fork = good.clone();
    let mut second = Maker::new(&genesis);
    second.make(vec![bucket_created(8)]);
    fork[1] = second.make(vec![bucket_created(7)]);
    let (refused, two) = ("must not be taken", "signed two histories, which differ at height 1");
    for (blocks, height, told) in
        [(forged, 2, refused), (unsigned, 2, refused), (skipping, 1, refused), (fork, 1, two)]
    {
        let dir = tempfile::tempdir().unwrap();
        let fake = Fake::start(&genesis, blocks).await;
        let following = Following::start(dir.path(), &genesis, &[&fake.url]);
        let reason = following.halt().await;
        assert!(reason.contains(told), "{reason}");
        let status = following.follower.status();
        assert_eq!((status.height, status.connected), (height, false), "{reason}");
        following.stop().await;
    }
}

#[tokio::test]
async fn another_directory_node_makes_up_for_one_that_lies_and_one_that_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis("test");
    let mut maker = Maker::new(&genesis);
    let good = maker.buckets(0, 10);
    let mut bad = good.clone();
    bad[4].block_events.clear();
    // A port that no other test is given.
    let gone_url = "http://127.0.0.1:1";
    let liar = Fake::start(&genesis, bad).await;
    let honest = Fake::start(&genesis, good).await;
    let following = Following::start(dir.path(), &genesis, &[gone_url, &liar.url, &honest.url]);
    following.reach(10).await;
    assert_eq!(following.follower.status().halted, None);
    honest.add(maker.buckets(10, 1));
    following.reach(11).await;
    following.stop().await;
}

#[tokio::test]
async fn a_directory_of_another_network_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (genesis("test"), genesis("other"));
    let fake = Fake::start(&theirs, Maker::new(&theirs).buckets(0, 3)).await;
    let following = Following::start(dir.path(), &ours, &[&fake.url]);
    let reason = following.halt().await;
    assert!(reason.contains("another network") && reason.contains(&fake.url), "{reason}");
    assert_eq!(following.follower.status().height, 0);
    following.stop().await;
}

#[tokio::test]
async fn a_proved_block_that_contradicts_the_index_stops_the_following() {
    let dir = tempfile::tempdir().unwrap();
    let genesis = genesis("test");
    let mut maker = Maker::new(&genesis);
    let mut blocks = maker.buckets(0, 2);
    // A bucket that exists is made again.
    blocks.push(maker.make(vec![bucket_created(0)]));
    let fake = Fake::start(&genesis, blocks).await;
    let following = Following::start(dir.path(), &genesis, &[&fake.url]);
    let reason = following.halt().await;
    assert!(reason.contains("contradicts"), "{reason}");
    assert_eq!(following.follower.status().height, 2);
    following.stop().await;
    // Nothing of the failed block is in the checkpoint.
    let (follower, _) = open(dir.path(), &genesis, &[&fake.url]);
    assert!(follower.head().borrow().height <= 2);
    let owner = follower.with_index(|index| {
        index.owner_account(&argosy_domain::BagId::Dynamic(argosy_domain::DynamicBagId::Member(MemberId(0))))
    });
    assert_eq!(owner, Some(key("//Alice").account()));
}
