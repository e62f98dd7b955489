//! The stream that hyper reads and writes: only checked requests in, progress of answers noted.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use argosy_domain::num::{to_u64, to_usize};
use bytes::BufMut;
use rustix::io::Errno;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{
    filter::{self, BadChunk, Place},
    watch::SharedWatch,
};
use crate::head;

/// First size of the buffer for heads.
const READ_BYTES: usize = 4 * 1024;

/// What hyper is given in place of a head that we refuse. No parser takes it, so hyper answers 400 and
/// closes, after the answers to the requests before.
const REFUSED: &[u8] = b"\0\r\n\r\n";

/// A connection whose requests are checked before hyper sees them.
pub(super) struct GuardedStream {
    stream: Arc<TcpStream>,
    watch: SharedWatch,
    place: Place,
    /// Bytes from the peer that hyper has not been given: an unfinished head, or what came after one.
    held: Vec<u8>,
    /// How many of the held bytes hyper may have.
    passed: usize,
    /// How many of the held bytes have been looked at without letting any pass.
    seen: usize,
    refused: bool,
}

impl GuardedStream {
    pub(super) fn new(stream: Arc<TcpStream>, watch: SharedWatch) -> Self {
        Self { stream, watch, place: Place::Head, held: Vec::new(), passed: 0, seen: 0, refused: false }
    }

    /// Gives hyper what it may have of the held bytes.
    fn hand_over(&mut self, out: &mut ReadBuf<'_>) {
        let count = self.passed.min(out.remaining());
        out.put_slice(&self.held[..count]);
        self.held.drain(..count);
        self.passed -= count;
        if self.held.is_empty() {
            self.held = Vec::new();
        }
    }

    /// Finds what may be passed of the held bytes, none of which is passed yet.
    fn examine(&mut self) -> io::Result<()> {
        if self.seen == self.held.len() || self.is_next_held_back() {
            return Ok(());
        }
        match self.place {
            Place::Head => self.examine_head(),
            Place::Sized(left) => {
                self.passed = to_usize(left.min(to_u64(self.held.len())));
                self.advance_sized(self.passed);
            }
            Place::Chunked(chunk) => {
                let (len, place) = filter::follow_chunks(chunk, &self.held).map_err(bad_chunk)?;
                self.passed = len;
                self.move_to(place);
            }
        }
        self.seen = if self.passed == 0 { self.held.len() } else { 0 };
        Ok(())
    }

    /// True while the held bytes belong to a request after the one under way. hyper gets one request at a
    /// time, so that what is noted of a request is about that one.
    fn is_next_held_back(&self) -> bool {
        self.place == Place::Head && !self.held.is_empty() && self.watch.is_busy()
    }

    fn examine_head(&mut self) {
        self.watch.note_head_begun();
        if !head::may_be_complete(&self.held, self.seen) {
            return;
        }
        match filter::read_head(&self.held) {
            Ok(None) => {}
            Ok(Some((len, place))) => {
                self.watch.note_head_complete();
                self.passed = len;
                self.move_to(place);
            }
            Err(_) => {
                self.watch.note_refused();
                self.refused = true;
                self.held = REFUSED.to_vec();
                self.passed = REFUSED.len();
            }
        }
    }

    fn advance_sized(&mut self, count: usize) {
        if let Place::Sized(left) = self.place {
            let left = left - to_u64(count);
            self.move_to(if left == 0 { Place::Head } else { Place::Sized(left) });
        }
    }

    fn move_to(&mut self, place: Place) {
        self.place = place;
        self.watch.note_in_body(place != Place::Head);
    }

    /// Reads a body of known length straight into hyper's buffer, never a byte beyond its end.
    fn read_sized(&mut self, left: u64, out: &mut ReadBuf<'_>) -> io::Result<usize> {
        let count = self.stream.try_read_buf(&mut out.limit(to_usize(left)))?;
        self.advance_sized(count);
        Ok(count)
    }

    fn read_held(&mut self) -> io::Result<usize> {
        self.held.reserve(READ_BYTES);
        let read = self.stream.try_read_buf(&mut self.held);
        if self.held.is_empty() {
            self.held = Vec::new();
        }
        let count = read?;
        self.examine()?;
        Ok(count)
    }

    /// Writes when the socket is ready with `write`, and when the watch wants it tried with `probe`.
    fn poll_write_with(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
        probe: impl Fn(&TcpStream) -> rustix::io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if self.stream.poll_write_ready(cx)?.is_ready() {
                match write(&self.stream) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    result => {
                        self.watch.note_written();
                        return Poll::Ready(result);
                    }
                }
            }
            if !self.watch.note_write_blocked() {
                return Poll::Pending;
            }
            match probe(&self.stream) {
                Ok(count) => {
                    self.watch.note_probed(Some(to_u64(count)));
                    return Poll::Ready(Ok(count));
                }
                Err(Errno::AGAIN | Errno::INTR) => self.watch.note_probed(None),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.passed == 0 && !this.refused {
            // What came together with the bytes before it.
            this.examine()?;
        }
        loop {
            if this.passed > 0 {
                this.hand_over(out);
                return Poll::Ready(Ok(()));
            }
            if this.refused {
                // hyper has what it needs to answer 400; nothing else of this peer is of interest.
                return Poll::Pending;
            }
            if this.is_next_held_back() {
                this.watch.wake_when_answered(cx.waker());
                return Poll::Pending;
            }
            ready!(this.stream.poll_read_ready(cx))?;
            let read = match this.place {
                Place::Sized(left) => this.read_sized(left, out),
                Place::Head | Place::Chunked(_) => this.read_held(),
            };
            match read {
                Ok(0) => return Poll::Ready(Ok(())),
                Ok(_) if !out.filled().is_empty() => return Poll::Ready(Ok(())),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (write, probe) =
            (|s: &TcpStream| s.try_write(bytes), |s: &TcpStream| rustix::io::write(s, bytes));
        self.get_mut().poll_write_with(cx, write, probe)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let (write, probe) =
            (|s: &TcpStream| s.try_write_vectored(parts), |s: &TcpStream| rustix::io::writev(s, parts));
        self.get_mut().poll_write_with(cx, write, probe)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.watch.note_written();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(
            rustix::net::shutdown(&self.stream, rustix::net::Shutdown::Write).map_err(io::Error::from),
        )
    }
}

fn bad_chunk(_: BadChunk) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a chunk of the request body is malformed")
}
