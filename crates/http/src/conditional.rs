//! Conditional requests on immutable content with one strong `ETag`.
//!
//! Source: RFC 9110 §13.2.2 (order of evaluation). There is no `Last-Modified`, so dates never match.

use std::ops::Range;

use crate::range::{self, RangeRequest};

/// Largest object that is sent whole to who asks for an excessive list of ranges, in bytes.
///
/// Source: `spec/reliability.md` T-45.
const MAX_WHOLE_BYTES: u64 = 1024 * 1024;

/// The request headers that decide whether and how much is sent. Leave `range` and `if_range` out for
/// `HEAD`, which ignores them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Conditions<'a> {
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// `If-None-Match`.
    pub if_none_match: Option<&'a str>,
    /// `If-Range`.
    pub if_range: Option<&'a str>,
    /// `Range`.
    pub range: Option<&'a str>,
}

/// What to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// 200 with everything.
    Whole,
    /// 206 with these bytes, half-open, not empty.
    Part(Range<u64>),
    /// 206 with these parts, as [`crate::Multipart`] puts them: two to four, ascending and apart.
    Parts(Vec<Range<u64>>),
    /// 304 without a body.
    NotModified,
    /// 412.
    PreconditionFailed,
    /// 416 with `Content-Range: bytes */size`.
    Unsatisfiable,
}

/// Decides what to send of an object of `size` bytes whose strong entity tag is `etag`, quotes included.
#[must_use]
pub fn decide(conditions: &Conditions<'_>, etag: &str, size: u64) -> Decision {
    if conditions.if_match.is_some_and(|list| !any_tag(list, |weak, tag| !weak && tag == etag)) {
        return Decision::PreconditionFailed;
    }
    if conditions.if_none_match.is_some_and(|list| any_tag(list, |_, tag| tag == etag)) {
        return Decision::NotModified;
    }
    if conditions.if_range.is_some_and(|validator| validator.trim() != etag) {
        return Decision::Whole;
    }
    match conditions.range.map_or(RangeRequest::Whole, |header| range::parse(header, size)) {
        RangeRequest::Whole => Decision::Whole,
        RangeRequest::One(range) => Decision::Part(range),
        RangeRequest::Several(ranges) => Decision::Parts(ranges),
        RangeRequest::Unsatisfiable => Decision::Unsatisfiable,
        // Argus sends everything, which costs little where there is little.
        RangeRequest::Excessive if size <= MAX_WHOLE_BYTES => Decision::Whole,
        RangeRequest::Excessive => Decision::Unsatisfiable,
    }
}

/// True for `*` and when some tag of the list, with its weakness, is accepted. A malformed list ends
/// where it stops making sense.
fn any_tag(list: &str, accept: impl Fn(bool, &str) -> bool) -> bool {
    let mut rest = list.trim();
    if rest == "*" {
        return true;
    }
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (weak, tagged) = rest.strip_prefix("W/").map_or((false, rest), |tagged| (true, tagged));
        let Some(close) = tagged.strip_prefix('"').and_then(|inner| inner.find('"')) else {
            return false;
        };
        let (tag, after) = tagged.split_at(close + 2);
        if accept(weak, tag) {
            return true;
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision::*, *};

    const TAG: &str = "\"abc\"";

    fn with(if_match: &str, if_none_match: &str, if_range: &str, range: &str) -> Decision {
        fn set(text: &str) -> Option<&str> {
            (!text.is_empty()).then_some(text)
        }
        let conditions = Conditions {
            if_match: set(if_match),
            if_none_match: set(if_none_match),
            if_range: set(if_range),
            range: set(range),
        };
        decide(&conditions, TAG, 100)
    }

    #[test]
    fn every_condition_in_its_order() {
        // if-match, if-none-match, if-range, range, expected
        let cases = [
            ("", "", "", "", Whole),
            ("", "", "", "bytes=1-2", Part(1..3)),
            ("", "", "", "bytes=100-", Unsatisfiable),
            ("", "", "", "bytes=1-2,5-6", Parts(vec![1..3, 5..7])),
            ("", "", "", "bytes=5-6,1-2", Whole),
            ("", "", "\"x\"", "bytes=1-2,5-6", Whole),
            ("*", "", "", "", Whole),
            ("\"abc\"", "", "", "", Whole),
            ("\"x\", \"abc\"", "", "", "bytes=0-0", Part(0..1)),
            ("\"x\"", "", "", "", PreconditionFailed),
            ("W/\"abc\"", "", "", "", PreconditionFailed),
            ("abc", "", "", "", PreconditionFailed),
            ("\"x\"", "\"abc\"", "", "", PreconditionFailed),
            ("", "*", "", "", NotModified),
            ("", "\"abc\"", "", "bytes=0-0", NotModified),
            ("", "W/\"abc\"", "", "", NotModified),
            ("", "\"x\",W/\"y\" , \"abc\"", "", "", NotModified),
            ("", "\"x\"", "", "bytes=0-0", Part(0..1)),
            ("", "abc", "", "", Whole),
            ("", "\"abc", "", "", Whole),
            ("", "\"a,b\", \"abc\"", "", "", NotModified),
            ("", "", "\"abc\"", "bytes=0-0", Part(0..1)),
            ("", "", "\"x\"", "bytes=0-0", Whole),
            ("", "", "W/\"abc\"", "bytes=0-0", Whole),
            ("", "", "Sat, 01 Jan 2022 00:00:00 GMT", "bytes=0-0", Whole),
            ("", "", "\"x\"", "bytes=100-", Whole),
        ];
        for (if_match, if_none_match, if_range, range, expected) in cases {
            assert_eq!(
                with(if_match, if_none_match, if_range, range),
                expected,
                "{if_match} | {if_none_match} | {if_range} | {range}"
            );
        }
    }

    #[test]
    fn excessive_ranges_of_a_large_object_get_nothing() {
        for (size, expected) in [(MAX_WHOLE_BYTES, Whole), (MAX_WHOLE_BYTES + 1, Unsatisfiable)] {
            for range in ["bytes=5-6,1-2", "bytes=0-9,0-9", "bytes=0-0,2-2,4-4,6-6,8-8"] {
                let conditions = Conditions { range: Some(range), ..Conditions::default() };
                assert_eq!(decide(&conditions, TAG, size), expected, "{range} of {size}");
            }
        }
    }
}
