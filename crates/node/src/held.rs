//! Which groups of an object a node holds, as nodes tell each other in a header.

use argosy_content::{GroupRange, GroupSet};

/// Name of the header: `0-64,100-128`, runs of groups, half-open, ascending.
pub const HELD_HEADER: &str = "argosy-held";
/// Most runs that are named or believed; of more, the longest are named.
const MAX_RUNS: usize = 64;
/// Most runs that are looked at to find those.
const MAX_LOOKED_AT: usize = 4096;
/// Longest header that is read.
const MAX_HEADER_BYTES: usize = MAX_RUNS * 2 * 21;

/// What to say of a partial object; none if nothing is held.
#[must_use]
pub fn to_header(have: &GroupSet) -> Option<String> {
    let (mut runs, mut from) = (Vec::new(), 0);
    while runs.len() < MAX_LOOKED_AT
        && let Some(run) = next_run(have, from)
    {
        from = run.end;
        runs.push(run);
    }
    if runs.len() > MAX_RUNS {
        runs.sort_by_key(|run| std::cmp::Reverse(run.count()));
        runs.truncate(MAX_RUNS);
        runs.sort_by_key(|run| run.start);
    }
    let texts: Vec<String> = runs.iter().map(|run| format!("{}-{}", run.start, run.end)).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

/// The first run of held groups from `from` on.
fn next_run(have: &GroupSet, from: u64) -> Option<GroupRange> {
    let start = have.first_held(from)?;
    Some(GroupRange::new(start, have.first_missing(start).unwrap_or_else(|| have.len())))
}

/// What another node says that it holds, of an object of `groups` groups; none if it makes no sense.
#[must_use]
pub fn from_header(text: &str, groups: u64) -> Option<Vec<GroupRange>> {
    if text.len() > MAX_HEADER_BYTES {
        return None;
    }
    let mut runs: Vec<GroupRange> = Vec::new();
    for run in text.split(',') {
        let (start, end) = run.split_once('-')?;
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(start) || !digits(end) {
            return None;
        }
        let run = GroupRange::new(start.parse().ok()?, end.parse().ok()?);
        let in_order = runs.last().is_none_or(|last| last.end < run.start);
        if run.is_empty() || run.end > groups || !in_order || runs.len() >= MAX_RUNS {
            return None;
        }
        runs.push(run);
    }
    Some(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(len: u64, groups: impl IntoIterator<Item = u64>) -> GroupSet {
        let mut set = GroupSet::new(len);
        for group in groups {
            set.insert(group);
        }
        set
    }

    #[test]
    fn what_is_said_is_understood() {
        assert_eq!(to_header(&GroupSet::new(10)), None);
        assert_eq!(to_header(&GroupSet::full(10)).as_deref(), Some("0-10"));
        let header = to_header(&set(200, (0..3).chain(70..80).chain([199]))).unwrap();
        assert_eq!(header, "0-3,70-80,199-200");
        let runs = [GroupRange::new(0, 3), GroupRange::new(70, 80), GroupRange::new(199, 200)];
        assert_eq!(from_header(&header, 200), Some(runs.to_vec()));
        // Of too many, the longest.
        let odd = set(1_000, (0..1_000).filter(|group| group % 2 == 1 || *group < 5));
        let runs = from_header(&to_header(&odd).unwrap(), 1_000).unwrap();
        assert_eq!((runs.len(), runs[0]), (MAX_RUNS, GroupRange::new(0, 6)));
    }

    #[test]
    fn nonsense_is_not_believed() {
        for text in [
            "", "0", "1-", "-1", "3-3", "4-3", "0-11", "0-2,1-3", "0-2,2-3", "5-6,1-2", "+0-1", "0-1,",
            "0 -1",
        ] {
            assert_eq!(from_header(text, 10), None, "{text}");
        }
        assert_eq!(from_header("99999999999999999999-3", 10), None);
        let long: Vec<String> = (0..65).map(|n| format!("{}-{}", 2 * n, 2 * n + 1)).collect();
        assert_eq!(from_header(&long.join(","), 1_000), None);
    }
}
