//! Sending answers: from memory, from files by the kernel, and from streams.

use std::{fs::File, io, time::Duration};

use argosy_domain::num::{to_u64, to_usize};
use bytes::Bytes;
use futures_util::StreamExt;
use rustix::net::SendFlags;
use tokio::{
    io::Interest,
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{BodyStream, EdgeBody, EdgeResponse, encode};
use crate::limits::{PROBE_PROGRESS_BYTES, WRITE_PROBES};

/// Most bytes sent before other connections of the thread get their turn.
const TURN_BYTES: u64 = 2 * 1024 * 1024;

/// Why an answer was not sent whole.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The connection broke.
    Io,
    /// The peer took nothing for too long.
    Late,
    /// The body could not be produced, or not in the length that was announced.
    Body { cause: io::Error, head_sent: bool },
}

/// Sends answers on one connection.
pub(super) struct Writer<'a> {
    stream: &'a TcpStream,
    stall: Duration,
    /// Bytes sent since this task last let others run.
    turn: u64,
    /// Since when the peer has taken nothing worth the name, and how much was placed by trying.
    stalled: Option<(Instant, u64)>,
    /// Bytes that the peer's side took.
    pub(super) sent: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(stream: &'a TcpStream, stall: Duration) -> Self {
        Self { stream, stall, turn: 0, stalled: None, sent: 0 }
    }

    /// Sends a whole answer; only its head when it is `bodiless`.
    pub(super) async fn response(
        &mut self,
        response: EdgeResponse,
        bodiless: bool,
    ) -> Result<(), WriteError> {
        let head = encode::head(&response);
        if bodiless || encode::is_bodiless(response.status) {
            return self.bytes(&head, SendFlags::empty()).await;
        }
        match response.body {
            EdgeBody::Empty | EdgeBody::Declared { .. } => self.bytes(&head, SendFlags::empty()).await,
            EdgeBody::Bytes(body) => self.bytes_after(head, &body).await,
            EdgeBody::File { file, offset, len } => {
                let more = if len == 0 { SendFlags::empty() } else { SendFlags::MORE };
                self.bytes(&head, more).await?;
                self.file(&file, offset, len).await
            }
            EdgeBody::Stream { len, stream } => self.stream(head, len, stream).await,
        }
    }

    /// Small bodies travel with their head in one call; copying them costs less than a second call.
    async fn bytes_after(&mut self, mut head: Vec<u8>, body: &[u8]) -> Result<(), WriteError> {
        const COPIED_BYTES: usize = 16 * 1024;
        if body.len() <= COPIED_BYTES {
            head.extend_from_slice(body);
            return self.bytes(&head, SendFlags::empty()).await;
        }
        self.bytes(&head, SendFlags::MORE).await?;
        self.bytes(body, SendFlags::empty()).await
    }

    async fn bytes(&mut self, mut bytes: &[u8], flags: SendFlags) -> Result<(), WriteError> {
        let stream = self.stream;
        while !bytes.is_empty() {
            let step = &bytes[..bytes.len().min(to_usize(TURN_BYTES))];
            let sent =
                self.push(|| Ok(rustix::net::send(stream, step, flags | SendFlags::NOSIGNAL)?)).await?;
            bytes = &bytes[sent..];
        }
        Ok(())
    }

    async fn file(&mut self, file: &File, mut offset: u64, len: u64) -> Result<(), WriteError> {
        let stream = self.stream;
        let mut left = len;
        while left > 0 {
            let step = to_usize(left.min(TURN_BYTES));
            let sent = self.push(|| Ok(rustix::fs::sendfile(stream, file, Some(&mut offset), step)?)).await?;
            if sent == 0 {
                let cause = io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the file ends before the range that was promised",
                );
                return Err(WriteError::Body { cause, head_sent: true });
            }
            left -= to_u64(sent);
        }
        Ok(())
    }

    /// The head waits for the first piece: they leave together, and a body that fails at once can still
    /// be answered with an error.
    async fn stream(&mut self, head: Vec<u8>, len: u64, mut stream: BodyStream) -> Result<(), WriteError> {
        let mut head = Some(head);
        let mut left = len;
        while left > 0 {
            let body_error = |cause| WriteError::Body { cause, head_sent: head.is_none() };
            let piece = next_piece(&mut stream, left).await.map_err(body_error)?;
            left -= to_u64(piece.len());
            match head.take() {
                Some(head) => self.bytes_after(head, &piece).await?,
                None => self.bytes(&piece, SendFlags::empty()).await?,
            }
        }
        match head.take() {
            Some(head) => self.bytes(&head, SendFlags::empty()).await,
            None => Ok(()),
        }
    }

    /// Repeats `send` until it takes something, or the peer has stalled for too long.
    async fn push(&mut self, mut send: impl FnMut() -> io::Result<usize>) -> Result<usize, WriteError> {
        if self.turn >= TURN_BYTES {
            self.turn = 0;
            tokio::task::yield_now().await;
        }
        loop {
            match self.stream.try_io(Interest::WRITABLE, &mut send) {
                Err(error) if is_no_room(&error) => {}
                result => {
                    self.stalled = None;
                    return self.pushed(result);
                }
            }
            self.turn = 0;
            let (since, _) = *self.stalled.get_or_insert_with(|| (Instant::now(), 0));
            let waited = timeout(self.stall / WRITE_PROBES, self.stream.writable()).await;
            match waited {
                Ok(ready) => ready.map_err(|_| WriteError::Io)?,
                Err(_) if since.elapsed() >= self.stall => return Err(WriteError::Late),
                Err(_) => match send() {
                    Err(error) if is_no_room(&error) => {}
                    result => return self.probed(result),
                },
            }
        }
    }

    /// Counts what a trial has placed; enough of it ends the stall.
    fn probed(&mut self, result: io::Result<usize>) -> Result<usize, WriteError> {
        let count = self.pushed(result)?;
        if let Some((_, placed)) = &mut self.stalled {
            *placed += to_u64(count);
            if *placed >= PROBE_PROGRESS_BYTES {
                self.stalled = None;
            }
        }
        Ok(count)
    }

    fn pushed(&mut self, result: io::Result<usize>) -> Result<usize, WriteError> {
        let count = result.map_err(|_| WriteError::Io)?;
        self.turn += to_u64(count);
        self.sent += to_u64(count);
        Ok(count)
    }
}

fn is_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

/// The next piece that is not empty, and not longer than what was promised.
async fn next_piece(stream: &mut BodyStream, left: u64) -> io::Result<Bytes> {
    loop {
        match stream.next().await {
            None => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the body ended before its announced length",
                ));
            }
            Some(Err(error)) => return Err(error),
            Some(Ok(piece)) if piece.is_empty() => {}
            Some(Ok(piece)) if to_u64(piece.len()) > left => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the body is longer than its announced length",
                ));
            }
            Some(Ok(piece)) => return Ok(piece),
        }
    }
}
