//! `GET` and `HEAD /api/v1/files/{id}`: plain bytes, checked on every read.

use super::{blocking, stream};
use crate::{access::Refusal, node::Node};
use argosy_api::ErrorBody;
use argosy_content::GroupRange;
use argosy_domain::DataObjectId;
use argosy_http::{
    Conditions, Decision, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, decide, header,
};
use argosy_node::mime;
use argosy_store::StoredObject;
use axum::{
    body::Body,
    extract::{Path, RawQuery, State},
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;

/// The body that Colossus gives for an id that is no number.
///
/// Source: `spec/argus-colossus.md` B4.
const BAD_ID: &str =
    r#"{"type":"request_exception","message":"request.params.id should match pattern \"^\\d+$\""}"#;

pub(super) async fn get(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    method: Method,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ErrorBody> {
    let Ok(id) = id.parse::<DataObjectId>() else {
        let kind = [(header::CONTENT_TYPE, "application/json")];
        return Ok((StatusCode::BAD_REQUEST, kind, BAD_ID).into_response());
    };
    // Bytes of a deleted object may lie here for another moment, but are no longer given out.
    let admitted = match node.admit(id, query.as_deref(), &headers) {
        Ok(admitted) => Some(admitted),
        Err(Refusal::Deleted | Refusal::Unknown) => None,
        Err(Refusal::Refused(error)) => return Err(error),
    };
    let holder = Arc::clone(&node);
    let found = match admitted {
        None => None,
        Some(admitted) => {
            let held = blocking("look for the object", move || holder.stored(id)).await?;
            held.filter(|object| object.meta() == admitted.meta).map(|object| (object, admitted))
        }
    };
    let Some((object, admitted)) = found else {
        // As Colossus says it: no body, no type.
        return Ok((StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")]).into_response());
    };
    answer(node, object, &admitted.cache_control(), &method, &headers).await
}

async fn answer(
    node: Arc<Node>,
    object: Arc<StoredObject>,
    cache_control: &HeaderValue,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Response, ErrorBody> {
    let meta = object.meta();
    let etag = format!("\"{}\"", meta.content_id);
    let is_head = method == Method::HEAD;
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let conditions = Conditions {
        if_match: text(header::IF_MATCH),
        if_none_match: text(header::IF_NONE_MATCH),
        if_range: text(header::IF_RANGE).filter(|_| !is_head),
        range: text(header::RANGE).filter(|_| !is_head),
    };
    let mut response = Response::new(Body::empty());
    let out = response.headers_mut();
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        out.insert(header::ETAG, etag);
    }
    let (status, bytes) = match decide(&conditions, &etag, meta.size) {
        // As Colossus does; several ranges are for players, who ask distributors.
        Decision::Whole | Decision::Parts(_) => (StatusCode::OK, 0..meta.size),
        Decision::Part(bytes) => {
            let last = bytes.end.saturating_sub(1);
            content_range(out, &format!("bytes {}-{last}/{}", bytes.start, meta.size));
            (StatusCode::PARTIAL_CONTENT, bytes)
        }
        Decision::NotModified => {
            out.insert(header::CACHE_CONTROL, cache_control.clone());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return Ok(response);
        }
        Decision::PreconditionFailed => {
            *response.status_mut() = StatusCode::PRECONDITION_FAILED;
            return Ok(response);
        }
        Decision::Unsatisfiable => {
            content_range(out, &format!("bytes */{}", meta.size));
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok(response);
        }
    };
    *response.status_mut() = status;
    let kind = media_type(&node, &object).await?;
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    out.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("inline"));
    out.insert(header::CACHE_CONTROL, cache_control.clone());
    out.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes.end.saturating_sub(bytes.start)));
    if !is_head {
        *response.body_mut() = stream::body_of(stream::object_bytes(node, object, bytes)).await?;
    }
    Ok(response)
}

fn content_range(headers: &mut HeaderMap, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(header::CONTENT_RANGE, value);
    }
}

async fn media_type(node: &Arc<Node>, object: &Arc<StoredObject>) -> Result<&'static str, ErrorBody> {
    let reader = Arc::clone(object);
    let first = blocking("read the object", move || reader.read_verified(GroupRange::one(0))).await?;
    let first = first.map_err(|damage| node.damage_found(&damage))?;
    Ok(first.first().map_or(mime::UNKNOWN, |group| mime::of_prefix(group)))
}
