//! Command lines of groups, and the calls they are.

use super::{ByLead, FillOpening, OpeningTerms, hiring, money, work};
use crate::{
    failure::Kind,
    groups::{SetReward, WorkerOf},
    send::Role,
    signed::planned,
};
use argosy_directory::{Call, GroupCall, state::OpeningKind};
use argosy_domain::{AccountId, ContentId, KeyScheme, Keypair, WorkerId, WorkingGroup};

const STORAGE: WorkingGroup = WorkingGroup::Storage;

fn group(call: GroupCall) -> Call {
    Call::Group { group: STORAGE, call }
}

fn bob() -> AccountId {
    Keypair::from_uri(KeyScheme::Sr25519, "//Bob").unwrap().account()
}

#[test]
fn an_opening_has_terms_and_the_hash_of_its_description() {
    let terms =
        ["-g", "storage", "--stake", "1000", "--unstaking-period", "7d", "--description", "two racks"];
    let opening = |reward_per_period| GroupCall::AddOpening {
        kind: OpeningKind::Regular,
        description: ContentId::of(b"two racks").0,
        stake: 1_000,
        unstaking_period_ms: 604_800_000,
        reward_per_period,
    };
    let lead = Role::Lead(STORAGE);
    let plan = |more: &[&str]| planned::<ByLead<OpeningTerms>>(&[&terms, more].concat());
    assert_eq!(plan(&[]).unwrap(), (lead, group(opening(None))));
    assert_eq!(plan(&["--reward", "none"]).unwrap(), (lead, group(opening(None))));
    assert_eq!(plan(&["--reward", "50"]).unwrap(), (lead, group(opening(Some(50)))));
    for (more, what) in [
        (&["--description-file", "x"][..], "cannot be used with"),
        (&["--reward", "5JOY"], "base units"),
        (&["--stake", "5"], "multiple times"),
    ] {
        let failure = plan(more).unwrap_err();
        assert!(failure.kind == Kind::Usage && failure.message.contains(what), "{failure}");
    }
    let failure = planned::<ByLead<OpeningTerms>>(&terms[..6]).unwrap_err();
    assert!(failure.message.contains("--description"), "{failure}");
}

#[test]
fn workers_sign_with_their_own_key() {
    let worker = WorkerId(2);
    let me = ["-g", "storage", "-w", "2"];
    let role = Role::Worker(STORAGE, worker);
    let with = |more: &[&'static str]| [&me[..], more].concat();
    let plan = planned::<work::IncreaseStake>(&with(&["--amount", "5"])).unwrap();
    assert_eq!(plan, (role, group(GroupCall::IncreaseStake { worker, amount: 5 })));
    let plan = planned::<work::SetRewardAccount>(&with(&["--account", "//Bob"])).unwrap();
    assert_eq!(plan, (role, group(GroupCall::UpdateRewardAccount { worker, account: bob() })));
    let plan = planned::<work::Leave>(&me).unwrap();
    assert_eq!(plan, (role, group(GroupCall::LeaveRole { worker })));
    let plan = planned::<work::Remark>(&with(&["new disks"])).unwrap();
    assert_eq!(plan, (role, group(GroupCall::WorkerRemark { worker, message: b"new disks".to_vec() })));
    assert!(planned::<work::Leave>(&me[..2]).is_err());
    assert!(planned::<work::Leave>(&["-g", "nobody", "-w", "2"]).is_err());
}

#[test]
fn leads_spend_and_speak_for_their_group() {
    let lead = Role::Lead(STORAGE);
    let plan = planned::<money::Spend>(&["-g", "storage", "--to", "//Bob", "--amount", "9"]).unwrap();
    assert_eq!(plan, (lead, group(GroupCall::SpendFromBudget { to: bob(), amount: 9 })));
    let plan = planned::<money::FundBudget>(&["-g", "storage", "--amount", "9"]).unwrap();
    assert_eq!(plan, (Role::Anybody, group(GroupCall::FundBudget { amount: 9 })));
    let plan = planned::<money::FundBudget>(&["-g", "storage", "--amount", "9", "--from", "//Bob"]).unwrap();
    assert_eq!(plan.0, Role::Account(bob()));
    let status =
        |more: &[&'static str]| planned::<money::SetStatusText>(&[&["-g", "storage"], more].concat());
    let hash = Some(ContentId::of(b"fine").0);
    assert_eq!(status(&["--text", "fine"]).unwrap(), (lead, group(GroupCall::SetStatusText { hash })));
    assert_eq!(status(&["--clear"]).unwrap(), (lead, group(GroupCall::SetStatusText { hash: None })));
    assert!(status(&[]).is_err() && status(&["--clear", "--text", "fine"]).is_err());
    let plan = planned::<money::LeadRemark>(&["-g", "storage", "hello"]).unwrap();
    assert_eq!(plan, (lead, group(GroupCall::LeadRemark { message: b"hello".to_vec() })));
}

#[test]
fn what_depends_on_the_state_is_not_decided_without_the_directory() {
    let reward = ["-g", "storage", "-w", "2", "--reward", "5"];
    assert_eq!(planned::<ByLead<SetReward<WorkerOf>>>(&reward).unwrap_err().kind, Kind::NoAnswer);
    let fill = ["-g", "storage", "--opening", "1", "--application", "4", "5"];
    assert_eq!(planned::<ByLead<FillOpening>>(&fill).unwrap_err().kind, Kind::NoAnswer);
    let apply = ["-g", "storage", "--opening", "1", "--member", "alice", "--description", "x"];
    assert_eq!(planned::<hiring::Apply>(&apply).unwrap_err().kind, Kind::NoAnswer);
}
