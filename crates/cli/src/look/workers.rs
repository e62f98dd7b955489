//! `argosy workers` and `argosy groups`.

use super::{
    Look, answer,
    format::{Fact, age, digits, length, maybe, money, when, yes},
    list::{Bounds, Found, Sheet, YesNo, gather, one, only_if},
};
use crate::{complete, failure::Outcome};
use argosy_api::directory::{GroupName, GroupView, WorkerView, query::AnyWorker};
use argosy_domain::{MemberId, WorkerId};
use clap_complete::ArgValueCandidates;

/// Show many workers of a group
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  argosy workers list --group storage
  argosy workers list --group distribution --leaving yes --json")]
pub(crate) struct List {
    /// Working group
    #[arg(long, value_name = "NAME", default_value = "storage", add = ArgValueCandidates::new(complete::groups))]
    group: GroupName,
    /// Only workers who are this member
    #[arg(long, value_name = "ID")]
    member: Option<MemberId>,
    /// Only workers who are leaving, or only others
    #[arg(long, value_enum)]
    leaving: Option<YesNo>,
    #[command(flatten)]
    bounds: Bounds<WorkerId>,
}

/// Show one worker
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy worker show storage:0")]
pub(crate) struct Show {
    /// Worker as group:id; the storage group unless another is named
    #[arg(value_name = "GROUP:ID", add = ArgValueCandidates::new(complete::workers_of_groups))]
    id: AnyWorker,
}

/// Show the working groups that the directory runs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy groups list")]
pub(crate) struct ListGroups {}

/// Show one working group with its lead
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  argosy group show distribution")]
pub(crate) struct ShowGroup {
    /// Working group
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::groups))]
    name: GroupName,
}

pub(super) async fn list(look: &Look, args: List) -> Outcome<()> {
    let ask = async |wanted| look.reader.workers(args.group, &wanted).await;
    let passes = |worker: &WorkerView| {
        args.member.is_none_or(|member| member == worker.member)
            && YesNo::fits(args.leaving, worker.leaves_ms.is_some())
    };
    let filters = args.member.is_some() || args.leaving.is_some();
    let filter = only_if(filters, &passes);
    let found = gather("workers", args.bounds.limit(), args.bounds.from(), filter, ask).await?;
    look.print("workers", &found, |workers| sheet(workers, look.now_ms));
    Ok(())
}

pub(super) fn sheet(workers: &[WorkerView], now_ms: u64) -> Sheet {
    let head = &["worker", "member", "lead", "hired", "leaves", "stake", "reward", "role account"];
    Sheet::new(head, &["reward", "stake", "hired"], workers, |worker| {
        vec![
            worker.id.to_string(),
            worker.member.to_string(),
            yes(worker.is_lead),
            age(worker.hired_ms, now_ms),
            maybe(worker.leaves_ms.map(|leaves_ms| age(leaves_ms, now_ms))),
            digits(worker.stake),
            digits(worker.reward_per_period),
            worker.role_account.to_string(),
        ]
    })
}

pub(super) async fn show(look: &Look, args: &Show) -> Outcome<()> {
    let AnyWorker { group, id } = args.id;
    let group = GroupName(group.unwrap_or(argosy_domain::WorkingGroup::Storage));
    let ask = async |wanted| look.reader.workers(group, &wanted).await;
    let worker = one(&format!("worker {group}:{id}"), id, ask).await?;
    look.print_one(&worker, |worker| facts(worker, group, look.now_ms, look.is_mainnet()));
    Ok(())
}

pub(super) fn facts(worker: &WorkerView, group: GroupName, now_ms: u64, is_mainnet: bool) -> Vec<Fact> {
    vec![
        ("worker", worker.id.to_string()),
        ("group", group.to_string()),
        ("member", worker.member.to_string()),
        ("lead", yes(worker.is_lead)),
        ("role account", worker.role_account.to_string()),
        ("reward account", worker.reward_account.to_string()),
        ("staking account", worker.staking_account.to_string()),
        ("stake", money(worker.stake, is_mainnet)),
        ("reward per period", money(worker.reward_per_period, is_mainnet)),
        ("missed reward", money(worker.missed_reward, is_mainnet)),
        ("hired", when(worker.hired_ms, now_ms)),
        ("unstaking period", length(worker.unstaking_period_ms)),
        ("leaves", maybe(worker.leaves_ms.map(|leaves_ms| when(leaves_ms, now_ms)))),
    ]
}

pub(super) async fn list_groups(look: &Look, _: &ListGroups) -> Outcome<()> {
    let groups = answer("groups", look.reader.groups().await)?;
    look.print("groups", &Found::whole(groups), group_sheet);
    Ok(())
}

pub(super) fn group_sheet(groups: &[GroupView]) -> Sheet {
    let head = &["group", "lead", "workers", "openings", "applications", "budget", "lead account"];
    Sheet::new(head, &["applications", "openings"], groups, |group| {
        vec![
            group.name.to_string(),
            group.lead.map_or_else(|| "none".to_owned(), |lead| format!("worker {lead}")),
            group.workers_count.to_string(),
            group.openings_count.to_string(),
            group.applications_count.to_string(),
            digits(group.budget),
            maybe(group.lead_account),
        ]
    })
}

pub(super) async fn show_group(look: &Look, args: &ShowGroup) -> Outcome<()> {
    let name = args.name;
    let group = answer(&format!("group {name}"), look.reader.group(name).await)?;
    look.print_one(&group, |group| group_facts(group, look.now_ms, look.is_mainnet()));
    Ok(())
}

pub(super) fn group_facts(group: &GroupView, now_ms: u64, is_mainnet: bool) -> Vec<Fact> {
    vec![
        ("group", group.name.to_string()),
        ("lead", group.lead.map_or_else(|| "none".to_owned(), |lead| format!("worker {lead}"))),
        ("lead account", maybe(group.lead_account)),
        ("budget", money(group.budget, is_mainnet)),
        ("workers", digits(group.workers_count)),
        ("openings", digits(group.openings_count)),
        ("applications", digits(group.applications_count)),
        ("next reward", when(group.next_reward_ms, now_ms)),
        ("status text hash", maybe(group.status_text.as_ref())),
    ]
}
