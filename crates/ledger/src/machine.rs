//! The line between ordering and rules. Whatever orders transactions, one sequencer or many validators,
//! knows the directory by [`StateMachine`] only; whatever uses the directory knows the one that orders
//! by [`Ledger`] only.

use crate::{engine::Receipt, error::SubmitError, view::LedgerView};
use argosy_directory::{BlockContext, Event, Outcome, Payload, State, Transaction};
use bytes::Bytes;
use std::{future::Future, pin::Pin};

/// The deterministic part of a ledger: it knows nothing of networks, files or clocks, and the same
/// order of transactions gives the same state on every machine.
pub trait StateMachine {
    /// A transaction that may be ordered.
    type Transaction;

    /// The transaction in these bytes, if its form and signature are right. This depends on the bytes
    /// alone, so that those who vote on an order come to the same answer whatever state they have.
    fn validate(bytes: &[u8]) -> Option<Self::Transaction>;

    /// Height of the newest block that is in the state.
    fn applied(&self) -> u64;

    /// Executes the next block. Nothing, and no change, if the block is not the next one: what was
    /// applied already may be offered again.
    fn apply(&mut self, ordered: &Ordered<'_, Self::Transaction>) -> Option<Applied>;

    /// Root of the state. Not part of [`StateMachine::apply`], because blocks may be executed while
    /// the roots of those before are still computed, or leave it to a later block.
    fn state_root(&mut self) -> [u8; 32];
}

/// Transactions whose order is decided, whoever decided it.
#[derive(Clone, Copy, Debug)]
pub struct Ordered<'a, T> {
    /// Height, agreed time and randomness.
    pub at: BlockContext,
    /// In order.
    pub transactions: &'a [T],
}

/// What executing a block came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Events of the block itself, before the first transaction.
    pub block_events: Vec<Event>,
    /// What became of each transaction; nothing of one that may not be in this block after those
    /// before it, for its nonce, time or fee: it has changed nothing.
    pub outcomes: Vec<Option<Outcome>>,
}

impl StateMachine for State {
    type Transaction = Payload;

    fn validate(bytes: &[u8]) -> Option<Payload> {
        Transaction::decode(bytes).ok().filter(Transaction::signature_holds).map(|sound| sound.payload)
    }

    fn applied(&self) -> u64 {
        self.at().height
    }

    fn apply(&mut self, ordered: &Ordered<'_, Payload>) -> Option<Applied> {
        if ordered.at.height != self.applied().checked_add(1)? {
            return None;
        }
        let block_events = self.begin_block(&ordered.at);
        let mut execute = |payload: &Payload| {
            let may_be_here = self.precheck(payload, ordered.at.time_ms).is_ok();
            may_be_here.then(|| self.execute(payload))
        };
        let outcomes = ordered.transactions.iter().map(&mut execute).collect();
        Some(Applied { block_events, outcomes })
    }

    fn state_root(&mut self) -> [u8; 32] {
        self.root()
    }
}

/// The answer to a transaction, when there is one.
pub type Submitting<'a> = Pin<Box<dyn Future<Output = Result<Receipt, SubmitError>> + Send + 'a>>;

/// Transactions that wait for a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStatus {
    /// How many.
    pub count: usize,
    /// Their bytes.
    pub bytes: usize,
}

/// A ledger that takes transactions: what the rest of the system sees, whichever engine runs underneath.
pub trait Ledger: Send + Sync {
    /// Submits an encoded transaction and waits until it is durably in a block.
    ///
    /// A call that fails is a receipt too. Dropping the future does not take the transaction back.
    ///
    /// # Errors
    /// [`SubmitError`]: it is not in a block, except perhaps after [`SubmitError::Stopped`].
    fn submit(&self, transaction: Bytes) -> Submitting<'_>;

    /// What waits for a block.
    fn pool(&self) -> PoolStatus;

    /// Its state and blocks, with their proofs.
    fn view(&self) -> &LedgerView;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{genesis, member};
    use argosy_domain::{KeyScheme, Keypair};
    use std::time::SystemTime;

    fn key() -> Keypair {
        Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap()
    }

    fn joining(nonce: u64) -> Vec<u8> {
        member(&key(), &genesis(&key()), nonce)
    }

    fn at(height: u64) -> BlockContext {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_millis();
        BlockContext { height, time_ms: u64::try_from(now).unwrap(), randomness: [7; 32] }
    }

    #[test]
    fn a_block_is_applied_once_and_what_may_not_be_in_it_is_left_out() {
        let mut state = State::from_genesis(&genesis(&key())).unwrap();
        let good = State::validate(&joining(0)).unwrap();
        let early = State::validate(&joining(9)).unwrap();
        let transactions = [good.clone(), early, good];
        let ordered = Ordered { at: at(1), transactions: &transactions };
        let applied = state.apply(&ordered).unwrap();
        let executed: Vec<_> = applied.outcomes.iter().map(Option::is_some).collect();
        assert_eq!(executed, [true, false, false]);
        let root = state.state_root();
        assert_eq!(state.apply(&ordered), None, "applied already");
        assert_eq!(state.apply(&Ordered { at: at(3), transactions: &[] }), None, "not yet due");
        assert_eq!((state.applied(), state.state_root()), (1, root));
    }

    #[test]
    fn validity_depends_on_the_bytes_alone() {
        let mut bytes = joining(0);
        assert!(State::validate(&bytes).is_some());
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert!(State::validate(&bytes).is_none(), "signature");
        assert!(State::validate(&bytes[..last]).is_none(), "form");
    }
}
