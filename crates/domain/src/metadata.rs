//! What operators say of their nodes: protobuf messages, checked and decoded.
//!
//! Source: Joystream's `Storage.proto`: `StorageBucketOperatorMetadata` and
//! `DistributionBucketOperatorMetadata`, which have the same fields.

use crate::{countries::is_country, limits::MAX_METADATA_BYTES};
use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use core::{
    cmp::Ordering,
    net::{Ipv4Addr, Ipv6Addr},
};
use prost::Message;
use thiserror::Error;

/// Longest endpoint, in characters (all ASCII).
pub const MAX_ENDPOINT_CHARS: usize = 256;
/// Longest name of a host, in characters.
///
/// Source: RFC 1035 §2.3.4.
const MAX_HOST_CHARS: usize = 253;
/// Longest part of a name between two dots, in characters.
const MAX_LABEL_CHARS: usize = 63;
/// Microdegrees in a degree.
pub const MICRODEGREES: u64 = 1_000_000;
/// Furthest from the equator, in microdegrees.
pub const MAX_LATITUDE_MICRODEGREES: u64 = 90 * MICRODEGREES;
/// Furthest from the meridian of Greenwich, in microdegrees.
pub const MAX_LONGITUDE_MICRODEGREES: u64 = 180 * MICRODEGREES;

/// Why metadata was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// More than [`MAX_METADATA_BYTES`].
    #[error("the metadata is larger than {MAX_METADATA_BYTES} bytes")]
    TooLarge,
    /// Not the protobuf message.
    #[error("the metadata is not the expected protobuf message")]
    Undecodable,
    /// See [`endpoint_is_valid`].
    #[error("the endpoint is not an http or https URL of a node")]
    Endpoint,
    /// A code of no country or part of one, or coordinates that are not on the globe.
    #[error("a country or subdivision code, or the coordinates, are not valid")]
    Location,
}

/// What an operator says of its node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct OperatorMetadata {
    /// Root URL of the node; clients append `api/v1/…`.
    pub endpoint: Option<String>,
    /// Where the node stands.
    pub location: Option<Location>,
    /// Anything else, for people.
    pub extra: Option<String>,
}

/// Where a node stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Location {
    /// ISO 3166-1 alpha-2, upper case.
    pub country_code: Option<String>,
    /// For people.
    pub city: Option<String>,
    /// Place on the globe.
    pub coordinates: Option<Coordinates>,
}

/// A place on the globe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Coordinates {
    /// Millionths of a degree, from -90 000 000 to 90 000 000.
    pub latitude_microdegrees: i32,
    /// Millionths of a degree, from -180 000 000 to 180 000 000.
    pub longitude_microdegrees: i32,
}

/// The message itself. Absent fields leave what was said before, empty ones unset it.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorMessage {
    /// See [`OperatorMetadata::endpoint`].
    #[prost(string, optional, tag = "1")]
    pub endpoint: Option<String>,
    /// See [`OperatorMetadata::location`].
    #[prost(message, optional, tag = "2")]
    pub location: Option<LocationMessage>,
    /// See [`OperatorMetadata::extra`].
    #[prost(string, optional, tag = "3")]
    pub extra: Option<String>,
}

/// Part of [`OperatorMessage`].
#[derive(Clone, PartialEq, Message)]
pub struct LocationMessage {
    /// See [`Location::country_code`].
    #[prost(string, optional, tag = "1")]
    pub country_code: Option<String>,
    /// See [`Location::city`].
    #[prost(string, optional, tag = "2")]
    pub city: Option<String>,
    /// See [`Location::coordinates`].
    #[prost(message, optional, tag = "3")]
    pub coordinates: Option<CoordinatesMessage>,
}

/// Part of [`LocationMessage`]: none of the fields unsets the place; one of them alone leaves the other as
/// it was, if there was one.
///
/// The fields are floats in the message. A float and a `fixed32` look alike on the wire, and so no
/// float enters a program whose state is agreed on.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct CoordinatesMessage {
    /// Bits of the IEEE 754 single-precision number of degrees.
    #[prost(fixed32, optional, tag = "3")]
    pub latitude: Option<u32>,
    /// Bits of the IEEE 754 single-precision number of degrees.
    #[prost(fixed32, optional, tag = "4")]
    pub longitude: Option<u32>,
}

impl OperatorMetadata {
    /// This metadata after the message `bytes`: absent fields stay, empty strings and empty
    /// messages unset, all others replace.
    ///
    /// # Errors
    /// [`MetadataError`]; the metadata then stays as it was.
    pub fn updated(&self, bytes: &[u8]) -> Result<Self, MetadataError> {
        if bytes.len() > MAX_METADATA_BYTES {
            return Err(MetadataError::TooLarge);
        }
        let message = OperatorMessage::decode(bytes).map_err(|_| MetadataError::Undecodable)?;
        if !message.endpoint.as_deref().is_none_or(|url| url.is_empty() || endpoint_is_valid(url)) {
            return Err(MetadataError::Endpoint);
        }
        let location = match message.location {
            None => self.location.clone(),
            Some(location) => updated_location(self.location.as_ref(), location)?,
        };
        let updated = Self {
            endpoint: updated_text(self.endpoint.as_ref(), message.endpoint),
            location,
            extra: updated_text(self.extra.as_ref(), message.extra),
        };
        // Two messages that are small enough may add up to more than is kept.
        if updated.encoded_size() > MAX_METADATA_BYTES {
            return Err(MetadataError::TooLarge);
        }
        Ok(updated)
    }
}

impl OperatorMessage {
    /// The bytes of the message.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

/// The message that sets the endpoint and leaves all else as it is.
#[must_use]
pub fn encode_operator_metadata(endpoint: &str) -> Vec<u8> {
    let endpoint = Some(endpoint.into());
    OperatorMessage { endpoint, location: None, extra: None }.encode_to_vec()
}

pub(crate) fn updated_text(old: Option<&String>, new: Option<String>) -> Option<String> {
    match new {
        None => old.cloned(),
        Some(text) if text.is_empty() => None,
        Some(text) => Some(text),
    }
}

fn updated_location(
    old: Option<&Location>,
    message: LocationMessage,
) -> Result<Option<Location>, MetadataError> {
    if message == LocationMessage::default() {
        return Ok(None);
    }
    let country_is_valid = |code: &str| code.is_empty() || is_country(code);
    if !message.country_code.as_deref().is_none_or(country_is_valid) {
        return Err(MetadataError::Location);
    }
    let coordinates = match message.coordinates {
        None => old.and_then(|location| location.coordinates),
        Some(coordinates) => updated_coordinates(old.and_then(|l| l.coordinates), coordinates)?,
    };
    let location = Location {
        country_code: updated_text(old.and_then(|l| l.country_code.as_ref()), message.country_code),
        city: updated_text(old.and_then(|l| l.city.as_ref()), message.city),
        coordinates,
    };
    Ok(Some(location).filter(|location| *location != Location::default()))
}

fn updated_coordinates(
    old: Option<Coordinates>,
    message: CoordinatesMessage,
) -> Result<Option<Coordinates>, MetadataError> {
    if message == CoordinatesMessage::default() {
        return Ok(None);
    }
    let read = |bits: Option<u32>, max, old: Option<i32>| match bits {
        Some(bits) => microdegrees(bits, max).ok_or(MetadataError::Location),
        None => old.ok_or(MetadataError::Location),
    };
    let (latitude, longitude) = (message.latitude, message.longitude);
    let (old_latitude, old_longitude) =
        (old.map(|c| c.latitude_microdegrees), old.map(|c| c.longitude_microdegrees));
    Ok(Some(Coordinates {
        latitude_microdegrees: read(latitude, MAX_LATITUDE_MICRODEGREES, old_latitude)?,
        longitude_microdegrees: read(longitude, MAX_LONGITUDE_MICRODEGREES, old_longitude)?,
    }))
}

/// The number whose IEEE 754 single-precision bits these are, in millionths, rounded to the nearest
/// and halves away from zero; none unless it is finite and at most `max` from zero.
fn microdegrees(bits: u32, max: u64) -> Option<i32> {
    let biased_exponent = (bits >> 23) & 0xff;
    let fraction = u64::from(bits & 0x7f_ffff);
    // Subnormal numbers have the exponent of the smallest normal ones and no hidden bit.
    let (significand, exponent) = match biased_exponent {
        0 => (fraction, 1),
        _ => (fraction | 0x80_0000, biased_exponent),
    };
    // The number is significand * 2^(exponent - 150). From 2^8 on it is no angle, nor is NaN.
    if exponent > 134 {
        return None;
    }
    let shift = 150_u32.saturating_sub(exponent);
    let scaled = significand.saturating_mul(MICRODEGREES);
    let half = 1_u64.checked_shl(shift.saturating_sub(1)).unwrap_or(0);
    let rounded = scaled.saturating_add(half).checked_shr(shift).unwrap_or(0);
    if rounded > max {
        return None;
    }
    let magnitude = i32::try_from(rounded).ok()?;
    if bits >> 31 == 1 { magnitude.checked_neg() } else { Some(magnitude) }
}

/// Bits of the IEEE 754 single-precision number that is nearest to `microdegrees` millionths, ties to
/// the even one: what a message says of a latitude or longitude.
///
/// From 16 degrees on, such numbers are more than a microdegree apart (15 at 180 degrees), so that what
/// is read back may differ by half of that, less than a metre. Written once more, it stays the same.
#[must_use]
pub fn float_bits(microdegrees: i32) -> u32 {
    const HIDDEN_BIT: u64 = 1 << 23;
    let mut scaled = u64::from(microdegrees.unsigned_abs());
    if scaled == 0 {
        return 0;
    }
    // The number stays scaled * 2^(exponent - 150) millionths. An i32 is far below the loop's end, and
    // at most 43 steps away from it.
    let mut exponent = 150_u64;
    while scaled < HIDDEN_BIT.wrapping_mul(MICRODEGREES) {
        scaled = scaled.wrapping_mul(2);
        exponent = exponent.wrapping_sub(1);
    }
    let (significand, rest) = (scaled / MICRODEGREES, scaled % MICRODEGREES);
    let up = match rest.wrapping_mul(2).cmp(&MICRODEGREES) {
        Ordering::Less => 0,
        Ordering::Equal => significand % 2,
        Ordering::Greater => 1,
    };
    // Rounding up may carry into the exponent, which is then the right one.
    let magnitude = exponent.wrapping_mul(HIDDEN_BIT).wrapping_add(significand ^ HIDDEN_BIT).wrapping_add(up);
    let sign = if microdegrees < 0 { 1 << 31 } else { 0 };
    u32::try_from(magnitude).map_or(sign, |magnitude| magnitude | sign)
}

/// Whether `url` is the root URL of a node: http or https, a host, perhaps a port and a path, and
/// nothing else; printable ASCII, at most [`MAX_ENDPOINT_CHARS`] characters.
///
/// Whether its address may be connected to is judged where it is used.
#[must_use]
pub fn endpoint_is_valid(url: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && !b"@?#\\\"<>`{|}^".contains(&b);
    if url.len() > MAX_ENDPOINT_CHARS || !url.bytes().all(plain) {
        return false;
    }
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let authority = rest.split('/').next().unwrap_or_default();
    known && authority_is_valid(authority)
}

pub(crate) fn authority_is_valid(authority: &str) -> bool {
    let (host_is_valid, rest) = match authority.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((address, rest)) => (address.parse::<Ipv6Addr>().is_ok(), rest),
            None => return false,
        },
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (host, rest) = authority.split_at(end);
            (host_name_is_valid(host), rest)
        }
    };
    host_is_valid && (rest.is_empty() || rest.strip_prefix(':').is_some_and(port_is_valid))
}

/// Labels of 1 to 63 characters between dots, perhaps with a dot at the end. What ends in a number is
/// read as an address by everyone who connects, and so must be one.
fn host_name_is_valid(host: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let label_is_valid = |label: &str| {
        (1..=MAX_LABEL_CHARS).contains(&label.len()) && !label.starts_with('-') && label.bytes().all(allowed)
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    let numeric = name.rsplit('.').next().is_some_and(ends_like_address);
    name.len() <= MAX_HOST_CHARS
        && name.split('.').all(label_is_valid)
        && (!numeric || host.parse::<Ipv4Addr>().is_ok())
}

/// Whether a name whose last label this is counts as an IPv4 address.
///
/// Source: WHATWG URL standard, "ends in a number".
fn ends_like_address(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|b| b.is_ascii_digit())
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn port_is_valid(port: &str) -> bool {
    port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_arithmetic, clippy::as_conversions)]
    use super::*;
    use proptest::prelude::*;

    fn set(message: &OperatorMessage) -> Result<OperatorMetadata, MetadataError> {
        OperatorMetadata::default().updated(&message.encode_to_vec())
    }

    fn at(latitude: f32, longitude: f32) -> Result<OperatorMetadata, MetadataError> {
        let (latitude, longitude) = (Some(latitude.to_bits()), Some(longitude.to_bits()));
        let coordinates = Some(CoordinatesMessage { latitude, longitude });
        let location = Some(LocationMessage { coordinates, ..Default::default() });
        set(&OperatorMessage { location, ..Default::default() })
    }

    #[test]
    fn absent_stays_empty_unsets_and_others_replace() {
        let full = OperatorMessage {
            endpoint: Some("https://a.example/".into()),
            location: Some(LocationMessage {
                country_code: Some("NO".into()),
                city: Some("Oslo".into()),
                coordinates: Some(CoordinatesMessage {
                    latitude: Some(59.9_f32.to_bits()),
                    longitude: Some(10.75_f32.to_bits()),
                }),
            }),
            extra: Some("x".into()),
        };
        let first = set(&full).unwrap();
        let location = first.location.clone().unwrap();
        assert_eq!(location.coordinates.unwrap().longitude_microdegrees, 10_750_000);
        assert_eq!(first.updated(&[]), Ok(first.clone()));

        let second = first.updated(&encode_operator_metadata("http://b.example:1")).unwrap();
        assert_eq!(second.endpoint.as_deref(), Some("http://b.example:1"));
        assert_eq!(second.location, first.location);

        let city = LocationMessage { city: Some("Bergen".into()), ..Default::default() };
        let message = OperatorMessage { location: Some(city), ..Default::default() };
        let moved = second.updated(&message.encode_to_vec()).unwrap().location.unwrap();
        assert_eq!((moved.city.as_deref(), moved.country_code.as_deref()), (Some("Bergen"), Some("NO")));

        let unset = OperatorMessage {
            endpoint: Some(String::new()),
            location: Some(LocationMessage::default()),
            extra: Some(String::new()),
        };
        assert_eq!(second.updated(&unset.encode_to_vec()), Ok(OperatorMetadata::default()));
    }

    #[test]
    fn bytes_that_are_too_many_or_no_message_are_refused() {
        let long = encode_operator_metadata(&"x".repeat(MAX_METADATA_BYTES));
        assert_eq!(OperatorMetadata::default().updated(&long), Err(MetadataError::TooLarge));
        for bytes in [&[0xff_u8][..], &[0x0a, 5, b'a'], &[0x0a, 1, 0xff], &[0x08, 1]] {
            let result = OperatorMetadata::default().updated(bytes);
            assert_eq!(result, Err(MetadataError::Undecodable), "{bytes:?}");
        }
    }

    #[test]
    fn endpoints_are_urls_of_a_host_and_nothing_more() {
        for good in [
            "http://127.0.0.1:3333",
            "https://a.example",
            "https://a.example/storage/",
            "HTTP://[::1]:80/",
            "http://localhost:65535/",
            "http://a.example.",
            "http://xn--bcher-kva.example",
            "http://8.a_b.0xyz",
        ] {
            assert!(endpoint_is_valid(good), "{good}");
        }
        for bad in [
            "",
            "a.example",
            "ftp://a.example",
            "http://",
            "http:///x",
            "http://u@a.example",
            "http://a?x",
            "http://a#x",
            "http://a b",
            "http://a\n",
            "http://a:0",
            "http://a:65536",
            "http://a:",
            "http://a:+1",
            "http://[::1",
            "http://[x]",
            "http://é.example",
            "http://.a",
            "http://a\\b",
            "http://a..b",
            "http://a..",
            "http://a.-b",
            "http://1.2.3",
            "http://1.2.3.256",
            "http://01.2.3.4",
            "http://a.7",
            "http://0x7f000001",
            "http://2130706433/",
            "javascript://a%0a",
        ] {
            assert!(!endpoint_is_valid(bad), "{bad}");
        }
        assert!(!endpoint_is_valid(&["http://a/", &"a".repeat(248)].concat()));
        assert!(endpoint_is_valid(&["http://a/", &"a".repeat(247)].concat()));
        assert!(!endpoint_is_valid(&["http://", &"a".repeat(64)].concat()));
        assert!(endpoint_is_valid(&["http://", &"a".repeat(63)].concat()));
    }

    #[test]
    fn countries_are_assigned_codes() {
        for (code, holds) in
            [("NO", true), ("", true), ("no", false), ("NOR", false), ("1A", false), ("é", false)]
        {
            let location = LocationMessage {
                country_code: Some(code.into()),
                city: Some("x".into()),
                coordinates: None,
            };
            let message = OperatorMessage { location: Some(location), ..Default::default() };
            assert_eq!(set(&message).is_ok(), holds, "{code:?}");
        }
    }

    #[test]
    fn coordinates_are_finite_both_present_and_on_the_globe() {
        assert!(at(90.0, -180.0).is_ok() && at(-90.0, 180.0).is_ok() && at(-0.0, f32::MIN_POSITIVE).is_ok());
        for (latitude, longitude) in [
            (90.00001, 0.0),
            (0.0, 180.00002),
            (f32::NAN, 0.0),
            (0.0, f32::INFINITY),
            (f32::NEG_INFINITY, 0.0),
            (0.0, 256.0),
            (1e30, 0.0),
        ] {
            assert_eq!(at(latitude, longitude), Err(MetadataError::Location), "{latitude} {longitude}");
        }
        let coordinates = Some(CoordinatesMessage { latitude: Some(0), longitude: None });
        let location = Some(LocationMessage { coordinates, ..Default::default() });
        let half = OperatorMessage { location, ..Default::default() };
        assert_eq!(set(&half), Err(MetadataError::Location));
        let moved = at(1.5, 2.5).unwrap().updated(&half.encode_to_vec()).unwrap().location.unwrap();
        let expected = Coordinates { latitude_microdegrees: 0, longitude_microdegrees: 2_500_000 };
        assert_eq!(moved.coordinates, Some(expected));
    }

    #[test]
    fn float_bits_are_those_of_ieee_754() {
        for (microdegrees, bits) in [
            (0, 0),
            (1_000_000, 0x3f80_0000),
            (-2_000_000, 0xc000_0000),
            (59_900_000, 0x426f_999a),
            (10_750_000, 0x412c_0000),
            (-180_000_000, 0xc334_0000),
            (1, 0x3586_37bd),
            // Rounds up into the next power of two.
            (127_999_999, 0x4300_0000),
        ] {
            assert_eq!(float_bits(microdegrees), bits, "{microdegrees}");
        }
        for microdegrees in [i32::MIN, i32::MAX] {
            let expected = (f64::from(microdegrees) / 1e6) as f32;
            assert_eq!(float_bits(microdegrees), expected.to_bits());
        }
    }

    proptest! {
        #[test]
        fn microdegrees_agree_with_floating_point(degrees in -180.0_f32..=180.0) {
            let expected = (f64::from(degrees) * 1e6).round() as i32;
            prop_assert_eq!(microdegrees(degrees.to_bits(), MAX_LONGITUDE_MICRODEGREES), Some(expected));
        }

        #[test]
        fn float_bits_agree_with_floating_point(n in -180_000_000_i32..=180_000_000) {
            let text = std::format!("{}{}.{:06}", if n < 0 { "-" } else { "" }, n.abs() / 1_000_000, n.abs() % 1_000_000);
            let expected: f32 = text.parse().unwrap();
            let expected = if n == 0 { 0 } else { expected.to_bits() };
            prop_assert_eq!(float_bits(n), expected);
        }

        #[test]
        fn microdegrees_survive_floats(n in -180_000_000_i32..=180_000_000) {
            let again = microdegrees(float_bits(n), MAX_LONGITUDE_MICRODEGREES).unwrap();
            prop_assert!(again.abs_diff(n) <= if n.abs() < 16_000_000 { 0 } else { 8 }, "{} {}", n, again);
            prop_assert_eq!(microdegrees(float_bits(again), MAX_LONGITUDE_MICRODEGREES), Some(again));
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = OperatorMetadata::default().updated(&bytes);
        }
    }
}
