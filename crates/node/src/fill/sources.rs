//! Where a fill learns whom it may ask.

use crate::{follower::Follower, passes::Passes};
use argosy_domain::{DataObjectId, WorkerId};
use argosy_node_core::sources::SourceId;
use std::pin::Pin;

/// Most sources of one object that are looked at.
pub(super) const MAX_SOURCES: usize = 64;

/// A node that may have an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FillSource {
    /// Its name in the node's memory of sources.
    pub id: SourceId,
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
}

/// A pass that may have to wait for a key to be opened.
pub type PassFuture<'a> = Pin<Box<dyn Future<Output = Option<String>> + Send + 'a>>;

/// The storage nodes that the directory names.
#[derive(Clone, Debug)]
pub struct DirectorySources {
    follower: Follower,
    except: Option<WorkerId>,
    passes: Option<Passes>,
}

impl DirectorySources {
    /// All storage nodes of an object's bag; `except` is the storage worker that this node serves, so
    /// that it does not ask itself.
    #[must_use]
    pub fn new(follower: Follower, except: Option<WorkerId>) -> Self {
        Self { follower, except, passes: None }
    }

    /// The same, and objects of private bags are asked for with these passes.
    #[must_use]
    pub fn with_passes(mut self, passes: Passes) -> Self {
        self.passes = Some(passes);
        self
    }
}

impl Sources for DirectorySources {
    fn sources_of(&self, id: DataObjectId) -> Vec<FillSource> {
        let sources = self.follower.with_index(|index| index.storage_sources(id));
        sources
            .into_iter()
            .filter(|source| Some(source.worker) != self.except)
            .map(|source| FillSource {
                id: SourceId::from(source.bucket),
                endpoint: source.endpoint,
                holds: source.holds,
            })
            .collect()
    }

    fn pass<'a>(&'a self, id: DataObjectId, endpoint: &'a str) -> PassFuture<'a> {
        Box::pin(async move { self.passes.as_ref()?.pass(id, endpoint).await })
    }
}
