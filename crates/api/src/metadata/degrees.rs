//! Degrees as people write them, without a float that would round them first.

/// Digits after which a number of degrees is no integer of microdegrees any more.
const MICRO_DIGITS: i64 = 6;
/// Most digits of a number of microdegrees that is worth looking at: 180 000 000 has nine.
const MAX_DIGITS: i64 = 10;

/// The JSON number `number` in millionths, to the nearest one, halves away from zero; none if that is
/// further from zero than `max`.
pub(super) fn microdegrees(number: &str, max: u64) -> Option<i32> {
    let (negative, number) = number.strip_prefix('-').map_or((false, number), |rest| (true, rest));
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    // An exponent of more than 18 digits is as good as the largest one, either way.
    let exponent =
        exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    // How many of the significant digits stand before the point, once in millionths.
    let before = i64::try_from(significant.len())
        .ok()?
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .saturating_add(MICRO_DIGITS)
        .saturating_add(exponent);
    let magnitude = if significant.is_empty() || before < 0 {
        0
    } else if before > MAX_DIGITS {
        return None;
    } else {
        rounded(significant, usize::try_from(before).ok()?)?
    };
    if magnitude > max {
        return None;
    }
    let magnitude = i32::try_from(magnitude).ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

/// The first `before` of `digits`, with zeros where they end, as a number; one more if a 5 or more
/// follows.
fn rounded(digits: &str, before: usize) -> Option<u64> {
    let digit = |at: usize| digits.as_bytes().get(at).map_or(0, |byte| u64::from(byte - b'0'));
    let whole = (0..before).try_fold(0_u64, |sum, at| sum.checked_mul(10)?.checked_add(digit(at)))?;
    whole.checked_add(u64::from(digit(before) >= 5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::metadata::MAX_LONGITUDE_MICRODEGREES;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_read_exactly_and_halves_go_away_from_zero() {
        for (number, expected) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("-0.0e9", Some(0)),
            ("1", Some(1_000_000)),
            ("59.9", Some(59_900_000)),
            ("-104.000001", Some(-104_000_001)),
            ("0.000001", Some(1)),
            ("0.0000005", Some(1)),
            ("-0.0000005", Some(-1)),
            ("0.00000049999999999999999999999999", Some(0)),
            ("0.00000004", Some(0)),
            ("1.0000014999", Some(1_000_001)),
            ("1.0000015", Some(1_000_002)),
            ("9.9999999", Some(10_000_000)),
            ("1e2", Some(100_000_000)),
            ("1.8E+2", Some(180_000_000)),
            ("0.00018e6", Some(180_000_000)),
            ("1800e-1", Some(180_000_000)),
            ("1799999999999999999999e-19", Some(180_000_000)),
            ("180.0000004", Some(180_000_000)),
            ("180.0000005", None),
            ("-180.000001", None),
            ("1e3", None),
            ("9999999999", None),
            ("1e99999999999999999999", None),
            ("1e9223372036854775807", None),
            ("0e99999999999999999999", Some(0)),
            ("1e-99999999999999999999", Some(0)),
            ("1e-9223372036854775808", Some(0)),
        ] {
            assert_eq!(microdegrees(number, MAX_LONGITUDE_MICRODEGREES), expected, "{number}");
        }
        let long = format!("179.{}", "9".repeat(30_000));
        assert_eq!(microdegrees(&long, MAX_LONGITUDE_MICRODEGREES), Some(180_000_000));
    }

    proptest! {
        #[test]
        fn every_way_to_write_a_number_reads_alike(n in -180_000_000_i32..=180_000_000, shift in -20_i32..20) {
            let expected = Some(n);
            let sign = if n < 0 { "-" } else { "" };
            let (whole, rest) = (n.unsigned_abs() / 1_000_000, n.unsigned_abs() % 1_000_000);
            let plain = format!("{sign}{whole}.{rest:06}");
            prop_assert_eq!(microdegrees(&plain, MAX_LONGITUDE_MICRODEGREES), expected);
            let zeros = "0".repeat(usize::try_from(shift.max(0)).unwrap());
            let shifted = format!("{n}{zeros}e{}", -6 - shift.max(0));
            prop_assert_eq!(microdegrees(&shifted, MAX_LONGITUDE_MICRODEGREES), expected);
            let zeros = "0".repeat(usize::try_from(shift.min(0).abs()).unwrap());
            let small = format!("{sign}0.{zeros}{:09}e{}", n.unsigned_abs(), 3 - shift.min(0));
            prop_assert_eq!(microdegrees(&small, MAX_LONGITUDE_MICRODEGREES), expected);
        }
    }
}
