//! What the page about storage commands shows is what happens.

use crate::{stage::Stage, transcript};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../docs/storage-commands.md");

/// Every command of Colossus that signs, and ours; those that need nodes are tried elsewhere.
const SHOWN: [&str; 26] = [
    "leader:cancel-invite",
    "leader:copy-bags",
    "leader:create-bucket",
    "leader:delete-bucket",
    "leader:empty-bucket",
    "leader:invite-operator",
    "leader:remove-operator",
    "leader:set-bucket-limits",
    "leader:set-global-uploading-status",
    "leader:set-replication",
    "leader:update-bag-limit",
    "leader:update-bags",
    "leader:update-blacklist",
    "leader:update-bucket-status",
    "leader:update-data-fee",
    "leader:update-data-object-bloat-bond",
    "leader:update-dynamic-bag-policy",
    "leader:update-voucher-limits",
    "operator:accept-invitation",
    "operator:decline-invitation",
    "operator:resign",
    "operator:set-metadata",
    "server",
    "util:multihash",
    "util:search-archives",
    "util:verify-bag-id",
];

#[test]
fn the_page_about_storage_commands_is_true() {
    let stage = Stage::open().with_channels(3);
    let environment = [("ARGOSY_DIRECTORY", stage.url.clone())];
    let ran = transcript::run("storage-commands.md", PAGE, &stage.home(), &stage.bin(), &environment);
    let named = |command: &String| {
        let (_, after) = command.split_once("storage-node ")?;
        after.split(' ').next().map(str::to_owned)
    };
    let ran: BTreeSet<String> = ran.commands.iter().filter_map(named).collect();
    for command in SHOWN {
        assert!(ran.contains(command), "{command} has no example that runs");
    }
}
