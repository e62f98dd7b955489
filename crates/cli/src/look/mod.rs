//! Looking at what the directory knows: lists with filters, and one thing at a time.
//!
//! Each noun has a file with its filters, its columns and the facts about one of its kind; what they
//! share is in `list` (parts, filters, output) and `format` (how values are written).

mod bag;
mod bags;
mod buckets;
mod council;
mod families;
mod format;
mod hiring;
mod list;
mod objects;
mod people;
mod removed;
mod rules;
#[cfg(test)]
mod tests;
mod transactions;
mod workers;

pub(crate) use format::digits;

use crate::{
    act::{self, NounAct, TxCommand},
    channels::{BagCommand, ChannelCommand, ObjectCommand},
    council::{CouncilCommand, ReleaseCommand},
    failure::{Failure, Outcome},
    groups::GroupCommand,
    members::MemberCommand,
    network::{DirectoryArgs, Network, now_ms},
};
use argosy_api::{ClientError, DirectoryReader};
use argosy_directory::Profile;
use std::{ops::ControlFlow, process::ExitCode};

/// A noun with `list`, which is what happens without a word, `show`, and perhaps with what is done to it.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Noun<L: clap::Args, S: clap::Args, A: clap::Subcommand = Nothing> {
    #[command(subcommand)]
    command: Option<Verb<L, S, A>>,
    #[command(flatten)]
    list: L,
    /// Print JSON: an array of what the directory node answers, or one such object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Verb<L: clap::Args, S: clap::Args, A: clap::Subcommand> {
    /// Show many
    List(L),
    /// Show one, with all that is known
    Show(S),
    #[command(flatten)]
    Act(A),
}

/// What is done to things that are only looked at.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub(crate) enum Nothing {}

impl<L: clap::Args, S: clap::Args, A: clap::Subcommand> Noun<L, S, A> {
    fn verb(self) -> Verb<L, S, A> {
        self.command.unwrap_or(Verb::List(self.list))
    }

    /// What is to be done, if it is not only looking.
    fn act(self) -> ControlFlow<A, Self> {
        match self.command {
            Some(Verb::Act(act)) => ControlFlow::Break(act),
            command @ (Some(Verb::List(_) | Verb::Show(_)) | None) => {
                ControlFlow::Continue(Self { command, ..self })
            }
        }
    }
}

/// A noun that is shown whole.
#[derive(Debug, clap::Args)]
pub(crate) struct Whole {
    /// May be said; there is nothing else to do
    #[arg(value_name = "list|show", value_parser = ["list", "show"], hide = true)]
    verb: Option<String>,
    /// Print JSON: what the directory node answers
    #[arg(long, global = true)]
    json: bool,
}

/// Everything that can be looked at. The singular of each noun works too.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum LookCommand {
    #[command(flatten)]
    Places(PlaceCommand),
    #[command(flatten)]
    People(PeopleCommand),
}

/// What is kept where, by which rules.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PlaceCommand {
    /// Show bags: objects that are placed and moved as one
    #[command(alias = "bag")]
    Bags(Noun<bags::List, bag::Show, BagCommand>),
    /// Show storage buckets and distribution buckets
    #[command(alias = "bucket")]
    Buckets(Noun<buckets::List, buckets::Show>),
    /// Show families of distribution buckets
    #[command(alias = "family")]
    Families(Noun<families::List, families::Show>),
    /// Show data objects
    #[command(alias = "object")]
    Objects(Noun<objects::List, objects::Show, ObjectCommand>),
    /// Show transactions that an account signed
    #[command(aliases = ["transaction", "transactions"])]
    Tx(Noun<transactions::List, transactions::Show, TxCommand>),
    /// Show how many buckets a new bag is given, and what its objects cost
    #[command(alias = "policies", after_help = "Example:\n  argosy policy")]
    Policy(Whole),
    /// Show the limits that leads set, and the parameters of the network
    #[command(alias = "limit", after_help = "Example:\n  argosy limits")]
    Limits(Whole),
    /// Show what transactions and uploads cost
    #[command(alias = "fee", after_help = "Example:\n  argosy fees")]
    Fees(Whole),
    /// Show the content ids that nodes do not pass on
    Blacklist(Noun<removed::ListBlacklist, removed::ShowBlacklist>),
}

/// Who does what.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum PeopleCommand {
    /// Show workers of the working groups
    #[command(alias = "worker")]
    Workers(Noun<workers::List, workers::Show>),
    /// Show working groups; hire, pay and let go their workers
    #[command(alias = "group")]
    Groups(Noun<workers::ListGroups, workers::ShowGroup, GroupCommand>),
    /// Show channels; make and delete them
    #[command(alias = "channel")]
    Channels(Noun<people::ListChannels, people::ShowChannel, ChannelCommand>),
    /// Show members; make them, and name their accounts
    #[command(alias = "member")]
    Members(Noun<people::ListMembers, people::ShowMember, MemberCommand>),
    /// Show openings of the working groups
    #[command(alias = "opening")]
    Openings(Noun<hiring::ListOpenings, hiring::ShowOpening>),
    /// Show applications for openings
    #[command(alias = "application")]
    Applications(Noun<hiring::ListApplications, hiring::ShowApplication>),
    /// Show versions of programs that nodes must run
    #[command(alias = "release")]
    Releases(Noun<council::ListReleases, council::ShowRelease, ReleaseCommand>),
    /// Show open proposals of the council
    #[command(alias = "proposal")]
    Proposals(Noun<council::ListProposals, council::ShowProposal>),
    /// Show the keys, the threshold and the secretary of the council; propose and approve
    #[command(args_conflicts_with_subcommands = true, after_help = "Example:\n  argosy council")]
    Council {
        #[command(subcommand)]
        act: Option<CouncilCommand>,
        #[command(flatten)]
        whole: Whole,
    },
    /// Show operators who gave notice
    #[command(alias = "resignation", after_help = "Example:\n  argosy resignations")]
    Resignations(Whole),
}

impl LookCommand {
    /// Whether standard output is for scripts.
    pub(crate) const fn json(&self) -> bool {
        match self {
            Self::Places(command) => command.json(),
            Self::People(command) => command.json(),
        }
    }
}

impl PlaceCommand {
    const fn json(&self) -> bool {
        match self {
            Self::Bags(noun) => noun.json,
            Self::Buckets(noun) => noun.json,
            Self::Families(noun) => noun.json,
            Self::Objects(noun) => noun.json,
            Self::Tx(noun) => noun.json,
            Self::Blacklist(noun) => noun.json,
            Self::Policy(whole) | Self::Limits(whole) | Self::Fees(whole) => whole.json,
        }
    }
}

impl PeopleCommand {
    const fn json(&self) -> bool {
        match self {
            Self::Workers(noun) => noun.json,
            Self::Groups(noun) => noun.json,
            Self::Channels(noun) => noun.json,
            Self::Members(noun) => noun.json,
            Self::Openings(noun) => noun.json,
            Self::Applications(noun) => noun.json,
            Self::Releases(noun) => noun.json,
            Self::Proposals(noun) => noun.json,
            Self::Council { whole, .. } | Self::Resignations(whole) => whole.json,
        }
    }
}

/// Why no act is left once only looking is.
const DONE: &str = "what is done to a thing is carried out before anything is looked at";

impl LookCommand {
    /// What is to be done, if it is not only looking.
    fn act(self) -> ControlFlow<NounAct, Self> {
        match self {
            Self::Places(command) => command.act().map_continue(Self::Places),
            Self::People(command) => command.act().map_continue(Self::People),
        }
    }
}

impl PlaceCommand {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are only looked at")]
    fn act(self) -> ControlFlow<NounAct, Self> {
        match self {
            Self::Bags(noun) => noun.act().map_break(NounAct::Bag).map_continue(Self::Bags),
            Self::Objects(noun) => noun.act().map_break(NounAct::Object).map_continue(Self::Objects),
            Self::Tx(noun) => {
                let json = noun.json;
                noun.act().map_break(|act| NounAct::Tx(act, json)).map_continue(Self::Tx)
            }
            other => ControlFlow::Continue(other),
        }
    }
}

impl PeopleCommand {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others are only looked at")]
    fn act(self) -> ControlFlow<NounAct, Self> {
        match self {
            Self::Groups(noun) => noun.act().map_break(NounAct::Group).map_continue(Self::Groups),
            Self::Channels(noun) => noun.act().map_break(NounAct::Channel).map_continue(Self::Channels),
            Self::Members(noun) => noun.act().map_break(NounAct::Member).map_continue(Self::Members),
            Self::Releases(noun) => noun.act().map_break(NounAct::Release).map_continue(Self::Releases),
            Self::Council { act: Some(act), .. } => ControlFlow::Break(NounAct::Council(act)),
            other => ControlFlow::Continue(other),
        }
    }
}

/// What every command here needs.
struct Look {
    network: Network,
    reader: DirectoryReader,
    /// Milliseconds since 1970: ages count from here.
    now_ms: u64,
    json: bool,
}

impl Look {
    fn is_mainnet(&self) -> bool {
        self.network.genesis.profile == Profile::Mainnet
    }
}

/// An answer of the directory about `thing`.
fn answer<T>(thing: &str, answer: Result<T, ClientError>) -> Outcome<T> {
    answer.map_err(|error| Failure::directory(thing, &error))
}

pub(crate) async fn run(directory: &DirectoryArgs, command: LookCommand) -> Outcome<ExitCode> {
    let command = match command.act() {
        ControlFlow::Break(act) => return act::run_noun(directory, act).await,
        ControlFlow::Continue(command) => command,
    };
    let json = command.json();
    let network = Network::connect(directory).await?;
    let look = Look { reader: network.directory.reader(), network, now_ms: now_ms(), json };
    match command {
        LookCommand::Places(command) => run_places(&look, command).await,
        LookCommand::People(command) => {
            run_people(&look, command).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn run_places(look: &Look, command: PlaceCommand) -> Outcome<ExitCode> {
    match command {
        PlaceCommand::Bags(noun) => match noun.verb() {
            Verb::List(args) => bags::list(look, args).await?,
            Verb::Show(args) => return bag::show(look, args).await,
            Verb::Act(_) => unreachable!("{DONE}"),
        },
        PlaceCommand::Buckets(noun) => match noun.verb() {
            Verb::List(args) => buckets::list(look, args).await?,
            Verb::Show(args) => buckets::show(look, &args).await?,
            Verb::Act(act) => match act {},
        },
        PlaceCommand::Families(noun) => match noun.verb() {
            Verb::List(args) => families::list(look, args).await?,
            Verb::Show(args) => families::show(look, &args).await?,
            Verb::Act(act) => match act {},
        },
        PlaceCommand::Objects(noun) => match noun.verb() {
            Verb::List(args) => objects::list(look, args).await?,
            Verb::Show(args) => objects::show(look, &args).await?,
            Verb::Act(_) => unreachable!("{DONE}"),
        },
        PlaceCommand::Tx(noun) => match noun.verb() {
            Verb::List(args) => transactions::list(look, args).await?,
            Verb::Show(args) => transactions::show(look, &args).await?,
            Verb::Act(_) => unreachable!("{DONE}"),
        },
        PlaceCommand::Blacklist(noun) => match noun.verb() {
            Verb::List(args) => removed::list_blacklist(look, args).await?,
            Verb::Show(args) => removed::show_blacklist(look, &args).await?,
            Verb::Act(act) => match act {},
        },
        PlaceCommand::Policy(_) => rules::policy(look).await?,
        PlaceCommand::Limits(_) => rules::limits(look).await?,
        PlaceCommand::Fees(_) => rules::fees(look).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn run_people(look: &Look, command: PeopleCommand) -> Outcome<()> {
    match command {
        PeopleCommand::Workers(noun) => match noun.verb() {
            Verb::List(args) => workers::list(look, args).await,
            Verb::Show(args) => workers::show(look, &args).await,
            Verb::Act(act) => match act {},
        },
        PeopleCommand::Groups(noun) => match noun.verb() {
            Verb::List(args) => workers::list_groups(look, &args).await,
            Verb::Show(args) => workers::show_group(look, &args).await,
            Verb::Act(_) => unreachable!("{DONE}"),
        },
        PeopleCommand::Channels(noun) => match noun.verb() {
            Verb::List(args) => people::list_channels(look, args).await,
            Verb::Show(args) => people::show_channel(look, &args).await,
            Verb::Act(_) => unreachable!("{DONE}"),
        },
        PeopleCommand::Members(noun) => match noun.verb() {
            Verb::List(args) => people::list_members(look, args).await,
            Verb::Show(args) => people::show_member(look, &args).await,
            Verb::Act(_) => unreachable!("{DONE}"),
        },
        PeopleCommand::Openings(noun) => match noun.verb() {
            Verb::List(args) => hiring::list_openings(look, args).await,
            Verb::Show(args) => hiring::show_opening(look, &args).await,
            Verb::Act(act) => match act {},
        },
        PeopleCommand::Applications(noun) => match noun.verb() {
            Verb::List(args) => hiring::list_applications(look, args).await,
            Verb::Show(args) => hiring::show_application(look, &args).await,
            Verb::Act(act) => match act {},
        },
        PeopleCommand::Releases(noun) => match noun.verb() {
            Verb::List(args) => council::list_releases(look, args).await,
            Verb::Show(args) => council::show_release(look, &args).await,
            Verb::Act(_) => unreachable!("{DONE}"),
        },
        PeopleCommand::Proposals(noun) => match noun.verb() {
            Verb::List(args) => council::list_proposals(look, &args).await,
            Verb::Show(args) => council::show_proposal(look, &args).await,
            Verb::Act(act) => match act {},
        },
        PeopleCommand::Council { .. } => council::council(look).await,
        PeopleCommand::Resignations(_) => removed::resignations(look).await,
    }
}
