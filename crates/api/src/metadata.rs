//! What operators say of their nodes and the lead of a family, as JSON that people write and read.
//!
//! The keys are those of Joystream's command lines, so that their files can be used as they are:
//!
//! ```json
//! {"endpoint": "https://node.example/", "extra": "…",
//!  "location": {"countryCode": "NO", "city": "Oslo", "coordinates": {"latitude": 59.9, "longitude": 10.75}}}
//! {"region": "eu-north-1", "description": "…", "latencyTestTargets": ["a.example:80"],
//!  "areas": [{"continentCode": "EU"}, {"countryCode": "NO"}, {"subdivisionCode": "NO-03"}]}
//! ```
//!
//! A key that is left out leaves what was said before. What unsets is the empty form of the key's own
//! type: `""` for a text, `{}` for `location` and `coordinates`, `[{}]` for `areas`, `[""]` for
//! `latencyTestTargets`. An empty list is the same as no list, since the message cannot tell them
//! apart. `null` is refused everywhere: it could mean either.
//!
//! All that the directory would refuse of a new operator or family is refused here, with its place;
//! only what depends on what was said before is left to the directory.

mod degrees;
mod document;
mod error;
#[cfg(test)]
mod tests;
mod view;

pub use error::{MetadataJsonError, MetadataProblem};
pub use view::{AreaView, CoordinatesView, FamilyMetadataView, LocationView, OperatorMetadataView};

use argosy_directory::Reject;
use argosy_domain::{
    countries::{is_country, is_subdivision},
    family_metadata::{AreaCode, AreaMessage, Continent, FamilyMessage, FamilyMetadata, target_is_valid},
    limits::MAX_METADATA_BYTES,
    metadata::{
        CoordinatesMessage, LocationMessage, MAX_LATITUDE_MICRODEGREES, MAX_LONGITUDE_MICRODEGREES,
        MetadataError, OperatorMessage, OperatorMetadata, endpoint_is_valid, float_bits,
    },
};
use document::Value;
use prost::Message as _;

/// Longest JSON text that is read, in bytes: an escape takes six for one, and people indent.
pub const MAX_METADATA_JSON_BYTES: usize = 8 * MAX_METADATA_BYTES;

type Read<T> = Result<T, MetadataJsonError>;

/// The bytes that a transaction carries for what `text` says of an operator's node.
///
/// # Errors
/// As [`operator_message`].
pub fn encode_operator(text: &str) -> Read<Vec<u8>> {
    operator_message(text).map(|message| message.encode_to_vec())
}

/// The bytes that a transaction carries for what `text` says of a family.
///
/// # Errors
/// As [`family_message`].
pub fn encode_family(text: &str) -> Read<Vec<u8>> {
    family_message(text).map(|message| message.encode_to_vec())
}

/// The message that says what `text` says of an operator's node.
///
/// Degrees are rounded to the nearest millionth, halves away from zero, then to the single-precision
/// number of the message; see [`float_bits`]. A latitude or longitude alone is taken: the directory
/// accepts it if it knows the other.
///
/// # Errors
/// [`MetadataJsonError`] says where, what was expected and under which code.
pub fn operator_message(text: &str) -> Read<OperatorMessage> {
    let document = Value::read(text)?;
    let [endpoint, place, extra] = document.members(["endpoint", "location", "extra"])?;
    let message = OperatorMessage {
        endpoint: endpoint.map(|value| read_endpoint(&value)).transpose()?,
        location: place.map(|value| location(&value)).transpose()?,
        extra: extra.map(|value| value.text()).transpose()?,
    };
    let updated = OperatorMetadata::default().updated(&message.to_bytes());
    refuse_too_large(&document, updated.err())?;
    Ok(message)
}

/// The message that says what `text` says of a family.
///
/// # Errors
/// [`MetadataJsonError`] says where, what was expected and under which code.
pub fn family_message(text: &str) -> Read<FamilyMessage> {
    let document = Value::read(text)?;
    let [region, description, areas, targets] =
        document.members(["region", "description", "areas", "latencyTestTargets"])?;
    let message = FamilyMessage {
        region: region.map(|value| value.text()).transpose()?,
        description: description.map(|value| value.text()).transpose()?,
        areas: read_list(areas, area)?,
        latency_test_targets: read_list(targets, target)?,
    };
    let updated = FamilyMetadata::default().updated(&message.to_bytes());
    refuse_too_large(&document, updated.err())?;
    Ok(message)
}

/// Only the size: it is of the whole, and all else has been refused where it stands.
fn refuse_too_large(document: &Value<'_>, error: Option<MetadataError>) -> Read<()> {
    match error {
        Some(MetadataError::TooLarge) => Err(document.refuse(MetadataProblem::TooLarge)),
        Some(MetadataError::Undecodable | MetadataError::Endpoint | MetadataError::Location) | None => Ok(()),
    }
}

fn read_endpoint(value: &Value<'_>) -> Read<String> {
    let holds = |url: &str| url.is_empty() || endpoint_is_valid(url);
    let expected = "an http or https URL of a host, without user, query or fragment, or \"\" to unset it";
    checked_text(value, holds, Reject::InvalidEndpoint, expected)
}

fn location(value: &Value<'_>) -> Read<LocationMessage> {
    let [country, city, coordinates] = value.members(["countryCode", "city", "coordinates"])?;
    let holds = |code: &str| code.is_empty() || is_country(code);
    let expected = "a country's two capital letters of ISO 3166-1, or \"\" to unset them";
    let read_country = |value: Value<'_>| checked_text(&value, holds, Reject::InvalidLocation, expected);
    Ok(LocationMessage {
        country_code: country.map(read_country).transpose()?,
        city: city.map(|value| value.text()).transpose()?,
        coordinates: coordinates.map(|value| read_coordinates(&value)).transpose()?,
    })
}

fn read_coordinates(value: &Value<'_>) -> Read<CoordinatesMessage> {
    let [latitude, longitude] = value.members(["latitude", "longitude"])?;
    let read = |value: Option<Value<'_>>, max, expected| {
        let bits = |value: Value<'_>| {
            let number = value.number(expected)?;
            let problem = || MetadataProblem::not_allowed(Reject::InvalidLocation, expected, number);
            let microdegrees = degrees::microdegrees(number, max).ok_or_else(|| value.refuse(problem()))?;
            Ok(float_bits(microdegrees))
        };
        value.map(bits).transpose()
    };
    Ok(CoordinatesMessage {
        latitude: read(latitude, MAX_LATITUDE_MICRODEGREES, "a number of degrees from -90 to 90")?,
        longitude: read(longitude, MAX_LONGITUDE_MICRODEGREES, "a number of degrees from -180 to 180")?,
    })
}

/// The items of a list that may be absent; each is told whether it is the only one.
fn read_list<T>(list: Option<Value<'_>>, read: fn(&Value<'_>, bool) -> Read<T>) -> Read<Vec<T>> {
    let items = list.map(|value| value.items()).transpose()?.unwrap_or_default();
    let alone = items.len() == 1;
    items.iter().map(|item| read(item, alone)).collect()
}

fn area(value: &Value<'_>, alone: bool) -> Read<AreaMessage> {
    const FORM: &str = "an object with one of continentCode, countryCode and subdivisionCode; the only \
                        area may be {}, to clear the list";
    const CONTINENT: &str = "one of AF, AN, AS, EU, NA, OC and SA";
    const COUNTRY: &str = "a country's two capital letters of ISO 3166-1";
    const SUBDIVISION: &str = "a code of ISO 3166-2, such as NO-03";
    let place = Reject::InvalidLocation;
    let codes = value.members(["continentCode", "countryCode", "subdivisionCode"])?;
    let code = match &codes {
        [None, None, None] if alone => None,
        [Some(continent), None, None] => {
            let text = continent.text()?;
            let problem = || MetadataProblem::not_allowed(place, CONTINENT, &text);
            let read = Continent::from_code(&text).ok_or_else(|| continent.refuse(problem()))?;
            Some(AreaCode::Continent(read.into()))
        }
        [None, Some(country), None] => {
            Some(AreaCode::CountryCode(checked_text(country, is_country, place, COUNTRY)?))
        }
        [None, None, Some(part)] => {
            Some(AreaCode::SubdivisionCode(checked_text(part, is_subdivision, place, SUBDIVISION)?))
        }
        _ => return Err(value.refuse(MetadataProblem::not_allowed(place, FORM, value.raw()))),
    };
    Ok(AreaMessage { code })
}

fn target(value: &Value<'_>, alone: bool) -> Read<String> {
    let holds = |target: &str| (alone && target.is_empty()) || target_is_valid(target);
    let expected = "a host, perhaps with a port, or an http or https URL; the only target may be \"\", to \
                    clear the list";
    checked_text(value, holds, Reject::InvalidEndpoint, expected)
}

fn checked_text(
    value: &Value<'_>,
    holds: impl FnOnce(&str) -> bool,
    reject: Reject,
    expected: &'static str,
) -> Read<String> {
    let text = value.text()?;
    if holds(&text) {
        return Ok(text);
    }
    Err(value.refuse(MetadataProblem::not_allowed(reject, expected, &text)))
}
