//! Write-side system calls of a run, as strace tells them, and a death at any of them.

use anyhow::{Context as _, Result, bail};
use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    str::FromStr,
};

/// All that change what a file system has.
const CALLS: &[&str] = &[
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "pwritev2",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "syncfs",
    "fallocate",
    "ftruncate",
    "truncate",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "mkdir",
    "mkdirat",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "openat",
    "open",
    "creat",
    "copy_file_range",
    "sendfile",
    "chmod",
    "fchmod",
    "fchmodat",
    "utimensat",
];

/// A moment to die: as a thread is about to make its `nth` call of this kind on this path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    /// Part of the script.
    pub(crate) phase: String,
    pub(crate) call: String,
    /// From the node's data folder on.
    pub(crate) path: PathBuf,
    pub(crate) nth: u64,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}:{}", self.phase, self.call, self.path.display(), self.nth)
    }
}

impl FromStr for Point {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.split(':').collect();
        let [phase, call, path, nth] = parts[..] else { return Err(format!("{text} is not a point")) };
        let nth = nth.parse().map_err(|_| format!("{nth} is not a number"))?;
        Ok(Self { phase: phase.to_owned(), call: call.to_owned(), path: path.into(), nth })
    }
}

/// Runs a program and writes down its write-side calls.
pub(crate) fn counting(log: &Path) -> Vec<String> {
    let trace = format!("trace={}", CALLS.join(","));
    let log = log.display().to_string();
    ["strace", "-f", "-qq", "-y", "--seccomp-bpf", "-e", "signal=none", "-o", &log, "-e", &trace]
        .map(str::to_owned)
        .to_vec()
}

/// Runs a program and kills it at a point. strace counts the calls of each thread on the path. Not with
/// its `--seccomp-bpf`, which lets the call pass.
pub(crate) fn killing(log: &Path, data: &Path, point: &Point) -> Vec<String> {
    let (path, log) = (data.join(&point.path).display().to_string(), log.display().to_string());
    let trace = format!("trace={}", point.call);
    let inject = format!("inject={}:signal=SIGKILL:when={}", point.call, point.nth);
    ["strace", "-f", "-qq", "-y", "-e", "signal=none", "-o", &log, "-e", &trace, "-P", &path, "-e", &inject]
        .map(str::to_owned)
        .to_vec()
}

/// A call that was begun.
struct Begun<'a> {
    thread: &'a str,
    call: &'a str,
    path: &'a Path,
    changes: bool,
}

/// What a run did on the disk.
#[derive(Default)]
pub(crate) struct Count {
    /// Each once, in order; several threads can have the same.
    pub(crate) points: Vec<Point>,
    /// All calls, by their kind.
    pub(crate) calls: BTreeMap<String, u64>,
    /// All calls, by kind and path.
    pub(crate) places: BTreeMap<(String, PathBuf), u64>,
}

/// Finds the calls on files under `data` in what [`counting`] wrote down.
pub(crate) fn count(log: &Path, data: &Path, phase: &str) -> Result<Count> {
    let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
    let mut count = Count::default();
    let mut seen: BTreeMap<(&str, &str, &Path), u64> = BTreeMap::new();
    for begun in text.lines().filter_map(begun) {
        let Ok(path) = begun.path.strip_prefix(data) else { continue };
        let nth = seen.entry((begun.thread, begun.call, begun.path)).or_default();
        *nth = nth.saturating_add(1);
        if !begun.changes {
            continue;
        }
        let call = begun.call.to_owned();
        let point = Point { phase: phase.to_owned(), call: call.clone(), path: path.to_owned(), nth: *nth };
        if !count.points.contains(&point) {
            count.points.push(point);
        }
        *count.calls.entry(call.clone()).or_default() += 1;
        *count.places.entry((call, path.to_owned())).or_default() += 1;
    }
    if count.points.is_empty() {
        bail!("strace saw no write in {}", data.display());
    }
    Ok(count)
}

/// Calls that [`killing`] wrote down; the last one is the one that was not made.
pub(crate) fn ordinal(log: &Path, path: &Path) -> Result<u64> {
    let text = fs::read_to_string(log)?;
    let calls = text.lines().filter_map(begun).filter(|begun| begun.changes && begun.path == path);
    Ok(u64::try_from(calls.count())?)
}

/// `THREAD CALL(ARGUMENTS…`; nothing for the second halves of calls, signals and ends.
fn begun(line: &str) -> Option<Begun<'_>> {
    let (thread, rest) = line.split_once(' ')?;
    let (call, arguments) = rest.trim_start().split_once('(')?;
    if !call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    // A named path; for calls on an open file, what strace says beside its number.
    let by_name =
        ["open", "rename", "unlink", "mkdir", "rmdir", "link", "symlink", "truncate", "chmod", "creat"];
    let is_by_name = by_name.iter().any(|name| call.starts_with(name)) || call == "utimensat";
    let (open, close) = if is_by_name { ('"', '"') } else { ('<', '>') };
    let path = arguments.split_once(open)?.1.split_once(close)?.0;
    let changes = !call.starts_with("open") || arguments.contains("O_CREAT") || arguments.contains("O_TRUNC");
    Some(Begun { thread, call, path: Path::new(path.trim_end_matches(" (deleted)")), changes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_from_what_strace_writes() {
        let dir = std::env::temp_dir().join(format!("argosy-points-{}", std::process::id()));
        let text = r#"7 openat(AT_FDCWD</w>, "/d/store/lock", O_WRONLY|O_CREAT|O_CLOEXEC, 0666) = 9</d/store/lock>
7 openat(AT_FDCWD</w>, "/d/store/blocks.log", O_RDONLY|O_CLOEXEC) = 9</d/store/blocks.log>
8 pwrite64(9</d/store/blocks.log>, "abc", 3, 74) = 3
8 fdatasync(9</d/store/blocks.log> <unfinished ...>
7 write(1<pipe:[1]>, "x", 1) = 1
8 <... fdatasync resumed>) = 0
8 fdatasync(9</d/store/blocks.log>) = 0
8 rename("/d/store/blocks.log.new", "/d/store/blocks.9.log") = 0
8 --- SIGTERM {si_signo=SIGTERM} ---
7 +++ exited with 0 +++
"#;
        fs::write(&dir, text).unwrap();
        let found = count(&dir, Path::new("/d"), "p").unwrap();
        let points: Vec<_> = found.points.iter().map(ToString::to_string).collect();
        assert_eq!(
            points,
            [
                "p:openat:store/lock:1",
                "p:pwrite64:store/blocks.log:1",
                "p:fdatasync:store/blocks.log:1",
                "p:fdatasync:store/blocks.log:2",
                "p:rename:store/blocks.log.new:1",
            ]
        );
        assert_eq!(points[3].parse::<Point>().unwrap(), found.points[3]);
        assert_eq!(found.calls["fdatasync"], 2);
        assert_eq!(ordinal(&dir, Path::new("/d/store/blocks.log")).unwrap(), 3);
        fs::remove_file(&dir).unwrap();
    }
}
