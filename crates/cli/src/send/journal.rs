//! What was sent, on disk before it is sent: after a crash it can still be found out what became of it.
//!
//! One JSON object a line. `sent` is written and synced before the first byte goes out, `ended` when an
//! answer is there. What has no `ended` is open.

use crate::{
    failure::{Failure, Outcome},
    network::now_ms,
};
use argosy_api::{End, Journal, words::sentence_of_call};
use argosy_directory::Transaction;
use argosy_domain::wire::decode_canonical;
use codec::Encode as _;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    env,
    fs::{self, File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

/// Name of the file.
const FILE: &str = "transactions.jsonl";
/// Name of the file before it, whose open entries were carried over.
const OLD_FILE: &str = "transactions.old.jsonl";
/// Held while a line is written.
const LOCK_FILE: &str = "transactions.lock";
/// Bytes from which on a new file is begun.
const MAX_BYTES: u64 = 8 * 1024 * 1024;
/// Longest line that is read: a transaction in hexadecimal, and some.
const MAX_LINE_BYTES: usize = 4 * 1024 * 1024;

/// A transaction that was about to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sent {
    /// Its hash, hexadecimal.
    pub(crate) hash: String,
    /// Hash of the network's genesis, hexadecimal.
    pub(crate) network: String,
    /// The directory node that it was sent to.
    pub(crate) directory: String,
    /// Address of the signer.
    pub(crate) signer: String,
    pub(crate) nonce: u64,
    /// Block time after which it is void.
    pub(crate) valid_until_ms: u64,
    /// What it asks for, in words.
    pub(crate) call: String,
    /// When, by this machine's clock.
    pub(crate) at_ms: u64,
    /// The transaction itself, hexadecimal SCALE.
    pub(crate) bytes: String,
}

/// What became of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ended {
    pub(crate) hash: String,
    /// `succeeded`, `failed` or `refused`; `lapsed` if its time or nonce has passed.
    pub(crate) result: String,
    /// Height of its block, if it is in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) height: Option<u64>,
    /// Why it failed or was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    pub(crate) at_ms: u64,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Line {
    Sent(Sent),
    Ended(Ended),
}

impl Sent {
    /// The transaction, if the line still says what was signed.
    pub(crate) fn transaction(&self) -> Option<Transaction> {
        let transaction: Transaction = decode_canonical(&hex::decode(&self.bytes).ok()?).ok()?;
        (hex::encode(transaction.hash()) == self.hash).then_some(transaction)
    }
}

/// The log of this user. Several programs may write into it at once.
#[derive(Clone, Debug)]
pub(crate) struct TransactionLog {
    folder: PathBuf,
    /// Where transactions of this run are sent.
    directory: String,
}

impl TransactionLog {
    /// The log in its usual place: `$ARGOSY_STATE`, else `argosy` in the user's folder for state.
    pub(crate) fn usual(directory: &str) -> Outcome<Self> {
        Ok(Self { folder: state_folder()?, directory: directory.to_owned() })
    }

    #[cfg(test)]
    fn at(folder: &Path, directory: &str) -> Self {
        Self { folder: folder.to_path_buf(), directory: directory.to_owned() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Transactions of which it is not known what became of them, the oldest first.
    pub(crate) fn open_entries(&self) -> Outcome<Vec<Sent>> {
        read_open(&self.path()).map_err(|error| self.unusable(&error))
    }

    /// Writes down what became of one.
    pub(crate) fn end(&self, ended: Ended) -> Outcome<()> {
        self.append(&Line::Ended(ended)).map_err(|error| self.unusable(&error))
    }

    fn unusable(&self, error: &io::Error) -> Failure {
        let path = self.path();
        Failure::refused("NO_TRANSACTION_LOG", format!("cannot use {}: {error}", path.display()))
    }

    /// Writes one line, to the disk, while no other program writes one.
    fn append(&self, line: &Line) -> io::Result<()> {
        if !self.folder.is_dir() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        }
        let mut private = OpenOptions::new();
        private.append(true).create(true).mode(0o600);
        let lock = private.open(self.folder.join(LOCK_FILE))?;
        lock.lock()?;
        let path = self.path();
        if fs::metadata(&path).is_ok_and(|file| file.len() > MAX_BYTES) {
            self.begin_anew()?;
        }
        let is_new = !path.exists();
        let mut file = private.read(true).open(&path)?;
        // A line that a crash has cut off must not take this one with it.
        let mut text = if ends_in_a_line(&file)? { Vec::new() } else { vec![b'\n'] };
        serde_json::to_writer(&mut text, line)?;
        text.push(b'\n');
        file.write_all(&text)?;
        file.sync_data()?;
        if is_new { File::open(&self.folder)?.sync_all() } else { Ok(()) }
    }

    /// Begins a new file with what is open; the old one is kept beside it.
    fn begin_anew(&self) -> io::Result<()> {
        let path = self.path();
        let next = self.folder.join(format!("{FILE}.{}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        for sent in read_open(&path)? {
            serde_json::to_writer(&mut file, &Line::Sent(sent))?;
            file.write_all(b"\n")?;
        }
        file.sync_all()?;
        fs::copy(&path, self.folder.join(OLD_FILE))?;
        fs::rename(&next, &path)?;
        File::open(&self.folder)?.sync_all()
    }
}

impl Journal for TransactionLog {
    fn sending(&self, transaction: &Transaction) -> io::Result<()> {
        let payload = &transaction.payload;
        self.append(&Line::Sent(Sent {
            hash: hex::encode(transaction.hash()),
            network: hex::encode(payload.genesis),
            directory: self.directory.clone(),
            signer: payload.signer.to_string(),
            nonce: payload.nonce,
            valid_until_ms: payload.valid_until_ms,
            call: sentence_of_call(&payload.call),
            at_ms: now_ms(),
            bytes: hex::encode(transaction.encode()),
        }))
    }

    fn ended(&self, hash: &[u8; 32], end: End<'_>) {
        let (result, height, code) = match end {
            End::InBlock(receipt) => {
                let code = receipt.error.as_ref().map(|error| error.code.clone());
                (if code.is_some() { "failed" } else { "succeeded" }, Some(receipt.height), code)
            }
            End::Refused(body) => ("refused", None, Some(body.code.clone())),
        };
        let ended =
            Ended { hash: hex::encode(hash), result: result.to_owned(), height, code, at_ms: now_ms() };
        // The call is done. Without this line `argosy tx resume` asks once more than it must.
        let _ = self.append(&Line::Ended(ended));
    }
}

/// Whether a file is empty or ends with a line break.
fn ends_in_a_line(file: &File) -> io::Result<bool> {
    let length = file.metadata()?.len();
    let mut last = [b'\n'];
    if length > 0 {
        file.read_exact_at(&mut last, length - 1)?;
    }
    Ok(last == [b'\n'])
}

/// What is open in a file; nothing if there is no file. A line that was cut off by a crash was never
/// sent, and others that are not understood are somebody else's.
fn read_open(path: &Path) -> io::Result<Vec<Sent>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut open = BTreeMap::new();
    let mut order: u64 = 0;
    for line in BufReader::new(file).split(b'\n') {
        let line = line?;
        if line.len() > MAX_LINE_BYTES {
            continue;
        }
        match serde_json::from_slice(&line) {
            Ok(Line::Sent(sent)) => {
                order += 1;
                open.insert(sent.hash.clone(), (order, sent));
            }
            Ok(Line::Ended(ended)) => drop(open.remove(&ended.hash)),
            Err(_) => {}
        }
    }
    let mut open: Vec<_> = open.into_values().collect();
    open.sort_by_key(|(order, _)| *order);
    Ok(open.into_iter().map(|(_, sent)| sent).collect())
}

/// Where the program keeps what it must remember for this user.
fn state_folder() -> Outcome<PathBuf> {
    let from = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if let Some(folder) = env::var_os("ARGOSY_STATE").filter(|text| !text.is_empty()) {
        return Ok(PathBuf::from(folder));
    }
    let home = || from("HOME").map(|home| home.join(".local/state"));
    from("XDG_STATE_HOME").or_else(home).map(|folder| folder.join("argosy")).ok_or_else(|| {
        Failure::usage("there is no home folder for the log of transactions: set ARGOSY_STATE to a folder")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_directory::{Call, DistributionCall};
    use argosy_domain::{KeyScheme, Keypair};

    fn transaction(nonce: u64) -> Transaction {
        let key = Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap();
        let call = Call::Distribution(DistributionCall::CreateDistributionBucketFamily);
        Transaction::sign(&key, [7; 32], nonce, 1_000, call)
    }

    #[test]
    fn what_was_not_answered_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let log = TransactionLog::at(&folder.path().join("state"), "http://d:1");
        assert_eq!(log.open_entries().unwrap(), []);
        for nonce in 0..3 {
            log.sending(&transaction(nonce)).unwrap();
        }
        let body = argosy_api::ErrorBody::caller(http::StatusCode::CONFLICT, "NONCE_STALE", "used");
        log.ended(&transaction(1).hash(), End::Refused(&body));
        let open = log.open_entries().unwrap();
        assert_eq!(open.iter().map(|sent| sent.nonce).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(open[0].transaction(), Some(transaction(0)));
        assert_eq!(open[0].directory, "http://d:1");
    }

    #[test]
    fn a_line_cut_off_by_a_crash_and_lines_of_others_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let log = TransactionLog::at(folder.path(), "http://d:1");
        log.sending(&transaction(0)).unwrap();
        let mut text = fs::read(log.path()).unwrap();
        let whole = text.clone();
        text.extend_from_slice(b"{\"later\":1}\nnot json\n\xff\xfe\n");
        text.extend_from_slice(&whole[..whole.len() / 2]);
        fs::write(log.path(), text).unwrap();
        assert_eq!(log.open_entries().unwrap().len(), 1);
        log.sending(&transaction(1)).unwrap();
        assert_eq!(log.open_entries().unwrap().len(), 2, "the next line is whole");
    }

    #[test]
    fn a_log_that_has_grown_begins_anew_with_what_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let log = TransactionLog::at(folder.path(), "http://d:1");
        log.sending(&transaction(0)).unwrap();
        let mut file = OpenOptions::new().append(true).open(log.path()).unwrap();
        file.write_all(&vec![b'\n'; usize::try_from(MAX_BYTES).unwrap()]).unwrap();
        log.sending(&transaction(1)).unwrap();
        assert!(fs::metadata(log.path()).unwrap().len() < MAX_BYTES);
        assert_eq!(log.open_entries().unwrap().len(), 2);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "no temporary file is left");
    }

    #[test]
    fn a_changed_transaction_is_not_sent_again() {
        let folder = tempfile::tempdir().unwrap();
        let log = TransactionLog::at(folder.path(), "http://d:1");
        log.sending(&transaction(0)).unwrap();
        let mut sent = log.open_entries().unwrap().remove(0);
        sent.bytes = hex::encode(transaction(1).encode());
        assert_eq!(sent.transaction(), None);
    }
}
