//! Metadata that the directory keeps, as the JSON that would set it.

use argosy_domain::{
    family_metadata::{Area, FamilyMetadata},
    metadata::{Coordinates, Location, OperatorMetadata, float_bits},
};
use serde::Serialize;

/// [`OperatorMetadata`] for people; what is not set is left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperatorMetadataView<'a> {
    /// See [`OperatorMetadata::endpoint`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<&'a str>,
    /// See [`OperatorMetadata::location`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationView<'a>>,
    /// See [`OperatorMetadata::extra`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<&'a str>,
}

/// Part of [`OperatorMetadataView`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LocationView<'a> {
    /// See [`Location::country_code`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country_code: Option<&'a str>,
    /// See [`Location::city`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<&'a str>,
    /// See [`Location::coordinates`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coordinates: Option<CoordinatesView>,
}

/// Part of [`LocationView`], in degrees.
///
/// The numbers are the shortest that give the same place again, which is mostly what the operator
/// wrote: a message cannot tell 59.9 from 59.900002, and the directory keeps the latter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CoordinatesView {
    /// From -90 to 90.
    pub latitude: f32,
    /// From -180 to 180.
    pub longitude: f32,
}

/// [`FamilyMetadata`] for people; what is not set is left out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FamilyMetadataView<'a> {
    /// See [`FamilyMetadata::region`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<&'a str>,
    /// See [`FamilyMetadata::description`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'a str>,
    /// See [`FamilyMetadata::areas`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub areas: Vec<AreaView<'a>>,
    /// See [`FamilyMetadata::latency_test_targets`].
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub latency_test_targets: &'a [String],
}

/// An [`Area`]: an object with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AreaView<'a> {
    /// Two letters.
    ContinentCode(&'a str),
    /// ISO 3166-1 alpha-2.
    CountryCode(&'a str),
    /// ISO 3166-2.
    SubdivisionCode(&'a str),
}

impl<'a> From<&'a OperatorMetadata> for OperatorMetadataView<'a> {
    fn from(metadata: &'a OperatorMetadata) -> Self {
        Self {
            endpoint: metadata.endpoint.as_deref(),
            location: metadata.location.as_ref().map(LocationView::from),
            extra: metadata.extra.as_deref(),
        }
    }
}

impl<'a> From<&'a Location> for LocationView<'a> {
    fn from(location: &'a Location) -> Self {
        Self {
            country_code: location.country_code.as_deref(),
            city: location.city.as_deref(),
            coordinates: location.coordinates.map(CoordinatesView::from),
        }
    }
}

impl From<Coordinates> for CoordinatesView {
    fn from(coordinates: Coordinates) -> Self {
        Self {
            latitude: f32::from_bits(float_bits(coordinates.latitude_microdegrees)),
            longitude: f32::from_bits(float_bits(coordinates.longitude_microdegrees)),
        }
    }
}

impl<'a> From<&'a FamilyMetadata> for FamilyMetadataView<'a> {
    fn from(metadata: &'a FamilyMetadata) -> Self {
        Self {
            region: metadata.region.as_deref(),
            description: metadata.description.as_deref(),
            areas: metadata.areas.iter().map(AreaView::from).collect(),
            latency_test_targets: &metadata.latency_test_targets,
        }
    }
}

impl<'a> From<&'a Area> for AreaView<'a> {
    fn from(area: &'a Area) -> Self {
        match area {
            Area::Continent(continent) => Self::ContinentCode(continent.code()),
            Area::Country(code) => Self::CountryCode(code),
            Area::Subdivision(code) => Self::SubdivisionCode(code),
        }
    }
}
