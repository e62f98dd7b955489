//! A configuration in force, as text and as JSON.

use argosy_node::config::{Origin, Shown};
use serde_json::{Map, Value};

/// Blanks of one level.
const INDENT: usize = 2;

/// The values alone.
pub(super) fn values(shown: &Shown) -> Value {
    match shown {
        Shown::Value { value, .. } => value.clone(),
        Shown::List(list) => Value::Array(list.iter().map(values).collect()),
        Shown::Section(entries) => Value::Object(
            entries.iter().map(|(name, shown)| (name.clone(), values(shown))).collect::<Map<_, _>>(),
        ),
    }
}

/// Where each value comes from, by its path.
pub(super) fn origins(shown: &Shown, path: &str, file: &str, found: &mut Vec<(String, String)>) {
    match shown {
        Shown::Value { origin, .. } => found.push((path.to_owned(), from(origin.as_ref(), file))),
        Shown::List(list) => {
            for (at, item) in list.iter().enumerate() {
                origins(item, &format!("{path}[{at}]"), file, found);
            }
        }
        Shown::Section(entries) => {
            for (name, shown) in entries {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                origins(shown, &path, file, found);
            }
        }
    }
}

fn from(origin: Option<&Origin>, file: &str) -> String {
    match origin {
        None => "default".to_owned(),
        Some(Origin::File { line, .. }) => format!("{file}:{line}"),
        Some(Origin::Environment(variable)) => format!("${variable}"),
    }
}

/// Lines of YAML, each value with a comment that says where it comes from.
pub(super) fn yaml(shown: &Shown, file: &str) -> Vec<String> {
    let mut lines = Vec::new();
    write(shown, 0, "", file, &mut lines);
    lines
}

/// `head` is what stands before the value in its first line: a key, a dash, or nothing.
fn write(shown: &Shown, level: usize, head: &str, file: &str, lines: &mut Vec<String>) {
    let indent = " ".repeat(level * INDENT);
    match shown {
        Shown::Value { value, origin } => {
            lines.push(format!("{indent}{head}{}    # {}", scalar(value), from(origin.as_ref(), file)));
        }
        Shown::List(list) => {
            lines.push(format!("{indent}{}", head.trim_end()));
            for item in list {
                write(item, level + 1, "- ", file, lines);
            }
        }
        Shown::Section(entries) => {
            // The first key of a list's item stands beside the dash.
            let beside = head == "- ";
            if !head.is_empty() && !beside {
                lines.push(format!("{indent}{}", head.trim_end()));
            }
            let inner = if head.is_empty() { level } else { level + 1 };
            for (at, (name, shown)) in entries.iter().enumerate() {
                if beside && at == 0 {
                    write(shown, level, &format!("- {name}: "), file, lines);
                } else {
                    write(shown, inner, &format!("{name}: "), file, lines);
                }
            }
        }
    }
}

/// Texts stand bare where YAML reads them as they are.
fn scalar(value: &Value) -> String {
    let bare = |text: &str| {
        let first = text.chars().next();
        first.is_some_and(|c| c.is_ascii_alphabetic() || c == '/')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-:".contains(c))
            && !text.ends_with(':')
            && !["true", "false", "null", "yes", "no", "on", "off"].contains(&text.to_lowercase().as_str())
    };
    match value.as_str() {
        Some(text) if bare(text) => text.to_owned(),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown() -> Shown {
        let value =
            |value: Value, line| Shown::Value { value, origin: Some(Origin::File { line, column: 1 }) };
        let key = Shown::Section(vec![
            ("suri".into(), value(json!("//Alice"), 4)),
            ("type".into(), value(json!("ed25519"), 5)),
        ]);
        Shown::Section(vec![
            (
                "id".into(),
                Shown::Value { value: json!("true"), origin: Some(Origin::Environment("X__ID".into())) },
            ),
            ("keys".into(), Shown::List(vec![key])),
            (
                "limits".into(),
                Shown::Section(vec![("storage".into(), Shown::Value { value: json!("20G"), origin: None })]),
            ),
        ])
    }

    #[test]
    fn every_value_says_where_it_comes_from() {
        assert_eq!(
            yaml(&shown(), "c.yml"),
            [
                "id: \"true\"    # $X__ID",
                "keys:",
                "  - suri: //Alice    # c.yml:4",
                "    type: ed25519    # c.yml:5",
                "limits:",
                "  storage: \"20G\"    # default",
            ]
        );
        let mut found = Vec::new();
        origins(&shown(), "", "c.yml", &mut found);
        assert!(found.contains(&("keys[0].type".into(), "c.yml:5".into())));
        assert_eq!(values(&shown())["keys"][0]["suri"], "//Alice");
    }

    #[test]
    fn what_is_printed_is_yaml_of_the_same_values() {
        let text = yaml(&shown(), "c.yml").join("\n");
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), values(&shown()));
    }
}
