//! `GET /api/v1/objects/{id}/slices`: bytes with their proof.

use super::{bad_id, bad_query, blocking, no_object, not_held, store_error, stream};
use crate::{access::Refusal, node::Node};
use argosy_api::{ErrorBody, SLICE_MEDIA_TYPE};
use argosy_content::{GroupRange, byte_range, group_count};
use argosy_domain::{DataObjectId, limits::MAX_SLICE_GROUPS};
use argosy_http::{HeaderMap, HeaderValue, StatusCode, header};
use argosy_store::{ObjectMeta, ObjectSlice, ReadError, StoreError, StoredObject};
use axum::{
    extract::{Path, Query, RawQuery, State, rejection::QueryRejection},
    response::Response,
};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    from: u64,
    to: u64,
}

/// Why no slice could be opened.
enum Unopened {
    NotHeld,
    Read(ReadError),
    Store(StoreError),
}

pub(super) async fn get(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ErrorBody> {
    let id: DataObjectId = id.parse().map_err(|_| bad_id())?;
    let Query(Asked { from, to }) = asked.map_err(|error| bad_query(error.body_text()))?;
    let groups = GroupRange::new(from, to);
    if groups.is_empty() || groups.count() > MAX_SLICE_GROUPS {
        return Err(bad_query(format!("from must be below to, by at most {MAX_SLICE_GROUPS} groups")));
    }
    let admitted = node.admit(id, query.as_deref(), &headers).map_err(|refusal| match refusal {
        Refusal::Deleted => no_object(id),
        Refusal::Unknown => not_held(id),
        Refusal::Refused(error) => error,
    })?;
    let holder = Arc::clone(&node);
    let opened = blocking("open the object", move || open(&holder, id, admitted.meta, groups)).await?;
    let slice = match opened {
        Ok(slice) => slice,
        Err(Unopened::NotHeld) => return Err(not_held(id)),
        Err(Unopened::Read(error)) => return Err(node.unreadable(id, &error)),
        Err(Unopened::Store(error)) => return Err(store_error(&error)),
    };
    let Some(slice) = slice else {
        let message = format!("data object {id} has {} groups", group_count(admitted.meta.size));
        return Err(ErrorBody::caller(StatusCode::RANGE_NOT_SATISFIABLE, "NO_SUCH_GROUPS", message));
    };
    let length = slice.remaining();
    let data = byte_range(groups, admitted.meta.size);
    let body = stream::slice_bytes(Arc::clone(&node), slice, data.end.saturating_sub(data.start));
    let mut response = Response::new(stream::body_of(body).await?);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SLICE_MEDIA_TYPE));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, admitted.cache_control());
    Ok(response)
}

/// The slice; none if the groups lie past the object's end.
fn open(
    node: &Node,
    id: DataObjectId,
    meta: ObjectMeta,
    groups: GroupRange,
) -> Result<Option<ObjectSlice>, Unopened> {
    let within = groups.end <= group_count(meta.size);
    let whole = |object: Arc<StoredObject>| within.then(|| object.encode_slice(groups));
    // What is there under the id may be something else, from before the directory was made anew.
    let stored = || node.stored(id).filter(|object| object.meta() == meta);
    if let Some(object) = stored() {
        return Ok(whole(object));
    }
    let partial = match node.store.existing_partial(id, meta) {
        // Completed since it was looked for.
        Err(StoreError::AlreadyComplete(_)) => return stored().map(whole).ok_or(Unopened::NotHeld),
        found => found.map_err(Unopened::Store)?.ok_or(Unopened::NotHeld)?,
    };
    if !within {
        return Ok(None);
    }
    if !partial.has(groups) {
        return Err(Unopened::NotHeld);
    }
    partial.encode_slice(groups).map(Some).map_err(Unopened::Read)
}
