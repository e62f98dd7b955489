//! Taking transactions, and telling what became of them.

use crate::{App, record::note_refusal, reply, submitter::result_code, views};
use argosy_api::{
    ErrorBody,
    directory::ReceiptView,
    wire::{Schema, Schemas},
};
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
