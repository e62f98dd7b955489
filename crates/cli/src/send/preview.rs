//! What a person sees before a call is sent.

use super::{Role, effects::BagChange, report};
use crate::{
    network::Network,
    screen,
    text::{self, grouped},
};
use argosy_api::{
    directory::{AccountView, CheckView},
    words::{sentence_of_call, sentence_of_event},
};
use argosy_directory::{Call, Event};
use argosy_domain::AccountId;
use serde_json::{Value, json};

/// Events that are told one by one.
const MAX_EVENTS: usize = 30;

/// A call, who signs it, and what the directory says it would do.
pub(super) struct Preview<'a> {
    pub(super) network: &'a Network,
    pub(super) role: Role,
    pub(super) signer: AccountId,
    pub(super) call: &'a Call,
    pub(super) check: &'a CheckView,
    pub(super) account: &'a AccountView,
    pub(super) events: &'a [Event],
    /// The first bags whose buckets change, and how many do in all.
    pub(super) changes: &'a (Vec<BagChange>, usize),
}

impl Preview<'_> {
    /// On standard error, which a script does not read.
    pub(super) fn show(&self) {
        for (title, texts) in self.parts() {
            for (at, line) in texts.iter().enumerate() {
                let title = if at == 0 { title } else { "" };
                screen::entry(title, line);
            }
        }
    }

    fn parts(&self) -> [(&'static str, Vec<String>); 5] {
        let genesis = hex::encode(self.network.genesis.hash());
        let short = genesis.get(..16).unwrap_or(&genesis);
        [
            ("call", vec![sentence_of_call(self.call)]),
            ("signer", vec![format!("{}, {}", self.signer, self.role)]),
            ("network", vec![format!("{} ({short}…)", text::line(&self.network.genesis.network))]),
            ("fee", vec![self.fee()]),
            ("changes", self.change_lines()),
        ]
    }

    fn fee(&self) -> String {
        format!("{} of {} base units", grouped(self.check.fee), grouped(self.account.free))
    }

    fn change_lines(&self) -> Vec<String> {
        if let Some(error) = &self.check.error {
            return vec![format!("none: it would be refused with {}", text::line(&error.code))];
        }
        let (changes, bags) = self.changes;
        let mut lines: Vec<String> = changes.iter().flat_map(BagChange::lines).collect();
        if *bags > changes.len() {
            lines.push(format!("and buckets of {} more bags", bags - changes.len()));
        }
        let others: Vec<_> = self.events.iter().filter(|event| !is_bag_change(event)).collect();
        lines.extend(others.iter().take(MAX_EVENTS).map(|event| sentence_of_event(event)));
        if others.len() > MAX_EVENTS {
            lines.push(format!("and {} more changes", others.len() - MAX_EVENTS));
        }
        if lines.is_empty() {
            lines.push("none".to_owned());
        }
        lines
    }

    /// The same for scripts.
    pub(super) fn json(&self) -> Value {
        let (changes, _) = self.changes;
        let ids = |change: &super::effects::BagChange| {
            let list = |ids: Vec<String>| Value::from(ids);
            json!({
                "bag": change.bag.to_string(),
                "storageBuckets": {
                    "before": list(change.storage.before.iter().map(ToString::to_string).collect()),
                    "after": list(change.storage.after.iter().map(ToString::to_string).collect()),
                },
                "distributionBuckets": {
                    "before": list(change.distribution.before.iter().map(ToString::to_string).collect()),
                    "after": list(change.distribution.after.iter().map(ToString::to_string).collect()),
                },
            })
        };
        let words = argosy_api::words::call(self.call);
        json!({
            "dryRun": true,
            "network": self.network.genesis.network,
            "genesis": hex::encode(self.network.genesis.hash()),
            "signer": self.signer.to_string(),
            "role": self.role.to_string(),
            "call": words.name,
            "arguments": words.arguments,
            "words": sentence_of_call(self.call),
            "fee": self.check.fee.to_string(),
            "free": self.account.free.to_string(),
            "bags": changes.iter().map(ids).collect::<Vec<_>>(),
            "events": report::events_json(self.events),
            "error": self.check.error,
        })
    }
}

/// Told before and after, rather than as an event.
const fn is_bag_change(event: &Event) -> bool {
    matches!(
        event,
        Event::StorageBucketsUpdatedForBag { .. } | Event::DistributionBucketsUpdatedForBag { .. }
    )
}
