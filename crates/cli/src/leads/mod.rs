//! `argosy leads`: what the leads of the working groups did.

pub(crate) mod format;

use crate::{
    calendar,
    failure::{Failure, Outcome},
    network::{DirectoryArgs, Network},
    screen,
};
use argosy_api::{
    directory::{GroupName, LeadLogView, RecordView},
    refusal::SignedRefusal,
};
use argosy_domain::AccountId;
use format::{About, Format};
use std::{collections::BTreeSet, process::ExitCode, str::FromStr};

/// Tell what the leads of the working groups did
#[derive(Debug, clap::Subcommand)]
pub(crate) enum LeadsCommand {
    /// Print every transaction of a group's leads, those that failed or were refused too
    #[command(after_help = "\
Examples:
  argosy leads log --group distribution > log.md
  argosy leads log --group distribution --format csv --from 2026-11-01 --to 2026-11-30
  argosy leads log --group storage --format json --from 1200")]
    Log(LogArgs),
}

/// Which part of which record, and how it is written.
#[derive(Debug, clap::Args)]
pub(crate) struct LogArgs {
    /// Working group: storage, distribution or attestation
    #[arg(long, value_name = "NAME")]
    group: GroupName,
    /// md for people, csv for spreadsheets, json for programs
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
    /// First block, or first day (UTC)
    #[arg(long, value_name = "HEIGHT|YYYY-MM-DD")]
    from: Option<When>,
    /// Last block, or last day (UTC)
    #[arg(long, value_name = "HEIGHT|YYYY-MM-DD")]
    to: Option<When>,
}

/// A bound of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Height(u64),
    /// Beginning of a day, in milliseconds since 1970.
    Day(u64),
}

impl FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let height = || text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let found = height().map(Self::Height).or_else(|| calendar::day_start(text).map(Self::Day));
        found.ok_or("expected the height of a block or a day such as 2026-11-21")
    }
}

impl LeadsCommand {
    /// Whether standard output is for scripts.
    pub(crate) fn json(&self) -> bool {
        let Self::Log(args) = self;
        args.format == Format::Json
    }
}

impl LogArgs {
    /// Whether an entry lies between the days asked for; heights are the directory's business.
    fn wants(&self, entry: &RecordView) -> bool {
        let early = matches!(self.from, Some(When::Day(start)) if entry.time_ms < start);
        let late = matches!(self.to, Some(When::Day(start)) if entry.time_ms > calendar::day_end(start));
        !early && !late
    }
}

pub(crate) async fn run(directory: &DirectoryArgs, command: LeadsCommand) -> Outcome<ExitCode> {
    let LeadsCommand::Log(args) = command;
    let network = Network::connect(directory).await?;
    let genesis = network.genesis.hash();
    let mut from = match args.from {
        Some(When::Height(height)) => height.to_string(),
        Some(When::Day(_)) | None => "0".to_owned(),
    };
    let to = match args.to {
        Some(When::Height(height)) => Some(height),
        Some(When::Day(_)) | None => None,
    };
    let mut checked = Checked::default();
    let mut written = 0_u64;
    let mut last: Option<LeadLogView> = None;
    loop {
        let part = network.directory.lead_log(args.group, &from, to).await;
        let mut part = part.map_err(|error| Failure::directory("the lead's record", &error))?;
        if last.is_none() {
            args.format.begin(&About { group: args.group, network: &network.genesis.network, genesis });
        }
        for entry in part.entries.drain(..).filter(|entry| args.wants(entry)) {
            checked.check(&entry, &genesis);
            args.format.entry(&entry, written == 0);
            written += 1;
        }
        let next = part.next.take();
        last = Some(part);
        match next {
            // A directory that names the same part for ever must not hold this up for ever.
            Some(next) if next != from => from = next,
            Some(_) => {
                return Err(Failure::no_answer("the directory names the same part of its record twice"));
            }
            None => break,
        }
    }
    args.format.end(written);
    if let Some(last) = last {
        tell(&last, &checked);
    }
    checked.result()
}

/// What is to be known about the record as a whole.
fn tell(last: &LeadLogView, checked: &Checked) {
    screen::note(&format!("blocks {} to {} were searched", last.first_height, last.last_height));
    if last.truncated {
        screen::note("older entries are not kept by this directory node: the record is not complete");
    }
    for signer in &checked.signers {
        screen::note(&format!("refusals are signed by {signer}"));
    }
}

/// What became of the signatures of refusals.
#[derive(Debug, Default)]
struct Checked {
    signers: BTreeSet<AccountId>,
    unproved: u64,
}

impl Checked {
    fn check(&mut self, entry: &RecordView, genesis: &[u8; 32]) {
        if entry.refusal.is_none() {
            return;
        }
        let bytes = entry.proof.as_ref().and_then(|proof| hex::decode(proof).ok());
        let proof = bytes.and_then(|bytes| SignedRefusal::decode_bytes(&bytes).ok());
        match proof.filter(|proof| proof.confirms(entry, genesis)) {
            Some(proof) => {
                self.signers.insert(proof.signer);
            }
            None => self.unproved += 1,
        }
    }

    fn result(&self) -> Outcome<ExitCode> {
        match self.unproved {
            0 => Ok(ExitCode::SUCCESS),
            count => Err(Failure::refused(
                "UNPROVED_REFUSALS",
                format!("{count} refusals are not what their signatures say: ask another directory node"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_heights_or_days() {
        assert_eq!("17".parse(), Ok(When::Height(17)));
        assert_eq!("1970-01-02".parse(), Ok(When::Day(86_400_000)));
        for text in ["", "-1", "1970-02-30", "yesterday", "99999999999999999999"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
