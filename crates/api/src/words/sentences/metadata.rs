//! What a metadata message says, field by field.

use super::phrases::{hexadecimal, list, quoted};
use crate::metadata::{AreaView, CoordinatesView};
use argosy_domain::{
    family_metadata::{Area, FamilyMetadata},
    metadata::{Coordinates, Location, OperatorMetadata},
};

/// What becomes of a field.
///
/// A message is applied to two records that differ in every field: what it sets or unsets is alike in both
/// afterwards, and what it leaves differs.
fn changed<T: PartialEq>(one: T, other: T) -> Option<T> {
    (one == other).then_some(one)
}

/// Metadata of a node.
pub(super) fn operator(message: &[u8]) -> String {
    let record = |text: &str, country: &str, degrees: i32| OperatorMetadata {
        endpoint: Some(format!("http://{text}")),
        location: Some(Location {
            country_code: Some(country.to_owned()),
            city: Some(text.to_owned()),
            coordinates: Some(Coordinates {
                latitude_microdegrees: degrees,
                longitude_microdegrees: degrees,
            }),
        }),
        extra: Some(text.to_owned()),
    };
    let updated = |record: OperatorMetadata| record.updated(message);
    let (Ok(one), Ok(other)) = (updated(record("a", "NO", 0)), updated(record("b", "SE", 1))) else {
        return hexadecimal(message);
    };
    let mut parts = Vec::new();
    text(&mut parts, "endpoint", one.endpoint, other.endpoint);
    location(&mut parts, one.location, other.location);
    text(&mut parts, "extra", one.extra, other.extra);
    joined(&parts)
}

/// Metadata of a family.
pub(super) fn family(message: &[u8]) -> String {
    let record = |text: &str, country: &str| FamilyMetadata {
        region: Some(text.to_owned()),
        description: Some(text.to_owned()),
        areas: vec![Area::Country(country.to_owned())],
        latency_test_targets: vec![text.to_owned()],
    };
    let updated = |record: FamilyMetadata| record.updated(message);
    let (Ok(one), Ok(other)) = (updated(record("a", "NO")), updated(record("b", "SE"))) else {
        return hexadecimal(message);
    };
    let mut parts = Vec::new();
    text(&mut parts, "region", one.region, other.region);
    text(&mut parts, "description", one.description, other.description);
    if let Some(areas) = changed(one.areas, other.areas) {
        let code = |area: &Area| match AreaView::from(area) {
            AreaView::ContinentCode(code) => format!("continent {code}"),
            AreaView::CountryCode(code) | AreaView::SubdivisionCode(code) => code.to_owned(),
        };
        parts.push(format!("areas {}", list(areas.iter().map(code).collect::<Vec<_>>())));
    }
    if let Some(targets) = changed(one.latency_test_targets, other.latency_test_targets) {
        let targets: Vec<String> = targets.iter().map(|target| quoted(target)).collect();
        parts.push(format!("latency test targets {}", list(targets)));
    }
    joined(&parts)
}

fn text(parts: &mut Vec<String>, name: &str, one: Option<String>, other: Option<String>) {
    match changed(one, other) {
        Some(Some(text)) => parts.push(format!("{name} {}", quoted(&text))),
        Some(None) => parts.push(format!("no {name}")),
        None => {}
    }
}

fn location(parts: &mut Vec<String>, one: Option<Location>, other: Option<Location>) {
    let (Some(one), Some(other)) = (one, other) else {
        parts.push("no location".to_owned());
        return;
    };
    text(parts, "country", one.country_code, other.country_code);
    text(parts, "city", one.city, other.city);
    let (Some(one), Some(other)) = (one.coordinates, other.coordinates) else {
        parts.push("no coordinates".to_owned());
        return;
    };
    let degrees = CoordinatesView::from(one);
    if changed(one.latitude_microdegrees, other.latitude_microdegrees).is_some() {
        parts.push(format!("latitude {}", degrees.latitude));
    }
    if changed(one.longitude_microdegrees, other.longitude_microdegrees).is_some() {
        parts.push(format!("longitude {}", degrees.longitude));
    }
}

fn joined(parts: &[String]) -> String {
    if parts.is_empty() { "nothing new".to_owned() } else { parts.join(", ") }
}
