//! Random calls in a small world, whose ids and signers are mostly valid.

mod groups;

use super::account;
use crate::{
    BatchCall, BatchMode, Call, ContentCall, DistributionCall, MembershipCall, State, StorageCall,
    call::{ObjectCreation, ObjectsUpload},
};
use alloc::{collections::BTreeSet, format, string::ToString, vec::Vec};
use argosy_domain::{
    AccountId, BagId, BagType, ChannelId, ContentId, DataObjectId, DistributionBucketId, DynamicBagId,
    FamilyId, MemberId, StaticBagId, StorageBucketId, WorkerId, WorkingGroup,
    metadata::encode_operator_metadata,
    num::{to_u64, to_usize},
};

/// Small numbers out of one seed. A step is one seed, so that a failing run shrinks step by step.
pub(crate) struct Dice<'a> {
    pub(crate) seed: u64,
    /// Where the ids come from that exist.
    pub(crate) state: &'a State,
}

impl Dice<'_> {
    /// Below `end`.
    pub(crate) fn roll(&mut self, end: u64) -> u64 {
        // SplitMix64.
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.roll(2) == 0
    }

    fn set<T: Ord>(&mut self, end: u64, most: u64, make: impl Fn(u64) -> T) -> BTreeSet<T> {
        (0..self.roll(most + 1)).map(|_| make(self.roll(end))).collect()
    }

    /// Mostly one of `live`; else, or if there is none, the one that may not exist.
    fn one_of<T>(&mut self, live: impl Iterator<Item = T>, other: T) -> T {
        let mut live: Vec<T> = live.collect();
        if live.is_empty() || self.roll(12) == 0 {
            return other;
        }
        let position = self.roll(to_u64(live.len()));
        live.swap_remove(to_usize(position))
    }

    fn channel(&mut self) -> ChannelId {
        let state = self.state;
        self.one_of(state.channels().map(|(id, _)| id), ChannelId(1))
    }

    fn bag(&mut self) -> BagId {
        match self.roll(8) {
            0 => BagId::Static(StaticBagId::Council),
            1 => BagId::Static(StaticBagId::WorkingGroup(WorkingGroup::Storage)),
            2 => BagId::member(MemberId(self.roll(2))),
            _ => BagId::channel(self.channel()),
        }
    }

    fn storage(&mut self) -> StorageBucketId {
        let state = self.state;
        self.one_of(state.storage_buckets().map(|(id, _)| id), StorageBucketId(1))
    }

    fn family(&mut self) -> FamilyId {
        let state = self.state;
        self.one_of(state.families().map(|(id, _)| id), FamilyId(1))
    }

    pub(crate) fn distribution(&mut self) -> DistributionBucketId {
        let other = DistributionBucketId { family: self.family(), index: 1 };
        let state = self.state;
        self.one_of(state.distribution_buckets().map(|(id, _)| id), other)
    }

    fn object(&mut self) -> DataObjectId {
        let state = self.state;
        let live = state.bags().flat_map(|(id, _)| state.bag_objects(&id));
        self.one_of(live, DataObjectId(1))
    }

    /// Storage buckets to remove from a bag, and to add to it.
    fn storage_sets(&mut self, bag: &BagId) -> (BTreeSet<StorageBucketId>, BTreeSet<StorageBucketId>) {
        let stored: Vec<_> =
            self.state.bag(bag).into_iter().flat_map(|bag| bag.stored_by.into_keys()).collect();
        let add = (0..self.roll(3)).map(|_| self.storage()).filter(|id| !stored.contains(id)).collect();
        let remove = if self.coin() {
            [self.one_of(stored.into_iter(), StorageBucketId(0))].into()
        } else {
            BTreeSet::new()
        };
        (remove, add)
    }

    fn worker(&mut self) -> WorkerId {
        WorkerId(self.roll(4))
    }

    fn bag_type(&mut self) -> BagType {
        if self.roll(4) == 0 { BagType::Member } else { BagType::Channel }
    }

    fn metadata(&mut self) -> Vec<u8> {
        if self.roll(5) == 0 {
            [255].into()
        } else {
            encode_operator_metadata(&format!("http://a:{}", 1 + self.roll(9)))
        }
    }

    pub(crate) fn upload(&mut self) -> ObjectsUpload {
        let creation = |size: u64| ObjectCreation {
            size,
            ipfs_content_id: ContentId::of(&size.to_le_bytes()).to_string().into_bytes(),
        };
        let object_creation_list = (0..self.roll(4)).map(|_| creation(self.roll(30))).collect();
        // Now and then a quote of yesterday.
        let stale = u128::from(self.roll(30) == 0);
        ObjectsUpload {
            object_creation_list,
            expected_data_size_fee: self.state.data_size_fee() + stale,
            expected_data_object_state_bloat_bond: self.state.data_object_bond(),
        }
    }

    /// Who should sign, and what.
    pub(crate) fn call(&mut self) -> (AccountId, Call) {
        if self.roll(12) == 0 {
            return self.batch();
        }
        let (mut signer, call) = match self.roll(15) {
            0..=2 => self.content(),
            3..=4 => self.storage_lead(),
            5..=6 => self.storage_worker(),
            7..=8 => self.distribution_lead(),
            9 => self.distribution_worker(),
            10..=11 => self.assets(),
            _ => self.group(),
        };
        if self.roll(20) == 0 {
            signer = account("stranger");
        }
        (signer, call)
    }

    /// Calls of one signer; the last one may be another's.
    fn batch(&mut self) -> (AccountId, Call) {
        let mode = if self.coin() { BatchMode::AllOrNothing } else { BatchMode::EachOnItsOwn };
        let mut make: fn(&mut Self) -> (AccountId, Call) = Self::storage_lead;
        if self.coin() {
            make = Self::assets;
        }
        let (signer, first) = make(self);
        let mut calls: Vec<Call> = [first].into();
        for _ in 0..self.roll(4) {
            let (by, call) = make(self);
            if by == signer || self.roll(8) == 0 {
                calls.push(call);
            }
        }
        (signer, Call::Batch(BatchCall { mode, calls }))
    }

    /// Members' bags, sets, updates, moves, collaborators and privacy.
    fn assets(&mut self) -> (AccountId, Call) {
        let state = self.state;
        let member = MemberId(self.roll(2));
        let signer = account(if member.0 == 0 { "ann" } else { "bob" });
        let bag = self.bag();
        let dynamic = match bag {
            BagId::Dynamic(dynamic) => dynamic,
            BagId::Static(_) => DynamicBagId::Member(member),
        };
        let name = format!("set.{}", self.roll(3));
        let some: BTreeSet<DataObjectId> =
            state.bag_objects(&bag).iter().copied().filter(|_| self.roll(3) == 0).collect();
        let call = match self.roll(12) {
            0 => ContentCall::CreateMemberBag {
                member,
                upload: self.upload(),
                storage_buckets: self.coin().then(|| [self.storage()].into()),
                distribution_buckets: None,
            },
            1 => ContentCall::DeleteMemberBag { member },
            2..=4 => ContentCall::CreateAssetSet { bag: dynamic, name, upload: self.upload() },
            5 => {
                let set = state.asset_set_by_name(BagId::Dynamic(dynamic), &name);
                let all = set.and_then(|set| state.asset_set(set)).map(|set| set.objects.clone());
                let remove = all.into_iter().flatten().take(to_usize(self.roll(2))).collect();
                ContentCall::UpdateAssetSet { bag: dynamic, name, upload: self.upload(), remove }
            }
            6 => ContentCall::DeleteAssetSet { bag: dynamic, name },
            7..=8 => ContentCall::UploadAndDeleteDataObjects { bag, upload: self.upload(), remove: some },
            9 => ContentCall::MoveDataObjects { source: bag, destination: self.bag(), objects: some },
            10 => ContentCall::SetBagPrivacy { bag, private: self.coin() },
            _ => ContentCall::UpdateChannelCollaborators {
                channel: self.channel(),
                collaborators: self.set(3, 2, MemberId),
            },
        };
        (signer, Call::Content(call))
    }

    fn content(&mut self) -> (AccountId, Call) {
        let state = self.state;
        let owner = MemberId(self.roll(2));
        let signer = account(if owner.0 == 0 { "ann" } else { "bob" });
        let call = match self.roll(8) {
            0 => {
                let handle = format!("m{}", self.roll(5));
                return (signer, Call::Membership(MembershipCall::CreateMember { handle }));
            }
            1..=2 => ContentCall::CreateChannel {
                owner,
                upload: self.upload(),
                storage_buckets: self.coin().then(|| [self.storage()].into()),
                distribution_buckets: None,
            },
            3 => ContentCall::DeleteChannel { channel: self.channel() },
            4..=6 => ContentCall::UploadDataObjects { bag: self.bag(), upload: self.upload() },
            _ => {
                let object = self.object();
                let bag = state.object(object).map_or_else(|| self.bag(), |object| object.bag);
                ContentCall::DeleteDataObjects { bag, objects: [object].into() }
            }
        };
        (signer, Call::Content(call))
    }

    fn storage_lead(&mut self) -> (AccountId, Call) {
        let bucket = self.storage();
        let accepting_new_bags = self.roll(4) != 0;
        let (size_limit, objects_limit) = (self.roll(220), self.roll(22));
        let call = match self.roll(17) {
            14 => StorageCall::UpdateDataSizeFee { fee: self.roll(4).into() },
            15 => StorageCall::UpdateDataObjectStateBloatBond { bond: self.roll(9).into() },
            16 => {
                let cid = |size: u64| ContentId::of(&size.to_le_bytes()).to_string().into_bytes();
                let (remove, add) = (self.set(30, 3, cid), self.set(30, 2, cid));
                StorageCall::UpdateBlacklist { remove, add }
            }
            0..=2 => StorageCall::CreateStorageBucket {
                invite_worker: self.coin().then(|| self.worker()),
                accepting_new_bags,
                size_limit,
                objects_limit,
            },
            3 => StorageCall::DeleteStorageBucket { bucket },
            4..=5 => StorageCall::InviteStorageBucketOperator { bucket, worker: self.worker() },
            6 => StorageCall::CancelStorageBucketOperatorInvite { bucket },
            7 => StorageCall::RemoveStorageBucketOperator { bucket },
            8 => StorageCall::UpdateStorageBucketStatus { bucket, accepting_new_bags },
            9 => StorageCall::SetStorageBucketVoucherLimits { bucket, size_limit, objects_limit },
            10 => StorageCall::UpdateStorageBucketsPerBagLimit { limit: self.roll(6).try_into().unwrap() },
            11 => StorageCall::UpdateNumberOfStorageBucketsInDynamicBagCreationPolicy {
                bag_type: self.bag_type(),
                number: self.roll(4).try_into().unwrap(),
            },
            12 => StorageCall::UpdateUploadingBlockedStatus { blocked: self.roll(4) == 0 },
            _ => {
                let bag = self.bag();
                let (remove, add) = self.storage_sets(&bag);
                StorageCall::UpdateStorageBucketsForBag { bag, add, remove }
            }
        };
        (account("slead"), Call::Storage(call))
    }

    fn storage_worker(&mut self) -> (AccountId, Call) {
        let state = self.state;
        let bucket = self.storage();
        let invited = state.storage_bucket(bucket).and_then(|bucket| bucket.operator.worker());
        let worker = invited.unwrap_or_else(|| self.worker());
        let role = account(&if worker.0 == 0 { "slead".to_string() } else { format!("s{}", worker.0) });
        let transactor = account("transactor");
        let (signer, call) = match self.roll(8) {
            5 => (role, StorageCall::DeclineStorageBucketInvitation { worker, bucket }),
            6 => (role, StorageCall::ResignFromStorageBucket { worker, bucket }),
            7 => (role, StorageCall::StorageOperatorRemark { worker, bucket, message: [1].into() }),
            0..=1 => (role, StorageCall::AcceptStorageBucketInvitation { worker, bucket, transactor }),
            2 => {
                (role, StorageCall::SetStorageOperatorMetadata { worker, bucket, metadata: self.metadata() })
            }
            3 => {
                let object = self.object();
                let bag = state.object(object).map_or_else(|| self.bag(), |object| object.bag);
                let objects = [object].into();
                (transactor, StorageCall::AcceptPendingDataObjects { worker, bucket, bag, objects })
            }
            _ => {
                let height = self.roll(state.at().height + 2);
                let except = self.set(9, 3, DataObjectId);
                (transactor, StorageCall::ReportHoldings { worker, bucket, height, except })
            }
        };
        (signer, Call::Storage(call))
    }

    fn distribution_lead(&mut self) -> (AccountId, Call) {
        let bucket = self.distribution();
        let family = self.family();
        let worker = self.worker();
        let accepting_new_bags = self.roll(4) != 0;
        let call = match self.roll(16) {
            0..=1 => DistributionCall::CreateDistributionBucketFamily,
            2 => DistributionCall::DeleteDistributionBucketFamily { family },
            3..=6 => DistributionCall::CreateDistributionBucket { family, accepting_new_bags },
            7 => DistributionCall::DeleteDistributionBucket { bucket },
            8 => DistributionCall::UpdateDistributionBucketStatus { bucket, accepting_new_bags },
            9 => DistributionCall::UpdateDistributionBucketsPerBagLimit {
                limit: self.roll(6).try_into().unwrap(),
            },
            10 => DistributionCall::UpdateDistributionBucketMode { bucket, distributing: self.coin() },
            11 => DistributionCall::UpdateFamiliesInDynamicBagCreationPolicy {
                bag_type: self.bag_type(),
                families: [(family, self.roll(3).try_into().unwrap()), (self.family(), 1)].into(),
            },
            12..=13 => DistributionCall::InviteDistributionBucketOperator { bucket, worker },
            14 => DistributionCall::RemoveDistributionBucketOperator { bucket, worker },
            _ => {
                let (remove, add) = if self.coin() {
                    ([].into(), [bucket.index].into())
                } else {
                    ([bucket.index].into(), [].into())
                };
                DistributionCall::UpdateDistributionBucketsForBag {
                    bag: self.bag(),
                    family: bucket.family,
                    add,
                    remove,
                }
            }
        };
        (account("dlead"), Call::Distribution(call))
    }

    fn distribution_worker(&mut self) -> (AccountId, Call) {
        let bucket = self.distribution();
        let tied = self.state.distribution_bucket(bucket).into_iter();
        let tied = tied.flat_map(|bucket| bucket.pending_invitations.union(&bucket.operators).copied());
        let other = self.worker();
        let worker = self.one_of(tied, other);
        let role = account(&if worker.0 == 0 { "dlead".to_string() } else { format!("d{}", worker.0) });
        let call = match self.roll(6) {
            0..=2 => DistributionCall::AcceptDistributionBucketInvitation { worker, bucket },
            3 => DistributionCall::DeclineDistributionBucketInvitation { worker, bucket },
            4 => DistributionCall::ResignFromDistributionBucket { worker, bucket },
            _ => DistributionCall::SetDistributionOperatorMetadata {
                worker,
                bucket,
                metadata: self.metadata(),
            },
        };
        (role, Call::Distribution(call))
    }
}
