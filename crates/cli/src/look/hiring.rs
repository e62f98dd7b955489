//! `argosy openings` and `argosy applications`.

use super::{
    Look,
    format::{Fact, age, digits, length, money, when},
    list::{Bounds, Sheet, gather, one, only_if},
};
use crate::{complete, failure::Outcome, text};
use argosy_api::directory::{ApplicationView, GroupName, OpeningView};
use argosy_domain::{ApplicationId, MemberId, OpeningId};
use clap_complete::ArgValueCandidates;

/// Show openings of a group that are neither filled nor cancelled
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy openings list --group distribution")]
pub(crate) struct ListOpenings {
    /// Working group
    #[arg(long, value_name = "NAME", default_value = "storage", add = ArgValueCandidates::new(complete::groups))]
    group: GroupName,
    #[command(flatten)]
    bounds: Bounds<OpeningId>,
}

/// Show one opening
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy opening show 3 --group distribution")]
pub(crate) struct ShowOpening {
    #[arg(value_name = "ID")]
    id: OpeningId,
    /// Working group
    #[arg(long, value_name = "NAME", default_value = "storage", add = ArgValueCandidates::new(complete::groups))]
    group: GroupName,
}

/// Show applications in a group that neither succeeded nor were withdrawn
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy applications list --group storage
  argosy applications list --group storage --opening 3")]
pub(crate) struct ListApplications {
    /// Working group
    #[arg(long, value_name = "NAME", default_value = "storage", add = ArgValueCandidates::new(complete::groups))]
    group: GroupName,
    /// Only applications for this opening
    #[arg(long, value_name = "ID")]
    opening: Option<OpeningId>,
    /// Only applications of this member
    #[arg(long, value_name = "ID")]
    member: Option<MemberId>,
    #[command(flatten)]
    bounds: Bounds<ApplicationId>,
}

/// Show one application
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy application show 5 --group storage")]
pub(crate) struct ShowApplication {
    #[arg(value_name = "ID")]
    id: ApplicationId,
    /// Working group
    #[arg(long, value_name = "NAME", default_value = "storage", add = ArgValueCandidates::new(complete::groups))]
    group: GroupName,
}

pub(super) async fn list_openings(look: &Look, args: ListOpenings) -> Outcome<()> {
    let ask = async |wanted| look.reader.openings(args.group, &wanted).await;
    let found = gather("openings", args.bounds.limit(), args.bounds.from(), None, ask).await?;
    look.print("openings", &found, |openings| opening_sheet(openings, look.now_ms));
    Ok(())
}

pub(super) fn opening_sheet(openings: &[OpeningView], now_ms: u64) -> Sheet {
    let head = &["opening", "kind", "made", "least stake", "reward", "description hash"];
    Sheet::new(head, &["made"], openings, |opening| {
        vec![
            opening.id.to_string(),
            text::line(&opening.kind),
            age(opening.created_ms, now_ms),
            digits(opening.stake),
            digits(opening.reward_per_period),
            text::line(&opening.description),
        ]
    })
}

pub(super) async fn show_opening(look: &Look, args: &ShowOpening) -> Outcome<()> {
    let ask = async |wanted| look.reader.openings(args.group, &wanted).await;
    let opening = one(&format!("opening {}:{}", args.group, args.id), args.id, ask).await?;
    look.print_one(&opening, |opening| opening_facts(opening, args.group, look.now_ms, look.is_mainnet()));
    Ok(())
}

pub(super) fn opening_facts(
    opening: &OpeningView,
    group: GroupName,
    now_ms: u64,
    is_mainnet: bool,
) -> Vec<Fact> {
    vec![
        ("opening", opening.id.to_string()),
        ("group", group.to_string()),
        ("kind", text::line(&opening.kind)),
        ("made", when(opening.created_ms, now_ms)),
        ("least stake", money(opening.stake, is_mainnet)),
        ("reward per period", money(opening.reward_per_period, is_mainnet)),
        ("unstaking period", length(opening.unstaking_period_ms)),
        ("description hash", text::line(&opening.description)),
    ]
}

pub(super) async fn list_applications(look: &Look, args: ListApplications) -> Outcome<()> {
    let ask = async |wanted| look.reader.applications(args.group, &wanted).await;
    let passes = |application: &ApplicationView| {
        args.opening.is_none_or(|opening| opening == application.opening)
            && args.member.is_none_or(|member| member == application.member)
    };
    let filters = args.opening.is_some() || args.member.is_some();
    let filter = only_if(filters, &passes);
    let found = gather("applications", args.bounds.limit(), args.bounds.from(), filter, ask).await?;
    look.print("applications", &found, application_sheet);
    Ok(())
}

pub(super) fn application_sheet(applications: &[ApplicationView]) -> Sheet {
    let head = &["application", "opening", "member", "stake", "role account"];
    Sheet::new(head, &["stake"], applications, |application| {
        vec![
            application.id.to_string(),
            application.opening.to_string(),
            application.member.to_string(),
            digits(application.stake),
            application.role_account.to_string(),
        ]
    })
}

pub(super) async fn show_application(look: &Look, args: &ShowApplication) -> Outcome<()> {
    let ask = async |wanted| look.reader.applications(args.group, &wanted).await;
    let application = one(&format!("application {}:{}", args.group, args.id), args.id, ask).await?;
    look.print_one(&application, |application| application_facts(application, args.group, look.is_mainnet()));
    Ok(())
}

pub(super) fn application_facts(
    application: &ApplicationView,
    group: GroupName,
    is_mainnet: bool,
) -> Vec<Fact> {
    vec![
        ("application", application.id.to_string()),
        ("group", group.to_string()),
        ("opening", application.opening.to_string()),
        ("member", application.member.to_string()),
        ("role account", application.role_account.to_string()),
        ("reward account", application.reward_account.to_string()),
        ("staking account", application.staking_account.to_string()),
        ("stake", money(application.stake, is_mainnet)),
        ("description hash", text::line(&application.description)),
    ]
}
