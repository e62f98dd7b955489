//! One connection of the edge: wait, parse, answer, again.

use std::{io, net::IpAddr, pin::Pin, sync::Arc, time::Duration};

use http::StatusCode;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use super::{
    Answered, EdgeBody, EdgeHandler, EdgeMethod, EdgeRequest, EdgeResponse, HeaderBlock, Refused, encode,
    write::{WriteError, Writer},
};
use crate::{
    ServeConfig, Shutdown,
    accept::{Origin, linger},
    head::{self, Framing, Head},
    who::{Chain, Proxies},
};

/// First size of a read buffer; almost every request fits.
const READ_BYTES: usize = 4 * 1024;

/// What all connections of a listening socket share.
pub(super) struct Edge<H> {
    pub(super) handler: Arc<H>,
    pub(super) config: ServeConfig,
    pub(super) shutdown: Shutdown,
}

/// Why a connection is over.
enum End {
    /// The peer left, or nothing more can be said to it.
    Quiet,
    /// The last answer said that the connection closes.
    Closing,
    /// The peer was too slow.
    Late { in_head: bool },
    /// The request is answered with this and not looked at.
    Refused(Box<Refusal>),
    /// What the handler answered cannot be had; this is sent instead.
    Broken(Box<EdgeResponse>),
}

/// A request that is not for this door.
struct Refusal {
    answer: EdgeResponse,
    message: String,
    client: IpAddr,
    /// Method and path, if they could be read.
    asked: Option<(String, String)>,
}

impl Refusal {
    fn new(status: StatusCode, message: &str, client: IpAddr) -> Box<Self> {
        let answer = refusal(status, message);
        Box::new(Self { answer, message: message.to_owned(), client, asked: None })
    }

    fn of(mut self: Box<Self>, head: &Head<'_>) -> Box<Self> {
        self.asked = Some((head.method.to_owned(), path_of(head).to_owned()));
        self
    }
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Quiet
    }
}

/// A request and what the loop needs to go on after it.
struct Parsed<'a> {
    request: EdgeRequest<'a>,
    len: usize,
    keep_alive: bool,
}

impl<H: EdgeHandler> Edge<H> {
    pub(super) async fn serve(&self, stream: TcpStream, origin: Origin) {
        match self.requests(&stream, origin).await {
            End::Quiet => {}
            End::Closing => linger(&stream).await,
            End::Late { in_head } => {
                self.config.counters.count_missed_deadline();
                if in_head {
                    let message = "the request head took too long";
                    let refusal = Refusal::new(StatusCode::REQUEST_TIMEOUT, message, origin.source);
                    self.refuse(&stream, *refusal).await;
                }
            }
            End::Refused(refusal) => {
                self.config.counters.count_refused_request();
                self.refuse(&stream, *refusal).await;
                linger(&stream).await;
            }
            End::Broken(answer) => {
                self.last_words(&stream, *answer).await;
                linger(&stream).await;
            }
        }
    }

    async fn requests(&self, stream: &TcpStream, origin: Origin) -> End {
        let mut stop = Box::pin(self.shutdown.triggered());
        let opened = Instant::now();
        let mut buf = Vec::new();
        let mut served = 0;
        loop {
            let mut since = Instant::now();
            let mut seen = 0;
            let parsed = loop {
                if !buf.is_empty() && head::may_be_complete(&buf, seen) {
                    match parse(&buf, origin, &self.config.proxies) {
                        Ok(Some(parsed)) => break parsed,
                        Ok(None) => {}
                        Err(answer) => return End::Refused(answer),
                    }
                }
                seen = buf.len();
                if let Err(end) = self.read_more(stream, &mut buf, since, served, stop.as_mut()).await {
                    return end;
                }
                if seen == 0 {
                    since = Instant::now();
                }
            };
            served += 1;
            let keep = parsed.keep_alive
                && served < self.config.deadlines.connection_requests
                && opened.elapsed() < self.config.deadlines.connection_age;
            let len = parsed.len;
            if let Err(end) = self.answer(stream, parsed.request, keep).await {
                return end;
            }
            buf.drain(..len);
        }
    }

    /// Waits for more of a request since `since`. An empty buffer means that the peer is idle: the
    /// memory is given back, and the stop signal ends the connection.
    async fn read_more(
        &self,
        stream: &TcpStream,
        buf: &mut Vec<u8>,
        since: Instant,
        served: u64,
        mut stop: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Result<(), End> {
        let deadlines = &self.config.deadlines;
        let idle = buf.is_empty();
        let allowed = match (idle, served) {
            (true, 0) => deadlines.first_byte,
            (true, _) => deadlines.idle,
            (false, _) => deadlines.head,
        };
        loop {
            if idle {
                *buf = Vec::new();
            }
            tokio::select! {
                biased;
                ready = timeout_at(since + allowed, stream.readable()) => match ready {
                    Ok(ready) => ready?,
                    Err(_) => return Err(End::Late { in_head: !idle }),
                },
                () = stop.as_mut(), if idle => return Err(End::Quiet),
            }
            buf.reserve(READ_BYTES);
            match stream.try_read_buf(buf) {
                Ok(0) => return Err(End::Quiet),
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Has the request answered and sends the answer; fails when the connection must not go on.
    async fn answer(&self, stream: &TcpStream, request: EdgeRequest<'_>, keep: bool) -> Result<(), End> {
        let began = Instant::now();
        let mut response = self.handler.handle(request).await;
        let waited = began.elapsed();
        let bodiless = request.method == EdgeMethod::Head;
        if matches!(response.body, EdgeBody::Declared { .. }) && !bodiless {
            tracing::error!(path = request.path, "a handler answered GET with the body of a HEAD");
            response = EdgeResponse::new(StatusCode::INTERNAL_SERVER_ERROR, EdgeBody::Empty);
        }
        response.close |= !keep || self.shutdown.is_triggered();
        let close = response.close;
        let mut answered = Answered {
            status: response.status,
            headers: response.headers.clone(),
            note: response.note.take(),
            body_bytes: if bodiless { 0 } else { response.body.len() },
            sent_bytes: 0,
            whole: false,
            waited,
            total: waited,
        };
        let mut writer = Writer::new(stream, self.config.deadlines.write_stall);
        writer.paces = [response.pace.take(), self.config.egress.clone()];
        writer.permission = response.permission.take();
        let sent = writer.response(response, bodiless).await;
        (answered.sent_bytes, answered.whole, answered.total) = (writer.sent, sent.is_ok(), began.elapsed());
        self.handler.answered(&request, &answered);
        match sent {
            Ok(()) if close => Err(End::Closing),
            Ok(()) => Ok(()),
            Err(WriteError::Io) => Err(End::Quiet),
            Err(WriteError::Late) => Err(End::Late { in_head: false }),
            Err(WriteError::Withdrawn) => {
                tracing::info!(path = request.path, "an answer was broken off: it may not go on");
                // What waits in the kernel goes with the connection.
                rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).ok();
                Err(End::Quiet)
            }
            Err(WriteError::Body { cause, head_sent }) => {
                self.config.counters.count_broken_answer();
                tracing::warn!(path = request.path, %cause, head_sent, "an answer's body could not be produced");
                if head_sent {
                    return Err(End::Quiet);
                }
                let message = "the content could not be read";
                Err(End::Broken(Box::new(refusal(StatusCode::INTERNAL_SERVER_ERROR, message))))
            }
        }
    }

    async fn refuse(&self, stream: &TcpStream, refusal: Refusal) {
        let Refusal { answer, message, client, asked } = refusal;
        let status = answer.status;
        let sent_bytes = self.last_words(stream, answer).await;
        let (method, path) = asked.as_ref().map(|(method, path)| (method.as_str(), path.as_str())).unzip();
        let refused = Refused { status, message: &message, method, path, client, sent_bytes };
        self.handler.refused(&refused);
    }

    /// Sends the last answer of a connection; gives how much of it the peer's side took.
    async fn last_words(&self, stream: &TcpStream, mut answer: EdgeResponse) -> u64 {
        answer.close = true;
        let mut writer = Writer::new(stream, self.config.deadlines.write_stall);
        // The connection closes either way.
        writer.response(answer, false).await.ok();
        writer.sent
    }
}

/// Reads the request at the start of `buf`; fails with the answer to one that is not for this door.
fn parse<'a>(buf: &'a [u8], origin: Origin, proxies: &Proxies) -> Result<Option<Parsed<'a>>, Box<Refusal>> {
    let mut chain = Chain::new(origin.source, proxies);
    let (mut range, mut if_match, mut if_none_match, mut if_range, mut preflight_headers) =
        (None, None, None, None, None);
    let mut authorization = None;
    let parsed = head::parse(buf, |name, value| {
        let slot = match name.len() {
            5 if name.eq_ignore_ascii_case("range") => &mut range,
            8 if name.eq_ignore_ascii_case("if-match") => &mut if_match,
            8 if name.eq_ignore_ascii_case("if-range") => &mut if_range,
            13 if name.eq_ignore_ascii_case("if-none-match") => &mut if_none_match,
            15 if name.eq_ignore_ascii_case("x-forwarded-for") => return chain.take(value),
            13 if name.eq_ignore_ascii_case("authorization") => &mut authorization,
            30 if name.eq_ignore_ascii_case("access-control-request-headers") => &mut preflight_headers,
            _ => return,
        };
        // None of these may be a list over several lines for us: the last one counts.
        *slot = visible(value);
    });
    let head = match parsed {
        Ok(Some(head)) => head,
        Ok(None) => return Ok(None),
        Err(fault) => return Err(Refusal::new(fault.status(), fault.message(), origin.source)),
    };
    let method = match head.method {
        "GET" => EdgeMethod::Get,
        "HEAD" => EdgeMethod::Head,
        "OPTIONS" => EdgeMethod::Options,
        _ => return Err(method_not_allowed(&head, chain.client())),
    };
    if head.framing != Framing::Length(0) {
        let message = "requests have no body here";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, message, chain.client()).of(&head));
    }
    let (path, query) =
        head.target.split_once('?').map_or((head.target, None), |(path, query)| (path, Some(query)));
    let host = head.host;
    let request = EdgeRequest {
        method,
        path,
        query,
        host,
        range,
        if_match,
        if_none_match,
        if_range,
        authorization,
        preflight_headers,
        peer: origin.peer,
        client: chain.client(),
    };
    Ok(Some(Parsed { request, len: head.len, keep_alive: head.keep_alive }))
}

/// A header value, unless it holds more than visible ASCII, spaces and tabs; then it is as if absent.
fn visible(value: &[u8]) -> Option<&str> {
    let plain = value.iter().all(|&byte| matches!(byte, b' '..=b'~' | b'\t'));
    std::str::from_utf8(value).ok().filter(|_| plain)
}

fn refusal(status: StatusCode, message: &str) -> EdgeResponse {
    json(status, encode::refusal_json(message, None))
}

/// As Argus answers other methods. Source: `spec/argus-colossus.md` B1.
fn method_not_allowed(head: &Head<'_>, client: IpAddr) -> Box<Refusal> {
    let message = format!("{} method not allowed", head.method);
    let body = encode::refusal_json(&message, Some(path_of(head)));
    let mut answer = json(StatusCode::METHOD_NOT_ALLOWED, body);
    answer.extra = HeaderBlock::build([("allow", "GET, HEAD, OPTIONS")]);
    Box::new(Refusal { answer, message, client, asked: None }).of(head)
}

fn path_of<'a>(head: &Head<'a>) -> &'a str {
    head.target.split('?').next().unwrap_or_default()
}

fn json(status: StatusCode, body: String) -> EdgeResponse {
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("access-control-allow-origin", "*"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ];
    EdgeResponse::new(status, EdgeBody::Bytes(body.into())).with_headers(HeaderBlock::build(headers))
}
