//! One id type per kind of thing.
//!
//! Ids are counters that the directory hands out and never uses twice.

use codec::{Decode, Encode};
use core::{fmt, str::FromStr};
use thiserror::Error;

/// A text that is not an id of the wanted kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not a {kind}: expected {expected}")]
pub struct ParseIdError {
    /// What was wanted.
    pub kind: &'static str,
    /// The form that would have been understood.
    pub expected: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode,
        )]
        pub struct $name(pub u64);

        impl $name {
            /// The id handed out after this one; saturates, as the counter it stands for does.
            #[must_use]
            pub const fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_decimal(text)
                    .map(Self)
                    .ok_or(ParseIdError { kind: $kind, expected: "a decimal number" })
            }
        }
    };
}

id!(
    /// A data object, counted over all bags from 0.
    DataObjectId,
    "data object id"
);
id!(
    /// A storage bucket, counted from 0.
    StorageBucketId,
    "storage bucket id"
);
id!(
    /// A family of distribution buckets, counted from 0.
    FamilyId,
    "distribution bucket family id"
);
id!(
    /// A channel, counted from 1 (as on Joystream's mainnet).
    ChannelId,
    "channel id"
);
id!(
    /// A member, counted from 0.
    MemberId,
    "member id"
);
id!(
    /// A worker of one working group, counted from 0 in each group.
    WorkerId,
    "worker id"
);

id!(
    /// An opening of one working group, counted from 0 in each group.
    OpeningId,
    "opening id"
);
id!(
    /// An application for an opening of one working group, counted from 0 in each group.
    ApplicationId,
    "application id"
);
id!(
    /// A named set of data objects in a dynamic bag, counted over all bags from 0.
    AssetSetId,
    "asset set id"
);
id!(
    /// A proposal of the council, counted from 0.
    ProposalId,
    "proposal id"
);
id!(
    /// A release of a program, counted from 0.
    ReleaseId,
    "release id"
);

/// Size of a data object in bytes, from 1 to [`crate::limits::MAX_OBJECT_BYTES`].
pub type ObjectSize = u64;

/// A distribution bucket: its family, and its index inside the family. Text form `family:index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct DistributionBucketId {
    /// The family that the bucket belongs to for ever.
    pub family: FamilyId,
    /// Counted from 0 in each family.
    pub index: u64,
}

impl fmt::Display for DistributionBucketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.family, self.index)
    }
}

impl FromStr for DistributionBucketId {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        text.split_once(':')
            .and_then(|(family, index)| {
                Some(Self { family: FamilyId(parse_decimal(family)?), index: parse_decimal(index)? })
            })
            .ok_or(ParseIdError { kind: "distribution bucket id", expected: "{familyId}:{bucketIndex}" })
    }
}

/// Digits only: no sign, no blanks, at most 20 characters, no overflow.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn decimal_ids_take_digits_only() {
        assert_eq!("17".parse(), Ok(DataObjectId(17)));
        for bad in ["", "+1", "-1", " 1", "1 ", "0x1", "18446744073709551616", "000000000000000000001"] {
            assert!(bad.parse::<DataObjectId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn distribution_bucket_ids_round_trip() {
        let id: DistributionBucketId = "3:12".parse().unwrap();
        assert_eq!(id.to_string(), "3:12");
        for bad in ["3", "3:", ":1", "3:1:2", "a:1"] {
            assert!(bad.parse::<DistributionBucketId>().is_err(), "{bad:?}");
        }
    }
}
