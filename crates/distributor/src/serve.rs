//! Finds out what a request is for.

use crate::{answers, health, node::Node};
use argosy_domain::DataObjectId;
use argosy_http::{Answered, EdgeHandler, EdgeMethod, EdgeRequest, EdgeResponse, Refused};
use std::sync::Arc;
use tracing::Instrument as _;

/// The public port.
pub(crate) struct Public(pub(crate) Arc<Node>);

/// What a path names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Route {
    Asset(DataObjectId),
    Slices(DataObjectId),
    Proof(DataObjectId),
    Status,
    Buckets,
    Popular,
    ProofOfRole,
    Live,
    Ready,
    /// Digits, but more than any id has.
    NoSuchObject,
    NotAnId,
    /// Below the API's root.
    Unknown,
    Outside,
}

impl Route {
    /// Ids are parsed as integers: no text of a request ever becomes part of a path.
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/livez" | "/healthz" => return Self::Live,
            "/readyz" => return Self::Ready,
            _ => {}
        }
        let Some(rest) = path.strip_prefix("/api/v1").filter(|rest| rest.is_empty() || rest.starts_with('/'))
        else {
            return Self::Outside;
        };
        match rest {
            "/status" => return Self::Status,
            "/buckets" => return Self::Buckets,
            "/popular" => return Self::Popular,
            "/proof-of-role" => return Self::ProofOfRole,
            _ => {}
        }
        if let Some(id) = rest.strip_prefix("/assets/") {
            return Self::object(id, Self::Asset);
        }
        let Some(object) = rest.strip_prefix("/objects/") else {
            return Self::Unknown;
        };
        if let Some(id) = object.strip_suffix("/slices") {
            Self::object(id, Self::Slices)
        } else if let Some(id) = object.strip_suffix("/proof") {
            Self::object(id, Self::Proof)
        } else {
            Self::Unknown
        }
    }

    fn object(id: &str, route: impl FnOnce(DataObjectId) -> Self) -> Self {
        if id.is_empty() || id.contains('/') {
            return Self::Unknown;
        }
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::NotAnId;
        }
        id.parse().map_or(Self::NoSuchObject, |id| route(DataObjectId(id)))
    }
}

impl EdgeHandler for Public {
    async fn handle(&self, request: EdgeRequest<'_>) -> EdgeResponse {
        if request.method == EdgeMethod::Options {
            return answers::preflight(&request);
        }
        let node = &self.0;
        match Route::of(request.path) {
            // Hits are answered here and now, without a wait or a box.
            Route::Asset(id) => {
                let admitted = match node.admit(&request, id) {
                    Ok(admitted) => admitted,
                    Err(refusal) => return refusal.to_asset_answer(id),
                };
                let answer = match node.asset(&request, id, admitted.meta) {
                    Ok(answer) => answer,
                    Err(wanted) => {
                        Box::pin(Arc::clone(node).wanted(wanted).instrument(node.span.clone())).await
                    }
                };
                node.dress(&request, id, admitted, answer)
            }
            Route::Slices(id) => {
                let admitted = match node.admit(&request, id) {
                    Ok(admitted) => admitted,
                    Err(refusal) => return answers::own_error(&refusal.to_body(id)),
                };
                let slices = Arc::clone(node).slices(request.method, id, admitted.meta, request.query);
                let answer = Box::pin(slices.instrument(node.span.clone())).await;
                node.dress(&request, id, admitted, node.paced(id, admitted.meta, answer))
            }
            Route::Proof(id) => {
                let admitted = match node.admit(&request, id) {
                    Ok(admitted) => admitted,
                    Err(refusal) => return answers::own_error(&refusal.to_body(id)),
                };
                let proof = Arc::clone(node).proof(request.method, id, admitted.meta, request.query);
                let answer = Box::pin(proof.instrument(node.span.clone())).await;
                node.dress(&request, id, admitted, node.paced(id, admitted.meta, answer))
            }
            Route::Status => answers::live_json(&node.status()),
            Route::Buckets => answers::live_json(&node.buckets()),
            Route::Popular => answers::popular(node.popular(request.query)),
            Route::ProofOfRole => Box::pin(node.proof_of_role(&request).instrument(node.span.clone())).await,
            Route::Live => health::livez(),
            Route::Ready => node.readyz(),
            Route::NoSuchObject => answers::unknown_object(),
            Route::NotAnId => answers::not_an_id(),
            Route::Unknown => answers::no_route(request.path),
            Route::Outside => answers::no_page(),
        }
    }

    fn answered(&self, request: &EdgeRequest<'_>, outcome: &Answered) {
        self.0.record.answered(request, outcome, &self.0.span);
    }

    fn refused(&self, refused: &Refused<'_>) {
        self.0.record.refused(refused, &self.0.span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_literally() {
        let cases = [
            ("/api/v1/assets/7", Route::Asset(DataObjectId(7))),
            ("/api/v1/assets/007", Route::Asset(DataObjectId(7))),
            ("/api/v1/assets/18446744073709551615", Route::Asset(DataObjectId(u64::MAX))),
            ("/api/v1/assets/18446744073709551616", Route::NoSuchObject),
            ("/api/v1/assets/abc", Route::NotAnId),
            ("/api/v1/assets/7a", Route::NotAnId),
            ("/api/v1/assets/+7", Route::NotAnId),
            ("/api/v1/assets/%37", Route::NotAnId),
            ("/api/v1/assets/..%2f7", Route::NotAnId),
            ("/api/v1/assets/", Route::Unknown),
            ("/api/v1/assets/../7", Route::Unknown),
            ("/api/v1/assets/7/", Route::Unknown),
            ("/api/v1/objects/7/slices", Route::Slices(DataObjectId(7))),
            ("/api/v1/objects/x/slices", Route::NotAnId),
            ("/api/v1/objects/7/proof", Route::Proof(DataObjectId(7))),
            ("/api/v1/objects/7/8/proof", Route::Unknown),
            ("/api/v1/objects//slices", Route::Unknown),
            ("/api/v1/objects/7", Route::Unknown),
            ("/api/v1/status", Route::Status),
            ("/api/v1/buckets", Route::Buckets),
            ("/api/v1/popular", Route::Popular),
            ("/api/v1/proof-of-role", Route::ProofOfRole),
            ("/api/v1/proof-of-role/", Route::Unknown),
            ("/healthz", Route::Live),
            ("/readyz", Route::Ready),
            ("/readyz/", Route::Outside),
            ("/api/v1", Route::Unknown),
            ("/api/v1x", Route::Outside),
            ("/", Route::Outside),
        ];
        for (path, expected) in cases {
            assert_eq!(Route::of(path), expected, "{path}");
        }
    }
}
