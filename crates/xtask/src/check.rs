//! Facts about the code that are kept in the repository, compared with the code.

use crate::words;
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// A function this long or longer is listed; about one screen.
const LONG_FUNCTION_LINES: usize = 70;

/// Runs all checks, or with `write` makes the kept facts anew.
pub(crate) fn run(root: &Path, write: bool) -> Result<()> {
    compare(&root.join("docs/crate-graph.txt"), &crate_graph(root)?, write)?;
    sizes(root, write)?;
    words::run(root)
}

fn compare(path: &Path, now: &str, write: bool) -> Result<()> {
    if write {
        return fs::write(path, now).with_context(|| format!("cannot write {}", path.display()));
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    if kept == now {
        return Ok(());
    }
    let gone = kept.lines().filter(|line| !now.lines().any(|other| other == *line));
    let new = now.lines().filter(|line| !kept.lines().any(|other| other == *line));
    let difference: String =
        gone.map(|line| format!("- {line}\n")).chain(new.map(|line| format!("+ {line}\n"))).collect();
    bail!(
        "{} differs from the code:\n{difference}If that is meant: cargo run -p xtask -- check --write",
        path.display()
    );
}

/// One line an arrow between our crates, read from the manifests.
fn crate_graph(root: &Path) -> Result<String> {
    let mut graph = String::from("# Which crate uses which. Kept equal to the manifests by `xtask check`.\n");
    for manifest in manifests(root)? {
        let text = fs::read_to_string(&manifest)?;
        let name = manifest
            .parent()
            .and_then(Path::file_name)
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut uses: Vec<&str> = text
            .split("[dev-dependencies]")
            .next()
            .unwrap_or_default()
            .lines()
            .filter_map(|line| line.strip_prefix("argosy-")?.split(['.', ' ']).next())
            .collect();
        uses.sort_unstable();
        graph.push_str(&format!("{name} -> {}\n", if uses.is_empty() { "-".into() } else { uses.join(" ") }));
    }
    Ok(graph)
}

fn manifests(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found: Vec<PathBuf> = fs::read_dir(root.join("crates"))?
        .filter_map(|entry| Some(entry.ok()?.path().join("Cargo.toml")))
        .filter(|path| path.exists())
        .collect();
    found.sort();
    Ok(found)
}

/// Fails on a function that is long and was not, or has grown.
fn sizes(root: &Path, write: bool) -> Result<()> {
    let path = root.join("docs/long-functions.txt");
    let mut now = BTreeMap::new();
    for file in sources(root)? {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root).unwrap_or(&file).display().to_string();
        for (function, lines) in long_functions(&text) {
            now.insert(format!("{name} {function}"), lines);
        }
    }
    if write {
        let text: String = now.iter().map(|(name, lines)| format!("{lines} {name}\n")).collect();
        return fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()));
    }
    let kept: BTreeMap<String, usize> = fs::read_to_string(&path)
        .unwrap_or_default()
        .lines()
        .filter_map(|line| {
            let (lines, name) = line.split_once(' ')?;
            Some((name.to_owned(), lines.parse().ok()?))
        })
        .collect();
    let grown: Vec<String> = now
        .iter()
        .filter(|(name, lines)| kept.get(*name).is_none_or(|before| *lines > before))
        .map(|(name, lines)| format!("{lines} lines: {name}"))
        .collect();
    if grown.is_empty() {
        return Ok(());
    }
    bail!(
        "functions that grew past a screen:\n{}\nSplit them, or keep them with: cargo run -p xtask -- check --write",
        grown.join("\n")
    );
}

/// All Rust files of the workspace, sorted.
pub(crate) fn sources(root: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = vec![root.join("crates")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// Functions outside test modules, by where rustfmt puts the closing brace.
fn long_functions(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]")).collect();
    for (at, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        let Some(name) = function_name(body) else { continue };
        // Without a body there is nothing to close.
        let opening = lines.iter().skip(at).find(|line| line.ends_with(['{', ';', '}']));
        if !opening.is_some_and(|line| line.ends_with('{')) {
            continue;
        }
        let close = format!("{}}}", " ".repeat(indent));
        let length = lines.iter().skip(at).position(|line| **line == close).map_or(0, |n| n + 1);
        if length >= LONG_FUNCTION_LINES {
            found.push((name.to_owned(), length));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let start = line.find("fn ")?;
    let before = &line[..start];
    let plain = before
        .split_whitespace()
        .all(|word| matches!(word, "pub" | "const" | "async" | "pub(crate)" | "pub(super)"));
    if !plain {
        return None;
    }
    line[start + 3..].split(['(', '<']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_function_is_found_and_a_test_is_not() {
        let body = "    work();\n".repeat(80);
        let text = format!(
            "trait T {{\n    fn declared(\n        self,\n    );\n    fn short() {{}}\n{body}}}\npub(crate) async fn long<T>(x: T) {{\n{body}}}\n\nfn short() {{\n}}\n#[cfg(test)]\nmod tests {{\n    fn t() {{\n{body}    }}\n}}\n"
        );
        assert_eq!(long_functions(&text), [("long".to_owned(), 82)]);
    }
}
