//! Taking transactions, and telling what became of them.

use crate::{
    App,
    answer::{self, At},
    health::now_ms,
    record::note_refusal,
    reply,
    submitter::result_code,
    views,
};
use argosy_api::{
    ErrorBody,
    directory::{CheckView, ReceiptView, query::Place},
    wire::{Schema, Schemas},
};
use argosy_directory::{BlockContext, Outcome, Payload, Reject, State as Directory};
use argosy_domain::{limits::MAX_TRANSACTION_BYTES, wire::decode_canonical};
use argosy_http::StatusCode;
use argosy_ledger::{Block, ReadError, Receipt, block::transaction_hash};
use axum::{
    Json,
    extract::{State, rejection::BytesRejection},
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::str::FromStr;

/// Waits until the transaction is durable in a block; a call that failed there is an answer too.
pub(crate) async fn submit(
    State(app): State<App>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<ReceiptView>, ErrorBody> {
    let body = body.map_err(unreadable_body)?;
    // A copy of its own: what the connection read into may be much larger, and the pool may keep the
    // transaction when the connection is long gone.
    let bytes = Bytes::copy_from_slice(&body);
    drop(body);
    match app.submitter.submit(bytes.clone()).await {
        Ok(receipt) => {
            app.metrics.count_submission(result_code(&receipt));
            Ok(Json(receipt))
        }
        Err(error) => {
            app.metrics.count_submission(&error.code);
            note_refusal(app, &bytes, &error).await;
            Err(error)
        }
    }
}

fn unreadable_body(rejection: BytesRejection) -> ErrorBody {
    ErrorBody::caller(
        rejection.status(),
        "UNREADABLE_BODY",
        "the body is longer than a transaction may be, or ended too early",
    )
}

/// Tells what a transaction would do if it were the first of the next block. Nothing is kept of it, and
/// it need not be signed, so that nobody can send it on.
pub(crate) async fn check(
    State(app): State<App>,
    body: Result<Bytes, BytesRejection>,
) -> answer::One<CheckView> {
    let body = body.map_err(unreadable_body)?;
    let payload = Some(&*body).filter(|bytes| bytes.len() <= MAX_TRANSACTION_BYTES);
    let payload: Payload = payload.and_then(|bytes| decode_canonical(bytes).ok()).ok_or_else(|| {
        ErrorBody::caller(
            StatusCode::BAD_REQUEST,
            "MALFORMED",
            "the body is not the canonical SCALE encoding of a transaction's payload",
        )
    })?;
    let state = app.engine.snapshot().map_err(reply::stopped)?;
    let (height, block_time_ms) = (state.at().height, state.at().time_ms);
    // Calls may be long, and this one is not paid for.
    answer::aside(&app, move || {
        let now = now_ms();
        let at = BlockContext {
            height: height.saturating_add(1),
            time_ms: now.max(block_time_ms),
            randomness: [0; 32],
        };
        let lag_ms = now.saturating_sub(block_time_ms);
        let (fee, tried) = try_out(&state, &payload, &at);
        let enters = tried.is_ok();
        let outcome = tried.unwrap_or_else(|reject| Outcome { result: Err(reject), events: Vec::new() });
        let view = CheckView {
            block_time_ms,
            lag_ms,
            fee,
            enters,
            error: outcome.result.err().map(views::reject),
            events: views::events(&outcome.events),
        };
        At { height, value: view }
    })
    .await
}

/// The fee, and what would become of a transaction in the block `at`.
fn try_out(state: &Directory, payload: &Payload, at: &BlockContext) -> (u128, Result<Outcome, Reject>) {
    let mut state = state.clone();
    state.begin_block(at);
    let fee = state.fee(payload);
    let outcome = state.precheck(payload, at.time_ms).map(|()| state.execute(payload));
    (fee, outcome)
}

/// The receipt of a transaction in one of the blocks that are kept.
pub(crate) async fn find(
    State(app): State<App>,
    reply::Id(TransactionHash(hash)): reply::Id<TransactionHash>,
) -> Result<Json<ReceiptView>, ErrorBody> {
    let found = tokio::task::spawn_blocking(move || find_receipt(&app, &hash)).await;
    found.map_err(|_| reply::internal())?.map(|receipt| Json(views::receipt(&receipt)))
}

fn find_receipt(app: &App, hash: &[u8; 32]) -> Result<Receipt, ErrorBody> {
    let newest = app.engine.find_transaction(hash).map_err(|error| reply::unreadable(&error))?;
    if let Some(receipt) = newest {
        return Ok(receipt);
    }
    let height = app.index.coverage().height();
    for place in app.index.candidates(hash).map_err(|error| reply::index_failed(&error))? {
        match receipt_at(app, place, hash) {
            Ok(None) | Err(ReadError::Gone { .. }) => {}
            Ok(Some(receipt)) => return Ok(receipt),
            Err(error) => return Err(reply::unreadable(&error)),
        }
    }
    let message = format!("no transaction with this hash is in the blocks that are kept, up to {height}");
    Err(reply::missing("TRANSACTION_NOT_FOUND", &message))
}

/// The transaction at a place, if it has this hash.
fn receipt_at(app: &App, place: Place, hash: &[u8; 32]) -> Result<Option<Receipt>, ReadError> {
    let Some(bytes) = app.engine.block_bytes(place.height)? else { return Ok(None) };
    let Place { height, index } = place;
    let receipt = Block::decode_bytes(&bytes).ok().and_then(|block| {
        let at = usize::try_from(index).ok()?;
        let is_it = transaction_hash(block.transactions.get(at)?) == *hash;
        let outcome = block.outcomes.get(at)?.clone();
        is_it.then_some(Receipt { hash: *hash, height, index, time_ms: block.header.time_ms, outcome })
    });
    Ok(receipt)
}

/// 64 hexadecimal digits.
pub(crate) struct TransactionHash([u8; 32]);

impl Schema for TransactionHash {
    fn schema(_: &mut Schemas) -> Value {
        json!({"type": "string", "pattern": "^[0-9a-fA-F]{64}$"})
    }
}

impl FromStr for TransactionHash {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash)?;
        Ok(Self(hash))
    }
}
