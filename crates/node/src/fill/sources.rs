//! Where a fill learns whom it may ask.

use crate::{follower::Follower, passes::Passes, proofs::RoleProofs};
use argosy_domain::{DataObjectId, WorkerId, WorkingGroup};
use argosy_node_core::{
    follow::StorageSource,
    sources::{SourceId, SourceName},
};
use std::{fmt, pin::Pin, sync::Arc};

/// Most sources of one object that are looked at.
pub(super) const MAX_SOURCES: usize = 64;

/// A node that may have an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillSource {
    /// Its name in the node's memory of sources.
    pub id: SourceId,
    /// As the directory numbers it, for people.
    pub name: SourceName,
    /// Root URL.
    pub endpoint: String,
    /// Whether it says that it has it. The others are asked only when these have failed.
    pub holds: bool,
}

/// Knows the sources of objects, as of now: asked again while a fill runs.
pub trait Sources: Send + Sync + 'static {
    /// The sources of an object, best first. Must not block for long.
    fn sources_of(&self, id: DataObjectId) -> Vec<FillSource>;

    /// What this node shows to a source to be given an object: the text of a node pass. None, as where
    /// this is left out, if nothing need be shown or nothing can be.
    fn pass<'a>(&'a self, id: DataObjectId, endpoint: &'a str) -> PassFuture<'a> {
        let _ = (id, endpoint);
        Box::pin(std::future::ready(None))
    }

    /// Whether this endpoint of a source may be asked: whether it has proved that the source is there. Yes
    /// where this is left out.
    fn is_proven<'a>(&'a self, name: SourceName, endpoint: &'a str) -> ProvenFuture<'a> {
        let _ = (name, endpoint);
        Box::pin(std::future::ready(true))
    }

    /// Other distributors that deliver an object, and may hold some of it. They are asked what they hold
    /// before they are asked for it, and for nothing else. Must not block for long.
    fn peers_of(&self, _id: DataObjectId) -> Vec<FillSource> {
        Vec::new()
    }
}

/// A pass that may have to wait for a key to be opened.
pub type PassFuture<'a> = Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>>;

/// Whether an endpoint is proven, which may have to be found out.
pub type ProvenFuture<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// The nodes that the directory names.
#[derive(Clone)]
pub struct DirectorySources {
    follower: Follower,
    proofs: RoleProofs,
    except: Option<WorkerId>,
    passes: Option<Passes>,
    /// Gives the distribution worker that this node serves; none if peers are not asked at all.
    distributor: Option<Myself>,
}

/// Asked each time, since the operator of a node may change it.
type Myself = Arc<dyn Fn() -> Option<WorkerId> + Send + Sync>;

impl fmt::Debug for DirectorySources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectorySources").field("except", &self.except).finish_non_exhaustive()
    }
}

impl DirectorySources {
    /// All storage nodes of an object's bag; `except` is the storage worker that this node serves, so
    /// that it does not ask itself. Whoever is asked must be proven in `proofs`.
    #[must_use]
    pub fn new(follower: Follower, proofs: RoleProofs, except: Option<WorkerId>) -> Self {
        Self { follower, proofs, except, passes: None, distributor: None }
    }

    /// The same, and objects of private bags are asked for with these passes.
    #[must_use]
    pub fn with_passes(mut self, passes: Passes) -> Self {
        self.passes = Some(passes);
        self
    }

    /// Asks other distributors of the bag, too; `myself` gives the distribution worker that this node
    /// serves, so that it does not ask itself.
    #[must_use]
    pub fn with_peers(mut self, myself: impl Fn() -> Option<WorkerId> + Send + Sync + 'static) -> Self {
        self.distributor = Some(Arc::new(myself));
        self
    }
}

impl Sources for DirectorySources {
    fn sources_of(&self, id: DataObjectId) -> Vec<FillSource> {
        let mut sources = self.follower.with_index(|index| index.storage_sources(id));
        sources.retain(|source| Some(source.worker) != self.except);
        let is_proven = |source: &StorageSource| {
            self.proofs.is_proven_now(WorkingGroup::Storage, source.worker, &source.endpoint)
        };
        let proven: Vec<bool> = sources.iter().map(is_proven).collect();
        // Those that are not proven wait until the others have failed.
        let any = sources.iter().zip(&proven).any(|(source, proven)| source.holds && *proven);
        let listed = sources.into_iter().zip(proven).map(|(source, proven)| {
            let name = SourceName::Storage(source.bucket);
            let holds = source.holds && (proven || !any);
            FillSource { id: name.id(), name, endpoint: source.endpoint, holds }
        });
        let mut listed: Vec<FillSource> = listed.collect();
        listed.sort_by_key(|source| !source.holds);
        listed
    }

    fn is_proven<'a>(&'a self, name: SourceName, endpoint: &'a str) -> ProvenFuture<'a> {
        Box::pin(async move {
            let (group, worker) = match name {
                SourceName::Peer(_, worker) => (WorkingGroup::Distribution, Some(worker)),
                SourceName::Storage(bucket) => {
                    let operator = self
                        .follower
                        .with_index(|index| Some(index.storage_bucket(bucket)?.operator.as_ref()?.worker));
                    (WorkingGroup::Storage, operator)
                }
            };
            match worker {
                Some(worker) => self.proofs.is_proven(group, worker, endpoint).await,
                None => false,
            }
        })
    }

    fn pass<'a>(&'a self, id: DataObjectId, endpoint: &'a str) -> PassFuture<'a> {
        Box::pin(async move { self.passes.as_ref()?.pass(id, endpoint).await })
    }

    fn peers_of(&self, id: DataObjectId) -> Vec<FillSource> {
        let Some(myself) = self.distributor.as_ref().map(|myself| myself()) else { return Vec::new() };
        let found = self.follower.with_index(|index| {
            index.object(id).map(|object| index.distributors_of(&object.bag)).unwrap_or_default()
        });
        let mut peers: Vec<FillSource> = Vec::new();
        for peer in found.into_iter().filter(|peer| Some(peer.worker) != myself) {
            // They are a help, not a need: nobody waits until one has proved itself.
            if !self.proofs.is_proven_now(WorkingGroup::Distribution, peer.worker, &peer.endpoint) {
                continue;
            }
            // One node may operate several buckets of the bag.
            if !peers.iter().any(|known| known.endpoint == peer.endpoint) {
                let name = SourceName::Peer(peer.bucket, peer.worker);
                peers.push(FillSource { id: name.id(), name, endpoint: peer.endpoint, holds: false });
            }
        }
        peers
    }
}
