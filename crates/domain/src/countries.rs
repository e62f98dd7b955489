//! Codes of countries and of their parts.

/// All codes, ascending, separated by blanks.
///
/// Source: ISO 3166-1 alpha-2, the 249 officially assigned codes.
const COUNTRIES: &str = "\
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS \
BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE \
EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM \
HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC \
LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA \
NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW \
SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO \
TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// Whether `code` is an officially assigned ISO 3166-1 alpha-2 code, in capitals.
#[must_use]
pub fn is_country(code: &str) -> bool {
    COUNTRIES.split(' ').any(|country| country == code)
}

/// Whether `code` has the form of an ISO 3166-2 code of a part of a country that exists: `NO-03`.
///
/// The parts themselves change too often to be judged by a rule that all must agree on for ever.
#[must_use]
pub fn is_subdivision(code: &str) -> bool {
    let part_is_valid = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    };
    code.split_once('-').is_some_and(|(country, part)| is_country(country) && part_is_valid(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_those_of_the_standard() {
        assert_eq!(COUNTRIES.split(' ').count(), 249);
        assert!(COUNTRIES.split(' ').is_sorted() && COUNTRIES.split(' ').all(|code| code.len() == 2));
        for (code, holds) in [
            ("NO", true),
            ("ZW", true),
            ("AD", true),
            ("UK", false),
            ("no", false),
            ("", false),
            ("NOR", false),
        ] {
            assert_eq!(is_country(code), holds, "{code}");
        }
        assert!(!is_country("AD AE"));
    }

    #[test]
    fn subdivisions_belong_to_a_country() {
        for (code, holds) in [
            ("NO-03", true),
            ("GB-ENG", true),
            ("US-CA", true),
            ("UK-ENG", false),
            ("NO", false),
            ("NO-", false),
            ("NO-0333", false),
            ("NO-a", false),
            ("NO-0-3", false),
        ] {
            assert_eq!(is_subdivision(code), holds, "{code}");
        }
    }
}
