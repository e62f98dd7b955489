//! Bodies that are read and checked piece by piece while they are sent.

use crate::node::Node;
use argosy_api::ErrorBody;
use argosy_content::{GroupRange, byte_range, groups_of};
use argosy_domain::num::{to_u64, to_usize};
use argosy_store::{Damaged, ObjectSlice, StoredObject};
use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use std::{io, ops::Range, sync::Arc};

/// Groups read at once: 256 KiB.
const STEP_GROUPS: u64 = 16;
/// Steps read ahead of the connection.
const AHEAD: usize = 2;

/// A stream whose first piece has been read, so that damage there still gives a proper answer.
pub(super) async fn body_of(
    mut pieces: impl Stream<Item = Result<Bytes, ErrorBody>> + Send + Unpin + 'static,
) -> Result<Body, ErrorBody> {
    let first = match pieces.next().await {
        Some(first) => first?,
        None => return Ok(Body::empty()),
    };
    let all = stream::iter([Ok(first)]).chain(pieces);
    // An error ends the stream early: the connection is cut, and nobody takes the answer for whole.
    Ok(Body::from_stream(all.map(|piece| piece.map_err(io::Error::other))))
}

/// These bytes of an object, each group checked on this very read.
pub(super) fn object_bytes(
    node: Arc<Node>,
    object: Arc<StoredObject>,
    bytes: Range<u64>,
) -> impl Stream<Item = Result<Bytes, ErrorBody>> + Send + Unpin {
    let groups = groups_of(bytes.clone());
    let steps = groups
        .iter()
        .step_by(to_usize(STEP_GROUPS))
        .map(move |start| GroupRange::new(start, start.saturating_add(STEP_GROUPS).min(groups.end)));
    let size = object.meta().size;
    stream::iter(steps)
        .map(move |step| {
            let (node, object, bytes) = (Arc::clone(&node), Arc::clone(&object), bytes.clone());
            async move {
                let reader = Arc::clone(&object);
                let read = super::blocking("read the object", move || reader.read_verified(step)).await?;
                let read = read.map_err(|damage| node.damage_found(&damage))?;
                Ok((node, cut(&read, byte_range(step, size), &bytes)))
            }
        })
        .buffered(AHEAD)
        .map(|piece: Result<(Arc<Node>, Bytes), ErrorBody>| {
            let (node, piece) = piece?;
            node.counters.add_sent(to_u64(piece.len()));
            Ok(piece)
        })
}

/// The part of `groups`, which stand at `at` in the object, that lies within `wanted`.
fn cut(groups: &[Bytes], at: Range<u64>, wanted: &Range<u64>) -> Bytes {
    let from = to_usize(wanted.start.saturating_sub(at.start));
    let surplus = to_usize(at.end.saturating_sub(wanted.end));
    let whole = match groups {
        [one] => one.clone(),
        many => Bytes::from(many.concat()),
    };
    let to = whole.len().saturating_sub(surplus);
    whole.slice(from.min(to)..to)
}

/// A slice as it is encoded; of its bytes, `data_bytes` are the object's.
pub(super) fn slice_bytes(
    node: Arc<Node>,
    slice: ObjectSlice,
    data_bytes: u64,
) -> impl Stream<Item = Result<Bytes, ErrorBody>> + Send + Unpin {
    let total = slice.remaining();
    let next = move |slice: ObjectSlice| {
        let node = Arc::clone(&node);
        async move {
            let read = super::blocking("read the object", move || step(slice)).await;
            let (slice, chunk) = match read {
                Ok(Ok(step)) => step,
                Ok(Err(damage)) => return Some((Err(node.damage_found(&damage)), None)),
                Err(error) => return Some((Err(error), None)),
            };
            let chunk = chunk?;
            let left = slice.remaining();
            let before = left.saturating_add(to_u64(chunk.len()));
            node.counters.add_sent(share(total, data_bytes, before) - share(total, data_bytes, left));
            Some((Ok(chunk), Some(slice)))
        }
    };
    Box::pin(stream::unfold(Some(slice), move |slice| {
        let step = slice.map(&next);
        async move { step?.await }
    }))
}

fn step(mut slice: ObjectSlice) -> Result<(ObjectSlice, Option<Bytes>), Damaged> {
    let chunk = slice.next_chunk()?;
    Ok((slice, chunk))
}

/// How many of the object's bytes are among the last `left` of the slice's: counted in proportion, so
/// that all pieces together give the exact number.
fn share(total: u64, data_bytes: u64, left: u64) -> u64 {
    let part = u128::from(left) * u128::from(data_bytes) / u128::from(total.max(1));
    u64::try_from(part).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::limits::GROUP_BYTES;

    #[test]
    fn the_wanted_part_is_cut_out() {
        let size = 2 * GROUP_BYTES + 5;
        let object: Vec<u8> = (0..size).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let groups: Vec<Bytes> = object.chunks(to_usize(GROUP_BYTES)).map(Bytes::copy_from_slice).collect();
        for wanted in [0..size, 1..2, 0..1, size - 1..size, GROUP_BYTES - 1..GROUP_BYTES + 1] {
            let range = groups_of(wanted.clone());
            let held = &groups[to_usize(range.start)..to_usize(range.end)];
            let got = cut(held, byte_range(range, size), &wanted);
            assert_eq!(got, object[to_usize(wanted.start)..to_usize(wanted.end)], "{wanted:?}");
        }
    }

    #[test]
    fn counted_bytes_add_up_to_those_of_the_object() {
        let (total, data) = (1_000_064, 999_000);
        let mut left = total;
        let mut sent = 0;
        for chunk in [64, 262_144, 1, 262_144, total] {
            let after = left - u64::min(chunk, left);
            sent += share(total, data, left) - share(total, data, after);
            left = after;
        }
        assert_eq!((left, sent), (0, data));
    }
}
