//! What the leads and operators of a new network still have to sign.
//!
//! Computed from the directory's state alone: a start that was interrupted goes on where it stopped.

use super::plan::{
    self, DISTRIBUTION_LEAD, Ports, STORAGE_LEAD, distribution_bucket, distributor_name, families, key_uri,
    local_url, storage_name,
};
use crate::failure::{Failure, Outcome};
use argosy_api::{
    ClientError, DirectoryClient, Submitter,
    directory::{
        DistributionBucketView, FamilyView, OperatorStatus, OperatorView, PolicyView, StorageBucketView,
    },
};
use argosy_directory::{Call, DistributionCall, StorageCall};
use argosy_domain::{BagType, FamilyId, StorageBucketId, WorkerId, metadata::encode_operator_metadata};
use std::collections::BTreeMap;

/// Voucher of each storage bucket, in bytes; the disk is the real bound.
const VOUCHER_BYTES: u64 = 1 << 44;
/// Voucher of each storage bucket, in objects.
const VOUCHER_OBJECTS: u64 = 100_000_000;
/// Looks at the directory before giving up; the second normally finds nothing to do.
const MAX_ROUNDS: u32 = 5;

/// What the directory says now.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    storage: Vec<StorageBucketView>,
    distribution: Vec<DistributionBucketView>,
    families: Vec<FamilyView>,
    policies: Vec<PolicyView>,
}

/// A call, and the development key that signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    key: String,
    call: Call,
    what: String,
}

/// Signs and sends what is missing until nothing is.
pub(super) async fn run(directory: &DirectoryClient, genesis: [u8; 32], ports: &Ports) -> Outcome<()> {
    let mut submitters: BTreeMap<String, Submitter> = BTreeMap::new();
    for _ in 0..MAX_ROUNDS {
        let view =
            read(directory).await.map_err(|error| Failure::directory("the network's state", &error))?;
        let steps = missing(ports, &view)?;
        if steps.is_empty() {
            return Ok(());
        }
        for step in steps {
            if !submitters.contains_key(&step.key) {
                let submitter = Submitter::new(directory.clone(), plan::key(&step.key)?, genesis);
                submitters.insert(step.key.clone(), submitter);
            }
            if let Some(submitter) = submitters.get(&step.key) {
                tracing::info!(key = step.key, "{}", step.what);
                submitter.submit(step.call).await.map_err(|error| Failure::submit(&step.what, &error))?;
            }
        }
    }
    Err(Failure::refused(
        "NOT_SET_UP",
        "the network does not become what was asked for, although every transaction succeeds",
    ))
}

async fn read(directory: &DirectoryClient) -> Result<View, ClientError> {
    Ok(View {
        storage: directory.storage_buckets().await?,
        distribution: directory.distribution_buckets().await?,
        families: directory.families().await?,
        policies: directory.policies().await?,
    })
}

/// What remains to be signed, in order. Each step assumes that those before it succeed.
fn missing(ports: &Ports, view: &View) -> Outcome<Vec<Step>> {
    let mut steps = Vec::new();
    for (n, port) in (0_u16..).zip(&ports.storage) {
        storage_bucket(&mut steps, n, *port, view)?;
    }
    let distributors = u16::try_from(ports.distributors.len()).unwrap_or(u16::MAX);
    for n in view.families.len()..usize::from(families(distributors)) {
        let call = DistributionCall::CreateDistributionBucketFamily;
        steps.push(distribution_step(DISTRIBUTION_LEAD, call, format!("create family {n}")));
    }
    for (n, ports) in (0_u16..).zip(&ports.distributors) {
        distributor_bucket(&mut steps, n, distributors, ports.public, view);
    }
    let storage = u32::try_from(ports.storage.len()).unwrap_or(u32::MAX);
    for bag_type in [BagType::Channel, BagType::Member] {
        policy(&mut steps, bag_type, storage, distributors, view);
    }
    Ok(steps)
}

fn storage_bucket(steps: &mut Vec<Step>, n: u16, port: u16, view: &View) -> Outcome<()> {
    let name = storage_name(usize::from(n));
    let (bucket, worker, own_key) = (StorageBucketId(u64::from(n)), plan::worker(n), key_uri(&name));
    let known = view.storage.iter().find(|known| known.id == bucket);
    let stage = match known {
        // A bucket with a higher id says that this one was there, and was deleted on purpose.
        None if view.storage.iter().any(|known| known.id > bucket) => return Ok(()),
        None => Stage::Absent,
        Some(known) => Stage::of(known.operator.as_slice(), worker, port),
    };
    if stage == Stage::Absent {
        let call = StorageCall::CreateStorageBucket {
            invite_worker: Some(worker),
            accepting_new_bags: true,
            size_limit: VOUCHER_BYTES,
            objects_limit: VOUCHER_OBJECTS,
        };
        steps.push(storage_step(STORAGE_LEAD, call, format!("create storage bucket {bucket}")));
    }
    if stage == Stage::Vacant {
        let call = StorageCall::InviteStorageBucketOperator { bucket, worker };
        steps.push(storage_step(STORAGE_LEAD, call, format!("invite {name} to storage bucket {bucket}")));
    }
    if stage < Stage::Active {
        let transactor = plan::key(&own_key)?.account();
        let call = StorageCall::AcceptStorageBucketInvitation { worker, bucket, transactor };
        steps.push(storage_step(&own_key, call, format!("accept storage bucket {bucket}")));
    }
    if stage < Stage::Ready {
        let metadata = encode_operator_metadata(&local_url(port));
        let call = StorageCall::SetStorageOperatorMetadata { worker, bucket, metadata };
        steps.push(storage_step(&own_key, call, format!("say where {name} is")));
    }
    Ok(())
}

fn distributor_bucket(steps: &mut Vec<Step>, n: u16, distributors: u16, port: u16, view: &View) {
    let name = distributor_name(usize::from(n));
    let (bucket, worker, own_key) = (distribution_bucket(n, distributors), plan::worker(n), key_uri(&name));
    let known = view.distribution.iter().find(|known| known.id == bucket);
    let later =
        |known: &DistributionBucketView| known.id.family == bucket.family && known.id.index > bucket.index;
    let stage = match known {
        None if view.distribution.iter().any(later) => return,
        None => Stage::Absent,
        Some(known) => Stage::of(&known.operators, worker, port),
    };
    if stage == Stage::Absent {
        let call =
            DistributionCall::CreateDistributionBucket { family: bucket.family, accepting_new_bags: true };
        steps.push(distribution_step(
            DISTRIBUTION_LEAD,
            call,
            format!("create distribution bucket {bucket}"),
        ));
    }
    if stage <= Stage::Vacant {
        let call = DistributionCall::InviteDistributionBucketOperator { bucket, worker };
        let what = format!("invite {name} to distribution bucket {bucket}");
        steps.push(distribution_step(DISTRIBUTION_LEAD, call, what));
    }
    if stage < Stage::Active {
        let call = DistributionCall::AcceptDistributionBucketInvitation { worker, bucket };
        steps.push(distribution_step(&own_key, call, format!("accept distribution bucket {bucket}")));
    }
    if stage < Stage::Ready {
        let metadata = encode_operator_metadata(&local_url(port));
        let call = DistributionCall::SetDistributionOperatorMetadata { worker, bucket, metadata };
        steps.push(distribution_step(&own_key, call, format!("say where {name} is")));
    }
}

/// The policy is the network's own once it names families: a lead may have changed it since.
fn policy(steps: &mut Vec<Step>, bag_type: BagType, storage: u32, distributors: u16, view: &View) {
    let name = match bag_type {
        BagType::Member => "Member",
        BagType::Channel => "Channel",
    };
    let known = view.policies.iter().find(|policy| policy.bag_type == name);
    if known.is_some_and(|policy| !policy.families.is_empty()) {
        return;
    }
    if known.is_none_or(|policy| policy.storage_buckets != storage) {
        let call =
            StorageCall::UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy { bag_type, number: storage };
        steps.push(storage_step(
            STORAGE_LEAD,
            call,
            format!("put every {name} bag into {storage} storage buckets"),
        ));
    }
    let mut families: BTreeMap<FamilyId, u32> = BTreeMap::new();
    for n in 0..distributors {
        *families.entry(distribution_bucket(n, distributors).family).or_default() += 1;
    }
    let call = DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy { bag_type, families };
    steps.push(distribution_step(DISTRIBUTION_LEAD, call, format!("put every {name} bag into all families")));
}

/// How far a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Absent,
    Vacant,
    Invited,
    Active,
    Ready,
}

impl Stage {
    fn of(operators: &[OperatorView], worker: WorkerId, port: u16) -> Self {
        let Some(operator) = operators.iter().find(|operator| operator.worker == worker) else {
            // Somebody else's by now, which is not for us to change.
            return if operators.is_empty() { Self::Vacant } else { Self::Ready };
        };
        match operator.status {
            OperatorStatus::Invited => Self::Invited,
            OperatorStatus::Active if operator.endpoint.as_deref() == Some(&local_url(port)) => Self::Ready,
            OperatorStatus::Active => Self::Active,
        }
    }
}

fn storage_step(key: &str, call: StorageCall, what: String) -> Step {
    Step { key: key.to_owned(), call: Call::Storage(call), what }
}

fn distribution_step(key: &str, call: DistributionCall, what: String) -> Step {
    Step { key: key.to_owned(), call: Call::Distribution(call), what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::up::plan::PortChoice;
    use argosy_api::genesis::GenesisFile;
    use argosy_directory::{BlockContext, Genesis, State, Transaction, state::StorageOperator};
    use argosy_domain::{DistributionBucketId, KeyScheme, Keypair};

    /// A directory without a node around it.
    struct Directory {
        genesis: Genesis,
        state: State,
    }

    impl Directory {
        fn new(storage: u16, distributors: u16) -> Self {
            let file: GenesisFile = plan::genesis(storage, distributors, 1_000).unwrap();
            let genesis = Genesis::try_from(file).unwrap();
            let mut state = State::from_genesis(&genesis).unwrap();
            state.begin_block(&BlockContext { height: 1, time_ms: 2_000, randomness: [7; 32] });
            Self { genesis, state }
        }

        fn sign(&mut self, step: &Step) {
            let key = Keypair::from_uri(KeyScheme::Sr25519, &step.key).unwrap();
            let nonce = self.state.nonce(&key.account());
            let payload =
                Transaction::sign(&key, self.genesis.hash(), nonce, 3_000, step.call.clone()).payload;
            let outcome = self.state.execute(&payload);
            assert_eq!(outcome.result, Ok(()), "{}", step.what);
        }

        fn view(&self) -> View {
            View {
                storage: self.storage(),
                distribution: self.distribution(),
                families: self
                    .state
                    .families()
                    .map(|(id, _)| FamilyView { id, buckets: Vec::new(), metadata: None })
                    .collect(),
                policies: [BagType::Member, BagType::Channel].map(|it| self.policy(it)).to_vec(),
            }
        }

        fn storage(&self) -> Vec<StorageBucketView> {
            let buckets = self.state.storage_buckets().map(|(id, bucket)| {
                let endpoint =
                    self.state.storage_operator_metadata(id).and_then(|metadata| metadata.endpoint.clone());
                let operator = |worker, status| OperatorView {
                    worker,
                    status,
                    endpoint: endpoint.clone(),
                    transactor: None,
                    metadata: None,
                    leaves_ms: None,
                };
                StorageBucketView {
                    id,
                    operator: match bucket.operator {
                        StorageOperator::Missing => None,
                        StorageOperator::Invited { worker } => {
                            Some(operator(worker, OperatorStatus::Invited))
                        }
                        StorageOperator::Active { worker, .. } => {
                            Some(operator(worker, OperatorStatus::Active))
                        }
                    },
                    accepting_new_bags: bucket.accepting_new_bags,
                    size_limit: bucket.voucher.size_limit,
                    objects_limit: bucket.voucher.objects_limit,
                    size_used: 0,
                    objects_used: 0,
                    assigned_bags: 0,
                    holdings_height: None,
                    holdings_except_count: 0,
                }
            });
            buckets.collect()
        }

        fn distribution(&self) -> Vec<DistributionBucketView> {
            let buckets = self.state.distribution_buckets().map(|(id, bucket)| {
                let view = |worker: &WorkerId, status| OperatorView {
                    worker: *worker,
                    status,
                    endpoint: self
                        .state
                        .distribution_operator_metadata(id, *worker)
                        .and_then(|metadata| metadata.endpoint.clone()),
                    transactor: None,
                    metadata: None,
                    leaves_ms: None,
                };
                let invited = bucket.pending_invitations.iter().map(|it| view(it, OperatorStatus::Invited));
                let active = bucket.operators.iter().map(|it| view(it, OperatorStatus::Active));
                DistributionBucketView {
                    id,
                    accepting_new_bags: bucket.accepting_new_bags,
                    distributing: bucket.distributing,
                    operators: invited.chain(active).collect(),
                    assigned_bags: 0,
                }
            });
            buckets.collect()
        }

        fn policy(&self, bag_type: BagType) -> PolicyView {
            let policy = self.state.policy(bag_type);
            PolicyView {
                bag_type: format!("{bag_type:?}"),
                storage_buckets: policy.number_of_storage_buckets,
                families: policy.families.iter().map(|(id, n)| (id.to_string(), *n)).collect(),
                data_size_fee: 0,
                data_object_state_bloat_bond: 0,
            }
        }
    }

    #[test]
    fn an_interrupted_start_goes_on_at_every_step() {
        let ports = Ports::choose(PortChoice::Usual, 2, 3).unwrap();
        let all = missing(&ports, &Directory::new(2, 3).view()).unwrap();
        assert!(all.len() > 20);
        for done in 0..=all.len() {
            let mut directory = Directory::new(2, 3);
            all[..done].iter().for_each(|step| directory.sign(step));
            let rest = missing(&ports, &directory.view()).unwrap();
            assert_eq!(rest, all[done..], "after {done} steps");
        }
    }

    #[test]
    fn a_node_that_has_moved_says_so() {
        let ports = Ports::choose(PortChoice::Usual, 2, 3).unwrap();
        let mut directory = Directory::new(2, 3);
        missing(&ports, &directory.view()).unwrap().iter().for_each(|step| directory.sign(step));
        let mut moved = ports.clone();
        moved.storage[1] = 9;
        moved.distributors[2].public = 10;
        let steps = missing(&moved, &directory.view()).unwrap();
        let keys: Vec<_> = steps.iter().map(|step| step.key.as_str()).collect();
        assert_eq!(keys, ["//storage-1", "//distributor-2"]);
        assert_eq!(distribution_bucket(2, 3), DistributionBucketId { family: FamilyId(0), index: 1 });
    }
}
