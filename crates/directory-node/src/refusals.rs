//! The refusal log: what the node turned down of the leads' transactions before a block, signed.
//!
//! Two files take turns: entries go to the newer one, and when it is full the older one goes. Entries
//! are chained by hash, so that one taken out of the middle shows. Nothing waits for the disk; what a
//! crash leaves unfinished is cut off.

use argosy_api::{
    ErrorBody,
    refusal::{MAX_REFUSAL_BYTES, Refusal, SignedRefusal},
};
use argosy_domain::{
    Keypair, WorkingGroup,
    num::{to_u64, to_usize},
};
use codec::Encode;
use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Most bytes of one of the two files.
const MAX_FILE_BYTES: u64 = 2 * 1024 * 1024;
/// Most entries of one of the two files.
const MAX_FILE_ENTRIES: usize = 2_048;
/// Most requests that wait until their refusal is looked at.
const MAX_WAITING: usize = 256;
const NEWER: &str = "refusals.log";
const OLDER: &str = "refusals.old.log";

/// The log of one node. Blocks the thread.
pub(crate) struct Refusals {
    inner: Mutex<Inner>,
    /// Signs entries. A node without one refuses nothing itself: whom it passes transactions on to does.
    key: Option<Keypair>,
    genesis: [u8; 32],
    /// One looks at a claimed refusal.
    turns: Arc<Semaphore>,
    /// So many do or wait for it.
    places: Arc<Semaphore>,
}

/// Leave to look at a claimed refusal.
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

struct Inner {
    dir: PathBuf,
    file: File,
    file_bytes: u64,
    newer: VecDeque<Arc<SignedRefusal>>,
    older: VecDeque<Arc<SignedRefusal>>,
    next_number: u64,
    parent: [u8; 32],
}

/// A refusal before it is numbered.
pub(crate) struct Refused<'a> {
    pub(crate) time_ms: u64,
    pub(crate) height: u64,
    pub(crate) groups: Vec<WorkingGroup>,
    pub(crate) error: &'a ErrorBody,
    pub(crate) transaction: Vec<u8>,
}

impl Refusals {
    /// Opens the log in `dir`, empty at first.
    pub(crate) fn open(dir: &Path, key: Option<Keypair>, genesis: [u8; 32]) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let (older, _) = read(&dir.join(OLDER))?;
        let (newer, file_bytes) = read(&dir.join(NEWER))?;
        let file = OpenOptions::new().create(true).append(true).open(dir.join(NEWER))?;
        // An unfinished or damaged end.
        file.set_len(file_bytes)?;
        let last = newer.back().or(older.back());
        let next_number = last.map_or(0, |last| last.refusal.number.saturating_add(1));
        let parent = last.map_or([0; 32], |last| last.hash());
        let inner = Inner { dir: dir.to_owned(), file, file_bytes, newer, older, next_number, parent };
        let (turns, places) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(MAX_WAITING)));
        Ok(Self { inner: Mutex::new(inner), key, genesis, turns, places })
    }

    /// Waits until a claimed refusal may be looked at; nothing if too many wait for that.
    pub(crate) async fn turn(&self) -> Option<Turn> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.ok()?;
        Some(Turn { _turn: turn, _place: place })
    }

    /// Signs and writes an entry, unless the same transaction was refused for the same reason before.
    pub(crate) fn add(&self, refused: Refused<'_>) -> io::Result<()> {
        let Some(key) = &self.key else { return Ok(()) };
        let mut inner = self.lock();
        let is_known = |entry: &Arc<SignedRefusal>| {
            entry.refusal.transaction == refused.transaction && entry.refusal.code == refused.error.code
        };
        if inner.newer.iter().chain(&inner.older).any(is_known) {
            return Ok(());
        }
        let signed = SignedRefusal::sign(
            key,
            Refusal {
                genesis: self.genesis,
                number: inner.next_number,
                parent: inner.parent,
                time_ms: refused.time_ms,
                height: refused.height,
                groups: refused.groups,
                reason: refused.error.number,
                code: refused.error.code.clone(),
                message: refused.error.message.clone(),
                transaction: refused.transaction,
            },
        );
        inner.write(signed)
    }

    /// Entries of a group that `wanted` takes, ascending.
    pub(crate) fn of_group(
        &self,
        group: WorkingGroup,
        limit: usize,
        wanted: impl Fn(&Refusal) -> bool,
    ) -> Vec<Arc<SignedRefusal>> {
        let inner = self.lock();
        let all = inner.older.iter().chain(&inner.newer);
        let fits = all.filter(|entry| entry.refusal.groups.contains(&group) && wanted(&entry.refusal));
        fits.take(limit).map(Arc::clone).collect()
    }

    /// Whether older entries were forgotten.
    pub(crate) fn is_truncated(&self) -> bool {
        let inner = self.lock();
        inner.older.front().or(inner.newer.front()).is_some_and(|entry| entry.refusal.number > 0)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, signed: SignedRefusal) -> io::Result<()> {
        if self.file_bytes >= MAX_FILE_BYTES || self.newer.len() >= MAX_FILE_ENTRIES {
            self.turn()?;
        }
        let bytes = signed.encode();
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let frame = [length.to_le_bytes().as_slice(), &bytes].concat();
        if let Err(error) = self.file.write_all(&frame) {
            // Half an entry must not stand in the way of the next one.
            self.file.set_len(self.file_bytes)?;
            return Err(error);
        }
        self.file_bytes = self.file_bytes.saturating_add(to_u64(frame.len()));
        self.next_number = signed.refusal.number.saturating_add(1);
        self.parent = signed.hash();
        self.newer.push_back(Arc::new(signed));
        Ok(())
    }

    /// The newer file becomes the older one.
    fn turn(&mut self) -> io::Result<()> {
        fs::rename(self.dir.join(NEWER), self.dir.join(OLDER))?;
        self.file = OpenOptions::new().create(true).append(true).open(self.dir.join(NEWER))?;
        self.file_bytes = 0;
        self.older = std::mem::take(&mut self.newer);
        Ok(())
    }
}

/// The entries of a file and their bytes: up to the first that is unfinished, out of the chain, or not
/// signed as the last one must be.
fn read(path: &Path) -> io::Result<(VecDeque<Arc<SignedRefusal>>, u64)> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    let mut entries: Vec<(SignedRefusal, usize)> = Vec::new();
    let mut at = 0;
    while let Some((entry, end)) = entry_at(&bytes, at) {
        let follows = entries.last().is_none_or(|(last, _)| last.hash() == entry.refusal.parent);
        if !follows {
            break;
        }
        at = end;
        entries.push((entry, end));
    }
    // Each entry's hash is signed with the next one; the last has only its own signature.
    while entries.last().is_some_and(|(last, _)| !last.signature_holds()) {
        entries.pop();
    }
    let end = entries.last().map_or(0, |(_, end)| *end);
    if end < bytes.len() {
        let cut = bytes.len().saturating_sub(end);
        tracing::warn!(path = %path.display(), bytes = cut, "cut off an unfinished end of the refusal log");
    }
    Ok((entries.into_iter().map(|(entry, _)| Arc::new(entry)).collect(), to_u64(end)))
}

fn entry_at(bytes: &[u8], at: usize) -> Option<(SignedRefusal, usize)> {
    let body = at.checked_add(4)?;
    let length = to_usize(u32::from_le_bytes(bytes.get(at..body)?.try_into().ok()?).into());
    if length > MAX_REFUSAL_BYTES {
        return None;
    }
    let end = body.checked_add(length)?;
    Some((SignedRefusal::decode_bytes(bytes.get(body..end)?).ok()?, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::KeyScheme;
    use argosy_http::StatusCode;

    const GROUP: WorkingGroup = WorkingGroup::Distribution;

    fn open(dir: &Path) -> Refusals {
        let key = Keypair::from_uri(KeyScheme::Sr25519, "//Sequencer").unwrap();
        Refusals::open(dir, Some(key), [1; 32]).unwrap()
    }

    fn add(log: &Refusals, transaction: Vec<u8>) {
        let error = ErrorBody::caller(StatusCode::BAD_REQUEST, "EXPIRED", "too late").with_number(103);
        log.add(Refused { time_ms: 5, height: 7, groups: vec![GROUP], error: &error, transaction }).unwrap();
    }

    fn numbers(log: &Refusals) -> Vec<u64> {
        log.of_group(GROUP, usize::MAX, |_| true).iter().map(|entry| entry.refusal.number).collect()
    }

    #[test]
    fn entries_outlive_the_process_and_a_torn_end_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path());
        for transaction in [vec![1], vec![2], vec![2], vec![3]] {
            add(&log, transaction);
        }
        drop(log);
        let log = open(dir.path());
        assert_eq!(numbers(&log), [0, 1, 2], "the same refusal twice is one entry");
        assert!(numbers(&log).is_empty() || log.of_group(WorkingGroup::Storage, 9, |_| true).is_empty());
        drop(log);

        let path = dir.path().join(NEWER);
        let whole = fs::read(&path).unwrap();
        for cut in 1..=whole.len() {
            fs::write(&path, &whole[..whole.len() - cut]).unwrap();
            let log = open(dir.path());
            let kept = numbers(&log);
            assert!(kept.len() < 3 && kept.iter().copied().eq(0..to_u64(kept.len())), "{cut}");
            add(&log, vec![9]);
            assert_eq!(numbers(&open(dir.path())).len(), kept.len() + 1, "{cut}");
        }
    }

    #[test]
    fn changed_bytes_are_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path());
        add(&log, vec![1]);
        add(&log, vec![2]);
        drop(log);
        let path = dir.path().join(NEWER);
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            fs::write(&path, &bytes).unwrap();
            assert!(numbers(&open(dir.path())).len() < 2, "byte {at}");
        }
    }

    #[test]
    fn the_log_is_bounded() {
        let dir = tempfile::tempdir().unwrap();
        let log = open(dir.path());
        assert!(!log.is_truncated());
        let most = MAX_FILE_ENTRIES * 2;
        for number in 0..most + 10 {
            add(&log, number.to_le_bytes().to_vec());
        }
        let kept = numbers(&log);
        assert!(kept.len() <= most && kept.last() == Some(&to_u64(most + 9)), "{}", kept.len());
        assert!(log.is_truncated());
        drop(log);
        assert_eq!(numbers(&open(dir.path())), kept);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
