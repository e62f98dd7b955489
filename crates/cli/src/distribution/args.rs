//! Values on the command line, in Argus' forms.

use crate::complete;
use argosy_domain::{BagId, BagType, DistributionBucketId, FamilyId, WorkerId};
use clap_complete::ArgValueCandidates;
use std::str::FromStr;

/// `yes` or `no`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum YesNo {
    Yes,
    No,
}

/// `on` or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum OnOff {
    On,
    Off,
}

/// Which dynamic bags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DynamicBagType {
    #[value(name = "Member")]
    Member,
    #[value(name = "Channel")]
    Channel,
}

impl From<DynamicBagType> for BagType {
    fn from(kind: DynamicBagType) -> Self {
        match kind {
            DynamicBagType::Member => Self::Member,
            DynamicBagType::Channel => Self::Channel,
        }
    }
}

impl YesNo {
    pub(crate) fn is_yes(self) -> bool {
        self == Self::Yes
    }
}

impl OnOff {
    pub(crate) fn is_on(self) -> bool {
        self == Self::On
    }
}

/// The bucket that a command is about.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct BucketArg {
    /// Distribution bucket ID in {familyId}:{bucketIndex} format.
    #[arg(short = 'B', long = "bucketId", alias = "bucket-id", value_name = "bucketId", value_parser = bucket_id, verbatim_doc_comment, add = ArgValueCandidates::new(complete::distribution_buckets))]
    pub(crate) id: DistributionBucketId,
}

/// The family that a command is about.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct FamilyArg {
    /// Distribution bucket family id
    #[arg(short, long = "familyId", alias = "family-id", value_name = "familyId", add = ArgValueCandidates::new(complete::families))]
    pub(crate) family_id: FamilyId,
}

/// The worker who was invited.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct InvitedArg {
    /// ID of the invited operator (distribution group worker)
    #[arg(short, long = "workerId", alias = "worker-id", value_name = "workerId", add = ArgValueCandidates::new(complete::workers))]
    pub(crate) worker_id: WorkerId,
}

/// The worker who operates the bucket.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct OperatorArg {
    /// ID of the operator (distribution group worker)
    #[arg(short, long = "workerId", alias = "worker-id", value_name = "workerId", add = ArgValueCandidates::new(complete::workers))]
    pub(crate) worker_id: WorkerId,
}

/// `family:index`.
fn bucket_id(text: &str) -> Result<DistributionBucketId, &'static str> {
    text.parse().map_err(|_| "Invalid bucket id! Expected format: {familyId}:{bucketIndex}")
}

/// A bag in any spelling that Joystream's programs take: blanks around it and capitals do not matter.
pub(crate) fn bag_id(text: &str) -> Result<BagId, &'static str> {
    const FORM: &str = "Invalid bag id! Expected {bag_type}:{sub_type}:{id}, such as static:council, \
                        static:wg:storage, dynamic:member:4 or dynamic:channel:7";
    text.trim().to_ascii_lowercase().parse().map_err(|_| FORM)
}

/// Buckets of a family for new bags, `family:count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FamilyCount(pub(crate) FamilyId, pub(crate) u32);

impl FromStr for FamilyCount {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (family, count) = text.split_once(':')?;
            let plain = count.bytes().all(|byte| byte.is_ascii_digit());
            Some(Self(family.parse().ok()?, if plain { count.parse().ok()? } else { return None }))
        };
        read().ok_or("Expected {familyId}:{numberOfBuckets}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joystreams_spellings_are_taken() {
        assert_eq!(bag_id(" Dynamic:Channel:7 ").unwrap().to_string(), "dynamic:channel:7");
        assert_eq!(bag_id("STATIC:WG:Storage").unwrap().to_string(), "static:wg:storage");
        for bad in ["", "dynamic", "dynamic:channel", "dynamic:channel:-1", "static:wg:nobody", "a:b:c:d"] {
            assert!(bag_id(bad).is_err(), "{bad}");
        }
        assert_eq!("1:5".parse(), Ok(FamilyCount(FamilyId(1), 5)));
        for bad in ["1", "1:", ":5", "1:-5", "1:5:2", "1:+5", "x:1"] {
            assert!(bad.parse::<FamilyCount>().is_err(), "{bad}");
        }
        assert!(bucket_id("0:1").is_ok() && bucket_id("01").is_err());
    }
}
