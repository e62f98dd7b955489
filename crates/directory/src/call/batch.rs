//! Several calls at once.

#![expect(clippy::as_conversions, reason = "the derived codecs of enums cast their indices")]

use super::Call;
use alloc::vec::Vec;
use argosy_domain::{limits::MAX_BATCH_CALLS, num::to_usize};
use codec::{Decode, Encode, Error, Input};

/// Whether the calls of a batch stand and fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum BatchMode {
    /// The first call that fails undoes those before it, and the batch fails with its reason.
    #[codec(index = 0)]
    AllOrNothing,
    /// A call that fails changes nothing and those after it go on; the batch succeeds.
    #[codec(index = 1)]
    EachOnItsOwn,
}

/// Several calls at once. Each sees what those before it did.
#[derive(Clone, Debug, PartialEq, Eq, Encode)]
pub struct BatchCall {
    /// What happens when one fails.
    pub mode: BatchMode,
    /// From 1 to [`MAX_BATCH_CALLS`]; none of them a batch.
    pub calls: Vec<Call>,
}

impl Decode for BatchCall {
    // Written out so that memory follows the bytes: room only for calls that there are bytes for, and no
    // batch in a batch, of which a short message could hold very many.
    fn decode<I: Input>(input: &mut I) -> Result<Self, Error> {
        let mode = BatchMode::decode(input)?;
        let count = to_usize(codec::Compact::<u32>::decode(input)?.0.into());
        if count > MAX_BATCH_CALLS {
            return Err(Error::from("a batch has too many calls"));
        }
        let most = input.remaining_len()?.unwrap_or_default() / SHORTEST_CALL_BYTES;
        input.descend_ref()?;
        let mut calls = Vec::with_capacity(count.min(most));
        for _ in 0..count {
            calls.push(decode_single(input)?);
        }
        input.ascend_ref();
        Ok(Self { mode, calls })
    }
}

/// Bytes of a call that says nothing but its name.
const SHORTEST_CALL_BYTES: usize = 2;

/// Any call but a batch, as [`Call`] decodes it.
fn decode_single<I: Input>(input: &mut I) -> Result<Call, Error> {
    Ok(match input.read_byte()? {
        0 => Call::Membership(Decode::decode(input)?),
        1 => Call::Content(Decode::decode(input)?),
        2 => Call::Storage(Decode::decode(input)?),
        3 => Call::Distribution(Decode::decode(input)?),
        4 => Call::Group { group: Decode::decode(input)?, call: Decode::decode(input)? },
        5 => Call::Council(Decode::decode(input)?),
        6 => Call::Accounts(Decode::decode(input)?),
        _ => return Err(Error::from("a batch holds another batch, or no call")),
    })
}
