//! A table in Markdown, so that it can be kept in the documents.

use super::{say, subjects::Kind};
use std::collections::BTreeMap;

/// Figures by what was measured and whom.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<String>,
    figures: BTreeMap<(usize, usize), Vec<f64>>,
}

impl Table {
    /// Notes a figure of the `column`th node.
    pub(super) fn note(&mut self, row: &str, column: usize, figure: f64) {
        let at = self.rows.iter().position(|known| known == row).unwrap_or_else(|| {
            self.rows.push(row.to_owned());
            self.rows.len() - 1
        });
        self.figures.entry((at, column)).or_default().push(figure);
    }

    /// Prints medians.
    pub(super) fn print(&mut self, title: &str, kinds: &[Kind]) {
        let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
        say(&format!("\n| {title} | {} |", names.join(" | ")));
        say(&format!("|---|{}", "---|".repeat(kinds.len())));
        for (at, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = (0..kinds.len())
                .map(|column| {
                    let Some(figures) = self.figures.get_mut(&(at, column)) else { return "–".to_owned() };
                    format(super::super::percentile(figures, 50))
                })
                .collect();
            say(&format!("| {row} | {} |", cells.join(" | ")));
        }
    }
}

/// Three figures that count.
fn format(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}
