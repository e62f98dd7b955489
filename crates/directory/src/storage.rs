//! Rules to come.
use crate::{State, call::StorageCall, change::Change, reject::Reject};
use argosy_domain::AccountId;
pub(crate) fn check(_: &State, _: AccountId, _: &StorageCall) -> Result<Change, Reject> { todo!() }
