//! What the lead says of a family of distribution buckets.
//!
//! Source: Joystream's `Storage.proto`: `DistributionBucketFamilyMetadata`, `GeographicalArea`.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use crate::{
    countries::{is_country, is_subdivision},
    limits::MAX_METADATA_BYTES,
    metadata::{MAX_ENDPOINT_CHARS, MetadataError, authority_is_valid, endpoint_is_valid, updated_text},
};
use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use prost::Message;

/// What the lead says of a family.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct FamilyMetadata {
    /// Name of the region, for people.
    pub region: Option<String>,
    /// Anything else, for people.
    pub description: Option<String>,
    /// Where its buckets are meant to deliver.
    pub areas: Vec<Area>,
    /// Hosts or URLs to measure the latency to.
    pub latency_test_targets: Vec<String>,
}

/// A part of the world.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Area {
    /// One of the seven.
    Continent(Continent),
    /// ISO 3166-1 alpha-2.
    Country(String),
    /// ISO 3166-2.
    Subdivision(String),
}

/// A continent, numbered from 1 in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, prost::Enumeration)]
#[repr(i32)]
pub enum Continent {
    /// AF.
    Africa = 1,
    /// NA.
    NorthAmerica = 2,
    /// OC.
    Oceania = 3,
    /// AN.
    Antarctica = 4,
    /// AS.
    Asia = 5,
    /// EU.
    Europe = 6,
    /// SA.
    SouthAmerica = 7,
}

/// The message itself. Absent fields leave what was said before; a text that is empty, and a list of
/// one empty area or target, unset it; lists replace.
#[derive(Clone, PartialEq, Message)]
pub struct FamilyMessage {
    /// See [`FamilyMetadata::region`].
    #[prost(string, optional, tag = "1")]
    pub region: Option<String>,
    /// See [`FamilyMetadata::description`].
    #[prost(string, optional, tag = "2")]
    pub description: Option<String>,
    /// See [`FamilyMetadata::areas`].
    #[prost(message, repeated, tag = "3")]
    pub areas: Vec<AreaMessage>,
    /// See [`FamilyMetadata::latency_test_targets`].
    #[prost(string, repeated, tag = "4")]
    pub latency_test_targets: Vec<String>,
}

/// Part of [`FamilyMessage`].
#[derive(Clone, PartialEq, Message)]
pub struct AreaMessage {
    /// None only to clear the list.
    #[prost(oneof = "AreaCode", tags = "1, 2, 3")]
    pub code: Option<AreaCode>,
}

/// Part of [`AreaMessage`].
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum AreaCode {
    /// Number of a [`Continent`].
    #[prost(enumeration = "Continent", tag = "1")]
    Continent(i32),
    /// ISO 3166-1 alpha-2.
    #[prost(string, tag = "2")]
    CountryCode(String),
    /// ISO 3166-2.
    #[prost(string, tag = "3")]
    SubdivisionCode(String),
}

impl Continent {
    /// From its two letters, as tools write it.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Some(match code {
            "AF" => Self::Africa,
            "NA" => Self::NorthAmerica,
            "OC" => Self::Oceania,
            "AN" => Self::Antarctica,
            "AS" => Self::Asia,
            "EU" => Self::Europe,
            "SA" => Self::SouthAmerica,
            _ => return None,
        })
    }

    /// Its two letters.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Africa => "AF",
            Self::NorthAmerica => "NA",
            Self::Oceania => "OC",
            Self::Antarctica => "AN",
            Self::Asia => "AS",
            Self::Europe => "EU",
            Self::SouthAmerica => "SA",
        }
    }
}

impl FamilyMessage {
    /// The bytes of the message.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

impl FamilyMetadata {
    /// This metadata after the message `bytes`.
    ///
    /// # Errors
    /// [`MetadataError`]; the metadata then stays as it was.
    pub fn updated(&self, bytes: &[u8]) -> Result<Self, MetadataError> {
        if bytes.len() > MAX_METADATA_BYTES {
            return Err(MetadataError::TooLarge);
        }
        let message = FamilyMessage::decode(bytes).map_err(|_| MetadataError::Undecodable)?;
        let updated = Self {
            region: updated_text(self.region.as_ref(), message.region),
            description: updated_text(self.description.as_ref(), message.description),
            areas: updated_areas(&self.areas, message.areas)?,
            latency_test_targets: updated_targets(&self.latency_test_targets, message.latency_test_targets)?,
        };
        // Two messages that are small enough may add up to more than is kept.
        if updated.encoded_size() > MAX_METADATA_BYTES {
            return Err(MetadataError::TooLarge);
        }
        Ok(updated)
    }
}

fn updated_areas(old: &[Area], message: Vec<AreaMessage>) -> Result<Vec<Area>, MetadataError> {
    match message.as_slice() {
        [] => Ok(old.to_vec()),
        [AreaMessage { code: None }] => Ok(Vec::new()),
        _ => message.into_iter().map(read_area).collect(),
    }
}

fn read_area(message: AreaMessage) -> Result<Area, MetadataError> {
    match message.code {
        Some(AreaCode::Continent(number)) => {
            Continent::try_from(number).map(Area::Continent).map_err(|_| MetadataError::Location)
        }
        Some(AreaCode::CountryCode(code)) if is_country(&code) => Ok(Area::Country(code)),
        Some(AreaCode::SubdivisionCode(code)) if is_subdivision(&code) => Ok(Area::Subdivision(code)),
        Some(AreaCode::CountryCode(_) | AreaCode::SubdivisionCode(_)) | None => Err(MetadataError::Location),
    }
}

fn updated_targets(old: &[String], message: Vec<String>) -> Result<Vec<String>, MetadataError> {
    match message.as_slice() {
        [] => Ok(old.to_vec()),
        [only] if only.is_empty() => Ok(Vec::new()),
        _ if message.iter().all(|target| target_is_valid(target)) => Ok(message),
        _ => Err(MetadataError::Endpoint),
    }
}

/// Whether `target` is what the latency can be measured to: a URL as [`endpoint_is_valid`] takes it, or a
/// host with perhaps a port.
#[must_use]
pub fn target_is_valid(target: &str) -> bool {
    let host = target.len() <= MAX_ENDPOINT_CHARS && authority_is_valid(target);
    host || endpoint_is_valid(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn area(code: AreaCode) -> AreaMessage {
        AreaMessage { code: Some(code) }
    }

    fn set(message: &FamilyMessage) -> Result<FamilyMetadata, MetadataError> {
        FamilyMetadata::default().updated(&message.to_bytes())
    }

    #[test]
    fn lists_replace_absent_stays_and_one_empty_item_clears() {
        let full = FamilyMessage {
            region: Some("Europe".into()),
            description: Some("x".into()),
            areas: vec![
                area(AreaCode::Continent(6)),
                area(AreaCode::CountryCode("NO".into())),
                area(AreaCode::SubdivisionCode("NO-03".into())),
            ],
            latency_test_targets: vec!["a.example:80".into(), "https://b.example/".into()],
        };
        let first = set(&full).unwrap();
        assert_eq!(first.areas[0], Area::Continent(Continent::Europe));
        assert_eq!(first.updated(&[]), Ok(first.clone()));
        let fewer = FamilyMessage {
            region: Some(String::new()),
            areas: vec![area(AreaCode::Continent(7))],
            ..Default::default()
        };
        let second = first.updated(&fewer.to_bytes()).unwrap();
        assert_eq!((second.region, second.areas.len()), (None, 1));
        assert_eq!(second.latency_test_targets.len(), 2);
        let clear = FamilyMessage {
            areas: vec![AreaMessage { code: None }],
            latency_test_targets: vec![String::new()],
            ..Default::default()
        };
        let third = first.updated(&clear.to_bytes()).unwrap();
        assert!(third.areas.is_empty() && third.latency_test_targets.is_empty());
    }

    #[test]
    fn what_is_nowhere_or_no_host_is_refused() {
        for code in [
            AreaCode::Continent(0),
            AreaCode::Continent(8),
            AreaCode::CountryCode("UK".into()),
            AreaCode::SubdivisionCode("NO".into()),
            AreaCode::SubdivisionCode("NO-99".into()),
        ] {
            let message = FamilyMessage { areas: vec![area(code)], ..Default::default() };
            assert_eq!(set(&message), Err(MetadataError::Location), "{message:?}");
        }
        let two = FamilyMessage { areas: vec![AreaMessage { code: None }; 2], ..Default::default() };
        assert_eq!(set(&two), Err(MetadataError::Location));
        let target = FamilyMessage { latency_test_targets: vec!["a b".into()], ..Default::default() };
        assert_eq!(set(&target), Err(MetadataError::Endpoint));
        assert_eq!(FamilyMetadata::default().updated(&[0xff]), Err(MetadataError::Undecodable));
        let long = |text: &str| FamilyMessage { description: Some(text.into()), ..Default::default() };
        assert_eq!(set(&long(&"x".repeat(5_000))), Err(MetadataError::TooLarge));
        let half = set(&long(&"x".repeat(3_000))).unwrap();
        let other = FamilyMessage { region: Some("y".repeat(3_000)), ..Default::default() };
        assert_eq!(half.updated(&other.to_bytes()), Err(MetadataError::TooLarge));
    }

    #[test]
    fn continents_have_letters_and_numbers() {
        for (number, code) in [(1, "AF"), (2, "NA"), (3, "OC"), (4, "AN"), (5, "AS"), (6, "EU"), (7, "SA")] {
            let continent = Continent::from_code(code).unwrap();
            assert_eq!((Continent::try_from(number), continent.code()), (Ok(continent), code));
        }
        assert_eq!(Continent::from_code("XX"), None);
    }
}
