//! One account's transactions, one at a time, sent again until they are answered.

use crate::{
    context::Context,
    message::{Address, Answer, Message, TransactionHash},
};
use argosy_directory::{Call, Outcome, Payload, transaction::TRANSACTION_VERSION};
use argosy_domain::AccountId;
use codec::Encode;
use std::rc::Rc;

const RESEND_MS: u64 = 800;
/// By the signer's clock, which may be wrong by seconds.
const VALID_MS: u64 = 60_000;

#[derive(Debug)]
pub(crate) struct Submitter {
    account: AccountId,
    genesis: [u8; 32],
    nonce: u64,
    pending: Option<Pending>,
}

#[derive(Debug)]
struct Pending {
    hash: TransactionHash,
    payload: Rc<Payload>,
    sent_ms: u64,
}

/// How a transaction ended.
#[derive(Debug)]
pub(crate) enum Submitted {
    /// It is in the block of this height.
    InBlock(u64, Outcome),
    /// It is in no block and never will be; look again at what is to be done.
    Void,
}

impl Submitter {
    pub(crate) const fn new(account: AccountId, genesis: [u8; 32], nonce: u64) -> Self {
        Self { account, genesis, nonce, pending: None }
    }

    pub(crate) const fn is_idle(&self) -> bool {
        self.pending.is_none()
    }

    /// Sends a call; the one before must have ended.
    pub(crate) fn submit(&mut self, context: &mut Context<'_>, call: Call) {
        let payload = Payload {
            version: TRANSACTION_VERSION,
            genesis: self.genesis,
            signer: self.account,
            nonce: self.nonce,
            valid_until_ms: context.now_ms + VALID_MS,
            tip: 0,
            call,
        };
        let hash = *blake3::hash(&payload.encode()).as_bytes();
        self.pending = Some(Pending { hash, payload: Rc::new(payload), sent_ms: 0 });
        self.tick(context);
    }

    /// Sends again what was not answered.
    pub(crate) fn tick(&mut self, context: &mut Context<'_>) {
        if let Some(pending) = &mut self.pending
            && context.now_ms >= pending.sent_ms + RESEND_MS
        {
            pending.sent_ms = context.now_ms;
            let message = Message::Submit { hash: pending.hash, payload: Rc::clone(&pending.payload) };
            context.send(Address::Directory, message);
        }
    }

    pub(crate) fn next_wake_ms(&self) -> Option<u64> {
        self.pending.as_ref().map(|pending| pending.sent_ms + RESEND_MS)
    }

    /// Takes an answer; gives what became of the pending transaction if it is the one answered.
    pub(crate) fn answered(&mut self, hash: TransactionHash, answer: Answer) -> Option<Submitted> {
        if self.pending.as_ref().is_none_or(|pending| pending.hash != hash) {
            return None;
        }
        self.pending = None;
        match answer {
            Answer::InBlock { height, outcome } => {
                self.nonce += 1;
                Some(Submitted::InBlock(height, outcome))
            }
            Answer::Refused { nonce, .. } => {
                self.nonce = nonce;
                Some(Submitted::Void)
            }
        }
    }
}
