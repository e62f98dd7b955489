//! How the operator's requests are turned down, in the bodies of Argus.

use super::{changes::ChangesError, door::DoorError, strong::StrongError, token::TokenError};
use argosy_api::ErrorBody;
use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::{Value, json};
use std::error::Error;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// Nobody can sign: there is no secret.
    #[error("no operatorApi.hmacSecret is configured, so that nobody can sign requests: set one and restart")]
    NoSecret,
    /// The body is no JSON.
    #[error("{0}")]
    NoJson(String),
    /// It is not signed as it has to be.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The same, for our own tokens.
    #[error(transparent)]
    Strong(#[from] StrongError),
    /// A token of Argus where only ours are taken.
    #[error("this needs a strong token, such as `argosy distribution node` makes: Authorization: Argosy …")]
    Weak,
    /// The body is not what the action needs.
    #[error("request.body{place} {what}")]
    Body { place: String, what: &'static str },
    /// It is so already.
    #[error("{0}")]
    Already(&'static str),
    /// It cannot be kept on disk.
    #[error(transparent)]
    Changes(#[from] ChangesError),
    /// The public port cannot be opened.
    #[error(transparent)]
    Door(#[from] DoorError),
}

impl Refusal {
    /// `place` within the body, such as `workerId`; empty for the body itself.
    pub(super) fn body(place: &str, what: &'static str) -> Self {
        let place = if place.is_empty() { String::new() } else { format!(".{place}") };
        Self::Body { place, what }
    }

    pub(super) fn answer(&self, url: &str) -> Response {
        let message = self.to_string();
        let (status, body) = match self {
            Self::NoSecret => {
                return ErrorBody::this_node(StatusCode::FORBIDDEN, "NO_OPERATOR_SECRET", message)
                    .into_response();
            }
            Self::Weak => return unauthorized("STRONG_TOKEN_REQUIRED", message),
            Self::Strong(error) => return unauthorized(error.code(), message),
            Self::NoJson(_) => (StatusCode::BAD_REQUEST, invalid(&message, url, &message)),
            Self::Token(_) => (StatusCode::UNAUTHORIZED, invalid(&message, url, &message)),
            Self::Body { place, what } => {
                (StatusCode::BAD_REQUEST, invalid(&message, &format!(".body{place}"), what))
            }
            Self::Already(_) => (StatusCode::CONFLICT, json!({ "message": message })),
            Self::Changes(ChangesError { source, .. }) => failed(&message, source),
            Self::Door(error) => match error.source() {
                Some(source) => failed(&message, source),
                None => (StatusCode::SERVICE_UNAVAILABLE, json!({ "message": message })),
            },
        };
        (status, Json(body)).into_response()
    }
}

fn unauthorized(code: &str, message: String) -> Response {
    ErrorBody::caller(StatusCode::UNAUTHORIZED, code, message).into_response()
}

fn invalid(message: &str, path: &str, what: &str) -> Value {
    json!({
        "type": "request_validation", "message": message, "errors": [{"path": path, "message": what}],
    })
}

fn failed(message: &str, cause: &dyn Error) -> (StatusCode, Value) {
    (StatusCode::INTERNAL_SERVER_ERROR, json!({ "message": format!("{message}: {cause}") }))
}

pub(super) async fn not_found() -> ErrorBody {
    ErrorBody::caller(StatusCode::NOT_FOUND, "NO_SUCH_ROUTE", "the operator's port has nothing at this path")
}
