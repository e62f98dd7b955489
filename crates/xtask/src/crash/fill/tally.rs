//! What crashes left, added up.

use super::damage::Damage;
use std::fmt;

/// What one case found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Found {
    pub(crate) crashes: u64,
    /// Bytes of groups that the node had verified before the crash.
    pub(crate) verified_bytes: u64,
    /// Those of them that the source did not send again.
    pub(crate) used_bytes: u64,
    /// Bytes that were fetched after the crash, until all objects were complete.
    pub(crate) fetched_bytes: u64,
    pub(crate) compared_bytes: u64,
    pub(crate) damage: Option<Damage>,
}

/// What all cases found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    cases: u64,
    crashes: u64,
    verified_bytes: u64,
    used_bytes: u64,
    /// The same where nothing but the crash has harmed the files.
    sound: Sound,
    fetched_bytes: u64,
    compared_bytes: u64,
    damaged_cases: u64,
    damage: Damage,
    pub(crate) failed: u64,
    /// Failures that were wrong bytes.
    pub(crate) wrong: u64,
}

#[derive(Clone, Debug, Default)]
struct Sound {
    verified_bytes: u64,
    used_bytes: u64,
    /// The smallest share of a case, in percent, and its verified bytes.
    worst: Option<(u64, u64)>,
}

impl Tally {
    pub(crate) fn add(&mut self, found: &Found) {
        self.cases += 1;
        self.crashes += found.crashes;
        self.verified_bytes += found.verified_bytes;
        self.used_bytes += found.used_bytes;
        self.fetched_bytes += found.fetched_bytes;
        self.compared_bytes += found.compared_bytes;
        if let Some(damage) = found.damage {
            self.damaged_cases += 1;
            self.damage.data_files += damage.data_files;
            self.damage.tree_files += damage.tree_files;
            self.damage.map_files += damage.map_files;
            return;
        }
        self.sound.verified_bytes += found.verified_bytes;
        self.sound.used_bytes += found.used_bytes;
        let share = (percent(found.used_bytes, found.verified_bytes), found.verified_bytes);
        self.sound.worst = Some(self.sound.worst.map_or(share, |worst| worst.min(share)));
    }

    /// Share of the verified groups that were still used, where nobody damaged them, in percent.
    pub(crate) fn used_percent(&self) -> u64 {
        percent(self.sound.used_bytes, self.sound.verified_bytes)
    }
}

fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(100)
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (worst, of) = self.sound.worst.unwrap_or((100, 0));
        write!(
            f,
            "{} crashes in {} cases. Verified before {} MiB, still used {} MiB = {}.{} %; the worst case {worst} % of \
             {} MiB. {} cases with damage to {} files of bytes, {} of trees and {} of maps: verified before {} MiB, \
             still used {} MiB. Fetched after the crashes {} MiB, compared {} MiB, {} wrong answers; {} failures",
            self.crashes,
            self.cases,
            mib(self.sound.verified_bytes),
            mib(self.sound.used_bytes),
            self.used_percent(),
            percent(self.sound.used_bytes.saturating_mul(10), self.sound.verified_bytes) % 10,
            mib(of),
            self.damaged_cases,
            self.damage.data_files,
            self.damage.tree_files,
            self.damage.map_files,
            mib(self.verified_bytes - self.sound.verified_bytes),
            mib(self.used_bytes - self.sound.used_bytes),
            mib(self.fetched_bytes),
            mib(self.compared_bytes),
            self.wrong,
            self.failed
        )
    }
}
