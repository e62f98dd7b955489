//! Bodies with a watch on them: requests must keep up a rate, answers say when they are done.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use argosy_domain::num::to_u64;
use axum::BoxError;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use super::watch::Busy;
use crate::{ServeConfig, ServeCounters};

/// A request body that fails when its sender is too slow.
///
/// Only time in which the handler waits for the sender counts. It is paid from a purse that starts with
/// the grace and gains with each byte at the least rate, up to the idle deadline.
pub(super) struct PacedBody {
    body: Incoming,
    purse: Duration,
    purse_limit: Duration,
    bytes_per_second: u64,
    waiting_since: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
    counters: Arc<ServeCounters>,
}

impl PacedBody {
    pub(super) fn new(body: Incoming, config: &ServeConfig) -> Self {
        let deadlines = &config.deadlines;
        Self {
            body,
            purse: deadlines.body_grace,
            purse_limit: deadlines.idle.max(deadlines.body_grace),
            bytes_per_second: deadlines.body_bytes_per_second.max(1),
            waiting_since: None,
            timer: None,
            counters: Arc::clone(&config.counters),
        }
    }

    fn pay(&mut self, received: usize) {
        if let Some(since) = self.waiting_since.take() {
            self.purse = self.purse.saturating_sub(since.elapsed());
        }
        let micros = to_u64(received).saturating_mul(1_000_000) / self.bytes_per_second;
        self.purse = self.purse.saturating_add(Duration::from_micros(micros)).min(self.purse_limit);
    }

    /// Ready when the purse is empty.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let due = *self.waiting_since.get_or_insert_with(Instant::now) + self.purse;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut().poll(cx)
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                self.pay(frame.data_ref().map_or(0, Bytes::len));
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        ready!(self.poll_late(cx));
        self.counters.count_missed_deadline();
        let late = io::Error::new(io::ErrorKind::TimedOut, "the request body came too slowly");
        Poll::Ready(Some(Err(late.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body that holds on to its request until it is handed over or given up.
pub(super) struct TrackedBody {
    body: axum::body::Body,
    _busy: Busy,
}

impl TrackedBody {
    pub(super) fn new(body: axum::body::Body, busy: Busy) -> Self {
        Self { body, _busy: busy }
    }
}

impl Body for TrackedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
