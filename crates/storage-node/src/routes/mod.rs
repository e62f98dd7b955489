//! What a storage node answers.
//!
//! | method, path | answer |
//! |---|---|
//! | `PUT /api/v1/objects/{id}/content?fromGroup=` | takes bytes with their proof, from the owner |
//! | `HEAD /api/v1/objects/{id}/content` | where an unfinished upload goes on |
//! | `POST /api/v1/files?dataObjectId=&storageBucketId=&bagId=` | takes plain bytes, as Joystream's clients send them |
//! | `GET`, `HEAD /api/v1/files/{id}` | bytes, ranges |
//! | `GET /api/v1/objects/{id}/slices?from=&to=` | bytes with their proof, for nodes and verifying clients |
//! | `GET /api/v1/proof-of-role?challenge=&endpoint=` | a proof whose node this is, for nodes that are about to ask it |
//! | `GET /api/v1/version`, `/api/v1/status`, `/api/v1/state/data-objects`, `/livez` | about the node |

mod content;
mod files;
mod plain;
mod slices;
mod state;
mod stream;

use crate::node::Node;
use argosy_api::{ErrorBody, NEXT_GROUP_HEADER, proof::PROOF_PATH};
use argosy_domain::DataObjectId;
use argosy_http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use argosy_store::StoreError;
use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use std::sync::Arc;

/// Says whether the acceptance of an uploaded object is in a block (`accepted`) or will follow
/// (`pending`): the directory did not answer in time.
const ACCEPTANCE_HEADER: HeaderName = HeaderName::from_static("x-argosy-acceptance");

/// All routes.
pub(crate) fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/api/v1/objects/{id}/content", put(content::put).head(content::head))
        .route("/api/v1/objects/{id}/slices", get(slices::get))
        .route("/api/v1/files", post(plain::post))
        .route("/api/v1/files/{id}", get(files::get))
        .route(PROOF_PATH, get(state::proof_of_role))
        .route("/api/v1/version", get(state::version))
        .route("/api/v1/status", get(state::status))
        .route("/api/v1/state/data-objects", get(state::data_objects))
        .route("/livez", get(state::livez))
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        // Bodies are bounded by what the directory says of the object, not by one number.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(cross_origin))
        .with_state(node)
}

/// Browsers may read from and upload to any storage node.
async fn cross_origin(request: Request, next: Next) -> Response {
    let asked = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    let mut response = if request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    let preflight = response.status() == StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if preflight {
        let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, OPTIONS");
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        if let Some(asked) = asked {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked);
        }
    } else {
        let exposed =
            "content-range, content-length, accept-ranges, etag, x-argosy-next-group, x-argosy-acceptance";
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(exposed));
    }
    response
}

async fn not_found() -> ErrorBody {
    ErrorBody::caller(StatusCode::NOT_FOUND, "NO_SUCH_ROUTE", "this node has nothing at this path")
}

async fn method_not_allowed() -> ErrorBody {
    let message = "this path does not take this method";
    ErrorBody::caller(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", message)
}

fn bad_id() -> ErrorBody {
    ErrorBody::caller(StatusCode::BAD_REQUEST, "BAD_OBJECT_ID", "an object id is a decimal number")
}

fn bad_query(message: impl Into<String>) -> ErrorBody {
    ErrorBody::caller(StatusCode::BAD_REQUEST, "BAD_QUERY", message)
}

fn no_object(id: DataObjectId) -> ErrorBody {
    let message = format!("there is no data object {id}");
    ErrorBody::caller(StatusCode::NOT_FOUND, "DATA_OBJECT_DOESNT_EXIST", message)
}

fn not_held(id: DataObjectId) -> ErrorBody {
    let message = format!("this node does not hold what was asked of data object {id}");
    ErrorBody::caller(StatusCode::NOT_FOUND, "NOT_HELD", message).with_retry(argosy_api::Retry::Elsewhere)
}

/// A failure whose cause is for the node's log, not for the caller.
fn internal(doing: &'static str, error: &dyn std::error::Error) -> ErrorBody {
    tracing::error!(%error, cause = error.source().map(tracing::field::display), "cannot {doing}");
    let message = format!("this node cannot {doing} now");
    ErrorBody::this_node(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", message)
}

fn store_error(error: &StoreError) -> ErrorBody {
    match error {
        StoreError::NoRoom { .. } => {
            let message = "this node has no room for the object";
            ErrorBody::this_node(StatusCode::INSUFFICIENT_STORAGE, "NO_ROOM", message)
                .with_retry(argosy_api::Retry::Elsewhere)
        }
        StoreError::AlreadyInUse(_)
        | StoreError::NewerFormat { .. }
        | StoreError::NotAStore(_)
        | StoreError::AlreadyComplete(_)
        | StoreError::Absent(_)
        | StoreError::Gone(_)
        | StoreError::Incomplete { .. }
        | StoreError::OtherContent { .. }
        | StoreError::Io { .. } => internal("write the object", error),
    }
}

/// The token of an `Authorization: Bearer` header, if there is one.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn next_group(mut response: Response, group: u64) -> Response {
    response.headers_mut().insert(HeaderName::from_static(NEXT_GROUP_HEADER), HeaderValue::from(group));
    response
}

/// Runs blocking work; a panic in it is the node's defect, answered and logged as such.
async fn blocking<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ErrorBody> {
    tokio::task::spawn_blocking(work).await.map_err(|error| internal(doing, &error))
}

impl Node {
    /// Why an upload into one of this node's buckets may not be done by whoever holds this token.
    fn check_token(
        &self,
        headers: &HeaderMap,
        id: DataObjectId,
        object: &crate::node::KnownObject,
    ) -> Result<(), ErrorBody> {
        let Some(text) = bearer(headers) else {
            let message = "an upload needs the token of the bag's owner, as Authorization: Bearer";
            return Err(ErrorBody::caller(StatusCode::UNAUTHORIZED, "UPLOAD_TOKEN_MISSING", message));
        };
        let refused = |status, error: argosy_api::token::TokenError| {
            ErrorBody::caller(status, "UPLOAD_TOKEN_REFUSED", error.to_string())
        };
        let token: argosy_api::UploadToken =
            text.parse().map_err(|error| refused(StatusCode::UNAUTHORIZED, error))?;
        let now_ms = argosy_node::follower::now_ms();
        let check = |owner, bucket| token.check(self.follower.genesis_hash(), id, bucket, owner, now_ms);
        // A token by any uploader for any of our buckets will do. Of the refusals, what is wrong with a
        // token by one who may upload says more than that others have not signed it.
        let mut refusal = argosy_api::token::TokenError::NotOwner;
        for owner in &object.uploaders {
            for bucket in &object.ours {
                match check(owner, *bucket) {
                    Ok(()) => return Ok(()),
                    Err(argosy_api::token::TokenError::NotOwner) => {}
                    Err(error) => refusal = error,
                }
            }
        }
        Err(refused(StatusCode::FORBIDDEN, refusal))
    }
}
