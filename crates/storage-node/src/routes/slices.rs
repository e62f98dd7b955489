//! `GET /api/v1/objects/{id}/slices`: bytes with their proof.

use super::{bad_id, bad_query, blocking, no_object, not_held, store_error, stream};
use crate::node::Node;
use argosy_api::{ErrorBody, SLICE_MEDIA_TYPE};
use argosy_content::{GroupRange, byte_range, group_count};
use argosy_domain::{DataObjectId, limits::MAX_SLICE_GROUPS};
use argosy_http::{HeaderValue, StatusCode, header};
use argosy_store::{ObjectMeta, ObjectSlice, ReadError, StoreError, StoredObject};
use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
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
) -> Result<Response, ErrorBody> {
    let id: DataObjectId = id.parse().map_err(|_| bad_id())?;
    let Query(Asked { from, to }) = asked.map_err(|error| bad_query(error.body_text()))?;
    let groups = GroupRange::new(from, to);
    if groups.is_empty() || groups.count() > MAX_SLICE_GROUPS {
        return Err(bad_query(format!("from must be below to, by at most {MAX_SLICE_GROUPS} groups")));
    }
    let known = node.follower.with_index(|index| {
        let known =
            index.object(id).map(|object| ObjectMeta { content_id: object.content_id, size: object.size });
        (known, index.was_deleted(id))
    });
    let (known, deleted) = known;
    if deleted {
        return Err(no_object(id));
    }
    let holder = Arc::clone(&node);
    let opened = blocking("open the object", move || open(&holder, id, known, groups)).await?;
    let (slice, size) = match opened {
        Ok(opened) => opened,
        Err(Unopened::NotHeld) => return Err(not_held(id)),
        Err(Unopened::Read(error)) => return Err(node.unreadable(id, &error)),
        Err(Unopened::Store(error)) => return Err(store_error(&error)),
    };
    let Some(slice) = slice else {
        let message = format!("data object {id} has {} groups", group_count(size));
        return Err(ErrorBody::caller(StatusCode::RANGE_NOT_SATISFIABLE, "NO_SUCH_GROUPS", message));
    };
    let length = slice.remaining();
    let data = byte_range(groups, size);
    let body = stream::slice_bytes(Arc::clone(&node), slice, data.end.saturating_sub(data.start));
    let mut response = Response::new(stream::body_of(body).await?);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(SLICE_MEDIA_TYPE));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(response)
}

/// The slice and the object's size; no slice if the groups lie past its end.
fn open(
    node: &Node,
    id: DataObjectId,
    known: Option<ObjectMeta>,
    groups: GroupRange,
) -> Result<(Option<ObjectSlice>, u64), Unopened> {
    let whole = |object: Arc<StoredObject>| {
        let size = object.meta().size;
        let within = groups.end <= group_count(size);
        (within.then(|| object.encode_slice(groups)), size)
    };
    if let Some(object) = node.stored(id) {
        return Ok(whole(object));
    }
    let meta = known.ok_or(Unopened::NotHeld)?;
    let partial = match node.store.existing_partial(id, meta) {
        // Completed since it was looked for.
        Err(StoreError::AlreadyComplete(_)) => return node.stored(id).map(whole).ok_or(Unopened::NotHeld),
        found => found.map_err(Unopened::Store)?.ok_or(Unopened::NotHeld)?,
    };
    if groups.end > group_count(meta.size) {
        return Ok((None, meta.size));
    }
    if !partial.has(groups) {
        return Err(Unopened::NotHeld);
    }
    partial.encode_slice(groups).map(|slice| (Some(slice), meta.size)).map_err(Unopened::Read)
}
