//! Commands that change the buckets of many bags: planned first, then sent in batches.

use super::{
    args::ColossusArgs,
    facts,
    leader::LeaderCommand,
    plan::{
        self, Facts, Impossible, Update,
        summary::{self, Skipped, Summary, Waiting},
    },
    update_bags,
};
use crate::{
    complete,
    failure::{Failure, Outcome},
    screen,
    send::{BucketsOfBag, Session, options},
};
use argosy_directory::{BatchCall, BatchMode, Call, StorageCall};
use argosy_domain::{StorageBucketId, limits::MAX_BATCH_CALLS};
use clap_complete::ArgValueCandidates;
use std::{collections::BTreeSet, fs, path::Path, path::PathBuf};

/// Adjusts bag-to-bucket assignments to achieve a given replication rate.
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  argosy storage leader set-replication -r 3 --dryRun\n  argosy storage leader set-replication -r 3 --skipConfirmation -o result.json"
)]
pub(crate) struct SetReplicationArgs {
    /// Only take active buckets into account when calculating replication rate and updating bags; the default
    #[arg(short, long = "activeOnly", alias = "active-only", overrides_with = "not_only_active")]
    active_only: bool,
    /// Take buckets without an operator into account, too
    #[arg(long = "no-activeOnly", alias = "no-active-only")]
    not_only_active: bool,
    /// The target replication rate
    #[arg(short, long, value_name = "rate")]
    rate: u64,
    #[command(flatten)]
    pub(super) bulk: BulkArgs,
}

/// Copy all storage bags from a given bucket / set of buckets to a different bucket / set of buckets
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy storage leader copy-bags --from 0 1 --to 2 3 --copies 1 --dryRun")]
pub(crate) struct CopyBagsArgs {
    /// Number of copies to make (by default each bag is only copied once, to a single, selected destination bucket); those that are there already count
    #[arg(long, value_name = "copies", default_value_t = 1)]
    copies: u64,
    /// List of bucket ids to copy bags from
    #[arg(long, value_name = "from", num_args = 1.., value_delimiter = ' ', required = true, add = ArgValueCandidates::new(complete::storage_buckets))]
    from: Vec<StorageBucketId>,
    /// List of bucket ids to copy bags to
    #[arg(long, value_name = "to", num_args = 1.., value_delimiter = ' ', required = true, add = ArgValueCandidates::new(complete::storage_buckets))]
    to: Vec<StorageBucketId>,
    #[command(flatten)]
    pub(super) bulk: BulkArgs,
}

/// Removes all storage bags from a given bucket, those last that others have to fetch first
#[derive(Clone, Debug, clap::Args)]
#[command(
    after_help = "Example:\n  argosy storage leader empty-bucket --id 0 --skipConfirmation\n\nA bag that no other active bucket keeps gets one first. What others do not hold yet stays: run it again."
)]
pub(crate) struct EmptyBucketArgs {
    /// Id of the bucket to remove bags from
    #[arg(long, value_name = "id", add = ArgValueCandidates::new(complete::storage_buckets))]
    id: StorageBucketId,
    #[command(flatten)]
    pub(super) bulk: BulkArgs,
}

/// What all three take.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct BulkArgs {
    /// Number of updates to send in a single transaction; at most 100
    #[arg(short, long = "batchSize", alias = "batch-size", value_name = "batchSize", default_value_t = 100)]
    batch_size: usize,
    /// Assumes all transactions were successful and generates the summary
    #[arg(long = "dryRun")]
    assume_done: bool,
    /// Output result to a file (based on the provided path) instead of stdout
    #[arg(short, long, value_name = "output")]
    output: Option<PathBuf>,
    /// Whether to skip a summary of changes by each individual bucket in the final result
    #[arg(long = "skipBucketsSummary", alias = "skip-buckets-summary")]
    skip_buckets_summary: bool,
    /// Skips asking for confirmation before sending transactions
    #[arg(long = "skipConfirmation", alias = "skip-confirmation")]
    skip_confirmation: bool,
    /// Whether to skip a summary of changes by each individual batch transaction in the final result
    #[arg(long = "skipTxSummary", alias = "skip-tx-summary")]
    skip_tx_summary: bool,
    #[command(flatten)]
    pub(super) common: ColossusArgs,
}

impl BulkArgs {
    /// Looks at what can be wrong before anything is asked of the directory.
    fn check(&self) -> Outcome<()> {
        if self.batch_size == 0 {
            return Err(Failure::usage("--batchSize is at least 1"));
        }
        match &self.output {
            Some(path) => write(path, ""),
            None => Ok(()),
        }
    }
}

/// A plan that is carried out.
struct Job<'a> {
    session: &'a Session,
    args: &'a BulkArgs,
    facts: Facts,
    /// One after the other.
    steps: Vec<Vec<Update>>,
    waiting: Vec<Waiting>,
    /// The rate that is aimed at, if one is.
    rate: Option<u64>,
}

/// Checks the flags of a bulk command.
pub(super) fn check(command: &LeaderCommand) -> Outcome<()> {
    match bulk_args(command) {
        Some(args) => args.check(),
        None => Ok(()),
    }
}

fn bulk_args(command: &LeaderCommand) -> Option<&BulkArgs> {
    if let LeaderCommand::CopyBags(CopyBagsArgs { bulk, .. })
    | LeaderCommand::EmptyBucket(EmptyBucketArgs { bulk, .. })
    | LeaderCommand::SetReplication(SetReplicationArgs { bulk, .. }) = command
    {
        Some(bulk)
    } else {
        None
    }
}

/// Carries out a bulk command; others do nothing. Gives what remains to be done, if anything does,
/// beside the summary that was printed.
pub(super) async fn run(session: &Session, command: &LeaderCommand) -> Outcome<Option<Failure>> {
    if let LeaderCommand::SetReplication(args) = command {
        set_replication(session, args).await
    } else if let LeaderCommand::CopyBags(args) = command {
        copy_bags(session, args).await
    } else if let LeaderCommand::EmptyBucket(args) = command {
        empty_bucket(session, args).await
    } else {
        Ok(None)
    }
}

async fn set_replication(session: &Session, args: &SetReplicationArgs) -> Outcome<Option<Failure>> {
    let reader = session.network.directory.reader();
    let active_only = !args.not_only_active;
    let facts =
        facts::facts(&reader, facts::bags(&reader, None).await?, |it| !active_only || facts::is_active(it));
    let facts = facts.await?;
    let kind = if active_only { " active" } else { "" };
    screen::note(&format!("{}{kind} storage buckets found.", facts.buckets.len()));
    screen::note(&format!("{} storage bags found.", facts.bags.len()));
    let updates = plan::set_replication(&facts, args.rate).map_err(|why| {
        Failure::refused(
            "CAPACITY_TOO_LOW",
            format!(
                "Storage system capacity too low. Increase some stroage bucket voucher limits or choose a lower replication rate. ({})",
                reason(why)
            ),
        )
    })?;
    let rate = Some(args.rate);
    let bulk = &args.bulk;
    Job { session, args: bulk, facts, steps: vec![updates], waiting: Vec::new(), rate }.run().await
}

async fn copy_bags(session: &Session, args: &CopyBagsArgs) -> Outcome<Option<Failure>> {
    let (from, to): (BTreeSet<_>, BTreeSet<_>) =
        (args.from.iter().copied().collect(), args.to.iter().copied().collect());
    let both = from.intersection(&to).count();
    if both > 0 {
        return Err(Failure::usage(format!(
            "--from and --to arrays cannot intersect! Values: {both} appear in both arrays."
        )));
    }
    let reader = session.network.directory.reader();
    let facts = facts::facts(&reader, facts::bags(&reader, None).await?, |it| {
        from.contains(&it.id) || to.contains(&it.id)
    });
    let mut facts = facts.await?;
    ensure_found(&facts, from.union(&to))?;
    facts.bags.retain(|bag| !bag.stored_by.is_disjoint(&from));
    screen::note(&format!("{} storage bags found.", facts.bags.len()));
    let updates = plan::copy_bags(&facts, &from, &to, args.copies).map_err(|why| {
        let made = if let Impossible::NoRoom { made, .. } = why { made } else { args.copies };
        Failure::refused(
            "CAPACITY_TOO_LOW",
            format!(
                "Cannot make {made} copies of bag {}! No more buckets available...  Provide more destination buckets, reduce the number of copies or increase storage bucket voucher limits. ({})",
                why.bag(),
                reason(why)
            ),
        )
    })?;
    let bulk = &args.bulk;
    Job { session, args: bulk, facts, steps: vec![updates], waiting: Vec::new(), rate: None }.run().await
}

async fn empty_bucket(session: &Session, args: &EmptyBucketArgs) -> Outcome<Option<Failure>> {
    let reader = session.network.directory.reader();
    let mut facts = facts::facts(&reader, facts::bags(&reader, Some(args.id)).await?, |_| true).await?;
    ensure_found(&facts, [&args.id])?;
    screen::note(&format!("{} storage bags found.", facts.bags.len()));
    let plan = plan::empty_bucket(&facts, args.id);
    let waiting =
        plan.stuck.iter().map(|why| Waiting { bag_id: why.bag().to_string(), reason: reason(*why) });
    let waiting = waiting.collect();
    // As with Colossus, the summary is about this bucket; and about those that step in.
    let involved: BTreeSet<_> = plan.add.iter().flat_map(|update| update.add.iter().copied()).collect();
    facts.buckets.retain(|id, _| *id == args.id || involved.contains(id));
    let bulk = &args.bulk;
    Job { session, args: bulk, facts, steps: vec![plan.add, plan.remove], waiting, rate: None }.run().await
}

fn ensure_found<'a>(facts: &Facts, wanted: impl IntoIterator<Item = &'a StorageBucketId>) -> Outcome<()> {
    for id in wanted {
        if !facts.buckets.contains_key(id) {
            return Err(Failure::usage(format!("Couldn't find bucket by id: {id}")));
        }
    }
    Ok(())
}

fn reason(why: Impossible) -> String {
    match why {
        Impossible::NoRoom { bag, .. } => format!("no bucket has room for {bag}"),
        Impossible::BagLimit { bag, limit } => {
            format!("{bag} would have more than {limit} buckets, which update-bag-limit allows")
        }
    }
}

impl Job<'_> {
    /// Shows, asks, sends batch after batch, and gives the summary of what was done, also if it had to
    /// stop on the way.
    async fn run(mut self) -> Outcome<Option<Failure>> {
        self.show();
        if self.args.common.send.nonce.is_some() && self.batches_count() > 1 {
            return Err(Failure::usage("--nonce is for one transaction, and this takes several"));
        }
        let dry_run = self.dry_run();
        if !dry_run && !self.is_confirmed()? {
            return Ok(None);
        }
        let skipped =
            Skipped { buckets: self.args.skip_buckets_summary, transactions: self.args.skip_tx_summary };
        let mut summary = Summary::new(&self.facts, self.rate.is_some(), skipped);
        let carried_out = self.carry_out(&mut summary).await;
        summary.waiting = self.waiting;
        let json = summary.json(self.session.json());
        match &self.args.output {
            Some(path) => write(path, &json)?,
            None => screen::say(&json),
        }
        if let Err(failure) = carried_out {
            return Ok(Some(failure));
        }
        Ok(match (summary.failed_count(), summary.waiting.len()) {
            (0, 0) => None,
            (failed, 0) => Some(remaining(format!("{failed} updates failed, see the summary"))),
            (_, waiting) => Some(remaining(format!(
                "{waiting} bags wait until other buckets hold them: run it again later"
            ))),
        })
    }

    fn batches_count(&self) -> usize {
        self.steps.iter().map(|step| step.len().div_ceil(self.batch_size())).sum()
    }

    fn dry_run(&self) -> bool {
        self.args.assume_done || self.session.is_dry_run()
    }

    fn show(&self) {
        let updates: Vec<&Update> = self.steps.iter().flatten().collect();
        screen::note(&format!(
            "Will execute {} storage bag updates in {} batch transactions",
            updates.len(),
            self.batches_count()
        ));
        screen::note("Expected results:\n");
        for line in summary::expected(&self.facts, &updates, self.rate) {
            screen::note(&line);
        }
        screen::note("");
        for bag in &self.waiting {
            screen::note(&format!("{} stays: {}", bag.bag_id, bag.reason));
        }
    }

    fn batch_size(&self) -> usize {
        self.args.batch_size.min(MAX_BATCH_CALLS)
    }

    fn is_confirmed(&self) -> Outcome<bool> {
        if self.args.skip_confirmation || self.args.common.yes {
            return Ok(true);
        }
        options::ask("Are you sure you want to continue?")
    }

    async fn carry_out(&mut self, summary: &mut Summary) -> Outcome<()> {
        let total = self.steps.iter().map(Vec::len).sum();
        let progress = screen::count(self.session.json(), "Executing the transactions...", total);
        let mut sent = 0;
        for step in std::mem::take(&mut self.steps) {
            for batch in step.chunks(self.batch_size()) {
                progress.inc(u64::try_from(batch.len()).unwrap_or_default());
                let batch = self.without_losses(batch).await?;
                if batch.is_empty() {
                    continue;
                }
                let (hash, results) = self.send(&batch, sent).await?;
                summary.transaction(&hash, &batch.iter().zip(results).collect::<Vec<_>>());
                sent += 1;
            }
        }
        progress.finish_and_clear();
        Ok(())
    }

    /// The updates that take nobody's last copy. The others wait, until a later run finds another holder.
    async fn without_losses(&mut self, batch: &[Update]) -> Outcome<Vec<Update>> {
        let losing = batch.iter().filter(|update| !update.remove.is_empty());
        let changes: Vec<_> = losing
            .map(|it| BucketsOfBag {
                bag: it.bag,
                before: it.before.clone(),
                after: it.before.difference(&it.remove).copied().collect(),
            })
            .collect();
        if changes.is_empty() {
            return Ok(batch.to_vec());
        }
        let losses = self.session.would_lose(changes).await?;
        for (bag, reason) in &losses {
            screen::note(&format!("{bag} waits: {reason}"));
            self.waiting.push(Waiting { bag_id: bag.to_string(), reason: reason.clone() });
        }
        Ok(batch.iter().filter(|update| !losses.contains_key(&update.bag)).cloned().collect())
    }

    /// Hash of the transaction, and the reason for each update that failed.
    async fn send(&mut self, batch: &[Update], number: usize) -> Outcome<(String, Vec<Option<String>>)> {
        if self.dry_run() {
            return Ok((format!("tx{number}_hash"), vec![None; batch.len()]));
        }
        let calls = batch.iter().map(|update| {
            Call::Storage(StorageCall::UpdateStorageBucketsForBag {
                bag: update.bag,
                add: update.add.clone(),
                remove: update.remove.clone(),
            })
        });
        let call = Call::Batch(BatchCall { mode: BatchMode::EachOnItsOwn, calls: calls.collect() });
        let done = self.session.send_confirmed(LeaderCommand::ROLE, call).await?;
        Ok((done.receipt.hash, update_bags::results(&done.events, batch.len())))
    }
}

fn remaining(what: String) -> Failure {
    Failure::refused("CHANGES_REMAIN", what)
}

fn write(path: &Path, text: &str) -> Outcome<()> {
    fs::write(path, text).map_err(|error| {
        Failure::usage_as("NOT_WRITTEN", format!("Cannot access \"{}\" for writing: {error}", path.display()))
    })
}
