//! How single values are written.

use super::{Shown, Topics};
use argosy_directory::{
    Reject,
    call::{ObjectCreation, ObjectsUpload},
    event::{DynamicBagCreation, Voucher},
    state::OpeningKind,
};
use argosy_domain::{
    AccountId, ApplicationId, BagId, BagType, ChannelId, DataObjectId, DistributionBucketId, DynamicBagId,
    FamilyId, MemberId, OpeningId, ProposalId, ReleaseId, StorageBucketId, WorkerId, WorkingGroup,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

/// Integers up to this are exact in every reader of JSON.
const MAX_EXACT: u64 = 1 << 53;

/// A number, or its text where some readers would round it.
pub(super) fn number(value: u64) -> Value {
    if value <= MAX_EXACT { value.into() } else { value.to_string().into() }
}

/// The text that bytes are, if people can read it, else `0x` and hexadecimal digits.
fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.into(),
        Ok(_) | Err(_) => format!("0x{}", hex::encode(bytes)).into(),
    }
}

/// Types whose text is what is shown.
macro_rules! texts {
    ($($type:ty $(, $topic:ident)?;)+) => { $(
        impl Shown for $type {
            fn json(&self) -> Value {
                self.to_string().into()
            }

            $(fn note(&self, topics: &mut Topics) {
                topics.$topic.push(*self);
            })?
        }
    )+ };
}

texts! {
    u128;
    AccountId;
    ApplicationId;
    BagId, bags;
    ChannelId;
    DataObjectId;
    DistributionBucketId, distribution_buckets;
    FamilyId;
    MemberId;
    OpeningId;
    ProposalId;
    ReleaseId;
    StorageBucketId, storage_buckets;
    String;
    WorkerId, workers;
}

impl Shown for bool {
    fn json(&self) -> Value {
        (*self).into()
    }
}

impl Shown for u32 {
    fn json(&self) -> Value {
        (*self).into()
    }
}

impl Shown for u64 {
    fn json(&self) -> Value {
        number(*self)
    }
}

impl Shown for [u8; 32] {
    fn json(&self) -> Value {
        hex::encode(self).into()
    }
}

impl Shown for Vec<u8> {
    fn json(&self) -> Value {
        bytes(self)
    }
}

impl Shown for DynamicBagId {
    fn json(&self) -> Value {
        BagId::Dynamic(*self).json()
    }

    fn note(&self, topics: &mut Topics) {
        topics.bags.push(BagId::Dynamic(*self));
    }
}

impl<T: Shown> Shown for Option<T> {
    fn json(&self) -> Value {
        self.as_ref().map_or(Value::Null, Shown::json)
    }

    fn note(&self, topics: &mut Topics) {
        self.iter().for_each(|value| value.note(topics));
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn json(&self) -> Value {
        self.iter().map(Shown::json).collect()
    }

    fn note(&self, topics: &mut Topics) {
        self.iter().for_each(|value| value.note(topics));
    }
}

impl<T: Shown> Shown for BTreeSet<T> {
    fn json(&self) -> Value {
        self.iter().map(Shown::json).collect()
    }

    fn note(&self, topics: &mut Topics) {
        self.iter().for_each(|value| value.note(topics));
    }
}

impl<K: Display + Shown, V: Shown> Shown for BTreeMap<K, V> {
    fn json(&self) -> Value {
        self.iter().map(|(key, value)| (key.to_string(), value.json())).collect()
    }

    fn note(&self, topics: &mut Topics) {
        for (key, value) in self {
            key.note(topics);
            value.note(topics);
        }
    }
}

impl Shown for WorkingGroup {
    fn json(&self) -> Value {
        self.name().into()
    }

    fn note(&self, topics: &mut Topics) {
        topics.group = Some(*self);
    }
}

impl Shown for BagType {
    fn json(&self) -> Value {
        match self {
            Self::Member => "Member",
            Self::Channel => "Channel",
        }
        .into()
    }
}

impl Shown for OpeningKind {
    fn json(&self) -> Value {
        match self {
            Self::Regular => "Regular",
            Self::Leader => "Leader",
        }
        .into()
    }
}

impl Shown for Reject {
    fn json(&self) -> Value {
        json!({"number": self.number(), "code": self.code(), "message": self.to_string()})
    }
}

impl Shown for Voucher {
    fn json(&self) -> Value {
        json!({
            "sizeLimit": number(self.size_limit), "objectsLimit": number(self.objects_limit),
            "sizeUsed": number(self.size_used), "objectsUsed": number(self.objects_used),
        })
    }
}

impl Shown for ObjectCreation {
    fn json(&self) -> Value {
        json!({"size": number(self.size), "ipfsContentId": self.ipfs_content_id.json()})
    }
}

impl Shown for ObjectsUpload {
    fn json(&self) -> Value {
        json!({
            "objectCreationList": self.object_creation_list.json(),
            "expectedDataSizeFee": self.expected_data_size_fee.json(),
            "expectedDataObjectStateBloatBond": self.expected_data_object_state_bloat_bond.json(),
        })
    }
}

impl Shown for DynamicBagCreation {
    fn json(&self) -> Value {
        json!({
            "bag": self.bag.json(), "upload": self.upload.json(),
            "storageBuckets": self.storage_buckets.json(),
            "distributionBuckets": self.distribution_buckets.json(),
        })
    }

    fn note(&self, topics: &mut Topics) {
        self.bag.note(topics);
        self.storage_buckets.note(topics);
        self.distribution_buckets.note(topics);
    }
}
