//! Answers and errors that all routes share, and what they read from requests.

use crate::index::IndexError;
use argosy_api::{ErrorBody, Retry};
use argosy_http::StatusCode;
use argosy_ledger::{ReadError, Stopped};
use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use std::str::FromStr;

/// The part of a path that names a thing, as an id.
pub(crate) struct Id<T>(pub(crate) T);

impl<T: FromStr, S: Send + Sync> FromRequestParts<S> for Id<T> {
    type Rejection = ErrorBody;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorBody> {
        let text = Path::<String>::from_request_parts(parts, state).await.ok();
        text.and_then(|Path(text)| text.parse().ok()).map(Self).ok_or_else(|| {
            ErrorBody::caller(
                StatusCode::BAD_REQUEST,
                "BAD_ID",
                "the path names a thing by something that is not an id of its kind",
            )
        })
    }
}

/// The query, as a struct.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = ErrorBody;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ErrorBody> {
        Query::<T>::from_request_parts(parts, state).await.map(|Query(params)| Self(params)).map_err(|_| {
            ErrorBody::caller(
                StatusCode::BAD_REQUEST,
                "BAD_QUERY",
                "the query has an unknown parameter or a value of the wrong kind",
            )
        })
    }
}

/// There is no such thing.
pub(crate) fn missing(code: &str, message: &str) -> ErrorBody {
    ErrorBody::caller(StatusCode::NOT_FOUND, code, message)
}

/// Blocks are asked for that are still to come.
pub(crate) fn height_ahead(newest: u64) -> ErrorBody {
    let message = format!(
        "the newest block here has height {newest}: is this the same network, restored from a backup?"
    );
    ErrorBody::caller(StatusCode::CONFLICT, "HEIGHT_AHEAD", message).with_retry(Retry::Elsewhere)
}

/// The engine has failed; another directory node may do.
pub(crate) fn stopped(error: Stopped) -> ErrorBody {
    ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, "STOPPED", error.to_string())
        .with_retry(Retry::Elsewhere)
}

/// The block was dropped here, or the log cannot be read; the details of that are for the operator only.
pub(crate) fn unreadable(error: &ReadError) -> ErrorBody {
    if let ReadError::Gone { height, oldest } = *error {
        return gone(height, oldest);
    }
    tracing::error!(%error, cause = ?std::error::Error::source(error), "a block cannot be read");
    internal()
}

/// The index of transactions cannot be read.
pub(crate) fn index_failed(error: &IndexError) -> ErrorBody {
    tracing::error!(%error, cause = ?std::error::Error::source(error), "the index of transactions failed");
    internal()
}

/// Another node may keep all blocks.
pub(crate) fn gone(height: u64, oldest: u64) -> ErrorBody {
    ErrorBody::this_node(StatusCode::GONE, "BLOCK_GONE", ReadError::Gone { height, oldest }.to_string())
        .with_retry(Retry::Elsewhere)
}

/// Something that must not happen.
pub(crate) fn internal() -> ErrorBody {
    ErrorBody::this_node(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "the node failed; its log says why")
        .with_retry(Retry::Elsewhere)
}
