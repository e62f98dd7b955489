//! Blocks and transactions themselves.

use super::rows::Rows;
use crate::{
    error::ApplyError,
    store::Tip,
    value::{flag, int, maybe_text, text, whole, wide},
};
use argosy_api::words;
use argosy_directory::{Outcome, Transaction};
use argosy_domain::num::to_u64;
use argosy_ledger::{Block, block::transaction_hash};
use rusqlite::types::Value;
use serde_json::Value as Json;

/// An empty block has no row: one every six seconds would be most of the index.
pub(super) fn block(rows: &Rows<'_>, block: &Block, tip: &Tip) -> Result<(), ApplyError> {
    if block.transactions.is_empty() && block.block_events.is_empty() {
        return Ok(());
    }
    rows.insert(
        "Block",
        &[
            ("id", text(tip.height)),
            ("height", int(tip.height)),
            ("hash", text(hex::encode(tip.hash))),
            ("timestamp", int(tip.time_ms)),
            ("transactionsCount", int(to_u64(block.transactions.len()))),
        ],
    )
}

/// Gives the transaction's hash in hexadecimal.
pub(super) fn transaction(
    rows: &Rows<'_>,
    bytes: &[u8],
    transaction: &Transaction,
    outcome: &Outcome,
    index: u64,
) -> Result<String, ApplyError> {
    let hash = hex::encode(transaction_hash(bytes));
    let payload = &transaction.payload;
    let words = words::call(&payload.call);
    let (arguments, truncated) = whole(Json::Object(words.arguments));
    let error = outcome.result.err();
    rows.insert(
        "Transaction",
        &[
            ("id", text(&hash)),
            ("block", text(rows.height)),
            ("height", int(rows.height)),
            ("indexInBlock", int(index)),
            ("timestamp", int(rows.time_ms)),
            ("signer", text(payload.signer)),
            ("nonce", wide(payload.nonce.into())),
            ("call", text(words.name)),
            ("arguments", arguments),
            ("argumentsTruncated", truncated),
            ("success", flag(error.is_none())),
            ("errorCode", error.map_or(Value::Null, |error| text(error.code()))),
            ("errorNumber", error.map_or(Value::Null, |error| int(error.number().into()))),
            ("errorMessage", maybe_text(error.map(|error| error.to_string()).as_deref())),
            ("eventsCount", int(to_u64(outcome.events.len()))),
        ],
    )?;
    Ok(hash)
}
