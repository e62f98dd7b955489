//! The `Range` header: one byte range, or a few that only go forward.
//!
//! What is malformed, or counts in other units than bytes, asks for the whole object, as with Argus. A
//! list that is long, overlaps or goes back is no player's and only costs: it is [`Excessive`].
//!
//! [`Excessive`]: RangeRequest::Excessive
//!
//! Source: `spec/argus-colossus.md` B1, RFC 9110 §14, `spec/reliability.md` T-45.

use std::ops::Range;

/// Longest `Range` header that is looked at, in bytes.
const MAX_HEADER_BYTES: usize = 256;
/// Most ranges of a list.
const MAX_RANGES: usize = 4;

/// What a `Range` header asks of an object of known size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RangeRequest {
    /// No range that we understand: the whole object with status 200.
    Whole,
    /// One range, not empty, half-open and within the object: status 206.
    One(Range<u64>),
    /// Two to four such ranges, ascending and apart: status 206, `multipart/byteranges`.
    Several(Vec<Range<u64>>),
    /// Well-formed, and all of it lies past the end: status 416.
    Unsatisfiable,
    /// More ranges than that, or overlapping, or descending, or an overlong header.
    Excessive,
}

/// Reads a `Range` header for an object of `size` bytes.
///
/// The end of a range is clipped to the object's end, and what lies past it is left out of a list.
#[must_use]
pub fn parse(header: &str, size: u64) -> RangeRequest {
    if header.len() > MAX_HEADER_BYTES {
        return RangeRequest::Excessive;
    }
    let Some(set) = byte_set(header) else {
        return RangeRequest::Whole;
    };
    if !set.contains(',') {
        return match spec(set) {
            None => RangeRequest::Whole,
            Some(spec) => spec.within(size).map_or(RangeRequest::Unsatisfiable, RangeRequest::One),
        };
    }
    parse_list(set, size)
}

fn parse_list(set: &str, size: u64) -> RangeRequest {
    let mut ranges: Vec<Range<u64>> = Vec::with_capacity(MAX_RANGES);
    let (mut count, mut forward) = (0_usize, true);
    for element in set.split(',') {
        let Some(spec) = spec(element.trim_matches([' ', '\t'])) else {
            return RangeRequest::Whole;
        };
        count += 1;
        if let Some(range) = spec.within(size).filter(|_| count <= MAX_RANGES) {
            forward &= ranges.last().is_none_or(|before| before.end <= range.start);
            ranges.push(range);
        }
    }
    match (count <= MAX_RANGES && forward, ranges.pop()) {
        (false, _) => RangeRequest::Excessive,
        (true, None) => RangeRequest::Unsatisfiable,
        (true, Some(only)) if ranges.is_empty() => RangeRequest::One(only),
        (true, Some(last)) => {
            ranges.push(last);
            RangeRequest::Several(ranges)
        }
    }
}

/// What follows `bytes=`.
fn byte_set(header: &str) -> Option<&str> {
    let (unit, set) = header.split_once('=')?;
    unit.trim().eq_ignore_ascii_case("bytes").then(|| set.trim_matches([' ', '\t']))
}

enum Spec {
    Suffix(u64),
    From(u64),
    Between(u64, u64),
}

impl Spec {
    /// The part of an object of `size` bytes; none if that is nothing.
    fn within(self, size: u64) -> Option<Range<u64>> {
        let range = match self {
            Self::Suffix(count) => size.saturating_sub(count)..size,
            Self::From(first) => first..size,
            Self::Between(first, last) => first..last.saturating_add(1).min(size),
        };
        (!range.is_empty()).then_some(range)
    }
}

fn spec(text: &str) -> Option<Spec> {
    match text.split_once('-')? {
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
            ("bytes=0-1,5-6", Several(vec![0..2, 5..7])),
            ("bytes=0-1,2-3", Several(vec![0..2, 2..4])),
            ("bytes=0-1 ,\t5-6, 8-8,-1", Several(vec![0..2, 5..7, 8..9, 99..100])),
            ("bytes=0-1,90-200", Several(vec![0..2, 90..100])),
            ("bytes=0-1,200-", One(0..2)),
            ("bytes=200-,0-1", One(0..2)),
            ("bytes=200-,300-", Unsatisfiable),
            ("bytes=0-1,1-2", Excessive),
            ("bytes=0-,5-6", Excessive),
            ("bytes=5-6,0-1", Excessive),
            ("bytes=0-0,0-0", Excessive),
            ("bytes=0-0,2-2,4-4,6-6,8-8", Excessive),
            ("bytes=0-0,200-,200-,200-,200-", Excessive),
            ("bytes=0-1,x", Whole),
            ("bytes=0-1,5-1", Whole),
            ("bytes=0-1,,5-6", Whole),
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
    fn an_overlong_header_is_too_much() {
        let header = format!("bytes={}1-2", "0".repeat(MAX_HEADER_BYTES));
        assert_eq!(parse(&header, 100), Excessive);
    }
}
