//! Blocks, transactions and what became of them.

use argosy_api::{
    directory::{BlockView, ReceiptView, RecordView, RejectView, TransactionView},
    refusal::SignedRefusal,
    words,
};
use argosy_directory::{Event, Outcome, Payload, Reject, Transaction};
use argosy_ledger::{Block, Receipt, block::transaction_hash};
use codec::Encode;

pub(crate) fn receipt(receipt: &Receipt) -> ReceiptView {
    ReceiptView {
        hash: hex::encode(receipt.hash),
        height: receipt.height,
        index: receipt.index,
        time_ms: receipt.time_ms,
        error: receipt.outcome.result.err().map(reject),
        events: events(&receipt.outcome.events),
    }
}

pub(crate) fn reject(reject: Reject) -> RejectView {
    RejectView { number: reject.number(), code: reject.code().to_owned(), message: reject.to_string() }
}

pub(crate) fn events(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| event.using_encoded(|bytes| hex::encode(bytes))).collect()
}

pub(crate) fn block(block: &Block) -> BlockView {
    let header = &block.header;
    let both = block.transactions.iter().zip(&block.outcomes);
    BlockView {
        height: header.height,
        hash: hex::encode(header.hash()),
        parent: hex::encode(header.parent),
        time_ms: header.time_ms,
        rules_version: header.rules_version,
        state_root: hex::encode(header.state_root),
        randomness: hex::encode(header.randomness),
        events: events(&block.block_events),
        transactions: both.filter_map(|(bytes, outcome)| transaction(bytes, outcome)).collect(),
    }
}

/// Nothing for bytes that are no transaction, which no block of this node has.
fn transaction(bytes: &[u8], outcome: &Outcome) -> Option<TransactionView> {
    let payload = Transaction::decode(bytes).ok()?.payload;
    Some(TransactionView {
        hash: hex::encode(transaction_hash(bytes)),
        bytes: hex::encode(bytes),
        signer: payload.signer,
        nonce: payload.nonce,
        tip: payload.tip,
        error: outcome.result.err().map(reject),
        events: events(&outcome.events),
    })
}

/// A transaction in a block, with what is known of it.
pub(crate) struct Signed<'a> {
    pub(crate) height: u64,
    pub(crate) index: u32,
    pub(crate) time_ms: u64,
    pub(crate) bytes: &'a [u8],
    pub(crate) result: Result<(), Reject>,
}

/// Nothing for bytes that are no transaction, which no block of this node has.
pub(crate) fn signed(signed: &Signed<'_>) -> Option<RecordView> {
    let payload = Transaction::decode(signed.bytes).ok()?.payload;
    let error = signed.result.err().map(reject);
    let view = record(&payload, signed.bytes, signed.height, signed.time_ms);
    let result = if error.is_none() { "succeeded" } else { "failed" }.to_owned();
    Some(RecordView { index: Some(signed.index), result, error, ..view })
}

/// Nothing for bytes that are no transaction, which no entry of this node's refusal log has.
pub(crate) fn refused(entry: &SignedRefusal) -> Option<RecordView> {
    let refusal = &entry.refusal;
    let payload = Transaction::decode(&refusal.transaction).ok()?.payload;
    let view = record(&payload, &refusal.transaction, refusal.height, refusal.time_ms);
    let error =
        RejectView { number: refusal.reason, code: refusal.code.clone(), message: refusal.message.clone() };
    let proof = Some(entry.using_encoded(|bytes| hex::encode(bytes)));
    Some(RecordView { refusal: Some(refusal.number), error: Some(error), proof, ..view })
}

fn record(payload: &Payload, bytes: &[u8], height: u64, time_ms: u64) -> RecordView {
    let call = words::call(&payload.call);
    RecordView {
        hash: hex::encode(transaction_hash(bytes)),
        height,
        index: None,
        refusal: None,
        time_ms,
        signer: payload.signer,
        nonce: payload.nonce,
        tip: payload.tip,
        call: call.name,
        words: call.words,
        arguments: call.arguments,
        result: "refused".to_owned(),
        error: None,
        proof: None,
    }
}
