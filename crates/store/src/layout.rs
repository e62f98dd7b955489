//! Where things are. Names are made from decimal ids only, never from text of a request.
//!
//! ```text
//! lock  format
//! obj/xx/NAME.data   the bytes; complete and durable if NAME.tree is there too
//! obj/xx/NAME.tree   pairs in pre-order, then the identity record
//! part/NAME.part     the bytes, with holes
//! part/NAME.obao     as .tree
//! part/NAME.map      identity record, boot id, one word per window of 1 MiB
//! quarantine/N.data  uploads that may turn out wrong; removed at every start
//! quarantine/N.tree
//! ```

use argosy_domain::DataObjectId;
use std::path::{Path, PathBuf};

/// Directories that the objects are spread over, so that none grows too long.
pub(crate) const SHARDS: u64 = 256;

/// The files of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Data,
    Tree,
    Part,
    Obao,
    Map,
}

impl Piece {
    fn extension(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Tree => "tree",
            Self::Part => "part",
            Self::Obao => "obao",
            Self::Map => "map",
        }
    }

    fn of_extension(extension: &str) -> Option<Self> {
        [Self::Data, Self::Tree, Self::Part, Self::Obao, Self::Map]
            .into_iter()
            .find(|piece| piece.extension() == extension)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(crate) fn format(&self) -> PathBuf {
        self.root.join("format")
    }

    /// The format file before it has its final name.
    pub(crate) fn new_format(&self) -> PathBuf {
        self.root.join("format.new")
    }

    pub(crate) fn objects(&self) -> PathBuf {
        self.root.join("obj")
    }

    pub(crate) fn parts(&self) -> PathBuf {
        self.root.join("part")
    }

    pub(crate) fn quarantine(&self) -> PathBuf {
        self.root.join("quarantine")
    }

    pub(crate) fn shard(&self, number: u64) -> PathBuf {
        self.objects().join(format!("{number:02x}"))
    }

    pub(crate) fn shard_of(&self, id: DataObjectId) -> PathBuf {
        self.shard(id.0 % SHARDS)
    }

    pub(crate) fn path(&self, id: DataObjectId, piece: Piece) -> PathBuf {
        let directory = match piece {
            Piece::Data | Piece::Tree => self.shard_of(id),
            Piece::Part | Piece::Obao | Piece::Map => self.parts(),
        };
        directory.join(format!("{id}.{}", piece.extension()))
    }

    /// Data and tree of the upload of this number.
    pub(crate) fn upload(&self, number: u64) -> (PathBuf, PathBuf) {
        let directory = self.quarantine();
        (directory.join(format!("{number}.data")), directory.join(format!("{number}.tree")))
    }
}

/// Whose file a name is; `None` for names that [`Layout::path`] does not make.
pub(crate) fn parse_name(name: &str) -> Option<(DataObjectId, Piece)> {
    let (stem, extension) = name.split_once('.')?;
    let id: DataObjectId = stem.parse().ok()?;
    (id.to_string() == stem).then_some((id, Piece::of_extension(extension)?))
}
