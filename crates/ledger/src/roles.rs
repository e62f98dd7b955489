//! Who has a role in a state: whose transactions go first.

use crate::pool::Rank;
use argosy_directory::{
    State,
    state::{StorageOperator, WORKING_GROUPS},
};
use argosy_domain::AccountId;
use std::collections::BTreeMap;

/// The accounts with a role, at one height.
#[derive(Debug, Default)]
pub(crate) struct Roles(BTreeMap<AccountId, Rank>);

impl Roles {
    /// Looks at every worker and every storage bucket.
    pub(crate) fn of(state: &State) -> Self {
        let mut roles = BTreeMap::new();
        for (_, bucket) in state.storage_buckets() {
            if let StorageOperator::Active { transactor, .. } = bucket.operator {
                roles.insert(transactor, Rank::Operator);
            }
        }
        for group in WORKING_GROUPS {
            roles.extend(state.workers(group).map(|(_, worker)| (worker.role_account, Rank::Operator)));
        }
        // Last, since somebody may be both.
        for group in WORKING_GROUPS {
            let lead = state.lead(group).and_then(|lead| state.worker(group, lead));
            roles.extend(lead.map(|lead| (lead.role_account, Rank::Lead)));
        }
        let council = state.council();
        roles.extend(council.keys.iter().chain(&council.secretary).map(|key| (*key, Rank::Lead)));
        Self(roles)
    }

    pub(crate) fn rank(&self, account: &AccountId) -> Rank {
        self.0.get(account).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_directory::{
        Genesis,
        genesis::{GenesisCouncil, GenesisGroup, GenesisMember, GenesisWorker},
    };

    #[test]
    fn leads_and_the_council_come_before_workers() {
        let account = |n| AccountId([n; 32]);
        let worker = |n| GenesisWorker { member: "ann".to_owned(), role_account: account(n) };
        let group = |lead, workers: &[u8]| GenesisGroup {
            workers: workers.iter().map(|n| worker(*n)).collect(),
            lead,
        };
        let sequencer = argosy_domain::Keypair::from_seed(argosy_domain::KeyScheme::Sr25519, &[1; 32]);
        let genesis = Genesis {
            members: vec![GenesisMember { handle: "ann".to_owned(), account: account(1) }],
            storage_group: group(Some(0), &[2, 3]),
            // The lead of one group works in another.
            distribution_group: group(Some(1), &[2, 4]),
            council: GenesisCouncil { keys: [account(5)].into(), threshold: 1 },
            ..crate::tests::genesis(&sequencer)
        };
        let roles = Roles::of(&State::from_genesis(&genesis).unwrap());
        let ranks = (1..=6).map(|n| roles.rank(&account(n)));
        let expected = [Rank::Anybody, Rank::Lead, Rank::Operator, Rank::Lead, Rank::Lead, Rank::Anybody];
        assert!(ranks.eq(expected));
    }
}
