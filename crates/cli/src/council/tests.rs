//! Command lines of the council, and the actions they are.

use super::{
    actions::{FundGroup, Grant, LeadOpening, ReplaceKeys, SetGroupBudget, SetSecretary},
    parameters::SetParameter,
    propose::{Act, OfOpening, Propose},
    vote::{Approve, Withdraw},
};
use crate::{
    failure::{Kind, Outcome},
    groups::{FillOpening, TakenBack},
    send::Role,
    signed::planned,
};
use argosy_directory::{Call, CouncilAction, CouncilCall, GroupCall, call::Parameter, state::OpeningKind};
use argosy_domain::{
    AccountId, ApplicationId, ContentId, KeyScheme, Keypair, OpeningId, ProposalId, WorkingGroup,
};

const STORAGE: WorkingGroup = WorkingGroup::Storage;

fn account(uri: &str) -> AccountId {
    Keypair::from_uri(KeyScheme::Sr25519, uri).unwrap().account()
}

fn proposed<A: clap::Args + Act>(line: &str) -> Outcome<CouncilAction> {
    let words: Vec<_> = line.split(' ').collect();
    match planned::<Propose<A>>(&words)? {
        (Role::Council, Call::Council(CouncilCall::Propose { action })) => Ok(action),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_action_is_proposed_as_it_was_written() {
    let group = |call| CouncilAction::Group { group: STORAGE, call };
    let opening = OpeningId(0);
    let applications = [ApplicationId(2)].into();
    let line = "-g storage --stake 5 --unstaking-period 1d --reward 7 --description lead";
    let terms = GroupCall::AddOpening {
        kind: OpeningKind::Leader,
        description: ContentId::of(b"lead").0,
        stake: 5,
        unstaking_period_ms: 86_400_000,
        reward_per_period: Some(7),
    };
    assert_eq!(proposed::<LeadOpening>(line).unwrap(), group(terms));
    let line = "-g storage --opening 0";
    assert_eq!(proposed::<OfOpening<TakenBack>>(line).unwrap(), group(GroupCall::CancelOpening { opening }));
    let line = "-g storage --opening 0 --application 2";
    let hired = GroupCall::FillOpening { opening, applications };
    assert_eq!(proposed::<OfOpening<FillOpening>>(line).unwrap(), group(hired));
    let expected = CouncilAction::FundGroup { group: STORAGE, amount: 9 };
    assert_eq!(proposed::<FundGroup>("-g storage --amount 9").unwrap(), expected);
    let expected = CouncilAction::SetGroupBudget { group: STORAGE, amount: 9 };
    assert_eq!(proposed::<SetGroupBudget>("-g storage --amount 9").unwrap(), expected);
    let to = account("//Bob");
    for (more, locked) in [("", false), (" --locked", true)] {
        let expected = CouncilAction::Grant { to, amount: 9, locked };
        assert_eq!(proposed::<Grant>(&format!("--to //Bob --amount 9{more}")).unwrap(), expected);
    }
    let expected = CouncilAction::SetParameter { parameter: Parameter::RewardPeriodMs(43_200_000) };
    assert_eq!(proposed::<SetParameter>("reward-period-ms 12h").unwrap(), expected);
    let keys = [to, account("//Alice")].into();
    let expected = CouncilAction::ReplaceKeys { keys, threshold: 2 };
    assert_eq!(proposed::<ReplaceKeys>("//Alice //Bob --threshold 2").unwrap(), expected);
    for (line, account) in [("//Bob", Some(to)), ("--none", None)] {
        assert_eq!(proposed::<SetSecretary>(line).unwrap(), CouncilAction::SetSecretary { account });
    }
    for wrong in ["--none //Bob", "Bob"] {
        assert_eq!(proposed::<SetSecretary>(wrong).unwrap_err().kind, Kind::Usage, "{wrong}");
    }
}

#[test]
fn approvals_are_signed_by_keys_that_have_not_approved() {
    let proposal = ProposalId(4);
    let call = Call::Council(CouncilCall::Approve { proposal });
    assert_eq!(planned::<Approve>(&["4"]).unwrap(), (Role::Approver(proposal), call));
    let call = Call::Council(CouncilCall::Withdraw { proposal });
    assert_eq!(planned::<Withdraw>(&["4"]).unwrap(), (Role::Approved(proposal), call));
}
