//! The newest checkpoint as a file, from which another node's ledger can begin.

use crate::{App, answer::aside, reply};
use argosy_api::{ErrorBody, HEIGHT_HEADER, SNAPSHOT_MEDIA_TYPE};
use argosy_http::{HeaderName, header};
use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use std::{
    fs::File,
    io::{self, Read as _},
};

/// Read and sent at a time, in bytes.
const PART_BYTES: usize = 256 * 1024;

pub(crate) async fn send(State(app): State<App>) -> Result<Response, ErrorBody> {
    let view = app.engine.clone();
    let opened = aside(&app, move || {
        let found = view.open_checkpoint()?;
        found.map(|(height, file)| Ok((height, file.metadata()?.len(), file))).transpose()
    })
    .await?;
    let opened: Option<(u64, u64, File)> = opened.map_err(|error: io::Error| {
        tracing::error!(%error, "the newest checkpoint cannot be read");
        reply::internal()
    })?;
    let Some((height, length, file)) = opened else {
        return Err(reply::missing(
            "NO_SNAPSHOT",
            "this node has made no checkpoint yet: follow its blocks from the genesis",
        ));
    };
    let headers = [
        (header::CONTENT_TYPE, SNAPSHOT_MEDIA_TYPE.to_owned()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (HeaderName::from_static(HEIGHT_HEADER), height.to_string()),
    ];
    Ok((headers, Body::from_stream(parts(file))).into_response())
}

/// Each part is read when the one before was taken.
fn parts(file: File) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold(file, |file| async move {
        let read = tokio::task::spawn_blocking(move || {
            let mut part = Vec::with_capacity(PART_BYTES);
            let wanted = u64::try_from(PART_BYTES).unwrap_or(u64::MAX);
            (&file).take(wanted).read_to_end(&mut part)?;
            Ok::<_, io::Error>((!part.is_empty()).then(|| (Bytes::from(part), file)))
        });
        read.await.map_err(io::Error::other)?
    })
}
