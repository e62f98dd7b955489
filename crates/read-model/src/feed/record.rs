//! Blocks and transactions themselves.

use super::rows::Rows;
use crate::{
    error::ApplyError,
    store::Tip,
    value::{cut, flag, int, maybe_text, text, wide},
};
use argosy_directory::{Call, Outcome, Transaction};
use argosy_domain::num::to_u64;
use argosy_ledger::{Block, block::transaction_hash};
use rusqlite::types::Value;

/// Longest text of a call's arguments, in bytes.
const MAX_ARGUMENTS_BYTES: u64 = 2_048;

/// An empty block has no row: one every six seconds would be most of the index.
pub(super) fn block(rows: &Rows<'_>, block: &Block, tip: &Tip) -> Result<(), ApplyError> {
    if block.transactions.is_empty() && block.block_events.is_empty() {
        return Ok(());
    }
    rows.insert(
        "Block",
        &[
            ("id", text(tip.height)),
            ("height", int(tip.height)),
            ("hash", text(hex::encode(tip.hash))),
            ("timestamp", int(tip.time_ms)),
            ("transactionsCount", int(to_u64(block.transactions.len()))),
        ],
    )
}

/// Gives the transaction's hash in hexadecimal.
pub(super) fn transaction(
    rows: &Rows<'_>,
    bytes: &[u8],
    transaction: &Transaction,
    outcome: &Outcome,
    index: u64,
) -> Result<String, ApplyError> {
    let hash = hex::encode(transaction_hash(bytes));
    let payload = &transaction.payload;
    let (name, arguments) = describe(&payload.call);
    let error = outcome.result.err();
    rows.insert(
        "Transaction",
        &[
            ("id", text(&hash)),
            ("block", text(rows.height)),
            ("height", int(rows.height)),
            ("indexInBlock", int(index)),
            ("timestamp", int(rows.time_ms)),
            ("signer", text(payload.signer)),
            ("nonce", wide(payload.nonce.into())),
            ("call", text(name)),
            ("arguments", text(arguments)),
            ("success", flag(error.is_none())),
            ("errorCode", error.map_or(Value::Null, |error| text(error.code()))),
            ("errorNumber", error.map_or(Value::Null, |error| int(error.number().into()))),
            ("errorMessage", maybe_text(error.map(|error| error.to_string()).as_deref())),
            ("eventsCount", int(to_u64(outcome.events.len()))),
        ],
    )?;
    Ok(hash)
}

/// Name and arguments of a call, for people.
fn describe(call: &Call) -> (String, String) {
    if let Call::Batch(batch) = call {
        let names: Vec<String> = batch.calls.iter().map(|call| describe(call).0).collect();
        return ("Batch".to_owned(), cut(&names.join(", "), MAX_ARGUMENTS_BYTES));
    }
    let shown = format!("{call:?}");
    let is_name = |c: char| c.is_ascii_alphanumeric();
    let (module, rest) = split_name(&shown, is_name);
    // A group's call has the group in front of it.
    let (group, rest) = match rest.split_once("call: ") {
        Some((group, rest)) if module == "Group" => (group.trim_matches([' ', '{', ',']), rest),
        _ => ("", rest.strip_prefix('(').unwrap_or(rest)),
    };
    let (name, arguments) = split_name(rest, is_name);
    let arguments = arguments.trim_end_matches(')').trim();
    let arguments = if group.is_empty() { arguments.to_owned() } else { format!("{group} {arguments}") };
    (format!("{module}.{name}"), cut(&arguments, MAX_ARGUMENTS_BYTES))
}

fn split_name(text: &str, is_name: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !is_name(c)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_directory::{BatchCall, BatchMode, DistributionCall, GroupCall, StorageCall};
    use argosy_domain::{StorageBucketId, WorkerId, WorkingGroup};

    #[test]
    fn calls_are_named_by_module_and_name() {
        let bucket = StorageBucketId(3);
        let status =
            Call::Storage(StorageCall::UpdateStorageBucketStatus { bucket, accepting_new_bags: true });
        let (name, arguments) = describe(&status);
        assert_eq!(name, "Storage.UpdateStorageBucketStatus");
        assert_eq!(arguments, "{ bucket: StorageBucketId(3), accepting_new_bags: true }");
        let family = Call::Distribution(DistributionCall::CreateDistributionBucketFamily);
        assert_eq!(describe(&family), ("Distribution.CreateDistributionBucketFamily".into(), String::new()));
        let leave = GroupCall::LeaveRole { worker: WorkerId(1) };
        let leave = Call::Group { group: WorkingGroup::Storage, call: leave };
        let (name, arguments) = describe(&leave);
        assert_eq!((name.as_str(), arguments.contains("group: Storage")), ("Group.LeaveRole", true));
        let batch = BatchCall { mode: BatchMode::EachOnItsOwn, calls: vec![status, family] };
        let (name, arguments) = describe(&Call::Batch(batch));
        assert_eq!(name, "Batch");
        assert_eq!(
            arguments,
            "Storage.UpdateStorageBucketStatus, Distribution.CreateDistributionBucketFamily"
        );
    }
}
