//! A directory node that says whatever a test wants, in blocks that prove themselves.

use argosy_api::genesis::GenesisFile;
use argosy_directory::{
    Event, Genesis, Params, Profile,
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
};
use argosy_domain::{KeyScheme, Keypair};
use argosy_ledger::{
    Block, ChainTip, FinalityProof, Header,
    block::{HEADER_VERSION, RULES_VERSION, results_root, transactions_root},
    genesis_block, randomness,
};
use argosy_node::follower::now_ms;
use codec::Encode as _;
use std::sync::{Arc, Mutex};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

pub(crate) fn key(uri: &str) -> Keypair {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap()
}

pub(crate) fn genesis() -> Genesis {
    let account = key("//Alice").account();
    let worker =
        |uri: String| GenesisWorker { member: "alice".to_owned(), role_account: key(&uri).account() };
    let group = |name: &str| GenesisGroup {
        workers: (0..4).map(|at| worker(format!("//{name}{at}"))).collect(),
        lead: Some(0),
    };
    Genesis {
        version: GENESIS_VERSION,
        network: "test".to_owned(),
        profile: Profile::Local,
        time_ms: 1_700_000_000_000,
        sequencer: key("//Sequencer").account(),
        params: Params::local(),
        members: vec![GenesisMember { handle: "alice".to_owned(), account }],
        storage_group: group("Storage"),
        distribution_group: group("Distributor"),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: Vec::new(),
    }
}

/// Serves blocks as they are made; ends when dropped.
pub(crate) struct FakeDirectory {
    pub(crate) url: String,
    tip: Mutex<ChainTip>,
    blocks: Arc<watch::Sender<Vec<Block>>>,
    /// Takes connections and says nothing.
    mute: Arc<watch::Sender<bool>>,
    serving: JoinHandle<()>,
}

impl Drop for FakeDirectory {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl FakeDirectory {
    pub(crate) async fn start() -> Self {
        let genesis = genesis();
        let (block, _) = genesis_block(&genesis).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let blocks = Arc::new(watch::Sender::new(Vec::new()));
        let file = serde_json::to_vec(&GenesisFile::from(&genesis)).unwrap();
        let shown = Arc::clone(&blocks);
        let mute = Arc::new(watch::Sender::new(false));
        let muted = Arc::clone(&mute);
        let serving = tokio::spawn(async move {
            // Connections end with the task that accepted them.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (file, blocks, mut muted) = (file.clone(), shown.subscribe(), muted.subscribe());
                connections.spawn(async move {
                    // The directory itself holds the sender.
                    let _ = muted.wait_for(|muted| !muted).await;
                    serve(stream, file, blocks).await;
                });
            }
        });
        Self { url, tip: Mutex::new(ChainTip::of(&block)), blocks, mute, serving }
    }

    /// Makes a block of these events; gives its height.
    pub(crate) fn block(&self, block_events: Vec<Event>) -> u64 {
        let key = key("//Sequencer");
        let mut tip = self.tip.lock().unwrap();
        let height = tip.height + 1;
        let (drawn, vrf) = randomness::draw(key.sr25519().unwrap(), &tip.randomness, height);
        let header = Header {
            version: HEADER_VERSION,
            rules_version: RULES_VERSION,
            height,
            parent: tip.hash,
            time_ms: now_ms(),
            transactions_root: transactions_root(&[]),
            results_root: results_root(&block_events, &[]),
            state_root: [0; 32],
            proposer: 0,
            randomness: drawn,
            vrf,
        };
        let proof = FinalityProof::sign(&key, 0, &header.hash());
        let block = Block { header, transactions: Vec::new(), outcomes: Vec::new(), block_events, proof };
        *tip = ChainTip::of(&block);
        self.blocks.send_modify(|all| all.push(block));
        height
    }

    /// Whoever connects from now on gets no answer, and no refusal either, until it speaks again.
    pub(crate) fn hang(&self, hanging: bool) {
        self.mute.send_replace(hanging);
    }

    /// Goes away, with all its connections.
    pub(crate) fn stop(&self) {
        self.serving.abort();
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
    let document = if head.starts_with("GET /api/v1/genesis ") {
        Some(genesis)
    } else {
        head.starts_with("GET /api/v1/status ").then(|| status(&blocks.borrow()))
    };
    if let Some(document) = document {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            document.len()
        );
        let _gone = stream.write_all(&[answer.as_bytes(), &document].concat()).await;
        return;
    }
    let from = head.split("from=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    let mut next: u64 = from.parse().unwrap();
    let answer =
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.argosy.blocks\r\nconnection: close\r\n\r\n";
    if stream.write_all(answer.as_bytes()).await.is_err() {
        return;
    }
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

/// Only what nodes look at is told as it is.
fn status(blocks: &[Block]) -> Vec<u8> {
    let status = serde_json::json!({
        "version": "0", "network": "test", "genesis": GenesisFile::from(&genesis()).hash,
        "height": blocks.last().map_or(0, |block| block.header.height),
        "head": "", "stateRoot": "", "blockTimeMs": now_ms(), "uptimeSeconds": 1,
        "poolCount": 0, "objectsCount": 0,
    });
    serde_json::to_vec(&status).unwrap()
}
