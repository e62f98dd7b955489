//! Money on its way: what a change takes from and gives to accounts, budgets and the treasury.
//!
//! All money adds up to what was issued less what was burned, and what was issued fits a number;
//! hence no sum of parts can overflow.

use crate::{
    State,
    call::Balance,
    change::{Change, Edit},
    reject::Reject,
    state::{Account, Treasury},
};
use alloc::{boxed::Box, collections::BTreeMap};
use argosy_domain::{AccountId, WorkingGroup};

/// Bytes of a megabyte in fees.
const MEGABYTE: u64 = 1_048_576;

/// The accounts that a change touches, as it leaves them.
pub(crate) struct Purse<'a> {
    state: &'a State,
    treasury: Treasury,
    /// Each as it was, and as it is now. Boxed, since a node of the map has room for eleven, and most
    /// changes touch one.
    accounts: BTreeMap<AccountId, Box<(Account, Account)>>,
    budgets: BTreeMap<WorkingGroup, Balance>,
}

impl Account {
    /// What may be spent on anything.
    #[must_use]
    pub const fn usable(&self) -> Balance {
        self.free.saturating_sub(self.locked)
    }
}

impl State {
    /// Fee for so many bytes: by started megabytes, of all objects of a call together.
    #[must_use]
    pub fn size_fee(&self, bytes: u64) -> Balance {
        self.data_size_fee().saturating_mul(bytes.div_ceil(MEGABYTE).into())
    }

    /// I10: what an upload of so many objects and bytes costs, its bonds included.
    #[must_use]
    pub fn funds_needed_for_upload(&self, objects: u64, bytes: u64) -> Balance {
        self.data_object_bond().saturating_mul(objects.into()).saturating_add(self.size_fee(bytes))
    }
}

impl<'a> Purse<'a> {
    pub(crate) fn new(state: &'a State) -> Self {
        let treasury = *state.treasury();
        Self { state, treasury, accounts: BTreeMap::new(), budgets: BTreeMap::new() }
    }

    /// Writes what became of the money.
    pub(crate) fn settle(self, change: &mut Change) {
        if self.treasury != *self.state.treasury() {
            change.edit(Edit::Treasury(self.treasury));
        }
        for (id, accounts) in self.accounts {
            let (before, account) = *accounts;
            if account != before {
                change.edit(Edit::Account(id, Some(account)));
            }
        }
        for (group, budget) in self.budgets {
            if budget != self.state.budget(group) {
                change.edit(Edit::Budget(group, budget));
            }
        }
    }

    fn account(&mut self, id: AccountId) -> &mut Account {
        let state = self.state;
        let load = || {
            let account = state.account(&id);
            Box::new((account, account))
        };
        &mut self.accounts.entry(id).or_insert_with(load).1
    }

    fn budget_mut(&mut self, group: WorkingGroup) -> &mut Balance {
        let state = self.state;
        self.budgets.entry(group).or_insert_with(|| state.budget(group))
    }

    pub(crate) fn budget(&mut self, group: WorkingGroup) -> Balance {
        *self.budget_mut(group)
    }

    pub(crate) fn give(&mut self, to: AccountId, amount: Balance) {
        let account = self.account(to);
        account.free = account.free.saturating_add(amount);
    }

    pub(crate) fn give_budget(&mut self, group: WorkingGroup, amount: Balance) {
        let budget = self.budget_mut(group);
        *budget = budget.saturating_add(amount);
    }

    /// Out of what may be spent on anything.
    pub(crate) fn take(&mut self, from: AccountId, amount: Balance) -> Result<(), Reject> {
        let account = self.account(from);
        if amount > account.usable() {
            return Err(Reject::InsufficientBalance);
        }
        account.free = account.free.saturating_sub(amount);
        Ok(())
    }

    pub(crate) fn take_budget(&mut self, group: WorkingGroup, amount: Balance) -> Result<(), Reject> {
        let budget = self.budget_mut(group);
        *budget = budget.checked_sub(amount).ok_or(Reject::InsufficientBudgetForSpending)?;
        Ok(())
    }

    /// New money; the caller gives it to somebody.
    pub(crate) fn issue(&mut self, amount: Balance) -> Result<(), Reject> {
        self.treasury.issued = self.treasury.issued.checked_add(amount).ok_or(Reject::ArithmeticError)?;
        Ok(())
    }

    /// The caller took it from somebody.
    pub(crate) fn burn(&mut self, amount: Balance) {
        self.treasury.burned = self.treasury.burned.saturating_add(amount);
    }

    /// More of the account is for fees and bonds only.
    pub(crate) fn lock(&mut self, account: AccountId, amount: Balance) {
        let account = self.account(account);
        account.locked = account.locked.saturating_add(amount);
    }

    /// Holds back as stake.
    pub(crate) fn hold(&mut self, account: AccountId, amount: Balance) -> Result<(), Reject> {
        self.take(account, amount).map_err(|_| Reject::InsufficientBalanceToCoverStake)?;
        let account = self.account(account);
        account.staked = account.staked.saturating_add(amount);
        Ok(())
    }

    /// A stake is free again.
    pub(crate) fn release(&mut self, account: AccountId, amount: Balance) {
        let account = self.account(account);
        account.staked = account.staked.saturating_sub(amount);
        account.free = account.free.saturating_add(amount);
    }

    /// Burns some of a stake.
    pub(crate) fn slash(&mut self, account: AccountId, amount: Balance) {
        let account = self.account(account);
        account.staked = account.staked.saturating_sub(amount);
        self.burn(amount);
    }

    /// Bonds into the treasury; the size fee into the storage group's budget, also where the bond is
    /// zero. Both may come out of locked money. Gives how much of the bonds did.
    pub(crate) fn pay_for_upload(
        &mut self,
        payer: AccountId,
        objects: u64,
        bytes: u64,
    ) -> Result<Balance, Reject> {
        let state = self.state;
        let account = self.account(payer);
        let bonds =
            state.data_object_bond().checked_mul(objects.into()).ok_or(Reject::InsufficientBalance)?;
        let size_fee = state.size_fee(bytes);
        let rest = account.free.checked_sub(bonds).and_then(|rest| rest.checked_sub(size_fee));
        let out_of_locked = bonds.saturating_sub(account.usable());
        account.free = rest.ok_or(Reject::InsufficientBalance)?;
        self.treasury.bonds = self.treasury.bonds.saturating_add(bonds);
        self.give_budget(WorkingGroup::Storage, size_fee);
        Ok(out_of_locked)
    }

    /// A bond back out of the treasury.
    pub(crate) fn refund(&mut self, to: AccountId, bond: Balance) {
        self.treasury.bonds = self.treasury.bonds.saturating_sub(bond);
        self.give(to, bond);
    }
}
