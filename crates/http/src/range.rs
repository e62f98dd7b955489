//! The `Range` header as Argus reads it: one byte range is served, anything else is the whole object.
//!
//! Source: `spec/argus-colossus.md` B1, RFC 9110 §14, `spec/reliability.md` T-45.

use std::ops::Range;

/// Longest `Range` header that is looked at, in bytes; a longer one is ignored.
const MAX_HEADER_BYTES: usize = 256;

/// What a `Range` header asks of an object of known size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeRequest {
    /// No range that we serve: the whole object with status 200.
    Whole,
    /// One range, not empty, half-open and within the object: status 206.
    One(Range<u64>),
    /// One well-formed range that lies past the end: status 416.
    Unsatisfiable,
}

/// Reads a `Range` header for an object of `size` bytes.
///
/// Several ranges, unknown units, malformed and overlong headers give [`RangeRequest::Whole`]. The end
/// of a range is clipped to the object's end.
#[must_use]
pub fn parse(header: &str, size: u64) -> RangeRequest {
    match parse_one(header) {
        None => RangeRequest::Whole,
        Some(Spec::Suffix(count)) => within(size.saturating_sub(count)..size, size),
        Some(Spec::From(first)) => within(first..size, size),
        Some(Spec::Between(first, last)) => within(first..last.saturating_add(1).min(size), size),
    }
}

fn within(range: Range<u64>, size: u64) -> RangeRequest {
    if range.start < size && !range.is_empty() {
        RangeRequest::One(range)
    } else {
        RangeRequest::Unsatisfiable
    }
}

enum Spec {
    Suffix(u64),
    From(u64),
    Between(u64, u64),
}

fn parse_one(header: &str) -> Option<Spec> {
    if header.len() > MAX_HEADER_BYTES {
        return None;
    }
    let (unit, set) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    // A comma makes it a list, whose elements may even be empty; lists are served whole.
    let (first, last) = set.trim_matches([' ', '\t']).split_once('-')?;
    match (first, last) {
        ("", last) => Some(Spec::Suffix(position(last)?)),
        (first, "") => Some(Spec::From(position(first)?)),
        (first, last) => {
            let (first, last) = (position(first)?, position(last)?);
            (first <= last).then_some(Spec::Between(first, last))
        }
    }
}

/// Digits only; a number too large for us is past the end of any object.
fn position(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::{RangeRequest::*, *};

    #[test]
    fn every_shape_of_a_range_header() {
        let cases = [
            ("bytes=0-", One(0..100)),
            ("bytes=0-0", One(0..1)),
            ("bytes=10-19", One(10..20)),
            ("bytes=90-1000", One(90..100)),
            ("bytes=0-18446744073709551615", One(0..100)),
            ("bytes=0-99999999999999999999999", One(0..100)),
            ("bytes=99-", One(99..100)),
            ("bytes=-1", One(99..100)),
            ("bytes=-100", One(0..100)),
            ("bytes=-1000", One(0..100)),
            ("BYTES=1-2", One(1..3)),
            ("bytes= 1-2 ", One(1..3)),
            ("bytes=100-", Unsatisfiable),
            ("bytes=100-200", Unsatisfiable),
            ("bytes=99999999999999999999999-", Unsatisfiable),
            ("bytes=-0", Unsatisfiable),
            ("bytes=0-1,5-6", Whole),
            ("bytes=0-1,", Whole),
            ("bytes=,0-1", Whole),
            ("bytes=5-1", Whole),
            ("bytes=-", Whole),
            ("bytes=", Whole),
            ("bytes", Whole),
            ("", Whole),
            ("bytes=a-b", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=1--2", Whole),
            ("bytes=1 - 2", Whole),
            ("items=0-1", Whole),
            ("bytes=0-1\u{e9}", Whole),
        ];
        for (header, expected) in cases {
            assert_eq!(parse(header, 100), expected, "{header}");
        }
    }

    #[test]
    fn nothing_of_an_empty_object_can_be_had() {
        for header in ["bytes=0-", "bytes=-1", "bytes=0-0"] {
            assert_eq!(parse(header, 0), Unsatisfiable, "{header}");
        }
    }

    #[test]
    fn an_overlong_header_is_ignored() {
        let header = format!("bytes={}1-2", "0".repeat(MAX_HEADER_BYTES));
        assert_eq!(parse(&header, 100), Whole);
    }
}
