//! The GraphQL schema, made from the entities. The library keeps it, validates against it and answers
//! introspection; the rows are fetched by `fetch`.

use super::{
    limits::MAX_INTROSPECTION_FIELDS,
    types::{DIRECTIONS, Types, ValueType, order_keys, where_name},
};
use crate::{
    entities::ENTITIES,
    entity::{Composite, Entity, EnumType, Field as Entry, Items, Kind, Scalar as Column, Union as Choice},
    value::{parse_time, wide_operand},
};
use async_graphql::{
    ServerError, ServerResult, Value,
    dynamic::{
        Enum, Field, FieldFuture, InputObject, InputValue, Object, Scalar, Schema, SchemaBuilder,
        SchemaError, TypeRef, Union,
    },
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextResolve, ResolveInfo},
};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Name of the type with all root fields.
const QUERY: &str = "Query";

/// Name of the first letter in capitals.
fn capital(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// Root fields of an entity.
pub(crate) fn root_names(entity: &Entity) -> [String; 4] {
    let mut chars = entity.name.chars();
    let single: String =
        chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect();
    [
        entity.plural.to_owned(),
        format!("{single}ById"),
        format!("{single}ByUniqueInput"),
        format!("{}Connection", entity.plural),
    ]
}

/// Types made so far; several entities share some.
struct Made {
    builder: SchemaBuilder,
    names: BTreeSet<String>,
}

impl Made {
    /// Whether a type of this name is still to be made.
    fn is_new(&mut self, name: &str) -> bool {
        self.names.insert(name.to_owned())
    }

    fn add(&mut self, kind: impl Into<async_graphql::dynamic::Type>) {
        let empty = Schema::build(QUERY, None, None);
        let builder = std::mem::replace(&mut self.builder, empty);
        self.builder = builder.register(kind);
    }
}

/// The schema of all entities.
pub(crate) fn build(types: &Types) -> Result<Schema, SchemaError> {
    let builder = Schema::build(QUERY, None, None).extension(Shortcut).disable_suggestions();
    let mut made = Made { builder, names: BTreeSet::new() };
    let mut query = Object::new(QUERY);
    for entity in ENTITIES {
        query = add_roots(query, entity);
        add_entity(&mut made, entity);
    }
    for (name, filter) in types.filters() {
        let fields = filter.keys.iter().map(|(key, value, _)| InputValue::new(key, input_type(value)));
        made.add(fields.fold(InputObject::new(name), InputObject::field));
    }
    add_fixed(&mut made);
    let squid =
        field("squidStatus", TypeRef::named("SquidStatus")).description("How far the index has come.");
    let version = field("squidVersion", TypeRef::named_nn("SquidVersion"));
    made.add(query.field(squid).field(version));
    made.builder.finish()
}

/// A field without a resolver of its own: see [`Shortcut`].
fn field(name: impl Into<String>, kind: TypeRef) -> Field {
    Field::new(name, kind, |_| FieldFuture::Value(None))
}

fn input_type(value: &ValueType) -> TypeRef {
    if value.list { TypeRef::named_nn_list(&value.name) } else { TypeRef::named(&value.name) }
}

fn list_arguments(field: Field, entity: &str) -> Field {
    field
        .argument(InputValue::new("where", TypeRef::named(where_name(entity))))
        .argument(InputValue::new("orderBy", TypeRef::named_nn_list(order_name(entity))))
        .argument(InputValue::new("offset", TypeRef::named(TypeRef::INT)))
        .argument(InputValue::new("limit", TypeRef::named(TypeRef::INT)))
}

fn order_name(entity: &str) -> String {
    format!("{entity}OrderByInput")
}

fn add_roots(query: Object, entity: &Entity) -> Object {
    let [list, by_id, by_unique, connection] = root_names(entity);
    let connection_type = format!("{}Connection", capital(entity.plural));
    let unique = InputValue::new("where", TypeRef::named_nn("WhereIdInput"));
    let order = InputValue::new("orderBy", TypeRef::named_nn_list_nn(order_name(entity.name)));
    let connection = field(connection, TypeRef::named_nn(connection_type))
        .argument(order)
        .argument(InputValue::new("after", TypeRef::named(TypeRef::STRING)))
        .argument(InputValue::new("first", TypeRef::named(TypeRef::INT)))
        .argument(InputValue::new("where", TypeRef::named(where_name(entity.name))));
    let id = InputValue::new("id", TypeRef::named_nn(TypeRef::STRING));
    query
        .field(list_arguments(field(list, TypeRef::named_nn_list_nn(entity.name)), entity.name))
        .field(field(by_id, TypeRef::named(entity.name)).argument(id))
        .field(field(by_unique, TypeRef::named(entity.name)).argument(unique))
        .field(connection)
}

fn add_entity(made: &mut Made, entity: &Entity) {
    let object = Object::new(entity.name).description(entity.doc);
    add_fields(made, object, entity.fields);
    let edge = format!("{}Edge", entity.name);
    made.add(
        Object::new(&edge)
            .field(field("node", TypeRef::named_nn(entity.name)))
            .field(field("cursor", TypeRef::named_nn(TypeRef::STRING))),
    );
    made.add(
        Object::new(format!("{}Connection", capital(entity.plural)))
            .field(field("edges", TypeRef::named_nn_list_nn(edge)))
            .field(field("pageInfo", TypeRef::named_nn("PageInfo")))
            .field(field("totalCount", TypeRef::named_nn(TypeRef::INT))),
    );
    let names = order_keys(entity)
        .into_iter()
        .flat_map(|key| DIRECTIONS.map(|(suffix, _)| format!("{}_{suffix}", key.name)));
    made.add(Enum::new(order_name(entity.name)).items(names));
}

fn add_fields(made: &mut Made, object: Object, fields: &[Entry]) {
    let object = fields.iter().fold(object, |object, entry| object.field(output(made, entry)));
    made.add(object);
}

fn output(made: &mut Made, entry: &Entry) -> Field {
    let name = match entry.kind {
        Kind::Scalar(scalar) => {
            add_enum(made, scalar);
            scalar.type_name()
        }
        Kind::Object(object) => {
            add_composite(made, object);
            object.name
        }
        Kind::Union(union) | Kind::List(Items::Union(union)) => {
            add_union(made, union);
            union.name
        }
        Kind::List(Items::Texts) => TypeRef::STRING,
        Kind::One(target) | Kind::Back(target, _) | Kind::Many(target, _) => target,
    };
    let kind = match entry.kind {
        Kind::Many(..) => TypeRef::named_nn_list_nn(name),
        Kind::List(_) if entry.nullable => TypeRef::named_nn_list(name),
        Kind::List(_) => TypeRef::named_nn_list_nn(name),
        Kind::Scalar(_) | Kind::Object(_) | Kind::Union(_) | Kind::One(_) | Kind::Back(..) => {
            if entry.nullable { TypeRef::named(name) } else { TypeRef::named_nn(name) }
        }
    };
    let made = field(entry.name, kind);
    let made = if matches!(entry.kind, Kind::Many(..)) { list_arguments(made, name) } else { made };
    if entry.doc.is_empty() { made } else { made.description(entry.doc) }
}

fn add_enum(made: &mut Made, scalar: Column) {
    if let Column::Enum(EnumType { name, values }) = scalar
        && made.is_new(name)
    {
        made.add(Enum::new(*name).items(values.iter().copied()));
    }
}

fn add_composite(made: &mut Made, composite: &Composite) {
    if made.is_new(composite.name) {
        add_fields(made, Object::new(composite.name), composite.fields);
    }
}

fn add_union(made: &mut Made, union: &Choice) {
    if !made.is_new(union.name) {
        return;
    }
    union.variants.iter().for_each(|variant| add_composite(made, variant));
    let names = union.variants.iter().map(|variant| variant.name);
    made.add(names.fold(Union::new(union.name), Union::possible_type));
}

/// Types that belong to no entity.
fn add_fixed(made: &mut Made) {
    let big = Scalar::new("BigInt").description("A whole number, as a text of decimal digits.");
    made.add(big.validator(|value| match value {
        Value::String(text) => wide_operand(text).is_some(),
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Null
        | Value::Boolean(_)
        | Value::Binary(_)
        | Value::Enum(_)
        | Value::List(_)
        | Value::Object(_) => false,
    }));
    let time = Scalar::new("DateTime").description("A time in UTC, as in 2025-11-21T12:00:00.000000Z.");
    made.add(time.validator(|value| matches!(value, Value::String(text) if parse_time(text).is_some())));
    let id = InputValue::new("id", TypeRef::named_nn(TypeRef::STRING));
    made.add(InputObject::new("WhereIdInput").field(id));
    made.add(
        Object::new("PageInfo")
            .field(field("hasNextPage", TypeRef::named_nn(TypeRef::BOOLEAN)))
            .field(field("hasPreviousPage", TypeRef::named_nn(TypeRef::BOOLEAN)))
            .field(field("startCursor", TypeRef::named_nn(TypeRef::STRING)))
            .field(field("endCursor", TypeRef::named_nn(TypeRef::STRING))),
    );
    let height =
        field("height", TypeRef::named(TypeRef::INT)).description("Height of the newest indexed block.");
    made.add(Object::new("SquidStatus").field(height));
    let version = field("version", TypeRef::named_nn(TypeRef::STRING));
    made.add(Object::new("SquidVersion").field(version.description("Version of this program.")));
}

/// Lets the library validate a query and answer introspection, and leaves the root fields of rows to us:
/// they come out null. Bounds introspection, which can be made to repeat the schema many times.
struct Shortcut;

/// Per request.
struct Meter(AtomicU64);

impl ExtensionFactory for Shortcut {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Meter(AtomicU64::new(0)))
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for Meter {
    async fn resolve(
        &self,
        context: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        if info.parent_type == QUERY {
            return Ok(None);
        }
        if self.0.fetch_add(1, Ordering::Relaxed) >= MAX_INTROSPECTION_FIELDS {
            return Err(ServerError::new("the introspection asks for too much at once", None));
        }
        next.run(context, info).await
    }
}
