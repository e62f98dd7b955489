//! Fetches one window from whoever delivers it.

use super::sources::{Source, Sources};
use crate::{
    failure::{Failure, Outcome},
    network::Backoff,
};
use argosy_api::ClientError;
use argosy_content::{GroupRange, SliceDecoder, SliceItem};
use argosy_domain::{ContentId, DataObjectId};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;

/// Times that all sources are asked for the same window.
const MAX_ROUNDS: u32 = 3;
/// Longest silence of a source before the next is asked.
const SILENCE: Duration = Duration::from_secs(5);

/// One window of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetch {
    pub(super) id: DataObjectId,
    pub(super) content_id: ContentId,
    pub(super) size: u64,
    pub(super) groups: GroupRange,
}

/// Why a source did not deliver.
enum Trouble {
    Wrong(String),
    Failed(String),
}

impl Fetch {
    /// The window, proved. What one source has delivered before it failed is kept.
    pub(super) async fn run(self, sources: &Sources) -> Outcome<Vec<SliceItem>> {
        let mut items = Vec::new();
        let mut left = self.groups;
        let mut troubles: BTreeMap<String, String> = BTreeMap::new();
        let mut backoff = Backoff::default();
        for round in 0..MAX_ROUNDS {
            if round > 0 {
                backoff.wait().await;
            }
            for source in sources.ranked() {
                let why = match self.read(source, &mut left, &mut items).await {
                    Ok(()) => return Ok(items),
                    Err(Trouble::Wrong(why)) => {
                        source.ban();
                        why
                    }
                    Err(Trouble::Failed(why)) => {
                        source.note_failure();
                        why
                    }
                };
                troubles.insert(source.url().to_owned(), why);
            }
        }
        Err(self.nobody(&troubles))
    }

    /// Reads what is left of the window; `left` moves on as groups are proved.
    async fn read(
        &self,
        source: &Source,
        left: &mut GroupRange,
        items: &mut Vec<SliceItem>,
    ) -> Result<(), Trouble> {
        let mut decoder = SliceDecoder::new(self.content_id, self.size, *left);
        let mut slice =
            source.slice(self.id, *left).await.map_err(|error| Trouble::Failed(reason(&error)))?;
        loop {
            let chunk = match timeout(SILENCE, slice.chunk()).await {
                Ok(Ok(chunk)) => chunk,
                Ok(Err(error)) => return Err(Trouble::Failed(reason(&error))),
                Err(_) => return Err(Trouble::Failed("fell silent".to_owned())),
            };
            let Some(chunk) = chunk else { break };
            decoder.feed(chunk);
            loop {
                match decoder.next() {
                    Ok(None) => break,
                    Ok(Some(item)) => {
                        if let SliceItem::Group(group) = &item {
                            left.start = group.index() + 1;
                        }
                        items.push(item);
                    }
                    Err(wrong) => return Err(Trouble::Wrong(format!("sent wrong bytes: {wrong}"))),
                }
            }
        }
        if decoder.is_done() { Ok(()) } else { Err(Trouble::Failed("ended too early".to_owned())) }
    }

    fn nobody(&self, troubles: &BTreeMap<String, String>) -> Failure {
        let id = self.id;
        if troubles.is_empty() {
            return Failure::no_answer(format!("object {id}: no node of its bag is in operation"));
        }
        let troubles: Vec<String> = troubles.iter().map(|(url, why)| format!("{url}: {why}")).collect();
        Failure::no_answer(format!("object {id}: no node delivers all of it ({})", troubles.join("; ")))
    }
}

fn reason(error: &ClientError) -> String {
    match error {
        ClientError::NoAnswer { reason, .. } => reason.clone(),
        ClientError::Status { body, .. } => format!("answers {}, {body}", body.status),
        ClientError::Protocol { what, .. } => what.clone(),
    }
}
