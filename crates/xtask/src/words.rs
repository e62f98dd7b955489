//! Words that the glossary tells us not to use for our own things.

use crate::check::sources;
use anyhow::{Result, bail};
use std::{fs, path::Path};

/// Words that have one meaning here, and it is not theirs. Joystream's own names are quoted where
/// they must be, with the marker `joystream's`.
const NOT_OURS: [&str; 4] = ["extrinsic", "pallet", "runtime upgrade", "query node"];

/// Fails with every place where such a word stands.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut found = Vec::new();
    for file in sources(root)? {
        if file.ends_with("xtask/src/words.rs") {
            continue;
        }
        for (number, line) in fs::read_to_string(&file)?.lines().enumerate() {
            let lower = line.to_lowercase();
            let quoted = lower.contains("joystream") || lower.contains("argus") || lower.contains("colossus");
            for word in NOT_OURS.iter().filter(|word| !quoted && lower.contains(**word)) {
                found.push(format!("{}:{}: {word}", file.display(), number + 1));
            }
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    bail!("words that docs/glossary.md tells us not to use:\n{}", found.join("\n"));
}
