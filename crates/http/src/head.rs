//! Strict reading of a request head, for both doors.
//!
//! httparse splits the lines; what it and hyper let pass is refused here: bare LF, empty lines before the
//! request, no or several `Host`, `Content-Length` beside `Transfer-Encoding` or twice, targets that are
//! not a path, bytes outside visible ASCII in a target, and heads beyond the limits.
//!
//! Source: `spec/reliability.md` §1.3, T-46 and T-49.

use std::mem::MaybeUninit;

use http::StatusCode;

use crate::limits::{MAX_HEAD_BYTES, MAX_HEADERS, MAX_TARGET_BYTES};

/// Why a head is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Not HTTP/1.x, or not in the form that we accept.
    Malformed(&'static str),
    /// More bytes or fields than allowed.
    TooLarge,
    /// A target longer than allowed.
    TargetTooLong,
}

impl Fault {
    /// Status of the refusal.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
        }
    }

    /// What is said to the peer; holds none of its text.
    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Malformed(what) => what,
            Self::TooLarge => "the request head is too large",
            Self::TargetTooLong => "the request target is too long",
        }
    }
}

/// How the body after a head is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// So many bytes; zero when nothing is said.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// A complete, unambiguous head.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head<'a> {
    /// Bytes of the head, its closing empty line included.
    pub(crate) len: usize,
    pub(crate) method: &'a str,
    /// `*`, or a path with perhaps a query.
    pub(crate) target: &'a str,
    pub(crate) host: Option<&'a str>,
    pub(crate) framing: Framing,
    /// The peer allows another request on this connection.
    pub(crate) keep_alive: bool,
}

/// Reads the head at the start of `buf`; none while it is incomplete. Every field is also given to
/// `visit`.
pub(crate) fn parse<'a>(
    buf: &'a [u8],
    mut visit: impl FnMut(&'a str, &'a [u8]),
) -> Result<Option<Head<'a>>, Fault> {
    let window = buf.get(..MAX_HEAD_BYTES).unwrap_or(buf);
    let mut storage = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut []);
    let len = match request.parse_with_uninit_headers(window, &mut storage) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) if window.len() == MAX_HEAD_BYTES => return Err(too_long(window)),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Fault::TooLarge),
        Err(_) => return Err(Fault::Malformed("not an HTTP/1.1 request")),
    };
    check_line_ends(&window[..len], request.headers.len())?;
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Fault::Malformed("not an HTTP/1.1 request"));
    };
    check_target(method, target)?;
    let mut fields = Fields::default();
    for field in request.headers.iter() {
        fields.take(field.name, field.value)?;
        visit(field.name, field.value);
    }
    Ok(Some(Head {
        len,
        method,
        target,
        host: fields.host(minor)?,
        framing: fields.framing(minor)?,
        keep_alive: minor == 1 && !fields.close,
    }))
}

/// True when bytes from `new` on may have completed the head that `buf` starts with. Spares parsing again
/// for every byte of a peer that sends them one by one.
pub(crate) fn may_be_complete(buf: &[u8], new: usize) -> bool {
    let tail = &buf[new.saturating_sub(2)..];
    buf.len() >= MAX_HEAD_BYTES || new == 0 || tail.windows(2).any(|pair| pair == b"\n\n" || pair == b"\r\n")
}

/// A head that fills the window without end: blame the target when it never ended.
fn too_long(window: &[u8]) -> Fault {
    if window.contains(&b'\n') { Fault::TooLarge } else { Fault::TargetTooLong }
}

/// httparse ends lines at LF, with or without CR, and knows CR nowhere else. So each line ends in CRLF,
/// and none was empty but the last, exactly when both are as many as the lines.
fn check_line_ends(head: &[u8], fields: usize) -> Result<(), Fault> {
    let count = |byte: u8| head.iter().filter(|&&b| b == byte).count();
    let lines = fields + 2;
    if count(b'\n') == lines && count(b'\r') == lines {
        Ok(())
    } else {
        Err(Fault::Malformed("lines must end in CRLF"))
    }
}

fn check_target(method: &str, target: &str) -> Result<(), Fault> {
    if target.len() > MAX_TARGET_BYTES {
        return Err(Fault::TargetTooLong);
    }
    let path = target.starts_with('/') || (target == "*" && method == "OPTIONS");
    if path && target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        Ok(())
    } else {
        Err(Fault::Malformed("the request target must be a path in visible ASCII"))
    }
}

/// The fields that decide how a message is understood.
#[derive(Default)]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    transfer_encoding: Option<&'a [u8]>,
    close: bool,
}

impl<'a> Fields<'a> {
    fn take(&mut self, name: &str, value: &'a [u8]) -> Result<(), Fault> {
        let (slot, twice) = match name.len() {
            4 if name.eq_ignore_ascii_case("host") => (&mut self.host, "several Host fields"),
            14 if name.eq_ignore_ascii_case("content-length") => {
                (&mut self.content_length, "several Content-Length fields")
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                (&mut self.transfer_encoding, "several Transfer-Encoding fields")
            }
            10 if name.eq_ignore_ascii_case("connection") => {
                self.close |= value
                    .split(|&byte| byte == b',')
                    .any(|token| token.trim_ascii().eq_ignore_ascii_case(b"close"));
                return Ok(());
            }
            _ => return Ok(()),
        };
        if slot.replace(value).is_some() { Err(Fault::Malformed(twice)) } else { Ok(()) }
    }

    fn host(&self, minor: u8) -> Result<Option<&'a str>, Fault> {
        let Some(value) = self.host else {
            return if minor == 0 { Ok(None) } else { Err(Fault::Malformed("no Host field")) };
        };
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_:[]%~".contains(byte);
        match std::str::from_utf8(value) {
            Ok(host) if !value.is_empty() && value.iter().all(plain) => Ok(Some(host)),
            Ok(_) | Err(_) => Err(Fault::Malformed("the Host field is not a host")),
        }
    }

    fn framing(&self, minor: u8) -> Result<Framing, Fault> {
        match (self.content_length, self.transfer_encoding) {
            (None, None) => Ok(Framing::Length(0)),
            (Some(_), Some(_)) => Err(Fault::Malformed("both Content-Length and Transfer-Encoding")),
            (Some(value), None) => content_length(value).map(Framing::Length),
            (None, Some(value)) if minor == 1 && value.eq_ignore_ascii_case(b"chunked") => {
                Ok(Framing::Chunked)
            }
            (None, Some(_)) => Err(Fault::Malformed("this Transfer-Encoding is not understood")),
        }
    }
}

fn content_length(value: &[u8]) -> Result<u64, Fault> {
    let digits = std::str::from_utf8(value)
        .ok()
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    digits
        .and_then(|text| text.parse().ok())
        .ok_or(Fault::Malformed("the Content-Length field is not a length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Head<'_>>, Fault> {
        parse(text.as_bytes(), |_, _| {})
    }

    #[test]
    fn what_is_refused() {
        let cases = [
            ("bare LF after the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n"),
            ("bare LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n"),
            ("bare LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n"),
            ("empty line first", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("bare CR in a value", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"),
            ("folded field", "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"),
            ("space before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
            ("NUL in a value", "GET / HTTP/1.1\r\nHost: a\r\nx: \0\r\n\r\n"),
            ("no Host", "GET / HTTP/1.1\r\n\r\n"),
            ("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
            ("two Hosts in one", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
            ("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"),
            ("Host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
            ("Host with path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
            ("absolute target", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("authority target", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("star for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("fragment", "GET /#a HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("non-ASCII target", "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("two spaces", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
            ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            ("HTTP/0.9", "GET /\r\n\r\n"),
            ("TLS hello", "\u{16}\u{3}\u{1}\u{2}"),
            (
                "both lengths",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
            ),
            (
                "both lengths, turned",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
            ),
            ("length twice", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n"),
            ("length list", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\n"),
            ("signed length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n"),
            ("negative length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\n"),
            ("empty length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n"),
            ("huge length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"),
            (
                "encoding twice",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            ),
            ("encoding list", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
            ("odd encoding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"),
            ("chunked in 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ];
        for (name, text) in cases {
            assert!(matches!(read(text), Err(Fault::Malformed(_))), "{name}: {:?}", read(text));
        }
    }

    #[test]
    fn what_is_accepted() {
        let head = read("GET /a?b=c HTTP/1.1\r\nhost: a.b:80\r\nx:\ty \r\n\r\nrest").unwrap().unwrap();
        assert_eq!((head.len, head.method, head.target, head.host), (44, "GET", "/a?b=c", Some("a.b:80")));
        assert_eq!((head.framing, head.keep_alive), (Framing::Length(0), true));
        let head =
            read("PUT / HTTP/1.1\r\nHost: [::1]:8\r\nContent-Length: 7\r\nConnection: te, Close\r\n\r\n")
                .unwrap()
                .unwrap();
        assert_eq!((head.framing, head.keep_alive), (Framing::Length(7), false));
        let head = read("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n").unwrap().unwrap();
        assert_eq!(head.framing, Framing::Chunked);
        let head = read("GET / HTTP/1.0\r\n\r\n").unwrap().unwrap();
        assert_eq!((head.host, head.keep_alive), (None, false));
        assert!(read("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").unwrap().is_some());
    }

    #[test]
    fn limits_at_the_edge_and_beyond() {
        let with_target = |len: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(len - 1));
        assert!(read(&with_target(MAX_TARGET_BYTES)).unwrap().is_some());
        assert_eq!(read(&with_target(MAX_TARGET_BYTES + 1)).unwrap_err(), Fault::TargetTooLong);
        assert_eq!(read(&format!("GET /{}", "x".repeat(MAX_HEAD_BYTES))).unwrap_err(), Fault::TargetTooLong);

        let with_fields =
            |count: usize| format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "x: y\r\n".repeat(count - 1));
        assert!(read(&with_fields(MAX_HEADERS)).unwrap().is_some());
        assert_eq!(read(&with_fields(MAX_HEADERS + 1)).unwrap_err(), Fault::TooLarge);

        let frame = "GET / HTTP/1.1\r\nHost: a\r\nx: \r\n\r\n".len();
        let with_bytes =
            |len: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "y".repeat(len - frame));
        assert_eq!(read(&with_bytes(MAX_HEAD_BYTES)).unwrap().unwrap().len, MAX_HEAD_BYTES);
        assert_eq!(read(&with_bytes(MAX_HEAD_BYTES + 1)).unwrap_err(), Fault::TooLarge);
    }

    #[test]
    fn every_prefix_of_a_head_is_incomplete_and_its_end_is_noticed() {
        let text = "GET /a HTTP/1.1\r\nHost: a\r\nx: y\r\n\r\n";
        for end in 0..text.len() {
            assert!(read(&text[..end]).unwrap().is_none(), "{end}");
        }
        for new in 0..text.len() {
            assert!(may_be_complete(text.as_bytes(), new), "{new}");
        }
        assert!(!may_be_complete(b"GET / HTTP/1.1\r\nHost: a", 20));
    }
}
