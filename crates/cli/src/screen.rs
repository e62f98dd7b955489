//! What commands write: results to standard output, everything else to standard error.

use argosy_telemetry::escape_control;
use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::{
    env,
    fmt::Write as _,
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};
use unicode_width::UnicodeWidthStr as _;

/// Width of tables that go into a pipe or file: nothing is to be cut there.
const PIPE_WIDTH: u16 = 400;
/// Blanks between two columns.
const GAP: u16 = 2;
/// Terminal columns of the last column beside which other columns still have room.
const WRAPPED: usize = 24;

/// Columns of a title in a short list.
const TITLE: usize = 8;
/// Terminal columns that a column which must give way keeps.
const NARROW: usize = 8;

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
    let _ = writeln!(stdout, "{}", json_text(value)).and_then(|()| stdout.flush());
}

/// JSON, with what a terminal would obey written as escapes of JSON. Such characters stand in texts only.
pub(crate) fn json_text<T: Serialize>(value: &T) -> String {
    let mut safe = String::new();
    let mut units = [0; 2];
    let mut escaped = String::new();
    for char in serde_json::to_string(value).unwrap_or_default().chars() {
        if char.is_ascii() && !char.is_ascii_control() {
            safe.push(char);
            continue;
        }
        escaped.clear();
        // Writing to a text cannot fail.
        let _ = escape_control(&mut escaped, char.encode_utf8(&mut [0; 4]));
        if escaped.starts_with("\\u") {
            for unit in char.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(char);
        }
    }
    safe
}

/// Columns of the terminal that standard output is, if it is one.
pub(crate) fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    Table::new().width().map(usize::from)
}

/// Whether results may have colours: on a terminal, unless the environment says otherwise.
pub(crate) fn colours() -> bool {
    colours_of(io::stdout().is_terminal())
}

fn colours_of(is_terminal: bool) -> bool {
    let set = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    colours_wanted(set("NO_COLOR").is_some(), set("FORCE_COLOR").as_deref(), set("TERM").as_deref())
        .unwrap_or(is_terminal)
}

/// What the environment says about colours, if it says anything.
fn colours_wanted(no_colour: bool, force: Option<&str>, terminal: Option<&str>) -> Option<bool> {
    match force {
        _ if no_colour => Some(false),
        Some("0" | "false") => Some(false),
        Some(_) => Some(true),
        None => (terminal == Some("dumb")).then_some(false),
    }
}

/// Whether signs beyond ASCII can be shown, by the locale.
pub(crate) fn has_unicode() -> bool {
    let names = ["LC_ALL", "LC_CTYPE", "LANG"];
    let set = names.iter().find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()));
    set.is_some_and(|locale| is_utf8(&locale))
}

fn is_utf8(locale: &str) -> bool {
    let encoding = locale.split('.').nth(1).unwrap_or_default().split('@').next().unwrap_or_default();
    encoding.eq_ignore_ascii_case("utf-8") || encoding.eq_ignore_ascii_case("utf8")
}

/// A table that fits the terminal: columns named in `dispensable` are left out, in that order, until
/// it does, and the last column wraps. Into a pipe or file goes all of it.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<String>>, dispensable: &[&str]) -> String {
    let width = width().and_then(|width| u16::try_from(width).ok());
    table_of(head, &rows, dispensable, width.unwrap_or(PIPE_WIDTH))
}

/// The same for a terminal of so many columns.
pub(crate) fn table_of(head: &[&str], rows: &[Vec<String>], dispensable: &[&str], width: u16) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width);
    let kept = fitting(head, rows, dispensable, width);
    let pick = |cells: &[String]| kept.iter().filter_map(|at| cells.get(*at).cloned()).collect::<Vec<_>>();
    table.set_header(kept.iter().filter_map(|at| head.get(*at)).map(|title| title.to_uppercase()));
    table.add_rows(rows.iter().map(|row| pick(row)));
    let widths = widths(head, rows, &kept, usize::from(width));
    for (column, width) in table.column_iter_mut().zip(widths) {
        column.set_padding((0, GAP));
        let width = u16::try_from(width).unwrap_or(u16::MAX).saturating_add(GAP);
        column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Terminal columns that the cells of a column take, the widest.
fn column_width(head: &[&str], rows: &[Vec<String>], at: usize) -> usize {
    let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
    let title = head.get(at).map_or(0, |title| title.width());
    cells.chain([title]).max().unwrap_or(0)
}

/// How wide each column is drawn in `width`: as its cells are, but for the last one, which has what is
/// left, and for the widest ones if there is too little of that.
fn widths(head: &[&str], rows: &[Vec<String>], kept: &[usize], width: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = kept.iter().map(|at| column_width(head, rows, *at)).collect();
    let room = width.saturating_sub(widths.len() * usize::from(GAP));
    let Some((last, others)) = widths.split_last_mut() else { return widths };
    let least = (*last).min(WRAPPED);
    while others.iter().sum::<usize>() + least > room {
        match others.iter_mut().max().filter(|widest| **widest > NARROW) {
            Some(widest) => *widest -= 1,
            None => break,
        }
    }
    *last = (*last).min(room.saturating_sub(others.iter().sum())).max(1);
    widths
}

/// Positions of the columns that fit into `width`.
fn fitting(head: &[&str], rows: &[Vec<String>], dispensable: &[&str], width: u16) -> Vec<usize> {
    let last = head.len().saturating_sub(1);
    let column_width = |at: usize| {
        let widest = column_width(head, rows, at);
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

/// Says one thing of a short list for people, such as what a call does, under its title.
pub(crate) fn entry(title: &str, text: &str) {
    let width = if io::stderr().is_terminal() { Table::new().use_stderr().width() } else { None };
    let room = width.map_or(usize::MAX, |width| usize::from(width).saturating_sub(TITLE + usize::from(GAP)));
    let bold = colours_of(io::stderr().is_terminal()) && !title.is_empty();
    for (at, line) in wrapped(text, room.max(WRAPPED)).iter().enumerate() {
        let title = if at == 0 { title } else { "" };
        let title = format!("{title:<TITLE$}");
        let title = if bold && at == 0 { format!("\u{1b}[1m{title}\u{1b}[22m") } else { title };
        note(&format!("{title}  {line}"));
    }
}

/// Begins a line about a failure: who says it.
pub(crate) fn failed(text: &str) {
    let colour = colours_of(io::stderr().is_terminal());
    let (begin, end) = if colour { ("\u{1b}[1;31m", "\u{1b}[22;39m") } else { ("", "") };
    note(&format!("{begin}argosy:{end} {text}"));
}

/// Words in lines of at most `width` columns, where they are not wider themselves.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let wide = word.width();
        if line.is_empty() {
            line.push_str(word);
            used = wide;
        } else if used + 1 + wide <= width {
            line.push(' ');
            line.push_str(word);
            used += 1 + wide;
        } else {
            lines.push(word.to_owned());
            used = wide;
        }
    }
    lines
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
    fn lines_are_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one two three", usize::MAX), ["one two three"]);
        assert_eq!(wrapped("unbreakable", 3), ["unbreakable"]);
    }

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

    #[test]
    fn long_cells_give_way_to_each_other() {
        let rows = [vec!["1 ".repeat(60), "2 ".repeat(40), "short".to_owned(), "last ".repeat(20)]];
        for width in [60, 80, 120, 400] {
            let text = table_of(&["one", "two", "three", "four"], &rows, &[], width);
            assert!(text.lines().all(|line| line.width() <= usize::from(width)), "{text}");
            let signs = |sign: char| text.chars().filter(|c| *c == sign).count();
            assert_eq!((signs('1'), signs('2'), text.matches("last").count()), (60, 40, 20), "{text}");
        }
    }

    #[test]
    fn wide_characters_take_two_columns() {
        let head = ["handle", "note"];
        let rows = [vec!["日本語".to_owned(), "x".to_owned()], vec!["ab".to_owned(), "y".to_owned()]];
        assert_eq!(fitting(&head, &rows, &["note"], 14), [0, 1]);
        assert_eq!(fitting(&["日本語日本", "note"], &rows, &["note"], 15), [0]);
        let text = table_of(&head, &rows, &[], 40);
        let at = |line: &str, sign: char| line[..line.find(sign).unwrap()].width();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((at(lines[1], 'x'), at(lines[2], 'y')), (8, 8), "{text}");
    }

    #[test]
    fn the_environment_decides_about_colours_before_the_terminal_does() {
        assert_eq!(colours_wanted(true, Some("1"), None), Some(false));
        assert_eq!(colours_wanted(false, Some("0"), None), Some(false));
        assert_eq!(colours_wanted(false, Some("1"), Some("dumb")), Some(true));
        assert_eq!(colours_wanted(false, None, Some("dumb")), Some(false));
        assert_eq!(colours_wanted(false, None, Some("xterm")), None);
    }

    #[test]
    fn locales_say_which_signs_there_are() {
        for (locale, unicode) in [
            ("en_GB.UTF-8", true),
            ("C.utf8", true),
            ("de_DE.UTF-8@euro", true),
            ("C", false),
            ("ru_RU.KOI8-R", false),
        ] {
            assert_eq!(is_utf8(locale), unicode, "{locale}");
        }
    }
}
