use super::*;

#[test]
fn sizes_are_powers_of_1024() {
    for (text, bytes) in [("20G", 20 << 30), ("1T", 1 << 40), ("7B", 7), ("512", 512), ("3K", 3072)] {
        assert_eq!(text.parse(), Ok(Size(bytes)));
    }
    for bad in ["", "G", "1.5G", "-1G", "1g", "1GB", " 1G", "99999999999T"] {
        assert_eq!(bad.parse::<Size>(), Err(SizeError), "{bad:?}");
    }
    for (bytes, text) in [(20 << 30, "20G"), (1025, "1025B"), (0, "0B"), (3 << 20, "3M")] {
        assert_eq!(Size(bytes).to_string(), text);
    }
    assert_eq!(serde_json::from_str::<Size>("4096").unwrap(), Size(4096));
    assert_eq!(serde_json::from_str::<Size>("\"4K\"").unwrap(), Size(4096));
    assert!(serde_json::from_str::<Size>("-4").is_err());
}

#[test]
fn directories_are_one_url_or_a_list() {
    let one: DirectoryUrls = serde_json::from_str("\"http://127.0.0.1:4352/\"").unwrap();
    assert_eq!(one.as_slice(), ["http://127.0.0.1:4352"]);
    assert_eq!(serde_json::to_string(&one).unwrap(), "\"http://127.0.0.1:4352\"");
    let two: DirectoryUrls = serde_json::from_str(r#"["http://a:1","http://b:2"]"#).unwrap();
    assert_eq!(two.as_slice().len(), 2);
    for bad in ["[]", "\"\"", "\"ftp://a\"", "\"http://u@a\"", "\"http://a/path\"", "\"http://a?q\"", "7"] {
        assert!(serde_json::from_str::<DirectoryUrls>(bad).is_err(), "{bad}");
    }
}

#[test]
fn relative_paths_start_at_the_file() {
    let mut logs: Logs =
        serde_json::from_str(r#"{"file": {"level": "silly", "path": "logs", "maxFiles": 3}}"#).unwrap();
    assert_eq!(logs.file.as_ref().unwrap().level.filter(), "trace");
    logs.resolve(Path::new("/etc/argosy"));
    assert_eq!(logs.file.as_ref().unwrap().path, Path::new("/etc/argosy/logs"));
    logs.resolve(Path::new("/elsewhere"));
    assert_eq!(logs.file.unwrap().path, Path::new("/etc/argosy/logs"));
}

#[test]
fn an_endpoint_that_cannot_be_asked_is_told() {
    let found = |endpoint: &str| {
        let logs = serde_json::json!({"elastic": {"level": "info", "endpoint": endpoint}});
        let found = serde_json::from_value::<Logs>(logs).unwrap().findings();
        found.into_iter().map(|finding| finding.wrong).collect::<Vec<_>>()
    };
    assert!(found("http://127.0.0.1:9200").is_empty());
    assert!(found("https://elastic.example").is_empty());
    assert_eq!(found("ws://elastic.example"), [false]);
    assert_eq!(found("http://name:password@elastic.example"), [true]);
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sample {
    name: String,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    at: Option<u16>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
enum Mode {
    /// Like this.
    #[default]
    Plain,
    /// Or that.
    Every(u64),
}

impl Configuration for Sample {
    const KIND: &'static str = "sample";
    const ENVIRONMENT: Option<&'static str> = None;

    fn resolve(&mut self, _base: &Path) {}
}

/// The value, or what is wrong, one line each.
fn sample(text: &str) -> Result<Sample, Vec<String>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    match load::<Sample>(file.path(), []) {
        Ok(loaded) => Ok(loaded.config),
        Err(LoadError::Wrong(problems)) => {
            let place = format!("{}:", file.path().display());
            Err(problems
                .as_slice()
                .iter()
                .map(|problem| problems.line(problem).replace(&place, ""))
                .collect())
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn yaml_and_json_are_read_alike() {
    let expected = Sample { name: "0x10".to_owned(), mode: Mode::Every(3), at: None };
    for text in [
        "name: 0x10\nmode:\n  every: 3\nat: null\n",
        "# A comment.\nname: '0x10'\nmode: {every: 3}\nat: ~\n",
        "{\n\t\"name\": \"0x10\",\n\t\"mode\": {\"every\": 3}\n}",
    ] {
        assert_eq!(sample(text).unwrap(), expected, "{text}");
    }
    assert_eq!(sample("name: 7").unwrap(), Sample { name: "7".to_owned(), mode: Mode::Plain, at: None });
}

#[test]
fn places_are_those_of_the_file() {
    for (text, said) in [
        ("name: a\nmode: else\n", "2:7: mode is \"else\"; expected plain, or a section with every"),
        ("name: a\nmode:\n  every: x\n", "3:10: mode.every is \"x\"; expected a whole number of at least 0"),
        ("name: a\nmode: {}\n", "2:7: mode.every is missing"),
        ("name: [a]\n", "1:7: name is a list; expected a text"),
        ("at: 70000\nname: a\n", "1:5: at is \"70000\"; expected a whole number from 0 to 65535"),
        ("at: 7\n", "1:1: name is missing; expected a text"),
        ("", "1:1: name is missing; expected a text"),
        ("7", "1:1: the configuration is \"7\"; expected a section"),
        ("name: a\nname: b\n", "2:1: "),
        ("name: a\n  at: 7\n", "2:"),
    ] {
        let lines = sample(text).unwrap_err();
        assert!(lines[0].starts_with(said), "{text}: {lines:?}");
    }
}
