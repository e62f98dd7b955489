//! Reads `requests.txt`: its format stands at its top.

use std::collections::{BTreeMap, BTreeSet};

/// Lines of `name: value`, sorted.
pub(crate) type Lines = BTreeMap<String, String>;

pub(crate) struct Table {
    pub(crate) rows: Vec<Row>,
    pub(crate) deviations: BTreeMap<String, Deviation>,
    /// By who answers and name.
    classes: BTreeMap<(String, String), Lines>,
}

/// A way in which this node differs on purpose.
pub(crate) struct Deviation {
    /// Headers, `status` or `body`.
    pub(crate) of: BTreeSet<String>,
    pub(crate) why: String,
}

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) state: String,
    pub(crate) request: Vec<String>,
    pub(crate) bare: bool,
    /// None where it was not measured.
    pub(crate) argus: Option<Said>,
    pub(crate) ours: Said,
    pub(crate) because: Vec<String>,
    pub(crate) fetches: Option<u64>,
}

/// One column of a row.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) class: String,
    pub(crate) more: Lines,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    None,
    All,
    /// Both included; several come with their own heads between them.
    Parts(Vec<(usize, usize)>),
    Page,
    /// Some JSON that changes.
    Live,
    Json(String),
    /// Told in words: what real Argus sent.
    Words(String),
    Unknown,
}

impl Table {
    pub(crate) fn parse(text: &str) -> Self {
        let mut table = Self { rows: Vec::new(), deviations: BTreeMap::new(), classes: BTreeMap::new() };
        for block in text.split("\n\n") {
            let lines: Vec<&str> =
                block.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
            let Some((first, rest)) = lines.split_first() else { continue };
            if let Some(named) = first.strip_prefix("deviation ") {
                let (name, of) = named.split_once(": ").unwrap();
                let of = of.split(' ').map(str::to_owned).collect();
                table.deviations.insert(name.to_owned(), Deviation { of, why: rest.join(" ") });
            } else if let Some(named) = first.strip_prefix("class ") {
                table.class(named, rest);
            } else {
                table.rows.push(row(first, rest));
            }
        }
        table
    }

    fn class(&mut self, named: &str, rest: &[&str]) {
        let (named, base) = named.split_once(" < ").map_or((named, None), |(a, b)| (a, Some(b)));
        let (who, name) = named.split_once(' ').unwrap();
        let mut lines = base.map_or_else(Lines::new, |base| self.lines(who, base).unwrap().clone());
        lines.extend(rest.iter().map(|line| field(line)));
        assert!(self.classes.insert((who.to_owned(), name.to_owned()), lines).is_none(), "{named} twice");
    }

    /// The headers of a class; none for `?`.
    pub(crate) fn lines(&self, who: &str, class: &str) -> Option<&Lines> {
        (class != "?").then(|| {
            let found = self.classes.get(&(who.to_owned(), class.to_owned()));
            found.unwrap_or_else(|| panic!("no class {who} {class}"))
        })
    }

    /// All headers of a column but those of the connection.
    pub(crate) fn head_of(&self, who: &str, said: &Said) -> Option<Lines> {
        let mut lines = self.lines(who, &said.class)?.clone();
        lines.extend(said.more.clone());
        Some(lines)
    }

    /// What differs between the columns of a row, and is allowed to by nothing.
    pub(crate) fn unexplained(&self, row: &Row) -> Vec<String> {
        let Some(argus) = &row.argus else { return Vec::new() };
        let named = |what: &str| {
            row.because.iter().any(|name| {
                let deviation = self.deviations.get(name).unwrap_or_else(|| panic!("no deviation {name}"));
                deviation.of.contains(what)
            })
        };
        let mut unexplained = Vec::new();
        if argus.status != row.ours.status && !named("status") {
            unexplained.push("status".to_owned());
        }
        if argus.body != row.ours.body && argus.body != Body::Unknown && !named("body") {
            unexplained.push("body".to_owned());
        }
        let Some((theirs, ours)) = self.head_of("argus", argus).zip(self.head_of("ours", &row.ours)) else {
            return unexplained;
        };
        let names: BTreeSet<&String> = theirs.keys().chain(ours.keys()).collect();
        let explained = |name: &str| self.deviations.values().any(|deviation| deviation.of.contains(name));
        let differs = |name: &&String| theirs.get(*name) != ours.get(*name);
        unexplained.extend(names.into_iter().filter(differs).filter(|name| !explained(name)).cloned());
        unexplained
    }
}

fn field(line: &str) -> (String, String) {
    let (name, value) = line.split_once(": ").unwrap_or_else(|| panic!("no header: {line}"));
    (name.to_owned(), value.to_owned())
}

fn row(first: &str, rest: &[&str]) -> Row {
    let name = first.trim_matches(['[', ']']);
    let find = |key: &str| rest.iter().find_map(|line| line.strip_prefix(key));
    let argus = said(find("argus: ").unwrap_or_else(|| panic!("{name}: what does Argus do?")));
    let ours = match find("ours: ").unwrap_or_else(|| panic!("{name}: what do we do?")) {
        "same" => argus.clone().unwrap_or_else(|| panic!("{name}: the same as nobody knows")),
        ours => said(ours).unwrap_or_else(|| panic!("{name}: what do we do?")),
    };
    Row {
        name: name.to_owned(),
        state: name.split(':').next().unwrap().to_owned(),
        request: rest.iter().filter_map(|line| line.strip_prefix("> ")).map(str::to_owned).collect(),
        bare: rest.contains(&"bare"),
        argus,
        ours,
        because: find("because: ").map_or_else(Vec::new, |all| all.split(", ").map(str::to_owned).collect()),
        fetches: find("fetches: ").map(|count| count.parse().unwrap()),
    }
}

fn said(text: &str) -> Option<Said> {
    if text == "?" {
        return None;
    }
    let mut parts = text.split(" | ");
    let (status, class) = parts.next().unwrap().split_once(' ').unwrap();
    let mut said = Said {
        status: status.parse().unwrap(),
        class: class.to_owned(),
        more: Lines::new(),
        body: Body::None,
    };
    for part in parts {
        if let Some(body) = part.strip_prefix("body ") {
            said.body = parse_body(body);
        } else {
            said.more.extend([field(part)]);
        }
    }
    Some(said)
}

fn parse_body(text: &str) -> Body {
    match text {
        "none" => Body::None,
        "all" => Body::All,
        "page" => Body::Page,
        "live" => Body::Live,
        "?" => Body::Unknown,
        json if json.starts_with('{') => Body::Json(json.to_owned()),
        words if words.starts_with('"') => Body::Words(words.trim_matches('"').to_owned()),
        parts => Body::Parts(parts.split(' ').map(part).collect()),
    }
}

fn part(text: &str) -> (usize, usize) {
    let (first, last) = text.split_once('-').unwrap_or_else(|| panic!("no body: {text}"));
    (first.parse().unwrap(), last.parse().unwrap())
}
