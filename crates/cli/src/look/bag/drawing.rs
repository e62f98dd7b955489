//! The drawing: objects down, buckets across, as wide as the terminal.

use super::check::Answer;
use super::matrix::{Cell, Column, Mark, Matrix, Row};
use crate::text;
use std::{fmt::Write as _, time::Duration};

/// Blanks between two columns.
const GAP: usize = 2;

/// How it is drawn.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Style {
    pub(in super::super) unicode: bool,
    pub(in super::super) colours: bool,
    /// Columns of the terminal.
    pub(in super::super) width: usize,
    /// Whether the nodes were asked: then their answers stand where times would.
    pub(in super::super) checked: bool,
    /// Milliseconds since 1970: ages count from here.
    pub(in super::super) now_ms: u64,
}

impl Style {
    const fn sign(&self, mark: Mark) -> &'static str {
        match (mark, self.unicode) {
            (Mark::Pending, true) => "·",
            (Mark::Pending, false) => ".",
            (Mark::Held, true) => "✓",
            (Mark::Held, false) => "+",
            (Mark::Missing, true) => "✗",
            (Mark::Missing, false) => "x",
            (Mark::Served, true) => "●",
            (Mark::Served, false) => "*",
            (Mark::Off, true) => "○",
            (Mark::Off, false) => "o",
            (Mark::NoOperator, true) => "–",
            (Mark::NoOperator, false) => "-",
        }
    }

    /// What stands in a cell.
    fn text(&self, cell: &Cell) -> String {
        let more = if self.checked {
            cell.answer.map(|answer| answer.name().to_owned())
        } else {
            let past = cell.since_ms.map(|time_ms| self.now_ms.saturating_sub(time_ms));
            past.map(|past_ms| text::duration(Duration::from_millis(past_ms)))
        };
        let sign = self.sign(cell.mark);
        more.map_or_else(|| sign.to_owned(), |more| format!("{sign} {more}"))
    }

    /// The same in the colour that it calls for.
    fn painted(&self, cell: &Cell) -> String {
        const RED: &str = "31";
        const GREEN: &str = "32";
        const YELLOW: &str = "33";
        let plain = self.text(cell);
        if !self.colours {
            return plain;
        }
        let colour = match (cell.mark, cell.answer) {
            (Mark::Held | Mark::Served, Some(Answer::No | Answer::Silent)) | (Mark::Missing, _) => RED,
            (Mark::Held | Mark::Served, _) => GREEN,
            (Mark::Pending | Mark::Off | Mark::NoOperator, _) => YELLOW,
        };
        format!("\u{1b}[{colour}m{plain}\u{1b}[0m")
    }
}

/// Draws objects and buckets. If the buckets do not fit beside each other, they come in parts, each
/// with all objects.
pub(in super::super) fn draw(matrix: &Matrix, style: &Style) -> String {
    let left = Left::of(matrix);
    let widths: Vec<usize> = (0..matrix.columns.len()).map(|at| column_width(matrix, at, style)).collect();
    let mut parts = Vec::new();
    let mut from = 0;
    while from < widths.len() {
        let part = Part::fitting(matrix, &widths, from, style.width.saturating_sub(left.width()));
        from = part.end();
        parts.push(part.draw(matrix, &left, style));
    }
    parts.push(legend(matrix, style));
    parts.join("\n\n")
}

fn column_width(matrix: &Matrix, at: usize, style: &Style) -> usize {
    let cells = matrix.rows.iter().filter_map(|row| row.cells.get(at));
    let widest = cells.map(|cell| style.text(cell).chars().count()).max().unwrap_or(0);
    widest.max(matrix.columns.get(at).map_or(0, |column| column.name.chars().count()))
}

/// The columns on the left: object and size.
struct Left {
    object: usize,
    size: usize,
}

impl Left {
    fn of(matrix: &Matrix) -> Self {
        let widest = |text: fn(&Row) -> String, least: usize| {
            matrix.rows.iter().map(|row| text(row).chars().count()).max().unwrap_or(0).max(least)
        };
        Self {
            object: widest(|row| row.object.clone(), "OBJECT".len()),
            size: widest(|row| text::bytes(row.size), "SIZE".len()),
        }
    }

    const fn width(&self) -> usize {
        self.object + GAP + self.size + GAP
    }

    fn line(&self, object: &str, size: &str) -> String {
        format!("{object:>0$}  {size:>1$}  ", self.object, self.size)
    }
}

/// Buckets that stand beside each other: places of their columns, and how wide each is drawn.
struct Part {
    from: usize,
    widths: Vec<usize>,
}

impl Part {
    /// As many buckets from `from` on as fit into `room`, and at least one.
    fn fitting(matrix: &Matrix, widths: &[usize], from: usize, room: usize) -> Self {
        let mut part = Self { from, widths: Vec::new() };
        for width in widths.iter().skip(from) {
            let mut wider = Self { from, widths: part.widths.clone() };
            wider.widths.push(*width);
            wider.make_room_for_heads(matrix);
            if wider.drawn_width() > room && !part.widths.is_empty() {
                break;
            }
            part.widths.push(*width);
        }
        part.make_room_for_heads(matrix);
        part
    }

    fn end(&self) -> usize {
        self.from + self.widths.len()
    }

    fn drawn_width(&self) -> usize {
        self.widths.iter().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
    }

    fn columns<'a>(&self, matrix: &'a Matrix) -> &'a [Column] {
        matrix.columns.get(self.from..self.end()).unwrap_or_default()
    }

    /// The kinds of buckets in this part: how each is called, how many it has, and where they begin.
    fn kinds(&self, matrix: &Matrix) -> Vec<(&'static str, usize, usize)> {
        let columns = self.columns(matrix);
        let storage = columns.iter().filter(|column| !column.is_distribution).count();
        let both = [("STORAGE", storage, 0), ("DISTRIBUTION", columns.len() - storage, storage)];
        both.into_iter().filter(|(_, count, _)| *count > 0).collect()
    }

    /// Widens the last bucket of a kind whose name would reach into the next kind, or past the end.
    fn make_room_for_heads(&mut self, matrix: &Matrix) {
        for (name, count, start) in self.kinds(matrix) {
            let Some(widths) = self.widths.get_mut(start..start + count) else { continue };
            let drawn = widths.iter().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP);
            if let Some(last) = widths.last_mut() {
                *last += name.len().saturating_sub(drawn);
            }
        }
    }

    fn draw(&self, matrix: &Matrix, left: &Left, style: &Style) -> String {
        let mut heads = left.line("", "");
        for (name, count, start) in self.kinds(matrix) {
            let widths = self.widths.get(start..start + count).unwrap_or_default();
            let drawn = widths.iter().map(|width| width + GAP).sum::<usize>();
            // Writing to a text cannot fail.
            let _ = write!(heads, "{name:drawn$}");
        }
        let mut names = left.line("OBJECT", "SIZE");
        for (column, width) in self.columns(matrix).iter().zip(&self.widths) {
            let _ = write!(names, "{:width$}  ", column.name);
        }
        let mut lines = vec![heads.trim_end().to_owned(), names.trim_end().to_owned()];
        for row in &matrix.rows {
            let mut line = left.line(&row.object, &text::bytes(row.size));
            let cells = row.cells.get(self.from..self.end()).unwrap_or_default();
            for (cell, width) in cells.iter().zip(&self.widths) {
                let blanks = (width + GAP).saturating_sub(style.text(cell).chars().count());
                let _ = write!(line, "{}{:blanks$}", style.painted(cell), "");
            }
            lines.push(line.trim_end().to_owned());
        }
        lines.join("\n")
    }
}

/// What the signs mean, those that are there.
fn legend(matrix: &Matrix, style: &Style) -> String {
    let time = if style.checked { "" } else { ", for how long" };
    let words = [
        (Mark::Held, format!("claims to hold it{time}")),
        (Mark::Missing, "should hold it, and does not claim to".to_owned()),
        (Mark::Served, format!("serves it{time}")),
        (Mark::Off, "switched off".to_owned()),
        (Mark::Pending, "not accepted yet".to_owned()),
        (Mark::NoOperator, "nobody operates the bucket".to_owned()),
    ];
    let is_there = |mark: Mark| matrix.rows.iter().flat_map(|row| &row.cells).any(|cell| cell.mark == mark);
    let mut lines: Vec<_> = words
        .into_iter()
        .filter(|(mark, _)| is_there(*mark))
        .map(|(mark, words)| format!("{} {words}", style.sign(mark)))
        .collect();
    if style.checked {
        lines.push("nodes said: yes, no; hit, fetching, miss; denied (private); silent".to_owned());
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;
    const NOW: u64 = 100_000 * MINUTE;

    fn cell(mark: Mark, minutes: u64) -> Cell {
        let since_ms = (minutes > 0).then(|| NOW - minutes * MINUTE);
        Cell { mark, since_ms, answer: None }
    }

    fn style() -> Style {
        Style { unicode: true, colours: false, width: 80, checked: false, now_ms: NOW }
    }

    fn column(name: &str) -> Column {
        Column { name: name.to_owned(), is_distribution: name.contains(':'), assigned_ms: None }
    }

    fn small() -> Matrix {
        let row =
            |object: &str, size, cells: [Cell; 5]| Row { object: object.into(), size, cells: cells.into() };
        let (held, served) = (cell(Mark::Held, 180), cell(Mark::Served, 2_900));
        let pending = cell(Mark::Pending, 0);
        Matrix {
            columns: ["0", "12", "0:0", "0:1", "1:0"].map(column).into(),
            rows: vec![
                row("7", 1_572_864, [held, cell(Mark::Missing, 0), served, cell(Mark::Off, 0), served]),
                row("104", 12, [held, cell(Mark::NoOperator, 0), served, cell(Mark::NoOperator, 0), served]),
                row("105", 900, [pending; 5]),
            ],
        }
    }

    #[test]
    fn a_small_bag_is_one_picture() {
        let expected = [
            "                 STORAGE    DISTRIBUTION",
            "OBJECT     SIZE  0      12  0:0    0:1  1:0",
            "     7  1.5 MiB  ✓ 3 h  ✗   ● 2 d  ○    ● 2 d",
            "   104     12 B  ✓ 3 h  –   ● 2 d  –    ● 2 d",
            "   105    900 B  ·      ·   ·      ·    ·",
            "",
            "✓ claims to hold it, for how long",
            "✗ should hold it, and does not claim to",
            "● serves it, for how long",
            "○ switched off",
            "· not accepted yet",
            "– nobody operates the bucket",
        ]
        .join("\n");
        assert_eq!(draw(&small(), &style()), expected);
    }

    #[test]
    fn plain_characters_and_answers_of_nodes() {
        let mut matrix = small();
        matrix.rows.truncate(1);
        for (cell, answer) in matrix.rows[0].cells.iter_mut().zip([
            Some(Answer::Yes),
            Some(Answer::No),
            Some(Answer::Hit),
            None,
            Some(Answer::Silent),
        ]) {
            cell.answer = answer;
        }
        let expected = [
            "                 STORAGE      DISTRIBUTION",
            "OBJECT     SIZE  0      12    0:0    0:1  1:0",
            "     7  1.5 MiB  + yes  x no  * hit  o    * silent",
            "",
            "+ claims to hold it",
            "x should hold it, and does not claim to",
            "* serves it",
            "o switched off",
            "nodes said: yes, no; hit, fetching, miss; denied (private); silent",
        ]
        .join("\n");
        let style = Style { unicode: false, checked: true, ..style() };
        assert_eq!(draw(&matrix, &style), expected);
        assert!(expected.is_ascii());
    }

    #[test]
    fn a_wide_bag_is_cut_into_parts_that_fit() {
        let mut columns: Vec<_> = (0..20).map(|id: u64| column(&id.to_string())).collect();
        columns.extend((0..30).map(|id: u64| column(&format!("3:{id}"))));
        let cells = |_| -> Vec<Cell> {
            (0..50).map(|at| cell(if at < 20 { Mark::Held } else { Mark::Served }, 300)).collect()
        };
        let rows = (0..3).map(|id| Row { object: id.to_string(), size: 1, cells: cells(id) }).collect();
        let matrix = Matrix { columns, rows };
        for width in [40, 80, 200] {
            let drawn = draw(&matrix, &Style { width, ..style() });
            assert!(drawn.lines().all(|line| line.chars().count() <= width), "{drawn}");
            for column in &matrix.columns {
                let heads = drawn.lines().filter(|line| line.starts_with("OBJECT"));
                let times = heads.flat_map(str::split_whitespace).filter(|word| *word == column.name).count();
                assert_eq!(times, 1, "{} in {drawn}", column.name);
            }
        }
        let narrow = draw(&matrix, &Style { width: 10, ..style() });
        assert_eq!(narrow.lines().filter(|line| line.starts_with("OBJECT")).count(), 50);
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let painted = draw(&small(), &Style { colours: true, ..style() });
        assert!(painted.contains("\u{1b}[32m✓ 3 h\u{1b}[0m") && painted.contains("\u{1b}[31m✗\u{1b}[0m"));
        let mut plain = painted;
        for code in ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[0m"] {
            plain = plain.replace(code, "");
        }
        let trimmed: Vec<_> = plain.lines().map(str::trim_end).collect();
        assert_eq!(trimmed.join("\n"), draw(&small(), &style()));
    }
}
