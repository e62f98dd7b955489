//! Signing a call and sending it: who must sign, what would change, the question, the log, the answer.

mod effects;
mod journal;
mod key_args;
mod loss;
pub(crate) mod options;
mod preview;
mod report;
mod resume;
pub(crate) mod ring;
mod role;

pub(crate) use key_args::{KeyArgs, SignerConfig};
pub(crate) use options::{Confirm, SendArgs};
pub(crate) use report::Done;
pub(crate) use resume::{ResumeArgs, run as resume};
pub(crate) use ring::Ring;
pub(crate) use role::Role;

use crate::{
    failure::{Failure, Outcome},
    network::{DirectoryArgs, Network, events_of, now_ms},
    screen, text,
};
use argosy_api::{
    DirectoryClient, Journal, Submitter,
    directory::{AccountView, CheckView},
};
use argosy_directory::{Call, Event, Payload, Reject, transaction::TRANSACTION_VERSION};
use argosy_domain::{AccountId, BagId, Keypair, StorageBucketId};
use effects::{BagChange, Change};
use journal::TransactionLog;
use loss::Loss;
use preview::Preview;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// Age of a directory node's newest block from which on its answers are too old to decide by. One that
/// works makes or hears of a block every 6 s.
const MAX_LAG: Duration = Duration::from_secs(60);
/// Nonces that a trial may lose to other commands of the same account.
const MAX_RACES: u32 = 16;
/// How long the transaction is valid that is only tried out, in milliseconds.
const TRIAL_LIFE_MS: u64 = 60_000;

/// A directory that calls are sent to, and what signs them.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) network: Network,
    ring: Ring,
    args: SendArgs,
    confirm: Confirm,
}

/// Storage buckets of a bag before and after a change.
#[derive(Clone, Debug)]
pub(crate) struct BucketsOfBag {
    pub(crate) bag: BagId,
    pub(crate) before: BTreeSet<StorageBucketId>,
    pub(crate) after: BTreeSet<StorageBucketId>,
}

/// A call that the directory would carry out, and who signs it.
struct Trial {
    account: AccountView,
    check: CheckView,
    events: Vec<Event>,
}

impl Session {
    /// Asks the directory which network it belongs to.
    pub(crate) async fn open(
        directory: &DirectoryArgs,
        ring: Ring,
        args: SendArgs,
        confirm: Confirm,
    ) -> Outcome<Self> {
        let network = Network::connect(directory).await?;
        if let Some(meant) = &args.network {
            ensure_meant(&network, meant)?;
        }
        Ok(Self { network, ring, args, confirm })
    }

    /// Shows what the call does, asks, signs, sends and tells what came of it.
    ///
    /// Nothing if it was only to be tried out, or if somebody said no.
    pub(crate) async fn send(&self, role: Role, call: Call) -> Outcome<Option<Done>> {
        let signer = self.ring.signer(&self.network, role).await?;
        let account = signer.account();
        let trial = self.try_out(account, &call).await?;
        let changes = effects::bag_changes(&self.network, &trial.events).await?;
        let preview = Preview {
            network: &self.network,
            role,
            signer: account,
            call: &call,
            check: &trial.check,
            account: &trial.account,
            events: &trial.events,
            changes: &changes,
        };
        let for_scripts = self.args.dry_run && self.args.json;
        if !for_scripts {
            preview.show();
        }
        self.refuse_what_fails(&trial.check)?;
        self.refuse_loss(&trial.events, &call).await?;
        if for_scripts {
            screen::json(&preview.json());
        }
        if self.args.dry_run || !self.is_confirmed()? {
            return Ok(None);
        }
        let done = self.submit(signer, call, role).await?;
        report::tell(&done);
        Ok(Some(done))
    }

    /// Signs and sends one of several calls that were shown and confirmed together.
    ///
    /// Whether it takes the last copy of something was asked before, with [`Session::would_lose`].
    pub(crate) async fn send_confirmed(&self, role: Role, call: Call) -> Outcome<Done> {
        let signer = self.ring.signer(&self.network, role).await?;
        let trial = self.try_out(signer.account(), &call).await?;
        self.refuse_what_fails(&trial.check)?;
        self.submit(signer, call, role).await
    }

    /// Of these bags, those with accepted objects that none of the remaining buckets was found to hold,
    /// and what they would lose. Nothing where such losses are accepted.
    pub(crate) async fn would_lose(&self, bags: Vec<BucketsOfBag>) -> Outcome<BTreeMap<BagId, String>> {
        if self.args.force_data_loss {
            return Ok(BTreeMap::new());
        }
        let change = |it: BucketsOfBag| BagChange {
            bag: it.bag,
            storage: Change { before: it.before, after: it.after },
            distribution: Change::default(),
        };
        let changes: Vec<_> = bags.into_iter().map(change).collect();
        let mut by_bag: BTreeMap<BagId, Vec<Loss>> = BTreeMap::new();
        for loss in loss::find(&self.network, &changes, self.args.json).await? {
            by_bag.entry(loss.bag).or_default().push(loss);
        }
        Ok(by_bag.into_iter().map(|(bag, losses)| (bag, loss::describe(&losses))).collect())
    }

    /// Whether standard output is for scripts.
    pub(crate) const fn json(&self) -> bool {
        self.args.json
    }

    /// Whether nothing is to be sent.
    pub(crate) const fn is_dry_run(&self) -> bool {
        self.args.dry_run
    }

    /// Has the directory check the call, and gives what it would do.
    async fn try_out(&self, signer: AccountId, call: &Call) -> Outcome<Trial> {
        let (account, check) = self.asked(signer, call).await?;
        let lag = Duration::from_millis(check.lag_ms);
        if lag > MAX_LAG && !self.args.allow_lag {
            return Err(Failure::refused(
                "DIRECTORY_LAGS",
                format!(
                    "the newest block of {} is {} old, so what it says may be wrong by now: name another node with --directory, or give --allow-lag",
                    self.network.directory.url(),
                    text::duration(lag)
                ),
            ));
        }
        let events = events_of(&check.events)?;
        Ok(Trial { account, check, events })
    }

    /// What the directory says of the signer and of the call. Another command of this account may be
    /// faster between the two questions: then they are asked again.
    async fn asked(&self, signer: AccountId, call: &Call) -> Outcome<(AccountView, CheckView)> {
        let directory = &self.network.directory;
        let mut races = 0;
        loop {
            let account = directory.account(&signer).await;
            let account = account.map_err(|error| Failure::directory("the signer's account", &error))?;
            let payload = Payload {
                version: TRANSACTION_VERSION,
                genesis: self.network.genesis.hash(),
                signer,
                nonce: self.args.nonce.unwrap_or(account.nonce),
                valid_until_ms: now_ms() + TRIAL_LIFE_MS,
                tip: self.args.tip,
                call: call.clone(),
            };
            let check = directory.check(&payload).await;
            let check = check.map_err(|error| Failure::directory("", &error))?;
            let stale = Reject::NonceStale.number();
            let lost = self.args.nonce.is_none() && check.error.as_ref().is_some_and(|it| it.number == stale);
            races += 1;
            if !lost || races >= MAX_RACES {
                return Ok((account, check));
            }
        }
    }

    fn refuse_what_fails(&self, check: &CheckView) -> Outcome<()> {
        match &check.error {
            None => Ok(()),
            Some(error) => Err(Failure::rejected(error)),
        }
    }

    /// Nobody loses the last copy of an accepted object without saying so.
    async fn refuse_loss(&self, events: &[Event], call: &Call) -> Outcome<()> {
        let mut changes = effects::bags_that_lose_storage(&self.network, events).await?;
        changes.extend(effects::bags_of_removed_operators(&self.network, call).await?);
        if changes.is_empty() {
            return Ok(());
        }
        let losses = loss::find(&self.network, &changes, self.args.json).await?;
        if losses.is_empty() {
            return Ok(());
        }
        let text = loss::describe(&losses);
        if self.args.force_data_loss {
            screen::note(&format!("argosy: {text}; going on, since --force-data-loss was given"));
            return Ok(());
        }
        Err(Failure::refused(
            "DATA_LOSS",
            format!("{text}; wait until another bucket holds them, or give --force-data-loss"),
        ))
    }

    fn is_confirmed(&self) -> Outcome<bool> {
        match self.confirm {
            Confirm::Skip => Ok(true),
            Confirm::Ask => {
                let yes = options::ask("send it?")?;
                if !yes {
                    screen::note("nothing was sent");
                }
                Ok(yes)
            }
        }
    }

    async fn submit(&self, key: Keypair, call: Call, role: Role) -> Outcome<Done> {
        let directory = self.network.directory.clone();
        let log = journal(&directory)?;
        let submitter = Submitter::new(directory, key, self.network.genesis.hash());
        let submitter = submitter.recording(log).tipping(self.args.tip);
        let submitter = match self.args.nonce {
            Some(nonce) => submitter.with_nonce(nonce),
            None => submitter,
        };
        let receipt = submitter.submit(call).await.map_err(|error| {
            let failure = Failure::submit(&format!("signed by the {role}"), &error);
            match error {
                argosy_api::SubmitError::NoAnswer(_) => failure
                    .with("whether the transaction was taken is not known: `argosy tx resume` finds it out"),
                argosy_api::SubmitError::Refused(_)
                | argosy_api::SubmitError::Rejected(_)
                | argosy_api::SubmitError::Unrecorded(_) => failure,
            }
        })?;
        let events = events_of(&receipt.events)?;
        Ok(Done { receipt, events })
    }
}

/// The log that everything is written into before it is sent to `directory`.
pub(crate) fn journal(directory: &DirectoryClient) -> Outcome<Arc<dyn Journal>> {
    Ok(Arc::new(TransactionLog::usual(directory.url())?))
}

/// Refuses any other network than the one that is meant.
fn ensure_meant(network: &Network, meant: &str) -> Outcome<()> {
    let hash = hex::encode(network.genesis.hash());
    let name = &network.genesis.network;
    let plain = meant.trim_start_matches("0x").to_ascii_lowercase();
    if meant == name || (plain.len() >= 8 && hash.starts_with(&plain)) {
        return Ok(());
    }
    Err(Failure::refused(
        "OTHER_NETWORK",
        format!(
            "{} belongs to the network {} with the genesis {hash}, not to {}: name a node of that one with --directory",
            network.directory.url(),
            text::line(name),
            text::line(meant)
        ),
    ))
}
