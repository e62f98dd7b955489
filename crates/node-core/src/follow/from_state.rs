//! The index of someone who has the directory's whole state: what following its blocks would have given.

use super::{DistributionBucketEntry, Holdings, Index, StorageBucketEntry, StorageOperator};
use alloc::{sync::Arc, vec::Vec};
use argosy_directory::{
    Genesis, State,
    state::{
        self, WORKING_GROUPS,
        checkpoint::{CheckpointError, Restore},
    },
};
use argosy_domain::{BagId, StorageBucketId, WorkingGroup};

impl Index {
    /// The index that blocks `1..=h` give, out of the state after block `h`.
    ///
    /// Nothing is guessed: the state has all heights that an index dates claims by (acceptances,
    /// assignments, moves, operators). Bags and objects are shared with the state, not copied.
    #[must_use]
    pub fn from_state(state: &State) -> Self {
        let council = state.council();
        let mut index = Self {
            height: state.at().height,
            time_ms: state.at().time_ms,
            next_object: state.next_object_id(),
            catalogue: state.catalogue(),
            storage: state.storage_buckets().map(|(id, _)| (id, storage_bucket(state, id))).collect(),
            distribution: state
                .distribution_buckets()
                .map(|(id, bucket)| {
                    let endpoint = |worker| {
                        let metadata = state.distribution_operator_metadata(id, worker);
                        metadata.and_then(|metadata| metadata.endpoint.clone())
                    };
                    let operators =
                        bucket.operators.iter().map(|worker| (*worker, endpoint(*worker))).collect();
                    (
                        id,
                        DistributionBucketEntry {
                            distributing: bucket.distributing,
                            operators,
                            bags_count: 0,
                        },
                    )
                })
                .collect(),
            members: state.members().map(|(id, member)| (id, member.account)).collect(),
            channels: state.channels().map(|(id, channel)| (id, channel.owner)).collect(),
            collaborators: state
                .channels()
                .filter(|(_, channel)| !channel.collaborators.is_empty())
                .map(|(id, channel)| (id, channel.collaborators.clone()))
                .collect(),
            blacklist: state.blacklist().map(|id| (id, ())).collect(),
            moves: state.moves().collect(),
            council: (council.keys.clone(), council.threshold),
            secretary: council.secretary,
            ..Self::empty(state.genesis())
        };
        for group in WORKING_GROUPS {
            index.take_group(state, group);
        }
        index.add_static_bags();
        let bags: Vec<BagId> = index.bags().map(|(id, _)| id).collect();
        for bag in bags {
            index.count_in_buckets(bag);
        }
        index
    }

    fn take_group(&mut self, state: &State, group: WorkingGroup) {
        for (id, worker) in state.workers(group) {
            self.workers.insert((group, id), worker.role_account);
        }
        if let Some(lead) = state.lead(group) {
            self.leads.insert(group, lead);
        }
    }
}

fn storage_bucket(state: &State, id: StorageBucketId) -> StorageBucketEntry {
    let operator = match state.storage_bucket(id).map(|bucket| bucket.operator) {
        Some(state::StorageOperator::Active { worker, transactor, since }) => {
            Some(StorageOperator { worker, transactor, since_height: since })
        }
        Some(state::StorageOperator::Missing | state::StorageOperator::Invited { .. }) | None => None,
    };
    let holdings = state
        .holding_report(id)
        .map(|report| Arc::new(Holdings { height: report.height, except: report.except.clone() }));
    let metadata = state.storage_operator_metadata(id);
    let endpoint = metadata.and_then(|metadata| metadata.endpoint.clone());
    StorageBucketEntry { operator, endpoint, holdings, ..StorageBucketEntry::default() }
}

/// Makes an index of the pieces of a state (see [`State::pieces`]) as they arrive, and computes that
/// state's root. The state itself is never held: what an index does not know of is hashed and dropped.
#[derive(Debug)]
pub struct IndexRestore(Restore);

impl IndexRestore {
    /// For a state of the network that starts from `genesis`.
    ///
    /// # Errors
    /// [`CheckpointError::Genesis`].
    pub fn new(genesis: &Genesis) -> Result<Self, CheckpointError> {
        Restore::of_part(genesis).map(Self)
    }

    /// Adds the next piece.
    ///
    /// # Errors
    /// [`CheckpointError`]; the rest is of no use then.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), CheckpointError> {
        self.0.push(piece)
    }

    /// The index, and the root of the state that the pieces are of. Nothing of the index may be believed
    /// before that root was compared with one that is known to be right.
    ///
    /// # Errors
    /// [`CheckpointError::Incomplete`].
    pub fn finish(self) -> Result<(Index, [u8; 32]), CheckpointError> {
        let part = self.0.finish_part()?;
        Ok((Index::from_state(part.state()), part.root()))
    }
}
