//! The index goes on where it stopped, and keeps what the ledger drops.

use super::*;
use argosy_directory::{
    Call, DistributionCall, GroupCall, MembershipCall, Params, Profile, Transaction,
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
};
use argosy_domain::{KeyScheme, Keypair, WorkerId};
use argosy_ledger::{CheckpointConfig, Engine, EngineConfig, EngineTask, Retention};
use codec::{DecodeAll, Encode};
use rusqlite::types::Value;
use std::num::{NonZeroU64, NonZeroUsize};

const GROUP: WorkingGroup = WorkingGroup::Distribution;
/// Longest that a test waits for anything.
const DEADLINE: Duration = Duration::from_secs(120);

fn key(uri: &str) -> Keypair {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap()
}

/// Alice leads distribution.
fn genesis() -> Genesis {
    let alice = key("//Alice").account();
    Genesis {
        version: GENESIS_VERSION,
        network: "index-test".to_owned(),
        profile: Profile::Local,
        time_ms: 1_700_000_000_000,
        sequencer: key("//Sequencer").account(),
        params: Params::local(),
        members: vec![GenesisMember { handle: "alice".to_owned(), account: alice }],
        storage_group: GenesisGroup::default(),
        distribution_group: GenesisGroup {
            workers: vec![GenesisWorker { member: "alice".to_owned(), role_account: alice }],
            lead: Some(0),
        },
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: Vec::new(),
    }
}

/// A ledger that forgets as much as it may.
struct Ledger {
    engine: Engine,
    task: EngineTask,
    nonces: std::collections::HashMap<String, u64>,
}

impl Ledger {
    fn open(folder: &Path) -> Self {
        let one = NonZeroU64::MIN;
        let checkpoints = CheckpointConfig {
            every_blocks: NonZeroU64::new(20).unwrap(),
            kept: NonZeroUsize::MIN,
            ..CheckpointConfig::default()
        };
        let config = EngineConfig {
            checkpoints,
            retention: Retention::Blocks(one),
            segment_bytes: 4_096,
            ..EngineConfig::default()
        };
        let (engine, task) = Engine::open(folder, &genesis(), key("//Sequencer"), config).unwrap();
        let nonces = ["//Alice", "//Bob", "//Carol"].map(|uri| {
            let nonce = engine.snapshot().unwrap().nonce(&key(uri).account());
            (uri.to_owned(), nonce)
        });
        Self { engine, task, nonces: nonces.into() }
    }

    /// Gives where it is.
    async fn submit(&mut self, uri: &str, call: Call) -> Place {
        let nonce = self.nonces.get_mut(uri).unwrap();
        let until = crate::health::now_ms() + 60_000;
        let transaction = Transaction::sign(&key(uri), genesis().hash(), *nonce, until, call);
        *nonce += 1;
        let receipt = self.engine.submit(transaction.encode()).await.unwrap();
        Place { height: receipt.height, index: receipt.index }
    }

    async fn family(&mut self) -> Place {
        self.submit("//Alice", Call::Distribution(DistributionCall::CreateDistributionBucketFamily)).await
    }

    async fn member(&mut self, uri: &str, handle: &str) -> Place {
        let call = MembershipCall::CreateMember { handle: handle.to_owned() };
        self.submit(uri, Call::Membership(call)).await
    }

    fn height(&self) -> u64 {
        self.engine.head().borrow().height
    }

    /// All blocks that are there.
    fn blocks(&self) -> Vec<Block> {
        let range = self.engine.oldest_block()..=self.height();
        let read = |height| Block::decode_bytes(&self.engine.block_bytes(height).unwrap().unwrap()).unwrap();
        range.map(read).collect()
    }

    async fn close(mut self) {
        self.task.stop();
        tokio::time::timeout(DEADLINE, self.task.join()).await.unwrap().unwrap();
    }
}

/// An index that is being fed.
struct Running {
    index: Index,
    shutdown: Shutdown,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Running {
    fn start(folder: &Path, engine: &Engine) -> Self {
        let (index, writer) = Index::open(folder, &genesis(), engine).unwrap();
        let (shutdown, feed) = (Shutdown::new(), Feed::new(LedgerView::clone(engine)));
        let running = index.clone().run(writer, feed.clone(), LedgerView::clone(engine), shutdown.clone());
        let tasks = vec![tokio::spawn(feed.run(shutdown.clone())), tokio::spawn(running)];
        Self { index, shutdown, tasks }
    }

    async fn reaches(&self, height: u64) {
        let reached = async {
            while self.index.coverage().height() < height {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(DEADLINE, reached).await.unwrap();
    }

    async fn stop(self) -> Index {
        self.shutdown.trigger();
        for task in self.tasks {
            tokio::time::timeout(DEADLINE, task).await.unwrap().unwrap();
        }
        self.index
    }
}

fn record(index: &Index) -> Vec<Place> {
    index.of_lead(GROUP, Place { height: 0, index: 0 }, u64::MAX, usize::MAX).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_record_outlives_the_blocks_and_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let [data, folder] = ["data", "index"].map(|name| dir.path().join(name));
    let mut ledger = Ledger::open(&data);
    let running = Running::start(&folder, &ledger.engine);
    let mut led = vec![ledger.family().await];
    // A lead hands over in the middle, and the record follows.
    let account = key("//Bob").account();
    let hand_over = GroupCall::UpdateRoleAccount { worker: WorkerId(0), account };
    led.push(ledger.submit("//Alice", Call::Group { group: GROUP, call: hand_over }).await);
    ledger.member("//Alice", "not-the-lead-now").await;
    led.push(ledger.member("//Bob", "bob").await);
    let mut turn = 0;
    let grow = async {
        while ledger.engine.oldest_block() < 10 {
            ledger.member("//Carol", &format!("carol-{turn}")).await;
            turn += 1;
        }
    };
    tokio::time::timeout(DEADLINE, grow).await.expect("blocks are dropped");
    running.reaches(ledger.height()).await;
    assert_eq!(record(&running.index), led);
    running.stop().await;

    led.push(ledger.member("//Bob", "bob-2").await);
    let running = Running::start(&folder, &ledger.engine);
    running.reaches(ledger.height()).await;
    assert_eq!((record(&running.index), running.index.coverage().first), (led.clone(), 1));
    let first = running.index.led(GROUP, led[0]).unwrap().unwrap();
    let transaction = Transaction::decode(&first.bytes).unwrap();
    assert_eq!((transaction.payload.signer, first.result), (key("//Alice").account(), Ok(())));
    assert!(ledger.engine.block_bytes(led[0].height).is_err(), "its block is gone");
    assert!(running.index.has_of_lead(&transaction.hash()).unwrap());

    let oldest = ledger.engine.oldest_block();
    let carols = running.index.of_account(&key("//Carol").account(), None, oldest, 1_000).unwrap();
    assert!(carols.iter().all(|place| place.height >= oldest) && carols.is_sorted_by(|a, b| a > b));
    assert!(carols.len() > 2 && carols.len() < turn, "{} of {turn}", carols.len());
    let block = Block::decode_bytes(&ledger.engine.block_bytes(carols[1].height).unwrap().unwrap()).unwrap();
    let hash = argosy_ledger::block::transaction_hash(&block.transactions[0]);
    assert_eq!(running.index.candidates(&hash).unwrap(), [carols[1]]);
    running.stop().await;
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_keeps_what_the_index_has_not_seen() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(&dir.path().join("data"));
    let folder = dir.path().join("index");
    drop(Index::open(&folder, &genesis(), &ledger.engine).unwrap());
    let mut checkpoints = ledger.engine.checkpoint_height();
    let mut made = 0;
    while made < 3 {
        ledger.member("//Carol", &format!("carol-{}", ledger.height())).await;
        if checkpoints.has_changed().unwrap() {
            checkpoints.borrow_and_update();
            made += 1;
        }
    }
    assert_eq!(ledger.engine.oldest_block(), 1);
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_was_lost_says_what_it_misses() {
    let dir = tempfile::tempdir().unwrap();
    let [data, folder] = ["data", "index"].map(|name| dir.path().join(name));
    let mut ledger = Ledger::open(&data);
    let account = key("//Bob").account();
    let hand_over = GroupCall::UpdateRoleAccount { worker: WorkerId(0), account };
    ledger.submit("//Alice", Call::Group { group: GROUP, call: hand_over }).await;
    // Nobody needs blocks here, and so they go.
    let grow = async {
        while ledger.engine.oldest_block() < 10 {
            ledger.member("//Carol", &format!("carol-{}", ledger.height())).await;
        }
    };
    tokio::time::timeout(DEADLINE, grow).await.expect("blocks are dropped");
    let height = ledger.height();
    let running = Running::start(&folder, &ledger.engine);
    let led = ledger.member("//Bob", "bob").await;
    running.reaches(led.height).await;
    assert_eq!(running.index.coverage().first, height + 1);
    assert_eq!(record(&running.index), [led], "who leads is known from the state");
    running.stop().await;
    ledger.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_of_another_ledger_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("index");
    for name in ["one", "two"] {
        let mut ledger = Ledger::open(&dir.path().join(name));
        let running = Running::start(&folder, &ledger.engine);
        let led = ledger.family().await;
        running.reaches(led.height).await;
        assert_eq!(record(&running.index), [led]);
        running.stop().await;
        ledger.close().await;
    }
    assert!(folder.join("index.set-aside.sqlite").exists());
}

/// Everything in the file, as text.
fn dump(folder: &Path) -> String {
    let db = rusqlite::Connection::open(folder.join("index.sqlite")).unwrap();
    let mut all = String::new();
    for table in ["state", "signer", "signed", "led"] {
        let mut rows = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let width = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<Value> = (0..width).map(|at| row.get(at).unwrap()).collect();
            all.push_str(&format!("{table} {cells:?}\n"));
        }
    }
    all
}

/// What a kill or a power cut leaves: the file as of the last time that all was put into it, and any part
/// of what was written after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_index_goes_on_from_a_whole_block() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = Ledger::open(&dir.path().join("data"));
    let whole = dir.path().join("whole");
    let (_, mut writer) = Index::open(&whole, &genesis(), &ledger.engine).unwrap();
    for turn in 0..12 {
        ledger.family().await;
        ledger.member("//Carol", &format!("carol-{turn}")).await;
    }
    let blocks = ledger.blocks();
    let mut torn_behind = 0;
    for (block, at) in blocks.iter().zip(1_usize..) {
        writer.apply([block]).unwrap();
        let log = fs::read(whole.join("index.sqlite-wal")).unwrap();
        let torn = dir.path().join(format!("torn-{at}"));
        fs::create_dir(&torn).unwrap();
        fs::copy(whole.join("index.sqlite"), torn.join("index.sqlite")).unwrap();
        fs::write(torn.join("index.sqlite-wal"), &log[..log.len() * (at * 7 % 11) / 11]).unwrap();
        let (index, mut again) = Index::open(&torn, &genesis(), &ledger.engine).unwrap();
        let next = again.coverage().next;
        torn_behind += block.header.height + 1 - next;
        again.apply(blocks.iter().filter(|block| block.header.height >= next)).unwrap();
        assert_eq!(record(&index).len(), 12);
        drop((index, again));
        let fresh = dir.path().join(format!("fresh-{at}"));
        let (_, mut once) = Index::open(&fresh, &genesis(), &ledger.engine).unwrap();
        once.apply(&blocks).unwrap();
        drop(once);
        assert_eq!(dump(&torn), dump(&fresh), "{at}");
    }
    assert!(torn_behind > 0, "nothing was ever lost");
    ledger.close().await;
}

#[test]
fn who_leads_is_kept_as_it_was() {
    let (_, state) = argosy_ledger::genesis_block(&genesis()).unwrap();
    let leads = leads::Leads::of_state(&state);
    assert_eq!(leads.led_by(key("//Alice").account()).collect::<Vec<_>>(), [GROUP]);
    assert_eq!(leads::Leads::decode_all(&mut leads.encode().as_slice()).unwrap(), leads);
}

#[test]
fn the_signer_is_read_without_the_rest() {
    let key = key("//Alice");
    let call = Call::Membership(MembershipCall::RemoveStakingAccount);
    let bytes = Transaction::sign(&key, [7; 32], 3, 9, call).encode();
    assert_eq!(store::signer(&bytes), Some(key.account()));
    assert_eq!(store::signer(&bytes[..60]), None);
}
