//! Server-sent events of the directory: what a dashboard listens to.

use crate::{App, feed::Found, health::Gauge, reply};
use argosy_api::{
    ErrorBody, Retry,
    directory::{
        EventView,
        query::{AnyBucket, EventsQuery, Place},
    },
    words,
};
use argosy_directory::Event;
use argosy_http::{Shutdown, StatusCode, header};
use argosy_ledger::{Block, block::transaction_hash};
use axum::{
    body::Body,
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::{Stream, stream};
use std::{
    future::{Ready, ready},
    io,
    sync::atomic::Ordering,
    time::Duration,
};
use tokio::{sync::watch, time::Instant};

/// Streams of events that are open at once.
pub(crate) const MAX_LISTENERS: u64 = 256;
/// Longest silence on a stream.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// What is made ready for a listener before it takes it, in bytes; one event may be longer.
const PIECE_BYTES: usize = 128 * 1024;
/// Media type of the stream.
pub(crate) const MEDIA_TYPE: &str = "text/event-stream";

/// One who listens.
struct Listener {
    app: App,
    wanted: EventsQuery,
    newest: watch::Receiver<u64>,
    shutdown: Shutdown,
    /// First event that was not looked at.
    next: Place,
    /// Has caught up: from now on it must keep up.
    is_live: bool,
    has_ended: bool,
    sent_at: Instant,
    _gauge: Gauge,
}

pub(crate) fn stream(
    State(app): State<App>,
    reply::Params(wanted): reply::Params<EventsQuery>,
    headers: HeaderMap,
) -> Ready<Result<Response, ErrorBody>> {
    ready(start(app, wanted, &headers))
}

fn start(app: App, wanted: EventsQuery, headers: &HeaderMap) -> Result<Response, ErrorBody> {
    let newest = app.feed.newest();
    let height = *newest.borrow();
    let next = first_place(&wanted, headers, height)?;
    if next.height > height.saturating_add(1) {
        return Err(reply::height_ahead(height));
    }
    let gauge = Gauge::one_more(&app.listeners);
    if app.listeners.load(Ordering::Relaxed) > MAX_LISTENERS {
        return Err(ErrorBody::this_node(
            StatusCode::SERVICE_UNAVAILABLE,
            "TOO_MANY_LISTENERS",
            format!("{MAX_LISTENERS} streams of events are open: ask another directory node, or later"),
        )
        .with_retry(Retry::Elsewhere));
    }
    let listener = Listener {
        newest,
        shutdown: app.shutdown.clone(),
        app,
        wanted,
        next,
        is_live: false,
        has_ended: false,
        sent_at: Instant::now(),
        _gauge: gauge,
    };
    let headers = [(header::CONTENT_TYPE, MEDIA_TYPE), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(listener.into_stream())).into_response())
}

/// After the last event that the listener had, else the height asked for, else the next block.
fn first_place(wanted: &EventsQuery, headers: &HeaderMap, newest: u64) -> Result<Place, ErrorBody> {
    let Some(last) = headers.get("last-event-id") else {
        let height = wanted.from.unwrap_or(newest.saturating_add(1));
        return Ok(Place { height, index: 0 });
    };
    let last: Option<Place> = last.to_str().ok().and_then(|text| text.parse().ok());
    let last = last.ok_or_else(|| {
        let message = "Last-Event-ID is not the id of an event: height:index";
        ErrorBody::caller(StatusCode::BAD_REQUEST, "BAD_LAST_EVENT_ID", message)
    })?;
    Ok(Place { height: last.height, index: last.index.saturating_add(1) })
}

impl Listener {
    /// Pieces of the body. The next one is made only when the last one has been taken: a listener costs
    /// one piece of memory, however slow it is.
    fn into_stream(self) -> impl Stream<Item = io::Result<Bytes>> + Send {
        stream::try_unfold(self, |mut listener| async move {
            Ok(listener.next_piece().await?.map(|piece| (piece, listener)))
        })
    }

    async fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if self.has_ended || self.shutdown.is_triggered() {
                return Ok(None);
            }
            if *self.newest.borrow_and_update() >= self.next.height {
                let found = self.app.feed.blocks(self.next.height).await?;
                if let Some(piece) = self.piece(found) {
                    self.sent_at = Instant::now();
                    return Ok(Some(piece));
                }
                if self.sent_at.elapsed() < KEEP_ALIVE {
                    continue;
                }
            } else {
                self.is_live = true;
                tokio::select! {
                    changed = self.newest.changed() => match changed {
                        Ok(()) => continue,
                        Err(_) => return Ok(None),
                    },
                    () = tokio::time::sleep_until(self.sent_at + KEEP_ALIVE) => {}
                    () = self.shutdown.triggered() => return Ok(None),
                }
            }
            self.sent_at = Instant::now();
            return Ok(Some(Bytes::from_static(b":\n\n")));
        }
    }

    /// The events of these blocks that are wanted; nothing if there are none.
    fn piece(&mut self, found: Found) -> Option<Bytes> {
        let blocks = match found {
            Found::Recent(blocks) => blocks,
            Found::Old(blocks) if blocks.is_empty() => {
                self.has_ended = true;
                let Place { height, .. } = self.next;
                return Some(last_event(
                    "BLOCK_GONE",
                    &format!("block {height} is not kept here any more"),
                    self.next,
                ));
            }
            Found::Old(_) if self.is_live => {
                self.has_ended = true;
                let message = "events came faster than they were read: connect again with Last-Event-ID";
                return Some(last_event("TOO_SLOW", message, self.next));
            }
            Found::Old(blocks) => blocks,
        };
        let mut text = String::new();
        for block in blocks {
            if !self.add(&block, &mut text) {
                break;
            }
        }
        (!text.is_empty()).then(|| Bytes::from(text))
    }

    /// Adds the wanted events of a block that were not looked at. False when the piece is full.
    fn add(&mut self, block: &Block, text: &mut String) -> bool {
        let height = block.header.height;
        for (index, (event, transaction)) in (0..).zip(events_of(block)) {
            if index < self.next.index || !is_wanted(event, &self.wanted) {
                continue;
            }
            if text.len() >= PIECE_BYTES {
                self.next = Place { height, index };
                return false;
            }
            let view = view(block, index, event, transaction);
            let data = serde_json::to_string(&view).unwrap_or_default();
            // JSON has no line breaks of its own, and kinds are names of ours.
            text.push_str(&format!("id: {height}:{index}\nevent: {}\ndata: {data}\n\n", view.kind));
        }
        self.next = Place { height: height.saturating_add(1), index: 0 };
        true
    }
}

/// All events of a block in order, each with the transaction that caused it.
fn events_of(block: &Block) -> impl Iterator<Item = (&Event, Option<&[u8]>)> {
    let own = block.block_events.iter().map(|event| (event, None));
    let transactions = block.transactions.iter().zip(&block.outcomes);
    own.chain(
        transactions.flat_map(|(bytes, outcome)| {
            outcome.events.iter().map(move |event| (event, Some(bytes.as_slice())))
        }),
    )
}

fn view(block: &Block, index: u32, event: &Event, transaction: Option<&[u8]>) -> EventView {
    let (kind, fields) = words::event(event);
    EventView {
        height: block.header.height,
        index,
        time_ms: block.header.time_ms,
        transaction: transaction.map(|bytes| hex::encode(transaction_hash(bytes))),
        kind: kind.to_owned(),
        fields,
    }
}

fn is_wanted(event: &Event, wanted: &EventsQuery) -> bool {
    if wanted.kind.as_ref().is_some_and(|kind| kind != words::event_kind(event)) {
        return false;
    }
    if wanted.bag.is_none() && wanted.bucket.is_none() && wanted.worker.is_none() {
        return true;
    }
    let topics = words::topics(event);
    let bucket_fits = |bucket| match bucket {
        AnyBucket::Storage(id) => topics.storage_buckets.contains(&id),
        AnyBucket::Distribution(id) => topics.distribution_buckets.contains(&id),
    };
    wanted.bag.is_none_or(|bag| topics.bags.contains(&bag))
        && wanted.bucket.is_none_or(bucket_fits)
        && wanted.worker.is_none_or(|worker| {
            topics.workers.contains(&worker.id) && (worker.group.is_none() || worker.group == topics.group)
        })
}

/// Says why the stream ends, and where to go on.
fn last_event(code: &str, message: &str, next: Place) -> Bytes {
    let data = serde_json::json!({"code": code, "message": message, "next": next.to_string()});
    Bytes::from(format!("event: cut-off\ndata: {data}\n\n"))
}
