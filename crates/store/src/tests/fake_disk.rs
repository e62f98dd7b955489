//! A disk in memory with two images: what programs see, and what a power cut leaves.
//!
//! Writes and names wait until they are synced. A power cut keeps any part of what waits: writes
//! may be lost, kept or torn, each on its own; of the names none, all, the first few, or any. A
//! rename may leave both names, never none, as on a journalling file system.

use crate::disk::{Disk, DiskFile, DiskLock, Entry, FileStat, OpenMode};
use crate::sync::lock;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// How a run ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// The process dies; the system lives on.
    Kill,
    /// The machine dies; the seed decides what it keeps.
    PowerCut(u64),
}

#[derive(Clone, Debug)]
pub(super) struct FakeDisk(Arc<Mutex<World>>);

#[derive(Clone, Debug, Default)]
struct World {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    dirs: BTreeSet<PathBuf>,
    durable_dirs: BTreeSet<PathBuf>,
    /// Changes of names that no sync has covered, in order.
    waiting: Vec<NameChange>,
    locks: BTreeSet<PathBuf>,
    boot: u8,
    /// Handles of earlier lives do nothing.
    life: u64,
    /// Changes made so far in this life.
    changes: u64,
    cut_at: Option<u64>,
    dead: bool,
    available: Option<u64>,
    /// The next sync of a file fails, and the system forgets what it should have written.
    fail_sync: bool,
    fail_rename_to: Option<PathBuf>,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    waiting: Vec<Change>,
    stamp: u64,
}

#[derive(Clone, Debug)]
enum Change {
    Bytes { offset: usize, bytes: Vec<u8> },
    Len(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Link { path: PathBuf, inode: usize },
    Unlink { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf, inode: usize },
}

impl Change {
    fn apply(&self, target: &mut Vec<u8>) {
        match self {
            Self::Bytes { offset, bytes } => {
                let end = offset + bytes.len();
                if target.len() < end {
                    target.resize(end, 0);
                }
                target[*offset..end].copy_from_slice(bytes);
            }
            Self::Len(len) => target.resize(*len, 0),
        }
    }
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

/// A small generator, so that a seed alone makes the run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: u64) -> u64 {
        // Source: SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

impl World {
    /// Counts a change; the one at the cut is not made.
    fn change(&mut self) -> io::Result<()> {
        self.alive()?;
        if self.cut_at == Some(self.changes) {
            self.dead = true;
        }
        self.changes += 1;
        self.alive()
    }

    fn alive(&self) -> io::Result<()> {
        if self.dead { Err(io::Error::other("the fake disk is dead")) } else { Ok(()) }
    }

    fn inode(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(not_found)
    }

    fn sync_names(&mut self, dir: &Path) {
        for change in std::mem::take(&mut self.waiting) {
            let (removed, made) = match &change {
                NameChange::Link { path, inode } => (None, Some((path, *inode))),
                NameChange::Unlink { path } => (Some(path), None),
                NameChange::Rename { from, to, inode } => (Some(from), Some((to, *inode))),
            };
            let removes_here = removed.is_some_and(|path| parent(path) == dir);
            let makes_here = made.is_some_and(|(path, _)| parent(path) == dir);
            if !removes_here && !makes_here {
                self.waiting.push(change);
                continue;
            }
            if let Some((path, inode)) = made {
                self.durable_names.insert(path.clone(), inode);
            }
            match removed {
                Some(path) if removes_here => {
                    self.durable_names.remove(path);
                }
                Some(path) => self.waiting.push(NameChange::Unlink { path: path.clone() }),
                None => {}
            }
        }
        for made in self.dirs.iter().filter(|made| parent(made) == dir) {
            self.durable_dirs.insert(made.clone());
        }
    }

    fn lose_power(&mut self, seed: u64) {
        let mut dice = Dice(seed);
        for inode in &mut self.inodes {
            for change in std::mem::take(&mut inode.waiting) {
                match (dice.below(3), &change) {
                    (0, _) => {}
                    (1, Change::Bytes { offset, bytes }) => {
                        let kept = dice.below(bytes.len() as u64 + 1) as usize;
                        let torn = Change::Bytes { offset: *offset, bytes: bytes[..kept].to_vec() };
                        torn.apply(&mut inode.durable);
                    }
                    _ => change.apply(&mut inode.durable),
                }
            }
            inode.bytes = inode.durable.clone();
        }
        let waiting = std::mem::take(&mut self.waiting);
        let mode = dice.below(4);
        let first = dice.below(waiting.len() as u64 + 1) as usize;
        for (number, change) in waiting.into_iter().enumerate() {
            let kept = match mode {
                0 => false,
                1 => true,
                2 => number < first,
                _ => dice.below(2) == 0,
            };
            if kept {
                self.keep_name(change, dice.below(2) == 0);
            }
        }
        for dir in std::mem::take(&mut self.dirs) {
            if self.durable_dirs.contains(&dir) || dice.below(2) == 0 {
                self.dirs.insert(dir);
            }
        }
        let dirs = &self.dirs;
        self.durable_names.retain(|path, _| dirs.contains(&parent(path)));
        self.names = self.durable_names.clone();
        self.durable_dirs = self.dirs.clone();
        self.boot += 1;
    }

    fn keep_name(&mut self, change: NameChange, whole: bool) {
        match change {
            NameChange::Link { path, inode } => {
                self.durable_names.insert(path, inode);
            }
            NameChange::Unlink { path } => {
                self.durable_names.remove(&path);
            }
            NameChange::Rename { from, to, inode } => {
                self.durable_names.insert(to, inode);
                if whole {
                    self.durable_names.remove(&from);
                }
            }
        }
    }
}

impl FakeDisk {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(World { boot: 1, ..World::default() })))
    }

    /// This disk as it would be after an ending; the original stays as it is.
    pub(super) fn after(&self, ending: Ending) -> Self {
        let mut world = lock(&self.0).clone();
        if let Ending::PowerCut(seed) = ending {
            world.lose_power(seed);
        }
        world.life += 1;
        world.changes = 0;
        world.cut_at = None;
        world.dead = false;
        world.locks.clear();
        Self(Arc::new(Mutex::new(world)))
    }

    /// Lets this many more changes happen.
    pub(super) fn cut_after(&self, changes: u64) {
        let mut world = lock(&self.0);
        world.cut_at = Some(world.changes + changes);
    }

    pub(super) fn is_dead(&self) -> bool {
        lock(&self.0).dead
    }

    pub(super) fn fail_next_sync(&self) {
        lock(&self.0).fail_sync = true;
    }

    pub(super) fn fail_next_rename_to(&self, path: &Path) {
        lock(&self.0).fail_rename_to = Some(path.to_owned());
    }

    pub(super) fn set_available(&self, bytes: u64) {
        lock(&self.0).available = Some(bytes);
    }

    /// Names of all files, live.
    pub(super) fn names(&self) -> Vec<PathBuf> {
        lock(&self.0).names.keys().cloned().collect()
    }

    /// Flips a bit on the platter, behind everybody's back.
    pub(super) fn corrupt(&self, path: &Path, at: usize) {
        let mut world = lock(&self.0);
        let number = world.inode(path).unwrap();
        let inode = &mut world.inodes[number];
        inode.bytes[at] ^= 1;
        inode.durable[at] ^= 1;
    }

    pub(super) fn delete(&self, path: &Path) {
        let mut world = lock(&self.0);
        world.names.remove(path).unwrap();
        world.durable_names.remove(path);
    }
}

#[derive(Debug)]
struct FakeFile {
    disk: FakeDisk,
    inode: usize,
    life: u64,
    writable: bool,
}

impl FakeFile {
    fn with<T>(&self, act: impl FnOnce(&mut World) -> io::Result<T>) -> io::Result<T> {
        let mut world = lock(&self.disk.0);
        assert_eq!(world.life, self.life, "a handle outlived its process");
        act(&mut world)
    }

    fn write(&self, change: Change) -> io::Result<()> {
        assert!(self.writable, "opened for reading");
        self.with(|world| {
            if let Err(error) = world.change() {
                // The write that the cut falls into may be torn; after it nothing is written.
                if world.cut_at.map(|at| at + 1) == Some(world.changes) {
                    world.changes += 1;
                    world.inodes[self.inode].waiting.push(change);
                }
                return Err(error);
            }
            let inode = &mut world.inodes[self.inode];
            change.apply(&mut inode.bytes);
            inode.waiting.push(change);
            inode.stamp += 1;
            Ok(())
        })
    }
}

impl DiskFile for FakeFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|world| {
            world.alive()?;
            let bytes = &world.inodes[self.inode].bytes;
            let start = bytes.len().min(offset as usize);
            let count = buffer.len().min(bytes.len() - start);
            buffer[..count].copy_from_slice(&bytes[start..start + count]);
            Ok(count)
        })
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write(Change::Bytes { offset: offset as usize, bytes: bytes.to_vec() })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.write(Change::Len(len as usize))
    }

    fn stat(&self) -> io::Result<FileStat> {
        self.with(|world| {
            world.alive()?;
            let inode = &world.inodes[self.inode];
            Ok(FileStat { len: inode.bytes.len() as u64, stamp: [inode.stamp, 0, 0, 0] })
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(|world| {
            world.change()?;
            let fails = std::mem::take(&mut world.fail_sync);
            let inode = &mut world.inodes[self.inode];
            if fails {
                // As after a failed write-back: the cache still shows what the disk has not.
                inode.waiting.retain(|change| matches!(change, Change::Len(_)));
                return Err(io::Error::other("write-back failed"));
            }
            for change in std::mem::take(&mut inode.waiting) {
                change.apply(&mut inode.durable);
            }
            Ok(())
        })
    }

    fn drop_cache(&self) -> io::Result<()> {
        self.with(|world| {
            let inode = &mut world.inodes[self.inode];
            inode.bytes = inode.durable.clone();
            for change in &inode.waiting {
                change.apply(&mut inode.bytes);
            }
            Ok(())
        })
    }

    fn std_file(&self) -> Option<&Arc<File>> {
        None
    }
}

/// Released with its process.
#[derive(Debug)]
struct FakeLock(FakeDisk, PathBuf);

impl Drop for FakeLock {
    fn drop(&mut self) {
        lock(&self.0.0).locks.remove(&self.1);
    }
}

impl Disk for FakeDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut world = lock(&self.0);
        world.alive()?;
        let inode = match (world.inode(path), mode) {
            (Ok(inode), _) => inode,
            (Err(_), OpenMode::Create) => {
                world.change()?;
                if !world.dirs.contains(&parent(path)) {
                    return Err(not_found());
                }
                world.inodes.push(Inode::default());
                let inode = world.inodes.len() - 1;
                world.names.insert(path.to_owned(), inode);
                world.waiting.push(NameChange::Link { path: path.to_owned(), inode });
                inode
            }
            (Err(error), OpenMode::Read | OpenMode::Write) => return Err(error),
        };
        let life = world.life;
        let writable = mode != OpenMode::Read;
        Ok(Arc::new(FakeFile { disk: self.clone(), inode, life, writable }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = lock(&self.0);
        world.change()?;
        if world.fail_rename_to.as_deref() == Some(to) {
            world.fail_rename_to = None;
            return Err(io::Error::other("rename failed"));
        }
        let inode = world.inode(from)?;
        if !world.dirs.contains(&parent(to)) {
            return Err(not_found());
        }
        // As POSIX has it: two names of one file stay.
        if world.names.get(to) == Some(&inode) {
            return Ok(());
        }
        world.names.remove(from);
        world.names.insert(to.to_owned(), inode);
        world.waiting.push(NameChange::Rename { from: from.into(), to: to.into(), inode });
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = lock(&self.0);
        world.change()?;
        world.names.remove(path).ok_or_else(not_found)?;
        world.waiting.push(NameChange::Unlink { path: path.to_owned() });
        Ok(())
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = lock(&self.0);
        world.change()?;
        if path.components().count() == 1 {
            world.durable_dirs.insert(path.to_owned());
        }
        world.dirs.insert(path.to_owned());
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut world = lock(&self.0);
        world.change()?;
        if !world.dirs.contains(path) {
            return Err(not_found());
        }
        world.sync_names(path);
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let world = lock(&self.0);
        world.alive()?;
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let files = world
            .names
            .iter()
            .filter(|(file, _)| parent(file) == path)
            .map(|(file, inode)| Entry { name: name(file), len: world.inodes[*inode].bytes.len() as u64 });
        let dirs = world.dirs.iter().filter(|dir| parent(dir) == path);
        let dirs = dirs.map(|dir| Entry { name: name(dir), len: 0 });
        Ok(files.chain(dirs).collect())
    }

    fn lock(&self, path: &Path) -> io::Result<Option<DiskLock>> {
        let mut world = lock(&self.0);
        world.alive()?;
        if !world.locks.insert(path.to_owned()) {
            return Ok(None);
        }
        Ok(Some(Box::new(FakeLock(self.clone(), path.to_owned()))))
    }

    fn available_bytes(&self, _path: &Path) -> io::Result<u64> {
        let world = lock(&self.0);
        world.alive()?;
        Ok(world.available.unwrap_or(u64::MAX))
    }

    fn boot_id(&self) -> io::Result<[u8; 16]> {
        Ok([lock(&self.0).boot; 16])
    }
}
