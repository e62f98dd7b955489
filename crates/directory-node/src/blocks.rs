//! The stream of blocks: from the log until it has caught up, then each new one as it is made.

use crate::{App, health::Gauge, reply, views};
use argosy_api::{BLOCKS_MEDIA_TYPE, ErrorBody, directory::query::BlocksQuery};
use argosy_domain::num::to_u64;
use argosy_http::{Shutdown, header};
use argosy_ledger::{Block, ChainTip, LedgerView};
use axum::{
    body::Body,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use std::{
    future::{Ready, ready},
    io,
    time::Duration,
};
use tokio::sync::watch;

/// Longest silence on a stream.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// Blocks read at once while catching up, in bytes: what one follower costs in memory, unless a single
/// block is larger.
const BATCH_BYTES: usize = 256 * 1024;
/// Media type of one JSON object a line.
pub(crate) const JSON_LINES_MEDIA_TYPE: &str = "application/x-ndjson";

/// How blocks are written.
#[derive(Clone, Copy)]
enum Format {
    /// Length and SCALE block; can be verified.
    Frames,
    /// One JSON object a line, for people and scripts.
    JsonLines,
}

/// What one follower is sent, and what it waits for.
struct Follow {
    engine: LedgerView,
    head: watch::Receiver<ChainTip>,
    shutdown: Shutdown,
    format: Format,
    next: u64,
    _gauge: Gauge,
}

pub(crate) fn stream(
    State(app): State<App>,
    reply::Params(query): reply::Params<BlocksQuery>,
    headers: HeaderMap,
) -> Ready<Result<Response, ErrorBody>> {
    ready(start(app, query.from.unwrap_or(0), &headers))
}

fn start(app: App, from: u64, headers: &HeaderMap) -> Result<Response, ErrorBody> {
    let head = app.engine.head();
    let height = head.borrow().height;
    if from > height.saturating_add(1) {
        return Err(reply::height_ahead(height));
    }
    // Block 0 is always there, but without those that follow it leads nowhere.
    let (first, oldest) = (from.max(1), app.engine.oldest_block());
    if first < oldest {
        return Err(reply::gone(first, oldest));
    }
    let wants_json =
        |value: &header::HeaderValue| value.to_str().is_ok_and(|v| v.contains(JSON_LINES_MEDIA_TYPE));
    let (format, media_type) = if headers.get(header::ACCEPT).is_some_and(wants_json) {
        (Format::JsonLines, JSON_LINES_MEDIA_TYPE)
    } else {
        (Format::Frames, BLOCKS_MEDIA_TYPE)
    };
    let gauge = Gauge::one_more(&app.followers);
    let follow =
        Follow { engine: app.engine, head, shutdown: app.shutdown, format, next: from, _gauge: gauge };
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(follow.into_stream())).into_response())
}

impl Follow {
    /// Pieces of the body. The next one is made only when the last one has been taken.
    fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        stream::try_unfold(self, |mut follow| async move {
            Ok(follow.next_piece().await?.map(|piece| (piece, follow)))
        })
    }

    async fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        if self.shutdown.is_triggered() {
            return Ok(None);
        }
        if self.head.borrow_and_update().height >= self.next {
            return self.read_batch().await.map(Some);
        }
        tokio::select! {
            changed = self.head.changed() => match changed {
                Ok(()) => self.read_batch().await.map(Some),
                Err(_) => Ok(None),
            },
            () = tokio::time::sleep(KEEP_ALIVE) => Ok(Some(self.format.keep_alive())),
            () = self.shutdown.triggered() => Ok(None),
        }
    }

    async fn read_batch(&mut self) -> io::Result<Bytes> {
        let (engine, next, format) = (self.engine.clone(), self.next, self.format);
        let recent = engine.recent_blocks_bytes(next, BATCH_BYTES);
        let (piece, count) = if recent.is_empty() || matches!(format, Format::JsonLines) {
            let read = tokio::task::spawn_blocking(move || {
                let blocks = engine.blocks_bytes(next, BATCH_BYTES)?;
                Ok((format.encode(&blocks), blocks.len()))
            });
            read.await.map_err(io::Error::other)?.map_err(|error| {
                reply::unreadable(&error);
                io::Error::other(error)
            })?
        } else {
            (format.encode(&recent), recent.len())
        };
        self.next = self.next.saturating_add(to_u64(count));
        Ok(piece)
    }
}

impl Format {
    fn keep_alive(self) -> Bytes {
        match self {
            Self::Frames => Bytes::from_static(&[0; 4]),
            Self::JsonLines => Bytes::from_static(b"\n"),
        }
    }

    fn encode(self, blocks: &[Bytes]) -> Bytes {
        let mut piece = BytesMut::new();
        for block in blocks {
            match self {
                Self::Frames => {
                    // Blocks are far smaller than 4 GiB.
                    let length = u32::try_from(block.len()).unwrap_or(u32::MAX);
                    piece.extend_from_slice(&length.to_le_bytes());
                    piece.extend_from_slice(block);
                }
                Self::JsonLines => {
                    if let Ok(block) = Block::decode_bytes(block) {
                        let line = serde_json::to_vec(&views::block(&block)).unwrap_or_default();
                        piece.extend_from_slice(&line);
                        piece.extend_from_slice(b"\n");
                    }
                }
            }
        }
        piece.freeze()
    }
}
