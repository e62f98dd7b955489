//! Random calls in the small network, most of them possible.

use super::support::{accept, accept_storage, account, distribution, ids, key, operator_metadata, upload};
use argosy_directory::{
    BatchCall, BatchMode, Call, ContentCall, CouncilAction, CouncilCall, DistributionCall, GroupCall,
    MembershipCall, StorageCall, call::Parameter, state::OpeningKind,
};
use argosy_domain::{
    ApplicationId, BagId, BagType, ChannelId, DynamicBagId, FamilyId, MemberId, OpeningId, ProposalId,
    StaticBagId, StorageBucketId, WorkerId, WorkingGroup,
};
use std::collections::BTreeSet;

/// Small numbers out of one seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Below `end`.
    pub(crate) fn roll(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    /// Below `end`.
    pub(crate) fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.roll(u64::try_from(end).unwrap())).unwrap()
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.roll(2) == 0
    }

    fn set<T: Ord>(&mut self, end: u64, most: u64, make: impl Fn(u64) -> T) -> BTreeSet<T> {
        (0..self.roll(most + 1)).map(|_| make(self.roll(end))).collect()
    }

    fn bag(&mut self) -> BagId {
        match self.roll(10) {
            0 => BagId::Static(StaticBagId::Council),
            1 => BagId::Static(StaticBagId::WorkingGroup(WorkingGroup::Storage)),
            2 => BagId::member(MemberId(self.roll(2))),
            _ => BagId::channel(ChannelId(1 + self.roll(5))),
        }
    }

    fn bucket(&mut self) -> StorageBucketId {
        StorageBucketId(self.roll(5))
    }

    fn worker(&mut self) -> WorkerId {
        WorkerId(self.roll(5))
    }

    fn family(&mut self) -> FamilyId {
        FamilyId(self.roll(3))
    }

    fn person(&mut self) -> &'static str {
        if self.coin() { "ann" } else { "bob" }
    }

    fn council_key(&mut self) -> &'static str {
        ["c1", "c2", "c3"][usize::try_from(self.roll(3)).unwrap()]
    }

    /// Who signs what.
    pub(crate) fn call(&mut self) -> (String, Call) {
        match self.roll(14) {
            0..=3 => self.content(),
            4..=6 => self.storage(),
            7..=9 => self.distribution(),
            10 => self.group(),
            11 => self.council(),
            12 => self.membership(),
            _ => {
                let (signer, first) = self.storage_lead();
                let mut calls = vec![first];
                calls.extend((0..self.roll(3)).map(|_| self.storage_lead().1));
                let mode = if self.coin() { BatchMode::AllOrNothing } else { BatchMode::EachOnItsOwn };
                (signer, Call::Batch(BatchCall { mode, calls }))
            }
        }
    }

    fn uploads(&mut self) -> argosy_directory::call::ObjectsUpload {
        let first = self.roll(1_000);
        upload(first..first + self.roll(4))
    }

    fn content(&mut self) -> (String, Call) {
        let chosen = |dice: &mut Self| {
            let explicit = dice.roll(3) == 0;
            let storage = dice.set(5, 2, StorageBucketId);
            let delivery = dice.set(4, 2, |n| distribution(n % 2, n / 2));
            if explicit { (Some(storage), Some(delivery)) } else { (None, None) }
        };
        let remove = self.set(60, 3, argosy_domain::DataObjectId);
        let dynamic = DynamicBagId::Channel(ChannelId(1 + self.roll(4)));
        let name = format!("set-{}", self.roll(2));
        let upload = self.uploads();
        let (storage_buckets, distribution_buckets) = chosen(self);
        let person = self.person();
        let member = MemberId(u64::from(person == "bob"));
        let call = match self.roll(13) {
            0 | 1 => {
                ContentCall::CreateChannel { owner: member, upload, storage_buckets, distribution_buckets }
            }
            2 => ContentCall::DeleteChannel { channel: ChannelId(1 + self.roll(4)) },
            3 | 4 => ContentCall::UploadDataObjects { bag: self.bag(), upload },
            5 => ContentCall::DeleteDataObjects { bag: self.bag(), objects: remove },
            6 => ContentCall::UploadAndDeleteDataObjects { bag: self.bag(), upload, remove },
            7 => {
                ContentCall::MoveDataObjects { source: self.bag(), destination: self.bag(), objects: remove }
            }
            8 => ContentCall::SetBagPrivacy { bag: self.bag(), private: self.coin() },
            9 => ContentCall::CreateMemberBag { member, upload, storage_buckets, distribution_buckets },
            10 => ContentCall::DeleteMemberBag { member },
            11 => ContentCall::CreateAssetSet { bag: dynamic, name, upload },
            _ if self.coin() => ContentCall::UpdateAssetSet { bag: dynamic, name, upload, remove },
            _ => ContentCall::DeleteAssetSet { bag: dynamic, name },
        };
        (person.into(), Call::Content(call))
    }

    fn storage_lead(&mut self) -> (String, Call) {
        let bucket = self.bucket();
        let call = match self.roll(12) {
            0 | 1 => {
                return ("slead".into(), super::support::storage_bucket(self.coin().then(|| self.roll(5))));
            }
            2 => StorageCall::DeleteStorageBucket { bucket },
            3 => StorageCall::InviteStorageBucketOperator { bucket, worker: self.worker() },
            4 => StorageCall::CancelStorageBucketOperatorInvite { bucket },
            5 => StorageCall::RemoveStorageBucketOperator { bucket },
            6 => StorageCall::UpdateStorageBucketStatus { bucket, accepting_new_bags: self.coin() },
            7 => StorageCall::SetStorageBucketVoucherLimits {
                bucket,
                size_limit: self.roll(u64::MAX),
                objects_limit: self.roll(50),
            },
            8 => StorageCall::UpdateStorageBucketsPerBagLimit {
                limit: 1 + u32::try_from(self.roll(9)).unwrap(),
            },
            9 => StorageCall::UpdateStorageBucketsForBag {
                bag: self.bag(),
                add: self.set(5, 2, StorageBucketId),
                remove: self.set(5, 2, StorageBucketId),
            },
            10 => StorageCall::UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy {
                bag_type: BagType::Channel,
                number: 1 + u32::try_from(self.roll(2)).unwrap(),
            },
            _ => StorageCall::UpdateStorageBucketsVoucherMaxLimits {
                size_limit: 1 << 60,
                objects_limit: 1 << 40,
            },
        };
        ("slead".into(), Call::Storage(call))
    }

    fn storage(&mut self) -> (String, Call) {
        let (worker, bucket) = (1 + self.roll(3), self.roll(5));
        let (name, transactor) = (format!("s{worker}"), format!("t{worker}"));
        let id = StorageBucketId(bucket);
        match self.roll(8) {
            0 | 1 => self.storage_lead(),
            2 => (name, accept_storage(worker, bucket)),
            3 => (name, super::support::storage_metadata(worker, bucket, "https://s.example/")),
            4 | 5 => {
                let first = self.roll(60);
                (transactor, accept(worker, bucket, self.bag(), first..=first + self.roll(2)))
            }
            6 => {
                let except = ids(self.set(60, 2, |n| n));
                let call =
                    StorageCall::ReportHoldings { worker: WorkerId(worker), bucket: id, height: 1, except };
                (transactor, Call::Storage(call))
            }
            _ => {
                let worker = WorkerId(worker);
                let decline = self.coin();
                (
                    name,
                    Call::Storage(if decline {
                        StorageCall::DeclineStorageBucketInvitation { worker, bucket: id }
                    } else {
                        StorageCall::ResignFromStorageBucket { worker, bucket: id }
                    }),
                )
            }
        }
    }

    fn distribution(&mut self) -> (String, Call) {
        let bucket = distribution(self.roll(2), self.roll(3));
        let number = 1 + self.roll(3);
        let (name, worker) = (format!("d{number}"), WorkerId(number));
        let by_worker = match self.roll(9) {
            0 | 1 => Some(DistributionCall::AcceptDistributionBucketInvitation { worker, bucket }),
            2 => Some(DistributionCall::SetDistributionOperatorMetadata {
                worker,
                bucket,
                metadata: operator_metadata("https://d.example/"),
            }),
            3 => Some(DistributionCall::DeclineDistributionBucketInvitation { worker, bucket }),
            4 => Some(DistributionCall::ResignFromDistributionBucket { worker, bucket }),
            _ => None,
        };
        if let Some(call) = by_worker {
            return (name, Call::Distribution(call));
        }
        let (family, accepting_new_bags) = (self.family(), self.coin());
        let call = match self.roll(11) {
            0 => DistributionCall::CreateDistributionBucketFamily,
            1 => DistributionCall::DeleteDistributionBucketFamily { family },
            2 | 3 => DistributionCall::CreateDistributionBucket { family, accepting_new_bags },
            4 => DistributionCall::DeleteDistributionBucket { bucket },
            5 => DistributionCall::UpdateDistributionBucketMode { bucket, distributing: accepting_new_bags },
            6 => DistributionCall::UpdateDistributionBucketsForBag {
                bag: self.bag(),
                family,
                add: self.set(3, 2, |n| n),
                remove: self.set(3, 2, |n| n),
            },
            7 | 8 => DistributionCall::InviteDistributionBucketOperator { bucket, worker },
            9 => DistributionCall::RemoveDistributionBucketOperator { bucket, worker },
            _ => DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy {
                bag_type: BagType::Channel,
                families: [(family, 1)].into(),
            },
        };
        ("dlead".into(), Call::Distribution(call))
    }

    fn terms(&mut self, kind: OpeningKind) -> GroupCall {
        GroupCall::AddOpening {
            kind,
            description: [1; 32],
            stake: self.roll(100).into(),
            unstaking_period_ms: self.roll(20_000),
            reward_per_period: self.coin().then(|| (1 + self.roll(50)).into()),
        }
    }

    fn group(&mut self) -> (String, Call) {
        let group = if self.roll(4) == 0 { WorkingGroup::Attestation } else { WorkingGroup::Storage };
        let (opening, application) = (OpeningId(self.roll(4)), ApplicationId(self.roll(4)));
        let worker = self.worker();
        let person = self.person();
        let lead = "slead";
        let (signer, call) = match self.roll(15) {
            0 | 1 => (lead, self.terms(OpeningKind::Regular)),
            2 | 3 => (
                person,
                GroupCall::ApplyOnOpening {
                    opening,
                    member: MemberId(u64::from(person == "bob")),
                    role_account: account("s4"),
                    reward_account: account("s4"),
                    staking_account: account(person),
                    stake: (self.roll(10) * 100).into(),
                    description: [2; 32],
                },
            ),
            4 | 5 => (lead, GroupCall::FillOpening { opening, applications: [application].into() }),
            6 => ("s4", GroupCall::WithdrawApplication { application }),
            7 => (lead, GroupCall::CancelOpening { opening }),
            8 => (lead, GroupCall::UpdateRewardAmount { worker, reward_per_period: Some(7) }),
            9 => (lead, GroupCall::SlashStake { worker, amount: (1 + self.roll(50)).into() }),
            10 => (lead, GroupCall::TerminateRole { worker, slash: self.coin().then_some(5) }),
            11 => ("s4", GroupCall::LeaveRole { worker }),
            12 => (person, GroupCall::FundBudget { amount: (1 + self.roll(90)).into() }),
            13 => {
                (lead, GroupCall::SpendFromBudget { to: account("bob"), amount: (1 + self.roll(9)).into() })
            }
            _ => ("s4", GroupCall::IncreaseStake { worker, amount: 3 }),
        };
        (signer.into(), Call::Group { group, call })
    }

    fn council(&mut self) -> (String, Call) {
        let proposal = ProposalId(self.roll(8));
        let group = WorkingGroup::Attestation;
        let action = match self.roll(8) {
            0 => CouncilAction::FundGroup { group: WorkingGroup::Storage, amount: 500 },
            1 => CouncilAction::SetGroupBudget {
                group: WorkingGroup::Storage,
                amount: self.roll(2_000).into(),
            },
            2 => CouncilAction::PublishRelease { program: "p".into(), version: "1".into(), run_by_ms: 5 },
            3 => CouncilAction::SetParameter { parameter: Parameter::MaxAssetsPerSet(10) },
            4 => CouncilAction::ReplaceKeys {
                keys: ["c1", "c2", "c3"].map(account).into(),
                threshold: 1 + u32::try_from(self.roll(2)).unwrap(),
            },
            5 => CouncilAction::SetSecretary { account: self.coin().then(|| account("ann")) },
            6 => CouncilAction::Group { group, call: self.terms(OpeningKind::Leader) },
            _ => CouncilAction::Group {
                group,
                call: GroupCall::FillOpening {
                    opening: OpeningId(self.roll(2)),
                    applications: [ApplicationId(self.roll(2))].into(),
                },
            },
        };
        let call = match self.roll(5) {
            0 | 1 => CouncilCall::Propose { action },
            2 | 3 => CouncilCall::Approve { proposal },
            _ => CouncilCall::Withdraw { proposal },
        };
        (self.council_key().into(), Call::Council(call))
    }

    fn membership(&mut self) -> (String, Call) {
        let person = self.person();
        let member = MemberId(u64::from(person == "bob"));
        let call = match self.roll(4) {
            0 => MembershipCall::CreateMember { handle: format!("m{}", self.roll(20)) },
            1 => MembershipCall::ConfirmStakingAccount { member },
            2 => MembershipCall::RemoveStakingAccount,
            _ => MembershipCall::UpdateMemberAccounts {
                member,
                root: self.coin().then(|| key(person).account()),
                controller: None,
            },
        };
        (person.into(), Call::Membership(call))
    }
}
