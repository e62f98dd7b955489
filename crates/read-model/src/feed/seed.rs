//! Rows of a whole state: how an index begins, from the genesis or from any later state.

use super::{
    Tip,
    content::{BAG, CHANNEL, MEMBER, OBJECT, SET, add_staking_account, owner, set_id, texts},
    council::{ONLY, accounts, action_text, bag_type_name},
    distribution::{self, family_metadata_cells, operator_id},
    groups::{APPLICATION, GROUP, OPENING, WORKER, kind_name, member_id},
    rows::{Cell, Rows},
    storage::{self, join_id, limits, metadata_cells},
};
use crate::{
    error::ApplyError,
    value::{flag, int, text, wide},
};
use argosy_directory::{
    State,
    state::{Application, DataObject, Opening, StorageBucket, StorageOperator, Tie, WORKING_GROUPS, Worker},
};
use argosy_domain::{
    ApplicationId, AssetSetId, BagId, BagType, DataObjectId, DistributionBucketId, OpeningId,
    StorageBucketId, WorkerId, WorkingGroup, num::to_u64,
};
use rusqlite::{Connection, types::Value};
use std::cell::Cell as Counter;

/// Rows after which they are put into the file, so that neither memory nor SQLite's log grows with the
/// state.
const BATCH_ROWS: u64 = 100_000;
/// Rows after which it is asked whether to go on.
const LOOK_ROWS: u64 = 1_000;

/// Why there is no index of the state.
pub(super) enum SeedError {
    /// Told to stop.
    Stopped,
    Apply(ApplyError),
}

impl<E: Into<ApplyError>> From<E> for SeedError {
    fn from(error: E) -> Self {
        Self::Apply(error.into())
    }
}

struct Seeder<'a> {
    rows: Rows<'a>,
    state: &'a State,
    /// When all of it was made, where that is known: at the genesis.
    made: Option<u64>,
    stop: &'a dyn Fn() -> bool,
    written: Counter<u64>,
}

/// Writes the rows of a state into empty tables, some at a time: until the tip is written too, the index
/// is not one.
pub(super) fn write(
    db: &Connection,
    network: &str,
    state: &State,
    tip: &Tip,
    stop: &dyn Fn() -> bool,
) -> Result<(), SeedError> {
    let rows = Rows { db, height: tip.height, time_ms: tip.time_ms };
    let made = (tip.height == 0).then_some(tip.time_ms);
    let seeder = Seeder { rows, state, made, stop, written: Counter::new(0) };
    db.execute_batch("BEGIN IMMEDIATE")?;
    let done = seeder.all(network);
    db.execute_batch(if done.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    done
}

impl Seeder<'_> {
    fn all(&self, network: &str) -> Result<(), SeedError> {
        self.settings(network)?;
        self.council()?;
        self.people()?;
        WORKING_GROUPS.into_iter().try_for_each(|group| self.group(group))?;
        self.storage_buckets()?;
        self.families()?;
        self.bags()?;
        self.objects()
    }

    fn insert(&self, table: &'static str, cells: &[Cell]) -> Result<(), SeedError> {
        self.rows.insert(table, cells)?;
        let written = self.written.get().saturating_add(1);
        self.written.set(written);
        if written.is_multiple_of(LOOK_ROWS) && (self.stop)() {
            return Err(SeedError::Stopped);
        }
        if written.is_multiple_of(BATCH_ROWS) {
            self.rows.db.execute_batch("COMMIT; BEGIN IMMEDIATE")?;
        }
        Ok(())
    }

    /// A time that no state keeps.
    fn made(&self) -> Value {
        self.made.map_or(Value::Null, int)
    }

    fn settings(&self, network: &str) -> Result<(), SeedError> {
        let (params, settings) = (self.state.params(), self.state.settings());
        self.insert(
            "DirectorySettings",
            &[
                ("id", text(ONLY)),
                ("network", text(network)),
                ("uploadingBlocked", flag(settings.uploading_blocked)),
                ("dataObjectPerMegabyteFee", wide(settings.data_object_per_megabyte_fee)),
                ("dataObjectStateBloatBond", wide(settings.data_object_state_bloat_bond)),
                ("storageBucketsPerBagLimit", int(settings.storage_buckets_per_bag_limit.into())),
                ("distributionBucketsPerBagLimit", int(settings.distribution_buckets_per_bag_limit.into())),
                ("voucherMaxObjectsSizeLimit", wide(settings.voucher_max_size_limit.into())),
                ("voucherMaxObjectsNumberLimit", wide(settings.voucher_max_objects_limit.into())),
                ("maxDataObjectSize", wide(params.max_data_object_size.into())),
                ("maxDistributionBucketFamilies", wide(params.max_distribution_bucket_families.into())),
                ("blacklistSizeLimit", wide(params.blacklist_size_limit.into())),
                ("maxStorageBucketsPerWorker", int(params.max_storage_buckets_per_worker.into())),
                ("maxAssetsPerSet", int(params.max_assets_per_set.into())),
                ("maxWorkersPerGroup", int(params.max_workers_per_group.into())),
                ("transactionFee", wide(params.transaction_fee)),
                ("transactionByteFee", wide(params.transaction_byte_fee)),
                ("transactionWeightFee", wide(params.transaction_weight_fee)),
                ("rewardPeriodMs", wide(params.reward_period_ms.into())),
                ("minUnstakingPeriodMs", wide(params.min_unstaking_period_ms.into())),
                ("minApplicationStake", wide(params.min_application_stake)),
                ("openingDeposit", wide(params.opening_deposit)),
                ("resignationNoticeMs", wide(params.resignation_notice_ms.into())),
                ("proposalLifeMs", wide(params.proposal_life_ms.into())),
            ],
        )?;
        for bag_type in [BagType::Member, BagType::Channel] {
            let (name, policy) = (bag_type_name(bag_type), self.state.policy(bag_type));
            let number = int(policy.number_of_storage_buckets.into());
            self.insert(
                "DynamicBagCreationPolicy",
                &[("id", text(name)), ("numberOfStorageBuckets", number)],
            )?;
            for (family, number) in &policy.families {
                super::council::add_policy_family(&self.rows, name, *family, *number)?;
            }
        }
        for id in self.state.blacklist() {
            self.insert("BlacklistedContent", &[("id", text(id)), ("addedAt", self.made())])?;
        }
        Ok(())
    }

    fn council(&self) -> Result<(), SeedError> {
        let council = self.state.council();
        self.insert(
            "Council",
            &[
                ("id", text(ONLY)),
                ("keys", accounts(&council.keys)),
                ("threshold", int(council.threshold.into())),
                ("secretary", council.secretary.map_or(Value::Null, text)),
            ],
        )?;
        for (id, proposal) in self.state.proposals() {
            let (action, truncated) = action_text(&proposal.action);
            self.insert(
                "CouncilProposal",
                &[
                    ("id", text(id)),
                    ("status", text("OPEN")),
                    ("approvals", accounts(&proposal.approvals)),
                    ("action", action),
                    ("actionTruncated", truncated),
                    ("createdAt", self.made()),
                ],
            )?;
        }
        for (id, release) in self.state.releases() {
            self.insert(
                "Release",
                &[
                    ("id", text(id)),
                    ("program", text(&release.program)),
                    ("version", text(&release.version)),
                    ("publishedAt", int(release.published_ms)),
                    ("runBy", int(release.run_by_ms)),
                ],
            )?;
        }
        Ok(())
    }

    fn people(&self) -> Result<(), SeedError> {
        for (id, member) in self.state.members() {
            self.insert(
                MEMBER,
                &[
                    ("id", text(id)),
                    ("handle", text(&member.handle)),
                    ("controllerAccount", text(member.account)),
                    ("rootAccount", text(member.root)),
                    ("stakingAccounts", text("[]")),
                    ("createdAt", self.made()),
                ],
            )?;
        }
        for (account, member) in self.state.staking_accounts() {
            add_staking_account(&self.rows, member, &account)?;
        }
        for (id, channel) in self.state.channels() {
            let collaborators: Vec<String> = channel.collaborators.iter().map(ToString::to_string).collect();
            self.insert(
                CHANNEL,
                &[
                    ("id", text(id)),
                    ("owner", text(channel.owner)),
                    ("collaborators", texts(&collaborators)),
                    ("bag", text(BagId::channel(id))),
                    ("createdAt", self.made()),
                ],
            )?;
        }
        Ok(())
    }

    fn group(&self, group: WorkingGroup) -> Result<(), SeedError> {
        let lead = self.state.lead(group);
        let hash = self.state.group_settings(group).and_then(|settings| settings.status_text);
        self.insert(
            GROUP,
            &[
                ("id", text(group.name())),
                ("lead", lead.map_or(Value::Null, |lead| text(member_id(group, lead.0)))),
                ("budget", wide(self.state.budget(group))),
                ("statusTextHash", hash.map_or(Value::Null, |hash| text(hex::encode(hash)))),
            ],
        )?;
        for (id, worker) in self.state.workers(group) {
            self.worker(group, id, worker, lead == Some(id))?;
        }
        for (id, opening) in self.state.openings(group) {
            self.opening(group, id, opening)?;
        }
        for (id, application) in self.state.applications(group) {
            self.application(group, id, application)?;
        }
        Ok(())
    }

    fn worker(
        &self,
        group: WorkingGroup,
        id: WorkerId,
        worker: &Worker,
        is_lead: bool,
    ) -> Result<(), SeedError> {
        let status = if worker.leaves_ms.is_some() { "LEAVING" } else { "ACTIVE" };
        self.insert(
            WORKER,
            &[
                ("id", text(member_id(group, id.0))),
                ("group", text(group.name())),
                ("runtimeId", int(id.0)),
                ("member", text(worker.member)),
                ("status", text(status)),
                ("isLead", flag(is_lead)),
                ("roleAccount", text(worker.role_account)),
                ("rewardAccount", text(worker.reward_account)),
                ("stakingAccount", text(worker.staking_account)),
                ("stake", wide(worker.stake)),
                ("rewardPerPeriod", wide(worker.reward_per_period)),
                ("rewardsPaid", self.made.map_or(Value::Null, |_| wide(0))),
                ("hiredAt", int(worker.hired_ms)),
                ("leavesAt", worker.leaves_ms.map_or(Value::Null, int)),
            ],
        )
    }

    fn opening(&self, group: WorkingGroup, id: OpeningId, opening: &Opening) -> Result<(), SeedError> {
        self.insert(
            OPENING,
            &[
                ("id", text(member_id(group, id.0))),
                ("group", text(group.name())),
                ("runtimeId", int(id.0)),
                ("kind", text(kind_name(opening.kind))),
                ("status", text("OPEN")),
                ("descriptionHash", text(hex::encode(opening.description))),
                ("stake", wide(opening.stake)),
                ("unstakingPeriodMs", wide(opening.unstaking_period_ms.into())),
                ("rewardPerPeriod", wide(opening.reward_per_period)),
                ("createdAt", int(opening.created_ms)),
            ],
        )
    }

    fn application(
        &self,
        group: WorkingGroup,
        id: ApplicationId,
        application: &Application,
    ) -> Result<(), SeedError> {
        self.insert(
            APPLICATION,
            &[
                ("id", text(member_id(group, id.0))),
                ("group", text(group.name())),
                ("runtimeId", int(id.0)),
                ("opening", text(member_id(group, application.opening.0))),
                ("member", text(application.member)),
                ("status", text("PENDING")),
                ("roleAccount", text(application.role_account)),
                ("rewardAccount", text(application.reward_account)),
                ("stakingAccount", text(application.staking_account)),
                ("stake", wide(application.stake)),
                ("descriptionHash", text(hex::encode(application.description))),
                ("createdAt", self.made()),
            ],
        )
    }

    fn storage_buckets(&self) -> Result<(), SeedError> {
        for (id, bucket) in self.state.storage_buckets() {
            self.storage_bucket(id, bucket)?;
            if let Some(metadata) = self.state.storage_operator_metadata(id) {
                let owner = ("storageBucket", text(id));
                self.insert(storage::METADATA, &metadata_cells(&id.to_string(), owner, metadata))?;
            }
        }
        Ok(())
    }

    fn storage_bucket(&self, id: StorageBucketId, bucket: &StorageBucket) -> Result<(), SeedError> {
        let [size, objects] = limits(bucket.voucher.size_limit, bucket.voucher.objects_limit);
        let [status, worker, transactor] = storage::operator_cells(&bucket.operator);
        let report = self.state.holding_report(id);
        let resigns = match bucket.operator {
            StorageOperator::Active { worker, .. } => self.state.resignation(&Tie::Storage(id, worker)),
            StorageOperator::Missing | StorageOperator::Invited { .. } => None,
        };
        self.insert(
            storage::BUCKET,
            &[
                ("id", text(id)),
                status,
                worker,
                transactor,
                ("acceptingNewBags", flag(bucket.accepting_new_bags)),
                size,
                objects,
                ("dataObjectsCount", wide(bucket.voucher.objects_used.into())),
                ("dataObjectsSize", wide(bucket.voucher.size_used.into())),
                ("createdAt", self.made()),
                ("holdingsHeight", report.map_or(Value::Null, |report| int(report.height))),
                (
                    "holdingsExceptCount",
                    report.map_or(Value::Null, |report| int(to_u64(report.except.len()))),
                ),
                ("resignsAt", resigns.map_or(Value::Null, int)),
            ],
        )
    }

    fn families(&self) -> Result<(), SeedError> {
        for (id, _) in self.state.families() {
            self.insert(distribution::FAMILY, &[("id", text(id)), ("createdAt", self.made())])?;
            if let Some(metadata) = self.state.family_metadata(id) {
                self.insert(distribution::FAMILY_METADATA, &family_metadata_cells(id, metadata))?;
            }
        }
        for (id, bucket) in self.state.distribution_buckets() {
            self.insert(
                distribution::BUCKET,
                &[
                    ("id", text(id)),
                    ("family", text(id.family)),
                    ("bucketIndex", int(id.index)),
                    ("acceptingNewBags", flag(bucket.accepting_new_bags)),
                    ("distributing", flag(bucket.distributing)),
                    ("createdAt", self.made()),
                ],
            )?;
            let invited = bucket.pending_invitations.iter().map(|worker| (*worker, "INVITED"));
            let active = bucket.operators.iter().map(|worker| (*worker, "ACTIVE"));
            for (worker, status) in invited.chain(active) {
                self.distribution_operator(id, worker, status)?;
            }
        }
        Ok(())
    }

    fn distribution_operator(
        &self,
        bucket: DistributionBucketId,
        worker: WorkerId,
        status: &str,
    ) -> Result<(), SeedError> {
        let id = operator_id(bucket, worker);
        let resigns = self.state.resignation(&Tie::Distribution(bucket, worker));
        self.insert(
            distribution::OPERATOR,
            &[
                ("id", text(&id)),
                ("distributionBucket", text(bucket)),
                ("workerId", int(worker.0)),
                ("status", text(status)),
                ("resignsAt", resigns.map_or(Value::Null, int)),
            ],
        )?;
        let Some(metadata) = self.state.distribution_operator_metadata(bucket, worker) else { return Ok(()) };
        let owner = ("distirbutionBucketOperator", text(&id));
        self.insert(distribution::METADATA, &metadata_cells(&id, owner, metadata))
    }

    fn bags(&self) -> Result<(), SeedError> {
        for (id, bag) in self.state.bags() {
            let [kind, group, member, channel] = owner(&id);
            self.insert(
                BAG,
                &[
                    ("id", text(id)),
                    kind,
                    group,
                    member,
                    channel,
                    ("isPrivate", flag(bag.private)),
                    ("createdAt", self.made()),
                ],
            )?;
            for (bucket, height) in &bag.stored_by {
                self.insert(
                    storage::JOIN,
                    &[
                        ("id", text(join_id(*bucket, &id))),
                        ("storageBucket", text(bucket)),
                        ("bag", text(id)),
                        ("assignedInBlock", int(*height)),
                    ],
                )?;
            }
            for bucket in &bag.distributed_by {
                self.insert(
                    distribution::JOIN,
                    &[
                        ("id", text(distribution::join_id(*bucket, &id))),
                        ("distributionBucket", text(bucket)),
                        ("bag", text(id)),
                        ("assignedInBlock", Value::Null),
                    ],
                )?;
            }
        }
        let sets = (0..self.state.settings().next_asset_set.0).map(AssetSetId);
        for set in sets.filter_map(|id| self.state.asset_set(id)) {
            self.insert(
                SET,
                &[
                    ("id", text(set_id(set.bag, &set.name))),
                    ("bag", text(BagId::Dynamic(set.bag))),
                    ("name", text(&set.name)),
                    ("createdAt", self.made()),
                ],
            )?;
        }
        Ok(())
    }

    fn objects(&self) -> Result<(), SeedError> {
        for id in (0..self.state.next_object_id().0).map(DataObjectId) {
            if let Some(object) = self.state.object(id) {
                self.object(id, &object)?;
            }
        }
        Ok(())
    }

    fn object(&self, id: DataObjectId, object: &DataObject) -> Result<(), SeedError> {
        let set = object.asset_set.and_then(|id| self.state.asset_set(id));
        self.insert(
            OBJECT,
            &[
                ("id", text(id)),
                ("createdAt", self.made()),
                ("isAccepted", flag(object.accepted.is_some())),
                // The first one that did; which was the last is history.
                (
                    "acceptingBucketId",
                    object.accepted.map_or(Value::Null, |accepted| wide(accepted.bucket.0.into())),
                ),
                ("size", wide(object.size.into())),
                ("storageBag", text(object.bag)),
                ("ipfsHash", text(object.content_id)),
                ("stateBloatBond", wide(object.bond)),
                ("assetSet", set.map_or(Value::Null, |set| text(set_id(set.bag, &set.name)))),
            ],
        )
    }
}
