//! Layers are tested on subscribers of their own; only one test starts the process's logging.

use std::{
    io::{self, Write},
    sync::{Condvar, Mutex},
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
    let (writer, worker) = queue(memory.clone(), "test");
    let layer = Console::new(writer, colour, Arc::default()).with_filter(Gate::new("info").unwrap());
    with_default(Registry::default().with(layer), log);
    // The worker writes what is queued before it ends.
    drop(worker);
    memory.text()
}

/// Lines of a file with this filter.
fn file_text(filter: &str, log: impl FnOnce()) -> (String, Arc<Limiter>) {
    let memory = Memory::default();
    let (writer, worker) = queue(memory.clone(), "test");
    let limiter = Arc::<Limiter>::default();
    let machine = Machine::new(FileSink(writer), Arc::clone(&limiter));
    with_default(Registry::default().with(machine.with_filter(Gate::new(filter).unwrap())), log);
    drop(worker);
    (memory.text(), limiter)
}

fn json_lines(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
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
    let (mut writer, worker) = queue(gate.clone(), "test");
    let counter = writer.error_counter();
    for _ in 0..QUEUE_LINES + 100 {
        writer.write_all(b"line\n").unwrap();
    }
    let dropped = lost(&counter);
    assert!((90..=100).contains(&dropped), "{dropped}");
    *gate.0.0.lock().unwrap() = true;
    gate.0.1.notify_all();
    drop(worker);
}

#[test]
fn lines_have_the_field_names_of_argus() {
    let (text, _) = file_text("info,access=debug", || {
        info_span!("node", node = "distributor-1").in_scope(|| {
            info!(object = 7, error = %"broken", "stored");
            tracing::debug!(
                target: ACCESS,
                label = "PublicApi",
                http.request.method = "GET",
                meta.req.method = "GET",
                meta.req.url = "/api/v1/assets/7",
                meta.res.statusCode = 206_u64,
                meta.res.headers.x_cache = "hit",
                "HTTP GET /api/v1/assets/7"
            );
            tracing::debug!("filtered out");
        });
    });
    let lines = json_lines(&text);
    let [stored, access] = &lines[..] else { panic!("{text}") };
    assert_eq!((&stored["log.level"], &stored["message"]), (&"info".into(), &"stored".into()));
    assert_eq!(stored["ecs"]["version"], "1.6.0");
    assert_eq!(stored["service"]["node"]["name"], "distributor-1");
    assert_eq!((&stored["object"], &stored["error"]["message"]), (&7.into(), &"broken".into()));
    assert_eq!(stored["label"], "argosy_telemetry::tests");
    let at = stored["@timestamp"].as_str().unwrap();
    assert!(at.len() == 24 && at.starts_with("20") && at.ends_with('Z') && &at[10..11] == "T", "{at}");
    assert_eq!((&access["log.level"], &access["label"]), (&"http".into(), &"PublicApi".into()));
    assert_eq!(access["meta"]["req"]["url"], "/api/v1/assets/7");
    assert_eq!(access["meta"]["res"]["statusCode"], 206);
    assert_eq!(access["http"]["request"]["method"], "GET");
}

#[test]
fn warnings_alone_still_name_the_node() {
    let (text, _) = file_text("warn", || {
        info_span!("node", node = "a").in_scope(|| tracing::warn!("heard"));
    });
    assert_eq!(json_lines(&text)[0]["service"]["node"]["name"], "a");
}

/// T-54: anybody can make a node say the same thing over and over.
#[test]
fn a_flood_of_one_cause_is_cut_and_counted() {
    const PATHS: u64 = 100_000;
    let (text, limiter) = file_text("info,access=debug", || {
        for path in 0..PATHS {
            let path = format!("/{path}\nforged");
            tracing::debug!(target: ACCESS_REFUSED, path, meta.req.method = "GET", "HTTP GET");
        }
        info!("another cause goes on");
    });
    // A minute may have turned meanwhile.
    assert!(text.len() < 2 * 1024 * 1024 + 64 * 1024, "{}", text.len());
    let lines = json_lines(&text);
    assert_eq!(lines.last().unwrap()["message"], "another cause goes on");
    let notes = lines.iter().filter(|line| line["label"] == "logs").count();
    let written = u64::try_from(lines.len() - notes - 1).unwrap();
    assert_eq!(written + limiter.suppressed(), PATHS);
    assert!(limiter.suppressed() > PATHS / 2);
}

#[test]
fn what_was_cut_is_told_in_the_next_minute() {
    let limiter = Limiter::default();
    let metadata = callsite();
    assert_eq!(limiter.admit(metadata, 1 << 20, 7), (true, vec![]));
    assert_eq!(limiter.admit(metadata, 1, 7), (false, vec![]));
    assert_eq!(limiter.admit(metadata, 1, 7), (false, vec![]));
    let (admitted, news) = limiter.admit(metadata, 1, 8);
    assert!(admitted);
    assert_eq!((news.len(), news[0].lines), (1, 2));
    assert!(news[0].cause.contains("tests.rs"), "{news:?}");
    assert_eq!(limiter.admit(metadata, 1, 9), (true, vec![]));
}

/// Some place in the code that logs.
fn callsite() -> &'static tracing::Metadata<'static> {
    #[derive(Clone, Default)]
    struct Catch(Arc<Mutex<Option<&'static tracing::Metadata<'static>>>>);
    impl<S: tracing::Subscriber> Layer<S> for Catch {
        fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
            *self.0.lock().unwrap() = Some(event.metadata());
        }
    }
    let catch = Catch::default();
    with_default(Registry::default().with(catch.clone()), || info!("here"));
    let caught = *catch.0.lock().unwrap();
    caught.unwrap()
}

fn plan(directory: PathBuf) -> FilePlan {
    FilePlan {
        directory,
        prefix: "argus".to_owned(),
        frequency: Frequency::Daily,
        max_bytes: 1 << 20,
        max_files: 3,
        archive: false,
    }
}

#[test]
fn a_process_starts_logging_once_and_its_levels_can_be_changed() {
    let room = tempfile::tempdir().unwrap();
    let directory = room.path().join("deep").join("logs");
    assert_eq!((counts(), set_filter(Output::File, "info").unwrap()), (LogCounts::default(), false));
    let config = LogConfig {
        console: "off".into(),
        file: Some(FileLog { filter: "info".into(), plan: plan(directory.clone()) }),
        elastic: None,
    };
    let guard = init(&config).unwrap();
    let again = init(&LogConfig { console: "warn".into(), ..LogConfig::default() }).unwrap();
    assert!(guard.is_active() && !again.is_active());
    drop(again);
    info_span!("node", node = "distributor-1").in_scope(|| info!(evil = "\x1b[2J\n", "hello"));
    for filter in ["info", "info,argosy=debug", "warn", "info"] {
        assert!(set_filter(Output::File, filter).unwrap());
        tracing::debug!(filter, "fine");
        info!(filter, "coarse");
    }
    assert!(!set_filter(Output::Elastic, "info").unwrap());
    assert!(set_filter(Output::File, "a=loud").is_err());
    drop(guard);
    let files: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [file] = files.as_slice() else { panic!("{files:?}") };
    let name = file.file_name().unwrap().to_string_lossy();
    assert!(name.starts_with("argus-20") && name.ends_with(".log"), "{name}");
    let lines = json_lines(&std::fs::read_to_string(file).unwrap());
    let hello = lines.iter().find(|line| line["message"] == "hello").unwrap();
    assert_eq!(hello["evil"], "\x1b[2J\n");
    assert_eq!(hello["service"]["node"]["name"], "distributor-1");
    let of = |message: &str| -> Vec<&str> {
        let wanted = lines.iter().filter(|line| line["message"] == message);
        wanted.map(|line| line["filter"].as_str().unwrap()).collect()
    };
    assert_eq!(of("fine"), ["info,argosy=debug"]);
    assert_eq!(of("coarse"), ["info", "info,argosy=debug", "info"]);
    info!("after the end, nothing breaks");
}

#[test]
fn unusable_settings_are_named() {
    let bad = LogConfig { console: "a=loud".into(), ..LogConfig::default() };
    assert!(matches!(init(&bad), Err(InitError::Filter { filter, .. }) if filter == "a=loud"));
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(rolling::Rolling::open(plan(file.path().join("logs")), Arc::default()).is_err());
}

/// What an Argus with Elastic Cloud has in its configuration: the node starts, and tells somebody.
#[test]
fn what_only_an_endpoint_that_cannot_be_asked_would_hear_goes_to_the_console() {
    let elastic = |endpoint: &str| ElasticLog {
        filter: "info,access=debug".to_owned(),
        plan: ElasticPlan {
            endpoint: endpoint.to_owned(),
            stream: data_stream(None, "d"),
            source: "d".to_owned(),
            auth: None,
            spool: "unsent".into(),
            interval: FLUSH_INTERVAL,
        },
    };
    let of = |console: &str, endpoint: Option<&str>| {
        let config = LogConfig { console: console.to_owned(), file: None, elastic: endpoint.map(elastic) };
        (config.console_in_force().to_owned(), config.has_mute_endpoint())
    };
    let other = Some("wss://elastic.example:9243");
    assert_eq!(of("off", other), ("info,access=debug".to_owned(), true));
    assert_eq!(of("warn", other), ("warn".to_owned(), true), "it has been said what the console takes");
    assert_eq!(of("off", Some("http://127.0.0.1:9200")), ("off".to_owned(), false));
    assert_eq!(of("off", None), ("off".to_owned(), false));
    let plan = FilePlan {
        directory: "logs".into(),
        prefix: "argus".to_owned(),
        frequency: Frequency::Daily,
        max_bytes: 1 << 20,
        max_files: 3,
        archive: false,
    };
    let file = Some(FileLog { filter: "info".to_owned(), plan });
    let config = LogConfig { console: "off".to_owned(), file, elastic: other.map(elastic) };
    assert_eq!((config.console_in_force(), config.has_mute_endpoint()), ("off", true), "the file has it");
}
