//! Calls about money.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use super::Balance;
use argosy_domain::AccountId;
use codec::{Decode, Encode};

/// Money.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum AccountsCall {
    /// Moves money from the signer.
    #[codec(index = 0)]
    Transfer {
        /// Who receives it.
        to: AccountId,
        /// How much.
        amount: Balance,
    },
}
