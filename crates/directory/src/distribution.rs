//! Rules to come.
use crate::{State, call::DistributionCall, change::Change, reject::Reject};
use argosy_domain::AccountId;
pub(crate) fn check(_: &State, _: AccountId, _: &DistributionCall) -> Result<Change, Reject> { todo!() }
