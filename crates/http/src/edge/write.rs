//! Sending answers: from memory, from files by the kernel, and from streams.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, IoSlice},
    sync::Arc,
    time::Duration,
};

use argosy_domain::num::{to_u64, to_usize};
use bytes::Bytes;
use futures_util::StreamExt;
use rustix::net::{SendAncillaryBuffer, SendFlags};
use tokio::{
    io::Interest,
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{BodyPiece, EdgeBody, EdgeResponse, Pace, Permission, PieceStream, encode};
use crate::limits::{PROBE_PROGRESS_BYTES, WRITE_PROBES};

/// Most bytes sent before other connections of the thread get their turn.
const TURN_BYTES: u64 = 2 * 1024 * 1024;

/// Bytes after which it is asked whether an answer may go on.
pub const ASK_BYTES: u64 = 1024 * 1024;
/// Time after which that is asked even if fewer have been sent.
pub const ASK_EVERY: Duration = Duration::from_secs(1);
/// Pieces of memory that are sent by one call.
const MAX_SLICES: usize = 64;

/// Why an answer was not sent whole.
#[derive(Debug)]
pub(super) enum WriteError {
    /// The connection broke.
    Io,
    /// The peer took nothing for too long.
    Late,
    /// It may not go on.
    Withdrawn,
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
    /// How fast bodies may leave: those of the object, then all together. Heads are not held up.
    pub(super) paces: [Option<Arc<Pace>>; 2],
    /// Bytes of the body that each pace has let through and that have not been sent yet.
    allowed: [u64; 2],
    /// Bytes that the peer's side took.
    pub(super) sent: u64,
    /// Whether the answer may go on, and when that was last asked, at how many sent bytes.
    pub(super) permission: Option<Permission>,
    asked: (Instant, u64),
}

impl<'a> Writer<'a> {
    pub(super) fn new(stream: &'a TcpStream, stall: Duration) -> Self {
        Self {
            stream,
            stall,
            turn: 0,
            stalled: None,
            paces: [None, None],
            allowed: [0, 0],
            sent: 0,
            permission: None,
            asked: (Instant::now(), 0),
        }
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
                let more = self.with_body(len > 0);
                self.bytes(&head, more).await?;
                self.file(&file, offset, len).await
            }
            EdgeBody::Stream { len, stream } => self.stream(Some(head), len, stream).await,
            EdgeBody::Parts(parts) => {
                let more = self.with_body(true);
                self.bytes(&head, more).await?;
                self.parts(parts).await
            }
        }
    }

    async fn parts(&mut self, parts: Vec<EdgeBody>) -> Result<(), WriteError> {
        let last = parts.len().saturating_sub(1);
        for (at, part) in parts.into_iter().enumerate() {
            let more = if at == last { SendFlags::empty() } else { SendFlags::MORE };
            match part {
                EdgeBody::Empty => {}
                EdgeBody::Bytes(bytes) => self.body(&bytes, more).await?,
                EdgeBody::File { file, offset, len } => self.file(&file, offset, len).await?,
                EdgeBody::Stream { len, stream } => self.stream(None, len, stream).await?,
                EdgeBody::Declared { .. } | EdgeBody::Parts(_) => {
                    let cause = io::Error::other("a part of a body is no bytes");
                    return Err(WriteError::Body { cause, head_sent: true });
                }
            }
        }
        Ok(())
    }

    /// Small bodies travel with their head in one call; copying them costs less than a second call.
    async fn bytes_after(&mut self, mut head: Vec<u8>, body: &[u8]) -> Result<(), WriteError> {
        const COPIED_BYTES: usize = 16 * 1024;
        let is_paced = self.paces.iter().any(Option::is_some);
        if body.len() <= COPIED_BYTES && !is_paced {
            head.extend_from_slice(body);
            return self.bytes(&head, SendFlags::empty()).await;
        }
        let more = self.with_body(!body.is_empty());
        self.bytes(&head, more).await?;
        self.body(body, SendFlags::empty()).await
    }

    /// How to send a head: with the body that follows at once, if one does.
    fn with_body(&self, follows: bool) -> SendFlags {
        let at_once = follows && self.paces.iter().all(Option::is_none);
        if at_once { SendFlags::MORE } else { SendFlags::empty() }
    }

    /// Bytes of a body, as fast as they may leave.
    async fn body(&mut self, mut bytes: &[u8], flags: SendFlags) -> Result<(), WriteError> {
        while !bytes.is_empty() {
            let (step, rest) = bytes.split_at(to_usize(self.allow(to_u64(bytes.len())).await));
            self.bytes(step, flags).await?;
            self.note_sent(to_u64(step.len()));
            bytes = rest;
        }
        Ok(())
    }

    /// Waits until some of `wanted` bytes of the body may leave, and tells how many.
    async fn allow(&mut self, wanted: u64) -> u64 {
        let mut wanted = wanted;
        // One after the other: whoever waits for the object does not hold a place in the line of all.
        for (pace, allowed) in self.paces.iter().zip(&mut self.allowed) {
            let Some(pace) = pace else { continue };
            if *allowed == 0 {
                *allowed = pace.turn(wanted).await;
            }
            wanted = wanted.min(*allowed);
        }
        wanted
    }

    fn note_sent(&mut self, bytes: u64) {
        for allowed in &mut self.allowed {
            *allowed = allowed.saturating_sub(bytes);
        }
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

    /// Pieces of a body that lie in memory, as fast as they may leave, several by one call.
    async fn pieces(&mut self, pieces: &[Bytes]) -> Result<(), WriteError> {
        let stream = self.stream;
        let mut waiting: VecDeque<&[u8]> = pieces.iter().map(AsRef::as_ref).collect();
        let mut left: u64 = pieces.iter().map(|piece| to_u64(piece.len())).sum();
        while left > 0 {
            let step = to_usize(self.allow(left.min(TURN_BYTES)).await);
            let mut room = step;
            let mut slices = Vec::with_capacity(waiting.len().min(MAX_SLICES));
            for piece in waiting.iter().take(MAX_SLICES) {
                let part = &piece[..piece.len().min(room)];
                room -= part.len();
                slices.push(IoSlice::new(part));
            }
            let send = || {
                let mut no_control = SendAncillaryBuffer::default();
                Ok(rustix::net::sendmsg(stream, &slices, &mut no_control, SendFlags::NOSIGNAL)?)
            };
            let mut sent = self.push(send).await?;
            self.note_sent(to_u64(sent));
            left -= to_u64(sent);
            while let Some(piece) = waiting.front_mut().filter(|piece| sent > 0 || piece.is_empty()) {
                let taken = sent.min(piece.len());
                *piece = &piece[taken..];
                sent -= taken;
                if piece.is_empty() {
                    waiting.pop_front();
                }
            }
        }
        Ok(())
    }

    async fn file(&mut self, file: &File, mut offset: u64, len: u64) -> Result<(), WriteError> {
        let stream = self.stream;
        let mut left = len;
        while left > 0 {
            let step = to_usize(self.allow(left.min(TURN_BYTES)).await);
            let sent = self.push(|| Ok(rustix::fs::sendfile(stream, file, Some(&mut offset), step)?)).await?;
            if sent == 0 {
                let cause = io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the file ends before the range that was promised",
                );
                return Err(WriteError::Body { cause, head_sent: true });
            }
            self.note_sent(to_u64(sent));
            left -= to_u64(sent);
        }
        Ok(())
    }

    /// The head, if it is not sent yet, waits for the first piece: they leave together, and a body that fails at once can still
    /// be answered with an error.
    async fn stream(
        &mut self,
        mut head: Option<Vec<u8>>,
        len: u64,
        mut stream: PieceStream,
    ) -> Result<(), WriteError> {
        let mut left = len;
        while left > 0 {
            let body_error = |cause| WriteError::Body { cause, head_sent: head.is_none() };
            let piece = next_piece(&mut stream, left).await.map_err(body_error)?;
            left -= piece.len();
            match (head.take(), &piece) {
                (Some(head), BodyPiece::Bytes(pieces)) if let [bytes] = pieces.as_slice() => {
                    self.bytes_after(head, bytes).await?;
                    continue;
                }
                (Some(head), _) => self.bytes(&head, self.with_body(true)).await?,
                (None, _) => {}
            }
            match piece {
                BodyPiece::Bytes(pieces) => self.pieces(&pieces).await?,
                BodyPiece::File { file, offset, len } => self.file(&file, offset, len).await?,
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
            self.ask()?;
            match self.stream.try_io(Interest::WRITABLE, &mut send) {
                Err(error) if is_no_room(&error) => {}
                result => {
                    self.stalled = None;
                    return self.pushed(result);
                }
            }
            self.turn = 0;
            let (since, _) = *self.stalled.get_or_insert_with(|| (Instant::now(), 0));
            let probe = self.stall / WRITE_PROBES;
            let probe = if self.permission.is_some() { probe.min(ASK_EVERY) } else { probe };
            let waited = timeout(probe, self.stream.writable()).await;
            match waited {
                Ok(ready) => ready.map_err(|_| WriteError::Io)?,
                Err(_) if since.elapsed() >= self.stall => return Err(WriteError::Late),
                Err(_) => {
                    self.ask()?;
                    match send() {
                        Err(error) if is_no_room(&error) => {}
                        result => return self.probed(result),
                    }
                }
            }
        }
    }

    /// Finds out from time to time whether the answer may go on.
    fn ask(&mut self) -> Result<(), WriteError> {
        let Some(permission) = &self.permission else { return Ok(()) };
        let (last, at) = self.asked;
        if self.sent - at < ASK_BYTES && last.elapsed() < ASK_EVERY {
            return Ok(());
        }
        self.asked = (Instant::now(), self.sent);
        if permission() { Ok(()) } else { Err(WriteError::Withdrawn) }
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
async fn next_piece(stream: &mut PieceStream, left: u64) -> io::Result<BodyPiece> {
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
            Some(Ok(piece)) if piece.len() > left => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the body is longer than its announced length",
                ));
            }
            Some(Ok(piece)) => return Ok(piece),
        }
    }
}
