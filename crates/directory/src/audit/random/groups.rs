//! Random calls about groups, the council and money.

use super::{super::account, Dice};
use crate::{
    AccountsCall, Call, CouncilAction, CouncilCall, GroupCall, MembershipCall, call::Parameter,
    state::OpeningKind,
};
use alloc::format;
use argosy_domain::{AccountId, ApplicationId, MemberId, OpeningId, ProposalId, WorkerId, WorkingGroup};

impl Dice<'_> {
    pub(super) fn group(&mut self) -> (AccountId, Call) {
        let group = match self.roll(4) {
            0 => WorkingGroup::Distribution,
            1 => WorkingGroup::Attestation,
            _ => WorkingGroup::Storage,
        };
        match self.roll(10) {
            0..=2 => self.council(group),
            3 => self.money(),
            4..=6 => {
                let (signer, call) = self.group_lead(group);
                (signer, Call::Group { group, call })
            }
            _ => {
                let (signer, call) = self.group_worker(group);
                (signer, Call::Group { group, call })
            }
        }
    }

    fn somebody(&mut self) -> AccountId {
        let names = ["ann", "bob", "slead", "dlead", "s1", "s2", "s3", "d1", "c1", "w0", "w1"];
        account(names[usize::try_from(self.roll(11)).unwrap()])
    }

    fn money(&mut self) -> (AccountId, Call) {
        let (signer, to) = (self.somebody(), self.somebody());
        let call = match self.roll(4) {
            0 => Call::Membership(MembershipCall::ConfirmStakingAccount { member: MemberId(self.roll(3)) }),
            1 => Call::Membership(MembershipCall::RemoveStakingAccount),
            _ => Call::Accounts(AccountsCall::Transfer { to, amount: self.roll(60).into() }),
        };
        (signer, call)
    }

    fn council(&mut self, group: WorkingGroup) -> (AccountId, Call) {
        let signer = account(if self.coin() { "c1" } else { "c2" });
        let proposal = self.one_of(self.state.proposals().map(|(id, _)| id), ProposalId(0));
        let call = match self.roll(12) {
            0 => CouncilCall::Approve { proposal },
            1 => CouncilCall::Withdraw { proposal },
            _ => CouncilCall::Propose { action: self.action(group) },
        };
        (signer, Call::Council(call))
    }

    fn action(&mut self, group: WorkingGroup) -> CouncilAction {
        let amount = self.roll(60).into();
        match self.roll(10) {
            0 => CouncilAction::FundGroup { group, amount },
            1 => CouncilAction::SetGroupBudget { group, amount },
            2 => CouncilAction::Grant { to: self.somebody(), amount, locked: self.coin() },
            3 => CouncilAction::SetSecretary { account: Some(account("ann")) },
            4 => CouncilAction::ReplaceKeys {
                keys: [account("c1"), account("c2")].into(),
                threshold: (1 + self.roll(2)).try_into().unwrap(),
            },
            5 => CouncilAction::SetParameter { parameter: Parameter::ResignationNoticeMs(self.roll(3_000)) },
            6..=7 => {
                let call = self.opening(OpeningKind::Leader);
                CouncilAction::Group { group, call }
            }
            _ => {
                let worker = self.state.lead(group).unwrap_or(WorkerId(0));
                let call = self.discipline(worker);
                CouncilAction::Group { group, call }
            }
        }
    }

    fn opening(&mut self, kind: OpeningKind) -> GroupCall {
        GroupCall::AddOpening {
            kind,
            description: [0; 32],
            stake: (1 + self.roll(5)).into(),
            unstaking_period_ms: self.roll(4_000),
            reward_per_period: self.coin().then(|| self.roll(20).into()),
        }
    }

    fn discipline(&mut self, worker: WorkerId) -> GroupCall {
        let amount = self.roll(5).into();
        match self.roll(5) {
            0 => GroupCall::SlashStake { worker, amount },
            1 => GroupCall::DecreaseStake { worker, amount },
            2 => GroupCall::UpdateRewardAmount { worker, reward_per_period: self.coin().then_some(amount) },
            _ => GroupCall::TerminateRole { worker, slash: self.coin().then_some(amount) },
        }
    }

    fn group_lead(&mut self, group: WorkingGroup) -> (AccountId, GroupCall) {
        let state = self.state;
        let lead = state.lead(group).and_then(|lead| state.worker(group, lead));
        let signer = lead.map_or(account("slead"), |lead| lead.role_account);
        let opening = self.one_of(state.openings(group).map(|(id, _)| id), OpeningId(0));
        let application = self.one_of(state.applications(group).map(|(id, _)| id), ApplicationId(0));
        let worker = self.one_of(state.workers(group).map(|(id, _)| id), WorkerId(0));
        let call = match self.roll(9) {
            0..=1 => self.opening(OpeningKind::Regular),
            2 => GroupCall::CancelOpening { opening },
            3..=5 => {
                let opening = state.application(group, application).map_or(opening, |a| a.opening);
                GroupCall::FillOpening { opening, applications: [application].into() }
            }
            6 => GroupCall::SpendFromBudget { to: self.somebody(), amount: self.roll(9).into() },
            _ => self.discipline(worker),
        };
        (signer, call)
    }

    fn group_worker(&mut self, group: WorkingGroup) -> (AccountId, GroupCall) {
        let state = self.state;
        let worker = self.one_of(state.workers(group).map(|(id, _)| id), WorkerId(0));
        let role = state.worker(group, worker).map_or(account("s1"), |worker| worker.role_account);
        let account_new = account(&format!("w{}", self.roll(2)));
        match self.roll(8) {
            0 => (role, GroupCall::LeaveRole { worker }),
            1 => (role, GroupCall::IncreaseStake { worker, amount: self.roll(5).into() }),
            2 => (role, GroupCall::UpdateRewardAccount { worker, account: account_new }),
            3 => (role, GroupCall::FundBudget { amount: self.roll(30).into() }),
            4 => {
                let application = self.one_of(state.applications(group).map(|(id, _)| id), ApplicationId(0));
                let role = state.application(group, application).map_or(role, |a| a.role_account);
                (role, GroupCall::WithdrawApplication { application })
            }
            _ => {
                let member = MemberId(self.roll(2));
                let signer = account(if member.0 == 0 { "ann" } else { "bob" });
                let opening = self.one_of(state.openings(group).map(|(id, _)| id), OpeningId(0));
                let call = GroupCall::ApplyOnOpening {
                    opening,
                    member,
                    role_account: account_new,
                    reward_account: signer,
                    staking_account: if self.roll(4) == 0 { self.somebody() } else { signer },
                    stake: (1 + self.roll(9)).into(),
                    description: [0; 32],
                };
                (signer, call)
            }
        }
    }
}
