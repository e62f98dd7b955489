//! What a store finds when it opens: the files decide, whatever moment a crash chose.

use crate::disk::{Disk, Entry, OpenMode, remove_if_there};
use crate::error::StoreError;
use crate::identity::IDENTITY_BYTES;
use crate::layout::{Layout, Piece, SHARDS, parse_name};
use crate::map::MapFile;
use crate::partial::bytes_in;
use crate::store::ObjectMeta;
use argosy_content::{GroupRange, GroupSet, byte_range, group_count, outboard_len};
use argosy_domain::DataObjectId;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use tracing::{info, warn};

/// The format that this program reads and writes.
pub(crate) const FORMAT: u32 = 1;
const FORMAT_WORD: &str = "argosy-store";

/// What the files say.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) complete: Vec<(DataObjectId, u64)>,
    pub(crate) partial: Vec<(DataObjectId, Option<ObjectMeta>, u64)>,
}

/// Which files of an object exist, with their lengths.
#[derive(Clone, Copy, Debug, Default)]
struct Pieces {
    data: Option<u64>,
    tree: Option<u64>,
    part: Option<u64>,
    obao: Option<u64>,
    map: Option<u64>,
}

impl Pieces {
    fn slot(&mut self, piece: Piece) -> &mut Option<u64> {
        match piece {
            Piece::Data => &mut self.data,
            Piece::Tree => &mut self.tree,
            Piece::Part => &mut self.part,
            Piece::Obao => &mut self.obao,
            Piece::Map => &mut self.map,
        }
    }

    fn is_complete(&self) -> bool {
        self.data.is_some_and(|size| self.tree == Some(outboard_len(size) + IDENTITY_BYTES))
    }
}

/// Reads the format of a store, or writes it into a new one.
pub(crate) fn check_format(disk: &dyn Disk, layout: &Layout) -> Result<(), StoreError> {
    let path = layout.format();
    let file = match disk.open(&path, OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return begin(disk, layout),
        Err(source) => return Err(StoreError::io("open", &path, source)),
    };
    let mut text = [0; 64];
    let len = file.read_at(&mut text, 0).map_err(|source| StoreError::io("read", &path, source))?;
    let found = std::str::from_utf8(&text[..len])
        .ok()
        .and_then(|text| text.strip_prefix(FORMAT_WORD))
        .and_then(|version| version.trim().parse::<u32>().ok());
    match found {
        Some(FORMAT) => Ok(()),
        Some(found) if found > FORMAT => {
            Err(StoreError::NewerFormat { path: layout.root().to_owned(), found, known: FORMAT })
        }
        Some(_) | None => Err(StoreError::NotAStore(layout.root().to_owned())),
    }
}

/// Marks a directory as a store, for good, before anything else is put into it.
fn begin(disk: &dyn Disk, layout: &Layout) -> Result<(), StoreError> {
    for directory in [layout.objects(), layout.parts()] {
        if !list(disk, &directory)?.is_empty() {
            return Err(StoreError::NotAStore(layout.root().to_owned()));
        }
    }
    let (new, path) = (layout.new_format(), layout.format());
    let written = disk.open(&new, OpenMode::Create).and_then(|file| {
        file.set_len(0)?;
        file.write_all_at(format!("{FORMAT_WORD} {FORMAT}\n").as_bytes(), 0)?;
        file.sync_data()
    });
    written
        .and_then(|()| disk.rename(&new, &path))
        .and_then(|()| disk.sync_dir(layout.root()))
        .map_err(|source| StoreError::io("write", &path, source))
}

/// Settles every object into either complete or partial, removes what is temporary, and makes sure
/// that what looks complete stays so.
pub(crate) fn recover(disk: &dyn Disk, layout: &Layout, boot_id: [u8; 16]) -> Result<Found, StoreError> {
    sweep(disk, layout)?;
    let mut objects = BTreeMap::new();
    let mut shards = Vec::new();
    for Entry { name, .. } in list(disk, &layout.objects())? {
        match u64::from_str_radix(&name, 16) {
            Ok(shard) if shard < SHARDS => shards.push(layout.shard(shard)),
            Ok(_) | Err(_) => warn!(name, "unknown name in the store is left alone"),
        }
    }
    for shard in &shards {
        gather(disk, shard, &mut objects)?;
    }
    gather(disk, &layout.parts(), &mut objects)?;

    let mut found = Found::default();
    for (id, pieces) in objects {
        if let Some(size) = settle(disk, layout, id, pieces)? {
            found.complete.push((id, size));
        } else if exists(disk, &layout.path(id, Piece::Part))? {
            let noted = Noted::read(disk, &layout.path(id, Piece::Map), boot_id);
            if let Some(noted) = noted.as_ref().filter(|noted| noted.believed) {
                noted.drop_tail(disk, &layout.path(id, Piece::Part));
            }
            let held_bytes = noted.as_ref().map_or(0, |noted| bytes_in(&noted.groups, noted.meta));
            found.partial.push((id, noted.map(|noted| noted.meta), held_bytes));
        }
    }
    // A process may have died between giving an object its name and making that durable.
    for path in shards.into_iter().chain([layout.parts()]) {
        disk.sync_dir(&path).map_err(|source| StoreError::io("sync", &path, source))?;
    }
    Ok(found)
}

/// Uploads that were never believed.
fn sweep(disk: &dyn Disk, layout: &Layout) -> Result<(), StoreError> {
    let quarantine = layout.quarantine();
    for entry in list(disk, &quarantine)? {
        remove(disk, &quarantine.join(entry.name))?;
    }
    remove(disk, &layout.new_format())
}

fn gather(
    disk: &dyn Disk,
    directory: &Path,
    objects: &mut BTreeMap<DataObjectId, Pieces>,
) -> Result<(), StoreError> {
    for Entry { name, len } in list(disk, directory)? {
        match parse_name(&name) {
            Some((id, piece)) => *objects.entry(id).or_default().slot(piece) = Some(len),
            None => warn!(name, "unknown name in the store is left alone"),
        }
    }
    Ok(())
}

/// Gives an object's files the names of one state. Returns its size if that state is complete.
fn settle(
    disk: &dyn Disk,
    layout: &Layout,
    id: DataObjectId,
    pieces: Pieces,
) -> Result<Option<u64>, StoreError> {
    let path = |piece| layout.path(id, piece);
    if pieces.is_complete() {
        // What is left of the fill: other names of the same files, and the map.
        for piece in [Piece::Part, Piece::Obao, Piece::Map] {
            if remove_piece(disk, pieces, piece, &path(piece))? {
                info!(%id, "removed what a finished fill left");
            }
        }
        return Ok(pieces.data);
    }
    if pieces.data.is_some() {
        // Bytes whose tree is missing or of the wrong length: to be proved again.
        warn!(%id, "object is not whole and will be filled again");
        if pieces.obao.is_none() && pieces.part.is_none() {
            remove_piece(disk, pieces, Piece::Map, &path(Piece::Map))?;
        }
        take_back(disk, &path(Piece::Data), &path(Piece::Part))?;
    }
    let has_part = pieces.part.is_some() || pieces.data.is_some();
    if pieces.tree.is_some() {
        if has_part && pieces.obao.is_none() {
            take_back(disk, &path(Piece::Tree), &path(Piece::Obao))?;
        } else {
            remove(disk, &path(Piece::Tree))?;
        }
    }
    if !has_part {
        remove_piece(disk, pieces, Piece::Obao, &path(Piece::Obao))?;
        remove_piece(disk, pieces, Piece::Map, &path(Piece::Map))?;
    }
    Ok(None)
}

/// Renames; if both were names of one file, only the new one is left.
pub(crate) fn take_back(disk: &dyn Disk, from: &Path, to: &Path) -> Result<(), StoreError> {
    disk.rename(from, to).map_err(|source| StoreError::io("rename", from, source))?;
    remove(disk, from)
}

/// What a map says of an object that nobody has opened yet.
struct Noted {
    meta: ObjectMeta,
    groups: GroupSet,
    /// It was written in this boot.
    believed: bool,
}

impl Noted {
    /// None if there is no map, or none that tells whose it is.
    fn read(disk: &dyn Disk, path: &Path, boot_id: [u8; 16]) -> Option<Self> {
        let map = MapFile(disk.open(path, OpenMode::Read).ok()?);
        let meta = map.meta()?;
        let (groups, believed) = match map.groups(meta.size) {
            Ok(groups) => (groups, map.is_of_boot(boot_id)),
            Err(_) => (GroupSet::new(group_count(meta.size)), false),
        };
        Some(Self { meta, groups, believed })
    }

    /// Gives up what a process wrote before it died and had not noted: it would take room that nobody
    /// counts, and others would have to go for it.
    fn drop_tail(&self, disk: &dyn Disk, path: &Path) {
        let size = self.meta.size;
        let end = self.groups.end();
        if end >= group_count(size) {
            return;
        }
        let dropped = disk.open(path, OpenMode::Write).and_then(|file| {
            // What has another length is looked at when it is opened.
            if file.stat()?.len != size {
                return Ok(());
            }
            file.set_len(byte_range(GroupRange::new(0, end), size).end)?;
            file.set_len(size)
        });
        if let Err(error) = dropped {
            warn!(path = %path.display(), %error, "bytes that are not noted stay on the disk");
        }
    }
}

fn remove_piece(disk: &dyn Disk, mut pieces: Pieces, piece: Piece, path: &Path) -> Result<bool, StoreError> {
    if pieces.slot(piece).is_none() {
        return Ok(false);
    }
    remove(disk, path).map(|()| true)
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<(), StoreError> {
    remove_if_there(disk, path).map_err(|source| StoreError::io("remove", path, source))
}

fn list(disk: &dyn Disk, path: &Path) -> Result<Vec<Entry>, StoreError> {
    disk.list(path).map_err(|source| StoreError::io("list", path, source))
}

fn exists(disk: &dyn Disk, path: &Path) -> Result<bool, StoreError> {
    match disk.open(path, OpenMode::Read) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(StoreError::io("open", path, source)),
    }
}
