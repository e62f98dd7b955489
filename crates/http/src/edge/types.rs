//! What the edge loop and a handler say to each other.

use std::{
    any::Any,
    fs::File,
    io,
    net::{IpAddr, SocketAddr},
    ops::Range,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt as _};
use http::StatusCode;

use super::Pace;
use crate::{Conditions, Decision, decide};

/// A body that is produced while it is sent. An error, or a wrong total length, closes the connection.
pub type BodyStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// The same of an answer, which may come from files, too.
pub type PieceStream = Pin<Box<dyn Stream<Item = io::Result<BodyPiece>> + Send>>;

/// Whether an answer under way may go on. Asked every [`crate::ASK_BYTES`] or [`crate::ASK_EVERY`], by the thread
/// that sends: it must not wait.
pub type Permission = Arc<dyn Fn() -> bool + Send + Sync>;

/// What comes next of a body.
#[derive(Debug)]
pub enum BodyPiece {
    /// Bytes in memory, one after the other.
    Bytes(Vec<Bytes>),
    /// A part of a file, sent by the kernel.
    File {
        /// The open file; its own position is not used.
        file: Arc<File>,
        /// First byte.
        offset: u64,
        /// Bytes to send; a file that ends earlier closes the connection.
        len: u64,
    },
}

impl BodyPiece {
    /// Its length, in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(pieces) => pieces
                .iter()
                .map(|bytes| argosy_domain::num::to_u64(bytes.len()))
                .fold(0, u64::saturating_add),
            Self::File { len, .. } => *len,
        }
    }

    /// True when the length is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Bytes> for BodyPiece {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(vec![bytes])
    }
}

/// Answers requests of the edge loop.
pub trait EdgeHandler: Send + Sync + 'static {
    /// Answers one request.
    ///
    /// The future is part of every connection's memory, idle ones included, so box the slow paths. It
    /// must bound its own waiting: the loop's deadlines cover the peer, not the handler.
    fn handle(&self, request: EdgeRequest<'_>) -> impl Future<Output = EdgeResponse> + Send;

    /// Told when the answer has been sent, or could not be. Must not wait.
    fn answered(&self, _request: &EdgeRequest<'_>, _outcome: &Answered) {}

    /// Told when a request was turned down before a handler could see it. Must not wait.
    fn refused(&self, _refused: &Refused<'_>) {}
}

/// Whatever a handler wants to find again when its answer is over.
pub type Note = Arc<dyn Any + Send + Sync>;

/// A request that was turned down by the loop itself.
#[derive(Clone, Copy, Debug)]
pub struct Refused<'a> {
    /// The answer's status.
    pub status: StatusCode,
    /// Why, in the words of the answer.
    pub message: &'a str,
    /// Its method, if its head could be understood. Visible ASCII.
    pub method: Option<&'a str>,
    /// Its path, likewise.
    pub path: Option<&'a str>,
    /// Who asks, as far as can be told.
    pub client: IpAddr,
    /// Bytes of the answer that the peer's side took.
    pub sent_bytes: u64,
}

/// What became of an answer.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its status.
    pub status: StatusCode,
    /// Its prebuilt lines.
    pub headers: HeaderBlock,
    /// What the handler has put into it.
    pub note: Option<Note>,
    /// The bytes that its body was to have; none for `HEAD`.
    pub body_bytes: u64,
    /// Bytes that the peer's side took, those of the head included.
    pub sent_bytes: u64,
    /// Whether all of it was sent.
    pub whole: bool,
    /// From the whole request to the first bytes of the answer, or to its decision.
    pub waited: Duration,
    /// From the whole request to the end of the answer.
    pub total: Duration,
}

/// The methods that reach a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EdgeMethod {
    /// `GET`.
    Get,
    /// `HEAD`: the answer's body is not sent, its length is.
    Head,
    /// `OPTIONS`, such as a browser's preflight.
    Options,
}

/// A request as it stood on the wire. Values are visible ASCII (with spaces and tabs); nothing is decoded.
#[derive(Clone, Copy, Debug)]
pub struct EdgeRequest<'a> {
    /// The method.
    pub method: EdgeMethod,
    /// From the slash up to the question mark, at most 2 KiB; `*` for a server-wide `OPTIONS`.
    pub path: &'a str,
    /// After the question mark.
    pub query: Option<&'a str>,
    /// `Host`; always there with HTTP/1.1.
    pub host: Option<&'a str>,
    /// `Range`.
    pub range: Option<&'a str>,
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
    /// `If-Range`.
    pub if_range: Option<&'a str>,
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// `Access-Control-Request-Headers` of a preflight.
    pub preflight_headers: Option<&'a str>,
    /// The other end of the connection: who asks, or a proxy.
    pub peer: SocketAddr,
    /// Who asks: the peer, or whom a trusted proxy names. IPv4 is never in the form of IPv6. For logs see
    /// [`crate::shortened`].
    pub client: IpAddr,
}

impl EdgeRequest<'_> {
    /// Decides what to send of an object of `size` bytes whose strong entity tag is `etag`, quotes
    /// included. `HEAD` ignores ranges.
    #[must_use]
    pub fn decide(&self, etag: &str, size: u64) -> Decision {
        let ranged = self.method == EdgeMethod::Get;
        let conditions = Conditions {
            if_match: self.if_match,
            if_none_match: self.if_none_match,
            if_range: self.if_range.filter(|_| ranged),
            range: self.range.filter(|_| ranged),
        };
        decide(&conditions, etag, size)
    }
}

/// Prebuilt header lines; cloning shares them.
///
/// `Content-Length`, `Content-Range`, `Connection`, `Date` and `Transfer-Encoding` are the loop's own and
/// must not stand here.
#[derive(Clone, Debug, Default)]
pub struct HeaderBlock(Bytes);

impl HeaderBlock {
    /// No lines.
    #[must_use]
    pub const fn empty() -> Self {
        Self(Bytes::new())
    }

    /// Builds the lines once. A byte in a value that could end its line, or is not visible ASCII, space
    /// or tab, becomes `_`: no value can add a header.
    #[must_use]
    pub fn build<'a>(lines: impl IntoIterator<Item = (&'static str, &'a str)>) -> Self {
        let mut block = BytesMut::new();
        for (name, value) in lines {
            block.extend_from_slice(name.as_bytes());
            block.extend_from_slice(b": ");
            block.extend(
                value.bytes().map(|byte| if matches!(byte, b' '..=b'~' | b'\t') { byte } else { b'_' }),
            );
            block.extend_from_slice(b"\r\n");
        }
        Self(block.freeze())
    }

    /// The same lines, with `name` (in lower case) having this value and no other.
    #[must_use]
    pub fn replacing(&self, name: &'static str, value: &str) -> Self {
        let of_name =
            |line: &[u8]| line.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b":"));
        let mut block = BytesMut::new();
        for line in self.0.split_inclusive(|byte| *byte == b'\n').filter(|line| !of_name(line)) {
            block.extend_from_slice(line);
        }
        block.extend_from_slice(Self::build([(name, value)]).as_bytes());
        Self(block.freeze())
    }

    /// The value of the first line of this name, in lower case as it was built.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        let lines = std::str::from_utf8(&self.0).ok()?;
        let mut values = lines.split("\r\n").filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        values.next()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The `Content-Range` of an answer, for an object of `size` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentRange {
    /// `bytes first-last/size`, given half-open and not empty: goes with 206.
    Part {
        /// The bytes that are sent.
        range: Range<u64>,
        /// Bytes of the whole object.
        size: u64,
    },
    /// `bytes */size`: goes with 416.
    Unsatisfied {
        /// Bytes of the whole object.
        size: u64,
    },
}

/// The body of an answer. Its length is known before the head is sent.
pub enum EdgeBody {
    /// `Content-Length: 0`; nothing at all for 204 and 304.
    Empty,
    /// Bytes in memory.
    Bytes(Bytes),
    /// A part of a file, sent by the kernel.
    File {
        /// The open file; its own position is not used.
        file: Arc<File>,
        /// First byte.
        offset: u64,
        /// Bytes to send; a file that ends earlier closes the connection.
        len: u64,
    },
    /// Bytes as they come; the head goes out with the first of them.
    Stream {
        /// Bytes that the stream yields in all.
        len: u64,
        /// The bytes.
        stream: PieceStream,
    },
    /// Bodies of the other kinds, one after the other, such as [`crate::Multipart`] makes them.
    Parts(Vec<Self>),
    /// A length without the bytes: for `HEAD` only, where the bytes need not be at hand.
    Declared {
        /// Bytes that `GET` would send.
        len: u64,
    },
}

impl EdgeBody {
    /// Bytes that all come through memory, `len` in all.
    pub fn bytes_stream(len: u64, stream: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self::Stream { len, stream: Box::pin(stream.map_ok(BodyPiece::from)) }
    }

    /// Length of the body, in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => argosy_domain::num::to_u64(bytes.len()),
            Self::File { len, .. } | Self::Stream { len, .. } | Self::Declared { len } => *len,
            Self::Parts(parts) => parts.iter().map(Self::len).fold(0, u64::saturating_add),
        }
    }

    /// True when the length is zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for EdgeBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self {
            Self::Empty => "Empty",
            Self::Bytes(_) => "Bytes",
            Self::File { .. } => "File",
            Self::Stream { .. } => "Stream",
            Self::Parts(_) => "Parts",
            Self::Declared { .. } => "Declared",
        };
        write!(f, "{kind}({} bytes)", self.len())
    }
}

/// An answer.
pub struct EdgeResponse {
    /// The status.
    pub status: StatusCode,
    /// Lines that were built once, such as those of an object.
    pub headers: HeaderBlock,
    /// Lines of this answer alone.
    pub extra: HeaderBlock,
    /// For 206 and 416.
    pub content_range: Option<ContentRange>,
    /// The body.
    pub body: EdgeBody,
    /// How fast the body may leave, beside what holds for all answers.
    pub pace: Option<Arc<Pace>>,
    /// Handed to [`EdgeHandler::answered`].
    pub note: Option<Note>,
    /// Whether it may go on, if that can change while it is sent. Where it may not, the connection is reset, and what
    /// of it waits in the kernel is not sent either.
    pub permission: Option<Permission>,
    /// Close the connection after this answer.
    pub close: bool,
}

impl std::fmt::Debug for EdgeResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EdgeResponse")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("extra", &self.extra)
            .field("content_range", &self.content_range)
            .field("body", &self.body)
            .field("close", &self.close)
            .finish_non_exhaustive()
    }
}

impl EdgeResponse {
    /// An answer without lines of its own.
    #[must_use]
    pub fn new(status: StatusCode, body: EdgeBody) -> Self {
        Self {
            status,
            headers: HeaderBlock::empty(),
            extra: HeaderBlock::empty(),
            content_range: None,
            body,
            pace: None,
            note: None,
            permission: None,
            close: false,
        }
    }

    /// The same answer with these prebuilt lines.
    #[must_use]
    pub fn with_headers(mut self, headers: HeaderBlock) -> Self {
        self.headers = headers;
        self
    }

    /// The same answer with further lines.
    #[must_use]
    pub fn with_extra(mut self, extra: HeaderBlock) -> Self {
        self.extra = extra;
        self
    }

    /// The same answer with a `Content-Range`.
    #[must_use]
    pub fn with_content_range(mut self, content_range: ContentRange) -> Self {
        self.content_range = Some(content_range);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_line_stands_once_whatever_stood_there() {
        let block = HeaderBlock::build([("cache-control", "public"), ("etag", "\"x\""), ("cache", "y")]);
        let replaced = block.replacing("cache-control", "no-store\r\nx: y");
        assert_eq!(replaced.as_bytes(), b"etag: \"x\"\r\ncache: y\r\ncache-control: no-store__x: y\r\n");
        assert_eq!(HeaderBlock::empty().replacing("a", "b").as_bytes(), b"a: b\r\n");
    }
}
