//! What is wrong with a configuration, told with its place and an excerpt.

use super::document::Origin;
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Most problems that are told at once.
pub(super) const MAX_PROBLEMS: usize = 50;
/// Longest line that is shown, in characters.
const MAX_EXCERPT_CHARS: usize = 160;
/// A line with one of these in it is not shown: it may hold a secret.
const SECRET_WORDS: [&str; 5] = ["suri", "mnemonic", "secret", "password", "seed"];

/// One thing that is wrong, or should be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub origin: Origin,
    /// What, and what was expected. One line; never repeats a secret.
    pub what: String,
    /// The value is a secret, so that its line is not shown.
    pub(super) secret: bool,
}

impl Problem {
    pub(super) fn new(origin: Origin, what: impl Into<String>) -> Self {
        Self { origin, what: what.into(), secret: false }
    }
}

/// What is wrong with one configuration; at least one thing.
#[derive(Clone, Debug)]
pub struct Problems {
    file: PathBuf,
    text: String,
    list: Vec<Problem>,
}

impl Problems {
    pub(super) fn new(file: &Path, text: &str, mut list: Vec<Problem>) -> Self {
        list.truncate(MAX_PROBLEMS);
        Self { file: file.to_owned(), text: text.to_owned(), list }
    }

    /// Each of them, in order of the file.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.list
    }

    /// One problem in a line: `FILE:LINE:COLUMN: what`, or `VARIABLE: what`.
    #[must_use]
    pub fn line(&self, problem: &Problem) -> String {
        match &problem.origin {
            Origin::File { line, column } => {
                format!("{}:{line}:{column}: {}", self.file.display(), problem.what)
            }
            Origin::Environment(variable) => format!("{variable}: {}", problem.what),
        }
    }

    /// The line of the file that a problem is in, with a mark under its place; nothing for variables, and
    /// for lines that may hold a secret.
    #[must_use]
    pub fn excerpt(&self, problem: &Problem) -> Option<String> {
        let Origin::File { line, column } = problem.origin else { return None };
        let (line_at, column_at) = (usize::try_from(line).ok()?, usize::try_from(column).ok()?);
        let source = self.text.lines().nth(line_at.checked_sub(1)?)?;
        let lower = source.to_lowercase();
        let hidden = problem.secret || SECRET_WORDS.iter().any(|word| lower.contains(word));
        if hidden || source.trim().is_empty() || column_at > MAX_EXCERPT_CHARS {
            return None;
        }
        // A tab would move the mark.
        let shown: String =
            source.chars().take(MAX_EXCERPT_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let margin = " ".repeat(line.to_string().len());
        let indent = " ".repeat(column_at.saturating_sub(1));
        Some(format!("{margin} |\n{line} | {}\n{margin} | {indent}^", shown.trim_end()))
    }

    /// Everything that is to be told after the first line: its excerpt, and the other problems.
    #[must_use]
    pub fn details(&self) -> String {
        let mut text = String::new();
        for (at, problem) in self.list.iter().enumerate() {
            let line = (at > 0).then(|| self.line(problem));
            for part in line.into_iter().chain(self.excerpt(problem)) {
                text.push_str(&part);
                text.push('\n');
            }
        }
        text
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.list.first() else { return Ok(()) };
        f.write_str(&self.line(first))?;
        match self.list.len() {
            0 | 1 => Ok(()),
            2 => f.write_str("; and one more problem"),
            many => write!(f, "; and {} more problems", many - 1),
        }
    }
}

impl std::error::Error for Problems {}
