//! Log files: a new one at each turn of the clock and above a size, the old ones compressed and at last
//! removed. Names and order are those of `winston-daily-rotate-file`, which Argus uses.
//!
//! `argus-2026-11-21.log`, then `argus-2026-11-21.log.1` and so on when it is full; `.gz` behind the name
//! of one that is compressed.

mod tidy;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use argosy_domain::num::to_u64;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use tidy::Tidier;

/// Bytes of the disk that logs leave free: data needs them more.
const DISK_FLOOR_BYTES: u64 = 64 * 1024 * 1024;
/// The free space is looked at again after so many bytes.
const LOOK_EVERY_BYTES: u64 = 1024 * 1024;

/// How often the next file is begun, by the clock in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Frequency {
    /// Once a year.
    Yearly,
    /// Once a month.
    Monthly,
    /// Once a day.
    #[default]
    Daily,
    /// Once an hour.
    Hourly,
}

impl Frequency {
    /// The part of a file's name that tells its time, such as `2026-11-21`.
    fn period(self, at: OffsetDateTime) -> String {
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        match self {
            Self::Yearly => format!("{year:04}"),
            Self::Monthly => format!("{year:04}-{month:02}"),
            Self::Daily => format!("{year:04}-{month:02}-{day:02}"),
            Self::Hourly => format!("{year:04}-{month:02}-{day:02}-{:02}", at.hour()),
        }
    }
}

/// Where files are, and how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FilePlan {
    /// Folder of the files. Created when missing.
    pub directory: PathBuf,
    /// Beginning of their names: `PREFIX-DATE.log`.
    pub prefix: String,
    /// How often the next file is begun.
    pub frequency: Frequency,
    /// Bytes after which the next file is begun; one line more at most.
    pub max_bytes: u64,
    /// Files that are kept, the one that is written included.
    pub max_files: usize,
    /// Whether old files are compressed.
    pub archive: bool,
}

/// Place of a file among the others: its period, and which part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    period: String,
    part: u32,
}

/// A file of ours.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    place: Place,
    compressed: bool,
}

impl FilePlan {
    fn path(&self, place: &Place) -> PathBuf {
        let base = format!("{}-{}.log", self.prefix, place.period);
        self.directory.join(if place.part == 0 { base } else { format!("{base}.{}", place.part) })
    }

    /// What a file's name says, if it is one of ours.
    fn named(&self, name: &str) -> Option<Named> {
        let rest = name.strip_prefix(&self.prefix)?.strip_prefix('-')?;
        let (rest, compressed) = rest.strip_suffix(".gz").map_or((rest, false), |rest| (rest, true));
        let (period, part) = rest.split_once(".log")?;
        let part = match part.strip_prefix('.') {
            None if part.is_empty() => 0,
            None => return None,
            Some(part) => part.parse().ok().filter(|part| *part > 0)?,
        };
        let is_period = !period.is_empty() && period.bytes().all(|b| b.is_ascii_digit() || b == b'-');
        is_period.then(|| Named { place: Place { period: period.to_owned(), part }, compressed })
    }

    /// Our files, the oldest first.
    fn files(&self) -> io::Result<Vec<Named>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            files.extend(entry?.file_name().to_str().and_then(|name| self.named(name)));
        }
        files.sort();
        Ok(files)
    }
}

/// Writes lines into the file of the hour; one line a call.
#[derive(Debug)]
pub(crate) struct Rolling {
    plan: FilePlan,
    open: Option<Open>,
    tidier: Tidier,
    lost: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Open {
    file: File,
    place: Place,
    bytes: u64,
    /// The free space of the disk is looked at when so many bytes are in the file.
    look_at: u64,
}

impl Rolling {
    /// Opens the file of now. Lines that cannot be written later are counted in `lost`.
    pub(crate) fn open(plan: FilePlan, lost: Arc<AtomicU64>) -> io::Result<Self> {
        fs::create_dir_all(&plan.directory)?;
        let mut rolling = Self { tidier: Tidier::new(plan.clone()), plan, open: None, lost };
        rolling.begin(OffsetDateTime::now_utc())?;
        Ok(rolling)
    }

    /// Opens the newest file of the period, or one more if that is full.
    fn begin(&mut self, at: OffsetDateTime) -> io::Result<&mut Open> {
        let period = self.plan.frequency.period(at);
        let newest = self.plan.files()?.into_iter().rfind(|file| file.place.period == period);
        let mut place = Place { period, part: 0 };
        if let Some(newest) = newest {
            place.part = newest.place.part;
            let path = self.plan.path(&place);
            let is_full = || fs::metadata(path).is_ok_and(|data| data.len() >= self.plan.max_bytes);
            if newest.compressed || is_full() {
                place.part = place.part.saturating_add(1);
            }
        }
        // For the owner and his group: lines tell who asked for what.
        let file = OpenOptions::new().append(true).create(true).mode(0o640).open(self.plan.path(&place))?;
        let bytes = file.metadata()?.len();
        self.tidier.tidy(place.clone());
        Ok(self.open.insert(Open { file, place, bytes, look_at: bytes }))
    }

    fn write_line(&mut self, line: &[u8], at: OffsetDateTime) -> io::Result<()> {
        let fits = |open: &Open| {
            open.bytes < self.plan.max_bytes && open.place.period == self.plan.frequency.period(at)
        };
        if !self.open.as_ref().is_some_and(fits) {
            self.open = None;
            self.begin(at)?;
        }
        let Some(open) = &mut self.open else { return Ok(()) };
        if open.bytes >= open.look_at {
            ensure_room(&self.plan.directory)?;
            open.look_at = open.bytes.saturating_add(LOOK_EVERY_BYTES);
        }
        open.file.write_all(line)?;
        open.bytes = open.bytes.saturating_add(to_u64(line.len()));
        Ok(())
    }
}

fn ensure_room(directory: &Path) -> io::Result<()> {
    let disk = rustix::fs::statvfs(directory)?;
    if disk.f_bavail.saturating_mul(disk.f_frsize) < DISK_FLOOR_BYTES {
        return Err(io::Error::new(io::ErrorKind::StorageFull, "the disk is almost full"));
    }
    Ok(())
}

impl Write for Rolling {
    /// Never fails: a line that cannot be written is counted, and the next one is tried anew.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.write_line(line, OffsetDateTime::now_utc()).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            self.open = None;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
