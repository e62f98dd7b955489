//! Headers and bodies of answers, in the words of Argus where it has some.
//!
//! Source: `spec/argus-colossus.md` B1.

use crate::assets::Asset;
use argosy_api::ErrorBody;
use argosy_domain::DataObjectId;
use argosy_http::{ContentRange, EdgeBody, EdgeRequest, EdgeResponse, HeaderBlock, StatusCode};
use bytes::Bytes;
use serde_json::json;

const JSON: &str = "application/json; charset=utf-8";
const EXPOSED: &str =
    "x-cache, x-data-source, content-range, content-length, accept-ranges, etag, repr-digest, link";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const NO_STORE: &str = "no-store";
/// As Argus says; whatever comes in the end but GET, HEAD and OPTIONS gets a 405.
const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";
/// Request headers that mean something here; what is asked for beyond them does no harm either.
const REQUEST_HEADERS: &str = "range, if-range, if-match, if-none-match, authorization";
/// Longest list of request headers that a preflight gets back.
const MAX_ECHO_BYTES: usize = 1024;
/// When to come again after an outage, in seconds: after the longest rest of a source that has failed.
const RETRY_AFTER_S: std::ops::RangeInclusive<u32> = 5..=15;

/// Headers of 200 and 206 with bytes of an object.
pub(crate) fn asset_headers(asset: &Asset, x_cache: &str, mime: &str) -> HeaderBlock {
    let lines = [("x-data-source", "local"), ("content-type", mime), ("repr-digest", &asset.digest)];
    HeaderBlock::build(shared_lines(asset, x_cache).into_iter().chain(lines))
}

/// Headers of an answer to HEAD, which knows the type of what is here or was.
pub(crate) fn head_headers(asset: &Asset, x_cache: &str) -> HeaderBlock {
    let mime = asset.mime().map(|mime| ("content-type", mime));
    let lines = [("repr-digest", asset.digest.as_str())].into_iter().chain(mime);
    HeaderBlock::build(shared_lines(asset, x_cache).into_iter().chain(lines))
}

/// Headers of 304.
pub(crate) fn not_modified_headers(asset: &Asset, x_cache: &str) -> HeaderBlock {
    HeaderBlock::build(shared_lines(asset, x_cache))
}

fn shared_lines<'a>(asset: &'a Asset, x_cache: &'a str) -> [(&'static str, &'a str); 11] {
    [
        ("access-control-allow-origin", "*"),
        ("timing-allow-origin", "*"),
        ("access-control-expose-headers", EXPOSED),
        ("cross-origin-resource-policy", "cross-origin"),
        // Whoever opens an object as a page gets one that can do nothing, whatever its type.
        ("content-security-policy", "sandbox"),
        ("x-content-type-options", "nosniff"),
        ("x-cache", x_cache),
        ("content-disposition", "inline"),
        ("accept-ranges", "bytes"),
        ("cache-control", IMMUTABLE),
        ("etag", &asset.etag),
    ]
}

/// 416, with the size that there is.
pub(crate) fn unsatisfiable(size: u64) -> EdgeResponse {
    let body = json!({
        "type": "sendstream_error",
        "message": "RangeNotSatisfiableError: Range Not Satisfiable",
    });
    asset_refusal(StatusCode::RANGE_NOT_SATISFIABLE, &body, None)
        .with_content_range(ContentRange::Unsatisfied { size })
}

/// 412.
pub(crate) fn precondition_failed() -> EdgeResponse {
    let body =
        json!({ "type": "sendstream_error", "message": "PreconditionFailedError: Precondition Failed" });
    asset_refusal(StatusCode::PRECONDITION_FAILED, &body, None)
}

/// 404: never declared, or deleted.
pub(crate) fn unknown_object() -> EdgeResponse {
    let body = json!({ "message": "Data object does not exist" });
    asset_refusal(StatusCode::NOT_FOUND, &body, None)
}

/// 404: declared, and no storage node has it yet.
pub(crate) fn not_uploaded() -> EdgeResponse {
    let body = json!({ "message": "Data object has not been uploaded yet" });
    asset_refusal(StatusCode::NOT_FOUND, &body, None)
}

/// 421, with the addresses of the object at the nodes that deliver it: `others` are their root URLs.
pub(crate) fn not_ours(id: DataObjectId, others: &[String]) -> EdgeResponse {
    let urls: Vec<String> = others.iter().map(|root| format!("{root}/api/v1/assets/{id}")).collect();
    let body = json!({ "message": "Data object not served by this node", "distributors": urls });
    let links: Vec<String> = urls.iter().map(|url| format!("<{url}>; rel=\"alternate\"")).collect();
    let link = (!links.is_empty()).then(|| links.join(", "));
    asset_refusal(StatusCode::MISDIRECTED_REQUEST, &body, link.as_deref())
}

/// 451; `here` is who refuses, this node's root URL.
///
/// Source: RFC 7725, `blocked-by`.
pub(crate) fn blacklisted(here: Option<&str>) -> EdgeResponse {
    let body = json!({ "message": "Data object is blacklisted" });
    let link = here.map(|here| format!("<{here}>; rel=\"blocked-by\""));
    asset_refusal(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, &body, link.as_deref())
}

/// 500: no source has it. The misspelling is Argus' own.
pub(crate) fn no_source(id: DataObjectId) -> EdgeResponse {
    let message = format!("Failed to download object {id} from any availablable storage provider");
    asset_refusal(
        StatusCode::INTERNAL_SERVER_ERROR,
        &json!({ "type": "exception", "message": message }),
        None,
    )
}

/// 503: there are sources, and none of them can be reached now. Argus says 500 here, too; the status and
/// `retry-after` tell a player that it is worth coming again. The body is that of Argus.
pub(crate) fn unreachable(id: DataObjectId) -> EdgeResponse {
    let message = format!("Failed to download object {id} from any availablable storage provider");
    let body = json!({ "type": "exception", "message": message });
    // Not all at once, when the sources are back.
    let seconds = fastrand::u32(RETRY_AFTER_S).to_string();
    let lines = [
        ("timing-allow-origin", "*"),
        ("access-control-expose-headers", EXPOSED),
        ("retry-after", seconds.as_str()),
    ];
    json_answer(StatusCode::SERVICE_UNAVAILABLE, &body).with_extra(HeaderBlock::build(lines))
}

/// 503: not now, such as while the node stops.
pub(crate) fn unavailable(message: &str) -> EdgeResponse {
    asset_refusal(StatusCode::SERVICE_UNAVAILABLE, &json!({ "type": "exception", "message": message }), None)
}

/// 400: not an id.
pub(crate) fn not_an_id() -> EdgeResponse {
    let pattern = "should match pattern \"\\d+\"";
    let message = format!("request.params.objectId {pattern}");
    let body = json!({
        "type": "request_validation",
        "message": message,
        "errors": [{
            "path": ".params.objectId",
            "message": pattern,
            "errorCode": "pattern.openapi.validation",
        }],
    });
    json_answer(StatusCode::BAD_REQUEST, &body)
}

/// 404 for a path below the API's root.
pub(crate) fn no_route(path: &str) -> EdgeResponse {
    let body = json!({
        "type": "request_validation",
        "message": "not found",
        "errors": [{ "path": path, "message": "not found" }],
    });
    json_answer(StatusCode::NOT_FOUND, &body)
}

/// 404 for any other path: for people who came with a browser.
pub(crate) fn no_page() -> EdgeResponse {
    const PAGE: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Not found</title>\n</head>\n<body>\n<pre>There is nothing here but /api/v1</pre>\n</body>\n</html>\n";
    let headers = [
        ("access-control-allow-origin", "*"),
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", "default-src 'none'"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", NO_STORE),
    ];
    EdgeResponse::new(StatusCode::NOT_FOUND, EdgeBody::Bytes(PAGE.into()))
        .with_headers(HeaderBlock::build(headers))
}

/// 200 with something that changes.
pub(crate) fn live_json(body: &serde_json::Value) -> EdgeResponse {
    json_answer(StatusCode::OK, body)
}

/// What others ask when they warm up.
pub(crate) fn popular(body: Option<Bytes>) -> EdgeResponse {
    match body {
        Some(body) => EdgeResponse::new(StatusCode::OK, EdgeBody::Bytes(body)).with_headers(plain_headers()),
        None => own_error(&ErrorBody::caller(
            StatusCode::BAD_REQUEST,
            "WRONG_QUERY",
            "expected ?limit=N with a number of at least 1, or no query",
        )),
    }
}

/// An error in the words of Argosy's own routes.
pub(crate) fn own_error(error: &ErrorBody) -> EdgeResponse {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    EdgeResponse::new(status, EdgeBody::Bytes(error.to_json().into())).with_headers(plain_headers())
}

/// 204 to whoever asks what may be done, such as a browser before a request from another site.
pub(crate) fn preflight(request: &EdgeRequest<'_>) -> EdgeResponse {
    let wanted = request.preflight_headers.filter(|wanted| wanted.len() <= MAX_ECHO_BYTES);
    let lines = [
        ("allow", "GET, HEAD, OPTIONS"),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", METHODS),
        ("access-control-allow-headers", wanted.unwrap_or(REQUEST_HEADERS)),
        ("access-control-max-age", "86400"),
        ("vary", "access-control-request-headers"),
    ];
    EdgeResponse::new(StatusCode::NO_CONTENT, EdgeBody::Empty).with_headers(HeaderBlock::build(lines))
}

fn asset_refusal(status: StatusCode, body: &serde_json::Value, link: Option<&str>) -> EdgeResponse {
    let mut lines = vec![("timing-allow-origin", "*"), ("access-control-expose-headers", EXPOSED)];
    lines.extend(link.map(|link| ("link", link)));
    json_answer(status, body).with_extra(HeaderBlock::build(lines))
}

fn json_answer(status: StatusCode, body: &serde_json::Value) -> EdgeResponse {
    EdgeResponse::new(status, EdgeBody::Bytes(body.to_string().into())).with_headers(plain_headers())
}

fn plain_headers() -> HeaderBlock {
    HeaderBlock::build([
        ("access-control-allow-origin", "*"),
        ("content-type", JSON),
        ("x-content-type-options", "nosniff"),
        ("cache-control", NO_STORE),
    ])
}
