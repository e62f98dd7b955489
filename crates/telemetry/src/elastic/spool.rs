//! Lines that wait on disk while the endpoint is away, also for the next process.

use std::{
    collections::VecDeque,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use argosy_domain::num::{to_u64, to_usize};
use serde::de::IgnoredAny;

use super::{Doc, MAX_BATCH_BYTES};

/// A file that has reached this is not written to any more.
const MAX_SEGMENT_BYTES: u64 = 512 * 1024;
const ENDING: &str = ".ndjson";

/// Files of lines, the oldest first; each is part of a bulk request as it will be sent.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    limit: u64,
    segments: VecDeque<Segment>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    number: u64,
    bytes: u64,
    /// Whether more may be written to it.
    open: bool,
}

impl Spool {
    /// What the last process has left. Files that are not ours are left alone.
    pub(super) fn open(folder: &Path, limit: u64) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(ENDING)?.parse().ok());
            if let Some(number) = number {
                found.push(Segment { number, bytes: entry.metadata()?.len(), open: false });
            }
        }
        found.sort_by_key(|segment| segment.number);
        let next = found.last().map_or(0, |last| last.number.saturating_add(1));
        Ok(Self { folder: folder.to_owned(), limit, segments: found.into(), next })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Keeps lines; gives how many lines were lost for it, old ones first.
    pub(super) fn append(&mut self, docs: &[Doc]) -> u64 {
        let mut lost = 0;
        let mut text = String::new();
        let mut count = 0;
        for doc in docs {
            text.push_str(&doc.0);
            count += 1;
            if to_u64(text.len()) >= MAX_SEGMENT_BYTES {
                lost += self.write(&std::mem::take(&mut text), std::mem::take(&mut count));
            }
        }
        if !text.is_empty() {
            lost += self.write(&text, count);
        }
        lost
    }

    fn write(&mut self, text: &str, count: u64) -> u64 {
        let added = to_u64(text.len());
        if added > self.limit {
            return count;
        }
        let mut lost = 0;
        while self.bytes().saturating_add(added) > self.limit {
            // The last one may be open; it goes like the others.
            lost += to_u64(self.read_oldest().len());
            self.remove_oldest();
        }
        let number = match self.segments.back_mut().filter(|last| last.open) {
            Some(last) => {
                last.bytes = last.bytes.saturating_add(added);
                last.open = last.bytes < MAX_SEGMENT_BYTES;
                last.number
            }
            None => {
                let number = self.next;
                self.next = self.next.saturating_add(1);
                self.segments.push_back(Segment { number, bytes: added, open: added < MAX_SEGMENT_BYTES });
                number
            }
        };
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(self.path(number));
        match file.and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => lost,
            // What was written of it is torn, and is passed over when it is read.
            Err(_) => lost + count,
        }
    }

    /// The lines of the oldest file, to which nothing is added any more. What is torn is left out.
    pub(super) fn read_oldest(&mut self) -> Vec<Doc> {
        let Some(oldest) = self.segments.front_mut() else { return Vec::new() };
        oldest.open = false;
        let path = self.path(self.segments.front().map_or(0, |oldest| oldest.number));
        let mut bytes = Vec::new();
        // A file that somebody has blown up is not read whole.
        let most = to_u64(2 * MAX_BATCH_BYTES);
        if fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).is_err() {
            return Vec::new();
        }
        docs_of(&String::from_utf8_lossy(&bytes))
    }

    pub(super) fn remove_oldest(&mut self) {
        if let Some(oldest) = self.segments.pop_front() {
            // One that cannot be removed is sent again by the next process; its lines have ids.
            let _ = fs::remove_file(self.path(oldest.number));
        }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}{ENDING}"))
    }
}

/// Pairs of an action and a document. Anything else is passed over, so that a write that was cut off
/// costs no more than itself.
fn docs_of(text: &str) -> Vec<Doc> {
    let is_json = |line: &str| line.ends_with('\n') && serde_json::from_str::<IgnoredAny>(line).is_ok();
    let is_action = |line: &str| line.starts_with("{\"create\":{\"_id\":\"") && is_json(line);
    let mut docs = Vec::with_capacity(to_usize(to_u64(text.len()) / 512));
    let mut action = None;
    for line in text.split_inclusive('\n') {
        if is_action(line) {
            action = Some(line);
        } else if let Some(action) = action.take()
            && is_json(line)
        {
            docs.push(Doc(format!("{action}{line}")));
        }
    }
    docs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(number: u64, bytes: usize) -> Doc {
        Doc(format!("{{\"create\":{{\"_id\":\"a-{number}\"}}}}\n{{\"message\":\"{}\"}}\n", "x".repeat(bytes)))
    }

    fn drain(spool: &mut Spool) -> Vec<Doc> {
        let mut all = Vec::new();
        while !spool.is_empty() {
            all.extend(spool.read_oldest());
            spool.remove_oldest();
        }
        all
    }

    #[test]
    fn lines_wait_for_the_next_process_in_their_order() {
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join("spool");
        let docs: Vec<Doc> = (0..3000).map(|number| doc(number, 500)).collect();
        let mut spool = Spool::open(&folder, 1 << 30).unwrap();
        assert_eq!(docs.chunks(100).map(|some| spool.append(some)).sum::<u64>(), 0);
        assert!(spool.segments.len() >= 3);
        let mut again = Spool::open(&folder, 1 << 30).unwrap();
        assert_eq!(again.bytes(), spool.bytes());
        again.append(&[doc(3000, 1)]);
        assert!(drain(&mut again)[..3000] == docs);
        assert_eq!((again.bytes(), fs::read_dir(&folder).unwrap().count()), (0, 0));
    }

    #[test]
    fn what_is_torn_costs_no_more_than_itself() {
        let room = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(room.path(), 1 << 20).unwrap();
        spool.append(&[doc(0, 10), doc(1, 10)]);
        let path = spool.path(0);
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            spool.append(&[doc(2, 10)]);
            let read = spool.read_oldest();
            assert!(read.iter().all(|read| [doc(0, 10), doc(1, 10), doc(2, 10)].contains(read)), "{cut}");
            assert!(cut < whole.len() / 2 || read.contains(&doc(0, 10)), "{cut}: {read:?}");
            spool.segments[0].open = true;
        }
        fs::write(&path, [b'{', 0xff, b'\n', b'\n']).unwrap();
        assert_eq!(spool.read_oldest(), []);
    }

    #[test]
    fn the_oldest_go_when_there_is_no_more_room() {
        let room = tempfile::tempdir().unwrap();
        let limit = 2 * MAX_SEGMENT_BYTES;
        let mut spool = Spool::open(room.path(), limit).unwrap();
        let mut lost = 0;
        for number in 0..5000 {
            lost += spool.append(&[doc(number, 500)]);
            assert!(spool.bytes() <= limit);
        }
        let on_disk: u64 =
            fs::read_dir(room.path()).unwrap().map(|e| e.unwrap().metadata().unwrap().len()).sum();
        assert_eq!(on_disk, spool.bytes());
        let left = drain(&mut spool);
        assert_eq!((to_u64(left.len()) + lost, left.last()), (5000, Some(&doc(4999, 500))));
        assert_eq!(spool.append(&[doc(0, to_usize(limit))]), 1, "larger than all the room");
    }

    #[test]
    fn a_disk_that_cannot_be_written_costs_lines_only() {
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join("spool");
        let mut spool = Spool::open(&folder, 1 << 20).unwrap();
        fs::remove_dir(&folder).unwrap();
        assert_eq!(spool.append(&[doc(0, 1), doc(1, 1)]), 2);
    }
}
