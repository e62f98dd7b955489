//! Followers of a directory node: how fast one catches up, and how soon a new one serves.

use super::{as_f64, directory::build, http::Connection, say};
use crate::directory_log::{Log, SEQUENCER_SEED};
use anyhow::{Context as _, Result, bail, ensure};
use argosy_api::genesis::GenesisFile;
use argosy_directory::{
    Call, Genesis, MembershipCall, Transaction,
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup, Params, Profile},
};
use argosy_domain::{KeyScheme, Keypair};
use argosy_ledger::{
    Anchor, Block, ChainTip, Engine, EngineConfig, FinalityProof, Header,
    block::{HEADER_VERSION, RULES_VERSION, results_root, transactions_root},
    checkpoint::{self, Pace},
    install_snapshot, randomness,
};
use codec::Encode as _;
use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::AtomicBool,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Longest that a node may take for anything here.
const DEADLINE: Duration = Duration::from_secs(600);

pub(crate) fn run(root: &Path, blocks: u64, objects: u64) -> Result<()> {
    let built = Command::new("cargo").args(["build", "--release", "-q"]).current_dir(root).status()?;
    ensure!(built.success(), "cargo build --release failed");
    let folder = root.join("target/bench-follow");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let bench = Bench { program: root.join("target/release/argosy"), folder };
    if blocks > 0 {
        bench.catch_up(blocks)?;
    }
    if objects > 0 {
        bench.begin(objects)?;
    }
    fs::remove_dir_all(&bench.folder)?;
    Ok(())
}

struct Bench {
    program: PathBuf,
    folder: PathBuf,
}

/// A node that runs; it is killed when dropped.
struct Node {
    process: Child,
    endpoint: String,
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Bench {
    /// A follower that was away while `count` blocks of one signed transaction were made.
    fn catch_up(&self, count: u64) -> Result<()> {
        let sequencer = Keypair::from_uri(KeyScheme::Sr25519, "//Sequencer").context("a key")?;
        let genesis = small_genesis(&sequencer);
        self.write_genesis(&genesis)?;
        let source = self.folder.join("source");
        make_blocks(&source, &genesis, &sequencer, count)?;
        let first = self.start("source", "sequencer: {suri: //Sequencer}\ngraphql: {enabled: false}\n")?;
        for (name, graphql) in [("with its ledger alone", false), ("with the GraphQL index beside it", true)]
        {
            let folder = format!("copy-{graphql}");
            let config =
                format!("follow: {{upstreams: [{}]}}\ngraphql: {{enabled: {graphql}}}\n", first.endpoint);
            let started = Instant::now();
            let copy = self.start(&folder, &config)?;
            copy.reach(|status| status["height"].as_u64() >= Some(count))?;
            let seconds = started.elapsed().as_secs_f64();
            let what = format!("{count} blocks of one transaction caught up, {name}");
            say(&what, format!("{:.0} blocks/s ({seconds:.1} s)", as_f64(count) / seconds), "-");
            if graphql {
                copy.reach(|status| status["graphql"]["lagBlocks"].as_u64() == Some(0))?;
                let seconds = started.elapsed().as_secs_f64();
                say("  until the index has them too", format!("{seconds:.1} s"), "-");
            }
        }
        Ok(())
    }

    /// A new follower of a directory with so many objects.
    fn begin(&self, objects: u64) -> Result<()> {
        let (mut state, log) = build(Log::of_local_profile(), objects)?;
        let (genesis, sequencer) = (log.genesis.clone(), log.sequencer().clone());
        self.write_genesis(&genesis)?;
        let at = *state.at();
        let pair = sequencer.sr25519().context("an sr25519 key")?;
        let (drawn, vrf) = randomness::draw(pair, &[0; 32], at.height);
        let header = Header {
            version: HEADER_VERSION,
            rules_version: RULES_VERSION,
            height: at.height,
            parent: [0; 32],
            time_ms: at.time_ms,
            transactions_root: transactions_root(&[]),
            results_root: results_root(&[], &[]),
            state_root: state.root(),
            proposer: 0,
            randomness: drawn,
            vrf,
        };
        let proof = FinalityProof::sign(&sequencer, 0, &header.hash());
        let block =
            Block { header, transactions: Vec::new(), outcomes: Vec::new(), block_events: Vec::new(), proof };
        let anchor = Anchor { tip: ChainTip::of(&block), changes: Vec::new() };
        let file = self.folder.join("made.checkpoint");
        checkpoint::write(
            &file,
            &anchor,
            &state,
            Pace { bytes_per_second: u64::MAX },
            &AtomicBool::new(false),
        )?;
        drop((state, log));
        let bytes = fs::metadata(&file)?.len();
        install_snapshot(&self.folder.join("large"), &file, &block.encode().into(), &genesis, None)?;

        let key = self.folder.join("sequencer.key");
        fs::write(&key, format!("0x{}", hex::encode(SEQUENCER_SEED)))?;
        fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        let config = format!("sequencer: {{file: {}}}\ngraphql: {{enabled: false}}\n", key.display());
        let started = Instant::now();
        let first = self.start("large", &config)?;
        first.reach(|status| status["objectsCount"].as_u64() >= Some(objects))?;
        say(
            &format!("a node with {objects} objects started from its own checkpoint"),
            format!("{:.1} s", started.elapsed().as_secs_f64()),
            "-",
        );
        let config = format!(
            "follow: {{upstreams: [{}], from: snapshot}}\ngraphql: {{enabled: false}}\n",
            first.endpoint
        );
        let started = Instant::now();
        let copy = self.start("large-copy", &config)?;
        copy.reach(|status| status["objectsCount"].as_u64() >= Some(objects))?;
        say(
            &format!("a new follower began with a snapshot of {objects} objects ({} MB)", bytes / 1_000_000),
            format!("{:.1} s", started.elapsed().as_secs_f64()),
            "-",
        );
        Ok(())
    }

    fn write_genesis(&self, genesis: &Genesis) -> Result<()> {
        let path = self.folder.join("genesis.json");
        fs::write(path, serde_json::to_vec(&GenesisFile::from(genesis))?)?;
        Ok(())
    }

    /// Starts a node whose ledger is in the folder `name`.
    fn start(&self, name: &str, config: &str) -> Result<Node> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let path = self.folder.join(format!("{name}.yml"));
        fs::write(&path, format!("data: {name}\ngenesis: genesis.json\nlisten: {address}\n{config}"))?;
        let process = Command::new(&self.program)
            .args(["directory", "start", "--config"])
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.folder.join(format!("{name}.log")))?)
            .spawn()
            .context("cannot start argosy directory")?;
        Ok(Node { process, endpoint: format!("http://{address}") })
    }
}

impl Node {
    /// Waits until the status says so.
    #[expect(clippy::disallowed_methods, reason = "another process is asked; it says nothing by itself")]
    fn reach(&self, is_reached: impl Fn(&Value) -> bool) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < DEADLINE {
            if let Some(status) = self.status()
                && is_reached(&status)
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("{} did not get there within {} s", self.endpoint, DEADLINE.as_secs())
    }

    fn status(&self) -> Option<Value> {
        let answer = Connection::open(&self.endpoint).ok()?.get_body("/api/v1/status").ok()?;
        serde_json::from_slice(&answer.body).ok()
    }
}

/// One block for each transaction, on a disk that is quick to sync.
fn make_blocks(dir: &Path, genesis: &Genesis, sequencer: &Keypair, count: u64) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let memory = PathBuf::from(format!("/dev/shm/argosy-bench-{}", std::process::id()));
    runtime.block_on(async {
        let (engine, mut task) = Engine::open(&memory, genesis, sequencer.clone(), EngineConfig::default())?;
        let signer = Keypair::from_uri(KeyScheme::Sr25519, "//Alice").context("a key")?;
        let now_ms = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
        for nonce in 0..count {
            let call = Call::Membership(MembershipCall::CreateMember { handle: format!("member-{nonce}") });
            let transaction = Transaction::sign(&signer, genesis.hash(), nonce, now_ms + 3_000_000, call);
            engine.submit(transaction.encode()).await?;
        }
        drop(engine);
        task.stop();
        task.join().await?;
        anyhow::Ok(())
    })?;
    argosy_ledger::copy_ledger(&memory, dir, genesis)?;
    fs::remove_dir_all(&memory)?;
    Ok(())
}

fn small_genesis(sequencer: &Keypair) -> Genesis {
    Genesis {
        version: GENESIS_VERSION,
        network: "follow".to_owned(),
        profile: Profile::Local,
        time_ms: 1_700_000_000_000,
        sequencer: sequencer.account(),
        params: Params::local(),
        members: Vec::new(),
        storage_group: GenesisGroup::default(),
        distribution_group: GenesisGroup::default(),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: Vec::new(),
    }
}
