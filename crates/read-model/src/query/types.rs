//! What can be filtered and ordered by: made from the entities once, for the schema and for statements.

use crate::{
    entities::{ENTITIES, entity},
    entity::{Composite, Entity, Field, Items, Kind, Scalar, Union, column},
};
use std::collections::HashMap;

/// A condition's last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    NotEq,
    Gt,
    Gte,
    Lt,
    Lte,
    In,
    NotIn,
    Contains,
    NotContains,
    ContainsInsensitive,
    NotContainsInsensitive,
    StartsWith,
    NotStartsWith,
    EndsWith,
    NotEndsWith,
}

const TEXT_OPS: &[Op] = &[
    Op::Eq,
    Op::NotEq,
    Op::Gt,
    Op::Gte,
    Op::Lt,
    Op::Lte,
    Op::In,
    Op::NotIn,
    Op::Contains,
    Op::NotContains,
    Op::ContainsInsensitive,
    Op::NotContainsInsensitive,
    Op::StartsWith,
    Op::NotStartsWith,
    Op::EndsWith,
    Op::NotEndsWith,
];
const NUMBER_OPS: &[Op] = &[Op::Eq, Op::NotEq, Op::Gt, Op::Gte, Op::Lt, Op::Lte, Op::In, Op::NotIn];
const FLAG_OPS: &[Op] = &[Op::Eq, Op::NotEq];
const ENUM_OPS: &[Op] = &[Op::Eq, Op::NotEq, Op::In, Op::NotIn];

impl Op {
    const fn suffix(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::NotEq => "not_eq",
            Self::Gt => "gt",
            Self::Gte => "gte",
            Self::Lt => "lt",
            Self::Lte => "lte",
            Self::In => "in",
            Self::NotIn => "not_in",
            Self::Contains => "contains",
            Self::NotContains => "not_contains",
            Self::ContainsInsensitive => "containsInsensitive",
            Self::NotContainsInsensitive => "not_containsInsensitive",
            Self::StartsWith => "startsWith",
            Self::NotStartsWith => "not_startsWith",
            Self::EndsWith => "endsWith",
            Self::NotEndsWith => "not_endsWith",
        }
    }

    pub(crate) const fn takes_list(self) -> bool {
        matches!(self, Self::In | Self::NotIn)
    }
}

const fn ops(scalar: Scalar) -> &'static [Op] {
    match scalar {
        Scalar::Text => TEXT_OPS,
        Scalar::Int | Scalar::BigInt | Scalar::Float | Scalar::DateTime => NUMBER_OPS,
        Scalar::Boolean => FLAG_OPS,
        Scalar::Enum(_) => ENUM_OPS,
    }
}

/// How a list in a row is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListOp {
    All,
    Any,
    None,
}

/// Which rows of another entity must fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Some,
    None,
    Every,
}

/// What a key of a filter asks for. Columns are found from where in the row the filter applies.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Condition {
    And,
    Or,
    /// Compares a column.
    Compare(&'static str, Scalar, Op),
    /// Compares the name of a union's variant.
    Variant(Op),
    /// Whether there is nothing.
    IsNull(&'static Field),
    /// Compares a list of texts.
    List(&'static str, ListOp),
    /// Looks into an object or a union.
    Inner(&'static str, &'static str),
    /// Looks into a row of another entity: field and entity.
    One(&'static str, &'static str),
    /// Looks into the row of another entity that refers to this one: entity and its field.
    Back(&'static str, &'static str),
    /// Looks into the rows of another entity that refer to this one: entity and its field.
    Many(Quantifier, &'static str, &'static str),
}

/// What a filter of some type may say.
#[derive(Debug)]
pub(crate) struct WhereType {
    /// Keys in the order of the schema, each with the type of its value.
    pub(crate) keys: Vec<(String, ValueType, Condition)>,
    by_key: HashMap<String, usize>,
}

/// The GraphQL type of a value: its name, and whether it is a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueType {
    pub(crate) name: String,
    pub(crate) list: bool,
}

/// One thing to order by.
#[derive(Clone, Debug)]
pub(crate) struct OrderKey {
    /// Without direction.
    pub(crate) name: String,
    /// The other entity and how it is found, if the column is not the row's own.
    pub(crate) through: Option<Through>,
    /// Which column.
    pub(crate) column: String,
    /// Whether it can be null.
    pub(crate) nullable: bool,
}

/// How another row is found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Through {
    /// Its id is in this column.
    One(&'static str, &'static str),
    /// Its column of this name has our id.
    Back(&'static str, &'static str),
}

/// Directions, with the place of nulls; the first two place them as PostgreSQL does by itself.
pub(crate) const DIRECTIONS: [(&str, Direction); 6] = [
    ("ASC", Direction { descending: false, nulls_first: false }),
    ("DESC", Direction { descending: true, nulls_first: true }),
    ("ASC_NULLS_FIRST", Direction { descending: false, nulls_first: true }),
    ("ASC_NULLS_LAST", Direction { descending: false, nulls_first: false }),
    ("DESC_NULLS_FIRST", Direction { descending: true, nulls_first: true }),
    ("DESC_NULLS_LAST", Direction { descending: true, nulls_first: false }),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Direction {
    pub(crate) descending: bool,
    pub(crate) nulls_first: bool,
}

/// All of it.
#[derive(Debug)]
pub(crate) struct Types {
    filters: HashMap<String, WhereType>,
    orders: HashMap<&'static str, HashMap<String, (OrderKey, Direction)>>,
}

/// Name of the filter of a type.
pub(crate) fn where_name(name: &str) -> String {
    format!("{name}WhereInput")
}

impl Types {
    pub(crate) fn new() -> Self {
        let mut filters = HashMap::new();
        let mut orders = HashMap::new();
        for entity in ENTITIES {
            add_filters(&mut filters, entity.name, entity.fields, true, None);
            let keys = order_keys(entity).into_iter().flat_map(|key| {
                DIRECTIONS
                    .map(|(suffix, direction)| (format!("{}_{suffix}", key.name), (key.clone(), direction)))
            });
            orders.insert(entity.name, keys.collect());
        }
        Self { filters, orders }
    }

    pub(crate) fn filter(&self, name: &str) -> Option<&WhereType> {
        self.filters.get(name)
    }

    /// All filters, by name.
    pub(crate) fn filters(&self) -> Vec<(&String, &WhereType)> {
        let mut all: Vec<_> = self.filters.iter().collect();
        all.sort_by_key(|(name, _)| *name);
        all
    }

    pub(crate) fn order(&self, entity: &Entity, name: &str) -> Option<&(OrderKey, Direction)> {
        self.orders.get(entity.name)?.get(name)
    }
}

impl WhereType {
    pub(crate) fn condition(&self, key: &str) -> Option<Condition> {
        let (.., condition) = self.keys.get(*self.by_key.get(key)?)?;
        Some(*condition)
    }
}

/// Adds the filter of a type, and those of objects and unions in it.
fn add_filters(
    all: &mut HashMap<String, WhereType>,
    name: &str,
    fields: &'static [Field],
    logic: bool,
    variant: Option<&'static Union>,
) {
    let mut keys: Vec<(String, ValueType, Condition)> = Vec::new();
    if variant.is_some() {
        keys.extend(compare_keys("isTypeOf", Scalar::Text, Condition::Variant));
    }
    let variants = variant.into_iter().flat_map(|union| union.variants).flat_map(|one| one.fields);
    for field in fields.iter().chain(variants) {
        let named: Vec<_> = field_keys(field);
        if keys.iter().all(|(key, ..)| named.iter().all(|(new, ..)| new != key)) {
            keys.extend(named);
        }
        match field.kind {
            Kind::Object(Composite { name, fields }) => add_filters(all, name, fields, false, None),
            Kind::Union(union) => add_filters(all, union.name, &[], false, Some(union)),
            Kind::Scalar(_) | Kind::List(_) | Kind::One(_) | Kind::Back(..) | Kind::Many(..) => {}
        }
    }
    if logic {
        let list = ValueType { name: where_name(name), list: true };
        keys.push(("AND".to_owned(), list.clone(), Condition::And));
        keys.push(("OR".to_owned(), list, Condition::Or));
    }
    let by_key = keys.iter().zip(0..).map(|((key, ..), at)| (key.clone(), at)).collect();
    all.insert(where_name(name), WhereType { keys, by_key });
}

fn compare_keys(
    name: &str,
    scalar: Scalar,
    condition: impl Fn(Op) -> Condition,
) -> Vec<(String, ValueType, Condition)> {
    let key = |op: &Op| {
        let value = ValueType { name: scalar.type_name().to_owned(), list: op.takes_list() };
        (format!("{name}_{}", op.suffix()), value, condition(*op))
    };
    ops(scalar).iter().map(key).collect()
}

fn field_keys(field: &'static Field) -> Vec<(String, ValueType, Condition)> {
    let name = field.name;
    let flag = ValueType { name: "Boolean".to_owned(), list: false };
    let is_null = (format!("{name}_isNull"), flag, Condition::IsNull(field));
    let inner = |kind: &str, condition| {
        let value = ValueType { name: where_name(kind), list: false };
        vec![is_null.clone(), (name.to_owned(), value, condition)]
    };
    match field.kind {
        Kind::Scalar(scalar) => {
            let mut keys = vec![is_null];
            keys.extend(compare_keys(name, scalar, |op| Condition::Compare(name, scalar, op)));
            keys
        }
        Kind::Object(object) => inner(object.name, Condition::Inner(name, object.name)),
        Kind::Union(union) => inner(union.name, Condition::Inner(name, union.name)),
        Kind::One(target) => inner(target, Condition::One(name, target)),
        Kind::Back(target, via) => inner(target, Condition::Back(target, via)),
        Kind::List(Items::Texts) => {
            let ops = [("All", ListOp::All), ("Any", ListOp::Any), ("None", ListOp::None)];
            let key = |(suffix, op)| {
                let value = ValueType { name: "String".to_owned(), list: true };
                (format!("{name}_contains{suffix}"), value, Condition::List(name, op))
            };
            std::iter::once(is_null).chain(ops.map(key)).collect()
        }
        Kind::List(Items::Union(_)) => vec![is_null],
        Kind::Many(target, via) => {
            let quantifiers =
                [("every", Quantifier::Every), ("some", Quantifier::Some), ("none", Quantifier::None)];
            let key = |(suffix, quantifier)| {
                let value = ValueType { name: where_name(target), list: false };
                (format!("{name}_{suffix}"), value, Condition::Many(quantifier, target, via))
            };
            quantifiers.map(key).into()
        }
    }
}

/// What rows of an entity can be ordered by: its own columns, and those of rows that it refers to.
pub(crate) fn order_keys(of: &Entity) -> Vec<OrderKey> {
    let mut keys = column_keys("", "", of.fields);
    for field in of.fields {
        let (target, through) = match field.kind {
            Kind::One(target) => (target, Through::One(field.name, target)),
            Kind::Back(target, via) => (target, Through::Back(target, via)),
            Kind::Scalar(_) | Kind::Object(_) | Kind::Union(_) | Kind::List(_) | Kind::Many(..) => continue,
        };
        let theirs = column_keys("", "", entity(target).fields);
        keys.extend(theirs.into_iter().map(|key| OrderKey {
            name: format!("{}_{}", field.name, key.name),
            through: Some(through),
            nullable: key.nullable || field.nullable,
            ..key
        }));
    }
    keys
}

/// Keys of fields whose columns are in the row.
fn column_keys(path: &str, prefix: &str, fields: &'static [Field]) -> Vec<OrderKey> {
    let mut keys: Vec<OrderKey> = Vec::new();
    let mut add = |key: OrderKey| {
        if keys.iter().all(|known| known.name != key.name) {
            keys.push(key);
        }
    };
    for field in fields {
        let column = column(path, field.name);
        let name = format!("{prefix}{}", field.name);
        match field.kind {
            Kind::Scalar(_) => {
                let nullable = field.nullable || !path.is_empty();
                add(OrderKey { name, through: None, column, nullable });
            }
            Kind::Object(object) => {
                column_keys(&column, &format!("{name}_"), object.fields).into_iter().for_each(&mut add);
            }
            Kind::Union(union) => {
                let tag = format!("{name}_isTypeOf");
                add(OrderKey { name: tag, through: None, column: column.clone(), nullable: field.nullable });
                for variant in union.variants {
                    column_keys(&column, &format!("{name}_"), variant.fields).into_iter().for_each(&mut add);
                }
            }
            Kind::List(_) | Kind::One(_) | Kind::Back(..) | Kind::Many(..) => {}
        }
    }
    keys
}
