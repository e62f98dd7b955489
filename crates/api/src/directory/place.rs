//! Places in the chain and names of things, as they stand in queries.

use super::GroupName;
use crate::wire::{Schema, Schemas};
use argosy_domain::{DistributionBucketId, StorageBucketId, WorkerId, WorkingGroup};
use serde_json::{Value, json};
use std::{fmt, str::FromStr};

/// A transaction or event: `height:index`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Of the block.
    pub height: u64,
    /// In the block, from 0.
    pub index: u32,
}

/// An entry of a lead's record: `height`, or `height:0:index` of a transaction, or `height:1:number` of a
/// refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordPlace {
    /// Of the block, or of the newest block at a refusal.
    pub height: u64,
    /// Refusals come after what is in the block.
    pub refused: bool,
    /// Position in the block, or number of the refusal.
    pub number: u64,
}

/// A bucket of either kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnyBucket {
    /// An id.
    Storage(StorageBucketId),
    /// `family:index`.
    Distribution(DistributionBucketId),
}

/// A worker, perhaps of a certain group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnyWorker {
    /// Of which group; of any, if none.
    pub group: Option<WorkingGroup>,
    /// Its id there.
    pub id: WorkerId,
}

/// Digits only, as ids are written.
fn decimal(text: &str) -> Option<u64> {
    text.parse::<StorageBucketId>().ok().map(|id| id.0)
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (height, index) = text.split_once(':')?;
            Some(Self { height: decimal(height)?, index: u32::try_from(decimal(index)?).ok()? })
        };
        read().ok_or("expected height:index")
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.height, self.index)
    }
}

impl FromStr for RecordPlace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let mut parts = text.split(':');
            let height = decimal(parts.next()?)?;
            let (refused, number) = match (parts.next(), parts.next(), parts.next()) {
                (None, ..) => (false, 0),
                (Some("0"), Some(number), None) => (false, decimal(number)?),
                (Some("1"), Some(number), None) => (true, decimal(number)?),
                _ => return None,
            };
            Some(Self { height, refused, number })
        };
        read().ok_or("expected a height, height:0:index or height:1:number")
    }
}

impl fmt::Display for RecordPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.height, u8::from(self.refused), self.number)
    }
}

impl FromStr for AnyBucket {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let storage = text.parse().map(Self::Storage);
        storage
            .or_else(|_| text.parse().map(Self::Distribution))
            .map_err(|_| "expected a storage bucket's id or family:index")
    }
}

impl fmt::Display for AnyBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Storage(id) => id.fmt(f),
            Self::Distribution(id) => id.fmt(f),
        }
    }
}

impl FromStr for AnyWorker {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (group, id) = match text.split_once(':') {
            None => (None, text),
            Some((group, id)) => (Some(group.parse::<GroupName>()?.0), id),
        };
        let id = id.parse().map_err(|_| "expected a worker's id or group:id")?;
        Ok(Self { group, id })
    }
}

impl fmt::Display for AnyWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.group {
            Some(group) => write!(f, "{}:{}", group.name(), self.id),
            None => self.id.fmt(f),
        }
    }
}

/// Texts of a certain form.
macro_rules! patterns {
    ($($type:ty => $pattern:literal),+ $(,)?) => { $(
        impl Schema for $type {
            fn schema(_: &mut Schemas) -> Value {
                json!({"type": "string", "pattern": $pattern})
            }
        }
    )+ };
}

patterns! {
    Place => "^[0-9]{1,19}:[0-9]{1,9}$",
    RecordPlace => "^[0-9]{1,19}(:[01]:[0-9]{1,19})?$",
    AnyBucket => "^[0-9]{1,19}(:[0-9]{1,19})?$",
    AnyWorker => "^((forum|storage|content|app|distribution|membership|attestation|operationsalpha|operationsbeta|operationsgamma):)?[0-9]{1,19}$",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["7:0:3", "7:1:3"] {
            assert_eq!(text.parse::<RecordPlace>().unwrap().to_string(), text);
        }
        assert_eq!("7".parse::<RecordPlace>().unwrap().to_string(), "7:0:0");
        assert!("7:0:9".parse::<RecordPlace>() < "7:1:0".parse::<RecordPlace>());
        assert_eq!("7:3".parse::<Place>().unwrap().to_string(), "7:3");
        assert_eq!("storage:3".parse::<AnyWorker>().unwrap().to_string(), "storage:3");
        assert_eq!("3".parse::<AnyWorker>().unwrap().group, None);
        assert_eq!("3".parse(), Ok(AnyBucket::Storage(StorageBucketId(3))));
        assert_eq!("1:3".parse::<AnyBucket>().unwrap().to_string(), "1:3");
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "x", "-1", "7:", "7:2:0", "7:0", "7:0:1:2", "+7"] {
            assert!(text.parse::<RecordPlace>().is_err(), "{text}");
        }
        for text in ["7", "7:", "7:4294967296", "7:1:1"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
        assert!("nobody:3".parse::<AnyWorker>().is_err() && "1:2:3".parse::<AnyBucket>().is_err());
    }
}
