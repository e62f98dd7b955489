//! `argosy channel`, `argosy bag`, `argosy object` and `argosy asset-set`: what owners of bags sign.

mod assets;
mod bags;
mod channel;
mod objects;
pub(crate) mod permit;

pub(crate) use assets::AssetSetCommand;
pub(crate) use bags::BagCommand;
pub(crate) use channel::ChannelCommand;
pub(crate) use objects::ObjectCommand;

use crate::{
    complete,
    failure::Outcome,
    network::{DirectoryArgs, Network},
    put, text,
};
use argosy_directory::{Event, call::ObjectsUpload};
use argosy_domain::{BagId, DataObjectId, DistributionBucketId, StorageBucketId};
use clap_complete::ArgValueCandidates;
use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

pub(crate) use crate::distribution::args::bag_id;

pub(crate) async fn channel(directory: &DirectoryArgs, command: ChannelCommand) -> Outcome<ExitCode> {
    match command {
        ChannelCommand::Create(it) => it.run(directory).await,
        ChannelCommand::Delete(it) => it.run(directory).await,
        ChannelCommand::SetCollaborators(it) => it.run(directory).await,
    }
}

pub(crate) async fn bag(directory: &DirectoryArgs, command: BagCommand) -> Outcome<ExitCode> {
    match command {
        BagCommand::CreateMemberBag(it) => it.run(directory).await,
        BagCommand::DeleteMemberBag(it) => it.run(directory).await,
        BagCommand::SetPrivacy(it) => it.run(directory).await,
    }
}

pub(crate) async fn object(directory: &DirectoryArgs, command: ObjectCommand) -> Outcome<ExitCode> {
    match command {
        ObjectCommand::Declare(it) => it.run(directory).await,
        ObjectCommand::Delete(it) => it.run(directory).await,
        ObjectCommand::Move(it) => it.run(directory).await,
        ObjectCommand::Permit(it) => it.run(directory).await,
    }
}

pub(crate) async fn asset_set(directory: &DirectoryArgs, command: AssetSetCommand) -> Outcome<ExitCode> {
    match command {
        AssetSetCommand::Create(it) => it.run(directory).await,
        AssetSetCommand::Update(it) => it.run(directory).await,
        AssetSetCommand::Delete(it) => it.run(directory).await,
    }
}

/// Buckets of a new bag
#[derive(Clone, Debug, clap::Args)]
struct BucketArgs {
    /// Storage buckets; chosen by the directory unless given
    #[arg(long = "storage-bucket", value_name = "ID", num_args = 1.., add = ArgValueCandidates::new(complete::storage_buckets))]
    storage: Vec<StorageBucketId>,
    /// Distribution buckets; chosen by the directory unless given
    #[arg(long = "distribution-bucket", value_name = "FAMILY:INDEX", num_args = 1.., add = ArgValueCandidates::new(complete::distribution_buckets))]
    distribution: Vec<DistributionBucketId>,
}

impl BucketArgs {
    fn storage(&self) -> Option<BTreeSet<StorageBucketId>> {
        (!self.storage.is_empty()).then(|| self.storage.iter().copied().collect())
    }

    fn distribution(&self) -> Option<BTreeSet<DistributionBucketId>> {
        (!self.distribution.is_empty()).then(|| self.distribution.iter().copied().collect())
    }
}

/// What the files are, at the prices of now; nothing is asked where there are none.
async fn declaration(network: &Network, files: &[PathBuf]) -> Outcome<ObjectsUpload> {
    if files.is_empty() { Ok(ObjectsUpload::default()) } else { put::declaration(network, files).await }
}

/// Says how the bytes of declared objects get to their nodes.
fn upload_follows(files: &[PathBuf], events: &[Event]) -> Vec<String> {
    let ids: Vec<DataObjectId> = put::declared_ids(events);
    let line = |(file, id): (&PathBuf, DataObjectId)| {
        let file = text::line(&file.display().to_string());
        format!("the upload follows with `argosy put {file} --object {id}`")
    };
    files.iter().zip(ids).map(line).collect()
}

/// A bag, in any spelling that Joystream's programs take
#[derive(Clone, Copy, Debug, clap::Args)]
struct BagArg {
    /// Bag such as dynamic:channel:7
    #[arg(value_name = "BAG", value_parser = bag_id, add = ArgValueCandidates::new(complete::bags))]
    bag: BagId,
}

#[cfg(test)]
mod tests {
    use super::{assets, bags, objects};
    use crate::{send::Role, signed::planned};
    use argosy_directory::{Call, ContentCall, call::ObjectsUpload};
    use argosy_domain::{BagId, ChannelId, DataObjectId, DynamicBagId};

    fn bag(channel: u64) -> BagId {
        BagId::channel(ChannelId(channel))
    }

    #[test]
    fn what_is_in_a_bag_is_changed_by_those_who_may_edit_it() {
        let ids = [DataObjectId(12), DataObjectId(13)];
        let call = ContentCall::MoveDataObjects { source: bag(7), destination: bag(8), objects: ids.into() };
        let plan = planned::<objects::Move>(&[
            "12",
            "13",
            "--from",
            "dynamic:channel:7",
            "--to",
            "Dynamic:Channel:8",
        ]);
        assert_eq!(plan.unwrap(), (Role::Editor(bag(7)), Call::Content(call)));
        let call = ContentCall::DeleteDataObjects { bag: bag(7), objects: ids.into() };
        let plan = planned::<objects::Delete>(&["dynamic:channel:7", "12", "13"]);
        assert_eq!(plan.unwrap(), (Role::Editor(bag(7)), Call::Content(call)));
        let set = DynamicBagId::Channel(ChannelId(7));
        let call = ContentCall::DeleteAssetSet { bag: set, name: "video-1".into() };
        let plan = planned::<assets::Delete>(&["dynamic:channel:7", "video-1"]);
        assert_eq!(plan.unwrap(), (Role::Editor(bag(7)), Call::Content(call)));
        let remove = [DataObjectId(13)].into();
        let upload = ObjectsUpload::default();
        let call = ContentCall::UpdateAssetSet { bag: set, name: "video-1".into(), upload, remove };
        let plan = planned::<assets::Update>(&["dynamic:channel:7", "video-1", "--remove", "13"]);
        assert_eq!(plan.unwrap(), (Role::Editor(bag(7)), Call::Content(call)));
        assert!(planned::<assets::Update>(&["dynamic:channel:7", "video-1"]).is_err());
        assert!(planned::<assets::Delete>(&["static:council", "video-1"]).is_err());
        assert!(planned::<objects::Delete>(&["dynamic:channel:7"]).is_err());
    }

    #[test]
    fn privacy_is_for_the_owner_to_decide() {
        for (word, private) in [("yes", true), ("no", false)] {
            let call = ContentCall::SetBagPrivacy { bag: bag(7), private };
            let plan = planned::<bags::SetPrivacy>(&["dynamic:channel:7", word]).unwrap();
            assert_eq!(plan, (Role::Owner(bag(7)), Call::Content(call)));
        }
    }
}
