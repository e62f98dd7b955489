//! `POST /api/v1/files`: plain multipart uploads, as Joystream's clients send them.
//!
//! The bytes carry no proof, so they wait in a quarantine, hashed as they come, until the last one.
//!
//! Source of statuses and texts: `spec/argus-colossus.md` B4.

use super::{blocking, content::finished};
use crate::{
    access,
    node::{KnownObject, Node},
};
use argosy_api::ErrorBody;
use argosy_domain::{
    BagId, DataObjectId, DynamicBagId, StaticBagId, StorageBucketId,
    limits::WINDOW_BYTES,
    num::{to_u64, to_usize},
};
use argosy_http::{HeaderMap, StatusCode, header};
use argosy_store::{Quarantine, QuarantineError, StoreError};
use axum::{
    extract::{
        FromRequest as _, Multipart, Query, Request, State, multipart::Field, rejection::QueryRejection,
    },
    response::{IntoResponse, Response},
};
use bytes::BytesMut;
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Most bytes of form fields that are no file.
const MAX_FIELD_BYTES: u64 = 64 * 1024;
/// Most parts of a form.
const MAX_PARTS: usize = 16;

/// All as texts: what cannot be read is answered as Colossus answers it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    data_object_id: Option<String>,
    storage_bucket_id: Option<String>,
    bag_id: Option<String>,
}

/// An answer in Colossus' words, or one of our own where it has none.
pub(super) enum Refusal {
    /// `{"type":"upload","message":"Error: …"}`.
    Upload(StatusCode, String),
    /// `{"type":"request_exception","message":"…"}`.
    Request(StatusCode, &'static str),
    Own(ErrorBody),
}

impl From<ErrorBody> for Refusal {
    fn from(error: ErrorBody) -> Self {
        Self::Own(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, kind, message) = match self {
            Self::Upload(status, message) => (status, "upload", format!("Error: {message}")),
            Self::Request(status, message) => (status, "request_exception", message.to_owned()),
            Self::Own(error) => return error.into_response(),
        };
        let body = serde_json::json!({ "type": kind, "message": message }).to_string();
        let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
        (status, headers, body).into_response()
    }
}

fn refuse(message: impl Into<String>) -> Refusal {
    Refusal::Upload(StatusCode::BAD_REQUEST, message.into())
}

pub(super) async fn post(
    State(node): State<Arc<Node>>,
    asked: Result<Query<Asked>, QueryRejection>,
    request: Request,
) -> Result<Response, Refusal> {
    let asked = asked.map(|Query(asked)| asked).unwrap_or_default();
    let (id, object) = check(&node, &asked, request.headers()).await?;
    let slot = node.uploads.take(id).map_err(|_| {
        Refusal::Upload(StatusCode::SERVICE_UNAVAILABLE, "Server is busy with other uploads".to_owned())
    })?;
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| refuse("No file uploaded"))?;
    let (store, size) = (node.store.clone(), object.meta.size);
    let quarantine = blocking("set room aside", move || store.quarantine(size)).await?;
    let quarantine = quarantine.map_err(|error| super::store_error(&error))?;
    let quarantine = receive(&mut form, quarantine, id).await?;
    // From here on the outcome no longer depends on the client's patience.
    let (done, outcome) = oneshot::channel();
    let worker = Arc::clone(&node);
    node.background.spawn(async move {
        let outcome_of_end = finish(&worker, quarantine, id, &object).await;
        drop(slot);
        let _gone = done.send(outcome_of_end);
    });
    outcome.await.map_err(|error| super::internal("take the upload", &error))?
}

/// Everything that can be refused before the body is read.
async fn check(
    node: &Node,
    asked: &Asked,
    headers: &HeaderMap,
) -> Result<(DataObjectId, KnownObject), Refusal> {
    let (id, bucket) = check_parameters(node, asked)?;
    let bag = asked.bag_id.as_deref().unwrap_or_default();
    let bag: BagId = bag.parse().map_err(|_| refuse(format!("Invalid bagId: {bag}")))?;
    let known = node.known_soon(id).await;
    let assigned =
        node.follower.with_index(|index| index.bag(&bag).is_some_and(|bag| bag.is_stored_by(bucket)));
    if !assigned {
        let bag = bag_json(&bag);
        return Err(refuse(format!("Storage bag {bag} is not assigned to storage bucket {bucket}.")));
    }
    let Some(object) = known.filter(|object| object.bag == bag) else {
        let bag = bag_json(&bag);
        return Err(refuse(format!("Data object {id} doesn't exist in storage bag {bag}")));
    };
    if node.store.contains(id) {
        let place = if object.accepted { "in storage" } else { "pending" };
        return Err(refuse(format!("Data object {id} already exists ({place})")));
    }
    if object.blacklisted {
        return Err(access::blacklisted(id).into());
    }
    if !node.anonymous_uploads {
        node.check_token(headers, id, &object)?;
    }
    Ok((id, object))
}

/// Missing parameters get the answer of a bucket that is not served, as with Colossus.
fn check_parameters(node: &Node, asked: &Asked) -> Result<(DataObjectId, StorageBucketId), Refusal> {
    let not_served = || {
        let message = "Server is not accepting uploads into this bucket".to_owned();
        Refusal::Upload(StatusCode::SERVICE_UNAVAILABLE, message)
    };
    let bucket = asked.storage_bucket_id.as_deref().unwrap_or_default();
    let bucket: StorageBucketId = bucket.parse().map_err(|_| not_served())?;
    let served = node.follower.with_index(|index| {
        node.buckets(index).contains(&bucket) && node.signers.transactor(index, bucket).is_ok()
    });
    if !served {
        return Err(not_served());
    }
    let id = asked.data_object_id.as_deref().unwrap_or_default().parse().map_err(|_| not_served())?;
    Ok((id, bucket))
}

/// A bag as Colossus writes it in its messages.
fn bag_json(bag: &BagId) -> String {
    match bag {
        BagId::Static(StaticBagId::Council) => r#"{"static":{"council":null}}"#.to_owned(),
        BagId::Static(StaticBagId::WorkingGroup(group)) => {
            // The names of Joystream's enum, which differ from the lower-case ones in their capitals.
            format!(r#"{{"static":{{"workingGroup":"{group:?}"}}}}"#)
        }
        BagId::Dynamic(DynamicBagId::Member(id)) => format!(r#"{{"dynamic":{{"member":{id}}}}}"#),
        BagId::Dynamic(DynamicBagId::Channel(id)) => format!(r#"{{"dynamic":{{"channel":{id}}}}}"#),
    }
}

/// Reads the form: exactly one file, of the announced size.
async fn receive(
    form: &mut Multipart,
    quarantine: Quarantine,
    id: DataObjectId,
) -> Result<Quarantine, Refusal> {
    let mut waiting = Some(quarantine);
    let mut filled = None;
    let mut field_bytes = 0;
    for _ in 0..MAX_PARTS {
        let Some(mut field) = form.next_field().await.map_err(|_| broken_off())? else { break };
        if field.file_name().is_none() {
            skip(&mut field, &mut field_bytes).await?;
            continue;
        }
        let quarantine =
            waiting.take().ok_or(Refusal::Request(StatusCode::PAYLOAD_TOO_LARGE, "Too many files"))?;
        filled = Some(fill(&mut field, quarantine, id).await?);
    }
    filled.ok_or_else(|| refuse("No file uploaded"))
}

fn broken_off() -> Refusal {
    let message = "the upload broke off or is no multipart form";
    ErrorBody::caller(StatusCode::BAD_REQUEST, "BROKEN_OFF", message).into()
}

async fn skip(field: &mut Field<'_>, total: &mut u64) -> Result<(), Refusal> {
    while let Some(chunk) = field.chunk().await.map_err(|_| broken_off())? {
        *total = total.saturating_add(to_u64(chunk.len()));
        if *total > MAX_FIELD_BYTES {
            return Err(Refusal::Request(StatusCode::PAYLOAD_TOO_LARGE, "Field value too long"));
        }
    }
    Ok(())
}

/// Writes a file's bytes in batches of up to 1 MiB on blocking threads.
async fn fill(
    field: &mut Field<'_>,
    quarantine: Quarantine,
    id: DataObjectId,
) -> Result<Quarantine, Refusal> {
    let window = to_usize(WINDOW_BYTES);
    let mut quarantine = quarantine;
    let mut batch = BytesMut::new();
    let mut at_end = false;
    while !at_end {
        match field.chunk().await.map_err(|_| broken_off())? {
            Some(chunk) => batch.extend_from_slice(&chunk),
            None => at_end = true,
        }
        if batch.len() >= window || (at_end && !batch.is_empty()) {
            let bytes = batch.split().freeze();
            let written = blocking("write the upload", move || {
                quarantine.write(&bytes)?;
                Ok(quarantine)
            });
            quarantine = written.await?.map_err(|error| quarantine_refusal(&error, id))?;
        }
    }
    Ok(quarantine)
}

fn quarantine_refusal(error: &QuarantineError, id: DataObjectId) -> Refusal {
    match error {
        QuarantineError::SizeDiffers { .. } => {
            refuse(format!("File size doesn't match the data object's size for data object ID = {id}"))
        }
        QuarantineError::ContentDiffers { .. } => refuse(format!(
            "File multihash doesn't match the data object's ipfsContentId for data object ID = {id}"
        )),
        QuarantineError::Store(error) => super::store_error(error).into(),
    }
}

async fn finish(
    node: &Arc<Node>,
    quarantine: Quarantine,
    id: DataObjectId,
    object: &KnownObject,
) -> Result<Response, Refusal> {
    let meta = object.meta;
    match blocking("keep the upload", move || quarantine.finish(id, meta)).await? {
        Ok(_) => {}
        Err(QuarantineError::Store(StoreError::AlreadyComplete(_))) => {
            return Err(refuse(format!("Data object {id} already exists (pending)")));
        }
        Err(error) => return Err(quarantine_refusal(&error, id)),
    }
    tracing::info!(%id, bytes = meta.size, "uploaded without proof");
    Ok(finished(node, id, object, StatusCode::CREATED).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::WorkingGroup;

    #[test]
    fn bags_are_written_as_colossus_writes_them() {
        for (bag, json) in [
            ("dynamic:channel:7", r#"{"dynamic":{"channel":7}}"#),
            ("dynamic:member:1", r#"{"dynamic":{"member":1}}"#),
            ("static:council", r#"{"static":{"council":null}}"#),
        ] {
            assert_eq!(bag_json(&bag.parse().unwrap()), json);
        }
        let group = BagId::Static(StaticBagId::WorkingGroup(WorkingGroup::OperationsAlpha));
        assert_eq!(bag_json(&group), r#"{"static":{"workingGroup":"OperationsAlpha"}}"#);
    }
}
