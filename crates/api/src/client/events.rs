//! Events of the directory as they happen: server-sent events, read.

use super::{ClientError, DirectoryReader, MAX_JSON_BYTES, Reply};
use crate::directory::{
    EventView,
    query::{EventsQuery, Place},
};
use serde::Deserialize;

/// The message after which a node ends the stream.
const CUT_OFF: &str = "cut-off";

/// A stream of events that is open.
#[derive(Debug)]
pub struct EventStream {
    reply: Reply,
    messages: Messages,
}

/// What a node says on such a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// Something happened.
    Event(EventView),
    /// The node ends the stream.
    CutOff {
        /// Stable name of the reason: `TOO_SLOW` or `BLOCK_GONE`.
        code: String,
        /// One sentence.
        message: String,
        /// First event that was not told, if the node says so.
        next: Option<Place>,
    },
}

#[derive(Deserialize)]
struct CutOff {
    code: String,
    message: String,
    next: Option<String>,
}

impl DirectoryReader {
    /// Opens a stream of events: those that all given filters fit.
    ///
    /// # Errors
    /// [`ClientError`]; a kind with other characters than names of events have is not sent.
    pub async fn events(&self, query: &EventsQuery) -> Result<EventStream, ClientError> {
        let is_name = |kind: &String| kind.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if query.kind.as_ref().is_some_and(|kind| !is_name(kind)) {
            return Err(self.base.protocol("the name of an event consists of letters and digits"));
        }
        let parameters: Vec<String> = [
            query.from.map(|from| format!("from={from}")),
            query.bag.map(|bag| format!("bag={bag}")),
            query.bucket.map(|bucket| format!("bucket={bucket}")),
            query.worker.map(|worker| format!("worker={worker}")),
            query.kind.as_ref().map(|kind| format!("kind={kind}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        let mark = if parameters.is_empty() { "" } else { "?" };
        let reply = self.base.get(&format!("/api/v1/events{mark}{}", parameters.join("&"))).await?;
        Ok(EventStream { reply, messages: Messages::default() })
    }
}

impl EventStream {
    /// What the node says next; `None` when it has ended the stream. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`] after 15 s of silence or a broken connection,
    /// [`ClientError::Protocol`] for a message that is none.
    pub async fn next(&mut self) -> Result<Option<Told>, ClientError> {
        loop {
            if let Some(message) = self.messages.take() {
                let unreadable = |error| self.reply.protocol(&format!("an event cannot be read: {error}"));
                return message.read().map(Some).map_err(unreadable);
            }
            if self.messages.rest.len() > MAX_JSON_BYTES {
                return Err(self.reply.protocol("an event is longer than any can be"));
            }
            match self.reply.chunk().await? {
                Some(bytes) => self.messages.rest.extend_from_slice(&bytes),
                None => return Ok(None),
            }
        }
    }
}

/// Cuts a stream of bytes into messages, which end with an empty line.
#[derive(Debug, Default)]
struct Messages {
    rest: Vec<u8>,
    /// Bytes of `rest` in which no end was found.
    searched: usize,
}

/// One message: its kind, and its data.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    kind: String,
    data: String,
}

impl Messages {
    /// The next whole message with data; comments are passed over.
    fn take(&mut self) -> Option<Message> {
        loop {
            let from = self.searched.saturating_sub(1);
            let Some(end) = self.rest.get(from..)?.windows(2).position(|two| two == b"\n\n") else {
                self.searched = self.rest.len();
                return None;
            };
            let text: Vec<u8> = self.rest.drain(..from + end + 2).collect();
            self.searched = 0;
            let message = Message::of(&String::from_utf8_lossy(&text));
            if !message.data.is_empty() {
                return Some(message);
            }
        }
    }
}

impl Message {
    fn of(text: &str) -> Self {
        let mut message = Self::default();
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("event:") {
                kind.trim().clone_into(&mut message.kind);
            } else if let Some(data) = line.strip_prefix("data:") {
                message.data.push_str(data.trim_start());
            }
        }
        message
    }

    fn read(&self) -> Result<Told, serde_json::Error> {
        if self.kind != CUT_OFF {
            return serde_json::from_str(&self.data).map(Told::Event);
        }
        let CutOff { code, message, next } = serde_json::from_str(&self.data)?;
        Ok(Told::CutOff { code, message, next: next.and_then(|next| next.parse().ok()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = ": hello\n\nid: 7:0\nevent: BagPrivacySet\ndata: {\"height\":7,\"index\":0,\
        \"timeMs\":5,\"transaction\":null,\"kind\":\"BagPrivacySet\",\"fields\":{\"bag\":\"b\"}}\n\n:\n\n\
        event: cut-off\ndata: {\"code\":\"TOO_SLOW\",\"message\":\"too slow\",\"next\":\"7:1\"}\n\nid: 9";

    #[test]
    fn messages_come_out_whole_however_the_bytes_are_cut() {
        for step in [1, 2, 3, 7, 50, STREAM.len()] {
            let (mut messages, mut told) = (Messages::default(), Vec::new());
            for piece in STREAM.as_bytes().chunks(step) {
                messages.rest.extend_from_slice(piece);
                while let Some(message) = messages.take() {
                    told.push(message.read().unwrap());
                }
            }
            assert_eq!(told.len(), 2, "pieces of {step} bytes");
            assert!(matches!(&told[0], Told::Event(event) if event.kind == "BagPrivacySet"));
            let place = Place { height: 7, index: 1 };
            assert!(matches!(&told[1], Told::CutOff { next: Some(next), .. } if *next == place));
            assert_eq!(messages.rest, b"id: 9");
        }
    }

    #[test]
    fn nonsense_is_no_event() {
        assert!(Message { kind: "X".into(), data: "{".into() }.read().is_err());
        assert!(Message { kind: CUT_OFF.into(), data: "{}".into() }.read().is_err());
    }
}
