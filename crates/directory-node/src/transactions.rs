//! Taking transactions, and telling what became of them.

use crate::{App, record::note_refusal, reply, views};
use argosy_api::{
    ErrorBody, Retry,
    directory::{ReceiptView, query::Place},
    wire::{Schema, Schemas},
};
use argosy_directory::Reject;
use argosy_http::StatusCode;
use argosy_ledger::{Block, ReadError, Receipt, SubmitError, block::transaction_hash};
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
    let bytes = body.map_err(|rejection| {
        ErrorBody::caller(
            rejection.status(),
            "UNREADABLE_BODY",
            "the body is longer than a transaction may be, or ended too early",
        )
    })?;
    match app.engine.submit(bytes.to_vec()).await {
        Ok(receipt) => {
            app.metrics.count_submission(receipt.outcome.result.map_or_else(Reject::code, |()| "OK"));
            Ok(Json(views::receipt(&receipt)))
        }
        Err(error) => {
            let error = refusal(error);
            app.metrics.count_submission(&error.code);
            note_refusal(app, bytes.into(), error.clone()).await;
            Err(error)
        }
    }
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

fn refusal(error: SubmitError) -> ErrorBody {
    match error {
        SubmitError::Refused(reject) => refused(reject),
        SubmitError::Malformed => {
            ErrorBody::caller(StatusCode::BAD_REQUEST, "MALFORMED_TRANSACTION", error.to_string())
        }
        SubmitError::PoolFull => {
            ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, "POOL_FULL", error.to_string())
        }
        SubmitError::NoRoom => {
            ErrorBody::this_node(StatusCode::INSUFFICIENT_STORAGE, "NO_ROOM", error.to_string())
        }
        SubmitError::Stopped(stopped) => reply::stopped(stopped),
    }
}

fn refused(reject: Reject) -> ErrorBody {
    // Another transaction of the same account is in the way, rather than this one being wrong.
    let (status, retry) = if reject == Reject::NonceFuture {
        (StatusCode::CONFLICT, Retry::Later)
    } else if reject == Reject::NonceStale {
        (StatusCode::CONFLICT, Retry::Never)
    } else {
        (StatusCode::BAD_REQUEST, Retry::Never)
    };
    ErrorBody::caller(status, reject.code(), reject.to_string())
        .with_retry(retry)
        .with_number(reject.number())
}
