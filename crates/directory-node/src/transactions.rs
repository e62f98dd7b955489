//! Taking transactions, and telling what became of them.

use crate::{App, record::note_refusal, reply, views};
use argosy_api::{
    ErrorBody, Retry,
    directory::ReceiptView,
    wire::{Schema, Schemas},
};
use argosy_directory::Reject;
use argosy_http::StatusCode;
use argosy_ledger::SubmitError;
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
    let body = body.map_err(|rejection| {
        ErrorBody::caller(
            rejection.status(),
            "UNREADABLE_BODY",
            "the body is longer than a transaction may be, or ended too early",
        )
    })?;
    // A copy of its own: what the connection read into may be much larger, and the pool may keep the
    // transaction when the connection is long gone.
    let bytes = Bytes::copy_from_slice(&body);
    drop(body);
    match app.engine.submit(bytes.clone()).await {
        Ok(receipt) => {
            app.metrics.count_submission(receipt.outcome.result.map_or_else(Reject::code, |()| "OK"));
            Ok(Json(views::receipt(&receipt)))
        }
        Err(error) => {
            let error = refusal(error);
            app.metrics.count_submission(&error.code);
            note_refusal(app, &bytes, &error).await;
            Err(error)
        }
    }
}

/// The receipt of a transaction in one of the newest blocks.
pub(crate) async fn find(
    State(app): State<App>,
    reply::Id(TransactionHash(hash)): reply::Id<TransactionHash>,
) -> Result<Json<ReceiptView>, ErrorBody> {
    let engine = app.engine.clone();
    let found = tokio::task::spawn_blocking(move || engine.find_transaction(&hash)).await;
    let receipt = found.map_err(|_| reply::internal())?.map_err(|error| reply::unreadable(&error))?;
    receipt.map(|receipt| Json(views::receipt(&receipt))).ok_or_else(|| {
        reply::missing(
            "TRANSACTION_NOT_FOUND",
            "no transaction with this hash is in any of the newest blocks",
        )
    })
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
    let caller = |status, retry| ErrorBody::caller(status, error.code(), error.to_string()).with_retry(retry);
    let this_node = |status| ErrorBody::this_node(status, error.code(), error.to_string());
    match error {
        SubmitError::Refused(reject) => refused(reject),
        SubmitError::Malformed => caller(StatusCode::BAD_REQUEST, Retry::Never),
        SubmitError::AccountFull => caller(StatusCode::TOO_MANY_REQUESTS, Retry::Later),
        SubmitError::Waiting => caller(StatusCode::CONFLICT, Retry::Later),
        SubmitError::NonceTaken { .. } | SubmitError::Replaced => caller(StatusCode::CONFLICT, Retry::Never),
        SubmitError::PoolFull | SubmitError::Displaced | SubmitError::Busy => {
            this_node(StatusCode::SERVICE_UNAVAILABLE)
        }
        SubmitError::NoRoom => this_node(StatusCode::INSUFFICIENT_STORAGE),
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
