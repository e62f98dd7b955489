//! Rules to come.
use crate::{State, call::ContentCall, change::Change, reject::Reject};
use argosy_domain::AccountId;
pub(crate) fn check(_: &State, _: AccountId, _: &ContentCall) -> Result<Change, Reject> { todo!() }
