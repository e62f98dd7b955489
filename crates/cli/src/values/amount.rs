//! Amounts of money.

use crate::failure::{Failure, Outcome};
use argosy_directory::Profile;
use std::str::FromStr;

/// Digits after the point of an amount in JOY: one is 10^10 base units.
///
/// Source: Joystream's runtime, `currency::DOLLARS` and the token's decimals.
const JOY_DIGITS: usize = 10;
/// How an amount is written.
const FORM: &str = "expected base units as a whole number, or an amount such as 1.5JOY";

/// An amount as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Amount {
    units: u128,
    in_joy: bool,
}

/// What is earned in each reward period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reward {
    /// Nothing is paid.
    None,
    /// This much.
    PerPeriod(Amount),
}

impl Amount {
    /// In base units. Only on a network whose money is JOY can it be written in JOY.
    pub(crate) fn on(self, profile: Profile) -> Outcome<u128> {
        if self.in_joy && profile != Profile::Mainnet {
            return Err(Failure::usage("this network's money is not JOY: give the amount in base units"));
        }
        Ok(self.units)
    }
}

impl Reward {
    /// In base units.
    pub(crate) fn on(self, profile: Profile) -> Outcome<Option<u128>> {
        match self {
            Self::None => Ok(None),
            Self::PerPeriod(amount) => amount.on(profile).map(Some),
        }
    }
}

impl FromStr for Amount {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let joy = text.strip_suffix("JOY").or_else(|| text.strip_suffix("joy"));
        let units = joy.map_or_else(|| whole(text), joy_units);
        Ok(Self { units: units.ok_or(FORM)?, in_joy: joy.is_some() })
    }
}

impl FromStr for Reward {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self::None);
        }
        let wrong = "expected base units as a whole number, an amount such as 1.5JOY, or none";
        text.parse().map(Self::PerPeriod).map_err(|_| wrong)
    }
}

/// Digits only: no sign, no blank.
fn whole(text: &str) -> Option<u128> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// `1`, `1.5`, `0.0000000001`; a blank may stand before the unit.
fn joy_units(text: &str) -> Option<u128> {
    let text = text.trim_end();
    let (joy, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.len() > JOY_DIGITS {
        return None;
    }
    whole(fraction)?;
    whole(joy)?;
    // Digits that are left out are zeros.
    whole(&format!("{joy}{fraction:0<JOY_DIGITS$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Option<u128> {
        text.parse::<Amount>().ok()?.on(Profile::Mainnet).ok()
    }

    #[test]
    fn amounts_are_exact_in_both_units() {
        for (text, expected) in [
            ("0", 0),
            ("1234567", 1_234_567),
            ("340282366920938463463374607431768211455", u128::MAX),
            ("1JOY", 10_000_000_000),
            ("1.5JOY", 15_000_000_000),
            ("0.0000000001 JOY", 1),
            ("12345600joy", 123_456_000_000_000_000),
        ] {
            assert_eq!(units(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "-1",
            "+1",
            "1.5",
            "1 000",
            "1e3",
            "JOY",
            ".5JOY",
            "1.JOY",
            "0.00000000001JOY",
            "1.5.5JOY",
            "340282366920938463463374607431768211456",
            "34028236692093846346337460743.1768211456JOY",
        ] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }

    #[test]
    fn another_networks_money_is_not_joy() {
        let amount: Amount = "1.5JOY".parse().unwrap();
        assert!(amount.on(Profile::Local).unwrap_err().message.contains("base units"));
        assert_eq!("7".parse::<Amount>().unwrap().on(Profile::Local).unwrap(), 7);
    }

    #[test]
    fn a_reward_can_be_none() {
        assert_eq!("none".parse(), Ok(Reward::None));
        assert_eq!("5".parse::<Reward>().unwrap().on(Profile::Local).unwrap(), Some(5));
        assert!("nothing".parse::<Reward>().is_err());
    }
}
