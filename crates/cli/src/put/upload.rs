//! Sends one object to a storage node of its bag, with its proof.

use super::{Declared, files};
use crate::{
    failure::{Failure, Outcome},
    network::{Backoff, DevKey, Endpoint, Network, may_pass, now_ms},
    screen,
};
use argosy_api::{ClientError, StorageClient, UploadToken};
use argosy_content::{GroupRange, group_count};
use argosy_domain::{StorageBucketId, num::to_u64};
use argosy_http::{StatusCode, edge::BodyStream};
use argosy_store::source::{SourceError, SourceSlice};
use bytes::Bytes;
use futures_util::stream;
use indicatif::ProgressBar;
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::mpsc;

/// Code that nodes give when a group is not the object's.
pub(super) const WRONG_BYTES: &str = "WRONG_BYTES";
/// Times that each node of the bag is tried.
const MAX_ROUNDS: u32 = 4;
/// Life of an upload token, in milliseconds: a slow line and a large file.
const TOKEN_LIFE_MS: u64 = 12 * 60 * 60 * 1000;
/// Chunks of a file that are read ahead of the line.
const CHUNKS_AHEAD: usize = 8;

/// Why an attempt failed.
enum Trouble {
    /// No other node can do better.
    Fatal(Failure),
    /// Another attempt may succeed.
    Passing(ClientError),
}

/// Uploads until one node holds the object durably; goes on where a broken upload stopped.
pub(super) async fn upload(network: &Network, key: &DevKey, object: &Declared, quiet: bool) -> Outcome<()> {
    let view = network.object(object.id).await?;
    let mut nodes = network.storage_nodes(&view.storage_buckets).await?;
    if nodes.is_empty() {
        let message = format!("no storage bucket of bag {} has a node in operation", view.bag);
        return Err(Failure::no_answer(message));
    }
    // Uploads spread over the nodes of a bag.
    fastrand::shuffle(&mut nodes);
    let name = format!("object {}", object.id);
    let bar = screen::progress(quiet, &name, object.source.meta().size);
    let mut backoff = Backoff::default();
    let mut troubles: BTreeMap<&str, ClientError> = BTreeMap::new();
    for round in 0..MAX_ROUNDS {
        if round > 0 {
            backoff.wait().await;
        }
        for node in &nodes {
            match attempt(network, key, object, node, &bar).await {
                Ok(()) => {
                    bar.finish_and_clear();
                    return Ok(());
                }
                Err(Trouble::Fatal(failure)) => {
                    bar.finish_and_clear();
                    return Err(failure);
                }
                Err(Trouble::Passing(error)) => {
                    troubles.insert(&node.url, error);
                }
            }
        }
    }
    bar.finish_and_clear();
    Err(nobody(&name, &troubles))
}

/// What is said when no node takes an object: an answer of a node says more than silence.
fn nobody(name: &str, troubles: &BTreeMap<&str, ClientError>) -> Failure {
    let why: Vec<String> = troubles.values().map(ToString::to_string).collect();
    let message = format!("{name}: no storage node of its bag takes it ({})", why.join("; "));
    match troubles.values().find(|error| !error.is_no_answer()) {
        Some(answered) => Failure::client(name, answered).saying(message),
        None => Failure::no_answer(message),
    }
}

async fn attempt(
    network: &Network,
    key: &DevKey,
    object: &Declared,
    node: &Endpoint<StorageBucketId>,
    bar: &ProgressBar,
) -> Result<(), Trouble> {
    let client = StorageClient::new(network.client.clone(), &node.url);
    let name = format!("object {} at {}", object.id, node.url);
    let sort = |error: ClientError| {
        if may_pass(&error) {
            Trouble::Passing(error)
        } else {
            Trouble::Fatal(Failure::client(&name, &error))
        }
    };
    let end = group_count(object.source.meta().size);
    // A node that has every group still wants one, to say that it is complete.
    let next = client.next_group(object.id).await.map_err(sort)?.min(end - 1);
    let token = UploadToken::sign(
        &key.pair,
        network.genesis.hash(),
        object.id,
        node.bucket,
        now_ms() + TOKEN_LIFE_MS,
    );
    let slice = object.source.encode_slice(GroupRange::new(next, end));
    let length = slice.remaining();
    let trouble = Arc::new(Mutex::new(None));
    let body = body(slice, length, bar.clone(), Arc::clone(&trouble));
    let uploaded = client.upload(object.id, next, &token, length, body).await;
    let trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (uploaded, trouble) {
        (Ok(_), _) => Ok(()),
        (Err(_), Some(error)) => Err(Trouble::Fatal(files::failure(&error))),
        (Err(error), None) if error.status() == Some(StatusCode::UNPROCESSABLE_ENTITY) => {
            Err(Trouble::Fatal(Failure::client(&name, &error)))
        }
        (Err(error), None) => Err(sort(error)),
    }
}

/// The slice as the body of a request, read ahead on a thread of its own.
fn body(
    mut slice: SourceSlice,
    length: u64,
    bar: ProgressBar,
    trouble: Arc<Mutex<Option<SourceError>>>,
) -> BodyStream {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(CHUNKS_AHEAD);
    tokio::task::spawn_blocking(move || {
        loop {
            let item = match slice.next_chunk() {
                Ok(Some(chunk)) => Ok(chunk),
                Ok(None) => return,
                Err(error) => {
                    let text = io::Error::other(error.to_string());
                    *trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    Err(text)
                }
            };
            let broken = item.is_err();
            // The receiver is gone when the request has ended.
            if sender.blocking_send(item).is_err() || broken {
                return;
            }
        }
    });
    let total = bar.length().unwrap_or(length);
    Box::pin(stream::unfold((receiver, length), move |(mut receiver, left)| {
        let bar = bar.clone();
        async move {
            let item = receiver.recv().await?;
            let left = left.saturating_sub(item.as_ref().map_or(0, |chunk| to_u64(chunk.len())));
            // Proof included, and so a little ahead of the bytes themselves.
            bar.set_position(total.saturating_sub(left));
            Some((item, (receiver, left)))
        }
    }))
}
