//! The same placement rows in PostgreSQL 15, on a throw-away cluster, asked through prepared
//! statements by its own benchmark program.

use crate::{
    bench::{as_f64, say},
    directory_log::STORAGE,
};
use anyhow::{Context as _, Result, bail, ensure};
use argosy_directory::State;
use argosy_domain::{BagId, ContentId, DataObjectId, DynamicBagId};
use std::{
    fs,
    io::{BufWriter, Write},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";
const SCHEMA: &str = "
    CREATE UNLOGGED TABLE objects (id bigint, bag bigint, size bigint, content bytea);
    CREATE UNLOGGED TABLE placement (bag bigint, family int, bucket int);
    CREATE UNLOGGED TABLE storage (bag bigint, bucket int);
    CREATE UNLOGGED TABLE operators (family int, bucket int, worker bigint);";
const INDICES: &str = "
    ALTER TABLE objects ADD PRIMARY KEY (id);
    CREATE INDEX ON placement (bag);
    CREATE INDEX ON storage (bag);
    ALTER TABLE operators ADD PRIMARY KEY (family, bucket);
    ALTER TABLE objects SET LOGGED;
    ALTER TABLE placement SET LOGGED;
    VACUUM ANALYZE;";
const LOOK_UP: &str = "
SELECT o.bag, o.size, p.bucket, w.worker FROM objects o JOIN placement p ON p.bag = o.bag
JOIN operators w ON w.family = p.family AND w.bucket = p.bucket WHERE o.id = :id;";
const UPDATE: &str = "UPDATE placement SET bucket = :bucket WHERE bag = :bag AND family = :family;";

/// A cluster that is stopped and removed with this value.
pub(in crate::bench) struct Cluster {
    folder: PathBuf,
    /// Runs the programs as somebody whom they accept.
    user: Option<&'static str>,
}

pub(in crate::bench::directory) fn run(
    state: &State,
    [single, batched]: [f64; 2],
    updates: f64,
) -> Result<()> {
    let cluster = Cluster::start(Durability::Lazy)?;
    cluster.sql(SCHEMA)?;
    let channels = cluster.fill(state)?;
    for statement in INDICES.split(';').filter(|text| !text.trim().is_empty()) {
        cluster.sql(statement)?;
    }
    let look_up = format!("\\set id random(0, {}){LOOK_UP}", state.next_object_id().0 - 1);
    let update = format!(
        "\\set bag random(1, {channels})\n\\set family random(0, 2)\n\\set bucket random(0, 166)\n{UPDATE}"
    );
    let (one, four) = (cluster.pgbench(&look_up, 1)?, cluster.pgbench(&look_up, 4)?);
    say("PostgreSQL 15: look-ups/s with 1 client, with 4", format!("{one:.0}, {four:.0}"), "-");
    let best = one.max(four);
    say("  Argosy: times as many a core, one at a time", format!("{:.0}", single / best), "-");
    say("  Argosy: times as many a core, in batches", format!("{:.0}", batched / best), "-");
    let (one, four) = (cluster.pgbench(&update, 1)?, cluster.pgbench(&update, 4)?);
    say("PostgreSQL 15: updates/s, not synced, 1 client, 4", format!("{one:.0}, {four:.0}"), "-");
    say("  Argosy: times as many, rules and root included", format!("{:.0}", updates / one.max(four)), "-");
    Ok(())
}

fn install() -> Result<()> {
    if Path::new(PROGRAMS).join("pgbench").exists() {
        return Ok(());
    }
    let packages = ["install", "-y", "-qq", "--no-install-recommends", "postgresql-15"];
    let status = Command::new("apt-get").args(packages).stdout(Stdio::null()).status()?;
    ensure!(status.success(), "apt-get cannot install postgresql-15");
    Ok(())
}

/// When a commit is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench) enum Durability {
    /// Before it is on disk.
    Lazy,
    /// When it is on disk.
    Synced,
}

impl Cluster {
    /// Installs the programs if need be.
    pub(in crate::bench) fn start(durability: Durability) -> Result<Self> {
        install()?;
        let folder = std::env::temp_dir().join(format!("argosy-bench-postgres-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let status = fs::read_to_string("/proc/self/status")?;
        let root = status.lines().any(|line| line.starts_with("Uid:\t0\t"));
        let cluster = Self { folder, user: root.then_some("postgres") };
        if root {
            let passwd = fs::read_to_string("/etc/passwd")?;
            let line =
                passwd.lines().find(|line| line.starts_with("postgres:")).context("no postgres user")?;
            let id = line.split(':').nth(2).and_then(|id| id.parse().ok());
            chown(&cluster.folder, id, None)?;
        }
        let data = cluster.folder.join("data");
        cluster.must(cluster.program("initdb").args(["-A", "trust", "-U", "postgres", "-D"]).arg(&data))?;
        let options = format!(
            "-k {} -c listen_addresses='' -c shared_buffers=4GB -c max_wal_size=8GB -c synchronous_commit={}",
            cluster.folder.display(),
            match durability {
                Durability::Lazy => "off",
                Durability::Synced => "on",
            }
        );
        let log = cluster.folder.join("log");
        let mut start = cluster.program("pg_ctl");
        start.args(["-w", "-D"]).arg(&data).arg("-l").arg(log).args(["-o", &options, "start"]);
        cluster.must(&mut start)?;
        Ok(cluster)
    }

    fn program(&self, name: &str) -> Command {
        let path = Path::new(PROGRAMS).join(name);
        let mut command = match self.user {
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(path);
                command
            }
            None => Command::new(path),
        };
        command.current_dir(&self.folder).env("PGHOST", &self.folder).env("PGUSER", "postgres");
        command
    }

    fn must(&self, command: &mut Command) -> Result<String> {
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    pub(in crate::bench) fn sql(&self, text: &str) -> Result<()> {
        self.must(self.program("psql").args(["-q", "-v", "ON_ERROR_STOP=1", "-c", text])).map(drop)
    }

    fn copy(&self, table: &str, rows: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        let mut psql = self
            .program("psql")
            .args(["-q", "-v", "ON_ERROR_STOP=1", "-c", &format!("COPY {table} FROM STDIN")])
            .stdin(Stdio::piped())
            .spawn()?;
        let mut input = BufWriter::with_capacity(1 << 20, psql.stdin.take().context("no stdin")?);
        rows(&mut input)?;
        input.flush()?;
        drop(input);
        ensure!(psql.wait()?.success(), "psql did not take the rows of {table}");
        Ok(())
    }

    /// Gives the highest channel.
    fn fill(&self, state: &State) -> Result<u64> {
        let channel = |bag: BagId| match bag {
            BagId::Dynamic(DynamicBagId::Channel(id)) => id.0,
            BagId::Dynamic(DynamicBagId::Member(_)) | BagId::Static(_) => 0,
        };
        self.copy("objects", |out| {
            for id in (0..state.next_object_id().0).map(DataObjectId) {
                let Some(object) = state.object(id) else { continue };
                let ContentId(content) = object.content_id;
                let bag = channel(object.bag);
                writeln!(out, "{id}\t{bag}\t{}\t\\\\x{}", object.size, hex::encode(content))?;
            }
            Ok(())
        })?;
        let mut highest = 0;
        self.copy("placement", |out| {
            for (id, bag) in state.bags() {
                highest = highest.max(channel(id));
                for bucket in &bag.distributed_by {
                    writeln!(out, "{}\t{}\t{}", channel(id), bucket.family, bucket.index)?;
                }
            }
            Ok(())
        })?;
        self.copy("storage", |out| {
            for (id, bag) in state.bags() {
                for bucket in bag.stored_by.keys() {
                    writeln!(out, "{}\t{bucket}", channel(id))?;
                }
            }
            Ok(())
        })?;
        self.copy("operators", |out| {
            for (id, bucket) in state.distribution_buckets() {
                let worker = bucket.operators.first().map_or(STORAGE, |worker| worker.0);
                writeln!(out, "{}\t{}\t{worker}", id.family, id.index)?;
            }
            Ok(())
        })?;
        Ok(highest)
    }

    /// Transactions each second.
    fn pgbench(&self, script: &str, clients: u32) -> Result<f64> {
        let path = self.folder.join("script.sql");
        fs::write(&path, script)?;
        let clients = clients.to_string();
        let mut pgbench = self.program("pgbench");
        pgbench
            .args(["-n", "-M", "prepared", "-T", "5", "-c", &clients, "-j", "1", "-f"])
            .arg(&path)
            .arg("postgres");
        let text = self.must(&mut pgbench)?;
        let line =
            text.lines().find_map(|line| line.strip_prefix("tps = ")).context("pgbench says no tps")?;
        let tps: f64 = line.split_whitespace().next().context("no figure")?.parse()?;
        ensure!(tps > as_f64(0), "pgbench did nothing");
        Ok(tps)
    }
}

impl Cluster {
    /// How long each transaction took, in milliseconds.
    pub(in crate::bench) fn pgbench_waits(
        &self,
        script: &str,
        clients: usize,
        seconds: u64,
    ) -> Result<Vec<f64>> {
        let path = self.folder.join("script.sql");
        fs::write(&path, script)?;
        let (clients, seconds) = (clients.to_string(), seconds.to_string());
        let mut pgbench = self.program("pgbench");
        pgbench
            .args(["-n", "-M", "prepared", "-T", &seconds, "-c", &clients, "-j", "2", "-l"])
            .args(["--log-prefix", "waits", "-f"])
            .arg(&path)
            .arg("postgres");
        self.must(&mut pgbench)?;
        let mut waits = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if !entry.file_name().to_string_lossy().starts_with("waits.") {
                continue;
            }
            // Client, number, microseconds, and more.
            let text = fs::read_to_string(entry.path())?;
            for line in text.lines() {
                let field = line.split(' ').nth(2).context("an odd line in the log of pgbench")?;
                waits.push(field.parse::<f64>()? / 1e3);
            }
        }
        Ok(waits)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let mut stop = self.program("pg_ctl");
        // What is left after a failure is in the folder of temporary files.
        let _ = self.must(stop.args(["-m", "immediate", "-D"]).arg(data).arg("stop"));
        let _ = fs::remove_dir_all(&self.folder);
    }
}
