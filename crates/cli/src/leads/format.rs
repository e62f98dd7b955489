//! A lead's record as Markdown, CSV or JSON. Texts in it come from anybody: none may move a cursor, make
//! a table look like another one, or be taken for a formula.

use crate::{calendar, screen};
use argosy_api::directory::{GroupName, RecordView};
use argosy_telemetry::escape_control;
use serde_json::Value;
use std::fmt::Write as _;

/// Elements of a list that people are shown; CSV and JSON have all.
const MAX_SHOWN: usize = 20;

/// How the record is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    Md,
    Csv,
    Json,
}

/// Whose record it is.
pub(super) struct About<'a> {
    pub(super) group: GroupName,
    pub(super) network: &'a str,
    pub(super) genesis: [u8; 32],
}

const COLUMNS: [&str; 11] = [
    "time",
    "block",
    "index",
    "signer",
    "nonce",
    "call",
    "arguments",
    "result",
    "code",
    "reason",
    "transaction",
];

impl Format {
    /// What stands above the first entry.
    pub(super) fn begin(self, about: &About<'_>) {
        match self {
            Self::Md => {
                screen::say(&format!("# Record of the lead of the {} group\n", about.group));
                let network = markdown(about.network);
                screen::say(&format!(
                    "Network {network}, genesis {}. Times are UTC.\n",
                    hex::encode(about.genesis)
                ));
                screen::say("| time | block | call | arguments | result | reason |");
                screen::say("|---|---|---|---|---|---|");
            }
            Self::Csv => screen::say(&COLUMNS.join(",")),
            Self::Json => screen::say("["),
        }
    }

    pub(super) fn entry(self, entry: &RecordView, is_first: bool) {
        match self {
            Self::Md => screen::say(&row(entry)),
            Self::Csv => screen::say(&line(entry)),
            Self::Json => {
                let comma = if is_first { " " } else { "," };
                screen::say(&format!("{comma}{}", screen::json_text(entry)));
            }
        }
    }

    /// What stands below the last one.
    pub(super) fn end(self, count: u64) {
        match self {
            Self::Md => screen::say(&format!("\n{count} transactions.")),
            Self::Csv => {}
            Self::Json => screen::say("]"),
        }
    }
}

/// A line of the Markdown table.
fn row(entry: &RecordView) -> String {
    let block = entry.index.map_or_else(|| format!("after {}", entry.height), |_| entry.height.to_string());
    let reason = entry.error.as_ref().map(|error| format!("{} ({})", error.message, error.code));
    format!(
        "| {} | {block} | {} | {} | {} | {} |",
        calendar::utc(entry.time_ms),
        markdown(&entry.words),
        markdown(&arguments(entry)),
        markdown(&entry.result),
        markdown(&reason.unwrap_or_default()),
    )
}

/// The arguments for people. Clean them before they are printed.
pub(crate) fn arguments(entry: &RecordView) -> String {
    let parts: Vec<_> =
        entry.arguments.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect();
    parts.join("; ")
}

/// A value of a call or event, for people. Clean it before it is printed.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(_) => value.to_string(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => {
            let mut text = items.iter().take(MAX_SHOWN).map(shown).collect::<Vec<_>>().join(", ");
            if let Some(more) = items.len().checked_sub(MAX_SHOWN).filter(|more| *more > 0) {
                let _ = write!(text, " and {more} more");
            }
            text
        }
        Value::Object(members) => {
            let members: Vec<_> =
                members.iter().map(|(name, value)| format!("{name} {}", shown(value))).collect();
            format!("({})", members.join(", "))
        }
    }
}

/// A text that Markdown shows as it is.
fn markdown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in clean(text).chars() {
        if matches!(char, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '&' | '~') {
            safe.push('\\');
        }
        safe.push(char);
    }
    safe
}

/// A line of CSV, as RFC 4180 has it.
fn line(entry: &RecordView) -> String {
    let error = entry.error.as_ref();
    let cells = [
        calendar::utc(entry.time_ms),
        entry.height.to_string(),
        entry.index.map(|index| index.to_string()).unwrap_or_default(),
        entry.signer.to_string(),
        entry.nonce.to_string(),
        entry.call.clone(),
        serde_json::to_string(&entry.arguments).unwrap_or_default(),
        entry.result.clone(),
        error.map(|error| error.code.clone()).unwrap_or_default(),
        error.map(|error| error.message.clone()).unwrap_or_default(),
        entry.hash.clone(),
    ];
    cells.map(|text| cell(&text)).join(",")
}

/// A text that no spreadsheet takes for a formula, quoted where it must be.
fn cell(text: &str) -> String {
    let mut text = clean(text);
    if text.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) {
        text.insert(0, '\'');
    }
    if text.contains(['"', ',', ';', '\'', ' ']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// One line, without anything that a terminal would obey.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    // Writing to a text cannot fail.
    let _ = escape_control(&mut clean, text);
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use argosy_api::directory::RejectView;
    use argosy_domain::AccountId;
    use serde_json::json;

    fn entry(argument: &str) -> RecordView {
        let arguments = json!({"name": argument, "objects": (0..25).collect::<Vec<_>>(), "bag": null});
        RecordView {
            hash: "ab".repeat(32),
            height: 7,
            index: None,
            refusal: Some(0),
            time_ms: 1_234_567_890_000,
            signer: AccountId([1; 32]),
            nonce: 3,
            tip: 0,
            call: "content.createAssetSet".to_owned(),
            words: "create asset set".to_owned(),
            arguments: arguments.as_object().cloned().unwrap(),
            result: "refused".to_owned(),
            error: Some(RejectView { number: 1, code: "NO".to_owned(), message: "no | no".to_owned() }),
            proof: None,
        }
    }

    #[test]
    fn people_get_a_row_that_stays_a_row() {
        let row = row(&entry("a|b`c\n\u{1b}[2J<img>"));
        assert!(
            row.starts_with(
                "| 2009-02-13 23:31:30 | after 7 | create asset set | bag: none; name: a\\|b\\`c"
            ),
            "{row}"
        );
        assert!(row.ends_with("| refused | no \\| no (NO) |"), "{row}");
        assert!(row.contains("18, 19 and 5 more") && row.contains("\\<img\\>"), "{row}");
        assert!(!row.chars().any(char::is_control), "{row}");
        assert_eq!(row.replace("\\|", "").matches('|').count(), 7);
    }

    #[test]
    fn spreadsheets_get_no_formulas() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "＝1", "\t=1"] {
            let cell = cell(text);
            assert!(!cell.trim_start_matches('"').starts_with(['=', '+', '-', '@', '＝', '\t']), "{cell}");
        }
        assert_eq!(cell("say \"hi\", Bob"), "\"say \"\"hi\"\", Bob\"");
        assert_eq!(cell("0:1"), "0:1");
        let line = line(&entry("=HYPERLINK(\"http://x\")\r\n"));
        assert!(!line.contains(['\r', '\n']));
        assert_eq!(COLUMNS.len(), 11);
    }

    #[test]
    fn programs_get_the_very_entry_and_terminals_no_orders() {
        let entry = entry("a\u{9b}2J\u{202e}b\u{1b}");
        let text = screen::json_text(&entry);
        assert!(!text.chars().any(|char| char.is_control() || char == '\u{202e}'), "{text}");
        assert_eq!(serde_json::from_str::<RecordView>(&text).unwrap(), entry);
    }
}
