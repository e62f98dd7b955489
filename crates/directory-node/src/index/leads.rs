//! Who leads which group, and who signs for whom.

use argosy_directory::{Event, State, state::WORKING_GROUPS};
use argosy_domain::{AccountId, WorkerId, WorkingGroup};
use codec::{Decode, Encode};
use std::collections::BTreeMap;

/// As of the last event that was looked at. Kept with the index, so that it goes on where it stopped.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Leads {
    role_accounts: BTreeMap<(WorkingGroup, WorkerId), AccountId>,
    leads: BTreeMap<WorkingGroup, WorkerId>,
}

impl Leads {
    pub(super) fn of_state(state: &State) -> Self {
        let workers = WORKING_GROUPS.into_iter().flat_map(|group| {
            state.workers(group).map(move |(id, worker)| ((group, id), worker.role_account))
        });
        let leads = WORKING_GROUPS.into_iter().filter_map(|group| Some((group, state.lead(group)?)));
        Self { role_accounts: workers.collect(), leads: leads.collect() }
    }

    /// Gives whether anything changed.
    #[expect(clippy::wildcard_enum_match_arm, reason = "most events change no lead")]
    pub(super) fn follow(&mut self, event: &Event) -> bool {
        match *event {
            Event::WorkerHired { group, worker, role_account: account, .. }
            | Event::WorkerRoleAccountUpdated { group, worker, account } => {
                self.role_accounts.insert((group, worker), account);
            }
            Event::WorkerExited { group, worker }
            | Event::TerminatedWorker { group, worker }
            | Event::TerminatedLeader { group, worker } => {
                self.role_accounts.remove(&(group, worker));
            }
            Event::LeaderSet { group, worker } => {
                self.leads.insert(group, worker);
            }
            Event::LeaderUnset { group } => {
                self.leads.remove(&group);
            }
            _ => return false,
        }
        true
    }

    /// Groups that are led with this account.
    pub(super) fn led_by(&self, account: AccountId) -> impl Iterator<Item = WorkingGroup> {
        let signs = move |group: &WorkingGroup, lead: &WorkerId| {
            self.role_accounts.get(&(*group, *lead)) == Some(&account)
        };
        self.leads.iter().filter(move |(group, lead)| signs(group, lead)).map(|(group, _)| *group)
    }
}
