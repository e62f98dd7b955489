//! The OpenAPI document: what is checked in, and whether answers follow it.

use crate::support::{Node, answer};
use serde_json::Value;
use std::{fs, path::PathBuf};

fn path() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/directory-openapi.json"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_that_is_checked_in_is_the_one_that_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(dir.path()).await;
    let (status, document) = answer(node.get("/api/v1/openapi.json").await).await;
    assert_eq!((status, &document["openapi"]), (200, &"3.1.0".into()));
    let text = serde_json::to_string_pretty(&document).unwrap() + "\n";
    if std::env::var_os("ARGOSY_WRITE").is_some() {
        fs::write(path(), &text).unwrap();
    }
    let kept = fs::read_to_string(path()).unwrap_or_default();
    assert!(kept == text, "docs/directory-openapi.json is not up to date: run this test with ARGOSY_WRITE=1");
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{path}");
            let named = operation["parameters"].as_array().unwrap();
            let in_path = named.iter().filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{path}");
        }
    }
    assert_references(&document, &document);
    node.stop().await;
}

/// Every reference leads somewhere.
fn assert_references(document: &Value, value: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
            }
            members.values().for_each(|member| assert_references(document, member));
        }
        Value::Array(items) => items.iter().for_each(|item| assert_references(document, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
