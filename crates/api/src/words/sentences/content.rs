//! Calls of members, about channels, bags and data objects, and about money.

use super::{
    phrases::{chosen, collaborators, named, quoted, units, upload as declared},
    told,
};
use argosy_directory::{AccountsCall, ContentCall, MembershipCall};
use argosy_domain::{AccountId, BagId, DynamicBagId};

told!(MembershipCall {
    CreateMember { handle } => ("create member {}", quoted(handle));
    UpdateMemberAccounts { member, root, controller } => (
        "replace accounts of member {member}: {}", accounts(root.as_ref(), controller.as_ref()),
    );
    ConfirmStakingAccount { member } => ("let member {member} stake what the signer's account has");
    RemoveStakingAccount => ("let no member stake what the signer's account has any more");
});

told!(AccountsCall {
    Transfer { to, amount } => ("transfer {} to {to}", units(*amount));
});

told!(ContentCall {
    CreateChannel { owner, upload, storage_buckets, distribution_buckets } => (
        "create channel of member {owner} with {}, {}",
        declared(upload), chosen(storage_buckets.as_ref(), distribution_buckets.as_ref()),
    );
    DeleteChannel { channel } => ("delete channel {channel} with its bag and all objects in it");
    UploadDataObjects { bag, upload } => ("declare {} in bag {bag}", declared(upload));
    DeleteDataObjects { bag, objects } => ("delete {} from bag {bag}", named("object", objects));
    UploadAndDeleteDataObjects { bag, upload, remove } => (
        "declare {} in bag {bag}, and delete {}", declared(upload), named("object", remove),
    );
    MoveDataObjects { source, destination, objects } => (
        "move {} from bag {source} to bag {destination}", named("object", objects),
    );
    SetBagPrivacy { bag, private } => ("make bag {bag} {}", if *private { "private" } else { "public" });
    UpdateChannelCollaborators { channel, collaborators: members } => (
        "set the collaborators of channel {channel} to {}", collaborators(members),
    );
    CreateMemberBag { member, upload, storage_buckets, distribution_buckets } => (
        "create the bag of member {member} with {}, {}",
        declared(upload), chosen(storage_buckets.as_ref(), distribution_buckets.as_ref()),
    );
    DeleteMemberBag { member } => ("delete the bag of member {member} with all objects in it");
    CreateAssetSet { bag, name, upload } => (
        "create asset set {} in bag {} with {}", quoted(name), dynamic(*bag), declared(upload),
    );
    UpdateAssetSet { bag, name, upload, remove } => (
        "update asset set {} in bag {}: declare {}, and delete {}",
        quoted(name), dynamic(*bag), declared(upload), named("object", remove),
    );
    DeleteAssetSet { bag, name } => (
        "delete asset set {} in bag {} with all its objects", quoted(name), dynamic(*bag),
    );
});

/// A bag that is known to be dynamic, by its text form.
pub(super) const fn dynamic(bag: DynamicBagId) -> BagId {
    BagId::Dynamic(bag)
}

fn accounts(root: Option<&AccountId>, controller: Option<&AccountId>) -> String {
    let root = root.map(|account| format!("root {account}"));
    let controller = controller.map(|account| format!("controller {account}"));
    let parts: Vec<String> = root.into_iter().chain(controller).collect();
    if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }
}
