//! The requests of the real clients, as they are on the wire, and what they are answered.
//!
//! With `ARGOSY_WRITE=1` the answers are written anew instead of compared.

use super::support::{fed, filled};
use argosy_read_model::{Fate, Limits, ReadModel};
use serde_json::{Value, json};
use std::{env, fs, path::PathBuf};

/// Answers a query; panics unless it was answered.
pub(crate) fn ask(model: &ReadModel, query: &str, variables: Value) -> Value {
    let request = json!({ "query": query, "variables": variables });
    let answer = model.execute(request.to_string().as_bytes());
    assert_eq!(answer.fate, Fate::Answered, "{}", String::from_utf8_lossy(&answer.body));
    serde_json::from_slice(&answer.body).unwrap()
}

/// The data of an answer without errors.
pub(crate) fn data(model: &ReadModel, query: &str) -> Value {
    let mut answer = ask(model, query, json!({}));
    assert_eq!(answer.get("errors"), None, "{query}");
    answer["data"].take()
}

fn fixtures() -> Vec<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/clients");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "graphql")).collect();
    paths.sort();
    paths
}

#[test]
fn clients_get_what_they_expect() {
    let (chain, blocks) = filled();
    let home = tempfile::tempdir().unwrap();
    let feeder = fed(home.path(), &chain.genesis, &blocks);
    let model = ReadModel::new(&feeder, Limits::default()).unwrap();
    let fixtures = fixtures();
    assert_eq!(fixtures.len(), 21);
    for path in fixtures {
        let query = fs::read_to_string(&path).unwrap();
        let variables = query.lines().next().unwrap().strip_prefix("# variables: ").unwrap();
        let answer = ask(&model, &query, serde_json::from_str(variables).unwrap());
        let shown = serde_json::to_string_pretty(&answer).unwrap() + "\n";
        let expected = path.with_extension("json");
        if env::var_os("ARGOSY_WRITE").is_some() {
            fs::write(&expected, shown).unwrap();
        } else {
            let expected = fs::read_to_string(&expected).unwrap();
            assert_eq!(shown, expected, "{}", path.display());
        }
    }
}
