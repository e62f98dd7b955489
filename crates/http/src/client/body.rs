//! Request bodies as hyper wants them, with a record of how the sending goes.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use argosy_domain::num::to_u64;
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use crate::edge::BodyStream;

/// How the sending of one request goes; shared between the body and the one who waits for the response.
#[derive(Clone, Debug)]
pub(super) struct Progress(Arc<Mutex<Sending>>);

#[derive(Debug)]
struct Sending {
    /// When the connection last took bytes, or our own source last kept it waiting.
    last: Instant,
    /// The connection waits for our own source.
    source_is_slow: bool,
    failure: Option<io::Error>,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Sending { last: Instant::now(), source_is_slow: false, failure: None })))
    }

    fn lock(&self) -> MutexGuard<'_, Sending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Since when the peer owes us something. A slow source of our own is not the peer's fault.
    pub(super) fn peer_owes_since(&self) -> Instant {
        let sending = self.lock();
        if sending.source_is_slow { Instant::now() } else { sending.last }
    }

    /// The error of the source, if that is what ended the request.
    pub(super) fn take_failure(&self) -> Option<io::Error> {
        self.lock().failure.take()
    }

    fn note(&self, source_is_slow: bool) {
        let mut sending = self.lock();
        sending.last = Instant::now();
        sending.source_is_slow = source_is_slow;
    }

    /// Keeps the error for the caller, and gives hyper a sign that there is one.
    fn fail(&self, error: io::Error) -> io::Error {
        let kind = error.kind();
        self.note(false);
        self.lock().failure = Some(error);
        kind.into()
    }
}

/// A request body on its way out.
pub(super) struct OutBody {
    content: Content,
    progress: Progress,
}

enum Content {
    /// In memory; none once it was taken, or when there is no body.
    Bytes(Option<Bytes>),
    /// Read while it is sent; with what is left of its length, if that is known.
    Stream { left: Option<u64>, stream: BodyStream },
}

impl OutBody {
    pub(super) fn bytes(bytes: Bytes, progress: Progress) -> Self {
        Self { content: Content::Bytes(Some(bytes).filter(|bytes| !bytes.is_empty())), progress }
    }

    pub(super) fn stream(len: Option<u64>, stream: BodyStream, progress: Progress) -> Self {
        Self { content: Content::Stream { left: len, stream }, progress }
    }
}

impl Body for OutBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let (left, stream) = match &mut this.content {
            Content::Bytes(bytes) => {
                this.progress.note(false);
                return Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))));
            }
            Content::Stream { left: Some(0), .. } => return Poll::Ready(None),
            Content::Stream { left, stream } => (left, stream),
        };
        let Poll::Ready(item) = stream.as_mut().poll_next(cx) else {
            this.progress.note(true);
            return Poll::Pending;
        };
        this.progress.note(false);
        Poll::Ready(match item {
            Some(Ok(piece)) => match take_from(left, piece.len()) {
                Ok(()) => Some(Ok(Frame::data(piece))),
                Err(error) => Some(Err(this.progress.fail(error))),
            },
            Some(Err(error)) => Some(Err(this.progress.fail(error))),
            None if left.is_some() => {
                let error = io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the body ended before its announced length",
                );
                Some(Err(this.progress.fail(error)))
            }
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Bytes(None) | Content::Stream { left: Some(0), .. })
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Bytes(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| to_u64(bytes.len())))
            }
            Content::Stream { left: Some(left), .. } => SizeHint::with_exact(*left),
            Content::Stream { left: None, .. } => SizeHint::default(),
        }
    }
}

fn take_from(left: &mut Option<u64>, count: usize) -> io::Result<()> {
    if let Some(left) = left {
        *left = left.checked_sub(to_u64(count)).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the body is longer than its announced length")
        })?;
    }
    Ok(())
}
