//! Commands that sign one call: what they take, and what they print.

use crate::{
    distribution::setup,
    failure::Outcome,
    network::{DirectoryArgs, Network},
    screen,
    send::{Confirm, Done, Role, SendArgs, Session, SignerConfig},
};
use argosy_directory::{Call, Event};
use serde_json::{Map, Value};
use std::process::ExitCode;

/// What every command takes that signs something.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SignArgs {
    #[command(flatten)]
    config: SignerConfig,
    /// Send without asking
    #[arg(short, long)]
    yes: bool,
    #[command(flatten)]
    send: SendArgs,
}

/// A command, and how its call is signed.
#[derive(Debug, clap::Args)]
pub(crate) struct Signed<A: clap::Args> {
    #[command(flatten)]
    what: A,
    #[command(flatten)]
    sign: SignArgs,
}

/// A command line that says what is to be signed.
pub(crate) trait Plan {
    /// Who signs, and what. Asks the directory where the command line leaves something open.
    async fn plan(&self, network: &Network) -> Outcome<(Role, Call)>;

    /// What is to be told people after these events, beside them.
    async fn after(&self, _network: &Network, _events: &[Event]) -> Outcome<Vec<String>> {
        Ok(Vec::new())
    }
}

impl<A: clap::Args + Plan> Signed<A> {
    /// Whether standard output is for scripts.
    pub(crate) const fn json(&self) -> bool {
        self.sign.send.json
    }

    /// Signs and sends, and prints what is new.
    pub(crate) async fn run(self, directory: &DirectoryArgs) -> Outcome<ExitCode> {
        let Self { what, sign } = self;
        let setup = setup::read(&sign.config.path, &sign.send)?;
        let directory = directory.or(setup.directory);
        let session = Session::open(&directory, setup.ring, sign.send, Confirm::unless(sign.yes)).await?;
        let (role, call) = what.plan(&session.network).await?;
        let Some(done) = send(&session, role, call).await? else { return Ok(ExitCode::SUCCESS) };
        for line in what.after(&session.network, &done.events).await? {
            screen::note(&line);
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Signs and sends, and prints what is new: its id, or JSON.
pub(crate) async fn send(session: &Session, role: Role, call: Call) -> Outcome<Option<Done>> {
    let Some(done) = session.send(role, call).await? else { return Ok(None) };
    let made = Made::by(&done.events);
    if session.json() {
        screen::json(&done.json(made.json()));
    } else {
        made.lines().iter().for_each(|line| screen::say(line));
    }
    Ok(Some(done))
}

/// What is signed for this command line, on a network that nobody runs.
#[cfg(test)]
pub(crate) fn planned<A: clap::Args + Plan>(words: &[&str]) -> Outcome<(Role, Call)> {
    use crate::{failure::Failure, values};
    use clap::Parser as _;
    #[derive(clap::Parser)]
    struct Line<A: clap::Args> {
        #[command(flatten)]
        what: A,
    }
    let line = Line::<A>::try_parse_from([&["argosy"], words].concat());
    let line = line.map_err(|error| Failure::usage(error.to_string()))?;
    let network = values::offline(argosy_directory::Profile::Local);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(line.what.plan(&network))
}

/// Ids of what is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Made(Vec<New>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum New {
    One(&'static str, String),
    /// Of these a call may make several.
    Several(&'static str, Vec<String>),
}

impl Made {
    fn by(events: &[Event]) -> Self {
        Self(events.iter().filter_map(new).collect())
    }

    /// For scripts: ids of the first new thing, one on each line. What is made by a proposal comes with
    /// its proposal, whose id comes first.
    fn lines(&self) -> Vec<String> {
        match self.0.first() {
            Some(New::One(_, id)) => vec![id.clone()],
            Some(New::Several(_, ids)) => ids.clone(),
            None => Vec::new(),
        }
    }

    fn json(&self) -> Value {
        if self.0.is_empty() {
            return Value::Null;
        }
        let fields = self.0.iter().map(|new| match new {
            New::One(name, id) => ((*name).to_owned(), Value::from(id.as_str())),
            New::Several(name, ids) => ((*name).to_owned(), Value::from(ids.clone())),
        });
        Value::Object(fields.collect::<Map<_, _>>())
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the other events make nothing that has an id")]
fn new(event: &Event) -> Option<New> {
    let several = |name, ids: Vec<String>| (!ids.is_empty()).then_some(New::Several(name, ids));
    let one = |name, id: String| Some(New::One(name, id));
    match event {
        Event::StorageBucketCreated { bucket, .. } => one("bucketId", bucket.to_string()),
        Event::DistributionBucketFamilyCreated { family } => one("familyId", family.to_string()),
        // Without the family, as Argus has it: scripts put the two together.
        Event::DistributionBucketCreated { bucket, .. } => one("bucketIndex", bucket.index.to_string()),
        Event::CouncilProposed { proposal, .. } => one("proposalId", proposal.to_string()),
        Event::OpeningAdded { opening, .. } => one("openingId", opening.to_string()),
        Event::AppliedOnOpening { application, .. } => one("applicationId", application.to_string()),
        Event::OpeningFilled { workers, .. } => {
            several("workerIds", workers.values().map(ToString::to_string).collect())
        }
        Event::MemberCreated { member, .. } => one("memberId", member.to_string()),
        Event::ChannelCreated { channel, .. } => one("channelId", channel.to_string()),
        Event::ReleasePublished { release, .. } => one("releaseId", release.to_string()),
        Event::DataObjectsUploaded { ids, .. } | Event::DataObjectsUpdated { ids, .. } => {
            several("objectIds", ids.iter().map(ToString::to_string).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::{ApplicationId, OpeningId, ProposalId, WorkerId, WorkingGroup};
    use serde_json::json;

    #[test]
    fn scripts_get_the_ids_of_what_is_new() {
        let group = WorkingGroup::Storage;
        let workers = [(ApplicationId(1), WorkerId(4)), (ApplicationId(2), WorkerId(5))].into();
        let filled = Event::OpeningFilled { group, opening: OpeningId(0), workers };
        let hired = Event::LeaderSet { group, worker: WorkerId(4) };
        let made = Made::by(&[hired.clone(), filled.clone()]);
        assert_eq!(made.lines(), ["4", "5"]);
        assert_eq!(made.json(), json!({"workerIds": ["4", "5"]}));

        let by = argosy_domain::AccountId([1; 32]);
        let action = argosy_directory::CouncilAction::SetSecretary { account: None };
        let proposed = Event::CouncilProposed { proposal: ProposalId(7), by, action };
        let made = Made::by(&[proposed, filled]);
        assert_eq!(made.lines(), ["7"]);
        assert_eq!(made.json(), json!({"proposalId": "7", "workerIds": ["4", "5"]}));

        let nothing = Made::by(&[hired]);
        assert_eq!((nothing.lines(), nothing.json()), (Vec::new(), Value::Null));
    }
}
