//! What commands write: results to standard output, everything else to standard error.

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

/// Width of tables that go into a pipe or file: nothing is to be cut there.
const PIPE_WIDTH: u16 = 400;
/// Blanks between two columns.
const GAP: u16 = 2;
/// Characters of the last column beside which other columns still have room.
const WRAPPED: usize = 24;

/// Prints one line of the result. A reader who has gone away ends the output, not the command.
pub(crate) fn say(text: &str) {
    let _ = writeln!(io::stdout().lock(), "{text}");
}

/// Prints one line of what is going on, for people.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints a value as one line of JSON.
pub(crate) fn json<T: Serialize>(value: &T) {
    let mut stdout = io::stdout().lock();
    let _ = serde_json::to_writer(&mut stdout, value);
    let _ = stdout.write_all(b"\n").and_then(|()| stdout.flush());
}

/// A table that fits the terminal: columns named in `dispensable` are left out, in that order, until
/// it does, and the last column wraps. Into a pipe or file goes all of it.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<String>>, dispensable: &[&str]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !io::stdout().is_terminal() {
        table.set_width(PIPE_WIDTH);
    }
    let kept = fitting(head, &rows, dispensable, table.width().unwrap_or(PIPE_WIDTH));
    let pick = |cells: &[String]| kept.iter().filter_map(|at| cells.get(*at).cloned()).collect::<Vec<_>>();
    table.set_header(kept.iter().filter_map(|at| head.get(*at)).map(|title| title.to_uppercase()));
    table.add_rows(rows.iter().map(|row| pick(row)));
    let last = kept.len().saturating_sub(1);
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP));
        if at < last {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Positions of the columns that fit into `width`.
fn fitting(head: &[&str], rows: &[Vec<String>], dispensable: &[&str], width: u16) -> Vec<usize> {
    let last = head.len().saturating_sub(1);
    let column_width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
        let title = head.get(at).map_or(0, |title| title.chars().count());
        let widest = cells.chain([title]).max().unwrap_or(0);
        usize::from(GAP) + if at == last { widest.min(WRAPPED) } else { widest }
    };
    let mut kept: Vec<usize> = (0..head.len()).collect();
    for name in dispensable {
        if kept.iter().map(|at| column_width(*at)).sum::<usize>() <= usize::from(width) {
            break;
        }
        kept.retain(|at| head.get(*at) != Some(name));
    }
    kept
}

/// A progress bar over bytes on standard error; silent unless that is a terminal.
pub(crate) fn progress(quiet: bool, what: &str, bytes: u64) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
    let bar = ProgressBar::with_draw_target(Some(bytes), target);
    let template = "{prefix:<11} {wide_bar} {bytes:>10} of {total_bytes:<10} {bytes_per_sec:>12} {eta:>4}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar.set_prefix(what.to_owned());
    bar
}

/// A titled line of a short list, such as what a call does.
pub(crate) fn entry(title: &str, text: &str) -> String {
    format!("{title:<8}  {text}")
}

/// A progress bar over things on standard error; silent unless that is a terminal.
pub(crate) fn count(quiet: bool, what: &str, things: usize) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
    let bar = ProgressBar::with_draw_target(u64::try_from(things).ok(), target);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos:>7} of {len:<7} {eta:>4}") {
        bar.set_style(style.progress_chars("━━─"));
    }
    bar.set_prefix(what.to_owned());
    bar
}

/// A turning sign for a wait whose length is not known.
pub(crate) fn spinner(quiet: bool, what: &str) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr_with_hz(10) };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_in_a_pipe_are_not_cut() {
        let long = "http://a-rather-long-name.example:3333/with/a/path/and/more/and/more/and/more/and/more";
        let text = table(&["role", "endpoint"], vec![vec!["storage".into(), long.into()]], &[]);
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains("ROLE") && text.contains(long));
        assert!(text.lines().all(|line| line == line.trim_end()));
    }

    #[test]
    fn a_narrow_terminal_gets_the_columns_that_matter() {
        let head = ["id", "version", "bytes", "healthy"];
        let rows = [vec!["0123456789".to_owned(), "1.0".to_owned(), "12 GiB".to_owned(), "x".repeat(90)]];
        let dispensable = ["version", "bytes"];
        assert_eq!(fitting(&head, &rows, &dispensable, 55), [0, 1, 2, 3]);
        assert_eq!(fitting(&head, &rows, &dispensable, 54), [0, 2, 3]);
        assert_eq!(fitting(&head, &rows, &dispensable, 10), [0, 3]);
    }
}
