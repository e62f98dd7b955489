//! Tables of texts and what they make, and random round trips.

use super::*;
use argosy_domain::metadata::Coordinates;
use proptest::{collection::vec, option, prelude::*, sample::select};

const FULL_OPERATOR: &str = r#"{
  "endpoint": "https://a.example/distributor/",
  "location": {
    "countryCode": "SG",
    "city": "Singapore",
    "coordinates": {
      "latitude": 1,
      "longitude": 104
    }
  },
  "extra": "Welcome"
}"#;

fn operator_bytes(text: &str) -> Vec<u8> {
    operator_message(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_bytes()
}

fn family_bytes(text: &str) -> Vec<u8> {
    family_message(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_bytes()
}

fn operator(bytes: &[u8]) -> OperatorMetadata {
    OperatorMetadata::default().updated(bytes).unwrap()
}

fn family(bytes: &[u8]) -> FamilyMetadata {
    FamilyMetadata::default().updated(bytes).unwrap()
}

fn operator_json(metadata: &OperatorMetadata) -> String {
    serde_json::to_string(&OperatorMetadataView::from(metadata)).unwrap()
}

fn family_json(metadata: &FamilyMetadata) -> String {
    serde_json::to_string(&FamilyMetadataView::from(metadata)).unwrap()
}

/// The vectors follow the protobuf encoding by hand: (field << 3 | wire type), length, content.
#[test]
fn operators_json_makes_these_bytes() {
    for (text, expected) in [
        ("{}", ""),
        (" \n{ }\t", ""),
        (r#"{"endpoint":"http://a"}"#, "0a08687474703a2f2f61"),
        (r#"{"endpoint":""}"#, "0a00"),
        (r#"{"endpoint":"http:\/\/\u0061"}"#, "0a08687474703a2f2f61"),
        (r#"{"location":{}}"#, "1200"),
        (r#"{"location":{"countryCode":"NO"}}"#, "12040a024e4f"),
        (r#"{"location":{"countryCode":"","city":""}}"#, "12040a001200"),
        (r#"{"location":{"city":"Å"}}"#, "12041202c385"),
        (r#"{"location":{"coordinates":{}}}"#, "12021a00"),
        // Latitude is field 3 (0x1d), longitude field 4 (0x25); little-endian floats.
        (r#"{"location":{"coordinates":{"latitude":1,"longitude":-2}}}"#, "120c1a0a1d0000803f25000000c0"),
        (
            r#"{"location":{"coordinates":{"longitude":10.75,"latitude":59.9}}}"#,
            "120c1a0a1d9a996f422500002c41",
        ),
        (
            r#"{"location":{"coordinates":{"latitude":-0.0,"longitude":1.8e2}}}"#,
            "120c1a0a1d000000002500003443",
        ),
        (r#"{"location":{"coordinates":{"latitude":-90}}}"#, "12071a051d0000b4c2"),
        (r#"{"extra":"x"}"#, "1a0178"),
        // Keys in another order: the message keeps its own.
        (r#"{"extra":"x","endpoint":""}"#, "0a001a0178"),
    ] {
        assert_eq!(hex::encode(operator_bytes(text)), expected, "{text}");
    }
}

#[test]
fn familys_json_makes_these_bytes() {
    for (text, expected) in [
        ("{}", ""),
        (r#"{"region":"eu","description":""}"#, "0a0265751200"),
        (r#"{"areas":[],"latencyTestTargets":[]}"#, ""),
        (r#"{"areas":[{}]}"#, "1a00"),
        (r#"{"latencyTestTargets":[""]}"#, "2200"),
        (r#"{"areas":[{"continentCode":"AF"},{"continentCode":"SA"}]}"#, "1a0208011a020807"),
        (r#"{"areas":[{"countryCode":"NO"},{"subdivisionCode":"NO-03"}]}"#, "1a0412024e4f1a071a054e4f2d3033"),
        (r#"{"latencyTestTargets":["a:80","http://b"]}"#, "2204613a38302208687474703a2f2f62"),
    ] {
        assert_eq!(hex::encode(family_bytes(text)), expected, "{text}");
    }
}

/// Path, line, column, code, and a part of what the error says.
type Refusal = (&'static str, &'static str, usize, usize, &'static str, &'static str);

#[track_caller]
fn check_refusals<T: std::fmt::Debug>(read: fn(&str) -> Read<T>, refusals: &[Refusal]) {
    for (text, path, line, column, code, says) in refusals {
        let error = read(text).unwrap_err();
        let place = (error.path.as_str(), error.line, error.column, error.code());
        assert_eq!(place, (*path, *line, *column, *code), "{text}: {error}");
        assert!(error.to_string().contains(says), "{text}: {error}");
    }
}

const SYNTAX: &str = "METADATA_JSON_SYNTAX";
const UNKNOWN: &str = "METADATA_KEY_UNKNOWN";
const REPEATED: &str = "METADATA_KEY_REPEATED";
const TYPE: &str = "METADATA_WRONG_TYPE";
const ENDPOINT: &str = "INVALID_ENDPOINT";
const LOCATION: &str = "INVALID_LOCATION";

#[test]
fn what_is_no_operators_json_is_refused_where_it_is_wrong() {
    check_refusals(
        operator_message,
        &[
            ("", "", 1, 1, SYNTAX, "this is not JSON: EOF while parsing a value"),
            ("{\"extra\":\n  \"é\" x}", "", 2, 7, SYNTAX, "expected `,` or `}`"),
            ("{} {}", "", 1, 4, SYNTAX, "trailing characters"),
            ("{\"extra\":\"a\nb\"}", "", 1, 11, SYNTAX, "control character"),
            (r#"{"extra": "\ud800"}"#, "extra", 1, 11, SYNTAX, "hex escape"),
            (r#"{"extra":NaN}"#, "", 1, 10, SYNTAX, "expected value"),
            ("[]", "", 1, 1, TYPE, "metadata at line 1, column 1: expected an object, found a list"),
            ("null", "", 1, 1, TYPE, "found null"),
            (r#"{"Endpoint":""}"#, "Endpoint", 1, 2, UNKNOWN, "use one of endpoint, location, extra"),
            ("{\n \"a\\u001b[2J\": 1}", r#""a\u{1b}[2J""#, 2, 2, UNKNOWN, "remove it"),
            (r#"{"": 1}"#, r#""""#, 1, 2, UNKNOWN, "remove it"),
            (r#"{"extra":"","extra":""}"#, "extra", 1, 13, REPEATED, "twice"),
            (r#"{"extra":"","\u0065xtra":""}"#, "extra", 1, 13, REPEATED, "twice"),
            (r#"{"endpoint":null}"#, "endpoint", 1, 13, TYPE, "expected a text in quotes, found null"),
            (r#"{"endpoint":7}"#, "endpoint", 1, 13, TYPE, "found a number"),
            (r#"{"endpoint":"ftp://a"}"#, "endpoint", 1, 13, ENDPOINT, r#"found "ftp://a""#),
            (r#"{"endpoint":"http://a?b"}"#, "endpoint", 1, 13, ENDPOINT, "without user, query"),
            (r#"{"endpoint":"http://a..b"}"#, "endpoint", 1, 13, ENDPOINT, "http or https URL"),
            (r#"{"extra":{}}"#, "extra", 1, 10, TYPE, "expected a text in quotes, found an object"),
            (r#"{"extra":true}"#, "extra", 1, 10, TYPE, "found true"),
        ],
    );
}

#[test]
fn what_is_no_place_is_refused_where_it_is_wrong() {
    check_refusals(
        operator_message,
        &[
            (r#"{"location":""}"#, "location", 1, 13, TYPE, "expected an object, found a text"),
            (r#"{"location":null}"#, "location", 1, 13, TYPE, "found null"),
            (
                r#"{"location":{"country":"NO"}}"#,
                "location.country",
                1,
                14,
                UNKNOWN,
                "countryCode, city, coord",
            ),
            (
                r#"{"location":{"countryCode":"UK"}}"#,
                "location.countryCode",
                1,
                28,
                LOCATION,
                r#"found "UK""#,
            ),
            (r#"{"location":{"countryCode":"no"}}"#, "location.countryCode", 1, 28, LOCATION, "capital"),
            (r#"{"location":{"countryCode":1}}"#, "location.countryCode", 1, 28, TYPE, "found a number"),
            (r#"{"location":{"city":[]}}"#, "location.city", 1, 21, TYPE, "found a list"),
            (r#"{"location":{"coordinates":[1,2]}}"#, "location.coordinates", 1, 28, TYPE, "found a list"),
            (
                "{\"location\":\n {\"coordinates\":\n  {\"latitude\": 91.5}}}",
                "location.coordinates.latitude",
                3,
                16,
                LOCATION,
                "expected a number of degrees from -90 to 90, found \"91.5\"",
            ),
            (
                r#"{"location":{"coordinates":{"latitude":"1"}}}"#,
                "location.coordinates.latitude",
                1,
                40,
                TYPE,
                "expected a number of degrees from -90 to 90, found a text in quotes",
            ),
            (
                r#"{"location":{"coordinates":{"longitude":-180.000001}}}"#,
                "location.coordinates.longitude",
                1,
                41,
                LOCATION,
                "from -180 to 180",
            ),
            (
                r#"{"location":{"coordinates":{"lat":1}}}"#,
                "location.coordinates.lat",
                1,
                29,
                UNKNOWN,
                "latitude, longitude",
            ),
        ],
    );
}

#[test]
fn what_is_no_familys_json_is_refused_where_it_is_wrong() {
    check_refusals(
        family_message,
        &[
            (
                r#"{"endpoint":""}"#,
                "endpoint",
                1,
                2,
                UNKNOWN,
                "region, description, areas, latencyTestTargets",
            ),
            (r#"{"region":1}"#, "region", 1, 11, TYPE, "found a number"),
            (r#"{"description":null}"#, "description", 1, 16, TYPE, "found null"),
            (r#"{"areas":{}}"#, "areas", 1, 10, TYPE, "expected a list, found an object"),
            (r#"{"areas":null}"#, "areas", 1, 10, TYPE, "expected a list, found null"),
            (r#"{"areas":["EU"]}"#, "areas[0]", 1, 11, TYPE, "expected an object, found a text"),
            (r#"{"areas":[{"continent":5}]}"#, "areas[0].continent", 1, 12, UNKNOWN, "continentCode"),
            (r#"{"areas":[{"continentCode":"XX"}]}"#, "areas[0].continentCode", 1, 28, LOCATION, "one of AF"),
            (r#"{"areas":[{"continentCode":6}]}"#, "areas[0].continentCode", 1, 28, TYPE, "found a number"),
            (r#"{"areas":[{"continentCode":""}]}"#, "areas[0].continentCode", 1, 28, LOCATION, "one of AF"),
            (r#"{"areas":[{"countryCode":""}]}"#, "areas[0].countryCode", 1, 26, LOCATION, "ISO 3166-1"),
            (r#"{"areas":[{"countryCode":"ZZ"}]}"#, "areas[0].countryCode", 1, 26, LOCATION, "ISO 3166-1"),
            (
                "{\"areas\":[{\"continentCode\":\"EU\"},\n{\"subdivisionCode\":\"NO-99\"}]}",
                "areas[1].subdivisionCode",
                2,
                20,
                LOCATION,
                "ISO 3166-2, such as NO-03, found \"NO-99\"",
            ),
            (
                r#"{"areas":[{"countryCode":"NO","continentCode":"EU"}]}"#,
                "areas[0]",
                1,
                11,
                LOCATION,
                "one of continentCode, countryCode and subdivisionCode",
            ),
            (
                r#"{"areas":[{"countryCode":"NO"},{}]}"#,
                "areas[1]",
                1,
                32,
                LOCATION,
                "the only area may be {}",
            ),
            (r#"{"areas":[{},{}]}"#, "areas[0]", 1, 11, LOCATION, "the only area may be {}"),
            (r#"{"latencyTestTargets":"a"}"#, "latencyTestTargets", 1, 23, TYPE, "expected a list"),
            (r#"{"latencyTestTargets":[1]}"#, "latencyTestTargets[0]", 1, 24, TYPE, "found a number"),
            (
                r#"{"latencyTestTargets":["a","b c"]}"#,
                "latencyTestTargets[1]",
                1,
                28,
                ENDPOINT,
                "found \"b c\"",
            ),
            (r#"{"latencyTestTargets":["a",""]}"#, "latencyTestTargets[1]", 1, 28, ENDPOINT, "only target"),
        ],
    );
}

#[test]
fn sizes_are_bounded() {
    let too_large = |error: MetadataJsonError| (error.code(), error.problem);
    let padded = format!("{{}}{}", " ".repeat(MAX_METADATA_JSON_BYTES - 2));
    assert_eq!(operator_message(&padded), Ok(OperatorMessage::default()));
    let longer = format!("{padded} ");
    let problem = MetadataProblem::TextTooLong(MAX_METADATA_JSON_BYTES + 1);
    assert_eq!(operator_message(&longer).map_err(too_large), Err(("METADATA_TOO_LARGE", problem.clone())));
    assert_eq!(family_message(&longer).map_err(too_large), Err(("METADATA_TOO_LARGE", problem)));
    // Three bytes of the message and five of what is kept stand around this text.
    for (room, fits) in [(5, true), (4, false)] {
        let text = "x".repeat(MAX_METADATA_BYTES - room);
        let json = format!(r#"{{"extra":"{text}"}}"#);
        let expected = if fits { Ok(()) } else { Err(("METADATA_TOO_LARGE", MetadataProblem::TooLarge)) };
        assert_eq!(operator_message(&json).map(drop).map_err(too_large), expected.clone());
        // A family keeps one more.
        let json = format!(r#"{{"description":"{}"}}"#, &text[..text.len() - 1]);
        assert_eq!(family_message(&json).map(drop).map_err(too_large), expected);
    }
    // Text whose every character is escaped still fits.
    let escaped = format!(r#"{{"extra":"{}"}}"#, "\\u0041".repeat(4_000));
    assert_eq!(operator_message(&escaped).unwrap().extra.unwrap(), "A".repeat(4_000));
}

#[test]
fn a_found_text_is_cut_and_cannot_move_a_cursor() {
    let json = format!(r#"{{"endpoint":"\u001b\u202e{}"}}"#, "é".repeat(3_000));
    let error = operator_message(&json).unwrap_err().to_string();
    assert!(error.contains("\\u{1b}\\u{202e}éé") && error.ends_with("é\"…") && error.len() < 300, "{error}");
}

#[test]
fn what_is_shown_is_what_was_written() {
    let shown = operator_json(&operator(&operator_bytes(FULL_OPERATOR)));
    let expected = r#"{"endpoint":"https://a.example/distributor/","location":{"countryCode":"SG","city":"Singapore","coordinates":{"latitude":1.0,"longitude":104.0}},"extra":"Welcome"}"#;
    assert_eq!(shown, expected);
    let json = r#"{"location":{"coordinates":{"latitude":59.9,"longitude":-179.99998}}}"#;
    assert_eq!(operator_json(&operator(&operator_bytes(json))), json);
    let json = r#"{"region":"eu","areas":[{"continentCode":"EU"},{"countryCode":"NO"},{"subdivisionCode":"NO-03"}],"latencyTestTargets":["a:80"]}"#;
    assert_eq!(family_json(&family(&family_bytes(json))), json);
    assert_eq!(operator_json(&OperatorMetadata::default()), "{}");
    assert_eq!(family_json(&FamilyMetadata::default()), "{}");
}

#[test]
fn absent_leaves_and_empty_unsets() {
    let full = operator(&operator_bytes(FULL_OPERATOR));
    let after = |text: &str| full.updated(&operator_bytes(text)).unwrap();
    assert_eq!(after("{}"), full);
    assert_eq!(after(r#"{"endpoint":"","location":{},"extra":""}"#), OperatorMetadata::default());
    let place = after(r#"{"location":{"countryCode":"","coordinates":{}}}"#).location.unwrap();
    assert_eq!(
        (place.country_code, place.city.as_deref(), place.coordinates),
        (None, Some("Singapore"), None)
    );
    // One coordinate alone moves along its axis.
    let place = after(r#"{"location":{"coordinates":{"latitude":2}}}"#).location.unwrap();
    let expected = Coordinates { latitude_microdegrees: 2_000_000, longitude_microdegrees: 104_000_000 };
    assert_eq!(place.coordinates, Some(expected));

    let json =
        r#"{"region":"eu","description":"x","areas":[{"continentCode":"EU"}],"latencyTestTargets":["a"]}"#;
    let full = family(&family_bytes(json));
    let after = |text: &str| full.updated(&family_bytes(text)).unwrap();
    assert_eq!(after("{}"), full);
    assert_eq!(after(r#"{"areas":[],"latencyTestTargets":[]}"#), full);
    let empty = r#"{"region":"","description":"","areas":[{}],"latencyTestTargets":[""]}"#;
    assert_eq!(after(empty), FamilyMetadata::default());
}

fn coordinates() -> impl Strategy<Value = CoordinatesMessage> {
    let degrees = |max: i32| (-max..=max).prop_map(|n| Some(float_bits(n)));
    (degrees(90_000_000), degrees(180_000_000))
        .prop_map(|(latitude, longitude)| CoordinatesMessage { latitude, longitude })
}

fn operator_state() -> impl Strategy<Value = OperatorMetadata> {
    let country = option::of(select(vec!["NO".to_owned(), "SG".to_owned()]));
    let location = (country, option::of(".{0,20}"), option::of(coordinates()))
        .prop_map(|(country_code, city, coordinates)| LocationMessage { country_code, city, coordinates });
    (
        option::of("https?://[a-z]{1,9}(:[1-9]{2})?(/[a-z%]{0,5})?"),
        option::of(location),
        option::of("\\PC{0,40}"),
    )
        .prop_map(|(endpoint, location, extra)| {
            operator(&OperatorMessage { endpoint, location, extra }.to_bytes())
        })
}

fn family_state() -> impl Strategy<Value = FamilyMetadata> {
    let code = prop_oneof![
        (1_i32..=7).prop_map(AreaCode::Continent),
        select(vec!["NO", "ZW"]).prop_map(|code| AreaCode::CountryCode(code.into())),
        select(vec!["NO-03", "FR-75C"]).prop_map(|code| AreaCode::SubdivisionCode(code.into())),
    ];
    let areas = vec(code.prop_map(|code| AreaMessage { code: Some(code) }), 0..5);
    (option::of(".{0,20}"), option::of("\\PC{0,40}"), areas, vec("[a-z]{1,9}(:[1-9]{2})?", 0..4)).prop_map(
        |(region, description, areas, latency_test_targets)| {
            family(&FamilyMessage { region, description, areas, latency_test_targets }.to_bytes())
        },
    )
}

proptest! {
    #[test]
    fn operators_shown_and_set_again_stay_the_same(state in operator_state()) {
        let json = operator_json(&state);
        prop_assert_eq!(operator(&operator_bytes(&json)), state, "{}", json);
    }

    #[test]
    fn families_shown_and_set_again_stay_the_same(state in family_state()) {
        let json = family_json(&state);
        prop_assert_eq!(family(&family_bytes(&json)), state, "{}", json);
    }

    /// A valid text with a part replaced is refused with a place inside it, or the directory takes it.
    #[test]
    fn any_text_is_read_or_refused(start in 0_usize..240, length in 0_usize..9, patch in "[{}\\[\\]\",:0-9a-zé\n-]{0,8}") {
        let mut text = FULL_OPERATOR.to_owned();
        let start = start.min(text.len());
        let end = (start + length).min(text.len());
        text.replace_range(start..end, &patch);
        match operator_message(&text) {
            Ok(message) => {
                let half = message.location.and_then(|place| place.coordinates)
                    .is_some_and(|c| c.latitude.is_some() != c.longitude.is_some());
                prop_assert_eq!(OperatorMetadata::default().updated(&operator_bytes(&text)).is_err(), half);
            }
            Err(error) => {
                let line = text.split('\n').nth(error.line - 1).unwrap();
                prop_assert!((1..=line.chars().count() + 1).contains(&error.column), "{}", error);
            }
        }
    }
}
