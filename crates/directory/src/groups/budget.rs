//! What a group can pay, and what its lead says of the group.

use super::ensure_lead;
use crate::{
    State,
    call::Balance,
    change::{Change, Edit},
    event::Event,
    purse::Purse,
    reject::Reject,
    state::GroupSettings,
};
use argosy_domain::{AccountId, WorkingGroup};

pub(super) fn fund(
    state: &State,
    from: AccountId,
    group: WorkingGroup,
    amount: Balance,
) -> Result<Change, Reject> {
    if amount == 0 {
        return Err(Reject::CannotFundZero);
    }
    let mut purse = Purse::new(state);
    purse.take(from, amount)?;
    purse.give_budget(group, amount);
    let mut change = Change::default();
    purse.settle(&mut change);
    change.tell(Event::BudgetFunded { group, from, amount });
    Ok(change)
}

pub(super) fn spend(
    state: &State,
    signer: AccountId,
    group: WorkingGroup,
    to: AccountId,
    amount: Balance,
) -> Result<Change, Reject> {
    ensure_lead(state, group, signer)?;
    if amount == 0 {
        return Err(Reject::CannotSpendZero);
    }
    let mut purse = Purse::new(state);
    purse.take_budget(group, amount)?;
    purse.give(to, amount);
    let mut change = Change::default();
    purse.settle(&mut change);
    change.tell(Event::BudgetSpent { group, to, amount });
    Ok(change)
}

pub(super) fn set_status_text(
    state: &State,
    signer: AccountId,
    group: WorkingGroup,
    settings: &GroupSettings,
    hash: Option<[u8; 32]>,
) -> Result<Change, Reject> {
    ensure_lead(state, group, signer)?;
    let settings = GroupSettings { status_text: hash, ..*settings };
    Ok(Change::of(Edit::Group(group, settings), Event::StatusTextChanged { group, hash }))
}
