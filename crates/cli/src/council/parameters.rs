//! Parameters of the network that the council may change.

use super::propose::Act;
use crate::{
    failure::{Failure, Outcome},
    network::Network,
    values::{Amount, Span},
};
use argosy_directory::{CouncilAction, Profile, call::Parameter};
use clap::ValueEnum as _;
use std::{fmt::Display, str::FromStr};

/// A parameter, and its new value
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SetParameter {
    /// Name of the parameter, as in `argosy limits`
    #[arg(
        value_name = "NAME",
        value_parser = name,
        long_help = NAMES,
    )]
    name: Name,
    /// Money as elsewhere, lengths of time such as 12h, everything else as a whole number
    #[arg(value_name = "VALUE")]
    value: String,
}

/// What stands in the help.
const NAMES: &str = "\
Name of the parameter: transaction-fee, transaction-byte-fee, transaction-weight-fee, \
max-data-object-size, max-distribution-bucket-families, blacklist-size-limit, \
max-storage-buckets-per-worker, max-assets-per-set, max-workers-per-group, reward-period-ms, \
min-unstaking-period-ms, min-application-stake, opening-deposit, resignation-notice-ms or \
proposal-life-ms";

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Name {
    TransactionFee,
    TransactionByteFee,
    TransactionWeightFee,
    MaxDataObjectSize,
    MaxDistributionBucketFamilies,
    BlacklistSizeLimit,
    MaxStorageBucketsPerWorker,
    MaxAssetsPerSet,
    MaxWorkersPerGroup,
    RewardPeriodMs,
    MinUnstakingPeriodMs,
    MinApplicationStake,
    OpeningDeposit,
    ResignationNoticeMs,
    ProposalLifeMs,
}

/// With hyphens, as command lines have them; with capitals, as the API; or with underscores.
fn name(text: &str) -> Result<Name, String> {
    let plain = |text: &str| text.replace(['-', '_'], "").to_ascii_lowercase();
    let is_meant =
        |name: &&Name| name.to_possible_value().is_some_and(|it| plain(it.get_name()) == plain(text));
    let found = Name::value_variants().iter().find(is_meant);
    found.copied().ok_or_else(|| "no parameter has this name, or the council cannot change it".to_owned())
}

impl SetParameter {
    fn parameter(&self, profile: Profile) -> Outcome<Parameter> {
        Ok(match self.name {
            Name::TransactionFee => Parameter::TransactionFee(self.money(profile)?),
            Name::TransactionByteFee => Parameter::TransactionByteFee(self.money(profile)?),
            Name::TransactionWeightFee => Parameter::TransactionWeightFee(self.money(profile)?),
            Name::MaxDataObjectSize => Parameter::MaxDataObjectSize(self.number()?),
            Name::MaxDistributionBucketFamilies => Parameter::MaxDistributionBucketFamilies(self.number()?),
            Name::BlacklistSizeLimit => Parameter::BlacklistSizeLimit(self.number()?),
            Name::MaxStorageBucketsPerWorker => Parameter::MaxStorageBucketsPerWorker(self.number()?),
            Name::MaxAssetsPerSet => Parameter::MaxAssetsPerSet(self.number()?),
            Name::MaxWorkersPerGroup => Parameter::MaxWorkersPerGroup(self.number()?),
            Name::RewardPeriodMs => Parameter::RewardPeriodMs(self.time()?),
            Name::MinUnstakingPeriodMs => Parameter::MinUnstakingPeriodMs(self.time()?),
            Name::MinApplicationStake => Parameter::MinApplicationStake(self.money(profile)?),
            Name::OpeningDeposit => Parameter::OpeningDeposit(self.money(profile)?),
            Name::ResignationNoticeMs => Parameter::ResignationNoticeMs(self.time()?),
            Name::ProposalLifeMs => Parameter::ProposalLifeMs(self.time()?),
        })
    }

    fn money(&self, profile: Profile) -> Outcome<u128> {
        self.value.parse::<Amount>().map_err(|error| self.wrong(error))?.on(profile)
    }

    /// A length of time; a plain number is one of milliseconds, which the names speak of.
    fn time(&self) -> Outcome<u64> {
        if let Ok(ms) = self.number() {
            return Ok(ms);
        }
        Ok(self.value.parse::<Span>().map_err(|error| self.wrong(error))?.ms)
    }

    fn number<T: FromStr>(&self) -> Outcome<T> {
        let plain = self.value.bytes().all(|byte| byte.is_ascii_digit());
        let number = if plain { self.value.parse().ok() } else { None };
        number.ok_or_else(|| self.wrong("expected a whole number that is not too large"))
    }

    fn wrong(&self, what: impl Display) -> Failure {
        Failure::usage(format!("the value {:?}: {what}", self.value))
    }
}

impl Act for SetParameter {
    async fn action(&self, network: &Network) -> Outcome<CouncilAction> {
        Ok(CouncilAction::SetParameter { parameter: self.parameter(network.genesis.profile)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(given: &str, value: &str) -> Outcome<Parameter> {
        let name = name(given).map_err(Failure::usage)?;
        SetParameter { name, value: value.to_owned() }.parameter(Profile::Mainnet)
    }

    #[test]
    fn every_parameter_is_set_by_its_name() {
        for (name, value, expected) in [
            ("transaction-fee", "0.5JOY", Parameter::TransactionFee(5_000_000_000)),
            ("transactionByteFee", "7", Parameter::TransactionByteFee(7)),
            ("transaction_weight_fee", "7", Parameter::TransactionWeightFee(7)),
            ("max-data-object-size", "1000", Parameter::MaxDataObjectSize(1_000)),
            ("max-distribution-bucket-families", "9", Parameter::MaxDistributionBucketFamilies(9)),
            ("blacklist-size-limit", "9", Parameter::BlacklistSizeLimit(9)),
            ("max-storage-buckets-per-worker", "2", Parameter::MaxStorageBucketsPerWorker(2)),
            ("max-assets-per-set", "3", Parameter::MaxAssetsPerSet(3)),
            ("maxWorkersPerGroup", "50", Parameter::MaxWorkersPerGroup(50)),
            ("reward-period-ms", "12h", Parameter::RewardPeriodMs(43_200_000)),
            ("min-unstaking-period-ms", "5000", Parameter::MinUnstakingPeriodMs(5_000)),
            ("min-application-stake", "10", Parameter::MinApplicationStake(10)),
            ("opening-deposit", "10", Parameter::OpeningDeposit(10)),
            ("resignation-notice-ms", "2d", Parameter::ResignationNoticeMs(172_800_000)),
            ("proposal-life-ms", "1w", Parameter::ProposalLifeMs(604_800_000)),
        ] {
            assert_eq!(parameter(name, value).unwrap(), expected, "{name}");
        }
        assert_eq!(Name::value_variants().len(), 15);
        for name in Name::value_variants() {
            assert!(NAMES.contains(name.to_possible_value().unwrap().get_name()), "{name:?}");
        }
    }

    #[test]
    fn values_have_the_kind_of_their_parameter() {
        for (name, value) in [
            ("max-workers-per-group", "4294967296"),
            ("max-workers-per-group", "1JOY"),
            ("max-workers-per-group", ""),
            ("reward-period-ms", "soon"),
            ("transaction-fee", "7d"),
            ("min-storage-buckets-per-bag", "1"),
        ] {
            assert!(parameter(name, value).is_err(), "{name} {value}");
        }
    }
}
