//! Layers are tested on subscribers of their own; only one test starts the process's logging.

use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex},
};

use tracing::{error, info, info_span, subscriber::with_default};

use super::*;

/// A place to write to that can be looked at.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Memory {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn console_text(colour: bool, log: impl FnOnce()) -> String {
    let memory = Memory::default();
    let (writer, output) = queue(memory.clone(), "test");
    let layer = Console::new(writer, colour).with_filter(filter("info").unwrap());
    with_default(Registry::default().with(layer), log);
    // The worker writes what is queued before it ends.
    drop(output);
    memory.text()
}

#[test]
fn console_lines_are_brief_and_name_the_node() {
    let text = console_text(false, || {
        info_span!("node", node = "storage-0").in_scope(|| {
            info_span!("inner").in_scope(|| info!(object = 7, path = %"a b", "stored"));
        });
        info!("alone");
        tracing::debug!("filtered out");
    });
    let lines: Vec<_> = text.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    assert_eq!(lines, [" INFO storage-0: stored object=7 path=a b", " INFO alone"]);
}

#[test]
fn untrusted_text_cannot_control_the_terminal() {
    let evil = "a\x1b[2Jb\r\nERROR forged\x07\u{9b}31m\u{202e}\u{7f}\u{2028}";
    let text = console_text(false, || {
        info_span!("node", node = evil).in_scope(|| error!(name = evil, shown = %evil, "met {evil}"));
    });
    assert_eq!(text.lines().count(), 1, "{text:?}");
    assert!(text.ends_with('\n') && !text.trim_end_matches('\n').chars().any(char::is_control), "{text:?}");
    assert!(!text.contains(['\u{202e}', '\u{2028}']), "{text:?}");
    assert!(text.contains("\\u{1b}[2Jb\\r\\nERROR forged"), "{text:?}");
}

#[test]
fn only_our_own_colours_reach_the_terminal() {
    let text = console_text(true, || error!("\x1b[31mred"));
    assert_eq!(text.matches('\x1b').count(), 2, "{text:?}");
}

#[test]
fn long_lines_are_cut_at_a_character() {
    let text = console_text(false, || info!("{}", "é".repeat(4_000)));
    assert!(text.len() < 2_100 && text.ends_with("…\n"), "{}", text.len());
}

#[test]
fn a_slow_output_loses_lines_and_says_so() {
    /// Blocks every write until it is opened.
    #[derive(Clone, Default)]
    struct Gate(Arc<(Mutex<bool>, Condvar)>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let open = self.0.0.lock().unwrap();
            drop(self.0.1.wait_while(open, |open| !*open).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let gate = Gate::default();
    let (mut writer, output) = queue(gate.clone(), "test");
    let guard = Guard { outputs: vec![output] };
    for _ in 0..QUEUE_LINES + 100 {
        writer.write_all(b"line\n").unwrap();
    }
    let dropped = guard.dropped_lines();
    assert!((90..=100).contains(&dropped), "{dropped}");
    *gate.0.0.lock().unwrap() = true;
    gate.0.1.notify_all();
}

#[test]
fn a_process_starts_logging_once_and_writes_json_lines() {
    let room = tempfile::tempdir().unwrap();
    let directory = room.path().join("deep").join("logs");
    let config = LogConfig {
        console: "off".into(),
        directory: Some(directory.clone()),
        prefix: "test".into(),
        ..LogConfig::default()
    };
    let guard = init(&config).unwrap();
    let again = init(&LogConfig { console: "warn".into(), ..LogConfig::default() }).unwrap();
    assert!(guard.is_active() && !again.is_active());
    drop(again);
    info_span!("node", node = "distributor-1").in_scope(|| info!(evil = "\x1b[2J\n", "hello"));
    drop(guard);
    let files: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let name = file.file_name().unwrap().to_string_lossy();
    assert!(name.starts_with("test.20") && name.ends_with(".jsonl"), "{name}");
    let text = fs::read_to_string(file).unwrap();
    let line: serde_json::Value =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).find(is_hello).unwrap();
    assert_eq!(
        (line["evil"].as_str(), line["spans"][0]["node"].as_str()),
        (Some("\x1b[2J\n"), Some("distributor-1"))
    );
    info!("after the end, nothing breaks");
}

fn is_hello(line: &serde_json::Value) -> bool {
    line["message"] == "hello"
}

#[test]
fn unusable_settings_are_named() {
    let bad = LogConfig { console: "a=loud".into(), ..LogConfig::default() };
    assert!(matches!(init(&bad), Err(InitError::Filter { filter, .. }) if filter == "a=loud"));
    let file = tempfile::NamedTempFile::new().unwrap();
    let result = open_files(&file.path().join("logs"), &LogConfig::default());
    assert!(matches!(result, Err(InitError::Directory { .. })));
}
