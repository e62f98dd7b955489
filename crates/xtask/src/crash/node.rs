//! A directory node under test: the real program with small limits, so that little work does much.

use super::room;
use crate::bench::http::Connection;
use anyhow::{Context as _, Result, bail, ensure};
use argosy_api::genesis::GenesisFile;
use argosy_directory::{
    Genesis, Params, Profile,
    genesis::{GENESIS_VERSION, GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
};
use argosy_domain::{KeyScheme, Keypair};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    thread,
    time::{Duration, Instant},
};

/// What glibc's allocator is told by the environment.
pub(crate) const TUNABLES: &str = "GLIBC_TUNABLES";
/// Longest wait for anything that must come.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn key(uri: &str) -> Result<Keypair> {
    Keypair::from_uri(KeyScheme::Sr25519, uri).map_err(|error| anyhow::anyhow!("{uri}: {error}"))
}

/// Alice leads the groups; everybody else has yet to become a member.
pub(crate) fn genesis() -> Result<Genesis> {
    let alice = key("//Alice")?.account();
    let group = || GenesisGroup {
        workers: vec![GenesisWorker { member: "alice".to_owned(), role_account: alice }],
        lead: Some(0),
    };
    Ok(Genesis {
        version: GENESIS_VERSION,
        network: "crash".to_owned(),
        profile: Profile::Local,
        time_ms: 1_700_000_000_000,
        sequencer: key("//Sequencer")?.account(),
        params: Params::local(),
        members: vec![GenesisMember { handle: "alice".to_owned(), account: alice }],
        storage_group: group(),
        distribution_group: group(),
        attestation_group: GenesisGroup::default(),
        council: GenesisCouncil::default(),
        balances: Vec::new(),
    })
}

/// How soon things happen that take long in earnest.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) segment_bytes: u64,
    pub(crate) checkpoint_blocks: u64,
    /// Blocks that are kept; all if nothing.
    pub(crate) retention: Option<u64>,
}

/// Where a node lives.
pub(crate) struct Home {
    program: PathBuf,
    /// Configuration, genesis and what the node prints.
    dir: PathBuf,
    /// All that the node writes.
    pub(crate) data: PathBuf,
    pub(crate) endpoint: SocketAddr,
    pub(crate) genesis: Genesis,
    pub(crate) limits: Limits,
}

impl Home {
    /// Writes genesis and configuration into `dir`; the node will write into `data`.
    pub(crate) fn make(program: &Path, dir: &Path, data: &Path, limits: Limits) -> Result<Self> {
        fs::create_dir_all(dir)?;
        let genesis = genesis()?;
        fs::write(dir.join("genesis.json"), serde_json::to_vec(&GenesisFile::from(&genesis))?)?;
        // Nobody else listens at such an address, whose port stays the same over restarts: not even another node
        // of this process, but for one that was made long before.
        static MADE: AtomicU8 = AtomicU8::new(0);
        let (process, made) = (std::process::id().to_le_bytes(), MADE.fetch_add(1, Ordering::Relaxed));
        let host = Ipv4Addr::new(127, process[0], process[1], made % 200 + 20);
        let endpoint = TcpListener::bind((host, 0))?.local_addr()?;
        let home = Self {
            program: program.to_owned(),
            dir: dir.to_owned(),
            data: data.to_owned(),
            endpoint,
            genesis,
            limits,
        };
        home.configure(limits)?;
        Ok(home)
    }

    fn configure(&self, limits: Limits) -> Result<()> {
        let retention =
            limits.retention.map_or_else(|| "archive".to_owned(), |count| format!("{{blocks: {count}}}"));
        let text = format!(
            "data: {}\ngenesis: genesis.json\nlisten: {}\nsequencer:\n  suri: //Sequencer\n\
             retention: {retention}\ncheckpoints:\n  blocks: {}\n  kept: 2\nsegmentBytes: {}\n",
            self.store().display(),
            self.endpoint,
            limits.checkpoint_blocks,
            limits.segment_bytes
        );
        Ok(fs::write(self.config(), text)?)
    }

    /// The ledger's folder.
    pub(crate) fn store(&self) -> PathBuf {
        self.data.join("store")
    }

    fn config(&self) -> PathBuf {
        self.dir.join("directory.yml")
    }

    /// The last lines that the node printed.
    pub(crate) fn last_words(&self) -> String {
        let text = fs::read_to_string(self.dir.join("node.log")).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(6)..].join("\n")
    }

    /// Starts the program, behind `wrapper` if it is not empty.
    pub(crate) fn start(&self, wrapper: &[String]) -> Result<Node> {
        let mut command = wrapped(&self.program, wrapper);
        let log = fs::File::create(self.dir.join("node.log"))?;
        command.args(["directory", "start", "--config"]).arg(self.config()).stderr(log);
        Node::begin(&mut command, self.endpoint.to_string(), !wrapper.is_empty())
    }

    /// `argosy directory verify`.
    pub(crate) fn verify(&self, from_checkpoint: bool) -> Result<Result<Value, String>> {
        let mut command = Command::new(&self.program);
        command.args(["directory", "verify", "--json", "--config"]).arg(self.config());
        command.env(TUNABLES, "glibc.malloc.hugetlb=1");
        if from_checkpoint {
            command.arg("--from-checkpoint");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = room::spawn(&mut command)?.wait_with_output()?;
        if output.status.success() {
            return Ok(Ok(serde_json::from_slice(&output.stdout)?));
        }
        Ok(Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }
}

/// A program, behind `wrapper` if it is not empty.
pub(crate) fn wrapped(program: &Path, wrapper: &[String]) -> Command {
    let Some((first, others)) = wrapper.split_first() else { return Command::new(program) };
    let mut command = Command::new(first);
    command.args(others).arg(program);
    command
}

/// A node that was started. Killed when dropped.
pub(crate) struct Node {
    child: Child,
    pub(crate) endpoint: String,
    is_wrapped: bool,
}

/// What became of waiting for a node.
pub(crate) enum Ready {
    /// It answers.
    Yes(Connection),
    /// It has ended.
    Ended,
}

impl Node {
    /// Starts a node that will answer at `endpoint`.
    pub(crate) fn begin(command: &mut Command, endpoint: String, is_wrapped: bool) -> Result<Self> {
        if command.get_envs().all(|(name, _)| name != TUNABLES) {
            // As a directory node sets it for itself, by starting once more.
            command.env(TUNABLES, "glibc.malloc.hugetlb=1");
        }
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = room::spawn(command).context("cannot start the node")?;
        Ok(Self { child, endpoint, is_wrapped })
    }

    /// Starts `argosy ROLE start`, which prints into `node.log` beside its configuration, and waits until it
    /// answers.
    pub(crate) fn start(program: &Path, role: &str, config: &Path, endpoint: String) -> Result<Self> {
        let log = fs::File::create(config.with_file_name("node.log"))?;
        let mut command = Command::new(program);
        command.args([role, "start", "--config"]).arg(config).stderr(log);
        let mut node = Self::begin(&mut command, endpoint, false)?;
        node.must_be_ready()?;
        Ok(node)
    }

    /// Waits until the node answers, or has ended.
    pub(crate) fn ready(&mut self) -> Result<Ready> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Ok(mut connection) = Connection::open(&self.endpoint)
                && connection.get_body("/api/v1/status").is_ok_and(|answer| answer.status == 200)
            {
                return Ok(Ready::Yes(connection));
            }
            if self.child.try_wait()?.is_some() {
                return Ok(Ready::Ended);
            }
            pause();
        }
        bail!("the node does not answer")
    }

    /// Waits until the node answers, which it must.
    pub(crate) fn must_be_ready(&mut self) -> Result<Connection> {
        match self.ready()? {
            Ready::Yes(connection) => Ok(connection),
            Ready::Ended => bail!("the node did not start"),
        }
    }

    /// Process id of the node, or of what wraps it.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    /// kill -9, and waits for the end.
    pub(crate) fn kill(&mut self) -> Result<()> {
        // What wraps it goes when it has gone. If it has not begun yet, it never will.
        if self.child.try_wait()?.is_none() && self.signal(Signal::KILL).is_ok() {
            return self.wait().map(drop);
        }
        let _ = self.child.kill();
        self.child.wait()?;
        Ok(())
    }

    /// Asks to stop. True if it ended well, false if it was killed meanwhile.
    pub(crate) fn stop(mut self) -> Result<bool> {
        // It may be gone already.
        let _ = self.signal(Signal::TERM);
        let status = self.wait()?;
        ensure!(status.success() || status.signal() == Some(9), "the node stopped with {status}");
        Ok(status.success())
    }

    fn wait(&mut self) -> Result<ExitStatus> {
        let started = Instant::now();
        while started.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            pause();
        }
        bail!("the node does not end")
    }

    /// To the node itself, not to what wraps it.
    fn signal(&self, signal: Signal) -> Result<()> {
        let child = i32::try_from(self.child.id())?;
        let pid = if self.is_wrapped { child_of(child)? } else { child };
        Ok(kill_process(Pid::from_raw(pid).context("no such process")?, signal)?)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Source: `/proc/PID/task/TID/children`.
fn child_of(pid: i32) -> Result<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
    children.split(' ').next().unwrap_or_default().parse().context("the wrapper has no child")
}

#[expect(clippy::disallowed_methods, reason = "between two looks at a state that is waited for")]
pub(crate) fn pause() {
    thread::sleep(Duration::from_millis(2));
}

/// Waits until `state` gives something.
pub(crate) fn wait_for<T>(what: &str, mut state: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(found) = state()? {
            return Ok(found);
        }
        pause();
    }
    bail!("waited a minute in vain: {what}")
}

/// A folder with all that is in it.
pub(crate) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    room::run("cp", &["-a", "--", &from.display().to_string(), &to.display().to_string()])
}
