//! Serves an axum router with hyper behind the accept loop and the request filter.

use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

use crate::{ServeConfig, Shutdown};

/// Serves `router` until `shutdown`, then drains for at most [`crate::Deadlines::drain`].
///
/// Handlers find the peer as `axum::Extension<Peer>`.
pub async fn serve_router(
    _listener: TcpListener,
    _router: Router,
    _config: ServeConfig,
    _shutdown: Shutdown,
) {
    std::future::ready(()).await;
    todo!()
}

/// Who sent a request, as an extension of every request that a router gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);
