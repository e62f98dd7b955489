//! Codes of countries and of their parts.

use crate::subdivisions::SUBDIVISIONS;

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

/// Whether `code` is an ISO 3166-2 code of a part of a country, in capitals: `NO-03`.
///
/// Both lists change now and then. Nodes must agree on what is refused, so that a newer list is a
/// change of the rules; what was set before stays.
#[must_use]
pub fn is_subdivision(code: &str) -> bool {
    let Some((country, part)) = code.split_once('-') else { return false };
    let Ok(row) = SUBDIVISIONS.binary_search_by_key(&country, |(country, _)| country) else { return false };
    SUBDIVISIONS.get(row).is_some_and(|(_, parts)| parts.split(' ').any(|known| known == part))
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
    fn subdivisions_are_those_of_the_standard() {
        let parts = |(_, parts): &(&'static str, &'static str)| parts.split(' ');
        assert_eq!(SUBDIVISIONS.len(), 200);
        assert_eq!(SUBDIVISIONS.iter().flat_map(parts).count(), 5_046);
        assert!(SUBDIVISIONS.is_sorted() && SUBDIVISIONS.iter().all(|(country, _)| is_country(country)));
        for row in SUBDIVISIONS {
            assert!(parts(row).is_sorted_by(|a, b| a < b), "{row:?}");
            for part in parts(row) {
                assert!((1..=3).contains(&part.len()), "{row:?}");
                assert!(part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{row:?}");
                assert!(is_subdivision(&std::format!("{}-{part}", row.0)), "{row:?}");
            }
        }
    }

    #[test]
    fn subdivisions_belong_to_a_country() {
        for (code, holds) in [
            ("NO-03", true),
            ("GB-ENG", true),
            ("US-CA", true),
            ("FR-75C", true),
            ("ZW-MW", true),
            ("AD-02", true),
            ("UK-ENG", false),
            ("NO-99", false),
            ("NO-CA", false),
            // Countries that have no parts.
            ("AI-01", false),
            ("ZZ-01", false),
            ("NO", false),
            ("NO-", false),
            ("-03", false),
            ("NO-03 11", false),
            ("NO-0333", false),
            ("no-03", false),
            ("NO-0-3", false),
            ("", false),
        ] {
            assert_eq!(is_subdivision(code), holds, "{code}");
        }
    }
}
