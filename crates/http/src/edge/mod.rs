//! Our own HTTP/1.1 loop for `GET`, `HEAD` and `OPTIONS`: the fastest and the narrowest door.
//!
//! Source: `design/edge-http.md`. A request is parsed strictly, answered by an [`EdgeHandler`], and the
//! next one on the same connection is read after it. Anything unclear is refused and the connection
//! closed. While a connection waits for a request it holds no buffer.

mod connection;
mod encode;
mod multipart;
mod pace;
mod types;
mod write;

use std::sync::Arc;

use tokio::net::TcpListener;

pub use multipart::Multipart;
pub use pace::Pace;
pub use types::{
    Answered, BodyPiece, BodyStream, ContentRange, EdgeBody, EdgeHandler, EdgeMethod, EdgeRequest,
    EdgeResponse, HeaderBlock, Note, Permission, PieceStream, Refused,
};
pub use write::{ASK_BYTES, ASK_EVERY};

use crate::{ServeConfig, Shutdown, accept::accept_loop};
use connection::Edge;

/// Serves `handler` until `shutdown`, then drains for at most [`crate::Deadlines::drain`].
pub async fn serve_edge<H: EdgeHandler>(
    listener: TcpListener,
    handler: Arc<H>,
    config: ServeConfig,
    shutdown: Shutdown,
) {
    let edge = Arc::new(Edge { handler, config: config.clone(), shutdown: shutdown.clone() });
    accept_loop(listener, &config, &shutdown, move |stream, origin| {
        let edge = Arc::clone(&edge);
        async move { edge.serve(stream, origin).await }
    })
    .await;
}
