//! Texts of others, as they were put into the directory, do not play tricks on a terminal.

use crate::stage::Stage;
use serde_json::Value;
use std::fs;

/// Colours, a title, a cleared screen, a bell, a line that writes over another, letters that go backwards.
const TRICKS: &str = "\u{1b}[31mred\u{1b}]0;owned\u{7}\u{9b}2J\rover\u{202e}txt.exe";

/// Whether a terminal would obey something in these bytes.
fn is_plain(bytes: &[u8]) -> bool {
    let text = String::from_utf8(bytes.to_vec()).expect("output is text");
    let is_trick = |char: char| (char.is_control() && char != '\n') || char == '\u{202e}';
    !text.chars().any(is_trick)
}

#[test]
fn escape_sequences_in_the_directory_do_not_reach_a_terminal() {
    let stage = Stage::open().with_channels(1);
    let write = |name: &str, value: Value| fs::write(stage.home().join(name), value.to_string()).unwrap();
    write("family.json", serde_json::json!({"region": "r1", "description": TRICKS}));
    write(
        "node.json",
        serde_json::json!({"endpoint": "http://node.example/", "extra": TRICKS, "location": {"countryCode": "NO", "city": TRICKS}}),
    );
    let mut seen = 0;
    for line in [
        "distribution leader create-bucket-family --yes",
        "distribution leader create-bucket -f 0 --yes",
        "distribution leader set-bucket-family-metadata -f 0 -i family.json --yes",
        "distribution leader invite-bucket-operator -B 0:0 -w 1 --yes",
        "distribution operator accept-invitation -B 0:0 -w 1 --yes --key //distribution-1",
        "distribution operator set-metadata -B 0:0 -w 1 -i node.json --yes --key //distribution-1",
        "distribution operator set-metadata -B 0:0 -w 1 -i node.json --dry-run --json --key //distribution-1",
        "families",
        "family show 0",
        "family show 0 --json",
        "bucket show 0:0",
        "bucket show 0:0 --json",
        "bag show dynamic:channel:1",
        "tx list --group distribution",
        "tx list --account //distribution-1",
        "tx list --account //distribution-1 --json",
        "leads log --group distribution",
        "leads log --group distribution --format csv",
        "leads log --group distribution --format json",
        "status",
    ] {
        let output = stage.command("argosy", line).output().unwrap();
        let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        assert!(output.status.success() || line == "status", "{line}: {}", String::from_utf8_lossy(&both));
        assert!(is_plain(&both), "{line}: {:?}", String::from_utf8_lossy(&both));
        seen += usize::from(String::from_utf8_lossy(&both).contains("owned"));
    }
    assert!(seen > 5, "the texts are shown, without what a terminal obeys: {seen}");
}
