//! Accept loop with deadlines, strict HTTP/1.1 for assets, byte ranges, guarded outbound client.
//!
//! Two doors stand behind one accept loop ([`bind`], caps, deadlines, graceful stop):
//!
//! | door | parses | for |
//! |---|---|---|
//! | [`serve_edge`] | our own loop over `httparse` | `GET`, `HEAD`, `OPTIONS` of immutable bytes; sendfile |
//! | [`serve_router`] | our request filter, then hyper | uploads and every other API, as an axum router |
//!
//! What is checked where: `head` refuses ambiguous request heads for both doors (no or several `Host`,
//! `Content-Length` beside `Transfer-Encoding`, bare LF, absolute targets, oversize); the edge loop also
//! refuses any body; the router's filter also follows the body's framing, so that what hyper reads next
//! is a head that was checked. Deadlines on heads, idleness and stalled writes belong to the connection,
//! the least rate of a request body to the body.

mod accept;
pub mod client;
mod conditional;
pub mod edge;
mod head;
mod limits;
pub mod range;
mod router;
mod running;
mod shutdown;
mod who;

pub use accept::{BindError, bind};
pub use client::{AddressPolicy, Authorities, Client, ClientConfig, ClientError, Request, Response};
pub use conditional::{Conditions, Decision, decide};
pub use edge::{
    ASK_BYTES, ASK_EVERY, Answered, BodyPiece, ContentRange, EdgeBody, EdgeHandler, EdgeMethod, EdgeRequest,
    EdgeResponse, HeaderBlock, Multipart, Note, Pace, Permission, PieceStream, Refused, serve_edge,
};
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
pub use limits::{ConnectionCaps, Deadlines, ServeConfig, ServeCounters};
pub use range::RangeRequest;
pub use router::{Peer, serve_router};
pub use running::{NodeError, Running, TaskError, Tasks};
pub use shutdown::Shutdown;
pub use who::{Network, NetworkError, Proxies, preface, shortened};
