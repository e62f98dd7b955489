//! `PUT` and `HEAD /api/v1/objects/{id}/content`: uploads that prove every group as it comes.

use super::{ACCEPTANCE_HEADER, bad_id, bad_query, blocking, internal, next_group, no_object, store_error};
use crate::{
    accept::Acceptance,
    access,
    node::{KnownObject, Node},
    uploads::{Full, Slot},
};
use argosy_api::{ErrorBody, Fault, Retry, node::UploadedView};
use argosy_content::{GroupRange, SliceDecoder, SliceItem, WrongBytes, group_count, slice_len};
use argosy_domain::{DataObjectId, limits::WINDOW_BYTES, num::to_u64};
use argosy_http::{HeaderMap, HeaderValue, StatusCode, header};
use argosy_store::{PartialObject, StoreError};
use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State, rejection::QueryRejection},
    response::{IntoResponse as _, Response},
};
use futures_util::StreamExt as _;
use serde::Deserialize;
use std::sync::Arc;
use tokio::{sync::oneshot, task::JoinHandle};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    /// First group of the body.
    #[serde(default)]
    from_group: u64,
}

/// Where an upload goes on: the first group that is missing; one past the last if none is.
pub(super) async fn head(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Response, ErrorBody> {
    let id: DataObjectId = id.parse().map_err(|_| bad_id())?;
    let object = node.known_soon(id).await.ok_or_else(|| no_object(id))?;
    let store = node.store.clone();
    let first_missing = move || -> Result<u64, StoreError> {
        let end = group_count(object.meta.size);
        if store.contains(id) {
            return Ok(end);
        }
        match store.existing_partial(id, object.meta) {
            // Completed since it was looked for.
            Err(StoreError::AlreadyComplete(_)) => Ok(end),
            found => Ok(found?.map_or(0, |partial| partial.first_missing(0).unwrap_or(end))),
        }
    };
    let group = blocking("look for the object", first_missing).await?.map_err(|error| store_error(&error))?;
    Ok(next_group(StatusCode::OK.into_response(), group))
}

pub(super) async fn put(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ErrorBody> {
    let id: DataObjectId = id.parse().map_err(|_| bad_id())?;
    let Query(asked) = asked.map_err(|error| bad_query(error.body_text()))?;
    let object = node.known_soon(id).await.ok_or_else(|| no_object(id))?;
    check_bucket(&node, id, &object)?;
    if object.blacklisted {
        return Err(access::blacklisted(id));
    }
    node.check_token(&headers, id, &object)?;
    let holder = Arc::clone(&node);
    if blocking("look for the object", move || holder.stored(id).is_some()).await? {
        return finished(&node, id, &object, StatusCode::OK).await;
    }
    let groups = GroupRange::new(asked.from_group, group_count(object.meta.size));
    check_length(&headers, &object, groups)?;
    let slot = take_slot(&node, id)?;
    let Some(partial) = open(&node, id, &object, groups).await? else {
        drop(slot);
        return finished(&node, id, &object, StatusCode::OK).await;
    };
    // In a task of its own: when the client goes, what has been proved is still written and noted.
    let (done, outcome) = oneshot::channel();
    let worker = Arc::clone(&node);
    node.background.spawn(async move {
        let upload = Upload { id, object, groups, partial, slot };
        // Nobody listens when the client has gone; the upload itself is over either way.
        let _gone = done.send(upload.run(&worker, body).await);
    });
    outcome.await.map_err(|error| internal("take the upload", &error))?
}

fn check_bucket(node: &Node, id: DataObjectId, object: &KnownObject) -> Result<(), ErrorBody> {
    let Some(bucket) = object.ours.first() else {
        let message = format!("this node keeps no bucket of the bag {} of data object {id}", object.bag);
        let status = StatusCode::MISDIRECTED_REQUEST;
        return Err(ErrorBody::new(status, "NOT_OUR_BAG", message, Fault::Caller, Retry::Elsewhere));
    };
    // Bytes that could never be accepted are not worth taking.
    match node.follower.with_index(|index| node.signers.transactor(index, *bucket)) {
        Ok(_) => Ok(()),
        Err(reason) => {
            tracing::error!(%id, %reason, "an upload is refused");
            let status = StatusCode::SERVICE_UNAVAILABLE;
            Err(ErrorBody::this_node(status, "NO_TRANSACTOR_KEY", reason.to_string()))
        }
    }
}

fn check_length(headers: &HeaderMap, object: &KnownObject, groups: GroupRange) -> Result<(), ErrorBody> {
    if groups.is_empty() {
        return Err(bad_query(format!("the object has only {} groups", group_count(object.meta.size))));
    }
    let expected = slice_len(object.meta.size, groups);
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    match announced.map(str::parse::<u64>) {
        None => Ok(()),
        Some(Ok(length)) if length == expected => Ok(()),
        Some(_) => {
            let message =
                format!("the slice of groups {} to {} has {expected} bytes", groups.start, groups.end);
            Err(ErrorBody::caller(StatusCode::BAD_REQUEST, "BAD_LENGTH", message))
        }
    }
}

fn take_slot(node: &Node, id: DataObjectId) -> Result<Slot, ErrorBody> {
    node.uploads.take(id).map_err(|full| match full {
        Full::Node => {
            let message = "this node takes no more uploads at the moment";
            ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, "TOO_MANY_UPLOADS", message)
        }
        Full::Object => {
            let message = format!("data object {id} is already being uploaded");
            ErrorBody::caller(StatusCode::CONFLICT, "UPLOAD_UNDER_WAY", message).with_retry(Retry::Later)
        }
    })
}

/// The partial object, with room for all that is missing; none if another upload, or a copy from
/// another node, has completed it since it was looked for.
async fn open(
    node: &Node,
    id: DataObjectId,
    object: &KnownObject,
    groups: GroupRange,
) -> Result<Option<Arc<PartialObject>>, ErrorBody> {
    let (store, meta) = (node.store.clone(), object.meta);
    let opened = blocking("open the object", move || {
        let opened = store.partial(id, meta).and_then(|partial| partial.reserve().map(|()| partial));
        match opened {
            Err(StoreError::AlreadyComplete(_) | StoreError::Gone(_)) if store.contains(id) => Ok(None),
            opened => opened.map(Some),
        }
    });
    let partial = match opened.await? {
        Ok(Some(partial)) => partial,
        Ok(None) => return Ok(None),
        Err(error) => return Err(store_error(&error)),
    };
    match partial.first_missing(0) {
        Some(missing) if missing < groups.start => {
            let message = format!("group {missing} is missing: begin there");
            Err(ErrorBody::caller(StatusCode::CONFLICT, "GAP", message).with_retry(Retry::Later))
        }
        Some(_) | None => Ok(Some(partial)),
    }
}

/// An upload under way.
struct Upload {
    id: DataObjectId,
    object: KnownObject,
    groups: GroupRange,
    partial: Arc<PartialObject>,
    /// Held until the end.
    slot: Slot,
}

impl Upload {
    async fn run(self, node: &Arc<Node>, body: Body) -> Result<Response, ErrorBody> {
        let (id, partial) = (self.id, Arc::clone(&self.partial));
        self.receive(body).await?;
        let store = node.store.clone();
        let completed = blocking("complete the object", move || match partial.complete() {
            // A second upload of the object, or a copy from another node, was faster.
            Err(StoreError::Gone(_)) if store.contains(id) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        });
        match completed.await? {
            Ok(()) => {}
            Err(StoreError::Incomplete { group, .. }) => {
                let message = format!("group {group} is still missing");
                return Err(ErrorBody::caller(StatusCode::CONFLICT, "GAP", message).with_retry(Retry::Later));
            }
            // The directory has deleted it, and so has this node.
            Err(StoreError::Gone(_)) => return Err(no_object(id)),
            Err(error) => return Err(store_error(&error)),
        }
        tracing::info!(%id, bytes = self.object.meta.size, "uploaded");
        drop(self.slot);
        finished(node, id, &self.object, StatusCode::CREATED).await
    }

    /// Takes the body, group by group. Whatever is proved is kept, whatever comes after it.
    async fn receive(&self, body: Body) -> Result<(), ErrorBody> {
        let meta = self.object.meta;
        let mut decoder = SliceDecoder::new(meta.content_id, meta.size, self.groups);
        let mut writer = Writer::new(Arc::clone(&self.partial));
        let received = read_body(body, &mut decoder, &mut writer).await;
        let written = writer.finish().await;
        received?;
        decoder.finish().map_err(wrong)?;
        written
    }
}

async fn read_body(body: Body, decoder: &mut SliceDecoder, writer: &mut Writer) -> Result<(), ErrorBody> {
    let mut frames = body.into_data_stream();
    while let Some(frame) = frames.next().await {
        let frame = frame.map_err(|error| {
            let message = format!("the upload broke off: {error}");
            ErrorBody::caller(StatusCode::BAD_REQUEST, "BROKEN_OFF", message).with_retry(Retry::Later)
        })?;
        decoder.feed(frame);
        while let Some(item) = decoder.next().map_err(wrong)? {
            writer.push(item).await?;
        }
    }
    Ok(())
}

fn wrong(error: WrongBytes) -> ErrorBody {
    let message = error.to_string();
    ErrorBody::caller(StatusCode::UNPROCESSABLE_ENTITY, "WRONG_BYTES", message)
}

/// Writes proved items in batches on a blocking thread, one batch behind the connection.
struct Writer {
    partial: Arc<PartialObject>,
    batch: Vec<SliceItem>,
    batch_bytes: u64,
    writing: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Writer {
    fn new(partial: Arc<PartialObject>) -> Self {
        Self { partial, batch: Vec::new(), batch_bytes: 0, writing: None }
    }

    async fn push(&mut self, item: SliceItem) -> Result<(), ErrorBody> {
        if let SliceItem::Group(group) = &item {
            self.batch_bytes = self.batch_bytes.saturating_add(to_u64(group.data().len()));
        }
        self.batch.push(item);
        if self.batch_bytes < WINDOW_BYTES {
            return Ok(());
        }
        self.settle().await?;
        let (batch, partial) = (std::mem::take(&mut self.batch), Arc::clone(&self.partial));
        self.batch_bytes = 0;
        self.writing = Some(tokio::task::spawn_blocking(move || write(&partial, &batch)));
        Ok(())
    }

    /// Waits for the batch that is being written.
    async fn settle(&mut self) -> Result<(), ErrorBody> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let written = writing.await.map_err(|error| internal("write the object", &error))?;
        written.map_err(|error| store_error(&error))
    }

    /// Writes the rest, and notes what is held for whoever goes on.
    async fn finish(mut self) -> Result<(), ErrorBody> {
        self.settle().await?;
        let (batch, partial) = (self.batch, self.partial);
        let last = blocking("write the object", move || {
            write(&partial, &batch)?;
            match partial.first_missing(0) {
                Some(_) => partial.save(),
                None => Ok(()),
            }
        });
        last.await?.map_err(|error| store_error(&error))
    }
}

fn write(partial: &PartialObject, batch: &[SliceItem]) -> Result<(), StoreError> {
    for item in batch {
        let written = match item {
            SliceItem::Pair(pair) => partial.write_pair(pair),
            SliceItem::Group(group) => partial.write_group(group).map(drop),
        };
        match written {
            // Completed or removed meanwhile: completing will tell which.
            Err(StoreError::Gone(_)) => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

/// Has the object accepted, and says how it stands.
pub(super) async fn finished(
    node: &Arc<Node>,
    id: DataObjectId,
    object: &KnownObject,
    status: StatusCode,
) -> Result<Response, ErrorBody> {
    let acceptance = match object.accepted {
        true => Acceptance::Accepted,
        false => node.acceptor.accept(id).await,
    };
    node.report_due.notify_one();
    let said = match acceptance {
        Acceptance::Accepted => "accepted",
        Acceptance::Pending => "pending",
        Acceptance::Deleted => return Err(no_object(id)),
        Acceptance::Refused(reason) => {
            let message = format!("the object is held, but the directory does not accept it: {reason}");
            return Err(ErrorBody::caller(StatusCode::CONFLICT, "ACCEPTANCE_REFUSED", message)
                .with_retry(Retry::Later));
        }
    };
    let view = Json(UploadedView { id: object.meta.content_id.to_string() });
    Ok((status, [(ACCEPTANCE_HEADER, HeaderValue::from_static(said))], view).into_response())
}
