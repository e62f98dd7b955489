//! Whether the node lives, and whether users should be sent to it.

use crate::{answers, node::Node};
use argosy_api::ErrorBody;
use argosy_http::{EdgeBody, EdgeResponse, HeaderBlock, StatusCode};

impl Node {
    /// Ready: the node knows a directory, however old, and the public port is open. A directory that is away
    /// stops nobody, since every answer is decided from the node's own copy.
    pub(crate) fn ensure_ready(&self) -> Result<(), ErrorBody> {
        let refuse = |code: &str, message: String| {
            Err(ErrorBody::this_node(StatusCode::SERVICE_UNAVAILABLE, code, message))
        };
        let directory = self.follower.status();
        if let Some(why) = directory.halted {
            return refuse("NOT_FOLLOWING", format!("blocks are not followed any more: {why}"));
        }
        if directory.height == 0 {
            let message = format!("no block has come from {} yet", directory.url);
            return refuse("NOT_READY", message);
        }
        if !self.public_is_open.load(std::sync::atomic::Ordering::Relaxed) {
            return refuse("NOT_SERVING", "the public port is closed, as its operator wants".to_owned());
        }
        Ok(())
    }

    /// `GET /readyz` of the public port.
    pub(crate) fn readyz(&self) -> EdgeResponse {
        match self.ensure_ready() {
            Ok(()) => text("ready\n"),
            Err(error) => answers::own_error(&error),
        }
    }
}

/// `GET /livez` and `/healthz`: answered by any node that answers at all.
pub(crate) fn livez() -> EdgeResponse {
    text("ok\n")
}

fn text(body: &'static str) -> EdgeResponse {
    let headers = HeaderBlock::build([
        ("content-type", "text/plain; charset=utf-8"),
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
    ]);
    EdgeResponse::new(StatusCode::OK, EdgeBody::Bytes(body.into())).with_headers(headers)
}
