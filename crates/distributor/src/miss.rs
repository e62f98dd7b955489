//! Objects that are not complete here: fetched while they are sent, and only as far as they are wanted.

use crate::{answers, asset::Wanted, cache::Pin, node::Node};
use argosy_http::{BodyPiece, EdgeBody, EdgeResponse};
use argosy_node::{Brought, FillError, Keep, ReadRequest, mime};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use std::{io, ops::Range, sync::Arc};

impl Node {
    /// The answer as soon as the first bytes of the range are here and proved.
    pub(crate) async fn miss(self: Arc<Self>, wanted: Wanted) -> EdgeResponse {
        let asset = &wanted.asset;
        let x_cache = match self.x_cache(asset) {
            // Completed between the first look and this one.
            "hit" => "pending",
            other => other,
        };
        let keep = if asset.meta.size > self.config.limits.max_object_bytes() {
            Keep::PassThrough
        } else {
            Keep::Stored
        };
        let pin = (keep == Keep::Stored).then(|| self.cache.admit(asset.id));
        let (first_range, others) = match wanted.ranges() {
            [first, others @ ..] => (first.clone(), others),
            [] => (0..0, &[][..]),
        };
        let brought = Brought::default();
        let mut reader =
            self.fills.reader(self.read_request(&wanted, first_range.clone(), keep)).noting(&brought);
        let (first, mime) = if self.tells_type(&wanted, &first_range) {
            let first = reader.next_chunk().await;
            let mime = first.as_ref().map(|bytes| mime_of(bytes.as_ref())).map_err(|error| *error);
            (first, mime)
        } else {
            tokio::join!(reader.next_chunk(), self.fetch_type(&wanted, keep))
        };
        let (first, mime) = match (first, mime) {
            (Ok(first), Ok(mime)) => (first.unwrap_or_default(), asset.learn_mime(mime)),
            (Err(error), _) | (_, Err(error)) => return self.failed(&wanted, error),
        };
        let headers = answers::asset_headers(asset, x_cache, mime);
        let begun = stream::once(async { Ok(first.into()) }).chain(reader.into_stream());
        let begun = self.counted(first_range.end - first_range.start, pin, begun);
        let others = others.iter().map(|range| self.streamed(&wanted, range, keep, &brought));
        let bodies: Vec<EdgeBody> = std::iter::once(begun).chain(others).collect();
        let mut answer = wanted.answer(headers, mime, bodies);
        answer.note = Some(Arc::new(brought));
        answer
    }

    /// A range that is read, and fetched if need be, once it is its turn to be sent.
    pub(crate) fn streamed(
        self: &Arc<Self>,
        wanted: &Wanted,
        range: &Range<u64>,
        keep: Keep,
        brought: &Brought,
    ) -> EdgeBody {
        let pin = (keep == Keep::Stored).then(|| self.cache.admit(wanted.asset.id));
        let request = self.read_request(wanted, range.clone(), keep);
        let (fills, brought) = (self.fills.clone(), brought.clone());
        let stream =
            stream::once(async move { fills.reader(request).noting(&brought).into_stream() }).flatten();
        self.counted(range.end - range.start, pin, stream)
    }

    /// Such a body; what goes out is counted, and the object is kept meanwhile.
    fn counted(
        self: &Arc<Self>,
        len: u64,
        pin: Option<Pin>,
        stream: impl Stream<Item = io::Result<BodyPiece>> + Send + 'static,
    ) -> EdgeBody {
        let node = Arc::clone(self);
        let stream = stream.inspect(move |piece| {
            let _kept = &pin;
            if let Ok(piece) = piece {
                node.count_sent(piece.len());
            }
        });
        EdgeBody::Stream { len, stream: Box::pin(stream) }
    }

    fn read_request(&self, wanted: &Wanted, range: Range<u64>, keep: Keep) -> ReadRequest {
        ReadRequest { id: wanted.asset.id, meta: wanted.asset.meta, range, keep }
    }

    /// Whether the first bytes of a range are all that the type is found from.
    fn tells_type(&self, wanted: &Wanted, range: &Range<u64>) -> bool {
        let needed = mime::PREFIX_BYTES.min(wanted.asset.meta.size);
        wanted.asset.mime().is_none() && range.start == 0 && range.end >= needed
    }

    /// The type, from the object's first bytes if it is not known yet.
    async fn fetch_type(&self, wanted: &Wanted, keep: Keep) -> Result<&'static str, FillError> {
        if let Some(known) = wanted.asset.mime() {
            return Ok(known);
        }
        let mut reader = self.fills.reader(self.read_request(wanted, 0..mime::PREFIX_BYTES, keep));
        reader.next_chunk().await.map(|bytes| mime_of(bytes.as_ref()))
    }

    fn failed(&self, wanted: &Wanted, error: FillError) -> EdgeResponse {
        let id = wanted.asset.id;
        tracing::warn!(object = %id, %error, "an object cannot be delivered");
        match error {
            FillError::NoSource | FillError::NotKept | FillError::Unreachable | FillError::NoProgress
                if let Some(body) = self.no_role_key(id) =>
            {
                answers::own_error(&body)
            }
            FillError::NoSource | FillError::NotKept => answers::no_source(id),
            FillError::Unreachable | FillError::NoProgress => answers::unreachable(id),
            FillError::Removed if self.is_blacklisted(id) => answers::blacklisted(None),
            FillError::Removed => answers::unknown_object(),
            FillError::Stopped => answers::unavailable("the node is stopping"),
        }
    }
}

fn mime_of(first: Option<&Bytes>) -> &'static str {
    mime::of_prefix(first.map_or(&[], |bytes| bytes.as_ref()))
}
