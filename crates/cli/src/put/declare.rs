//! From files to declared objects: member, channel, transaction.

use super::Declared;
use crate::{
    failure::{Failure, Outcome},
    network::{DevKey, Network, events},
};
use argosy_api::{Submitter, directory::PolicyView};
use argosy_directory::{
    Call, ContentCall, Event, MembershipCall,
    call::{ObjectCreation, ObjectsUpload},
};
use argosy_domain::{AccountId, BagId, ChannelId, DataObjectId, MemberId, limits::MAX_HANDLE_BYTES};
use argosy_store::source::SourceFile;
use std::sync::Arc;

/// Checks that the channel exists and belongs to the key, before a long time is spent on hashing.
pub(super) async fn owned_channel(network: &Network, channel: ChannelId, key: &DevKey) -> Outcome<ChannelId> {
    let thing = format!("channel {channel}");
    let view =
        network.directory.channel(channel).await.map_err(|error| Failure::directory(&thing, &error))?;
    let member = network.member_of(key).await?;
    if member.is_some_and(|member| member.id == view.owner) {
        return Ok(channel);
    }
    let message =
        format!("{thing} belongs to member {}, not to {}: give its owner's --key", view.owner, key.uri);
    Err(Failure::refused("NOT_THE_OWNER", message))
}

/// Takes back the declaration of objects whose bytes can never come, as far as the directory lets us.
pub(super) async fn take_back(network: &Network, key: &DevKey, doomed: &[Declared]) -> Outcome<()> {
    let Some(first) = doomed.first() else { return Ok(()) };
    // All were declared in one bag.
    let bag = network.object(first.id).await?.bag;
    let objects = doomed.iter().map(|object| object.id).collect();
    let submitter = network.submitter(key);
    let failed = |error| Failure::submit("taking the declaration back", &error);
    submitter.submit(Call::Content(ContentCall::DeleteDataObjects { bag, objects })).await.map_err(failed)?;
    Ok(())
}

/// Declares all files at once: in the channel, or in a new one.
pub(super) async fn new(
    network: &Network,
    key: &DevKey,
    channel: Option<ChannelId>,
    sources: Vec<Arc<SourceFile>>,
) -> Outcome<Vec<Declared>> {
    let submitter = network.submitter(key);
    let upload = quoted(network, &sources).await?;
    let call = match channel {
        Some(channel) => ContentCall::UploadDataObjects { bag: BagId::channel(channel), upload },
        None => ContentCall::CreateChannel {
            owner: find_or_make_member(network, &submitter, key).await?,
            upload,
            storage_buckets: None,
            distribution_buckets: None,
        },
    };
    let thing = format!(
        "declaring {} as {}",
        sources.first().map_or(String::new(), |it| it.path().display().to_string()),
        key.uri
    );
    let receipt =
        submitter.submit(Call::Content(call)).await.map_err(|error| Failure::submit(&thing, &error))?;
    let ids = declared_ids(&events(&receipt)?);
    if ids.len() != sources.len() {
        let message = format!(
            "the receipt in block {} names {} objects, not {}",
            receipt.height,
            ids.len(),
            sources.len()
        );
        return Err(Failure::no_answer(message));
    }
    Ok(ids.into_iter().zip(sources).map(|(id, source)| Declared { id, source }).collect())
}

/// An object that is declared already must be this very file.
pub(super) async fn existing(
    network: &Network,
    id: DataObjectId,
    mut sources: Vec<Arc<SourceFile>>,
) -> Outcome<Declared> {
    let view = network.object(id).await?;
    let Some(source) = sources.pop() else { return Err(Failure::usage("name the file to upload")) };
    let meta = source.meta();
    if meta.content_id != view.content_id || meta.size != view.size {
        let message = format!(
            "{} is not object {id}: it has content id {}, the object {}",
            source.path().display(),
            meta.content_id,
            view.content_id
        );
        return Err(Failure::refused("OTHER_CONTENT", message));
    }
    Ok(Declared { id, source })
}

/// The declaration, with the prices that the directory asks now.
pub(super) async fn quoted(network: &Network, sources: &[Arc<SourceFile>]) -> Outcome<ObjectsUpload> {
    let policies =
        network.directory.policies().await.map_err(|error| Failure::directory("the policies", &error))?;
    let channel: &PolicyView = policies
        .iter()
        .find(|policy| policy.bag_type == "Channel")
        .ok_or_else(|| Failure::no_answer("the directory names no policy for channels"))?;
    let created = sources.iter().map(|source| {
        let meta = source.meta();
        ObjectCreation { size: meta.size, ipfs_content_id: meta.content_id.to_string().into_bytes() }
    });
    Ok(ObjectsUpload {
        object_creation_list: created.collect(),
        expected_data_size_fee: channel.data_size_fee,
        expected_data_object_state_bloat_bond: channel.data_object_state_bloat_bond,
    })
}

async fn find_or_make_member(network: &Network, submitter: &Submitter, key: &DevKey) -> Outcome<MemberId> {
    if let Some(member) = network.member_of(key).await? {
        return Ok(member.id);
    }
    let mut handle = handle_of(&key.uri, None);
    if network.directory.member(&handle).await.is_ok() {
        handle = handle_of(&key.uri, Some(key.pair.account()));
    }
    let call = MembershipCall::CreateMember { handle: handle.clone() };
    let thing = format!("making member {handle}");
    let receipt =
        submitter.submit(Call::Membership(call)).await.map_err(|error| Failure::submit(&thing, &error))?;
    let made = events(&receipt)?
        .into_iter()
        .find_map(|event| if let Event::MemberCreated { member, .. } = event { Some(member) } else { None });
    made.ok_or_else(|| Failure::no_answer(format!("{thing}: the receipt names no member")))
}

/// A handle for the member of a development key; with the account in it where the plain one is taken.
fn handle_of(uri: &str, taken: Option<AccountId>) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let mut handle: String = uri.trim_start_matches('/').replace("//", "-").chars().map(plain).collect();
    let suffix = taken.map_or(String::new(), |account| format!("-{}", hex::encode(account.0.split_at(4).0)));
    handle.truncate(MAX_HANDLE_BYTES - suffix.len());
    handle + &suffix
}

/// Ids of the objects that a receipt's events declare, in order.
pub(super) fn declared_ids(events: &[Event]) -> Vec<DataObjectId> {
    let mut declared = Vec::new();
    for event in events {
        if let Event::DynamicBagCreated { ids, .. }
        | Event::DataObjectsUploaded { ids, .. }
        | Event::DataObjectsUpdated { ids, .. } = event
        {
            declared.extend_from_slice(ids);
        }
    }
    declared
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_domain::{KeyScheme, Keypair};

    #[test]
    fn handles_are_what_the_directory_takes() {
        assert_eq!(handle_of("//Alice", None), "alice");
        assert_eq!(handle_of("//Alice//Phone 2", None), "alice-phone-2");
        let account = Keypair::from_uri(KeyScheme::Sr25519, "//Alice").unwrap().account();
        assert_eq!(handle_of("//Alice", Some(account)), "alice-d43593c7");
        let long = handle_of(&format!("//{}", "x".repeat(64)), Some(account));
        assert_eq!(long.len(), MAX_HANDLE_BYTES);
    }
}
