//! What a query may cost, and what is refused before anything is spent on it.

use super::error::{Code, QueryError};
use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use std::{collections::HashMap, time::Duration};

/// Largest request body, in bytes: ten thousand ids fit many times.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Longest text of a query, in bytes; variables apart.
pub(crate) const MAX_QUERY_BYTES: usize = 64 * 1024;
/// Brackets that nest for each level of fields, arguments included: more are not looked into.
const BRACKETS_PER_LEVEL: u64 = 3;
/// Most fields that an introspection may resolve. The usual introspection query resolves about a third.
pub(crate) const MAX_INTROSPECTION_FIELDS: u64 = 150_000;
/// Most conditions of a filter.
pub(crate) const MAX_CONDITIONS: u64 = 200;
/// Most members of a list in a filter.
pub(crate) const MAX_LIST_ITEMS: usize = 10_000;
/// Most errors of an answer: the first tell enough.
pub(crate) const MAX_ERRORS: usize = 10;
/// Longest message of an error, in bytes: it may quote the query.
pub(crate) const MAX_MESSAGE_BYTES: u64 = 1_000;
/// Edges of a connection unless `first` says otherwise.
pub(crate) const DEFAULT_EDGES: u64 = 100;

/// What one query may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections that read the index, and so queries that run at once.
    pub readers: usize,
    /// Queries that may wait for one of them.
    pub waiting: usize,
    /// Most levels of fields. The usual introspection query has 13.
    pub depth: u64,
    /// Most fields, those of fragments counted wherever they are spread.
    pub fields: u64,
    /// Most fields at the top, each of which is a query of the index.
    pub root_fields: usize,
    /// Most that a `limit`, `first` or `offset` may be; no more than `rows` counts.
    pub page: u64,
    /// Most rows of an answer, those of nested lists included.
    pub rows: u64,
    /// Most bytes of an answer.
    pub bytes: usize,
    /// Most steps of SQLite's machine: what bounds a filter without an index. A row that is looked at
    /// takes about ten.
    pub steps: u64,
    /// From the arrival of a query to its answer.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            readers: 4,
            waiting: 64,
            depth: 15,
            fields: 1_000,
            root_fields: 50,
            page: 500_000,
            rows: 500_000,
            bytes: 64 * 1024 * 1024,
            steps: 50_000_000,
            deadline: Duration::from_secs(10),
        }
    }
}

/// Refuses a text that is too long or nests too deep, before a parser sees it.
pub(crate) fn ensure_plain(query: &str, limits: &Limits) -> Result<(), QueryError> {
    if query.len() > MAX_QUERY_BYTES {
        let message =
            format!("the query has more than {MAX_QUERY_BYTES} bytes: put long lists into variables");
        return Err(QueryError::new(Code::QueryTooLong, message));
    }
    if deepest_brackets(query) > limits.depth.saturating_add(1).saturating_mul(BRACKETS_PER_LEVEL) {
        return Err(too_deep(limits));
    }
    Ok(())
}

fn too_deep(limits: &Limits) -> QueryError {
    let message = format!("the query has more than {} levels: ask for less at once", limits.depth);
    QueryError::new(Code::QueryTooDeep, message)
}

/// Brackets in strings count as well, where they are refused only in absurd numbers.
fn deepest_brackets(query: &str) -> u64 {
    let (mut depth, mut deepest) = (0_u64, 0);
    for byte in query.bytes() {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Refuses documents that become too large or too deep once their fragments are spread. Looks at each
/// fragment once, so that fragments of fragments cost nothing here.
pub(crate) fn ensure_small(document: &ExecutableDocument, limits: &Limits) -> Result<(), QueryError> {
    let mut known = HashMap::new();
    let mut sum = Size::default();
    let operations: Vec<&OperationDefinition> = match &document.operations {
        DocumentOperations::Single(operation) => vec![&operation.node],
        DocumentOperations::Multiple(operations) => operations.values().map(|one| &one.node).collect(),
    };
    for operation in operations {
        let size = measure(document, &operation.selection_set.node, &mut known)?;
        sum = Size { fields: sum.fields.saturating_add(size.fields), depth: sum.depth.max(size.depth) };
    }
    if sum.depth > limits.depth {
        return Err(too_deep(limits));
    }
    if sum.fields > limits.fields {
        let message = format!(
            "the query has more than {} fields, fragments included: ask for less at once",
            limits.fields
        );
        return Err(QueryError::new(Code::QueryTooComplex, message));
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, Default)]
struct Size {
    fields: u64,
    depth: u64,
}

/// Fragments that are being measured have no size yet, which shows circles.
type Known<'a> = HashMap<&'a str, Option<Size>>;

fn measure<'a>(
    document: &'a ExecutableDocument,
    set: &'a SelectionSet,
    known: &mut Known<'a>,
) -> Result<Size, QueryError> {
    let mut all = Size::default();
    for item in &set.items {
        let one = match &item.node {
            Selection::Field(field) => {
                let inner = measure(document, &field.node.selection_set.node, known)?;
                Size { fields: inner.fields.saturating_add(1), depth: inner.depth.saturating_add(1) }
            }
            Selection::InlineFragment(fragment) => {
                measure(document, &fragment.node.selection_set.node, known)?
            }
            Selection::FragmentSpread(spread) => {
                measure_fragment(document, spread.node.fragment_name.node.as_str(), known)?
            }
        };
        all = Size { fields: all.fields.saturating_add(one.fields), depth: all.depth.max(one.depth) };
    }
    Ok(all)
}

fn measure_fragment<'a>(
    document: &'a ExecutableDocument,
    name: &'a str,
    known: &mut Known<'a>,
) -> Result<Size, QueryError> {
    match known.get(name) {
        Some(Some(size)) => return Ok(*size),
        Some(None) => {
            let message = "a fragment spreads itself, directly or through others";
            return Err(QueryError::new(Code::InvalidQuery, message));
        }
        None => {}
    }
    let Some(fragment) = document.fragments.get(name) else {
        return Err(QueryError::new(Code::InvalidQuery, "a fragment that is spread is not defined"));
    };
    known.insert(name, None);
    let size = measure(document, &fragment.node.selection_set.node, known)?;
    known.insert(name, Some(size));
    Ok(size)
}
