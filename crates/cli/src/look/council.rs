//! `argosy releases`, `argosy proposals` and `argosy council`.

use super::{
    Look, answer,
    format::{Fact, age, ids, maybe, members, when},
    list::{Bounds, Found, Sheet, gather, one, only_if},
};
use crate::{
    failure::{Failure, Outcome},
    text,
};
use argosy_api::{
    directory::{CouncilView, ProposalView, ReleaseView},
    words,
};
use argosy_domain::{ProposalId, ReleaseId};

/// Show versions of programs that nodes must run
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy releases list --program storage")]
pub(crate) struct ListReleases {
    /// Only releases of this program
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    #[command(flatten)]
    bounds: Bounds<ReleaseId>,
}

/// Show one release
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy release show 0")]
pub(crate) struct ShowRelease {
    #[arg(value_name = "ID")]
    id: ReleaseId,
}

/// Show open proposals of the council
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy proposals list")]
pub(crate) struct ListProposals {}

/// Show one open proposal
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy proposal show 0")]
pub(crate) struct ShowProposal {
    #[arg(value_name = "ID")]
    id: ProposalId,
}

pub(super) async fn list_releases(look: &Look, args: ListReleases) -> Outcome<()> {
    let ask = async |wanted| look.reader.releases(&wanted).await;
    let passes = |release: &ReleaseView| args.program.as_ref().is_none_or(|name| *name == release.program);
    let filter = only_if(args.program.is_some(), &passes);
    let found = gather("releases", args.bounds.limit(), args.bounds.from(), filter, ask).await?;
    look.print("releases", &found, |releases| release_sheet(releases, look.now_ms));
    Ok(())
}

pub(super) fn release_sheet(releases: &[ReleaseView], now_ms: u64) -> Sheet {
    let head = &["release", "program", "version", "published", "to run"];
    Sheet::new(head, &["published"], releases, |release| {
        vec![
            release.id.to_string(),
            text::line(&release.program),
            text::line(&release.version),
            age(release.published_ms, now_ms),
            age(release.run_by_ms, now_ms),
        ]
    })
}

pub(super) async fn show_release(look: &Look, args: &ShowRelease) -> Outcome<()> {
    let ask = async |wanted| look.reader.releases(&wanted).await;
    let release = one(&format!("release {}", args.id), args.id, ask).await?;
    look.print_one(&release, |release| release_facts(release, look.now_ms));
    Ok(())
}

pub(super) fn release_facts(release: &ReleaseView, now_ms: u64) -> Vec<Fact> {
    vec![
        ("release", release.id.to_string()),
        ("program", text::line(&release.program)),
        ("version", text::line(&release.version)),
        ("published", when(release.published_ms, now_ms)),
        ("nodes are judged by it", when(release.run_by_ms, now_ms)),
    ]
}

pub(super) async fn council(look: &Look) -> Outcome<()> {
    let council = answer("the council", look.reader.council().await)?;
    look.print_one(&council, council_facts);
    Ok(())
}

pub(super) fn council_facts(council: &CouncilView) -> Vec<Fact> {
    vec![
        ("keys", ids(&council.keys)),
        ("approvals needed", format!("{} of {}", council.threshold, council.keys.len())),
        ("secretary", maybe(council.secretary)),
        ("open proposals", ids(&council.proposals.iter().map(|proposal| proposal.id).collect::<Vec<_>>())),
    ]
}

pub(super) async fn list_proposals(look: &Look, _: &ListProposals) -> Outcome<()> {
    let council = answer("the council", look.reader.council().await)?;
    look.print("open proposals", &Found::whole(council.proposals), |proposals| {
        proposal_sheet(proposals, council.threshold, look.now_ms)
    });
    Ok(())
}

pub(super) fn proposal_sheet(proposals: &[ProposalView], threshold: u32, now_ms: u64) -> Sheet {
    let head = &["proposal", "approvals", "void", "action"];
    Sheet::new(head, &[], proposals, |proposal| {
        vec![
            proposal.id.to_string(),
            format!("{} of {threshold}", proposal.approvals.len()),
            age(proposal.expires_ms, now_ms),
            action(proposal),
        ]
    })
}

fn action(proposal: &ProposalView) -> String {
    text::line(&format!("{}: {}", words::spaced(&proposal.action), members(&proposal.arguments)))
}

pub(super) async fn show_proposal(look: &Look, args: &ShowProposal) -> Outcome<()> {
    let council = answer("the council", look.reader.council().await)?;
    let found = council.proposals.into_iter().find(|proposal| proposal.id == args.id);
    let missing = || Failure::refused("NOT_FOUND", format!("no proposal {} is open", args.id));
    look.print_one(&found.ok_or_else(missing)?, |proposal| {
        vec![
            ("proposal", proposal.id.to_string()),
            ("action", action(proposal)),
            ("approved by", ids(&proposal.approvals)),
            ("approvals needed", council.threshold.to_string()),
            ("void", when(proposal.expires_ms, look.now_ms)),
        ]
    });
    Ok(())
}
