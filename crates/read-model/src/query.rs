//! Answering GraphQL.
//!
//! The library parses, validates, answers introspection and keeps the schema. The rows are our own
//! work: a selection becomes a plan with one level per entity, each level is one statement with all
//! values as parameters, and the rows are written straight into the body.

mod error;
mod fetch;
mod filter;
pub(crate) mod limits;
mod order;
mod plan;
mod pool;
mod schema;
mod select;
mod types;
mod write;

use crate::{entities::ENTITIES, entity::Entity, error::OpenError, feed::Feeder, value::cut};
use async_graphql::{
    Request as LibraryRequest, Response, Value as Const, Variables,
    dynamic::Schema,
    parser::{
        parse_query,
        types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType},
    },
};
use error::{Code, QueryError};
use fetch::Fetch;
use limits::{
    DEFAULT_EDGES, Limits, MAX_BODY_BYTES, MAX_ERRORS, MAX_MESSAGE_BYTES, ensure_plain, ensure_small,
};
use plan::{Level, Page, count, page};
use pool::Pool;
use rusqlite::types::Value;
use schema::root_names;
use select::{Request, Selected};
use serde::Deserialize;
use std::{
    cell::Cell,
    collections::HashMap,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Instant,
};
use types::Types;
use write::Body;

/// Answers queries of an index. Clones answer from the same one.
#[derive(Clone, Debug)]
pub struct ReadModel {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    types: Types,
    schema: Schema,
    roots: HashMap<String, (&'static Entity, Root)>,
    pool: Pool,
    limits: Limits,
}

/// The forms in which an entity stands at the top.
#[derive(Clone, Copy, Debug)]
enum Root {
    List,
    ById,
    ByUnique,
    Connection,
}

/// What became of a request, for the status of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Carried out; the body may still have errors.
    Answered,
    /// Wrong as it stands: 400.
    Refused,
    /// Too much going on: 503, and try again.
    Busy,
}

/// An answer: always JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For the status.
    pub fate: Fate,
    /// For the body.
    pub body: Vec<u8>,
}

/// A request as clients send it. Other fields, such as extensions, are ignored.
#[derive(Deserialize)]
struct Wire {
    query: String,
    #[serde(default, rename = "operationName")]
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<serde_json::Map<String, serde_json::Value>>,
}

impl ReadModel {
    /// Answers from the index that `feeder` writes, within `limits`.
    ///
    /// # Errors
    /// [`OpenError::Schema`] if the entities make no sound schema, which tests exclude.
    pub fn new(feeder: &Feeder, limits: Limits) -> Result<Self, OpenError> {
        let types = Types::new();
        let schema = schema::build(&types).map_err(|error| OpenError::Schema(error.to_string()))?;
        let roots = ENTITIES.iter().flat_map(|entity| {
            let kinds = [Root::List, Root::ById, Root::ByUnique, Root::Connection];
            root_names(entity).into_iter().zip(kinds).map(|(name, kind)| (name, (*entity, kind)))
        });
        let roots = roots.collect();
        let pool = Pool::new(feeder.home().file(), limits);
        Ok(Self { inner: Arc::new(Inner { types, schema, roots, pool, limits }) })
    }

    /// The schema in GraphQL's own language.
    #[must_use]
    pub fn sdl(&self) -> String {
        self.inner.schema.sdl()
    }

    /// Answers a request: the body of a POST, at most [`crate::MAX_BODY_BYTES`]. Blocks the thread,
    /// no longer than the limits' deadline and a little.
    #[must_use]
    pub fn execute(&self, body: &[u8]) -> Answer {
        let ends = Instant::now() + self.inner.limits.deadline;
        let answered = catch_unwind(AssertUnwindSafe(|| self.inner.answer(body, ends)));
        let answered = answered.unwrap_or_else(|_| {
            Err(QueryError::new(Code::Internal, "the query hit a defect of the program; the log says which"))
        });
        match answered {
            Ok(answer) => answer,
            Err(error) => Answer { fate: fate(error.code), body: error.to_body() },
        }
    }
}

const fn fate(code: Code) -> Fate {
    match code {
        Code::Busy => Fate::Busy,
        Code::BadRequest
        | Code::InvalidQuery
        | Code::QueryTooLong
        | Code::QueryTooDeep
        | Code::QueryTooComplex => Fate::Refused,
        Code::FilterTooComplex
        | Code::ListTooLong
        | Code::PageTooLarge
        | Code::BadValue
        | Code::BadCursor
        | Code::ScanTooLong
        | Code::Deadline
        | Code::ResultTooLarge
        | Code::Internal => Fate::Answered,
    }
}

impl Inner {
    fn answer(&self, body: &[u8], ends: Instant) -> Result<Answer, QueryError> {
        let bad = |message: &str| QueryError::new(Code::BadRequest, message);
        if body.len() > MAX_BODY_BYTES {
            return Err(bad("the body is too long: ask in parts"));
        }
        let wire: Wire = serde_json::from_slice(body).map_err(|_| {
            bad("the body must be a JSON object with the text \"query\", and perhaps the object \"variables\"")
        })?;
        ensure_plain(&wire.query, &self.limits)?;
        let document = parse_query(&wire.query).map_err(|error| {
            QueryError::new(Code::InvalidQuery, cut(&error.to_string(), MAX_MESSAGE_BYTES))
        })?;
        ensure_small(&document, &self.limits)?;
        let operation = operation(&document, wire.operation_name.as_deref())?;
        if operation.ty != OperationType::Query {
            return Err(QueryError::new(Code::InvalidQuery, "only queries are answered here"));
        }
        let variables = wire.variables.unwrap_or_default();
        let variables = Variables::from_json(serde_json::Value::Object(variables));
        let validated = match self.validate(&document, &variables, wire.operation_name) {
            Ok(data) => data,
            Err(body) => return Ok(Answer { fate: Fate::Refused, body }),
        };
        let given = match variables.into_value() {
            Const::Object(given) => given,
            Const::Null
            | Const::Number(_)
            | Const::String(_)
            | Const::Boolean(_)
            | Const::Binary(_)
            | Const::Enum(_)
            | Const::List(_) => async_graphql::indexmap::IndexMap::new(),
        };
        let body = self.run(&Request::new(&document, operation, given), &validated, ends)?;
        Ok(Answer { fate: Fate::Answered, body })
    }

    /// Lets the library judge the query, and answer what is introspection in it.
    fn validate(
        &self,
        document: &ExecutableDocument,
        variables: &Variables,
        operation_name: Option<String>,
    ) -> Result<Const, Vec<u8>> {
        let mut request = LibraryRequest::new("").variables(variables.clone());
        request.operation_name = operation_name;
        request.set_parsed_query(document.clone());
        let Response { data, mut errors, .. } = wait_for(self.schema.execute(request));
        if errors.is_empty() {
            return Ok(data);
        }
        errors.truncate(MAX_ERRORS);
        for error in &mut errors {
            error.message = cut(&error.message, MAX_MESSAGE_BYTES);
            let extensions = error.extensions.get_or_insert_default();
            extensions.set("code", Code::InvalidQuery.name());
        }
        let body = serde_json::json!({ "errors": errors, "data": null });
        Err(body.to_string().into_bytes())
    }

    fn run(&self, request: &Request<'_>, validated: &Const, ends: Instant) -> Result<Vec<u8>, QueryError> {
        let fields = request.fields(&[&request.operation.selection_set.node], &|on| on == "Query")?;
        let most = self.limits.root_fields;
        if fields.len() > most {
            let message = format!("the query has more than {most} fields at the top: ask in parts");
            return Err(QueryError::new(Code::QueryTooComplex, message));
        }
        let lease = self.pool.lease(ends)?;
        let Limits { rows, page, .. } = self.limits;
        let (rows_left, rows_most, page_most) = (Cell::new(rows), rows, page.min(rows));
        let fetch = Fetch { types: &self.types, lease: &lease, rows_left, rows_most, page_most };
        let mut body = Body::new(self.limits.bytes);
        body.raw("{\"data\":{");
        let mut first = true;
        for field in &fields {
            body.key(field.key, &mut first);
            self.root(request, field, validated, &fetch, &mut body)?;
        }
        body.raw("}}");
        Ok(body.bytes)
    }

    fn root(
        &self,
        request: &Request<'_>,
        field: &Selected<'_>,
        validated: &Const,
        fetch: &Fetch<'_>,
        body: &mut Body,
    ) -> Result<(), QueryError> {
        if let Some((entity, kind)) = self.roots.get(field.name) {
            return match kind {
                Root::List => list(request, field, entity, fetch, body),
                Root::ById | Root::ByUnique => by_id(request, field, entity, *kind, fetch, body),
                Root::Connection => connection(request, field, entity, fetch, body),
            };
        }
        match field.name {
            "squidStatus" => {
                let height = fetch.height()?.to_string();
                small(request, field, "SquidStatus", &[("height", &height)], body)
            }
            "squidVersion" => {
                let version = serde_json::Value::from(env!("CARGO_PKG_VERSION")).to_string();
                small(request, field, "SquidVersion", &[("version", &version)], body)
            }
            // __typename, __schema and __type: the library has answered them.
            _ => {
                let answer = match validated {
                    Const::Object(fields) => fields.get(field.key),
                    Const::Null
                    | Const::Number(_)
                    | Const::String(_)
                    | Const::Boolean(_)
                    | Const::Binary(_)
                    | Const::Enum(_)
                    | Const::List(_) => None,
                };
                let text = serde_json::to_string(answer.unwrap_or(&Const::Null)).unwrap_or_default();
                body.raw(&text);
                Ok(())
            }
        }
    }
}

/// The operation that is asked for.
fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Result<&'a OperationDefinition, QueryError> {
    let found = match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        (DocumentOperations::Multiple(_), None) => None,
    };
    found.map(|operation| &operation.node).ok_or_else(|| {
        QueryError::new(Code::BadRequest, "operationName must name one of the operations of the query")
    })
}

fn list(
    request: &Request<'_>,
    field: &Selected<'_>,
    entity: &'static Entity,
    fetch: &Fetch<'_>,
    body: &mut Body,
) -> Result<(), QueryError> {
    let mut level = Level::new(request, entity, &field.sets, fetch.page_most)?;
    let page = page(request, field, fetch.page_most)?;
    let rows = fetch.list(&mut level, &page)?;
    body.rows(&level, &rows)
}

fn by_id(
    request: &Request<'_>,
    field: &Selected<'_>,
    entity: &'static Entity,
    kind: Root,
    fetch: &Fetch<'_>,
    body: &mut Body,
) -> Result<(), QueryError> {
    let id = match (kind, request.argument(field, "id"), request.argument(field, "where")) {
        (Root::ById, Some(Const::String(id)), _) => Some(id),
        (Root::ByUnique, _, Some(Const::Object(fields))) => match fields.get("id") {
            Some(Const::String(id)) => Some(id.clone()),
            _ => None,
        },
        _ => None,
    };
    let id = id.ok_or_else(|| QueryError::bad_value("the id must be a text"))?;
    let mut level = Level::new(request, entity, &field.sets, fetch.page_most)?;
    match fetch.by_ids(&mut level, std::slice::from_ref(&id))?.get(&id) {
        Some(row) => body.row(&level, row),
        None => {
            body.raw("null");
            Ok(())
        }
    }
}

fn connection(
    request: &Request<'_>,
    field: &Selected<'_>,
    entity: &'static Entity,
    fetch: &Fetch<'_>,
    body: &mut Body,
) -> Result<(), QueryError> {
    let page = page(request, field, fetch.page_most)?;
    let first = count(request, field, "first", fetch.page_most)?.unwrap_or(DEFAULT_EDGES);
    let after = match request.argument(field, "after") {
        Some(Const::String(cursor)) => Some(cursor),
        None => None,
        Some(_) => return Err(QueryError::bad_value("after must be a cursor")),
    };
    let parts = request.fields(&field.sets, &|on| on.ends_with("Connection"))?;
    let ids = if parts.iter().any(|part| matches!(part.name, "edges" | "pageInfo")) {
        fetch.ids(entity, &page, first, after.as_deref())?
    } else {
        fetch::Ids { ids: Vec::new(), cursors: Vec::new(), has_more: false }
    };
    body.raw("{");
    let mut is_first = true;
    for part in &parts {
        body.key(part.key, &mut is_first);
        match part.name {
            "edges" => edges(request, part, entity, &ids, fetch, body)?,
            "pageInfo" => {
                let cursor = |cursor: Option<&String>| {
                    serde_json::Value::from(cursor.map_or("", String::as_str)).to_string()
                };
                let fields = [
                    ("hasNextPage", ids.has_more.to_string()),
                    ("hasPreviousPage", after.is_some().to_string()),
                    ("startCursor", cursor(ids.cursors.first())),
                    ("endCursor", cursor(ids.cursors.last())),
                ];
                let fields: Vec<(&str, &str)> =
                    fields.iter().map(|(name, json)| (*name, json.as_str())).collect();
                small(request, part, "PageInfo", &fields, body)?;
            }
            "totalCount" => body.raw(&total(fetch, entity, &page)?),
            _ => {
                let plural = root_names(entity)[3].clone();
                let mut chars = plural.chars();
                let first = chars.next().map(|c| c.to_ascii_uppercase());
                body.text(&first.into_iter().chain(chars).collect::<String>());
            }
        }
    }
    body.raw("}");
    Ok(())
}

fn total(fetch: &Fetch<'_>, entity: &Entity, page: &Page) -> Result<String, QueryError> {
    Ok(fetch.total(entity, page)?.to_string())
}

fn edges(
    request: &Request<'_>,
    part: &Selected<'_>,
    entity: &'static Entity,
    ids: &fetch::Ids,
    fetch: &Fetch<'_>,
    body: &mut Body,
) -> Result<(), QueryError> {
    let fields = request.fields(&part.sets, &|on| on.ends_with("Edge"))?;
    let mut nodes = Vec::new();
    for field in fields.iter().filter(|field| field.name == "node") {
        let mut level = Level::new(request, entity, &field.sets, fetch.page_most)?;
        let only_id = level.columns.len() == 1 && level.relations.is_empty();
        let rows = if only_id { HashMap::new() } else { fetch.by_ids(&mut level, &ids.ids)? };
        nodes.push((field.key, level, rows));
    }
    body.raw("[");
    for ((id, cursor), at) in ids.ids.iter().zip(&ids.cursors).zip(0_usize..) {
        body.raw(if at > 0 { ",{" } else { "{" });
        let mut first = true;
        for field in &fields {
            body.key(field.key, &mut first);
            match field.name {
                "cursor" => body.text(cursor),
                "node" => {
                    let known = nodes.iter().find(|(key, ..)| *key == field.key);
                    if let Some((_, level, rows)) = known {
                        let only = [Value::Text(id.clone())];
                        body.row(level, rows.get(id).map_or(only.as_slice(), Vec::as_slice))?;
                    }
                }
                _ => body.text(&format!("{}Edge", entity.name)),
            }
        }
        body.raw("}");
    }
    body.raw("]");
    Ok(())
}

/// An object that belongs to no entity: its fields are JSON.
fn small(
    request: &Request<'_>,
    field: &Selected<'_>,
    kind: &str,
    values: &[(&str, &str)],
    body: &mut Body,
) -> Result<(), QueryError> {
    body.raw("{");
    let mut first = true;
    for part in request.fields(&field.sets, &|on| on == kind)? {
        body.key(part.key, &mut first);
        match values.iter().find(|(name, _)| *name == part.name) {
            Some((_, json)) => body.raw(json),
            None => body.text(kind),
        }
    }
    body.raw("}");
    Ok(())
}

/// Wakes a thread.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future of the library on this thread. It does no I/O, and gives way only to itself.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}
