//! Bags: objects that are placed and moved as one.
//!
//! Source: Joystream's bag ids; the order of declaration is the order of the ids.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use crate::ids::{ChannelId, MemberId, ParseIdError, parse_decimal};
use alloc::string::String;
use codec::{Decode, Encode};
use core::{fmt, str::FromStr};

/// A working group: Joystream's in their order of declaration, then Argosy's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum WorkingGroup {
    /// Keeps the forum.
    Forum,
    /// Keeps data objects.
    Storage,
    /// Curates content.
    Content,
    /// First operations group.
    OperationsAlpha,
    /// Runs applications.
    App,
    /// Delivers data objects.
    Distribution,
    /// Second operations group.
    OperationsBeta,
    /// Third operations group.
    OperationsGamma,
    /// Onboards members.
    Membership,
    /// Measures what the others deliver.
    Attestation,
}

impl WorkingGroup {
    /// All groups, in order.
    pub const ALL: [Self; 10] = [
        Self::Forum,
        Self::Storage,
        Self::Content,
        Self::OperationsAlpha,
        Self::App,
        Self::Distribution,
        Self::OperationsBeta,
        Self::OperationsGamma,
        Self::Membership,
        Self::Attestation,
    ];

    /// Lower-case name, as in a bag's text form.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forum => "forum",
            Self::Storage => "storage",
            Self::Content => "content",
            Self::OperationsAlpha => "operationsalpha",
            Self::App => "app",
            Self::Distribution => "distribution",
            Self::OperationsBeta => "operationsbeta",
            Self::OperationsGamma => "operationsgamma",
            Self::Membership => "membership",
            Self::Attestation => "attestation",
        }
    }
}

/// A bag that always exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum StaticBagId {
    /// The council's.
    Council,
    /// A working group's.
    WorkingGroup(WorkingGroup),
}

/// A bag that is made and deleted with its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum DynamicBagId {
    /// A member's.
    Member(MemberId),
    /// A channel's.
    Channel(ChannelId),
}

/// Kind of a dynamic bag; creation policies are kept per kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum BagType {
    /// Bags of members.
    Member,
    /// Bags of channels.
    Channel,
}

impl DynamicBagId {
    /// The kind whose creation policy applies.
    #[must_use]
    pub const fn bag_type(self) -> BagType {
        match self {
            Self::Member(_) => BagType::Member,
            Self::Channel(_) => BagType::Channel,
        }
    }
}

/// Any bag. Text forms: `static:council`, `static:wg:<group>`, `dynamic:member:<id>`, `dynamic:channel:<id>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum BagId {
    /// Always exists.
    Static(StaticBagId),
    /// Made and deleted with its owner.
    Dynamic(DynamicBagId),
}

impl BagId {
    /// The bag of a member.
    #[must_use]
    pub const fn member(id: MemberId) -> Self {
        Self::Dynamic(DynamicBagId::Member(id))
    }

    /// The bag of a channel.
    #[must_use]
    pub const fn channel(id: ChannelId) -> Self {
        Self::Dynamic(DynamicBagId::Channel(id))
    }
}

impl fmt::Display for BagId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Static(StaticBagId::Council) => f.write_str("static:council"),
            Self::Static(StaticBagId::WorkingGroup(group)) => {
                write!(f, "static:wg:{}", group.name())
            }
            Self::Dynamic(DynamicBagId::Member(id)) => write!(f, "dynamic:member:{id}"),
            Self::Dynamic(DynamicBagId::Channel(id)) => write!(f, "dynamic:channel:{id}"),
        }
    }
}

impl FromStr for BagId {
    type Err = ParseIdError;

    /// Case and surrounding blanks do not matter, as in Joystream's parsers.
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        const ERROR: ParseIdError = ParseIdError {
            kind: "bag id",
            expected: "static:council, static:wg:<group>, dynamic:member:<id> or dynamic:channel:<id>",
        };
        if text.len() > 64 {
            return Err(ERROR);
        }
        let lower: String = text.trim().to_ascii_lowercase();
        let mut parts = lower.split(':');
        let bag = match (parts.next(), parts.next(), parts.next()) {
            (Some("static"), Some("council"), None) => Some(Self::Static(StaticBagId::Council)),
            (Some("static"), Some("wg"), Some(name)) => WorkingGroup::ALL
                .into_iter()
                .find(|group| group.name() == name)
                .map(|group| Self::Static(StaticBagId::WorkingGroup(group))),
            (Some("dynamic"), Some("member"), Some(id)) => {
                parse_decimal(id).map(|id| Self::Dynamic(DynamicBagId::Member(MemberId(id))))
            }
            (Some("dynamic"), Some("channel"), Some(id)) => {
                parse_decimal(id).map(|id| Self::Dynamic(DynamicBagId::Channel(ChannelId(id))))
            }
            _ => None,
        };
        if parts.next().is_some() { Err(ERROR) } else { bag.ok_or(ERROR) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn text_forms_round_trip_and_ignore_case() {
        for text in
            ["static:council", "static:wg:operationsalpha", "dynamic:member:7", "dynamic:channel:1336"]
        {
            assert_eq!(text.parse::<BagId>().unwrap().to_string(), text);
            assert_eq!(text.to_ascii_uppercase().parse::<BagId>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "static",
            "static:wg",
            "static:wg:x",
            "dynamic:channel:",
            "dynamic:channel:1:2",
            "dynamic:x:1",
        ] {
            assert!(bad.parse::<BagId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn order_is_static_before_dynamic_and_member_before_channel() {
        let council = BagId::Static(StaticBagId::Council);
        let group = BagId::Static(StaticBagId::WorkingGroup(WorkingGroup::Forum));
        let member = BagId::Dynamic(DynamicBagId::Member(MemberId(9)));
        assert!(council < group && group < member && member < BagId::channel(ChannelId(0)));
    }
}
