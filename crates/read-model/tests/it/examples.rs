//! The examples of `docs/graphql.md`.

use super::{
    clients::data,
    support::{fed, filled},
};
use argosy_read_model::{Limits, ReadModel};
use serde_json::Value;
use std::{fs, path::Path};

/// The blocks of a language in a Markdown text, in order, each with where it begins.
fn blocks<'t>(text: &'t str, language: &str) -> Vec<(usize, &'t str)> {
    let fence = format!("```{language}\n");
    let begins = text.match_indices(&fence).map(|(at, _)| at + fence.len());
    begins.map(|at| (at, text[at..].split("\n```").next().unwrap())).collect()
}

#[test]
fn examples_of_the_documentation_run() {
    let (chain, all) = filled();
    let home = tempfile::tempdir().unwrap();
    let feeder = fed(home.path(), &chain.genesis, &all);
    let model = ReadModel::new(&feeder, Limits::default()).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/graphql.md");
    let text = fs::read_to_string(path).unwrap();
    let (queries, answers) = (blocks(&text, "graphql"), blocks(&text, "json"));
    assert_eq!((queries.len(), answers.len()), (6, 6));
    for ((asked, query), (answered, expected)) in queries.iter().zip(&answers) {
        assert!(asked < answered, "each query is followed by its answer");
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(data(&model, query), expected, "{query}");
    }
}
