//! The event log: every run has a digest of it, a traced one its text too.

use crate::{
    faults::Fault,
    message::{Address, Answer, Message, SliceKey},
    token::Token,
};
use argosy_content::GroupRange;

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Noted<'a> {
    Delivered { from: Address, to: Address, message: &'a Message },
    Refused { from: Address, to: Address },
    Woken(Address),
    FaultBegins(&'a Fault),
    FaultEnds(&'a Fault),
    Phase(&'static str),
}

/// Everything that happened, as a digest, and as lines if wanted.
pub(crate) struct EventLog {
    hasher: blake3::Hasher,
    words: Vec<u8>,
    lines: Option<Vec<String>>,
}

impl EventLog {
    pub(crate) fn new(traced: bool) -> Self {
        Self { hasher: blake3::Hasher::new(), words: Vec::new(), lines: traced.then(Vec::new) }
    }

    pub(crate) fn note(&mut self, at_ms: u64, noted: &Noted<'_>) {
        self.word(at_ms);
        match noted {
            Noted::Delivered { from, to, message } => {
                self.address(1, *from);
                self.address(2, *to);
                self.message(message);
            }
            Noted::Refused { from, to } => {
                self.address(3, *from);
                self.address(4, *to);
            }
            Noted::Woken(who) => self.address(5, *who),
            Noted::FaultBegins(fault) => self.text(&format!("begins {fault:?}")),
            Noted::FaultEnds(fault) => self.text(&format!("ends {fault:?}")),
            Noted::Phase(name) => self.text(name),
        }
        self.hasher.update(&self.words);
        self.words.clear();
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{at_ms:>8} {noted:?}"));
        }
    }

    pub(crate) fn finish(self) -> ([u8; 32], Vec<String>) {
        (*self.hasher.finalize().as_bytes(), self.lines.unwrap_or_default())
    }

    fn word(&mut self, word: u64) {
        self.words.extend_from_slice(&word.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.words.extend_from_slice(text.as_bytes());
    }

    fn address(&mut self, what: u8, address: Address) {
        let (kind, number) = match address {
            Address::Directory => (0, 0),
            Address::Storage(n) => (1, n),
            Address::Distributor(n) => (2, n),
            Address::Client(n) => (3, n),
        };
        self.words.extend_from_slice(&[what, kind]);
        self.words.extend_from_slice(&number.to_le_bytes());
    }

    fn key(&mut self, what: u8, key: &SliceKey) {
        self.words.push(what);
        self.word(key.object.0);
        self.word(key.fill);
        self.word(key.request.0);
    }

    fn range(&mut self, range: GroupRange) {
        self.word(range.start);
        self.word(range.end);
    }

    fn groups(&mut self, groups: &[(u64, Token)]) {
        for (group, token) in groups {
            self.word(*group);
            self.word(token.word());
        }
    }

    fn message(&mut self, message: &Message) {
        match message {
            Message::Submit { hash, .. } => {
                self.words.push(10);
                self.words.extend_from_slice(hash);
            }
            Message::Answer { hash, answer } => {
                self.words.push(11);
                self.words.extend_from_slice(hash);
                match answer {
                    Answer::InBlock { height, .. } => self.word(*height),
                    Answer::Refused { reject, nonce } => {
                        self.word(u64::from(reject.number()));
                        self.word(*nonce);
                    }
                }
            }
            Message::Follow { from } => {
                self.words.push(12);
                self.word(*from);
            }
            Message::Blocks(blocks) => {
                self.words.push(13);
                for block in blocks {
                    self.word(block.height);
                    self.word(block.time_ms);
                }
            }
            Message::Slice { key, groups } => {
                self.key(14, key);
                self.range(*groups);
            }
            Message::SliceData { key, groups } => {
                self.key(15, key);
                self.groups(groups);
            }
            Message::SliceEnd { key, end } => {
                self.key(16, key);
                self.text(&format!("{end:?}"));
            }
            Message::Upload { object, groups } => {
                self.words.push(17);
                self.word(object.0);
                self.groups(groups);
            }
            Message::Uploaded { object, state } => {
                self.words.push(18);
                self.word(object.0);
                self.text(&format!("{state:?}"));
            }
            Message::Read { read, object, groups } => {
                self.words.push(19);
                self.word(*read);
                self.word(object.0);
                self.range(*groups);
            }
            Message::Leave { read } => {
                self.words.push(20);
                self.word(*read);
            }
            Message::ReadData { read, groups } => {
                self.words.push(21);
                self.word(*read);
                self.groups(groups);
            }
            Message::ReadEnd { read, end } => {
                self.words.push(22);
                self.word(*read);
                self.text(&format!("{end:?}"));
            }
        }
    }
}
