//! Serves an axum router with hyper behind the accept loop and the request filter.
//!
//! hyper gets its bytes from [`guard::GuardedStream`], which lets through only heads that `head` accepts
//! and exactly the body that each announces, so both always agree where a request ends. The deadlines
//! of the connection are kept in [`watch::Watch`], in one place, and enforced where the connection is
//! polled. A request's body carries its own least rate ([`body::PacedBody`]).

mod body;
mod filter;
mod guard;
mod watch;

use std::{
    convert::Infallible,
    future::poll_fn,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::Router;
use http::{HeaderValue, header::CONNECTION};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::Sleep,
};
use tower_service::Service;

use crate::{
    ServeConfig, Shutdown,
    accept::{Origin, accept_loop, linger},
    limits::MAX_HEADERS,
    who::Chain,
};
use body::{PacedBody, TrackedBody};
use guard::GuardedStream;
use watch::{Busy, SharedWatch, Verdict};

/// Largest buffer that hyper may hold for one connection and direction, in bytes.
const BUFFER_BYTES: usize = 256 * 1024;

/// Who sent a request, as an extension of every request that a router gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The other end of the connection: who asks, or a proxy.
    pub address: SocketAddr,
    /// Who asks: the peer, or whom a trusted proxy names. IPv4 is never in the form of IPv6.
    pub client: IpAddr,
}

/// Serves `router` until `shutdown`, then drains for at most [`crate::Deadlines::drain`].
///
/// Handlers find the peer as `axum::Extension<Peer>`. They bound their own work and the time between
/// pieces of their own answers; an answer that never ends must watch the stop signal itself.
pub async fn serve_router(listener: TcpListener, router: Router, config: ServeConfig, shutdown: Shutdown) {
    let config = Arc::new(config);
    let (shared, stop) = (Arc::clone(&config), shutdown.clone());
    accept_loop(listener, &config, &shutdown, move |stream, origin| {
        serve_connection(stream, origin, router.clone(), Arc::clone(&shared), stop.clone())
    })
    .await;
}

async fn serve_connection(
    stream: TcpStream,
    origin: Origin,
    router: Router,
    config: Arc<ServeConfig>,
    shutdown: Shutdown,
) {
    let stream = Arc::new(stream);
    let watch = SharedWatch::new(config.deadlines.clone());
    let guarded = GuardedStream::new(Arc::clone(&stream), watch.clone());
    let service = {
        let (watch, config) = (watch.clone(), Arc::clone(&config));
        hyper::service::service_fn(move |request| {
            answer(request, origin, router.clone(), watch.request(), Arc::clone(&config))
        })
    };
    let connection = http1::Builder::new()
        .max_buf_size(BUFFER_BYTES)
        .max_headers(MAX_HEADERS)
        // The watch has its own deadlines, which also know a connection that never sent a byte.
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(guarded), service);
    let mut connection = std::pin::pin!(connection);
    let mut timer = Box::pin(tokio::time::sleep(config.deadlines.first_byte));
    let mut stop = Box::pin(shutdown.triggered());
    let mut closing = false;
    let late = poll_fn(|cx| {
        if !closing && (watch.is_worn_out() || stop.as_mut().poll(cx).is_ready()) {
            closing = true;
            connection.as_mut().graceful_shutdown();
        }
        poll_within_deadlines(cx, connection.as_mut(), &watch, timer.as_mut(), closing)
    })
    .await;
    if late {
        config.counters.count_missed_deadline();
    } else if watch.ended_in_request() {
        // The peer may still be sending; let it see the answer first.
        linger(&stream).await;
    }
    if watch.refused() {
        config.counters.count_refused_request();
    }
}

/// Polls a connection and then its deadlines. Ready with true when the peer missed one, with false when
/// the connection ended otherwise.
fn poll_within_deadlines<C: Future>(
    cx: &mut Context<'_>,
    mut connection: Pin<&mut C>,
    watch: &SharedWatch,
    mut timer: Pin<&mut Sleep>,
    closing: bool,
) -> Poll<bool> {
    loop {
        if connection.as_mut().poll(cx).is_ready() {
            return Poll::Ready(false);
        }
        if closing && watch.is_quiet() {
            return Poll::Ready(false);
        }
        match watch.verdict() {
            Verdict::Late => return Poll::Ready(true),
            Verdict::NoDeadline => return Poll::Pending,
            Verdict::LookAgain(at) => {
                if timer.deadline() != at {
                    timer.as_mut().reset(at);
                }
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                watch.note_alarm();
            }
        }
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    origin: Origin,
    mut router: Router,
    busy: Busy,
    config: Arc<ServeConfig>,
) -> Result<hyper::Response<TrackedBody>, Infallible> {
    let mut request = request.map(|body| axum::body::Body::new(PacedBody::new(body, &config)));
    let mut chain = Chain::new(origin.source, &config.proxies);
    request.headers().get_all("x-forwarded-for").iter().for_each(|line| chain.take(line.as_bytes()));
    let client = chain.client();
    request.extensions_mut().insert(Peer { address: origin.peer, client });
    let mut response = router.call(request).await?;
    if busy.is_last() || busy.is_body_coming() {
        // An answer before the end of its request ends the connection: the peer must not use it again.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| TrackedBody::new(body, busy)))
}
