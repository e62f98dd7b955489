//! Each known defect of Argus, with its number in `spec/argus-colossus.md` C1: a test named after it that
//! shows that this node does not have it. What operators are told of each stands in
//! `docs/argus-differences.md`.

mod caching;
mod operating;
pub(crate) mod serving;
mod sources;

use crate::differential;

/// Defects of the list.
const DEFECTS: usize = 31;

const HERE: [&str; 4] = [
    include_str!("argus_defects/caching.rs"),
    include_str!("argus_defects/operating.rs"),
    include_str!("argus_defects/serving.rs"),
    include_str!("argus_defects/sources.rs"),
];

/// The test of each defect, by number.
fn test_of(number: usize) -> Option<&'static str> {
    let name = format!("fn defect_{number:02}_");
    HERE.iter().find_map(|file| {
        let at = file.find(&name)? + "fn ".len();
        file.get(at..)?.split('(').next()
    })
}

const PAGE: &str = include_str!("../../../../docs/argus-differences.md");

#[test]
fn operators_can_read_about_every_defect_and_every_other_answer() {
    for number in 1..=DEFECTS {
        let rows = PAGE.lines().filter(|line| line.starts_with(&format!("| {number} | "))).count();
        assert_eq!(rows, 1, "docs/argus-differences.md: rows of defect {number}");
    }
    let told: Vec<&str> = PAGE.lines().filter(|line| line.starts_with("| `")).collect();
    let right: Vec<String> =
        differential::deviations().iter().map(|(name, why)| format!("| `{name}` | {why} |")).collect();
    assert_eq!(told, right, "docs/argus-differences.md has other answers than differential/requests.txt");
}

#[test]
fn every_defect_has_its_test() {
    let missing: Vec<usize> = (1..=DEFECTS).filter(|number| test_of(*number).is_none()).collect();
    assert_eq!(missing, [0; 0]);
}
