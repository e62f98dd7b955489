//! One request for a verified slice: asks, proves what arrives, and passes on only what is proved.

use super::{lanes::Pass, sources::Sources};
use argosy_api::pass::PASS_SCHEME;
use argosy_content::{GroupRange, SliceDecoder, SliceItem, slice_len};
use argosy_domain::DataObjectId;
use argosy_http::{Client, ClientError, Request, Response, StatusCode, header};
use argosy_node_core::{
    fill::{RequestEnd, RequestId},
    sources::{SourceId, SourceName},
};
use argosy_store::ObjectMeta;
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Longest error body that is read to keep the connection.
const MAX_ERROR_BODY_BYTES: usize = 4096;

/// What is asked of whom.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) request: RequestId,
    pub(super) source: SourceId,
    pub(super) name: SourceName,
    pub(super) endpoint: String,
    pub(super) id: DataObjectId,
    pub(super) meta: ObjectMeta,
    pub(super) groups: GroupRange,
    /// It is to answer from what it holds, and fetch nothing for us.
    pub(super) held_only: bool,
    /// The core cuts a silent request before this; it holds should the core be kept busy.
    pub(super) silence: Duration,
    /// Given back when the request is over.
    pub(super) pass: Pass,
}

/// What a request tells its fill.
#[derive(Debug)]
pub(super) enum RequestEvent {
    /// Proved parts, in the order of the slice.
    Items { request: RequestId, source: SourceId, items: Vec<SliceItem> },
    /// It is over.
    Ended { request: RequestId, end: RequestEnd },
}

/// Carries out one request. Ends early, without a word, when the fill has gone.
pub(super) async fn run(
    client: Client,
    sources: Arc<dyn Sources>,
    ask: Ask,
    events: mpsc::Sender<RequestEvent>,
) {
    let end = if sources.is_proven(ask.name, &ask.endpoint).await {
        let shown = sources.pass(ask.id, &ask.endpoint).await;
        fetch(&client, &ask, shown, &events).await
    } else {
        Some(RequestEnd::Failed)
    };
    let Ask { request, pass, .. } = ask;
    // Before the fill hears of it, which may want to ask this source again.
    drop(pass);
    if let Some(end) = end {
        let event = RequestEvent::Ended { request, end };
        // A fill that has gone wants to know nothing.
        let _ = events.send(event).await;
    }
}

/// How the request ended; none if nobody listens any more.
async fn fetch(
    client: &Client,
    ask: &Ask,
    shown: Option<String>,
    events: &mpsc::Sender<RequestEvent>,
) -> Option<RequestEnd> {
    let Some(url) = slice_url(ask) else { return Some(RequestEnd::Failed) };
    let mut request = Request::get(url)
        .header(header::ACCEPT_ENCODING, "identity")
        .head_timeout(ask.silence)
        .idle_timeout(ask.silence);
    if let Some(shown) = shown {
        request = request.header(header::AUTHORIZATION, format!("{PASS_SCHEME} {shown}"));
    }
    let response = match client.send(request).await {
        Ok(response) => response,
        Err(error) => return Some(end_of(ask, &error)),
    };
    if response.status() != StatusCode::OK {
        return Some(refused(response).await);
    }
    let encoded = response.header(&header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    if encoded || response.content_length() != Some(slice_len(ask.meta.size, ask.groups)) {
        tracing::debug!(endpoint = ask.endpoint, "a source answered with another length or a coding");
        return Some(RequestEnd::Failed);
    }
    receive(response, ask, events).await
}

async fn receive(
    mut response: Response,
    ask: &Ask,
    events: &mpsc::Sender<RequestEvent>,
) -> Option<RequestEnd> {
    let mut decoder = SliceDecoder::new(ask.meta.content_id, ask.meta.size, ask.groups);
    loop {
        let frame = match response.frame().await {
            Ok(Some(frame)) => frame,
            Ok(None) if decoder.is_done() => return Some(RequestEnd::Done),
            Ok(None) => return Some(RequestEnd::Failed),
            Err(error) => return Some(end_of(ask, &error)),
        };
        decoder.feed(frame);
        let mut items = Vec::new();
        let wrong = loop {
            match decoder.next() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break None,
                Err(wrong) => break Some(wrong),
            }
        };
        if !items.is_empty() {
            events
                .send(RequestEvent::Items { request: ask.request, source: ask.source, items })
                .await
                .ok()?;
        }
        if let Some(wrong) = wrong {
            tracing::warn!(endpoint = ask.endpoint, object = %ask.id, %wrong, "a source sent wrong bytes");
            return Some(RequestEnd::Wrong);
        }
    }
}

fn slice_url(ask: &Ask) -> Option<String> {
    let GroupRange { start, end } = ask.groups;
    let held = if ask.held_only { "&held=1" } else { "" };
    slices_url(&ask.endpoint, ask.id, &format!("from={start}&to={end}{held}"))
}

/// The URL of an object's slices at a node; none if the endpoint is not a root URL.
pub(super) fn slices_url(endpoint: &str, id: DataObjectId, query: &str) -> Option<String> {
    let root = endpoint.trim_end_matches('/');
    if root.contains(['?', '#', '@']) || root.chars().any(char::is_whitespace) {
        return None;
    }
    Some(format!("{root}/api/v1/objects/{id}/slices?{query}"))
}

async fn refused(response: Response) -> RequestEnd {
    let status = response.status();
    // Only for the sake of the connection.
    let _ = response.collect(MAX_ERROR_BODY_BYTES).await;
    match status {
        // To ask again would not change who may read.
        StatusCode::NOT_FOUND
        | StatusCode::FORBIDDEN
        | StatusCode::GONE
        | StatusCode::MISDIRECTED_REQUEST
        | StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS => RequestEnd::NotThere,
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => RequestEnd::Busy,
        _ => RequestEnd::Failed,
    }
}

fn end_of(ask: &Ask, error: &ClientError) -> RequestEnd {
    tracing::debug!(endpoint = ask.endpoint, object = %ask.id, %error, "a request to a source failed");
    if matches!(error, ClientError::Timeout { .. }) { RequestEnd::Stalled } else { RequestEnd::Failed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_urls_are_asked() {
        let url = |endpoint: &str| slices_url(endpoint, DataObjectId(7), "from=2&to=5");
        let expected = Some("http://a:1/api/v1/objects/7/slices?from=2&to=5".to_owned());
        assert_eq!(url("http://a:1"), expected);
        assert_eq!(url("http://a:1/"), expected);
        assert_eq!(url("https://a"), Some("https://a/api/v1/objects/7/slices?from=2&to=5".to_owned()));
        for bad in ["http://a/?x=", "http://a/#x", "http://u@a", "http://a b"] {
            assert_eq!(url(bad), None, "{bad}");
        }
    }
}
