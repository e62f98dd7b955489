//! Several parts of an object in one answer, whose length is known before any of them.
//!
//! Source: RFC 9110 §14.6.

use std::ops::Range;

use bytes::Bytes;

use super::EdgeBody;

/// What stands between the parts of a `multipart/byteranges` body.
#[derive(Debug)]
pub struct Multipart {
    content_type: String,
    /// What goes before each part.
    leads: Vec<Bytes>,
    end: Bytes,
}

impl Multipart {
    /// For these ranges of an object of `size` bytes and type `mime`.
    ///
    /// `boundary` must be of letters and digits, and must not occur in the object: its content id does
    /// not, since nobody can make an object that holds its own hash.
    #[must_use]
    pub fn new(boundary: &str, mime: &str, ranges: &[Range<u64>], size: u64) -> Self {
        let lead = |range: &Range<u64>| {
            let (first, last) = (range.start, range.end.saturating_sub(1));
            let text = format!(
                "\r\n--{boundary}\r\ncontent-type: {mime}\r\ncontent-range: bytes {first}-{last}/{size}\r\n\r\n"
            );
            Bytes::from(text)
        };
        Self {
            content_type: format!("multipart/byteranges; boundary={boundary}"),
            leads: ranges.iter().map(lead).collect(),
            end: format!("\r\n--{boundary}--\r\n").into(),
        }
    }

    /// The `Content-Type` of the whole answer.
    #[must_use]
    pub fn content_type(&self) -> &str {
        &self.content_type
    }

    /// The whole body, from one body for each range in their order.
    #[must_use]
    pub fn body(self, parts: impl IntoIterator<Item = EdgeBody>) -> EdgeBody {
        let mut all = Vec::with_capacity(2 * self.leads.len() + 1);
        for (lead, part) in self.leads.into_iter().zip(parts) {
            all.push(EdgeBody::Bytes(lead));
            all.push(part);
        }
        all.push(EdgeBody::Bytes(self.end));
        EdgeBody::Parts(all)
    }
}
