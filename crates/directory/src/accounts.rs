//! Money between accounts.

use crate::{State, call::AccountsCall, change::Change, event::Event, purse::Purse, reject::Reject};
use argosy_domain::AccountId;

pub(crate) fn check(state: &State, signer: AccountId, call: &AccountsCall) -> Result<Change, Reject> {
    match *call {
        AccountsCall::Transfer { to, amount } => {
            let mut purse = Purse::new(state);
            purse.take(signer, amount)?;
            purse.give(to, amount);
            let mut change = Change::default();
            purse.settle(&mut change);
            change.tell(Event::Transferred { from: signer, to, amount });
            Ok(change)
        }
    }
}
