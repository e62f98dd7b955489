//! `docs/directory.md`'s lists of calls, rejects, events and parameters, made from the code and from
//! `reference.txt`, and the comparison of that with what happens.
//!
//! After a change: `ARGOSY_WRITE=1 cargo test -p argosy-directory --lib reference`.

pub(super) mod source;

use super::{CASES, language::World};
use crate::{Call, CouncilCall, Event, Outcome, Params, Reject};
use source::{Variant, snake, variants};
use std::{
    collections::{BTreeMap, BTreeSet},
    format, fs,
    path::PathBuf,
    string::{String, ToString},
    vec::Vec,
};

/// The modules of calls: in the table, in the source, what they are called, and their index.
const MODULES: [(&str, &str, &str, &str); 9] = [
    ("membership", "MembershipCall", "Members", "0"),
    ("content", "ContentCall", "Channels, bags and objects", "1"),
    ("storage", "StorageCall", "Storage", "2"),
    ("distribution", "DistributionCall", "Distribution", "3"),
    ("group", "GroupCall", "Working groups", "4"),
    ("council", "CouncilCall", "The council", "5"),
    ("action", "CouncilAction", "What the council may do", "5.0, action"),
    ("accounts", "AccountsCall", "Money", "6"),
    ("batch", "", "Several calls at once", "7"),
];

/// What the table says of one call.
struct Entry {
    name: &'static str,
    who: &'static str,
    /// With a remark, which may be empty.
    checks: Vec<(Reject, &'static str)>,
    /// Each with `?`, `*` or nothing after its name.
    events: Vec<&'static str>,
}

fn table() -> Vec<Entry> {
    let by_name: BTreeMap<String, Reject> =
        Reject::ALL.iter().map(|reject| (format!("{reject:?}"), *reject)).collect();
    let mut blocks: BTreeMap<&str, Vec<(Reject, &str)>> = BTreeMap::new();
    let mut entries: Vec<Entry> = Vec::new();
    let text = include_str!("../reference.txt");
    for block in text.split("\n\n").filter(|block| !block.trim_start().starts_with('#')) {
        let (head, lines) = block.trim().split_once('\n').unwrap();
        let (mut checks, mut events) = (Vec::new(), Vec::new());
        for line in lines.lines() {
            if let Some(told) = line.strip_prefix('>') {
                events = told.split_whitespace().collect();
            } else if line.starts_with('@') {
                checks.extend(blocks.get(line).unwrap_or_else(|| panic!("no block {line}")));
            } else {
                let (name, remark) = line.split_once(": ").unwrap_or((line, ""));
                checks.push((*by_name.get(name).unwrap_or_else(|| panic!("no reject {name}")), remark));
            }
        }
        match head.strip_prefix('[').and_then(|head| head.split_once("] ")) {
            Some((name, who)) => entries.push(Entry { name, who, checks, events }),
            None => drop(blocks.insert(head, checks)),
        }
    }
    entries
}

/// The call in the words of the table; an action of the council's by the proposal.
pub(super) fn names_of(call: &Call) -> String {
    let debug = format!("{call:?}");
    let words: Vec<&str> =
        debug.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    match call {
        Call::Batch(_) => "batch.batch".into(),
        Call::Group { .. } => format!("group.{}", snake(words.get(4).copied().unwrap())),
        Call::Membership(_)
        | Call::Content(_)
        | Call::Storage(_)
        | Call::Distribution(_)
        | Call::Council(_)
        | Call::Accounts(_) => format!("{}.{}", snake(words[0]), snake(words[1])),
    }
}

fn event_name(event: &Event) -> String {
    format!("{event:?}").split([' ', '{']).next().unwrap().into()
}

/// What calls did, to be compared with the table.
#[derive(Clone, Default)]
pub(super) struct Happened {
    rejects: BTreeSet<(String, Reject)>,
    events: BTreeSet<(String, String)>,
}

impl Happened {
    /// Notes what became of a call, unless other calls are in it.
    pub(super) fn note(&mut self, call: &Call, outcome: &Outcome) {
        let holds_others = matches!(
            call,
            Call::Batch(_) | Call::Council(CouncilCall::Propose { .. } | CouncilCall::Approve { .. })
        );
        if holds_others {
            return;
        }
        let name = names_of(call);
        match outcome.result {
            Ok(()) => self.events.extend(outcome.events.iter().map(|e| (name.clone(), event_name(e)))),
            Err(reject) => drop(self.rejects.insert((name, reject))),
        }
    }

    fn add(&mut self, other: &Self) {
        self.rejects.extend(other.rejects.iter().cloned());
        self.events.extend(other.events.iter().cloned());
    }
}

#[test]
fn the_table_has_each_call_in_the_order_of_the_source() {
    let mut wanted = Vec::new();
    for (module, name, ..) in MODULES {
        wanted.extend(source::calls(name).iter().map(|v| format!("{module}.{}", snake(v.name))));
    }
    wanted.push("batch.batch".into());
    let found: Vec<_> = table().iter().map(|entry| entry.name.to_string()).collect();
    // The module of batches comes last, and has one call.
    assert_eq!(found, wanted);
}

/// Nothing happens in a transcript that the table does not say; and the table says every reject.
#[test]
fn calls_fail_and_tell_as_the_table_says() {
    let mut happened = Happened::default();
    for (name, text) in CASES {
        let mut world = World::default();
        world.run(name, text);
        happened.add(&world.happened);
    }
    let table = table();
    let says = |name: &str| table.iter().find(|entry| entry.name == name).unwrap();
    let unknown: Vec<_> = happened
        .rejects
        .iter()
        .filter(|(name, reject)| !says(name).checks.iter().any(|(check, _)| check == reject))
        .collect();
    assert!(unknown.is_empty(), "rejects that the table does not have: {unknown:?}");
    let plain = |event: &&'static str| event.trim_end_matches(['*', '?']);
    let unknown: Vec<_> = happened
        .events
        .iter()
        .filter(|(name, event)| !says(name).events.iter().any(|told| plain(told) == event))
        .collect();
    assert!(unknown.is_empty(), "events that the table does not have: {unknown:?}");
    let named: BTreeSet<Reject> =
        table.iter().flat_map(|e| e.checks.iter().map(|(reject, _)| *reject)).collect();
    let missing: Vec<_> = Reject::ALL.iter().filter(|r| r.number() >= 200 && !named.contains(r)).collect();
    assert!(missing.is_empty(), "no call has: {missing:?}");
}

#[test]
fn the_reference_in_the_docs_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/directory.md");
    let kept = fs::read_to_string(&path).unwrap();
    let mut now = kept.clone();
    for (name, text) in
        [("calls", calls()), ("rejects", rejects()), ("events", events()), ("params", params())]
    {
        let (start, end) =
            (format!("<!-- {name}: made from the code -->\n"), format!("<!-- end of {name} -->"));
        let from = now.find(&start).unwrap_or_else(|| panic!("no {start}")) + start.len();
        let to = now.find(&end).unwrap_or_else(|| panic!("no {end}"));
        now.replace_range(from..to, &text);
    }
    if std::env::var_os("ARGOSY_WRITE").is_some() {
        fs::write(&path, now).unwrap();
        return;
    }
    assert!(
        kept == now,
        "docs/directory.md is not what the code says: ARGOSY_WRITE=1 cargo test -p argosy-directory --lib reference"
    );
}

fn calls() -> String {
    let table = table();
    let mut text = String::new();
    for (module, source, title, index) in MODULES {
        text.push_str(&format!("\n### {title}\n"));
        let calls = source::calls(source);
        for entry in table.iter().filter(|entry| entry.name.starts_with(&format!("{module}."))) {
            let name = entry.name.split_once('.').unwrap().1;
            let call = calls.iter().find(|call| snake(call.name) == name);
            text.push_str(&section(entry, name, index, call));
        }
    }
    text
}

fn section(entry: &Entry, name: &str, index: &str, call: Option<&Variant>) -> String {
    let mut text = match call {
        Some(call) => format!("\n#### `{name}` ({index}.{})\n\n", call.index),
        None => format!("\n#### `{name}` ({index})\n\n"),
    };
    let fields = call.map_or("`mode`, `calls`".into(), Variant::field_names);
    text.push_str(&format!("By: {}. Fields: {fields}.\n\n", entry.who));
    if let Some(doc) = call.map(|call| call.doc.trim()).filter(|doc| !doc.is_empty()) {
        text.push_str(&format!("{doc}\n\n"));
    }
    for ((reject, remark), number) in entry.checks.iter().zip(1..) {
        let remark = if remark.is_empty() { String::new() } else { format!(" ({remark})") };
        text.push_str(&format!("{number}. {} `{}`: {reject}{remark}\n", reject.number(), reject.code()));
    }
    if entry.checks.is_empty() {
        text.push_str("Never turned down.\n");
    }
    if !entry.events.is_empty() {
        let names: Vec<String> = entry.events.iter().map(|event| told(event)).collect();
        text.push_str(&format!("\nTells {}.\n", names.join(", ")));
    }
    text
}

fn told(event: &str) -> String {
    match (event.strip_suffix('*'), event.strip_suffix('?')) {
        (Some(name), _) => format!("`{name}` (once for each)"),
        (_, Some(name)) => format!("`{name}` (if so)"),
        (None, None) => format!("`{event}`"),
    }
}

fn rejects() -> String {
    let mut text = String::from("\n| number | code | means |\n|---|---|---|\n");
    for reject in Reject::ALL {
        text.push_str(&format!("| {} | `{}` | {reject} |\n", reject.number(), reject.code()));
    }
    text
}

fn events() -> String {
    let mut text = String::from("\n| number | event | fields |\n|---|---|---|\n");
    for (event, number) in variants(include_str!("../event.rs"), "Event").iter().zip(0..) {
        text.push_str(&format!("| {number} | `{}` | {} |\n", event.name, event.field_names()));
    }
    text
}

fn params() -> String {
    let fields = source::fields(include_str!("../genesis.rs"), "Params");
    let council: BTreeSet<String> = source::calls("Parameter").iter().map(|v| snake(v.name)).collect();
    let values = |params: Params| -> BTreeMap<String, String> {
        let debug = format!("{params:?}");
        let inside = debug.split_once('{').unwrap().1.trim_end_matches('}');
        let pairs = inside.split(',').filter_map(|pair| pair.split_once(':'));
        pairs.map(|(name, value)| (name.trim().into(), value.trim().into())).collect()
    };
    let (local, mainnet) = (values(Params::local()), values(Params::mainnet()));
    let mut text = String::from(
        "\n| parameter | `local` | `mainnet` | council may change it | is |\n|---|---|---|---|---|\n",
    );
    for (name, doc) in fields {
        let may = if council.contains(name) { "yes" } else { "" };
        let doc = doc.trim().trim_end_matches('.');
        text.push_str(&format!("| `{name}` | {} | {} | {may} | {doc} |\n", local[name], mainnet[name]));
    }
    text
}
