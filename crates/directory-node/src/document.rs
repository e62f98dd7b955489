//! Routes and their description: each is declared once, and so none is missing in the OpenAPI document.

use crate::App;
use argosy_api::{
    ErrorBody, HEIGHT_HEADER, NEXT_HEADER,
    wire::{Schema, Schemas},
};
use axum::{Json, Router, routing::MethodRouter, routing::get};
use serde_json::{Map, Value, json};
use std::{future::ready, sync::Arc};

/// Where the document itself is found.
const DOCUMENT_PATH: &str = "/api/v1/openapi.json";

/// Where GraphQL is asked.
pub(crate) const GRAPHQL_PATH: &str = "/graphql";

type MakeSchema = fn(&mut Schemas) -> Value;

/// What a route takes and gives.
pub(crate) struct Operation {
    summary: &'static str,
    path_parameter: Option<MakeSchema>,
    query: Option<MakeSchema>,
    headers: Vec<&'static str>,
    takes: Option<(&'static str, MakeSchema)>,
    /// Bodies of errors besides the usual one.
    also_fails: Vec<(&'static str, &'static str, MakeSchema)>,
    answers: Vec<(&'static str, MakeSchema)>,
}

impl Operation {
    /// A route that answers `T` as JSON.
    pub(crate) fn json<T: Schema>(summary: &'static str) -> Self {
        Self::new(summary, "application/json", T::schema)
    }

    /// The same, true at the height that a header tells.
    pub(crate) fn state<T: Schema>(summary: &'static str) -> Self {
        let mut operation = Self::json::<T>(summary);
        operation.headers.push(HEIGHT_HEADER);
        operation
    }

    /// A part of a list of `T`, asked for with `Q`.
    pub(crate) fn list<T: Schema, Q: Schema>(summary: &'static str) -> Self {
        let mut operation = Self::state::<Vec<T>>(summary).query::<Q>();
        operation.headers.push(NEXT_HEADER);
        operation
    }

    /// A route that answers text or bytes of some media type.
    pub(crate) fn other(summary: &'static str, media_type: &'static str) -> Self {
        Self::new(summary, media_type, |_| json!({"type": "string"}))
    }

    fn new(summary: &'static str, media_type: &'static str, schema: MakeSchema) -> Self {
        Self {
            summary,
            path_parameter: None,
            query: None,
            headers: Vec::new(),
            takes: None,
            also_fails: Vec::new(),
            answers: vec![(media_type, schema)],
        }
    }

    /// What stands in the place of the path's name in braces.
    pub(crate) fn of<T: Schema>(mut self) -> Self {
        self.path_parameter = Some(T::schema);
        self
    }

    pub(crate) fn query<T: Schema>(mut self) -> Self {
        self.query = Some(T::schema);
        self
    }

    /// The same answer in another form.
    pub(crate) fn or(mut self, media_type: &'static str, schema: MakeSchema) -> Self {
        self.answers.push((media_type, schema));
        self
    }

    /// The request's body is bytes.
    pub(crate) fn takes_bytes(mut self) -> Self {
        self.takes = Some(("application/octet-stream", |_| json!({})));
        self
    }

    /// The request's body is JSON.
    pub(crate) fn takes_json<T: Schema>(mut self) -> Self {
        self.takes = Some(("application/json", T::schema));
        self
    }

    /// With this status the body may be `T` instead of the usual error.
    pub(crate) fn fails<T: Schema>(mut self, status: &'static str, description: &'static str) -> Self {
        self.also_fails.push((status, description, T::schema));
        self
    }

    fn describe(&self, method: &str, path: &str, all: &mut Schemas) -> Value {
        let mut parameters = Vec::new();
        if let (Some(schema), Some(name)) = (self.path_parameter, parameter_name(path)) {
            parameters.push(json!({"name": name, "in": "path", "required": true, "schema": schema(all)}));
        }
        if let Some(schema) = self.query {
            // Not a component: its members are the parameters.
            let mut apart = Schemas::default();
            let reference = schema(&mut apart);
            parameters.extend(apart.resolve(&reference).map(query_parameters).unwrap_or_default());
        }
        let content: Map<String, Value> = self
            .answers
            .iter()
            .map(|(media_type, schema)| ((*media_type).to_owned(), json!({"schema": schema(all)})))
            .collect();
        let headers: Map<String, Value> = self.headers.iter().map(|name| describe_header(name)).collect();
        let error = json!({
            "description": "An error.",
            "content": {"application/json": {"schema": ErrorBody::schema(all)}},
        });
        let done = json!({"description": self.summary, "headers": headers, "content": content});
        let mut operation = json!({
            "summary": self.summary, "operationId": operation_id(method, path),
            "parameters": parameters, "responses": {"200": done, "default": error},
        });
        if let Some((media_type, schema)) = self.takes {
            let schema = schema(all);
            let body = if schema == json!({}) { json!({}) } else { json!({"schema": schema}) };
            operation["requestBody"] = json!({"required": true, "content": {media_type: body}});
        }
        for (status, description, schema) in &self.also_fails {
            let either = json!({"anyOf": [ErrorBody::schema(all), schema(all)]});
            operation["responses"][*status] = json!({
                "description": description, "content": {"application/json": {"schema": either}},
            });
        }
        operation
    }
}

fn describe_header(name: &str) -> (String, Value) {
    let (description, kind, required) = if name == HEIGHT_HEADER {
        ("Height of the block after which this is true.", "integer", true)
    } else {
        ("`from` of the next part; absent on the last one.", "string", false)
    };
    (name.to_owned(), json!({"description": description, "required": required, "schema": {"type": kind}}))
}

/// The members of an object as parameters of a query.
fn query_parameters(schema: &Value) -> Vec<Value> {
    let members = schema["properties"].as_object().into_iter().flatten();
    let parameter = |(name, schema): (&String, &Value)| {
        // What may be left out is so, rather than null.
        let mut inner = schema["anyOf"][0].clone();
        if inner.is_null() {
            inner = schema.clone();
        }
        let description = &schema["description"];
        json!({"name": name, "in": "query", "required": false, "description": description, "schema": inner})
    };
    members.map(parameter).collect()
}

fn parameter_name(path: &str) -> Option<&str> {
    path.split_once('{')?.1.split_once('}').map(|(name, _)| name)
}

/// `/api/v1/bags/{bag}/objects` as `bagsBagObjects`. Outside the interface proper a path may have several
/// methods, which are then told apart.
fn operation_id(method: &str, path: &str) -> String {
    let path = if path == GRAPHQL_PATH { &format!("{method}{path}") } else { path };
    let parts = path.trim_start_matches("/api/v1").split(|char: char| !char.is_ascii_alphanumeric());
    argosy_api::wire::camel_case(&parts.filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_"))
}

/// A router in the making, and its description.
pub(crate) struct Routes {
    router: Router<App>,
    paths: Map<String, Value>,
    schemas: Schemas,
}

impl Routes {
    pub(crate) fn new() -> Self {
        Self { router: Router::new(), paths: Map::new(), schemas: Schemas::default() }
    }

    /// A route for `GET`.
    pub(crate) fn get(self, path: &'static str, operation: Operation, handler: MethodRouter<App>) -> Self {
        self.add("get", path, &operation, handler)
    }

    /// A route for `POST`.
    pub(crate) fn post(self, path: &'static str, operation: Operation, handler: MethodRouter<App>) -> Self {
        self.add("post", path, &operation, handler)
    }

    fn add(
        mut self,
        method: &str,
        path: &'static str,
        operation: &Operation,
        handler: MethodRouter<App>,
    ) -> Self {
        let described = operation.describe(method, path, &mut self.schemas);
        let methods = self.paths.entry(path).or_insert_with(|| json!({}));
        methods[method] = described;
        Self { router: self.router.route(path, handler), ..self }
    }

    /// The router, with a route for its own description.
    pub(crate) fn finish(self) -> Router<App> {
        let document = Arc::new(json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Argosy directory node",
                "version": "1",
                "description": "Ids and amounts of money are texts; counts, bytes, heights and times (in milliseconds since 1970) are numbers.",
                "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
            },
            "paths": self.paths,
            "components": {"schemas": self.schemas.into_json()},
        }));
        self.router.route(DOCUMENT_PATH, get(move || ready(Json(Value::clone(&document)))))
    }
}
